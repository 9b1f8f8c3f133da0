//! Runs jobs on the engine, and gives their outputs as the account claims them.

use super::memory::Output;
use crate::{
    engine::{Auditor, Engine, Health, Outcome, Tasks},
    games::{Conduct, Work},
    models::Models,
};
use assay_client::{chain::BlockNumber, schema};
use assay_exact::digest::{list_digest, tensor_digest};
use assay_ops::{
    program::EngineError,
    tensor::{Blake2b256, DataType, Tensor, tensors_digest},
};
use assay_types::{H256, JobId};
use std::{
    sync::{Arc, mpsc::Receiver},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, watch};

pub use crate::engine::{NotTaken, QUEUE, Task};

/// Longest time that a block takes as a rule: one per slot of the relay chain.
const BLOCK: Duration = Duration::from_secs(6);
/// Time that every job has: the chain may be late as well.
const LEAST: Duration = Duration::from_secs(12);

/// Outcome of a task.
#[derive(Debug)]
pub struct Done {
    /// The job.
    pub job: JobId,
    /// The output, or why there is none.
    pub outcome: Result<Output, EngineError>,
}

/// A handle on the engine's queue.
#[derive(Debug)]
pub struct Executor {
    tasks: Tasks,
}

impl Executor {
    /// Hands the engine's outcomes on to `done`, with the outputs that the conduct makes of them.
    pub fn start(engine: Engine, conduct: Arc<dyn Conduct>, done: mpsc::Sender<Done>) -> Result<Self, EngineError> {
        let Engine {
            models,
            outcomes,
            tasks,
            auditor,
            ..
        } = engine;
        // A thread of its own, since a conduct may execute a job itself.
        thread::Builder::new()
            .name("outcomes".into())
            .spawn(move || hand_on(&models, &*conduct, auditor, outcomes, &done))
            .map_err(|error| EngineError::Failed {
                engine: "thread".into(),
                reason: error.to_string(),
            })?;
        Ok(Self { tasks })
    }

    /// Puts a task in the queue.
    pub fn try_run(&self, task: Task) -> Result<(), NotTaken> {
        self.tasks.try_run(task)
    }

    /// The engine's queue, for those who wait for each of their tasks.
    pub fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    /// Whether the engine can be relied on, now and later.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.tasks.health()
    }
}

/// When an output that is wanted in this many blocks is of no more use.
pub fn until(blocks: BlockNumber) -> Instant {
    Instant::now() + BLOCK.saturating_mul(blocks).max(LEAST)
}

fn hand_on(
    models: &Models,
    conduct: &dyn Conduct,
    mut auditor: Option<Auditor>,
    outcomes: Receiver<Outcome>,
    done: &mpsc::Sender<Done>,
) {
    for Outcome { task, result } in outcomes {
        let job = task.job;
        let outcome = result.map(|output| match models.get(&task.model) {
            Some(model) => {
                if let Some(auditor) = &mut auditor {
                    auditor.offer(model, &task, &output);
                }
                let work = Work {
                    job,
                    model,
                    inputs: &task.inputs,
                };
                conduct.output(&work, output)
            }
            None => output,
        });
        if done.blocking_send(Done { job, outcome }).is_err() {
            return;
        }
    }
}

/// Digest and bytes of output tensors.
pub fn output(tensors: &[Tensor]) -> Output {
    Output {
        digest: H256(tensors_digest(tensors)),
        bytes: schema::payload(tensors),
    }
}

/// Claim of a generated sequence: its bytes, and the digest of it and of the statement that it is valid.
pub fn sequence_output(tokens: &[i64]) -> Output {
    let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
    // Saturating: a sequence has at most as many tokens as a dimension has elements.
    let length = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
    let digests = [
        tensor_digest::<Blake2b256>(DataType::Int64, &[1, length], &bytes),
        tensor_digest::<Blake2b256>(DataType::Bool, &[1], &[1]),
    ];
    Output {
        digest: H256(list_digest::<Blake2b256>(&digests)),
        bytes,
    }
}
