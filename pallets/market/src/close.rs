//! The steps of a job: the one place where it changes its state, and where it ends.

use crate::*;
use assay_types::{CloseReason, JobId, JobState, Phase, WorkerRegistry};
use frame_support::{
    ensure,
    traits::{
        fungible::MutateHold,
        tokens::{Fortitude, Precision, Restriction},
    },
};
use sp_runtime::{
    DispatchResult,
    traits::{Saturating, Zero},
};

impl<T: Config> Pallet<T> {
    /// Stores a new job.
    pub(crate) fn open(id: JobId, job: JobOf<T>) {
        Self::schedule(id, &job.state);
        Self::deposit_event(Event::JobSubmitted {
            job: id,
            client: job.client.clone(),
            model: job.model,
            input_digest: job.input_digest,
            ceiling: job.ceiling,
        });
        Self::report(id, None, &job.state);
        Jobs::<T>::insert(id, job);
    }

    /// Moves a job on to its next state.
    pub(crate) fn enter(id: JobId, mut job: JobOf<T>, next: JobStateOf<T>) -> DispatchResult {
        ensure!(
            job.state.phase().may_become(next.phase()),
            Error::<T>::IllegalTransition
        );
        Self::unschedule(id, &job.state);
        Self::schedule(id, &next);
        Self::report(id, Some(job.state.phase()), &next);
        job.state = next;
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// Ends a job: the worker is paid if it is settled, the rest of the ceiling goes back to the client, and nothing of
    /// the job stays in state. Who refunds a job has dealt with the worker's locked stake before.
    pub(crate) fn close(id: JobId, job: JobOf<T>, reason: CloseReason) -> DispatchResult {
        ensure!(
            job.state.phase().may_become(reason.phase()),
            Error::<T>::IllegalTransition
        );
        let escrow = HoldReason::Escrow.into();
        let (worker, paid) = match (reason.phase(), job.state.assignment()) {
            (Phase::Settled, Some(assignment)) => {
                let worker = &assignment.worker;
                // Forced: what the client promised is the worker's, whatever freezes the client has put on its account.
                let paid = T::Currency::transfer_on_hold(
                    &escrow,
                    &job.client,
                    worker,
                    assignment.price,
                    Precision::Exact,
                    Restriction::Free,
                    Fortitude::Force,
                )?;
                T::Workers::unlock(worker, assignment.locked)?;
                T::Workers::note_completed(worker);
                (Some(worker.clone()), paid)
            }
            _ => (None, Zero::zero()),
        };
        T::Currency::release(&escrow, &job.client, job.ceiling.saturating_sub(paid), Precision::Exact)?;
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

    /// Does what is due for a job. A late one may be due for several steps at once.
    pub(crate) fn do_advance(id: JobId) -> DispatchResult {
        let now = frame_system::Pallet::<T>::block_number();
        let mut job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        let is_due = |job: &JobOf<T>| job.state.ends_after().is_some_and(|last| last < now);
        ensure!(job.state.phase() != Phase::Disputed, Error::<T>::UnderDispute);
        ensure!(is_due(&job), Error::<T>::NotDue);
        while is_due(&job) {
            Self::step(id, job)?;
            let Some(next) = Jobs::<T>::get(id) else { break };
            job = next;
        }
        Ok(())
    }

    fn step(id: JobId, job: JobOf<T>) -> DispatchResult {
        match job.state.phase() {
            Phase::Bidding => Self::open_reveals(id, job),
            Phase::Revealing => Self::close_auction(id, job),
            Phase::Assigned => Self::miss(id, job),
            Phase::Claimed => Self::close(id, job, CloseReason::WindowPassed),
            Phase::Disputed | Phase::Settled | Phase::Refunded => Err(Error::<T>::IllegalTransition.into()),
        }
    }

    /// Emits the event of a state that a job has entered, from another one or as a new job.
    fn report(id: JobId, from: Option<Phase>, state: &JobStateOf<T>) {
        let event = match state.clone() {
            JobState::Bidding { .. } => return,
            JobState::Revealing { until } => Event::RevealsOpened { job: id, until },
            JobState::Assigned { assignment, deadline } => Event::JobAssigned {
                job: id,
                worker: assignment.worker,
                price: assignment.price,
                deadline,
            },
            JobState::Disputed { assignment, .. } => Event::ClaimDisputed {
                job: id,
                worker: assignment.worker,
            },
            JobState::Claimed {
                assignment,
                window_until,
                ..
            } if from == Some(Phase::Disputed) => Event::ClaimUpheld {
                job: id,
                worker: assignment.worker,
                window_until,
            },
            JobState::Claimed {
                assignment,
                output_digest,
                window_until,
            } => Event::JobClaimed {
                job: id,
                worker: assignment.worker,
                output_digest,
                window_until,
                output: Outputs::<T>::get(id),
            },
        };
        Self::deposit_event(event);
    }
}
