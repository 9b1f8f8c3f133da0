//! The way in which the weights of Assay's pallets are computed: upper bounds from what a call touches and carries.
//!
//! Time: the runtime's price of each database access, which the pallets add, plus [`CALL_REF_TIME`] for the code of a
//! call, and an allowance for what a call decodes or hashes besides. Proof: for each storage key touched, the greatest
//! length of the key and of its value, plus the trie nodes on the path ([`key_proof`]).
//!
//! Nothing here is measured on the machine that executes it. Units: picoseconds and bytes, as in the SDK's weights.

use crate::{Job, JobId, ModelParts, ModelVersion, Offer, limits::OffersPerModel};
use codec::MaxEncodedLen;
use polkadot_sdk::sp_runtime::BoundedVec;

/// Picoseconds of a call besides storage: decoding records, checking them, hashing keys, depositing events.
///
/// The SDK's benchmarks of calls of this kind (pallet-balances, pallet-multisig, pallet-preimage) come to 15 to 30 µs
/// on its reference machine; this leaves as much again.
pub const CALL_REF_TIME: u64 = 60_000_000;

/// Picoseconds to decode and check one entry of a list: an offer, a bid.
pub const ENTRY_REF_TIME: u64 = 1_000_000;

/// Picoseconds to decode, search, change and encode a full book of offers: 32 entries of 84 bytes twice, at some 150 ns
/// each.
pub const BOOK_REF_TIME: u64 = 10_000_000;

/// Picoseconds to decode, check and copy one KiB of what a call carries, and to hash it by the node's host function.
pub const KIBIBYTE_REF_TIME: u64 = 10_000_000;

/// Bytes of trie nodes in the proof of one key: what the SDK's benchmarks add for a map of a million entries.
pub const TRIE_BYTES_PER_KEY: u64 = 2_475;

/// Storage prefix (32 bytes) and hashes of up to two keys (16 and 8 bytes).
const KEY_OVERHEAD_BYTES: u64 = 56;

/// Maximum length of an account's record and of its holds, for which no pallet of ours has types: a 128-byte account,
/// and up to 16 holds of 20 bytes.
const ACCOUNT_AND_HOLDS_BYTES: u64 = 128 + 16 * 20;

/// Maximum length of a worker's record and its key, for pallets that do not know their types.
pub const WORKER_RECORD_BYTES: u64 = 288;

/// An account and an amount, as long as a runtime may have them.
type AccountBytes = [u8; 32];
type AmountBytes = u128;

/// Proof bytes of one key of a map with keys `K` and values `V`.
pub fn key_proof<K: MaxEncodedLen, V: MaxEncodedLen>() -> u64 {
    bytes_proof(K::max_encoded_len().saturating_add(V::max_encoded_len()) as u64)
}

/// Proof bytes of an account and its holds, which are two keys.
pub fn account_proof() -> u64 {
    2 * TRIE_BYTES_PER_KEY + ACCOUNT_AND_HOLDS_BYTES
}

/// Proof bytes of a model version in its registry: a root, the largest parts and a few bytes of status.
pub fn version_proof() -> u64 {
    key_proof::<(ModelVersion, [u8; 64]), ModelParts>()
}

/// Proof bytes of a worker's record, for pallets that do not know its type.
pub fn worker_proof() -> u64 {
    bytes_proof(WORKER_RECORD_BYTES)
}

/// Proof bytes of a job's record, whatever the runtime's types.
pub fn job_proof() -> u64 {
    key_proof::<JobId, Job<AccountBytes, AmountBytes, u64>>()
}

/// Proof bytes of the number of a worker's unclaimed jobs on one model version.
pub fn load_proof() -> u64 {
    key_proof::<(AccountBytes, ModelVersion), u32>()
}

/// Proof bytes of a full book of offers, whatever the runtime's types.
pub fn book_proof() -> u64 {
    key_proof::<ModelVersion, BoundedVec<Offer<AccountBytes, AmountBytes, u64>, OffersPerModel>>()
}

/// Picoseconds for `bytes` bytes that a call carries.
pub fn bytes_ref_time(bytes: u64) -> u64 {
    KIBIBYTE_REF_TIME.saturating_mul(bytes.div_ceil(1_024).saturating_add(1))
}

/// Proof bytes of one key whose key and value have at most this many bytes together.
fn bytes_proof(bytes: u64) -> u64 {
    bytes
        .saturating_add(KEY_OVERHEAD_BYTES)
        .saturating_add(TRIE_BYTES_PER_KEY)
}
