//! Weights of the calls: upper bounds computed from the storage that each touches ([`assay_types::weighing`]), not
//! measured.
//!
//! An account and its holds are counted with every deposit that is taken, changed or released.

use crate::{Config, ModelName, ModelRecordOf, VersionRecordOf};
use assay_types::{
    H256, ModelId, ModelVersion,
    limits::{MAX_RANK, MAX_TENSORS},
    weighing::{CALL_REF_TIME, account_proof, key_proof},
};
use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};

/// Picoseconds to check a dimension that is computed from symbols: its canonical form, and its bounds at up to eight
/// combinations of ends.
const DIMENSION_REF_TIME: u64 = 30_000_000;

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

/// The bounds described above, for a runtime `T`.
pub struct ComputedWeight<T>(PhantomData<T>);

impl<T: Config> ComputedWeight<T> {
    fn call(reads: u64, writes: u64, proof_bytes: u64) -> Weight {
        Weight::from_parts(CALL_REF_TIME, proof_bytes).saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }

    /// To check a version's schema, all of whose outputs may have computed dimensions.
    fn dimensions() -> Weight {
        let count = u64::from(MAX_TENSORS).saturating_mul(u64::from(MAX_RANK));
        Weight::from_parts(DIMENSION_REF_TIME.saturating_mul(count), 0)
    }

    fn model() -> u64 {
        key_proof::<ModelId, ModelRecordOf<T>>()
    }

    fn version() -> u64 {
        key_proof::<ModelVersion, VersionRecordOf<T>>()
    }

    fn root() -> u64 {
        key_proof::<H256, ModelVersion>()
    }

    fn name() -> u64 {
        key_proof::<ModelName, ModelId>()
    }
}

impl<T: Config> WeightInfo for ComputedWeight<T> {
    /// Reads the name, the root, the next number, account, holds; writes those, the model and the version. Checks the
    /// schema.
    fn register() -> Weight {
        Self::call(
            5,
            7,
            Self::name()
                + Self::root()
                + key_proof::<(), ModelId>()
                + account_proof()
                + Self::model()
                + Self::version(),
        )
        .saturating_add(Self::dimensions())
    }

    /// Reads the model, the root, account, holds; writes those and the version. Checks the schema.
    fn publish_version() -> Weight {
        Self::call(4, 5, Self::model() + Self::root() + account_proof() + Self::version())
            .saturating_add(Self::dimensions())
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
        Self::call(5, 5, Self::model() + 2 * account_proof())
    }

    /// Reads the model, the version, account, holds; writes those, the root and the name.
    fn remove_version() -> Weight {
        Self::call(
            4,
            6,
            Self::model() + Self::version() + account_proof() + Self::root() + Self::name(),
        )
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
    use assay_types::weighing::TRIE_BYTES_PER_KEY;

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
