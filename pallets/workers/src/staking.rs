//! Calls that move stake: load, check, write, emit.

use crate::{BalanceOf, Config, Error, Event, HoldReason, Pallet, WorkerRecord, WorkerRecordOf, Workers, stake};
use assay_types::{AssayTime, WorkerStatus};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{Get, fungible::MutateHold, tokens::Precision},
    },
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{
        DispatchError, DispatchResult,
        traits::{CheckedAdd, Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register(worker: T::AccountId, stake: BalanceOf<T>) -> DispatchResult {
        ensure!(stake >= T::MinStake::get(), Error::<T>::StakeTooSmall);
        let record = match Workers::<T>::get(&worker) {
            None => WorkerRecord::new(stake),
            Some(record) if record.status == WorkerStatus::Left => WorkerRecord {
                status: WorkerStatus::Active,
                stake,
                ..record
            },
            Some(_) => return Err(Error::<T>::AlreadyRegistered.into()),
        };

        Self::hold(&worker, stake)?;
        Workers::<T>::insert(&worker, record);
        Self::deposit_event(Event::Registered { worker, stake });
        Ok(())
    }

    pub(crate) fn do_bond_more(worker: T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
        ensure!(!amount.is_zero(), Error::<T>::ZeroAmount);
        let mut record = Self::present(&worker)?;

        Self::hold(&worker, amount)?;
        record.stake = record.stake.checked_add(&amount).ok_or(Error::<T>::InsufficientFunds)?;
        Workers::<T>::insert(&worker, record);
        Self::deposit_event(Event::Bonded {
            worker: worker.clone(),
            amount,
        });
        Self::readmit(&worker);
        Ok(())
    }

    pub(crate) fn do_unbond(worker: T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
        ensure!(!amount.is_zero(), Error::<T>::ZeroAmount);
        let mut record = Self::present(&worker)?;
        record.stake =
            stake::unbond(record.stake, record.locked, amount, T::MinStake::get()).map_err(Error::<T>::from)?;

        let (record, until) = Self::begin_unbonding(record, amount)?;
        Workers::<T>::insert(&worker, record);
        Self::deposit_event(Event::Unbonding { worker, amount, until });
        Ok(())
    }

    pub(crate) fn do_withdraw(worker: T::AccountId) -> DispatchResult {
        let record = Self::record(&worker)?;
        let now = T::Time::now();
        let (amount, unbonding) = stake::take_due(record.unbonding, now);
        ensure!(!amount.is_zero(), Error::<T>::NothingToWithdraw);

        T::Currency::release(&HoldReason::Stake.into(), &worker, amount, Precision::Exact)?;
        Self::keep(&worker, WorkerRecord { unbonding, ..record });
        Self::deposit_event(Event::Withdrawn { worker, amount });
        Ok(())
    }

    /// Adds `amount`, which is no longer in the stake, to what unbonds.
    pub(crate) fn begin_unbonding(
        mut record: WorkerRecordOf<T>,
        amount: BalanceOf<T>,
    ) -> Result<(WorkerRecordOf<T>, BlockNumberFor<T>), DispatchError> {
        // Saturating: at the end of all block numbers stake unbonds for good, and never early.
        let until = T::Time::now().saturating_add(T::UnbondingBlocks::get());
        record.unbonding = stake::add_piece(record.unbonding, amount, until).ok_or(Error::<T>::TooManyUnbonding)?;
        Ok((record, until))
    }

    /// Writes the record of a worker, or forgets the worker if nothing is left to remember.
    pub(crate) fn keep(worker: &T::AccountId, record: WorkerRecordOf<T>) {
        if record.is_over() {
            Workers::<T>::remove(worker);
        } else {
            Workers::<T>::insert(worker, record);
        }
    }

    /// The worker's record.
    pub(crate) fn record(worker: &T::AccountId) -> Result<WorkerRecordOf<T>, Error<T>> {
        Workers::<T>::get(worker).ok_or(Error::<T>::NotRegistered)
    }

    /// The record of a worker that has not left.
    pub(crate) fn present(worker: &T::AccountId) -> Result<WorkerRecordOf<T>, Error<T>> {
        let record = Self::record(worker)?;
        ensure!(record.status != WorkerStatus::Left, Error::<T>::HasLeft);
        Ok(record)
    }

    /// The stake that a job of this price locks.
    pub(crate) fn lock_for(price: BalanceOf<T>) -> BalanceOf<T> {
        stake::lock_for_price(price, T::StakeFloor::get(), T::StakePerPrice::get())
    }

    fn hold(worker: &T::AccountId, amount: BalanceOf<T>) -> Result<(), Error<T>> {
        T::Currency::hold(&HoldReason::Stake.into(), worker, amount).map_err(|_| Error::<T>::InsufficientFunds)
    }
}
