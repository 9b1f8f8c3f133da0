//! Tips for calls by which their sender loses money if they come too late: a pure function of the blocks that are
//! left.

use super::types::{Balance, BlockNumber};
use polkadot_sdk::sp_runtime::Perbill;

/// Blocks before the deadline from which on a tip is paid.
pub const HORIZON_BLOCKS: BlockNumber = 12;

/// Amount that the sender of a call loses if the call is not in a block in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stakes {
    /// Money that is lost.
    pub amount: Balance,
    /// Last moment of Assay time at which the call counts.
    pub deadline: BlockNumber,
}

/// Tips of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tipping {
    /// Maximum share of what is at stake.
    pub max_share: Perbill,
    /// Amount at stake; `None` if the call can wait.
    pub stakes: Option<Stakes>,
}

impl Tipping {
    /// No tip, however late it is.
    pub const NONE: Self = Self {
        max_share: Perbill::zero(),
        stakes: None,
    };

    /// The tip for a transaction that is signed after a block of the moment `now`.
    ///
    /// The maximum is paid in the last block that counts, half of it one block earlier, a quarter two blocks earlier,
    /// and nothing before [`HORIZON_BLOCKS`] or after the deadline, when the call saves nothing.
    pub fn at(&self, now: BlockNumber) -> Balance {
        let Some(stakes) = self.stakes else { return 0 };
        let left = stakes.deadline.saturating_sub(now);
        if left == 0 || left > HORIZON_BLOCKS {
            return 0;
        }
        (self.max_share * stakes.amount) >> (left - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tipping(amount: Balance, percent: u32) -> Tipping {
        Tipping {
            max_share: Perbill::from_percent(percent),
            stakes: Some(Stakes { amount, deadline: 100 }),
        }
    }

    #[test]
    fn a_tip_doubles_with_each_block_up_to_the_configured_share() {
        let tips: Vec<Balance> = [87, 88, 96, 97, 98, 99, 100, 200]
            .map(|best| tipping(409_600, 1).at(best))
            .into();
        assert_eq!(tips, [0, 2, 512, 1_024, 2_048, 4_096, 0, 0]);
    }

    #[test]
    fn a_tip_never_falls_as_the_deadline_comes_near_and_never_exceeds_the_share() {
        for amount in [0, 1, 999, Balance::MAX / 2, Balance::MAX] {
            let tipping = tipping(amount, 3);
            let tips: Vec<Balance> = (0..100).map(|best| tipping.at(best)).collect();
            assert!(tips.is_sorted(), "{amount}");
            assert!(
                tips.iter().all(|tip| *tip <= Perbill::from_percent(3) * amount),
                "{amount}"
            );
        }
    }

    #[test]
    fn what_can_wait_is_not_tipped() {
        assert_eq!(Tipping::NONE.at(99), 0);
        assert_eq!(tipping(1_000_000, 0).at(99), 0);
    }
}
