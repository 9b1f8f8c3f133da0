//! Calls that change offers, and the one place that adds and removes each.

use crate::{BalanceOf, Config, Error, Event, OfferTermsOf, Offers, OffersOf, Pallet, book};
use assay_types::{
    ModelRegistry, ModelVersion, Offer, WorkerStatus,
    offer::{largest_work, smallest_work},
    traits::VersionInfo,
};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_runtime::{
        DispatchResult,
        traits::{One, Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_publish_offer(
        worker: T::AccountId,
        version: ModelVersion,
        terms: OfferTermsOf<T>,
        capacity: u32,
    ) -> DispatchResult {
        let record = Self::present(&worker)?;
        ensure!(record.status != WorkerStatus::Draining, Error::<T>::IsDraining);
        ensure!(!terms.base.is_zero(), Error::<T>::ZeroPrice);
        ensure!(capacity > 0, Error::<T>::ZeroCapacity);
        let windows = (T::MinWindow::get(), T::MaxWindow::get());
        ensure!(terms.can_fit(T::MaxDeadline::get(), windows), Error::<T>::TermsFitNoJob);
        let parts = Self::active(version)?.parts;
        let cheapest = terms.price(smallest_work(&parts));
        ensure!(
            Self::lock_for(cheapest) <= record.stake,
            Error::<T>::StakeTooSmallForPrice
        );

        let from = Self::effective_from(&worker, version, &terms);
        let offer = Offer {
            worker: worker.clone(),
            terms,
            capacity,
            from,
        };
        let largest = largest_work(&parts);
        let displaced = Offers::<T>::try_mutate(version, |book| book::publish(book, offer, largest))
            .map_err(|_| Error::<T>::BookFull)?;
        OffersOf::<T>::try_mutate(&worker, |versions| {
            if versions.contains(&version) {
                Ok(())
            } else {
                versions.try_push(version)
            }
        })
        .map_err(|_| Error::<T>::TooManyOffers)?;
        if let Some(displaced) = displaced {
            Self::unlist(&displaced.worker, version);
            Self::deposit_event(Event::OfferDisplaced {
                worker: displaced.worker,
                version,
            });
        }
        Self::deposit_event(Event::OfferPublished {
            worker,
            version,
            terms,
            capacity,
            from,
        });
        Ok(())
    }

    pub(crate) fn do_remove_offer(worker: T::AccountId, version: ModelVersion) -> DispatchResult {
        ensure!(Self::take_from_book(&worker, version), Error::<T>::NoSuchOffer);
        Self::unlist(&worker, version);
        Self::deposit_event(Event::OfferRemoved { worker, version });
        Ok(())
    }

    /// Removes every offer of a worker.
    pub(crate) fn remove_offers(worker: &T::AccountId) {
        for version in OffersOf::<T>::take(worker) {
            Self::take_from_book(worker, version);
            Self::deposit_event(Event::OfferRemoved {
                worker: worker.clone(),
                version,
            });
        }
    }

    /// See the view function `entry_price`.
    pub(crate) fn greatest_entering_price(version: ModelVersion) -> Option<BalanceOf<T>> {
        let book = Offers::<T>::get(version);
        let dearest = book.last().filter(|_| book.is_full())?;
        let largest = largest_work(&T::Models::version(version)?.parts);
        Some(dearest.terms.price(largest).saturating_sub(One::one())) // Offers have prices above zero.
    }

    /// Block of the first submissions that an offer with these terms takes. One that is worse for clients than the
    /// worker's offer before it, or a new one, does not take jobs that may already be on their way: nobody gets a price
    /// that was raised for the job.
    fn effective_from(worker: &T::AccountId, version: ModelVersion, terms: &OfferTermsOf<T>) -> BlockNumberFor<T> {
        match Self::offer_of(worker, version) {
            Some(before) if terms.are_no_worse_than(&before.terms) => before.from,
            // Saturating: at the end of all block numbers an offer takes effect never, and not early.
            _ => frame_system::Pallet::<T>::block_number().saturating_add(T::OfferDelay::get()),
        }
    }

    /// A version that offers may name.
    fn active(version: ModelVersion) -> Result<VersionInfo, Error<T>> {
        let info = T::Models::version(version).ok_or(Error::<T>::UnknownVersion)?;
        ensure!(info.active, Error::<T>::VersionDeprecated);
        Ok(info)
    }

    /// Whether the worker had an offer in the version's book, which is gone now.
    fn take_from_book(worker: &T::AccountId, version: ModelVersion) -> bool {
        Offers::<T>::mutate_exists(version, |entry| {
            let Some(book) = entry else { return false };
            let removed = book::remove(book, worker).is_some();
            if book.is_empty() {
                *entry = None;
            }
            removed
        })
    }

    /// Takes a version off the worker's list.
    fn unlist(worker: &T::AccountId, version: ModelVersion) {
        OffersOf::<T>::mutate_exists(worker, |entry| {
            let Some(versions) = entry else { return };
            versions.retain(|listed| *listed != version);
            if versions.is_empty() {
                *entry = None;
            }
        });
    }
}
