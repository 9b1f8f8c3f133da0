//! Disputes: what a challenge costs, who gets what is lost, and how much time there is.

use super::money::WeightToFee;
use crate::{
    parameters::dynamic_params::{disputes, fees},
    *,
};
use assay_types::JobsAndReceipts;
use frame_support::{
    traits::{ConstU32, Get},
    weights::WeightToFee as _,
};
use pallet_disputes::WeightInfo as _;
use sp_runtime::traits::Convert;

/// Transactions with a large statement in a game over a large model, see *What a dispute costs* in docs/protocol.md.
const STATEMENTS: Balance = 5;
/// Bytes of a statement of 1,024 digests.
const STATEMENT_BYTES: u32 = 33 * 1_024;
/// Units of work that [`disputes::WorkPrice`] is the price of.
const WORK_UNITS: Balance = 1_000_000_000;

/// Cost that a game causes: large statements at the price of a quiet chain, and an execution of the job by each side.
pub struct GameCost;

impl Convert<u64, Balance> for GameCost {
    fn convert(work: u64) -> Balance {
        let weight = <Runtime as pallet_disputes::Config>::WeightInfo::reveal(STATEMENT_BYTES);
        let length = fees::ByteFee::get().saturating_mul(STATEMENT_BYTES.into());
        let fee = WeightToFee::weight_to_fee(&weight).saturating_add(length);
        // Saturating: work is bounded by what a model may do.
        let execution = Balance::from(work).saturating_mul(disputes::WorkPrice::get()) / WORK_UNITS;
        STATEMENTS
            .saturating_mul(fee)
            .saturating_add(execution.saturating_mul(2))
    }
}

impl pallet_disputes::Config for Runtime {
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = benchmarking::Stage;
    type AwardBlocks = disputes::AwardBlocks;
    type BondPerStake = disputes::BondPerStake;
    /// Each has an eighth of an hour of the worker's time, if all of them begin at once. No parameter: the queues say
    /// which disputes are called.
    type CalledDisputes = ConstU32<4>;
    type ChallengerClockBlocks = disputes::ChallengerClockBlocks;
    type ClockBlocks = disputes::ClockBlocks;
    type Currency = Balances;
    type FaultSlash = disputes::FaultSlash;
    type GameCost = GameCost;
    /// Those on jobs, and receipts of sessions.
    type Claims = JobsAndReceipts<Market, Sessions>;
    type LateAnswerBlocks = disputes::LateAnswerBlocks;
    type LateFee = disputes::LateFee;
    type LateFeeToChallenger = disputes::LateFeeToChallenger;
    type LeastBond = disputes::LeastBond;
    type LeastLateFee = disputes::LeastLateFee;
    type LeastTurnBlocks = disputes::LeastTurnBlocks;
    type LostBondToWorker = disputes::LostBondToWorker;
    type ReopenBlocks = disputes::ReopenBlocks;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SlashToChallenger = disputes::SlashToChallenger;
    type SlashToClient = disputes::SlashToClient;
    type Time = Time;
    type WeightInfo = weights::pallet_disputes::AssayWeight<Self>;
}
