//! Whole games: a lie is narrowed down and convicted, the truth stands.

use crate::{Ended, Error, Event, Reveals, mock::*};
use assay_adversary::{InMemory, Liar, Lie, Manner, Random, graphs};
use assay_exact::{
    bounded::Bounded,
    judge::{OperandChunks, OperatorOpening, Proof},
};
use assay_player::{Execution, Finding, Reveals as Known, Statements, find, prove as build, statement};
use assay_types::{
    JobId, Phase,
    dispute::{Fault, Place, Side, Statement},
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

/// Four operators on three chunks of numbers.
pub(super) fn model() -> InMemory {
    graphs::wide(&mut Random(11), 700)
}

/// A lie about one element of the third operator, kept up to the end.
fn lie() -> Lie {
    Lie::Element {
        operator: 2,
        element: 300,
        bits: 1 << 22,
        downstream: assay_adversary::Downstream::Computed,
    }
}

pub(super) fn liar(honest: &InMemory) -> Liar<&InMemory> {
    let liar = Liar::new(honest, &lie(), Manner::Answers).expect("it is in memory");
    liar.expect("another bit is another number")
}

pub(super) fn said(worker: &dyn Statements, place: Place) -> Statement {
    let said = worker.statement(&place).expect("it is in memory");
    said.expect("it answers")
}

/// Knowledge of a challenger about the places that were revealed.
pub(super) fn known(job: JobId, places: &[Place]) -> Known {
    let revealed = places
        .iter()
        .map(|place| (*place, revealed(job, *place).expect("is revealed")));
    revealed.collect()
}

/// The places of a game about the lie, from the trace to the chunk.
pub(super) const WAY: [Place; 3] = [
    Place::Trace,
    Place::Tensor { operator: 2 },
    Place::Chunk { operator: 2, chunk: 1 },
];

/// Plays a game up to the chunk: five moves after the challenge.
pub(super) fn narrow_down(job: JobId, honest: &InMemory, worker: &dyn Statements, challenger: u64) {
    assert_ok!(challenge(challenger, job));
    for (step, place) in WAY.iter().enumerate() {
        advance(1);
        assert_eq!(
            (game(job, challenger).place, game(job, challenger).turn),
            (*place, Side::Worker)
        );
        assert_ok!(reveal(job, said(worker, *place)));
        check();
        let finding = find(honest, place, &known(job, &WAY[..=step])).expect("all is known");
        match finding {
            Finding::Entry(entry) => {
                assert_ok!(point(challenger, job, *place, entry));
            }
            Finding::Element(element) => assert_eq!(element, 300),
            Finding::Agree => panic!("nothing differs at {place:?}"),
        }
        check();
    }
}

#[test]
fn a_lie_about_one_element_is_convicted_by_that_element() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        narrow_down(job, &honest, &liar, CHALLENGER);

        let head = dispute(job).and_then(|dispute| dispute.trace).expect("is revealed");
        let reveals = known(job, &WAY);
        let proof = build(&honest, &head, &reveals, &WAY[2], 300).expect("it is wrong");
        assert_noop!(
            prove(CHALLENGER, job, proof.clone(), 2),
            Error::<Test>::ElementElsewhere
        );
        assert_noop!(prove(CHALLENGER, job, proof.clone(), 301), Error::<Test>::NotWrong);
        assert_noop!(prove(SECOND, job, proof.clone(), 300), Error::<Test>::NoSuchGame);
        assert_ok!(prove(CHALLENGER, job, proof, 300));

        let convicted = events().into_iter().find_map(|event| match event {
            Event::WorkerConvicted { fault, .. } => Some(fault),
            _ => None,
        });
        let Some(Fault::Element {
            operator: 2,
            element: 300,
            claimed,
            computed,
        }) = convicted
        else {
            panic!("{convicted:?}");
        };
        let truth = assay_player::node(&honest, 2).expect("it is in memory");
        assert_eq!(computed, truth.bytes()[1200..1204]);
        assert_ne!(claimed, computed);
        assert_eq!((phase(job), bonded(CHALLENGER)), (None, 0));
    });
}

fn change_first_operand(proof: &mut Proof, change: impl FnOnce(&mut OperandChunks)) {
    let mut operands = core::mem::take(&mut proof.operands).into_inner();
    change(operands.first_mut().expect("it has one"));
    proof.operands = Bounded::new(operands).expect("as many as before");
}

#[test]
fn a_proof_that_does_not_open_is_refused_with_what_does_not() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        narrow_down(job, &honest, &liar, CHALLENGER);
        let head = dispute(job).and_then(|dispute| dispute.trace).expect("is revealed");
        let reveals = known(job, &WAY);
        let proof = build(&honest, &head, &reveals, &WAY[2], 300).expect("it is wrong");
        let refusal = |change: &dyn Fn(&mut Proof)| {
            let mut changed = proof.clone();
            change(&mut changed);
            prove(CHALLENGER, job, changed, 300).expect_err("it does not open")
        };

        let without_operands = refusal(&|proof| proof.operands = Default::default());
        assert_eq!(without_operands, Error::<Test>::WrongNumberOfOperands.into());
        let of_other_chunks = refusal(&|proof| {
            change_first_operand(proof, |operand| operand.proof = vec![[1; 32]].try_into().expect("one"));
        });
        assert_eq!(of_other_chunks, Error::<Test>::ChunksDoNotOpen.into());
        let without_chunks = refusal(&|proof| {
            change_first_operand(proof, |operand| *operand = OperandChunks::default());
        });
        assert_eq!(without_chunks, Error::<Test>::ChunkMissing.into());
    });
}

#[test]
fn an_operator_that_does_not_open_is_refused_with_what_does_not() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        assert_ok!(challenge(CHALLENGER, job));
        assert_ok!(reveal(job, said(&liar, Place::Trace)));
        assert_ok!(point(CHALLENGER, job, Place::Trace, 2));
        let refusal = |change: &dyn Fn(&mut OperatorOpening)| {
            let Statement::Tensor {
                operator,
                mut opening,
                output,
                nodes,
            } = said(&liar, WAY[1])
            else {
                panic!("it is an operator");
            };
            change(&mut opening);
            let statement = Statement::Tensor {
                operator,
                opening,
                output,
                nodes,
            };
            reveal(job, statement).expect_err("it does not open")
        };
        let of_another_node = refusal(&|opening| opening.path = Default::default());
        assert_eq!(of_another_node, Error::<Test>::OperatorDoesNotOpen.into());
        let without_operands = refusal(&|opening| opening.operands = Default::default());
        assert_eq!(without_operands, Error::<Test>::WrongNumberOfOperands.into());
        let of_another_operand = refusal(&|opening| {
            let mut operands = opening.operands.to_vec();
            operands[0].tensor.root[0] ^= 1;
            opening.operands = operands.try_into().expect("as many as before");
        });
        assert_eq!(of_another_operand, Error::<Test>::OperandDoesNotOpen.into());
        assert_ok!(reveal(job, said(&liar, WAY[1])));
    });
}

#[test]
fn what_was_said_serves_every_game_and_one_verdict_ends_them_all() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        narrow_down(job, &honest, &liar, CHALLENGER);

        // The second one finds everything revealed, and waits for nobody.
        assert_ok!(challenge(SECOND, job));
        assert_eq!(game(job, SECOND).turn, Side::Challenger);
        assert_ok!(point(SECOND, job, Place::Trace, 2));
        assert_eq!(
            (game(job, SECOND).place, game(job, SECOND).turn),
            (WAY[1], Side::Challenger)
        );
        assert_ok!(point(SECOND, job, WAY[1], 1));
        assert_eq!(
            (game(job, SECOND).place, game(job, SECOND).turn),
            (WAY[2], Side::Challenger)
        );
        check();

        let head = dispute(job).and_then(|dispute| dispute.trace).expect("is revealed");
        let proof = build(&honest, &head, &known(job, &WAY), &WAY[2], 300);
        assert_ok!(prove(SECOND, job, proof.expect("it is wrong"), 300));
        assert_eq!((dispute(job), bonded(CHALLENGER), bonded(SECOND)), (None, 0, 0));
        assert_noop!(timeout(CHALLENGER, job), Error::<Test>::NotDisputed);
        advance(1);
        assert_eq!((Reveals::<Test>::iter().count(), Ended::<Test>::iter().count()), (0, 0));
    });
}

#[test]
fn a_challenge_of_honest_work_costs_its_bond_and_the_job_is_settled() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let job = claimed(&honest);
        let before = [CLIENT, WORKER, CHALLENGER].map(balance);
        assert_ok!(challenge(CHALLENGER, job));
        for place in WAY {
            assert_ok!(reveal(job, statement(&honest, &place).expect("it is in memory")));
            if place != WAY[2] {
                let entry = if place == Place::Trace { 2 } else { 1 };
                assert_ok!(point(CHALLENGER, job, place, entry));
            }
        }
        assert_noop!(point(CHALLENGER, job, WAY[2], 0), Error::<Test>::NothingBelow);
        // Whatever it proves there is right.
        let openings = assay_player::openings(&honest);
        let operands = assay_player::operands(&honest, 2).expect("they are in memory");
        let operands: Vec<_> = operands.iter().map(|operand| &**operand).collect();
        let proof = openings.prove_element::<assay_player::Hash>(2, &operands, 300);
        assert_noop!(
            prove(CHALLENGER, job, proof.expect("the operands are whole"), 300),
            Error::<Test>::NotWrong
        );

        run_down(job, CHALLENGER);
        assert_ok!(timeout(CHALLENGER, job));
        assert_eq!(phase(job), Some(Phase::Claimed));
        let upheld = now();
        assert_eq!(
            [CLIENT, WORKER, CHALLENGER].map(balance),
            [before[0], before[1] + BOND / 2, before[2] - BOND]
        );

        // Whoever was kept out has a turn, and then the worker is paid.
        advance(REOPEN);
        assert_ok!(challenge(SECOND, job));
        assert_eq!(game(job, SECOND).turn, Side::Worker);
        assert_ok!(reveal(job, statement(&honest, &Place::Trace).expect("it is in memory")));
        run_down(job, SECOND);
        assert_ok!(timeout(SECOND, job));
        advance(REOPEN + 1);
        assert!(now() > upheld + REOPEN);
        assert_eq!(phase(job), None);
        assert_eq!(balance(WORKER), before[1] + BOND + PRICE);
        assert_eq!(honest.trace().nodes.len(), 4);
    });
}

#[test]
fn a_statement_that_does_not_fit_is_refused_and_the_clock_goes_on() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        assert_ok!(challenge(CHALLENGER, job));
        let deadline = game(job, CHALLENGER).clock.deadline;

        let truth = statement(&honest, &Place::Trace).expect("it is in memory");
        assert_noop!(reveal(job, truth), Error::<Test>::OutputDoesNotOpen);
        let elsewhere = statement(&honest, &WAY[1]).expect("it is in memory");
        assert_noop!(reveal(job, elsewhere), Error::<Test>::NotAsked);
        let stranger = Disputes::reveal(signed(SECOND), job, Box::new(said(&liar, Place::Trace)));
        assert_eq!(stranger, Err(Error::<Test>::NotWorker.into()));
        assert_eq!(game(job, CHALLENGER).clock.deadline, deadline);

        assert_ok!(reveal(job, said(&liar, Place::Trace)));
        assert_noop!(reveal(job, said(&liar, Place::Trace)), Error::<Test>::NotAsked);
        assert_noop!(point(CHALLENGER, job, Place::Trace, 4), Error::<Test>::NoSuchEntry);
        assert_ok!(point(CHALLENGER, job, Place::Trace, 2));
        let truth = statement(&honest, &WAY[1]).expect("it is in memory");
        assert_noop!(reveal(job, truth), Error::<Test>::DigestMismatch);
    });
}

#[test]
fn a_worker_that_is_late_by_a_block_is_late() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let job = claimed(&honest);
        assert_ok!(challenge(CHALLENGER, job));
        run_down(job, CHALLENGER);
        // A second game still has time, and a reveal for it does not save the first one.
        assert_ok!(challenge(SECOND, job));
        let trace = statement(&honest, &Place::Trace).expect("it is in memory");
        assert_ok!(reveal(job, trace.clone()));
        assert_eq!(game(job, CHALLENGER).turn, Side::Worker);
        assert_eq!(game(job, SECOND).turn, Side::Challenger);
        check();
        assert_ok!(timeout(CHALLENGER, job));
        assert_eq!(phase(job), Some(Phase::Disputed));
        assert_ok!(answer_late(job, trace));
        assert_eq!(game(job, CHALLENGER).turn, Side::Challenger);
    });
}

#[test]
fn a_challenger_that_is_late_by_a_block_has_lost_whatever_it_knows() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        narrow_down(job, &honest, &liar, CHALLENGER);
        let head = dispute(job).and_then(|dispute| dispute.trace).expect("is revealed");
        let proof = build(&honest, &head, &known(job, &WAY), &WAY[2], 300);
        run_down(job, CHALLENGER);
        assert_noop!(
            prove(CHALLENGER, job, proof.expect("it is wrong"), 300),
            Error::<Test>::DeadlinePassed
        );
        assert_ok!(timeout(CHALLENGER, job));
        assert_eq!(phase(job), Some(Phase::Claimed));
    });
}
