//! Weights of the calls, as the benchmarks measure them. Every function is a benchmark of the same name
//! (`benchmarking.rs`), and the runtime has the numbers.

use polkadot_sdk::frame_support::weights::Weight;

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
