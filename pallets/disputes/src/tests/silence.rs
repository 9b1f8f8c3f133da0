//! Whoever lets its clock run out has lost.

use super::claimed_nothing;
use crate::{Ended, Error, Event, mock::*};
use assay_types::dispute::{Fault, Place};
use polkadot_sdk::frame_support::{assert_noop, assert_ok, traits::Get};

#[test]
fn a_silent_worker_is_convicted_and_everybody_has_what_is_due() {
    TestExt::new().execute_with(|| {
        let before = [CLIENT, WORKER, CHALLENGER].map(balance);
        let job = claimed_nothing();
        assert_ok!(challenge(CHALLENGER, job));
        advance(CLOCK);
        assert_noop!(timeout(CHALLENGER, job), Error::<Test>::DeadlineNotPassed);
        advance(1);
        assert_ok!(timeout(CHALLENGER, job));

        // The job is refunded and nobody's bond is held any more, but the slash waits.
        assert_eq!((phase(job), dispute(job), bonded(CHALLENGER)), (None, None, 0));
        assert_eq!([CLIENT, WORKER, CHALLENGER].map(balance), before);
        let record = Workers::worker_info(&WORKER).expect("is registered");
        assert_eq!(
            (record.stake, record.locked, record.slashing),
            (STAKE - LOCKED, 0, LOCKED)
        );
        let convicted = Event::WorkerConvicted {
            job,
            worker: WORKER,
            challenger: CHALLENGER,
            fault: Fault::Silence { place: Place::Trace },
            slash: 0,
            slashed: LOCKED,
            to_challenger: 3 * LOCKED / 10,
            to_client: 2 * LOCKED / 10,
        };
        assert!(events().contains(&convicted));

        advance(SLASH_DELAY);
        let after = [CLIENT, WORKER, CHALLENGER].map(balance);
        assert_eq!(
            after,
            [
                before[0] + 2 * LOCKED / 10,
                before[1] - LOCKED,
                before[2] + 3 * LOCKED / 10
            ]
        );
    });
}

#[test]
fn a_verdict_is_reached_once_and_gives_every_other_bond_back() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        assert_ok!(challenge(CHALLENGER, job));
        advance(3);
        assert_ok!(challenge(SECOND, job));
        let before = balance(SECOND);
        run_down(job, CHALLENGER);
        assert_noop!(timeout(SECOND, job), Error::<Test>::DeadlineNotPassed);
        assert_ok!(timeout(CHALLENGER, job));
        assert_noop!(timeout(SECOND, job), Error::<Test>::NotDisputed);

        assert_eq!((bonded(CHALLENGER), bonded(SECOND)), (0, 0));
        advance(SLASH_DELAY);
        assert_eq!(balance(SECOND), before, "only the game that convicts is rewarded");
    });
}

#[test]
fn anybody_can_say_that_time_has_passed_and_the_reward_is_the_challengers() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        assert_ok!(challenge(CHALLENGER, job));
        run_down(job, CHALLENGER);
        let before = balance(CHALLENGER);
        assert_ok!(Disputes::claim_timeout(signed(PUBLISHER), job, CHALLENGER));
        advance(SLASH_DELAY);
        assert_eq!(balance(CHALLENGER), before + 3 * LOCKED / 10);
    });
}

#[test]
fn a_slash_that_governance_cancels_goes_back_to_the_stake() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        assert_ok!(challenge(CHALLENGER, job));
        run_down(job, CHALLENGER);
        assert_ok!(timeout(CHALLENGER, job));
        assert_ok!(Workers::cancel_slash(RuntimeOrigin::root(), 0));
        advance(SLASH_DELAY);
        let record = Workers::worker_info(&WORKER).expect("is registered");
        assert_eq!((record.stake, record.slashing), (STAKE, 0));
    });
}

#[test]
fn the_longest_game_is_as_long_as_its_clocks_and_turns() {
    TestExt::new().execute_with(|| {
        let longest: u64 = crate::LongestGame::<Test>::get();
        assert_eq!(longest, 2 * CLOCK + 22 * LEAST_TURN);
    });
}

#[test]
fn a_dispute_that_is_over_leaves_nothing_behind() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        assert_ok!(challenge(CHALLENGER, job));
        run_down(job, CHALLENGER);
        assert_ok!(timeout(CHALLENGER, job));
        assert!(Ended::<Test>::contains_key(0));
        assert_ok!(Disputes::sweep(signed(SECOND), 0));
        assert_noop!(Disputes::sweep(signed(SECOND), 0), Error::<Test>::NothingToSweep);
        assert_noop!(Disputes::sweep(signed(SECOND), 1), Error::<Test>::NothingToSweep);
    });
}
