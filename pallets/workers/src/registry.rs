//! The workers, as the market sees and moves them.

use crate::{BalanceOf, Config, Error, Event, HoldReason, Load, Offers, Pallet, WorkerRecordOf, Workers, stake};
use assay_types::{
    ModelVersion, NoOffer, SlashId, Slashed, Unavailable, WorkerRegistry, WorkerStatus, traits::Outcome,
};
use polkadot_sdk::{
    frame_support::{
        defensive, ensure,
        storage::with_storage_layer,
        traits::{
            Get,
            fungible::{Inspect, MutateHold},
            tokens::{DepositConsequence, Fortitude, Precision, Provenance, Restriction},
        },
    },
    sp_runtime::{
        DispatchError, DispatchResult,
        traits::{CheckedSub, Saturating, Zero},
    },
};

impl<T: Config> WorkerRegistry<T::AccountId, BalanceOf<T>> for Pallet<T> {
    fn stake_for(price: BalanceOf<T>) -> BalanceOf<T> {
        Self::lock_for(price)
    }

    fn ensure_available(worker: &T::AccountId, stake: BalanceOf<T>) -> Result<(), Unavailable> {
        Self::available(worker, stake).map(|_| ())
    }

    /// Reads the book, and of each offer up to the one that fits the worker's load and its record.
    fn cheapest(
        version: ModelVersion,
        ceiling: BalanceOf<T>,
        excluded: &[T::AccountId],
    ) -> Result<(T::AccountId, BalanceOf<T>), NoOffer> {
        let book = Offers::<T>::get(version);
        let cheapest = book.first().ok_or(NoOffer::NoneForModel)?;
        ensure!(cheapest.price <= ceiling, NoOffer::CeilingTooLow);
        book.into_iter()
            .take_while(|offer| offer.price <= ceiling)
            .filter(|offer| !excluded.contains(&offer.worker))
            .find(|offer| {
                Load::<T>::get(&offer.worker, version) < offer.capacity
                    && Self::available(&offer.worker, Self::lock_for(offer.price)).is_ok()
            })
            .map(|offer| (offer.worker, offer.price))
            .ok_or(NoOffer::AllBusy)
    }

    fn lock(worker: &T::AccountId, stake: BalanceOf<T>) -> Result<(), Unavailable> {
        let mut record = Self::available(worker, stake)?;
        record.locked = record.locked.saturating_add(stake); // `stake` is at most what is free.
        Workers::<T>::insert(worker, record);
        Ok(())
    }

    fn unlock(worker: &T::AccountId, stake: BalanceOf<T>) -> DispatchResult {
        let mut record = Self::record(worker)?;
        record.locked = record
            .locked
            .checked_sub(&stake)
            .ok_or(Error::<T>::LockedStakeTooSmall)?;
        Workers::<T>::insert(worker, record);
        Ok(())
    }

    fn begin(worker: &T::AccountId, version: ModelVersion) {
        // Saturating: each job locks at least the floor, and no stake is 2^32 floors.
        Load::<T>::mutate(worker, version, |load| *load = load.saturating_add(1));
    }

    fn end(worker: &T::AccountId, version: ModelVersion, outcome: Outcome) {
        Load::<T>::mutate_exists(worker, version, |entry| match *entry {
            None => {
                defensive!("a job ends that did not begin");
            }
            Some(load) => *entry = load.checked_sub(1).filter(|load| *load > 0),
        });
        match outcome {
            Outcome::Claimed | Outcome::Removed => {}
            // Saturating: statistics, which nothing depends on.
            Outcome::Missed => Self::note(worker, |record| record.missed = record.missed.saturating_add(1)),
            Outcome::Declined => Self::note(worker, |record| record.declined = record.declined.saturating_add(1)),
        }
    }

    fn slash(
        worker: &T::AccountId,
        amount: BalanceOf<T>,
        beneficiary: &T::AccountId,
        paid: BalanceOf<T>,
    ) -> Result<Slashed<BalanceOf<T>>, DispatchError> {
        let record = Self::without_locked(worker, amount)?;

        let slashed = with_storage_layer(|| Self::take_held(worker, amount, beneficiary, paid))?;
        Workers::<T>::insert(worker, record);
        Self::deposit_event(Event::Slashed {
            worker: worker.clone(),
            paid: slashed.paid,
            burned: slashed.burned,
            beneficiary: beneficiary.clone(),
        });
        Ok(slashed)
    }

    fn slash_later(
        worker: &T::AccountId,
        amount: BalanceOf<T>,
        awards: [(T::AccountId, BalanceOf<T>); 2],
    ) -> Result<SlashId, DispatchError> {
        Self::do_slash_later(worker, amount, awards)
    }

    fn is_secure(worker: &T::AccountId) -> bool {
        Workers::<T>::get(worker).is_some_and(|record| record.stake >= T::MinStake::get())
    }

    fn note_completed(worker: &T::AccountId) {
        // Saturating: statistics, which nothing depends on.
        Self::note(worker, |record| record.completed = record.completed.saturating_add(1));
    }

    fn locked(worker: &T::AccountId) -> BalanceOf<T> {
        Workers::<T>::get(worker).map_or_else(Zero::zero, |record| record.locked)
    }

    fn load(worker: &T::AccountId, version: ModelVersion) -> u32 {
        Load::<T>::get(worker, version)
    }
}

impl<T: Config> Pallet<T> {
    /// The record of a worker that takes jobs and has `stake` free.
    fn available(worker: &T::AccountId, stake: BalanceOf<T>) -> Result<WorkerRecordOf<T>, Unavailable> {
        let record = Workers::<T>::get(worker).ok_or(Unavailable::NotRegistered)?;
        ensure!(record.status == WorkerStatus::Active, Unavailable::NotActive);
        ensure!(
            record.stake >= T::MinStake::get() && record.free() >= stake,
            Unavailable::StakeTooSmall
        );
        Ok(record)
    }

    /// The record of a worker that has just lost `amount` of its locked stake.
    pub(crate) fn without_locked(
        worker: &T::AccountId,
        amount: BalanceOf<T>,
    ) -> Result<WorkerRecordOf<T>, DispatchError> {
        let mut record = Self::record(worker)?;
        record.locked = record
            .locked
            .checked_sub(&amount)
            .ok_or(Error::<T>::LockedStakeTooSmall)?;
        record.stake = record
            .stake
            .checked_sub(&amount)
            .ok_or(Error::<T>::LockedStakeTooSmall)?;
        Ok(record)
    }

    /// Pays `paid` of what is held to the beneficiary, if it can receive that, and burns the rest of `amount`.
    fn take_held(
        worker: &T::AccountId,
        amount: BalanceOf<T>,
        beneficiary: &T::AccountId,
        paid: BalanceOf<T>,
    ) -> Result<Slashed<BalanceOf<T>>, DispatchError> {
        let due = paid.min(amount);
        let received = !due.is_zero() && Self::pay_held(worker, beneficiary, due)?;
        let slashed = stake::split_slash(amount, due, received);
        Self::burn_held(worker, slashed.burned)?;
        Ok(slashed)
    }

    /// Pays `amount` of what is held of a worker, if the beneficiary can receive it; says whether it did.
    pub(crate) fn pay_held(
        worker: &T::AccountId,
        beneficiary: &T::AccountId,
        amount: BalanceOf<T>,
    ) -> Result<bool, DispatchError> {
        let deposit = T::Currency::can_deposit(beneficiary, amount, Provenance::Extant);
        if deposit != DepositConsequence::Success {
            return Ok(false);
        }
        T::Currency::transfer_on_hold(
            &HoldReason::Stake.into(),
            worker,
            beneficiary,
            amount,
            Precision::Exact,
            Restriction::Free,
            Fortitude::Force,
        )?;
        Ok(true)
    }

    /// Burns `amount` of what is held of a worker.
    pub(crate) fn burn_held(worker: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
        if !amount.is_zero() {
            let reason = HoldReason::Stake.into();
            T::Currency::burn_held(&reason, worker, amount, Precision::Exact, Fortitude::Force)?;
        }
        Ok(())
    }

    /// Writes down what a worker did.
    fn note(worker: &T::AccountId, write: impl FnOnce(&mut WorkerRecordOf<T>)) {
        Workers::<T>::mutate_extant(worker, write);
    }
}
