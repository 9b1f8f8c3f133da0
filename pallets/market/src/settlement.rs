//! The end of a job: the worker is paid or the client refunded, and nothing of the job stays in state.

use crate::{AssignmentOf, BalanceOf, Bids, Config, Error, Event, HoldReason, Inputs, JobOf, Jobs, Outputs, Pallet};
use assay_types::{CloseReason, JobId, Outcome, Phase, WorkerRegistry};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{
            fungible::MutateHold,
            tokens::{Fortitude, Precision, Restriction},
        },
    },
    sp_runtime::{
        DispatchError, DispatchResult,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_accept(client: &T::AccountId, id: JobId) -> DispatchResult {
        let job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        ensure!(job.client == *client, Error::<T>::NotClient);
        match job.state.phase() {
            Phase::Claimed => {}
            Phase::Disputed => return Err(Error::<T>::UnderDispute.into()),
            _ => return Err(Error::<T>::NotClaimed.into()),
        }
        Self::close(id, job, CloseReason::Accepted)
    }

    /// Ends a job: the worker is paid if it is settled, and the rest of the ceiling goes back to the client. The caller
    /// that refunds a job has released the worker's stake before.
    pub(crate) fn close(id: JobId, job: JobOf<T>, reason: CloseReason) -> DispatchResult {
        ensure!(
            job.state.phase().may_become(reason.phase()),
            Error::<T>::IllegalTransition
        );
        let (worker, paid) = match (reason.phase(), job.state.assignment()) {
            (Phase::Settled, Some(assignment)) => (Some(assignment.worker.clone()), Self::pay(&job, assignment)?),
            _ => (None, Zero::zero()),
        };
        let change = job.ceiling.saturating_sub(paid); // A price is at most the ceiling.
        T::Currency::release(&HoldReason::Escrow.into(), &job.client, change, Precision::Exact)?;
        Self::unschedule(id, &job.state);
        Jobs::<T>::remove(id);
        Inputs::<T>::remove(id);
        Outputs::<T>::remove(id);
        Bids::<T>::remove(id);
        Self::deposit_event(Event::JobClosed {
            job: id,
            client: job.client,
            reason,
            worker,
            paid,
        });
        Ok(())
    }

    /// Pays the worker out of the ceiling and frees its stake.
    fn pay(job: &JobOf<T>, assignment: &AssignmentOf<T>) -> Result<BalanceOf<T>, DispatchError> {
        let worker = &assignment.worker;
        // Forced: what the client promised is the worker's, whatever freezes the client has put on its account.
        let paid = T::Currency::transfer_on_hold(
            &HoldReason::Escrow.into(),
            &job.client,
            worker,
            assignment.price,
            Precision::Exact,
            Restriction::Free,
            Fortitude::Force,
        )?;
        T::Workers::release(assignment.lock(job.model), Outcome::Paid)?;
        Ok(paid)
    }
}
