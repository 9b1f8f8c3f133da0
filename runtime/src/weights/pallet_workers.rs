//! Weights of `pallet_workers`: bounds computed from the storage that each benchmark touches, until `make weights` has
//! measured them.

use assay_types::{
    Announcement, ModelVersion, SlashId,
    limits::{MAX_OFFERS_PER_MODEL, MAX_OFFERS_PER_WORKER, OffersPerWorker},
    weighing::{BOOK_REF_TIME, CALL_REF_TIME, account_proof, key_proof, version_proof},
};
use core::marker::PhantomData;
use pallet_workers::{BookOf, Config, PendingSlashOf, WaitingOf, WeightInfo, WorkerRecordOf};
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system,
    sp_runtime::BoundedVec,
};

/// Picoseconds to decode a pending slash, of some 200 bytes.
const LOOK_REF_TIME: u64 = 5_000_000;

/// Books that a worker with as many offers as it may have stands in.
const BOOKS: u64 = MAX_OFFERS_PER_WORKER as u64;

type AccountOf<T> = <T as frame_system::Config>::AccountId;

/// Weights of `pallet_workers`.
pub struct AssayWeight<T>(PhantomData<T>);

impl<T: Config> AssayWeight<T> {
    fn call(reads: u64, writes: u64, books: u64, proof_bytes: u64) -> Weight {
        let ref_time = CALL_REF_TIME.saturating_add(BOOK_REF_TIME.saturating_mul(books));
        Weight::from_parts(ref_time, proof_bytes).saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }

    fn worker() -> u64 {
        key_proof::<AccountOf<T>, WorkerRecordOf<T>>()
    }

    fn book() -> u64 {
        key_proof::<ModelVersion, BookOf<T>>()
    }

    fn list() -> u64 {
        key_proof::<AccountOf<T>, BoundedVec<ModelVersion, OffersPerWorker>>()
    }

    fn waiting() -> u64 {
        key_proof::<AccountOf<T>, WaitingOf<T>>()
    }

    /// The return of every offer that a worker may have waiting.
    fn readmission() -> Weight {
        Self::drain()
    }

    fn announcement() -> u64 {
        key_proof::<AccountOf<T>, Announcement>()
    }

    fn slash() -> u64 {
        key_proof::<SlashId, PendingSlashOf<T>>()
    }

    fn load() -> u64 {
        key_proof::<(AccountOf<T>, ModelVersion), u32>()
    }
}

impl<T: Config> WeightInfo for AssayWeight<T> {
    /// Reads and writes the worker, account, holds.
    fn register() -> Weight {
        Self::call(3, 3, 0, Self::worker() + account_proof())
    }

    /// As a registration, and gives offers that wait their places again.
    fn bond_more() -> Weight {
        Self::register().saturating_add(Self::readmission())
    }

    /// Reads and writes the worker.
    fn unbond() -> Weight {
        Self::call(1, 1, 0, Self::worker())
    }

    /// As a registration.
    fn withdraw() -> Weight {
        Self::register()
    }

    /// Reads the worker, the version, and the records of all that stand in the book; reads and writes the book, and the
    /// lists of the worker and of another that it displaces, with what waits of both.
    fn publish_offer() -> Weight {
        let others = u64::from(MAX_OFFERS_PER_MODEL);
        let lists = 2 * (Self::list() + Self::waiting());
        Self::call(
            7 + others,
            5,
            1,
            (1 + others) * Self::worker() + version_proof() + Self::book() + lists,
        )
    }

    /// Reads and writes the book, the list and what waits.
    fn remove_offer() -> Weight {
        Self::call(3, 3, 1, Self::book() + Self::list() + Self::waiting())
    }

    /// Reads and writes the worker.
    fn pause() -> Weight {
        Self::call(1, 1, 0, Self::worker())
    }

    /// Reads and writes the worker, and gives offers that wait their places again.
    fn resume() -> Weight {
        Self::readmission()
    }

    /// Reads and writes the worker, its list, what waits, and every book on the list.
    fn drain() -> Weight {
        Self::call(
            3 + BOOKS,
            3 + BOOKS,
            BOOKS,
            Self::worker() + Self::list() + Self::waiting() + BOOKS * Self::book(),
        )
    }

    /// As a drain, and reads whether there is a load: the first key of a prefix and its value. Removes what
    /// was announced.
    fn leave() -> Weight {
        Self::drain()
            .saturating_add(T::DbWeight::get().reads_writes(3, 1))
            .saturating_add(Weight::from_parts(0, 2 * Self::load() + Self::announcement()))
    }

    /// Reads the worker, and writes what it announces.
    fn announce() -> Weight {
        Self::call(2, 1, 0, Self::worker() + Self::announcement())
    }

    /// Reads and writes the slash, the worker, its account and holds, the accounts of two beneficiaries, and the
    /// issuance.
    fn apply_slash() -> Weight {
        Self::call(7, 7, 0, Self::slash() + Self::worker() + 3 * account_proof())
    }

    /// Reads and writes the slash, the worker, its account and holds.
    fn cancel_slash() -> Weight {
        Self::call(4, 4, 0, Self::slash() + Self::worker() + account_proof())
    }

    /// Reads the slash.
    fn look_at_slash() -> Weight {
        T::DbWeight::get()
            .reads(1)
            .saturating_add(Weight::from_parts(LOOK_REF_TIME, Self::slash()))
    }
}
