//! Stories of seeds: when they are known, and that they stay as they are.

use crate::mock::*;
use assay_types::{H256, audit::Randomness};

fn seed(moment: u64) -> Option<H256> {
    <Seeds as Randomness<u64>>::seed(moment)
}

fn is_forgotten(moment: u64) -> bool {
    <Seeds as Randomness<u64>>::is_forgotten(moment)
}

#[test]
fn a_seed_is_made_of_two_relay_blocks_that_come_later_than_the_margin() {
    story(|| {
        block(1, 10);
        block(2, 11);
        block(3, 12);
        assert_eq!(seed(1), None);
        block(4, 13);
        assert_eq!(seed(1), None, "one author would know it");
        block(5, 14);
        let known = seed(1);
        assert!(known.is_some());
        assert_eq!(seed(2), None);
        for relay_block in 15..40 {
            block(u64::from(relay_block), relay_block);
            assert_eq!(seed(1), known, "it stays as it is");
        }
        assert_ne!(seed(2), known);
        assert!(!is_forgotten(1));
    });
}

#[test]
fn blocks_on_one_relay_parent_are_one_round() {
    story(|| {
        for moment in 1..=3 {
            block(moment, 10);
        }
        assert_eq!(crate::NextRound::<Test>::get(), 1);
        for relay_block in 11..20 {
            block(u64::from(relay_block), relay_block);
        }
        // All three moments have seen relay block 10 and no later one.
        assert!(seed(1).is_some());
        assert_eq!((seed(1), seed(2)), (seed(2), seed(3)));
    });
}

#[test]
fn while_time_stands_still_no_seed_becomes_known() {
    story(|| {
        block(1, 10);
        for relay_block in 11..30 {
            block(1, relay_block);
            assert_eq!(seed(1), None);
        }
        // What was sealed in the last of these blocks saw relay block 29.
        block(2, 30);
        block(3, 31);
        assert_eq!(seed(1), None);
        block(4, 32);
        block(5, 33);
        assert!(seed(1).is_some());
    });
}

#[test]
fn another_number_of_either_block_is_another_seed() {
    let seeds = [(0, 0), (1, 0), (0, 1)].map(|(first, second)| {
        let mut known = None;
        story(|| {
            block(1, 10);
            for (place, relay_block) in (13..15).enumerate() {
                Moment::set(u64::from(relay_block));
                let luck = if place == 0 { first } else { second };
                let _weight = Seeds::note(relay_block, Some([luck; 32]));
            }
            known = seed(1);
        });
        known.expect("two numbers are there")
    });
    assert!(seeds[0] != seeds[1] && seeds[0] != seeds[2] && seeds[1] != seeds[2]);
}

#[test]
fn relay_blocks_without_a_number_are_passed_over() {
    story(|| {
        block(1, 10);
        for relay_block in 13..20 {
            Moment::set(u64::from(relay_block));
            let _weight = Seeds::note(relay_block, None);
        }
        assert_eq!((seed(1), is_forgotten(1)), (None, false));
        block(30, 30);
        block(31, 31);
        assert!(seed(1).is_some());
    });
}

#[test]
fn a_relay_chain_that_gives_no_numbers_has_forgotten_them() {
    story(|| {
        block(1, 10);
        for relay_block in 13..100 {
            Moment::set(u64::from(relay_block));
            let _weight = Seeds::note(relay_block, None);
        }
        assert_eq!((seed(1), is_forgotten(1)), (None, true));
    });
}

#[test]
fn old_rounds_are_forgotten() {
    story(|| {
        for relay_block in 10..10 + KEPT {
            block(u64::from(relay_block), relay_block);
        }
        assert!(seed(10).is_some() && !is_forgotten(10));
        block(500, 500);
        assert!(seed(10).is_none() && is_forgotten(10));
        assert!(seed(11).is_some());
        assert_eq!(crate::Rounds::<Test>::iter_keys().count(), KEPT as usize);
    });
}

#[test]
fn numbers_are_made_up_where_the_genesis_says_so_and_nowhere_else() {
    story(|| {
        let tell = |from: u32| {
            for relay_block in from..from + 10 {
                Moment::set(u64::from(relay_block));
                let _weight = Seeds::note(relay_block, None);
            }
        };
        tell(10);
        assert!(!Seeds::is_stand_in());
        assert_eq!(seed(10), None);
        crate::StandIn::<Test>::put(true);
        tell(20);
        assert!(Seeds::is_stand_in());
        assert!(seed(20).is_some());
    });
}

#[test]
fn a_moment_that_has_only_begun_has_no_seed() {
    story(|| {
        assert_eq!((seed(0), is_forgotten(0)), (None, false));
        block(5, 10);
        assert_eq!((seed(5), is_forgotten(5)), (None, false));
        assert_eq!((seed(9), is_forgotten(9)), (None, false));
    });
}
