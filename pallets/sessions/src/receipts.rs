//! Receipts that are shown to the chain, and what becomes of those that are disputed.

use crate::{
    Config, DisputedReceiptOf, DisputedReceipts, Error, Event, Pallet, ReceiptOf, SessionOf, Sessions, SignedReceiptOf,
};
use assay_types::{
    AssayTime, ClaimId, ClaimSource, Court, H256, ModelRegistry, SessionId, WorkerRegistry,
    offer::{largest_work, work_at},
    session::{DisputedReceipt, SessionPhase},
};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    sp_runtime::{DispatchResult, traits::Saturating},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_challenge_receipt(
        challenger: T::AccountId,
        shown: SignedReceiptOf<T>,
        symbols: &[u32],
        commitment: H256,
    ) -> DispatchResult {
        let session = Self::session_of_receipt(&shown)?;
        let receipt = shown.message;
        let claim = Self::claim_of(&receipt)?;
        match DisputedReceipts::<T>::get(claim) {
            Some(known) => ensure!(!known.receipt.contradicts(&receipt), Error::<T>::AnotherReceipt),
            None => Self::begin_dispute(claim, session, receipt, symbols)?,
        }
        T::Court::challenge(challenger, claim, commitment)
    }

    /// The session of a receipt that its worker has signed.
    pub(crate) fn session_of_receipt(shown: &SignedReceiptOf<T>) -> Result<SessionOf<T>, Error<T>> {
        let id = shown.message.session;
        let session = Sessions::<T>::get(id).ok_or(Error::<T>::UnknownSession)?;
        let place = (T::Genesis::get(), id);
        ensure!(
            shown.message.is_signed(&shown.signature, &session.worker_key, place),
            Error::<T>::BadSignature
        );
        Ok(session)
    }

    fn claim_of(receipt: &ReceiptOf<T>) -> Result<ClaimId, Error<T>> {
        let source = ClaimSource::Receipt {
            session: receipt.session,
            sequence: receipt.sequence,
        };
        source.id().ok_or(Error::<T>::NoSuchRequest)
    }

    /// Makes a receipt a claim that the court knows: its price is withheld, and what a job of this price locks is set
    /// aside of the session's lock. The court holds the challenger's bond for it.
    fn begin_dispute(
        claim: ClaimId,
        mut session: SessionOf<T>,
        receipt: ReceiptOf<T>,
        symbols: &[u32],
    ) -> DispatchResult {
        let (id, now) = (receipt.session, T::Time::now());
        let last = Self::last_for_challenges(id, &session).ok_or(Error::<T>::WindowPassed)?;
        ensure!(now <= last || session.disputes > 0, Error::<T>::WindowPassed);
        ensure!(receipt.model_root == session.model_root, Error::<T>::AnotherModel);
        let parts = T::Models::version(session.model).ok_or(Error::<T>::UnknownModel)?.parts;
        // The bond grows with the work, so neither side may say what it likes: not the worker more than any request
        // can be, and not the challenger less than the receipt.
        let largest = largest_work(&parts);
        let work = work_at(&parts, symbols).max(receipt.units).min(largest);
        let price = session.terms.price(receipt.units.min(largest));
        let locked = T::Workers::stake_for(price).min(session.locked);

        Self::unschedule(id, &session);
        session.locked = session.locked.saturating_sub(locked); // It is at most the lock.
        session.account.withhold(price);
        session.disputes = session.disputes.saturating_add(1); // Each is in its worker's list of defences.
        Sessions::<T>::insert(id, session);
        Self::deposit_event(Event::ReceiptDisputed {
            session: id,
            sequence: receipt.sequence,
            claim,
            receipt: receipt.clone(),
        });
        let disputed = DisputedReceipt {
            receipt,
            price,
            work,
            locked,
            late: false,
        };
        DisputedReceipts::<T>::insert(claim, disputed);
        Ok(())
    }

    /// A disputed receipt and its session.
    pub(crate) fn disputed(claim: ClaimId) -> Result<(DisputedReceiptOf<T>, SessionOf<T>), Error<T>> {
        let disputed = DisputedReceipts::<T>::get(claim).ok_or(Error::<T>::NotDisputed)?;
        let session = Sessions::<T>::get(disputed.receipt.session).ok_or(Error::<T>::Inconsistent)?;
        Ok((disputed, session))
    }

    /// Takes a receipt out of dispute; returns it, and its session, which the caller stores.
    pub(crate) fn end_dispute(claim: ClaimId) -> Result<(SessionId, DisputedReceiptOf<T>, SessionOf<T>), Error<T>> {
        let (disputed, mut session) = Self::disputed(claim)?;
        session.disputes = session.disputes.checked_sub(1).ok_or(Error::<T>::Inconsistent)?;
        DisputedReceipts::<T>::remove(claim);
        Ok((disputed.receipt.session, disputed, session))
    }

    /// Whether the session goes on: its worker was not convicted.
    pub(crate) fn goes_on(session: &SessionOf<T>) -> bool {
        session.state.phase() != SessionPhase::Convicted
    }
}
