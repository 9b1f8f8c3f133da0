//! A runtime with a scheduler, preimages, and one parameter.

use crate::{self as pallet_governance, ParameterName, Parameters, RefusedChange};
use polkadot_sdk::{
    frame_support::{
        derive_impl, parameter_types,
        traits::{ConstU32, ConstU64, EnsureOrigin, EqualPrivilegeOnly, Hooks},
        weights::Weight,
    },
    frame_system::{self, EnsureRoot, RawOrigin, mocking::MockBlock},
    pallet_balances, pallet_preimage, pallet_scheduler, sp_io,
    sp_runtime::BuildStorage,
    staging_xcm::latest::NetworkId,
};

#[polkadot_sdk::frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(2)]
    pub type Preimage = pallet_preimage;
    #[runtime::pallet_index(3)]
    pub type Scheduler = pallet_scheduler;
    #[runtime::pallet_index(4)]
    pub type Governance = pallet_governance;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
}

impl pallet_preimage::Config for Test {
    type Consideration = ();
    type Currency = Balances;
    type ManagerOrigin = EnsureRoot<u64>;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
}

parameter_types! {
    pub MaximumWeight: Weight = Weight::from_parts(1_000_000_000_000, 16 * 1024 * 1024);
    /// The one parameter.
    pub static Deadline: u64 = 30;
    /// The parameter that it must not be below.
    pub static Least: u64 = 10;
}

impl pallet_scheduler::Config for Test {
    type BlockNumberProvider = System;
    type MaxScheduledPerBlock = ConstU32<8>;
    type MaximumWeight = MaximumWeight;
    type OriginPrivilegeCmp = EqualPrivilegeOnly;
    type PalletsOrigin = OriginCaller;
    type Preimages = Preimage;
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type RuntimeOrigin = RuntimeOrigin;
    type ScheduleOrigin = EnsureRoot<u64>;
    type WeightInfo = ();
}

/// Blocks from a decision until it is carried out.
pub const DELAY: u64 = 20;
/// The account whose signature is the committee's.
pub const COMMITTEE: u64 = 1;
/// The account whose signature is a smaller part's of the committee.
pub const MINORITY: u64 = 2;

/// The signature of one account.
pub struct EnsureAccount<const ACCOUNT: u64>;

impl<const ACCOUNT: u64> EnsureOrigin<RuntimeOrigin> for EnsureAccount<ACCOUNT> {
    type Success = ();

    fn try_origin(origin: RuntimeOrigin) -> Result<(), RuntimeOrigin> {
        let signed: Result<RawOrigin<u64>, RuntimeOrigin> = origin.clone().into();
        match signed {
            Ok(RawOrigin::Signed(account)) if account == ACCOUNT => Ok(()),
            _ => Err(origin),
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn try_successful_origin() -> Result<RuntimeOrigin, ()> {
        Ok(RuntimeOrigin::signed(ACCOUNT))
    }
}

/// One parameter, from 5 to 100, and never below another one.
pub struct OneParameter;

impl Parameters for OneParameter {
    type Change = u64;

    fn change(change: u64) -> Result<(), RefusedChange> {
        if !(5..=100).contains(&change) {
            return Err(RefusedChange::OutOfRange(ParameterName::MaxDeadline));
        }
        if change < Least::get() {
            return Err(RefusedChange::Contradiction(ParameterName::MaxDeadline));
        }
        Deadline::set(change);
        Ok(())
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn example() -> u64 {
        50
    }
}

impl pallet_governance::Config for Test {
    type CancelOrigin = EnsureAccount<MINORITY>;
    type EnactOrigin = EnsureAccount<COMMITTEE>;
    type EnactmentBlocks = ConstU64<DELAY>;
    type PalletsOrigin = OriginCaller;
    type ParameterOrigin = EnsureRoot<u64>;
    type Parameters = OneParameter;
    type Preimages = Preimage;
    type Scheduler = Scheduler;
    type WeightInfo = ();
}

/// Tells a story on a fresh chain that belongs to this relay chain.
pub fn story_on(relay_network: Option<NetworkId>, tell: impl FnOnce()) {
    let genesis = RuntimeGenesisConfig {
        governance: pallet_governance::GenesisConfig {
            relay_network,
            ..Default::default()
        },
        ..Default::default()
    };
    let mut state: sp_io::TestExternalities = genesis.build_storage().expect("genesis is valid").into();
    state.execute_with(|| {
        System::set_block_number(1);
        tell();
    });
}

/// Tells a story on a fresh chain.
pub fn story(tell: impl FnOnce()) {
    story_on(None, tell);
}

/// Lets blocks pass.
pub fn advance(blocks: u64) {
    for _ in 0..blocks {
        let number = System::block_number() + 1;
        System::set_block_number(number);
        Scheduler::on_initialize(number);
    }
}
