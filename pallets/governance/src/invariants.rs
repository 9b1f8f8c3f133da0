//! Invariants of the constants before the chain starts. No record here belongs to another.

use crate::{Config, Pallet};
use polkadot_sdk::{frame_support::traits::Get, sp_runtime::traits::Zero};

impl<T: Config> Pallet<T> {
    /// Panics if the constants contradict each other.
    pub(crate) fn do_integrity_test() {
        assert!(
            !T::EnactmentBlocks::get().is_zero(),
            "EnactmentBlocks must be more than zero: nobody could cancel a decision"
        );
    }
}
