//! Who may challenge what, and what it holds.

use super::claimed_nothing;
use crate::{Error, mock::*};
use assay_types::{
    Phase,
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
        assert_eq!(bonded(CHALLENGER), 2 * BOND);
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
        let unsigned = Disputes::challenge(RuntimeOrigin::none(), job);
        assert_eq!(unsigned, Err(DispatchError::BadOrigin));
    });
}
