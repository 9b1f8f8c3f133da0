//! The two messages of a session, and the keys that sign them.
//!
//! Signed bytes are the domain and the message in SCALE:
//!
//! ```text
//! receipt   "assay/receipt/1\0" ‖ genesis ‖ session u64 ‖ sequence u32 ‖ model_root ‖ input_digest ‖ output_digest
//!                               ‖ units u64 ‖ owed ‖ block
//! voucher   "assay/voucher/1\0" ‖ genesis ‖ session u64 ‖ owed
//! ```
//!
//! A message names the chain by the hash of its first block and the session by its number, so that it is worth nothing
//! elsewhere.

use crate::{H256, SessionId};
use alloc::vec::Vec;
use assay_exact::digest::DOMAIN_BYTES;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    sp_core::{ed25519, sr25519},
    sp_runtime::traits::Verify,
};
use scale_info::TypeInfo;

/// Domain of the signature of a receipt.
pub const RECEIPT_DOMAIN: &[u8; DOMAIN_BYTES] = b"assay/receipt/1\0";
/// Domain of the signature of a voucher.
pub const VOUCHER_DOMAIN: &[u8; DOMAIN_BYTES] = b"assay/voucher/1\0";

/// A public key that signs messages of sessions. It need not be that of an account. Its encoding is that of the SDK's
/// `MultiSigner`, which has no maximum length and kinds that are not signed with here.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum SessionKey {
    /// An Ed25519 key.
    #[codec(index = 0)]
    Ed25519(ed25519::Public),
    /// An Sr25519 key.
    #[codec(index = 1)]
    Sr25519(sr25519::Public),
}

/// A signature by a [`SessionKey`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum SessionSignature {
    /// By an Ed25519 key.
    #[codec(index = 0)]
    Ed25519(ed25519::Signature),
    /// By an Sr25519 key.
    #[codec(index = 1)]
    Sr25519(sr25519::Signature),
}

impl SessionSignature {
    /// Whether this is the key's signature of the message. A signature of another kind than the key is not.
    pub fn verifies(&self, message: &[u8], key: &SessionKey) -> bool {
        match (self, key) {
            (Self::Ed25519(signature), SessionKey::Ed25519(key)) => signature.verify(message, key),
            (Self::Sr25519(signature), SessionKey::Sr25519(key)) => signature.verify(message, key),
            (Self::Ed25519(_), SessionKey::Sr25519(_)) | (Self::Sr25519(_), SessionKey::Ed25519(_)) => false,
        }
    }
}

/// Message that a worker signs when it has answered a request. It is a claim: whoever has it and the input can
/// challenge it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Receipt<Balance, BlockNumber> {
    /// Hash of the chain's first block.
    pub genesis: H256,
    /// The session.
    pub session: SessionId,
    /// Number of the request, from 0.
    pub sequence: u32,
    /// Root of the model that was executed.
    pub model_root: H256,
    /// List digest of the input tensors that the client gave.
    pub input_digest: H256,
    /// List digest of the output tensors.
    pub output_digest: H256,
    /// Work of the request, in the units of the model's parts.
    pub units: u64,
    /// Amount that the client owes for all requests up to this one.
    pub owed: Balance,
    /// Moment of Assay time at which the worker signed, as it saw the chain. Nothing depends on it.
    pub block: BlockNumber,
}

/// Message that a client signs when it has an answer: a promise of everything that it owes so far.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Voucher<Balance> {
    /// Hash of the chain's first block.
    pub genesis: H256,
    /// The session.
    pub session: SessionId,
    /// Amount that the client owes for all requests so far. A later voucher takes the place of an earlier one.
    pub owed: Balance,
}

impl<Balance: Encode + PartialEq, BlockNumber: Encode> Receipt<Balance, BlockNumber> {
    /// The bytes that are signed.
    pub fn message(&self) -> Vec<u8> {
        (RECEIPT_DOMAIN, self).encode()
    }

    /// Whether the key has signed this receipt, for this session of this chain.
    pub fn is_signed(&self, signature: &SessionSignature, key: &SessionKey, place: (H256, SessionId)) -> bool {
        (self.genesis, self.session) == place && signature.verifies(&self.message(), key)
    }

    /// Whether nobody honest signs both: they are about one request and differ in more than the time of the signature.
    pub fn contradicts(&self, other: &Self) -> bool {
        let is_same_request =
            (self.genesis, self.session, self.sequence) == (other.genesis, other.session, other.sequence);
        let says_the_same = (self.model_root, self.input_digest, self.output_digest, self.units)
            == (other.model_root, other.input_digest, other.output_digest, other.units)
            && self.owed == other.owed;
        is_same_request && !says_the_same
    }
}

impl<Balance: Encode> Voucher<Balance> {
    /// The bytes that are signed.
    pub fn message(&self) -> Vec<u8> {
        (VOUCHER_DOMAIN, self).encode()
    }

    /// Whether the key has signed this voucher, for this session of this chain.
    pub fn is_signed(&self, signature: &SessionSignature, key: &SessionKey, place: (H256, SessionId)) -> bool {
        (self.genesis, self.session) == place && signature.verifies(&self.message(), key)
    }
}
