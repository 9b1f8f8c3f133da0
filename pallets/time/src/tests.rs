//! Stories of blocks, full and not.

use crate::mock::*;
use assay_types::AssayTime;
use polkadot_sdk::{
    frame_support::{
        migrations::{FailedMigrationHandler, FailedMigrationHandling, MigrationStatusHandler},
        traits::Hooks,
        weights::Weight,
    },
    sp_runtime::{
        FixedU128, Perbill,
        traits::{BlockNumberProvider, One},
    },
};
use proptest::prelude::*;

fn percent(weight: Weight, percent: u64) -> Weight {
    weight * percent / 100
}

fn quiet() {
    block(Weight::zero(), Weight::zero(), 0);
}

#[test]
fn a_moment_is_the_number_of_the_block_where_none_was_full() {
    story(|| {
        for number in 1..=50 {
            quiet();
            assert_eq!((Time::now(), System::block_number()), (number, number));
        }
        assert_eq!(Time::moment(), 50);
    });
}

#[test]
fn the_block_after_a_full_one_has_the_same_moment() {
    story(|| {
        quiet();
        block(percent(ORDINARY, 75), Weight::zero(), 0);
        assert_eq!(Time::now(), 2, "a full block does not know it before its end");
        quiet();
        assert_eq!(Time::now(), 2);
        quiet();
        assert_eq!(Time::now(), 3);
    });
}

#[test]
fn time_stands_still_for_as_long_as_blocks_are_full() {
    story(|| {
        quiet();
        for _ in 0..1_000 {
            block(ORDINARY, Weight::zero(), 0);
            assert!(Time::now() <= 2);
        }
        quiet();
        assert_eq!(Time::now(), 2);
    });
}

#[test]
fn urgent_calls_and_bytes_fill_a_block_as_well() {
    story(|| {
        quiet();
        for full in [
            (Weight::zero(), percent(ALL, 75), 0),
            (percent(ORDINARY, 50), percent(ALL, 40), 0),
            (Weight::zero(), Weight::zero(), BYTES / 4 * 3),
        ] {
            let before = Time::now();
            block(full.0, full.1, full.2);
            quiet();
            assert_eq!(Time::now(), before + 1, "{full:?}");
        }
        let before = Time::now();
        block(percent(ORDINARY, 74), percent(ALL, 19), BYTES / 4 * 3 - 1);
        quiet();
        assert_eq!(Time::now(), before + 2, "each by itself leaves room");
    });
}

#[test]
fn no_block_of_a_migration_has_room_and_its_last_one_neither() {
    story(|| {
        quiet();
        Migrating::set(true);
        for _ in 0..5 {
            quiet();
        }
        assert_eq!(
            Time::now(),
            2,
            "the block of the upgrade begins a moment, and no other one does"
        );
        // The migration ends within a block, after it has been said that the block takes no call.
        let number = System::block_number() + 1;
        System::set_block_number(number);
        Time::on_initialize(number);
        Migrating::set(false);
        <Time as MigrationStatusHandler>::completed();
        Time::on_finalize(number);
        assert_eq!(Time::current_block_number(), 1, "nothing that is scheduled is due");
        quiet();
        assert_eq!((Time::now(), Time::current_block_number()), (2, 2));
        quiet();
        assert_eq!((Time::now(), Time::current_block_number()), (3, 3));
    });
}

#[test]
fn time_stands_still_after_a_migration_that_failed_until_one_succeeds() {
    story(|| {
        quiet();
        let handling = <Time as FailedMigrationHandler>::failed(Some(0));
        assert!(matches!(handling, FailedMigrationHandling::ForceUnstuck));
        for _ in 0..10 {
            quiet();
        }
        assert!(Time::is_halted());
        assert_eq!(
            (Time::now(), Time::current_block_number()),
            (2, 11),
            "governance can carry out what it decides"
        );
        <Time as MigrationStatusHandler>::completed();
        assert!(!Time::is_halted());
        for _ in 0..3 {
            quiet();
        }
        assert_eq!(Time::now(), 3);
    });
}

#[test]
#[should_panic(expected = "FullShare")]
fn a_share_that_every_block_reaches_is_caught() {
    FullShare::set(Perbill::zero());
    Time::integrity_test();
}

#[test]
fn full_lanes_cost_more_and_full_blocks_of_ordinary_calls_do_not_make_them_so() {
    story(|| {
        for _ in 0..50 {
            block(ORDINARY, Weight::zero(), 0);
        }
        assert_eq!(Time::lane_multiplier(), FixedU128::one());
        for _ in 0..50 {
            block(Weight::zero(), ALL, 0);
        }
        assert!(Time::lane_multiplier() > FixedU128::from_u32(30));
    });
}

proptest! {
    #[test]
    fn time_grows_by_one_after_each_block_that_had_room(full in prop::collection::vec(any::<bool>(), 1..60)) {
        story(|| {
            let mut expected = 0;
            let mut was_full = false;
            for is_full in full {
                let used = if is_full { ORDINARY } else { percent(ORDINARY, 70) };
                block(used, Weight::zero(), 0);
                expected += u64::from(!was_full);
                assert_eq!(Time::now(), expected);
                was_full = is_full;
            }
        });
    }
}
