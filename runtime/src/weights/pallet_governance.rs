//! Weights of `pallet_governance`: bounds computed from the storage that each benchmark touches, until `make weights` has
//! measured them.
//!
//! The scheduler's own weights are not known here. Its agenda of one block is counted as large as the SDK's benchmarks
//! find it.

use assay_types::weighing::{CALL_REF_TIME, key_proof};
use core::marker::PhantomData;
use pallet_governance::{Config, DecisionId};
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};

/// Proof bytes of the scheduler's agenda of one block (`pallet_scheduler::weights`).
const AGENDA_PROOF: u64 = 110_487;
/// Parameters that the rules compare, at most; each has a key and a value of a few bytes.
const COMPARED: u64 = 48;

/// Weights of `pallet_governance`.
pub struct AssayWeight<T>(PhantomData<T>);

impl<T: Config> AssayWeight<T> {
    fn call(reads: u64, writes: u64, proof_bytes: u64) -> Weight {
        Weight::from_parts(CALL_REF_TIME, proof_bytes).saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }

    /// The agenda, the name and the state of the preimage.
    fn scheduled() -> u64 {
        AGENDA_PROOF + key_proof::<[u8; 32], (u64, u32)>() + 2 * key_proof::<[u8; 32], [u8; 96]>()
    }
}

impl<T: Config> pallet_governance::WeightInfo for AssayWeight<T> {
    /// Reads the number, the preimage's state in both of its forms, the name and the agenda; writes all of them.
    fn enact() -> Weight {
        Self::call(6, 5, Self::scheduled() + key_proof::<(), DecisionId>())
    }

    /// Reads and writes the name, the agenda and the preimage's state.
    fn cancel() -> Weight {
        Self::call(5, 5, Self::scheduled())
    }

    /// Reads the parameters that the rules compare, and what the pallets keep of earlier values; writes the parameter
    /// and what is kept.
    fn set_parameter() -> Weight {
        let kept = 3 * key_proof::<(), [u8; 1_024]>();
        Self::call(COMPARED + 6, 4, COMPARED * key_proof::<[u8; 2], [u8; 17]>() + kept)
    }
}
