//! The rules that hold between parameters, whatever their values are. The pallets have most of them; here are those
//! between pallets.

use crate::{
    Audits, Balance, BlockNumber, Disputes, Market, Models, Runtime, Sessions, Time, Workers,
    configs::{
        assay::{AUDIT_ALLOWANCE, DISPUTE_ALLOWANCE, LATE_CLAIM_BLOCKS},
        money::WeightToFee,
    },
};
use assay_types::limits::MAX_BATCH;
use pallet_audits::LongestAudit;
use pallet_disputes::LongestDispute;
use pallet_market::WeightInfo as _;
use polkadot_sdk::frame_support::{ensure, traits::Get, weights::WeightToFee as _};

type MarketWeights = <Runtime as pallet_market::Config>::WeightInfo;

/// Says which parameters contradict each other, if any do.
pub fn check() -> Result<(), &'static str> {
    Time::check_constants()?;
    Models::check_constants()?;
    Workers::check_constants()?;
    Market::check_constants()?;
    Disputes::check_constants()?;
    Sessions::check_constants()?;
    Audits::check_constants()?;
    let longest: BlockNumber = LongestDispute::<Runtime>::get();
    ensure!(
        longest <= DISPUTE_ALLOWANCE,
        "a dispute could outlast what jobs, stakes and models allow for"
    );
    let longest: BlockNumber = LongestAudit::<Runtime>::get();
    ensure!(
        longest.saturating_add(LATE_CLAIM_BLOCKS) <= AUDIT_ALLOWANCE,
        "an audit could outlast what jobs, stakes and models allow for"
    );
    let award: BlockNumber = <Runtime as pallet_disputes::Config>::AwardBlocks::get();
    ensure!(
        award < <Runtime as pallet_workers::Config>::SlashDelay::get(),
        "AwardBlocks must be less than SlashDelay, or a slash would be applied before its award is claimed"
    );
    // A job of a large batch is the cheapest to submit.
    let fee = WeightToFee::weight_to_fee(&MarketWeights::submit_batch(MAX_BATCH, 1)) / Balance::from(MAX_BATCH) / 10;
    ensure!(
        <Runtime as pallet_market::Config>::MissCompensation::get() <= fee,
        "MissCompensation must not be more than a submission costs, or a client would gain by missed deadlines"
    );
    Ok(())
}
