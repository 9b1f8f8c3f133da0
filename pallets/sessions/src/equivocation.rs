//! Two receipts of one request: the chain sees the fault by itself, and nobody has to play.

use crate::{BalanceOf, Config, Error, Event, Pallet, SignedReceiptOf};
use assay_types::{Outcome, WorkerRegistry, dispute::slash_awards, session::SessionEnd};
use polkadot_sdk::{
    frame_support::ensure,
    sp_runtime::{DispatchResult, traits::Zero},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_convict_equivocation(
        reporter: T::AccountId,
        first: &SignedReceiptOf<T>,
        second: &SignedReceiptOf<T>,
    ) -> DispatchResult {
        let mut session = Self::session_of_receipt(first)?;
        Self::session_of_receipt(second)?;
        ensure!(first.message.contradicts(&second.message), Error::<T>::NoContradiction);
        ensure!(Self::goes_on(&session), Error::<T>::WindowPassed);
        let (id, sequence, locked) = (first.message.session, first.message.sequence, session.locked);

        let rules = Self::rules_of(id);
        let awards = |to_reporter: BalanceOf<T>, to_client: BalanceOf<T>| {
            [(reporter.clone(), to_reporter), (session.client.clone(), to_client)]
        };
        let outcome = Outcome::Convicted {
            share: rules.fault_slash,
            awards: awards(Zero::zero(), Zero::zero()),
        };
        let released = T::Workers::release(session.lock(locked), outcome)?;
        let penalty = released.pending.ok_or(Error::<T>::Inconsistent)?;
        let (to_reporter, to_client) = slash_awards(penalty.amount, locked, true, rules.shares);
        T::Workers::award(penalty.slash, awards(to_reporter, to_client))?;
        session.locked = Zero::zero();
        Self::deposit_event(Event::Equivocated {
            session: id,
            sequence,
            worker: session.worker.clone(),
            reporter,
            slash: penalty.slash,
            slashed: penalty.amount,
            to_reporter,
            to_client,
        });
        Self::break_off(id, session, SessionEnd::Equivocation { sequence })
    }
}
