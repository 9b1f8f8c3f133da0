//! The levy: the part of each settlement that pays for audits.
//!
//! The levy of a settlement is at least what the audits of its claim were expected to cost. So what all settlements pay
//! covers what all audits cost, a worker with little stake or no record pays for the distrust that it causes, and
//! whoever trades with itself to be paid for audits pays more than it can get back.

use crate::{Assurance, Hazard, MILLION, share_of};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Rules of the levy and of the auditors' pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct LevyRules {
    /// Minimum of the levy, in millionths of the price.
    pub levy: u32,
    /// Pay of an auditor, in millionths of the price of one execution.
    pub fee: u32,
}

impl LevyRules {
    /// The levy on a settlement of this price whose claim had this hazard at the basic level; at most the price.
    /// `auditors` is the expected number of auditors of an audit, in millionths.
    pub fn of(&self, price: u128, ordinary: Hazard, auditors: u32) -> u128 {
        let expected = self.expected(price, ordinary.chance(), auditors);
        share_of(self.levy, price).max(expected).min(price)
    }

    /// Surcharge of this level on the price: the audits beyond those of the basic level.
    pub fn surcharge(&self, price: u128, ordinary: Hazard, level: Assurance, auditors: u32) -> u128 {
        let more = level.hazard(ordinary).chance().saturating_sub(ordinary.chance());
        self.expected(price, more, auditors)
    }

    /// Cost of audits that are drawn with this chance, rounded down.
    fn expected(&self, price: u128, chance: u32, auditors: u32) -> u128 {
        share_of(chance, share_of(auditors, self.most_fee(price)))
    }

    /// Pay for an audit of a claim of this price by an auditor that would do the job for `own_price`. It is bounded by
    /// the job's price, so an auditor gains nothing by asking for much.
    pub fn fee(&self, price: u128, own_price: u128) -> u128 {
        share_of(self.fee, price.min(own_price))
    }

    /// Maximum pay for an audit of a claim of this price.
    pub fn most_fee(&self, price: u128) -> u128 {
        share_of(self.fee, price)
    }

    /// Whether the shares make sense: a levy of at most a whole, and a pay of at most twice the price.
    pub fn is_sound(&self) -> bool {
        self.levy <= MILLION && self.fee <= MILLION.saturating_mul(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: LevyRules = LevyRules {
        levy: 50_000,
        fee: 1_250_000,
    };

    /// One audit in ten has a second auditor.
    const AUDITORS: u32 = 1_100_000;

    #[test]
    fn the_levy_is_five_percent_or_what_audits_are_expected_to_cost() {
        let of = |hazard| RULES.of(1_000, hazard, AUDITORS);
        assert_eq!(of(Hazard(0)), 50);
        assert_eq!(of(Hazard(Hazard::ONE.0 / 100)), 50);
        assert_eq!(of(Hazard(Hazard::ONE.0 / 2)), 541);
        assert_eq!(of(Hazard::CERTAIN), 1_000);
    }

    #[test]
    fn a_client_pays_for_the_audits_beyond_the_ordinary_ones() {
        let ordinary = Hazard(Hazard::ONE.0 / 50);
        let levels = [Assurance::Basic, Assurance::High, Assurance::Full];
        let costs = levels.map(|level| RULES.surcharge(1_000, ordinary, level, AUDITORS));
        assert_eq!(costs, [0, 78, 1_347]);
    }

    #[test]
    fn an_auditor_is_paid_by_the_lower_price() {
        assert_eq!(RULES.fee(1_000, 800), 1_000);
        assert_eq!(RULES.fee(1_000, 5_000), 1_250);
    }

    proptest! {
        #[test]
        fn the_levy_covers_what_audits_are_expected_to_cost(price in 0u128..1 << 80, hazard in 0u64..1 << 32) {
            let hazard = Hazard(hazard);
            let share = f64::from(hazard.chance()) / f64::from(MILLION) * f64::from(AUDITORS) / f64::from(MILLION);
            let expected = RULES.most_fee(price) as f64 * share;
            let levy = RULES.of(price, hazard, AUDITORS);
            // Roundings of a unit each, and those of binary64.
            prop_assert!(levy as f64 + 4.0 >= expected.min(price as f64) * (1.0 - 1e-12));
            prop_assert!(levy <= price);
        }
    }
}
