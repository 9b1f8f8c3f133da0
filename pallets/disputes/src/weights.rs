//! Weights of the calls, as the benchmarks measure them. Every function is a benchmark of the same name
//! (`benchmarking.rs`), and the runtime has the numbers.

use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the calls.
pub trait WeightInfo {
    /// A challenge that opens the last dispute which its worker's queue can hold.
    fn challenge() -> Weight;
    /// A statement of `b` bytes.
    fn reveal(b: u32) -> Weight;
    /// A point at something that has been revealed before.
    fn point() -> Weight;
    /// A proof of `b` bytes with the conviction that it leads to, in a dispute with as many games as there can be.
    fn prove(b: u32) -> Weight;
    /// A conviction by the clock, in a dispute with `g` games.
    fn claim_timeout(g: u32) -> Weight;
    /// The first time that a worker is late in a dispute: the client is refunded.
    fn late() -> Weight;
    /// The removal of `e` entries.
    fn sweep(e: u32) -> Weight;
    /// The first late statement in a dispute, of `b` bytes.
    fn answer_late(b: u32) -> Weight;
    /// A claim of an award by the youngest of as many finders as there can be.
    fn claim_award() -> Weight;
    /// A look at one award, and its removal.
    fn forget_award() -> Weight;
}

/// No weight at all, for tests.
impl WeightInfo for () {
    fn challenge() -> Weight {
        Weight::zero()
    }

    fn reveal(_b: u32) -> Weight {
        Weight::zero()
    }

    fn point() -> Weight {
        Weight::zero()
    }

    fn prove(_b: u32) -> Weight {
        Weight::zero()
    }

    fn claim_timeout(_g: u32) -> Weight {
        Weight::zero()
    }

    fn late() -> Weight {
        Weight::zero()
    }

    fn sweep(_e: u32) -> Weight {
        Weight::zero()
    }

    fn answer_late(_b: u32) -> Weight {
        Weight::zero()
    }

    fn claim_award() -> Weight {
        Weight::zero()
    }

    fn forget_award() -> Weight {
        Weight::zero()
    }
}
