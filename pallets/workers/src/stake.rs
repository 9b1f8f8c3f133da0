//! The arithmetic of stake: what a job locks, what a slash pays, what unbonds and when. Nothing here touches storage.

use crate::{Piece, Pieces};
use assay_types::Slashed;
use polkadot_sdk::sp_runtime::{
    FixedPointNumber, FixedPointOperand, FixedU128, Perbill,
    traits::{AtLeast32BitUnsigned, Zero},
};

/// Reasons for which stake cannot be unbonded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannotUnbond {
    /// More than the part of the stake that is not locked.
    MoreThanFree,
    /// Less would remain than the minimum stake of a worker.
    BelowMinimum,
}

/// The stake that a job of this price locks: `max(floor, price · per_price)`, rounded down.
///
/// It saturates: a price whose lock does not fit the type locks more than anybody has, so nobody gets such a job.
pub fn lock_for_price<B: FixedPointOperand + Ord>(price: B, floor: B, per_price: FixedU128) -> B {
    per_price.saturating_mul_int(price).max(floor)
}

/// Amount that a proved fault costs a worker with `stake`, for a job that locks `lock`: a share of the whole stake, at
/// least the lock, and no more than there is. After an earlier conviction there may be less than the lock.
pub fn fault_cost<B: AtLeast32BitUnsigned + Copy>(stake: B, lock: B, share: Perbill) -> B {
    share.mul_floor(stake).max(lock).min(stake)
}

/// Parts a slash of `amount`: `paid` to the beneficiary, though no more than there is, and the rest burned; all burned
/// where the beneficiary cannot receive it.
pub fn split_slash<B: AtLeast32BitUnsigned + Copy>(amount: B, paid: B, can_receive: bool) -> Slashed<B> {
    let paid = if can_receive { paid.min(amount) } else { Zero::zero() };
    Slashed {
        paid,
        burned: amount.saturating_sub(paid),
    } // `paid` is at most `amount`.
}

/// Parts of a slash: each award, and the burned rest. Together they are the whole slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares<AccountId, Balance> {
    /// The beneficiaries, and the amount that each was paid; zero where the beneficiary could not receive it.
    pub paid: [(AccountId, Balance); 2],
    /// The rest.
    pub burned: Balance,
}

/// Shares out a slash of `amount`: each award in its order as far as there is anything left, and the rest burned.
/// `pay` pays a beneficiary and says whether it could receive that; it is not asked about nothing.
pub fn share_slash<AccountId, B, E>(
    amount: B,
    awards: [(AccountId, B); 2],
    mut pay: impl FnMut(&AccountId, B) -> Result<bool, E>,
) -> Result<Shares<AccountId, B>, E>
where
    B: AtLeast32BitUnsigned + Copy,
{
    let mut shares = Shares {
        paid: awards,
        burned: amount,
    };
    for (beneficiary, award) in &mut shares.paid {
        let due = (*award).min(shares.burned);
        let received = !due.is_zero() && pay(beneficiary, due)?;
        let split = split_slash(shares.burned, due, received);
        *award = split.paid;
        shares.burned = split.burned;
    }
    Ok(shares)
}

/// The stake that remains after `amount` of it unbonds.
pub fn unbond<B: AtLeast32BitUnsigned + Copy>(stake: B, locked: B, amount: B, minimum: B) -> Result<B, CannotUnbond> {
    let remaining = stake.checked_sub(&amount).ok_or(CannotUnbond::MoreThanFree)?;
    if remaining < locked {
        return Err(CannotUnbond::MoreThanFree);
    }
    if remaining < minimum {
        return Err(CannotUnbond::BelowMinimum);
    }
    Ok(remaining)
}

/// Adds stake that unbonds. Pieces for the same block become one; `None` if there is no place for another.
///
/// `until` is never before that of an earlier piece, since all wait equally long.
pub fn add_piece<B, N>(mut pieces: Pieces<B, N>, amount: B, until: N) -> Option<Pieces<B, N>>
where
    B: AtLeast32BitUnsigned + Copy,
    N: PartialEq,
{
    match pieces.last_mut() {
        // Saturating: the pieces together are held of one account, whose balance fits the type.
        Some(last) if last.until == until => last.amount = last.amount.saturating_add(amount),
        _ => pieces.try_push(Piece { amount, until }).ok()?,
    }
    Some(pieces)
}

/// Parts the pieces into what is due at `now`, added up, and those that are not.
pub fn take_due<B, N>(mut pieces: Pieces<B, N>, now: N) -> (B, Pieces<B, N>)
where
    B: AtLeast32BitUnsigned + Copy,
    N: PartialOrd,
{
    let mut due = B::zero();
    pieces.retain(|piece| {
        let waits = piece.until > now;
        if !waits {
            due = due.saturating_add(piece.amount); // As in `add_piece`.
        }
        waits
    });
    (due, pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::limits::MAX_UNBONDING;
    use proptest::prelude::*;

    /// Balances as a chain of 10^12 units per token has them.
    fn balance() -> impl Strategy<Value = u128> {
        0..=10u128.pow(24)
    }

    /// Ratios of stake to price from nothing to a hundred times, in steps of a billionth.
    fn ratio() -> impl Strategy<Value = FixedU128> {
        (0..=100_000_000_000u128).prop_map(|billionths| FixedU128::from_inner(billionths * 1_000_000_000))
    }

    /// Amounts that a worker unbonds, and the blocks between them.
    fn withdrawals() -> impl Strategy<Value = Vec<(u128, u32)>> {
        prop::collection::vec((1..=10u128.pow(18), 0..5u32), 0..20)
    }

    proptest! {
        #[test]
        fn a_lock_is_the_price_times_the_ratio_and_at_least_the_floor(
            price in 0..=10u128.pow(20), floor in balance(), ratio in ratio(),
        ) {
            // Both factors in billionths fit 128 bits here.
            let exact = price * (ratio.into_inner() / 1_000_000_000) / 1_000_000_000;
            prop_assert_eq!(lock_for_price(price, floor, ratio), exact.max(floor));
        }

        #[test]
        fn a_dearer_job_locks_no_less(a in balance(), b in balance(), floor in balance(), ratio in ratio()) {
            prop_assert!(
                lock_for_price(a.min(b), floor, ratio) <= lock_for_price(a.max(b), floor, ratio)
            );
        }

        #[test]
        fn a_lock_too_large_for_the_type_is_the_greatest(price in u128::MAX / 2..=u128::MAX) {
            prop_assert_eq!(lock_for_price(price, 1, FixedU128::from_u32(3)), u128::MAX);
        }

        #[test]
        fn a_fault_costs_the_share_and_the_lock_at_least_as_far_as_the_stake_goes(
            stake in balance(), lock in balance(), parts in 0..=1_000_000_000u32,
        ) {
            let share = Perbill::from_parts(parts);
            let cost = fault_cost(stake, lock, share);
            prop_assert!(cost <= stake);
            prop_assert!(cost >= lock.min(stake) && cost >= share.mul_floor(stake));
            prop_assert!(cost <= lock.max(share.mul_floor(stake)));
        }

        #[test]
        fn a_slash_loses_and_makes_nothing(amount in balance(), paid in balance(), can_receive in any::<bool>()) {
            let slashed = split_slash(amount, paid, can_receive);
            prop_assert_eq!(slashed.paid + slashed.burned, amount);
            prop_assert!(slashed.paid <= paid);
            prop_assert!(can_receive || slashed.paid == 0);
            prop_assert!(!can_receive || slashed.paid == paid.min(amount));
        }

        #[test]
        fn what_a_slash_awards_and_burns_is_what_was_slashed(
            amount in balance(), awards in [balance(), balance()], can_receive in any::<[bool; 2]>(),
        ) {
            let mut received = 0;
            let wanted = [(0usize, awards[0]), (1, awards[1])];
            let shares = share_slash(amount, wanted, |beneficiary, due| {
                prop_assert!(due > 0);
                if can_receive[*beneficiary] {
                    received += due;
                }
                Ok(can_receive[*beneficiary])
            })?;
            let paid = shares.paid[0].1 + shares.paid[1].1;
            prop_assert_eq!(paid + shares.burned, amount);
            prop_assert_eq!(received, paid);
            for (beneficiary, award) in shares.paid {
                prop_assert!(award <= awards[beneficiary]);
                prop_assert!(can_receive[beneficiary] || award == 0);
            }
        }

        #[test]
        fn awards_that_a_slash_covers_are_paid_in_full(
            awards in [balance(), balance()], burned in balance(),
        ) {
            let wanted = [((), awards[0]), ((), awards[1])];
            let shares = share_slash(awards[0] + awards[1] + burned, wanted, |(), _| Ok::<_, ()>(true));
            prop_assert_eq!(shares, Ok(Shares { paid: wanted, burned }));
        }

        #[test]
        fn unbonding_leaves_the_locked_part_and_the_minimum(
            stake in balance(), locked in balance(), amount in balance(), minimum in balance(),
        ) {
            let locked = locked.min(stake);
            match unbond(stake, locked, amount, minimum) {
                Ok(remaining) => {
                    prop_assert_eq!(remaining + amount, stake);
                    prop_assert!(remaining >= locked && remaining >= minimum);
                }
                Err(CannotUnbond::MoreThanFree) => prop_assert!(amount > stake - locked),
                Err(CannotUnbond::BelowMinimum) => prop_assert!(stake - amount < minimum),
            }
        }

        #[test]
        fn what_unbonds_is_withdrawn_once_and_in_time(withdrawals in withdrawals(), wait in 1..30u32) {
            let mut pieces = Pieces::<u128, u32>::new();
            let (mut now, mut unbonded, mut withdrawn) = (0, 0, 0);
            for (amount, blocks) in withdrawals {
                now += blocks;
                let (due, rest) = take_due(pieces, now);
                prop_assert!(rest.iter().all(|piece| piece.until > now));
                withdrawn += due;
                pieces = match add_piece(rest.clone(), amount, now + wait) {
                    Some(more) => {
                        unbonded += amount;
                        more
                    }
                    None => {
                        prop_assert_eq!(rest.len() as u32, MAX_UNBONDING);
                        rest
                    }
                };
                prop_assert!(pieces.windows(2).all(|pair| pair[0].until < pair[1].until));
            }
            let (due, rest) = take_due(pieces, now + wait);
            prop_assert!(rest.is_empty());
            prop_assert_eq!(withdrawn + due, unbonded);
        }
    }
}
