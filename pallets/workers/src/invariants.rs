//! Invariants: of the constants before the chain starts, and of the state after every block.

use crate::{
    Announcements, BalanceOf, Config, HoldReason, Load, NextSlash, NextToMature, Offers, OffersOf, Pallet,
    PendingSlashes, Waiting, Workers,
};
use alloc::collections::BTreeMap;
use assay_types::{ModelRegistry, WorkerStatus, limits::MAX_OFFERS_PER_WORKER, offer::largest_work};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{Get, fungible::InspectHold},
    },
    sp_runtime::{
        TryRuntimeError,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    /// Panics if the constants contradict each other.
    pub(crate) fn do_integrity_test() {
        if let Err(why) = Self::check_constants() {
            panic!("{why}");
        }
    }

    /// Says which constants contradict each other, if any do.
    pub fn check_constants() -> Result<(), &'static str> {
        ensure!(
            T::UnbondingBlocks::get() > T::LongestJob::get(),
            "UnbondingBlocks must be longer than LongestJob: stake must outlive every window that it may secure"
        );
        ensure!(
            !T::StakeFloor::get().is_zero(),
            "StakeFloor must not be zero: every job must lock some stake"
        );
        ensure!(
            !T::SlashDelay::get().is_zero(),
            "SlashDelay must not be zero: awards are set after the conviction"
        );
        ensure!(
            T::MinWindow::get() <= T::MaxWindow::get(),
            "MinWindow is above MaxWindow"
        );
        ensure!(
            T::MinStake::get() >= T::StakeFloor::get(),
            "MinStake must cover the StakeFloor of one job"
        );
        Ok(())
    }

    /// Checks money against records, and each index against the other.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_workers()?;
        Self::check_slashes()?;
        Self::check_books()?;
        Self::check_lists()?;
        Self::check_waiting()?;
        Self::check_announcements()?;
        for (worker, _, load) in Load::<T>::iter() {
            ensure!(load > 0, "an empty load is stored");
            let record = Workers::<T>::get(&worker).ok_or("an account that is no worker has jobs")?;
            ensure!(!record.locked.is_zero(), "a worker has jobs that lock nothing");
        }
        Ok(())
    }

    fn check_workers() -> Result<(), TryRuntimeError> {
        for (worker, record) in Workers::<T>::iter() {
            let held = T::Currency::balance_on_hold(&HoldReason::Stake.into(), &worker);
            ensure!(
                record.held() == Some(held),
                "what is held is not the stake, what unbonds and what is to be slashed"
            );
            // A conviction takes a share of the whole stake, also of what other jobs lock.
            ensure!(
                record.locked <= record.stake || record.convicted > 0,
                "more is locked than staked"
            );
            let in_order = record
                .unbonding
                .iter()
                .zip(record.unbonding.iter().skip(1))
                .all(|(a, b)| a.until < b.until);
            ensure!(in_order, "pieces of stake unbond out of order");
            ensure!(
                record.unbonding.iter().all(|piece| !piece.amount.is_zero()),
                "an empty piece unbonds"
            );

            let has_offers = OffersOf::<T>::contains_key(&worker);
            match record.status {
                WorkerStatus::Active | WorkerStatus::Paused => {}
                WorkerStatus::Draining => ensure!(!has_offers, "a draining worker has offers"),
                WorkerStatus::Left => {
                    ensure!(!has_offers, "a worker that has left has offers");
                    ensure!(record.stake.is_zero(), "a worker that has left has stake");
                    ensure!(
                        !record.is_over(),
                        "a worker that has left has nothing to withdraw and nothing to lose"
                    );
                }
            }
        }
        Ok(())
    }

    /// Every worker's slashes add up to what its record says, and each has a number that was given out.
    fn check_slashes() -> Result<(), TryRuntimeError> {
        let mut sums = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
        let end = NextSlash::<T>::get();
        ensure!(
            NextToMature::<T>::get() <= end,
            "a slash was looked at before it was given"
        );
        for (slash, pending) in PendingSlashes::<T>::iter() {
            ensure!(slash < end, "a slash has a number that was not given out");
            ensure!(
                Workers::<T>::contains_key(&pending.worker),
                "an account that is no worker is to be slashed"
            );
            let sum = sums.entry(pending.worker).or_insert_with(Zero::zero);
            // Saturating: a sum that saturates differs from any record, so the check fails as it should.
            *sum = sum.saturating_add(pending.amount);
        }
        for (worker, record) in Workers::<T>::iter() {
            let sum = sums.get(&worker).copied().unwrap_or_else(Zero::zero);
            ensure!(
                record.slashing == sum,
                "a record differs from the worker's pending slashes"
            );
        }
        Ok(())
    }

    fn check_books() -> Result<(), TryRuntimeError> {
        for (version, book) in Offers::<T>::iter() {
            ensure!(!book.is_empty(), "an empty book is stored");
            // Offers may outlive their version, which takes no more jobs then.
            if let Some(info) = T::Models::version(version) {
                let largest = largest_work(&info.parts);
                let prices = book.iter().map(|offer| offer.terms.price(largest));
                ensure!(prices.is_sorted(), "a book is not sorted by price");
            }
            for (place, offer) in book.iter().enumerate() {
                ensure!(
                    !offer.terms.base.is_zero() && offer.capacity > 0,
                    "an offer is for nothing"
                );
                ensure!(
                    OffersOf::<T>::get(&offer.worker).contains(&version),
                    "an offer is not on its worker's list"
                );
                let again = book
                    .iter()
                    .skip(place.saturating_add(1))
                    .any(|later| later.worker == offer.worker);
                ensure!(!again, "a worker has two offers in one book");
            }
        }
        Ok(())
    }

    /// Waiting offers belong to workers that may have offers, stands in no book, and is no more than their lists have
    /// room for.
    fn check_waiting() -> Result<(), TryRuntimeError> {
        for (worker, waiting) in Waiting::<T>::iter() {
            ensure!(!waiting.is_empty(), "an empty list of waiting offers is stored");
            let record = Workers::<T>::get(&worker).ok_or("an offer of an account that is no worker waits")?;
            ensure!(
                matches!(record.status, WorkerStatus::Active | WorkerStatus::Paused),
                "an offer of a worker that leaves waits"
            );
            let listed = OffersOf::<T>::get(&worker);
            ensure!(
                listed.len().saturating_add(waiting.len()) <= MAX_OFFERS_PER_WORKER as usize,
                "a worker has too many offers"
            );
            ensure!(
                waiting.iter().all(|(version, ..)| !listed.contains(version)),
                "an offer waits and stands in a book"
            );
        }
        Ok(())
    }

    fn check_announcements() -> Result<(), TryRuntimeError> {
        for (worker, announcement) in Announcements::<T>::iter() {
            let record = Workers::<T>::get(&worker).ok_or("an account that is no worker has announced its node")?;
            ensure!(
                record.status != WorkerStatus::Left,
                "a worker that has left has announced its node"
            );
            ensure!(!announcement.peer.is_empty(), "a node without an identity is announced");
        }
        Ok(())
    }

    fn check_lists() -> Result<(), TryRuntimeError> {
        for (worker, versions) in OffersOf::<T>::iter() {
            ensure!(!versions.is_empty(), "an empty list of offers is stored");
            ensure!(
                Workers::<T>::contains_key(&worker),
                "an account that is no worker has offers"
            );
            for (place, version) in versions.iter().enumerate() {
                ensure!(
                    Self::offer_in_book(&worker, *version).is_some(),
                    "a listed offer is in no book"
                );
                let again = versions
                    .iter()
                    .skip(place.saturating_add(1))
                    .any(|later| later == version);
                ensure!(!again, "an offer is listed twice");
            }
        }
        Ok(())
    }
}
