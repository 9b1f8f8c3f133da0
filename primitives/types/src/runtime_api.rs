//! What a node answers about jobs and workers without a transaction.

use crate::{
    Job, JobId, ModelVersion, NoOffer, WorkerInfo, WorkerStatus,
    dispute::{Dispute, Place, Revealed},
};
use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use scale_info::TypeInfo;

/// What a job on a model version would cost now.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Quote<AccountId, Balance> {
    /// The worker that would get it.
    pub worker: AccountId,
    /// Its price.
    pub price: Balance,
}

/// What keeps a worker from having a job, or from being paid for it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
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
        /// What the job would lock.
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
        /// Who.
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
}

polkadot_sdk::sp_api::decl_runtime_apis! {
    /// Jobs, prices and workers. Lists hold at most `limits::MAX_LISTED_JOBS` entries.
    pub trait AssayApi<AccountId, Balance, BlockNumber>
    where
        AccountId: Codec,
        Balance: Codec,
        BlockNumber: Codec,
    {
        /// The job, until it is closed.
        fn job(job: JobId) -> Option<Job<AccountId, Balance, BlockNumber>>;
        /// The open jobs that an account pays for or has been assigned, or has a bid on.
        fn jobs_of(account: AccountId) -> Vec<(JobId, Job<AccountId, Balance, BlockNumber>)>;
        /// The jobs on a model version for which bids may be committed now.
        fn open_jobs(model: ModelVersion) -> Vec<(JobId, Job<AccountId, Balance, BlockNumber>)>;
        /// What a job would cost now by standing offers, whatever the ceiling.
        fn quote(model: ModelVersion) -> Result<Quote<AccountId, Balance>, NoOffer>;
        /// The worker, its stake and its offers.
        fn worker(account: AccountId) -> Option<WorkerInfo<Balance, BlockNumber>>;
        /// What keeps a worker from having this job, or from being paid for it.
        fn why_not(worker: AccountId, job: JobId) -> WhyNot<AccountId, Balance, BlockNumber>;
        /// The jobs that are claimed or disputed, from job `from` on, in order: ask again from the last one's number
        /// plus one.
        fn claimed_jobs(from: JobId) -> Vec<(JobId, Job<AccountId, Balance, BlockNumber>)>;
        /// The dispute over a job.
        fn dispute(job: JobId) -> Option<Dispute<AccountId, Balance, BlockNumber>>;
        /// The disputes in which an account is the worker or a challenger.
        fn disputes_of(account: AccountId) -> Vec<(JobId, Dispute<AccountId, Balance, BlockNumber>)>;
        /// What was revealed of a place in the dispute over a job.
        fn revealed(job: JobId, place: Place) -> Option<Revealed>;
        /// What a challenge to a job would hold now; nothing if it cannot be challenged.
        fn bond_for(job: JobId) -> Option<Balance>;
    }
}
