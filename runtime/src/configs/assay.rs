//! Assay's own pallets: what jobs may ask for, and what secures them.
//!
//! A parameter ([`crate::parameters`]) can be changed by governance; the others are compiled in.

use super::{audits::DRAW_BLOCKS, governance::MostOfCommittee};
use crate::{
    parameters::dynamic_params::{fees, market, models, workers},
    units::{DAYS, HOURS, MINUTES},
    *,
};
use frame_support::{
    parameter_types,
    traits::{ConstU32, EitherOfDiverse, Get, fungible::HoldConsideration},
};
use frame_system::EnsureRoot;
use pallet_models::VersionDeposit;

/// Every clock of a dispute, over the challenge window of its job, and those of the disputes that come before it in its
/// worker's queue ([`pallet_disputes::LongestDispute`]).
pub(crate) const DISPUTE_ALLOWANCE: BlockNumber = 10 * DAYS;
/// An audit with all auditors that can be drawn for it, and the time that a worker has then for its claim
/// ([`pallet_audits::LongestAudit`]).
pub(crate) const AUDIT_ALLOWANCE: BlockNumber = 36 * HOURS;
/// Blocks that a worker has for an audited claim: it may be gone for so long and lose nothing.
pub(crate) const LATE_CLAIM_BLOCKS: BlockNumber = 12 * HOURS;
/// Blocks that a worker has for an output which its client demands: 16 pieces at most, each in a block of its own.
pub(crate) const DEMAND_BLOCKS: BlockNumber = 30 * MINUTES;
/// Stake and models outlive every job ([`pallet_market::LongestJob`], thirteen days and some hours) and every session
/// ([`pallet_sessions::LongestSession`], twelve days and some), whatever the parameters are; the pallets' integrity
/// tests compare the two. What was agreed is kept for as long.
pub(crate) const OUTLIVE_JOBS: BlockNumber = 14 * DAYS;

/// The longest that a job or a session can last.
pub struct LongestClaim;

impl Get<BlockNumber> for LongestClaim {
    fn get() -> BlockNumber {
        pallet_market::LongestJob::<Runtime>::get().max(pallet_sessions::LongestSession::<Runtime>::get())
    }
}

parameter_types! {
    /// Twice what a byte of a transaction costs, as fees may rise.
    pub DemandByteDeposit: Balance = fees::ByteFee::get().saturating_mul(2);
    /// A piece takes a four-hundredth of a core at most; as fees may rise, four times what that costs.
    pub DemandPieceDeposit: Balance = fees::FullCoreFee::get() / 100;
    pub const ModelDeposit: RuntimeHoldReason = RuntimeHoldReason::Models(pallet_models::HoldReason::Registration);
}

impl pallet_models::Config for Runtime {
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = benchmarking::Stage;
    type Consideration = HoldConsideration<
        AccountId,
        Balances,
        ModelDeposit,
        VersionDeposit<models::DepositPerVersion, models::DepositPerByte, Balance>,
    >;
    type LongestJob = LongestClaim;
    type RetirementBlocks = ConstU32<OUTLIVE_JOBS>;
    type Time = Time;
    type WeightInfo = weights::pallet_models::AssayWeight<Self>;
}

impl pallet_workers::Config for Runtime {
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = benchmarking::Stage;
    type Currency = Balances;
    type LongestJob = LongestClaim;
    type MaxDeadline = market::MaxDeadline;
    type MaxWindow = market::MaxWindow;
    type MinStake = workers::MinStake;
    type MinWindow = market::MinWindow;
    type Models = Models;
    type OfferDelay = workers::OfferDelay;
    type RestBlocks = workers::RestBlocks;
    type RuntimeHoldReason = RuntimeHoldReason;
    /// At once: the slash does not wait for a decision to be carried out.
    type SlashCancelOrigin = EitherOfDiverse<EnsureRoot<AccountId>, MostOfCommittee>;
    type SlashDelay = workers::SlashDelay;
    type StakeFloor = workers::StakeFloor;
    type StakePerPrice = workers::StakePerPrice;
    type Time = Time;
    type UnbondingBlocks = ConstU32<OUTLIVE_JOBS>;
    type WeightInfo = weights::pallet_workers::AssayWeight<Self>;
}

impl pallet_market::Config for Runtime {
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = benchmarking::Stage;
    type AuditAllowance = ConstU32<AUDIT_ALLOWANCE>;
    type BidDeposit = market::BidDeposit;
    /// As long as a worker has for all its turns of a game.
    type ClaimBlocks = ConstU32<{ 30 * MINUTES }>;
    type Currency = Balances;
    type DeclineSlash = market::DeclineSlash;
    type DemandBlocks = ConstU32<DEMAND_BLOCKS>;
    type DemandByteDeposit = DemandByteDeposit;
    type DemandPieceDeposit = DemandPieceDeposit;
    type DisputeAllowance = ConstU32<DISPUTE_ALLOWANCE>;
    type DrawBlocks = ConstU32<DRAW_BLOCKS>;
    type LateClaimBlocks = ConstU32<LATE_CLAIM_BLOCKS>;
    type MaxAuctionPhase = market::MaxAuctionPhase;
    type MaxDeadline = market::MaxDeadline;
    type MaxWindow = market::MaxWindow;
    type MinAuctionPhase = market::MinAuctionPhase;
    type MinDeadline = market::MinDeadline;
    type MinWindow = market::MinWindow;
    type MissCompensation = market::MissCompensation;
    type Models = Models;
    type NonDeliverySlash = market::NonDeliverySlash;
    type Police = Audits;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Time = Time;
    type WeightInfo = weights::pallet_market::AssayWeight<Self>;
    type Workers = Workers;
}
