//! Sessions: how long they last, what secures them, and which faults cost what.

use super::{
    assay::{DISPUTE_ALLOWANCE, MAX_WINDOW, MIN_WINDOW},
    disputes::{FaultSlash, SlashToChallenger, SlashToClient},
};
use crate::{
    units::{DAYS, MINUTES},
    *,
};
use frame_support::traits::{ConstU32, Get};

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
    /// As long as a worker may be gone in a dispute and lose nothing.
    type ClosingBlocks = ConstU32<{ 30 * MINUTES }>;
    type Court = Disputes;
    type Currency = Balances;
    type DisputeAllowance = ConstU32<DISPUTE_ALLOWANCE>;
    /// An equivocation is a proved fault, and costs and brings what others do.
    type FaultSlash = FaultSlash;
    type Genesis = Genesis;
    /// A day of answers. Then the client opens another session.
    type MaxSessionBlocks = ConstU32<DAYS>;
    type MaxWindow = ConstU32<MAX_WINDOW>;
    /// As much as the client risks. A fault costs a share of the whole stake besides.
    type MinLockPercent = ConstU32<100>;
    type MinWindow = ConstU32<MIN_WINDOW>;
    type Models = Models;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SlashToClient = SlashToClient;
    type SlashToReporter = SlashToChallenger;
    type Time = Time;
    type WeightInfo = weights::pallet_sessions::AssayWeight<Self>;
    type Workers = Workers;
}
