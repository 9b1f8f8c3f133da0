//! The desk: one task that owns what the chain says, what is remembered, and the store.

use super::{
    ServeError, Shutdown, claims,
    decide::{Action, Policy, View, decide},
    desk_state::{Memory, Progress},
    executor::{self, Done, Executor, NotTaken, Task},
    idle, report,
    setup::Served,
    store::Store,
};
use crate::{
    config::ServeConfig,
    engine::Health,
    follow::{Update, Updates},
    job_input::{self, Found, Sources},
};
use assay_client::{
    chain::{
        Account, BlockNumber, Call, ChainError, Claim, Client, Event, H256, Inclusion, Job, JobState, MarketCall,
        MarketEvent, Snapshot, SubmitError, Wait, WorkersCall,
    },
    units,
};
use assay_ops::{program::EngineError, tensor::Blake2b256};
use assay_types::{JobId, ModelVersion, bid_commitment, limits};
use futures::{StreamExt, TryStreamExt, stream};
use polkadot_sdk::sp_runtime::BoundedVec;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

/// Blocks between two readings of everything.
const RECONCILE_BLOCKS: BlockNumber = 50;
/// Outputs that come within this time are claimed together.
const GATHER: Duration = Duration::from_millis(100);
/// Time without a job after which the log says why.
const IDLE: Duration = Duration::from_secs(60);
/// Longest time that a shutdown waits for claims and reveals.
const LEAVE: Duration = Duration::from_secs(90);
/// Requests to the node at a time.
const REQUESTS: usize = 16;

/// How a session ended without an error.
pub(super) enum Ended {
    /// All work is finished and shutdown was requested.
    Finished,
}

/// A transaction that came back.
struct Sent {
    kind: Kind,
    jobs: Vec<JobId>,
    outcome: Result<Inclusion, SubmitError>,
}

/// An input that was looked for, and the root of its model.
struct Searched {
    job: JobId,
    model: H256,
    found: Result<Found, ChainError>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Claim,
    Decline,
    Commit,
    Reveal,
    Pause,
    Resume,
}

pub(super) struct Desk<'a> {
    config: &'a ServeConfig,
    client: Client,
    account: Account,
    served: BTreeMap<ModelVersion, Served>,
    store: &'a mut Store,
    memory: &'a mut Memory,
    executor: &'a Executor,
    policy: Policy,
    view: View,
    reconciled_at: BlockNumber,
    transactions: JoinSet<Sent>,
    searches: JoinSet<Searched>,
    busy_at: Instant,
    /// Claims that a block takes at once, as far as is known.
    largest_batch: usize,
    /// What the chain was told last of whether the engine works.
    said_well: Option<bool>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        config: &'a ServeConfig,
        client: Client,
        account: Account,
        served: BTreeMap<ModelVersion, Served>,
        store: &'a mut Store,
        memory: &'a mut Memory,
        executor: &'a Executor,
    ) -> Self {
        let bidding = served
            .iter()
            .filter_map(|(version, served)| Some((*version, served.policy.bidding?)))
            .collect();
        let policy = Policy {
            me: account.id().clone(),
            bidding,
            taking: true,
        };
        Self {
            config,
            client,
            account,
            served,
            store,
            memory,
            executor,
            policy,
            view: View::default(),
            reconciled_at: 0,
            transactions: JoinSet::new(),
            searches: JoinSet::new(),
            busy_at: Instant::now(),
            largest_batch: limits::MAX_BATCH as usize,
            // The worker was made active on chain if the engine was well.
            said_well: Some(executor.health().borrow().is_well()),
        }
    }

    pub(super) async fn run(
        mut self,
        done: &mut mpsc::Receiver<Done>,
        shutdown: &mut Shutdown,
    ) -> Result<Ended, ServeError> {
        let mut latest = Arc::new(self.client.finalized().await?);
        self.view.best = self.client.best_number().await?;
        self.reconcile(&latest).await?;
        self.act(&latest)?;
        let mut updates = Updates::start(self.client.clone(), latest.number(), self.config.common.stall);
        let mut gather = tokio::time::interval(GATHER);
        let mut gathered = false;
        let mut leave_at: Option<Instant> = None;
        let mut health = self.executor.health();
        self.tell_health(false);
        tracing::info!(block = latest.number(), jobs = self.view.jobs.len(), "serving");
        loop {
            tokio::select! {
                update = updates.next() => {
                    let update = update?;
                    latest = update.snapshot.clone();
                    self.take_block(update).await?;
                    self.tell_health(leave_at.is_some());
                    self.act(&latest)?;
                    self.explain_idleness(&latest).await?;
                }
                Ok(()) = health.changed() => self.tell_health(leave_at.is_some()),
                Some(done) = done.recv() => {
                    self.take_output(done);
                    if !gathered {
                        gather.reset();
                    }
                    gathered = true;
                }
                Some(searched) = self.searches.join_next() => {
                    if let Ok(searched) = searched {
                        self.take_input(searched)?;
                        gathered = true;
                    }
                }
                _ = gather.tick(), if gathered => {
                    gathered = false;
                    self.act(&latest)?;
                }
                Some(sent) = self.transactions.join_next() => {
                    if let Ok(sent) = sent {
                        self.take_outcome(sent, &latest)?;
                    }
                }
                () = shutdown.requested(), if leave_at.is_none() => {
                    tracing::info!("shutting down: no new jobs, finishing those that are assigned");
                    self.warn_of_disputes();
                    self.policy.taking = false;
                    leave_at = Some(Instant::now() + LEAVE);
                    if self.config.pause_at_exit {
                        self.send(Kind::Pause, Vec::new(), Call::Workers(WorkersCall::Pause));
                    }
                }
                () = tokio::time::sleep_until(leave_at.unwrap_or_else(Instant::now)), if leave_at.is_some() => {
                    tracing::warn!(unfinished = self.unfinished(), "leaving with work unfinished; start again soon");
                    self.warn_of_disputes();
                    self.warn_of_open_claims();
                    return Ok(Ended::Finished);
                }
            }
            if leave_at.is_some() && self.unfinished() == 0 && self.transactions.is_empty() {
                tracing::info!("all work is finished");
                self.warn_of_open_claims();
                return Ok(Ended::Finished);
            }
        }
    }

    /// Jobs that this worker still has to claim or to defend, and bids that it still has to reveal.
    fn unfinished(&self) -> usize {
        let mine = |job: &&Job| match &job.state {
            JobState::Assigned { assignment, deadline } => {
                assignment.worker == self.policy.me && self.view.best < *deadline
            }
            _ => false,
        };
        let unrevealed = self.view.bids.values().filter(|revealed| !**revealed);
        self.view.jobs.values().filter(mine).count() + self.disputed().count() + unrevealed.count()
    }

    /// This worker's claims that are disputed.
    fn disputed(&self) -> impl Iterator<Item = JobId> {
        let mine = |job: &Job| matches!(&job.state, JobState::Disputed { assignment, .. } if assignment.worker == self.policy.me);
        self.view
            .jobs
            .iter()
            .filter(move |(_, job)| mine(job))
            .map(|(id, _)| *id)
    }

    fn warn_of_disputes(&self) {
        let jobs: Vec<JobId> = self.disputed().collect();
        if !jobs.is_empty() {
            tracing::warn!(
                ?jobs,
                "CLAIMS ARE DISPUTED: a worker that is not there to answer loses all the stake that is locked for them; \
                 start again before a clock runs out"
            );
        }
    }

    /// Says until when somebody may challenge what this worker has claimed, since nobody else would answer.
    fn warn_of_open_claims(&self) {
        let mine = self.view.jobs.values().filter_map(|job| match &job.state {
            JobState::Claimed {
                assignment,
                window_until,
                ..
            } if assignment.worker == self.policy.me => Some(*window_until),
            _ => None,
        });
        let windows: Vec<BlockNumber> = mine.filter(|until| *until >= self.view.best).collect();
        if let Some(last) = windows.iter().max() {
            tracing::warn!(
                claims = windows.len(),
                blocks = last - self.view.best,
                "claims may still be challenged for so many blocks; whoever is challenged has to answer, so start again \
                 within minutes"
            );
        }
    }

    async fn take_block(&mut self, update: Update) -> Result<(), ServeError> {
        let Update { snapshot, events, best } = update;
        self.view.best = best;
        let mut touched = BTreeSet::new();
        for event in &events {
            report::report(&self.policy.me, event);
            if let Event::Market(event) = event
                && self.concerns(event)
            {
                touched.insert(event.job());
            }
        }
        if snapshot.number() >= self.reconciled_at + RECONCILE_BLOCKS {
            self.reconcile(&snapshot).await?;
        }
        Ok(self.refresh(&snapshot, touched).await?)
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

    /// Reads everything that may concern this worker.
    async fn reconcile(&mut self, snapshot: &Snapshot) -> Result<(), ServeError> {
        let mut jobs: BTreeSet<JobId> = self.view.jobs.keys().copied().chain(self.memory.sealed()).collect();
        jobs.extend(snapshot.jobs_of(&self.policy.me).await?.into_iter().map(|(id, _)| id));
        match self.store.jobs_with_inputs() {
            Ok(kept) => jobs.extend(kept),
            Err(error) => tracing::error!(%error, "which inputs were copied cannot be read"),
        }
        for version in self.policy.bidding.keys() {
            jobs.extend(snapshot.open_jobs(*version).await?.into_iter().map(|(id, _)| id));
        }
        self.refresh(snapshot, jobs).await?;
        self.reconciled_at = snapshot.number();
        let view = &self.view;
        self.memory.retain(|job| view.jobs.contains_key(&job));
        Ok(())
    }

    /// Reads these jobs anew.
    async fn refresh(&mut self, snapshot: &Snapshot, jobs: BTreeSet<JobId>) -> Result<(), ChainError> {
        let read = stream::iter(jobs).map(|id| async move {
            let Some(job) = snapshot.job(id).await? else {
                return Ok((id, None));
            };
            let bids = match job.state {
                JobState::Bidding { .. } | JobState::Revealing { .. } => snapshot.bids(id).await?,
                JobState::Assigned { .. } | JobState::Claimed { .. } | JobState::Disputed { .. } => Vec::new(),
            };
            Ok::<_, ChainError>((id, Some((job, bids))))
        });
        let read: Vec<_> = read.buffer_unordered(REQUESTS).try_collect().await?;
        for (id, job) in read {
            self.memory.note_changed(id);
            self.view.bids.remove(&id);
            self.view.jobs.remove(&id);
            let Some((job, bids)) = job else {
                if let Err(error) = self.store.drop_input(id) {
                    tracing::error!(job = id, %error, "the copy of a closed job's input stays in the store");
                }
                continue;
            };
            let own = bids.iter().find(|bid| bid.worker == self.policy.me);
            if let Some(bid) = own {
                self.view.bids.insert(id, bid.price.is_some());
            }
            let mine = job
                .state
                .assignment()
                .is_some_and(|assignment| assignment.worker == self.policy.me);
            let auction = job.state.assignment().is_none() && self.policy.bidding.contains_key(&job.model);
            if mine || auction || own.is_some() {
                self.view.jobs.insert(id, job);
            }
        }
        Ok(())
    }

    /// Does everything that is due.
    fn act(&mut self, snapshot: &Arc<Snapshot>) -> Result<(), ServeError> {
        // A job that turns out to be impossible is declined at once.
        while self.step(snapshot)? {}
        Ok(())
    }

    /// Does what is due now; true if more is due because of it.
    fn step(&mut self, snapshot: &Arc<Snapshot>) -> Result<bool, ServeError> {
        let mut claims = Vec::new();
        let mut to_run = Vec::new();
        for action in decide(&self.view, self.memory, &self.policy) {
            match action {
                Action::Execute(job) => to_run.push(job),
                Action::Claim(job) => claims.extend(self.claim(job)),
                Action::Decline(job) => {
                    if let Some(Progress::Impossible(reason)) = self.memory.progress(job) {
                        tracing::warn!(job, reason, "declining the job");
                    }
                    self.send(Kind::Decline, vec![job], Call::Market(MarketCall::Decline { job }));
                }
                Action::Commit { job, price } => {
                    if let Err(error) = self.store.seal(job, price) {
                        // A bid whose salt may be lost is not made.
                        tracing::error!(job, %error, "NO BID IS MADE: its secret cannot be written down");
                        self.memory.rest(job, self.view.best.saturating_add(4));
                        continue;
                    }
                    self.memory.note_sealed(job);
                    tracing::info!(job, price = units::format(price), "bidding");
                    self.commit(job);
                }
                Action::CommitAgain(job) => self.commit(job),
                Action::Reveal(job) => {
                    if let Some(bid) = self.store.bid(job) {
                        let call = MarketCall::RevealBid {
                            job,
                            price: bid.price,
                            salt: bid.salt,
                        };
                        self.send(Kind::Reveal, vec![job], Call::Market(call));
                    }
                }
                Action::Forget(job) => self.forget(job),
            }
        }
        self.send_claims(claims);
        Ok(self.search(to_run, snapshot))
    }

    fn commit(&mut self, job: JobId) {
        let Some(bid) = self.store.bid(job) else { return };
        let commitment = bid_commitment::<Blake2b256, _, _>(job, &self.policy.me, &bid.price, &bid.salt);
        self.send(
            Kind::Commit,
            vec![job],
            Call::Market(MarketCall::CommitBid { job, commitment }),
        );
    }

    /// Forgets a bid. One that stays on disk is forgotten at the next start.
    fn forget(&mut self, job: JobId) {
        if let Err(error) = self.store.forget(job) {
            tracing::error!(job, %error, "a bid that is over stays in the store");
        }
        self.memory.note_forgotten(job);
    }

    fn claim(&mut self, id: JobId) -> Option<Claim> {
        let Some(Progress::Ready(output)) = self.memory.progress(id) else {
            return None;
        };
        let claim = claims::claim(id, self.view.jobs.get(&id)?.delivery, output);
        if claim.is_none() {
            let reason = "its output is longer than a claim may be; the client should have asked for its digest";
            self.memory.note(id, Progress::Impossible(reason.into()));
        }
        claim
    }

    fn send_claims(&mut self, claims: Vec<Claim>) {
        for batch in claims::batches(claims, self.largest_batch) {
            let jobs: Vec<JobId> = batch.iter().map(|claim| claim.job).collect();
            tracing::info!(jobs = jobs.len(), first = jobs.first(), "claiming");
            // No batch has more than a call takes, so nothing is cut off.
            let claims = BoundedVec::truncate_from(batch);
            self.send(Kind::Claim, jobs, Call::Market(MarketCall::ClaimBatch { claims }));
        }
    }

    fn send(&mut self, kind: Kind, jobs: Vec<JobId>, call: Call) {
        for job in &jobs {
            self.memory.note_sent(*job);
        }
        let account = self.account.clone();
        self.transactions.spawn(async move {
            Sent {
                kind,
                jobs,
                outcome: account.send(call, Wait::InBlock).await,
            }
        });
    }

    /// Looks for the inputs of these jobs; true if one of them is impossible. Their number is bounded by what this worker
    /// offers and bids.
    fn search(&mut self, jobs: Vec<JobId>, snapshot: &Arc<Snapshot>) -> bool {
        let mut impossible = false;
        for id in jobs {
            self.busy_at = Instant::now();
            let Some(job) = self.view.jobs.get(&id).cloned() else {
                continue;
            };
            let Some(served) = self.served.get(&job.model).cloned() else {
                let reason = format!("its model {} is not among those served", job.model);
                self.memory.note(id, Progress::Impossible(reason));
                impossible = true;
                continue;
            };
            self.memory.note(id, Progress::Searching);
            let snapshot = snapshot.clone();
            let sources = Sources {
                folder: self.config.common.inputs_dir.clone(),
                store: Some(self.store.clone()),
                copy: true,
            };
            self.searches.spawn(async move {
                let found = job_input::find_in(&snapshot, id, &job, &served.schema, &sources).await;
                Searched {
                    job: id,
                    model: served.root,
                    found,
                }
            });
        }
        impossible
    }

    /// Puts a job whose input is found into the engine's queue.
    fn take_input(&mut self, searched: Searched) -> Result<(), ChainError> {
        let Searched { job, model, found } = searched;
        match found? {
            Found::Input(inputs) => {
                let until = executor::until(self.blocks_left(job));
                let task = Task {
                    job,
                    model,
                    inputs,
                    until,
                };
                match self.executor.try_run(task) {
                    Ok(()) => self.memory.note(job, Progress::Running),
                    Err(NotTaken::Full) => {
                        // Again at the next block.
                        self.memory.note_unstarted(job);
                        self.memory.rest(job, self.view.best.saturating_add(1));
                    }
                    Err(error @ NotTaken::Closed) => self.memory.note(job, Progress::Impossible(error.to_string())),
                }
            }
            Found::Impossible(reason) => self.memory.note(job, Progress::Impossible(reason)),
        }
        Ok(())
    }

    /// Blocks in which a job can still be claimed.
    fn blocks_left(&self, job: JobId) -> BlockNumber {
        match self.view.jobs.get(&job).map(|job| &job.state) {
            Some(JobState::Assigned { deadline, .. }) => deadline.saturating_sub(self.view.best),
            _ => 0,
        }
    }

    /// Pauses the worker on chain while its engine fails, and resumes it then.
    fn tell_health(&mut self, leaving: bool) {
        let health = self.executor.health();
        let health = health.borrow().clone();
        let is_well = health.is_well();
        self.policy.taking = is_well && !leaving;
        if leaving || self.said_well == Some(is_well) {
            return;
        }
        self.said_well = Some(is_well);
        match health {
            Health::Failing(reason) => {
                tracing::error!(reason, "PAUSING THE WORKER ON CHAIN: ITS ENGINE FAILS");
                self.send(Kind::Pause, Vec::new(), Call::Workers(WorkersCall::Pause));
            }
            Health::Well => {
                tracing::info!("resuming the worker on chain: its engine works again");
                self.send(Kind::Resume, Vec::new(), Call::Workers(WorkersCall::Resume));
            }
        }
    }

    fn take_output(&mut self, done: Done) {
        let Done { job, outcome } = done;
        let progress = match outcome {
            Ok(output) => {
                tracing::debug!(job, digest = ?output.digest, "the output is ready");
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
        self.memory.note(job, progress);
    }

    fn take_outcome(&mut self, sent: Sent, snapshot: &Snapshot) -> Result<(), ServeError> {
        let Sent { kind, jobs, outcome } = sent;
        let best = self.view.best;
        match outcome {
            Ok(inclusion) => {
                for job in &jobs {
                    if self.shows(kind, *job) {
                        self.memory.rest(*job, best);
                    } else {
                        self.memory.note_included(*job, best);
                    }
                }
                for event in inclusion.events {
                    if let Event::Market(MarketEvent::ClaimRejected { job, error }) = event {
                        let error = snapshot.explain(&error);
                        tracing::warn!(job, %error, "the claim was rejected; the job is looked at again");
                        self.memory.rest(job, best + 2);
                    }
                }
            }
            Err(SubmitError::TooHeavy) if jobs.len() > 1 => {
                self.largest_batch = (jobs.len() / 2).min(self.largest_batch);
                jobs.iter().for_each(|job| self.memory.rest(*job, best));
            }
            Err(error) => {
                tracing::warn!(?kind, ?jobs, %error, "a transaction had no effect");
                if matches!(kind, Kind::Pause | Kind::Resume) {
                    // Said again at the next block.
                    self.said_well = None;
                }
                let hopeless = kind == Kind::Commit && matches!(error, SubmitError::Refused { .. });
                let known = error.is("Market", "AlreadyBid") || error.is("Market", "AlreadyClaimed");
                for job in jobs {
                    if hopeless && !known {
                        self.forget(job);
                        // The reason may pass: stake is freed, a place among the bids is not.
                        self.memory.rest(job, best + 4);
                    } else {
                        self.memory.rest(job, best + 2);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the finalized state shows already what a transaction that was included has done.
    fn shows(&self, kind: Kind, job: JobId) -> bool {
        match kind {
            Kind::Commit => self.view.bids.contains_key(&job),
            Kind::Reveal => self.view.bids.get(&job) != Some(&false),
            Kind::Claim | Kind::Decline => !matches!(
                self.view.jobs.get(&job).map(|job| &job.state),
                Some(JobState::Assigned { .. })
            ),
            Kind::Pause | Kind::Resume => true,
        }
    }

    async fn explain_idleness(&mut self, snapshot: &Snapshot) -> Result<(), ChainError> {
        if self.busy_at.elapsed() < IDLE {
            return Ok(());
        }
        self.busy_at = Instant::now();
        idle::explain(snapshot, &self.policy.me, &self.served).await
    }
}
