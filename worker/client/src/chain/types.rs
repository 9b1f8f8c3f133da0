//! The runtime's concrete types, as the worker names them.

use codec::{Decode, Encode};
use scale_info::TypeInfo;

pub use assay_types::H256;

/// An account: the 32 bytes of its public key, shown in SS58.
pub type AccountId = polkadot_sdk::sp_runtime::AccountId32;
/// An amount of the native currency, in its smallest unit ([`crate::units::UNIT`] of them make one ASY).
pub type Balance = u128;
/// The number of a block.
pub type BlockNumber = u32;
/// A job as the chain keeps it.
pub type Job = assay_types::Job<AccountId, Balance, BlockNumber>;
/// An output that its client has demanded.
pub type Demand = assay_types::Demand<Balance>;
/// Request that a client submits.
pub type JobRequest = assay_types::JobRequest<Balance, BlockNumber>;
/// Where a job stands.
pub type JobState = assay_types::JobState<AccountId, Balance, BlockNumber>;
/// A bid as the chain keeps it.
pub type Bid = assay_types::Bid<AccountId, Balance>;
/// A standing offer in a model version's book.
pub type Offer = assay_types::Offer<AccountId, Balance, BlockNumber>;
/// The terms of an offer.
pub type OfferTerms = assay_types::OfferTerms<Balance, BlockNumber>;
/// An offer as its worker's record shows it.
pub type OfferInfo = assay_types::OfferInfo<Balance, BlockNumber>;
/// Terms that a job asks of an offer.
pub type JobTerms = assay_types::JobTerms<BlockNumber>;
/// The term of an offer that a job does not fit.
pub type Misfit = assay_types::Misfit<BlockNumber>;
/// A worker as the runtime API shows it.
pub type WorkerInfo = assay_types::WorkerInfo<Balance, BlockNumber>;
/// Price of a job now.
pub type Quote = assay_types::Quote<AccountId, Balance>;
/// Reason that keeps a worker from a job.
pub type WhyNot = assay_types::WhyNot<AccountId, Balance, BlockNumber>;

/// A worker's record with auditors.
pub use assay_types::audit::AuditRecord;
/// A claim with its audit.
pub type Audit = assay_types::audit::Audit<AccountId, Balance, BlockNumber>;
/// An auditor of a claim.
pub type Auditor = assay_types::audit::Auditor<AccountId, Balance>;

/// The games over a job's claim.
pub type Dispute = assay_types::dispute::Dispute<AccountId, Balance, BlockNumber>;
/// One of them.
pub type Game = assay_types::dispute::Game<AccountId, Balance, BlockNumber>;
/// The award of a conviction by proof, as long as its finder may claim it.
pub type OpenAward = assay_types::dispute::OpenAward<AccountId, Balance, BlockNumber>;

/// A session, as the chain keeps it until it is over.
pub type Session = assay_types::Session<AccountId, Balance, BlockNumber>;
/// A standing offer of sessions.
pub type SessionOffer = assay_types::SessionOffer<Balance, BlockNumber>;
/// The terms of such an offer.
pub type SessionTerms = assay_types::SessionTerms<Balance, BlockNumber>;
/// A client's call for a session.
pub type SessionRequest = assay_types::SessionRequest<AccountId, Balance, BlockNumber>;
/// Message that a worker signs when it has answered a request.
pub type Receipt = assay_types::Receipt<Balance, BlockNumber>;
/// Message that a client signs when it has an answer.
pub type Voucher = assay_types::Voucher<Balance>;
/// A receipt that is disputed.
pub type DisputedReceipt = assay_types::session::DisputedReceipt<Balance, BlockNumber>;
/// A receipt and its signature.
pub type SignedReceipt = SignedMessage<Receipt>;
/// A voucher and its signature.
pub type SignedVoucher = SignedMessage<Voucher>;

/// A message of a session with its signature, as the calls of the sessions pallet take it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct SignedMessage<Message> {
    /// The message.
    pub message: Message,
    /// The signature, by the key that the session names for such messages.
    pub signature: assay_types::SessionSignature,
}

/// The chain's record of a model version.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct VersionRecord {
    /// Hash of its parts.
    pub root: H256,
    /// Everything that decides what a job on it gives, takes and costs.
    pub parts: assay_types::ModelParts,
    /// Whether new jobs and offers may name it.
    pub status: VersionStatus,
}

/// Whether new jobs and offers may name a version.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum VersionStatus {
    /// They may.
    Active,
    /// They may not.
    Deprecated {
        /// Since this block.
        at: BlockNumber,
    },
}

/// The part of a model line's record that the worker reads; more fields follow it on chain.
#[derive(Clone, Debug, PartialEq, Eq, Decode, TypeInfo)]
pub struct ModelHead {
    /// Account that publishes versions.
    pub owner: AccountId,
    /// Its name, UTF-8.
    pub name: Vec<u8>,
    /// Number of the latest version.
    pub latest_version: u32,
}

/// An account's entry in `System.Account`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Decode, TypeInfo)]
pub struct AccountInfo {
    /// Transactions sent.
    pub nonce: u32,
    /// Modules that need the account.
    pub consumers: u32,
    /// Modules that let it exist.
    pub providers: u32,
    /// Modules that let it exist by themselves.
    pub sufficients: u32,
    /// Its money.
    pub data: AccountData,
}

/// State of a node, as it says itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeHealth {
    /// Nodes that it is connected with.
    pub peers: u32,
    /// Whether it is catching up with the chain.
    pub is_syncing: bool,
    /// Whether it needs peers: a chain on one machine needs none.
    pub should_have_peers: bool,
}

/// An account's money.
#[derive(Clone, Debug, Default, PartialEq, Eq, Decode, TypeInfo)]
pub struct AccountData {
    /// Amount that it may spend.
    pub free: Balance,
    /// Amount that is held: stake, escrow, deposits.
    pub reserved: Balance,
    /// Part of the free amount that may not be spent.
    pub frozen: Balance,
    /// Set by the balances pallet for itself.
    pub flags: u128,
}

impl AccountData {
    /// All of it, held or not.
    pub fn total(&self) -> Balance {
        // Saturates only above the total issuance, which itself fits.
        self.free.saturating_add(self.reserved)
    }
}
