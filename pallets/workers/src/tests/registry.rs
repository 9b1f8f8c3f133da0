//! What the market sees of workers: who is cheapest, what is locked, who is busy.

use crate::{Error, Load, mock::*};
use assay_types::{NoOffer, Unavailable, WorkerRegistry, traits::Outcome};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

type Registry = Workers;

fn cheapest(ceiling: u64, excluded: &[u64]) -> Result<(u64, u64), NoOffer> {
    <Registry as WorkerRegistry<_, _>>::cheapest(DIGITS, ceiling, excluded)
}

fn lock(worker: u64, stake: u64) -> Result<(), Unavailable> {
    <Registry as WorkerRegistry<_, _>>::lock(&worker, stake)
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
        assert_ok!(Workers::publish_offer(signed(ALICE), DIGITS, 50, 2));
        for _ in 0..2 {
            assert_eq!(cheapest(100, &[]), Ok((ALICE, 50)));
            assert_ok!(lock(ALICE, FLOOR));
            Workers::begin(&ALICE, DIGITS);
        }
        assert_eq!(cheapest(100, &[]), Ok((BOB, 60)));
        Workers::end(&ALICE, DIGITS, Outcome::Claimed);
        assert_eq!(cheapest(100, &[]), Ok((ALICE, 50)));
        assert_eq!(
            Workers::worker(ALICE).map(|info| info.offers),
            Some(vec![(DIGITS, 50, 2, 1)])
        );
    });
}

#[test]
fn a_worker_without_free_stake_is_passed_over() {
    story(|| {
        two_workers();
        assert_ok!(lock(ALICE, MIN_STAKE - FLOOR + 1));
        assert_eq!(cheapest(100, &[]), Ok((BOB, 60)));
        assert_ok!(<Registry as WorkerRegistry<_, _>>::unlock(&ALICE, 1));
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
    });
}

#[test]
fn only_who_is_available_can_be_locked() {
    story(|| {
        assert_eq!(lock(ALICE, 1), Err(Unavailable::NotRegistered));
        register(ALICE, MIN_STAKE);
        assert_eq!(lock(ALICE, MIN_STAKE + 1), Err(Unavailable::StakeTooSmall));
        assert_ok!(lock(ALICE, 600));
        assert_eq!(lock(ALICE, 401), Err(Unavailable::StakeTooSmall));
        assert_eq!(Workers::ensure_available(&ALICE, 400), Ok(()));
        assert_eq!(<Registry as WorkerRegistry<_, _>>::locked(&ALICE), 600);

        assert_ok!(Workers::pause(signed(ALICE)));
        assert_eq!(lock(ALICE, 1), Err(Unavailable::NotActive));
        assert_eq!(Workers::ensure_available(&ALICE, 1), Err(Unavailable::NotActive));
    });
}

#[test]
fn no_more_is_freed_than_is_locked() {
    story(|| {
        let unlock = |worker, stake| <Registry as WorkerRegistry<_, _>>::unlock(&worker, stake);
        register(ALICE, MIN_STAKE);
        assert_ok!(lock(ALICE, 600));
        assert_noop!(unlock(ALICE, 601), Error::<Test>::LockedStakeTooSmall);
        assert_noop!(unlock(BOB, 1), Error::<Test>::NotRegistered);
        assert_ok!(unlock(ALICE, 600));
        assert_eq!(<Registry as WorkerRegistry<_, _>>::locked(&ALICE), 0);
    });
}

#[test]
fn a_load_of_zero_is_not_stored() {
    story(|| {
        register(ALICE, MIN_STAKE);
        Workers::begin(&ALICE, DIGITS);
        Workers::begin(&ALICE, DIGITS);
        assert_eq!(<Registry as WorkerRegistry<_, _>>::load(&ALICE, DIGITS), 2);
        Workers::end(&ALICE, DIGITS, Outcome::Claimed);
        Workers::end(&ALICE, DIGITS, Outcome::Claimed);
        assert!(!Load::<Test>::contains_key(ALICE, DIGITS));
    });
}

#[test]
fn what_a_worker_did_is_counted() {
    story(|| {
        register(ALICE, MIN_STAKE);
        for outcome in [Outcome::Claimed, Outcome::Missed, Outcome::Declined, Outcome::Missed] {
            Workers::begin(&ALICE, DIGITS);
            Workers::end(&ALICE, DIGITS, outcome);
        }
        Workers::note_completed(&ALICE);
        let info = Workers::worker(ALICE).expect("she is registered");
        assert_eq!((info.completed, info.missed, info.declined), (1, 2, 1));
    });
}
