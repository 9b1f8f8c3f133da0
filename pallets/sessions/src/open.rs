//! The beginning of a session, and additions to its budget.

use crate::{
    BalanceOf, Config, Error, Event, HoldReason, Load, NextSessionId, Offers, Pallet, RequestOf, SessionOf, Sessions,
};
use assay_types::{
    AssayTime, ModelRegistry, Purpose, SessionAccount, SessionId, SessionState, WorkerRegistry, limits::MAX_SESSIONS,
    session::SessionPhase,
};
use polkadot_sdk::{
    frame_support::{ensure, traits::fungible::MutateHold},
    sp_runtime::{
        DispatchResult,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_open(client: T::AccountId, request: RequestOf<T>) -> DispatchResult {
        let (worker, model) = (request.worker, request.model);
        let version = T::Models::version(model).ok_or(Error::<T>::UnknownModel)?;
        ensure!(version.active, Error::<T>::ModelDeprecated);
        let offer = Offers::<T>::get(model, &worker).ok_or(Error::<T>::NoSuchOffer)?;
        ensure!(
            offer.terms == request.terms && offer.key == request.worker_key,
            Error::<T>::AnotherOffer
        );
        let (terms, budget) = (offer.terms, request.budget);
        ensure!(
            terms.min_budget <= budget && budget <= terms.max_budget,
            Error::<T>::BudgetOutOfRange
        );
        ensure!(
            !request.blocks.is_zero() && request.blocks <= terms.max_blocks,
            Error::<T>::TooLong
        );
        Load::<T>::try_mutate(&worker, model, |load| {
            ensure!(*load < offer.capacity, Error::<T>::WorkerBusy);
            *load = load.saturating_add(1); // It is below the capacity.
            Ok::<(), Error<T>>(())
        })?;
        // No less than the cheapest job locks, so that every receipt is secured by something.
        let stake = terms.lock_for(budget).max(T::Workers::stake_for(Zero::zero()));
        let locked = T::Workers::take(&worker, model, Purpose::Session { stake }).map_err(Error::<T>::from)?;
        T::Currency::hold(&HoldReason::Budget.into(), &client, budget).map_err(|_| Error::<T>::InsufficientFunds)?;

        let id = Self::next_session_id()?;
        // Saturating: the duration is bounded by `MaxSessionBlocks`, the block number is far from its end.
        let until = T::Time::now().saturating_add(request.blocks);
        let session = SessionOf::<T> {
            client: client.clone(),
            worker: worker.clone(),
            model,
            model_root: version.root,
            terms,
            client_key: request.client_key,
            worker_key: offer.key,
            account: SessionAccount::new(budget),
            locked,
            disputes: 0,
            state: SessionState::Open { until },
        };
        Self::schedule(id, &session);
        Sessions::<T>::insert(id, session);
        Self::deposit_event(Event::SessionOpened {
            session: id,
            client,
            worker,
            model,
            budget,
            locked,
            until,
        });
        Ok(())
    }

    pub(crate) fn do_top_up(client: &T::AccountId, id: SessionId, amount: BalanceOf<T>) -> DispatchResult {
        let mut session = Sessions::<T>::get(id).ok_or(Error::<T>::UnknownSession)?;
        ensure!(session.client == *client, Error::<T>::NotClient);
        ensure!(!amount.is_zero(), Error::<T>::ZeroAmount);
        let now = T::Time::now();
        let is_open =
            session.state.phase() == SessionPhase::Open && session.state.until().is_some_and(|until| now <= until);
        ensure!(is_open, Error::<T>::NotOpen);
        session
            .account
            .top_up(amount, session.terms.max_budget)
            .ok_or(Error::<T>::BudgetOutOfRange)?;
        let stake = session.terms.lock_for(amount);
        let locked =
            T::Workers::take(&session.worker, session.model, Purpose::Session { stake }).map_err(Error::<T>::from)?;
        session.locked = session.locked.saturating_add(locked); // Together they are at most the stake.
        T::Currency::hold(&HoldReason::Budget.into(), client, amount).map_err(|_| Error::<T>::InsufficientFunds)?;
        Self::deposit_event(Event::ToppedUp {
            session: id,
            amount,
            budget: session.account.budget,
            locked,
        });
        Sessions::<T>::insert(id, session);
        Ok(())
    }

    fn next_session_id() -> Result<SessionId, Error<T>> {
        NextSessionId::<T>::try_mutate(|next| {
            let id = *next;
            ensure!(id <= MAX_SESSIONS, Error::<T>::NoNumberLeft);
            *next = id.saturating_add(1); // It is at most one more than the last one.
            Ok(id)
        })
    }
}
