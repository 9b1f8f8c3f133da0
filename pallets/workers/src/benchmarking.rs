//! Benchmarks of the register of workers: full books, full lists of offers, and workers whose offers all wait.

use crate::{
    Announcements, BalanceOf, BookOf, Call, Config, NextSlash, OfferOf, OfferTermsOf, Offers, OffersOf, Pallet,
    PendingSlashes, Waiting, WaitingOf, Workers,
};
use alloc::{vec, vec::Vec};
use assay_types::{
    Announcement, ModelVersion, Offer, OfferTerms, Purpose, SlashId, WorkerStatus,
    benchmarking::{Stage, largest_parts},
    limits::{
        MAX_ADDRESS_BYTES, MAX_ADDRESSES, MAX_OFFERS_PER_MODEL, MAX_OFFERS_PER_WORKER, MAX_PEER_BYTES, MAX_UNBONDING,
        OffersPerWorker,
    },
};
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::{
        BoundedVec,
        traits::{EnsureOrigin, Get},
    },
    frame_system::RawOrigin,
    sp_runtime::{
        DispatchError, Perbill,
        traits::{Bounded, Saturating, Zero},
    },
};

/// Work of the largest job on a model, where the model itself does not matter.
const LARGEST: u64 = 1_000_000;

/// A worker with several times the stake that it needs.
fn registered<T: Config>(worker: &T::AccountId) -> Result<(), DispatchError> {
    T::BenchmarkHelper::endow(worker);
    Pallet::<T>::do_register(worker.clone(), T::MinStake::get().saturating_mul(4u32.into()))
}

/// Terms with this base, which every job fits.
fn terms<T: Config>(base: u32) -> OfferTermsOf<T> {
    OfferTerms {
        base: base.into(),
        rate: Zero::zero(),
        min_deadline: Zero::zero(),
        min_window: Zero::zero(),
        max_window: Bounded::max_value(),
    }
}

/// Versions, as many as a worker may have offers for. Whether they are registered does not matter.
fn versions() -> impl Iterator<Item = ModelVersion> {
    (0..MAX_OFFERS_PER_WORKER).map(|model| ModelVersion { model, version: 1 })
}

fn offer_of<T: Config>(worker: T::AccountId, base: u32) -> OfferOf<T> {
    Offer {
        worker,
        terms: terms::<T>(base),
        capacity: 1,
        from: Zero::zero(),
    }
}

/// A book with one place left, whose offers are those of strangers.
fn book<T: Config>() -> BookOf<T> {
    let strangers = (1..MAX_OFFERS_PER_MODEL).map(|index| offer_of::<T>(account("stranger", index, 0), index));
    BoundedVec::truncate_from(strangers.collect::<Vec<_>>())
}

/// Gives a worker an offer in each of as many full books as it may stand in.
fn fill_list<T: Config>(worker: &T::AccountId) {
    for version in versions() {
        let mut full = book::<T>();
        let _no_place = full
            .try_push(offer_of::<T>(worker.clone(), MAX_OFFERS_PER_MODEL))
            .is_err();
        Offers::<T>::insert(version, full);
    }
    let listed: BoundedVec<ModelVersion, OffersPerWorker> = BoundedVec::truncate_from(versions().collect::<Vec<_>>());
    OffersOf::<T>::insert(worker, listed);
}

/// Has every offer that a worker may have wait for the last place of a book.
fn let_wait<T: Config>(worker: &T::AccountId) {
    for version in versions() {
        Offers::<T>::insert(version, book::<T>());
    }
    let waiting = versions().map(|version| (version, LARGEST, offer_of::<T>(worker.clone(), MAX_OFFERS_PER_MODEL)));
    let waiting: WaitingOf<T> = BoundedVec::truncate_from(waiting.collect::<Vec<_>>());
    Waiting::<T>::insert(worker, waiting);
}

/// A pending slash of a worker, with two beneficiaries.
fn convicted<T: Config>(worker: &T::AccountId) -> Result<SlashId, DispatchError> {
    registered::<T>(worker)?;
    let stake = T::MinStake::get();
    let version = ModelVersion { model: 0, version: 1 };
    Pallet::<T>::do_take(worker, version, Purpose::Session { stake })
        .map_err(|_| DispatchError::Other("the worker has no free stake"))?;
    let awards = [0, 1].map(|index| {
        let beneficiary: T::AccountId = account("beneficiary", index, 0);
        T::BenchmarkHelper::endow(&beneficiary);
        (beneficiary, stake / 4u32.into())
    });
    let penalty = Pallet::<T>::slash_later(worker, stake, Perbill::from_percent(50), awards)?;
    Ok(penalty.slash)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register() {
        let worker: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&worker);

        #[extrinsic_call]
        _(RawOrigin::Signed(worker.clone()), T::MinStake::get());

        assert!(Workers::<T>::contains_key(worker));
    }

    /// Every offer that the worker may have waits, and gets a place.
    #[benchmark]
    fn bond_more() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        registered::<T>(&worker)?;
        let_wait::<T>(&worker);

        #[extrinsic_call]
        _(RawOrigin::Signed(worker.clone()), T::MinStake::get());

        assert!(!Waiting::<T>::contains_key(worker));
        Ok(())
    }

    /// For the last piece that may unbond.
    #[benchmark]
    fn unbond() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        registered::<T>(&worker)?;
        for _ in 1..MAX_UNBONDING {
            Pallet::<T>::do_unbond(worker.clone(), 1u32.into())?;
            T::BenchmarkHelper::pass(1u32.into());
        }

        #[extrinsic_call]
        _(RawOrigin::Signed(worker.clone()), 1u32.into());

        let pieces = Workers::<T>::get(worker).map(|record| record.unbonding.len());
        assert_eq!(pieces, Some(MAX_UNBONDING as usize));
        Ok(())
    }

    /// Of as many pieces as there may be.
    #[benchmark]
    fn withdraw() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        registered::<T>(&worker)?;
        for _ in 0..MAX_UNBONDING {
            Pallet::<T>::do_unbond(worker.clone(), 1u32.into())?;
            T::BenchmarkHelper::pass(1u32.into());
        }
        T::BenchmarkHelper::pass(T::UnbondingBlocks::get());

        #[extrinsic_call]
        _(RawOrigin::Signed(worker.clone()));

        assert!(Workers::<T>::get(worker).is_some_and(|record| record.unbonding.is_empty()));
        Ok(())
    }

    /// Into a full book of which only the first offer's worker is not eligible, by a worker with all its other offers.
    #[benchmark]
    fn publish_offer() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        registered::<T>(&worker)?;
        let version = T::BenchmarkHelper::register(largest_parts(1));
        for index in 0..MAX_OFFERS_PER_MODEL {
            let other: T::AccountId = account("other", index, 0);
            registered::<T>(&other)?;
            Pallet::<T>::do_publish_offer(other.clone(), version, terms::<T>(index.saturating_add(1)), 1)?;
            if index == 0 {
                Pallet::<T>::do_pause(other)?;
            }
        }
        let others = versions()
            .filter(|other| *other != version)
            .take(MAX_OFFERS_PER_WORKER as usize - 1);
        let listed: BoundedVec<ModelVersion, OffersPerWorker> = BoundedVec::truncate_from(others.collect::<Vec<_>>());
        OffersOf::<T>::insert(&worker, listed);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(worker.clone()),
            version,
            terms::<T>(MAX_OFFERS_PER_MODEL),
            1,
        );

        assert!(Pallet::<T>::offer_in_book(&worker, version).is_some());
        assert!(Waiting::<T>::contains_key(account::<T::AccountId>("other", 0, 0)));
        Ok(())
    }

    #[benchmark]
    fn remove_offer() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        registered::<T>(&worker)?;
        fill_list::<T>(&worker);
        let version = ModelVersion {
            model: MAX_OFFERS_PER_WORKER - 1,
            version: 1,
        };

        #[extrinsic_call]
        _(RawOrigin::Signed(worker.clone()), version);

        assert!(Pallet::<T>::offer_in_book(&worker, version).is_none());
        Ok(())
    }

    #[benchmark]
    fn pause() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        registered::<T>(&worker)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(worker.clone()));

        assert!(Workers::<T>::get(worker).is_some_and(|record| record.status == WorkerStatus::Paused));
        Ok(())
    }

    /// Every offer that the worker may have waits, and gets a place.
    #[benchmark]
    fn resume() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        registered::<T>(&worker)?;
        Pallet::<T>::do_pause(worker.clone())?;
        let_wait::<T>(&worker);

        #[extrinsic_call]
        _(RawOrigin::Signed(worker.clone()));

        assert!(!Waiting::<T>::contains_key(worker));
        Ok(())
    }

    #[benchmark]
    fn drain() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        registered::<T>(&worker)?;
        fill_list::<T>(&worker);

        #[extrinsic_call]
        _(RawOrigin::Signed(worker.clone()));

        assert!(!OffersOf::<T>::contains_key(worker));
        Ok(())
    }

    #[benchmark]
    fn leave() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        registered::<T>(&worker)?;
        fill_list::<T>(&worker);

        #[extrinsic_call]
        _(RawOrigin::Signed(worker.clone()));

        assert!(Workers::<T>::get(worker).is_some_and(|record| record.status == WorkerStatus::Left));
        Ok(())
    }

    /// As many addresses as there may be, each as long as it may be, where there were as many.
    #[benchmark]
    fn announce() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        registered::<T>(&worker)?;
        let (peer, address) = (vec![1; MAX_PEER_BYTES as usize], vec![1; MAX_ADDRESS_BYTES as usize]);
        let address: BoundedVec<_, _> = address.try_into().map_err(|_| BenchmarkError::Weightless)?;
        let addresses = vec![address; MAX_ADDRESSES as usize];
        let given = Announcement {
            peer: peer.try_into().map_err(|_| BenchmarkError::Weightless)?,
            addresses: addresses.try_into().map_err(|_| BenchmarkError::Weightless)?,
        };
        Pallet::<T>::do_announce(worker.clone(), Some(given.clone()))?;

        #[extrinsic_call]
        _(RawOrigin::Signed(worker.clone()), Some(given.clone()));

        assert_eq!(Announcements::<T>::get(worker), Some(given));
        Ok(())
    }

    #[benchmark]
    fn apply_slash() -> Result<(), BenchmarkError> {
        let slash = convicted::<T>(&account("worker", 0, 0))?;
        T::BenchmarkHelper::pass(T::SlashDelay::get());

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), slash);

        assert!(!PendingSlashes::<T>::contains_key(slash));
        Ok(())
    }

    #[benchmark]
    fn cancel_slash() -> Result<(), BenchmarkError> {
        let slash = convicted::<T>(&account("worker", 0, 0))?;
        let origin = T::SlashCancelOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, slash);

        assert!(!PendingSlashes::<T>::contains_key(slash));
        Ok(())
    }

    /// The reads of a slash that is not mature in the drain.
    #[benchmark]
    fn look_at_slash() -> Result<(), BenchmarkError> {
        let slash = convicted::<T>(&account("worker", 0, 0))?;
        let found: Option<BalanceOf<T>>;

        #[block]
        {
            found = PendingSlashes::<T>::get(slash).map(|pending| pending.amount);
        }

        assert!(found.is_some() && slash < NextSlash::<T>::get());
        Ok(())
    }
}
