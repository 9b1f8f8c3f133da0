//! The police, as those see it who keep claims.

use crate::{Audit, Audits, BalanceOf, Config, Error, Pallet};
use assay_police::{Assurance, Hazard};
use assay_types::{
    AssayTime, ClaimId, H256,
    audit::{AuditState, Dues, Police, Randomness, SealedClaim, Seed},
};
use polkadot_sdk::{
    frame_support::{BoundedVec, ensure, storage::with_storage_layer},
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{DispatchError, DispatchResult, Perbill},
};

impl<T: Config> Police<T::AccountId, BalanceOf<T>> for Pallet<T> {
    type BlockNumber = BlockNumberFor<T>;

    fn hazard(worker: &T::AccountId, price: BalanceOf<T>, locked: BalanceOf<T>) -> u64 {
        Self::hazard_now(worker, price, locked)
    }

    fn seed(sealed_at: BlockNumberFor<T>) -> Seed {
        match T::Randomness::seed(sealed_at) {
            Some(seed) => Seed::Known(seed),
            None if T::Randomness::is_forgotten(sealed_at) => Seed::Forgotten,
            None => Seed::Unknown,
        }
    }

    fn sealed(claim: ClaimId, sealed: SealedClaim<T::AccountId, BalanceOf<T>, BlockNumberFor<T>>) -> DispatchResult {
        ensure!(!Audits::<T>::contains_key(claim), Error::<T>::Inconsistent);
        let audit = Audit {
            ordinary: sealed.hazard,
            client: sealed.client,
            worker: sealed.worker,
            model: sealed.model,
            price: sealed.price,
            work: sealed.work,
            assurance: sealed.assurance,
            is_certain: false,
            sealed_at: sealed.sealed_at,
            seed: H256::zero(),
            state: AuditState::Sealed,
            entered_at: T::Time::now(),
            output: None,
            auditors: BoundedVec::new(),
            tried: BoundedVec::new(),
            due: None,
        };
        let due = Self::due_of(&audit);
        with_storage_layer(|| {
            Self::store(claim, audit, due);
            // Where the seed is not known yet, the agenda comes back to it.
            Self::step(claim).map(|_| ())
        })
    }

    fn may_open(claim: ClaimId) -> bool {
        Audits::<T>::get(claim)
            .is_none_or(|audit| audit.output.is_none() && matches!(audit.state, AuditState::Spared | AuditState::Ready))
    }

    fn open_since(claim: ClaimId) -> Option<BlockNumberFor<T>> {
        let audit = Audits::<T>::get(claim)?;
        let is_ready = matches!(audit.state, AuditState::Spared | AuditState::Ready);
        (is_ready && audit.output.is_none()).then_some(audit.entered_at)
    }

    fn opened(claim: ClaimId, output_digest: H256) -> DispatchResult {
        let Some(mut audit) = Audits::<T>::get(claim) else {
            return Ok(());
        };
        ensure!(Self::may_open(claim), Error::<T>::NotReady);
        audit.output = Some(output_digest);
        if audit.state == AuditState::Ready {
            return Self::expect_openings(claim, audit);
        }
        let due = audit.due;
        Self::store(claim, audit, due);
        Ok(())
    }

    fn abandoned(claim: ClaimId) -> Result<Option<Perbill>, DispatchError> {
        with_storage_layer(|| Self::do_abandon(claim))
    }

    fn may_settle(claim: ClaimId) -> bool {
        Audits::<T>::get(claim).is_none_or(|audit| Self::is_over(&audit))
    }

    fn dues(price: BalanceOf<T>, hazard: u64, assurance: Assurance) -> Dues<BalanceOf<T>> {
        Self::dues_of(price, Hazard(hazard), assurance)
    }

    fn paid_in(amount: BalanceOf<T>) {
        Self::note_paid(amount);
    }

    fn settled(claim: ClaimId) -> DispatchResult {
        with_storage_layer(|| Self::do_settle(claim))
    }

    fn decided(claim: ClaimId, stands: bool) -> DispatchResult {
        with_storage_layer(|| Self::do_decide(claim, stands))
    }

    fn dropped(claim: ClaimId) -> DispatchResult {
        with_storage_layer(|| Self::do_drop(claim))
    }
}
