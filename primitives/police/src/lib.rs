//! The rules of audits: which claims are drawn, who audits them, and what is paid for it.
//!
//! All of it is arithmetic of integers, the same on every machine. Nothing here knows a chain, a pallet or an account;
//! the pallet of audits and the simulation of docs/economics.md compile the same functions.
//!
//! Shares are in millionths, and money is in indivisible units.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

pub mod assurance;
pub mod choice;
pub mod draw;
pub mod levy;
pub mod record;
pub mod survival;

pub use assurance::Assurance;
pub use choice::choose_by_stake;
pub use draw::{DrawRules, Exposure};
pub use levy::LevyRules;
pub use record::{AuditRecord, FULL_AUDIT};
pub use survival::Hazard;

/// A whole, in millionths.
pub const MILLION: u32 = 1_000_000;

/// A share of an amount, rounded down.
pub fn share_of(share: u32, amount: u128) -> u128 {
    let whole = u128::from(MILLION);
    let share = u128::from(share);
    // In two parts, so that no product exceeds the type; saturating, since a share above one may.
    (amount / whole)
        .saturating_mul(share)
        .saturating_add((amount % whole).saturating_mul(share) / whole)
}

/// `amount · numerator / denominator`, rounded up; the maximum where it does not fit or the denominator is zero.
pub(crate) fn scaled_up(amount: u128, numerator: u128, denominator: u128) -> u128 {
    match amount.checked_mul(numerator) {
        Some(product) if denominator > 0 => product.div_ceil(denominator),
        _ => u128::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_down_and_saturate() {
        assert_eq!(share_of(50_000, 1_000), 50);
        assert_eq!(share_of(50_000, 19), 0);
        assert_eq!(share_of(1_250_000, 4), 5);
        assert_eq!(share_of(MILLION, u128::MAX), u128::MAX);
        assert_eq!(share_of(2 * MILLION, u128::MAX), u128::MAX);
    }

    #[test]
    fn what_does_not_fit_is_the_maximum() {
        assert_eq!(scaled_up(7, 3, 2), 11);
        assert_eq!(scaled_up(7, 3, 0), u128::MAX);
        assert_eq!(scaled_up(u128::MAX, 2, 4), u128::MAX);
    }
}
