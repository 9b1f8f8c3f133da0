//! The next step in an audit, as a pure function of the chain's state.

use assay_client::chain::{AccountId, Audit, Auditor, BlockNumber, H256};
use assay_types::audit::AuditState;

/// A step that is due in an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Execute the job.
    Execute,
    /// Seal this answer.
    Seal(H256),
    /// Open this answer, which is what the claim says.
    Open(H256),
    /// Open this answer, which begins a dispute.
    Accuse(H256),
}

/// The auditor that an account is in an audit.
pub(super) fn own<'a>(audit: &'a Audit, me: &AccountId) -> Option<&'a Auditor> {
    audit.auditors.iter().find(|auditor| auditor.who == *me)
}

/// The last block of the step that an account is waited for; `None` if nobody waits for it.
pub(super) fn waited_for(audit: &Audit, me: &AccountId) -> Option<BlockNumber> {
    let auditor = own(audit, me)?;
    match audit.state {
        AuditState::Answering { until } if auditor.seal.is_none() => Some(until),
        AuditState::Opening { until } if auditor.seal.is_some() && auditor.answer.is_none() => Some(until),
        // Another auditor's answer was different: this one still counts, whenever it comes.
        AuditState::Disputed if auditor.seal.is_some() && auditor.answer.is_none() => Some(BlockNumber::MAX),
        _ => None,
    }
}

/// Duty of an account at this moment. `computed` is its answer, if it has one.
///
/// The job is executed as soon as the account is drawn, and after a restart even if the claim is not open yet: the time
/// for openings is short.
pub(super) fn due(audit: &Audit, me: &AccountId, now: BlockNumber, computed: Option<H256>) -> Option<Step> {
    let auditor = own(audit, me)?;
    // Whatever is sent now is in the next block at the earliest.
    let is_waited_for = waited_for(audit, me).is_some_and(|until| now < until);
    let may_be_later = match audit.state {
        AuditState::Answering { .. } | AuditState::Doubting { .. } | AuditState::Ready => auditor.seal.is_some(),
        _ => false,
    };
    match computed {
        None => (is_waited_for || may_be_later).then_some(Step::Execute),
        Some(_) if !is_waited_for => None,
        Some(digest) if auditor.seal.is_none() => Some(Step::Seal(digest)),
        Some(digest) if audit.output == Some(digest) => Some(Step::Open(digest)),
        Some(digest) => Some(Step::Accuse(digest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::{ModelVersion, audit::Assurance};
    use polkadot_sdk::sp_runtime::BoundedVec;

    const RIGHT: H256 = H256::repeat_byte(1);
    const WRONG: H256 = H256::repeat_byte(2);

    fn account(byte: u8) -> AccountId {
        AccountId::new([byte; 32])
    }

    /// An audit in this state, by the account 1, that has sealed or not, of a claim that says this.
    fn audit(state: AuditState<BlockNumber>, is_sealed: bool, output: Option<H256>) -> Audit {
        Audit {
            client: account(8),
            worker: account(9),
            model: ModelVersion { model: 0, version: 1 },
            price: 10,
            work: 0,
            assurance: Assurance::Basic,
            ordinary: 0,
            is_certain: false,
            sealed_at: 1,
            seed: H256::zero(),
            state,
            entered_at: 1,
            output,
            auditors: BoundedVec::truncate_from(vec![Auditor {
                who: account(1),
                locked: 100,
                fee: 12,
                seal: is_sealed.then_some(H256::zero()),
                answer: None,
            }]),
            tried: BoundedVec::new(),
            due: None,
        }
    }

    #[test]
    fn an_answer_is_computed_and_sealed_in_time_or_not_at_all() {
        let drawn = audit(AuditState::Answering { until: 20 }, false, None);
        assert_eq!(due(&drawn, &account(1), 19, None), Some(Step::Execute));
        assert_eq!(due(&drawn, &account(1), 19, Some(RIGHT)), Some(Step::Seal(RIGHT)));
        for computed in [None, Some(RIGHT)] {
            assert_eq!(
                due(&drawn, &account(1), 20, computed),
                None,
                "the next block is too late"
            );
            assert_eq!(due(&drawn, &account(2), 5, computed), None, "it is another's audit");
        }
        assert_eq!(waited_for(&drawn, &account(1)), Some(20));
    }

    #[test]
    fn a_sealed_answer_waits_for_the_claim_and_is_opened_in_time() {
        for state in [
            AuditState::Doubting { since: 5 },
            AuditState::Ready,
            AuditState::Answering { until: 20 },
        ] {
            let waiting = audit(state, true, None);
            assert_eq!(due(&waiting, &account(1), 9, Some(RIGHT)), None);
            // After a restart.
            assert_eq!(due(&waiting, &account(1), 9, None), Some(Step::Execute));
            assert_eq!(waited_for(&waiting, &account(1)), None);
        }
        let opening = audit(AuditState::Opening { until: 20 }, true, Some(RIGHT));
        assert_eq!(due(&opening, &account(1), 19, Some(RIGHT)), Some(Step::Open(RIGHT)));
        assert_eq!(due(&opening, &account(1), 19, Some(WRONG)), Some(Step::Accuse(WRONG)));
        assert_eq!(due(&opening, &account(1), 20, Some(RIGHT)), None);
    }

    #[test]
    fn an_answer_counts_in_a_dispute_that_another_auditor_began() {
        let disputed = audit(AuditState::Disputed, true, Some(RIGHT));
        assert_eq!(due(&disputed, &account(1), 9, Some(RIGHT)), Some(Step::Open(RIGHT)));
        let late = audit(AuditState::Disputed, false, Some(RIGHT));
        assert_eq!(due(&late, &account(1), 9, Some(RIGHT)), None);
    }

    #[test]
    fn nothing_is_due_once_an_audit_is_over() {
        for state in [AuditState::Spared, AuditState::Passed] {
            for computed in [None, Some(RIGHT)] {
                assert_eq!(due(&audit(state, true, Some(RIGHT)), &account(1), 9, computed), None);
            }
        }
        let mut open = audit(AuditState::Disputed, true, Some(RIGHT));
        open.auditors[0].answer = Some(RIGHT);
        assert_eq!(due(&open, &account(1), 9, None), None);
    }
}
