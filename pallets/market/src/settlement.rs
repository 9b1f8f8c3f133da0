//! The end of a job: the worker is paid or the client refunded, and nothing of the job stays in state. Jobs that end
//! together move each account's money and stake once.

use crate::{
    AssignmentOf, BalanceOf, Bids, Config, Error, Event, HoldReason, Inputs, JobOf, Jobs, Outputs, Pallet, WeightInfo,
    agenda::{Pages, page_of},
    terms::AUDIT_ITEMS,
};
use alloc::{collections::BTreeMap, vec::Vec};
use assay_types::{
    CloseReason, JobId, Phase, WorkerRegistry,
    audit::{Assurance, Police},
    limits::MAX_DRAWS,
};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{
            fungible::MutateHold,
            tokens::{Fortitude, Precision, Restriction},
        },
        weights::Weight,
    },
    sp_runtime::{
        DispatchError, DispatchResult,
        traits::{Saturating, Zero},
    },
};

/// Debts of jobs that end together, and the work of ending them.
pub(crate) struct Dues<T: Config> {
    /// The prices that a client pays to a worker.
    prices: BTreeMap<(T::AccountId, T::AccountId), BalanceOf<T>>,
    /// Amounts that clients pay for audits out of their prices.
    levies: BTreeMap<T::AccountId, BalanceOf<T>>,
    /// Amounts that clients have back.
    changes: BTreeMap<T::AccountId, BalanceOf<T>>,
    /// The stake of a worker that is free again, and the jobs that locked it.
    stakes: BTreeMap<T::AccountId, (BalanceOf<T>, u32)>,
    jobs: u32,
    pages: Pages<T>,
    /// Inputs, outputs and lists of bids that were removed.
    removed: u32,
}

impl<T: Config> Dues<T> {
    fn new() -> Self {
        Self {
            prices: BTreeMap::new(),
            levies: BTreeMap::new(),
            changes: BTreeMap::new(),
            stakes: BTreeMap::new(),
            jobs: 0,
            pages: Pages::<T>::new(),
            removed: 0,
        }
    }

    /// Adds what a settled job owes its worker and the police. Sums that saturate cannot be paid, and are refused.
    fn add_price(&mut self, client: &T::AccountId, assignment: &AssignmentOf<T>) {
        let worker = &assignment.worker;
        let levy = T::Police::dues(assignment.price, assignment.hazard, Assurance::Basic).levy;
        if !levy.is_zero() {
            let levies = self.levies.entry(client.clone()).or_default();
            *levies = levies.saturating_add(levy);
        }
        let price = self.prices.entry((client.clone(), worker.clone())).or_default();
        *price = price.saturating_add(assignment.price.saturating_sub(levy)); // A levy is at most the price.
        let (stake, jobs) = self.stakes.entry(worker.clone()).or_default();
        *stake = stake.saturating_add(assignment.locked);
        *jobs = jobs.saturating_add(1); // A batch has few.
    }

    /// Adds what the client has back.
    fn add_change(&mut self, client: &T::AccountId, amount: BalanceOf<T>) {
        if !amount.is_zero() {
            let change = self.changes.entry(client.clone()).or_default();
            *change = change.saturating_add(amount); // As above.
        }
    }

    /// Weight of having ended jobs of one client.
    fn weight(&self) -> Weight {
        let workers = self.prices.len() as u32; // At most one for each job.
        // Saturating: a batch has few jobs, and one that is settled has a worker.
        T::WeightInfo::settlements(self.jobs.saturating_sub(workers), workers)
            .saturating_add(T::WeightInfo::item().saturating_mul(self.pages.len().saturating_sub(1) as u64))
            .saturating_add(T::WeightInfo::removal().saturating_mul(self.removed.into()))
    }

    /// Moves the money and the stake.
    fn pay(self) -> DispatchResult {
        let reason = HoldReason::Escrow.into();
        for ((client, worker), price) in self.prices {
            // Forced: what the client promised is the worker's, whatever freezes the client has put on its account.
            T::Currency::transfer_on_hold(
                &reason,
                &client,
                &worker,
                price,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )?;
        }
        let mut levied = BalanceOf::<T>::zero();
        for (client, levy) in self.levies {
            levied = levied.saturating_add(levy); // No more is held than was ever issued.
            T::Currency::burn_held(&reason, &client, levy, Precision::Exact, Fortitude::Force)?;
        }
        T::Police::paid_in(levied);
        for (client, change) in self.changes {
            T::Currency::release(&reason, &client, change, Precision::Exact)?;
        }
        for (worker, (stake, jobs)) in self.stakes {
            T::Workers::settle(&worker, stake, jobs)?;
        }
        Ok(())
    }
}

impl<T: Config> Pallet<T> {
    /// Accepts the results of jobs, all or none; returns the weight of that.
    pub(crate) fn do_accept(
        client: &T::AccountId,
        ids: impl IntoIterator<Item = JobId>,
    ) -> Result<Weight, DispatchError> {
        let (mut dues, mut audits) = (Dues::<T>::new(), 0u32);
        for id in ids {
            let job = Self::acceptable(client, id)?;
            audits = audits.saturating_add(job.kept.audit.into()); // A batch has few jobs.
            ensure!(audits <= MAX_DRAWS, Error::<T>::TooManyDraws);
            Self::close_for(&mut dues, id, job, CloseReason::Accepted)?;
        }
        let used = dues.weight();
        dues.pay()?;
        Ok(used)
    }

    fn acceptable(client: &T::AccountId, id: JobId) -> Result<JobOf<T>, Error<T>> {
        let job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        ensure!(job.client == *client, Error::<T>::NotClient);
        match job.state.phase() {
            Phase::Claimed if job.kept.audit && !T::Police::may_settle(id) => Err(Error::<T>::UnderAudit),
            Phase::Claimed => Ok(job),
            Phase::Disputed => Err(Error::<T>::UnderDispute),
            _ => Err(Error::<T>::NotClaimed),
        }
    }

    /// Settles jobs of one client whose windows have passed, all or none; returns the weight of that.
    pub(crate) fn settle_together(jobs: Vec<(JobId, JobOf<T>)>) -> Result<Weight, DispatchError> {
        let mut dues = Dues::<T>::new();
        for (id, job) in jobs {
            Self::close_for(&mut dues, id, job, CloseReason::WindowPassed)?;
        }
        let used = dues.weight();
        dues.pay()?;
        Ok(used)
    }

    /// Ends a job: the worker is paid if it is settled, and the rest of the ceiling goes back to the client. The caller
    /// that refunds a job has released the worker's stake and ended its audit before.
    pub(crate) fn close(id: JobId, job: JobOf<T>, reason: CloseReason) -> DispatchResult {
        let mut dues = Dues::<T>::new();
        Self::close_for(&mut dues, id, job, reason)?;
        dues.pay()
    }

    /// Removes a job, and adds what it owes to `dues`.
    fn close_for(dues: &mut Dues<T>, id: JobId, job: JobOf<T>, reason: CloseReason) -> DispatchResult {
        ensure!(
            job.state.phase().may_become(reason.phase()),
            Error::<T>::IllegalTransition
        );
        let (worker, paid) = match (reason.phase(), job.state.assignment()) {
            (Phase::Settled, Some(assignment)) => {
                dues.add_price(&job.client, assignment);
                (Some(assignment.worker.clone()), assignment.price)
            }
            _ => (None, Zero::zero()),
        };
        dues.add_change(&job.client, job.ceiling.saturating_sub(paid)); // A price is at most the ceiling.
        dues.jobs = dues.jobs.saturating_add(1); // A batch has few.
        dues.removed = dues.removed.saturating_add(job.kept.items());
        if job.kept.audit {
            T::Police::settled(id)?;
            dues.removed = dues.removed.saturating_add(AUDIT_ITEMS as u32); // It is a small number.
        }
        if let Some(last) = job.state.ends_after() {
            dues.pages.insert((last, page_of(id)));
        }
        Self::unschedule(id, &job);
        Jobs::<T>::remove(id);
        if job.kept.input {
            Inputs::<T>::remove(id);
        }
        if job.kept.output {
            Outputs::<T>::remove(id);
        }
        if job.kept.bids {
            Bids::<T>::remove(id);
        }
        Self::deposit_event(Event::JobClosed {
            job: id,
            client: job.client,
            reason,
            worker,
            paid,
        });
        Ok(())
    }
}
