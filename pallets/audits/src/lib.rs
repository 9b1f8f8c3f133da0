//! # Audits
//!
//! Some claims are executed a second time, by a worker that was drawn for it and is paid for it.
//!
//! ## Design
//!
//! A worker *seals* its claim, and only then a seed becomes known that nobody knew before
//! ([`assay_types::audit::Randomness`]). It draws the claim for an audit by the rules in `assay_police`: by its price,
//! by what its worker has to lose, and by the worker's record. It also draws the auditor, among the workers that offer
//! the model, with chances in proportion to their stakes.
//!
//! The auditor executes the job and seals its answer. Another seed then draws a second auditor for some audits, so the
//! first one did not know whether it would be alone. Once all answers are sealed, the worker opens its claim, and after
//! it the auditors open their answers. If one differs, a dispute begins by itself, in which the auditor has the oldest
//! game and no bond. The side that was wrong loses as much as for a false claim: an auditor's lock lasts as long as the
//! claim can be challenged.
//!
//! An auditor that does not seal or open in time has *missed*: it loses a part of its lock, rests, and another one is
//! drawn, as long as the model has one.
//!
//! Audits are paid from a *levy* on settlements. Levies are burned and pay is issued, so no account holds the pool: it
//! is a number, and never more is issued than was burned.
//!
//! Nothing here knows a market, a session or a dispute: they meet through [`assay_types::audit`].
//!
//! ## Terminology
//!
//! * **Hazard**: the expected number of draws of a claim.
//! * **Auditor**: a worker that was drawn to audit a claim. **Answer**: the output digest that it seals and opens.
//! * **Miss**: an answer that was not sealed or not opened in time.
//! * **Dues**: what a settlement brings: the levy, and the client's surcharge for its assurance level.
//! * **Pool**: what was burned for audits and not issued again.
//!
//! ## Properties
//!
//! * Whether a claim is audited follows from its seal's block, its hazard at that block and the seed: not from when the
//!   draw is looked at. A claim whose seed was forgotten is audited. Nothing is stored of one that was not drawn.
//! * A worker that keeps its claim back once an auditor was drawn loses what a false claim loses.
//! * A price or a stake in parts is drawn no more rarely than the whole.
//! * Neither the client nor the worker audits a claim, and nobody does twice.
//! * The pool never issues more than it was paid, and what is promised to auditors is set aside.
//!
//! [`Pallet::do_try_state`] checks what of this can be seen in storage.
//!
//! ## Calls
//!
//! * By auditors: [`answer`](Pallet::answer), [`open`](Pallet::open).
//! * By anyone: [`advance`](Pallet::advance), [`fund`](Pallet::fund).

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
extern crate alloc;

use frame_support::pallet_macros::import_section;
use polkadot_sdk::*;

mod agenda;
mod answers;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod draw;
mod ends;
mod events;
mod invariants;
mod money;
mod police;
mod queries;
pub mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Audits: some claims are executed a second time, by a worker that is drawn and paid for it.
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use crate::{AuditOf, BalanceOf, WeightInfo};
    use assay_police::{AuditRecord, DrawRules, LevyRules};
    use assay_types::{
        AssayTime, ClaimId, H256, SlashId, WorkerRegistry,
        audit::{Auditors, Randomness, SeniorCourt},
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
        /// The money.
        type Currency: fungible::Mutate<Self::AccountId>;

        /// Assay time, in which all of this pallet's blocks are counted.
        type Time: AssayTime<BlockNumberFor<Self>>;

        /// Seeds of the draw.
        type Randomness: Randomness<BlockNumberFor<Self>>;

        /// The workers that could audit.
        type Auditors: Auditors<Self::AccountId, BalanceOf<Self>>;

        /// The registered workers and their stakes.
        type Workers: WorkerRegistry<Self::AccountId, BalanceOf<Self>, BlockNumber = BlockNumberFor<Self>>;

        /// The court, before which auditors bring claims that differ.
        type Court: SeniorCourt<Self::AccountId>;

        /// Rules of the draw.
        #[pallet::constant]
        type Draw: Get<DrawRules>;

        /// Rules of the levy and of the auditors' pay.
        #[pallet::constant]
        type Levy: Get<LevyRules>;

        /// Blocks after a seal in which its seed is expected.
        #[pallet::constant]
        type DrawBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks that an auditor has for its answer.
        #[pallet::constant]
        type AnswerBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks that auditors have to open their answers, from the opening of the claim on.
        #[pallet::constant]
        type OpenBlocks: Get<BlockNumberFor<Self>>;

        /// Part of an auditor's lock that a miss costs.
        #[pallet::constant]
        type MissCost: Get<Perbill>;

        /// Share of the whole stake that a false claim or a false answer costs, at least the lock.
        #[pallet::constant]
        type FaultSlash: Get<Perbill>;

        /// The wronged worker's part of an auditor's slash, of the auditor's lock; at most half.
        #[pallet::constant]
        type SlashToWorker: Get<Perbill>;

        /// Weights of the calls and steps.
        type WeightInfo: WeightInfo;

        /// The other pallets, as benchmarks set them up.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_types::benchmarking::Scene<Self::AccountId, BalanceOf<Self>, BlockNumberFor<Self>>
            + assay_types::benchmarking::Seeds<BlockNumberFor<Self>>;
    }

    /// Claims that are audited and not settled.
    #[pallet::storage]
    pub type Audits<T: Config> = StorageMap<_, Twox64Concat, ClaimId, AuditOf<T>>;

    /// Records of workers with auditors. A worker without one is new.
    #[pallet::storage]
    pub type Records<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, AuditRecord, ValueQuery>;

    /// Amount that was burned for audits and is neither issued again nor set aside.
    #[pallet::storage]
    pub type Pool<T: Config> = StorageValue<_, BalanceOf<T>, ValueQuery>;

    /// Amount that is set aside for auditors that were drawn.
    #[pallet::storage]
    pub type SetAside<T: Config> = StorageValue<_, BalanceOf<T>, ValueQuery>;

    /// Audits that are to be looked at once this block is over.
    #[pallet::storage]
    pub type Agenda<T> = StorageDoubleMap<_, Twox64Concat, BlockNumberFor<T>, Twox64Concat, ClaimId, ()>;

    /// The first block whose part of the agenda may not be drained yet.
    #[pallet::storage]
    pub type AgendaCursor<T> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

    /// Refusals of calls, each with what to do.
    #[pallet::error]
    pub enum Error<T> {
        /// No such audit: the claim was not drawn, or it is settled.
        UnknownAudit,
        /// The account was not drawn to audit this claim.
        NotAuditor,
        /// The answer is sealed already: wait until the worker has opened its claim, and open it.
        AlreadySealed,
        /// The auditor's time is over: another one is drawn.
        TooLate,
        /// No answer can be opened now: wait until the worker has opened its claim.
        NotOpening,
        /// The answer is open already.
        AlreadyOpen,
        /// Digest and salt are not those that were sealed.
        WrongSeal,
        /// The answer differs from the claim: commit to the trace of your own execution, which the court needs.
        CommitmentMissing,
        /// The seed of the draw is not known yet: wait a few blocks.
        SeedNotKnown,
        /// Nothing is due: the audit waits for somebody whose time is not over.
        NotDue,
        /// The claim cannot be opened yet: wait for the draw, and for the auditors' seals.
        NotReady,
        /// The claim cannot be settled yet: an auditor is waited for, or the court.
        NotOver,
        /// The free balance does not cover the amount.
        InsufficientFunds,
        /// The amount is zero: give one above it.
        ZeroAmount,
        /// A step that the table of transitions does not have: a bug, please report it.
        IllegalTransition,
        /// The records contradict each other: a bug, please report it.
        Inconsistent,
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
        /// Seals the answer of the auditor that was drawn last, as docs/protocol.md draws seals.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::answer())]
        pub fn answer(origin: OriginFor<T>, claim: ClaimId, seal: H256) -> DispatchResult {
            let auditor = ensure_signed(origin)?;
            Self::do_answer(&auditor, claim, seal)
        }

        /// Opens an answer, once the worker has opened its claim. One that differs from the claim begins a dispute, for
        /// which `commitment` is that of the auditor's own trace, as of a challenge.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::open())]
        pub fn open(
            origin: OriginFor<T>,
            claim: ClaimId,
            output_digest: H256,
            salt: [u8; 32],
            commitment: Option<H256>,
        ) -> DispatchResult {
            let auditor = ensure_signed(origin)?;
            Self::do_open(auditor, claim, output_digest, &salt, commitment)
        }

        /// Does what is due for an audit. Anyone may call it; `on_idle` does the same where there is weight left.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::advance())]
        pub fn advance(origin: OriginFor<T>, claim: ClaimId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_advance(claim)
        }

        /// Burns money of the caller's for the pool that pays for audits.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::fund())]
        pub fn fund(origin: OriginFor<T>, amount: BalanceOf<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_fund(who, amount)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The audit of a claim, until the claim is settled.
        pub fn audit(claim: ClaimId) -> Option<AuditOf<T>> {
            Audits::<T>::get(claim)
        }

        /// A worker's record with auditors.
        pub fn record(worker: T::AccountId) -> AuditRecord {
            Records::<T>::get(worker)
        }
    }
}
