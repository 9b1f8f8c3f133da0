//! Holding a job and not delivering costs by the time held, and whoever does it rests.

use crate::{Error, mock::*};
use assay_types::{CloseReason, WhyNot};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

const RING: std::ops::Range<u64> = 100..104;

/// An honest worker, and four cheaper ones that deliver nothing.
fn saboteurs() -> TestExt {
    RING.fold(TestExt::new().offer(CHEAP, 30, 5), |ext, worker| {
        ext.endow(worker).offer(worker, 1, 1)
    })
}

#[test]
fn saboteurs_that_hold_a_job_to_its_deadlines_pay_as_for_misses_and_rest() {
    saboteurs().execute_with(|| {
        RestBlocks::set(100);
        let before: Vec<u64> = RING.map(balance).collect();
        let by_digest = || Request {
            input: by_digest(),
            ..request(100)
        };
        let job = submit(by_digest());
        for _ in RING {
            let (worker, price) = worker_of(job).expect("is assigned");
            assert_eq!(price, 1);
            without_idle_to(now() + DEADLINE);
            assert_ok!(Market::decline(signed(worker), job));
        }
        assert_closed(job, CloseReason::NoWorkerLeft, None, 0);
        let cost = NON_DELIVERY.mul_floor(lock(1));
        assert!(cost > 0);
        let after: Vec<u64> = RING.map(balance).collect();
        assert_eq!(after, before.iter().map(|balance| balance - cost).collect::<Vec<_>>());
        // The next job is the honest worker's.
        assert_eq!(worker_of(submit(by_digest())), Some((CHEAP, 30)));
    });
}

#[test]
fn saboteurs_that_give_a_job_back_at_once_rest_too() {
    saboteurs().execute_with(|| {
        RestBlocks::set(10);
        let by_digest = || Request {
            input: by_digest(),
            ..request(100)
        };
        let job = submit(by_digest());
        for worker in RING {
            assert_ok!(Market::decline(signed(worker), job));
        }
        assert_closed(job, CloseReason::NoWorkerLeft, None, 0);
        let job = submit(by_digest());
        assert_eq!(worker_of(job), Some((CHEAP, 30)));
        let why = |worker| Market::why_not(&worker, Workers::worker_info(&worker), job);
        assert_eq!(why(100), WhyNot::Resting { until: now() + 10 });
        without_idle_to(now() + 10);
        assert_eq!(worker_of(submit(by_digest())), Some((100, 1)));
    });
}

#[test]
fn declining_costs_by_the_time_held() {
    TestExt::new().offer(CHEAP, 100, 50).execute_with(|| {
        let jobs: Vec<_> = (0..4).map(|_| submit(request(100))).collect();
        let digest = submit(Request {
            input: by_digest(),
            ..request(100)
        });
        let decline = |job| {
            let before = stake(CHEAP);
            assert_ok!(Market::decline(signed(CHEAP), job));
            before - stake(CHEAP)
        };
        // Of 1,000 that are locked, 2 % at once and 20 % at the deadline, five blocks later.
        assert_eq!(decline(jobs[0]), 20);
        without_idle_to(now() + 1);
        assert_eq!(decline(jobs[1]), 40);
        assert_eq!(decline(digest), 0);
        without_idle_to(now() + 2);
        assert_eq!(decline(jobs[2]), 120);
        without_idle_to(now() + 2);
        assert_eq!(decline(jobs[3]), NON_DELIVERY.mul_floor(lock(100)));
    });
}

#[test]
fn a_slash_lets_a_worker_out_of_no_other_job_for_nothing() {
    TestExt::new().execute_with(|| {
        assert_ok!(Workers::register(signed(THIRD), 1_000));
        assert_ok!(Workers::publish_offer(signed(THIRD), MODEL, at(1), 10));
        let jobs: Vec<_> = (0..10).map(|_| submit(request(100))).collect();
        let before = balance(THIRD);
        assert_ok!(Market::decline(signed(THIRD), jobs[0]));
        assert_eq!(stake(THIRD), 999);
        for job in &jobs[1..5] {
            assert_ok!(Market::reassign(signed(THIRD), *job));
        }
        let at_once = DECLINE.mul_floor(lock(1));
        assert_eq!(balance(THIRD), before - 5 * at_once, "each costs what declining costs");
        without_idle_to(now() + DEADLINE);
        for job in &jobs[5..] {
            assert_ok!(Market::reassign(signed(THIRD), *job));
        }
        let late = NON_DELIVERY.mul_floor(lock(1));
        assert_eq!(balance(THIRD), before - 5 * at_once - 5 * late);
    });
}

#[test]
fn a_worker_that_rests_makes_no_bids() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        RestBlocks::set(10);
        let job = submit(request(100));
        let auctioned = submit(auction(100));
        assert_ok!(Market::decline(signed(CHEAP), job));
        assert_noop!(
            Market::commit_bid(signed(CHEAP), auctioned, commitment(CHEAP, auctioned, 10)),
            Error::<Test>::WorkerResting
        );
    });
}

#[test]
fn jobs_that_are_paid_take_strikes_back() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        RestBlocks::set(1);
        let strikes = || pallet_workers::Workers::<Test>::get(CHEAP).map(|record| record.strikes);
        for _ in 0..2 {
            let job = submit(request(100));
            assert_ok!(Market::decline(signed(CHEAP), job));
            without_idle_to(now() + 2);
        }
        assert_eq!(strikes(), Some(2));
        let job = submit(request(100));
        claim(CHEAP, job);
        assert_eq!(strikes(), Some(2));
        assert_ok!(Market::accept(signed(CLIENT), job));
        assert_eq!(strikes(), Some(1));
    });
}
