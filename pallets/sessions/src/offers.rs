//! Standing offers of sessions.

use crate::{Config, Error, Event, OfferOf, Offers, OffersOf, Pallet, TermsOf};
use assay_types::{ModelRegistry, ModelVersion, WorkerRegistry};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    sp_runtime::{DispatchResult, traits::Zero},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_publish_offer(worker: T::AccountId, model: ModelVersion, offer: OfferOf<T>) -> DispatchResult {
        T::Workers::ensure_available(&worker, Zero::zero()).map_err(Error::<T>::from)?;
        let version = T::Models::version(model).ok_or(Error::<T>::UnknownModel)?;
        ensure!(version.active, Error::<T>::ModelDeprecated);
        ensure!(offer.capacity > 0, Error::<T>::ZeroCapacity);
        Self::check_terms(&offer.terms)?;
        OffersOf::<T>::try_mutate(&worker, |models| {
            if models.contains(&model) {
                return Ok(());
            }
            models.try_push(model).map_err(|_| Error::<T>::TooManyOffers)
        })?;
        Offers::<T>::insert(model, &worker, offer.clone());
        Self::deposit_event(Event::OfferPublished { worker, model, offer });
        Ok(())
    }

    pub(crate) fn do_remove_offer(worker: T::AccountId, model: ModelVersion) -> DispatchResult {
        ensure!(Offers::<T>::take(model, &worker).is_some(), Error::<T>::NoSuchOffer);
        let mut models = OffersOf::<T>::get(&worker);
        models.retain(|other| *other != model);
        if models.is_empty() {
            OffersOf::<T>::remove(&worker);
        } else {
            OffersOf::<T>::insert(&worker, models);
        }
        Self::deposit_event(Event::OfferRemoved { worker, model });
        Ok(())
    }

    fn check_terms(terms: &TermsOf<T>) -> Result<(), Error<T>> {
        ensure!(!terms.base.is_zero(), Error::<T>::ZeroPrice);
        let is_range = terms.base <= terms.min_budget && terms.min_budget <= terms.max_budget;
        ensure!(is_range, Error::<T>::BudgetRange);
        ensure!(terms.lock_percent >= T::MinLockPercent::get(), Error::<T>::LockTooSmall);
        let window = terms.window_blocks;
        ensure!(
            T::MinWindow::get() <= window && window <= T::MaxWindow::get(),
            Error::<T>::WindowOutOfRange
        );
        ensure!(
            !terms.max_blocks.is_zero() && terms.max_blocks <= T::MaxSessionBlocks::get(),
            Error::<T>::DurationOutOfRange
        );
        Ok(())
    }
}
