//! Vouchers, good and bad.

use crate::{Error, Signed, mock::*};
use assay_types::Voucher;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

#[test]
fn a_voucher_pays_what_it_promises_beyond_the_one_before() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(redeem(id, 30));
        assert_ok!(redeem(id, 45));
        assert_eq!((balance(WORKER), held(CLIENT)), (ENDOWMENT + 45, BUDGET - 45));
        assert_noop!(redeem(id, 45), Error::<Test>::NothingToRedeem);
        assert_noop!(redeem(id, 30), Error::<Test>::NothingToRedeem);
    });
}

#[test]
fn no_voucher_pays_more_than_the_budget() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(redeem(id, u64::MAX));
        assert_eq!((balance(WORKER), held(CLIENT)), (ENDOWMENT + BUDGET, 0));
        assert_ok!(Sessions::top_up(signed(CLIENT), id, 100));
        assert_ok!(redeem(id, BUDGET + 20));
        assert_eq!(balance(WORKER), ENDOWMENT + BUDGET + 20);
    });
}

#[test]
fn a_voucher_of_another_session_chain_or_key_pays_nothing() {
    TestExt::new().execute_with(|| {
        let (id, other) = (open(), open());
        let replayed = Signed {
            message: Voucher {
                session: id,
                ..voucher(other, 50).message
            },
            ..voucher(other, 50)
        };
        let forged = Signed {
            message: Voucher {
                owed: 60,
                ..voucher(id, 50).message
            },
            ..voucher(id, 50)
        };
        let elsewhere = Signed {
            message: Voucher {
                genesis: Default::default(),
                ..voucher(id, 50).message
            },
            ..voucher(id, 50)
        };
        let by_the_worker = Signed {
            signature: receipt(id, 0).signature,
            ..voucher(id, 50)
        };
        for bad in [replayed, forged, elsewhere, by_the_worker] {
            assert_noop!(Sessions::redeem(signed(WORKER), bad), Error::<Test>::BadSignature);
        }
        let by_another = Sessions::redeem(signed(OTHER), voucher(id, 50));
        assert_noop!(by_another, Error::<Test>::NotWorker);
        assert_noop!(redeem(7, 50), Error::<Test>::UnknownSession);
    });
}

#[test]
fn a_session_of_a_million_requests_takes_as_many_calls_as_one_of_a_single_request() {
    TestExt::new().execute_with(|| {
        for owed in [1, BUDGET] {
            let id = open();
            assert_ok!(Sessions::close(signed(WORKER), id, Some(voucher(id, owed))));
            assert_eq!(session(id).account.redeemed, owed);
        }
    });
}
