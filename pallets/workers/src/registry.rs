//! The workers, as the market sees and moves them.

use crate::{BalanceOf, Config, Load, Pallet, Workers, matching::AssignedOf, rest::Conduct};
use assay_types::{
    AssayTime, JobTerms, Lock, ModelVersion, NoOffer, Outcome, Purpose, Released, SlashId, Unavailable, WorkerRegistry,
    WorkerStatus,
};
use polkadot_sdk::{
    frame_support::{storage::with_storage_layer, traits::Get},
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{
        DispatchError, DispatchResult,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> WorkerRegistry<T::AccountId, BalanceOf<T>> for Pallet<T> {
    type BlockNumber = BlockNumberFor<T>;

    fn stake_for(price: BalanceOf<T>) -> BalanceOf<T> {
        Self::lock_for(price)
    }

    fn ensure_available(worker: &T::AccountId, stake: BalanceOf<T>) -> Result<(), Unavailable> {
        Self::ensure_rested(worker)?;
        Self::available(worker, stake).map(|_| ())
    }

    /// Reads the book, and of each offer that is cheaper than those before it the worker's load and its record.
    fn cheapest(
        version: ModelVersion,
        job: &JobTerms<BlockNumberFor<T>>,
        ceiling: BalanceOf<T>,
        excluded: &[T::AccountId],
    ) -> Result<(T::AccountId, BalanceOf<T>), NoOffer> {
        Self::do_find(version, &(*job, ceiling), excluded)
    }

    fn take(
        worker: &T::AccountId,
        model: ModelVersion,
        purpose: Purpose<BalanceOf<T>>,
    ) -> Result<BalanceOf<T>, Unavailable> {
        Self::ensure_rested(worker)?;
        Self::do_take(worker, model, purpose)
    }

    fn assign(
        version: ModelVersion,
        jobs: &[(JobTerms<BlockNumberFor<T>>, BalanceOf<T>)],
    ) -> Result<AssignedOf<T>, NoOffer> {
        Self::do_assign(version, jobs)
    }

    fn settle(worker: &T::AccountId, stake: BalanceOf<T>, jobs: u32) -> DispatchResult {
        let mut record = Self::without_lock(worker, stake)?;
        record.completed = record.completed.saturating_add(jobs.into()); // Statistics, which nothing depends on.
        // What `Conduct::Delivered` says, once for each job.
        record.strikes = record.strikes.saturating_sub(u8::try_from(jobs).unwrap_or(u8::MAX));
        Workers::<T>::insert(worker, record);
        Ok(())
    }

    fn release(
        lock: Lock<T::AccountId, BalanceOf<T>>,
        outcome: Outcome<T::AccountId, BalanceOf<T>>,
    ) -> Result<Released<BalanceOf<T>>, DispatchError> {
        let (worker, conduct) = (lock.worker, Conduct::of(&outcome));
        with_storage_layer(|| {
            let released = Self::do_release(lock, outcome)?;
            Self::note(worker, conduct);
            Ok(released)
        })
    }

    fn award(slash: SlashId, awards: [(T::AccountId, BalanceOf<T>); 2]) -> DispatchResult {
        Self::do_award(slash, awards)
    }

    fn min_stake() -> BalanceOf<T> {
        T::MinStake::get()
    }

    fn is_secure(worker: &T::AccountId, min_stake: BalanceOf<T>) -> bool {
        Workers::<T>::get(worker).is_some_and(|record| record.stake >= min_stake && record.slashing.is_zero())
    }

    fn locked(worker: &T::AccountId) -> BalanceOf<T> {
        Workers::<T>::get(worker).map_or_else(Zero::zero, |record| record.locked)
    }

    fn load(worker: &T::AccountId, version: ModelVersion) -> u32 {
        Load::<T>::get(worker, version)
    }
}

impl<T: Config> Pallet<T> {
    /// Whether a worker is active, rested, has the stake of one, and no slash of it is pending: who is not holds no
    /// place against who is.
    pub(crate) fn is_eligible(worker: &T::AccountId) -> bool {
        let now = T::Time::now();
        Workers::<T>::get(worker).is_some_and(|record| {
            record.status == WorkerStatus::Active
                && record.stake >= T::MinStake::get()
                && record.slashing.is_zero()
                && record.rests_until.is_none_or(|until| until <= now)
        })
    }

    /// Refuses a worker that rests. One that is not registered is refused by others.
    fn ensure_rested(worker: &T::AccountId) -> Result<(), Unavailable> {
        Workers::<T>::get(worker).map_or(Ok(()), |record| Self::check_rested(&record))
    }

    /// Notes how a bid or a job ended for its worker.
    fn note(worker: &T::AccountId, conduct: Conduct) {
        if conduct == Conduct::Neutral {
            return;
        }
        Workers::<T>::mutate(worker, |entry| {
            let Some(record) = entry else { return };
            let (strikes, blocks) = conduct.judge(record.strikes, T::RestBlocks::get());
            record.strikes = strikes;
            if !blocks.is_zero() {
                // Saturating: at the end of all block numbers a worker rests for good.
                let until = T::Time::now().saturating_add(blocks);
                record.rests_until = record.rests_until.max(Some(until));
            }
        });
    }
}
