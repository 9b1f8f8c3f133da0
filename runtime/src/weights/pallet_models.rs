//! Weights of `pallet_models`: bounds computed from the storage that each benchmark touches, until `make weights` has
//! measured them.

use assay_types::{
    H256, ModelId, ModelVersion,
    limits::{MAX_RANK, MAX_TENSORS},
    weighing::{CALL_REF_TIME, account_proof, key_proof},
};
use core::marker::PhantomData;
use pallet_models::{Config, ModelName, ModelRecordOf, VersionRecordOf};
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};

/// Picoseconds to check a dimension that is computed from symbols: its canonical form, and its bounds at up to eight
/// combinations of ends.
const DIMENSION_REF_TIME: u64 = 30_000_000;

/// Weights of `pallet_models`.
pub struct AssayWeight<T>(PhantomData<T>);

impl<T: Config> AssayWeight<T> {
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

impl<T: Config> pallet_models::WeightInfo for AssayWeight<T> {
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
