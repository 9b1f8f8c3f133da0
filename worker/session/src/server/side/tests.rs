//! Rules of what the worker keeps, declines and signs.

use super::*;
use crate::tests::fixtures::{GENESIS, client_pair, contract, request, worker_pair};

const TRIES: u32 = 2;

fn head(sequence: u32, elements: u32) -> Signed<RequestHead> {
    let request = request(elements);
    let contract = contract(1_000);
    let head = RequestHead {
        place: contract.place,
        sequence,
        model_root: contract.model_root,
        input_digest: request.digest,
        symbols: request.symbols,
    };
    Signed {
        signature: client_pair().sign(&head.message()),
        message: head,
    }
}

fn answered() -> Answered {
    Answered {
        output_digest: H256([9; 32]),
        units: 7,
        price: 17,
        block: 3,
    }
}

fn ask(state: &WorkerState, head: &Signed<RequestHead>, price: Balance) -> Result<Next, Decline> {
    state.ask(&contract(1_000).own(head)?, price, TRIES)
}

fn begun(state: &WorkerState, head: &Signed<RequestHead>) -> WorkerState {
    match ask(state, head, 17) {
        Ok(Next::Execute(next)) => *next,
        other => panic!("is not executed: {other:?}"),
    }
}

#[test]
fn a_request_is_executed_once_and_then_answered_with_the_same_receipt() {
    let contract = contract(1_000);
    let state = begun(&WorkerState::new(1_000, 0), &head(0, 7));
    let step = state.finish(&contract, &answered(), &worker_pair(1)).expect("begun");
    assert_eq!(step.then.message.owed, 17);
    assert!(step.then.is_by(&contract.worker_key, contract.place));
    let again = ask(&step.state, &head(0, 7), 17);
    assert_eq!(again, Ok(Next::SendAgain(Box::new(step.then))));
    let other = ask(&step.state, &head(0, 8), 18);
    assert_eq!(other, Err(Decline::OtherInput), "it would convict the worker");
}

#[test]
fn nothing_is_signed_that_was_not_begun() {
    let state = WorkerState::new(1_000, 0);
    assert!(state.finish(&contract(1_000), &answered(), &worker_pair(1)).is_none());
}

#[test]
fn a_request_that_was_begun_is_not_exchanged_for_another_and_not_begun_for_ever() {
    let first = begun(&WorkerState::new(1_000, 0), &head(0, 7));
    assert_eq!(ask(&first, &head(0, 8), 18), Err(Decline::OtherInput));
    let second = begun(&first, &head(0, 7));
    assert_eq!(ask(&second, &head(0, 7), 17), Err(Decline::TooManyTries));
    let given_up = second.give_up();
    assert!(ask(&given_up, &head(0, 8), 18).is_ok(), "it was our fault");
}

#[test]
fn requests_that_are_forged_or_about_something_else_are_declined() {
    let state = WorkerState::new(1_000, 0);
    let forged = |change: fn(&mut RequestHead)| {
        let mut head = head(0, 7).message;
        change(&mut head);
        Signed {
            signature: client_pair().sign(&head.message()),
            message: head,
        }
    };
    let mut stolen = head(0, 7);
    stolen.message.sequence = 1;
    let cases = [
        (stolen, Decline::NotSigned),
        (forged(|head| head.place.session = 2), Decline::NotSigned),
        (forged(|head| head.place.genesis = H256([8; 32])), Decline::NotSigned),
        (forged(|head| head.model_root = H256([8; 32])), Decline::NotSigned),
        (forged(|head| head.sequence = 1), Decline::Sequence),
        (forged(|head| head.sequence = u32::MAX), Decline::Sequence),
    ];
    for (head, reason) in cases {
        assert_eq!(ask(&state, &head, 17), Err(reason), "{head:?}");
    }
    assert_eq!(ask(&state, &head(0, 7), 1_001), Err(Decline::Budget));
}

#[test]
fn the_next_request_waits_for_a_voucher_that_the_client_has_signed() {
    let contract = contract(1_000);
    let state = begun(&WorkerState::new(1_000, 0), &head(0, 7));
    let state = state
        .finish(&contract, &answered(), &worker_pair(1))
        .expect("begun")
        .state;
    assert_eq!(ask(&state, &head(1, 7), 17), Err(Decline::NotPaid));
    let forged = worker_pair(2).sign_voucher(contract.place, 17);
    assert_eq!(state.voucher(&contract, &forged), Err(Decline::NotSigned));
    let elsewhere = Place {
        genesis: GENESIS,
        session: 2,
    };
    let replayed = client_pair().sign_voucher(elsewhere, 17);
    assert_eq!(state.voucher(&contract, &replayed), Err(Decline::NotSigned));
    let too_small = client_pair().sign_voucher(contract.place, 16);
    let step = state
        .voucher(&contract, &too_small)
        .expect("signed")
        .expect("more than nothing");
    assert_eq!(ask(&step.state, &head(1, 7), 17), Err(Decline::NotPaid));
    let paid = client_pair().sign_voucher(contract.place, 17);
    let step = step
        .state
        .voucher(&contract, &paid)
        .expect("signed")
        .expect("more than before");
    assert_eq!(step.state.voucher, Some(paid.clone()));
    assert_eq!(
        step.state.voucher(&contract, &paid),
        Ok(None),
        "it promises nothing new"
    );
    assert!(ask(&step.state, &head(1, 7), 17).is_ok());
}
