//! Audits: how often claims are drawn, what pays for audits, and how much time auditors have.

use crate::{
    parameters::dynamic_params::{audits, disputes},
    units::MINUTES,
    *,
};
use assay_police::{DrawRules, LevyRules};
use frame_support::traits::{ConstU32, Get};
use sp_runtime::Perbill;

/// Blocks in which the seed of a seal is expected: two relay blocks after the margin, and some that no block was built
/// on.
pub(crate) const DRAW_BLOCKS: BlockNumber = MINUTES;

/// A part in millionths, as the rules of audits count it.
fn millionths(part: Perbill) -> u32 {
    part.deconstruct() / 1_000
}

/// Rules of the draw, from their parameters.
pub struct Draw;

impl Get<DrawRules> for Draw {
    fn get() -> DrawRules {
        DrawRules {
            base: millionths(audits::AuditShare::get()),
            newcomer: millionths(audits::NewcomerShare::get()),
            weight: audits::AuditWeight::get(),
            second: millionths(audits::SecondShare::get()),
            full_price: audits::FullPrice::get(),
        }
    }
}

/// Rules of the levy and of the auditors' pay, from their parameters.
pub struct Levy;

impl Get<LevyRules> for Levy {
    fn get() -> LevyRules {
        LevyRules {
            levy: millionths(audits::Levy::get()),
            // Saturating: hundredths within their range.
            fee: audits::AuditFee::get().saturating_mul(10_000),
        }
    }
}

impl pallet_audits::Config for Runtime {
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = benchmarking::Stage;
    type AnswerBlocks = audits::AnswerBlocks;
    type Auditors = Workers;
    type Court = Disputes;
    type Currency = Balances;
    type Draw = Draw;
    type DrawBlocks = ConstU32<DRAW_BLOCKS>;
    /// A false answer costs what a false claim does.
    type FaultSlash = disputes::FaultSlash;
    type Levy = Levy;
    type MissCost = audits::AuditMissCost;
    type OpenBlocks = audits::OpenBlocks;
    type Randomness = Seeds;
    type SlashToWorker = disputes::SlashToClient;
    type Time = Time;
    type WeightInfo = weights::pallet_audits::AssayWeight<Self>;
    type Workers = Workers;
}
