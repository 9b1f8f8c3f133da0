//! The calls that a worker may make now for jobs that it has, for those who give such calls room in a block. Each is a
//! look at the job; whether an output or a price is right is not asked.

use crate::{Bids, Config, Jobs, Pallet, seal::Seeds};
use assay_types::{AssayTime, JobId, JobState};

impl<T: Config> Pallet<T> {
    /// Whether the job is this worker's to seal or to decline, in time.
    pub fn may_seal(worker: &T::AccountId, job: JobId) -> bool {
        Jobs::<T>::get(job).is_some_and(|job| match job.state {
            JobState::Assigned { assignment, deadline } => assignment.worker == *worker && T::Time::now() <= deadline,
            _ => false,
        })
    }

    /// Whether the claim that this worker has sealed is to be made now.
    pub fn may_claim(worker: &T::AccountId, id: JobId) -> bool {
        Jobs::<T>::get(id).is_some_and(|job| {
            let sealed = Self::sealed_by(worker, &job);
            sealed.is_ok_and(|sealed| Self::ensure_claimable(id, &job, &sealed, &mut Seeds::<T>::new()).is_ok())
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
