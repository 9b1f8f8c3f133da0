//! A runtime with nothing but blocks.

use crate as pallet_time;
use polkadot_sdk::{
    frame_support::{
        assert_ok, derive_impl, dispatch::DispatchClass, migrations::MultiStepMigrator, parameter_types, traits::Hooks,
        weights::Weight,
    },
    frame_system::{
        self,
        limits::{BlockLength, BlockWeights},
        mocking::MockBlock,
    },
    sp_io,
    sp_runtime::Perbill,
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
    pub type Time = pallet_time;
}

/// Weight that ordinary calls may have in a block.
pub const ORDINARY: Weight = Weight::from_parts(3_000_000, 30_000);
/// Weight that all calls may have in a block.
pub const ALL: Weight = Weight::from_parts(4_000_000, 40_000);
/// Bytes that ordinary calls may have in a block.
pub const BYTES: u32 = 1_000_000;

parameter_types! {
    pub Weights: BlockWeights = BlockWeights::builder()
        .base_block(Weight::zero())
        .for_class(DispatchClass::all(), |class| class.base_extrinsic = Weight::zero())
        .for_class(DispatchClass::Normal, |class| class.max_total = Some(ORDINARY))
        .for_class(DispatchClass::Operational, |class| class.max_total = Some(ALL))
        .build_or_panic();
    pub Length: BlockLength = BlockLength::builder().max_length(BYTES).build();
    pub static FullShare: Perbill = Perbill::from_percent(75);
    pub static LaneTarget: Perbill = Perbill::from_percent(25);
    pub static LaneSpeed: Perbill = Perbill::from_percent(10);
    /// Whether a migration over several blocks goes on.
    pub static Migrating: bool = false;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = MockBlock<Test>;
    type BlockLength = Length;
    type BlockWeights = Weights;
    type MultiBlockMigrator = Migrator;
}

/// A migration that a test begins and ends.
pub struct Migrator;

impl MultiStepMigrator for Migrator {
    fn ongoing() -> bool {
        Migrating::get()
    }

    fn step() -> Weight {
        Weight::zero()
    }
}

impl pallet_time::Config for Test {
    type FullShare = FullShare;
    type LaneSpeed = LaneSpeed;
    type LaneTarget = LaneTarget;
    type WeightInfo = ();
}

/// Tells a story on a fresh chain, and checks the state after it.
pub fn story(tell: impl FnOnce()) {
    sp_io::TestExternalities::default().execute_with(|| {
        tell();
        assert_ok!(Time::do_try_state());
    });
}

/// One block whose calls use this much.
pub fn block(ordinary: Weight, urgent: Weight, bytes: u32) {
    let number = System::block_number() + 1;
    System::set_block_number(number);
    Time::on_initialize(number);
    System::set_block_consumed_resources(ordinary, bytes as usize);
    frame_system::BlockWeight::<Test>::mutate(|used| used.set(urgent, DispatchClass::Operational));
    Time::on_finalize(number);
    assert_ok!(Time::do_try_state());
}
