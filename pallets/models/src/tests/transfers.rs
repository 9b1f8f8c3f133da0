//! A model changes hands.

use super::{alice_publishes, alice_registers};
use crate::{Error, Event, Models as ModelRecords, mock::*};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok},
    sp_runtime::TokenError,
};

fn alice_offers_to(account: u64) {
    assert_ok!(Models::transfer(RuntimeOrigin::signed(ALICE), 0, account));
}

#[test]
fn the_new_owner_pays_and_the_former_is_released() {
    story(|| {
        alice_registers();
        alice_publishes(2);
        let deposit = held(ALICE);
        alice_offers_to(BOB);
        System::assert_last_event(Event::TransferOffered { model: 0, to: BOB }.into());
        assert_eq!((held(ALICE), held(BOB)), (deposit, 0));

        assert_ok!(Models::accept_transfer(RuntimeOrigin::signed(BOB), 0));
        System::assert_last_event(
            Event::Transferred {
                model: 0,
                from: ALICE,
                to: BOB,
            }
            .into(),
        );
        assert_eq!((held(ALICE), held(BOB)), (0, deposit));
        assert_noop!(
            Models::deprecate(RuntimeOrigin::signed(ALICE), version(0, 1)),
            Error::<Test>::NotOwner
        );
        assert_ok!(Models::deprecate(RuntimeOrigin::signed(BOB), version(0, 1)));
    });
}

#[test]
fn the_owner_acts_until_the_other_accepts() {
    story(|| {
        alice_registers();
        alice_offers_to(BOB);
        alice_publishes(2);
        assert_ok!(Models::accept_transfer(RuntimeOrigin::signed(BOB), 0));
        assert_eq!(held(ALICE), 0);
    });
}

#[test]
fn an_offer_to_oneself_withdraws_the_offer() {
    story(|| {
        alice_registers();
        alice_offers_to(BOB);
        alice_offers_to(ALICE);
        assert_noop!(
            Models::accept_transfer(RuntimeOrigin::signed(BOB), 0),
            Error::<Test>::TransferNotOffered
        );
        assert_eq!(ModelRecords::<Test>::get(0).and_then(|line| line.pending_owner), None);
    });
}

#[test]
fn a_model_goes_to_nobody_else() {
    story(|| {
        alice_registers();
        let accept = |account| Models::accept_transfer(RuntimeOrigin::signed(account), 0);
        assert_noop!(accept(BOB), Error::<Test>::TransferNotOffered);
        alice_offers_to(BOB);
        assert_noop!(accept(PAUPER), Error::<Test>::TransferNotOffered);
        assert_ok!(accept(BOB));
        assert_noop!(accept(BOB), Error::<Test>::TransferNotOffered);
    });
}

#[test]
fn who_cannot_pay_the_deposit_takes_nothing() {
    story(|| {
        alice_registers();
        let deposit = held(ALICE);
        alice_offers_to(PAUPER);
        assert_noop!(
            Models::accept_transfer(RuntimeOrigin::signed(PAUPER), 0),
            TokenError::FundsUnavailable
        );
        assert_eq!(held(ALICE), deposit);
    });
}
