//! Weights of the calls: upper bounds computed from the storage that each touches ([`assay_types::weighing`]), not
//! measured.
//!
//! An account and its holds are counted with every hold that is placed or released.

use crate::{BookOf, Config, PendingSlashOf, WaitingOf, WorkerRecordOf};
use assay_types::{
    Announcement, ModelVersion, SlashId,
    limits::{MAX_OFFERS_PER_MODEL, MAX_OFFERS_PER_WORKER, OffersPerWorker},
    weighing::{BOOK_REF_TIME, CALL_REF_TIME, account_proof, key_proof, version_proof},
};
use core::marker::PhantomData;
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

/// Weights of the calls.
pub trait WeightInfo {
    /// Weight of [`crate::Pallet::register`].
    fn register() -> Weight;
    /// Weight of [`crate::Pallet::bond_more`].
    fn bond_more() -> Weight;
    /// Weight of [`crate::Pallet::unbond`].
    fn unbond() -> Weight;
    /// Weight of [`crate::Pallet::withdraw`].
    fn withdraw() -> Weight;
    /// Weight of [`crate::Pallet::publish_offer`].
    fn publish_offer() -> Weight;
    /// Weight of [`crate::Pallet::remove_offer`].
    fn remove_offer() -> Weight;
    /// Weight of [`crate::Pallet::pause`].
    fn pause() -> Weight;
    /// Weight of [`crate::Pallet::resume`].
    fn resume() -> Weight;
    /// Weight of [`crate::Pallet::drain`] for a worker with as many offers as it may have.
    fn drain() -> Weight;
    /// Weight of [`crate::Pallet::leave`] for a worker with as many offers as it may have.
    fn leave() -> Weight;
    /// Weight of [`crate::Pallet::announce`].
    fn announce() -> Weight;
    /// Weight of [`crate::Pallet::apply_slash`].
    fn apply_slash() -> Weight;
    /// Weight of [`crate::Pallet::cancel_slash`].
    fn cancel_slash() -> Weight;
    /// Weight of a look at the next pending slash.
    fn look_at_slash() -> Weight;
}

/// The bounds described above, for a runtime `T`.
pub struct ComputedWeight<T>(PhantomData<T>);

impl<T: Config> ComputedWeight<T> {
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

impl<T: Config> WeightInfo for ComputedWeight<T> {
    /// Reads and writes the worker, account, holds.
    fn register() -> Weight {
        Self::call(3, 3, 0, Self::worker() + account_proof())
    }

    /// As [`WeightInfo::register`], and gives offers that wait their places again.
    fn bond_more() -> Weight {
        Self::register().saturating_add(Self::readmission())
    }

    /// Reads and writes the worker.
    fn unbond() -> Weight {
        Self::call(1, 1, 0, Self::worker())
    }

    /// As [`WeightInfo::register`].
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

    /// As [`WeightInfo::drain`], and reads whether there is a load: the first key of a prefix and its value. Removes
    /// what was announced.
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

/// For tests: no weight at all, but for the slashes, whose drain is metered.
impl WeightInfo for () {
    fn register() -> Weight {
        Weight::zero()
    }

    fn bond_more() -> Weight {
        Weight::zero()
    }

    fn unbond() -> Weight {
        Weight::zero()
    }

    fn withdraw() -> Weight {
        Weight::zero()
    }

    fn publish_offer() -> Weight {
        Weight::zero()
    }

    fn remove_offer() -> Weight {
        Weight::zero()
    }

    fn pause() -> Weight {
        Weight::zero()
    }

    fn resume() -> Weight {
        Weight::zero()
    }

    fn drain() -> Weight {
        Weight::zero()
    }

    fn leave() -> Weight {
        Weight::zero()
    }

    fn announce() -> Weight {
        Weight::zero()
    }

    fn apply_slash() -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn cancel_slash() -> Weight {
        Weight::zero()
    }

    fn look_at_slash() -> Weight {
        Weight::from_parts(100, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::weighing::{TRIE_BYTES_PER_KEY, WORKER_RECORD_BYTES};
    use codec::MaxEncodedLen;

    type Computed = ComputedWeight<crate::mock::Test>;

    #[test]
    fn a_worker_is_no_longer_than_other_pallets_think() {
        let record = crate::WorkerRecord::<u128, u32>::max_encoded_len() + <[u8; 32]>::max_encoded_len();
        assert!(record as u64 <= WORKER_RECORD_BYTES, "{record} bytes");
    }

    #[test]
    fn every_call_leaves_most_of_a_block_to_others() {
        let calls = [
            Computed::register(),
            Computed::bond_more(),
            Computed::unbond(),
            Computed::withdraw(),
            Computed::publish_offer(),
            Computed::remove_offer(),
            Computed::pause(),
            Computed::resume(),
            Computed::drain(),
            Computed::leave(),
            Computed::announce(),
            Computed::apply_slash(),
            Computed::cancel_slash(),
        ];
        for weight in calls {
            // A twentieth of the 2 s and the 5 MiB of a parachain block; the mock's database is free.
            assert!(
                weight.ref_time() >= CALL_REF_TIME && weight.ref_time() < 100_000_000_000,
                "{weight:?}"
            );
            assert!(
                weight.proof_size() > TRIE_BYTES_PER_KEY && weight.proof_size() < 256 * 1_024,
                "{weight:?}"
            );
        }
    }
}
