//! Pause, resume, drain, leave, and return.

use crate::{Error, Event, Workers as Records, mock::*};
use assay_types::{NoOffer, Outcome, WorkerRegistry, WorkerStatus};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

fn cheapest() -> Result<u64, NoOffer> {
    <Workers as WorkerRegistry<_, _>>::cheapest(DIGITS, &wanted(0), u64::MAX, &[]).map(|(worker, _)| worker)
}

#[test]
fn a_paused_worker_keeps_its_offers_and_gets_no_jobs() {
    story(|| {
        register(ALICE, MIN_STAKE);
        offer(ALICE, DIGITS, 50);
        assert_ok!(Workers::pause(signed(ALICE)));
        System::assert_last_event(Event::Paused { worker: ALICE }.into());
        assert_eq!(cheapest(), Err(NoOffer::AllBusy));
        offer(ALICE, DIGITS, 40);
        assert_noop!(Workers::pause(signed(ALICE)), Error::<Test>::WrongStatus);

        assert_ok!(Workers::resume(signed(ALICE)));
        System::assert_last_event(Event::Resumed { worker: ALICE }.into());
        assert_eq!(cheapest(), Ok(ALICE));
        assert_noop!(Workers::resume(signed(ALICE)), Error::<Test>::WrongStatus);
    });
}

#[test]
fn a_draining_worker_has_no_offers() {
    story(|| {
        register(ALICE, MIN_STAKE);
        offer(ALICE, DIGITS, 50);
        offer(ALICE, LETTERS, 50);
        assert_ok!(Workers::drain(signed(ALICE)));
        System::assert_has_event(
            Event::OfferRemoved {
                worker: ALICE,
                version: LETTERS,
            }
            .into(),
        );
        System::assert_last_event(Event::Draining { worker: ALICE }.into());
        assert_eq!(cheapest(), Err(NoOffer::NoneForModel));
        assert_noop!(
            Workers::publish_offer(signed(ALICE), DIGITS, at(50), 1),
            Error::<Test>::IsDraining
        );
        assert_noop!(Workers::drain(signed(ALICE)), Error::<Test>::WrongStatus);
        assert_noop!(Workers::pause(signed(ALICE)), Error::<Test>::WrongStatus);

        assert_ok!(Workers::resume(signed(ALICE)));
        offer(ALICE, DIGITS, 50);
        assert_eq!(cheapest(), Ok(ALICE));
    });
}

#[test]
fn who_has_work_or_bids_cannot_leave() {
    story(|| {
        register(ALICE, MIN_STAKE);
        offer(ALICE, DIGITS, 50);
        assert_eq!(job(ALICE, 50), Ok(100));
        assert_ok!(Workers::drain(signed(ALICE)));
        assert_noop!(Workers::leave(signed(ALICE)), Error::<Test>::StakeLocked);
        assert_ok!(release(ALICE, 100, Outcome::Claimed));
        assert_noop!(Workers::leave(signed(ALICE)), Error::<Test>::StakeLocked);
        assert_ok!(release(ALICE, 100, Outcome::Paid));
        assert_ok!(Workers::leave(signed(ALICE)));
    });
}

#[test]
fn who_leaves_gets_everything_back_and_is_forgotten() {
    story(|| {
        register(ALICE, 5_000);
        offer(ALICE, DIGITS, 50);
        assert_ok!(Workers::unbond(signed(ALICE), 500));
        advance_to(2);
        assert_ok!(Workers::leave(signed(ALICE)));
        let until = 2 + UNBONDING_BLOCKS;
        System::assert_has_event(
            Event::Unbonding {
                worker: ALICE,
                amount: 4_500,
                until,
            }
            .into(),
        );
        System::assert_last_event(Event::Left { worker: ALICE }.into());
        assert_eq!(cheapest(), Err(NoOffer::NoneForModel));
        assert_eq!(record(ALICE), Some((WorkerStatus::Left, 0, 0)));
        assert_eq!(held(ALICE), 5_000);

        advance_to(until - 1);
        assert_ok!(Workers::withdraw(signed(ALICE)));
        assert!(Records::<Test>::contains_key(ALICE));
        advance_to(until);
        assert_ok!(Workers::withdraw(signed(ALICE)));
        assert!(!Records::<Test>::contains_key(ALICE));
        assert_eq!((held(ALICE), free(ALICE)), (0, ENDOWMENT));
    });
}

#[test]
fn who_has_left_can_do_nothing_but_withdraw_and_return() {
    story(|| {
        register(ALICE, MIN_STAKE);
        assert_ok!(Workers::leave(signed(ALICE)));
        assert_noop!(Workers::leave(signed(ALICE)), Error::<Test>::HasLeft);
        assert_noop!(Workers::resume(signed(ALICE)), Error::<Test>::HasLeft);
        assert_noop!(Workers::pause(signed(ALICE)), Error::<Test>::HasLeft);
        assert_noop!(Workers::drain(signed(ALICE)), Error::<Test>::HasLeft);
        assert_noop!(Workers::bond_more(signed(ALICE), 1), Error::<Test>::HasLeft);
        assert_noop!(Workers::unbond(signed(ALICE), 1), Error::<Test>::HasLeft);
        assert_noop!(
            Workers::publish_offer(signed(ALICE), DIGITS, at(1), 1),
            Error::<Test>::HasLeft
        );

        register(ALICE, 2_000);
        assert_eq!(record(ALICE), Some((WorkerStatus::Active, 2_000, 0)));
        assert_eq!(held(ALICE), MIN_STAKE + 2_000);
        advance_to(1 + UNBONDING_BLOCKS);
        assert_ok!(Workers::withdraw(signed(ALICE)));
        assert_eq!(held(ALICE), 2_000);
    });
}

#[test]
fn who_lost_everything_is_forgotten_on_leaving() {
    story(|| {
        register(ALICE, MIN_STAKE);
        assert_eq!(job(ALICE, MIN_STAKE / 2), Ok(MIN_STAKE));
        assert_ok!(release(ALICE, MIN_STAKE, missed(BOB, 0, MIN_STAKE)));
        assert_ok!(Workers::leave(signed(ALICE)));
        assert!(!Records::<Test>::contains_key(ALICE));
    });
}

#[test]
fn every_step_is_in_the_table() {
    let all = [
        WorkerStatus::Active,
        WorkerStatus::Paused,
        WorkerStatus::Draining,
        WorkerStatus::Left,
    ];
    for from in all {
        for to in all {
            story(|| {
                register(ALICE, 2 * MIN_STAKE);
                let go = |status| match status {
                    WorkerStatus::Active => Workers::resume(signed(ALICE)),
                    WorkerStatus::Paused => Workers::pause(signed(ALICE)),
                    WorkerStatus::Draining => Workers::drain(signed(ALICE)),
                    WorkerStatus::Left => Workers::leave(signed(ALICE)),
                };
                if from != WorkerStatus::Active {
                    assert_ok!(go(from));
                }
                let went = match (from, to) {
                    (WorkerStatus::Left, WorkerStatus::Active) => Workers::register(signed(ALICE), MIN_STAKE),
                    _ => go(to),
                };
                assert_eq!(went.is_ok(), from.may_become(to), "{from:?} to {to:?}");
            });
        }
    }
}
