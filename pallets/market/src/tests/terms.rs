//! Nobody is bound to terms that it did not offer, and nobody is paid for what it lost not.

use crate::{Error, Event, Jobs, mock::*};
use assay_types::{CloseReason, OfferTerms, limits::MAX_OFFERS_PER_MODEL};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

#[test]
fn a_client_gains_nothing_by_deadlines_that_its_worker_cannot_keep() {
    const JOBS: u64 = 16;
    const DONE: u64 = 3;
    TestExt::new().offer(CHEAP, 30, JOBS as u32).execute_with(|| {
        let (client, worker) = (balance(CLIENT), balance(CHEAP));
        let shortest = Request {
            deadline_blocks: 2,
            ..request(30)
        };
        let jobs: Vec<_> = (0..JOBS).map(|_| submit(shortest.clone())).collect();
        let last = now() + 2;
        jobs.iter().take(DONE as usize).for_each(|job| claim(CHEAP, *job));
        advance_past(last);
        advance_to(now() + WINDOW + 1);

        // Each compensation is no more than the fee of a submission, which this chain does not take.
        let missed = JOBS - DONE;
        assert_eq!(balance(CLIENT), client + missed * COMPENSATION - DONE * 30);
        assert!(
            balance(CLIENT) < client,
            "three results cost more than thirteen misses bring"
        );
        let slashed = NON_DELIVERY.mul_floor(lock(30));
        assert_eq!(balance(CHEAP), worker + DONE * 30 - missed * slashed);
    });
}

#[test]
fn a_deadline_below_the_minimum_of_an_offer_binds_nobody() {
    let careful = OfferTerms {
        min_deadline: DEADLINE,
        ..at(30)
    };
    TestExt::new().terms(CHEAP, careful, 5).execute_with(|| {
        let short = Request {
            deadline_blocks: DEADLINE - 1,
            ..request(100)
        };
        assert_noop!(
            Market::submit(signed(CLIENT), short),
            Error::<Test>::DeadlineBelowEveryOffer
        );
        assert_eq!(worker_of(submit(request(100))), Some((CHEAP, 30)));
    });
}

#[test]
fn a_window_outside_the_range_of_an_offer_binds_nobody() {
    let careful = OfferTerms {
        min_window: WINDOW,
        max_window: WINDOW + 1,
        ..at(30)
    };
    TestExt::new().terms(CHEAP, careful, 5).execute_with(|| {
        let with = |window_blocks| Request {
            window_blocks,
            ..request(100)
        };
        assert_noop!(
            Market::submit(signed(CLIENT), with(WINDOW - 1)),
            Error::<Test>::WindowBelowEveryOffer
        );
        assert_noop!(
            Market::submit(signed(CLIENT), with(WINDOW + 2)),
            Error::<Test>::WindowAboveEveryOffer
        );
        assert_ok!(Market::submit(signed(CLIENT), with(WINDOW)));
        assert_ok!(Market::submit(signed(CLIENT), with(WINDOW + 1)));
    });
}

#[test]
fn paused_workers_do_not_close_the_book_of_a_model() {
    let squatters = 100..100 + u64::from(MAX_OFFERS_PER_MODEL);
    squatters
        .clone()
        .fold(TestExt::new().worker(CHEAP), |ext, worker| {
            ext.endow(worker).offer(worker, 1, 1)
        })
        .execute_with(|| {
            for squatter in squatters.clone() {
                assert_ok!(Workers::pause(signed(squatter)));
            }
            assert_ok!(Workers::publish_offer(signed(CHEAP), MODEL, at(30), 5));
            assert_eq!(worker_of(submit(request(100))), Some((CHEAP, 30)));
        });
}

#[test]
fn a_larger_job_costs_more() {
    let by_row = OfferTerms { rate: 10, ..at(20) };
    TestExt::new().terms(CHEAP, by_row, 5).execute_with(|| {
        let rows = |rows: u32, ceiling| Request {
            input: inline(&[rows], rows as usize * INPUT_BYTES),
            ..request(ceiling)
        };
        let job = submit(rows(1, 100));
        assert_eq!(worker_of(job), Some((CHEAP, 30)));
        let job = submit(rows(7, 100));
        assert_eq!(worker_of(job), Some((CHEAP, 90)));
        assert_eq!(Jobs::<Test>::get(job).map(|job| job.work), Some(7_000_000_000));
        assert_noop!(
            Market::submit(signed(CLIENT), rows(8, 99)),
            Error::<Test>::CeilingBelowEveryPrice
        );
        claim(CHEAP, job);
        advance_past(now() + WINDOW);
        assert_closed(job, CloseReason::WindowPassed, Some(CHEAP), 90);
    });
}

#[test]
fn the_next_worker_is_one_whose_terms_the_job_fits() {
    let careful = OfferTerms {
        min_deadline: DEADLINE + 1,
        ..at(40)
    };
    TestExt::new()
        .offer(CHEAP, 30, 5)
        .terms(DEAR, careful, 5)
        .offer(THIRD, 60, 5)
        .execute_with(|| {
            let job = submit(request(100));
            advance_past(now() + DEADLINE);
            assert_eq!(worker_of(job), Some((THIRD, 60)));
        });
}

#[test]
fn an_auction_falls_back_on_offers_whose_terms_the_job_fits() {
    let careful = OfferTerms {
        min_window: WINDOW + 1,
        ..at(40)
    };
    TestExt::new()
        .worker(CHEAP)
        .terms(DEAR, careful, 5)
        .offer(THIRD, 60, 5)
        .execute_with(|| {
            let job = submit(auction(100));
            commit(CHEAP, job, 30);
            advance_to(now() + BIDDING + 1);
            reveal(CHEAP, job, 30);
            advance_past(now() + DEADLINE);
            assert_eq!(worker_of(job), Some((THIRD, 60)));
        });
}

#[test]
fn a_price_that_was_raised_for_a_job_is_not_paid() {
    TestExt::new().offer(CHEAP, 30, 5).offer(DEAR, 60, 5).execute_with(|| {
        OfferDelay::set(3);
        let waiting = submit(request(100));
        // The job is seen on its way, and the price goes up to its ceiling.
        assert_ok!(Workers::publish_offer(signed(CHEAP), MODEL, at(100), 5));
        assert_eq!(worker_of(submit(request(100))), Some((DEAR, 60)));
        assert_ok!(Workers::pause(signed(DEAR)));
        assert_noop!(
            Market::submit(signed(CLIENT), request(100)),
            Error::<Test>::AllWorkersBusy
        );
        assert_ok!(Workers::remove_offer(signed(DEAR), MODEL));
        assert_noop!(
            Market::submit(signed(CLIENT), request(100)),
            Error::<Test>::OffersTooNew
        );

        // Nor is the first job, which was there before, when it goes on to the next.
        without_idle_to(now() + 3);
        assert_eq!(worker_of(submit(request(100))), Some((CHEAP, 100)));
        assert_ok!(Workers::resume(signed(DEAR)));
        assert_ok!(Workers::publish_offer(signed(DEAR), MODEL, at(100), 5));
        assert_ok!(Market::decline(signed(CHEAP), waiting));
        assert_closed(waiting, CloseReason::NoWorkerLeft, None, 0);
        assert!(
            market_events()
                .iter()
                .any(|event| matches!(event, Event::JobDeclined { .. }))
        );
    });
}
