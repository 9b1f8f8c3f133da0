//! A worker's record with auditors: what was audited and found right, and its recent faults.

use crate::{MILLION, scaled_up};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Audits that halve a newcomer's share, in thousandths of a full audit.
const HALVING: u64 = 2_000;
/// Audits after which a fault is forgotten, in thousandths of a full audit.
const FORGETTING: u64 = 8_000;
/// A full audit, in the units of [`AuditRecord::passed`].
pub const FULL_AUDIT: u64 = 1_000;
/// The same for products with prices.
const FULL: u128 = FULL_AUDIT as u128;

/// A worker's record with auditors. A new worker has the default.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[scale_info(capture_docs = "always")]
pub struct AuditRecord {
    /// Audits that agreed with the worker, in thousandths. One of a job below the full price counts in proportion, so
    /// that a record costs what it is worth.
    pub passed: u64,
    /// Faults that are not forgotten.
    pub faults: u8,
    /// Audits that agreed since the last fault was counted or forgotten, in thousandths.
    pub since_fault: u64,
}

impl AuditRecord {
    /// An audit of a job of this price agreed with the worker.
    pub fn pass(&mut self, price: u128, full_price: u128) {
        let weight = match price >= full_price {
            true => FULL,
            // Rounded down: below the full price it is less than a full audit.
            false => price.saturating_mul(FULL) / full_price.max(1),
        } as u64;
        // Saturating: nobody is audited that often.
        self.passed = self.passed.saturating_add(weight);
        if self.faults == 0 {
            return;
        }
        self.since_fault = self.since_fault.saturating_add(weight);
        if self.since_fault >= FORGETTING {
            self.faults = self.faults.saturating_sub(1);
            self.since_fault = 0;
        }
    }

    /// The worker missed an audit, a seal or a deadline, or answered late.
    pub fn fault(&mut self) {
        // Saturating: the share is at its maximum long before.
        self.faults = self.faults.saturating_add(1);
        self.since_fault = 0;
    }

    /// The worker was convicted: its record begins anew, with a fault.
    pub fn convict(&mut self) {
        *self = Self {
            faults: self.faults,
            ..Self::default()
        };
        self.fault();
    }

    /// Share of this worker's claims that are audited, in millionths: from `newcomer` it halves with every two audits
    /// down to `base`, and doubles with every fault up to `newcomer`.
    pub fn share(&self, base: u32, newcomer: u32) -> u32 {
        let halvings = (self.passed / HALVING).min(31) as u32;
        let earned = (newcomer >> halvings).max(base);
        let doubled = scaled_up(earned.into(), 1 << u32::from(self.faults).min(31), 1);
        let most = newcomer.max(base).min(MILLION);
        // At most a million.
        doubled.min(most.into()) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u32 = 30_000;
    const NEWCOMER: u32 = 500_000;

    fn after(audits: u32) -> AuditRecord {
        let mut record = AuditRecord::default();
        (0..audits).for_each(|_| record.pass(10, 10));
        record
    }

    #[test]
    fn a_newcomer_is_audited_half_the_time_and_less_with_every_audit() {
        let shares = [0, 1, 2, 4, 6, 8, 100].map(|audits| after(audits).share(BASE, NEWCOMER));
        assert_eq!(shares, [500_000, 500_000, 250_000, 125_000, 62_500, 31_250, BASE]);
    }

    #[test]
    fn faults_double_the_share_until_audits_have_made_them_good() {
        let mut record = after(20);
        record.fault();
        assert_eq!(record.share(BASE, NEWCOMER), 2 * BASE);
        record.fault();
        assert_eq!(record.share(BASE, NEWCOMER), 4 * BASE);
        (0..20).for_each(|_| record.fault());
        assert_eq!(record.share(BASE, NEWCOMER), NEWCOMER);
        let mut forgiven = after(20);
        forgiven.fault();
        (0..7).for_each(|_| forgiven.pass(10, 10));
        assert_eq!(forgiven.share(BASE, NEWCOMER), 2 * BASE);
        forgiven.pass(10, 10);
        assert_eq!(forgiven.share(BASE, NEWCOMER), BASE);
    }

    #[test]
    fn a_record_of_tiny_jobs_is_worth_what_they_are() {
        let mut record = AuditRecord::default();
        (0..1_000).for_each(|_| record.pass(10, 10_000));
        assert_eq!(record.passed, 1_000);
        assert_eq!(record.share(BASE, NEWCOMER), NEWCOMER);
    }

    #[test]
    fn a_conviction_makes_a_newcomer_with_a_fault() {
        let mut record = after(50);
        record.convict();
        let expected = AuditRecord {
            faults: 1,
            ..AuditRecord::default()
        };
        assert_eq!(record, expected);
        assert_eq!(record.share(BASE, NEWCOMER), NEWCOMER);
    }
}
