//! Weights of the hooks, as the benchmarks measure them. Every function is a benchmark of the same name
//! (`benchmarking.rs`), and the runtime has the numbers.

use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the hooks.
pub trait WeightInfo {
    /// A new round, for which the oldest one is forgotten.
    fn note() -> Weight;
}

/// No weight at all, for tests.
impl WeightInfo for () {
    fn note() -> Weight {
        Weight::zero()
    }
}
