//! Disputes: what a challenge costs, who gets what is lost, and how much time there is.
//!
//! What is a `storage` parameter can be changed by governance with `System::set_storage`, at the key that
//! `twox_128(":NAME:")` gives, as its SCALE encoding; the others are compiled in.

use super::money::{TransactionByteFee, WeightToFee};
use crate::{
    units::{DAYS, HOURS, MICROUNIT, MINUTES, UNIT},
    *,
};
use assay_types::JobsAndReceipts;
use frame_support::{
    parameter_types,
    traits::{ConstU32, ConstU128},
    weights::WeightToFee as _,
};
use pallet_disputes::WeightInfo as _;
use sp_runtime::{Perbill, traits::Convert};

parameter_types! {
    /// Half of the price of a job that locks ten times its price.
    pub const BondPerStake: Perbill = Perbill::from_percent(5);
    pub const LostBondToWorker: Perbill = Perbill::from_percent(50);
    /// An honest worker cannot be proved wrong, so this costs the honest nothing.
    pub const FaultSlash: Perbill = Perbill::from_percent(50);
    pub const SlashToChallenger: Perbill = Perbill::from_percent(30);
    pub const SlashToClient: Perbill = Perbill::from_percent(20);
    /// Twice the bond of the challenge, and as much as a missed deadline costs.
    pub const LateFee: Perbill = Perbill::from_percent(10);
    /// Half of the bond that the challenger loses to a worker that can answer.
    pub const LateFeeToChallenger: Perbill = Perbill::from_percent(25);

    /// A worker may be gone for so long, to restart a machine for example, and lose nothing; and it can execute the
    /// jobs of all disputes that are called.
    pub storage ClockBlocks: BlockNumber = 30 * MINUTES;
    /// A challenger has executed the job before it challenges. This is for a daemon that is restarted.
    pub storage ChallengerClockBlocks: BlockNumber = 10 * MINUTES;
    /// Blocks until the last turn is finalized and the answer included, with as much again to spare.
    pub storage LeastTurnBlocks: BlockNumber = 2 * MINUTES;
    /// A challenger that was kept out sees the end of the last game in a finalized block, and gets its challenge in.
    pub storage ReopenBlocks: BlockNumber = 5 * MINUTES;
    /// An operator that sleeps wakes up, and repairs what is broken.
    pub storage LateAnswerBlocks: BlockNumber = DAYS;
}

/// Transactions with a large statement in a game over a large model, see *What a dispute costs* in docs/protocol.md.
const STATEMENTS: Balance = 5;
/// Bytes of a statement of 1,024 digests.
const STATEMENT_BYTES: u32 = 33 * 1_024;
/// Price of 10^9 units of work. A core does them in some 20 ms.
const WORK_PRICE: Balance = 20 * MICROUNIT;
const WORK_UNITS: Balance = 1_000_000_000;

/// Cost that a game causes: large statements at the price of a quiet chain, and an execution of the job by each side.
pub struct GameCost;

impl Convert<u64, Balance> for GameCost {
    fn convert(work: u64) -> Balance {
        let weight = <Runtime as pallet_disputes::Config>::WeightInfo::reveal(STATEMENT_BYTES);
        let length = TransactionByteFee::get().saturating_mul(STATEMENT_BYTES.into());
        let fee = WeightToFee::weight_to_fee(&weight).saturating_add(length);
        // Saturating: work is bounded by what a model may do.
        let execution = Balance::from(work).saturating_mul(WORK_PRICE) / WORK_UNITS;
        STATEMENTS
            .saturating_mul(fee)
            .saturating_add(execution.saturating_mul(2))
    }
}

impl pallet_disputes::Config for Runtime {
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = benchmarking::Stage;
    /// The slash of the conviction waits for a day.
    type AwardBlocks = ConstU32<{ 12 * HOURS }>;
    type BondPerStake = BondPerStake;
    /// Each has an eighth of an hour of the worker's time, if all of them begin at once.
    type CalledDisputes = ConstU32<4>;
    type ChallengerClockBlocks = ChallengerClockBlocks;
    type ClockBlocks = ClockBlocks;
    type Currency = Balances;
    type FaultSlash = FaultSlash;
    type GameCost = GameCost;
    /// Those on jobs, and receipts of sessions.
    type Claims = JobsAndReceipts<Market, Sessions>;
    type LateAnswerBlocks = LateAnswerBlocks;
    type LateFee = LateFee;
    type LateFeeToChallenger = LateFeeToChallenger;
    /// Half of it pays the worker for its statements several times over.
    type LeastBond = ConstU128<UNIT>;
    /// A few bonds: a job that locks less loses its whole lock.
    type LeastLateFee = ConstU128<{ 3 * UNIT }>;
    type LeastTurnBlocks = LeastTurnBlocks;
    type LostBondToWorker = LostBondToWorker;
    type ReopenBlocks = ReopenBlocks;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SlashToChallenger = SlashToChallenger;
    type SlashToClient = SlashToClient;
    type Time = Time;
    type WeightInfo = weights::pallet_disputes::AssayWeight<Self>;
}
