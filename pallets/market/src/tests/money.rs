//! Where the money goes.

use crate::{Error, Jobs, Outputs, mock::*};
use assay_types::{CloseReason, Delivery};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

#[test]
fn settlement_pays_the_price_and_returns_the_rest() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(Request {
            delivery: Delivery::Inline,
            ..request(100)
        });
        assert_ok!(make(CHEAP, inline_claim(job, 1)));
        let before = balance(CHEAP);
        advance_past(now() + WINDOW);
        assert_closed(job, CloseReason::WindowPassed, Some(CHEAP), 30);
        assert_eq!(free(CLIENT), ENDOWMENT - 30);
        assert_eq!(balance(CHEAP), before + 30);
        assert_eq!(locked(CHEAP), 0);
        assert_eq!(Jobs::<Test>::iter().count(), 0);
        assert!(!Outputs::<Test>::contains_key(job));
    });
}

#[test]
fn nothing_is_paid_before_the_window_has_passed() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        claim(CHEAP, job);
        advance_to(now() + WINDOW);
        assert_noop!(Market::advance(signed(CHEAP), job), Error::<Test>::NotDue);
        assert_eq!(held_for_jobs(CLIENT), 100);
        advance_to(now() + 1);
        assert_eq!(held_for_jobs(CLIENT), 0);
    });
}

#[test]
fn the_client_can_accept_early_and_nobody_else() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        assert_noop!(Market::accept(signed(CLIENT), job), Error::<Test>::NotClaimed);
        claim(CHEAP, job);
        assert_noop!(Market::accept(signed(CHEAP), job), Error::<Test>::NotClient);
        assert_ok!(Market::accept(signed(CLIENT), job));
        assert_closed(job, CloseReason::Accepted, Some(CHEAP), 30);
        assert_noop!(Market::accept(signed(CLIENT), job), Error::<Test>::UnknownJob);
    });
}

#[test]
fn several_results_are_accepted_together_or_none() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let (first, second) = (submit(request(100)), submit(request(100)));
        claim(CHEAP, first);
        let both = || vec![first, second];
        assert_noop!(Market::accept_batch(signed(CLIENT), both()), Error::<Test>::NotClaimed);
        claim(CHEAP, second);
        assert_ok!(Market::accept_batch(signed(CLIENT), both()));
        assert_eq!(free(CLIENT), ENDOWMENT - 60);
    });
}

#[test]
fn a_free_job_is_settled_too() {
    TestExt::new().worker(CHEAP).execute_with(|| {
        let job = submit(auction(100));
        commit(CHEAP, job, 0);
        advance_to(now() + BIDDING + 1);
        reveal(CHEAP, job, 0);
        claim(CHEAP, job);
        advance_past(now() + WINDOW);
        assert_closed(job, CloseReason::WindowPassed, Some(CHEAP), 0);
        assert_eq!(free(CLIENT), ENDOWMENT);
    });
}

#[test]
fn the_ceiling_itself_can_be_the_price() {
    TestExt::new().offer(CHEAP, 100, 5).execute_with(|| {
        let job = submit(request(100));
        claim(CHEAP, job);
        advance_past(now() + WINDOW);
        assert_eq!(free(CLIENT), ENDOWMENT - 100);
    });
}

#[test]
fn a_worker_can_be_its_own_client_and_gains_nothing() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let before = balance(CHEAP);
        assert_ok!(Market::submit(signed(CHEAP), request(100)));
        advance_past(now() + DEADLINE);
        assert!(
            balance(CHEAP) < before,
            "most of a slash is burned, whoever the client is"
        );
    });
}

#[test]
fn a_model_deprecated_in_mid_job_changes_nothing_for_the_job() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(Request {
            delivery: Delivery::Inline,
            ..request(100)
        });
        assert_ok!(Models::deprecate(signed(PUBLISHER), MODEL));
        assert_ok!(make(CHEAP, inline_claim(job, 1)));
        advance_past(now() + WINDOW);
        assert_closed(job, CloseReason::WindowPassed, Some(CHEAP), 30);
    });
}
