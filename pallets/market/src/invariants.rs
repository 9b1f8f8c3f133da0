//! What must hold after every call: the records and the money agree.

use crate::*;
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use assay_types::{JobId, JobState, ModelVersion, WorkerRegistry};
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::{
    TryRuntimeError,
    traits::{Saturating, Zero},
};

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the market over the whole state.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_escrow()?;
        Self::check_bids()?;
        Self::check_workers()?;
        Self::check_agenda()?;
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

    /// Every worker's locked stake and load are what its jobs and bids say.
    fn check_workers() -> Result<(), TryRuntimeError> {
        let mut locked = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
        let mut load = BTreeMap::<(T::AccountId, ModelVersion), u32>::new();
        for job in Jobs::<T>::iter_values() {
            if let Some(assignment) = job.state.assignment() {
                add(&mut locked, assignment.worker.clone(), assignment.locked);
                if matches!(job.state, JobState::Assigned { .. }) {
                    add(&mut load, (assignment.worker.clone(), job.model), 1);
                }
            }
        }
        for bid in Bids::<T>::iter_values().flatten() {
            add(&mut locked, bid.worker, bid.locked);
        }
        for account in frame_system::Account::<T>::iter_keys() {
            let recorded = locked.get(&account).copied().unwrap_or_default();
            ensure!(
                T::Workers::locked(&account) == recorded,
                "locked stake differs from the records"
            );
        }
        for ((worker, model), jobs) in load {
            ensure!(
                T::Workers::load(&worker, model) == jobs,
                "a worker's load differs from the records"
            );
        }
        Ok(())
    }

    /// Every open job is on the agenda at the end of its phase, or set aside, and nothing else is.
    fn check_agenda() -> Result<(), TryRuntimeError> {
        let on_agenda: Vec<(_, JobId)> = Agenda::<T>::iter_keys().collect();
        let set_aside: BTreeSet<JobId> = SetAside::<T>::iter_keys().collect();
        ensure!(
            on_agenda.len().saturating_add(set_aside.len()) == Jobs::<T>::iter_keys().count(),
            "the agenda has more or fewer jobs than there are"
        );
        for (block, id) in on_agenda {
            let job = Jobs::<T>::get(id).ok_or("a closed job is on the agenda")?;
            ensure!(
                job.state.ends_after() == block,
                "a job is on the agenda at the wrong block"
            );
        }
        ensure!(
            set_aside.into_iter().all(Jobs::<T>::contains_key),
            "a closed job is set aside"
        );
        Ok(())
    }

    /// Inputs, outputs and bids belong to open jobs in a fitting state.
    fn check_leftovers() -> Result<(), TryRuntimeError> {
        ensure!(
            Inputs::<T>::iter_keys().all(Jobs::<T>::contains_key),
            "an input has no job"
        );
        for id in Outputs::<T>::iter_keys() {
            let job = Jobs::<T>::get(id).ok_or("an output has no job")?;
            ensure!(
                matches!(job.state, JobState::Claimed { .. }),
                "an unclaimed job has an output"
            );
        }
        for id in Bids::<T>::iter_keys() {
            let job = Jobs::<T>::get(id).ok_or("a bid has no job")?;
            ensure!(!matches!(job.state, JobState::Claimed { .. }), "a claimed job has bids");
        }
        for id in Jobs::<T>::iter_keys() {
            ensure!(id < NextJobId::<T>::get(), "a job has a number that was not given out");
        }
        Ok(())
    }
}

fn add<Key: Ord, Value: Saturating + Default + Copy>(sums: &mut BTreeMap<Key, Value>, key: Key, value: Value) {
    let sum = sums.entry(key).or_default();
    // Saturating: a sum that saturates differs from any hold, so the check fails as it should.
    *sum = sum.saturating_add(value);
}
