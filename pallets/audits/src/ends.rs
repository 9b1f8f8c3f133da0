//! The ends of audits: by the settlement of the claim, by a claim that is not opened, and by a verdict of the court.

use crate::{AuditOf, AuditorOf, Audits, Config, Error, Event, Pallet, Records};
use assay_types::{AssayTime, ClaimId, Outcome, WorkerRegistry, audit::AuditState};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    sp_runtime::{DispatchError, DispatchResult, Perbill, traits::Zero},
};

impl<T: Config> Pallet<T> {
    /// See [`assay_types::audit::Police::settled`].
    pub(crate) fn do_settle(claim: ClaimId) -> DispatchResult {
        let Some(audit) = Audits::<T>::get(claim) else {
            return Ok(());
        };
        ensure!(Self::is_over(&audit), Error::<T>::NotOver);
        for auditor in audit.auditors.clone() {
            Self::reward(claim, &audit, auditor)?;
        }
        Self::forget(claim, &audit);
        Ok(())
    }

    /// Whether the claim may be settled: it is open, and it is not audited, or its audit is over.
    pub(crate) fn is_over(audit: &AuditOf<T>) -> bool {
        audit.output.is_some() && matches!(audit.state, AuditState::Spared | AuditState::Passed)
    }

    /// See [`assay_types::audit::Police::abandoned`]. A worker that keeps back what somebody was about to check begins
    /// anew, as a convicted one does.
    pub(crate) fn do_abandon(claim: ClaimId) -> Result<Option<Perbill>, DispatchError> {
        let Some(audit) = Audits::<T>::get(claim) else {
            return Ok(None);
        };
        let is_audited = !matches!(audit.state, AuditState::Sealed | AuditState::Spared);
        Records::<T>::mutate(&audit.worker, |record| match is_audited {
            true => record.convict(),
            false => record.fault(),
        });
        Self::pay_and_forget(claim, &audit)?;
        Ok(is_audited.then(T::FaultSlash::get))
    }

    /// See [`assay_types::audit::Police::dropped`].
    pub(crate) fn do_drop(claim: ClaimId) -> DispatchResult {
        match Audits::<T>::get(claim) {
            Some(audit) => Self::pay_and_forget(claim, &audit),
            None => Ok(()),
        }
    }

    /// Ends an audit without a result. Auditors that have sealed an answer have done their work.
    fn pay_and_forget(claim: ClaimId, audit: &AuditOf<T>) -> DispatchResult {
        for auditor in audit.auditors.clone() {
            match auditor.seal.is_some() {
                true => Self::reward(claim, audit, auditor)?,
                false => Self::dismiss(audit, auditor)?,
            }
        }
        Self::forget(claim, audit);
        Ok(())
    }

    /// See [`assay_types::audit::Police::decided`].
    pub(crate) fn do_decide(claim: ClaimId, stands: bool) -> DispatchResult {
        let Some(audit) = Audits::<T>::get(claim) else {
            return Ok(());
        };
        match stands {
            false => Self::convicted(claim, audit),
            true if audit.state == AuditState::Disputed => Self::upheld(claim, audit),
            // Somebody else had challenged the claim; its audit goes on.
            true => Ok(()),
        }
    }

    /// The worker was convicted: auditors that had agreed with it were wrong, and the others have done their work.
    fn convicted(claim: ClaimId, audit: AuditOf<T>) -> DispatchResult {
        Records::<T>::mutate(&audit.worker, |record| record.convict());
        let wronged = audit.client.clone();
        for auditor in audit.auditors.clone() {
            match (auditor.answer.is_some(), auditor.seal.is_some()) {
                (true, _) if auditor.answer == audit.output => Self::convict(claim, &audit, auditor, &wronged)?,
                (_, true) => Self::reward(claim, &audit, auditor)?,
                (_, false) => Self::dismiss(&audit, auditor)?,
            }
        }
        Self::forget(claim, &audit);
        Ok(())
    }

    /// The claim stands: auditors that had another answer were wrong. The others wait for the settlement.
    fn upheld(claim: ClaimId, mut audit: AuditOf<T>) -> DispatchResult {
        let wronged = audit.worker.clone();
        for auditor in audit.auditors.clone() {
            match auditor.answer {
                Some(_) if auditor.answer == audit.output => {}
                Some(_) => Self::convict(claim, &audit, auditor, &wronged)?,
                None => Self::dismiss(&audit, auditor)?,
            }
        }
        let output = audit.output;
        audit.auditors.retain(|auditor| auditor.answer == output);
        Self::pass(claim, audit)
    }

    /// Pays an auditor and frees its lock.
    fn reward(claim: ClaimId, audit: &AuditOf<T>, auditor: AuditorOf<T>) -> DispatchResult {
        T::Workers::release(auditor.lock(audit.model), Outcome::Paid)?;
        Self::pay(claim, auditor.who, auditor.fee);
        Ok(())
    }

    /// Frees the lock of an auditor that is not needed any more and has shown no work.
    fn dismiss(audit: &AuditOf<T>, auditor: AuditorOf<T>) -> DispatchResult {
        T::Workers::release(auditor.lock(audit.model), Outcome::Unpaid)?;
        Self::put_back(auditor.fee);
        Ok(())
    }

    /// An auditor's answer was wrong: it loses what a false claim loses.
    fn convict(claim: ClaimId, audit: &AuditOf<T>, auditor: AuditorOf<T>, wronged: &T::AccountId) -> DispatchResult {
        let part = T::SlashToWorker::get().mul_floor(auditor.locked);
        let outcome = Outcome::Convicted {
            share: T::FaultSlash::get(),
            awards: [(wronged.clone(), part), (wronged.clone(), Zero::zero())],
        };
        let released = T::Workers::release(auditor.lock(audit.model), outcome)?;
        Self::put_back(auditor.fee);
        Records::<T>::mutate(&auditor.who, |record| record.convict());
        let penalty = released.pending.ok_or(Error::<T>::Inconsistent)?;
        Self::deposit_event(Event::AuditorConvicted {
            claim,
            auditor: auditor.who,
            slash: penalty.slash,
            slashed: penalty.amount,
        });
        Ok(())
    }

    /// Removes an audit of which nothing is left.
    fn forget(claim: ClaimId, audit: &AuditOf<T>) {
        Self::unschedule(claim, audit);
        Audits::<T>::remove(claim);
    }

    /// Whether the auditor may answer now. The lane for urgent calls asks this.
    pub fn may_answer_now(who: &T::AccountId, claim: ClaimId) -> bool {
        let now = T::Time::now();
        Audits::<T>::get(claim).is_some_and(|audit| {
            let waits = audit
                .auditors
                .iter()
                .any(|auditor| auditor.who == *who && auditor.seal.is_none());
            waits && audit.state.until().is_some_and(|until| now <= until)
        })
    }

    /// Whether the auditor may open its answer now. The lane for urgent calls asks this.
    pub fn may_open_now(who: &T::AccountId, claim: ClaimId) -> bool {
        let now = T::Time::now();
        Audits::<T>::get(claim).is_some_and(|audit| {
            let mut auditors = audit.auditors.iter();
            let waits =
                auditors.any(|auditor| auditor.who == *who && auditor.seal.is_some() && auditor.answer.is_none());
            let is_time = match audit.state {
                AuditState::Opening { until } => now <= until,
                AuditState::Disputed => true,
                _ => false,
            };
            waits && is_time
        })
    }
}
