//! Calls that change offers, and the one place that adds and removes each.

use crate::{BalanceOf, Config, Error, Event, OfferOf, OfferTermsOf, Offers, OffersOf, Pallet, Waiting, book};
use assay_types::{
    AssayTime, ModelRegistry, ModelVersion, Offer, WorkerStatus,
    limits::MAX_OFFERS_PER_WORKER,
    offer::{largest_work, smallest_work},
    traits::VersionInfo,
};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    frame_system::pallet_prelude::BlockNumberFor,
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
        let displaced = Offers::<T>::try_mutate(version, |book| book::enter(book, offer, largest, Self::is_eligible))
            .map_err(|_| Error::<T>::BookFull)?;
        Self::forget_waiting(&worker, version);
        Self::list(&worker, version)?;
        if let Some(displaced) = displaced {
            Self::displace(version, largest, displaced);
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
        if Self::take_from_book(&worker, version) {
            Self::unlist(&worker, version);
        } else {
            ensure!(Self::forget_waiting(&worker, version), Error::<T>::NoSuchOffer);
        }
        Self::deposit_event(Event::OfferRemoved { worker, version });
        Ok(())
    }

    /// Removes every offer of a worker.
    pub(crate) fn remove_offers(worker: &T::AccountId) {
        let waiting = Waiting::<T>::take(worker).into_iter().map(|(version, ..)| version);
        for version in OffersOf::<T>::take(worker).into_iter().chain(waiting) {
            Self::take_from_book(worker, version);
            Self::deposit_event(Event::OfferRemoved {
                worker: worker.clone(),
                version,
            });
        }
    }

    /// Gives the offers of an eligible worker that wait their places again, as far as there is room.
    pub(crate) fn readmit(worker: &T::AccountId) {
        if !Waiting::<T>::contains_key(worker) || !Self::is_eligible(worker) {
            return;
        }
        // Taken out first, so that an offer that enters is not counted twice.
        let mut waiting = Waiting::<T>::take(worker);
        waiting.retain(|(version, largest, offer)| !Self::has_entered(*version, *largest, offer));
        if !waiting.is_empty() {
            Waiting::<T>::insert(worker, waiting);
        }
    }

    /// Whether an offer that waited has a place now.
    fn has_entered(version: ModelVersion, largest: u64, offer: &OfferOf<T>) -> bool {
        let entered = Offers::<T>::mutate(version, |book| {
            !book.is_full() && book::publish(book, offer.clone(), largest).is_ok()
        });
        // The list has room for what stands in books and what waits together.
        if entered && Self::list(&offer.worker, version).is_ok() {
            Self::deposit_event(Event::OfferRestored {
                worker: offer.worker.clone(),
                version,
            });
        }
        entered
    }

    /// Deals with an offer that lost its place: that of a worker that is not eligible waits for another one.
    fn displace(version: ModelVersion, largest: u64, offer: OfferOf<T>) {
        let worker = offer.worker.clone();
        Self::unlist(&worker, version);
        if !Self::is_eligible(&worker) {
            // An offer for which there is no room is gone; there is, since the worker's list had it.
            Waiting::<T>::mutate(&worker, |waiting| {
                let _gone = waiting.try_push((version, largest, offer)).is_err();
            });
        }
        Self::deposit_event(Event::OfferDisplaced { worker, version });
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
            _ => T::Time::now().saturating_add(T::OfferDelay::get()),
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

    /// Puts a version on the worker's list, unless it is there. What stands in books and what waits share its room.
    fn list(worker: &T::AccountId, version: ModelVersion) -> Result<(), Error<T>> {
        let waiting = Waiting::<T>::get(worker).len();
        OffersOf::<T>::try_mutate(worker, |versions| {
            if versions.contains(&version) {
                return Ok(());
            }
            let others = versions.len().saturating_add(waiting); // Both are bounded.
            ensure!(others < MAX_OFFERS_PER_WORKER as usize, Error::<T>::TooManyOffers);
            versions.try_push(version).map_err(|_| Error::<T>::TooManyOffers)
        })
    }

    /// Whether an offer for the version waited, which is gone now.
    fn forget_waiting(worker: &T::AccountId, version: ModelVersion) -> bool {
        Waiting::<T>::mutate_exists(worker, |entry| {
            let Some(waiting) = entry else { return false };
            let before = waiting.len();
            waiting.retain(|(waits, ..)| *waits != version);
            let forgotten = waiting.len() < before;
            if waiting.is_empty() {
                *entry = None;
            }
            forgotten
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
