//! Runs models on a thread of its own, several jobs of one model at once.

use super::desk_state::Output;
use crate::{
    config::EngineChoice,
    engine::{CpuEngine, Device, Engine, EngineError, LoadedModel, ReferenceEngine, TorchEngine, TorchOptions},
    package::Package,
    schema,
    tensor::{Tensor, tensors_digest},
};
use assay_types::{H256, JobId};
use std::{collections::BTreeMap, num::NonZeroUsize, thread};
use tokio::sync::mpsc;

/// Jobs that wait for the engine.
pub const QUEUE: usize = 1024;
/// Jobs that are taken from the queue at once.
const BATCH: usize = 64;

/// A job for the engine.
#[derive(Debug)]
pub struct Task {
    /// The job.
    pub job: JobId,
    /// Root of the model to run.
    pub model: H256,
    /// What to run it on.
    pub inputs: Vec<Tensor>,
}

/// What became of a task.
#[derive(Debug)]
pub struct Done {
    /// The job.
    pub job: JobId,
    /// The output, or why there is none.
    pub outcome: Result<Output, EngineError>,
}

/// Makes the engine that the configuration asks for.
pub fn engine(choice: EngineChoice, threads: usize) -> Result<Box<dyn Engine>, EngineError> {
    let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
    Ok(match choice {
        EngineChoice::Reference => Box::new(ReferenceEngine),
        EngineChoice::Cpu => Box::new(CpuEngine::new(threads)?),
        EngineChoice::Torch => Box::new(TorchEngine::new(TorchOptions {
            device: Device::Cpu,
            threads,
        })?),
    })
}

/// A handle on the engine's thread, which ends when the handle is dropped and the queue is empty.
#[derive(Debug)]
pub struct Executor {
    tasks: mpsc::Sender<Task>,
}

impl Executor {
    /// Makes the models ready and starts the thread; finished jobs go to `done`.
    pub fn start<'a>(
        engine: &dyn Engine,
        packages: impl Iterator<Item = &'a Package>,
        done: mpsc::Sender<Done>,
    ) -> Result<Self, EngineError> {
        let models = packages
            .map(|package| Ok((H256(package.root()), engine.load(package)?)))
            .collect::<Result<BTreeMap<_, _>, EngineError>>()?;
        let (tasks, queue) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name("engine".into())
            .spawn(move || work(&models, queue, &done))
            .map_err(|error| EngineError::Failed {
                engine: "thread".into(),
                reason: error.to_string(),
            })?;
        Ok(Self { tasks })
    }

    /// Puts a task in the queue; gives it back if the queue is full.
    pub fn try_run(&self, task: Task) -> Result<(), Task> {
        self.tasks.try_send(task).map_err(|error| match error {
            mpsc::error::TrySendError::Full(task) | mpsc::error::TrySendError::Closed(task) => task,
        })
    }
}

fn work(models: &BTreeMap<H256, LoadedModel>, mut queue: mpsc::Receiver<Task>, done: &mpsc::Sender<Done>) {
    let mut tasks = Vec::new();
    while queue.blocking_recv_many(&mut tasks, BATCH) > 0 {
        let mut by_model: BTreeMap<H256, Vec<Task>> = BTreeMap::new();
        for task in tasks.drain(..) {
            by_model.entry(task.model).or_default().push(task);
        }
        for (root, tasks) in by_model {
            for result in run(models.get(&root), tasks) {
                if done.blocking_send(result).is_err() {
                    return;
                }
            }
        }
    }
}

fn run(model: Option<&LoadedModel>, tasks: Vec<Task>) -> Vec<Done> {
    let (jobs, inputs): (Vec<JobId>, Vec<Vec<Tensor>>) = tasks.into_iter().map(|task| (task.job, task.inputs)).unzip();
    let outcomes = match model {
        Some(model) => model.run_jobs(&inputs),
        None => inputs
            .iter()
            .map(|_| {
                Err(EngineError::Failed {
                    engine: "executor".into(),
                    reason: "the model is not loaded".into(),
                })
            })
            .collect(),
    };
    let outcomes = outcomes
        .into_iter()
        .map(|outcome| outcome.map(|tensors| output(&tensors)));
    jobs.into_iter()
        .zip(outcomes)
        .map(|(job, outcome)| Done { job, outcome })
        .collect()
}

/// Digest and bytes of output tensors.
pub fn output(tensors: &[Tensor]) -> Output {
    Output {
        digest: H256(tensors_digest(tensors)),
        bytes: schema::payload(tensors),
    }
}
