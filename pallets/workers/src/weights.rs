//! Weights of the calls, computed as upper bounds from the storage that each touches.
//!
//! Time: the runtime's price of each database read and write (`T::DbWeight`), plus [`CALL_REF_TIME`] for the code of a
//! call, and [`BOOK_REF_TIME`] for each book of offers that it decodes, changes and encodes.
//! Proof: for each key touched, the greatest length of its value and of its key, plus [`TRIE_BYTES_PER_KEY`] of trie
//! nodes. An account and its holds are counted with every hold that is placed or released.

use crate::{BookOf, Config, PendingSlashOf, WorkerRecordOf};
use assay_types::{
    ModelVersion, Schema, SlashId,
    limits::{MAX_OFFERS_PER_WORKER, OffersPerWorker},
};
use codec::MaxEncodedLen;
use core::marker::PhantomData;
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system,
    sp_runtime::BoundedVec,
};

/// Picoseconds for what a call does besides storage: decoding records, hashing keys, depositing events. The SDK's
/// benchmarks of calls of this kind (pallet-balances, pallet-multisig) come to 15 to 30 µs on its reference machine;
/// this leaves as much again.
pub const CALL_REF_TIME: u64 = 60_000_000;

/// Picoseconds to decode, search, change and encode a full book: 64 entries of 52 bytes, at some 150 ns each.
pub const BOOK_REF_TIME: u64 = 10_000_000;

/// Picoseconds to decode a pending slash, of some 200 bytes.
pub const LOOK_REF_TIME: u64 = 5_000_000;

/// Trie nodes in the proof of one key: what the SDK's benchmarks add per key for a map of a million entries.
pub const TRIE_BYTES_PER_KEY: u64 = 2_475;

/// Storage prefix (32 bytes) and hashes of up to two keys (16 and 8 bytes).
const KEY_OVERHEAD_BYTES: u64 = 56;

/// Greatest length of an account's record and of its holds, for which this pallet has no types: a 128-byte account, and
/// up to 16 holds of 20 bytes.
const ACCOUNT_AND_HOLDS_BYTES: u64 = 128 + 16 * 20;

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
    /// Weight of [`crate::Pallet::apply_slash`].
    fn apply_slash() -> Weight;
    /// Weight of [`crate::Pallet::cancel_slash`].
    fn cancel_slash() -> Weight;
    /// Weight of a look at the next pending slash.
    fn look_at_slash() -> Weight;
}

/// Bounds computed from the storage that a call touches.
pub struct ComputedWeight<T>(PhantomData<T>);

impl<T: Config> ComputedWeight<T> {
    fn call(reads: u64, writes: u64, books: u64, proof_bytes: u64) -> Weight {
        let ref_time = CALL_REF_TIME.saturating_add(BOOK_REF_TIME.saturating_mul(books));
        Weight::from_parts(ref_time, proof_bytes).saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }

    fn worker() -> u64 {
        key::<AccountOf<T>, WorkerRecordOf<T>>()
    }

    fn book() -> u64 {
        key::<ModelVersion, BookOf<T>>()
    }

    fn list() -> u64 {
        key::<AccountOf<T>, BoundedVec<ModelVersion, OffersPerWorker>>()
    }

    fn slash() -> u64 {
        key::<SlashId, PendingSlashOf<T>>()
    }

    fn load() -> u64 {
        key::<(AccountOf<T>, ModelVersion), u32>()
    }
}

type AccountOf<T> = <T as frame_system::Config>::AccountId;

/// Proof of one key of a map.
fn key<K: MaxEncodedLen, V: MaxEncodedLen>() -> u64 {
    let bytes = K::max_encoded_len().saturating_add(V::max_encoded_len()) as u64;
    bytes
        .saturating_add(KEY_OVERHEAD_BYTES)
        .saturating_add(TRIE_BYTES_PER_KEY)
}

/// Proof of a model version in its registry: a root, a schema and a few bytes of status.
fn version() -> u64 {
    key::<(ModelVersion, [u8; 64]), Schema>()
}

/// Proof of an account and its holds: two keys.
fn holds() -> u64 {
    2 * TRIE_BYTES_PER_KEY + ACCOUNT_AND_HOLDS_BYTES
}

const BOOKS: u64 = MAX_OFFERS_PER_WORKER as u64;

impl<T: Config> WeightInfo for ComputedWeight<T> {
    /// Reads and writes the worker, account, holds.
    fn register() -> Weight {
        Self::call(3, 3, 0, Self::worker() + holds())
    }

    /// As [`WeightInfo::register`].
    fn bond_more() -> Weight {
        Self::register()
    }

    /// Reads and writes the worker.
    fn unbond() -> Weight {
        Self::call(1, 1, 0, Self::worker())
    }

    /// As [`WeightInfo::register`].
    fn withdraw() -> Weight {
        Self::register()
    }

    /// Reads the worker and the version; reads and writes the book, and the lists of the worker and of another that it
    /// displaces.
    fn publish_offer() -> Weight {
        Self::call(5, 3, 1, Self::worker() + version() + Self::book() + 2 * Self::list())
    }

    /// Reads and writes the book and the list.
    fn remove_offer() -> Weight {
        Self::call(2, 2, 1, Self::book() + Self::list())
    }

    /// Reads and writes the worker.
    fn pause() -> Weight {
        Self::call(1, 1, 0, Self::worker())
    }

    /// Reads and writes the worker.
    fn resume() -> Weight {
        Self::call(1, 1, 0, Self::worker())
    }

    /// Reads and writes the worker, its list and every book on it.
    fn drain() -> Weight {
        Self::call(
            2 + BOOKS,
            2 + BOOKS,
            BOOKS,
            Self::worker() + Self::list() + BOOKS * Self::book(),
        )
    }

    /// As [`WeightInfo::drain`], and reads whether there is a load: the first key of a prefix and its value.
    fn leave() -> Weight {
        Self::drain()
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(Weight::from_parts(0, 2 * Self::load()))
    }

    /// Reads and writes the slash, the worker, its account and holds, the accounts of two beneficiaries, and the
    /// issuance.
    fn apply_slash() -> Weight {
        Self::call(7, 7, 0, Self::slash() + Self::worker() + 3 * holds())
    }

    /// Reads and writes the slash, the worker, its account and holds.
    fn cancel_slash() -> Weight {
        Self::call(4, 4, 0, Self::slash() + Self::worker() + holds())
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

    type Computed = ComputedWeight<crate::mock::Test>;

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
