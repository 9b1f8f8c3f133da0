//! Disputes about sequences: the worker has given the last input itself, and it opens from the claimed outputs.

use super::court::meet;
use crate::mock::*;
use assay_adversary::{BadChallenger, Challenger, Downstream, InMemory, Liar, Lie, Manner, Random, graphs};
use assay_player::{Execution, Honest};
use assay_types::dispute::{Fault, Place, Statement};
use polkadot_sdk::frame_support::assert_ok;

/// The operator that says which tokens are right.
const RIGHT_TOKENS: u32 = 1;
/// The one that says whether all are.
const VALID: u32 = 2;

/// The seed twice, and then another token, of which the graph says that it is not generated.
fn changed() -> InMemory {
    graphs::generation(7, &[7], &[7, 7, 3])
}

#[test]
fn a_sequence_that_the_model_does_not_generate_is_convicted() {
    let says = |operator, element, downstream| Lie::Element {
        operator,
        element,
        bits: 1,
        downstream,
    };
    let mut random = Random(38);
    for (lied, lie) in [
        (RIGHT_TOKENS, says(RIGHT_TOKENS, 2, Downstream::Computed)),
        (VALID, says(VALID, 0, Downstream::Kept)),
    ] {
        let execution = changed();
        TestExt::new().execute_with(|| {
            let liar = Liar::new(&execution, &lie, Manner::Answers).expect("it is in memory");
            let liar = liar.expect("it is not the truth");
            let outcome = meet(
                &mut random,
                liar.pretended(),
                &liar,
                0,
                &execution,
                &[Challenger::Honest],
            );
            let conviction = outcome.conviction.expect("it is found out");
            assert!(
                matches!(conviction.fault, Fault::Element { operator, .. } if operator == lied),
                "{lie:?}: {conviction:?}"
            );
            assert!(outcome.lost.is_empty(), "{:?}", outcome.lost);
        });
    }
}

#[test]
fn a_sequence_that_the_model_generates_stands() {
    let execution = graphs::generation(7, &[7, 7], &[7, 7, 7, 7]);
    let mut random = Random(39);
    TestExt::new().execute_with(|| {
        let challengers = [BadChallenger::Anywhere, BadChallenger::Stops].map(Challenger::Bad);
        let worker = Honest(&execution);
        let outcome = meet(&mut random, &execution, &worker, 0, &execution, &challengers);
        assert_eq!(outcome.conviction, None);
    });
}

#[test]
fn a_trace_of_another_sequence_than_the_claimed_one_is_refused() {
    let (claimed_execution, other) = (
        graphs::generation(7, &[7], &[7, 7]),
        graphs::generation(7, &[7], &[7, 7, 7]),
    );
    TestExt::new().execute_with(|| {
        let job = claimed(&claimed_execution);
        assert_ok!(challenge(CHALLENGER, job));
        let trace = |execution: &InMemory| assay_player::statement(execution, &Place::Trace).expect("it is in memory");
        let mut mixed = trace(&claimed_execution);
        if let (Statement::Trace(mixed), Statement::Trace(other)) = (&mut mixed, trace(&other)) {
            mixed.inputs = other.inputs;
        }
        assert!(reveal(job, mixed).is_err(), "the inputs are of another sequence");
        assert_ok!(reveal(job, trace(&claimed_execution)));
        let head = dispute(job).and_then(|dispute| dispute.trace).expect("revealed");
        assert_eq!(head.symbols.to_vec(), claimed_execution.trace().symbols);
    });
}
