//! Answers for the runtime API: nothing here changes state.

use crate::{BalanceOf, Config, Load, OfferOf, Offers, OffersOf, Pallet, Workers};
use alloc::vec::Vec;
use assay_types::{ModelVersion, Offer, OfferInfo, WorkerInfo};
use polkadot_sdk::frame_system::pallet_prelude::BlockNumberFor;

impl<T: Config> Pallet<T> {
    /// The worker, its stake and its offers.
    pub fn worker_info(worker: &T::AccountId) -> Option<WorkerInfo<BalanceOf<T>, BlockNumberFor<T>>> {
        let record = Workers::<T>::get(worker)?;
        let offer = |version| {
            let Offer {
                terms, capacity, from, ..
            } = Self::offer_of(worker, version)?;
            Some(OfferInfo {
                version,
                terms,
                capacity,
                load: Load::<T>::get(worker, version),
                from,
            })
        };
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
            offers: OffersOf::<T>::get(worker)
                .into_iter()
                .filter_map(offer)
                .collect::<Vec<_>>(),
            completed: record.completed,
            missed: record.missed,
            declined: record.declined,
            convicted: record.convicted,
        })
    }

    /// The worker's offer for a model version.
    pub fn offer_of(worker: &T::AccountId, version: ModelVersion) -> Option<OfferOf<T>> {
        Offers::<T>::get(version)
            .into_iter()
            .find(|offer| offer.worker == *worker)
    }
}
