//! Requests to the engine, and their time limits.

use super::{
    health::Health,
    message::{MAX_FRAME_BYTES, Setup},
    process::EngineProgram,
};
use crate::{
    dispute::{Traced, Wanted},
    serve::memory::Output,
};
use assay_exact::{
    graph::{CheckedGraph, Dimension},
    model::ModelKind,
};
use assay_ops::{
    program::EngineError,
    tensor::{Digest, Tensor},
};
use assay_types::{H256, JobId};
use std::{
    sync::mpsc::{Receiver, Sender, SyncSender},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, watch};

/// Bytes of inputs that are executed at once. A job that has more is executed alone.
pub(super) const BATCH_BYTES: usize = 64 << 20;
/// Bytes of one job's inputs: they fit into a frame with all that goes with them.
const MAX_INPUT_BYTES: u64 = MAX_FRAME_BYTES as u64 / 2;

/// A job for the engine.
#[derive(Clone, Debug)]
pub struct Task {
    /// The job.
    pub job: JobId,
    /// Root of the model to run.
    pub model: H256,
    /// Tensors to run it on: all inputs, or for a generation those without the sequence, which is then made.
    pub inputs: Vec<Tensor>,
    /// When its output is of no more use.
    pub until: Instant,
    /// Receiver of its outcome, in place of the one for all outcomes.
    pub reply: Option<Reply>,
}

/// Somebody who waits for one task.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Where the outcome goes; nobody is there any more once the channel is closed.
    pub outcome: mpsc::Sender<Result<Output, EngineError>>,
    /// Where the tokens of a generation go as they are made, each piece with the number of tokens before it. They may
    /// come again from the first on, if the engine's process did not survive. There are no more than the sequence has.
    pub tokens: mpsc::UnboundedSender<(u32, Vec<i64>)>,
}

impl Task {
    /// Whether somebody waited for this task and has gone.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| reply.outcome.is_closed())
    }
}

/// Outcome of a task.
#[derive(Debug)]
pub struct Outcome {
    /// The task.
    pub task: Task,
    /// Its output, or why there is none.
    pub result: Result<Output, EngineError>,
}

/// Request to the supervisor.
pub(super) enum Order {
    /// Run a job; the outcome comes through the channel of outcomes.
    Run(Task),
    /// Execute a job with everything on the way.
    Trace {
        model: Digest,
        inputs: Vec<Tensor>,
        wanted: Wanted,
        reply: SyncSender<Result<Traced, EngineError>>,
    },
    /// Execute a job as those that are served, for an audit.
    Probe {
        model: Digest,
        inputs: Vec<Tensor>,
        reply: SyncSender<Result<Output, EngineError>>,
    },
    /// Execute no job of this model any more: an audit has found a difference, in these words.
    Distrust { model: Digest, reason: String },
}

/// Times that the supervisor waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a process to load its packages.
    pub start: Duration,
    /// Before a process is started again for the first time; the pause doubles each time, up to the longest.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// Between two self-tests of an engine that fails.
    pub between_tests: Duration,
    /// For one operator of a trace.
    pub operator: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(1800),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(30),
            between_tests: Duration::from_secs(180),
            operator: Duration::from_secs(600),
        }
    }
}

/// Arguments with which the supervisor is started.
pub(super) struct Start {
    pub program: EngineProgram,
    pub setup: Setup,
    /// Roots and graphs of the packages, in the setup's order.
    pub roots: Vec<Digest>,
    pub graphs: Vec<CheckedGraph>,
    /// Kinds of the packages' models, in the same order.
    pub kinds: Vec<ModelKind>,
    pub patience: Patience,
    pub queue: Receiver<Order>,
    pub outcomes: Sender<Outcome>,
    pub health: watch::Sender<Health>,
}

/// Whether these are the inputs of a generation whose sequence is to be made.
pub(super) fn is_to_generate(kind: ModelKind, inputs: &[Tensor]) -> bool {
    kind.advice().is_some_and(|advice| usize::from(advice) == inputs.len())
}

/// Whether the model takes these inputs, and the engine's process too.
pub(super) fn fits(graph: &CheckedGraph, kind: ModelKind, inputs: &[Tensor]) -> Result<(), EngineError> {
    let longest;
    let mut layouts: Vec<_> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
    if is_to_generate(kind, inputs)
        && let Some(advice) = graph.graph().inputs.get(inputs.len())
    {
        longest = largest_shape(graph, &advice.dimensions);
        layouts.push((advice.dtype, longest.as_slice()));
    }
    graph.bind(&layouts)?;
    let needed: u64 = inputs.iter().map(|input| input.bytes().len() as u64).sum();
    if needed > MAX_INPUT_BYTES {
        return Err(EngineError::TooLarge {
            needed,
            limit: MAX_INPUT_BYTES,
        });
    }
    Ok(())
}

/// The shape of an input whose symbols have their maximum values.
fn largest_shape(graph: &CheckedGraph, dimensions: &[Dimension]) -> Vec<u32> {
    let symbols = &graph.graph().symbols;
    let largest = dimensions.iter().filter_map(|dimension| match dimension {
        Dimension::Fixed(elements) => Some(*elements),
        Dimension::Symbol(symbol) => symbols.get(usize::from(*symbol)).map(|symbol| symbol.max),
        _ => None,
    });
    largest.collect()
}

/// Tasks in batches whose inputs have a bounded number of bytes. Sequences that are to be made are not put together
/// with others that are to be checked.
pub(super) fn batches(tasks: Vec<Task>) -> Vec<Vec<Task>> {
    let mut batches: Vec<Vec<Task>> = Vec::new();
    let mut bytes = 0;
    for task in tasks {
        let own = input_bytes(&task);
        match batches.last_mut() {
            Some(batch) if bytes + own <= BATCH_BYTES && has_as_many_inputs(batch, &task) => {
                bytes += own;
                batch.push(task);
            }
            _ => {
                bytes = own;
                batches.push(vec![task]);
            }
        }
    }
    batches
}

/// Bytes of a task's inputs.
pub(super) fn input_bytes(task: &Task) -> usize {
    task.inputs.iter().map(|input| input.bytes().len()).sum()
}

fn has_as_many_inputs(batch: &[Task], task: &Task) -> bool {
    batch.iter().all(|other| other.inputs.len() == task.inputs.len())
}
