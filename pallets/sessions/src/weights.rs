//! Weights of the calls: upper bounds computed from the storage that each touches ([`assay_types::weighing`]), not
//! measured.
//!
//! An account and its holds are counted with every hold that is placed, paid from or released. A signature is charged
//! for at several times what the SDK's benchmarks find.

use crate::{Config, DisputedReceiptOf, OfferOf, SessionOf};
use assay_types::{
    ClaimId, ModelVersion, SessionId,
    limits::SessionOffers,
    weighing::{CALL_REF_TIME, account_proof, key_proof, load_proof, version_proof, worker_proof},
};
use core::marker::PhantomData;
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::BoundedVec,
};

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
    /// A look at the next entry of the agenda.
    fn look() -> Weight;
}

/// Picoseconds to check one signature. The SDK's benchmarks find some 50 µs.
pub const SIGNATURE_REF_TIME: u64 = 150_000_000;
/// Maximum length of a pending slash, whose type this pallet does not know: three accounts, three amounts and a block.
const SLASH_BYTES: usize = 3 * (32 + 16) + 4;
/// Maximum length of a dispute and of a worker's list of defences, whose types this pallet does not know.
const DISPUTE_BYTES: usize = 8 * 512 + 512;

/// The bounds described above, for a runtime `T`.
pub struct ComputedWeight<T>(PhantomData<T>);

impl<T: Config> ComputedWeight<T> {
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

impl<T: Config> WeightInfo for ComputedWeight<T> {
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

    /// Reads a key of the agenda.
    fn look() -> Weight {
        T::DbWeight::get()
            .reads(1)
            .saturating_add(Weight::from_parts(0, Self::agenda()))
    }
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

    fn look() -> Weight {
        Weight::zero()
    }
}
