//! The workers, as the market sees and moves them.

use crate::{BalanceOf, Config, Load, Offers, Pallet, Workers};
use assay_types::{Lock, ModelVersion, NoOffer, Outcome, Purpose, Released, SlashId, Unavailable, WorkerRegistry};
use polkadot_sdk::{
    frame_support::{ensure, storage::with_storage_layer, traits::Get},
    sp_runtime::{DispatchError, DispatchResult, traits::Zero},
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

    fn take(
        worker: &T::AccountId,
        model: ModelVersion,
        purpose: Purpose<BalanceOf<T>>,
    ) -> Result<BalanceOf<T>, Unavailable> {
        Self::do_take(worker, model, purpose)
    }

    fn release(
        lock: Lock<T::AccountId, BalanceOf<T>>,
        outcome: Outcome<T::AccountId, BalanceOf<T>>,
    ) -> Result<Released<BalanceOf<T>>, DispatchError> {
        with_storage_layer(|| Self::do_release(lock, outcome))
    }

    fn award(slash: SlashId, awards: [(T::AccountId, BalanceOf<T>); 2]) -> DispatchResult {
        Self::do_award(slash, awards)
    }

    fn is_secure(worker: &T::AccountId) -> bool {
        Workers::<T>::get(worker).is_some_and(|record| record.stake >= T::MinStake::get() && record.slashing.is_zero())
    }

    fn locked(worker: &T::AccountId) -> BalanceOf<T> {
        Workers::<T>::get(worker).map_or_else(Zero::zero, |record| record.locked)
    }

    fn load(worker: &T::AccountId, version: ModelVersion) -> u32 {
        Load::<T>::get(worker, version)
    }
}
