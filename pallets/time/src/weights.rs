//! Weights of the hooks, as the benchmarks measure them. Every function is a benchmark of the same name
//! (`benchmarking.rs`), and the runtime has the numbers.

use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the hooks.
pub trait WeightInfo {
    /// Weight of both hooks of a block.
    fn tick() -> Weight;
}

/// No weight at all, for tests.
impl WeightInfo for () {
    fn tick() -> Weight {
        Weight::zero()
    }
}
