//! # Disputes
//!
//! A claim that is doubted is narrowed down to one element, which the runtime computes itself.
//!
//! ## Design
//!
//! Anybody may challenge a claim while its window is open, with a bond. The worker then makes statements, each of which
//! opens what it committed to before: the trace, an operator's output, a chunk of it; the challenger points at the
//! first entry that it computes differently. At the end stand operands that both sides agree on and one element of the
//! output of one operator; [`Pallet::prove`] opens what that element depends on, and [`assay_exact::judge`] computes
//! it. The rules of the game are pure and stand in [`assay_types::dispute`]; this pallet holds the money, keeps the
//! time, and stores what was said.
//!
//! A worker that lets a clock run out is late: the client is refunded at once, and for [`Config::LateAnswerBlocks`] the
//! worker may still answer, for a fee. Only after that its silence costs what a proof costs. The award of a proof is
//! the finder's: a challenge commits to the challenger's own trace, and the oldest one that opens to the element which
//! convicts gets the award, whoever has sent the proof.
//!
//! An auditor whose answer differs from the claim is a challenger as well ([`assay_types::audit::SeniorCourt`]). Its
//! game is older than all others and has no bond, and no crowd of challengers keeps it out.
//!
//! ## Terminology
//!
//! * **Claim**: what a worker is held to: its claim on a job, or a receipt of a session that it has signed. A claim has
//!   a number ([`assay_types::ClaimSource`]); that of a claim on a job is the job's. Calls and events name it `job`.
//! * **Dispute**: all that goes on about one claim. **Game**: one challenger's part of it.
//! * **Place**: where a game stands. **Statement**: what the worker reveals of a place.
//! * **Bond**: what a challenge holds of the challenger's money. It doubles with every game that is being played
//!   already over the job, and grows by half with every other game against the worker.
//! * **Called**: a dispute whose clocks run. The oldest [`Config::CalledDisputes`] of a worker are; the others
//!   **wait**.
//! * **Late**: a worker is late in a dispute once one of its clocks has run out there.
//! * **Finder**: a challenger that has committed to its own trace. **Award**: the finder's part of a slash.
//! * **Verdict**: the worker is convicted, which ends every game of the dispute, or a challenger has lost, which ends
//!   its own.
//!
//! ## Properties
//!
//! * Silence loses: when the clock of the side whose turn it is has run out, anybody can say so. For a worker that
//!   loses at first its pay and fees, and after [`Config::LateAnswerBlocks`] a share of its stake.
//! * The clocks of at most [`Config::CalledDisputes`] disputes of one worker run at a time. The oldest are called
//!   first.
//! * Nobody gains by making a worker late: a challenger's part of the fee is less than the bond that it loses if the
//!   worker can answer.
//! * A worker that can open everything honestly never loses: each of its statements is accepted, and no element of it
//!   can be proved wrong. A worker that has lied has committed to a first wrong operator, whose operands both sides
//!   agree on.
//! * A dispute keeps the values of the constants that were in force when it began.
//! * Nobody is convicted over a model of another definition of the arithmetic than the runtime's: such a dispute ends
//!   without a verdict, and all its bonds go back.
//! * A verdict is reached once: a convicted worker's job is closed, and every other bond goes back.
//! * What is held of an account for [`HoldReason::Bond`] is the sum of its games' bonds, after every call.
//! * While a dispute lasts, everything that was said in it can be read from state. Afterwards it is removed, as far as
//!   `on_idle` has weight for it, or by [`Pallet::sweep`].
//!
//! [`Pallet::do_try_state`] checks what of this can be seen in storage.
//!
//! ## Calls
//!
//! * By challengers: [`challenge`](Pallet::challenge), [`point`](Pallet::point),
//!   [`claim_award`](Pallet::claim_award).
//! * By the worker that made the claim: [`reveal`](Pallet::reveal), [`answer_late`](Pallet::answer_late).
//! * By anyone: [`prove`](Pallet::prove), [`claim_timeout`](Pallet::claim_timeout), [`sweep`](Pallet::sweep).

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
extern crate alloc;

use frame_support::pallet_macros::import_section;
use polkadot_sdk::*;

mod award;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod defences;
mod errors;
mod events;
mod invariants;
pub mod migrations;
mod moves;
mod play;
pub mod queries;
mod rules;
mod sweep;
pub mod types;
mod unjudged;
mod verdict;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use defences::WorkersDefences;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Disputes: a claim that is doubted is narrowed down to one element, which the chain computes itself.
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use crate::{AwardOf, BalanceOf, DisputeOf, KeptRulesOf, WeightInfo, WorkersDefences, types};
    use alloc::boxed::Box;
    use assay_exact::judge::Proof;
    use assay_types::{
        AssayTime, ClaimId, Claims, H256, SlashId,
        dispute::{
            ALL_GAMES, DisputeId, Fault, FindingOpening, MAX_GAMES, MAX_NODES, Place, Revealed, Side, Statement,
        },
    };
    use polkadot_sdk::{
        frame_support::{pallet_prelude::*, traits::fungible},
        frame_system::pallet_prelude::*,
        sp_runtime::{Perbill, traits::Convert},
    };

    /// In-code storage version.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

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

        /// The claims that can be doubted.
        type Claims: Claims<Self::AccountId, BalanceOf<Self>, BlockNumberFor<Self>>;

        /// The minimum bond of a challenge. More than the worker's transactions in a dispute cost.
        #[pallet::constant]
        type LeastBond: Get<BalanceOf<Self>>;

        /// Part of the stake that secures the claim which a bond comes to, where that is more than the minimum.
        #[pallet::constant]
        type BondPerStake: Get<Perbill>;

        /// Cost that a game causes to its two sides, by the work of one execution of the job: the execution, and the
        /// fees of the transactions. A bond is at least this.
        type GameCost: Convert<u64, BalanceOf<Self>>;

        /// Part of a lost bond that the worker gets; the rest is burned.
        #[pallet::constant]
        type LostBondToWorker: Get<Perbill>;

        /// Share of a worker's whole stake that a proved fault costs, at least what the job locks.
        #[pallet::constant]
        type FaultSlash: Get<Perbill>;

        /// The finder's part of what a convicted worker loses.
        #[pallet::constant]
        type SlashToChallenger: Get<Perbill>;

        /// The client's part, of what the job locks. The two parts together are at most half; the rest is burned.
        #[pallet::constant]
        type SlashToClient: Get<Perbill>;

        /// Part of a job's lock that each late answer costs the worker.
        #[pallet::constant]
        type LateFee: Get<Perbill>;

        /// The minimum that a late answer costs, as far as the lock goes.
        #[pallet::constant]
        type LeastLateFee: Get<BalanceOf<Self>>;

        /// Part of that fee which the challenger gets, for its wait; the rest is burned.
        #[pallet::constant]
        type LateFeeToChallenger: Get<Perbill>;

        /// Blocks for which a worker that has let a clock run out may still answer.
        #[pallet::constant]
        type LateAnswerBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks after a conviction by proof in which finders may claim the award. Shorter than the slash waits.
        #[pallet::constant]
        type AwardBlocks: Get<BlockNumberFor<Self>>;

        /// Disputes about one worker's claims whose clocks run at a time.
        #[pallet::constant]
        type CalledDisputes: Get<u32>;

        /// Blocks that the worker has for all its turns of a game: enough to execute the model again for each dispute
        /// that is called, and to get a transaction in for each turn.
        #[pallet::constant]
        type ClockBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks that the challenger has for all its turns of a game. It has executed the model before it challenged.
        #[pallet::constant]
        type ChallengerClockBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks that a turn has at least, even if the clock has run down: enough to get a transaction in.
        #[pallet::constant]
        type LeastTurnBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks for which the window stays open after the last game of a dispute is lost, so that a challenger whom
        /// others kept out has a turn.
        #[pallet::constant]
        type ReopenBlocks: Get<BlockNumberFor<Self>>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;

        /// The other pallets, as benchmarks set them up.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_types::benchmarking::Scene<Self::AccountId, BalanceOf<Self>, BlockNumberFor<Self>>;
    }

    /// Reasons for which this pallet holds money.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The bonds of a challenger's games.
        #[codec(index = 0)]
        Bond,
    }

    /// The number of the next dispute.
    #[pallet::storage]
    pub type NextDisputeId<T> = StorageValue<_, DisputeId, ValueQuery>;

    /// The disputes, by the claim that they are about.
    #[pallet::storage]
    pub type Disputes<T> = StorageMap<_, Twox64Concat, ClaimId, DisputeOf<T>>;

    /// Statements that were revealed in disputes.
    #[pallet::storage]
    pub type Reveals<T> = StorageDoubleMap<_, Twox64Concat, DisputeId, Twox64Concat, Place, Revealed>;

    /// The disputes about each worker's claims, in the order in which they are called. Never an empty list.
    #[pallet::storage]
    pub type Defences<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, WorkersDefences, ValueQuery>;

    /// Awards that finders may still claim, by the slashes of which they are parts.
    #[pallet::storage]
    pub type Awards<T> = StorageMap<_, Twox64Concat, SlashId, AwardOf<T>>;

    /// The first slash whose award `on_idle` has not forgotten.
    #[pallet::storage]
    pub type FirstAward<T> = StorageValue<_, SlashId, ValueQuery>;

    /// The slash after the last one with an award.
    #[pallet::storage]
    pub type EndOfAwards<T> = StorageValue<_, SlashId, ValueQuery>;

    /// Rules that were changed while disputes went on which had begun under them.
    #[pallet::storage]
    pub type KeptRules<T: Config> = StorageValue<_, KeptRulesOf<T>, ValueQuery>;

    /// Disputes that are over and of which something revealed may still be stored.
    #[pallet::storage]
    pub type Ended<T> = StorageMap<_, Twox64Concat, DisputeId, ()>;

    /// Refusals of calls, each with what to do.
    #[pallet::error]
    pub enum Error<T> {
        /// No such claim: the job was never submitted, or it is closed. A receipt is challenged by showing it to
        /// `Sessions::challenge_receipt`.
        UnknownJob,
        /// The job has not been claimed: there is nothing to challenge yet.
        NotClaimed,
        /// The challenge window is over.
        WindowPassed,
        /// The job's model version is no longer registered.
        UnknownModel,
        /// The account plays a game over this job already.
        AlreadyChallenging,
        /// As many challengers play over this job as can: wait for a game to end; the window stays open until then.
        TooManyGames,
        /// The challenger's free balance does not cover the bond: ask the view function `bond_for` for it.
        InsufficientFunds,
        /// The job is not disputed.
        NotDisputed,
        /// Only the worker that made the claim reveals.
        NotWorker,
        /// No game stands at this place waiting for the worker: read the dispute for the places that are owed.
        NotAsked,
        /// The account has no game over this job.
        NoSuchGame,
        /// The game stands at another place by now: read it again.
        AnotherPlace,
        /// It is the other side's turn.
        NotYourTurn,
        /// The time for this turn is over: a worker can still call `answer_late`.
        DeadlinePassed,
        /// The time for this turn is not over.
        DeadlineNotPassed,
        /// More or fewer digests than the tree has there.
        WrongNumberOfNodes,
        /// The statement does not hash to what was committed to.
        DigestMismatch,
        /// No tensor has this type and shape.
        UnsoundTensor,
        /// The chunk has more or fewer bytes than the tensor has there.
        WrongChunkLength,
        /// The revealed statement has no such entry.
        NoSuchEntry,
        /// A chunk is the end of a game: prove that it is wrong.
        NothingBelow,
        /// Nothing can be proved at this place: point on.
        NothingToProve,
        /// The element does not lie in the revealed chunk.
        ElementElsewhere,
        /// The opened node is not the graph's at that place: open the node of the operator that the game stands at.
        OperatorDoesNotOpen,
        /// The claim is right.
        NotWrong,
        /// Nothing of this dispute is left to remove, or it is not over.
        NothingToSweep,
        /// A move that the table does not have: a bug, please report it.
        IllegalMove,
        /// The records contradict each other: a bug, please report it.
        Inconsistent,
        /// The output's type or shape is not what the operator gives.
        HeaderDoesNotOpen,
        /// The opened inputs are not the job's: give those that the job's input digest commits to, in their order.
        InputsDoNotOpen,
        /// The opened output is not the claim's: give the entry that the claimed output digest commits to.
        OutputDoesNotOpen,
        /// The opened entry is not the one that the graph names as an output.
        SourceDoesNotOpen,
        /// The job's inputs are not what the graph takes, or give its symbols no values.
        InputsDoNotFit,
        /// The statement has more symbols than a graph can have.
        TooManySymbols,
        /// The model has no such operator.
        NoSuchOperator,
        /// The operator takes another number of operands than are opened.
        WrongNumberOfOperands,
        /// An operand does not stand before its operator; no sound graph has such a node.
        OperandNotBefore,
        /// An operand's digest is not the one that the graph names: build the proof against the worker's trace as
        /// revealed.
        OperandDoesNotOpen,
        /// An operand is empty or too large; no sound graph has such a tensor.
        UnsoundOperand,
        /// The opened chunks of an operand are not those of its digest.
        ChunksDoNotOpen,
        /// A chunk of an operand is opened that nothing reads: leave it out.
        SuperfluousChunk,
        /// A dimension of the operator has no value for the job's symbols.
        SymbolsDoNotFit,
        /// The types or shapes of the operands do not fit the operator.
        OperandsDoNotFit,
        /// The operator's output has no such element.
        NoSuchElement,
        /// The element cannot be computed from what is opened: open every chunk that it depends on.
        ChunkMissing,
        /// An older challenger may show an earlier fault: wait for its game to end or to go on. This game's clock
        /// cannot run out meanwhile.
        OlderGameFirst,
        /// The worker has as many disputes as its queue can hold: wait for one to end.
        TooManyDefences,
        /// The dispute waits until the worker has answered older ones: its clocks do not run.
        NotCalled,
        /// The worker is not late at this place: reveal it.
        NotLate,
        /// The time for late answers is over.
        TooLate,
        /// The worker may still answer late: the dispute says up to which block.
        MayAnswerLate,
        /// No such award: nobody was convicted by proof with this slash, its time is over, or its oldest finder has it.
        NoSuchAward,
        /// The time in which the award could be claimed is over.
        AwardClosed,
        /// The account is not a finder: it did not play in this dispute, or an older finder has claimed the award.
        NotFinder,
        /// The trace digest and the salt are not those that the challenge committed to.
        CommitmentMismatch,
        /// The opened output is not the entry of the committed trace at the convicting operator.
        FindingNotInTrace,
        /// The opened chunk is not the one of that output in which the convicting element lies.
        FindingChunkDoesNotOpen,
        /// The committed trace has another element than the one that was computed: the fault was not found.
        NotFound,
        /// The chain does not judge by the definition of this model any more: a dispute that goes on is ended with
        /// `claim_timeout`, at no cost to either side.
        AnotherDefinition,
    }

    #[pallet::extra_constants]
    impl<T: Config> Pallet<T> {
        /// Maximum number of digests in one statement.
        #[pallet::constant_name(MaxNodes)]
        fn max_nodes() -> u32 {
            MAX_NODES
        }

        /// Maximum number of challengers that may play at a time over one claim.
        #[pallet::constant_name(MaxGames)]
        fn max_games() -> u32 {
            MAX_GAMES
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
            let swept = Self::sweep_ended(remaining);
            // Saturating: it uses no more than it is given.
            swept.saturating_add(Self::forget_awards(T::Time::now(), remaining.saturating_sub(swept)))
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
        /// Doubts a claim, with a bond: that on a job, or a receipt that has been shown already. The worker must reveal
        /// its trace. `commitment` is that of the challenger's own trace (see docs/protocol.md), which
        /// the award of a proof depends on.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::challenge())]
        pub fn challenge(origin: OriginFor<T>, job: ClaimId, commitment: H256) -> DispatchResult {
            let challenger = ensure_signed(origin)?;
            Self::do_challenge(challenger, job, commitment)
        }

        /// Reveals a place at which at least one game waits for the worker.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::reveal(types::encoded_bytes(statement)))]
        pub fn reveal(origin: OriginFor<T>, job: ClaimId, statement: Box<Statement>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_reveal(&worker, job, *statement)
        }

        /// Points at entry `entry` of what was revealed at `place`, where the caller's game stands.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::point())]
        pub fn point(origin: OriginFor<T>, job: ClaimId, place: Place, entry: u32) -> DispatchResult {
            let challenger = ensure_signed(origin)?;
            Self::do_point(&challenger, job, place, entry)
        }

        /// Proves that element `element` of the operator's output, which must lie in the chunk that was revealed at the
        /// place of `challenger`'s game, is wrong. Anybody may send it. One that convicts costs no fee. `finding`
        /// claims the award for `challenger` at once.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::prove(types::encoded_bytes(&(proof, finding))))]
        pub fn prove(
            origin: OriginFor<T>,
            job: ClaimId,
            challenger: T::AccountId,
            proof: Box<Proof>,
            element: u64,
            finding: Option<Box<FindingOpening>>,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_prove(job, &challenger, &proof, element, finding.as_deref())?;
            Ok(Pays::No.into())
        }

        /// Says that the side whose turn it is in `challenger`'s game has let its time pass. Anybody may send it. A
        /// worker can answer late after the first time, and is convicted by the same call once it no longer can. A
        /// dispute that the chain cannot judge any more ends with this call at any time, and nobody is convicted.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::claim_timeout(ALL_GAMES))]
        pub fn claim_timeout(
            origin: OriginFor<T>,
            job: ClaimId,
            challenger: T::AccountId,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Ok(Some(Self::do_claim_timeout(job, &challenger)?).into())
        }

        /// Removes some of what was revealed in a dispute that is over. Anybody may call it; `on_idle` does the same
        /// where there is weight left.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::sweep(types::SWEEP_ENTRIES))]
        pub fn sweep(origin: OriginFor<T>, dispute: DisputeId) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Ok(Some(T::WeightInfo::sweep(Self::do_sweep(dispute)?)).into())
        }

        /// Reveals a place at which a game has waited for the worker in vain. It costs a fee out of what the job locks,
        /// and the game goes on with a full clock of the worker's. The client is refunded, if it is not yet.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::answer_late(types::encoded_bytes(statement)))]
        pub fn answer_late(origin: OriginFor<T>, job: ClaimId, statement: Box<Statement>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_answer_late(&worker, job, *statement)
        }

        /// Claims the award of a conviction by proof, by opening the commitment of the caller's challenge to the
        /// element that convicted. The oldest challenge that opens so has the award. A claim that is right costs no
        /// fee.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::claim_award())]
        pub fn claim_award(
            origin: OriginFor<T>,
            slash: SlashId,
            finding: Box<FindingOpening>,
        ) -> DispatchResultWithPostInfo {
            let challenger = ensure_signed(origin)?;
            Self::do_claim_award(challenger, slash, &finding)?;
            Ok(Pays::No.into())
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The dispute over a claim.
        pub fn dispute(job: ClaimId) -> Option<DisputeOf<T>> {
            Disputes::<T>::get(job)
        }

        /// The bond of a challenge to this claim now; `None` if it cannot be challenged.
        pub fn bond_for(job: ClaimId) -> Option<BalanceOf<T>> {
            Self::bond_of_next_game(job)
        }
    }
}
