//! Calls of auditors: they seal their answers, and open them.

use crate::{Audits, Config, Error, Event, Pallet};
use assay_types::{
    AssayTime, ClaimId, H256, HostBlake2,
    audit::{AuditState, SeniorCourt, seal},
};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    sp_runtime::{DispatchResult, traits::Saturating},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_answer(who: &T::AccountId, claim: ClaimId, sealed: H256) -> DispatchResult {
        let mut audit = Audits::<T>::get(claim).ok_or(Error::<T>::UnknownAudit)?;
        let now = T::Time::now();
        let auditor = audit.auditors.iter_mut().find(|auditor| auditor.who == *who);
        let auditor = auditor.ok_or(Error::<T>::NotAuditor)?;
        ensure!(auditor.seal.is_none(), Error::<T>::AlreadySealed);
        let AuditState::Answering { until } = audit.state else {
            return Err(Error::<T>::Inconsistent.into());
        };
        ensure!(now <= until, Error::<T>::TooLate);
        auditor.seal = Some(sealed);
        Self::deposit_event(Event::Answered {
            claim,
            auditor: who.clone(),
        });
        if audit.output.is_some() {
            // The one that was drawn after the claim was opened.
            return Self::expect_openings(claim, audit);
        }
        match audit.auditors.len() {
            1 => Self::enter(claim, audit, AuditState::Doubting { since: now }),
            _ => Self::ready(claim, audit),
        }
    }

    /// The claim is open: the auditors open their answers.
    pub(crate) fn expect_openings(claim: ClaimId, audit: crate::AuditOf<T>) -> DispatchResult {
        // Saturating: block numbers end far beyond any audit.
        let until = T::Time::now().saturating_add(T::OpenBlocks::get());
        Self::deposit_event(Event::AnswersExpected { claim, until });
        Self::enter(claim, audit, AuditState::Opening { until })
    }

    pub(crate) fn do_open(
        who: T::AccountId,
        claim: ClaimId,
        output_digest: H256,
        salt: &[u8; 32],
        commitment: Option<H256>,
    ) -> DispatchResult {
        let mut audit = Audits::<T>::get(claim).ok_or(Error::<T>::UnknownAudit)?;
        let auditor = audit.auditors.iter_mut().find(|auditor| auditor.who == who);
        let auditor = auditor.ok_or(Error::<T>::NotAuditor)?;
        match audit.state {
            AuditState::Opening { until } => ensure!(T::Time::now() <= until, Error::<T>::TooLate),
            // Another auditor's answer was different: this one still counts, whenever it comes.
            AuditState::Disputed => {}
            _ => return Err(Error::<T>::NotOpening.into()),
        }
        ensure!(auditor.answer.is_none(), Error::<T>::AlreadyOpen);
        let expected = seal::<HostBlake2, _>(claim, &who, &output_digest, salt);
        ensure!(auditor.seal == Some(expected), Error::<T>::WrongSeal);
        auditor.answer = Some(output_digest);

        let agrees = audit.output == Some(output_digest);
        Self::deposit_event(Event::AnswerOpened {
            claim,
            auditor: who.clone(),
            output_digest,
            agrees,
        });
        if !agrees {
            let commitment = commitment.ok_or(Error::<T>::CommitmentMissing)?;
            T::Court::accuse(who, claim, commitment)?;
        }
        let is_disputed = audit.state == AuditState::Disputed;
        let all_open = audit.auditors.iter().all(|auditor| auditor.answer.is_some());
        match (agrees, is_disputed) {
            (false, false) => Self::enter(claim, audit, AuditState::Disputed),
            (true, false) if all_open => Self::pass(claim, audit),
            _ => {
                let due = audit.due;
                Self::store(claim, audit, due);
                Ok(())
            }
        }
    }
}
