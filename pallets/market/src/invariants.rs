//! Invariants: of the constants before the chain starts, and of the state after every block.

use crate::{
    Agenda, BalanceOf, Bids, Config, HoldReason, Inputs, JobOf, Jobs, NextJobId, Outputs, Pallet, WeightInfo,
    agenda::jobs_on, terms,
};
use alloc::collections::BTreeMap;
use assay_types::{
    JobState, ModelVersion, Phase, WorkerRegistry,
    limits::{MAX_BATCH, MAX_DRAWS, MAX_OFFERS_PER_MODEL, MAX_STEPS},
};
use polkadot_sdk::{
    frame_support::{
        dispatch::DispatchClass,
        ensure,
        traits::{Get, fungible::InspectHold},
    },
    frame_system,
    sp_runtime::{
        TryRuntimeError,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    /// Panics if the constants contradict each other.
    pub(crate) fn do_integrity_test() {
        if let Err(why) = Self::check_constants() {
            panic!("{why}");
        }
        let full = u64::from(MAX_BATCH);
        let claims = terms::claim_items_weight::<T::WeightInfo>(MAX_BATCH, full.saturating_mul(2))
            .saturating_add(T::WeightInfo::removal().saturating_mul(full))
            .saturating_add(T::WeightInfo::seed().saturating_mul(MAX_DRAWS.into()));
        for (weight, what) in [
            (T::WeightInfo::submissions(MAX_BATCH, MAX_OFFERS_PER_MODEL), "jobs"),
            (claims, "claims"),
            (terms::seals_weight::<T::WeightInfo>(MAX_BATCH), "seals"),
            (T::WeightInfo::draw(MAX_STEPS), "draws"),
            (terms::acceptance_weight::<T::WeightInfo>(MAX_BATCH), "acceptances"),
            (T::WeightInfo::steps(MAX_STEPS), "steps"),
        ] {
            let limit = T::BlockWeights::get().get(DispatchClass::Normal).max_extrinsic;
            assert!(
                limit.is_none_or(|limit| weight.all_lte(limit)),
                "a full batch of {what} must fit into a block"
            );
        }
    }

    /// Says which constants contradict each other, if any do.
    pub fn check_constants() -> Result<(), &'static str> {
        ensure!(
            T::MinDeadline::get() <= T::MaxDeadline::get(),
            "MinDeadline is above MaxDeadline"
        );
        ensure!(
            T::MinWindow::get() <= T::MaxWindow::get(),
            "MinWindow is above MaxWindow"
        );
        ensure!(
            T::MinAuctionPhase::get() <= T::MaxAuctionPhase::get(),
            "MinAuctionPhase is above MaxAuctionPhase"
        );
        ensure!(
            T::DeclineSlash::get() <= T::NonDeliverySlash::get(),
            "declining must not cost more than silence, or workers would stay silent"
        );
        Ok(())
    }

    /// Checks money against records, and each record against the others.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_escrow()?;
        Self::check_bids()?;
        Self::check_workers()?;
        Self::check_agenda()?;
        Self::check_seals()?;
        Self::check_leftovers()
    }

    /// Every client's hold is the sum of the ceilings of its open jobs.
    fn check_escrow() -> Result<(), TryRuntimeError> {
        let mut ceilings = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
        for job in Jobs::<T>::iter_values() {
            add(&mut ceilings, job.client, job.ceiling);
        }
        Self::check_holds(HoldReason::Escrow, &ceilings)
    }

    /// Every bidder's hold is the sum of the deposits of its bids; a revealed bid has none.
    fn check_bids() -> Result<(), TryRuntimeError> {
        let mut deposits = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
        for bid in Bids::<T>::iter_values().flatten() {
            ensure!(
                bid.price.is_none() || bid.deposit.is_zero(),
                "a revealed bid has a deposit"
            );
            add(&mut deposits, bid.worker, bid.deposit);
        }
        Self::check_holds(HoldReason::BidDeposit, &deposits)
    }

    /// Holds are checked for every account of the chain, so that none is left behind when its record is gone.
    fn check_holds(reason: HoldReason, expected: &BTreeMap<T::AccountId, BalanceOf<T>>) -> Result<(), TryRuntimeError> {
        let reason = reason.into();
        for account in frame_system::Account::<T>::iter_keys() {
            let held = T::Currency::balance_on_hold(&reason, &account);
            let recorded = expected.get(&account).copied().unwrap_or_default();
            ensure!(held == recorded, "a hold differs from the records");
        }
        Ok(())
    }

    /// The stake that jobs and bids lock, by worker: what a worker has locked besides belongs to others.
    pub fn locked_stake() -> BTreeMap<T::AccountId, BalanceOf<T>> {
        let mut locked = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
        for job in Jobs::<T>::iter_values() {
            if let Some(assignment) = job.state.assignment() {
                add(&mut locked, assignment.worker.clone(), assignment.locked);
            }
        }
        for bid in Bids::<T>::iter_values().flatten() {
            add(&mut locked, bid.worker, bid.locked);
        }
        locked
    }

    /// Every worker's load is what its jobs say, and no less of its stake is locked than they and its bids need.
    fn check_workers() -> Result<(), TryRuntimeError> {
        for (worker, stake) in Self::locked_stake() {
            ensure!(
                T::Workers::locked(&worker) >= stake,
                "less stake is locked than the records say"
            );
        }
        let mut load = BTreeMap::<(T::AccountId, ModelVersion), u32>::new();
        for job in Jobs::<T>::iter_values() {
            if let JobState::Assigned { assignment, .. } = job.state {
                add(&mut load, (assignment.worker, job.model), 1);
            }
        }
        for ((worker, model), jobs) in load {
            ensure!(
                T::Workers::load(&worker, model) == jobs,
                "a worker's load differs from the records"
            );
        }
        Ok(())
    }

    /// Every open job is on the agenda at the end of its phase, or set aside, and nothing else is. A disputed job is
    /// neither: no block ends its phase.
    fn check_agenda() -> Result<(), TryRuntimeError> {
        let mut on_agenda = 0usize;
        for (block, page, bits) in Agenda::<T>::iter() {
            ensure!(bits != 0, "an empty page of the agenda is stored");
            for id in jobs_on(page, bits) {
                let job = Jobs::<T>::get(id).ok_or("a closed job is on the agenda")?;
                ensure!(
                    job.state.ends_after() == Some(block),
                    "a job is on the agenda at the wrong block"
                );
                ensure!(!job.kept.set_aside, "a job that is set aside is on the agenda");
                on_agenda = on_agenda.saturating_add(1);
            }
        }
        let waits = |job: &JobOf<T>| job.state.ends_after().is_some() && !job.kept.set_aside;
        ensure!(
            on_agenda == Jobs::<T>::iter_values().filter(waits).count(),
            "the agenda has more or fewer jobs than there are"
        );
        for job in Jobs::<T>::iter_values() {
            ensure!(
                job.state.phase() != Phase::Disputed || !job.kept.set_aside,
                "a disputed job is set aside"
            );
        }
        Ok(())
    }

    /// Only what is sealed has a hazard, and only a job that was sealed has an audit. A claim that an auditor is waited
    /// for is not settled, so its audit goes on.
    fn check_seals() -> Result<(), TryRuntimeError> {
        for job in Jobs::<T>::iter_values() {
            let was_sealed = is_claimed(&job.state) || job.state.phase() == Phase::Sealed;
            ensure!(was_sealed || !job.kept.audit, "a claim is audited that was not sealed");
            let hazard = job.state.assignment().map_or(0, |assignment| assignment.hazard);
            ensure!(was_sealed || hazard == 0, "a claim that is not sealed has a hazard");
        }
        Ok(())
    }

    /// Inputs, outputs and bids belong to open jobs in a fitting state, whose records say that they are kept.
    fn check_leftovers() -> Result<(), TryRuntimeError> {
        for id in Inputs::<T>::iter_keys() {
            let job = Jobs::<T>::get(id).ok_or("an input has no job")?;
            ensure!(job.kept.input, "an input is kept and its job does not say so");
        }
        for id in Outputs::<T>::iter_keys() {
            let job = Jobs::<T>::get(id).ok_or("an output has no job")?;
            ensure!(
                is_claimed(&job.state) && job.kept.output,
                "an unclaimed job has an output, or one that it does not know"
            );
        }
        for id in Bids::<T>::iter_keys() {
            let job = Jobs::<T>::get(id).ok_or("a bid has no job")?;
            ensure!(
                !is_claimed(&job.state) && job.kept.bids,
                "a claimed job has bids, or a job has bids that it does not know"
            );
        }
        for id in Jobs::<T>::iter_keys() {
            ensure!(id < NextJobId::<T>::get(), "a job has a number that was not given out");
        }
        Ok(())
    }
}

/// Whether a worker has committed to an output, disputed or not.
fn is_claimed<AccountId, Balance, BlockNumber>(state: &JobState<AccountId, Balance, BlockNumber>) -> bool {
    matches!(state, JobState::Claimed { .. } | JobState::Disputed { .. })
}

fn add<Key: Ord, Value: Saturating + Default + Copy>(sums: &mut BTreeMap<Key, Value>, key: Key, value: Value) {
    let sum = sums.entry(key).or_default();
    // Saturating: a sum that saturates differs from any hold, so the check fails as it should.
    *sum = sum.saturating_add(value);
}
