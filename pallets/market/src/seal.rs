//! Seals: a worker commits to its claim before the seed is known that may draw it for an audit.
//!
//! A claim that was not drawn is made, and nothing else is stored of it. One that was drawn is audited: the police
//! keeps it from then on, and says when the worker makes its claim. A claim that the worker keeps back although an
//! auditor has answered costs what a false one does, or a liar would keep back what is about to be found.

use crate::{
    AssignmentOf, Config, Error, Event, JobOf, Jobs, Pallet, Seal,
    agenda::{Pages, page_of},
    terms,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use assay_types::{
    AssayTime, CloseReason, H256, HostBlake2, JobId, JobState, ModelVersion, Outcome, SealStatus, WorkerRegistry,
    audit::{Assurance, Hazard, Police, SealedClaim, Seed, is_drawn},
    limits::MAX_DRAWS,
};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{
        DispatchError, DispatchResult, Perbill,
        traits::{Saturating, Zero},
    },
};

/// A claim that is sealed and not made yet.
pub(crate) struct Sealed<T: Config> {
    pub(crate) assignment: AssignmentOf<T>,
    pub(crate) seal: H256,
    sealed_at: BlockNumberFor<T>,
    pub(crate) until: BlockNumberFor<T>,
}

/// The seeds of moments, each looked up once, and a count of the audits that were looked up beside them.
pub(crate) struct Seeds<T: Config> {
    known: BTreeMap<BlockNumberFor<T>, Seed>,
    audits: u32,
}

impl<T: Config> Seeds<T> {
    pub(crate) fn new() -> Self {
        Self {
            known: BTreeMap::new(),
            audits: 0,
        }
    }

    /// Seeds and audits that were looked up.
    pub(crate) fn looked_up(&self) -> u32 {
        // Saturating: a batch has few claims.
        (self.known.len() as u32).saturating_add(self.audits)
    }

    /// Refuses one more than a batch may look up.
    fn ensure_room(&self) -> Result<(), Error<T>> {
        ensure!(self.looked_up() < MAX_DRAWS, Error::<T>::TooManyDraws);
        Ok(())
    }

    /// Whether a claim was drawn; `None` if its seed is not known yet. One whose seed is forgotten is audited.
    fn draws(&mut self, id: JobId, sealed: &Sealed<T>) -> Option<bool> {
        let moment = sealed.sealed_at;
        let seed = self.known.entry(moment).or_insert_with(|| T::Police::seed(moment));
        match seed {
            Seed::Unknown => None,
            Seed::Known(seed) => Some(is_drawn::<HostBlake2>(seed, id, Hazard(sealed.assignment.hazard))),
            Seed::Forgotten => Some(true),
        }
    }
}

impl<T: Config> Pallet<T> {
    /// Seals claims, each on its own; returns the weight of that.
    pub(crate) fn do_seal(worker: &T::AccountId, seals: Vec<Seal>) -> Weight {
        let count = seals.len() as u32; // At most `MAX_BATCH`.
        let (mut pages, mut models) = (Pages::<T>::new(), BTreeSet::new());
        for Seal { job, seal } in seals {
            match Self::seal_one(worker, job, seal) {
                Ok((model, moments)) => {
                    models.insert(model);
                    pages.extend(moments.map(|last| (last, page_of(job))));
                }
                Err(error) => Self::deposit_event(Event::SealRejected { job, error }),
            }
        }
        // Saturating: a batch has few items.
        let items = pages.len().saturating_add(models.len()) as u64;
        terms::seal_items_weight::<T::WeightInfo>(count, items)
    }

    /// Seals a claim, or changes nothing; returns the model, and the last blocks of the two phases.
    fn seal_one(
        worker: &T::AccountId,
        id: JobId,
        seal: H256,
    ) -> Result<(ModelVersion, [BlockNumberFor<T>; 2]), DispatchError> {
        let job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        let (mut assignment, deadline) = Self::held_by(worker, &job)?;
        let now = T::Time::now();
        ensure!(now <= deadline, Error::<T>::DeadlinePassed);
        assignment.hazard = T::Police::hazard(worker, assignment.price, assignment.locked);
        // Saturating: block numbers end far beyond any job.
        let until = now
            .saturating_add(T::DrawBlocks::get())
            .saturating_add(T::ClaimBlocks::get());
        // The work is done, so the worker may have another job.
        T::Workers::release(assignment.lock(job.model), Outcome::Claimed)?;
        let (model, moments) = (job.model, [deadline, until]);
        let state = JobState::Sealed {
            assignment,
            seal,
            sealed_at: now,
            until,
        };
        Self::enter(id, job, state)?;
        Ok((model, moments))
    }

    /// Seal of this worker on a job.
    pub(crate) fn sealed_by(worker: &T::AccountId, job: &JobOf<T>) -> Result<Sealed<T>, Error<T>> {
        match Self::sealed(job) {
            Some(sealed) if sealed.assignment.worker == *worker => Ok(sealed),
            Some(_) => Err(Error::<T>::AssignedToAnother),
            // It is not sealed: says why not, or that it has to be.
            None => Self::held_by(worker, job).and(Err(Error::<T>::NotSealed)),
        }
    }

    fn sealed(job: &JobOf<T>) -> Option<Sealed<T>> {
        match &job.state {
            JobState::Sealed {
                assignment,
                seal,
                sealed_at,
                until,
            } => Some(Sealed {
                assignment: assignment.clone(),
                seal: *seal,
                sealed_at: *sealed_at,
                until: *until,
            }),
            _ => None,
        }
    }

    /// Refuses a claim whose draw is not known, whose auditors have not answered, or that comes too late.
    pub(crate) fn ensure_claimable(
        id: JobId,
        job: &JobOf<T>,
        sealed: &Sealed<T>,
        seeds: &mut Seeds<T>,
    ) -> Result<(), Error<T>> {
        let last = match job.kept.audit {
            true => {
                seeds.ensure_room()?;
                seeds.audits = seeds.audits.saturating_add(1); // As few as a batch may look up.
                let since = T::Police::open_since(id).ok_or(Error::<T>::AuditorsNotReady)?;
                // Saturating: block numbers end far beyond any audit.
                since.saturating_add(T::LateClaimBlocks::get()).max(sealed.until)
            }
            false => {
                if !seeds.known.contains_key(&sealed.sealed_at) {
                    seeds.ensure_room()?;
                }
                let drawn = seeds.draws(id, sealed).ok_or(Error::<T>::SeedNotKnown)?;
                ensure!(!drawn, Error::<T>::ClaimDrawn);
                sealed.until
            }
        };
        ensure!(T::Time::now() <= last, Error::<T>::DeadlinePassed);
        Ok(())
    }

    /// Where a sealed claim stands.
    pub(crate) fn seal_status(id: JobId, seeds: &mut Seeds<T>) -> SealStatus {
        let Some(job) = Jobs::<T>::get(id) else {
            return SealStatus::NotSealed;
        };
        let Some(sealed) = Self::sealed(&job) else {
            return SealStatus::NotSealed;
        };
        match (job.kept.audit, seeds.draws(id, &sealed)) {
            (true, _) if T::Police::open_since(id).is_some() => SealStatus::Claimable,
            (false, Some(false)) => SealStatus::Claimable,
            (false, Some(true)) => SealStatus::Drawn,
            _ => SealStatus::Waiting,
        }
    }

    /// Begins the audits of claims that were drawn: of all, or of none if one was not.
    pub(crate) fn do_draw(ids: Vec<JobId>) -> DispatchResult {
        let mut seeds = Seeds::<T>::new();
        for id in ids {
            let job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
            let sealed = Self::sealed(&job).ok_or(Error::<T>::NotSealed)?;
            ensure!(!job.kept.audit, Error::<T>::AlreadyAudited);
            let drawn = seeds.draws(id, &sealed).ok_or(Error::<T>::SeedNotKnown)?;
            ensure!(drawn, Error::<T>::NotDrawn);
            let job = Self::audit(id, job, &sealed)?;
            Jobs::<T>::insert(id, job);
        }
        Ok(())
    }

    /// Hands a claim that was drawn to the police.
    fn audit(id: JobId, mut job: JobOf<T>, sealed: &Sealed<T>) -> Result<JobOf<T>, DispatchError> {
        let claim = SealedClaim {
            client: job.client.clone(),
            worker: sealed.assignment.worker.clone(),
            model: job.model,
            price: sealed.assignment.price,
            locked: sealed.assignment.locked,
            work: job.work,
            assurance: Assurance::Basic,
            sealed_at: sealed.sealed_at,
            hazard: sealed.assignment.hazard,
        };
        T::Police::sealed(id, claim)?;
        job.kept.audit = true;
        Ok(job)
    }

    /// The time for a sealed claim is over: it was withheld, or it waits for its draw or its auditors.
    pub(crate) fn end_seal(id: JobId, job: JobOf<T>) -> DispatchResult {
        let sealed = Self::sealed(&job).ok_or(Error::<T>::NotSealed)?;
        // Saturating: block numbers end far beyond any audit.
        let later = T::Time::now().saturating_add(T::ClaimBlocks::get());
        if !job.kept.audit {
            return match Seeds::<T>::new().draws(id, &sealed) {
                None => Self::extend(id, job, later),
                Some(false) => Self::miss(id, job),
                Some(true) => {
                    let job = Self::audit(id, job, &sealed)?;
                    Self::extend(id, job, later)
                }
            };
        }
        let Some(since) = T::Police::open_since(id) else {
            return Self::extend(id, job, later);
        };
        let last = since.saturating_add(T::LateClaimBlocks::get());
        match T::Time::now() <= last {
            true => Self::extend(id, job, last),
            false => Self::withhold(id, job, sealed.assignment),
        }
    }

    /// A worker has not made an audited claim in time.
    fn withhold(id: JobId, mut job: JobOf<T>, assignment: AssignmentOf<T>) -> DispatchResult {
        let share: Option<Perbill> = T::Police::abandoned(id)?;
        job.kept.audit = false;
        let Some(share) = share else {
            // Nobody was left who could audit it.
            return Self::miss(id, job);
        };
        let nobody = || (job.client.clone(), Zero::zero());
        let outcome = Outcome::Convicted {
            share,
            awards: [nobody(), nobody()],
        };
        let released = T::Workers::release(assignment.lock(job.model), outcome)?;
        let penalty = released.pending.ok_or(Error::<T>::Inconsistent)?;
        Self::deposit_event(Event::ClaimWithheld {
            job: id,
            worker: assignment.worker,
            slash: penalty.slash,
            slashed: penalty.amount,
        });
        Self::close(id, job, CloseReason::Fraud)
    }
}
