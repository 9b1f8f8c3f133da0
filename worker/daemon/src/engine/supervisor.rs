//! The thread that owns the engine's process: it hands out work, starts the process again when it ends, and decides who
//! is to blame.

mod audits;
mod results;

use super::{
    health::{Breaker, Health},
    message::{Request, Response, SequenceJob},
    order::{Order, Outcome, Start, Task, batches, fits, is_to_generate},
    process::{Process, ProcessError, unexpected},
    wire::{WireTensor, WireWanted},
};
use crate::{
    dispute::{Traced, Wanted},
    serve::memory::Output,
};
use assay_exact::model::ModelKind;
use assay_ops::{
    program::EngineError,
    tensor::{Digest, Tensor},
};
use assay_types::{H256, JobId};
use results::{note_batch, note_taken};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, mpsc::RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// Jobs that are executed at once.
const BATCH: usize = 64;
/// Factor of the longest time of a job of a model; a batch may take this for each of its jobs.
const UNUSUAL: u32 = 20;
/// Time that any batch may take.
const USUAL: Duration = Duration::from_secs(10);
/// Less time than this says nothing about an engine.
const SHORTEST: Duration = Duration::from_secs(2);

/// Starts the first process, and then the thread; gives what the engine says of itself.
pub(super) fn start(start: Start) -> Result<String, EngineError> {
    let failed = |error: String| EngineError::Failed {
        engine: start.setup.engine.clone(),
        reason: error,
    };
    let process = Process::start(&start.program, &start.setup, &start.roots, start.patience.start);
    let process = process.map_err(|error| failed(error.to_string()))?;
    let description = process.description().to_owned();
    let builder = thread::Builder::new().name("engine".to_owned());
    let failed = |error: std::io::Error| EngineError::Failed {
        engine: "thread".to_owned(),
        reason: error.to_string(),
    };
    let supervise = move || {
        let (pause, now) = (start.patience.first_pause, Instant::now());
        let supervisor = Supervisor {
            process: Some(process),
            breaker: Breaker::default(),
            pause,
            next_test: now,
            next_start: now,
            longest: BTreeMap::new(),
            distrusted: BTreeMap::new(),
            next: None,
            start,
        };
        supervisor.work();
    };
    builder.spawn(supervise).map_err(failed)?;
    Ok(description)
}

/// Whether others may join jobs that are executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    /// They may.
    Open,
    /// They may not.
    Alone,
}

struct Supervisor {
    start: Start,
    process: Option<Process>,
    breaker: Breaker,
    /// Before the next start.
    pause: Duration,
    /// When an engine that fails is tested next.
    next_test: Instant,
    /// When an engine that fails is started next.
    next_start: Instant,
    /// The longest time that a job of each model took.
    longest: BTreeMap<u32, Duration>,
    /// Models of which an audit has found a difference, and which.
    distrusted: BTreeMap<u32, String>,
    /// An order that was taken from the queue and is for later.
    next: Option<Order>,
}

impl Drop for Supervisor {
    /// The listener is told even if the thread panics.
    fn drop(&mut self) {
        self.start
            .health
            .send_replace(Health::Failing("the engine's supervisor has ended".to_owned()));
    }
}

impl Supervisor {
    /// Works until nobody can ask for anything any more.
    fn work(mut self) {
        loop {
            let first = if let Some(order) = self.next.take() {
                Ok(order)
            } else if self.breaker.health().is_well() {
                let first = self.start.queue.recv().map_err(|_| RecvTimeoutError::Disconnected);
                first.inspect(note_taken)
            } else {
                let wait = self.next_test.saturating_duration_since(Instant::now());
                self.start.queue.recv_timeout(wait).inspect(note_taken)
            };
            let first = match first {
                Ok(first) => Some(first),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if !self.breaker.health().is_well() && Instant::now() >= self.next_test {
                self.test();
            }
            let more: Vec<Order> = self
                .start
                .queue
                .try_iter()
                .take(BATCH - 1)
                .inspect(note_taken)
                .collect();
            let mut by_model: BTreeMap<H256, Vec<Task>> = BTreeMap::new();
            let mut others = Vec::new();
            for order in first.into_iter().chain(more) {
                match order {
                    Order::Run(task) => by_model.entry(task.model).or_default().push(task),
                    order => others.push(order),
                }
            }
            for (root, tasks) in by_model {
                self.run(&root, tasks);
            }
            others.into_iter().for_each(|order| self.answer(order));
        }
    }

    /// Does what disputes and audits ask for. Whoever has asked may have gone.
    fn answer(&mut self, order: Order) {
        match order {
            Order::Run(task) => {
                let model = task.model;
                self.run(&model, vec![task]);
            }
            Order::Trace {
                model,
                inputs,
                wanted,
                reply,
            } => drop(reply.send(self.trace(&model, inputs, &wanted))),
            Order::Probe { model, inputs, reply } => drop(reply.send(self.probe(&model, inputs))),
            Order::Distrust { model, reason } => self.distrust(&model, reason),
        }
    }

    /// Runs jobs of one model: together, and one by one those that the process did not survive together.
    fn run(&mut self, root: &H256, tasks: Vec<Task>) {
        let Some(model) = self.position(&root.0) else {
            let error = failed("the model is not loaded");
            return tasks.into_iter().for_each(|task| self.report(task, Err(error.clone())));
        };
        if let Some(reason) = self.distrusted.get(&model) {
            let error = failed(reason);
            return tasks.into_iter().for_each(|task| self.report(task, Err(error.clone())));
        }
        let (fitting, unfit) = self.fitting(model, tasks);
        for (task, error) in unfit {
            self.report(task, Err(error));
        }
        for tasks in batches(fitting) {
            let now = Instant::now();
            let wanted = tasks.into_iter().filter(|task| !task.is_abandoned());
            let (tasks, late): (Vec<Task>, Vec<Task>) = wanted.partition(|task| task.until > now);
            late.into_iter().for_each(|task| self.expire(task));
            if tasks.is_empty() {
                continue;
            }
            let limit = self.limit(model, &tasks, now);
            let mut left = VecDeque::from(self.attempt(model, tasks, limit, Company::Open).0);
            while let Some(task) = left.pop_front() {
                let others = left.iter().map(|task| task.until).min();
                let now = Instant::now();
                if task.until <= now {
                    self.expire(task);
                    continue;
                }
                // Half of the time is for those that wait.
                let half = others.map(|until| until.saturating_duration_since(now) / 2);
                let own = task.until.saturating_duration_since(now);
                let limit = half.map_or(own, |half| half.min(own));
                let (left, why) = self.attempt(model, vec![task], limit, Company::Alone);
                for task in left {
                    self.report(task, Err(failed(&why)));
                }
            }
        }
    }

    /// Tasks whose inputs the model takes, and the others with the reason.
    fn fitting(&self, model: u32, tasks: Vec<Task>) -> (Vec<Task>, Vec<(Task, EngineError)>) {
        let (mut fitting, mut unfit) = (Vec::new(), Vec::new());
        for task in tasks {
            match self.fits(model, &task.inputs) {
                Err(error) => unfit.push((task, error)),
                Ok(()) => fitting.push(task),
            }
        }
        (fitting, unfit)
    }

    /// Whether the model at this position takes these inputs.
    fn fits(&self, model: u32, inputs: &[Tensor]) -> Result<(), EngineError> {
        match self.start.graphs.get(model as usize) {
            Some(graph) => fits(graph, self.kind(model), inputs),
            None => Ok(()),
        }
    }

    fn kind(&self, model: u32) -> ModelKind {
        self.start.kinds.get(model as usize).copied().unwrap_or_default()
    }

    /// Longest time that jobs may take together. Alone, a job may take all the time that it has.
    fn limit(&self, model: u32, tasks: &[Task], now: Instant) -> Duration {
        let left = tasks.iter().map(|task| task.until.saturating_duration_since(now));
        let left = left.min().unwrap_or_default();
        let count = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
        match self.longest.get(&model) {
            _ if count == 1 => left,
            Some(longest) => left.min(USUAL + longest.saturating_mul(UNUSUAL).saturating_mul(count)),
            None => left / 2,
        }
    }

    /// Runs jobs within a time, and reports what comes of them; gives those that the process did not survive, and why.
    fn attempt(&mut self, model: u32, tasks: Vec<Task>, limit: Duration, company: Company) -> (Vec<Task>, String) {
        let kind = self.kind(model);
        let generates = tasks.first().is_some_and(|task| is_to_generate(kind, &task.inputs));
        let mut tasks: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
        let sent = tasks.iter().flatten();
        let request = match generates {
            true => Request::Generate {
                model,
                first: 0,
                jobs: sent.map(sequence_job).collect(),
            },
            false => Request::Run {
                model,
                jobs: sent.map(wire_inputs).collect(),
            },
        };
        let limit = limit.max(SHORTEST);
        let mut begun = Instant::now();
        let outcome = self.process().and_then(|process| {
            // To start a process is no part of the execution.
            begun = Instant::now();
            process.ask(&request, limit)?;
            Ok(begun + limit)
        });
        // Those that are suspected are left to themselves.
        let joined_by = (generates && company == Company::Open).then_some(model);
        let outcome = outcome.and_then(|until| self.take_results(&mut tasks, until, joined_by));
        let left: Vec<Task> = tasks.into_iter().flatten().collect();
        let why = match outcome {
            Ok(count) => {
                let each = begun.elapsed() / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
                let longest = self.longest.entry(model).or_default();
                *longest = each.max(*longest);
                note_batch(count, begun.elapsed());
                return (Vec::new(), String::new());
            }
            Err(error) => error.to_string(),
        };
        let jobs: Vec<JobId> = left.iter().map(|task| task.job).collect();
        tracing::error!(?jobs, reason = why, "the engine did not survive an execution");
        self.process = None;
        (left, why)
    }

    /// Executes a job with everything on the way: once more if the process does not survive it.
    fn trace(&mut self, root: &Digest, inputs: Vec<Tensor>, wanted: &Wanted) -> Result<Traced, EngineError> {
        let model = self.position(root).ok_or_else(|| failed("the model is not loaded"))?;
        self.fits(model, &inputs)?;
        let inputs: Vec<WireTensor> = inputs.into_iter().map(WireTensor::of).collect();
        let mut why = String::new();
        for _ in 0..2 {
            let request = Request::Trace {
                model,
                inputs: inputs.clone(),
                wanted: WireWanted::from(wanted),
            };
            match self.attempt_trace(&request) {
                Ok(traced) => {
                    if let Err(EngineError::Failed { reason, .. }) = &traced {
                        self.note_failure(reason);
                    } else {
                        self.note_success();
                    }
                    return traced;
                }
                Err(error) => why = error.to_string(),
            }
            tracing::error!(
                reason = why,
                "the engine did not survive the execution of a disputed job"
            );
            self.process = None;
        }
        self.note_failure(&why);
        Err(failed(&why))
    }

    fn attempt_trace(&mut self, request: &Request) -> Result<Result<Traced, EngineError>, ProcessError> {
        let patience = self.start.patience.operator;
        let process = self.process()?;
        process.ask(request, patience)?;
        let (mut wanted, mut others) = (BTreeMap::new(), BTreeMap::new());
        loop {
            match process.answer(patience)? {
                Response::Alive => {}
                Response::Tensor {
                    operator,
                    wanted: is_wanted,
                    tensor,
                } => {
                    let tensor = Arc::new(tensor.tensor().ok_or_else(unexpected)?);
                    let found = if is_wanted { &mut wanted } else { &mut others };
                    found.insert(operator, tensor);
                }
                Response::Traced(traced) => {
                    let traced = traced.map(|traced| Traced {
                        wanted,
                        others,
                        ..traced.traced()
                    });
                    return Ok(traced.map_err(Into::into));
                }
                _ => return Err(unexpected()),
            }
        }
    }

    /// The process, started if there is none. While the engine is well, starting is tried as often as it takes to see
    /// that it is not; after that, nothing waits for it.
    fn process(&mut self) -> Result<&mut Process, ProcessError> {
        if let Some(end) = self.process.as_mut().and_then(Process::end) {
            tracing::warn!(reason = end, "the engine's process ended while it had nothing to do");
            self.process = None;
        }
        while self.process.is_none() {
            if self.breaker.health().is_well() {
                thread::sleep(self.pause);
            } else if Instant::now() < self.next_start {
                return Err(ProcessError::Refused(
                    "the engine cannot be started at present".to_owned(),
                ));
            }
            self.pause = (self.pause * 2).min(self.start.patience.longest_pause);
            self.next_start = Instant::now() + self.pause;
            let Start {
                program,
                setup,
                roots,
                patience,
                ..
            } = &self.start;
            match Process::start(program, setup, roots, patience.start) {
                Ok(process) => {
                    tracing::info!(process = process.id(), "the engine's process was started again");
                    self.process = Some(process);
                }
                Err(error) => {
                    tracing::error!(%error, "the engine cannot be started");
                    self.note_failure(&error.to_string());
                    if !self.breaker.health().is_well() {
                        self.next_start = Instant::now() + self.pause;
                        return Err(error);
                    }
                }
            }
        }
        self.process.as_mut().ok_or_else(unexpected)
    }

    /// Tests an engine that fails; says so if it is well again.
    fn test(&mut self) {
        let patience = self.start.patience.operator;
        // A test is due seldom enough.
        self.next_start = Instant::now();
        let tested = self.process().and_then(|process| {
            process.ask(&Request::Test, patience)?;
            match process.answer(patience)? {
                Response::Tested(tested) => Ok(tested),
                _ => Err(unexpected()),
            }
        });
        self.next_test = Instant::now() + self.start.patience.between_tests;
        let failure = match tested {
            Ok(Ok(())) => {
                if self.breaker.note_test_passed() {
                    tracing::info!("the engine has passed a self-test and is relied on again");
                    self.start.health.send_replace(Health::Well);
                }
                return;
            }
            Ok(Err(reason)) => reason,
            Err(error) => {
                self.process = None;
                error.to_string()
            }
        };
        tracing::error!(reason = failure, "THE ENGINE HAS FAILED A SELF-TEST");
    }

    /// Gives up a task whose time is over, which says nothing about the engine.
    fn expire(&self, task: Task) {
        self.tell(task, Err(failed("there was no time left for the job")));
    }

    /// Tells whoever waits for a task what became of it.
    fn tell(&self, task: Task, result: Result<Output, EngineError>) {
        // Without a receiver nobody wants to know.
        match &task.reply {
            Some(reply) => drop(reply.outcome.try_send(result)),
            None => drop(self.start.outcomes.send(Outcome { task, result })),
        }
    }

    /// Says what became of a task.
    fn report(&mut self, task: Task, result: Result<Output, EngineError>) {
        match &result {
            Ok(_) => self.note_success(),
            // The job is at fault.
            Err(EngineError::Inputs(_) | EngineError::TooLarge { .. }) => {}
            Err(error) => self.note_failure(&error.to_string()),
        }
        self.tell(task, result);
    }

    fn note_success(&mut self) {
        self.breaker.note_success();
        self.pause = self.start.patience.first_pause;
    }

    fn note_failure(&mut self, reason: &str) {
        if self.breaker.note_failure(reason) {
            tracing::error!(
                reason,
                "THE ENGINE HAS FAILED SEVERAL TIMES IN A ROW AND IS NOT RELIED ON UNTIL IT PASSES A SELF-TEST"
            );
            self.next_test = Instant::now() + self.start.patience.between_tests;
            self.start.health.send_replace(self.breaker.health().clone());
        }
    }

    fn position(&self, root: &Digest) -> Option<u32> {
        let position = self.start.roots.iter().position(|own| own == root)?;
        u32::try_from(position).ok()
    }
}

/// The inputs of a task, as they travel.
fn wire_inputs(task: &Task) -> Vec<WireTensor> {
    task.inputs.iter().cloned().map(WireTensor::of).collect()
}

/// The sequence that a task asks for. Whoever waits for it hears its tokens.
fn sequence_job(task: &Task) -> SequenceJob {
    SequenceJob {
        inputs: wire_inputs(task),
        streams: task.reply.is_some(),
    }
}

fn failed(reason: &str) -> EngineError {
    EngineError::Failed {
        engine: "the engine's process".to_owned(),
        reason: reason.to_owned(),
    }
}
