//! A runtime with nothing but seeds, on a relay chain that a story tells.

use crate as pallet_seeds;
use assay_types::AssayTime;
use polkadot_sdk::{
    frame_support::{assert_ok, derive_impl, parameter_types, traits::ConstU32},
    frame_system::{self, mocking::MockBlock},
    sp_io,
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
    pub type Seeds = pallet_seeds;
}

/// Relay blocks from a moment to the first one of its seed.
pub const MARGIN: u32 = 3;
/// Rounds that are kept.
pub const KEPT: u32 = 100;

parameter_types! {
    /// The moment.
    pub static Moment: u64 = 1;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = MockBlock<Test>;
}

/// Assay time, as a story says.
pub struct TestTime;

impl AssayTime<u64> for TestTime {
    fn now() -> u64 {
        Moment::get()
    }
}

impl pallet_seeds::Config for Test {
    type Time = TestTime;
    type Margin = ConstU32<MARGIN>;
    type KeptRounds = ConstU32<KEPT>;
    type WeightInfo = ();
}

/// Tells a story on a fresh chain, and checks the state after it.
pub fn story(tell: impl FnOnce()) {
    sp_io::TestExternalities::default().execute_with(|| {
        System::set_block_number(1);
        Moment::set(1);
        tell();
        assert_ok!(Seeds::do_try_state());
    });
}

/// The number of a relay block.
pub fn number(relay_block: u32) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&relay_block.to_le_bytes());
    bytes
}

/// A block at this moment on this relay parent, which has a number.
pub fn block(moment: u64, relay_block: u32) {
    Moment::set(moment);
    let _weight = Seeds::note(relay_block, Some(number(relay_block)));
}
