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
        Ok(job.in_phase(id, self.phase(job)))
    }

    pub fn result(&self, id: &str) -> Result<Option<Value>, BackendError> {
        let all = self.lock();
        let job = find(&all, id)?;
        Ok((self.phase(job) > 0).then(|| json!({ "sum": job.sum })))
    }

    /// The phase that a job is in, and then every later one in its turn, however late somebody looks.
    pub fn follow(&self, id: &str) -> Result<BoxStream<'static, Result<JobStatus, BackendError>>, BackendError> {
        let first = {
            let all = self.lock();
            self.phase(find(&all, id)?)
        };
        let stream = unfold((self.clone(), id.to_owned(), first), |(jobs, id, next)| async move {
            if next == PHASES.len() {
                return None;
            }
            loop {
                let reached = {
                    let all = jobs.lock();
                    find(&all, &id).map(|job| (job.in_phase(&id, next), jobs.phase(job) >= next))
                };
                match reached {
                    Ok((status, true)) => return Some((Ok(status), (jobs, id, next + 1))),
                    Ok((_, false)) => sleep(jobs.step / 5).await,
                    Err(error) => return Some((Err(error), (jobs, id, PHASES.len()))),
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

impl Job {
    fn in_phase(&self, id: &str, phase: usize) -> JobStatus {
        let closed = phase + 1 == PHASES.len();
        JobStatus {
            id: id.to_owned(),
            phase: PHASES[phase].to_owned(),
            closed,
            worker: Some(self.worker.clone()),
            paid: closed.then_some(PRICE),
        }
    }
}

fn find<'j>(jobs: &'j [Job], id: &str) -> Result<&'j Job, BackendError> {
    let job = id.parse::<usize>().ok().and_then(|index| jobs.get(index));
    job.ok_or_else(|| BackendError::NotFound {
        what: "job",
        id: id.to_owned(),
    })
}
