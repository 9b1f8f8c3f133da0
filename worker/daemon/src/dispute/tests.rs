//! Executions by an engine play disputes as well as executions in memory do.

use super::*;
use assay_adversary::{InMemory, Liar, Lie, Manner, Random, graphs};
use assay_engine::{CpuEngine, Engine, LoadedModel, ReferenceEngine};
use assay_exact::quantise::Precision;
use assay_ops::{
    program::EngineError,
    tensor::{Digest, Tensor},
};
use assay_package::{Details, Package};
use assay_player::Hash;
use assay_types::dispute::{Committed, Place, Revealed, Statement, check, check_trace, point};
use std::{
    fs,
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

fn details() -> Details {
    Details {
        name: "disputed".into(),
        version: "1".into(),
        licence: "Apache-2.0".into(),
        description: String::new(),
    }
}

fn package(model: &InMemory) -> Package {
    let (graph, weights) = (model.graph().clone(), model.weights().to_vec());
    Package::new(details(), Precision::Int16, graph, weights, vec![]).expect("a sound package")
}

/// The same model and inputs, executed by this engine.
fn executed(engine: &dyn Engine, model: &InMemory, most_kept_bytes: usize) -> JobExecution {
    let package = package(model);
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
    assert_eq!(committed(&execution).model_root.0, package(&model).root());
}

/// Outcome of one game in which nobody is late.
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

/// A model that counts its executions.
struct Counting {
    model: LoadedModel,
    executions: AtomicUsize,
}

impl Counting {
    fn count(&self) -> usize {
        self.executions.load(Ordering::Relaxed)
    }
}

impl Tracer for Counting {
    fn root(&self) -> Digest {
        self.model.root()
    }

    fn trace(&self, inputs: &[Tensor], wanted: &Wanted) -> Result<Traced, EngineError> {
        self.executions.fetch_add(1, Ordering::Relaxed);
        Tracer::trace(&self.model, inputs, wanted)
    }
}

/// Every statement about a model's tensors but the bytes of chunks, with its place.
fn statements_without_bytes(model: &InMemory, operators: u32) -> Vec<(Place, Statement)> {
    let mut places = vec![Place::Trace];
    for operator in 0..operators {
        places.push(Place::Tensor { operator });
        for (level, index) in (0..12).flat_map(|level| [(level, 0), (level, 1)]) {
            places.push(Place::TensorSpan { operator, level, index });
        }
    }
    let made = places
        .into_iter()
        .filter_map(|place| Some((place, statement(model, &place).ok()?)));
    made.collect()
}

fn room(pool: &Pool, folder: &Path, job: usize) -> Room {
    Room {
        pool: pool.clone(),
        others_bytes: 0,
        trees: Some(TreesAt {
            path: folder.join(format!("{job}.trees")),
            most_bytes: 1 << 30,
        }),
    }
}

#[test]
fn many_claims_with_large_tensors_are_defended_without_executing_again_once_their_trees_are_on_disk() {
    const CLAIMS: usize = 9;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = graphs::wide(&mut Random(23), 300_000);
    let package = package(&model);
    let counting = Arc::new(Counting {
        model: cpu().load(&package).expect("an engine that can be used"),
        executions: AtomicUsize::new(0),
    });
    let subject = Arc::new(Subject::new(Arc::new(package), counting.clone()).expect("the same package"));
    // No tensor fits in.
    let pool = Pool::new(0);
    let executions: Vec<JobExecution> = (0..CLAIMS)
        .map(|job| {
            let room = room(&pool, folder.path(), job);
            JobExecution::in_room(subject.clone(), model.inputs().to_vec(), room).expect("inputs that fit")
        })
        .collect();
    let expected = statements_without_bytes(&model, 4);
    let is_span = |(place, _): &&(Place, Statement)| matches!(place, Place::TensorSpan { .. });
    assert!(expected.iter().filter(is_span).count() > 4);
    for execution in &executions {
        for (place, expected) in &expected {
            assert_eq!(statement(execution, place).as_ref(), Ok(expected));
        }
    }
    assert_eq!(counting.count(), CLAIMS);
    // Bytes of a chunk are computed.
    let chunk = Place::Chunk { operator: 2, chunk: 1 };
    assert_eq!(statement(&executions[0], &chunk), statement(&model, &chunk));
    assert_eq!(counting.count(), CLAIMS + 1);

    // After a restart the trees are found; damaged ones are written again by the execution that is needed then.
    let (place, expected) = &expected[1];
    let again = |executed: usize| {
        let room = room(&pool, folder.path(), 0);
        let execution = JobExecution::with_trace(subject.clone(), model.inputs().to_vec(), model.trace().clone(), room);
        assert_eq!(statement(&execution, place).as_ref(), Ok(expected));
        assert_eq!(counting.count(), CLAIMS + 1 + executed);
    };
    again(0);
    let path = folder.path().join("0.trees");
    let mut damaged = fs::read(&path).expect("readable");
    damaged.iter_mut().take(64).for_each(|byte| *byte ^= 1);
    fs::write(&path, damaged).expect("written");
    again(1);
    again(1);
}
