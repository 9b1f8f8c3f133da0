//! Answers of the runtime API.

use crate::mock::*;
use assay_types::{Misfit, ModelVersion, NoOffer, OfferTerms, WhyNot, WorkerStatus, runtime_api::NoLayout};
use polkadot_sdk::frame_support::assert_ok;
use std::collections::BTreeSet;

fn why_not(worker: u64, job: u64) -> crate::queries::WhyNotOf<Test> {
    Market::why_not(&worker, Workers::worker_info(&worker), job)
}

#[test]
fn quote_is_the_price_that_a_job_would_get() {
    let quote = |rows: u32, deadline| {
        let quote = Market::quote(MODEL, &[rows], deadline, WINDOW);
        quote.map(|quote| (quote.worker, quote.price))
    };
    TestExt::new().execute_with(|| assert_eq!(quote(1, DEADLINE), Err(NoOffer::NoneForModel)));
    let by_row = OfferTerms {
        rate: 10,
        min_deadline: DEADLINE,
        ..at(20)
    };
    let ext = TestExt::new().offer(DEAR, 60, 5).terms(CHEAP, by_row, 1);
    ext.execute_with(|| {
        assert_eq!(quote(1, DEADLINE), Ok((CHEAP, 30)));
        assert_eq!(quote(1, DEADLINE - 1), Ok((DEAR, 60)));
        assert_eq!(quote(4, DEADLINE), Ok((DEAR, 60)));
        submit(request(100));
        assert_eq!(quote(1, DEADLINE), Ok((DEAR, 60)));
        let unknown = ModelVersion { model: 9, version: 1 };
        assert_eq!(
            Market::quote(unknown, &[1], DEADLINE, WINDOW),
            Err(NoOffer::UnknownModel)
        );
    });
}

#[test]
fn quote_of_a_batch_counts_the_capacity_that_it_takes_and_changes_nothing() {
    let ext = TestExt::new().offer(CHEAP, 30, 2).offer(DEAR, 60, 1);
    ext.execute_with(|| {
        let quotes = |jobs| Market::quote_batch(MODEL, &[1], DEADLINE, WINDOW, jobs);
        let three = quotes(3).expect("there are three places");
        let prices: Vec<_> = three.into_iter().map(|quote| (quote.worker, quote.price)).collect();
        assert_eq!(prices, [(CHEAP, 30), (CHEAP, 30), (DEAR, 60)]);
        assert_eq!(quotes(4), Err(NoOffer::AllBusy));
        assert_eq!(quotes(0), Ok(Vec::new()));
        assert_eq!(quotes(3).map(|quotes| quotes.len()), Ok(3), "nothing was taken");
    });
}

#[test]
fn layout_has_the_tensors_and_says_what_is_wrong_with_the_symbols() {
    TestExt::new().execute_with(|| {
        let layout = Market::layout(MODEL, &[3]).expect("three rows");
        let bytes: u64 = layout.inputs.iter().map(|tensor| tensor.bytes).sum();
        assert_eq!(layout.input_bytes, bytes);
        assert!(layout.inputs.iter().all(|tensor| tensor.shape.first() == Some(&3)));
        let outputs: u64 = layout.outputs.iter().map(|tensor| tensor.bytes).sum();
        assert_eq!(layout.delivered_bytes, outputs);
        assert_eq!(
            Market::layout(MODEL, &[]),
            Err(NoLayout::WrongNumberOfSymbols { expected: 1 })
        );
        assert_eq!(
            Market::layout(MODEL, &[0]),
            Err(NoLayout::SymbolOutOfRange { symbol: 0 })
        );
        let unknown = ModelVersion { model: 9, version: 1 };
        assert_eq!(Market::layout(unknown, &[1]), Err(NoLayout::UnknownModel));
    });
}

#[test]
fn jobs_of_lists_those_of_client_worker_and_bidder() {
    TestExt::new().offer(CHEAP, 30, 5).worker(DEAR).execute_with(|| {
        let by_offer = submit(request(100));
        let by_auction = submit(auction(100));
        commit(DEAR, by_auction, 50);
        let ids = |account| {
            let mut jobs = Market::jobs_of(&account, None, 10).entries;
            jobs.sort_by_key(|(id, _)| *id);
            jobs.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!(ids(CLIENT), vec![by_offer, by_auction]);
        assert_eq!(ids(CHEAP), vec![by_offer]);
        assert_eq!(ids(DEAR), vec![by_auction]);
        assert_eq!(ids(THIRD), Vec::<u64>::new());
    });
}

#[test]
fn open_jobs_are_those_that_take_bids_now() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        submit(request(100));
        let open = submit(auction(100));
        let open_jobs = || {
            let jobs = Market::open_jobs(MODEL, None, 10).entries;
            jobs.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!(open_jobs(), vec![open]);
        without_idle_to(now() + BIDDING + 1);
        assert_eq!(open_jobs(), Vec::<u64>::new());
    });
}

#[test]
fn pages_have_every_claimed_job_once_whatever_closes_meanwhile() {
    TestExt::new().offer(CHEAP, 30, 50).execute_with(|| {
        let jobs: BTreeSet<u64> = (0..20).map(|_| submit(request(100))).collect();
        let claimed: BTreeSet<u64> = jobs.iter().copied().filter(|job| job % 2 == 0).collect();
        claimed.iter().for_each(|job| claim(CHEAP, *job));
        let (mut read, mut cursor) = (Vec::new(), None);
        loop {
            let page = Market::claimed_jobs(cursor, 3);
            assert!(page.entries.len() <= 3);
            read.extend(page.entries.into_iter().map(|(id, _)| id));
            cursor = page.next;
            let Some(last) = cursor else { break };
            // The cursor serves although its job is closed.
            if claimed.contains(&last) {
                assert_ok!(Market::accept(signed(CLIENT), last));
            }
        }
        assert_eq!(read.len(), claimed.len());
        assert_eq!(read.into_iter().collect::<BTreeSet<_>>(), claimed);
    });
}

#[test]
fn why_not_names_what_stands_in_the_way_of_an_offer() {
    TestExt::new().offer(CHEAP, 30, 5).worker(DEAR).execute_with(|| {
        let job = submit(request(50));
        assert_eq!(why_not(CHEAP, 99), WhyNot::UnknownJob);
        assert_eq!(
            why_not(CHEAP, job),
            WhyNot::AwaitingClaim {
                deadline: now() + DEADLINE
            }
        );
        assert_eq!(why_not(THIRD, job), WhyNot::NotRegistered);
        assert_eq!(why_not(DEAR, job), WhyNot::NoOffer);
        assert_ok!(Workers::publish_offer(signed(DEAR), MODEL, at(60), 5));
        assert_eq!(why_not(DEAR, job), WhyNot::AboveCeiling { price: 60, ceiling: 50 });
        let long = OfferTerms {
            min_deadline: DEADLINE + 1,
            ..at(20)
        };
        assert_ok!(Workers::publish_offer(signed(DEAR), MODEL, long, 5));
        let misfit = Misfit::DeadlineTooShort {
            min_deadline: DEADLINE + 1,
        };
        assert_eq!(why_not(DEAR, job), WhyNot::DoesNotFit(misfit));
        assert_ok!(Workers::publish_offer(signed(DEAR), MODEL, at(40), 5));
        assert_eq!(
            why_not(DEAR, job),
            WhyNot::AssignedTo {
                worker: CHEAP,
                price: 30
            }
        );
        assert_ok!(Workers::pause(signed(DEAR)));
        assert_eq!(why_not(DEAR, job), WhyNot::NotActive(WorkerStatus::Paused));
        claim(CHEAP, job);
        assert_eq!(
            why_not(CHEAP, job),
            WhyNot::AwaitingSettlement {
                window_until: now() + WINDOW
            }
        );
    });
}

#[test]
fn why_not_follows_an_auction() {
    TestExt::new().worker(CHEAP).worker(DEAR).execute_with(|| {
        let job = submit(auction(100));
        let until = now() + BIDDING;
        assert_eq!(why_not(CHEAP, job), WhyNot::NoBid { until });
        commit(CHEAP, job, 40);
        assert_eq!(why_not(CHEAP, job), WhyNot::AwaitingReveals { until });
        advance_to(until + 1);
        let reveal_until = until + REVEAL;
        assert_eq!(why_not(CHEAP, job), WhyNot::BidNotRevealed { until: reveal_until });
        assert_eq!(why_not(DEAR, job), WhyNot::BiddingOver);
        let large = submit(auction(STAKE));
        assert_eq!(why_not(DEAR, large), WhyNot::StakeTooSmall { needed: lock(STAKE) });
    });
}

#[test]
fn why_not_remembers_a_missed_deadline() {
    TestExt::new().offer(CHEAP, 30, 5).offer(DEAR, 60, 5).execute_with(|| {
        let job = submit(request(100));
        advance_past(now() + DEADLINE);
        assert_eq!(why_not(CHEAP, job), WhyNot::AlreadyTried);
    });
}
