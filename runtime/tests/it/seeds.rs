//! Seeds of the chain: who makes numbers up, and when a seed is known.

use crate::chain::{genesis, in_first_block, pass};
use assay_runtime::{Runtime, Seeds, Time, check_invariants};
use polkadot_sdk::frame_support::assert_ok;

#[test]
fn only_a_development_chain_makes_its_numbers_up() {
    for (preset, made_up) in [("development", true), ("local", false)] {
        genesis(preset).execute_with(|| assert_eq!(Seeds::is_stand_in(), made_up, "{preset}"));
    }
}

#[test]
fn a_seed_is_known_some_relay_blocks_after_its_moment_and_not_before() {
    in_first_block(|| {
        // As on a chain with a relay chain.
        pallet_seeds::StandIn::<Runtime>::put(false);
        let first = Time::moment();
        for relay_block in 1..=7 {
            let _weight = Seeds::note(relay_block, Some([relay_block as u8; 32]));
            assert_eq!(Seeds::seed_of(first), None, "relay block {relay_block}");
            pass(3);
        }
        let _weight = Seeds::note(8, Some([8; 32]));
        assert!(Seeds::seed_of(first).is_some(), "made of relay blocks 7 and 8");
        assert_ok!(check_invariants());
    });
}
