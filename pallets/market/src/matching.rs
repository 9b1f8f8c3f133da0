//! Matching: the next worker gets a job when one does not deliver, and the cheapest offer wins against bids.

use crate::{AssignmentOf, BalanceOf, Bids, BidsOf, Config, JobOf, JobStateOf, Pallet};
use assay_types::{
    AssayTime, Assignment, CloseReason, JobId, JobState, ModelVersion, Purpose, Unavailable, WorkerRegistry,
};
use polkadot_sdk::{
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{
        DispatchResult,
        traits::{CheckedSub, One, Saturating},
    },
};

impl<T: Config> Pallet<T> {
    /// The state of a job that a worker has from now on.
    pub(crate) fn assigned(assignment: AssignmentOf<T>, deadline_blocks: BlockNumberFor<T>) -> JobStateOf<T> {
        let now = T::Time::now();
        // Saturating: the deadline is bounded by `MaxDeadline`, the block number is far from its end.
        JobState::Assigned {
            assignment,
            deadline: now.saturating_add(deadline_blocks),
        }
    }

    /// Notes that `failed` had the job, and gives it to the next worker or its money back to the client.
    pub(crate) fn hand_on(id: JobId, mut job: JobOf<T>, failed: T::AccountId) -> DispatchResult {
        let may_try_again = job.tried.try_push(failed).is_ok() && !job.tried.is_full();
        let next = if may_try_again {
            Self::next_worker(id, &job)
        } else {
            None
        };
        match next {
            Some(assignment) => {
                let state = Self::assigned(assignment, job.deadline_blocks);
                Self::enter(id, job, state)
            }
            None => Self::close(id, job, CloseReason::NoWorkerLeft),
        }
    }

    /// The auction's runners-up first, in the order of their prices, then the standing offers whose terms the job fits.
    /// Who bid has seen the job's terms.
    fn next_worker(id: JobId, job: &JobOf<T>) -> Option<AssignmentOf<T>> {
        let runners_up = match job.kept.bids {
            true => Bids::<T>::get(id).unwrap_or_default(),
            false => BidsOf::<T>::new(),
        };
        runners_up
            .into_iter()
            .filter(|bid| !job.tried.contains(&bid.worker))
            .filter_map(|bid| bid.price.map(|price| (bid.worker, price)))
            .find_map(|(worker, price)| Self::take(job.model, worker, price).ok())
            .or_else(|| {
                let (worker, price) = T::Workers::cheapest(job.model, &job.terms(), job.ceiling, &job.tried).ok()?;
                Self::take(job.model, worker, price).ok()
            })
    }

    /// The assignment to the cheapest standing offer that asks for less than the lowest bid. So whoever takes all the
    /// places of an auction wins nothing against the book.
    pub(crate) fn cheaper_offer(job: &JobOf<T>, lowest_bid: BalanceOf<T>) -> Option<AssignmentOf<T>> {
        let below = lowest_bid.checked_sub(&One::one())?;
        let (worker, price) = T::Workers::cheapest(job.model, &job.terms(), below, &job.tried).ok()?;
        Self::take(job.model, worker, price).ok()
    }

    /// Gives a job to a worker.
    fn take(model: ModelVersion, worker: T::AccountId, price: BalanceOf<T>) -> Result<AssignmentOf<T>, Unavailable> {
        let locked = T::Workers::take(&worker, model, Purpose::Job { price })?;
        Ok(Assignment {
            worker,
            price,
            locked,
            hazard: 0,
        })
    }
}
