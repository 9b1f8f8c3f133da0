//! The engine's process can be killed, can hang, panic, run out of memory and talk nonsense: it costs one job at most.

use assay_daemon::{
    dispute::{Execution, JobExecution, Room, Subject, TreesAt},
    engine::{Engine, EngineProgram, Health, Outcome, Patience, Setup, Task, start},
    serve::executor::output,
};
use assay_engine::{Engine as _, EngineError, ReferenceEngine};
use assay_exact::{
    graph::{Dimension, Graph, Input, Node, Operator, Output, Symbol, Unary, Value},
    quantise::Precision,
};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::{Details, Package};
use assay_types::H256;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Effect of a job's first number on the engine.
const SLOW: f32 = 12.0;
const PANIC: f32 = 13.0;
const HANG: f32 = 14.0;
const ABORT: f32 = 15.0;
const GARBAGE: f32 = 16.0;
const ALLOCATE: f32 = 17.0;
const EXIT: f32 = 18.0;
const FAIL: f32 = 19.0;

fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("it runs");
    let target = tests.ancestors().nth(2).expect("target/<profile>/deps/<test>");
    let program = target.join("examples/faulty_engine");
    // Cargo builds it for all tests, and not for one that is named.
    assert!(program.exists(), "build it first: cargo build --workspace --examples");
    program
}

/// The negative of each number, and its tanh: rows of four numbers.
fn package() -> Package {
    let node = |name: &str, function, input| Node {
        name: name.into(),
        operator: Operator::Unary(function),
        inputs: vec![input],
        source: String::new(),
    };
    let graph = Graph {
        symbols: vec![Symbol {
            name: "batch".into(),
            min: 1,
            max: 64,
        }],
        inputs: vec![Input {
            name: "x".into(),
            dtype: DataType::Float32,
            dimensions: vec![Dimension::Symbol(0), Dimension::Fixed(4)],
            range: None,
        }],
        weights: vec![],
        nodes: vec![
            node("neg", Unary::Neg, Value::Input(0)),
            node("tanh", Unary::Tanh, Value::Node(0)),
        ],
        outputs: vec![Output {
            name: "y".into(),
            value: Value::Node(1),
        }],
    };
    let details = Details {
        name: "faulty".into(),
        version: "1".into(),
        licence: "Apache-2.0".into(),
        description: String::new(),
    };
    let graph = graph.check().expect("a sound graph");
    Package::new(details, Precision::Int16, graph, vec![], vec![]).expect("a sound package")
}

fn row(first: f32) -> Vec<Tensor> {
    let numbers = [first, 1.0, -2.0, 0.5];
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    vec![Tensor::new(DataType::Float32, vec![1, 4], bytes).expect("four numbers")]
}

/// An engine that fails when it is told to.
struct Case {
    folder: TempDir,
    package: Arc<Package>,
    engine: Engine,
}

impl Case {
    fn new() -> Self {
        Self::with(|_| {}).expect("it starts")
    }

    fn with(prepare: impl FnOnce(&Path)) -> Result<Self, EngineError> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let package = Arc::new(package());
        let saved = folder.path().join("package");
        package.save(&saved).expect("written");
        prepare(folder.path());
        let program = EngineProgram {
            program: program(),
            arguments: vec![folder.path().into()],
        };
        let setup = Setup {
            engine: "reference".into(),
            gpu: None,
            threads: 1,
            max_memory: 512 << 20,
            packages: vec![saved.to_str().expect("UTF-8").into()],
        };
        let patience = Patience {
            start: Duration::from_secs(60),
            first_pause: Duration::from_millis(10),
            longest_pause: Duration::from_millis(50),
            between_tests: Duration::from_millis(300),
            operator: Duration::from_secs(60),
        };
        let engine = start(program, setup, std::slice::from_ref(&package), patience)?;
        Ok(Self {
            folder,
            package,
            engine,
        })
    }

    /// Puts jobs with these first numbers in the queue, the first of which has this number.
    fn put(&self, first_job: u64, rows: &[f32], time: Duration) {
        for (job, first) in (first_job..).zip(rows) {
            let task = Task {
                job,
                model: H256(self.package.root()),
                inputs: row(*first),
                until: Instant::now() + time,
                reply: None,
            };
            self.engine.tasks.try_run(task).expect("there is room");
        }
    }

    /// The outcomes of this many jobs; those that have one have the right one.
    fn outcomes(&self, count: usize) -> BTreeMap<u64, Result<(), EngineError>> {
        let reference = ReferenceEngine.load(&self.package).expect("a sound package");
        let outcomes = (0..count).map(|_| {
            let outcome = self.engine.outcomes.recv_timeout(Duration::from_secs(120));
            let Outcome { task, result } = outcome.expect("every job has an outcome");
            let result = result.map(|found| {
                let expected = reference.run(&task.inputs).expect("it fits");
                assert_eq!(found, output(&expected));
            });
            (task.job, result)
        });
        outcomes.collect()
    }

    fn wait_for(&self, file: &str) -> String {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            match fs::read_to_string(self.folder.path().join(file)) {
                Ok(text) => return text,
                Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
                Err(error) => panic!("{file}: {error}"),
            }
        }
    }

    fn wait_for_health(&self, wanted: impl Fn(&Health) -> bool) -> Health {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let health = self.engine.tasks.health().borrow().clone();
            if wanted(&health) {
                return health;
            }
            assert!(Instant::now() < until, "{health:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn process_that_is_killed_in_the_midst_of_ten_jobs_loses_one_at_most() {
    let case = Case::new();
    case.put(0, &[SLOW; 10], 10 * MINUTE);
    let process = case.wait_for("running").parse().expect("a number");
    kill_process(Pid::from_raw(process).expect("not zero"), Signal::KILL).expect("it runs");
    let outcomes = case.outcomes(10);
    assert_eq!(outcomes.len(), 10);
    assert!(
        outcomes.values().filter(|outcome| outcome.is_ok()).count() >= 9,
        "{outcomes:?}"
    );
}

/// Ten jobs, one of which does this: the others are done, and those after them too.
fn one_of_ten(fault: f32, time: Duration) {
    let case = Case::new();
    let mut rows = [1.0; 10];
    rows[4] = fault;
    case.put(0, &rows, time);
    let outcomes = case.outcomes(10);
    for (job, outcome) in &outcomes {
        match job {
            4 => assert!(matches!(outcome, Err(EngineError::Failed { .. })), "{outcome:?}"),
            _ => assert!(outcome.is_ok(), "job {job}: {outcome:?}"),
        }
    }
    case.put(10, &[2.0; 5], MINUTE);
    assert!(case.outcomes(5).values().all(Result::is_ok));
    assert!(case.engine.tasks.health().borrow().is_well(), "one job is no sign");
}

#[test]
fn job_that_panics_fails_alone() {
    one_of_ten(PANIC, MINUTE);
}

#[test]
fn job_that_aborts_fails_alone() {
    one_of_ten(ABORT, MINUTE);
}

#[test]
fn job_that_ends_the_process_fails_alone() {
    one_of_ten(EXIT, MINUTE);
}

#[test]
fn job_that_takes_more_memory_than_the_process_may_have_fails_alone() {
    one_of_ten(ALLOCATE, MINUTE);
}

#[test]
fn job_after_which_nonsense_comes_fails_alone() {
    one_of_ten(GARBAGE, MINUTE);
}

#[test]
fn job_that_hangs_fails_alone_in_the_time_that_all_have() {
    let begun = Instant::now();
    one_of_ten(HANG, Duration::from_secs(16));
    assert!(begun.elapsed() < Duration::from_secs(40));
}

#[test]
fn job_that_does_not_fit_the_model_is_not_the_engines_fault() {
    let case = Case::new();
    for job in 0..4 {
        let task = Task {
            job,
            model: H256(case.package.root()),
            inputs: vec![],
            until: Instant::now() + MINUTE,
            reply: None,
        };
        case.engine.tasks.try_run(task).expect("there is room");
    }
    assert!(
        case.outcomes(4)
            .values()
            .all(|outcome| matches!(outcome, Err(EngineError::Inputs(_))))
    );
    assert!(case.engine.tasks.health().borrow().is_well());
}

#[test]
fn three_failures_in_a_row_are_told_and_a_self_test_ends_it() {
    let case = Case::new();
    case.put(0, &[FAIL], MINUTE);
    case.put(1, &[FAIL], MINUTE);
    case.put(2, &[1.0], MINUTE);
    case.outcomes(3);
    for job in 3..6 {
        assert!(case.engine.tasks.health().borrow().is_well(), "job {job}");
        case.put(job, &[FAIL], MINUTE);
        case.outcomes(1);
    }
    let health = case.wait_for_health(|health| !health.is_well());
    assert!(matches!(health, Health::Failing(reason) if reason.contains("told to fail")));
    case.wait_for_health(Health::is_well);
    case.put(6, &[1.0], MINUTE);
    assert!(case.outcomes(1).values().all(Result::is_ok));
}

#[test]
fn engine_that_cannot_be_started_again_is_told_and_tried_until_it_can() {
    let case = Case::new();
    let refuse = case.folder.path().join("refuse");
    fs::write(&refuse, "").expect("written");
    case.put(0, &[ABORT, 1.0, 1.0], MINUTE);
    assert!(case.outcomes(3).values().all(Result::is_err), "none is left waiting");
    case.wait_for_health(|health| matches!(health, Health::Failing(reason) if reason.contains("told to refuse")));
    // What still comes is not kept waiting either.
    let begun = Instant::now();
    case.put(3, &[1.0; 20], MINUTE);
    assert!(case.outcomes(20).values().all(Result::is_err));
    assert!(begun.elapsed() < Duration::from_secs(20));
    fs::remove_file(refuse).expect("removed");
    case.wait_for_health(Health::is_well);
    case.put(23, &[1.0], MINUTE);
    assert!(case.outcomes(1).values().all(Result::is_ok));
}

#[test]
fn engine_that_cannot_be_started_at_all_is_an_error_with_its_reason() {
    let case = Case::with(|folder| fs::write(folder.join("refuse"), "").expect("written"));
    let error = case.err().expect("refused").to_string();
    assert!(error.contains("told to refuse"), "{error}");
}

#[test]
fn disputes_execute_in_the_process_and_get_what_an_engine_here_gives() {
    let case = Case::new();
    let loaded = ReferenceEngine.load(&case.package).expect("a sound package");
    let here = Subject::new(case.package.clone(), Arc::new(loaded)).expect("the same package");
    let model = case
        .engine
        .models
        .get(&H256(case.package.root()))
        .expect("loaded")
        .clone();
    for kept in [0, 16, 1 << 20] {
        let execution = |subject| JobExecution::keeping(subject, row(1.5), kept).expect("it fits");
        let (there, here) = (execution(model.subject().expect("sound")), {
            let loaded = ReferenceEngine.load(&case.package).expect("a sound package");
            execution(Arc::new(
                Subject::new(case.package.clone(), Arc::new(loaded)).expect("the same package"),
            ))
        });
        assert_eq!(there.trace(), here.trace());
        for operators in [[1, 0].as_slice(), &[1], &[0]] {
            assert_eq!(there.nodes(operators), here.nodes(operators));
        }
        let (subject, trace) = (model.subject().expect("sound"), here.trace().clone());
        let known = JobExecution::with_trace(subject, row(1.5), trace, Room::of(kept));
        assert_eq!(known.nodes(&[0, 1]), here.nodes(&[0, 1]));
    }
    // The process writes the digest trees where it is told to.
    let trees = TreesAt {
        path: case.folder.path().join("trees/1.trees"),
        most_bytes: 1 << 20,
    };
    let room = Room {
        trees: Some(trees.clone()),
        ..Room::of(0)
    };
    let there = JobExecution::in_room(model.subject().expect("sound"), row(1.5), room).expect("it fits");
    assert!(trees.path.exists());
    let here_too = JobExecution::new(Arc::new(here), row(1.5)).expect("it fits");
    assert_eq!(there.chunked(&[1, 0]), here_too.chunked(&[1, 0]));
    assert_eq!(model.subject().expect("sound").root(), case.package.root());
}

#[test]
fn dispute_whose_execution_kills_the_process_is_an_error_and_jobs_go_on() {
    let case = Case::new();
    let model = case
        .engine
        .models
        .get(&H256(case.package.root()))
        .expect("loaded")
        .clone();
    for fault in [PANIC, ABORT, GARBAGE] {
        let executed = JobExecution::new(model.subject().expect("sound"), row(fault));
        assert!(matches!(executed, Err(EngineError::Failed { .. })), "{fault}");
        case.put(1, &[1.0], MINUTE);
        assert!(case.outcomes(1).values().all(Result::is_ok));
    }
    let unfit = JobExecution::new(model.subject().expect("sound"), vec![]);
    assert!(matches!(unfit, Err(EngineError::Inputs(_))));
}

/// Starts the process, says this to it, closes the connection and gives its exit code.
fn end_of(words: &[u8]) -> Option<i32> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (mut parent, other) = UnixStream::pair().expect("a pair");
    let mut child = Command::new(program())
        .arg(folder.path())
        .stdin(OwnedFd::from(other))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    parent.write_all(words).expect("it listens");
    drop(parent);
    let until = Instant::now() + MINUTE;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().expect("it is a child") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it runs");
    child.wait().expect("it is a child");
    panic!("the process outlives its parent");
}

#[test]
fn process_ends_with_its_parent_and_does_not_believe_nonsense() {
    assert_eq!(end_of(b""), Some(0));
    assert_eq!(end_of(b"no frame at all"), Some(3));
}
