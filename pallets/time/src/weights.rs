//! Weights of the hooks: upper bounds computed from the storage that each touches ([`assay_types::weighing`]), not
//! measured.

use crate::Config;
use assay_types::weighing::{CALL_REF_TIME, key_proof};
use core::marker::PhantomData;
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
};

/// Weights of the hooks.
pub trait WeightInfo {
    /// Weight of both hooks of a block.
    fn tick() -> Weight;
}

/// The bounds described above, for a runtime `T`.
pub struct ComputedWeight<T>(PhantomData<T>);

impl<T: Config> WeightInfo for ComputedWeight<T> {
    /// Reads and writes the moment, the mark of a full block and the lane's price; reads the marks of migrations, and
    /// removes one; reads what the block used, which is in memory.
    fn tick() -> Weight {
        let proof = key_proof::<(), BlockNumberFor<T>>() + 4 * key_proof::<(), bool>() + key_proof::<(), u128>();
        Weight::from_parts(CALL_REF_TIME, proof).saturating_add(T::DbWeight::get().reads_writes(6, 4))
    }
}

/// No weight at all, for tests.
impl WeightInfo for () {
    fn tick() -> Weight {
        Weight::zero()
    }
}
