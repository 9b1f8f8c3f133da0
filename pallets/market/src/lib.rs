//! # Market
//!
//! The market: jobs with money behind them find a worker, are claimed, and are settled.
//!
//! ## Design
//!
//! A client submits a [job](assay_types::JobRequest) and the most that it would pay; that ceiling is held in full until
//! the job is closed. A job finds its worker by standing offers (the cheapest eligible one whose terms it fits, at that
//! worker's price for the job's work, in the same block) or by a sealed reverse auction. The worker *seals* its claim,
//! and claims once it is known whether the seal was drawn for an audit: it opens the digest of the output, and gives
//! the output itself where the client asked for it. After the challenge window, or once the client accepts, the worker
//! is paid and everything about the job is removed from state.
//!
//! A seal hides the output, so nobody can copy it. What draws seals is not known in their block. The market knows the
//! police that audits claims through [`assay_types::audit::Police`] alone, and stores nothing of a seal but the seal.
//! One that is not opened is a missed deadline, or, if an auditor has answered, a fault.
//!
//! Within the window the claim can be disputed. The market does not know how; it is told of the dispute and of its
//! verdict through [`assay_types::Claims`]. While a job is disputed nothing ends its phase: it is neither settled
//! nor accepted, and keeps its input, its output and all that it holds and locks. A claim that is upheld goes on where
//! it was; one that is convicted refunds the client and costs the worker a share of its stake, at least all that the
//! job locks. If the worker is late, the client is refunded at once, and the job stays disputed until the verdict.
//!
//! A worker that lets its deadline pass is slashed; the client gets a fee's worth of that once a job, and the rest is
//! burned. The job goes to the next: the auction's runners-up in the order of their prices, then the standing offers,
//! and back to the client when nobody is left. A worker may decline, which costs by the time for which it held the job.
//! A worker whose stake has fallen below the minimum, or of which a slash is pending, can be relieved of its unclaimed
//! jobs, as if it had declined them.
//!
//! ## Terminology
//!
//! * **Phase**: where a job stands; every legal step is in [`Phase::TRANSITIONS`](assay_types::Phase::TRANSITIONS).
//! * **Due**: a job is due from the block after the last one of its phase ([`JobState::ends_after`]).
//! * **Step**: what a due job needs: open the reveals, close the auction, punish a missed deadline, settle.
//! * **Agenda**: the due blocks of all jobs, drained in `on_idle` as far as the block's weight allows. Jobs of one
//!   client that are due together are settled together.
//!
//! ## Properties
//!
//! * What is held of an account is what the records say, after every call: ceilings of its open jobs, deposits of its
//!   unrevealed bids. Money never passes through a pot.
//! * Deadlines are checked when a call is dispatched; whether the agenda is late changes no outcome but the delay.
//! * A step that fails does not keep others from theirs: it is set aside, and anyone can call [`Pallet::advance`] on
//!   it.
//! * Every list and loop is bounded by `assay_types::limits`.
//!
//! [`Pallet::do_try_state`] checks what of this can be seen in storage.
//!
//! ## Calls
//!
//! * By the client: [`submit`](Pallet::submit), [`submit_batch`](Pallet::submit_batch), [`accept`](Pallet::accept),
//!   [`accept_batch`](Pallet::accept_batch).
//! * By workers: [`commit_bid`](Pallet::commit_bid), [`reveal_bid`](Pallet::reveal_bid), [`seal`](Pallet::seal),
//!   [`claim`](Pallet::claim), [`claim_batch`](Pallet::claim_batch), [`decline`](Pallet::decline).
//! * By anyone: [`advance`](Pallet::advance), [`advance_batch`](Pallet::advance_batch), [`reassign`](Pallet::reassign),
//!   [`draw`](Pallet::draw).
//!
//! [`JobState::ends_after`]: assay_types::JobState::ends_after

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
extern crate alloc;

use frame_support::pallet_macros::import_section;
use polkadot_sdk::*;

mod agenda;
mod auction;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod claim;
mod dispute;
mod errors;
mod events;
mod invariants;
mod matching;
mod moves;
pub mod queries;
mod rules;
mod seal;
mod settlement;
mod steps;
mod submit;
pub mod terms;
pub mod types;
mod versions;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Jobs: they are submitted with money behind them, find a worker by standing offers or by auction, are claimed, and
/// are settled once nobody has proved the result wrong.
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use crate::{BalanceOf, BidsOf, Claim, JobOf, JobRequestOf, KeptRulesOf, Seal, WeightInfo, terms};
    use alloc::vec;
    use assay_types::{
        AssayTime, CloseReason, H256, JobId, ModelRegistry, ModelVersion, Page, SlashId, WorkerRegistry,
        audit::Police,
        limits::{self, Batch, InlineInputBytes, InlineOutputBytes, MAX_BIDS, Steps},
    };
    use polkadot_sdk::{
        frame_support::{pallet_prelude::*, traits::fungible},
        frame_system::pallet_prelude::*,
        sp_runtime::Perbill,
    };

    /// In-code storage version.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The pallet.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Types and constants that the runtime gives this pallet.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {
        /// The overarching hold reason.
        type RuntimeHoldReason: From<HoldReason>;

        /// The money.
        type Currency: fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + fungible::Mutate<Self::AccountId>;

        /// Assay time, in which all of this pallet's blocks are counted.
        type Time: AssayTime<BlockNumberFor<Self>>;

        /// The registered models.
        type Models: ModelRegistry;

        /// The registered workers, their offers and stakes.
        type Workers: WorkerRegistry<Self::AccountId, BalanceOf<Self>, BlockNumber = BlockNumberFor<Self>>;

        /// The police, which audits sealed claims.
        type Police: Police<Self::AccountId, BalanceOf<Self>, BlockNumber = BlockNumberFor<Self>>;

        /// Deposit of a bidder, held until it reveals; lost if it does not.
        #[pallet::constant]
        type BidDeposit: Get<BalanceOf<Self>>;

        /// Minimum number of blocks that a job may give its worker. Long enough for an honest worker to see the job in
        /// a finalized block, to run it and to have its claim included.
        #[pallet::constant]
        type MinDeadline: Get<BlockNumberFor<Self>>;

        /// Maximum number of blocks that a job may give its worker.
        #[pallet::constant]
        type MaxDeadline: Get<BlockNumberFor<Self>>;

        /// Minimum number of blocks of a challenge window: enough for a challenger to re-execute and to get a
        /// transaction in.
        #[pallet::constant]
        type MinWindow: Get<BlockNumberFor<Self>>;

        /// Maximum number of blocks of a challenge window.
        #[pallet::constant]
        type MaxWindow: Get<BlockNumberFor<Self>>;

        /// Minimum number of blocks for commitments, and for reveals.
        #[pallet::constant]
        type MinAuctionPhase: Get<BlockNumberFor<Self>>;

        /// Maximum number of blocks for commitments, and for reveals.
        #[pallet::constant]
        type MaxAuctionPhase: Get<BlockNumberFor<Self>>;

        /// Part of the locked stake that a missed deadline costs. The client gets `MissCompensation` of it,
        /// and the rest is burned.
        #[pallet::constant]
        type NonDeliverySlash: Get<Perbill>;

        /// The most that a client gets when the first worker of its job misses the deadline. No more than a submission
        /// costs in fees: that much the client can show that it lost, and more would pay it for jobs that are missed.
        #[pallet::constant]
        type MissCompensation: Get<BalanceOf<Self>>;

        /// Part of the locked stake that declining a job with an inline input costs at least; all of it is burned, so
        /// that a client gains nothing from jobs that workers must decline. The longer a worker holds the job, the more
        /// declining costs, up to `NonDeliverySlash` at the deadline. A job whose input is known only by its
        /// digest is declined for nothing in the first quarter of its time: the chain cannot know whether the bytes
        /// were to be had.
        #[pallet::constant]
        type DeclineSlash: Get<Perbill>;

        /// Blocks that a dispute can take over a job's challenge window, for those who must outlast the longest job.
        #[pallet::constant]
        type DisputeAllowance: Get<BlockNumberFor<Self>>;

        /// Blocks after a seal in which its seed is expected.
        #[pallet::constant]
        type DrawBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks that a worker has for its claim, from the expected seed on. A claim that is not made then is a missed
        /// deadline.
        #[pallet::constant]
        type ClaimBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks that a worker has for a claim that is audited, from its auditors' answers on. One that is not made
        /// then costs what a false claim does, so this is long enough for an honest worker to come back.
        #[pallet::constant]
        type LateClaimBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks that an audit can take over a job's phases, for those who must outlast the longest job.
        #[pallet::constant]
        type AuditAllowance: Get<BlockNumberFor<Self>>;

        /// Weights of the calls and steps.
        type WeightInfo: WeightInfo;

        /// The other pallets, as benchmarks set them up.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_types::benchmarking::Scene<Self::AccountId, BalanceOf<Self>, BlockNumberFor<Self>>
            + assay_types::benchmarking::Seeds<BlockNumberFor<Self>>;
    }

    /// Reasons for which this pallet holds money.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The ceilings of a client's open jobs.
        #[codec(index = 0)]
        Escrow,
        /// The deposits of a worker's bids that are not yet revealed.
        #[codec(index = 1)]
        BidDeposit,
    }

    /// The number of the next job.
    #[pallet::storage]
    pub type NextJobId<T> = StorageValue<_, JobId, ValueQuery>;

    /// The open jobs.
    #[pallet::storage]
    pub type Jobs<T> = StorageMap<_, Twox64Concat, JobId, JobOf<T>>;

    /// Inline inputs of open jobs: the input tensors one after the other.
    #[pallet::storage]
    pub type Inputs<T> = StorageMap<_, Twox64Concat, JobId, BoundedVec<u8, InlineInputBytes>>;

    /// Inline outputs of claimed jobs, until the job is closed.
    #[pallet::storage]
    pub type Outputs<T> = StorageMap<_, Twox64Concat, JobId, BoundedVec<u8, InlineOutputBytes>>;

    /// Bids on a job, in the order of commitment; after the auction the runners-up, until the job is claimed.
    #[pallet::storage]
    pub type Bids<T> = StorageMap<_, Twox64Concat, JobId, BidsOf<T>>;

    /// The last block of the phase of every open job that is neither disputed nor set aside: by this block, and by the
    /// number of a page of 64 jobs, a bit for each job of the page. Never zero.
    #[pallet::storage]
    pub type Agenda<T> = StorageDoubleMap<_, Twox64Concat, BlockNumberFor<T>, Twox64Concat, u64, u64, ValueQuery>;

    /// The first block whose part of the agenda may not be drained yet.
    #[pallet::storage]
    pub type AgendaCursor<T> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

    /// Rules that were changed while jobs were open which had been submitted under them.
    #[pallet::storage]
    pub type KeptRules<T: Config> = StorageValue<_, KeptRulesOf<T>, ValueQuery>;

    /// Refusals of calls, each with what to do.
    #[pallet::error]
    pub enum Error<T> {
        /// No such model version: look it up in `Models::Versions`.
        UnknownModel,
        /// The model version takes no new jobs: use a later one.
        ModelDeprecated,
        /// Give one value for each symbol of the model's schema.
        WrongNumberOfSymbols,
        /// A symbol's value is outside the range in the model's schema.
        SymbolOutOfRange,
        /// The input has not as many bytes as the tensors of the model's schema.
        InputSizeMismatch,
        /// The output is too large to be delivered inline: ask for its digest.
        OutputTooLargeForInline,
        /// The ceiling must be more than zero.
        CeilingIsZero,
        /// `deadline_blocks` must be between `MinDeadline` and `MaxDeadline`.
        DeadlineOutOfRange,
        /// `window_blocks` must be between `MinWindow` and `MaxWindow`.
        WindowOutOfRange,
        /// `bidding_blocks` and `reveal_blocks` must be between `MinAuctionPhase` and `MaxAuctionPhase`.
        AuctionPhaseOutOfRange,
        /// The client's free balance does not cover the ceiling.
        InsufficientFunds,
        /// Nobody offers this model version: use an auction.
        NoOffer,
        /// Every offer costs more than the ceiling: ask for a quote and raise it.
        CeilingBelowEveryPrice,
        /// The workers whose offers the job fits are busy: try again in a later block, or raise the ceiling.
        AllWorkersBusy,
        /// No such job: it was never submitted, or it is closed.
        UnknownJob,
        /// The job is not open for commitments.
        NotBidding,
        /// The job is not open for reveals yet, or no longer.
        NotRevealing,
        /// The job has as many bids as it can have.
        TooManyBids,
        /// The worker has a bid on this job already.
        AlreadyBid,
        /// The worker has no bid on this job.
        NoSuchBid,
        /// The bid has been revealed already.
        AlreadyRevealed,
        /// Price and salt do not give the commitment.
        CommitmentMismatch,
        /// The price is above the job's ceiling; the bid cannot win.
        BidAboveCeiling,
        /// The bidder's free balance does not cover the deposit.
        InsufficientFundsForDeposit,
        /// The account is not a worker: register with a stake.
        NotRegistered,
        /// The worker takes no jobs: resume it, or register again.
        WorkerNotActive,
        /// The worker's free stake does not cover the job: bond more.
        StakeTooSmall,
        /// The job is not assigned to anyone now.
        NotAssigned,
        /// The job is assigned to another worker.
        AssignedToAnother,
        /// The job has been claimed already.
        AlreadyClaimed,
        /// The deadline has passed: the job goes to the next worker, at the latest when somebody calls `advance`.
        DeadlinePassed,
        /// The client asked for the output inline: give it.
        OutputMissing,
        /// The client asked for the digest only: leave the output out.
        OutputNotWanted,
        /// The output has not as many bytes as the tensors of the model's schema.
        OutputSizeMismatch,
        /// The output does not have the digest claimed.
        OutputDigestMismatch,
        /// Only the job's client can do this.
        NotClient,
        /// The job has not been claimed.
        NotClaimed,
        /// Nothing is due: the job's phase is not over.
        NotDue,
        /// The claim is under dispute: wait for the verdict.
        UnderDispute,
        /// The claim is not under dispute: challenge it first.
        NotDisputed,
        /// The challenge window is over: the claim stands.
        WindowPassed,
        /// The worker's stake is as large as it must be, and no slash of it is pending: wait for its claim, or for the
        /// deadline.
        WorkerIsSecure,
        /// A step that the table of transitions does not have: a bug, please report it.
        IllegalTransition,
        /// The records and the holds disagree: a bug, please report it.
        Inconsistent,
        /// Every offer asks for more blocks until the deadline: raise `deadline_blocks`.
        DeadlineBelowEveryOffer,
        /// The offers ask for a longer challenge window: raise `window_blocks`.
        WindowBelowEveryOffer,
        /// The offers ask for a shorter challenge window, which locks their stake: lower `window_blocks`.
        WindowAboveEveryOffer,
        /// The offers that the job fits were published in the last blocks: try again after `OfferDelay` blocks.
        OffersTooNew,
        /// The worker has given back or missed a job, and takes none for a while: its record says from which block on
        /// it does.
        WorkerResting,
        /// The symbol of a generation's sequence is not its maximum length: declare the prompt's length and
        /// `max_tokens` together, or the model's maximum if that is less, and leave room for a token after the prompt.
        SequenceLengthMismatch,
        /// An integer of a generation's input is outside the range that the model's schema gives: tokens are below the
        /// size of the vocabulary.
        InputOutOfRange,
        /// A generated sequence is part of the claim, since nobody could check it otherwise: ask for the output inline.
        SequenceNotInline,
        /// The job is not sealed: seal the claim first.
        NotSealed,
        /// The claim is sealed already: make it once its draw is known.
        AlreadySealed,
        /// Output digest and salt are not those that were sealed.
        WrongSeal,
        /// The seed that draws the claim is not known yet: it is some `DrawBlocks` blocks after the seal's, which the
        /// job's state names. What is claimed before can be copied.
        SeedNotKnown,
        /// The claim was drawn for an audit: call `draw`, and claim when its auditors have answered.
        ClaimDrawn,
        /// The claim was not drawn: make it.
        NotDrawn,
        /// The claim is audited already.
        AlreadyAudited,
        /// The claim is audited, and its auditors have not answered yet: wait for the event `ReadyToOpen`.
        AuditorsNotReady,
        /// The claim is audited: wait until its auditors have opened their answers.
        UnderAudit,
        /// The claims of a batch were sealed in too many blocks, or too many of them are audited: `MaxDraws` together. Claim
        /// this one in another batch.
        TooManyDraws,
    }

    #[pallet::extra_constants]
    impl<T: Config> Pallet<T> {
        /// Maximum number of items of a batch call.
        #[pallet::constant_name(MaxBatch)]
        fn max_batch() -> u32 {
            limits::MAX_BATCH
        }

        /// Maximum number of jobs of `advance_batch`.
        #[pallet::constant_name(MaxSteps)]
        fn max_steps() -> u32 {
            limits::MAX_STEPS
        }

        /// Maximum number of blocks of seals and of audited claims in a batch of claims, together.
        #[pallet::constant_name(MaxDraws)]
        fn max_draws() -> u32 {
            limits::MAX_DRAWS
        }

        /// Maximum number of symbols of a job's input.
        #[pallet::constant_name(MaxSymbols)]
        fn max_symbols() -> u32 {
            limits::MAX_SYMBOLS
        }

        /// Maximum number of bytes of an inline input. A larger input is submitted by its digest.
        #[pallet::constant_name(MaxInlineInputBytes)]
        fn max_inline_input_bytes() -> u32 {
            limits::MAX_INLINE_INPUT_BYTES
        }

        /// Maximum number of bytes of an inline output.
        #[pallet::constant_name(MaxInlineOutputBytes)]
        fn max_inline_output_bytes() -> u32 {
            limits::MAX_INLINE_OUTPUT_BYTES
        }

        /// Maximum number of workers that may try one job before it is refunded.
        #[pallet::constant_name(MaxAttempts)]
        fn max_attempts() -> u32 {
            limits::MAX_ATTEMPTS
        }

        /// Maximum number of bids on one job.
        #[pallet::constant_name(MaxBids)]
        fn max_bids() -> u32 {
            limits::MAX_BIDS
        }

        /// Maximum number of entries on one page of an answer of the runtime API.
        #[pallet::constant_name(MaxListed)]
        fn max_listed() -> u32 {
            limits::MAX_LISTED_JOBS
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
            Self::drain_agenda(T::Time::now(), remaining)
        }

        fn integrity_test() {
            Self::do_integrity_test();
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Submits a job; its ceiling is held until it is closed. An inline input has at most `MaxInlineInputBytes`,
        /// and an inline output at most `MaxInlineOutputBytes`. Everything about a closed job is removed from state:
        /// read an output before, or ask a node that keeps old states.
        #[pallet::call_index(0)]
        #[pallet::weight(terms::submission_weight::<T::WeightInfo, _, _>(core::slice::from_ref(request)))]
        pub fn submit(origin: OriginFor<T>, request: JobRequestOf<T>) -> DispatchResultWithPostInfo {
            let client = ensure_signed(origin)?;
            Ok(Some(Self::do_submit(&client, vec![request])?).into())
        }

        /// Submits several jobs, at most `MaxBatch`: all of them, or none if one is refused. Those on one model version
        /// are matched one after the other, and are charged once for the version, the book and the workers that were
        /// looked at.
        #[pallet::call_index(1)]
        #[pallet::weight(terms::submission_weight::<T::WeightInfo, _, _>(requests))]
        pub fn submit_batch(
            origin: OriginFor<T>,
            requests: BoundedVec<JobRequestOf<T>, Batch>,
        ) -> DispatchResultWithPostInfo {
            let client = ensure_signed(origin)?;
            Ok(Some(Self::do_submit(&client, requests.into_inner())?).into())
        }

        /// Commits a sealed bid on a job that is open for bids and has fewer than `MaxBids`. The commitment is a digest
        /// of the worker, the job, the price and a salt, as docs/protocol.md draws it.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::commit_bid())]
        pub fn commit_bid(origin: OriginFor<T>, job: JobId, commitment: H256) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_commit_bid(&worker, job, commitment)
        }

        /// Reveals a bid and frees its deposit; the last reveal closes the auction.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::reveal_bid().saturating_add(T::WeightInfo::close_auction(MAX_BIDS)))]
        pub fn reveal_bid(
            origin: OriginFor<T>,
            job: JobId,
            price: BalanceOf<T>,
            salt: [u8; 32],
        ) -> DispatchResultWithPostInfo {
            let worker = ensure_signed(origin)?;
            let used = match Self::do_reveal_bid(&worker, job, price, &salt)? {
                0 => T::WeightInfo::reveal_bid(),
                bids => T::WeightInfo::reveal_bid().saturating_add(T::WeightInfo::close_auction(bids)),
            };
            Ok(Some(used).into())
        }

        /// Opens what the caller has sealed of a job: it commits to the output. Refused before the seed of the seal is
        /// known, and before the answers of its auditors if it was drawn.
        #[pallet::call_index(4)]
        #[pallet::weight(terms::claim_weight::<T::WeightInfo>(claim))]
        pub fn claim(origin: OriginFor<T>, claim: Claim) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_claim(&worker, claim)
        }

        /// Claims several jobs, at most `MaxBatch`, each on its own: one that fails is reported by an event and keeps
        /// no other from success.
        #[pallet::call_index(5)]
        #[pallet::weight(terms::claims_weight::<T::WeightInfo>(claims))]
        pub fn claim_batch(origin: OriginFor<T>, claims: BoundedVec<Claim, Batch>) -> DispatchResultWithPostInfo {
            let worker = ensure_signed(origin)?;
            Ok(Some(Self::do_claim_batch(&worker, claims.into_inner())).into())
        }

        /// Gives an assigned job back; it goes to the next worker.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::decline())]
        pub fn decline(origin: OriginFor<T>, job: JobId) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_decline(&worker, job)
        }

        /// Accepts the result of a job before its window has passed; the worker is paid now.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::end_audited())]
        pub fn accept(origin: OriginFor<T>, job: JobId) -> DispatchResultWithPostInfo {
            let client = ensure_signed(origin)?;
            Ok(Some(Self::do_accept(&client, [job])?).into())
        }

        /// Accepts the results of several jobs, at most `MaxBatch`: all of them, or none if one cannot be accepted.
        /// Each worker is paid once for all its jobs.
        #[pallet::call_index(8)]
        #[pallet::weight(terms::acceptance_weight::<T::WeightInfo>(jobs.len() as u32))]
        pub fn accept_batch(origin: OriginFor<T>, jobs: BoundedVec<JobId, Batch>) -> DispatchResultWithPostInfo {
            let client = ensure_signed(origin)?;
            Ok(Some(Self::do_accept(&client, jobs)?).into())
        }

        /// Does what is due for a job, and is charged for that alone. Anyone may call it; `on_idle` does the same where
        /// there is weight left.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::step())]
        pub fn advance(origin: OriginFor<T>, job: JobId) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Ok(Some(Self::do_advance(job)?).into())
        }

        /// Does what is due for several jobs, at most `MaxSteps`: for all of them, or for none if nothing is due for
        /// one.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::steps(jobs.len() as u32))]
        pub fn advance_batch(origin: OriginFor<T>, jobs: BoundedVec<JobId, Steps>) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            let used = jobs.into_iter().try_fold(Weight::zero(), |used, job| {
                // Saturating: a batch has few jobs.
                Self::do_advance(job).map(|step| used.saturating_add(step))
            })?;
            Ok(Some(used).into())
        }

        /// Gives an assigned job to the next worker, because the stake of the one that has it is below the minimum that
        /// workers need, or a slash of that worker is pending. It costs that worker what declining would. Anyone may
        /// call it, up to the deadline; a claim that comes before it stands.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::reassign())]
        pub fn reassign(origin: OriginFor<T>, job: JobId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_reassign(job)
        }

        /// Seals claims ([`assay_types::audit::seal`]) of jobs that the caller was assigned, each on its own: one that
        /// fails is reported by an event and keeps no other from success.
        #[pallet::call_index(12)]
        #[pallet::weight(terms::seals_weight::<T::WeightInfo>(seals.len() as u32))]
        pub fn seal(origin: OriginFor<T>, seals: BoundedVec<Seal, Batch>) -> DispatchResultWithPostInfo {
            let worker = ensure_signed(origin)?;
            Ok(Some(Self::do_seal(&worker, seals.into_inner())).into())
        }

        /// Begins the audits of sealed claims that were drawn: of all, or of none if one was not. Anyone may call it;
        /// `on_idle` does the same once the time for the claim is over.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::draw(jobs.len() as u32))]
        pub fn draw(origin: OriginFor<T>, jobs: BoundedVec<JobId, Steps>) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_draw(jobs.into_inner())
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The job, until it is closed.
        pub fn job(job: JobId) -> Option<JobOf<T>> {
            Jobs::<T>::get(job)
        }

        /// A page of the jobs on a model version for which bids may be committed now.
        pub fn open_jobs(model: ModelVersion, after: Option<JobId>, limit: u32) -> Page<JobOf<T>> {
            Self::jobs_open_for_bids(model, after, limit)
        }
    }
}
