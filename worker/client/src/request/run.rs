//! A request that goes on by itself and tells its progress: jobs are submitted in batches, followed, and accepted.
//!
//! Submission and following are two tasks of one future, since results can come, and places become free, while other
//! jobs still wait to be submitted.
//! What is known is in one place, [`Shared`], and in the journal before it is relied on.

use super::{
    Prepared, RequestError,
    chain::JobSender,
    follow,
    journal::{Entry, Journal, JournalError, Record},
    numbers::Numbers,
    outcome::{self, Subject},
    progress::{Progress, Submitted, Summary},
    recover::{first_kept, look_up},
    submit,
    tracker::{Moment, Tracker},
};
use crate::chain::{AccountId, BlockNumber, MarketEvent, PastCall};
use assay_types::{JobId, ModelParts};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// Steps that are told and not heard; the request waits when there are more.
const UNHEARD: usize = 256;

/// State up to which jobs are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// Until they are on chain.
    Submitted,
    /// Until they have results.
    Claimed,
    /// Until they are paid or refunded.
    Closed,
}

/// Way in which a request is followed.
#[derive(Clone, Copy, Debug)]
pub struct Following {
    /// State up to which it is followed.
    pub until: Until,
    /// Whether each result that fits its claim is accepted, so that the worker is paid at once.
    pub accept: bool,
    /// Longest wait: for a worker to take a job and, after the last submission, for results.
    pub patience: Duration,
}

/// Where a request starts.
#[derive(Debug)]
pub struct Start {
    pub(super) jobs: Vec<Prepared>,
    pub(super) parts: ModelParts,
    pub(super) numbers: Numbers,
    pub(super) tracker: Tracker,
    pub(super) journal: Option<Journal>,
    /// The blocks up to this one have been read.
    pub(super) after: BlockNumber,
}

impl Start {
    /// A request of which nothing was sent. `after` is the latest finalized block.
    pub fn fresh(
        client: &AccountId,
        jobs: Vec<Prepared>,
        parts: ModelParts,
        journal: Option<Journal>,
        after: BlockNumber,
    ) -> Self {
        Self {
            numbers: Numbers::new(jobs.iter().map(|job| job.digest).collect()),
            tracker: Tracker::new(client.clone()),
            jobs,
            parts,
            journal,
            after,
        }
    }

    /// A request that goes on from its journal. Jobs of other requests are not taken for its own.
    pub fn resumed(
        journal: Journal,
        record: &Record,
        parts: ModelParts,
        others: Vec<JobId>,
    ) -> Result<Self, RequestError> {
        let path = journal.path().to_owned();
        let damaged = || JournalError::Damaged {
            path: path.clone(),
            line: 1,
            reason: "an account, an amount or a digest does not read".into(),
        };
        let inputs = journal.inputs(&record.header)?;
        let jobs = record.prepared(inputs).ok_or_else(damaged)?;
        let tracker = record.tracker().ok_or_else(damaged)?;
        let mut numbers = record.numbers();
        numbers.exclude(others);
        // What was sent last and never learned may be in any block since.
        let since = numbers.unknown_since().unwrap_or(record.followed);
        Ok(Self {
            jobs,
            parts,
            numbers,
            tracker,
            after: record.followed.min(since),
            journal: Some(journal),
        })
    }

    /// The jobs.
    pub fn jobs(&self) -> &[Prepared] {
        &self.jobs
    }

    /// The parts of their model.
    pub fn parts(&self) -> &ModelParts {
        &self.parts
    }

    /// Number of them that are known to be submitted.
    pub fn submitted(&self) -> usize {
        self.numbers.jobs().len()
    }
}

/// A request that goes on until it is finished or this is dropped.
#[derive(Debug)]
pub struct Request {
    progress: mpsc::Receiver<Result<Progress, RequestError>>,
    task: JoinHandle<()>,
}

impl Request {
    /// Lets it go on.
    pub fn start(chain: impl JobSender, start: Start, following: Following) -> Self {
        let (sender, progress) = mpsc::channel(UNHEARD);
        let task = tokio::spawn(async move {
            let shared = Shared::new(chain, start, following, sender.clone());
            let last = shared.run().await.map(Progress::Finished);
            // The journal is free before the end is told.
            drop(shared);
            // Nobody may listen any more.
            let _ = sender.send(last).await;
        });
        Self { progress, task }
    }

    /// The next step; the last one is [`Progress::Finished`] or an error.
    pub async fn next(&mut self) -> Option<Result<Progress, RequestError>> {
        self.progress.recv().await
    }

    /// Stops it, and returns when the journal is free. What is on chain goes on.
    pub async fn stop(mut self) {
        self.task.abort();
        // An error says that it was stopped.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// State that the two tasks of a request share.
pub(super) struct Shared<C> {
    pub(super) chain: C,
    pub(super) jobs: Vec<Prepared>,
    pub(super) parts: ModelParts,
    pub(super) following: Following,
    /// Whether all jobs are submitted.
    pub(super) all_submitted: AtomicBool,
    /// The last block that was read.
    pub(super) followed: watch::Sender<BlockNumber>,
    /// The blocks up to this one were read before.
    after: BlockNumber,
    known: Mutex<Known>,
    progress: mpsc::Sender<Result<Progress, RequestError>>,
}

/// Knowledge of a request.
pub(super) struct Known {
    pub(super) numbers: Numbers,
    pub(super) tracker: Tracker,
    journal: Option<Journal>,
    sent_at: BTreeMap<usize, Instant>,
}

impl Known {
    /// Writes a line of the journal, if there is one.
    pub(super) fn write(&mut self, entry: &Entry) -> Result<(), RequestError> {
        match &mut self.journal {
            Some(journal) => Ok(journal.write(entry)?),
            None => Ok(()),
        }
    }

    fn submitted(&self) -> Vec<Submitted> {
        let jobs = self.numbers.jobs().into_iter();
        jobs.map(|(input, job)| self.entry(input, job)).collect()
    }

    fn entry(&self, input: usize, job: JobId) -> Submitted {
        let at = self.sent_at.get(&input).copied().unwrap_or_else(Instant::now);
        Submitted { job, input, at }
    }
}

impl<C: JobSender> Shared<C> {
    fn new(
        chain: C,
        start: Start,
        following: Following,
        progress: mpsc::Sender<Result<Progress, RequestError>>,
    ) -> Self {
        Self {
            chain,
            jobs: start.jobs,
            parts: start.parts,
            following,
            all_submitted: AtomicBool::new(false),
            followed: watch::Sender::new(start.after),
            after: start.after,
            known: Mutex::new(Known {
                numbers: start.numbers,
                tracker: start.tracker,
                journal: start.journal,
                sent_at: BTreeMap::new(),
            }),
            progress,
        }
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing panics while it holds the lock.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn tell(&self, step: Progress) {
        // Whoever listened may be gone, and then this task is about to end.
        let _ = self.progress.send(Ok(step)).await;
    }

    async fn run(&self) -> Result<Summary, RequestError> {
        let after = self.catch_up().await?;
        self.followed.send_replace(after);
        let mut submission = Box::pin(submit::submit_all(self));
        let mut following = Box::pin(follow::follow(self, after));
        let unfinished = loop {
            let all_submitted = self.all_submitted.load(Ordering::Relaxed);
            tokio::select! {
                outcome = &mut submission, if !all_submitted => {
                    outcome?;
                    self.all_submitted.store(true, Ordering::Relaxed);
                    if self.following.until == Until::Submitted {
                        break 0;
                    }
                }
                unfinished = &mut following => break unfinished?,
            }
        };
        let known = self.known();
        Ok(Summary {
            submitted: known.submitted(),
            tracker: known.tracker.clone(),
            unfinished,
        })
    }

    /// Notes the jobs of inputs, tells of those that are new, and writes them down.
    pub(super) async fn note(&self, jobs: &[(usize, JobId)], by: BlockNumber, at: Instant) -> Result<(), RequestError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let (steps, written) = {
            let mut known = self.known();
            let mut steps = Vec::new();
            for (input, job) in jobs {
                known.sent_at.entry(*input).or_insert(at);
                steps.push(known.entry(*input, *job));
            }
            known.numbers.placed(jobs, by);
            for (_, job) in jobs {
                let seen = Instant::now();
                known.tracker.begin(*job, Moment { block: by, seen });
            }
            let entry = Entry::Submitted {
                jobs: jobs.to_vec(),
                by,
            };
            (steps, known.write(&entry))
        };
        // The numbers are told even if the disk is full.
        self.tell(Progress::Submitted(steps)).await;
        written
    }

    /// Learns what happened in blocks whose events the node has pruned, and gives the last of them.
    async fn catch_up(&self) -> Result<BlockNumber, RequestError> {
        let head = self.chain.head().await?;
        let first = first_kept(&self.chain, self.after, head.max(self.after)).await?;
        if first == self.after + 1 {
            return Ok(self.after);
        }
        let (open, mut tracker): (BTreeSet<JobId>, _) = {
            let known = self.known();
            let jobs = known.numbers.jobs().into_iter().map(|(_, job)| job);
            let is_open = |job: &JobId| !known.tracker.story(*job).is_some_and(|story| story.is_closed());
            (jobs.filter(is_open).collect(), known.tracker.clone())
        };
        let findings = look_up(&self.chain, &open, Some(self.after), head, &mut tracker).await?;
        {
            let mut known = self.known();
            known.tracker = tracker;
            for (block, event) in &findings.events {
                follow::write_event(&mut known, *block, event)?;
            }
        }
        self.find_unknown(first, head).await?;
        Ok(first - 1)
    }

    /// Looks for jobs whose numbers were never learned, without the events of the blocks before `first`.
    async fn find_unknown(&self, first: BlockNumber, head: BlockNumber) -> Result<(), RequestError> {
        let Some(since) = self.known().numbers.unknown_since() else {
            return Ok(());
        };
        for (job, state) in self.chain.open_jobs(self.chain.client()).await? {
            if state.submitted_at > since {
                self.known().numbers.show(job, state.input_digest);
            }
        }
        let found = self.known().numbers.end_of_block(head);
        self.note(&found, head, Instant::now()).await?;
        for block in since + 1..first {
            let unknown = self.known().numbers.unknown();
            if unknown.is_empty() {
                return Ok(());
            }
            for call in self.chain.past_calls(block).await? {
                let PastCall::Submit { client, requests } = call else {
                    continue;
                };
                let is_unknown = |input: &&usize| requests.contains(&self.jobs[**input].request);
                if client == *self.chain.client() && unknown.iter().any(|input| is_unknown(&input)) {
                    return Err(RequestError::NumbersPruned {
                        block,
                        inputs: unknown.iter().filter(is_unknown).count(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether a job has come as far as is waited for.
    pub(super) fn is_done(known: &Known, job: JobId, until: Until) -> bool {
        known.tracker.story(job).is_some_and(|story| match until {
            Until::Submitted => true,
            Until::Claimed => story.is_closed() || story.is_claimed(),
            Until::Closed => story.is_closed(),
        })
    }

    /// The jobs whose results can be accepted: they are claimed, and what came with the claim fits it.
    pub(super) fn acceptable(&self, accepted: &BTreeSet<JobId>) -> Vec<JobId> {
        let known = self.known();
        let jobs = known.numbers.jobs().into_iter();
        let fits = jobs.filter(|(input, job)| {
            let Some(story) = known.tracker.story(*job) else {
                return false;
            };
            let fits = outcome::fits(&self.parts, Subject::of(&self.jobs[*input]), story);
            !accepted.contains(job) && story.is_claimed() && fits != Some(false)
        });
        fits.map(|(_, job)| job).collect()
    }

    /// The event is about one of this request's jobs.
    pub(super) fn is_ours(known: &Known, event: &MarketEvent) -> bool {
        known.numbers.input_of(event.job()).is_some()
    }
}
