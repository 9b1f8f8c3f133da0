//! The money of a session: vouchers are redeemed, the rest goes back to the client, and the stake is free again.

use crate::{BalanceOf, Config, Error, Event, HoldReason, Load, Pallet, SessionOf, Sessions, SignedVoucherOf};
use assay_types::{
    AssayTime, Outcome, SessionId, SessionState, WorkerRegistry,
    session::{SessionEnd, SessionPhase},
};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{
            Get,
            fungible::MutateHold,
            tokens::{Fortitude, Precision, Restriction},
        },
    },
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{
        DispatchError, DispatchResult,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_redeem(worker: &T::AccountId, voucher: &SignedVoucherOf<T>) -> DispatchResult {
        let id = voucher.message.session;
        let mut session = Sessions::<T>::get(id).ok_or(Error::<T>::UnknownSession)?;
        ensure!(session.worker == *worker, Error::<T>::NotWorker);
        let paid = Self::redeem_voucher(id, &mut session, voucher)?;
        ensure!(!paid.is_zero(), Error::<T>::NothingToRedeem);
        Sessions::<T>::insert(id, session);
        Ok(())
    }

    pub(crate) fn do_close(who: &T::AccountId, id: SessionId, last: Option<&SignedVoucherOf<T>>) -> DispatchResult {
        let mut session = Sessions::<T>::get(id).ok_or(Error::<T>::UnknownSession)?;
        let now = T::Time::now();
        if session.worker == *who {
            ensure!(Self::last_for_vouchers(id, &session).is_some(), Error::<T>::IsSettled);
            ensure!(session.disputes == 0, Error::<T>::UnderDispute);
            if let Some(voucher) = last {
                Self::redeem_voucher(id, &mut session, voucher)?;
            }
            return Self::settle(id, session, SessionEnd::ByWorker, now);
        }
        ensure!(session.client == *who, Error::<T>::NotParty);
        ensure!(last.is_none(), Error::<T>::VoucherNotWanted);
        let SessionState::Open { until } = session.state else {
            return Err(Error::<T>::NotOpen.into());
        };
        Self::begin_closing(id, session, until.min(now))
    }

    /// Pays what a voucher is worth; returns that.
    fn redeem_voucher(
        id: SessionId,
        session: &mut SessionOf<T>,
        voucher: &SignedVoucherOf<T>,
    ) -> Result<BalanceOf<T>, DispatchError> {
        let last = Self::last_for_vouchers(id, session).ok_or(Error::<T>::IsSettled)?;
        // A verdict may come after any block, and the voucher is worth more or less then.
        ensure!(T::Time::now() <= last || session.disputes > 0, Error::<T>::TooLate);
        let place = (T::Genesis::get(), id);
        ensure!(
            voucher
                .message
                .is_signed(&voucher.signature, &session.client_key, place),
            Error::<T>::BadSignature
        );
        let paid = session.account.redeem(voucher.message.owed);
        if paid.is_zero() {
            return Ok(paid);
        }
        // Forced: what the client promised is the worker's, whatever freezes the client has put on its account.
        T::Currency::transfer_on_hold(
            &HoldReason::Budget.into(),
            &session.client,
            &session.worker,
            paid,
            Precision::Exact,
            Restriction::Free,
            Fortitude::Force,
        )?;
        Self::deposit_event(Event::Redeemed {
            session: id,
            worker: session.worker.clone(),
            paid,
            redeemed: session.account.redeemed,
        });
        Ok(paid)
    }

    /// Gives the client back what is not redeemed. The window begins with the block `from`.
    pub(crate) fn settle(
        id: SessionId,
        mut session: SessionOf<T>,
        reason: SessionEnd,
        from: BlockNumberFor<T>,
    ) -> DispatchResult {
        let returned = Self::give_back(&mut session)?;
        // Saturating: block numbers end far beyond any window.
        let until = from.saturating_add(session.terms.window_blocks);
        Self::deposit_event(Event::SessionSettled {
            session: id,
            reason,
            redeemed: session.account.redeemed,
            returned,
            until: Some(until),
        });
        Self::enter(id, session, SessionState::Settled { until })
    }

    /// Ends a session whose worker was convicted: the client has back what is not redeemed, and the rest of the lock is
    /// free. Disputes over other receipts go on, each with the part of the lock that secures it.
    pub(crate) fn break_off(id: SessionId, mut session: SessionOf<T>, reason: SessionEnd) -> DispatchResult {
        if session.state.phase() != SessionPhase::Convicted {
            let returned = Self::give_back(&mut session)?;
            Self::deposit_event(Event::SessionSettled {
                session: id,
                reason,
                redeemed: session.account.redeemed,
                returned,
                until: None,
            });
        }
        Self::unlock(&mut session, Outcome::Unpaid)?;
        let is_last = session.disputes == 0;
        Self::enter(id, session, SessionState::Convicted)?;
        if is_last {
            return Self::finish(id);
        }
        Ok(())
    }

    /// Removes a session that is over, and frees what it still locks.
    pub(crate) fn finish(id: SessionId) -> DispatchResult {
        let mut session = Sessions::<T>::get(id).ok_or(Error::<T>::UnknownSession)?;
        ensure!(
            session.state.phase().may_become(SessionPhase::Over),
            Error::<T>::IllegalTransition
        );
        Self::unschedule(id, &session);
        let outcome = match session.account.redeemed.is_zero() {
            true => Outcome::Unpaid,
            false => Outcome::Paid,
        };
        Self::unlock(&mut session, outcome)?;
        Self::forget(id, &session);
        Ok(())
    }

    /// Removes the record of a session that holds and locks nothing any more.
    pub(crate) fn forget(id: SessionId, session: &SessionOf<T>) {
        Load::<T>::mutate_exists(&session.worker, session.model, |load| {
            // Saturating: it was counted at the opening.
            *load = load.map(|load| load.saturating_sub(1)).filter(|load| *load > 0);
        });
        Sessions::<T>::remove(id);
        Self::deposit_event(Event::SessionEnded { session: id });
    }

    /// Frees the session's lock, without the parts that secure disputed receipts.
    fn unlock(session: &mut SessionOf<T>, outcome: Outcome<T::AccountId, BalanceOf<T>>) -> DispatchResult {
        Self::release(session, session.locked, outcome)?;
        session.locked = Zero::zero();
        Ok(())
    }

    /// Releases a part of the session's lock. Nothing is released of nothing: a worker that locks nothing may be gone.
    pub(crate) fn release(
        session: &SessionOf<T>,
        stake: BalanceOf<T>,
        outcome: Outcome<T::AccountId, BalanceOf<T>>,
    ) -> DispatchResult {
        if !stake.is_zero() {
            T::Workers::release(session.lock(stake), outcome)?;
        }
        Ok(())
    }

    /// Gives the client back what is not redeemed; returns that.
    fn give_back(session: &mut SessionOf<T>) -> Result<BalanceOf<T>, DispatchError> {
        let returned = session.account.settle();
        if !returned.is_zero() {
            T::Currency::release(&HoldReason::Budget.into(), &session.client, returned, Precision::Exact)?;
        }
        Ok(returned)
    }
}
