//! The steps of a job: the one place where it begins and changes its state.

use crate::{Bids, Config, Error, Event, JobOf, JobStateOf, Jobs, Outputs, Pallet, WeightInfo};
use assay_types::{AssayTime, CloseReason, JobId, JobState, Phase, audit::Police};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{DispatchError, DispatchResult, traits::Saturating},
};

impl<T: Config> Pallet<T> {
    /// Does what is due for a job, and returns the weight of that, at most [`WeightInfo::step`]. A late one may be due
    /// for several steps at once.
    pub(crate) fn do_advance(id: JobId) -> Result<Weight, DispatchError> {
        let now = T::Time::now();
        let mut job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        let is_due = |job: &JobOf<T>| job.state.ends_after().is_some_and(|last| last < now);
        ensure!(job.state.phase() != Phase::Disputed, Error::<T>::UnderDispute);
        ensure!(is_due(&job), Error::<T>::NotDue);
        let mut used = Weight::zero();
        while is_due(&job) {
            // Saturating: a job has few steps.
            used = used.saturating_add(Self::weight_of_step(id, &job));
            Self::step(id, job)?;
            let Some(next) = Jobs::<T>::get(id) else { break };
            job = next;
        }
        Ok(used.min(T::WeightInfo::step()))
    }

    /// Weight of the step that follows the job's phase.
    pub(crate) fn weight_of_step(id: JobId, job: &JobOf<T>) -> Weight {
        let bids = || match job.kept.bids {
            true => Bids::<T>::decode_len(id).unwrap_or_default() as u32, // At most `MAX_BIDS`.
            false => 0,
        };
        match job.state.phase() {
            // To open the reveals takes less than to close a job without bids.
            Phase::Claimed if job.kept.demand => T::WeightInfo::end_demanded(),
            Phase::Claimed if job.kept.audit => T::WeightInfo::end_audited(),
            Phase::Bidding | Phase::Claimed => T::WeightInfo::settle(),
            Phase::Revealing => T::WeightInfo::close_auction(bids()),
            Phase::Assigned => T::WeightInfo::miss(),
            Phase::Sealed => T::WeightInfo::miss().max(T::WeightInfo::draw(1)),
            Phase::Disputed | Phase::Settled | Phase::Refunded => T::WeightInfo::step(),
        }
    }

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
        Self::report(id, None, &job);
        Jobs::<T>::insert(id, job);
    }

    /// Moves a job on to its next state.
    pub(crate) fn enter(id: JobId, mut job: JobOf<T>, next: JobStateOf<T>) -> DispatchResult {
        ensure!(
            job.state.phase().may_become(next.phase()),
            Error::<T>::IllegalTransition
        );
        let from = job.state.phase();
        Self::unschedule(id, &job);
        Self::schedule(id, &next);
        job.kept.set_aside = false;
        job.state = next;
        Self::report(id, Some(from), &job);
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// Keeps a job in its phase up to a later block.
    pub(crate) fn extend(id: JobId, mut job: JobOf<T>, until: BlockNumberFor<T>) -> DispatchResult {
        Self::unschedule(id, &job);
        match &mut job.state {
            JobState::Sealed { until: last, .. } | JobState::Claimed { window_until: last, .. } => *last = until,
            _ => return Err(Error::<T>::IllegalTransition.into()),
        }
        Self::schedule(id, &job.state);
        job.kept.set_aside = false;
        Self::deposit_event(Event::PhaseExtended { job: id, until });
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// Takes the one step that follows the job's phase.
    fn step(id: JobId, job: JobOf<T>) -> DispatchResult {
        match job.state.phase() {
            Phase::Bidding => Self::open_reveals(id, job),
            Phase::Revealing => Self::close_auction(id, job),
            Phase::Assigned => Self::miss(id, job),
            Phase::Sealed => Self::end_seal(id, job),
            Phase::Claimed if job.kept.audit && !T::Police::may_settle(id) => {
                // Saturating: block numbers end far beyond any audit.
                Self::extend(id, job, T::Time::now().saturating_add(T::MinWindow::get()))
            }
            Phase::Claimed if job.kept.demand => Self::end_undelivered(id, job),
            Phase::Claimed => Self::close(id, job, CloseReason::WindowPassed),
            Phase::Disputed | Phase::Settled | Phase::Refunded => Err(Error::<T>::IllegalTransition.into()),
        }
    }

    /// Emits the event of a state that a job has entered, from another one or as a new job.
    fn report(id: JobId, from: Option<Phase>, job: &JobOf<T>) {
        let event = match job.state.clone() {
            JobState::Bidding { .. } => return,
            JobState::Revealing { until } => Event::RevealsOpened { job: id, until },
            JobState::Assigned { assignment, deadline } => Event::JobAssigned {
                job: id,
                worker: assignment.worker,
                price: assignment.price,
                deadline,
            },
            JobState::Sealed { assignment, until, .. } => Event::JobSealed {
                job: id,
                worker: assignment.worker,
                until,
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
                output: job.kept.output.then(|| Outputs::<T>::get(id)).flatten(),
            },
        };
        Self::deposit_event(event);
    }
}
