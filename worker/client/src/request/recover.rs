//! Outcomes of jobs, looked up afterwards: in the state while they are open, in events and transactions later.
//!
//! A node that is no archive has pruned the state of older blocks, and their events with it. A claim's transaction
//! still has the output. Whether the claim was paid for is not in it.

use super::{
    chain::JobView,
    tracker::{Moment, Tracker},
};
use crate::chain::{BlockNumber, ChainError, MarketEvent, PastCall};
use assay_types::{JobId, ModelVersion};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

/// Blocks that are searched backwards for a job of which no block is known.
const FARTHEST: BlockNumber = 50_000;

/// Where a job's result was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The job is open: it is in the state.
    State,
    /// In the events of this block.
    Events(BlockNumber),
    /// In a transaction of this block, whose events the node has pruned.
    Transaction(BlockNumber),
    /// Nowhere: the node has pruned it.
    Pruned,
    /// Nowhere: the blocks that were searched do not have it.
    Absent,
}

/// Subject of a job, as the chain kept it while it was open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The model.
    pub model: ModelVersion,
    /// Values of the schema's symbols.
    pub symbols: Vec<u32>,
}

/// Findings about jobs.
#[derive(Debug, Default)]
pub struct Findings {
    /// Where each was found.
    pub sources: BTreeMap<JobId, Source>,
    /// Their subjects, where the state says it.
    pub about: BTreeMap<JobId, About>,
    /// Their events, in order, as far as the node has them.
    pub events: Vec<(BlockNumber, MarketEvent)>,
}

/// Looks for these jobs in the state after `head`, and in the blocks from `head` back to the one after `since`. What is
/// found is added to the tracker.
pub async fn look_up(
    chain: &impl JobView,
    jobs: &BTreeSet<JobId>,
    since: Option<BlockNumber>,
    head: BlockNumber,
    tracker: &mut Tracker,
) -> Result<Findings, ChainError> {
    let mut findings = Findings::default();
    let mut closed = BTreeSet::new();
    for job in jobs {
        let Some((state, output)) = chain.open_job(head, *job).await? else {
            closed.insert(*job);
            continue;
        };
        findings.sources.insert(*job, Source::State);
        findings.about.insert(*job, about(&state));
        tracker.take_state(*job, &state, output, now(head));
    }
    let mut search = Search {
        chain,
        wanted: closed.clone(),
        findings,
        is_pruned: false,
    };
    let first = since.unwrap_or(head.saturating_sub(FARTHEST)) + 1;
    for block in (first..=head).rev() {
        if search.wanted.is_empty() {
            break;
        }
        search.look_into(block).await?;
    }
    let Search {
        wanted,
        mut findings,
        is_pruned,
        ..
    } = search;
    for job in wanted {
        findings
            .sources
            .entry(job)
            .or_insert(if is_pruned { Source::Pruned } else { Source::Absent });
    }
    findings.events.reverse();
    for (block, event) in &findings.events {
        tracker.begin(event.job(), now(*block));
        tracker.take(event, now(*block));
    }
    for job in closed {
        // Of a job that the blocks do not tell of, nothing is known.
        if findings.sources.get(&job) != Some(&Source::Absent) {
            tracker.begin(job, now(head));
            tracker.set_gone(job);
        }
    }
    Ok(findings)
}

fn now(block: BlockNumber) -> Moment {
    Moment {
        block,
        seen: Instant::now(),
    }
}

fn about(job: &crate::chain::Job) -> About {
    About {
        model: job.model,
        symbols: job.symbols.to_vec(),
    }
}

/// A search from the latest block backwards.
struct Search<'a, C> {
    chain: &'a C,
    /// Jobs of which more can be found.
    wanted: BTreeSet<JobId>,
    /// Events are collected backwards.
    findings: Findings,
    /// Whether the blocks have no state any more.
    is_pruned: bool,
}

impl<C: JobView> Search<'_, C> {
    async fn look_into(&mut self, block: BlockNumber) -> Result<(), ChainError> {
        if !self.is_pruned {
            match self.chain.events(block).await {
                Ok(events) => return self.take_events(block, events).await,
                Err(error) if error.is_pruned() => self.is_pruned = true,
                Err(error) => return Err(error),
            }
        }
        self.take_calls(block).await
    }

    async fn take_events(&mut self, block: BlockNumber, events: Vec<MarketEvent>) -> Result<(), ChainError> {
        for event in events.into_iter().rev() {
            let job = event.job();
            if !self.wanted.contains(&job) {
                continue;
            }
            let ends = match &event {
                // What was not claimed has no result, and a claim's event has all of it.
                MarketEvent::JobClosed { worker: None, .. } | MarketEvent::JobSubmitted { .. } => true,
                MarketEvent::JobClaimed { .. } => {
                    if let Some((state, _)) = self.chain.open_job(block, job).await? {
                        self.findings.about.insert(job, about(&state));
                    }
                    true
                }
                _ => false,
            };
            self.findings.sources.entry(job).or_insert(Source::Events(block));
            if ends {
                self.findings.sources.insert(job, Source::Events(block));
                self.wanted.remove(&job);
            }
            self.findings.events.push((block, event));
        }
        Ok(())
    }

    async fn take_calls(&mut self, block: BlockNumber) -> Result<(), ChainError> {
        for call in self.chain.past_calls(block).await?.into_iter().rev() {
            let PastCall::Claim { worker, claims } = call else {
                continue;
            };
            for claim in claims {
                // A claim of somebody who did not have the job was refused; so was a repeated one. Without events, the
                // worker that was paid tells them apart, where the job's end was seen.
                let paid = self.findings.events.iter().find_map(|(_, event)| match event {
                    MarketEvent::JobClosed { job, worker, .. } if *job == claim.job => worker.clone(),
                    _ => None,
                });
                if !self.wanted.contains(&claim.job) || paid.is_some_and(|paid| paid != worker) {
                    continue;
                }
                self.wanted.remove(&claim.job);
                self.findings.sources.insert(claim.job, Source::Transaction(block));
                let event = MarketEvent::JobClaimed {
                    job: claim.job,
                    worker: worker.clone(),
                    output_digest: claim.output_digest,
                    window_until: block,
                    output: claim.output.map(Into::into),
                };
                self.findings.events.push((block, event));
            }
        }
        Ok(())
    }
}

/// The first block after `since` whose state the node has; the one after `head` if it has none.
pub async fn first_kept(
    chain: &impl JobView,
    since: BlockNumber,
    head: BlockNumber,
) -> Result<BlockNumber, ChainError> {
    let (mut low, mut high) = (since + 1, head + 1);
    // The first probe is where it usually ends.
    let mut probe = low;
    while low < high {
        match chain.events(probe).await {
            Ok(_) => high = probe,
            Err(error) if error.is_pruned() => low = probe + 1,
            Err(error) => return Err(error),
        }
        probe = low + (high - low) / 2;
    }
    Ok(low)
}
