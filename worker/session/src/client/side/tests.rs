//! Rules of what the client keeps, refuses and signs.

use super::*;
use crate::{
    tests::fixtures::{TERMS, client_pair, contract, request, worker_pair},
    types::ReceiptOf,
};

const OUTPUT: H256 = H256([9; 32]);

fn state() -> ClientState {
    ClientState::new(&contract(1_000), vec![1])
}

fn asked() -> ClientState {
    state()
        .ask(&contract(1_000), &request(7))
        .expect("the budget covers it")
        .state
}

fn receipt() -> ReceiptOf {
    let (contract, request) = (contract(1_000), request(7));
    ReceiptOf {
        genesis: contract.place.genesis,
        session: contract.place.session,
        sequence: 0,
        model_root: contract.model_root,
        input_digest: request.digest,
        output_digest: OUTPUT,
        units: request.units,
        owed: 17,
        block: 5,
    }
}

fn received(state: &ClientState, receipt: ReceiptOf) -> Result<SignedVoucher, ReceiptFault> {
    let signed = worker_pair(1).sign_receipt(receipt);
    let step = state.receive(&contract(1_000), &signed, OUTPUT, &client_pair())?;
    Ok(step.then)
}

#[test]
fn a_receipt_that_says_what_is_expected_is_paid() {
    let voucher = received(&asked(), receipt()).expect("as expected");
    assert_eq!(voucher.message.owed, 17);
    let contract = contract(1_000);
    assert!(voucher.is_by(&contract.client_key, contract.place));
}

#[test]
fn every_receipt_that_says_something_else_is_refused_by_its_name() {
    let forged = |change: fn(&mut ReceiptOf)| {
        let mut receipt = receipt();
        change(&mut receipt);
        received(&asked(), receipt).expect_err("it says something else")
    };
    assert_eq!(forged(|receipt| receipt.session = 2), ReceiptFault::NotSigned);
    assert_eq!(forged(|receipt| receipt.genesis = OUTPUT), ReceiptFault::NotSigned);
    assert_eq!(forged(|receipt| receipt.sequence = 1), ReceiptFault::OtherRequest);
    assert_eq!(forged(|receipt| receipt.model_root = OUTPUT), ReceiptFault::OtherModel);
    assert_eq!(
        forged(|receipt| receipt.input_digest = OUTPUT),
        ReceiptFault::OtherInput
    );
    assert_eq!(
        forged(|receipt| receipt.output_digest = H256([8; 32])),
        ReceiptFault::OtherOutput
    );
    assert_eq!(forged(|receipt| receipt.units += 1), ReceiptFault::OtherUnits);
    assert_eq!(forged(|receipt| receipt.owed += 1), ReceiptFault::OtherPrice);
    assert_eq!(forged(|receipt| receipt.owed -= 1), ReceiptFault::OtherPrice);
    let by_another = worker_pair(2).sign_receipt(receipt());
    let refused = asked().receive(&contract(1_000), &by_another, OUTPUT, &client_pair());
    assert_eq!(refused, Err(ReceiptFault::NotSigned));
}

#[test]
fn an_old_receipt_is_worth_nothing_for_the_next_request() {
    let signed = worker_pair(1).sign_receipt(receipt());
    let contract = contract(1_000);
    let paid = asked()
        .receive(&contract, &signed, OUTPUT, &client_pair())
        .expect("as expected")
        .state;
    let next = paid.ask(&contract, &request(7)).expect("the budget covers it");
    assert_eq!(next.then.sequence, 1);
    let replayed = next.state.receive(&contract, &signed, OUTPUT, &client_pair());
    assert_eq!(replayed, Err(ReceiptFault::OtherRequest));
    let nothing_open = paid.receive(&contract, &signed, OUTPUT, &client_pair());
    assert_eq!(nothing_open, Err(ReceiptFault::OtherRequest));
}

#[test]
fn one_request_is_open_at_a_time_and_is_asked_again_as_it_was() {
    let contract = contract(1_000);
    let step = state().ask(&contract, &request(7)).expect("the budget covers it");
    assert_eq!(step.state.ask(&contract, &request(8)), Err(SideError::StillOpen));
    assert_eq!(step.state.head(&contract), Some(step.then.clone()));
    let taken_back = step.state.take_back().state;
    assert_eq!(taken_back.head(&contract), None);
    let other = taken_back.ask(&contract, &request(8)).expect("nothing is open");
    assert_eq!(other.then.sequence, 0);
    assert_eq!(
        received(&other.state, receipt()),
        Err(ReceiptFault::OtherInput),
        "a receipt of what was taken back is worth nothing"
    );
}

#[test]
fn nothing_is_asked_beyond_the_budget_and_nothing_is_promised_before_it_is_owed() {
    let (contract, poor) = (contract(16), ClientState::new(&contract(16), vec![]));
    assert_eq!(request(7).price(&TERMS), 17);
    assert_eq!(poor.ask(&contract, &request(7)), Err(SideError::BudgetTooSmall));
    assert!(poor.clone().with_budget(17).ask(&contract, &request(7)).is_ok());
    assert_eq!(poor.voucher(&contract, &client_pair()), None);
    assert!(poor.end().state.is_over);
}
