//! Calls that change a worker's status, and the one place where it changes.

use crate::{Announcements, Config, Error, Event, Load, Pallet, WorkerRecordOf, Workers};
use assay_types::WorkerStatus;
use polkadot_sdk::{
    frame_support::ensure,
    sp_runtime::{DispatchResult, traits::Zero},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_pause(worker: T::AccountId) -> DispatchResult {
        let record = Self::step(Self::present(&worker)?, WorkerStatus::Paused)?;
        Workers::<T>::insert(&worker, record);
        Self::deposit_event(Event::Paused { worker });
        Ok(())
    }

    pub(crate) fn do_resume(worker: T::AccountId) -> DispatchResult {
        let record = Self::present(&worker)?;
        ensure!(record.slashing.is_zero(), Error::<T>::SlashIsPending);
        let record = Self::step(record, WorkerStatus::Active)?;
        Workers::<T>::insert(&worker, record);
        Self::deposit_event(Event::Resumed { worker: worker.clone() });
        Self::readmit(&worker);
        Ok(())
    }

    pub(crate) fn do_drain(worker: T::AccountId) -> DispatchResult {
        let record = Self::step(Self::present(&worker)?, WorkerStatus::Draining)?;
        Workers::<T>::insert(&worker, record);
        Self::remove_offers(&worker);
        Self::deposit_event(Event::Draining { worker });
        Ok(())
    }

    pub(crate) fn do_leave(worker: T::AccountId) -> DispatchResult {
        let mut record = Self::step(Self::present(&worker)?, WorkerStatus::Left)?;
        let unclaimed = Load::<T>::iter_prefix(&worker).next().is_some();
        ensure!(record.locked.is_zero() && !unclaimed, Error::<T>::StakeLocked);

        Self::remove_offers(&worker);
        Announcements::<T>::remove(&worker);
        let amount = core::mem::replace(&mut record.stake, Zero::zero());
        if !amount.is_zero() {
            let (with_piece, until) = Self::begin_unbonding(record, amount)?;
            record = with_piece;
            Self::deposit_event(Event::Unbonding {
                worker: worker.clone(),
                amount,
                until,
            });
        }
        Self::keep(&worker, record);
        Self::deposit_event(Event::Left { worker });
        Ok(())
    }

    /// The record of a worker that takes no more jobs, because a slash of it is pending. A worker that drains or has
    /// left takes none anyway.
    pub(crate) fn stopped(record: WorkerRecordOf<T>) -> WorkerRecordOf<T> {
        match record.status {
            WorkerStatus::Active => WorkerRecordOf::<T> {
                status: WorkerStatus::Paused,
                ..record
            },
            WorkerStatus::Paused | WorkerStatus::Draining | WorkerStatus::Left => record,
        }
    }

    fn step(record: WorkerRecordOf<T>, status: WorkerStatus) -> Result<WorkerRecordOf<T>, Error<T>> {
        ensure!(record.status.may_become(status), Error::<T>::WrongStatus);
        Ok(WorkerRecordOf::<T> { status, ..record })
    }
}
