//! The police, as those see it who keep claims.

use crate::{Audit, Audits, BalanceOf, Config, Error, Pallet};
use assay_types::{
    AssayTime, ClaimId, H256,
    audit::{AuditState, Dues, Police, SealedClaim},
};
use polkadot_sdk::{
    frame_support::{BoundedVec, ensure, storage::with_storage_layer},
    sp_runtime::{DispatchError, DispatchResult},
};

impl<T: Config> Police<T::AccountId, BalanceOf<T>> for Pallet<T> {
    fn sealed(claim: ClaimId, sealed: SealedClaim<T::AccountId, BalanceOf<T>>) -> DispatchResult {
        ensure!(!Audits::<T>::contains_key(claim), Error::<T>::Inconsistent);
        let audit = Audit {
            ordinary: Self::hazard_now(&sealed.worker, sealed.price, sealed.locked),
            client: sealed.client,
            worker: sealed.worker,
            model: sealed.model,
            price: sealed.price,
            work: sealed.work,
            assurance: sealed.assurance,
            is_certain: false,
            sealed_at: T::Time::now(),
            seed: H256::zero(),
            state: AuditState::Sealed,
            output: None,
            auditors: BoundedVec::new(),
            tried: BoundedVec::new(),
            due: None,
        };
        let due = Self::due_of(&audit);
        Self::store(claim, audit, due);
        Ok(())
    }

    fn may_open(claim: ClaimId) -> bool {
        Audits::<T>::get(claim)
            .is_none_or(|audit| audit.output.is_none() && matches!(audit.state, AuditState::Spared | AuditState::Ready))
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

    fn abandoned(claim: ClaimId) -> DispatchResult {
        with_storage_layer(|| Self::do_abandon(claim))
    }

    fn may_settle(claim: ClaimId) -> bool {
        Audits::<T>::get(claim).is_none_or(|audit| Self::is_over(&audit))
    }

    fn dues(claim: ClaimId) -> Dues<BalanceOf<T>> {
        Audits::<T>::get(claim).map_or_else(Dues::default, |audit| Self::dues_of(&audit))
    }

    fn settled(claim: ClaimId) -> Result<Dues<BalanceOf<T>>, DispatchError> {
        with_storage_layer(|| Self::do_settle(claim))
    }

    fn decided(claim: ClaimId, stands: bool) -> DispatchResult {
        with_storage_layer(|| Self::do_decide(claim, stands))
    }
}
