//! Submits jobs in batches, as fast as workers take them, and none of them twice.

use super::{
    Prepared, RequestError, chain::JobSender, journal::Entry, numbers::EXPIRY_BLOCKS, progress::Progress, run::Shared,
};
use crate::chain::{BlockNumber, JobRequest, SubmitError};
use assay_types::{JobId, JobInput, limits};
use std::time::{Duration, Instant};

/// Bytes of inline inputs in one transaction.
const MAX_BATCH_BYTES: usize = 512 * 1024;
/// Pause before what all workers were too busy for is tried again.
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 2_000 });

/// Submits all that was not submitted. Where all workers are busy, smaller batches and pauses follow, for as long as
/// patience allows without any progress.
pub(super) async fn submit_all(shared: &Shared<impl JobSender>) -> Result<(), RequestError> {
    search(shared).await?;
    // What a block takes at most, as far as is known, and what workers take now.
    let mut heaviest = limits::MAX_BATCH as usize;
    let mut largest = heaviest;
    let mut progress = Instant::now();
    loop {
        let unsent = shared.known().numbers.unsent();
        let batch = &unsent[..batch_length(unsent.iter().map(|input| &shared.jobs[*input]), largest)];
        if batch.is_empty() {
            return Ok(());
        }
        match send(shared, batch).await? {
            Ok(()) => {
                largest = (largest * 2).min(heaviest);
                progress = Instant::now();
            }
            Err(SubmitError::TooHeavy) if batch.len() > 1 => {
                heaviest = batch.len() / 2;
                largest = heaviest;
            }
            Err(error)
                if error != SubmitError::TooHeavy
                    && error.is_temporary()
                    && progress.elapsed() < shared.following.patience =>
            {
                tracing::debug!(%error, batch = batch.len(), "submitting less at once");
                if largest == 1 || !is_busy(&error) {
                    let inputs = unsent.len();
                    shared.tell(Progress::Waiting { inputs }).await;
                    tokio::time::sleep(PAUSE).await;
                }
                largest = (batch.len() / 2).max(1);
            }
            Err(error) if is_busy(&error) => {
                let seconds = progress.elapsed().as_secs();
                return Err(SubmitError::AllBusy { seconds }.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether nobody could take the job.
fn is_busy(error: &SubmitError) -> bool {
    error.is("Market", "AllWorkersBusy")
}

/// Waits until it is known of every input that an earlier program may have submitted.
async fn search(shared: &Shared<impl JobSender>) -> Result<(), RequestError> {
    let mut followed = shared.followed.subscribe();
    let mut told = false;
    loop {
        let block = *followed.borrow_and_update();
        let unknown = {
            let mut known = shared.known();
            let expired = known.numbers.expired(block);
            if !expired.is_empty() {
                known.write(&Entry::NotSent {
                    inputs: expired.clone(),
                })?;
                known.numbers.not_sent(&expired);
            }
            known.numbers.unknown()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        if !told {
            let since = shared.known().numbers.unknown_since().unwrap_or(block);
            let step = Progress::Searching {
                inputs: unknown.len(),
                until: since.saturating_add(EXPIRY_BLOCKS + 1),
            };
            shared.tell(step).await;
            told = true;
        }
        // The sender lives as long as this does.
        let _ = followed.changed().await;
    }
}

/// Sends the jobs of these inputs in one transaction. The journal says so before, and what came of it after. The outer
/// error ends the request, with the inner one something can be done.
async fn send(shared: &Shared<impl JobSender>, batch: &[usize]) -> Result<Result<(), SubmitError>, RequestError> {
    let after: BlockNumber = shared.chain.head().await?;
    let inputs = batch.to_vec();
    {
        let mut known = shared.known();
        known.write(&Entry::Sending {
            inputs: inputs.clone(),
            after,
        })?;
        known.numbers.sending(&inputs, after);
    }
    let at = Instant::now();
    let requests: Vec<JobRequest> = batch.iter().map(|input| shared.jobs[*input].request.clone()).collect();
    match shared.chain.submit(requests).await {
        Ok((jobs, by)) if jobs.len() == batch.len() => {
            let new: Vec<(usize, JobId)> = {
                let known = shared.known();
                let jobs = batch.iter().copied().zip(jobs);
                // Finalized blocks may have shown some already.
                jobs.filter(|(input, job)| known.numbers.job_of(*input) != Some(*job))
                    .collect()
            };
            shared.note(&new, by, at).await?;
            Ok(Ok(()))
        }
        Ok(_) => Err(SubmitError::Unknown("the batch has another number of jobs on chain".into()).into()),
        Err(error) => {
            if had_no_effect(&error) {
                let mut known = shared.known();
                known.write(&Entry::NotSent { inputs: inputs.clone() })?;
                known.numbers.not_sent(&inputs);
            }
            Ok(Err(error))
        }
    }
}

/// Whether the transaction is certainly not on chain, or is there and failed.
fn had_no_effect(error: &SubmitError) -> bool {
    // What is temporary had no effect yet.
    error.is_temporary()
        || matches!(
            error,
            SubmitError::Refused { .. }
                | SubmitError::Dispatch(_)
                | SubmitError::CannotPayFees
                | SubmitError::NodeBehind { .. }
                | SubmitError::NotSent(_)
        )
}

/// Number of these that fit into one transaction; at least one, if there is one.
pub(super) fn batch_length<'a>(jobs: impl Iterator<Item = &'a Prepared>, largest: usize) -> usize {
    let mut bytes = 0;
    let mut length = 0;
    for job in jobs.take(largest) {
        bytes += match &job.request.input {
            JobInput::Inline(payload) => payload.bytes.len(),
            JobInput::Digest { .. } => 0,
        };
        if bytes > MAX_BATCH_BYTES && length > 0 {
            break;
        }
        length += 1;
    }
    length
}
