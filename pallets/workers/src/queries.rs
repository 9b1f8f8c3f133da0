//! Answers for the runtime API: nothing here changes state.

use crate::{Announcements, BalanceOf, Config, Load, OfferOf, Offers, OffersOf, Pallet, Waiting, Workers};
use alloc::vec::Vec;
use assay_types::{Announcement, ModelVersion, OfferInfo, WorkerInfo, limits::MAX_LISTED_JOBS};
use polkadot_sdk::frame_system::pallet_prelude::BlockNumberFor;

impl<T: Config> Pallet<T> {
    /// The worker, its stake and its offers.
    pub fn worker_info(worker: &T::AccountId) -> Option<WorkerInfo<BalanceOf<T>, BlockNumberFor<T>>> {
        let record = Workers::<T>::get(worker)?;
        let shown = |version, offer: OfferOf<T>, waits| OfferInfo {
            version,
            terms: offer.terms,
            capacity: offer.capacity,
            load: Load::<T>::get(worker, version),
            from: offer.from,
            waits,
        };
        let in_books = OffersOf::<T>::get(worker)
            .into_iter()
            .filter_map(|version| Some(shown(version, Self::offer_in_book(worker, version)?, false)));
        let waiting = Waiting::<T>::get(worker)
            .into_iter()
            .map(|(version, _, offer)| shown(version, offer, true));
        Some(WorkerInfo {
            status: record.status,
            stake: record.stake,
            locked: record.locked,
            unbonding: record
                .unbonding
                .into_iter()
                .map(|piece| (piece.amount, piece.until))
                .collect(),
            slashing: record.slashing,
            rests_until: record.rests_until,
            offers: in_books.chain(waiting).collect::<Vec<_>>(),
            completed: record.completed,
            missed: record.missed,
            declined: record.declined,
            convicted: record.convicted,
        })
    }

    /// The worker's place in the workers' network, if it has announced one.
    pub fn announcement_of(worker: &T::AccountId) -> Option<Announcement> {
        Announcements::<T>::get(worker)
    }

    /// The places that workers have announced, at most `limit` and at most [`MAX_LISTED_JOBS`], from the one after this
    /// worker's on.
    pub fn announcements_from(after: Option<T::AccountId>, limit: u32) -> Vec<(T::AccountId, Announcement)> {
        let announcements = match after {
            None => Announcements::<T>::iter(),
            Some(worker) => Announcements::<T>::iter_from(Announcements::<T>::hashed_key_for(worker)),
        };
        announcements.take(limit.clamp(1, MAX_LISTED_JOBS) as usize).collect()
    }

    /// The worker's offer for a model version, whether it has a place in the book or waits for one.
    pub fn offer_of(worker: &T::AccountId, version: ModelVersion) -> Option<OfferOf<T>> {
        Self::offer_in_book(worker, version).or_else(|| {
            let mut waiting = Waiting::<T>::get(worker).into_iter();
            let (.., offer) = waiting.find(|(waits, ..)| *waits == version)?;
            Some(offer)
        })
    }

    /// The worker's offer in the book of a model version.
    pub(crate) fn offer_in_book(worker: &T::AccountId, version: ModelVersion) -> Option<OfferOf<T>> {
        Offers::<T>::get(version)
            .into_iter()
            .find(|offer| offer.worker == *worker)
    }
}
