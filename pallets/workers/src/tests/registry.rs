//! The market's view of workers: who is cheapest, what is locked, who is busy.

use crate::{Error, Load, mock::*};
use assay_types::{NoOffer, Outcome, Purpose, Slashed, Unavailable, WorkerRegistry};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok},
    sp_runtime::Perbill,
};

type Registry = Workers;

fn cheapest(ceiling: u64, excluded: &[u64]) -> Result<(u64, u64), NoOffer> {
    <Registry as WorkerRegistry<_, _>>::cheapest(DIGITS, &wanted(0), ceiling, excluded)
}

fn locked(worker: u64) -> u64 {
    <Registry as WorkerRegistry<_, _>>::locked(&worker)
}

fn load(worker: u64) -> u32 {
    <Registry as WorkerRegistry<_, _>>::load(&worker, DIGITS)
}

/// Alice asks 50, Bob 60.
fn two_workers() {
    register(ALICE, MIN_STAKE);
    register(BOB, MIN_STAKE);
    offer(ALICE, DIGITS, 50);
    offer(BOB, DIGITS, 60);
}

#[test]
fn the_cheapest_offer_wins_and_the_earlier_of_two() {
    story(|| {
        assert_eq!(cheapest(100, &[]), Err(NoOffer::NoneForModel));
        two_workers();
        assert_eq!(cheapest(100, &[]), Ok((ALICE, 50)));
        offer(ALICE, DIGITS, 60);
        assert_eq!(cheapest(100, &[]), Ok((BOB, 60)));
    });
}

#[test]
fn a_ceiling_is_met_and_not_passed() {
    story(|| {
        two_workers();
        assert_eq!(cheapest(49, &[]), Err(NoOffer::CeilingTooLow));
        assert_eq!(cheapest(50, &[]), Ok((ALICE, 50)));
        assert_eq!(cheapest(59, &[ALICE]), Err(NoOffer::AllBusy));
        assert_eq!(cheapest(60, &[ALICE]), Ok((BOB, 60)));
        assert_eq!(cheapest(60, &[ALICE, BOB]), Err(NoOffer::AllBusy));
    });
}

#[test]
fn a_worker_at_capacity_is_passed_over() {
    story(|| {
        two_workers();
        assert_ok!(Workers::publish_offer(signed(ALICE), DIGITS, at(50), 2));
        for _ in 0..2 {
            assert_eq!(cheapest(100, &[]), Ok((ALICE, 50)));
            assert_eq!(job(ALICE, 50), Ok(FLOOR));
        }
        assert_eq!(cheapest(100, &[]), Ok((BOB, 60)));
        assert_ok!(release(ALICE, FLOOR, Outcome::Claimed));
        assert_eq!(cheapest(100, &[]), Ok((ALICE, 50)));
        let shown = Workers::worker(ALICE).map(|info| info.offers).unwrap_or_default();
        let shown: Vec<_> = shown
            .iter()
            .map(|offer| (offer.version, offer.capacity, offer.load))
            .collect();
        assert_eq!(shown, [(DIGITS, 2, 1)]);
    });
}

#[test]
fn a_worker_without_free_stake_is_passed_over() {
    story(|| {
        two_workers();
        assert_eq!(bid(ALICE, 451), Ok(MIN_STAKE - FLOOR + 2));
        assert_eq!(cheapest(100, &[]), Ok((BOB, 60)));
        assert_ok!(release(ALICE, 2, Outcome::BidLost));
        assert_eq!(cheapest(100, &[]), Ok((ALICE, 50)));
    });
}

#[test]
fn a_lock_is_in_proportion_to_the_price_above_the_floor() {
    story(|| {
        assert_eq!(Registry::stake_for(1), FLOOR);
        assert_eq!(Registry::stake_for(FLOOR / 2), FLOOR);
        assert_eq!(Registry::stake_for(FLOOR), 2 * FLOOR);
        assert_eq!(Workers::stake_for_price(70), 140);
        register(ALICE, MIN_STAKE);
        assert_eq!((bid(ALICE, 1), job(ALICE, 70)), (Ok(FLOOR), Ok(140)));
        assert_eq!(locked(ALICE), FLOOR + 140);
    });
}

#[test]
fn only_who_is_available_can_be_locked() {
    story(|| {
        assert_eq!(bid(ALICE, 1), Err(Unavailable::NotRegistered));
        register(ALICE, MIN_STAKE);
        assert_eq!(bid(ALICE, MIN_STAKE / 2 + 1), Err(Unavailable::StakeTooSmall));
        assert_eq!(bid(ALICE, 300), Ok(600));
        assert_eq!(job(ALICE, 201), Err(Unavailable::StakeTooSmall));
        assert_eq!(Workers::ensure_available(&ALICE, 400), Ok(()));
        assert_eq!((locked(ALICE), load(ALICE)), (600, 0));

        assert_ok!(Workers::pause(signed(ALICE)));
        assert_eq!(job(ALICE, 1), Err(Unavailable::NotActive));
        assert_eq!(Workers::ensure_available(&ALICE, 1), Err(Unavailable::NotActive));
    });
}

#[test]
fn no_more_is_released_than_is_locked() {
    story(|| {
        register(ALICE, MIN_STAKE);
        assert_eq!(job(ALICE, 300), Ok(600));
        let awards = [(BOB, 1), (CHARLIE, 1)];
        for outcome in [
            Outcome::BidLost,
            Outcome::Paid,
            missed(BOB, 1, 0),
            Outcome::Late {
                beneficiary: BOB,
                cost: Slashed { paid: 1, burned: 1 },
            },
            Outcome::Unpaid,
            Outcome::Convicted {
                share: Perbill::one(),
                awards,
            },
        ] {
            assert_noop!(release(ALICE, 601, outcome), Error::<Test>::LockedStakeTooSmall);
        }
        assert_noop!(release(BOB, 1, Outcome::BidLost), Error::<Test>::NotRegistered);
        assert_ok!(release(ALICE, 600, missed(BOB, 0, 0)));
        assert_eq!(locked(ALICE), 0);
    });
}

#[test]
fn a_job_ends_once() {
    story(|| {
        register(ALICE, MIN_STAKE);
        assert_eq!(job(ALICE, 50), Ok(FLOOR));
        let claimed = release(ALICE, FLOOR, Outcome::Claimed).expect("she has it");
        assert_eq!((claimed.locked, load(ALICE)), (FLOOR, 0));
        for outcome in [Outcome::Claimed, missed(BOB, 0, 1)] {
            assert_noop!(release(ALICE, FLOOR, outcome), Error::<Test>::NoSuchJob);
        }
        assert_ok!(release(ALICE, FLOOR, Outcome::Paid));
        assert_noop!(release(ALICE, FLOOR, Outcome::Paid), Error::<Test>::LockedStakeTooSmall);
    });
}

#[test]
fn a_claim_that_is_withheld_is_a_miss_of_a_job_that_counts_no_more() {
    story(|| {
        register(ALICE, MIN_STAKE);
        assert_eq!(job(ALICE, 50), Ok(FLOOR));
        assert_ok!(release(ALICE, FLOOR, Outcome::Claimed));
        let withheld = Outcome::Withheld {
            beneficiary: BOB,
            cost: Slashed { paid: 0, burned: 1 },
        };
        let released = release(ALICE, FLOOR, withheld).expect("it is locked");
        assert_eq!((released.slashed.burned, locked(ALICE), load(ALICE)), (1, 0, 0));
        let info = Workers::worker_info(&ALICE).expect("is registered");
        assert_eq!((info.missed, info.stake), (1, MIN_STAKE - 1));
    });
}

#[test]
fn a_bid_that_wins_becomes_a_job_and_keeps_what_its_price_needs() {
    story(|| {
        register(ALICE, MIN_STAKE);
        assert_eq!(bid(ALICE, 300), Ok(600));
        let won = release(ALICE, 600, Outcome::BidWon { price: 200 }).expect("she bid");
        assert_eq!((won.locked, locked(ALICE), load(ALICE)), (400, 400, 1));
        assert_ok!(release(ALICE, 400, missed(BOB, 0, 0)));
        assert_eq!((locked(ALICE), load(ALICE)), (0, 0));
    });
}

#[test]
fn a_load_of_zero_is_not_stored() {
    story(|| {
        register(ALICE, MIN_STAKE);
        assert_eq!((job(ALICE, 1), job(ALICE, 1)), (Ok(FLOOR), Ok(FLOOR)));
        assert_eq!(load(ALICE), 2);
        assert_ok!(release(ALICE, FLOOR, missed(BOB, 0, 0)));
        assert_ok!(release(ALICE, FLOOR, missed(BOB, 0, 0)));
        assert!(!Load::<Test>::contains_key(ALICE, DIGITS));
    });
}

#[test]
fn what_a_worker_did_is_counted() {
    story(|| {
        register(ALICE, MIN_STAKE);
        let cost = Slashed { paid: 0, burned: 0 };
        let declined = Outcome::Declined { beneficiary: BOB, cost };
        for outcome in [Outcome::Claimed, missed(BOB, 0, 0), declined, missed(BOB, 0, 0)] {
            assert_eq!(job(ALICE, 1), Ok(FLOOR));
            assert_ok!(release(ALICE, FLOOR, outcome));
        }
        assert_ok!(release(ALICE, FLOOR, Outcome::Paid));
        let info = Workers::worker(ALICE).expect("she is registered");
        assert_eq!((info.completed, info.missed, info.declined), (1, 2, 1));
        assert_eq!((info.stake, info.locked), (MIN_STAKE, 0));
    });
}

#[test]
fn a_session_locks_what_it_says_and_fills_no_place() {
    story(|| {
        register(ALICE, MIN_STAKE);
        let session = |stake| <Registry as WorkerRegistry<_, _>>::take(&ALICE, DIGITS, Purpose::Session { stake });
        assert_eq!(session(MIN_STAKE + 1), Err(Unavailable::StakeTooSmall));
        assert_eq!(session(7), Ok(7));
        assert_eq!((locked(ALICE), load(ALICE)), (7, 0));
        assert_ok!(release(ALICE, 3, Outcome::Unpaid));
        assert_ok!(release(ALICE, 4, Outcome::Paid));
        assert_eq!(locked(ALICE), 0);
    });
}
