//! Weights of the calls, as the benchmarks measure them. Every function is a benchmark of the same name
//! (`benchmarking.rs`), and the runtime has the numbers.

use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the calls and steps.
pub trait WeightInfo {
    /// Publication of an offer.
    fn publish_offer() -> Weight;
    /// Removal of an offer.
    fn remove_offer() -> Weight;
    /// Opening of a session.
    fn open() -> Weight;
    /// Addition to a budget.
    fn top_up() -> Weight;
    /// Payment of a voucher.
    fn redeem() -> Weight;
    /// Close by either side, with a voucher and the settlement.
    fn close() -> Weight;
    /// All steps that can be due for one session at once.
    fn advance() -> Weight;
    /// A receipt that is brought to the court, with the challenge.
    fn challenge_receipt() -> Weight;
    /// A conviction by two receipts.
    fn convict_equivocation() -> Weight;
    /// A forced end, with the step that is tried before.
    fn force_end() -> Weight;
    /// A look at the next entry of the agenda.
    fn look() -> Weight;
}

/// No weight at all, for tests.
impl WeightInfo for () {
    fn publish_offer() -> Weight {
        Weight::zero()
    }

    fn remove_offer() -> Weight {
        Weight::zero()
    }

    fn open() -> Weight {
        Weight::zero()
    }

    fn top_up() -> Weight {
        Weight::zero()
    }

    fn redeem() -> Weight {
        Weight::zero()
    }

    fn close() -> Weight {
        Weight::zero()
    }

    fn advance() -> Weight {
        Weight::zero()
    }

    fn challenge_receipt() -> Weight {
        Weight::zero()
    }

    fn convict_equivocation() -> Weight {
        Weight::zero()
    }

    fn force_end() -> Weight {
        Weight::zero()
    }

    fn look() -> Weight {
        Weight::zero()
    }
}
