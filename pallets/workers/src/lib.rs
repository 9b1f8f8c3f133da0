//! # Workers
//!
//! The register of workers: their stake, their standing offers, and how busy they are.
//!
//! ## Design
//!
//! A worker is an account with a *stake*, held of its balance. The stake secures jobs: the market *locks* part of it
//! for each job and each open bid, in proportion to the price and at least a floor, frees it when the job is closed,
//! and slashes it when the worker fails. This pallet knows nothing of jobs: the market takes and releases the locks,
//! through [`assay_types::WorkerRegistry`], and says of each how it ended.
//!
//! A worker publishes *offers*: for a model version, its [terms](assay_types::OfferTerms) and how many jobs it will
//! have unclaimed at a time. The terms are a price (a base, and a rate for the job's work), the minimum deadline and
//! the range of challenge windows. The worker is bound to no job that does not fit them. The offers for one version
//! form a *book*, of at most [`assay_types::limits::MAX_OFFERS_PER_MODEL`] offers. A job is matched by reading the book
//! once and then records one by one: the offer wins whose price for this job is the lowest. The book is kept in order
//! of the price of the largest job and then of age. A full book is entered only by an offer strictly cheaper in this
//! order than its most expensive one, which it displaces. A place is held by who is eligible now: before that, an
//! offer of an eligible worker displaces one of a worker that is not, whatever the prices. What was displaced so waits,
//! and has a place again when its worker resumes or bonds more, as far as there is room.
//!
//! An offer that is worse for clients than the one it replaces, or a new one, takes effect after
//! [`Config::OfferDelay`], and takes no job that was submitted before. Nobody can raise a price for a job that is on
//! its way. Until then the worker takes no jobs at its former price either: an offer can always be taken back.
//!
//! A slash takes effect in one of two ways. For a missed deadline, which the chain sees by itself, it is paid and
//! burned at once. For a fault that was proved in a dispute it is *pending*: it leaves the stake at once, so that it
//! secures nothing, and stays held for [`Config::SlashDelay`]. In that time [`Config::SlashCancelOrigin`] can cancel
//! it, should the fault have been the chain's own; then the awards are paid and the rest is burned. It takes a share of
//! the whole stake, at least what the job locks. A worker is paused as long as a slash of it is pending.
//!
//! A worker *announces* where its node is in the workers' network: the node's identity and a few addresses. The chain
//! keeps this for whoever looks for the worker, until the worker takes it back or leaves, and understands none of it.
//! What it takes up is bounded, and every worker has a stake, so there is no deposit for it.
//!
//! A worker that gives back or misses a job *rests*: for [`Config::RestBlocks`] it takes none, whatever the model, and
//! for twice as long with each further job that it held for nothing. Every job that it is paid for takes one of these
//! strikes back. One number for all models is kept, in the worker's record, which matching reads anyway.
//!
//! Stake that is not locked may *unbond*: it secures nothing any more, stays held for [`Config::UnbondingBlocks`] and
//! can then be withdrawn. What a worker may do depends on its status, whose steps stand in
//! [`assay_types::WorkerStatus::TRANSITIONS`]. A worker that has *left* is forgotten once it has withdrawn everything.
//!
//! ## Terminology
//!
//! * **Stake**: money that secures jobs, free and locked together. **Locked**: the part that jobs and bids need.
//! * **Unbonding**: taken out of the stake and not yet withdrawn.
//! * **Pending slash**: taken out of the stake for a proved fault and not yet applied. **Mature**: due to be applied.
//! * **Secure**: registered, with at least [`Config::MinStake`], and without a pending slash. The market lets a worker
//!   that is not secure keep what it has claimed, and may give what it has not to another.
//! * **Offer**, **book**: a worker's terms and capacity for one model version; all offers for it in order.
//! * **Load**: the jobs of a worker on one version that are assigned and not yet claimed.
//! * **Rest**, **strike**: blocks in which a worker takes no jobs; a job that it held for nothing.
//! * **Eligible**: active, rested, without a pending slash, and with at least [`Config::MinStake`] and enough of it
//!   free.
//!
//! ## Properties
//!
//! * What is held of a worker's balance under [`HoldReason::Stake`] is its stake, all that unbonds and its pending
//!   slashes, to the unit.
//! * The locked part is never more than the stake of a worker that was never convicted, so that each of its locks can
//!   be slashed in full. A conviction takes from what other jobs lock as well; these are covered as far as the stake
//!   goes.
//! * Stake unbonds for longer than any job that could have been assigned while it was stake can last.
//! * Every book is sorted, holds one offer per worker, and is bounded; a worker's list of offers says the same.
//! * A worker whose stake was slashed below the least gets no job until it bonds more, and a convicted one gets none
//!   until its slash is applied or cancelled.
//! * A slash that is pending is applied or cancelled, and never both; how late it is applied changes nothing of it.
//! * No call iterates over anything unbounded, and no record is kept for a worker without money or work.
//!
//! [`Pallet::do_try_state`] checks what of this can be seen in storage.
//!
//! ## Calls
//!
//! * By workers, of their stake: [`register`](Pallet::register), [`bond_more`](Pallet::bond_more),
//!   [`unbond`](Pallet::unbond), [`withdraw`](Pallet::withdraw), [`leave`](Pallet::leave).
//! * By workers, of their work: [`publish_offer`](Pallet::publish_offer), [`remove_offer`](Pallet::remove_offer),
//!   [`pause`](Pallet::pause), [`resume`](Pallet::resume), [`drain`](Pallet::drain), [`announce`](Pallet::announce).
//! * By anyone: [`apply_slash`](Pallet::apply_slash).
//! * By [`Config::SlashCancelOrigin`]: [`cancel_slash`](Pallet::cancel_slash).

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
extern crate alloc;

use frame_support::pallet_macros::import_section;
use polkadot_sdk::*;

mod announcements;
mod auditing;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod book;
mod errors;
mod events;
mod invariants;
mod locks;
mod matching;
mod offers;
mod queries;
mod registry;
pub mod rest;
mod slashes;
pub mod stake;
mod staking;
mod status;
pub mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Workers: their stakes, their standing offers, and what of their stakes is locked or slashed.
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use crate::{BalanceOf, BookOf, OfferOf, OfferTermsOf, PendingSlashOf, WaitingOf, WeightInfo, WorkerRecordOf};
    use alloc::vec::Vec;
    use assay_types::{Announcement, AssayTime, ModelRegistry, ModelVersion, SlashId, WorkerInfo, limits};
    use polkadot_sdk::{
        frame_support::{pallet_prelude::*, traits::fungible},
        frame_system::pallet_prelude::*,
        sp_runtime::{FixedPointOperand, FixedU128},
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
        type Currency: fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + fungible::Inspect<Self::AccountId, Balance: FixedPointOperand>;

        /// Assay time, in which all of this pallet's blocks are counted.
        type Time: AssayTime<BlockNumberFor<Self>>;

        /// The registered models.
        type Models: ModelRegistry;

        /// The least stake of a worker that takes jobs.
        #[pallet::constant]
        type MinStake: Get<BalanceOf<Self>>;

        /// The least stake that a job or a bid locks. More than zero.
        #[pallet::constant]
        type StakeFloor: Get<BalanceOf<Self>>;

        /// The stake that a job locks for each unit of its price.
        #[pallet::constant]
        type StakePerPrice: Get<FixedU128>;

        /// Maximum number of blocks that a job may give its worker; the market's.
        #[pallet::constant]
        type MaxDeadline: Get<BlockNumberFor<Self>>;

        /// Minimum number of blocks of a challenge window; the market's.
        #[pallet::constant]
        type MinWindow: Get<BlockNumberFor<Self>>;

        /// Maximum number of blocks of a challenge window; the market's.
        #[pallet::constant]
        type MaxWindow: Get<BlockNumberFor<Self>>;

        /// Blocks until a new offer, or one that is worse for clients than the worker's offer before, takes effect.
        /// Longer than a submission is on its way into a block.
        #[pallet::constant]
        type OfferDelay: Get<BlockNumberFor<Self>>;

        /// Blocks that a worker rests after the first job that it held for nothing, and twice as many after each
        /// further one, up to 64 times as many.
        #[pallet::constant]
        type RestBlocks: Get<BlockNumberFor<Self>>;

        /// Blocks that stake unbonds before it can be withdrawn. Longer than `LongestJob`.
        #[pallet::constant]
        type UnbondingBlocks: Get<BlockNumberFor<Self>>;

        /// The longest that a job can be secured by stake: its deadlines, its challenge window, and whatever else may
        /// come before the stake is free again.
        #[pallet::constant]
        type LongestJob: Get<BlockNumberFor<Self>>;

        /// Blocks from a conviction until its slash is applied. Long enough for people to see a conviction that was the
        /// chain's own fault, and to cancel it.
        #[pallet::constant]
        type SlashDelay: Get<BlockNumberFor<Self>>;

        /// The origin that may cancel a pending slash.
        type SlashCancelOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;

        /// Money, time and models, as benchmarks set them up.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_types::benchmarking::Stage<Self::AccountId, BlockNumberFor<Self>>;
    }

    /// Reasons for which this pallet holds money.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// A worker's stake, and what was part of it: what unbonds, and what is to be slashed.
        #[codec(index = 0)]
        Stake,
    }

    /// The workers.
    #[pallet::storage]
    pub type Workers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, WorkerRecordOf<T>>;

    /// The book of offers for a model version, in the order of the price of the largest job. Never an empty one.
    #[pallet::storage]
    pub type Offers<T: Config> = StorageMap<_, Twox64Concat, ModelVersion, BookOf<T>, ValueQuery>;

    /// The model versions for which a worker has an offer. Never an empty list.
    #[pallet::storage]
    pub type OffersOf<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, BoundedVec<ModelVersion, limits::OffersPerWorker>, ValueQuery>;

    /// Offers that lost their places while their worker was not eligible, and wait for other ones. Never an empty list.
    #[pallet::storage]
    pub type Waiting<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, WaitingOf<T>, ValueQuery>;

    /// A worker's jobs on a version that are assigned and not yet claimed. Never zero.
    #[pallet::storage]
    pub type Load<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, ModelVersion, u32, ValueQuery>;

    /// Where workers' nodes are in the workers' network, of workers that have not left.
    #[pallet::storage]
    pub type Announcements<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Announcement>;

    /// The number of the next pending slash.
    #[pallet::storage]
    pub type NextSlash<T: Config> = StorageValue<_, SlashId, ValueQuery>;

    /// The first pending slash that `on_idle` has not looked at since it was mature; earlier ones were applied or
    /// cancelled, or wait for a call.
    #[pallet::storage]
    pub type NextToMature<T: Config> = StorageValue<_, SlashId, ValueQuery>;

    /// Slashes that are neither applied nor cancelled yet.
    #[pallet::storage]
    pub type PendingSlashes<T: Config> = StorageMap<_, Twox64Concat, SlashId, PendingSlashOf<T>>;

    /// Refusals of calls, each with what to do.
    #[pallet::error]
    pub enum Error<T> {
        /// The account is not a worker: register it with a stake.
        NotRegistered,
        /// The account is a worker already: bond more to add to its stake, or resume it.
        AlreadyRegistered,
        /// The worker has left: register it again with a new stake.
        HasLeft,
        /// A worker needs at least `MinStake`: register with more.
        StakeTooSmall,
        /// The account cannot spare this amount: fund it; the existential deposit and fees come on top.
        InsufficientFunds,
        /// The amount is zero: give one above it.
        ZeroAmount,
        /// The stake is locked by jobs and bids up to less than this amount: unbond less, or wait until they are
        /// closed.
        FreeStakeTooSmall,
        /// Less than `MinStake` would remain: unbond less, or drain and leave to take everything.
        RemainingStakeTooSmall,
        /// As many pieces unbond as may at a time: withdraw those that are due, or wait for the first one.
        TooManyUnbonding,
        /// Nothing is due: the worker's record says from which block each piece can be withdrawn.
        NothingToWithdraw,
        /// No such model version: read the model's record for its latest one.
        UnknownVersion,
        /// The model version is deprecated: offer a newer one.
        VersionDeprecated,
        /// The base price is zero: give one above it.
        ZeroPrice,
        /// The capacity is zero: give 1 or more, or remove the offer, or pause.
        ZeroCapacity,
        /// The smallest job at this price locks more than the whole stake: lower base or rate, or bond more.
        StakeTooSmallForPrice,
        /// The book is full of offers that cost no more: ask at most what the view function `entry_price` says for the
        /// largest job.
        BookFull,
        /// The worker has as many offers as it may have: remove another one first.
        TooManyOffers,
        /// The worker has no offer for this model version: its list of offers says for which it has.
        NoSuchOffer,
        /// The worker is draining: resume it first.
        IsDraining,
        /// The worker's status has no such step: pause when active, resume when paused or draining, drain when active
        /// or paused.
        WrongStatus,
        /// Jobs or bids lock stake: drain, and leave when all of them are closed.
        StakeLocked,
        /// More stake was to be released than is locked: the books of the caller, a pallet, are wrong.
        LockedStakeTooSmall,
        /// No such pending slash: it was never given, or it was applied or cancelled, and its event says which.
        NoSuchSlash,
        /// The slash is not mature: its record says from which block it can be applied.
        SlashNotMature,
        /// The slash is mature and can no longer be cancelled: make good its loss in another way.
        SlashMature,
        /// A job was to end that the worker does not have: the books of the caller, a pallet, are wrong.
        NoSuchJob,
        /// A slash of this worker is pending: wait until it is applied or cancelled, and resume then.
        SlashIsPending,
        /// No job can fit these terms: ask for a deadline of at most `MaxDeadline`, and for windows of which one is
        /// within `MinWindow` and `MaxWindow`.
        TermsFitNoJob,
        /// The identity or an address has no bytes: give those of the worker's node, or none at all to take back what
        /// was announced.
        EmptyAnnouncement,
    }

    #[pallet::extra_constants]
    impl<T: Config> Pallet<T> {
        /// Maximum number of offers for one model version. A cheaper offer displaces the most expensive one of a full
        /// book.
        #[pallet::constant_name(MaxOffersPerModel)]
        fn max_offers_per_model() -> u32 {
            limits::MAX_OFFERS_PER_MODEL
        }

        /// Maximum number of offers of one worker.
        #[pallet::constant_name(MaxOffersPerWorker)]
        fn max_offers_per_worker() -> u32 {
            limits::MAX_OFFERS_PER_WORKER
        }

        /// Maximum number of pieces of stake that one worker may have unbonding at a time.
        #[pallet::constant_name(MaxUnbonding)]
        fn max_unbonding() -> u32 {
            limits::MAX_UNBONDING
        }

        /// Maximum number of bytes of a peer's identity in an announcement.
        #[pallet::constant_name(MaxPeerBytes)]
        fn max_peer_bytes() -> u32 {
            limits::MAX_PEER_BYTES
        }

        /// Maximum number of addresses in an announcement.
        #[pallet::constant_name(MaxAddresses)]
        fn max_addresses() -> u32 {
            limits::MAX_ADDRESSES
        }

        /// Maximum number of bytes of an address in an announcement.
        #[pallet::constant_name(MaxAddressBytes)]
        fn max_address_bytes() -> u32 {
            limits::MAX_ADDRESS_BYTES
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
            Self::apply_mature_slashes(T::Time::now(), remaining)
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
        /// Makes the signer a worker with a stake of at least `MinStake`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register())]
        pub fn register(origin: OriginFor<T>, stake: BalanceOf<T>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_register(worker, stake)
        }

        /// Adds to the worker's stake.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::bond_more())]
        pub fn bond_more(origin: OriginFor<T>, amount: BalanceOf<T>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_bond_more(worker, amount)
        }

        /// Takes free stake out, to be withdrawn after `UnbondingBlocks`. At least `MinStake` must
        /// remain.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::unbond())]
        pub fn unbond(origin: OriginFor<T>, amount: BalanceOf<T>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_unbond(worker, amount)
        }

        /// Releases the unbonded stake whose time has come. A worker that has left and has none left is forgotten.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::withdraw())]
        pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_withdraw(worker)
        }

        /// Publishes an offer for a model version, in place of the worker's earlier one. A full book is entered by a
        /// price of the largest job strictly below the highest. An offer that is new, or worse for clients than the
        /// earlier one, takes effect after `OfferDelay`. A worker has at most `MaxOffersPerWorker` offers, and a book
        /// at most `MaxOffersPerModel`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::publish_offer())]
        pub fn publish_offer(
            origin: OriginFor<T>,
            version: ModelVersion,
            terms: OfferTermsOf<T>,
            capacity: u32,
        ) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_publish_offer(worker, version, terms, capacity)
        }

        /// Takes an offer back. Jobs that the worker has go on.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::remove_offer())]
        pub fn remove_offer(origin: OriginFor<T>, version: ModelVersion) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_remove_offer(worker, version)
        }

        /// Takes no jobs for now. The offers count again after `resume`. Until then others may take their
        /// places in full books.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::pause())]
        pub fn pause(origin: OriginFor<T>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_pause(worker)
        }

        /// Takes jobs again, after a pause or in place of leaving. Offers that lost their places have them again where
        /// there is room.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::resume())]
        pub fn resume(origin: OriginFor<T>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_resume(worker)
        }

        /// Takes no more jobs and removes every offer; what the worker has, it finishes.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::drain())]
        pub fn drain(origin: OriginFor<T>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_drain(worker)
        }

        /// Leaves: removes every offer and unbonds the whole stake, of which no job or bid may lock any.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::leave())]
        pub fn leave(origin: OriginFor<T>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_leave(worker)
        }

        /// Applies a pending slash that is mature: pays its awards and burns the rest. Anyone may call it; `on_idle`
        /// does the same where there is weight left.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::apply_slash())]
        pub fn apply_slash(origin: OriginFor<T>, slash: SlashId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_apply_slash(slash)
        }

        /// Cancels a pending slash that is not mature: the worker has its stake again, or its money if it has left.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::cancel_slash())]
        pub fn cancel_slash(origin: OriginFor<T>, slash: SlashId) -> DispatchResult {
            T::SlashCancelOrigin::ensure_origin(origin)?;
            Self::do_cancel_slash(slash)
        }

        /// Says where the worker's node is in the workers' network, in place of what was said before; `None` takes that
        /// back. It is forgotten when the worker leaves. At most `MaxAddresses` addresses of `MaxAddressBytes` each.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::announce())]
        pub fn announce(origin: OriginFor<T>, announcement: Option<Announcement>) -> DispatchResult {
            let worker = ensure_signed(origin)?;
            Self::do_announce(worker, announcement)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The worker, its stake and its offers.
        pub fn worker(account: T::AccountId) -> Option<WorkerInfo<BalanceOf<T>, BlockNumberFor<T>>> {
            Self::worker_info(&account)
        }

        /// The offers for a model version, in the order of the price of the largest job.
        pub fn offers(version: ModelVersion) -> Vec<OfferOf<T>> {
            Offers::<T>::get(version).into_inner()
        }

        /// The greatest price of the largest job at which a new offer enters the book of a model version; `None` if no
        /// price is too high, since there is place, and zero if none is low enough.
        pub fn entry_price(version: ModelVersion) -> Option<BalanceOf<T>> {
            Self::greatest_entering_price(version)
        }

        /// The worker's place in the workers' network, if it has announced one.
        pub fn announcement(worker: T::AccountId) -> Option<Announcement> {
            Self::announcement_of(&worker)
        }

        /// The stake that a job of this price locks.
        pub fn stake_for_price(price: BalanceOf<T>) -> BalanceOf<T> {
            Self::lock_for(price)
        }
    }
}
