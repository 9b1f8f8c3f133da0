//! Weights of the calls, computed as upper bounds from the storage that each touches.
//!
//! Time: the runtime's price of each database read and write (`T::DbWeight`), plus [`CALL_REF_TIME`] for the code.
//! Proof: for each key read, the greatest length of its value and of its key, plus [`TRIE_BYTES_PER_KEY`] of trie
//! nodes. An account and its holds are counted with every deposit that is taken, changed or released.

use crate::{Config, ModelName, ModelRecordOf, VersionRecordOf};
use assay_types::{H256, ModelId, ModelVersion};
use codec::MaxEncodedLen;
use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};

/// Picoseconds for what a call does besides storage: decoding at most 5 KB of schema, checking it, hashing keys,
/// depositing events. The SDK's benchmarks of calls of this kind (pallet-multisig, pallet-preimage) come to 15 to 30 µs
/// on its reference machine; this leaves as much again.
pub const CALL_REF_TIME: u64 = 60_000_000;

/// Trie nodes in the proof of one key: what the SDK's benchmarks add per key for a map of a million entries.
pub const TRIE_BYTES_PER_KEY: u64 = 2_475;

/// Storage prefix (32 bytes) and hash of the key (16 bytes).
const KEY_OVERHEAD_BYTES: u64 = 48;

/// Greatest length of an account's record and of its holds, for which this pallet has no types: a 128-byte account, and
/// up to 16 holds of 20 bytes.
const ACCOUNT_AND_HOLDS_BYTES: u64 = 128 + 16 * 20;

/// Weights of the calls.
pub trait WeightInfo {
    /// Weight of [`crate::Pallet::register`].
    fn register() -> Weight;
    /// Weight of [`crate::Pallet::publish_version`].
    fn publish_version() -> Weight;
    /// Weight of [`crate::Pallet::deprecate`].
    fn deprecate() -> Weight;
    /// Weight of [`crate::Pallet::transfer`].
    fn transfer() -> Weight;
    /// Weight of [`crate::Pallet::accept_transfer`].
    fn accept_transfer() -> Weight;
    /// Weight of [`crate::Pallet::remove_version`].
    fn remove_version() -> Weight;
}

/// Bounds computed from the storage that a call touches.
pub struct ComputedWeight<T>(PhantomData<T>);

impl<T: Config> ComputedWeight<T> {
    fn call(reads: u64, writes: u64, proof_bytes: u64) -> Weight {
        Weight::from_parts(CALL_REF_TIME, proof_bytes).saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }

    fn model() -> u64 {
        key::<ModelId, ModelRecordOf<T>>()
    }

    fn version() -> u64 {
        key::<ModelVersion, VersionRecordOf<T>>()
    }
}

/// Proof of one key of a map.
fn key<K: MaxEncodedLen, V: MaxEncodedLen>() -> u64 {
    let bytes = K::max_encoded_len().saturating_add(V::max_encoded_len()) as u64;
    bytes
        .saturating_add(KEY_OVERHEAD_BYTES)
        .saturating_add(TRIE_BYTES_PER_KEY)
}

fn root() -> u64 {
    key::<H256, ModelVersion>()
}

fn name() -> u64 {
    key::<ModelName, ModelId>()
}

/// Proof of an account and its holds: two keys.
fn holds() -> u64 {
    2 * TRIE_BYTES_PER_KEY + ACCOUNT_AND_HOLDS_BYTES
}

impl<T: Config> WeightInfo for ComputedWeight<T> {
    /// Reads the name, the root, the next number, account, holds; writes those, the model and the version.
    fn register() -> Weight {
        Self::call(
            5,
            7,
            name() + root() + key::<(), ModelId>() + holds() + Self::model() + Self::version(),
        )
    }

    /// Reads the model, the root, account, holds; writes those and the version.
    fn publish_version() -> Weight {
        Self::call(4, 5, Self::model() + root() + holds() + Self::version())
    }

    /// Reads the model and the version; writes the version.
    fn deprecate() -> Weight {
        Self::call(2, 1, Self::model() + Self::version())
    }

    /// Reads and writes the model.
    fn transfer() -> Weight {
        Self::call(1, 1, Self::model())
    }

    /// Reads and writes the model, and account and holds of both owners.
    fn accept_transfer() -> Weight {
        Self::call(5, 5, Self::model() + 2 * holds())
    }

    /// Reads the model, the version, account, holds; writes those, the root and the name.
    fn remove_version() -> Weight {
        Self::call(4, 6, Self::model() + Self::version() + holds() + root() + name())
    }
}

/// No weight at all, for tests.
impl WeightInfo for () {
    fn register() -> Weight {
        Weight::zero()
    }

    fn publish_version() -> Weight {
        Weight::zero()
    }

    fn deprecate() -> Weight {
        Weight::zero()
    }

    fn transfer() -> Weight {
        Weight::zero()
    }

    fn accept_transfer() -> Weight {
        Weight::zero()
    }

    fn remove_version() -> Weight {
        Weight::zero()
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
            Computed::publish_version(),
            Computed::deprecate(),
            Computed::transfer(),
            Computed::accept_transfer(),
            Computed::remove_version(),
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
