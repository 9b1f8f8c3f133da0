//! The rules that say whether a block had room, and what the lane costs after it. Nothing here touches storage.

use polkadot_sdk::{
    frame_support::weights::Weight,
    sp_runtime::{
        FixedU128, Perbill,
        traits::{One, Saturating},
    },
};

/// Rule by which the lane's price follows the lane's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Share of a block by urgent calls at which the price stays as it is.
    pub target: Perbill,
    /// Part of the difference from the target by which each block changes the price.
    pub speed: Perbill,
}

/// Room that the calls of a block used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Weight of its ordinary calls.
    pub ordinary: Weight,
    /// Weight of all its calls, urgent ones included.
    pub all: Weight,
    /// Bytes of the block.
    pub bytes: u32,
}

/// Room that the calls of a block may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Weight of ordinary calls.
    pub ordinary: Weight,
    /// Weight of all calls.
    pub all: Weight,
    /// Bytes of a block in which an ordinary call still fits.
    pub bytes: u32,
}

/// Whether a block had room: none of what it used, in time, in proof size or in bytes, reached this share of its limit.
pub fn has_room(used: &Used, limits: &Limits, full_share: Perbill) -> bool {
    !used.ordinary.any_gte(full_share * limits.ordinary)
        && !used.all.any_gte(full_share * limits.all)
        && used.bytes < full_share * limits.bytes
}

/// The lane's fee multiplier after a block in which urgent calls used this much of what all calls may. It is never less
/// than one.
pub fn next_multiplier(multiplier: FixedU128, used: Weight, limit: Weight, lane: Lane) -> FixedU128 {
    let time = Perbill::from_rational(used.ref_time(), limit.ref_time());
    let proof = Perbill::from_rational(used.proof_size(), limit.proof_size());
    let share = FixedU128::from(time.max(proof));
    let (target, speed) = (FixedU128::from(lane.target), FixedU128::from(lane.speed));
    // Saturating: a multiplier that saturates is more than anybody can pay, and the differences are not negative.
    let change = |difference: FixedU128| multiplier.saturating_mul(speed.saturating_mul(difference));
    let next = match share >= target {
        true => multiplier.saturating_add(change(share.saturating_sub(target))),
        false => multiplier.saturating_sub(change(target.saturating_sub(share))),
    };
    next.max(FixedU128::one())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        ordinary: Weight::from_parts(800, 8_000),
        all: Weight::from_parts(1_000, 10_000),
        bytes: 400,
    };
    const SHARE: Perbill = Perbill::from_percent(75);
    /// A block full of urgent calls raises the price by 7.5 %, one without lowers it by 2.5 %.
    const LANE: Lane = Lane {
        target: Perbill::from_percent(25),
        speed: Perbill::from_percent(10),
    };

    #[test]
    fn each_limit_by_itself_makes_a_block_full() {
        let used = |ordinary, all, bytes| Used { ordinary, all, bytes };
        let below = (Weight::from_parts(599, 5_999), Weight::from_parts(749, 7_499));
        assert!(has_room(&used(below.0, below.1, 299), &LIMITS, SHARE));
        for full in [
            used(Weight::from_parts(600, 0), below.1, 0),
            used(Weight::from_parts(0, 6_000), below.1, 0),
            used(below.0, Weight::from_parts(750, 0), 0),
            used(below.0, Weight::from_parts(0, 7_500), 0),
            used(below.0, below.1, 300),
        ] {
            assert!(!has_room(&full, &LIMITS, SHARE), "{full:?}");
        }
    }

    #[test]
    fn the_lanes_price_follows_how_full_it_is_within_tens_of_blocks() {
        let after = |start: FixedU128, blocks: u32, percent: u64| {
            let used = LIMITS.all * percent / 100;
            (0..blocks).fold(start, |price, _| next_multiplier(price, used, LIMITS.all, LANE))
        };
        let one = FixedU128::one();
        assert_eq!(after(one, 100, 25), one);
        assert_eq!(
            after(one, 100, 0),
            one,
            "urgent calls are never cheaper than on a quiet chain"
        );
        let dear = after(one, 32, 100);
        assert!(
            dear > FixedU128::from_u32(10) && dear < FixedU128::from_u32(11),
            "{dear:?}"
        );
        assert!(after(dear, 100, 0) < FixedU128::from_rational(3, 2));
    }

    proptest! {
        #[test]
        fn more_use_never_makes_room(
            time in 0u64..2_000, proof in 0u64..20_000, urgent in 0u64..2_000, bytes in 0u32..1_000,
            more in 0u64..2_000, more_bytes in 0u32..1_000,
        ) {
            let used = |more: u64, more_bytes| {
                let ordinary = Weight::from_parts(time + more, proof + more);
                Used { ordinary, all: ordinary + Weight::from_parts(urgent, urgent), bytes: bytes + more_bytes }
            };
            if has_room(&used(more, more_bytes), &LIMITS, SHARE) {
                prop_assert!(has_room(&used(0, 0), &LIMITS, SHARE));
            }
        }
    }
}
