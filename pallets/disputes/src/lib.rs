//! Disputes: a claim that is doubted is narrowed down to one element, which the runtime computes itself.
//!
//! # Design
//!
//! Anybody may challenge a claim while its window is open, with a bond. The worker then makes statements, each of which
//! opens what it committed to before: the trace, an operator's output, a chunk of it; the challenger points at the
//! first entry that it computes differently. At the end stand operands that both sides agree on and one element of the
//! output of one operator; [`Pallet::prove`] opens what that element depends on, and [`assay_exact::judge`] computes
//! it. The rules of the game are pure and stand in [`assay_types::dispute`]; this pallet holds the money, keeps the
//! time, and stores what was said.
//!
//! # Terminology
//!
//! * **Dispute**: all that goes on about one claim. **Game**: one challenger's part of it.
//! * **Place**: where a game stands. **Statement**: what the worker reveals of a place.
//! * **Bond**: what a challenge holds of the challenger's money. It doubles with every game that is being played
//!   already.
//! * **Verdict**: the worker is convicted, which ends every game of the dispute, or a challenger has lost, which ends
//!   its own.
//!
//! # Properties
//!
//! * Silence loses: whoever's turn it is and whose clock has run out, anybody can say so.
//! * A worker that can open everything honestly never loses: each of its statements is accepted, and no element of it
//!   can be proved wrong. A worker that has lied has committed to a first wrong operator, whose operands both sides
//!   agree on.
//! * A verdict is reached once: a convicted worker's job is closed, and every other bond goes back.
//! * What is held of an account for [`HoldReason::Bond`] is the sum of its games' bonds, after every call.
//! * While a dispute lasts, everything that was said in it can be read from state. Afterwards it is removed, as far as
//!   `on_idle` has weight for it, or by [`Pallet::sweep`].

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

use polkadot_sdk::*;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod invariants;
mod play;
pub mod queries;
mod sweep;
pub mod types;
mod verdict;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

use frame_support::traits::fungible;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::boxed::Box;
    use assay_exact::judge::Proof;
    use assay_types::{
        ClaimedJobs, JobId, NotChallengeable, SlashId,
        dispute::{DisputeId, Fault, Place, PointError, Revealed, Side, Statement, StatementError},
    };
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;
    use sp_runtime::{Perbill, traits::Zero};

    /// In-code storage version.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {
        /// The overarching hold reason.
        type RuntimeHoldReason: From<HoldReason>;

        /// The money.
        type Currency: fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + fungible::Mutate<Self::AccountId>;

        /// The claims that can be doubted.
        type Jobs: ClaimedJobs<Self::AccountId, BalanceOf<Self>, BlockNumberFor<Self>>;

        /// The least bond of a challenge. More than the worker's transactions in a dispute cost.
        #[pallet::constant]
        type LeastBond: Get<BalanceOf<Self>>;

        /// Part of the stake that secures the claim which a bond comes to, where that is more than the least.
        #[pallet::constant]
        type BondPerStake: Get<Perbill>;

        /// Part of a lost bond that the worker gets; the rest is burned.
        #[pallet::constant]
        type LostBondToWorker: Get<Perbill>;

        /// Part of a convicted worker's stake that the challenger gets.
        #[pallet::constant]
        type SlashToChallenger: Get<Perbill>;

        /// Part of a convicted worker's stake that the client gets. The two parts together are at most half; the rest
        /// is burned.
        #[pallet::constant]
        type SlashToClient: Get<Perbill>;

        /// Blocks that each side has for all its turns of a game: enough to execute the model again, and to get a
        /// transaction in for each turn.
        #[pallet::constant]
        type ClockBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks that a turn has at least, even if the clock has run down: enough to get a transaction in.
        #[pallet::constant]
        type LeastTurnBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks for which the window stays open after the last game of a dispute is lost, so that a challenger whom
        /// others kept out has a turn.
        #[pallet::constant]
        type ReopenBlocks: Get<BlockNumberFor<Self>>;

        /// What calls weigh.
        type WeightInfo: WeightInfo;
    }

    /// Why money is held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The bonds of a challenger's games.
        #[codec(index = 0)]
        Bond,
    }

    /// The number of the next dispute.
    #[pallet::storage]
    pub type NextDisputeId<T> = StorageValue<_, DisputeId, ValueQuery>;

    /// The disputes, by the job that they are about.
    #[pallet::storage]
    pub type Disputes<T> = StorageMap<_, Twox64Concat, JobId, DisputeOf<T>>;

    /// What was revealed in a dispute.
    #[pallet::storage]
    pub type Reveals<T> = StorageDoubleMap<_, Twox64Concat, DisputeId, Twox64Concat, Place, Revealed>;

    /// Disputes that are over and of which something revealed may still be stored.
    #[pallet::storage]
    pub type Ended<T> = StorageMap<_, Twox64Concat, DisputeId, ()>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A claim is doubted.
        Challenged {
            /// The job.
            job: JobId,
            /// The dispute, which is new if this is the only challenge.
            dispute: DisputeId,
            /// Who doubts it.
            challenger: T::AccountId,
            /// What is held of the challenger's money.
            bond: BalanceOf<T>,
        },
        /// The worker has revealed a place; every game that stood there goes on.
        PlaceRevealed {
            /// The job.
            job: JobId,
            /// The place, to be read from `Reveals`.
            place: Place,
        },
        /// A challenger goes on to another place.
        Pointed {
            /// The job.
            job: JobId,
            /// Who points.
            challenger: T::AccountId,
            /// Where to.
            place: Place,
            /// Whose turn it is there: the challenger's, if the place has been revealed before.
            turn: Side,
        },
        /// The claim is wrong: the job is refunded and the worker's stake is to be slashed.
        WorkerConvicted {
            /// The job.
            job: JobId,
            /// Who made the claim.
            worker: T::AccountId,
            /// Whose game proved it.
            challenger: T::AccountId,
            /// What was wrong.
            fault: Fault,
            /// The slash, which matures after a delay.
            slash: SlashId,
            /// The stake that it takes.
            slashed: BalanceOf<T>,
            /// What the challenger will get of it.
            to_challenger: BalanceOf<T>,
            /// What the client will get of it.
            to_client: BalanceOf<T>,
        },
        /// A bond went back to a challenger whose game ended with the worker's conviction.
        BondReturned {
            /// The job.
            job: JobId,
            /// Whose bond it was.
            challenger: T::AccountId,
            /// How much.
            amount: BalanceOf<T>,
        },
        /// A challenger let its time pass: its bond is lost.
        ChallengeFailed {
            /// The job.
            job: JobId,
            /// Whose game it was.
            challenger: T::AccountId,
            /// What the worker got of the bond.
            paid: BalanceOf<T>,
            /// What was burned.
            burned: BalanceOf<T>,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// No such job: it was never submitted, or it is closed.
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
        /// The time for this turn is over.
        DeadlinePassed,
        /// The time for this turn is not over.
        DeadlineNotPassed,
        /// The model, the graph's header, the job's inputs or the claimed outputs do not open as stated.
        DoesNotOpen,
        /// More or fewer digests than the tree has there.
        WrongNumberOfNodes,
        /// The statement does not hash to what was committed to.
        DigestMismatch,
        /// No tensor has this type and shape.
        UnsoundTensor,
        /// The chunk has more or fewer bytes than the tensor has there.
        WrongChunkLength,
        /// What was revealed has no such entry.
        NoSuchEntry,
        /// A chunk is the end of a game: prove that it is wrong.
        NothingBelow,
        /// Nothing can be proved at this place: point on.
        NothingToProve,
        /// The element does not lie in the revealed chunk.
        ElementElsewhere,
        /// The proof does not open under the claim: build it against the worker's trace as revealed.
        ProofRejected,
        /// What was claimed is right.
        NotWrong,
        /// Nothing of this dispute is left to remove, or it is not over.
        NothingToSweep,
        /// A move that the table does not have: a bug, please report it.
        IllegalMove,
        /// The records contradict each other: a bug, please report it.
        Inconsistent,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_idle(_now: BlockNumberFor<T>, remaining: Weight) -> Weight {
            Self::sweep_ended(remaining)
        }

        fn integrity_test() {
            assert!(
                Self::shares().burn_half(),
                "SlashToChallenger and SlashToClient together must be at most half, or a cheat could convict itself at a profit"
            );
            assert!(
                !T::LeastBond::get().is_zero(),
                "LeastBond must not be zero: a challenge that fails must cost something"
            );
            assert!(
                !T::LeastTurnBlocks::get().is_zero() && T::LeastTurnBlocks::get() <= T::ClockBlocks::get(),
                "LeastTurnBlocks must be more than zero and at most ClockBlocks"
            );
            assert!(
                T::LostBondToWorker::get() <= Perbill::from_percent(50),
                "at least half of a lost bond must be burned, or a worker could challenge itself to keep others out"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Doubts the claim on a job, with a bond. The worker must reveal its trace.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::challenge())]
        pub fn challenge(origin: OriginFor<T>, job: JobId) -> DispatchResult {
            let challenger = ensure_signed(origin)?;
            Self::do_challenge(challenger, job)
        }

        /// Reveals a place at which at least one game waits for the worker.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::reveal(types::encoded_bytes(statement)))]
        pub fn reveal(origin: OriginFor<T>, job: JobId, statement: Box<Statement>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_reveal(&worker, job, *statement)
        }

        /// Points at entry `entry` of what was revealed at `place`, where the caller's game stands.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::point())]
        pub fn point(origin: OriginFor<T>, job: JobId, place: Place, entry: u32) -> DispatchResult {
            let challenger = ensure_signed(origin)?;
            Self::do_point(&challenger, job, place, entry)
        }

        /// Proves that what was revealed at the place of `challenger`'s game is wrong: the header of the operator's
        /// output, or element `element` of it, which must lie in the revealed chunk. Anybody may send it. One that
        /// convicts costs no fee.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::prove(types::encoded_bytes(proof)))]
        pub fn prove(
            origin: OriginFor<T>,
            job: JobId,
            challenger: T::AccountId,
            proof: Box<Proof>,
            element: Option<u64>,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_prove(job, &challenger, &proof, element)?;
            Ok(Pays::No.into())
        }

        /// Says that the side whose turn it is in `challenger`'s game has let its time pass. Anybody may send it.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::claim_timeout())]
        pub fn claim_timeout(origin: OriginFor<T>, job: JobId, challenger: T::AccountId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_claim_timeout(job, &challenger)
        }

        /// Removes some of what was revealed in a dispute that is over. Anybody may call it; `on_idle` does the same
        /// where there is weight left.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::sweep(types::SWEEP_ENTRIES))]
        pub fn sweep(origin: OriginFor<T>, dispute: DisputeId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_sweep(dispute)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The dispute over a job.
        pub fn dispute(job: JobId) -> Option<DisputeOf<T>> {
            Disputes::<T>::get(job)
        }

        /// What a challenge to this job would hold now; nothing if it cannot be challenged.
        pub fn bond_for(job: JobId) -> Option<BalanceOf<T>> {
            Self::bond_of_next_game(job)
        }
    }

    impl<T> From<NotChallengeable> for Error<T> {
        fn from(refusal: NotChallengeable) -> Self {
            match refusal {
                NotChallengeable::UnknownJob => Self::UnknownJob,
                NotChallengeable::NotClaimed => Self::NotClaimed,
                NotChallengeable::WindowPassed => Self::WindowPassed,
                NotChallengeable::UnknownModel => Self::UnknownModel,
            }
        }
    }

    impl<T> From<StatementError> for Error<T> {
        fn from(error: StatementError) -> Self {
            match error {
                StatementError::AnotherPlace => Self::NotAsked,
                StatementError::Opening(_) | StatementError::TooManySymbols => Self::DoesNotOpen,
                StatementError::NodeCount => Self::WrongNumberOfNodes,
                StatementError::Digest => Self::DigestMismatch,
                StatementError::Unsound => Self::UnsoundTensor,
                StatementError::ChunkLength => Self::WrongChunkLength,
            }
        }
    }

    impl<T> From<PointError> for Error<T> {
        fn from(error: PointError) -> Self {
            match error {
                PointError::NoSuchEntry => Self::NoSuchEntry,
                PointError::NothingBelow => Self::NothingBelow,
                PointError::Inconsistent => Self::Inconsistent,
            }
        }
    }
}
