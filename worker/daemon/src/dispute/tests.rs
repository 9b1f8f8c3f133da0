//! Executions by an engine play disputes as well as executions in memory do.

use super::*;
use assay_adversary::{InMemory, Liar, Lie, Manner, Random, graphs};
use assay_engine::{CpuEngine, Engine, ReferenceEngine};
use assay_exact::quantise::Precision;
use assay_ops::tensor::Tensor;
use assay_package::{Details, Package};
use assay_player::Hash;
use assay_types::dispute::{Committed, Place, Revealed, Statement, check, check_trace, point};
use std::{num::NonZeroUsize, sync::Arc};

fn details() -> Details {
    Details {
        name: "disputed".into(),
        version: "1".into(),
        licence: "Apache-2.0".into(),
        description: String::new(),
    }
}

/// The same model and inputs, executed by this engine.
fn executed(engine: &dyn Engine, model: &InMemory, most_kept_bytes: usize) -> JobExecution {
    let (graph, weights) = (model.graph().clone(), model.weights().to_vec());
    let package = Package::new(details(), Precision::Int16, graph, weights, vec![]).expect("a sound package");
    let loaded = engine.load(&package).expect("an engine that can be used");
    let subject = Subject::new(Arc::new(package), Arc::new(loaded)).expect("the same package");
    JobExecution::keeping(Arc::new(subject), model.inputs().to_vec(), most_kept_bytes).expect("inputs that fit")
}

fn cpu() -> CpuEngine {
    CpuEngine::new(NonZeroUsize::MIN).expect("a processor")
}

#[test]
fn tensors_are_the_same_whether_they_are_kept_or_computed_again() {
    let mut random = Random(20);
    for _ in 0..20 {
        let model = graphs::random(&mut random, 10);
        let tensors = |execution: &dyn Execution| -> Vec<Tensor> {
            let operators: Vec<u32> = (0..10).rev().collect();
            let together = execution.nodes(&operators).expect("ten operators");
            for (operator, tensor) in operators.iter().zip(&together) {
                let alone = execution.nodes(&[*operator]).expect("one operator");
                assert_eq!(alone, std::slice::from_ref(tensor));
            }
            together.iter().map(|tensor| (**tensor).clone()).collect()
        };
        let expected = tensors(&model);
        for engine in [&ReferenceEngine as &dyn Engine, &cpu()] {
            for most_kept_bytes in [0, 600, 1 << 20] {
                let execution = executed(engine, &model, most_kept_bytes);
                assert_eq!(execution.trace(), model.trace());
                assert_eq!(tensors(&execution), expected);
                assert!(execution.nodes(&[10]).is_err(), "there is no eleventh");
            }
        }
    }
}

#[test]
fn claim_is_of_the_package() {
    let mut random = Random(21);
    let model = graphs::random(&mut random, 5);
    let execution = executed(&ReferenceEngine, &model, 0);
    let package = Package::new(
        details(),
        Precision::Int16,
        model.graph().clone(),
        model.weights().to_vec(),
        vec![],
    );
    assert_eq!(
        committed(&execution).model_root.0,
        package.expect("a sound package").root()
    );
}

/// What one game comes to in which nobody is late.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// The worker could not open what it had committed to.
    Unopened,
    /// The challenger has proved that something is wrong.
    Proved,
    /// The challenger has found nothing.
    Agree,
}

/// Plays a game to its end.
fn game(committed: &Committed, worker: &dyn Statements, challenger: &dyn Execution) -> Verdict {
    let parts = challenger.parts();
    let said = |place: &Place| worker.statement(place).expect("an execution");
    let Some(Statement::Trace(trace)) = said(&Place::Trace) else {
        return Verdict::Unopened;
    };
    let Ok(head) = check_trace::<Hash>(parts, committed, &trace) else {
        return Verdict::Unopened;
    };
    let (mut place, mut tensor) = (Place::Trace, None);
    let mut reveals = Reveals::from([(place, Revealed::Nodes(trace.nodes))]);
    loop {
        let element = match find(challenger, &place, &reveals).expect("an execution") {
            Finding::Agree => return Verdict::Agree,
            Finding::Element(element) => element,
            Finding::Entry(entry) => {
                let operators = head.model.operators;
                let next = point(&place, &reveals[&place], operators, tensor.as_ref(), entry);
                let (next, digest) = next.expect("there is such an entry");
                // Of a tensor that cannot be there is nothing to say.
                let Some(statement) = said(&next) else {
                    return Verdict::Unopened;
                };
                let revealed = check::<Hash>(&next, &digest, committed, &head, tensor.as_ref(), statement);
                let Ok(revealed) = revealed else {
                    return Verdict::Unopened;
                };
                if let Revealed::Tensor { output, .. } = &revealed {
                    tensor = Some(output.clone());
                }
                reveals.insert(next, revealed);
                place = next;
                continue;
            }
        };
        // It is judged before it is given.
        prove(challenger, &head, &reveals, &place, element).expect("what was found is wrong");
        return Verdict::Proved;
    }
}

#[test]
fn lie_about_an_execution_on_an_engine_is_found_and_its_truth_stands() {
    let mut random = Random(22);
    let mut proved = 0;
    for _ in 0..40 {
        let model = graphs::random(&mut random, 10);
        // The worker's engine is not the challenger's.
        let workers = executed(&cpu(), &model, 0);
        let challengers = executed(&ReferenceEngine, &model, 2_000);
        let lie = Lie::random(&mut random, &workers).expect("an execution");
        let worker: &dyn Execution = &workers;
        if let Some(liar) = Liar::new(worker, &lie, Manner::Answers).expect("an execution") {
            let verdict = game(&liar.committed(), &liar, &challengers);
            assert_ne!(verdict, Verdict::Agree, "{lie:?}");
            proved += usize::from(verdict == Verdict::Proved);
        }
        assert_eq!(game(&committed(worker), &Honest(worker), &challengers), Verdict::Agree);
    }
    assert!(proved >= 12, "only {proved} of 40 were lies that can be opened");
}
