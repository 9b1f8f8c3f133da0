//! Calls that change offers, and the one place that adds and removes each.

use crate::{BalanceOf, Config, Error, Event, Offers, OffersOf, Pallet, book};
use assay_types::{ModelRegistry, ModelVersion, Offer, WorkerStatus};
use polkadot_sdk::{
    frame_support::ensure,
    sp_runtime::{
        DispatchResult,
        traits::{One, Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_publish_offer(
        worker: T::AccountId,
        version: ModelVersion,
        price: BalanceOf<T>,
        capacity: u32,
    ) -> DispatchResult {
        let record = Self::present(&worker)?;
        ensure!(record.status != WorkerStatus::Draining, Error::<T>::IsDraining);
        ensure!(!price.is_zero(), Error::<T>::ZeroPrice);
        ensure!(capacity > 0, Error::<T>::ZeroCapacity);
        ensure!(Self::lock_for(price) <= record.stake, Error::<T>::StakeTooSmallForPrice);
        Self::ensure_active(version)?;

        let offer = Offer {
            worker: worker.clone(),
            price,
            capacity,
        };
        let displaced =
            Offers::<T>::try_mutate(version, |book| book::publish(book, offer)).map_err(|_| Error::<T>::BookFull)?;
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
            price,
            capacity,
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
        Some(dearest.price.saturating_sub(One::one())) // Offers have prices above zero.
    }

    fn ensure_active(version: ModelVersion) -> Result<(), Error<T>> {
        if T::Models::is_active(version) {
            return Ok(());
        }
        Err(match T::Models::version(version) {
            Some(_) => Error::<T>::VersionDeprecated,
            None => Error::<T>::UnknownVersion,
        })
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
