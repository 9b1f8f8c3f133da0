//! Matching by standing offers.

use crate::{Error, Event, mock::*};
use assay_types::{CloseReason, Phase};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

#[test]
fn the_cheapest_offer_gets_the_job() {
    TestExt::new().offer(DEAR, 60, 5).offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        assert_eq!(worker_of(job), Some((CHEAP, 30)));
    });
}

#[test]
fn the_earlier_of_two_equal_offers_gets_the_job() {
    TestExt::new().offer(DEAR, 30, 5).offer(CHEAP, 30, 5).execute_with(|| {
        assert_eq!(worker_of(submit(request(100))), Some((DEAR, 30)));
    });
}

#[test]
fn a_worker_at_capacity_is_passed_over() {
    TestExt::new().offer(CHEAP, 30, 1).offer(DEAR, 60, 1).execute_with(|| {
        assert_eq!(worker_of(submit(request(100))), Some((CHEAP, 30)));
        let second = submit(request(100));
        assert_eq!(worker_of(second), Some((DEAR, 60)));
        assert_noop!(
            Market::submit(signed(CLIENT), request(100)),
            Error::<Test>::AllWorkersBusy
        );
        claim(DEAR, second);
        assert_eq!(worker_of(submit(request(100))), Some((DEAR, 60)));
    });
}

#[test]
fn a_paused_worker_is_passed_over() {
    TestExt::new().offer(CHEAP, 30, 5).offer(DEAR, 60, 5).execute_with(|| {
        assert_ok!(Workers::pause(signed(CHEAP)));
        assert_eq!(worker_of(submit(request(100))), Some((DEAR, 60)));
        assert_ok!(Workers::resume(signed(CHEAP)));
        assert_eq!(worker_of(submit(request(100))), Some((CHEAP, 30)));
    });
}

#[test]
fn a_worker_whose_stake_is_locked_is_passed_over() {
    TestExt::new().offer(CHEAP, 30, 1_000).execute_with(|| {
        let jobs = STAKE / lock(30);
        for _ in 0..jobs {
            submit(request(30));
        }
        assert_noop!(
            Market::submit(signed(CLIENT), request(30)),
            Error::<Test>::AllWorkersBusy
        );
        assert_ok!(Workers::bond_more(signed(CHEAP), lock(30)));
        assert_ok!(Market::submit(signed(CLIENT), request(30)));
    });
}

#[test]
fn refusals_say_which_way_out() {
    TestExt::new().execute_with(|| {
        assert_noop!(Market::submit(signed(CLIENT), request(100)), Error::<Test>::NoOffer);
    });
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        assert_noop!(
            Market::submit(signed(CLIENT), request(29)),
            Error::<Test>::CeilingBelowEveryPrice
        );
    });
}

#[test]
fn a_missed_deadline_costs_the_worker_and_the_job_goes_to_the_next() {
    TestExt::new().offer(CHEAP, 30, 5).offer(DEAR, 60, 5).execute_with(|| {
        let job = submit(request(100));
        let cost = NON_DELIVERY * lock(30);
        advance_past(now() + DEADLINE);
        assert_eq!(worker_of(job), Some((DEAR, 60)));
        assert_eq!(stake(CHEAP), STAKE - cost);
        assert_eq!(locked(CHEAP), 0);
        assert_eq!(free(CLIENT), ENDOWMENT - 100 + COMPENSATION);
        let missed = |worker, paid, burned| -> Event<Test> {
            Event::DeadlineMissed {
                job,
                worker,
                paid,
                burned,
            }
        };
        assert!(market_events().contains(&missed(CHEAP, COMPENSATION, cost - COMPENSATION)));
        // The client paid one fee, whoever misses the job after that.
        advance_past(now() + DEADLINE);
        assert!(market_events().contains(&missed(DEAR, 0, NON_DELIVERY * lock(60))));
        assert_eq!(free(CLIENT), ENDOWMENT + COMPENSATION);
    });
}

#[test]
fn nobody_gets_a_job_twice_and_the_client_is_refunded_in_the_end() {
    TestExt::new().offer(CHEAP, 30, 5).offer(DEAR, 60, 5).execute_with(|| {
        let job = submit(request(100));
        advance_past(now() + DEADLINE);
        advance_past(now() + DEADLINE);
        assert_eq!(phase(job), None);
        assert_closed(job, CloseReason::NoWorkerLeft, None, 0);
        assert_eq!(held_for_jobs(CLIENT), 0);
    });
}

#[test]
fn attempts_are_bounded() {
    let workers = 20..30u64;
    let ext = workers
        .clone()
        .fold(TestExt::new(), |ext, worker| ext.endow(worker).offer(worker, 30, 5));
    ext.execute_with(|| {
        let job = submit(request(100));
        for _ in 0..assay_types::limits::MAX_ATTEMPTS {
            assert_eq!(phase(job), Some(Phase::Assigned));
            advance_past(now() + DEADLINE);
        }
        assert_closed(job, CloseReason::NoWorkerLeft, None, 0);
    });
}

#[test]
fn declining_costs_less_than_silence_and_passes_the_job_on_at_once() {
    TestExt::new().offer(CHEAP, 30, 5).offer(DEAR, 60, 5).execute_with(|| {
        let job = submit(request(100));
        assert_ok!(Market::decline(signed(CHEAP), job));
        assert_eq!(worker_of(job), Some((DEAR, 60)));
        assert_eq!(stake(CHEAP), STAKE - DECLINE * lock(30));
        assert_eq!(free(CLIENT), ENDOWMENT - 100);
    });
}

#[test]
fn declining_a_job_whose_input_is_a_digest_costs_nothing() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(Request {
            input: by_digest(),
            ..request(100)
        });
        assert_ok!(Market::decline(signed(CHEAP), job));
        assert_eq!(stake(CHEAP), STAKE);
        assert_closed(job, CloseReason::NoWorkerLeft, None, 0);
    });
}
