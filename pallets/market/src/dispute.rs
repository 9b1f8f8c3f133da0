//! Disputes, as the market takes part in them: which claims can be challenged, and what a verdict does to a job. Who
//! challenges, and how a verdict is reached, is not known here.

use crate::{AssignmentOf, BalanceOf, Config, Error, Event, HoldReason, JobOf, Jobs, Pallet};
use assay_types::{
    AssayTime, ClaimInfo, Claims, CloseReason, H256, JobId, JobState, ModelParts, ModelRegistry, ModelVersion,
    NotChallengeable, Outcome, Penalty, SlashId, Slashed, WorkerRegistry, audit::Police,
};
use core::mem;
use polkadot_sdk::{
    frame_support::{
        ensure,
        storage::with_storage_layer,
        traits::{Get, fungible::MutateHold, tokens::Precision},
    },
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{
        DispatchError, DispatchResult, Perbill,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Claims<T::AccountId, BalanceOf<T>, BlockNumberFor<T>> for Pallet<T> {
    fn claimed(id: JobId) -> Result<ClaimInfo<T::AccountId, BalanceOf<T>>, NotChallengeable> {
        let job = Jobs::<T>::get(id).ok_or(NotChallengeable::UnknownJob)?;
        let now = T::Time::now();
        let (assignment, output_digest) = match job.state.clone() {
            JobState::Claimed { window_until, .. } if window_until < now && !Self::is_audited(id, &job) => {
                return Err(NotChallengeable::WindowPassed);
            }
            JobState::Claimed {
                assignment,
                output_digest,
                ..
            }
            | JobState::Disputed {
                assignment,
                output_digest,
                ..
            } => (assignment, output_digest),
            JobState::Bidding { .. }
            | JobState::Revealing { .. }
            | JobState::Assigned { .. }
            | JobState::Sealed { .. } => return Err(NotChallengeable::NotClaimed),
        };
        let version = T::Models::version(job.model).ok_or(NotChallengeable::UnknownModel)?;
        Ok(ClaimInfo {
            client: job.client,
            worker: assignment.worker,
            model: job.model,
            model_root: version.root,
            definition: version.parts.definition,
            input_digest: job.input_digest,
            output_digest,
            locked: assignment.locked,
            price: assignment.price,
            work: job.work,
        })
    }

    fn parts(model: ModelVersion) -> Option<ModelParts> {
        T::Models::version(model).map(|version| version.parts)
    }

    fn dispute(id: JobId) -> DispatchResult {
        let job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        let now = T::Time::now();
        match job.state.clone() {
            JobState::Disputed { .. } => Ok(()),
            JobState::Claimed {
                assignment,
                output_digest,
                window_until,
            } => {
                ensure!(
                    now <= window_until || Self::is_audited(id, &job),
                    Error::<T>::WindowPassed
                );
                let state = JobState::Disputed {
                    assignment,
                    output_digest,
                    window_until,
                };
                Self::enter(id, job, state)
            }
            JobState::Bidding { .. }
            | JobState::Revealing { .. }
            | JobState::Assigned { .. }
            | JobState::Sealed { .. } => Err(Error::<T>::NotClaimed.into()),
        }
    }

    fn uphold(id: JobId, window_at_least: BlockNumberFor<T>) -> DispatchResult {
        let (job, assignment, output_digest, window_until) = Self::disputed(id)?;
        // Not before this block, since the agenda has been drained up to it and would never come to the job.
        let now = T::Time::now();
        // The worker had other things to say than its output.
        let output_until = match job.kept.demand {
            true => now.saturating_add(T::DemandBlocks::get()), // Block numbers end far beyond any job.
            false => now,
        };
        let state = JobState::Claimed {
            assignment,
            output_digest,
            window_until: window_until.max(window_at_least).max(output_until),
        };
        with_storage_layer(|| {
            if job.kept.audit {
                T::Police::decided(id, true)?;
            }
            Self::enter(id, job, state)
        })
    }

    fn refund(id: JobId) -> DispatchResult {
        let (mut job, assignment, ..) = Self::disputed(id)?;
        let amount = job.ceiling;
        if amount.is_zero() {
            return Ok(());
        }
        T::Currency::release(&HoldReason::Escrow.into(), &job.client, amount, Precision::Exact)?;
        job.ceiling = Zero::zero();
        Self::deposit_event(Event::ClientRefunded {
            job: id,
            client: job.client.clone(),
            worker: assignment.worker,
            amount,
        });
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    fn charge(
        id: JobId,
        beneficiary: &T::AccountId,
        cost: Slashed<BalanceOf<T>>,
    ) -> Result<Slashed<BalanceOf<T>>, DispatchError> {
        let (mut job, mut assignment, output_digest, window_until) = Self::disputed(id)?;
        let outcome = Outcome::Late {
            beneficiary: beneficiary.clone(),
            cost,
        };
        let released = T::Workers::release(assignment.lock(job.model), outcome)?;
        assignment.locked = released.locked;
        // The same state with a smaller lock, so no step is taken.
        job.state = JobState::Disputed {
            assignment,
            output_digest,
            window_until,
        };
        Jobs::<T>::insert(id, job);
        Ok(released.slashed)
    }

    fn excuse(id: JobId) -> DispatchResult {
        let (mut job, assignment, ..) = Self::disputed(id)?;
        with_storage_layer(|| {
            if mem::take(&mut job.kept.audit) {
                T::Police::decided(id, true)?;
                T::Police::dropped(id)?;
            }
            T::Workers::release(assignment.lock(job.model), Outcome::Unpaid)?;
            Self::close(id, job, CloseReason::Late)
        })
    }

    fn void(id: JobId) -> DispatchResult {
        let (mut job, assignment, ..) = Self::disputed(id)?;
        with_storage_layer(|| {
            if mem::take(&mut job.kept.audit) {
                T::Police::dropped(id)?;
            }
            T::Workers::release(assignment.lock(job.model), Outcome::Unpaid)?;
            Self::close(id, job, CloseReason::Unjudged)
        })
    }

    fn convict(
        id: JobId,
        share: Perbill,
        awards: [(T::AccountId, BalanceOf<T>); 2],
    ) -> Result<Penalty<BalanceOf<T>>, DispatchError> {
        let (mut job, assignment, ..) = Self::disputed(id)?;
        with_storage_layer(|| {
            if mem::take(&mut job.kept.audit) {
                T::Police::decided(id, false)?;
            }
            let released = T::Workers::release(assignment.lock(job.model), Outcome::Convicted { share, awards })?;
            Self::close(id, job, CloseReason::Fraud)?;
            Ok(released.pending.ok_or(Error::<T>::Inconsistent)?)
        })
    }

    fn award(slash: SlashId, awards: [(T::AccountId, BalanceOf<T>); 2]) -> DispatchResult {
        T::Workers::award(slash, awards)
    }
}

/// A disputed job, and what its state says: assignment, output digest, and the last block of the window.
type DisputedOf<T> = (JobOf<T>, AssignmentOf<T>, H256, BlockNumberFor<T>);

impl<T: Config> Pallet<T> {
    /// Whether an auditor of the claim is waited for.
    fn is_audited(id: JobId, job: &JobOf<T>) -> bool {
        job.kept.audit && !T::Police::may_settle(id)
    }

    /// The job, if it is disputed.
    fn disputed(id: JobId) -> Result<DisputedOf<T>, Error<T>> {
        let job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        match job.state.clone() {
            JobState::Disputed {
                assignment,
                output_digest,
                window_until,
            } => Ok((job, assignment, output_digest, window_until)),
            _ => Err(Error::<T>::NotDisputed),
        }
    }
}
