//! Weights of `pallet_sessions`: bounds computed from the storage that each benchmark touches, until `make weights` has
//! measured them.

use assay_types::{
    ClaimId, ModelVersion, SessionId,
    limits::SessionOffers,
    weighing::{CALL_REF_TIME, account_proof, key_proof, load_proof, version_proof, worker_proof},
};
use core::marker::PhantomData;
use pallet_sessions::{Config, DisputedReceiptOf, OfferOf, SessionOf, WeightInfo};
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::BoundedVec,
};

/// Picoseconds to check one signature. The SDK's benchmarks find some 50 µs.
pub const SIGNATURE_REF_TIME: u64 = 150_000_000;
/// Maximum length of a pending slash, which is three accounts, three amounts and a block.
const SLASH_BYTES: usize = 3 * (32 + 16) + 4;
/// Maximum length of a dispute and of a worker's list of defences, of eight games.
const DISPUTE_BYTES: usize = 8 * 512 + 512;

/// Weights of `pallet_sessions`.
pub struct AssayWeight<T>(PhantomData<T>);

impl<T: Config> AssayWeight<T> {
    fn call(reads: u64, writes: u64, proof_bytes: u64) -> Weight {
        Weight::from_parts(CALL_REF_TIME, proof_bytes).saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }

    fn signatures(count: u64) -> Weight {
        Weight::from_parts(SIGNATURE_REF_TIME.saturating_mul(count), 0)
    }

    fn session() -> u64 {
        key_proof::<SessionId, SessionOf<T>>()
    }

    fn agenda() -> u64 {
        key_proof::<(BlockNumberFor<T>, SessionId), ()>()
    }

    fn offer() -> u64 {
        key_proof::<(ModelVersion, [u8; 32]), OfferOf<T>>()
    }

    fn offers() -> u64 {
        key_proof::<[u8; 32], BoundedVec<ModelVersion, SessionOffers>>()
    }

    fn receipt() -> u64 {
        key_proof::<ClaimId, DisputedReceiptOf<T>>()
    }

    fn number() -> u64 {
        key_proof::<(), u64>()
    }
}

impl<T: Config> WeightInfo for AssayWeight<T> {
    /// Reads the worker and the version; reads and writes the offer and the worker's list.
    fn publish_offer() -> Weight {
        Self::call(4, 2, worker_proof() + version_proof() + Self::offer() + Self::offers())
    }

    /// Reads and writes the offer and the worker's list.
    fn remove_offer() -> Weight {
        Self::call(2, 2, Self::offer() + Self::offers())
    }

    /// Reads the version and the offer; reads and writes the load, the worker, the client's account and holds, the next
    /// number, the session and its place on the agenda.
    fn open() -> Weight {
        let records = version_proof() + Self::offer() + load_proof() + worker_proof();
        let session = Self::number() + Self::session() + Self::agenda();
        Self::call(9, 7, records + account_proof() + session)
    }

    /// Reads and writes the session, the worker, and the client's account and holds.
    fn top_up() -> Weight {
        Self::call(4, 4, Self::session() + worker_proof() + account_proof())
    }

    /// Reads and writes the session, and the accounts and holds of client and worker.
    fn redeem() -> Weight {
        Self::call(5, 5, Self::session() + 2 * account_proof()).saturating_add(Self::signatures(1))
    }

    /// Redeems a voucher; reads and writes two places on the agenda, the session's mark, and the client's holds.
    fn close() -> Weight {
        Self::redeem().saturating_add(Self::call(5, 5, 3 * Self::agenda() + account_proof()))
    }

    /// Reads and writes the session, four places on the agenda, its mark, the client's account and holds, the worker
    /// and its load.
    fn advance() -> Weight {
        let records = Self::session() + 5 * Self::agenda() + account_proof();
        Self::call(10, 10, records + worker_proof() + load_proof())
    }

    /// Reads the version; reads and writes the session, the receipt, its place on the agenda and its mark. The court
    /// reads the receipt, the session and the version again, and reads and writes the dispute, its number, the worker's
    /// list of defences, and the challenger's account and holds.
    fn challenge_receipt() -> Weight {
        let own = version_proof() + Self::session() + Self::receipt() + 2 * Self::agenda();
        let courts = key_proof::<ClaimId, [u8; DISPUTE_BYTES]>() + Self::number() + account_proof();
        Self::call(14, 10, own + courts + key_proof::<[u8; 32], [u8; DISPUTE_BYTES]>())
            .saturating_add(Self::signatures(1))
    }

    /// Reads and writes the session, the worker, the slash and its number; breaks the session off.
    fn convict_equivocation() -> Weight {
        let slash = key_proof::<u64, [u8; SLASH_BYTES]>() + Self::number();
        Self::call(5, 4, Self::session() + worker_proof() + slash)
            .saturating_add(Self::advance())
            .saturating_add(Self::signatures(2))
    }

    /// Tries the steps of the session, and does as much by itself; reads and writes its mark.
    fn force_end() -> Weight {
        Self::advance()
            .saturating_mul(2)
            .saturating_add(Self::call(1, 1, Self::agenda()))
    }

    /// Reads a key of the agenda.
    fn look() -> Weight {
        T::DbWeight::get()
            .reads(1)
            .saturating_add(Weight::from_parts(0, Self::agenda()))
    }
}
