//! Stake is locked for bids and jobs, and released when they end: the one place that moves a lock.

use crate::{
    BalanceOf, Config, Error, Event, HoldReason, Load, LockOf, OutcomeOf, Pallet, WorkerRecordOf, Workers, stake,
};
use assay_types::{Lock, ModelVersion, Outcome, Purpose, Released, Slashed, Unavailable};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{
            fungible::{Inspect, MutateHold},
            tokens::{DepositConsequence, Fortitude, Precision, Provenance, Restriction},
        },
    },
    sp_runtime::{
        DispatchError, DispatchResult,
        traits::{CheckedSub, Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    /// See [`assay_types::WorkerRegistry::take`].
    pub(crate) fn do_take(
        worker: &T::AccountId,
        model: ModelVersion,
        purpose: Purpose<BalanceOf<T>>,
    ) -> Result<BalanceOf<T>, Unavailable> {
        let (stake, is_job) = match purpose {
            Purpose::Bid { ceiling } => (Self::lock_for(ceiling), false),
            Purpose::Job { price } => (Self::lock_for(price), true),
            Purpose::Session { stake } => (stake, false),
            Purpose::Audit { price } => (Self::lock_for(price), false),
        };
        let mut record = Self::available(worker, stake)?;

        record.locked = record.locked.saturating_add(stake); // `stake` is at most what is free.
        Workers::<T>::insert(worker, record);
        if is_job {
            Self::begin_job(worker, model);
        }
        Ok(stake)
    }

    /// See [`assay_types::WorkerRegistry::release`].
    pub(crate) fn do_release(lock: LockOf<T>, outcome: OutcomeOf<T>) -> Result<Released<BalanceOf<T>>, DispatchError> {
        let Lock { worker, model, stake } = lock;
        let mut released = Released {
            locked: Zero::zero(),
            slashed: Slashed {
                paid: Zero::zero(),
                burned: Zero::zero(),
            },
            pending: None,
        };
        match outcome {
            Outcome::BidLost => Self::unlock(worker, stake, |_| ())?,
            Outcome::BidWon { price } => {
                released.locked = Self::lock_for(price).min(stake);
                Self::unlock(worker, stake.saturating_sub(released.locked), |_| ())?;
                Self::begin_job(worker, model);
            }
            Outcome::Claimed => {
                released.locked = stake;
                Self::end_job(worker, model)?;
            }
            Outcome::Missed { beneficiary, cost } => {
                Self::end_job(worker, model)?;
                released.slashed = Self::slash(worker, stake, &beneficiary, cost, |record| {
                    record.missed = record.missed.saturating_add(1); // Statistics, which nothing depends on.
                })?;
            }
            Outcome::Withheld { beneficiary, cost } => {
                released.slashed = Self::slash(worker, stake, &beneficiary, cost, |record| {
                    record.missed = record.missed.saturating_add(1); // As above.
                })?;
            }
            Outcome::Declined { beneficiary, cost } => {
                Self::end_job(worker, model)?;
                released.slashed = Self::slash(worker, stake, &beneficiary, cost, |record| {
                    record.declined = record.declined.saturating_add(1); // As above.
                })?;
            }
            Outcome::AuditMissed { cost } => {
                let cost = Slashed {
                    paid: Zero::zero(),
                    burned: cost,
                };
                released.slashed = Self::slash(worker, stake, worker, cost, |_| ())?;
            }
            Outcome::Paid => Self::unlock(worker, stake, |record| {
                record.completed = record.completed.saturating_add(1); // As above.
            })?,
            Outcome::Late { beneficiary, cost } => {
                // Saturating: a cost that saturates is above any lock, and refused.
                let lost = cost.paid.saturating_add(cost.burned);
                ensure!(lost <= stake, Error::<T>::LockedStakeTooSmall);
                Self::without_lock(worker, stake)?; // The whole lock must be there, as for every other outcome.
                released.slashed = Self::slash(worker, lost, &beneficiary, cost, |_| ())?;
                released.locked = stake.saturating_sub(lost);
            }
            Outcome::Unpaid => Self::unlock(worker, stake, |_| ())?,
            Outcome::Convicted { share, awards } => {
                released.pending = Some(Self::slash_later(worker, stake, share, awards)?);
            }
        }
        Ok(released)
    }

    /// The record of a worker that takes jobs and has `stake` free.
    pub(crate) fn available(worker: &T::AccountId, stake: BalanceOf<T>) -> Result<WorkerRecordOf<T>, Unavailable> {
        let record = Workers::<T>::get(worker).ok_or(Unavailable::NotRegistered)?;
        Self::check_available(&record, stake)?;
        Ok(record)
    }

    /// The record of a worker of whose locked stake `amount` is no longer locked.
    pub(crate) fn without_lock(worker: &T::AccountId, amount: BalanceOf<T>) -> Result<WorkerRecordOf<T>, Error<T>> {
        let mut record = Self::record(worker)?;
        record.locked = record
            .locked
            .checked_sub(&amount)
            .ok_or(Error::<T>::LockedStakeTooSmall)?;
        Ok(record)
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

    /// Counts a job towards a worker's capacity.
    fn begin_job(worker: &T::AccountId, model: ModelVersion) {
        // Saturating: each job locks at least the floor, and no stake is 2^32 floors.
        Load::<T>::mutate(worker, model, |load| *load = load.saturating_add(1));
    }

    /// Stops counting it.
    fn end_job(worker: &T::AccountId, model: ModelVersion) -> Result<(), Error<T>> {
        Load::<T>::try_mutate_exists(worker, model, |entry| {
            let load = entry
                .and_then(|load| load.checked_sub(1))
                .ok_or(Error::<T>::NoSuchJob)?;
            *entry = Some(load).filter(|load| *load > 0);
            Ok(())
        })
    }

    /// Frees `amount` of a worker's locked stake and writes down what else there is to note.
    fn unlock(
        worker: &T::AccountId,
        amount: BalanceOf<T>,
        note: impl FnOnce(&mut WorkerRecordOf<T>),
    ) -> DispatchResult {
        let mut record = Self::without_lock(worker, amount)?;
        note(&mut record);
        Workers::<T>::insert(worker, record);
        Ok(())
    }

    /// Takes `cost` out of the locked stake at once and frees the rest of the lock. What the beneficiary cannot receive
    /// is burned. After a conviction there may be less stake than is locked: then the worker loses what there is.
    fn slash(
        worker: &T::AccountId,
        stake: BalanceOf<T>,
        beneficiary: &T::AccountId,
        cost: Slashed<BalanceOf<T>>,
        note: impl FnOnce(&mut WorkerRecordOf<T>),
    ) -> Result<Slashed<BalanceOf<T>>, DispatchError> {
        // Saturating: a cost that saturates is above any lock, and refused.
        let lost = cost.paid.saturating_add(cost.burned);
        ensure!(lost <= stake, Error::<T>::LockedStakeTooSmall);
        let mut record = Self::without_lock(worker, stake)?;
        let lost = lost.min(record.stake);
        record.stake = record.stake.saturating_sub(lost); // It is at most the stake.
        note(&mut record);

        let due = cost.paid.min(lost);
        let received = !due.is_zero() && Self::pay_held(worker, beneficiary, due)?;
        let slashed = stake::split_slash(lost, due, received);
        Self::burn_held(worker, slashed.burned)?;
        Workers::<T>::insert(worker, record);
        Self::deposit_event(Event::Slashed {
            worker: worker.clone(),
            paid: slashed.paid,
            burned: slashed.burned,
            beneficiary: beneficiary.clone(),
        });
        Ok(slashed)
    }
}
