//! Costs and length of disputes, with this runtime's constants.

use crate::chain::{genesis, in_first_block, signed};
use assay_runtime::{
    BlockNumber, Runtime, TransactionPayment,
    units::{MICROUNIT, MINUTES, UNIT},
};
use assay_types::dispute::{Nodes, Place, Statement, base_bond, bond, lost_bond};
use codec::Encode;
use pallet_disputes::{LongestDispute, WeightInfo as _};
use polkadot_sdk::{
    frame_metadata_hash_extension::CheckMetadataHash,
    frame_support::{dispatch::DispatchClass, traits::Get},
    sp_keyring::Sr25519Keyring::Charlie,
    sp_runtime::traits::Convert,
};

#[test]
fn a_dispute_ends_within_what_jobs_and_stakes_allow_for_and_awards_are_claimed_before_they_are_paid() {
    genesis("development").execute_with(|| {
        let allowance = <Runtime as pallet_market::Config>::DisputeAllowance::get();
        let longest: BlockNumber = LongestDispute::<Runtime>::get();
        assert!(longest <= allowance);
        let award: BlockNumber = <Runtime as pallet_disputes::Config>::AwardBlocks::get();
        assert!(award < <Runtime as pallet_workers::Config>::SlashDelay::get());
    });
}

#[test]
fn half_of_the_least_bond_pays_a_workers_statements() {
    in_first_block(|| {
        // As many as a dispute of nine transactions has: the trace, a tensor, a span of it, a chunk.
        let full = Statement::TraceSpan {
            level: 10,
            index: 0,
            nodes: Nodes::new(vec![[7; 32]; 1_024]).expect("as many as there may be"),
        };
        assert_eq!(full.place(), Place::TraceSpan { level: 10, index: 0 });
        let call = pallet_disputes::Call::reveal {
            job: 0,
            statement: Box::new(full),
        };
        let transaction = signed(Charlie, call.into(), CheckMetadataHash::new(false));
        let length = transaction.encoded_size() as u32;
        let fee = TransactionPayment::query_info(transaction, length).partial_fee;
        let least = <Runtime as pallet_disputes::Config>::LeastBond::get();
        let part = <Runtime as pallet_disputes::Config>::LostBondToWorker::get();
        assert!(4 * fee < lost_bond(least, part).paid, "a statement costs {fee}");
    });
}

#[test]
fn the_largest_proof_fits_a_block_with_room_to_spare() {
    in_first_block(|| {
        let largest = <Runtime as pallet_disputes::Config>::WeightInfo::prove(4 * 1024 * 1024);
        let limits = <Runtime as polkadot_sdk::frame_system::Config>::BlockWeights::get();
        let most = limits.get(DispatchClass::Normal).max_total;
        assert!(largest.saturating_mul(2).all_lte(most.expect("blocks are bounded")));
    });
}

#[test]
fn a_bond_covers_what_a_game_causes() {
    in_first_block(|| {
        let cost = <Runtime as pallet_disputes::Config>::GameCost::convert;
        // The statements of a game over a small model cost less than the minimum bond, and work is paid for on top.
        assert!(cost(0) > 0 && cost(0) < <Runtime as pallet_disputes::Config>::LeastBond::get());
        assert_eq!(cost(1_000_000_000_000) - cost(0), 2 * 20 * 1_000 * MICROUNIT);
        assert!(cost(u64::MAX) > cost(0));
    });
}

/// Bonds that are lost by whoever keeps the whole stake of a worker locked for this many blocks, by challenging its
/// claims, which lock equal parts of it, and letting every clock run down.
fn cost_of_freezing(stake: u128, claims: u32, blocks: BlockNumber) -> u128 {
    let called: u32 = <Runtime as pallet_disputes::Config>::CalledDisputes::get();
    let clock: BlockNumber = <Runtime as pallet_disputes::Config>::ChallengerClockBlocks::get();
    let least_turn: BlockNumber = <Runtime as pallet_disputes::Config>::LeastTurnBlocks::get();
    // The challenger has eleven turns in the longest game, and the worker answers at once.
    let stall = clock + 10 * least_turn;
    let base = base_bond(
        stake / u128::from(claims),
        <Runtime as pallet_disputes::Config>::LeastBond::get(),
        <Runtime as pallet_disputes::Config>::BondPerStake::get(),
        <Runtime as pallet_disputes::Config>::GameCost::convert(0),
    );
    let bonds = |claims: u32| -> u128 { (0..claims).map(|elsewhere| bond(base, 0, elsewhere)).sum() };
    // What waits in the queue is frozen without another bond; what is called has to be challenged again.
    let again = u128::from(blocks.div_ceil(stall).saturating_sub(1));
    bonds(claims) + again * bonds(claims.min(called))
}

#[test]
fn freezing_a_workers_whole_stake_costs_a_tenth_of_it_at_least_and_half_of_that_is_the_workers() {
    genesis("development").execute_with(|| {
        let stake = 1_000 * UNIT;
        for claims in 1..=20 {
            let cost = cost_of_freezing(stake, claims, 35 * MINUTES);
            assert!(cost >= stake / 10, "{claims} claims: {cost}");
            assert!(claims < 12 || cost > stake, "{claims} claims: {cost}");
            // Half of what the frozen claims pay, since a job locks ten times its price.
            let part = <Runtime as pallet_disputes::Config>::LostBondToWorker::get();
            assert!(lost_bond(cost, part).paid >= stake / 20);
        }
    });
}
