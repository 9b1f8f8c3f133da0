//! Weights of `pallet_time`: bounds computed from the storage that each benchmark touches, until `make weights` has
//! measured them.

use assay_types::weighing::{CALL_REF_TIME, key_proof};
use core::marker::PhantomData;
use pallet_time::Config;
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
};

/// Weights of `pallet_time`.
pub struct AssayWeight<T>(PhantomData<T>);

impl<T: Config> pallet_time::WeightInfo for AssayWeight<T> {
    /// Reads and writes the moment, the mark of a full block and the lane's price; reads the marks of migrations, and
    /// removes one; reads what the block used, which is in memory.
    fn tick() -> Weight {
        let proof = key_proof::<(), BlockNumberFor<T>>() + 4 * key_proof::<(), bool>() + key_proof::<(), u128>();
        Weight::from_parts(CALL_REF_TIME, proof).saturating_add(T::DbWeight::get().reads_writes(6, 4))
    }
}
