//! Silence: a challenger that lets its clock run out has lost; a worker is refunded for and may answer late, for a
//! time.

use super::{
    claimed_nothing,
    verdicts::{WAY, liar, model, said},
};
use crate::{Ended, Error, Event, LongestDispute, LongestGame, mock::*};
use assay_player::statement;
use assay_types::{
    Phase, WorkerStatus,
    dispute::{Fault, Place, Side},
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok, traits::Get};

#[test]
fn a_clock_that_runs_out_refunds_the_client_and_pays_nobody() {
    TestExt::new().execute_with(|| {
        let before = [CLIENT, WORKER, CHALLENGER].map(balance);
        let job = claimed_nothing();
        assert_ok!(challenge(CHALLENGER, job));
        advance(CLOCK);
        assert_noop!(timeout(CHALLENGER, job), Error::<Test>::DeadlineNotPassed);
        advance(1);
        assert_ok!(timeout(CHALLENGER, job));

        let until = now() + LATE_ANSWER;
        assert!(events().contains(&Event::WorkerLate {
            job,
            worker: WORKER,
            until
        }));
        assert_eq!([CLIENT, WORKER, CHALLENGER].map(balance), before);
        assert_eq!(Balances::free_balance(CLIENT), ENDOWMENT);
        // The lock is frozen, the bond is held, and the worker may take other jobs.
        let record = Workers::worker_info(&WORKER).expect("is registered");
        assert_eq!((record.stake, record.locked, record.slashing), (STAKE, LOCKED, 0));
        assert_eq!(record.status, WorkerStatus::Active);
        assert_eq!((phase(job), bonded(CHALLENGER)), (Some(Phase::Disputed), BOND));

        advance(LATE_ANSWER);
        assert_noop!(timeout(CHALLENGER, job), Error::<Test>::MayAnswerLate);
        advance(1);
        assert_ok!(timeout(CHALLENGER, job));
    });
}

#[test]
fn a_worker_that_stays_silent_loses_what_a_proof_costs() {
    TestExt::new().execute_with(|| {
        let before = [CLIENT, WORKER, CHALLENGER].map(balance);
        let job = claimed_nothing();
        assert_ok!(challenge(CHALLENGER, job));
        run_out(job, CHALLENGER);
        assert_ok!(timeout(CHALLENGER, job));

        // The job is closed and nobody's bond is held any more, but the slash waits.
        assert_eq!((phase(job), dispute(job), bonded(CHALLENGER)), (None, None, 0));
        assert_eq!([CLIENT, WORKER, CHALLENGER].map(balance), before);
        let record = Workers::worker_info(&WORKER).expect("is registered");
        assert_eq!(
            (record.stake, record.locked, record.slashing),
            (STAKE / 2, 0, STAKE / 2)
        );
        assert_eq!(record.status, WorkerStatus::Paused);
        // Silence shows nobody's trace, so the award is part of the lock and not of the stake.
        let convicted = Event::WorkerConvicted {
            job,
            worker: WORKER,
            challenger: CHALLENGER,
            fault: Fault::Silence { place: Place::Trace },
            slash: 0,
            slashed: STAKE / 2,
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
                before[1] - STAKE / 2,
                before[2] + 3 * LOCKED / 10
            ]
        );
    });
}

#[test]
fn an_honest_worker_answers_late_for_a_fee_and_the_game_goes_on() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let job = claimed(&honest);
        let before = [CLIENT, WORKER, CHALLENGER].map(balance);
        assert_ok!(challenge(CHALLENGER, job));
        let trace = statement(&honest, &Place::Trace).expect("it is in memory");
        assert_noop!(answer_late(job, trace.clone()), Error::<Test>::NotLate);
        run_down(job, CHALLENGER);
        assert_noop!(reveal(job, trace.clone()), Error::<Test>::DeadlinePassed);
        // Nobody has said so yet: whoever answers late is late all the same.
        assert_ok!(answer_late(job, trace));

        let paid = LATE_FEE / 4;
        assert!(events().contains(&Event::AnsweredLate {
            job,
            worker: WORKER,
            challenger: CHALLENGER,
            paid,
            burned: LATE_FEE - paid,
        }));
        assert_eq!(dispute(job).map(|dispute| dispute.locked), Some(LOCKED - LATE_FEE));
        let game = game(job, CHALLENGER);
        assert_eq!((game.turn, game.clock.worker_left), (Side::Challenger, CLOCK));
        check();

        // The challenger has no case: it loses its bond, and the client has its money already.
        run_down(job, CHALLENGER);
        assert_ok!(timeout(CHALLENGER, job));
        assert_eq!(phase(job), None);
        let record = Workers::worker_info(&WORKER).expect("is registered");
        assert_eq!((record.stake, record.locked, record.slashing), (STAKE - LATE_FEE, 0, 0));
        assert_eq!(
            [CLIENT, WORKER, CHALLENGER].map(balance),
            [before[0], before[1] - LATE_FEE + BOND / 2, before[2] - BOND + paid]
        );
        assert!(paid < BOND, "the challenger gains by making the worker late");
    });
}

#[test]
fn each_late_answer_costs_a_fee_until_the_lock_is_used_up() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let job = claimed(&honest);
        assert_ok!(challenge(CHALLENGER, job));
        let mut locked = LOCKED;
        for (place, entry) in [(WAY[0], 2), (WAY[1], 1)] {
            run_down(job, CHALLENGER);
            assert_ok!(answer_late(job, statement(&honest, &place).expect("it is in memory")));
            locked -= (locked / 10).max(LEAST_LATE_FEE);
            assert_eq!(dispute(job).map(|dispute| dispute.locked), Some(locked));
            assert_ok!(point(CHALLENGER, job, place, entry));
            check();
        }
        // The client is refunded once, and the last block for a late answer stays where it was.
        let late = events()
            .into_iter()
            .filter(|event| matches!(event, Event::WorkerLate { .. }));
        assert_eq!(late.count(), 1);
    });
}

#[test]
fn nobody_answers_after_the_time_for_late_answers() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let job = claimed(&honest);
        assert_ok!(challenge(CHALLENGER, job));
        run_out(job, CHALLENGER);
        let trace = statement(&honest, &Place::Trace).expect("it is in memory");
        assert_noop!(answer_late(job, trace.clone()), Error::<Test>::TooLate);
        assert_noop!(
            Disputes::answer_late(signed(SECOND), job, Box::new(trace)),
            Error::<Test>::NotWorker
        );
        assert_ok!(timeout(CHALLENGER, job));
    });
}

#[test]
fn a_liar_that_answers_late_is_convicted_and_loses_the_fees_besides() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        let before = [CLIENT, WORKER].map(balance);
        assert_ok!(challenge(CHALLENGER, job));
        run_down(job, CHALLENGER);
        assert_ok!(timeout(CHALLENGER, job));
        // What does not fit is refused late as well, and costs nothing.
        let truth = statement(&honest, &Place::Trace).expect("it is in memory");
        assert_noop!(answer_late(job, truth), Error::<Test>::OutputDoesNotOpen);
        assert_ok!(answer_late(job, said(&liar, WAY[0])));
        // Others may join as long as the dispute lasts.
        assert_ok!(challenge(SECOND, job));
        assert_ok!(point(CHALLENGER, job, WAY[0], 2));
        run_out_again(job);
        assert_ok!(timeout(CHALLENGER, job));

        advance(SLASH_DELAY);
        let locked = LOCKED - LATE_FEE;
        let lost = LATE_FEE + (STAKE - LATE_FEE) / 2;
        assert_eq!(
            [CLIENT, WORKER].map(balance),
            [before[0] + 2 * locked / 10, before[1] - lost]
        );
    });
}

/// Waits until the worker can answer no more in a dispute in which it is late, whatever its clock says.
fn run_out_again(job: u64) {
    let until = dispute(job).and_then(|dispute| dispute.late_until).expect("is late");
    advance(until + 1 - now());
    assert!(game(job, CHALLENGER).clock.is_over(now()));
}

#[test]
fn a_verdict_is_reached_once_and_gives_every_other_bond_back() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        assert_ok!(challenge(CHALLENGER, job));
        advance(3);
        assert_ok!(challenge(SECOND, job));
        let before = [CHALLENGER, SECOND].map(balance);
        run_down(job, CHALLENGER);
        assert_noop!(timeout(SECOND, job), Error::<Test>::DeadlineNotPassed);
        run_out(job, CHALLENGER);
        // The award of silence is the oldest challenger's, whoever's clock it is that ran out.
        assert_ok!(timeout(SECOND, job));
        assert_noop!(timeout(CHALLENGER, job), Error::<Test>::NotDisputed);

        assert_eq!((bonded(CHALLENGER), bonded(SECOND)), (0, 0));
        advance(SLASH_DELAY);
        assert_eq!(
            [CHALLENGER, SECOND].map(balance),
            [before[0] + 3 * LOCKED / 10, before[1]]
        );
    });
}

#[test]
fn anybody_can_say_that_time_has_passed_and_the_reward_is_the_challengers() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        assert_ok!(challenge(CHALLENGER, job));
        run_out(job, CHALLENGER);
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
        run_out(job, CHALLENGER);
        assert_ok!(timeout(CHALLENGER, job));
        assert_ok!(Workers::cancel_slash(RuntimeOrigin::root(), 0));
        advance(SLASH_DELAY);
        let record = Workers::worker_info(&WORKER).expect("is registered");
        assert_eq!((record.stake, record.slashing), (STAKE, 0));
    });
}

#[test]
fn the_longest_game_and_the_longest_dispute_are_as_long_as_their_parts() {
    TestExt::new().execute_with(|| {
        let game: u64 = LongestGame::<Test>::get();
        assert_eq!(game, CLOCK + CHALLENGER_CLOCK + 22 * LEAST_TURN);
        let dispute: u64 = LongestDispute::<Test>::get();
        assert_eq!(dispute, 32 / CALLED as u64 * (2 * game + LATE_ANSWER));
    });
}

#[test]
fn a_dispute_that_is_over_leaves_nothing_behind() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        assert_ok!(challenge(CHALLENGER, job));
        run_out(job, CHALLENGER);
        assert_ok!(timeout(CHALLENGER, job));
        assert!(Ended::<Test>::contains_key(0));
        assert!(!crate::Defences::<Test>::contains_key(WORKER));
        assert_ok!(Disputes::sweep(signed(SECOND), 0));
        assert_noop!(Disputes::sweep(signed(SECOND), 0), Error::<Test>::NothingToSweep);
        assert_noop!(Disputes::sweep(signed(SECOND), 1), Error::<Test>::NothingToSweep);
    });
}

#[test]
fn blocks_that_others_fill_count_in_no_clock_window_or_delay() {
    TestExt::new().execute_with(|| {
        let (first, second) = (claimed_nothing(), claimed_nothing());
        stuff(10 * WINDOW);
        assert_eq!(phase(second), Some(Phase::Claimed), "its window has not passed");
        assert_ok!(challenge(CHALLENGER, first));

        stuff(10 * CLOCK);
        assert_noop!(timeout(CHALLENGER, first), Error::<Test>::DeadlineNotPassed);
        advance(CLOCK + 1);
        assert_ok!(timeout(CHALLENGER, first));
        stuff(10 * LATE_ANSWER);
        assert_noop!(timeout(CHALLENGER, first), Error::<Test>::MayAnswerLate);
        advance(LATE_ANSWER + 1);
        assert_ok!(timeout(CHALLENGER, first));

        let slashing = || Workers::worker_info(&WORKER).expect("is registered").slashing;
        stuff(10 * SLASH_DELAY);
        assert_eq!(slashing(), STAKE / 2, "the slash waits");
        advance(SLASH_DELAY);
        assert_eq!(slashing(), 0);
        assert_eq!(phase(second), None, "its window has passed with the rest");
    });
}

#[test]
fn who_may_move_is_known_from_the_record() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        let may = |place| {
            [
                Disputes::may_reveal(&WORKER, job, place),
                Disputes::may_answer_late(&WORKER, job, place),
                Disputes::may_point(&CHALLENGER, job, place),
                Disputes::may_prove(&CHALLENGER, job),
                Disputes::may_claim_timeout(&WORKER, job, &CHALLENGER),
                Disputes::may_claim_timeout(&CHALLENGER, job, &CHALLENGER),
            ]
        };
        assert_eq!(may(Place::Trace), [false; 6]);
        assert_ok!(challenge(CHALLENGER, job));
        assert_eq!(may(Place::Trace), [true, false, false, false, false, false]);
        assert_eq!(may(Place::Tensor { operator: 0 }), [false; 6]);
        assert!(!Disputes::may_reveal(&CHALLENGER, job, Place::Trace));
        run_down(job, CHALLENGER);
        assert_eq!(may(Place::Trace), [false, true, false, false, true, true]);
        assert!(
            !Disputes::may_claim_timeout(&SECOND, job, &CHALLENGER),
            "no side of the game"
        );
        assert_ok!(timeout(CHALLENGER, job));
        assert_eq!(may(Place::Trace), [false, true, false, false, false, false]);
        advance(LATE_ANSWER + 1);
        assert_eq!(may(Place::Trace), [false, false, false, false, true, true]);
    });
}
