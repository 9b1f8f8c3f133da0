//! Claims: a worker commits to an output, gives the job back, or is relieved of it.

use crate::{
    AssignmentOf, BalanceOf, Bids, Claim, Config, Error, Event, JobOf, Jobs, Outputs, Pallet, WeightInfo,
    agenda::{Pages, page_of},
    seal::Seeds,
    terms,
    versions::Versions,
};
use alloc::vec::Vec;
use assay_types::{
    AssayTime, Delivery, HostBlake2, JobId, JobState, Outcome, Phase, Slashed, WorkerRegistry,
    audit::{Police, seal},
    payload::delivered,
};
use polkadot_sdk::{
    frame_support::{ensure, storage::with_storage_layer, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{
        DispatchError, DispatchResult, SaturatedConversion,
        traits::{Saturating, Zero},
    },
};

/// State that a claim has touched beside its job's record.
struct Touched<T: Config> {
    /// The last blocks of the two phases, each with a place on the agenda.
    moments: [BlockNumberFor<T>; 2],
    had_bids: bool,
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_claim(worker: &T::AccountId, claim: Claim) -> DispatchResult {
        Self::claim_one(worker, claim, &mut Versions::<T>::new(), &mut Seeds::<T>::new()).map(|_| ())
    }

    /// Claims a job; what that has touched.
    fn claim_one(
        worker: &T::AccountId,
        claim: Claim,
        versions: &mut Versions<T>,
        seeds: &mut Seeds<T>,
    ) -> Result<Touched<T>, DispatchError> {
        let mut job = Jobs::<T>::get(claim.job).ok_or(Error::<T>::UnknownJob)?;
        let sealed = Self::sealed_by(worker, &job)?;
        let opened = seal::<HostBlake2, _>(claim.job, worker, &claim.output_digest, &claim.salt);
        ensure!(opened == sealed.seal, Error::<T>::WrongSeal);
        Self::ensure_claimable(claim.job, &job, &sealed, seeds)?;
        Self::check_output(&job, &claim, versions)?;

        let (now, assignment) = (T::Time::now(), sealed.assignment);
        if job.kept.audit {
            T::Police::opened(claim.job, claim.output_digest)?;
        }
        // Saturating: the window is bounded by `MaxWindow`, the block number is far from its end.
        let window_until = now.saturating_add(job.window_blocks);
        let touched = Touched {
            moments: [sealed.until, window_until],
            had_bids: job.kept.bids,
        };
        if job.kept.bids {
            Bids::<T>::remove(claim.job);
            job.kept.bids = false;
        }
        if let Some(output) = claim.output {
            Outputs::<T>::insert(claim.job, output);
            job.kept.output = true;
        }
        let state = JobState::Claimed {
            assignment,
            output_digest: claim.output_digest,
            window_until,
        };
        Self::enter(claim.job, job, state)?;
        Ok(touched)
    }

    /// Claims jobs, each on its own; returns the weight of that.
    pub(crate) fn do_claim_batch(worker: &T::AccountId, claims: Vec<Claim>) -> Weight {
        let mut used = terms::outputs_weight::<T::WeightInfo>(&claims);
        let (mut versions, mut seeds) = (Versions::<T>::new(), Seeds::<T>::new());
        let count = claims.len() as u32; // At most `MAX_BATCH`.
        let mut pages = Pages::<T>::new();
        for claim in claims {
            let job = claim.job;
            match with_storage_layer(|| Self::claim_one(worker, claim, &mut versions, &mut seeds)) {
                Ok(touched) => {
                    pages.extend(touched.moments.map(|last| (last, page_of(job))));
                    if touched.had_bids {
                        used = used.saturating_add(T::WeightInfo::removal()); // A batch has few.
                    }
                }
                Err(error) => Self::deposit_event(Event::ClaimRejected { job, error }),
            }
        }
        // Saturating: a batch has few items, and one that fails has touched none.
        let items = pages.len() as u64;
        // The first seed is part of the weight of a batch. An audit that is looked at takes less than a seed.
        let looked_up = u64::from(seeds.looked_up().saturating_sub(1));
        used.saturating_add(terms::claim_items_weight::<T::WeightInfo>(count, items))
            .saturating_add(T::WeightInfo::seed().saturating_mul(looked_up))
    }

    pub(crate) fn do_decline(worker: &T::AccountId, id: JobId) -> DispatchResult {
        let job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        let (assignment, deadline) = Self::held_by(worker, &job)?;
        let now = T::Time::now();
        ensure!(now <= deadline, Error::<T>::DeadlinePassed);

        let slashed = Self::give_back(id, &job, &assignment, deadline)?;
        Self::deposit_event(Event::JobDeclined {
            job: id,
            worker: worker.clone(),
            slashed,
        });
        Self::hand_on(id, job, assignment.worker)
    }

    /// Ends a job for a worker that declines it or that it is taken from, and returns what that costs the worker.
    fn give_back(
        id: JobId,
        job: &JobOf<T>,
        assignment: &AssignmentOf<T>,
        deadline: BlockNumberFor<T>,
    ) -> Result<BalanceOf<T>, DispatchError> {
        let now = T::Time::now();
        // Saturating: the deadline is as many blocks after the assignment, which is no later than now.
        let since = deadline.saturating_sub(job.deadline_blocks);
        let held = terms::Held {
            blocks: now.saturating_sub(since).saturated_into(),
            of: job.deadline_blocks.saturated_into(),
            is_inline: job.kept.input,
        };
        let rules = Self::rules_of(id);
        let outcome = Outcome::Declined {
            beneficiary: job.client.clone(),
            cost: Slashed {
                paid: Zero::zero(),
                burned: terms::decline(assignment.locked, rules.declined, rules.missed, held),
            },
        };
        Ok(T::Workers::release(assignment.lock(job.model), outcome)?.slashed.burned)
    }

    /// Relieves a worker of a job that its stake no longer secures, as if it had declined, and gives the job to the
    /// next: otherwise one slash would let a worker out of all its jobs for nothing. A claim that comes before this
    /// stands: it is covered as far as the stake goes, and the work is done.
    pub(crate) fn do_reassign(id: JobId) -> DispatchResult {
        let job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        let (assignment, deadline) = match job.state.clone() {
            JobState::Assigned { assignment, deadline } => (assignment, deadline),
            JobState::Sealed { .. } => return Err(Error::<T>::AlreadySealed.into()),
            JobState::Claimed { .. } | JobState::Disputed { .. } => return Err(Error::<T>::AlreadyClaimed.into()),
            JobState::Bidding { .. } | JobState::Revealing { .. } => return Err(Error::<T>::NotAssigned.into()),
        };
        let now = T::Time::now();
        ensure!(now <= deadline, Error::<T>::DeadlinePassed);
        let min_stake = Self::rules_of(id).min_stake;
        ensure!(
            !T::Workers::is_secure(&assignment.worker, min_stake),
            Error::<T>::WorkerIsSecure
        );

        Self::give_back(id, &job, &assignment, deadline)?;
        Self::deposit_event(Event::WorkerRemoved {
            job: id,
            worker: assignment.worker.clone(),
        });
        Self::hand_on(id, job, assignment.worker)
    }

    /// Punishes a worker that has not sealed or not claimed in time, and gives the job to the next.
    pub(crate) fn miss(id: JobId, job: JobOf<T>) -> DispatchResult {
        let (JobState::Assigned { assignment, .. } | JobState::Sealed { assignment, .. }) = job.state.clone() else {
            return Err(Error::<T>::NotAssigned.into());
        };
        // The client paid one fee, so that one worker's miss makes it good.
        let rules = Self::rules_of(id);
        let compensation = if job.tried.is_empty() {
            rules.compensation
        } else {
            Zero::zero()
        };
        let beneficiary = job.client.clone();
        let cost = terms::non_delivery(assignment.locked, rules.missed, compensation);
        let outcome = match job.state.phase() {
            // It no longer counts towards the worker's capacity.
            Phase::Sealed => Outcome::Withheld { beneficiary, cost },
            _ => Outcome::Missed { beneficiary, cost },
        };
        let Slashed { paid, burned } = T::Workers::release(assignment.lock(job.model), outcome)?.slashed;
        Self::deposit_event(Event::DeadlineMissed {
            job: id,
            worker: assignment.worker.clone(),
            paid,
            burned,
        });
        Self::hand_on(id, job, assignment.worker)
    }

    /// The worker's assignment and its deadline, if the job is the worker's to seal or decline.
    pub(crate) fn held_by(
        worker: &T::AccountId,
        job: &JobOf<T>,
    ) -> Result<(AssignmentOf<T>, BlockNumberFor<T>), Error<T>> {
        match &job.state {
            JobState::Assigned { assignment, deadline } if assignment.worker == *worker => {
                Ok((assignment.clone(), *deadline))
            }
            JobState::Sealed { assignment, .. } if assignment.worker == *worker => Err(Error::<T>::AlreadySealed),
            JobState::Claimed { assignment, .. } | JobState::Disputed { assignment, .. }
                if assignment.worker == *worker =>
            {
                Err(Error::<T>::AlreadyClaimed)
            }
            JobState::Assigned { .. }
            | JobState::Sealed { .. }
            | JobState::Claimed { .. }
            | JobState::Disputed { .. } => Err(Error::<T>::AssignedToAnother),
            JobState::Bidding { .. } | JobState::Revealing { .. } => Err(Error::<T>::NotAssigned),
        }
    }

    pub(crate) fn check_output(job: &JobOf<T>, claim: &Claim, versions: &mut Versions<T>) -> Result<(), DispatchError> {
        match (job.delivery, &claim.output) {
            (Delivery::Digest, None) => Ok(()),
            (Delivery::Digest, Some(_)) => Err(Error::<T>::OutputNotWanted.into()),
            (Delivery::Inline, None) => Err(Error::<T>::OutputMissing.into()),
            (Delivery::Inline, Some(output)) => {
                // A version outlives the jobs that name it: it is removed only after it has been deprecated for longer
                // than a job can last.
                let version = versions.get(job.model)?;
                let digest = delivered(&version.parts, &job.symbols, output)
                    .and_then(|outputs| outputs.digest::<HostBlake2>())
                    .map_err(|_| Error::<T>::OutputSizeMismatch)?;
                ensure!(digest == claim.output_digest, Error::<T>::OutputDigestMismatch);
                Ok(())
            }
        }
    }
}
