//! What the calls weigh: upper bounds computed from the storage that each touches and the bytes that it carries.
//!
//! Database accesses are priced by the runtime's `DbWeight`. What a call carries is decoded, hashed once and stored, at
//! a price for each KiB. A proof is charged for what a judge computes besides, by the slice that it opens: [`JUDGE`]
//! and [`JUDGE_KIBIBYTE`]. Proof sizes are the bounded sizes of the records plus an allowance for the trie nodes on
//! their paths.

use assay_types::dispute::{MAX_GAMES, Nodes, Revealed};
use codec::MaxEncodedLen;
use core::marker::PhantomData;
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system,
};

/// Weights of the disputes' calls.
pub trait WeightInfo {
    /// A challenge.
    fn challenge() -> Weight;
    /// A statement of this many bytes.
    fn reveal(bytes: u32) -> Weight;
    /// A point.
    fn point() -> Weight;
    /// A proof of this many bytes, with the conviction that it may lead to.
    fn prove(bytes: u32) -> Weight;
    /// The end of a game by its clock, with the conviction that it may lead to.
    fn claim_timeout() -> Weight;
    /// The removal of this many entries.
    fn sweep(entries: u32) -> Weight;
}

/// Picoseconds of execution beside the database, for one call.
const CALL: u64 = 25_000_000;
/// Picoseconds to decode, check and copy one KiB, and to hash it by the node's host function.
const KIBIBYTE: u64 = 10_000_000;
/// Picoseconds to check what a proof opens and to compute an element from single elements: a few times what `make
/// bench-dispute` finds.
pub const JUDGE: u64 = 2_000_000_000;
/// Picoseconds for each KiB of a proof, for elements that are computed from rows. No operator does more than a fixed
/// number of operations with each element that it reads; `make bench-dispute` finds 60 µs for the slowest, log_softmax.
pub const JUDGE_KIBIBYTE: u64 = 100_000_000;
/// KiB of a proof that are charged so. No element is computed from more than three rows of 64 KiB; whatever else is
/// opened is refused once it has been hashed.
const JUDGED_KIBIBYTES: u64 = 256;
/// Proof bytes of one access: a path of trie nodes, and a record of typical size.
const PROOF: u64 = 1_500;
/// Proof bytes of a model version with the largest schema.
const SCHEMA_PROOF: u64 = 8_000;
/// Greatest length of a dispute's record: eight games of at most 260 bytes, and what they share.
const DISPUTE_PROOF: u64 = 260 * MAX_GAMES as u64 + 400;

/// The bounds described above, for a runtime `T`.
pub struct ComputedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> ComputedWeight<T> {
    fn accesses(reads: u64, writes: u64) -> Weight {
        T::DbWeight::get()
            .reads_writes(reads, writes)
            .saturating_add(Weight::from_parts(CALL, PROOF.saturating_mul(reads)))
    }

    /// What a call carries. The block has it already; what is stored of it is not read.
    fn bytes(bytes: u64) -> Weight {
        let kibibytes = bytes.div_ceil(1_024).saturating_add(1);
        Weight::from_parts(KIBIBYTE.saturating_mul(kibibytes), 0)
    }

    /// The dispute and its job, to be read.
    fn records() -> Weight {
        Weight::from_parts(0, DISPUTE_PROOF)
    }

    /// A conviction: the job with what is stored of it, the worker's record, the pending slash, the client's account
    /// and holds, and the account and holds of every challenger.
    fn convict() -> Weight {
        let games = u64::from(MAX_GAMES);
        let accesses = games.saturating_mul(2).saturating_add(18);
        Self::accesses(accesses, accesses)
    }
}

impl<T: frame_system::Config> WeightInfo for ComputedWeight<T> {
    fn challenge() -> Weight {
        // Dispute, job, version, agenda (twice), next number, account, holds.
        Self::accesses(8, 7)
            .saturating_add(Self::records())
            .saturating_add(Weight::from_parts(0, SCHEMA_PROOF))
    }

    fn reveal(bytes: u32) -> Weight {
        // Dispute, what is revealed.
        Self::accesses(2, 2)
            .saturating_add(Self::records())
            .saturating_add(Self::bytes(bytes.into()))
    }

    fn point() -> Weight {
        // Dispute, what is revealed here, and at the place that is pointed at.
        let revealed = Revealed::max_encoded_len() as u64;
        Self::accesses(3, 1)
            .saturating_add(Self::records())
            .saturating_add(Self::bytes(revealed.saturating_mul(2)))
            .saturating_add(Weight::from_parts(0, revealed.saturating_mul(2)))
    }

    fn prove(bytes: u32) -> Weight {
        let judged = u64::from(bytes.div_ceil(1_024)).min(JUDGED_KIBIBYTES);
        // The revealed chunk is a part of what a list of digests would be.
        Self::accesses(2, 0)
            .saturating_add(Self::records())
            .saturating_add(Self::bytes(
                u64::from(bytes).saturating_add(Nodes::max_encoded_len() as u64),
            ))
            .saturating_add(Weight::from_parts(
                JUDGE.saturating_add(JUDGE_KIBIBYTE.saturating_mul(judged)),
                Nodes::max_encoded_len() as u64,
            ))
            .saturating_add(Self::convict())
    }

    fn claim_timeout() -> Weight {
        Self::accesses(1, 0)
            .saturating_add(Self::records())
            .saturating_add(Self::convict())
    }

    fn sweep(entries: u32) -> Weight {
        // For each entry: the next dispute, its next entry, the entry.
        let accesses = u64::from(entries).saturating_mul(3);
        Self::accesses(accesses, u64::from(entries))
    }
}

/// No weight at all, for tests.
impl WeightInfo for () {
    fn challenge() -> Weight {
        Weight::zero()
    }

    fn reveal(_bytes: u32) -> Weight {
        Weight::zero()
    }

    fn point() -> Weight {
        Weight::zero()
    }

    fn prove(_bytes: u32) -> Weight {
        Weight::zero()
    }

    fn claim_timeout() -> Weight {
        Weight::zero()
    }

    fn sweep(_entries: u32) -> Weight {
        Weight::zero()
    }
}
