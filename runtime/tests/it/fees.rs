//! Cost of filling blocks: fees follow within tens of blocks.

use crate::chain::{in_first_block, room};
use assay_runtime::{Runtime, System, TransactionPayment, units::UNIT};
use polkadot_sdk::{frame_support::traits::Hooks, pallet_transaction_payment};

/// Ends this many blocks that are filled to this part, in percent; what those who filled them paid, in tokens, for
/// weight alone.
fn fill(blocks: u32, percent: u64) -> f64 {
    let weight = room() * percent / 100;
    let mut paid = 0.0;
    for _ in 0..blocks {
        let price = TransactionPayment::weight_to_fee(weight) as f64 / UNIT as f64;
        paid += price * multiplier();
        System::set_block_consumed_resources(weight, 0);
        TransactionPayment::on_finalize(System::block_number());
    }
    paid
}

fn multiplier() -> f64 {
    pallet_transaction_payment::NextFeeMultiplier::<Runtime>::get().to_float()
}

#[test]
fn fees_follow_full_blocks_and_come_back_down_within_tens_of_blocks() {
    in_first_block(|| {
        assert_eq!(multiplier(), 1.0);
        fill(30, 100);
        assert!((8.0..12.0).contains(&multiplier()), "{}", multiplier());
        fill(100, 0);
        assert!(multiplier() < 1.5, "{}", multiplier());
        fill(1_000, 0);
        assert_eq!(multiplier(), 1.0, "fees do not fall below what a quiet chain asks for");
        fill(500, 25);
        assert!(
            (0.99..1.01).contains(&multiplier()),
            "blocks as full as they are meant to be"
        );
    });
}

#[test]
fn filling_blocks_for_as_long_as_a_clock_costs_more_than_all_that_could_be_won() {
    // Minutes at two seconds a block, and the tokens that it costs at least.
    for (minutes, least) in [(1, 50.0), (5, 100_000.0), (30, 1e20)] {
        in_first_block(|| {
            let paid = fill(minutes * 30, 100);
            println!("{minutes} minutes: {paid:.0} ASY");
            assert!(paid > least, "{minutes} minutes cost {paid} ASY");
        });
    }
}
