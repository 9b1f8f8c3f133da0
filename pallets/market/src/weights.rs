//! What the market's calls weigh: upper bounds computed from the storage that each touches, not measured.
//!
//! Database accesses are priced by the runtime's `DbWeight`. The rest is an allowance for decoding, hashing and the
//! logic itself; proof sizes are the bounded sizes of the records plus an allowance for the trie nodes on their paths.

use assay_types::limits::{MAX_BIDS, MAX_OFFERS_PER_MODEL};
use core::marker::PhantomData;
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system,
};

/// Weights of the market's calls and steps.
pub trait WeightInfo {
    /// Submission of one job with an inline input of this many bytes, without the search for a worker.
    fn submit(input_bytes: u32) -> Weight;
    /// The search for workers by standing offers, for this many jobs on this many model versions.
    fn search(jobs: u32, models: u32) -> Weight;
    /// Commitment of a bid.
    fn commit_bid() -> Weight;
    /// Reveal of a bid, the end of the auction included.
    fn reveal_bid() -> Weight;
    /// Claim of one job with an inline output of this many bytes.
    fn claim(output_bytes: u32) -> Weight;
    /// Payment of one claimed job and its removal.
    fn settle() -> Weight;
    /// The dearest that can be due for one job: the end of an auction, or a missed deadline and the search for another
    /// worker.
    fn step() -> Weight;
    /// A look at the next entry of the agenda.
    fn look() -> Weight;
}

/// Picoseconds of execution beside the database, for one call.
const CALL: u64 = 25_000_000;
/// Picoseconds to decode and check one offer or bid.
const ENTRY: u64 = 1_000_000;
/// Picoseconds to copy and hash one KiB of a tensor.
const KIBIBYTE: u64 = 4_000_000;
/// Proof bytes of one access: a path of trie nodes, and a record of typical size.
const PROOF: u64 = 1_500;
/// Proof bytes of a model version with the largest schema.
const SCHEMA_PROOF: u64 = 8_000;

/// The bounds described above, for a runtime `T`.
pub struct ComputedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> ComputedWeight<T> {
    fn accesses(reads: u64, writes: u64) -> Weight {
        T::DbWeight::get()
            .reads_writes(reads, writes)
            .saturating_add(Weight::from_parts(CALL, PROOF.saturating_mul(reads)))
    }

    fn tensor(bytes: u32) -> Weight {
        let kibibytes = u64::from(bytes.div_ceil(1_024)).saturating_add(1);
        Weight::from_parts(KIBIBYTE.saturating_mul(kibibytes), u64::from(bytes))
    }

    /// For each bid: the worker's record, its account and its holds.
    fn settle_bids() -> Weight {
        let bids = u64::from(MAX_BIDS);
        let accesses = bids.saturating_mul(3);
        Self::accesses(accesses, accesses).saturating_add(Weight::from_parts(ENTRY.saturating_mul(bids), 0))
    }
}

impl<T: frame_system::Config> WeightInfo for ComputedWeight<T> {
    fn submit(input_bytes: u32) -> Weight {
        // Version, next id, client's account and holds, job, input, agenda; worker and load of the one that is taken.
        Self::accesses(9, 8)
            .saturating_add(Self::tensor(input_bytes))
            .saturating_add(Weight::from_parts(0, SCHEMA_PROOF))
    }

    /// Each job reads the book, and for each of its offers the worker's record and load. The proof holds each of them
    /// once, however many jobs read it.
    fn search(jobs: u32, models: u32) -> Weight {
        let offers = u64::from(MAX_OFFERS_PER_MODEL);
        let reads = offers.saturating_mul(2).saturating_add(1);
        let each = T::DbWeight::get()
            .reads(reads)
            .ref_time()
            .saturating_add(ENTRY.saturating_mul(offers));
        Weight::from_parts(
            each.saturating_mul(jobs.into()),
            PROOF.saturating_mul(reads).saturating_mul(models.into()),
        )
    }

    fn commit_bid() -> Weight {
        // Job, bids, worker, account, holds.
        Self::accesses(6, 5)
    }

    fn reveal_bid() -> Weight {
        // Job, bids, account, holds, agenda; then the end of the auction.
        Self::accesses(8, 8).saturating_add(Self::settle_bids())
    }

    fn claim(output_bytes: u32) -> Weight {
        // Job, version, worker, load, bids, output, agenda.
        Self::accesses(8, 8)
            .saturating_add(Self::tensor(output_bytes))
            .saturating_add(Weight::from_parts(0, SCHEMA_PROOF))
    }

    fn settle() -> Weight {
        // Job, input, output, bids, agenda, the accounts and holds of client and worker, the worker and its load.
        Self::accesses(12, 12)
    }

    fn step() -> Weight {
        Self::settle()
            .saturating_add(Self::search(1, 1))
            .saturating_add(Self::settle_bids())
    }

    fn look() -> Weight {
        // A key of the agenda and, if there is one, its job.
        T::DbWeight::get()
            .reads(2)
            .saturating_add(Weight::from_parts(ENTRY, PROOF))
    }
}

/// For tests: weights that are there, and nothing more.
impl WeightInfo for () {
    fn submit(_: u32) -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn search(jobs: u32, _: u32) -> Weight {
        Weight::from_parts(1_000, 0).saturating_mul(jobs.into())
    }

    fn commit_bid() -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn reveal_bid() -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn claim(_: u32) -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn settle() -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn step() -> Weight {
        Weight::from_parts(2_000, 0)
    }

    fn look() -> Weight {
        Weight::from_parts(100, 0)
    }
}
