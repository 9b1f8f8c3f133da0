//! Weights of the calls. The runtime gives the numbers.

use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the calls.
pub trait WeightInfo {
    /// Weight of [`crate::Pallet::enact`].
    fn enact() -> Weight;
    /// Weight of [`crate::Pallet::cancel`].
    fn cancel() -> Weight;
    /// Weight of [`crate::Pallet::set_parameter`].
    fn set_parameter() -> Weight;
}

/// No weight at all, for tests.
impl WeightInfo for () {
    fn enact() -> Weight {
        Weight::zero()
    }

    fn cancel() -> Weight {
        Weight::zero()
    }

    fn set_parameter() -> Weight {
        Weight::zero()
    }
}
