//! Receipts that are challenged: who may, what is withheld, and what becomes of an honest worker.

use crate::{Error, Event, mock::*};
use assay_player::{committed, statement};
use assay_types::{
    ClaimId, H256, Receipt,
    dispute::Place,
    session::{SessionPhase, SessionState},
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok, dispatch::DispatchResultWithPostInfo};

/// The challenger's bond: 5 % of what the receipt locks are less than the minimum.
const BOND: u64 = LEAST_BOND;

fn timeout(claim: ClaimId) -> DispatchResultWithPostInfo {
    Disputes::claim_timeout(signed(OTHER), claim, CHALLENGER)
}

/// Goes on until the turn of the challenger's game is over.
fn run_down(claim: ClaimId) {
    let deadline = dispute(claim).expect("is disputed").games[0].clock.deadline;
    advance((deadline + 1).saturating_sub(now()));
}

/// The worker reveals its trace, and the challenger has nothing to say.
fn defend(claim: ClaimId) {
    let trace = statement(&execution(), &Place::Trace).expect("it is in memory");
    assert_ok!(Disputes::reveal(signed(WORKER), claim, Box::new(trace)));
    run_down(claim);
    assert_ok!(timeout(claim));
}

#[test]
fn a_challenged_receipt_withholds_its_price_and_a_part_of_the_lock() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(challenge(CHALLENGER, receipt(id, 0)));
        let disputed = session(id);
        assert_eq!((disputed.disputes, disputed.account.withheld), (1, PRICE));
        assert_eq!((disputed.locked, locks()), (LOCKED - RECEIPT_LOCK, LOCKED));
        let dispute = dispute(claim(id, 0)).expect("is disputed");
        assert_eq!((dispute.locked, dispute.games[0].bond), (RECEIPT_LOCK, BOND));
        assert_eq!(dispute.committed, committed(&execution()));

        assert_noop!(redeem(id, PRICE), Error::<Test>::NothingToRedeem);
        assert_ok!(redeem(id, 3 * PRICE));
        assert_eq!(balance(WORKER), ENDOWMENT + 2 * PRICE);
        let closed = Sessions::close(signed(WORKER), id, None);
        assert_noop!(closed, Error::<Test>::UnderDispute);
    });
}

#[test]
fn an_honest_receipt_is_upheld_and_paid() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(challenge(CHALLENGER, receipt(id, 0)));
        defend(claim(id, 0));
        let upheld = session(id);
        assert_eq!((upheld.disputes, upheld.account.withheld), (0, 0));
        assert_eq!((upheld.locked, locks()), (LOCKED, LOCKED));
        // Half of the bond.
        assert_eq!(balance(WORKER), ENDOWMENT + BOND / 2);
        assert_ok!(redeem(id, PRICE));
        assert_ok!(challenge(OTHER, receipt(id, 0)));
    });
}

#[test]
fn two_receipts_of_a_session_are_disputed_apart() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(challenge(CHALLENGER, receipt(id, 0)));
        assert_ok!(challenge(CHALLENGER, receipt(id, 1)));
        assert_ok!(challenge(OTHER, receipt(id, 1)));
        assert_eq!(dispute(claim(id, 1)).map(|dispute| dispute.games.len()), Some(2));
        assert_eq!(session(id).locked, LOCKED - 2 * RECEIPT_LOCK);
        defend(claim(id, 0));
        assert_eq!((session(id).disputes, session(id).account.withheld), (1, PRICE));
    });
}

#[test]
fn the_money_waits_for_the_verdict_and_the_worker_has_time_afterwards() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(Sessions::close(signed(CLIENT), id, None));
        assert_ok!(challenge(CHALLENGER, receipt(id, 2)));
        advance(2 * CLOSING);
        assert_eq!(session(id).state.phase(), SessionPhase::Closing);
        assert_ok!(redeem(id, 2 * PRICE));
        defend(claim(id, 2));
        assert_eq!(session(id).state, SessionState::Closing { until: now() + CLOSING });
        assert_ok!(redeem(id, 3 * PRICE));
        advance(CLOSING + 1);
        assert_eq!(session(id).state.phase(), SessionPhase::Settled);
        assert_eq!(balance(CLIENT), ENDOWMENT - 3 * PRICE);
    });
}

#[test]
fn a_late_worker_is_not_paid_for_the_receipt() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(challenge(CHALLENGER, receipt(id, 0)));
        run_down(claim(id, 0));
        assert_ok!(timeout(claim(id, 0)));
        assert!(events().contains(&Event::ReceiptForfeited {
            session: id,
            sequence: 0,
            price: PRICE
        }));
        // It comes back and answers late, for a fee of a fifth of the part of the lock.
        let trace = statement(&execution(), &Place::Trace).expect("it is in memory");
        assert_ok!(Disputes::answer_late(signed(WORKER), claim(id, 0), Box::new(trace)));
        assert_eq!(stake(), STAKE - 20);
        run_down(claim(id, 0));
        assert_ok!(timeout(claim(id, 0)));
        let excused = session(id);
        assert_eq!((excused.disputes, excused.account.withheld), (0, PRICE));
        assert_eq!(
            (excused.locked, locks()),
            (LOCKED - RECEIPT_LOCK, LOCKED - RECEIPT_LOCK)
        );
        let before = balance(WORKER);
        assert_ok!(redeem(id, 5 * PRICE));
        assert_eq!(balance(WORKER), before + 4 * PRICE);
    });
}

#[test]
fn a_receipt_is_challenged_until_the_window_has_passed() {
    TestExt::new().execute_with(|| {
        let id = open();
        let shown = receipt(id, 0);
        assert_ok!(Sessions::close(signed(WORKER), id, None));
        without_idle(WINDOW);
        assert_ok!(challenge(CHALLENGER, shown.clone()));
        defend(claim(id, 0));
        // Whoever was kept out has a turn.
        assert_eq!(session(id).state, SessionState::Settled { until: now() + 10 });
        without_idle(11);
        assert_noop!(challenge(CHALLENGER, shown.clone()), Error::<Test>::WindowPassed);
        advance(1);
        assert_noop!(challenge(CHALLENGER, shown), Error::<Test>::UnknownSession);
        assert_eq!(locks(), 0);
    });
}

#[test]
fn what_the_worker_has_not_signed_for_this_session_is_no_claim() {
    TestExt::new().execute_with(|| {
        let (id, other) = (open(), open());
        let honest = receipt(id, 0);
        let changes: [fn(&mut Receipt<u64, u64>); 3] = [
            |receipt| receipt.sequence = 1,
            |receipt| receipt.output_digest = H256::repeat_byte(1),
            |receipt| receipt.genesis = H256::zero(),
        ];
        for change in changes {
            let mut forged = honest.clone();
            change(&mut forged.message);
            assert_noop!(challenge(CHALLENGER, forged), Error::<Test>::BadSignature);
        }
        let mut replayed = honest.clone();
        replayed.message.session = other;
        assert_noop!(challenge(CHALLENGER, replayed), Error::<Test>::BadSignature);
        let mut of_another_chain = honest.message.clone();
        of_another_chain.genesis = H256::zero();
        assert_noop!(
            challenge(CHALLENGER, sign(of_another_chain)),
            Error::<Test>::BadSignature
        );
        let mut of_another_model = honest.message.clone();
        of_another_model.model_root = H256::zero();
        assert_noop!(
            challenge(CHALLENGER, sign(of_another_model)),
            Error::<Test>::AnotherModel
        );
        let mut beyond = honest.message;
        beyond.sequence = u32::MAX;
        assert_noop!(challenge(CHALLENGER, sign(beyond)), Error::<Test>::NoSuchRequest);
        // A receipt that nobody has shown is not known by its number.
        let unseen = Disputes::challenge(signed(CHALLENGER), claim(id, 0), H256::zero());
        assert_noop!(unseen, pallet_disputes::Error::<Test>::UnknownJob);
    });
}

#[test]
fn a_worker_cannot_make_its_receipts_too_dear_to_challenge() {
    TestExt::new().execute_with(|| {
        let id = open();
        let mut vast = receipt(id, 0).message;
        vast.units = u64::MAX;
        vast.owed = u64::MAX;
        assert_ok!(challenge(CHALLENGER, sign(vast)));
        assert_eq!(dispute(claim(id, 0)).map(|dispute| dispute.games[0].bond), Some(BOND));
    });
}
