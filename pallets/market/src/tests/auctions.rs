//! Sealed reverse auctions.

use crate::{Bids, Error, Event, HoldReason, mock::*};
use assay_types::{CloseReason, Phase, limits::MAX_BIDS};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

fn bidders() -> TestExt {
    TestExt::new().worker(CHEAP).worker(DEAR)
}

#[test]
fn the_lowest_revealed_price_wins() {
    bidders().execute_with(|| {
        let job = submit(auction(100));
        commit(DEAR, job, 70);
        commit(CHEAP, job, 40);
        advance_to(now() + BIDDING + 1);
        reveal(DEAR, job, 70);
        assert_eq!(phase(job), Some(Phase::Revealing));
        reveal(CHEAP, job, 40);
        assert_eq!(worker_of(job), Some((CHEAP, 40)));
        assert_eq!(locked(CHEAP), lock(40));
        assert_eq!(locked(DEAR), 0);
        assert!(market_events().contains(&Event::BidReleased { job, worker: DEAR }));
    });
}

#[test]
fn the_earlier_commitment_wins_a_tie() {
    bidders().execute_with(|| {
        let job = submit(auction(100));
        commit(DEAR, job, 40);
        commit(CHEAP, job, 40);
        advance_to(now() + BIDDING + 1);
        reveal(CHEAP, job, 40);
        reveal(DEAR, job, 40);
        assert_eq!(worker_of(job), Some((DEAR, 40)));
    });
}

#[test]
fn a_bid_locks_stake_for_the_ceiling_and_holds_a_deposit() {
    bidders().execute_with(|| {
        let job = submit(auction(100));
        commit(CHEAP, job, 40);
        assert_eq!(locked(CHEAP), lock(100));
        assert_eq!(held(HoldReason::BidDeposit, CHEAP), BID_DEPOSIT);
        advance_to(now() + BIDDING + 1);
        reveal(CHEAP, job, 40);
        assert_eq!(held(HoldReason::BidDeposit, CHEAP), 0);
        assert_eq!(locked(CHEAP), lock(40));
    });
}

#[test]
fn a_bid_that_is_not_revealed_loses_its_deposit() {
    bidders().execute_with(|| {
        let job = submit(auction(100));
        commit(CHEAP, job, 40);
        commit(DEAR, job, 70);
        let before = balance(CHEAP);
        advance_to(now() + BIDDING + 1);
        reveal(DEAR, job, 70);
        advance_past(now() + REVEAL);
        assert_eq!(worker_of(job), Some((DEAR, 70)));
        assert_eq!(balance(CHEAP), before - BID_DEPOSIT);
        assert_eq!(locked(CHEAP), 0);
        assert!(market_events().contains(&Event::BidForfeited {
            job,
            worker: CHEAP,
            amount: BID_DEPOSIT
        }));
    });
}

#[test]
fn an_auction_without_bids_is_refunded() {
    bidders().execute_with(|| {
        let job = submit(auction(100));
        advance_past(now() + BIDDING);
        assert_closed(job, CloseReason::NoBids, None, 0);
        assert_eq!(free(CLIENT), ENDOWMENT);
    });
}

#[test]
fn an_auction_without_reveals_is_refunded() {
    bidders().execute_with(|| {
        let job = submit(auction(100));
        commit(CHEAP, job, 40);
        advance_past(now() + BIDDING + REVEAL);
        assert_closed(job, CloseReason::NoBidRevealed, None, 0);
        assert_eq!(free(CLIENT), ENDOWMENT);
    });
}

#[test]
fn each_act_has_its_time() {
    bidders().execute_with(|| {
        let job = submit(auction(100));
        commit(CHEAP, job, 40);
        let until = now() + BIDDING;
        assert_noop!(
            Market::reveal_bid(signed(CHEAP), job, 40, SALT),
            Error::<Test>::NotRevealing
        );
        without_idle_to(until + 1);
        assert_noop!(
            Market::commit_bid(signed(DEAR), job, commitment(DEAR, job, 70)),
            Error::<Test>::NotBidding
        );
        without_idle_to(until + REVEAL + 1);
        assert_noop!(
            Market::reveal_bid(signed(CHEAP), job, 40, SALT),
            Error::<Test>::NotRevealing
        );
        assert_ok!(Market::advance(signed(CLIENT), job));
        assert_closed(job, CloseReason::NoBidRevealed, None, 0);
    });
}

#[test]
fn reveals_open_even_if_the_agenda_is_late() {
    bidders().execute_with(|| {
        let job = submit(auction(100));
        commit(CHEAP, job, 40);
        without_idle_to(now() + BIDDING + 1);
        assert_eq!(phase(job), Some(Phase::Bidding));
        reveal(CHEAP, job, 40);
        assert_eq!(worker_of(job), Some((CHEAP, 40)));
    });
}

#[test]
fn reveals_must_fit_the_commitment() {
    bidders().execute_with(|| {
        let job = submit(auction(100));
        commit(CHEAP, job, 40);
        let copied = Bids::<Test>::get(job).expect("committed")[0].commitment;
        assert_ok!(Market::commit_bid(signed(DEAR), job, copied));
        advance_to(now() + BIDDING + 1);
        assert_noop!(
            Market::reveal_bid(signed(CHEAP), job, 39, SALT),
            Error::<Test>::CommitmentMismatch
        );
        assert_noop!(
            Market::reveal_bid(signed(CHEAP), job, 40, [0; 32]),
            Error::<Test>::CommitmentMismatch
        );
        assert_noop!(
            Market::reveal_bid(signed(DEAR), job, 40, SALT),
            Error::<Test>::CommitmentMismatch
        );
        reveal(CHEAP, job, 40);
        assert_noop!(
            Market::reveal_bid(signed(CHEAP), job, 40, SALT),
            Error::<Test>::AlreadyRevealed
        );
        assert_noop!(
            Market::reveal_bid(signed(CLIENT), job, 40, SALT),
            Error::<Test>::NoSuchBid
        );
    });
}

#[test]
fn a_price_above_the_ceiling_cannot_be_revealed() {
    bidders().execute_with(|| {
        let job = submit(auction(100));
        commit(CHEAP, job, 101);
        advance_to(now() + BIDDING + 1);
        assert_noop!(
            Market::reveal_bid(signed(CHEAP), job, 101, SALT),
            Error::<Test>::BidAboveCeiling
        );
    });
}

#[test]
fn only_active_workers_with_free_stake_bid_and_only_once() {
    bidders().execute_with(|| {
        let job = submit(auction(100));
        let bid = |worker| Market::commit_bid(signed(worker), job, commitment(worker, job, 40));
        assert_noop!(bid(CLIENT), Error::<Test>::NotRegistered);
        assert_ok!(Workers::pause(signed(CHEAP)));
        assert_noop!(bid(CHEAP), Error::<Test>::WorkerNotActive);
        assert_ok!(Workers::resume(signed(CHEAP)));
        assert_ok!(bid(CHEAP));
        assert_noop!(bid(CHEAP), Error::<Test>::AlreadyBid);
        let dear_job = submit(auction(STAKE));
        assert_noop!(
            Market::commit_bid(signed(DEAR), dear_job, commitment(DEAR, dear_job, 1)),
            Error::<Test>::StakeTooSmall
        );
        let by_offer = {
            assert_ok!(Workers::publish_offer(signed(DEAR), MODEL, at(30), 5));
            submit(request(100))
        };
        assert_noop!(
            Market::commit_bid(signed(DEAR), by_offer, commitment(DEAR, by_offer, 1)),
            Error::<Test>::NotBidding
        );
    });
}

#[test]
fn bids_on_one_job_are_bounded() {
    let last = 100 + u64::from(MAX_BIDS);
    (100..=last)
        .fold(TestExt::new(), |ext, worker| ext.endow(worker).worker(worker))
        .execute_with(|| {
            let job = submit(auction(100));
            (100..last).for_each(|worker| commit(worker, job, 40));
            assert_noop!(
                Market::commit_bid(signed(last), job, commitment(last, job, 1)),
                Error::<Test>::TooManyBids
            );
            advance_past(now() + BIDDING + REVEAL);
            assert_closed(job, CloseReason::NoBidRevealed, None, 0);
        });
}

#[test]
fn a_winner_cannot_get_out_by_pausing() {
    bidders().execute_with(|| {
        let job = submit(auction(100));
        commit(CHEAP, job, 40);
        commit(DEAR, job, 70);
        advance_to(now() + BIDDING + 1);
        reveal(CHEAP, job, 40);
        assert_ok!(Workers::pause(signed(CHEAP)));
        reveal(DEAR, job, 70);
        assert_eq!(worker_of(job), Some((CHEAP, 40)));
    });
}

#[test]
fn runners_up_follow_in_the_order_of_their_prices_then_the_offers() {
    bidders().endow(THIRD).offer(THIRD, 80, 5).execute_with(|| {
        let job = submit(auction(100));
        commit(DEAR, job, 70);
        commit(CHEAP, job, 40);
        advance_to(now() + BIDDING + 1);
        reveal(DEAR, job, 70);
        reveal(CHEAP, job, 40);
        advance_past(now() + DEADLINE);
        assert_eq!(worker_of(job), Some((DEAR, 70)));
        advance_past(now() + DEADLINE);
        assert_eq!(worker_of(job), Some((THIRD, 80)));
        claim(THIRD, job);
        assert!(!Bids::<Test>::contains_key(job));
    });
}

#[test]
fn a_ring_that_takes_every_place_wins_nothing_against_the_book() {
    let ring = 100..100 + u64::from(MAX_BIDS);
    ring.clone()
        .fold(TestExt::new().offer(CHEAP, 30, 5), |ext, worker| {
            ext.endow(worker).worker(worker)
        })
        .execute_with(|| {
            let job = submit(auction(100));
            ring.clone().for_each(|worker| commit(worker, job, 100));
            assert_noop!(
                Market::commit_bid(signed(CHEAP), job, commitment(CHEAP, job, 10)),
                Error::<Test>::TooManyBids
            );
            advance_to(now() + BIDDING + 1);
            ring.clone().for_each(|worker| reveal(worker, job, 100));
            assert_eq!(worker_of(job), Some((CHEAP, 30)));
            assert!(ring.clone().all(|worker| locked(worker) == 0));
            // The ring is next, should the worker not deliver.
            advance_past(now() + DEADLINE);
            assert_eq!(worker_of(job), Some((100, 100)));
        });
}

#[test]
fn an_offer_that_does_not_undercut_the_lowest_bid_gets_nothing() {
    bidders().endow(THIRD).offer(THIRD, 40, 5).execute_with(|| {
        let job = submit(auction(100));
        commit(CHEAP, job, 40);
        advance_to(now() + BIDDING + 1);
        reveal(CHEAP, job, 40);
        assert_eq!(worker_of(job), Some((CHEAP, 40)));
        let job = submit(auction(100));
        commit(CHEAP, job, 41);
        advance_to(now() + BIDDING + 1);
        reveal(CHEAP, job, 41);
        assert_eq!(worker_of(job), Some((THIRD, 40)));
    });
}
