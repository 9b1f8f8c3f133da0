//! Records of jobs and bids, in this runtime's types.

use crate::{Config, terms::JobRules};
use assay_types::{
    Bid, H256, Job, JobId, JobState,
    kept::AllKept,
    limits::{self, InlineOutputBytes},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    frame_support::traits::{Get, fungible},
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_runtime::{BoundedVec, traits::Saturating},
};
use scale_info::TypeInfo;

/// The currency's unit of account.
pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<<T as frame_system::Config>::AccountId>>::Balance;
/// A stored job.
pub type JobOf<T> = Job<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;
/// A job's state.
pub type JobStateOf<T> = JobState<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;
/// A client's request for a job.
pub type JobRequestOf<T> = assay_types::JobRequest<BalanceOf<T>, BlockNumberFor<T>>;
/// A worker's hold on a job.
pub type AssignmentOf<T> = assay_types::Assignment<<T as frame_system::Config>::AccountId, BalanceOf<T>>;
/// A bid on a job.
pub type BidOf<T> = Bid<<T as frame_system::Config>::AccountId, BalanceOf<T>>;
/// The bids on a job.
pub type BidsOf<T> = BoundedVec<BidOf<T>, limits::Bids>;

/// The chain's part of a job's terms.
pub type JobRulesOf<T> = JobRules<BalanceOf<T>>;
/// Earlier rules of jobs.
pub type KeptRulesOf<T> = AllKept<JobRulesOf<T>, BlockNumberFor<T>>;

/// A worker's seal of its claim.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Seal {
    /// The job.
    pub job: JobId,
    /// The seal: a hash of the job, the worker, the output digest and a salt, as docs/protocol.md defines it.
    pub seal: H256,
}

/// A worker's commitment to the output of a job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Claim {
    /// The job.
    pub job: JobId,
    /// List digest of the output tensors; of a generation, of the sequence and `valid = true`.
    pub output_digest: H256,
    /// The output tensors one after the other, where the client asked for them inline; of a generation, the sequence.
    pub output: Option<BoundedVec<u8, InlineOutputBytes>>,
    /// The salt of the seal.
    pub salt: [u8; 32],
}

/// The longest that a job can last, in blocks: an auction's two phases, every attempt up to its deadline and its claim,
/// the challenge window, and what is allowed for an audit and for a dispute. Stakes and model versions must outlast it.
pub struct LongestJob<T>(core::marker::PhantomData<T>);

impl<T: Config> Get<BlockNumberFor<T>> for LongestJob<T> {
    fn get() -> BlockNumberFor<T> {
        // Saturating: a bound that saturates fails the integrity tests of those who must outlast it.
        let auction = T::MaxAuctionPhase::get().saturating_mul(2u32.into());
        let attempt = T::MaxDeadline::get()
            .saturating_add(T::DrawBlocks::get())
            .saturating_add(T::ClaimBlocks::get());
        auction
            .saturating_add(attempt.saturating_mul(limits::MAX_ATTEMPTS.into()))
            .saturating_add(T::AuditAllowance::get())
            .saturating_add(T::MaxWindow::get())
            .saturating_add(T::DisputeAllowance::get())
    }
}
