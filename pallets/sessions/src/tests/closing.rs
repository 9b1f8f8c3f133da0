//! The end of a session: by the client, by the worker, by its time.

use crate::{Error, Event, mock::*};
use assay_types::session::{SessionEnd, SessionState};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

#[test]
fn the_clients_close_waits_for_the_last_voucher() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(Sessions::close(signed(CLIENT), id, None));
        assert_eq!(session(id).state, SessionState::Closing { until: now() + CLOSING });
        assert_noop!(Sessions::close(signed(CLIENT), id, None), Error::<Test>::NotOpen);
        advance(CLOSING);
        assert!(Sessions::may_redeem_now(&WORKER, &voucher(id, 30)));
        assert_ok!(redeem(id, 30));
        assert!(!Sessions::may_redeem_now(&WORKER, &voucher(id, 30)), "it is redeemed");
        advance(1);
        assert_eq!((held(CLIENT), balance(CLIENT)), (0, ENDOWMENT - 30));
        assert_noop!(redeem(id, 40), Error::<Test>::IsSettled);
        assert_eq!(locks(), LOCKED);
        advance(WINDOW);
        assert_eq!((Sessions::session(id), locks()), (None, 0));
    });
}

#[test]
fn a_voucher_that_comes_too_late_is_refused_however_late_the_agenda_is() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(Sessions::close(signed(CLIENT), id, None));
        without_idle(CLOSING + 1);
        assert!(!Sessions::may_redeem_now(&WORKER, &voucher(id, 30)));
        assert_noop!(redeem(id, 30), Error::<Test>::TooLate);
        let with_the_close = Sessions::close(signed(WORKER), id, Some(voucher(id, 30)));
        assert_noop!(with_the_close, Error::<Test>::TooLate);
        assert_ok!(Sessions::advance(signed(OTHER), id));
        assert_eq!(held(CLIENT), 0);
    });
}

#[test]
fn the_worker_closes_at_once_with_its_last_voucher() {
    TestExt::new().execute_with(|| {
        let id = open();
        let by_another = Sessions::close(signed(OTHER), id, None);
        assert_noop!(by_another, Error::<Test>::NotParty);
        let by_the_client = Sessions::close(signed(CLIENT), id, Some(voucher(id, 1)));
        assert_noop!(by_the_client, Error::<Test>::VoucherNotWanted);
        assert_ok!(Sessions::close(signed(WORKER), id, Some(voucher(id, 30))));
        assert_eq!((held(CLIENT), balance(WORKER)), (0, ENDOWMENT + 30));
        assert_eq!(session(id).state, SessionState::Settled { until: now() + WINDOW });
        assert!(matches!(
            events().last(),
            Some(Event::SessionSettled {
                reason: SessionEnd::ByWorker,
                redeemed: 30,
                returned: 170,
                ..
            })
        ));
        assert_noop!(Sessions::close(signed(WORKER), id, None), Error::<Test>::IsSettled);
    });
}

#[test]
fn a_session_expires_and_the_worker_has_time_for_its_voucher() {
    TestExt::new().execute_with(|| {
        let id = open();
        let until = now() + BLOCKS;
        advance(BLOCKS);
        assert_noop!(Sessions::advance(signed(OTHER), id), Error::<Test>::NotDue);
        advance(1);
        assert_eq!(session(id).state, SessionState::Closing { until: until + CLOSING });
        assert_ok!(redeem(id, 30));
        advance(CLOSING);
        assert_eq!(
            session(id).state,
            SessionState::Settled {
                until: until + CLOSING + WINDOW
            }
        );
    });
}

#[test]
fn late_steps_change_no_moment_and_are_taken_by_one_call() {
    TestExt::new().execute_with(|| {
        let (id, other) = (open(), open());
        without_idle(BLOCKS + CLOSING);
        assert_ok!(redeem(id, 30));
        without_idle(1);
        assert_noop!(redeem(id, 40), Error::<Test>::TooLate);
        assert_ok!(Sessions::advance(signed(OTHER), id));
        assert!(matches!(session(id).state, SessionState::Settled { .. }));
        without_idle(WINDOW);
        for id in [id, other] {
            assert_ok!(Sessions::advance(signed(OTHER), id));
            assert_eq!(Sessions::session(id), None);
        }
        assert_eq!((held(CLIENT), locks()), (0, 0));
    });
}

#[test]
fn full_blocks_do_not_count() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(Sessions::close(signed(CLIENT), id, None));
        stuff(10 * CLOSING);
        assert_ok!(redeem(id, 30));
        advance(CLOSING + 1);
        assert_noop!(redeem(id, 40), Error::<Test>::IsSettled);
    });
}

#[test]
fn a_place_is_free_when_the_session_is_over() {
    TestExt::new().execute_with(|| {
        let sessions: Vec<_> = (0..CAPACITY).map(|_| open()).collect();
        assert_ok!(Sessions::close(signed(WORKER), sessions[0], None));
        assert_noop!(open_as(request()), Error::<Test>::WorkerBusy);
        advance(WINDOW + 1);
        open();
    });
}
