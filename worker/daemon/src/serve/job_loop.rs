//! The worker's duty: takes the jobs that the chain gives it to the engine, and their outputs to the chain.
//!
//! [`super::actions`] begins what is due; here is what is read, and what comes back.

use super::{
    ServeError,
    decide::{Policy, View},
    executor::{self, Done as Executed, Executor, NotTaken, Task},
    idle,
    memory::{Kind, Memory, Progress},
    meter,
    place::Telling,
    report,
    setup::Served,
    store::{Store, StoreError},
};
use crate::{
    audits::Waiting,
    config::ServeConfig,
    games::Standing,
    job_input::Found,
    network::Network,
    skeleton::{Duty, Heads, Panicked, Update, Work},
};
use assay_client::chain::{
    Account, Balance, BlockNumber, ChainError, Event, H256, Inclusion, JobState, MarketEvent, StateView, SubmitError,
};
use assay_ops::program::EngineError;
use assay_telemetry::metrics::worker;
use assay_types::{JobId, ModelVersion, limits};
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    marker::PhantomData,
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Time without a job after which the log says why.
const IDLE: Duration = Duration::from_secs(60);
/// Requests to the node at a time.
pub(super) const REQUESTS: usize = 16;
/// Blocks for which no bids are made after the store could not be written.
const STORE_REST_BLOCKS: BlockNumber = 10;

/// Results of work that was begun.
pub(super) enum Done {
    /// A transaction.
    Sent(Sent),
    /// An input that was looked for.
    Searched(Searched),
    /// A job that was executed.
    Executed(Executed),
}

impl From<Executed> for Done {
    fn from(executed: Executed) -> Self {
        Self::Executed(executed)
    }
}

/// A transaction that came back.
pub(super) struct Sent {
    pub(super) kind: Kind,
    pub(super) jobs: Vec<JobId>,
    pub(super) outcome: Result<Inclusion, SubmitError>,
}

/// An input that was looked for, and the root of its model.
pub(super) struct Searched {
    pub(super) job: JobId,
    pub(super) model: H256,
    pub(super) found: Result<Found, ChainError>,
}

/// State that outlives a connection.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) memory: Memory,
    pub(super) work: Work<Done>,
    /// Whether a job, a bid or a dispute was open when the chain was last seen.
    pub(super) open: bool,
    /// The workers' network, if the worker has joined it.
    pub(super) network: Option<Network>,
    /// Announcement of the node's place that is under way.
    pub(super) telling: Telling,
    /// Audits of others' claims that are under way.
    pub(super) audits: Option<watch::Receiver<Waiting>>,
}

pub(super) struct JobLoop<'a, S> {
    pub(super) config: &'a ServeConfig,
    pub(super) account: Account,
    pub(super) served: BTreeMap<ModelVersion, Served>,
    pub(super) store: &'a Store,
    pub(super) kept: &'a mut Kept,
    pub(super) executor: &'a Executor,
    pub(super) policy: Policy,
    pub(super) view: View,
    /// Loss by a bid that is not revealed, by job.
    pub(super) deposits: BTreeMap<JobId, Balance>,
    /// Jobs to read anew, since what is known of them may be wrong.
    doubtful: BTreeSet<JobId>,
    /// Number of the best block.
    pub(super) height: BlockNumber,
    /// Jobs whose inputs were copied and that are gone, and the best block that showed it first.
    pub(super) gone_since: BTreeMap<JobId, BlockNumber>,
    /// State of the account's disputes.
    pub(super) standing: watch::Receiver<Standing>,
    /// The store is not written to before this moment.
    pub(super) store_rests_until: BlockNumber,
    pub(super) busy_at: Instant,
    /// Claims that a block takes at once, as far as is known.
    pub(super) largest_batch: usize,
    pub(super) leaving: bool,
    /// The last word to the chain on whether the engine works; `None` if that has to be looked up.
    pub(super) told_well: Option<bool>,
    state: PhantomData<S>,
}

impl<'a, S: StateView> JobLoop<'a, S> {
    pub(super) fn new(
        config: &'a ServeConfig,
        account: Account,
        served: BTreeMap<ModelVersion, Served>,
        store: &'a Store,
        kept: &'a mut Kept,
        executor: &'a Executor,
        standing: watch::Receiver<Standing>,
    ) -> Self {
        let bidding = served
            .iter()
            .filter_map(|(version, served)| Some((*version, (served.policy.bidding?, served.blocks))))
            .collect();
        let policy = Policy {
            me: account.id().clone(),
            bidding,
            taking: true,
        };
        Self {
            config,
            account,
            served,
            store,
            kept,
            executor,
            policy,
            view: View::default(),
            deposits: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            height: 0,
            gone_since: BTreeMap::new(),
            standing,
            store_rests_until: 0,
            busy_at: Instant::now(),
            largest_batch: limits::MAX_BATCH as usize,
            leaving: false,
            told_well: None,
            state: PhantomData,
        }
    }

    fn concerns(&self, event: &MarketEvent) -> bool {
        match event {
            MarketEvent::JobAssigned { worker, .. } | MarketEvent::BidCommitted { worker, .. }
                if *worker == self.policy.me =>
            {
                true
            }
            MarketEvent::JobSubmitted { model, .. } if self.policy.bidding.contains_key(model) => true,
            event => self.view.jobs.contains_key(&event.job()),
        }
    }

    /// Reads these jobs anew.
    async fn refresh(&mut self, state: &S, jobs: BTreeSet<JobId>) -> Result<(), ChainError> {
        let read = stream::iter(jobs).map(|id| async move {
            let Some(job) = state.job(id).await? else {
                return Ok((id, None));
            };
            let demand = match job.kept.demand {
                true => state.demand(id).await?,
                false => None,
            };
            let bids = match job.state {
                JobState::Bidding { .. } | JobState::Revealing { .. } => state.bids(id).await?,
                JobState::Assigned { .. }
                | JobState::Sealed { .. }
                | JobState::Claimed { .. }
                | JobState::Disputed { .. } => Vec::new(),
            };
            Ok::<_, ChainError>((id, Some((job, bids, demand))))
        });
        let read: Vec<_> = read.buffer_unordered(REQUESTS).try_collect().await?;
        for (id, job) in read {
            let was_claimed = self.is_claimed(id);
            self.view.bids.remove(&id);
            self.view.jobs.remove(&id);
            self.view.demands.remove(&id);
            self.deposits.remove(&id);
            if let Some((job, bids, demand)) = job {
                let own = bids.iter().find(|bid| bid.worker == self.policy.me);
                if let Some(bid) = own {
                    self.view.bids.insert(id, bid.price.is_some());
                    self.deposits.insert(id, bid.deposit);
                }
                let assignment = job.state.assignment();
                let mine = assignment.is_some_and(|assignment| assignment.worker == self.policy.me);
                if let Some(demand) = demand.filter(|_| mine) {
                    self.view.demands.insert(id, demand.next);
                }
                let auction = assignment.is_none() && self.policy.bidding.contains_key(&job.model);
                if mine || auction || own.is_some() {
                    self.view.jobs.insert(id, job);
                }
            }
            if was_claimed && !self.shows(Kind::Claim, id) {
                // The claim's block was replaced: the claim is in the pool again, so it is waited for and not sent
                // twice.
                self.kept.memory.note_included(id, Kind::Claim, self.view.now);
                self.doubtful.insert(id);
                continue;
            }
            // A state that is older than a transaction says nothing about it.
            if self.kept.memory.awaited(id).is_none_or(|kind| self.shows(kind, id)) {
                self.kept.memory.note_changed(id);
            } else {
                self.doubtful.insert(id);
            }
        }
        Ok(())
    }

    /// Whether the state that was read last shows this worker's claim of the job.
    fn is_claimed(&self, job: JobId) -> bool {
        let state = self.view.jobs.get(&job).map(|job| &job.state);
        matches!(state, Some(JobState::Claimed { assignment, .. }) if assignment.worker == self.policy.me)
    }

    /// Whether the state shows what a transaction that was included has done.
    fn shows(&self, kind: Kind, job: JobId) -> bool {
        match kind {
            Kind::Commit => self.view.bids.contains_key(&job),
            Kind::Reveal => self.view.bids.get(&job) != Some(&false),
            Kind::Seal | Kind::Decline => !matches!(
                self.view.jobs.get(&job).map(|job| &job.state),
                Some(JobState::Assigned { assignment, .. }) if assignment.worker == self.policy.me
            ),
            Kind::Draw => self.view.jobs.get(&job).is_none_or(|job| job.kept.audit),
            Kind::Claim => !matches!(
                self.view.jobs.get(&job).map(|job| &job.state),
                Some(JobState::Assigned { assignment, .. } | JobState::Sealed { assignment, .. })
                    if assignment.worker == self.policy.me
            ),
            Kind::Deliver => self.view.demands.get(&job).copied() != self.kept.memory.piece(job),
            Kind::Pause | Kind::Resume | Kind::Announce => true,
        }
    }

    /// Blocks in which a job can still be sealed or claimed, or its output delivered.
    pub(super) fn blocks_left(&self, job: JobId) -> BlockNumber {
        match self.view.jobs.get(&job).map(|job| &job.state) {
            Some(
                JobState::Assigned { deadline: last, .. }
                | JobState::Sealed { until: last, .. }
                | JobState::Claimed { window_until: last, .. },
            ) => last.saturating_sub(self.view.now),
            _ => 0,
        }
    }

    /// Puts a job whose input is found into the engine's queue.
    fn take_input(&mut self, searched: Searched) {
        let Searched { job, model, found } = searched;
        let until = executor::until(self.blocks_left(job));
        let (memory, next) = (&mut self.kept.memory, self.view.now.saturating_add(1));
        match found {
            Ok(Found::Input(inputs)) => {
                let task = Task {
                    job,
                    model,
                    inputs,
                    until,
                    reply: None,
                };
                match self.executor.try_run(task) {
                    Ok(()) => memory.note(job, Progress::Running),
                    Err(NotTaken::Full) => {
                        // Again at the next block.
                        memory.note_unstarted(job);
                        memory.rest(job, next);
                    }
                    Err(error @ NotTaken::Closed) => memory.note(job, Progress::Impossible(error.to_string())),
                }
            }
            Ok(Found::Impossible(reason)) => self.note_impossible(job, reason),
            Err(error) => {
                tracing::debug!(job, %error, "the job's input could not be read; again at the next block");
                memory.note_unstarted(job);
                memory.rest(job, next);
            }
        }
    }

    fn take_output(&mut self, done: Executed) {
        let Executed { job, outcome } = done;
        let progress = match outcome {
            Ok(output) => {
                tracing::debug!(job, digest = ?output.digest, "the output is ready");
                self.share_output(job, &output);
                Progress::Ready(output)
            }
            Err(error @ EngineError::TooLarge { .. }) => Progress::Impossible(error.to_string()),
            Err(error @ EngineError::Inputs(_)) => {
                Progress::Impossible(format!("its input does not fit the model: {error}"))
            }
            Err(error) => {
                tracing::error!(job, %error, "the engine failed");
                Progress::Impossible(error.to_string())
            }
        };
        self.kept.memory.note(job, progress);
    }

    fn take_outcome(&mut self, sent: Sent, state: &S) {
        let Sent { kind, jobs, outcome } = sent;
        let best = self.view.now;
        match outcome {
            Ok(inclusion) => {
                if kind == Kind::Claim {
                    worker().claims.inc_by(jobs.len() as u64);
                }
                for job in &jobs {
                    if self.shows(kind, *job) {
                        self.kept.memory.rest(*job, best);
                    } else {
                        self.kept.memory.note_included(*job, kind, best);
                        // Its event may be lost.
                        self.doubtful.insert(*job);
                    }
                }
                for event in inclusion.events {
                    if let Event::Market(
                        MarketEvent::ClaimRejected { job, error } | MarketEvent::SealRejected { job, error },
                    ) = event
                    {
                        let error = state.explain(&error);
                        tracing::warn!(job, ?kind, %error, "it was rejected; the job is looked at again");
                        self.doubt(job, best + 2);
                    }
                }
            }
            Err(SubmitError::TooHeavy) if jobs.len() > 1 => {
                self.largest_batch = (jobs.len() / 2).min(self.largest_batch);
                jobs.iter().for_each(|job| self.kept.memory.rest(*job, best));
            }
            Err(error) => {
                tracing::warn!(?kind, ?jobs, %error, "a transaction had no effect");
                match kind {
                    // Looked up and told again at the next block.
                    Kind::Pause | Kind::Resume => self.told_well = None,
                    Kind::Announce => self.kept.telling.note_failed(best),
                    Kind::Seal | Kind::Draw | Kind::Claim | Kind::Deliver => {}
                    Kind::Decline | Kind::Commit | Kind::Reveal => {}
                }
                let hopeless = kind == Kind::Commit && matches!(error, SubmitError::Refused { .. });
                let known = error.is("Market", "AlreadyBid") || error.is("Market", "AlreadyClaimed");
                for job in jobs {
                    if hopeless && !known {
                        self.forget(job);
                        // The reason may pass: stake is freed, a place among the bids is not.
                        self.doubt(job, best + 4);
                    } else {
                        self.doubt(job, best + 2);
                    }
                }
            }
        }
    }

    /// Leaves a job alone up to this block, and reads it before anything is decided about it.
    fn doubt(&mut self, job: JobId, until: BlockNumber) {
        self.kept.memory.rest(job, until);
        self.doubtful.insert(job);
    }

    /// Forgets a bid that is over. What cannot be forgotten now is forgotten later.
    pub(super) fn forget(&mut self, job: JobId) {
        match self.store.forget(job) {
            Ok(()) => self.kept.memory.note_forgotten(job),
            Err(error) => self.note_store_trouble(&error),
        }
    }

    /// Says that the store cannot be written, and leaves it alone for a while.
    pub(super) fn note_store_trouble(&mut self, error: &StoreError) {
        self.store_rests_until = self.view.now.saturating_add(STORE_REST_BLOCKS);
        tracing::error!(
            %error, blocks = STORE_REST_BLOCKS,
            "WHAT MUST SURVIVE A CRASH CANNOT BE STORED: no bids are made until it can; assigned jobs and disputes go on"
        );
    }

    async fn explain_idleness(&mut self, state: &S) -> Result<(), ChainError> {
        if self.busy_at.elapsed() < IDLE {
            return Ok(());
        }
        self.busy_at = Instant::now();
        idle::explain(state, &self.policy.me, &self.served).await
    }
}

impl<S: StateView> Duty<S> for JobLoop<'_, S> {
    type Done = Done;
    type Error = ServeError;

    async fn reconcile(&mut self, heads: &Heads<S>) -> Result<(), ServeError> {
        let state = &*heads.best;
        self.view.now = state.now();
        self.height = state.number();
        let mut jobs: BTreeSet<JobId> = self.view.jobs.keys().copied().collect();
        jobs.extend(self.kept.memory.sealed());
        jobs.extend(state.jobs_of(&self.policy.me).await?.into_iter().map(|(id, _)| id));
        for version in self.policy.bidding.keys() {
            jobs.extend(state.open_jobs(*version).await?.into_iter().map(|(id, _)| id));
        }
        self.refresh(state, jobs).await?;
        self.read_seals(state).await?;
        let view = &self.view;
        self.kept.memory.retain(|job| view.jobs.contains_key(&job));
        self.kept.open = self.is_open();
        self.drop_kept(&heads.finalized).await?;
        self.tell_place(state).await?;
        self.measure(state).await?;
        Ok(self.tell_health(state).await?)
    }

    async fn take_update(&mut self, update: &Update<S>) -> Result<(), ServeError> {
        let state = &*update.heads.best;
        self.view.now = state.now();
        self.height = state.number();
        worker().place.note_block();
        for event in &update.finalized {
            report::report(&self.policy.me, event);
            meter::count(worker(), &self.policy.me, event);
        }
        if let Some(network) = &self.kept.network {
            network.meet_new(&update.finalized);
        }
        let mut touched = std::mem::take(&mut self.doubtful);
        touched.extend(update.events().filter_map(|event| match event {
            Event::Market(event) if self.concerns(event) => Some(event.job()),
            _ => None,
        }));
        if update.replaced {
            touched.extend(self.view.jobs.keys());
        }
        self.refresh(state, touched).await?;
        self.read_seals(state).await?;
        self.kept.open = self.is_open();
        Ok(self.tell_health(state).await?)
    }

    fn take_done(&mut self, done: Result<Done, Panicked>, heads: &Heads<S>) -> Result<(), ServeError> {
        match done {
            Ok(Done::Sent(sent)) => self.take_outcome(sent, &heads.best),
            Ok(Done::Searched(searched)) => self.take_input(searched),
            Ok(Done::Executed(executed)) => self.take_output(executed),
            Err(Panicked) => self.kept.memory.forget_what_was_under_way(),
        }
        Ok(())
    }

    fn act(&mut self, heads: &Heads<S>) -> Result<(), ServeError> {
        self.note_health();
        // A job that turns out to be impossible is declined at once.
        while self.step(&heads.best) {}
        Ok(())
    }

    fn work(&mut self) -> &mut Work<Done> {
        &mut self.kept.work
    }

    async fn tell(&mut self, heads: &Heads<S>) -> Result<(), ServeError> {
        Ok(self.explain_idleness(&heads.best).await?)
    }

    fn leave(&mut self) {
        self.begin_to_leave();
    }

    fn unfinished(&mut self) -> usize {
        self.open_work()
    }
}
