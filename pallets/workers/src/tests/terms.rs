//! Offers have terms: a job is matched only with an offer that it fits, and at that offer's price for it.

use crate::{Error, OfferTermsOf, mock::*};
use assay_types::{JobTerms, NoOffer, OfferTerms, WorkerRegistry, offer::WORK_PER_RATE};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use proptest::prelude::*;

/// Work of a row of a job on [`LETTERS`].
const ROW: u64 = WORK_PER_RATE;

fn cheapest(job: JobTerms<u64>, ceiling: u64) -> Result<(u64, u64), NoOffer> {
    <Workers as WorkerRegistry<u64, u64>>::cheapest(LETTERS, &job, ceiling, &[])
}

fn publish(worker: u64, terms: OfferTermsOf<Test>) {
    assert_ok!(Workers::publish_offer(signed(worker), LETTERS, terms, 5));
}

/// Alice asks much for any job, Bob little and as much for each row.
fn two_workers() {
    register(ALICE, 10 * MIN_STAKE);
    register(BOB, 10 * MIN_STAKE);
    publish(ALICE, at(50));
    publish(BOB, OfferTerms { rate: 10, ..at(10) });
}

#[test]
fn each_job_goes_to_the_worker_that_is_cheapest_for_it() {
    story(|| {
        two_workers();
        assert_eq!(cheapest(wanted(ROW), 100), Ok((BOB, 20)));
        assert_eq!(cheapest(wanted(3 * ROW), 100), Ok((BOB, 40)));
        assert_eq!(cheapest(wanted(3 * ROW + 1), 100), Ok((BOB, 41)));
        assert_eq!(cheapest(wanted(5 * ROW), 100), Ok((ALICE, 50)));
        assert_eq!(cheapest(wanted(5 * ROW), 49), Err(NoOffer::CeilingTooLow));
    });
}

#[test]
fn nobody_gets_a_job_on_other_terms_than_its_own() {
    story(|| {
        register(ALICE, MIN_STAKE);
        let terms = OfferTerms {
            min_deadline: 10,
            min_window: 20,
            max_window: 30,
            ..at(50)
        };
        publish(ALICE, terms);
        let asked = |deadline_blocks, window_blocks| {
            let job = JobTerms {
                deadline_blocks,
                window_blocks,
                ..wanted(ROW)
            };
            cheapest(job, 100)
        };
        assert_eq!(asked(10, 20), Ok((ALICE, 50)));
        assert_eq!(asked(50, 30), Ok((ALICE, 50)));
        assert_eq!(asked(9, 20), Err(NoOffer::DeadlineTooShort));
        assert_eq!(asked(10, 19), Err(NoOffer::WindowTooShort));
        assert_eq!(asked(10, 31), Err(NoOffer::WindowTooLong));
        // The reason is that of the offer that came furthest.
        register(BOB, MIN_STAKE);
        publish(BOB, at(200));
        assert_eq!(asked(9, 20), Err(NoOffer::CeilingTooLow));
        publish(BOB, at(60));
        assert_eq!(asked(9, 20), Ok((BOB, 60)));
        assert_ok!(Workers::pause(signed(BOB)));
        assert_eq!(asked(9, 20), Err(NoOffer::AllBusy));
    });
}

#[test]
fn terms_that_no_job_can_have_are_refused() {
    story(|| {
        register(ALICE, MIN_STAKE);
        for terms in [
            OfferTerms {
                min_deadline: MAX_DEADLINE + 1,
                ..at(50)
            },
            OfferTerms {
                min_window: MAX_WINDOW + 1,
                max_window: MAX_WINDOW + 1,
                ..at(50)
            },
            OfferTerms {
                max_window: MIN_WINDOW - 1,
                ..at(50)
            },
            OfferTerms {
                min_window: 9,
                max_window: 8,
                ..at(50)
            },
        ] {
            assert_noop!(
                Workers::publish_offer(signed(ALICE), LETTERS, terms, 1),
                Error::<Test>::TermsFitNoJob
            );
        }
    });
}

#[test]
fn the_stake_must_carry_the_smallest_job() {
    story(|| {
        register(ALICE, MIN_STAKE);
        // A job locks twice its price.
        let half = MIN_STAKE / 2;
        publish(
            ALICE,
            OfferTerms {
                rate: half - 1,
                ..at(1)
            },
        );
        assert_noop!(
            Workers::publish_offer(signed(ALICE), LETTERS, OfferTerms { rate: half, ..at(1) }, 1),
            Error::<Test>::StakeTooSmallForPrice
        );
        assert_eq!(cheapest(wanted(ROW), 2 * half), Ok((ALICE, half)));
        assert_eq!(cheapest(wanted(2 * ROW), 2 * half), Err(NoOffer::AllBusy));
    });
}

#[test]
fn a_book_is_in_the_order_of_the_price_of_the_largest_job() {
    story(|| {
        two_workers();
        // Ten rows cost 110 with Bob and 50 with Alice.
        assert_eq!(book(LETTERS), [(ALICE, 50), (BOB, 10)]);
        publish(BOB, OfferTerms { rate: 3, ..at(10) });
        assert_eq!(book(LETTERS), [(BOB, 10), (ALICE, 50)]);
    });
}

#[test]
fn an_offer_that_gets_dearer_takes_no_job_that_is_on_its_way() {
    story(|| {
        OfferDelay::set(4);
        advance_to(10);
        register(ALICE, MIN_STAKE);
        publish(ALICE, at(50));
        let from = |worker| Workers::offer_of(&worker, LETTERS).map(|offer| offer.from);
        assert_eq!(
            (from(ALICE), cheapest(wanted(ROW), 100)),
            (Some(14), Err(NoOffer::TooNew))
        );
        advance_to(14);
        assert_eq!(cheapest(wanted(ROW), 100), Ok((ALICE, 50)));

        // What is no worse takes effect at once.
        publish(ALICE, at(40));
        assert_eq!((from(ALICE), cheapest(wanted(ROW), 100)), (Some(14), Ok((ALICE, 40))));
        for worse in [
            at(41),
            OfferTerms { rate: 1, ..at(30) },
            OfferTerms {
                min_deadline: 1,
                ..at(30)
            },
            OfferTerms {
                min_window: 1,
                ..at(30)
            },
            OfferTerms {
                max_window: MAX_WINDOW - 1,
                ..at(30)
            },
        ] {
            publish(ALICE, worse);
            assert_eq!(from(ALICE), Some(18), "{worse:?}");
            assert_ok!(Workers::remove_offer(signed(ALICE), LETTERS));
            OfferDelay::set(0);
            publish(ALICE, at(40));
            OfferDelay::set(4);
        }
        publish(ALICE, at(90));
        let before = wanted(ROW);
        advance_to(18);
        assert_eq!(cheapest(before, 100), Err(NoOffer::TooNew), "a job that is older");
        assert_eq!(cheapest(wanted(ROW), 100), Ok((ALICE, 90)));
    });
}

proptest! {
    #[test]
    fn a_price_is_the_exact_one_rounded_up(base in 0..=1u128 << 80, rate in 0..=1u128 << 60, work in 0..=1u64 << 56) {
        let terms = OfferTerms { base, rate, min_deadline: 0u32, min_window: 0, max_window: 0 };
        let exact = base + (rate * u128::from(work)).div_ceil(u128::from(WORK_PER_RATE));
        prop_assert_eq!(terms.price(work), exact);
    }

    #[test]
    fn a_larger_job_or_a_dearer_offer_costs_no_less(
        base: u128, rate: u128, more in 0..=u128::MAX, work: u64, further: u64,
    ) {
        let terms = OfferTerms { base, rate, min_deadline: 0u32, min_window: 0, max_window: 0 };
        let price = terms.price(work);
        prop_assert!(price >= base);
        prop_assert!(terms.price(work.saturating_add(further)) >= price);
        let dearer = OfferTerms { rate: rate.saturating_add(more), ..terms };
        prop_assert!(dearer.price(work) >= price);
        prop_assert!(terms.are_no_worse_than(&dearer));
    }
}
