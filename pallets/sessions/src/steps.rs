//! The steps of a session: the one place where it changes its state.

use crate::{Config, Error, Event, Pallet, SessionOf, SessionStateOf, Sessions};
use assay_types::{
    AssayTime, SessionId, SessionState,
    session::{SessionEnd, SessionPhase},
};
use polkadot_sdk::{
    frame_support::ensure,
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{DispatchResult, traits::Saturating},
};

impl<T: Config> Pallet<T> {
    /// Does what is due for a session. A late one may be due for several steps at once, of which there are three.
    pub(crate) fn do_advance(id: SessionId) -> DispatchResult {
        let now = T::Time::now();
        let mut session = Sessions::<T>::get(id).ok_or(Error::<T>::UnknownSession)?;
        ensure!(session.disputes == 0, Error::<T>::UnderDispute);
        let is_due = |session: &SessionOf<T>| session.ends_after().is_some_and(|last| last < now);
        ensure!(is_due(&session), Error::<T>::NotDue);
        while is_due(&session) {
            Self::step(id, session)?;
            let Some(next) = Sessions::<T>::get(id) else { break };
            session = next;
        }
        Ok(())
    }

    /// Takes the one step that follows the session's phase. What follows is counted from the last block of the phase,
    /// however late the step is taken.
    fn step(id: SessionId, session: SessionOf<T>) -> DispatchResult {
        match session.state {
            SessionState::Open { until } => Self::begin_closing(id, session, until),
            SessionState::Closing { until } => Self::settle(id, session, SessionEnd::TimeOver, until),
            SessionState::Settled { .. } => Self::finish(id),
            SessionState::Convicted => Err(Error::<T>::IllegalTransition.into()),
        }
    }

    /// From this moment on the worker has time for its last voucher.
    pub(crate) fn begin_closing(id: SessionId, session: SessionOf<T>, from: BlockNumberFor<T>) -> DispatchResult {
        // Saturating: block numbers end far beyond any session.
        let until = from.saturating_add(Self::rules_of(id).closing_blocks);
        Self::deposit_event(Event::SessionClosing { session: id, until });
        Self::enter(id, session, SessionState::Closing { until })
    }

    /// Moves a session on to its next state.
    pub(crate) fn enter(id: SessionId, mut session: SessionOf<T>, next: SessionStateOf<T>) -> DispatchResult {
        ensure!(
            session.state.phase().may_become(next.phase()),
            Error::<T>::IllegalTransition
        );
        Self::unschedule(id, &session);
        session.state = next;
        Self::schedule(id, &session);
        Sessions::<T>::insert(id, session);
        Ok(())
    }

    /// Goes on with a session of which a dispute is over. Once no other one lasts, the worker has time for its last
    /// voucher again, and a challenger that was kept out has a turn.
    pub(crate) fn resume(id: SessionId, session: SessionOf<T>, window_at_least: BlockNumberFor<T>) -> DispatchResult {
        if session.disputes > 0 {
            Sessions::<T>::insert(id, session);
            return Ok(());
        }
        let now = T::Time::now();
        let next = match session.state {
            // The window of a session that is not settled ends after the time for the last voucher.
            SessionState::Open { until } => SessionState::Open { until: until.max(now) },
            SessionState::Closing { until } => SessionState::Closing {
                // Saturating: as above.
                until: until.max(now.saturating_add(Self::rules_of(id).closing_blocks)),
            },
            // Not before this block, since the agenda has been drained up to it.
            SessionState::Settled { until } => SessionState::Settled {
                until: until.max(window_at_least).max(now),
            },
            SessionState::Convicted => {
                Sessions::<T>::insert(id, session);
                return Self::finish(id);
            }
        };
        Self::enter(id, session, next)
    }

    /// The last block in which vouchers of a session are redeemed; none once it is settled.
    pub(crate) fn last_for_vouchers(id: SessionId, session: &SessionOf<T>) -> Option<BlockNumberFor<T>> {
        match session.state {
            // Saturating: as above.
            SessionState::Open { until } => Some(until.saturating_add(Self::rules_of(id).closing_blocks)),
            SessionState::Closing { until } => Some(until),
            SessionState::Settled { .. } | SessionState::Convicted => None,
        }
    }

    /// The last block in which receipts of a session can be challenged, if nothing happens before; none after a
    /// conviction.
    pub(crate) fn last_for_challenges(id: SessionId, session: &SessionOf<T>) -> Option<BlockNumberFor<T>> {
        match session.state.phase() {
            SessionPhase::Settled => session.state.until(),
            // Saturating: as above.
            _ => {
                let last = Self::last_for_vouchers(id, session)?;
                Some(last.saturating_add(session.terms.window_blocks))
            }
        }
    }
}
