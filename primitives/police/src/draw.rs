//! The draw: how often a claim is audited, by its price, by what its worker has to lose, and by the worker's record.
//!
//! ```text
//! hazard = share · min(price, full) / full  +  weight · price / at_risk
//! ```
//!
//! The first part gives every worker a record at a cost that is a share of prices. The second part makes a lie cost
//! more than it brings, whatever its price: the chance grows as the price over what a conviction costs. Neither part is
//! smaller for a price in parts, nor for a stake in parts. What a client asks for beyond that is in [`Assurance`].
//!
//! [`Assurance`]: crate::Assurance

use crate::{AuditRecord, Hazard, MILLION, scaled_up};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Rules of the draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct DrawRules {
    /// Expected audits of a claim at the full price, of a worker with a record, in millionths: p₀ of the documents.
    pub base: u32,
    /// The same of a new worker.
    pub newcomer: u32,
    /// Expected audits of a claim whose price is all that its worker has at risk, in thousandths.
    pub weight: u32,
    /// Chance that a claim which is audited has a second auditor, in millionths.
    pub second: u32,
    /// Price from which the share does not grow any more. Below it, audits are as rare as prices are low, so that their
    /// fees are a share of prices.
    pub full_price: u128,
}

/// A claim, as far as the draw depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Payment of the worker for the claim.
    pub price: u128,
    /// Cost of a conviction for the claim to the worker.
    pub at_risk: u128,
}

impl DrawRules {
    /// The hazard of a claim at the basic level.
    pub fn hazard(&self, claim: &Exposure, record: &AuditRecord) -> Hazard {
        let share = u128::from(record.share(self.base, self.newcomer));
        let full = self.full_price.max(1);
        let unit = u128::from(Hazard::ONE.0);
        let by_record = scaled_up(
            claim.price.min(full),
            share.saturating_mul(unit),
            full.saturating_mul(MILLION.into()),
        );
        let by_price = scaled_up(
            claim.price,
            u128::from(self.weight).saturating_mul(unit),
            claim.at_risk.saturating_mul(1_000),
        );
        let ordinary = by_record.saturating_add(by_price);
        // What does not fit is certain.
        Hazard(u64::try_from(ordinary).unwrap_or(u64::MAX))
    }

    /// Whether a random number draws a second auditor. `random` is uniform over 64 bits, and drawn after the first
    /// auditor has sealed its answer: it did not know whether it would be alone.
    pub fn has_second(&self, random: u64) -> bool {
        let millionths = (u128::from(random) * u128::from(MILLION)) >> 64;
        millionths < u128::from(self.second)
    }

    /// Expected number of auditors of a claim that is audited, in millionths.
    pub fn auditors(&self) -> u32 {
        // Saturating: a chance is at most a whole.
        MILLION.saturating_add(self.second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: DrawRules = DrawRules {
        base: 30_000,
        newcomer: 500_000,
        weight: 4_000,
        second: 100_000,
        full_price: 1_000_000,
    };

    fn known() -> AuditRecord {
        AuditRecord {
            passed: 100_000,
            ..AuditRecord::default()
        }
    }

    fn claim(price: u128, at_risk: u128) -> Exposure {
        Exposure { price, at_risk }
    }

    fn survival(parts: &[u128], at_risk: u128) -> f64 {
        let of = |price: &u128| RULES.hazard(&claim(*price, at_risk), &known()).survival() as f64;
        parts.iter().map(|price| of(price) / 2f64.powi(64)).product()
    }

    #[test]
    fn a_claim_is_drawn_by_its_price_and_by_what_is_at_risk() {
        let chance = |price, at_risk| RULES.hazard(&claim(price, at_risk), &known()).chance();
        // 3 % of the full price, and 4 · price / at_risk.
        assert_eq!(chance(1_000_000, 200_000_000), 48_771);
        assert_eq!(chance(1_000_000, u128::MAX / 1_000), 29_555);
        assert_eq!(chance(100_000, u128::MAX / 1_000), 2_996);
        assert_eq!(chance(1_000_000, 1_000_000), 982_226);
        assert_eq!(chance(1_000_000, 0), MILLION);
    }

    #[test]
    fn a_new_worker_is_drawn_more_often() {
        let new = RULES.hazard(&claim(1_000_000, u128::MAX / 1_000), &AuditRecord::default());
        assert_eq!(new.chance(), 393_470);
    }

    #[test]
    fn one_audit_in_ten_has_a_second_auditor() {
        let drawn = (0..1_000u64).filter(|step| RULES.has_second(step * (u64::MAX / 1_000)));
        assert_eq!(drawn.count(), 101);
        assert_eq!(RULES.auditors(), 1_100_000);
    }

    #[test]
    fn numbers_that_do_not_fit_are_certain() {
        let certain = RULES.hazard(&claim(u128::MAX, u128::MAX), &known());
        assert_eq!(certain, Hazard::CERTAIN);
    }

    proptest! {
        #[test]
        fn splitting_a_price_gains_nothing(
            parts in prop::collection::vec(1u128..3_000_000, 1..12),
            at_risk in 1_000_000u128..1_000_000_000,
        ) {
            let whole = parts.iter().sum::<u128>();
            let hazards = parts.iter().map(|price| RULES.hazard(&claim(*price, at_risk), &known()).0);
            // Exact: hazards are rounded up, so those of the parts are at least that of the whole.
            prop_assert!(hazards.sum::<u64>() >= RULES.hazard(&claim(whole, at_risk), &known()).0);
            prop_assert!(survival(&parts, at_risk) <= survival(&[whole], at_risk) + 1e-12);
        }

        #[test]
        fn splitting_a_price_below_the_full_one_costs_nothing_either(
            parts in prop::collection::vec(1_000u128..50_000, 1..20),
            at_risk in 1_000_000u128..1_000_000_000,
        ) {
            let whole = parts.iter().sum::<u128>();
            let sum: u64 = parts.iter().map(|price| RULES.hazard(&claim(*price, at_risk), &known()).0).sum();
            let whole = RULES.hazard(&claim(whole, at_risk), &known()).0;
            // Two roundings for each part.
            prop_assert!(sum - whole <= 2 * parts.len() as u64);
        }

        #[test]
        fn splitting_a_stake_gains_nothing(price in 1u128..3_000_000, stake in 2_000_000u128..1_000_000_000) {
            let one = RULES.hazard(&claim(price, stake), &known()).0;
            let half = RULES.hazard(&claim(price, stake / 2), &known()).0;
            prop_assert!(half >= one);
        }
    }
}
