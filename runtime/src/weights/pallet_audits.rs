//! Weights of `pallet_audits`: bounds computed from the storage that each benchmark touches, until `make weights` has
//! measured them.

use assay_police::AuditRecord;
use assay_types::{
    ClaimId,
    limits::MAX_OFFERS_PER_MODEL,
    weighing::{CALL_REF_TIME, ENTRY_REF_TIME, account_proof, book_proof, key_proof, worker_proof},
};
use core::marker::PhantomData;
use pallet_audits::{AuditOf, Config};
use pallet_disputes::WeightInfo as _;
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
};

/// Rounds that are looked at for a seed: a search through a day of them, and those that make it.
const ROUNDS: u64 = 18;
/// Length of a round, with room to spare.
type RoundBytes = [u8; 48];

/// Weights of `pallet_audits`.
pub struct AssayWeight<T>(PhantomData<T>);

impl<T: Config> AssayWeight<T> {
    fn call(reads: u64, writes: u64, proof_bytes: u64) -> Weight {
        Weight::from_parts(CALL_REF_TIME, proof_bytes).saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }

    fn audit() -> u64 {
        key_proof::<ClaimId, AuditOf<T>>()
    }

    fn agenda() -> u64 {
        key_proof::<(BlockNumberFor<T>, ClaimId), ()>()
    }

    /// A worker's record with auditors, whose account is no longer than 32 bytes.
    fn record() -> u64 {
        key_proof::<[u8; 32], AuditRecord>()
    }

    /// The seed of a moment.
    fn seed() -> Weight {
        let proof = ROUNDS.saturating_mul(key_proof::<u64, RoundBytes>());
        T::DbWeight::get()
            .reads(ROUNDS)
            .saturating_add(Weight::from_parts(0, proof))
    }
}

impl<T: Config> pallet_audits::WeightInfo for AssayWeight<T> {
    /// Reads and writes the audit and two places on the agenda; reads the moment and the rules.
    fn answer() -> Weight {
        Self::call(5, 3, Self::audit() + 2 * Self::agenda() + key_proof::<(), u64>())
    }

    /// The same; and the record of the worker, or a dispute that begins.
    fn open() -> Weight {
        Self::call(5, 4, Self::audit() + 2 * Self::agenda() + Self::record())
            .saturating_add(<crate::Runtime as pallet_disputes::Config>::WeightInfo::challenge())
    }

    /// Reads the seed, the book and the record of each worker in it; reads and writes the audit, two places on the
    /// agenda, the pool and what is set aside, the records of two auditors, and the auditor's record and account.
    fn advance() -> Weight {
        let workers = u64::from(MAX_OFFERS_PER_MODEL);
        let candidates = Weight::from_parts(
            ENTRY_REF_TIME.saturating_mul(workers),
            workers.saturating_mul(worker_proof()),
        );
        let own = Self::audit() + 2 * Self::agenda() + 2 * key_proof::<(), u128>() + 2 * Self::record();
        Self::call(
            workers.saturating_add(12),
            11,
            own + book_proof() + worker_proof() + account_proof(),
        )
        .saturating_add(candidates)
        .saturating_add(Self::seed())
    }

    /// Reads and writes the account and the pool, and the issuance.
    fn fund() -> Weight {
        Self::call(3, 3, account_proof() + 2 * key_proof::<(), u128>())
    }

    /// Reads a place of the agenda.
    fn look() -> Weight {
        T::DbWeight::get()
            .reads(1)
            .saturating_add(Weight::from_parts(ENTRY_REF_TIME, Self::agenda()))
    }
}
