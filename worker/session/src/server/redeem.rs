//! When a worker brings a voucher to the chain. Pure.

use super::side::WorkerState;
use crate::types::{Balance, BlockNumber, SessionRecord, SignedVoucher};
use assay_types::session::SessionState;

/// When a voucher is redeemed. A redemption costs a fee, and what is not redeemed is lost if this machine is.
///
/// The last voucher of a session that is closing is redeemed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedeemPolicy {
    /// It is redeemed when what it is worth reaches this share of the session's lock, in hundredths.
    pub lock_percent: u32,
    /// It is redeemed when this many blocks or fewer are left of the session's state.
    pub margin_blocks: BlockNumber,
    /// Nothing is redeemed that is worth less, such as the fee.
    pub min_worth: Balance,
}

impl Default for RedeemPolicy {
    fn default() -> Self {
        Self {
            lock_percent: 10,
            margin_blocks: 100,
            min_worth: 1,
        }
    }
}

impl RedeemPolicy {
    /// The voucher to redeem now, if one is due.
    pub fn due<'a>(
        &self,
        state: &'a WorkerState,
        record: &SessionRecord,
        now: BlockNumber,
    ) -> Option<&'a SignedVoucher> {
        let voucher = state.voucher.as_ref()?;
        let worth = record.account.payable(voucher.message.owed);
        if worth < self.min_worth.max(1) || !self.can_be_redeemed(record) {
            return None;
        }
        let left = record.state.until().map_or(0, |until| until.saturating_sub(now));
        // Saturating: a share that does not fit is never reached.
        let share = record.locked.saturating_mul(self.lock_percent.into()) / 100;
        let is_closing = matches!(record.state, SessionState::Closing { .. });
        (is_closing || worth >= share || left <= self.margin_blocks).then_some(voucher)
    }

    /// Whether new requests are taken: enough is left of the session to redeem their vouchers.
    pub fn takes_requests(&self, record: &SessionRecord, now: BlockNumber) -> bool {
        match record.state {
            SessionState::Open { until } => until.saturating_sub(now) > self.margin_blocks / 2,
            SessionState::Closing { .. } | SessionState::Settled { .. } | SessionState::Convicted => false,
        }
    }

    fn can_be_redeemed(&self, record: &SessionRecord) -> bool {
        matches!(record.state, SessionState::Open { .. } | SessionState::Closing { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{tests::fixtures as testing, types::Place};

    fn state(owed: Balance) -> WorkerState {
        let pair = testing::client_pair();
        let place = Place {
            genesis: testing::GENESIS,
            session: 1,
        };
        WorkerState {
            voucher: Some(pair.sign_voucher(place, owed)),
            ..WorkerState::new(1_000, 0)
        }
    }

    #[test]
    fn a_voucher_is_redeemed_when_it_is_worth_a_share_of_the_lock() {
        let policy = RedeemPolicy::default();
        // The lock is 2,000, and a tenth of it 200.
        let record = testing::record(1_000);
        assert_eq!(record.locked, 2_000);
        assert!(policy.due(&state(199), &record, 0).is_none());
        assert!(policy.due(&state(200), &record, 0).is_some());
        let mut paid = record;
        paid.account.redeemed = 1;
        assert!(policy.due(&state(200), &paid, 0).is_none(), "199 of it are new");
    }

    #[test]
    fn a_voucher_is_redeemed_when_time_runs_out_and_not_when_it_is_worth_nothing() {
        let policy = RedeemPolicy::default();
        let mut record = testing::record(1_000);
        let SessionState::Open { until } = record.state else {
            panic!("a new session is open");
        };
        assert!(policy.due(&state(1), &record, until - 101).is_none());
        assert!(policy.due(&state(1), &record, until - 100).is_some());
        assert!(
            policy.due(&state(1), &record, until + 1).is_some(),
            "the chain may not have seen it"
        );
        record.account.redeemed = 1;
        assert!(policy.due(&state(1), &record, until).is_none());
        record.account.redeemed = 0;
        record.state = SessionState::Closing { until: 1_000 };
        assert!(policy.due(&state(1), &record, 5).is_some(), "it is the last one");
        record.state = SessionState::Settled { until: 5 };
        assert!(policy.due(&state(1), &record, 5).is_none());
    }

    #[test]
    fn no_request_is_taken_that_could_not_be_paid_in_time() {
        let policy = RedeemPolicy::default();
        let mut record = testing::record(1_000);
        record.state = SessionState::Open { until: 100 };
        assert!(policy.takes_requests(&record, 49));
        assert!(!policy.takes_requests(&record, 50));
        record.state = SessionState::Closing { until: 1_000 };
        assert!(!policy.takes_requests(&record, 0));
    }
}
