//! Disputes, as sessions take part in them: which receipts are claims, and what a verdict does to a session. Who
//! challenges, and how a verdict is reached, is not known here.

use crate::{BalanceOf, Config, DisputedReceipts, Error, Event, Pallet, Sessions};
use assay_types::{
    AssayTime, ClaimId, ClaimInfo, Claims, ModelParts, ModelRegistry, ModelVersion, NotChallengeable, Outcome, Penalty,
    SlashId, Slashed, WorkerRegistry, session::SessionEnd,
};
use polkadot_sdk::{
    frame_support::{ensure, storage::with_storage_layer},
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{
        DispatchError, DispatchResult, Perbill,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Claims<T::AccountId, BalanceOf<T>, BlockNumberFor<T>> for Pallet<T> {
    /// A receipt that somebody has shown; it is disputed as long as it is stored.
    fn claimed(claim: ClaimId) -> Result<ClaimInfo<T::AccountId, BalanceOf<T>>, NotChallengeable> {
        let (disputed, session) = Self::disputed(claim).map_err(|_| NotChallengeable::UnknownJob)?;
        let version = T::Models::version(session.model).ok_or(NotChallengeable::UnknownModel)?;
        Ok(ClaimInfo {
            client: session.client,
            worker: session.worker,
            model: session.model,
            model_root: session.model_root,
            definition: version.parts.definition,
            input_digest: disputed.receipt.input_digest,
            output_digest: disputed.receipt.output_digest,
            locked: disputed.locked,
            price: disputed.price,
            work: disputed.work,
        })
    }

    fn parts(model: ModelVersion) -> Option<ModelParts> {
        T::Models::version(model).map(|version| version.parts)
    }

    fn dispute(claim: ClaimId) -> DispatchResult {
        ensure!(DisputedReceipts::<T>::contains_key(claim), Error::<T>::NotDisputed);
        Ok(())
    }

    fn uphold(claim: ClaimId, window_at_least: BlockNumberFor<T>) -> DispatchResult {
        with_storage_layer(|| {
            let (id, disputed, mut session) = Self::end_dispute(claim)?;
            session.account.restore(disputed.price);
            if Self::goes_on(&session) {
                // Saturating: it was part of the session's lock.
                session.locked = session.locked.saturating_add(disputed.locked);
            } else {
                Self::release(&session, disputed.locked, Outcome::Unpaid)?;
            }
            Self::deposit_event(Event::ReceiptUpheld {
                session: id,
                sequence: disputed.receipt.sequence,
            });
            Self::resume(id, session, window_at_least)
        })
    }

    fn refund(claim: ClaimId) -> DispatchResult {
        let (mut disputed, _) = Self::disputed(claim)?;
        if disputed.late {
            return Ok(());
        }
        disputed.late = true;
        Self::deposit_event(Event::ReceiptForfeited {
            session: disputed.receipt.session,
            sequence: disputed.receipt.sequence,
            price: disputed.price,
        });
        DisputedReceipts::<T>::insert(claim, disputed);
        Ok(())
    }

    fn charge(
        claim: ClaimId,
        beneficiary: &T::AccountId,
        cost: Slashed<BalanceOf<T>>,
    ) -> Result<Slashed<BalanceOf<T>>, DispatchError> {
        let (mut disputed, session) = Self::disputed(claim)?;
        if disputed.locked.is_zero() {
            return Ok(cost);
        }
        let outcome = Outcome::Late {
            beneficiary: beneficiary.clone(),
            cost,
        };
        let released = T::Workers::release(session.lock(disputed.locked), outcome)?;
        disputed.locked = released.locked;
        DisputedReceipts::<T>::insert(claim, disputed);
        Ok(released.slashed)
    }

    fn excuse(claim: ClaimId) -> DispatchResult {
        with_storage_layer(|| {
            let (id, disputed, session) = Self::end_dispute(claim)?;
            Self::release(&session, disputed.locked, Outcome::Unpaid)?;
            Self::resume(id, session, T::Time::now())
        })
    }

    /// A withheld amount is not restored, so the client has it back with the rest of the budget.
    fn void(claim: ClaimId) -> DispatchResult {
        Self::excuse(claim)
    }

    fn convict(
        claim: ClaimId,
        share: Perbill,
        awards: [(T::AccountId, BalanceOf<T>); 2],
    ) -> Result<Penalty<BalanceOf<T>>, DispatchError> {
        with_storage_layer(|| {
            let (id, disputed, session) = Self::end_dispute(claim)?;
            let outcome = Outcome::Convicted { share, awards };
            let released = T::Workers::release(session.lock(disputed.locked), outcome)?;
            Self::break_off(id, session, SessionEnd::Fraud { claim })?;
            Ok(released.pending.ok_or(Error::<T>::Inconsistent)?)
        })
    }

    fn award(slash: SlashId, awards: [(T::AccountId, BalanceOf<T>); 2]) -> DispatchResult {
        T::Workers::award(slash, awards)
    }
}

impl<T: Config> Pallet<T> {
    /// The disputes over receipts of all sessions, for checks of consistency.
    pub(crate) fn count_disputes() -> usize {
        Sessions::<T>::iter_values().fold(0usize, |sum, session| {
            // Saturating: a sum that saturates differs from what is stored.
            sum.saturating_add(session.disputes as usize)
        })
    }
}
