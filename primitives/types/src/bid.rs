//! Sealed bids: what a worker commits to in an auction, and how.

use crate::{H256, JobId, Lock, ModelVersion};
use assay_exact::digest::Hash256;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Domain of the hash that seals a bid.
pub const BID_DOMAIN: &[u8; 16] = b"assay/bid/1\0\0\0\0\0";

/// A bid on a job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Bid<AccountId, Balance> {
    /// The worker that bids.
    pub worker: AccountId,
    /// Hash of the price and a salt, see [`bid_commitment`].
    pub commitment: H256,
    /// The price, once revealed.
    pub price: Option<Balance>,
    /// Stake locked while the auction lasts, so that the winner has it.
    pub locked: Balance,
    /// Deposit that is held until the bid is revealed; lost if it is not.
    pub deposit: Balance,
}

impl<AccountId, Balance: Copy> Bid<AccountId, Balance> {
    /// The lock that secures this bid on a job on `model`.
    pub fn lock(&self, model: ModelVersion) -> Lock<'_, AccountId, Balance> {
        Lock {
            worker: &self.worker,
            model,
            stake: self.locked,
        }
    }
}

/// Seals a bid: `H(BID_DOMAIN ‖ job ‖ worker ‖ price ‖ salt)`, the fields in SCALE, with BLAKE2b-256.
///
/// The salt keeps others from trying prices until the hash fits, so draw all 32 bytes at random; the worker is part of
/// it so that nobody can copy another's commitment and its reveal.
pub fn bid_commitment<H: Hash256, AccountId: Encode, Balance: Encode>(
    job: JobId,
    worker: &AccountId,
    price: &Balance,
    salt: &[u8; 32],
) -> H256 {
    H256(H::hash(&(BID_DOMAIN, job, worker, price, salt).encode()))
}
