//! Parts that an account needs of a node's transaction pool and of the chain behind it; a node gives it, or a fake in
//! tests.

use super::{
    account::Wait,
    calls::Call,
    error::{ChainError, PoolError, SubmitError},
    tip::Tipping,
    transaction::Inclusion,
    types::{Balance, BlockNumber, H256},
};
use futures::stream::BoxStream;
use std::{future::Future, time::Duration};

/// The outcome of a transaction that is in a block.
pub(super) type Outcome = Result<Inclusion, SubmitError>;
/// The pool's words on a transaction, for as long as there are any.
pub(super) type Statuses = BoxStream<'static, Status>;

/// The pool's word on a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It is in this block.
    InBlock {
        /// Hash of the block.
        block: H256,
        /// Whether the block is final.
        is_final: bool,
    },
    /// The pool has it no longer. It may still be in a block, or in another node's pool.
    Gone(String),
    /// Anything else.
    Waiting,
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// The transaction.
    pub(super) bytes: Vec<u8>,
    /// Its hash.
    pub(super) hash: H256,
    /// First block in which it is valid.
    pub(super) born: BlockNumber,
    /// Last block in which it is valid.
    pub(super) dies: BlockNumber,
    /// Its tip.
    pub(super) tip: Balance,
}

/// The state in which an outcome is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outlook {
    /// The block's number.
    pub(super) number: BlockNumber,
    /// The block's moment of Assay time.
    pub(super) now: BlockNumber,
    /// The account's nonce after the block: all lower ones are used.
    pub(super) nonce: u64,
}

/// Where an account's transactions go.
pub(super) trait Pool: Send + Sync + 'static {
    /// The account's next nonce, transactions in the pool counted.
    fn next_nonce(&self) -> impl Future<Output = Result<u64, ChainError>> + Send;

    /// The latest state of this kind: after the best block, or after the latest final one.
    fn outlook(&self, wait: Wait) -> impl Future<Output = Result<Outlook, ChainError>> + Send;

    /// Signs a call with this nonce, valid from now on.
    fn sign(
        &self,
        call: &Call,
        nonce: u64,
        tipping: &Tipping,
    ) -> impl Future<Output = Result<Signed, PoolError>> + Send;

    /// Hands a transaction in.
    fn submit(&self, signed: &Signed) -> impl Future<Output = Result<Statuses, PoolError>> + Send;

    /// Hash of the block of this number on the best chain.
    fn block_hash(&self, number: BlockNumber) -> impl Future<Output = Result<Option<H256>, ChainError>> + Send;

    /// The outcome of the first of these transactions that is in this block, if one is.
    fn outcome(
        &self,
        block: H256,
        transactions: &[H256],
    ) -> impl Future<Output = Result<Option<Outcome>, ChainError>> + Send;
}

/// Time that a transaction is waited for in each case. All of it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Time without news from the pool after which the chain is looked at, and between two looks.
    pub(super) look: Duration,
    /// The same once the pool has said that the transaction is gone.
    pub(super) look_soon: Duration,
    /// Longest time for one answer of the node.
    pub(super) answer: Duration,
    /// Longest time in which no question is answered. It outlives a reconnection.
    pub(super) unanswered: Duration,
    /// Longest time without a new block.
    pub(super) stalled: Duration,
    /// Longest time altogether.
    pub(super) longest: Duration,
    /// Pause before a transaction is signed with another nonce; it grows with each attempt.
    pub(super) nonce: Duration,
    /// Pause before a transaction is signed at a newer block.
    pub(super) catch_up: Duration,
}

impl Patience {
    /// For a real chain, whose blocks take seconds.
    pub(super) const REAL: Self = Self {
        look: Duration::from_secs(6),
        look_soon: Duration::from_secs(1),
        answer: Duration::from_secs(10),
        unanswered: Duration::from_secs(45),
        stalled: Duration::from_secs(120),
        longest: Duration::from_secs(600),
        nonce: Duration::from_millis(300),
        catch_up: Duration::from_secs(2),
    };

    /// For a chain that answers at once, in tests.
    pub(super) const FAKE: Self = Self {
        look: Duration::from_millis(20),
        look_soon: Duration::from_millis(5),
        answer: Duration::from_millis(200),
        unanswered: Duration::from_millis(600),
        stalled: Duration::from_millis(1_500),
        longest: Duration::from_millis(4_000),
        nonce: Duration::from_millis(2),
        catch_up: Duration::from_millis(1),
    };

    /// An answer of the node, within its time.
    pub(super) async fn answer<T>(
        &self,
        what: &'static str,
        answer: impl Future<Output = Result<T, ChainError>>,
    ) -> Result<T, ChainError> {
        let late = |_| ChainError::Request {
            what,
            reason: format!("no answer in {} s", self.answer.as_secs_f32()),
        };
        tokio::time::timeout(self.answer, answer).await.map_err(late)?
    }
}
