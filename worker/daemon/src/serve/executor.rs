//! Runs models on a thread of its own, several jobs of one model at once.

use super::desk_state::Output;
use crate::{
    games::{Conduct, Work},
    models::{Model, Models},
};
use assay_client::schema;
use assay_ops::{
    program::EngineError,
    tensor::{Tensor, tensors_digest},
};
use assay_types::{H256, JobId};
use std::{collections::BTreeMap, sync::Arc, thread};
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

/// A handle on the engine's thread, which ends when the handle is dropped and the queue is empty.
#[derive(Debug)]
pub struct Executor {
    tasks: mpsc::Sender<Task>,
}

impl Executor {
    /// Starts the thread; finished jobs go to `done`, with the outputs that the conduct makes of them.
    pub fn start(models: Models, conduct: Arc<dyn Conduct>, done: mpsc::Sender<Done>) -> Result<Self, EngineError> {
        let (tasks, queue) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name("engine".into())
            .spawn(move || work(&models, &*conduct, queue, &done))
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

fn work(models: &Models, conduct: &dyn Conduct, mut queue: mpsc::Receiver<Task>, done: &mpsc::Sender<Done>) {
    let mut tasks = Vec::new();
    while queue.blocking_recv_many(&mut tasks, BATCH) > 0 {
        let mut by_model: BTreeMap<H256, Vec<Task>> = BTreeMap::new();
        for task in tasks.drain(..) {
            by_model.entry(task.model).or_default().push(task);
        }
        for (root, tasks) in by_model {
            for result in run(models.get(&root).map(Arc::as_ref), conduct, tasks) {
                if done.blocking_send(result).is_err() {
                    return;
                }
            }
        }
    }
}

fn run(model: Option<&Model>, conduct: &dyn Conduct, tasks: Vec<Task>) -> Vec<Done> {
    let (jobs, inputs): (Vec<JobId>, Vec<Vec<Tensor>>) = tasks.into_iter().map(|task| (task.job, task.inputs)).unzip();
    let outcomes = match model {
        Some(model) => model.loaded.run_jobs(&inputs),
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
    let done = jobs
        .into_iter()
        .zip(&inputs)
        .zip(outcomes)
        .map(|((job, inputs), outcome)| {
            let outcome = outcome.map(|tensors| match model {
                Some(model) => conduct.output(&Work { job, model, inputs }, output(&tensors)),
                None => output(&tensors),
            });
            Done { job, outcome }
        });
    done.collect()
}

/// Digest and bytes of output tensors.
pub fn output(tensors: &[Tensor]) -> Output {
    Output {
        digest: H256(tensors_digest(tensors)),
        bytes: schema::payload(tensors),
    }
}
