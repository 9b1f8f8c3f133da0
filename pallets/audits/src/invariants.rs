//! Invariants: of the constants before the chain starts, and of the state after every block.

use crate::{Agenda, AuditOf, Audits, BalanceOf, Config, Pallet, SetAside};
use alloc::collections::BTreeMap;
use assay_types::{ClaimId, WorkerRegistry, audit::AuditState};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    sp_runtime::{
        Perbill, TryRuntimeError,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    /// Panics if the constants contradict each other.
    pub(crate) fn do_integrity_test() {
        if let Err(why) = Self::check_constants() {
            panic!("{why}");
        }
    }

    /// Says which constants contradict each other, if any do.
    pub fn check_constants() -> Result<(), &'static str> {
        ensure!(
            T::Levy::get().is_sound(),
            "Levy must be at most the price, and an auditor's pay at most twice the price"
        );
        let draw = T::Draw::get();
        ensure!(
            draw.base <= draw.newcomer && draw.second <= assay_police::MILLION && draw.full_price > 0,
            "Draw must have a share of newcomers that is not below the base, a chance of a second auditor of at most \
             a whole, and a full price"
        );
        let blocks = [T::DrawBlocks::get(), T::AnswerBlocks::get(), T::OpenBlocks::get()];
        ensure!(
            blocks.iter().all(|blocks| !blocks.is_zero()),
            "DrawBlocks, AnswerBlocks and OpenBlocks must not be zero: nobody could answer"
        );
        ensure!(
            T::SlashToWorker::get() <= Perbill::from_percent(50),
            "SlashToWorker must be at most half, or a worker could gain by an auditor of its own"
        );
        Ok(())
    }

    /// Checks money against records, and each record against the others.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut fees = BalanceOf::<T>::zero();
        let mut on_agenda = 0usize;
        for (claim, audit) in Audits::<T>::iter() {
            Self::check_audit(claim, &audit)?;
            on_agenda = on_agenda.saturating_add(usize::from(audit.due.is_some()));
            for auditor in audit.auditors {
                // Saturating: a sum that saturates differs from what is set aside, so the check fails as it should.
                fees = fees.saturating_add(auditor.fee);
            }
        }
        ensure!(
            fees == SetAside::<T>::get(),
            "what is set aside differs from the pay of the auditors"
        );
        ensure!(
            on_agenda == Agenda::<T>::iter_keys().count(),
            "the agenda has more or fewer audits than there are"
        );
        for (auditor, stake) in Self::locked_stake() {
            ensure!(
                T::Workers::locked(&auditor) >= stake,
                "less stake is locked than the audits say"
            );
        }
        Ok(())
    }

    /// The stake that audits lock, by auditor: what it has locked besides belongs to others.
    pub fn locked_stake() -> BTreeMap<T::AccountId, BalanceOf<T>> {
        let mut locks = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
        for auditor in Audits::<T>::iter_values().flat_map(|audit| audit.auditors) {
            let lock = locks.entry(auditor.who).or_default();
            // Saturating: a sum that saturates differs from any lock, so the check fails as it should.
            *lock = lock.saturating_add(auditor.locked);
        }
        locks
    }

    fn check_audit(claim: ClaimId, audit: &AuditOf<T>) -> Result<(), TryRuntimeError> {
        if let Some(block) = audit.due {
            ensure!(
                Agenda::<T>::contains_key(block, claim),
                "an audit is not on the agenda where it should be"
            );
        }
        let auditors = &audit.auditors;
        ensure!(
            auditors
                .iter()
                .all(|auditor| auditor.who != audit.worker && auditor.who != audit.client),
            "a party of a claim audits it"
        );
        ensure!(
            auditors.iter().all(|auditor| audit.tried.contains(&auditor.who)),
            "an auditor was not drawn"
        );
        let unsealed = auditors.iter().filter(|auditor| auditor.seal.is_none()).count();
        let expected = usize::from(matches!(audit.state, AuditState::Answering { .. }));
        ensure!(unsealed == expected, "another number of auditors is waited for");
        let unopened = auditors.iter().any(|auditor| auditor.answer.is_none());
        ensure!(
            audit.state != AuditState::Passed || !unopened,
            "an audit has passed without an answer"
        );
        let differs = auditors
            .iter()
            .any(|auditor| auditor.answer.is_some() && auditor.answer != audit.output);
        ensure!(
            !differs || audit.state == AuditState::Disputed,
            "an answer differs, and nobody disputes the claim"
        );
        Ok(())
    }
}
