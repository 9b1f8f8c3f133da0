//! Workers that lie: by a wrong answer, by silence, by two receipts of one request.

use crate::{Error, Event, mock::*};
use assay_adversary::{Downstream, InMemory, Liar, Lie, Manner, Random, graphs};
use assay_player::{Finding, Reveals, Statements, find, prove};
use assay_types::{
    ClaimId, H256, SessionId,
    dispute::Place,
    session::{SessionEnd, SessionPhase},
};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok},
    sp_runtime::DispatchResult,
};

/// Half of the stake: the share of a proved fault.
const FAULT: u64 = STAKE / 2;

/// The places of a game about the lie, from the trace to the chunk.
const WAY: [Place; 3] = [
    Place::Trace,
    Place::Tensor { operator: 2 },
    Place::Chunk { operator: 2, chunk: 1 },
];

/// Four operators on three chunks of numbers.
fn model() -> InMemory {
    graphs::wide(&mut Random(11), 700)
}

fn liar(honest: &InMemory) -> Liar<&InMemory> {
    let lie = Lie::Element {
        operator: 2,
        element: 300,
        bits: 1 << 22,
        downstream: Downstream::Computed,
    };
    let liar = Liar::new(honest, &lie, Manner::Answers).expect("it is in memory");
    liar.expect("another bit is another number")
}

/// Plays a game to its end, which convicts the worker.
fn convict(claim: ClaimId, honest: &InMemory, worker: &dyn Statements) {
    for place in WAY {
        let said = worker.statement(&place).expect("it is in memory");
        let said = Box::new(said.expect("it answers"));
        assert_ok!(Disputes::reveal(signed(WORKER), claim, said));
        let dispute = dispute(claim).expect("is disputed");
        let reveals: Reveals = pallet_disputes::Reveals::<Test>::iter_prefix(dispute.id).collect();
        match find(honest, &place, &reveals).expect("all is known") {
            Finding::Entry(entry) => {
                let pointed = Disputes::point(signed(CHALLENGER), claim, place, entry);
                assert_ok!(pointed);
            }
            Finding::Element(element) => {
                let head = dispute.trace.expect("is revealed");
                let proof = prove(honest, &head, &reveals, &place, element).expect("it is wrong");
                let proved = Disputes::prove(signed(CHALLENGER), claim, CHALLENGER, Box::new(proof), element, None);
                assert_ok!(proved);
            }
            Finding::Agree => panic!("nothing differs at {place:?}"),
        }
        assert_ok!(check());
    }
}

/// A session with a receipt of a wrong answer, and the receipt's claim.
fn lied(worker: &Liar<&InMemory>) -> (SessionId, ClaimId) {
    let id = open();
    let receipt = sign(unsigned(id, 4, &worker.committed()));
    assert_ok!(challenge(CHALLENGER, receipt));
    (id, claim(id, 4))
}

#[test]
fn a_wrong_answer_is_convicted_by_one_element_as_on_chain() {
    let honest = model();
    TestExt::with(&honest).execute_with(|| {
        let liar = liar(&honest);
        let (id, claim) = lied(&liar);
        assert_ok!(redeem(id, 9 * PRICE));
        convict(claim, &honest, &liar);
        assert_eq!(Sessions::session(id), None);
        // The client has back what was not redeemed; the price of the lie was withheld.
        assert_eq!((held(CLIENT), balance(CLIENT)), (0, ENDOWMENT - 8 * PRICE));
        assert_eq!((stake(), locks()), (STAKE - FAULT, 0));
        assert!(events().contains(&Event::SessionSettled {
            session: id,
            reason: SessionEnd::Fraud { claim },
            redeemed: 8 * PRICE,
            returned: BUDGET - 8 * PRICE,
            until: None,
        }));
        advance(SLASH_DELAY);
        assert_eq!(
            balance(CLIENT),
            ENDOWMENT - 8 * PRICE + RECEIPT_LOCK / 5,
            "the client's part of the slash"
        );
    });
}

#[test]
fn a_lie_is_convicted_in_the_window_of_a_session_that_is_paid() {
    let honest = model();
    TestExt::with(&honest).execute_with(|| {
        let liar = liar(&honest);
        let id = open();
        let receipt = sign(unsigned(id, 4, &liar.committed()));
        assert_ok!(Sessions::close(signed(WORKER), id, Some(voucher(id, 5 * PRICE))));
        advance(WINDOW);
        assert_ok!(challenge(CHALLENGER, receipt));
        convict(claim(id, 4), &honest, &liar);
        assert_eq!((Sessions::session(id), stake()), (None, STAKE - FAULT));
    });
}

#[test]
fn a_convicted_session_waits_for_its_other_disputes() {
    let honest = model();
    TestExt::with(&honest).execute_with(|| {
        let liar = liar(&honest);
        let (id, claim_of_lie) = lied(&liar);
        let other = sign(unsigned(id, 5, &liar.committed()));
        assert_ok!(challenge(OTHER, other.clone()));
        convict(claim_of_lie, &honest, &liar);
        let left = session(id);
        assert_eq!((left.state.phase(), left.disputes), (SessionPhase::Convicted, 1));
        assert_eq!((held(CLIENT), locks()), (0, RECEIPT_LOCK));
        assert_noop!(redeem(id, BUDGET), Error::<Test>::IsSettled);
        let another = sign(unsigned(id, 6, &liar.committed()));
        assert_noop!(challenge(CHALLENGER, another), Error::<Test>::WindowPassed);
        // The worker answers once, and the other challenger has nothing to say.
        let said = liar
            .statement(&Place::Trace)
            .expect("it is in memory")
            .expect("it answers");
        assert_ok!(Disputes::reveal(signed(WORKER), claim(id, 5), Box::new(said)));
        advance(CLOCK);
        assert_ok!(Disputes::claim_timeout(signed(CLIENT), claim(id, 5), OTHER));
        assert_eq!((Sessions::session(id), locks()), (None, 0));
    });
}

#[test]
fn silence_convicts_after_the_time_for_late_answers() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(challenge(CHALLENGER, receipt(id, 0)));
        let timeout = || Disputes::claim_timeout(signed(OTHER), claim(id, 0), CHALLENGER);
        advance(CLOCK + 1);
        assert_ok!(timeout());
        let until = dispute(claim(id, 0))
            .and_then(|dispute| dispute.late_until)
            .expect("is late");
        advance(until + 1 - now());
        assert_ok!(timeout());
        assert_eq!((Sessions::session(id), stake()), (None, STAKE - FAULT));
        assert_eq!(balance(CLIENT), ENDOWMENT);
    });
}

fn equivocation(id: SessionId) -> DispatchResult {
    let first = receipt(id, 0);
    let mut second = first.message.clone();
    second.output_digest = H256::repeat_byte(1);
    Sessions::convict_equivocation(signed(OTHER), Box::new(first), Box::new(sign(second)))
        .map(|_| ())
        .map_err(|error| error.error)
}

#[test]
fn two_receipts_of_one_request_convict_without_a_game() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(redeem(id, PRICE));
        assert_ok!(equivocation(id));
        assert_eq!((Sessions::session(id), stake(), locks()), (None, STAKE - FAULT, 0));
        assert_eq!((held(CLIENT), balance(CLIENT)), (0, ENDOWMENT - PRICE));
        advance(SLASH_DELAY);
        // A finder's part of the whole slash, and the client's of the lock.
        assert_eq!(balance(OTHER), ENDOWMENT + FAULT * 3 / 10);
        assert_eq!(balance(CLIENT), ENDOWMENT - PRICE + LOCKED / 5);
        assert_eq!(equivocation(id), Err(Error::<Test>::UnknownSession.into()));
    });
}

#[test]
fn an_equivocation_ends_a_session_whose_receipts_are_disputed_and_convicts_once() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(challenge(CHALLENGER, receipt(id, 0)));
        assert_ok!(equivocation(id));
        assert_eq!(session(id).state.phase(), SessionPhase::Convicted);
        assert_eq!(equivocation(id), Err(Error::<Test>::WindowPassed.into()));
        assert_eq!(locks(), RECEIPT_LOCK);
    });
}

#[test]
fn receipts_that_do_not_contradict_each_other_convict_nobody() {
    TestExt::new().execute_with(|| {
        let id = open();
        let convict = |first, second| {
            let call = Sessions::convict_equivocation(signed(OTHER), Box::new(first), Box::new(second));
            call.map(|_| ()).map_err(|error| error.error)
        };
        let once = convict(receipt(id, 0), receipt(id, 0));
        assert_eq!(once, Err(Error::<Test>::NoContradiction.into()));
        let of_two = convict(receipt(id, 0), receipt(id, 1));
        assert_eq!(of_two, Err(Error::<Test>::NoContradiction.into()));
        let signed_again = sign(assay_types::Receipt {
            block: 77,
            ..receipt(id, 0).message
        });
        let later = convict(receipt(id, 0), signed_again);
        assert_eq!(later, Err(Error::<Test>::NoContradiction.into()));
        let mut forged = receipt(id, 0);
        forged.message.owed = 1;
        let refused = convict(receipt(id, 0), forged);
        assert_eq!(refused, Err(Error::<Test>::BadSignature.into()));
        assert_eq!(stake(), STAKE);
    });
}

#[test]
fn another_receipt_of_a_disputed_request_is_an_equivocation() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(challenge(CHALLENGER, receipt(id, 0)));
        let mut second = receipt(id, 0).message;
        second.output_digest = H256::repeat_byte(1);
        assert_noop!(challenge(OTHER, sign(second)), Error::<Test>::AnotherReceipt);
    });
}
