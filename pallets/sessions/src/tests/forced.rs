//! Sessions whose records contradict each other: they are set aside, and governance ends them.

use crate::{Error, Event, HoldReason, SetAside, mock::*};
use polkadot_sdk::{
    frame_support::{
        assert_noop, assert_ok,
        traits::{fungible::MutateHold, tokens::Precision},
    },
    sp_runtime::DispatchError,
};

/// Takes money from under a session.
fn lose_held(amount: u64) {
    let reason = HoldReason::Budget.into();
    assert_ok!(Balances::release(&reason, &CLIENT, amount, Precision::Exact));
}

fn forced() -> Option<(u64, u64, bool)> {
    events().into_iter().find_map(|event| match event {
        Event::SessionForced {
            returned,
            missing,
            freed,
            ..
        } => Some((returned, missing, freed)),
        _ => None,
    })
}

#[test]
fn a_session_whose_money_is_not_there_is_set_aside_and_ended_by_governance() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(redeem(id, 30));
        lose_held(50);
        advance(BLOCKS + CLOSING + 1);
        assert!(SetAside::<Test>::contains_key(id));
        assert_noop!(Sessions::force_end(RuntimeOrigin::root(), id), Error::<Test>::NotDue);
        advance(WINDOW);
        assert!(Sessions::advance(signed(OTHER), id).is_err());

        assert_noop!(Sessions::force_end(signed(CLIENT), id), DispatchError::BadOrigin);
        assert_ok!(Sessions::force_end(RuntimeOrigin::root(), id));
        assert_eq!(forced(), Some((BUDGET - 30 - 50, 50, true)));
        assert_eq!((Sessions::session(id), held(CLIENT), locks()), (None, 0, 0));
        assert!(!SetAside::<Test>::contains_key(id));
        assert_noop!(
            Sessions::force_end(RuntimeOrigin::root(), id),
            Error::<Test>::UnknownSession
        );
    });
}

#[test]
fn a_session_whose_stake_is_not_locked_is_ended_and_its_place_is_free() {
    TestExt::new().execute_with(|| {
        let sessions: Vec<_> = (0..CAPACITY).map(|_| open()).collect();
        for id in &sessions[1..] {
            assert_ok!(Sessions::close(signed(WORKER), *id, None));
        }
        advance(WINDOW + 1);
        let last = sessions[0];
        pallet_workers::Workers::<Test>::mutate_extant(WORKER, |worker| worker.locked = 0);
        advance(BLOCKS + CLOSING + 1);
        assert_eq!(held(CLIENT), 0, "the money is settled before");
        assert!(SetAside::<Test>::contains_key(last));

        assert_ok!(Sessions::force_end(RuntimeOrigin::root(), last));
        assert_eq!(forced(), Some((0, 0, false)));
        assert_eq!(Sessions::session(last), None);
        let again: Vec<_> = (0..CAPACITY).map(|_| open()).collect();
        assert_eq!(again.len(), CAPACITY as usize);
    });
}

#[test]
fn nobody_forces_what_ends_by_itself() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_noop!(
            Sessions::force_end(RuntimeOrigin::root(), id),
            Error::<Test>::NotSetAside
        );
        lose_held(50);
        advance(BLOCKS + CLOSING + WINDOW + 1);
        assert!(SetAside::<Test>::contains_key(id));
        // Somebody opens another session: what is held of the client covers the first one again.
        open();
        assert_noop!(
            Sessions::force_end(RuntimeOrigin::root(), id),
            Error::<Test>::EndsByItself
        );
        // The books are put right, so that the state is valid at the end.
        let reason = HoldReason::Budget.into();
        assert_ok!(Balances::hold(&reason, &CLIENT, 50));
        assert_ok!(Sessions::advance(signed(OTHER), id));
        assert!(!SetAside::<Test>::contains_key(id));
    });
}
