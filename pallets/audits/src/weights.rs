//! Weights of the calls, as the benchmarks measure them. Every function is a benchmark of the same name
//! (`benchmarking.rs`), and the runtime has the numbers.

use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the calls and steps.
pub trait WeightInfo {
    /// A sealed answer.
    fn answer() -> Weight;
    /// An answer that is opened and begins a dispute.
    fn open() -> Weight;
    /// A step of an audit: an auditor has missed, and another one is drawn from a full book.
    fn advance() -> Weight;
    /// A payment into the pool.
    fn fund() -> Weight;
    /// A look at the next entry of the agenda.
    fn look() -> Weight;
}

/// No weight at all, for tests.
impl WeightInfo for () {
    fn answer() -> Weight {
        Weight::zero()
    }

    fn open() -> Weight {
        Weight::zero()
    }

    fn advance() -> Weight {
        Weight::zero()
    }

    fn fund() -> Weight {
        Weight::zero()
    }

    fn look() -> Weight {
        Weight::zero()
    }
}
