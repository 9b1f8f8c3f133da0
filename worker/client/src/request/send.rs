//! Submits jobs in batches, as fast as workers take them.

use super::Prepared;
use crate::chain::{Account, Call, Event, MarketCall, MarketEvent, SubmitError, Wait};
use assay_types::{JobId, JobInput, limits};
use polkadot_sdk::sp_runtime::BoundedVec;
use std::time::{Duration, Instant};

/// Bytes of inline inputs in one transaction.
const MAX_BATCH_BYTES: usize = 512 * 1024;
/// Pause before what all workers were too busy for is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// A job that is on chain.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// Its number.
    pub job: JobId,
    /// Position of the input that it was made of.
    pub input: usize,
    /// When the transaction was sent.
    pub at: Instant,
}

/// Submits all of these and calls `each` for every batch that is in a block. Where all workers are busy, smaller batches
/// and pauses follow, for as long as `patience` allows without any progress.
pub async fn submit_all(
    account: &Account,
    jobs: &[Prepared],
    patience: Duration,
    mut each: impl FnMut(&[Submitted]),
) -> Result<Vec<Submitted>, SubmitError> {
    let mut submitted: Vec<Submitted> = Vec::with_capacity(jobs.len());
    // What a block takes at most, as far as is known, and what workers take now.
    let mut heaviest = limits::MAX_BATCH as usize;
    let mut largest = heaviest;
    let mut progress = Instant::now();
    // Whether it was told that nobody is free.
    let mut told = false;
    while submitted.len() < jobs.len() {
        let first = submitted.len();
        let batch = &jobs[first..first + batch_length(&jobs[first..], largest)];
        let requests = BoundedVec::truncate_from(batch.iter().map(|job| job.request.clone()).collect());
        let call = Call::Market(MarketCall::SubmitBatch { requests });
        let at = Instant::now();
        match account.send(call, Wait::InBlock).await {
            Ok(inclusion) => {
                let ids = inclusion.events.iter().filter_map(|event| match event {
                    Event::Market(MarketEvent::JobSubmitted { job, .. }) => Some(*job),
                    _ => None,
                });
                submitted.extend(ids.enumerate().map(|(index, job)| Submitted {
                    job,
                    input: first + index,
                    at,
                }));
                if submitted.len() != first + batch.len() {
                    return Err(SubmitError::Unknown(
                        "the batch has another number of jobs on chain".into(),
                    ));
                }
                each(&submitted[first..]);
                largest = (largest * 2).min(heaviest);
                progress = Instant::now();
                told = false;
            }
            Err(error) if error == SubmitError::TooHeavy && batch.len() > 1 => {
                heaviest = batch.len() / 2;
                largest = heaviest;
            }
            Err(error) if error != SubmitError::TooHeavy && error.is_temporary() && progress.elapsed() < patience => {
                tracing::debug!(%error, batch = batch.len(), "submitting less at once");
                if largest == 1 && is_busy(&error) && !std::mem::replace(&mut told, true) {
                    let seconds = patience.as_secs();
                    tracing::warn!("all workers are busy or paused; trying again for up to {seconds} s");
                }
                if largest == 1 || !is_busy(&error) {
                    tokio::time::sleep(PAUSE).await;
                }
                largest = (batch.len() / 2).max(1);
            }
            Err(error) if is_busy(&error) => {
                return Err(SubmitError::AllBusy {
                    seconds: progress.elapsed().as_secs(),
                });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(submitted)
}

/// Whether nobody could take the job.
fn is_busy(error: &SubmitError) -> bool {
    error.is("Market", "AllWorkersBusy")
}

/// How many of these fit into one transaction; at least one.
fn batch_length(jobs: &[Prepared], largest: usize) -> usize {
    let mut bytes = 0;
    let fitting = jobs.iter().take(largest).take_while(|job| {
        bytes += match &job.request.input {
            JobInput::Inline(payload) => payload.bytes.len(),
            JobInput::Digest { .. } => 0,
        };
        bytes <= MAX_BATCH_BYTES
    });
    fitting.count().max(1)
}
