//! The forced end of a session whose step fails: governance ends it with what is still held and locked.
//!
//! A step fails only where records contradict each other, which is a bug. Without this call such a session would keep
//! the rest of the client's money, the worker's stake and one place of the worker's offer for ever.

use crate::{Config, Error, Event, HoldReason, Pallet, Sessions, SetAside};
use assay_types::{AssayTime, Outcome, SessionId};
use polkadot_sdk::{
    frame_support::{
        ensure,
        storage::{with_storage_layer, with_transaction_unchecked},
        traits::{fungible::MutateHold, tokens::Precision},
    },
    sp_runtime::{DispatchResult, TransactionOutcome, traits::Saturating},
};

impl<T: Config> Pallet<T> {
    /// Ends a session that is set aside. What of its end is possible is done, and the event says what was not.
    pub(crate) fn do_force_end(id: SessionId) -> DispatchResult {
        let mut session = Sessions::<T>::get(id).ok_or(Error::<T>::UnknownSession)?;
        ensure!(SetAside::<T>::contains_key(id), Error::<T>::NotSetAside);
        ensure!(session.disputes == 0, Error::<T>::UnderDispute);
        // Until then a receipt can be challenged, and the lock secures it.
        let now = T::Time::now();
        ensure!(
            Self::last_for_challenges(id, &session).is_none_or(|last| last < now),
            Error::<T>::NotDue
        );
        // Nobody decides about a session that the rules can end.
        let step = with_transaction_unchecked(|| TransactionOutcome::Rollback(Self::do_advance(id)));
        ensure!(step.is_err(), Error::<T>::EndsByItself);

        Self::unschedule(id, &session);
        let owed = session.account.settle();
        // An error of the currency releases nothing.
        let returned = with_storage_layer(|| {
            T::Currency::release(&HoldReason::Budget.into(), &session.client, owed, Precision::BestEffort)
        })
        .unwrap_or_default();
        let freed = with_storage_layer(|| Self::release(&session, session.locked, Outcome::Unpaid)).is_ok();
        Self::deposit_event(Event::SessionForced {
            session: id,
            returned,
            missing: owed.saturating_sub(returned), // No more is released than is owed.
            freed,
        });
        Self::forget(id, &session);
        Ok(())
    }
}
