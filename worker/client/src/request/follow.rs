//! Follows the finalized blocks, tells what they say of the jobs, and accepts results.

use super::{
    RequestError,
    chain::JobSender,
    journal::{Entry, JobEvent},
    progress::Progress,
    run::{Known, Shared, Until},
    tracker::Moment,
};
use crate::chain::{BlockNumber, MarketEvent, SubmitError};
use assay_types::{JobId, limits};
use std::{
    collections::BTreeSet,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// A chain that makes no block for so long has stopped, however short patience is.
const LEAST_STALL: Duration = Duration::from_secs(60);

/// Follows the blocks after this one until all jobs have come as far as is waited for, or patience is over. Gives the
/// number of jobs that have not.
pub(super) async fn follow(shared: &Shared<impl JobSender>, after: BlockNumber) -> Result<usize, RequestError> {
    let following = shared.following;
    let mut block = after;
    let mut accepted = BTreeSet::new();
    let mut began = Instant::now();
    loop {
        let (number, events) = shared
            .chain
            .next_block(block, following.patience.max(LEAST_STALL))
            .await?;
        block = number;
        let seen = Instant::now();
        take(shared, Moment { block, seen }, &events).await?;
        if following.accept {
            accept(shared, &mut accepted).await?;
        }
        shared.followed.send_replace(block);
        shared.tell(Progress::Block(block)).await;
        if !shared.all_submitted.load(Ordering::Relaxed) {
            began = Instant::now();
            continue;
        }
        let unfinished = unfinished(shared, following.until);
        if unfinished == 0 || began.elapsed() > following.patience {
            return Ok(unfinished);
        }
    }
}

fn unfinished<C: JobSender>(shared: &Shared<C>, until: Until) -> usize {
    let known = shared.known();
    let jobs = known.numbers.jobs().into_iter();
    jobs.filter(|(_, job)| !Shared::<C>::is_done(&known, *job, until))
        .count()
}

/// Takes over what a finalized block says.
async fn take<C: JobSender>(shared: &Shared<C>, now: Moment, events: &[MarketEvent]) -> Result<(), RequestError> {
    let found = {
        let mut known = shared.known();
        for event in events {
            if let MarketEvent::JobSubmitted {
                job,
                client,
                input_digest,
                ..
            } = event
                && client == shared.chain.client()
            {
                known.numbers.show(*job, *input_digest);
            }
        }
        known.numbers.end_of_block(now.block)
    };
    shared.note(&found, now.block, now.seen).await?;
    let mut steps = Vec::new();
    let written = {
        let mut known = shared.known();
        let mut entries = Vec::new();
        let jobs = known.numbers.take_confirmed();
        if !jobs.is_empty() {
            entries.push(Entry::Confirmed { jobs });
        }
        for event in events {
            known.tracker.take(event, now);
            if Shared::<C>::is_ours(&known, event) {
                entries.extend(line(now.block, event));
                steps.extend(step(event));
            }
        }
        if !entries.is_empty() {
            entries.push(Entry::Followed { block: now.block });
        }
        entries.iter().try_for_each(|entry| known.write(entry))
    };
    for step in steps {
        shared.tell(step).await;
    }
    written
}

/// Writes an event of one of the jobs down.
pub(super) fn write_event(known: &mut Known, block: BlockNumber, event: &MarketEvent) -> Result<(), RequestError> {
    line(block, event).iter().try_for_each(|entry| known.write(entry))
}

fn line(block: BlockNumber, event: &MarketEvent) -> Option<Entry> {
    JobEvent::from_chain(event).map(|event| Entry::Event { block, event })
}

fn step(event: &MarketEvent) -> Option<Progress> {
    Some(match event {
        MarketEvent::JobAssigned { job, worker, price, .. } => Progress::Assigned {
            job: *job,
            worker: worker.clone(),
            price: *price,
        },
        MarketEvent::JobClaimed { job, window_until, .. } | MarketEvent::ClaimUpheld { job, window_until, .. } => {
            Progress::Claimed {
                job: *job,
                window_until: *window_until,
            }
        }
        MarketEvent::ClaimDisputed { job, .. } => Progress::Disputed { job: *job },
        MarketEvent::JobClosed { job, reason, paid, .. } => Progress::Closed {
            job: *job,
            reason: *reason,
            paid: *paid,
        },
        _ => return None,
    })
}

/// Accepts the results whose outputs fit their claims.
async fn accept(shared: &Shared<impl JobSender>, accepted: &mut BTreeSet<JobId>) -> Result<(), RequestError> {
    for batch in shared.acceptable(accepted).chunks(limits::MAX_BATCH as usize) {
        match shared.chain.accept(batch.to_vec()).await {
            Ok(()) => {}
            // The window of one has passed, or it was challenged: what the batch has left is settled by its window.
            Err(error @ SubmitError::Refused { .. }) => tracing::warn!(%error, ?batch, "results were not accepted"),
            Err(error) => return Err(error.into()),
        }
        accepted.extend(batch);
    }
    Ok(())
}
