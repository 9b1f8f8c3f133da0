//! Assay's own pallets: what jobs may ask for, and what secures them.
//!
//! As in [`super::disputes`], a `storage` parameter can be changed by governance.

use crate::{
    units::{DAYS, HOURS, MICROUNIT, MILLIUNIT, MINUTES, UNIT, deposit},
    *,
};
use frame_support::{
    parameter_types,
    traits::{ConstU32, ConstU128, Get, fungible::HoldConsideration},
};
use frame_system::EnsureRoot;
use pallet_models::VersionDeposit;
use sp_runtime::{FixedU128, Perbill};

/// An honest worker waits some ten blocks for finality before it starts, and a few for its claim to be included.
const MIN_DEADLINE: BlockNumber = MINUTES;
const MAX_DEADLINE: BlockNumber = HOURS;
/// A challenger re-executes the job, which takes it no longer than the worker had at least.
pub(super) const MIN_WINDOW: BlockNumber = MINUTES;
pub(super) const MAX_WINDOW: BlockNumber = DAYS;
/// Enough blocks for a bid to be seen, priced and included, even if one block or two are missed.
const MIN_AUCTION_PHASE: BlockNumber = 5;
const MAX_AUCTION_PHASE: BlockNumber = 10 * MINUTES;

/// A submission that is seen on its way into a block is in one by then, or has not been taken for a reason.
const OFFER_DELAY: BlockNumber = 10;
/// Half a minute, in which a job that comes back goes to others; after six more failures it is half an hour.
const REST_BLOCKS: BlockNumber = MINUTES / 2;
/// What a job costs its client in fees at least: in a full batch, with the smallest input, at the minimum of the fee
/// multiplier. A test compares the two.
const MISS_COMPENSATION: Balance = 20 * MICROUNIT;

/// Every clock of a dispute, over the challenge window of its job, and those of the disputes that come before it in its
/// worker's queue ([`pallet_disputes::LongestDispute`]).
pub(super) const DISPUTE_ALLOWANCE: BlockNumber = 10 * DAYS;
/// Stake and models outlive every job ([`pallet_market::LongestJob`], eleven days and some hours) and every session
/// ([`pallet_sessions::LongestSession`], twelve days and some) by days; the pallets' integrity tests compare the two.
const OUTLIVE_JOBS: BlockNumber = 14 * DAYS;

/// The longest that a job or a session can last.
pub struct LongestClaim;

impl Get<BlockNumber> for LongestClaim {
    fn get() -> BlockNumber {
        pallet_market::LongestJob::<Runtime>::get().max(pallet_sessions::LongestSession::<Runtime>::get())
    }
}

parameter_types! {
    pub const ModelDeposit: RuntimeHoldReason = RuntimeHoldReason::Models(pallet_models::HoldReason::Registration);
}

impl pallet_models::Config for Runtime {
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = benchmarking::Stage;
    type Consideration = HoldConsideration<
        AccountId,
        Balances,
        ModelDeposit,
        VersionDeposit<ConstU128<{ deposit(3, 0) }>, ConstU128<{ deposit(0, 1) }>, Balance>,
    >;
    type LongestJob = LongestClaim;
    type RetirementBlocks = ConstU32<OUTLIVE_JOBS>;
    type Time = Time;
    type WeightInfo = weights::pallet_models::AssayWeight<Self>;
}

parameter_types! {
    /// A job locks ten times its price, so that a wrong result costs a multiple of what it could earn.
    pub const StakePerPrice: FixedU128 = FixedU128::from_u32(10);

    /// People have a day to see that a conviction was the chain's own fault, and to cancel its slash.
    pub storage SlashDelay: BlockNumber = DAYS;
}

impl pallet_workers::Config for Runtime {
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = benchmarking::Stage;
    type Currency = Balances;
    type LongestJob = LongestClaim;
    type MaxDeadline = ConstU32<MAX_DEADLINE>;
    type MaxWindow = ConstU32<MAX_WINDOW>;
    type MinStake = ConstU128<{ 100 * UNIT }>;
    type MinWindow = ConstU32<MIN_WINDOW>;
    type Models = Models;
    type OfferDelay = ConstU32<OFFER_DELAY>;
    type RestBlocks = ConstU32<REST_BLOCKS>;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SlashCancelOrigin = EnsureRoot<AccountId>;
    type SlashDelay = SlashDelay;
    /// Covers the transactions of a dispute over the cheapest job.
    type StakeFloor = ConstU128<UNIT>;
    type StakePerPrice = StakePerPrice;
    type Time = Time;
    type UnbondingBlocks = ConstU32<OUTLIVE_JOBS>;
    type WeightInfo = weights::pallet_workers::AssayWeight<Self>;
}

parameter_types! {
    pub const NonDeliverySlash: Perbill = Perbill::from_percent(10);
    pub const DeclineSlash: Perbill = Perbill::from_percent(1);
}

impl pallet_market::Config for Runtime {
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = benchmarking::Stage;
    /// More than the fees of a bid, so that a bid which is not meant costs something.
    type BidDeposit = ConstU128<{ 100 * MILLIUNIT }>;
    type Currency = Balances;
    type DeclineSlash = DeclineSlash;
    type DisputeAllowance = ConstU32<DISPUTE_ALLOWANCE>;
    type MaxAuctionPhase = ConstU32<MAX_AUCTION_PHASE>;
    type MaxDeadline = ConstU32<MAX_DEADLINE>;
    type MaxWindow = ConstU32<MAX_WINDOW>;
    type MinAuctionPhase = ConstU32<MIN_AUCTION_PHASE>;
    type MinDeadline = ConstU32<MIN_DEADLINE>;
    type MinWindow = ConstU32<MIN_WINDOW>;
    type MissCompensation = ConstU128<MISS_COMPENSATION>;
    type Models = Models;
    type NonDeliverySlash = NonDeliverySlash;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Time = Time;
    type WeightInfo = weights::pallet_market::AssayWeight<Self>;
    type Workers = Workers;
}
