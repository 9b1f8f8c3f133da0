//! Sessions: the table of their steps, their money, their messages, and whole sessions in any order.

mod walks;

use super::*;
use crate::SessionId;
use polkadot_sdk::sp_core::{Pair, ed25519, sr25519};

const GENESIS: H256 = H256([3; 32]);
const SESSION: SessionId = 5;
const TERMS: SessionTerms<u128, u32> = SessionTerms {
    base: 7,
    rate: 3,
    min_budget: 10,
    max_budget: 1_000,
    lock_percent: 250,
    max_blocks: 100,
    window_blocks: 20,
};

fn receipt() -> Receipt<u128, u32> {
    Receipt {
        genesis: GENESIS,
        session: SESSION,
        sequence: 2,
        model_root: H256([4; 32]),
        input_digest: H256([5; 32]),
        output_digest: H256([6; 32]),
        units: 1_000,
        owed: 24,
        block: 9,
    }
}

#[test]
fn a_price_is_the_base_and_the_rate_rounded_up() {
    let prices = [0, 1, 1_000_000_000, 1_000_000_001].map(|units| TERMS.price(units));
    assert_eq!(prices, [7, 8, 10, 11]);
}

#[test]
fn a_lock_is_a_multiple_of_the_budget_rounded_up() {
    let locks = [0, 1, 2, 100, 101].map(|budget| TERMS.lock_for(budget));
    assert_eq!(locks, [0, 3, 5, 250, 253]);
    let vast = SessionTerms {
        lock_percent: u32::MAX,
        ..TERMS
    };
    assert_eq!(vast.lock_for(u128::MAX), u128::MAX);
}

#[test]
fn every_phase_but_the_last_goes_on_and_only_settled_and_convicted_sessions_are_over() {
    let phases = [
        SessionPhase::Open,
        SessionPhase::Closing,
        SessionPhase::Settled,
        SessionPhase::Convicted,
        SessionPhase::Over,
    ];
    for phase in phases {
        let goes_on = phases.iter().any(|next| phase.may_become(*next));
        assert_eq!(goes_on, phase != SessionPhase::Over);
        let may_end = matches!(phase, SessionPhase::Settled | SessionPhase::Convicted);
        assert_eq!(phase.may_become(SessionPhase::Over), may_end);
    }
    assert!(!SessionPhase::Settled.may_become(SessionPhase::Closing));
    assert!(!SessionPhase::Convicted.may_become(SessionPhase::Settled));
}

#[test]
fn a_voucher_is_worth_what_it_promises_beyond_what_is_paid_and_withheld() {
    let mut account = SessionAccount::new(100u128);
    assert_eq!(account.redeem(40), 40);
    assert_eq!(
        (account.redeem(40), account.redeem(30)),
        (0, 0),
        "an older voucher is worth nothing"
    );
    account.withhold(15);
    assert_eq!(account.payable(50), 0);
    assert_eq!(account.payable(60), 5);
    assert_eq!(account.payable(1_000), 60, "the budget is the most");
    account.restore(15);
    assert_eq!(account.redeem(60), 20);
    assert_eq!(account.settle(), 40);
    assert_eq!((account.payable(u128::MAX), account.held()), (0, 0));
}

#[test]
fn a_budget_grows_up_to_its_maximum() {
    let mut account = SessionAccount::new(100u128);
    assert_eq!(account.top_up(100, 200), Some(()));
    assert_eq!(account.top_up(1, 200), None);
    assert_eq!(account.top_up(u128::MAX, u128::MAX), None);
    assert_eq!(account.budget, 200);
}

#[test]
fn a_receipt_is_worth_something_in_its_session_and_chain_alone() {
    let pair = sr25519::Pair::from_seed(&[1; 32]);
    let key = SessionKey::Sr25519(pair.public());
    let sign = |receipt: &Receipt<u128, u32>| SessionSignature::Sr25519(pair.sign(&receipt.message()));
    let signed = receipt();
    let signature = sign(&signed);
    let here = (GENESIS, SESSION);
    assert!(signed.is_signed(&signature, &key, here));
    assert!(!signed.is_signed(&signature, &key, (GENESIS, SESSION + 1)));
    assert!(!signed.is_signed(&signature, &key, (H256([9; 32]), SESSION)));
    for other in [
        Receipt {
            sequence: 3,
            ..receipt()
        },
        Receipt { owed: 25, ..receipt() },
        Receipt {
            output_digest: H256([7; 32]),
            ..receipt()
        },
    ] {
        assert!(!other.is_signed(&signature, &key, here), "{other:?}");
        assert!(other.is_signed(&sign(&other), &key, here));
    }
    let elsewhere = Receipt {
        session: SESSION + 1,
        ..receipt()
    };
    assert!(
        !elsewhere.is_signed(&signature, &key, (GENESIS, SESSION + 1)),
        "replayed"
    );
    let other_key = SessionKey::Sr25519(sr25519::Pair::from_seed(&[2; 32]).public());
    assert!(!signed.is_signed(&signature, &other_key, here));
}

#[test]
fn a_voucher_is_signed_by_a_key_of_either_kind_and_is_no_receipt() {
    let pair = ed25519::Pair::from_seed(&[1; 32]);
    let key = SessionKey::Ed25519(pair.public());
    let voucher = Voucher {
        genesis: GENESIS,
        session: SESSION,
        owed: 24u128,
    };
    let signature = SessionSignature::Ed25519(pair.sign(&voucher.message()));
    let here = (GENESIS, SESSION);
    assert!(voucher.is_signed(&signature, &key, here));
    assert!(!voucher.is_signed(&signature, &key, (GENESIS, SESSION + 1)));
    let more = Voucher {
        owed: 25,
        ..voucher.clone()
    };
    assert!(!more.is_signed(&signature, &key, here));
    assert!(!receipt().is_signed(&signature, &key, here));
    // The same 32 bytes as a key of the other kind.
    let other_kind = SessionKey::Sr25519(sr25519::Public::from_raw(pair.public().0));
    assert!(!voucher.is_signed(&signature, &other_kind, here));
}

#[test]
fn keys_and_signatures_are_encoded_as_the_sdk_encodes_them() {
    use polkadot_sdk::sp_runtime::{MultiSignature, MultiSigner};
    let pair = sr25519::Pair::from_seed(&[1; 32]);
    let key = SessionKey::Sr25519(pair.public());
    assert_eq!(key.encode(), MultiSigner::Sr25519(pair.public()).encode());
    let signature = pair.sign(b"message");
    assert_eq!(
        SessionSignature::Sr25519(signature).encode(),
        MultiSignature::Sr25519(signature).encode()
    );
    let pair = ed25519::Pair::from_seed(&[1; 32]);
    let key = SessionKey::Ed25519(pair.public());
    assert_eq!(key.encode(), MultiSigner::Ed25519(pair.public()).encode());
}

#[test]
fn receipts_contradict_each_other_where_they_say_different_things_of_one_request() {
    let signed = receipt();
    assert!(!signed.contradicts(&signed));
    let later = Receipt { block: 10, ..receipt() };
    assert!(!signed.contradicts(&later), "it says the same at another time");
    let of_another = Receipt {
        sequence: 3,
        owed: 36,
        ..receipt()
    };
    assert!(!signed.contradicts(&of_another));
    for other in [
        Receipt { owed: 25, ..receipt() },
        Receipt { units: 1, ..receipt() },
        Receipt {
            input_digest: H256([8; 32]),
            ..receipt()
        },
        Receipt {
            output_digest: H256([8; 32]),
            ..receipt()
        },
        Receipt {
            model_root: H256([8; 32]),
            ..receipt()
        },
    ] {
        assert!(signed.contradicts(&other) && other.contradicts(&signed));
    }
}

#[test]
fn the_client_signs_for_what_it_asked_and_nothing_else() {
    let mut payer = Payer::new(10u128);
    assert_eq!(
        payer.receive(0, 4),
        Err(SideError::AnotherRequest),
        "it has asked for nothing"
    );
    assert_eq!(payer.ask(11), Err(SideError::BudgetTooSmall));
    let asked = payer.ask(4).expect("the budget covers it");
    assert_eq!(payer.ask(1), Err(SideError::StillOpen));
    assert_eq!(payer.receive(0, 5), Err(SideError::AnotherPrice));
    assert_eq!(payer.receive(1, 4), Err(SideError::AnotherRequest));
    assert_eq!(payer.receive(asked.sequence, 4), Ok(4));
    assert_eq!(
        payer.receive(0, 9),
        Ok(4),
        "a receipt that comes again is answered with the latest voucher"
    );
    assert_eq!(payer.ask(7), Err(SideError::BudgetTooSmall));
}

#[test]
fn the_worker_waits_for_its_voucher() {
    let mut payee = Payee::new(10u128, 0);
    assert_eq!(payee.begin(1, 4), Err(SideError::AnotherRequest));
    assert_eq!(payee.begin(0, 4), Ok(Begin::Execute));
    assert_eq!(payee.finish(4), 4);
    assert_eq!(payee.begin(0, 4), Ok(Begin::SendAgain));
    assert_eq!(payee.begin(1, 4), Err(SideError::NotPaid));
    assert!(payee.accept(4) && !payee.accept(4) && !payee.accept(3));
    assert_eq!(payee.begin(1, 7), Err(SideError::BudgetTooSmall));
    assert_eq!(payee.begin(1, 6), Ok(Begin::Execute));
    let trusting = Payee {
        credit: 4,
        vouchered: 0,
        ..payee
    };
    assert_eq!(trusting.begin(1, 6), Ok(Begin::Execute));
}
