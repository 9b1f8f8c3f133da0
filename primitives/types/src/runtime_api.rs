//! The runtime API: a node's answers about jobs, sessions, workers and disputes, without a transaction.

use crate::{
    Announcement, ClaimId, DataType, H256, Job, JobId, Misfit, ModelVersion, NoOffer, Offer, Page, SchemaError,
    Session, SessionId, SessionOffer, SessionQuote, SlashId, WorkerInfo, WorkerStatus,
    audit::Audit,
    dispute::{Dispute, OpenAward, Place, Revealed},
    schema::TensorLayout,
};
use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use scale_info::TypeInfo;

/// The price of a job now.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Quote<AccountId, Balance> {
    /// The worker that would get it.
    pub worker: AccountId,
    /// The worker's price.
    pub price: Balance,
}

/// A model version, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct ModelInfo {
    /// The model version.
    pub version: ModelVersion,
    /// Name of the model, in UTF-8.
    pub name: Vec<u8>,
    /// The root, which names the exact bits.
    pub root: H256,
    /// Whether new jobs and offers may name it.
    pub active: bool,
}

/// A tensor of a job, with every symbol replaced by its value.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct TensorSize {
    /// Type of its elements.
    pub data_type: DataType,
    /// Number of elements in each dimension, outermost first.
    pub shape: Vec<u32>,
    /// Its length in bytes.
    pub bytes: u64,
}

impl From<TensorLayout> for TensorSize {
    fn from(layout: TensorLayout) -> Self {
        Self {
            data_type: layout.data_type,
            shape: layout.shape,
            bytes: layout.bytes,
        }
    }
}

/// The tensors of a job, little-endian and row-major, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct JobLayout {
    /// The inputs that the client gives, in order.
    pub inputs: Vec<TensorSize>,
    /// Bytes of these inputs together. An inline input has exactly as many.
    pub input_bytes: u64,
    /// The outputs, in order; of a generation with its maximum length.
    pub outputs: Vec<TensorSize>,
    /// Maximum number of bytes that a claim delivers.
    pub delivered_bytes: u64,
    /// Work of the job, by which offers are priced.
    pub work: u64,
}

/// Reasons for which a job has no layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum NoLayout {
    /// No such model version is registered.
    #[codec(index = 0)]
    UnknownModel,
    /// The schema has another number of symbols.
    #[codec(index = 1)]
    WrongNumberOfSymbols {
        /// Symbols that the schema lists.
        expected: u32,
    },
    /// The value of a symbol is outside its range.
    #[codec(index = 2)]
    SymbolOutOfRange {
        /// Position of the symbol in the schema.
        symbol: u8,
    },
    /// The tensors are larger than a job's can be.
    #[codec(index = 3)]
    TooLarge,
}

impl From<SchemaError> for NoLayout {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::WrongNumberOfSymbols { expected } => Self::WrongNumberOfSymbols { expected },
            SchemaError::SymbolOutOfRange { symbol } => Self::SymbolOutOfRange { symbol },
            // A registered schema is sound, so nothing else but its size can be at fault.
            _ => Self::TooLarge,
        }
    }
}

/// Reasons for which a worker does not have a job, or is not paid for it yet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum WhyNot<AccountId, Balance, BlockNumber> {
    /// No such job: it was never submitted, or it is closed (the event of its closing says why).
    #[codec(index = 0)]
    UnknownJob,
    /// The account is not a worker: register it with a stake.
    #[codec(index = 1)]
    NotRegistered,
    /// The worker takes no jobs: resume it, or register again if it left.
    #[codec(index = 2)]
    NotActive(WorkerStatus),
    /// It had the job and missed the deadline, declined or was relieved of it; it does not get it again.
    #[codec(index = 3)]
    AlreadyTried,
    /// It has no offer for the model version: publish one.
    #[codec(index = 4)]
    NoOffer,
    /// Its offer costs more than the client pays: lower it.
    #[codec(index = 5)]
    AboveCeiling {
        /// The offer's price.
        price: Balance,
        /// The job's ceiling.
        ceiling: Balance,
    },
    /// It has as many unclaimed jobs as its offer allows: raise the capacity.
    #[codec(index = 6)]
    AtCapacity,
    /// Its free stake does not cover the job: bond more.
    #[codec(index = 7)]
    StakeTooSmall {
        /// Stake that the job would lock.
        needed: Balance,
    },
    /// Bids are open and it has made none: commit one.
    #[codec(index = 8)]
    NoBid {
        /// Last block for commitments.
        until: BlockNumber,
    },
    /// The time for commitments is over and it made none.
    #[codec(index = 9)]
    BiddingOver,
    /// It has committed a bid; reveals begin after this block.
    #[codec(index = 10)]
    AwaitingReveals {
        /// Last block for commitments.
        until: BlockNumber,
    },
    /// It must reveal its bid.
    #[codec(index = 11)]
    BidNotRevealed {
        /// Last block for reveals.
        until: BlockNumber,
    },
    /// It has revealed; the auction closes after this block or when all have revealed.
    #[codec(index = 12)]
    AwaitingClose {
        /// Last block for reveals.
        until: BlockNumber,
    },
    /// Another worker has the job.
    #[codec(index = 13)]
    AssignedTo {
        /// The worker that has it.
        worker: AccountId,
        /// For how much.
        price: Balance,
    },
    /// It has the job and must claim.
    #[codec(index = 14)]
    AwaitingClaim {
        /// Last block for the claim.
        deadline: BlockNumber,
    },
    /// It has claimed and is paid after the window, or when the client accepts.
    #[codec(index = 15)]
    AwaitingSettlement {
        /// Last block of the challenge window.
        window_until: BlockNumber,
    },
    /// Its claim is disputed: it is paid after the window if it defends the claim, and must answer every challenge.
    #[codec(index = 16)]
    UnderDispute,
    /// The job does not fit the terms of its offer: change the offer, if such jobs are wanted.
    #[codec(index = 17)]
    DoesNotFit(Misfit<BlockNumber>),
    /// It has given back or missed a job, and takes none for a while.
    #[codec(index = 18)]
    Resting {
        /// Block from which it takes jobs again.
        until: BlockNumber,
    },
}

/// Where a sealed claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum SealStatus {
    /// The job is not sealed.
    #[codec(index = 0)]
    NotSealed,
    /// Its draw is not known yet, or its auditors have not answered.
    #[codec(index = 1)]
    Waiting,
    /// It was drawn: its audit begins with the call `draw`.
    #[codec(index = 2)]
    Drawn,
    /// The worker can make it now.
    #[codec(index = 3)]
    Claimable,
}

polkadot_sdk::sp_api::decl_runtime_apis! {
    /// Jobs, prices, sessions, workers, audits and disputes.
    ///
    /// Lists are answered in pages of at most `limit` entries, see [`Page`]: `after` is the `next` of the page before,
    /// and `None` for the first one.
    pub trait AssayApi<AccountId, Balance, BlockNumber>
    where
        AccountId: Codec,
        Balance: Codec,
        BlockNumber: Codec,
    {
        /// The job, until it is closed.
        fn job(job: JobId) -> Option<Job<AccountId, Balance, BlockNumber>>;
        /// The open jobs that an account pays for or has been assigned, or has a bid on.
        fn jobs_of(account: AccountId, after: Option<JobId>, limit: u32) -> Page<Job<AccountId, Balance, BlockNumber>>;
        /// The jobs on a model version for which bids may be committed now.
        fn open_jobs(model: ModelVersion, after: Option<JobId>, limit: u32) -> Page<Job<AccountId, Balance, BlockNumber>>;
        /// The price of a job with these values of the symbols and these terms by standing offers now, whatever the
        /// ceiling.
        fn quote(
            model: ModelVersion,
            symbols: Vec<u32>,
            deadline_blocks: BlockNumber,
            window_blocks: BlockNumber,
        ) -> Result<Quote<AccountId, Balance>, NoOffer>;
        /// The prices of this many such jobs, at most 64, as `submit_batch` would give them to workers now. An error if
        /// one of them finds no worker.
        fn quote_batch(
            model: ModelVersion,
            symbols: Vec<u32>,
            deadline_blocks: BlockNumber,
            window_blocks: BlockNumber,
            jobs: u32,
        ) -> Result<Vec<Quote<AccountId, Balance>>, NoOffer>;
        /// The registered model versions, at most `limit`: from the first one, or from the one after `after`.
        fn models(after: Option<ModelVersion>, limit: u32) -> Vec<ModelInfo>;
        /// The standing offers for a model version, which are at most 32, in the order of the price of the largest job.
        fn offers(model: ModelVersion) -> Vec<Offer<AccountId, Balance, BlockNumber>>;
        /// The tensors of a job with these values of the symbols, and their bytes.
        fn layout(model: ModelVersion, symbols: Vec<u32>) -> Result<JobLayout, NoLayout>;
        /// The worker, its stake and its offers.
        fn worker(account: AccountId) -> Option<WorkerInfo<Balance, BlockNumber>>;
        /// A worker's place in the workers' network, if it has announced one.
        fn announcement(worker: AccountId) -> Option<Announcement>;
        /// The places that workers have announced, at most `limit`: from the first one, or from the one after that of
        /// the worker `after`.
        fn announcements(after: Option<AccountId>, limit: u32) -> Vec<(AccountId, Announcement)>;
        /// The reason for which a worker does not have this job, or is not paid for it yet.
        fn why_not(worker: AccountId, job: JobId) -> WhyNot<AccountId, Balance, BlockNumber>;
        /// The jobs that are claimed or disputed.
        fn claimed_jobs(after: Option<JobId>, limit: u32) -> Page<Job<AccountId, Balance, BlockNumber>>;
        /// Where the sealed claims of these jobs stand, in their order; of as many as a page has at most.
        fn seal_statuses(jobs: Vec<JobId>) -> Vec<SealStatus>;
        /// The audits in which an account is an auditor, by their claims.
        fn audits_of(
            account: AccountId,
            after: Option<ClaimId>,
            limit: u32,
        ) -> Page<Audit<AccountId, Balance, BlockNumber>>;
        /// The dispute over a claim: by the number of a job, or of a receipt, as docs/protocol.md numbers them.
        fn dispute(job: ClaimId) -> Option<Dispute<AccountId, Balance, BlockNumber>>;
        /// The disputes in which an account is the worker or a challenger.
        fn disputes_of(
            account: AccountId,
            after: Option<ClaimId>,
            limit: u32,
        ) -> Page<Dispute<AccountId, Balance, BlockNumber>>;
        /// The statement that was revealed of a place in the dispute over a claim.
        fn revealed(job: ClaimId, place: Place) -> Option<Revealed>;
        /// The bond of a challenge to a claim now; `None` if it cannot be challenged.
        fn bond_for(job: ClaimId) -> Option<Balance>;
        /// The awards that an account may still claim, by their slashes.
        fn awards_of(
            account: AccountId,
            after: Option<SlashId>,
            limit: u32,
        ) -> Page<OpenAward<AccountId, Balance, BlockNumber>>;
        /// The session, until it is over.
        fn session(session: SessionId) -> Option<Session<AccountId, Balance, BlockNumber>>;
        /// The sessions in which an account is the client or the worker.
        fn sessions_of(
            account: AccountId,
            after: Option<SessionId>,
            limit: u32,
        ) -> Page<Session<AccountId, Balance, BlockNumber>>;
        /// The offers of sessions on a model version, at most `limit`: from the first one, or from the one after that
        /// of the worker `after`.
        fn session_offers(
            model: ModelVersion,
            after: Option<AccountId>,
            limit: u32,
        ) -> Vec<(AccountId, SessionOffer<Balance, BlockNumber>)>;
        /// The price of a request with these values of the symbols by a worker's offer of sessions.
        fn session_quote(model: ModelVersion, worker: AccountId, symbols: Vec<u32>) -> Option<SessionQuote<Balance>>;
    }
}
