//! Jobs of the fake market: each goes through the phases of a job by the clock.

use crate::{
    backend::{BackendError, JobRequest, JobStatus},
    money::Amount,
};
use futures::{
    StreamExt,
    stream::{BoxStream, unfold},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// What a job is paid.
pub const PRICE: Amount = Amount(400_000_000_000);
const PHASES: [&str; 3] = ["Assigned", "Claimed", "Settled"];

#[derive(Clone)]
pub struct Jobs {
    /// Time in each phase.
    step: Duration,
    all: Arc<Mutex<Vec<Job>>>,
}

struct Job {
    worker: String,
    sum: f64,
    begun: Instant,
}

impl Jobs {
    pub fn new(step: Duration) -> Self {
        Self {
            step,
            all: Arc::default(),
        }
    }

    pub fn submit(&self, request: &JobRequest, worker: &str) -> Result<JobStatus, BackendError> {
        let unfit = |field: &str, reason: &str| BackendError::Unfit {
            field: Some(field.to_owned()),
            reason: reason.to_owned(),
        };
        if request.model != "fake-sum" {
            return Err(BackendError::UnknownModel(request.model.clone()));
        }
        let numbers = request
            .input
            .as_array()
            .filter(|numbers| numbers.iter().all(Value::is_number));
        let numbers = numbers.ok_or_else(|| unfit("input", "`input` must be a list of numbers"))?;
        if request.ceiling < PRICE {
            return Err(unfit(
                "ceiling",
                "no worker takes it for less than 0.4: raise `ceiling`",
            ));
        }
        let mut all = self.lock();
        all.push(Job {
            worker: worker.to_owned(),
            sum: numbers.iter().filter_map(Value::as_f64).sum(),
            begun: Instant::now(),
        });
        let id = (all.len() - 1).to_string();
        drop(all);
        self.status(&id)
    }

    pub fn status(&self, id: &str) -> Result<JobStatus, BackendError> {
        let all = self.lock();
        let job = find(&all, id)?;
        let phase = self.phase(job);
        let closed = phase + 1 == PHASES.len();
        Ok(JobStatus {
            id: id.to_owned(),
            phase: PHASES[phase].to_owned(),
            closed,
            worker: Some(job.worker.clone()),
            paid: closed.then_some(PRICE),
        })
    }

    pub fn result(&self, id: &str) -> Result<Option<Value>, BackendError> {
        let all = self.lock();
        let job = find(&all, id)?;
        Ok((self.phase(job) > 0).then(|| json!({ "sum": job.sum })))
    }

    pub fn follow(&self, id: &str) -> Result<BoxStream<'static, Result<JobStatus, BackendError>>, BackendError> {
        self.status(id)?;
        let state = (self.clone(), id.to_owned(), None::<JobStatus>);
        let stream = unfold(state, |(jobs, id, last)| async move {
            if last.as_ref().is_some_and(|last| last.closed) {
                return None;
            }
            loop {
                match jobs.status(&id) {
                    Ok(status) if last.as_ref() == Some(&status) => sleep(jobs.step / 5).await,
                    Ok(status) => return Some((Ok(status.clone()), (jobs, id, Some(status)))),
                    Err(error) => return Some((Err(error), (jobs, id, last))),
                }
            }
        });
        Ok(stream.boxed())
    }

    fn phase(&self, job: &Job) -> usize {
        let steps = job.begun.elapsed().as_nanos() / self.step.as_nanos().max(1);
        (steps as usize).min(PHASES.len() - 1)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Job>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<'j>(jobs: &'j [Job], id: &str) -> Result<&'j Job, BackendError> {
    let job = id.parse::<usize>().ok().and_then(|index| jobs.get(index));
    job.ok_or_else(|| BackendError::NotFound {
        what: "job",
        id: id.to_owned(),
    })
}
