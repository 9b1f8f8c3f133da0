//! Weights of the calls, as the benchmarks measure them. Every function is a benchmark of the same name
//! (`benchmarking.rs`), and the runtime has the numbers.

use polkadot_sdk::frame_support::weights::Weight;

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
