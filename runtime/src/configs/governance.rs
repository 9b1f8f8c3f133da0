//! Governance, and the way in which decisions are carried out: a technical committee, beside the superuser and
//! in its place once there is none.
//!
//! Origins by concern: two thirds of the committee decide on any call, which is made with the superuser's rights after
//! a delay; a third cancels that. More than half pause calls, cancel slashes and choose collators, at once.

use super::system::RuntimeBlockWeights;
use crate::{
    parameters::{RuntimeParameters, change::CheckedParameters, dynamic_params::governance},
    pause::CannotBePaused,
    units::{DAYS, MINUTES, deposit},
    *,
};
use frame_support::{
    parameter_types,
    traits::{ConstU32, EitherOfDiverse, EqualPrivilegeOnly, Get, LinearStoragePrice, fungible::HoldConsideration},
    weights::Weight,
};
use frame_system::{EnsureNever, EnsureRoot};
use pallet_collective::{EnsureProportionAtLeast, EnsureProportionMoreThan, PrimeDefaultVote};
use sp_runtime::Perbill;

/// The technical committee.
pub type TechnicalCollective = pallet_collective::Instance1;
/// More than half of the committee.
pub type MostOfCommittee = EnsureProportionMoreThan<AccountId, TechnicalCollective, 1, 2>;
/// Two thirds of the committee, or the superuser.
pub type TwoThirds =
    EitherOfDiverse<EnsureRoot<AccountId>, EnsureProportionAtLeast<AccountId, TechnicalCollective, 2, 3>>;
/// A third of the committee, or the superuser.
pub type OneThird =
    EitherOfDiverse<EnsureRoot<AccountId>, EnsureProportionAtLeast<AccountId, TechnicalCollective, 1, 3>>;

parameter_types! {
    /// Maximum weight of a call that the committee makes at once: half a block. A call that is decided on may weigh
    /// more.
    pub MaxProposalWeight: Weight = Perbill::from_percent(50) * RuntimeBlockWeights::get().max_block;
    /// Maximum weight of scheduled calls in a block.
    pub MaxScheduledWeight: Weight = Perbill::from_percent(75) * RuntimeBlockWeights::get().max_block;
    /// Maximum weight of a migration in a block, which takes no calls meanwhile.
    pub MaxMigrationWeight: Weight = Perbill::from_percent(50) * RuntimeBlockWeights::get().max_block;
    pub const PreimageBaseDeposit: Balance = deposit(2, 64);
    pub const PreimageByteDeposit: Balance = deposit(0, 1);
    pub const PreimageHold: RuntimeHoldReason = RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
}

/// Blocks from a decision until it is carried out: a few minutes in a chain that is halted, where nobody's money moves
/// and somebody has to repair it.
pub struct EnactmentDelay;

impl Get<BlockNumber> for EnactmentDelay {
    fn get() -> BlockNumber {
        match Time::is_halted() {
            true => 10 * MINUTES,
            false => governance::EnactmentBlocks::get(),
        }
    }
}

impl pallet_collective::Config<TechnicalCollective> for Runtime {
    /// Members answer for what they propose, and pay no deposit.
    type Consideration = ();
    type DefaultVote = PrimeDefaultVote;
    type DisapproveOrigin = TwoThirds;
    type KillOrigin = EnsureRoot<AccountId>;
    type MaxMembers = ConstU32<32>;
    type MaxProposalWeight = MaxProposalWeight;
    type MaxProposals = ConstU32<32>;
    type MotionDuration = ConstU32<{ 7 * DAYS }>;
    type Proposal = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type RuntimeOrigin = RuntimeOrigin;
    type SetMembersOrigin = EnsureRoot<AccountId>;
    type WeightInfo = pallet_collective::weights::SubstrateWeight<Self>;
}

impl pallet_preimage::Config for Runtime {
    type Consideration = HoldConsideration<
        AccountId,
        Balances,
        PreimageHold,
        LinearStoragePrice<PreimageBaseDeposit, PreimageByteDeposit, Balance>,
    >;
    type Currency = Balances;
    type ManagerOrigin = EnsureRoot<AccountId>;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_preimage::weights::SubstrateWeight<Self>;
}

impl pallet_scheduler::Config for Runtime {
    /// Blocks of migrations do not count, so that nothing is carried out on records that are not migrated.
    type BlockNumberProvider = Time;
    type MaxScheduledPerBlock = ConstU32<50>;
    type MaximumWeight = MaxScheduledWeight;
    type OriginPrivilegeCmp = EqualPrivilegeOnly;
    type PalletsOrigin = OriginCaller;
    type Preimages = Preimage;
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type RuntimeOrigin = RuntimeOrigin;
    type ScheduleOrigin = EnsureRoot<AccountId>;
    type WeightInfo = pallet_scheduler::weights::SubstrateWeight<Self>;
}

impl pallet_governance::Config for Runtime {
    type CancelOrigin = OneThird;
    type EnactOrigin = TwoThirds;
    type EnactmentBlocks = EnactmentDelay;
    type PalletsOrigin = OriginCaller;
    type ParameterOrigin = EnsureRoot<AccountId>;
    type Parameters = CheckedParameters;
    type Preimages = Preimage;
    type Scheduler = Scheduler;
    type WeightInfo = weights::pallet_governance::AssayWeight<Self>;
}

impl pallet_parameters::Config for Runtime {
    /// Nobody: its call checks no ranges. `Governance::set_parameter` does, and stores the value.
    type AdminOrigin = EnsureNever<()>;
    type RuntimeEvent = RuntimeEvent;
    type RuntimeParameters = RuntimeParameters;
    /// Those of a reference machine: the module of the others is private.
    type WeightInfo = ();
}

impl pallet_tx_pause::Config for Runtime {
    type MaxNameLen = ConstU32<64>;
    type PauseOrigin = EitherOfDiverse<EnsureRoot<AccountId>, MostOfCommittee>;
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type UnpauseOrigin = EitherOfDiverse<EnsureRoot<AccountId>, MostOfCommittee>;
    type WeightInfo = pallet_tx_pause::weights::SubstrateWeight<Self>;
    type WhitelistedCalls = CannotBePaused;
}

impl pallet_migrations::Config for Runtime {
    type CursorMaxLen = ConstU32<65_536>;
    /// A chain of which a migration failed is halted until one succeeds.
    type FailedMigrationHandler = Time;
    type IdentifierMaxLen = ConstU32<256>;
    type MaxServiceWeight = MaxMigrationWeight;
    type MigrationStatusHandler = Time;
    #[cfg(not(feature = "runtime-benchmarks"))]
    type Migrations = crate::migrations::MultiBlock;
    #[cfg(feature = "runtime-benchmarks")]
    type Migrations = pallet_migrations::mock_helpers::MockedMigrations;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_migrations::weights::SubstrateWeight<Self>;
}
