//! The watcher's duty: knows the claims on chain, and lets a sample of them be executed and the wrong ones
//! challenged.

use super::{
    attempt::{Attempt, attempt},
    decide::{Check, Sample, Step, decide},
    relieve::relieve,
};
use crate::{
    games::{Finder, Hints, Standing},
    job_input::{self, Found},
    models::Models,
    serve::{
        executor::{self, Done as Executed, Executor, NotTaken, Task},
        meter::measure_place,
    },
    skeleton::{Duty, Heads, Panicked, Update, Work},
};
use assay_client::{
    chain::{Account, Balance, BlockNumber, ChainError, DisputesEvent, Event, H256, MarketEvent, StateView},
    units,
};
use assay_player::watch::{Models as Watched, WatchPolicy};
use assay_telemetry::metrics::watcher;
use assay_types::{JobId, ModelParts, ModelVersion};
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    marker::PhantomData,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Requests to the node at a time.
const REQUESTS: usize = 16;
/// Time between two lines in the log that say what was seen and done.
const SUMMARY: Duration = Duration::from_secs(600);
/// Blocks for which a claim is left alone that cannot be challenged now.
const REST_BLOCKS: BlockNumber = 10;
/// Blocks in which a challenge that was included shows in the state that games are read from.
const SETTLING_BLOCKS: BlockNumber = 10;

/// Results of work that was begun.
pub(super) enum Done {
    /// An input that was looked for.
    Searched(Searched),
    /// A job that was executed.
    Executed(Executed),
    /// Outcome of an attempt to challenge.
    Attempted(JobId, Attempt),
    /// The other jobs of a convicted worker were looked at.
    Relieved,
}

impl From<Executed> for Done {
    fn from(executed: Executed) -> Self {
        Self::Executed(executed)
    }
}

/// An input that was looked for.
pub(super) struct Searched {
    job: JobId,
    model: H256,
    found: Result<Found, ChainError>,
}

/// State that outlives a connection.
pub(super) struct Kept {
    pub(super) memory: Sample,
    work: Work<Done>,
    hints: Hints,
    standing: watch::Receiver<Standing>,
    finder: Finder,
}

impl Kept {
    /// Nothing is known yet.
    pub(super) fn new(hints: Hints, standing: watch::Receiver<Standing>, finder: Finder) -> Self {
        Self {
            memory: Sample::default(),
            work: Work::default(),
            hints,
            standing,
            finder,
        }
    }
}

pub(super) struct ClaimSampler<'a, S> {
    models: &'a Models,
    seed: &'a [u8; 32],
    executor: &'a Executor,
    account: Account,
    kept: &'a mut Kept,
    policy: WatchPolicy<Balance>,
    now: BlockNumber,
    /// The models that are registered; `None` before the chain was read.
    registered: Option<BTreeMap<ModelVersion, (H256, ModelParts)>>,
    summary_at: Instant,
    leaving: bool,
    state: PhantomData<S>,
}

impl<'a, S: StateView> ClaimSampler<'a, S> {
    pub(super) fn new(
        models: &'a Models,
        seed: &'a [u8; 32],
        executor: &'a Executor,
        account: Account,
        kept: &'a mut Kept,
        policy: WatchPolicy<Balance>,
    ) -> Self {
        Self {
            models,
            seed,
            executor,
            account,
            kept,
            policy,
            now: 0,
            registered: None,
            summary_at: Instant::now() + SUMMARY,
            leaving: false,
            state: PhantomData,
        }
    }

    /// Says which challenges are being played, since nobody else goes on with them.
    pub(super) fn warn_of_games(&self) {
        let jobs: Vec<JobId> = self.kept.standing.borrow().playing.keys().copied().collect();
        if !jobs.is_empty() {
            tracing::warn!(
                ?jobs,
                "CHALLENGES ARE BEING PLAYED: one that is not gone on with loses its bond; start again before a clock runs out"
            );
        }
    }

    fn take(&mut self, id: JobId, job: Option<&assay_client::chain::Job>) {
        let me = self.account.id();
        self.kept.memory.take(id, job, self.now, me, &self.policy, self.seed);
    }

    /// Brings the metrics up to date.
    async fn measure(&mut self, state: &S) -> Result<(), ChainError> {
        let (metrics, summary) = (watcher(), self.kept.memory.summary(&self.kept.standing.borrow()));
        // The summary only grows as well.
        metrics.checks.inner().store(summary.checked, Ordering::Relaxed);
        metrics.differences.inner().store(summary.wrong, Ordering::Relaxed);
        let waiting = summary
            .seen
            .saturating_sub(summary.checked.saturating_add(summary.unchecked));
        metrics.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let (me, network) = (self.account.id().clone(), self.kept.finder.sources.network.clone());
        measure_place(&metrics.place, state, &me, network.as_ref(), summary.playing).await
    }

    /// Reads which models there are.
    async fn read_models(&mut self, state: &S) -> Result<(), ChainError> {
        let mut models = BTreeMap::new();
        for (root, model) in self.models.iter() {
            let version = state.version_by_root(*root).await?;
            let record = match version {
                Some(version) => state.version(version).await?.map(|record| (version, record)),
                None => None,
            };
            match record {
                Some((version, record)) => drop(models.insert(version, (*root, record.parts))),
                None if self.registered.is_none() => {
                    let name = &model.package.manifest().name;
                    tracing::warn!(
                        name,
                        "not registered on this chain: nothing of it is watched until it is"
                    );
                }
                None => {}
            }
        }
        self.policy.models = Watched::List(models.keys().copied().collect());
        self.registered = Some(models);
        Ok(())
    }

    /// Looks for the input of a job.
    fn search(&mut self, id: JobId, state: &Arc<S>) {
        let memory = &mut self.kept.memory;
        let claim = memory.claim(id);
        let model = claim.and_then(|claim| self.registered.as_ref()?.get(&claim.model));
        let Some((model, parts)) = model.cloned() else {
            return memory.note_unstarted(id, self.now.saturating_add(REST_BLOCKS));
        };
        memory.note(id, Check::Searching);
        let (state, sources) = (state.clone(), self.kept.finder.sources.clone());
        self.kept.work.begin(async move {
            let found = async {
                match state.job(id).await? {
                    Some(job) => job_input::find_in(&*state, id, &job, &parts, &sources).await,
                    None => Ok(Found::Impossible("the job is closed".into())),
                }
            };
            Done::Searched(Searched {
                job: id,
                model,
                found: found.await,
            })
        });
    }

    fn take_input(&mut self, searched: Searched) {
        let Searched { job, model, found } = searched;
        let (memory, next) = (&mut self.kept.memory, self.now.saturating_add(1));
        match found {
            Ok(Found::Input(inputs)) => {
                let window = memory.claim(job).map_or(self.now, |claim| claim.window_until);
                let task = Task {
                    job,
                    model,
                    inputs,
                    until: executor::until(window.saturating_sub(self.now)),
                    reply: None,
                };
                match self.executor.try_run(task) {
                    Ok(()) => memory.note(job, Check::Running),
                    // Again at the next block.
                    Err(NotTaken::Full) => memory.note_unstarted(job, next),
                    Err(error @ NotTaken::Closed) => {
                        tracing::error!(job, %error, "the claim cannot be checked");
                        memory.note(job, Check::Impossible);
                    }
                }
            }
            Ok(Found::Impossible(reason)) => {
                tracing::warn!(job, reason, "the claim cannot be checked");
                memory.note(job, Check::Impossible);
            }
            Err(error) => {
                tracing::debug!(job, %error, "the claim's input could not be read; again at the next block");
                memory.note_unstarted(job, next);
            }
        }
    }

    fn take_output(&mut self, done: Executed) {
        let Executed { job, outcome } = done;
        let Some(claim) = self.kept.memory.claim(job).cloned() else {
            return;
        };
        let check = match outcome {
            Ok(output) if output.digest == claim.output_digest => {
                tracing::debug!(job, "the claim is right");
                Check::Right
            }
            Ok(output) => {
                let (claimed, computed) = (claim.output_digest, output.digest);
                if claim.worker == *self.account.id() {
                    tracing::error!(
                        job,
                        ?claimed,
                        ?computed,
                        "THIS ACCOUNT'S OWN CLAIM IS WRONG; it is not challenged"
                    );
                } else {
                    tracing::warn!(job, worker = %claim.worker, ?claimed, ?computed, "the claim is WRONG");
                }
                Check::Wrong(output.digest)
            }
            Err(error) => {
                tracing::warn!(job, %error, "the claim cannot be checked");
                Check::Impossible
            }
        };
        self.kept.memory.note(job, check);
    }

    fn take_attempt(&mut self, job: JobId, attempt: Attempt) {
        let rest = match attempt {
            Attempt::Made(bond) => {
                tracing::debug!(job, bond = units::format(bond), "challenged");
                self.kept.hints.give(job);
                SETTLING_BLOCKS
            }
            Attempt::Over => {
                tracing::info!(job, "there is nothing to challenge any more");
                REST_BLOCKS
            }
            Attempt::Barred(reason) => {
                tracing::error!(job, reason, "a wrong claim is not challenged");
                REST_BLOCKS
            }
            Attempt::Failed(error) => {
                tracing::warn!(job, %error, "the challenge had no effect; trying again");
                // As long as the window is open, this is worth a try in every few blocks.
                2
            }
        };
        self.kept.memory.note_sent(job, self.now.saturating_add(rest));
    }
}

impl<S: StateView> Duty<S> for ClaimSampler<'_, S> {
    /// All claims are read, which may be many.
    const RECONCILE_BLOCKS: BlockNumber = 20;
    type Done = Done;
    type Error = ChainError;

    async fn reconcile(&mut self, heads: &Heads<S>) -> Result<(), ChainError> {
        let state = &*heads.best;
        self.now = state.now();
        let is_first = self.registered.is_none();
        self.read_models(state).await?;
        let mut gone: BTreeSet<JobId> = self.kept.memory.jobs().collect();
        let mut after = None;
        loop {
            let page = state.claimed_jobs(after).await?;
            for (id, job) in &page.entries {
                gone.remove(id);
                self.take(*id, Some(job));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        gone.into_iter().for_each(|id| self.take(id, None));
        self.measure(state).await?;
        if is_first {
            tracing::info!(
                moment = self.now,
                models = self.registered.as_ref().map(BTreeMap::len),
                claims = self.kept.memory.jobs().count(),
                "watching"
            );
        }
        Ok(())
    }

    async fn take_update(&mut self, update: &Update<S>) -> Result<(), ChainError> {
        let state = &update.heads.best;
        self.now = state.now();
        watcher().place.note_block();
        if let Some(network) = &self.kept.finder.sources.network {
            network.meet_new(&update.finalized);
        }
        let mut touched = BTreeSet::new();
        for event in update.events() {
            if let Event::Market(
                MarketEvent::JobClaimed { job, .. }
                | MarketEvent::ClaimDisputed { job, .. }
                | MarketEvent::ClaimUpheld { job, .. }
                | MarketEvent::JobClosed { job, .. },
            ) = event
            {
                touched.insert(*job);
            }
        }
        for event in &update.finalized {
            // Whoever convicted it sees to the rest; others need not pay for the same.
            if let Event::Disputes(DisputesEvent::WorkerConvicted { worker, challenger, .. }) = event
                && challenger == self.account.id()
            {
                let relief = relieve(worker.clone(), state.clone(), self.account.clone());
                self.kept.work.begin(async move {
                    relief.await;
                    Done::Relieved
                });
            }
        }
        if update.replaced {
            touched.extend(self.kept.memory.jobs());
        }
        let read = stream::iter(touched).map(|id| async move { Ok::<_, ChainError>((id, state.job(id).await?)) });
        let read: Vec<_> = read.buffer_unordered(REQUESTS).try_collect().await?;
        read.into_iter().for_each(|(id, job)| self.take(id, job.as_ref()));
        Ok(())
    }

    fn take_done(&mut self, done: Result<Done, Panicked>, _: &Heads<S>) -> Result<(), ChainError> {
        match done {
            Ok(Done::Searched(searched)) => self.take_input(searched),
            Ok(Done::Executed(executed)) => self.take_output(executed),
            Ok(Done::Attempted(job, attempt)) => self.take_attempt(job, attempt),
            Ok(Done::Relieved) => {}
            Err(Panicked) => self.kept.memory.forget_what_was_under_way(),
        }
        Ok(())
    }

    fn act(&mut self, heads: &Heads<S>) -> Result<(), ChainError> {
        if self.leaving {
            return Ok(());
        }
        let playing = self.kept.standing.borrow().playing.clone();
        let me = self.account.id().clone();
        for action in decide(&self.kept.memory, &me, self.now, &playing, self.policy.max_open) {
            match action {
                Step::Check(job) => self.search(job, &heads.best),
                Step::Challenge(job) => {
                    let open = playing.len().saturating_add(self.kept.memory.challenges());
                    self.kept.memory.note_sending(job);
                    let attempt = attempt(
                        job,
                        heads.best.clone(),
                        self.account.clone(),
                        self.kept.finder.clone(),
                        self.policy.clone(),
                        // What a game can be is bounded by what an account can pay.
                        u32::try_from(open).unwrap_or(u32::MAX),
                    );
                    self.kept.work.begin(async move {
                        let (job, attempt) = attempt.await;
                        Done::Attempted(job, attempt)
                    });
                }
            }
        }
        Ok(())
    }

    fn work(&mut self) -> &mut Work<Done> {
        &mut self.kept.work
    }

    async fn tell(&mut self, _: &Heads<S>) -> Result<(), ChainError> {
        if Instant::now() >= self.summary_at {
            self.summary_at = Instant::now() + SUMMARY;
            tracing::info!("{}", self.kept.memory.summary(&self.kept.standing.borrow()));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.leaving = true;
        self.warn_of_games();
    }

    fn unfinished(&mut self) -> usize {
        self.kept.standing.borrow().playing.len() + self.kept.memory.challenges()
    }
}
