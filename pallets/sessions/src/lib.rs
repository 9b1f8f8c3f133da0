//! # Sessions
//!
//! Answers at once: a budget is held on chain once, requests go straight to the worker, and the chain settles what was
//! promised, for the same fees whether there was one request or a million.
//!
//! ## Design
//!
//! A worker publishes standing *session offers*, one for each model version. A client *opens* a session by one: the
//! budget is held of the client, and a multiple of it is locked of the worker's stake. Requests and answers travel off
//! the chain. With each answer the worker signs a [receipt](assay_types::Receipt), and the client a
//! [voucher](assay_types::Voucher) for everything that it owes so far. The worker *redeems* vouchers whenever it likes;
//! the last one alone would do.
//!
//! The worker closes a session at once. The client's close, and the end of its time, leave the worker
//! [`Config::ClosingBlocks`] for its last voucher. Then the money is settled: the client has back what was not
//! redeemed. The worker's stake stays locked for the session's *window*.
//!
//! A signed receipt is a claim. As long as the window has not passed, anybody can challenge it, in the court in which
//! claims on jobs are challenged ([`assay_types::Court`], [`assay_types::Claims`]): its price is withheld, and the part
//! of the lock that a job of this price locks secures it. Verdicts, bonds, awards and slashes are those of jobs. Two
//! different receipts of one request convict without a game.
//!
//! ## Terminology
//!
//! * **Units**: work of a request, by the polynomial of the model's parts at the request's symbols.
//! * **Budget**: what the worker can be paid at most. **Redeemed**: what it was paid. The difference is held.
//! * **Withheld**: prices of receipts that are disputed, or whose worker was late. No voucher pays for them.
//! * **Phase**: where a session stands; every legal step is in
//!   [`SessionPhase::TRANSITIONS`](assay_types::session::SessionPhase::TRANSITIONS).
//! * **Agenda**: the last blocks of all phases, drained in `on_idle` as far as the block's weight allows.
//!
//! ## Properties
//!
//! * What is held of an account is the sum of `budget - redeemed` over its sessions, after every call. Money never
//!   passes through a pot.
//! * The worker is never paid more than the client has signed, nor more than the budget.
//! * The client has nothing back before the worker had [`Config::ClosingBlocks`] for its last voucher, or has closed
//!   the session itself.
//! * Nothing is settled while a receipt is disputed, and afterwards the worker has time for its last voucher again.
//! * Deadlines are checked when a call is dispatched; whether the agenda is late changes no outcome but the delay.
//!
//! [`Pallet::do_try_state`] checks what of this can be seen in storage.
//!
//! ## Calls
//!
//! * By workers: [`publish_offer`](Pallet::publish_offer), [`remove_offer`](Pallet::remove_offer),
//!   [`redeem`](Pallet::redeem), [`close`](Pallet::close).
//! * By clients: [`open`](Pallet::open), [`top_up`](Pallet::top_up), [`close`](Pallet::close).
//! * By challengers: [`challenge_receipt`](Pallet::challenge_receipt).
//! * By anyone: [`advance`](Pallet::advance), [`convict_equivocation`](Pallet::convict_equivocation).
//! * By governance: [`force_end`](Pallet::force_end).

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
extern crate alloc;

use frame_support::pallet_macros::import_section;
use polkadot_sdk::*;

mod agenda;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod dispute;
mod equivocation;
mod errors;
mod events;
mod forced;
mod invariants;
mod moves;
mod offers;
mod open;
pub mod queries;
mod receipts;
mod rules;
mod settlement;
mod steps;
pub mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Sessions: a budget is held once, requests go straight to the worker, and the chain pays what the client has signed.
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use crate::{
        BalanceOf, DisputedReceiptOf, KeptRulesOf, OfferOf, ReceiptOf, RequestOf, SessionOf, SignedReceiptOf,
        SignedVoucherOf, WeightInfo,
    };
    use alloc::{boxed::Box, vec::Vec};
    use assay_types::{
        AssayTime, ClaimId, Court, H256, ModelRegistry, ModelVersion, SessionId, SessionQuote, SlashId, WorkerRegistry,
        limits::{self, MAX_SYMBOLS, Symbols},
        session::SessionEnd,
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

        /// The registered workers and their stakes.
        type Workers: WorkerRegistry<Self::AccountId, BalanceOf<Self>, BlockNumber = BlockNumberFor<Self>>;

        /// The court, to which receipts are brought.
        type Court: Court<Self::AccountId>;

        /// Hash of the chain's first block, which every message names.
        type Genesis: Get<H256>;

        /// Minimum of an offer's lock, in hundredths of the budget.
        #[pallet::constant]
        type MinLockPercent: Get<u32>;

        /// Maximum number of blocks for which a session can be open.
        #[pallet::constant]
        type MaxSessionBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks that the worker has for its last voucher, once the client has closed the session or its time is over.
        /// Enough for an operator to restart a machine.
        #[pallet::constant]
        type ClosingBlocks: Get<BlockNumberFor<Self>>;

        /// Minimum number of blocks of a challenge window: enough for a challenger to execute the request and to get a
        /// transaction in.
        #[pallet::constant]
        type MinWindow: Get<BlockNumberFor<Self>>;

        /// Maximum number of blocks of a challenge window.
        #[pallet::constant]
        type MaxWindow: Get<BlockNumberFor<Self>>;

        /// Blocks that disputes can take over a session's window, for those who must outlast the longest session.
        #[pallet::constant]
        type DisputeAllowance: Get<BlockNumberFor<Self>>;

        /// Share of a worker's whole stake that an equivocation costs, at least what the session locks.
        #[pallet::constant]
        type FaultSlash: Get<Perbill>;

        /// The reporter's part of what a worker loses by an equivocation.
        #[pallet::constant]
        type SlashToReporter: Get<Perbill>;

        /// The client's part, of what the session locks. The two parts together are at most half; the rest is burned.
        #[pallet::constant]
        type SlashToClient: Get<Perbill>;

        /// The origin that ends sessions which cannot end by themselves.
        type ForceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Weights of the calls and steps.
        type WeightInfo: WeightInfo;

        /// The other pallets, as benchmarks set them up.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_types::benchmarking::Scene<Self::AccountId, BalanceOf<Self>, BlockNumberFor<Self>>;
    }

    /// Reasons for which this pallet holds money.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The part of the budgets of a client's sessions that is not redeemed.
        #[codec(index = 0)]
        Budget,
    }

    /// The number of the next session.
    #[pallet::storage]
    pub type NextSessionId<T> = StorageValue<_, SessionId, ValueQuery>;

    /// The sessions that are not over.
    #[pallet::storage]
    pub type Sessions<T> = StorageMap<_, Twox64Concat, SessionId, SessionOf<T>>;

    /// Receipts that are disputed, by the numbers of their claims.
    #[pallet::storage]
    pub type DisputedReceipts<T> = StorageMap<_, Twox64Concat, ClaimId, DisputedReceiptOf<T>>;

    /// Standing offers, by model version and worker.
    #[pallet::storage]
    pub type Offers<T: Config> =
        StorageDoubleMap<_, Twox64Concat, ModelVersion, Blake2_128Concat, T::AccountId, OfferOf<T>>;

    /// The model versions for which a worker offers sessions. Never an empty list.
    #[pallet::storage]
    pub type OffersOf<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, BoundedVec<ModelVersion, limits::SessionOffers>, ValueQuery>;

    /// A worker's sessions on a model version that are not over. Never zero.
    #[pallet::storage]
    pub type Load<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, ModelVersion, u32, ValueQuery>;

    /// For every session without a disputed receipt, the last block of its phase.
    #[pallet::storage]
    pub type Agenda<T> = StorageDoubleMap<_, Twox64Concat, BlockNumberFor<T>, Twox64Concat, SessionId, ()>;

    /// The first block whose part of the agenda may not be drained yet.
    #[pallet::storage]
    pub type AgendaCursor<T> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

    /// Rules that were changed while sessions went on which had been opened under them.
    #[pallet::storage]
    pub type KeptRules<T: Config> = StorageValue<_, KeptRulesOf<T>, ValueQuery>;

    /// Sessions whose step failed in `on_idle`, off the agenda until somebody calls `advance`.
    #[pallet::storage]
    pub type SetAside<T> = StorageMap<_, Twox64Concat, SessionId, ()>;

    /// Refusals of calls, each with what to do.
    #[pallet::error]
    pub enum Error<T> {
        /// No such model version: look it up in `Models::Versions`.
        UnknownModel,
        /// The model version takes no new sessions: use a later one.
        ModelDeprecated,
        /// The account is not a worker: register with a stake.
        NotRegistered,
        /// The worker takes no sessions now: choose another one, or resume it.
        WorkerNotActive,
        /// The worker has as many sessions as its offer allows: choose another one, or wait.
        WorkerBusy,
        /// The worker's free stake does not cover the lock: take a smaller budget, or bond more.
        StakeTooSmall,
        /// The worker has given back or missed a job, and takes none for a while.
        WorkerResting,
        /// The base price is zero: give one above it.
        ZeroPrice,
        /// The capacity is zero: give 1 or more, or remove the offer.
        ZeroCapacity,
        /// `min_budget` must be at least the base price, and at most `max_budget`.
        BudgetRange,
        /// `lock_percent` must be at least `MinLockPercent`.
        LockTooSmall,
        /// `window_blocks` must be between `MinWindow` and `MaxWindow`.
        WindowOutOfRange,
        /// `max_blocks` must be at least 1, and at most `MaxSessionBlocks`.
        DurationOutOfRange,
        /// The worker has as many session offers as it may have: remove another one first.
        TooManyOffers,
        /// The worker offers no sessions on this model version.
        NoSuchOffer,
        /// The offer is not the one that the client knows: read it again.
        AnotherOffer,
        /// The budget is less than the offer's minimum, or more than its maximum.
        BudgetOutOfRange,
        /// The session is to be open for no block, or for longer than the offer allows.
        TooLong,
        /// The client's free balance does not cover the amount.
        InsufficientFunds,
        /// No session has a number any more.
        NoNumberLeft,
        /// No such session: it was never opened, or it is over.
        UnknownSession,
        /// Only the session's client can do this.
        NotClient,
        /// Only the session's worker can do this.
        NotWorker,
        /// Only the session's client or worker can do this.
        NotParty,
        /// The session is not open: open another one.
        NotOpen,
        /// The money of the session is settled.
        IsSettled,
        /// The time for the last voucher is over.
        TooLate,
        /// The amount is zero: give one above it.
        ZeroAmount,
        /// The request has more than `MaxSymbols` values of symbols: give one for each symbol of the model's schema.
        TooManySymbols,
        /// The client's close takes no voucher: send it to the worker.
        VoucherNotWanted,
        /// The signature is not the key's, or the message is of another session or another chain.
        BadSignature,
        /// The voucher promises no more than was redeemed already, or than is withheld.
        NothingToRedeem,
        /// A receipt is disputed: wait for the verdict.
        UnderDispute,
        /// Nothing is due: the session's phase is not over.
        NotDue,
        /// The time in which receipts of this session could be challenged is over.
        WindowPassed,
        /// A session has no request of this number.
        NoSuchRequest,
        /// The receipt names another model than the session: nobody is to pay for it.
        AnotherModel,
        /// Another receipt of this request is disputed: show both to `convict_equivocation`.
        AnotherReceipt,
        /// The two receipts are of different requests, or say the same.
        NoContradiction,
        /// The receipt is not disputed.
        NotDisputed,
        /// A step that the table of transitions does not have: a bug, please report it.
        IllegalTransition,
        /// The records contradict each other: a bug, please report it.
        Inconsistent,
        /// The session is not set aside: it ends by itself.
        NotSetAside,
        /// Nothing keeps the session from its step any more: call `advance`.
        EndsByItself,
    }

    #[pallet::extra_constants]
    impl<T: Config> Pallet<T> {
        /// Number of the last request that a session can have.
        #[pallet::constant_name(MaxSequence)]
        fn max_sequence() -> u32 {
            limits::MAX_SEQUENCE
        }

        /// Maximum number of session offers of one worker.
        #[pallet::constant_name(MaxSessionOffers)]
        fn max_session_offers() -> u32 {
            limits::MAX_SESSION_OFFERS
        }

        /// Maximum number of symbols of a request's input.
        #[pallet::constant_name(MaxSymbols)]
        fn max_symbols() -> u32 {
            MAX_SYMBOLS
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
        /// Offers sessions on a model version, in place of the worker's earlier offer. Sessions that are open keep
        /// their terms. A worker has at most `MaxSessionOffers`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::publish_offer())]
        pub fn publish_offer(origin: OriginFor<T>, model: ModelVersion, offer: OfferOf<T>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_publish_offer(worker, model, offer)
        }

        /// Takes an offer back. Sessions that are open go on.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::remove_offer())]
        pub fn remove_offer(origin: OriginFor<T>, model: ModelVersion) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_remove_offer(worker, model)
        }

        /// Opens a session by a worker's offer: holds the budget, and locks the worker's stake.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::open())]
        pub fn open(origin: OriginFor<T>, request: Box<RequestOf<T>>) -> DispatchResult {
            let client = ensure_signed(origin)?;
            Self::do_open(client, *request)
        }

        /// Adds to the budget of an open session, up to the maximum of its terms.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::top_up())]
        pub fn top_up(origin: OriginFor<T>, session: SessionId, amount: BalanceOf<T>) -> DispatchResult {
            let client = ensure_signed(origin)?;
            Self::do_top_up(&client, session, amount)
        }

        /// Pays the worker what the client has promised beyond what was redeemed before.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::redeem())]
        pub fn redeem(origin: OriginFor<T>, voucher: SignedVoucherOf<T>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_redeem(&worker, &voucher)
        }

        /// Closes a session. The worker redeems its last voucher by the same call, and the money is settled at once.
        /// The client's close gives the worker `ClosingBlocks` for its last voucher.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::close())]
        pub fn close(origin: OriginFor<T>, session: SessionId, last: Option<SignedVoucherOf<T>>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_close(&who, session, last.as_ref())
        }

        /// Does what is due for a session. Anyone may call it; `on_idle` does the same where there is weight left.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::advance())]
        pub fn advance(origin: OriginFor<T>, session: SessionId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_advance(session)
        }

        /// Doubts a receipt, with the bond of a challenge. `symbols` are those of the request's input, and `commitment`
        /// is that of the challenger's own trace for the receipt's claim (see docs/protocol.md).
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::challenge_receipt())]
        pub fn challenge_receipt(
            origin: OriginFor<T>,
            receipt: Box<SignedReceiptOf<T>>,
            symbols: Vec<u32>,
            commitment: H256,
        ) -> DispatchResult {
            let challenger = ensure_signed(origin)?;
            ensure!(symbols.len() <= MAX_SYMBOLS as usize, Error::<T>::TooManySymbols);
            Self::do_challenge_receipt(challenger, *receipt, &symbols, commitment)
        }

        /// Convicts a worker that has signed two different receipts of one request. Anybody may show them, and has the
        /// award of a finder. A call that convicts costs no fee.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::convict_equivocation())]
        pub fn convict_equivocation(
            origin: OriginFor<T>,
            first: Box<SignedReceiptOf<T>>,
            second: Box<SignedReceiptOf<T>>,
        ) -> DispatchResultWithPostInfo {
            let reporter = ensure_signed(origin)?;
            Self::do_convict_equivocation(reporter, &first, &second)?;
            Ok(Pays::No.into())
        }

        /// Ends a session that is set aside because its step fails. The client has back what is still held for the
        /// session, and the worker's stake is free as far as it is still locked. Only
        /// for governance, and only once no receipt can be challenged any more.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::force_end())]
        pub fn force_end(origin: OriginFor<T>, session: SessionId) -> DispatchResult {
            T::ForceOrigin::ensure_origin(origin)?;
            Self::do_force_end(session)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The session, until it is over.
        pub fn session(session: SessionId) -> Option<SessionOf<T>> {
            Sessions::<T>::get(session)
        }

        /// A worker's offer of sessions on a model version.
        pub fn offer(model: ModelVersion, worker: T::AccountId) -> Option<OfferOf<T>> {
            Offers::<T>::get(model, worker)
        }

        /// The price of a request with these values of the symbols by a worker's offer.
        pub fn quote(
            model: ModelVersion,
            worker: T::AccountId,
            symbols: BoundedVec<u32, Symbols>,
        ) -> Option<SessionQuote<BalanceOf<T>>> {
            Self::quote_for(model, &worker, &symbols)
        }
    }
}
