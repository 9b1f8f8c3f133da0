//! The workers, as those see them who look for an auditor.

use crate::{BalanceOf, Config, Offers, Pallet, Workers};
use alloc::vec::Vec;
use assay_types::{
    ModelVersion,
    audit::{Auditors, Candidate},
};
use polkadot_sdk::sp_runtime::traits::Zero;

impl<T: Config> Auditors<T::AccountId, BalanceOf<T>> for Pallet<T> {
    /// Reads the book, and the record of every worker in it.
    fn candidates(version: ModelVersion, lock: BalanceOf<T>, work: u64) -> Vec<Candidate<T::AccountId, BalanceOf<T>>> {
        let book = Offers::<T>::get(version).into_iter();
        book.filter_map(|offer| {
            let record = Workers::<T>::get(&offer.worker)?;
            Self::check_available(&record, lock).ok()?;
            Self::check_rested(&record).ok()?;
            Some(Candidate {
                price: offer.terms.price(work),
                stake: record.stake,
                worker: offer.worker,
            })
        })
        .collect()
    }

    fn stake_of(worker: &T::AccountId) -> BalanceOf<T> {
        Workers::<T>::get(worker).map_or_else(Zero::zero, |record| record.stake)
    }
}
