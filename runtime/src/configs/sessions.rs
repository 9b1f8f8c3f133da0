//! Sessions: how long they last, what secures them, and which faults cost what.

use super::assay::DISPUTE_ALLOWANCE;
use crate::{
    parameters::dynamic_params::{disputes, market, sessions},
    *,
};
use frame_support::traits::{ConstU32, Get};
use frame_system::EnsureRoot;

/// Hash of the chain's first block, which stays known.
pub struct Genesis;

impl Get<Hash> for Genesis {
    fn get() -> Hash {
        System::block_hash(0)
    }
}

impl pallet_sessions::Config for Runtime {
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = benchmarking::Stage;
    type ClosingBlocks = sessions::ClosingBlocks;
    type Court = Disputes;
    type Currency = Balances;
    type DisputeAllowance = ConstU32<DISPUTE_ALLOWANCE>;
    /// An equivocation is a proved fault, and costs and brings what others do.
    type FaultSlash = disputes::FaultSlash;
    type ForceOrigin = EnsureRoot<AccountId>;
    type Genesis = Genesis;
    type MaxSessionBlocks = sessions::MaxSessionBlocks;
    type MaxWindow = market::MaxWindow;
    type MinLockPercent = sessions::MinLockPercent;
    type MinWindow = market::MinWindow;
    type Models = Models;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SlashToClient = disputes::SlashToClient;
    type SlashToReporter = disputes::SlashToChallenger;
    type Time = Time;
    type WeightInfo = weights::pallet_sessions::AssayWeight<Self>;
    type Workers = Workers;
}
