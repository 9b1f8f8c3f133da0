//! The chain's concrete types, as both sides of a session name them.

use assay_types::session::{Receipt, Session, SessionOffer, SessionRequest, SessionSignature, SessionTerms, Voucher};
pub use assay_types::{H256, ModelVersion, SessionId, SessionKey};
use codec::{Decode, Encode};

/// An account: the 32 bytes of its public key.
pub type AccountId = polkadot_sdk::sp_runtime::AccountId32;
/// An amount of the native currency, in its smallest unit.
pub type Balance = u128;
/// A moment of Assay time.
pub type BlockNumber = u32;
/// A session as the chain keeps it.
pub type SessionRecord = Session<AccountId, Balance, BlockNumber>;
/// The terms of an offer of sessions.
pub type Terms = SessionTerms<Balance, BlockNumber>;
/// A standing offer of sessions.
pub type StandingOffer = SessionOffer<Balance, BlockNumber>;
/// A client's call for a session.
pub type OpenRequest = SessionRequest<AccountId, Balance, BlockNumber>;
/// Message that a worker signs.
pub type ReceiptOf = Receipt<Balance, BlockNumber>;
/// Message that a client signs.
pub type VoucherOf = Voucher<Balance>;
/// A receipt and its signature.
pub type SignedReceipt = Signed<ReceiptOf>;
/// A voucher and its signature.
pub type SignedVoucher = Signed<VoucherOf>;

/// A message of a session with its signature, in the encoding of the pallet's calls.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Signed<Message> {
    /// The message.
    pub message: Message,
    /// The signature, by the key that the session names for such messages.
    pub signature: SessionSignature,
}

/// Where a message is worth something: the chain, by the hash of its first block, and the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Place {
    /// Hash of the chain's first block.
    pub genesis: H256,
    /// The session.
    pub session: SessionId,
}

impl SignedReceipt {
    /// Whether this key has signed the receipt for this session of this chain.
    pub fn is_by(&self, key: &SessionKey, place: Place) -> bool {
        self.message
            .is_signed(&self.signature, key, (place.genesis, place.session))
    }
}

impl SignedVoucher {
    /// Whether this key has signed the voucher for this session of this chain.
    pub fn is_by(&self, key: &SessionKey, place: Place) -> bool {
        self.message
            .is_signed(&self.signature, key, (place.genesis, place.session))
    }
}
