//! The calls that a worker may make now for jobs that it has, for those who give such calls room in a block. Each is a
//! look at the job; whether an output or a price is right is not asked.

use crate::{Bids, Config, Jobs, Pallet};
use assay_types::{AssayTime, JobId, JobState};

impl<T: Config> Pallet<T> {
    /// Whether the job is this worker's to seal or to decline, in time.
    pub fn may_seal(worker: &T::AccountId, job: JobId) -> bool {
        Jobs::<T>::get(job).is_some_and(|job| match job.state {
            JobState::Assigned { assignment, deadline } => assignment.worker == *worker && T::Time::now() <= deadline,
            _ => false,
        })
    }

    /// Whether this worker has sealed the job and its time for the claim is not over. Whether the draw is known is not
    /// asked: that takes many reads, and a claim that comes too early pays for nothing.
    pub fn may_claim(worker: &T::AccountId, job: JobId) -> bool {
        Jobs::<T>::get(job).is_some_and(|job| match job.state {
            // An audit puts the end off.
            JobState::Sealed { assignment, until, .. } => {
                assignment.worker == *worker && (job.kept.audit || T::Time::now() <= until)
            }
            _ => false,
        })
    }

    /// Whether a demanded output of this job is this worker's to deliver, in time.
    pub fn may_deliver(worker: &T::AccountId, job: JobId) -> bool {
        Jobs::<T>::get(job).is_some_and(|job| {
            let is_own = job
                .state
                .assignment()
                .is_some_and(|assignment| assignment.worker == *worker);
            let in_time = job.state.ends_after().is_none_or(|last| T::Time::now() <= last);
            job.kept.demand && is_own && in_time
        })
    }

    /// Whether this worker has a bid on the job that it may reveal now, and has not.
    pub fn may_reveal_bid(worker: &T::AccountId, job: JobId) -> bool {
        let now = T::Time::now();
        let reveals = Jobs::<T>::get(job).is_some_and(|job| match job.state {
            JobState::Bidding { until, reveal_until } => until < now && now <= reveal_until,
            JobState::Revealing { until } => now <= until,
            _ => false,
        });
        let mut bids = Bids::<T>::get(job).unwrap_or_default().into_iter();
        reveals && bids.any(|bid| bid.worker == *worker && bid.price.is_none())
    }
}
