//! Weights of `pallet_seeds`: bounds computed from the storage that each benchmark touches, until `make weights` has
//! measured them.

use assay_types::weighing::{CALL_REF_TIME, key_proof};
use core::marker::PhantomData;
use pallet_seeds::{Config, Round};
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
};

/// Weights of `pallet_seeds`.
pub struct AssayWeight<T>(PhantomData<T>);

impl<T: Config> pallet_seeds::WeightInfo for AssayWeight<T> {
    /// Reads the last round, the numbers of the next and the oldest one, the moment, and whether numbers are made up;
    /// writes a round, both numbers, and removes a round.
    fn note() -> Weight {
        let rounds = 3 * key_proof::<u64, Round<BlockNumberFor<T>>>();
        let proof =
            rounds + 2 * key_proof::<(), u64>() + key_proof::<(), bool>() + key_proof::<(), BlockNumberFor<T>>();
        Weight::from_parts(CALL_REF_TIME, proof).saturating_add(T::DbWeight::get().reads_writes(5, 4))
    }
}
