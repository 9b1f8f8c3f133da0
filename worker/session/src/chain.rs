//! Needs of both sides from the chain, as traits: the owner of a connection to a node implements them, and tests have a
//! chain of their own.
//!
//! A call returns when it is in a block, or says why it is not. Every call may be made again: the chain refuses what is
//! done already, and callers read the chain before they try again.

use crate::{
    choose::Candidate,
    types::{
        AccountId, Balance, BlockNumber, H256, ModelVersion, OpenRequest, SessionId, SessionRecord, SignedReceipt,
        SignedVoucher,
    },
};
use assay_ops::tensor::Tensor;
use assay_types::ModelParts;
use futures::future::BoxFuture;

/// Why the chain was not read or did not take a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No node answers: the same again later may succeed.
    #[error("no node answers: {reason}")]
    Unreachable {
        /// The fault.
        reason: String,
    },
    /// The chain refuses the call: the same again is refused again.
    #[error("the chain refuses the call: {reason}")]
    Refused {
        /// The chain's reason.
        reason: String,
    },
}

/// Answer to a call of a session.
pub type ChainAnswer<'a, T> = BoxFuture<'a, Result<T, ChainError>>;

/// A model version as the chain knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRecord {
    /// Hash of the parts.
    pub root: H256,
    /// Schema, kind and work of the model.
    pub parts: ModelParts,
}

/// Queries of both sides.
pub trait SessionChain: Send + Sync + 'static {
    /// Hash of the chain's first block.
    fn genesis(&self) -> H256;

    /// The moment of Assay time.
    fn now(&self) -> ChainAnswer<'_, BlockNumber>;

    /// A session; `None` once it is over, or if there never was one of this number.
    fn session(&self, session: SessionId) -> ChainAnswer<'_, Option<SessionRecord>>;

    /// A model version; `None` if it is not registered.
    fn model(&self, version: ModelVersion) -> ChainAnswer<'_, Option<ModelRecord>>;

    /// Closes a session (`Sessions::close`), as the side whose account this is.
    fn close(&self, session: SessionId) -> ChainAnswer<'_, ()>;
}

/// Calls of a worker.
pub trait WorkerChain: SessionChain {
    /// Brings a voucher (`Sessions::redeem`).
    fn redeem(&self, voucher: SignedVoucher) -> ChainAnswer<'_, ()>;
}

/// Queries and calls of a client.
pub trait ClientChain: SessionChain {
    /// The workers that offer sessions on a model, with what is known of them. Whoever implements this joins the offers
    /// on chain with the addresses that workers announce.
    fn candidates(&self, model: ModelVersion) -> ChainAnswer<'_, Vec<Candidate>>;

    /// Opens a session (`Sessions::open`); returns its number.
    fn open(&self, request: OpenRequest) -> ChainAnswer<'_, SessionId>;

    /// Adds to a session's budget (`Sessions::top_up`).
    fn top_up(&self, session: SessionId, amount: Balance) -> ChainAnswer<'_, ()>;

    /// Challenges a receipt that is wrong (`Sessions::challenge_receipt`), and plays the dispute to its end or hands it
    /// to whoever does.
    fn challenge_receipt(&self, wrong: WrongReceipt) -> ChainAnswer<'_, ()>;

    /// Shows two receipts of one request that contradict each other (`Sessions::convict_equivocation`).
    fn convict_equivocation(&self, evidence: Equivocation) -> ChainAnswer<'_, ()>;
}

/// A receipt whose output is not that of the model, with what a dispute needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongReceipt {
    /// The worker that signed it.
    pub worker: AccountId,
    /// The model version of the session.
    pub model: ModelVersion,
    /// The receipt.
    pub receipt: SignedReceipt,
    /// Values of the model's symbols that the request declared.
    pub symbols: Vec<u32>,
    /// The inputs that the client gave: for a generation, all but the sequence.
    pub inputs: Vec<Tensor>,
    /// The outputs that the worker sent, whose digest the receipt has.
    pub outputs: Vec<Tensor>,
}

/// Two receipts of one request that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// One of them.
    pub first: SignedReceipt,
    /// The other one.
    pub second: SignedReceipt,
}
