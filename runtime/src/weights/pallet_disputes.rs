//! Weights of `pallet_disputes`: bounds computed from the storage that each benchmark touches, until `make weights` has
//! measured them.
//!
//! A call's payload is decoded, hashed once and stored, at a price for each KiB. A proof is charged besides for what
//! the judge computes, by the slice that it opens: [`JUDGE`] and [`JUDGE_KIBIBYTE`]. An account and its holds are
//! counted with every bond.

use assay_types::{
    ClaimId, ModelParts, SlashId,
    dispute::{ALL_GAMES, DisputeId, FindingOpening, Place, Revealed},
    weighing::{CALL_REF_TIME, account_proof, bytes_ref_time, job_proof, key_proof, version_proof, worker_proof},
};
use codec::MaxEncodedLen;
use core::marker::PhantomData;
use pallet_disputes::{AwardOf, Config, DisputeOf, WeightInfo, WorkersDefences};
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
};

/// Picoseconds to check what a proof opens and to compute an element from single elements: a few times what `make
/// bench-dispute` finds.
pub const JUDGE: u64 = 2_000_000_000;
/// Picoseconds for each KiB of a proof, for elements that are computed from rows. No operator does more than a fixed
/// number of operations with each element that it reads; `make bench-dispute` finds 60 µs for the slowest, log_softmax.
pub const JUDGE_KIBIBYTE: u64 = 100_000_000;
/// KiB of a proof that are charged so. No element is computed from more than three rows of 64 KiB; whatever else is
/// opened is refused once it has been hashed.
const JUDGED_KIBIBYTES: u64 = 256;
/// Maximum length of a pending slash, which is three accounts, three amounts and a block.
const SLASH_BYTES: usize = 3 * (32 + 16) + 4;

/// Weights of `pallet_disputes`.
pub struct AssayWeight<T>(PhantomData<T>);

impl<T: Config> AssayWeight<T> {
    fn call(reads: u64, writes: u64, proof_bytes: u64) -> Weight {
        Weight::from_parts(CALL_REF_TIME, proof_bytes).saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }

    fn dispute() -> u64 {
        key_proof::<ClaimId, DisputeOf<T>>()
    }

    /// Something revealed that is read.
    fn revealed() -> u64 {
        key_proof::<(DisputeId, Place), Revealed>()
    }

    /// A key whose value is not read: something that is revealed or removed, a place on an agenda, a mark.
    fn unread() -> u64 {
        key_proof::<(DisputeId, Place), ()>()
    }

    /// Weight of the bytes that a call carries. The block has them already, and those that are stored are not read.
    fn bytes(bytes: u64) -> Weight {
        Weight::from_parts(bytes_ref_time(bytes), 0)
    }

    /// A worker's list of defences, whose account is no longer than 32 bytes.
    fn defences() -> u64 {
        key_proof::<[u8; 32], WorkersDefences>()
    }

    fn award() -> u64 {
        key_proof::<SlashId, AwardOf<T>>()
    }

    fn slash() -> u64 {
        key_proof::<SlashId, [u8; SLASH_BYTES]>()
    }

    /// Weight that a conviction adds: the job with its input, output, bids, demand and place on the agenda, the worker's
    /// record, the pending slash with its number, the client's account and holds, the mark of a dispute that is over,
    /// the account and holds of every challenger, the award with the last number of an award, the worker's list of
    /// defences, and the dispute that is called next.
    fn convict(games: u32) -> Weight {
        let accounts = u64::from(games).saturating_add(1);
        let accesses = accounts.saturating_mul(2).saturating_add(15);
        let numbers = 2 * key_proof::<(), u64>();
        let own = Self::award() + Self::defences() + Self::dispute();
        let proof = job_proof()
            + 6 * Self::unread()
            + worker_proof()
            + Self::slash()
            + numbers
            + own
            + accounts.saturating_mul(account_proof());
        Weight::from_parts(0, proof).saturating_add(T::DbWeight::get().reads_writes(accesses, accesses))
    }
}

impl<T: Config> WeightInfo for AssayWeight<T> {
    /// Reads the version; reads and writes the dispute, the job with its place on the agenda, the next number, the
    /// worker's list of defences, and the challenger's account and holds.
    fn challenge() -> Weight {
        let agenda = key_proof::<(BlockNumberFor<T>, ClaimId), ()>();
        let numbers = key_proof::<(), DisputeId>();
        Self::call(
            9,
            8,
            version_proof() + Self::dispute() + job_proof() + 2 * agenda + numbers + Self::defences() + account_proof(),
        )
    }

    /// Reads and writes the dispute; reads the version; writes what is revealed. Of an operator, it decodes the node
    /// and checks its types and shapes.
    fn reveal(b: u32) -> Weight {
        Self::call(3, 2, Self::dispute() + version_proof() + Self::unread()).saturating_add(Self::bytes(
            u64::from(b).saturating_add(ModelParts::max_encoded_len() as u64),
        ))
    }

    /// Reads and writes the dispute; reads what is revealed here, and at the place that is pointed at.
    fn point() -> Weight {
        let revealed = Revealed::max_encoded_len() as u64;
        Self::call(3, 1, Self::dispute() + 2 * Self::revealed()).saturating_add(Self::bytes(revealed.saturating_mul(2)))
    }

    /// Reads the dispute, the revealed operator and the revealed chunk; judges; convicts.
    fn prove(b: u32) -> Weight {
        let judged = u64::from(b.div_ceil(1_024)).min(JUDGED_KIBIBYTES);
        let revealed = Revealed::max_encoded_len() as u64;
        Self::call(3, 1, Self::dispute() + 2 * Self::revealed())
            .saturating_add(Self::bytes(u64::from(b).saturating_add(revealed.saturating_mul(2))))
            .saturating_add(Weight::from_parts(
                JUDGE.saturating_add(JUDGE_KIBIBYTE.saturating_mul(judged)),
                0,
            ))
            .saturating_add(Self::convict(ALL_GAMES))
    }

    /// A statement; reads and writes the job, the worker's record, the accounts and holds of client,
    /// worker and challenger, and the issuance.
    fn answer_late(b: u32) -> Weight {
        Self::reveal(b).saturating_add(Self::call(
            9,
            9,
            job_proof() + worker_proof() + 3 * account_proof() + key_proof::<(), u128>(),
        ))
    }

    /// Reads and writes the award and the slash; hashes what the finding opens.
    fn claim_award() -> Weight {
        let bytes = FindingOpening::max_encoded_len() as u64;
        Self::call(2, 2, Self::award() + Self::slash()).saturating_add(Self::bytes(bytes))
    }

    /// Reads an award and removes it.
    fn forget_award() -> Weight {
        Weight::from_parts(0, Self::award()).saturating_add(T::DbWeight::get().reads_writes(1, 1))
    }

    /// Reads and writes the dispute; convicts.
    fn claim_timeout(g: u32) -> Weight {
        Self::call(1, 1, Self::dispute()).saturating_add(Self::convict(g))
    }

    /// Reads and writes the dispute, the job, and the client's account and holds.
    fn late() -> Weight {
        Self::call(4, 4, Self::dispute() + job_proof() + account_proof())
    }

    /// For each entry reads the next dispute, its next entry and the entry, and removes it.
    fn sweep(e: u32) -> Weight {
        let entries = u64::from(e);
        let next = key_proof::<DisputeId, ()>();
        Self::call(
            entries.saturating_mul(3),
            entries,
            entries.saturating_mul(next.saturating_add(Self::unread().saturating_mul(2))),
        )
    }
}
