//! Accounts that may challenge, and the amounts that a challenge holds.

use super::claimed_nothing;
use crate::{Error, mock::*};
use assay_types::{
    H256, Phase,
    dispute::{MAX_GAMES, Place, Side},
};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok},
    sp_runtime::DispatchError,
};

#[test]
fn a_challenge_holds_its_bond_and_stops_the_settlement() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        assert_eq!(Disputes::bond_for(job), Some(BOND));
        assert_ok!(challenge(CHALLENGER, job));

        assert_eq!(bonded(CHALLENGER), BOND);
        assert_eq!(phase(job), Some(Phase::Disputed));
        let game = game(job, CHALLENGER);
        assert_eq!((game.place, game.turn), (Place::Trace, Side::Worker));
        assert_eq!(game.clock.deadline, now() + CLOCK);

        advance(CLOCK);
        assert_eq!(
            phase(job),
            Some(Phase::Disputed),
            "the window has passed, and nothing is settled"
        );
        let accepted = Market::accept(signed(CLIENT), job);
        assert_eq!(accepted, Err(pallet_market::Error::<Test>::UnderDispute.into()));
    });
}

#[test]
fn only_a_claim_with_an_open_window_is_challenged() {
    TestExt::new().execute_with(|| {
        assert_noop!(challenge(CHALLENGER, 7), Error::<Test>::UnknownJob);
        let job = claimed_nothing();
        advance(WINDOW);
        assert_ok!(challenge(CHALLENGER, job));

        let late = claimed_nothing();
        advance(WINDOW + 1);
        assert_noop!(challenge(SECOND, late), Error::<Test>::UnknownJob);
        assert_eq!(Disputes::bond_for(late), None);
        // It is settled, and a disputed one is not, so that it can still be joined.
        assert_ok!(challenge(SECOND, job));
    });
}

#[test]
fn nobody_plays_twice_over_one_job() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        assert_ok!(challenge(CHALLENGER, job));
        assert_noop!(challenge(CHALLENGER, job), Error::<Test>::AlreadyChallenging);
        let other = claimed_nothing();
        assert_ok!(challenge(CHALLENGER, other));
        assert_eq!(bonded(CHALLENGER), BOND + BOND * 3 / 2);
    });
}

#[test]
fn every_game_doubles_the_bond_of_the_next_and_there_are_so_many_and_no_more() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        for (place, challenger) in (CROWD..CROWD + u64::from(MAX_GAMES)).enumerate() {
            assert_ok!(challenge(challenger, job));
            assert_eq!(bonded(challenger), BOND << place);
        }
        assert_noop!(challenge(CHALLENGER, job), Error::<Test>::TooManyGames);
    });
}

#[test]
fn every_game_against_the_worker_makes_the_next_bond_half_as_much_again() {
    TestExt::new().execute_with(|| {
        let jobs: Vec<_> = (0..4).map(|_| claimed_nothing()).collect();
        let mut bond = BOND;
        for (challenger, job) in (CROWD..).zip(&jobs) {
            assert_eq!(Disputes::bond_for(*job), Some(bond));
            assert_ok!(challenge(challenger, *job));
            bond += bond / 2;
        }
        // Over a job that is disputed it doubles besides, for the games over that job are not those elsewhere.
        let over_the_first = BOND * 2 * 3 / 2;
        let over_the_first = over_the_first + over_the_first / 2;
        assert_eq!(Disputes::bond_for(jobs[0]), Some(over_the_first + over_the_first / 2));
    });
}

#[test]
fn a_bond_is_at_least_what_a_game_causes() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        let claimed = <Market as assay_types::Claims<_, _, _>>::claimed(job).expect("is claimed");
        assert!(claimed.work > 0, "the model does nothing");
        PriceOfWork::set(1_000);
        let bond = Disputes::bond_for(job);
        PriceOfWork::set(0);
        assert_eq!(bond, Some(1_000 * claimed.work));
    });
}

#[test]
fn disputes_of_one_worker_wait_for_older_ones() {
    TestExt::new().execute_with(|| {
        let jobs: Vec<_> = (0..CALLED + 2).map(|_| claimed_nothing()).collect();
        for (challenger, job) in (CROWD..).zip(&jobs) {
            assert_ok!(challenge(challenger, *job));
        }
        let waits = |job| dispute(job).map(|dispute| dispute.waits);
        let waiting: Vec<_> = jobs.iter().map(|job| waits(*job)).collect();
        assert_eq!(waiting[..CALLED], vec![Some(false); CALLED]);
        assert_eq!(waiting[CALLED..], [Some(true); 2]);

        // Nobody is late in a dispute that waits, and another challenger waits with it.
        let (next, last) = (jobs[CALLED], jobs[CALLED + 1]);
        advance(10 * CLOCK);
        assert_ok!(challenge(CHALLENGER, next));
        assert_noop!(timeout(CROWD + CALLED as u64, next), Error::<Test>::DeadlineNotPassed);
        let said = assay_player::statement(
            &assay_adversary::graphs::random(&mut assay_adversary::Random(1), 3),
            &Place::Trace,
        );
        assert_noop!(reveal(next, said.expect("it is in memory")), Error::<Test>::NotCalled);
        check();

        // The first one ends, and the oldest that waits is called with full clocks.
        run_out(jobs[0], CROWD);
        assert_ok!(timeout(CROWD, jobs[0]));
        assert_eq!(
            (waits(jobs[0]), waits(next), waits(last)),
            (None, Some(false), Some(true))
        );
        for challenger in [CROWD + CALLED as u64, CHALLENGER] {
            assert_eq!(game(next, challenger).clock.deadline, now() + CLOCK);
        }
        check();
    });
}

#[test]
fn a_challenger_without_money_is_told_so() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        assert_noop!(challenge(999, job), Error::<Test>::InsufficientFunds);
        assert_eq!(phase(job), Some(Phase::Claimed));
    });
}

#[test]
fn moves_without_a_game_or_out_of_turn_are_refused() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        assert_noop!(point(CHALLENGER, job, Place::Trace, 0), Error::<Test>::NotDisputed);
        assert_noop!(timeout(CHALLENGER, job), Error::<Test>::NotDisputed);
        assert_ok!(challenge(CHALLENGER, job));
        assert_noop!(point(SECOND, job, Place::Trace, 0), Error::<Test>::NoSuchGame);
        assert_noop!(point(CHALLENGER, job, Place::Trace, 0), Error::<Test>::NotYourTurn);
        assert_noop!(
            point(CHALLENGER, job, Place::Tensor { operator: 0 }, 0),
            Error::<Test>::AnotherPlace
        );
        assert_noop!(timeout(CHALLENGER, job), Error::<Test>::DeadlineNotPassed);
        let unsigned = Disputes::challenge(RuntimeOrigin::none(), job, H256::zero());
        assert_eq!(unsigned, Err(DispatchError::BadOrigin));
    });
}
