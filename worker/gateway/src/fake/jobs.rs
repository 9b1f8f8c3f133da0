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

/// Payment of a job.
pub const PRICE: Amount = Amount(400_000_000_000);
/// Jobs that are listed.
const MAX_LATEST: usize = 100;
const PHASES: [&str; 3] = ["Assigned", "Claimed", "Settled"];

#[derive(Clone)]
pub struct Jobs {
    /// Time in each phase.
    step: Duration,
    all: Arc<Mutex<Vec<Job>>>,
}

struct Job {
    worker: String,
    result: Value,
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
        let result = match request.model.as_str() {
            "fake-sum" => sum(&request.input).map(|sum| json!({ "sum": sum })),
            "fake-digits" => digit(&request.input).map(|digit| {
                let result = "a digit that depends on the ink alone: this market is fake";
                json!({ "answer": digit, "worker": worker, "digest_matches": true, "result": result })
            }),
            _ => return Err(BackendError::UnknownModel(request.model.clone())),
        };
        let result = result.map_err(|reason| unfit("input", reason))?;
        if request.ceiling < PRICE {
            return Err(unfit(
                "ceiling",
                "no worker takes it for less than 0.4: raise `ceiling`",
            ));
        }
        let mut all = self.lock();
        all.push(Job {
            worker: worker.to_owned(),
            result,
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

    /// The latest jobs, the newest first.
    pub fn latest(&self) -> Vec<JobStatus> {
        let number = self.lock().len();
        let ids = (number.saturating_sub(MAX_LATEST)..number).rev();
        ids.filter_map(|id| self.status(&id.to_string()).ok()).collect()
    }

    pub fn result(&self, id: &str) -> Result<Option<Value>, BackendError> {
        let all = self.lock();
        let job = find(&all, id)?;
        Ok((self.phase(job) > 0).then(|| job.result.clone()))
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

fn sum(input: &Value) -> Result<f64, &'static str> {
    let numbers = input
        .as_array()
        .filter(|numbers| numbers.iter().all(Value::is_number))
        .ok_or("`input` must be a list of numbers")?;
    Ok(numbers.iter().filter_map(Value::as_f64).sum())
}

/// A digit that depends on a picture `{"image": [[8 lists of 8 numbers from 0 to 16]]}`.
fn digit(input: &Value) -> Result<u64, &'static str> {
    let wrong = "`input` must be an object whose `image` is one picture of 8 rows of 8 numbers from 0 to 16";
    let rows = input["image"].as_array().filter(|images| images.len() == 1);
    let rows = rows
        .and_then(|images| images[0].as_array())
        .filter(|rows| rows.len() == 8);
    let mut ink = 0.0;
    for row in rows.ok_or(wrong)? {
        let row = row.as_array().filter(|row| row.len() == 8).ok_or(wrong)?;
        for pixel in row {
            ink += pixel
                .as_f64()
                .filter(|pixel| (0.0..=16.0).contains(pixel))
                .ok_or(wrong)?;
        }
    }
    Ok(ink as u64 % 10)
}

fn find<'j>(jobs: &'j [Job], id: &str) -> Result<&'j Job, BackendError> {
    let job = id.parse::<usize>().ok().and_then(|index| jobs.get(index));
    job.ok_or_else(|| BackendError::NotFound {
        what: "job",
        id: id.to_owned(),
    })
}
