//! The watcher: one task that owns what is known of claims, and lets them be executed and challenged.

use super::{
    decide::{Action, Check, Memory, decide},
    relieve::relieve,
};
use crate::{
    config::WatchConfig,
    follow::{Lookout, Update, Updates},
    games::{Hints, Table},
    job_input::{self, Found},
    serve::executor::{self, Done, Executor, NotTaken, Task},
    shutdown::Shutdown,
};
use assay_client::{
    chain::{
        Account, AccountId, Balance, BlockNumber, Call, ChainError, Client, DisputesCall, DisputesEvent, Event, H256,
        Inclusion, MarketEvent, Snapshot, SubmitError, Wait,
    },
    units,
};
use assay_player::watch::{Models as Watched, WatchPolicy};
use assay_types::{JobId, ModelVersion, Schema};
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

/// Blocks between two readings of all claims.
const RECONCILE_BLOCKS: BlockNumber = 50;
/// Requests to the node at a time.
const REQUESTS: usize = 16;
/// What happens within this time is decided on together.
const GATHER: Duration = Duration::from_millis(100);
/// Time between two lines in the log that say what was seen and done.
const SUMMARY: Duration = Duration::from_secs(600);
/// Longest time that a shutdown waits for challenges that are being played.
const LEAVE: Duration = Duration::from_secs(90);
/// Blocks for which a claim is left alone that cannot be challenged now.
const REST_BLOCKS: BlockNumber = 10;
/// Blocks in which a challenge that was included shows in the state that games are read from.
const SETTLING_BLOCKS: BlockNumber = 10;

/// How a session ended without an error.
pub(super) enum Ended {
    /// Shutdown was requested, and everything is finished or has taken too long.
    Finished,
}

pub(super) struct Watcher<'a> {
    pub(super) config: &'a WatchConfig,
    pub(super) client: Client,
    pub(super) account: Account,
    pub(super) seed: &'a [u8; 32],
    pub(super) hints: Hints,
    pub(super) table: &'a Table,
    pub(super) memory: &'a mut Memory,
    pub(super) executor: &'a Executor,
    pub(super) policy: WatchPolicy<Balance>,
}

/// An input that was looked for.
struct Searched {
    job: JobId,
    model: H256,
    found: Result<Found, ChainError>,
}

/// What came of an attempt to challenge.
enum Attempt {
    /// The challenge is made, for this bond.
    Made(Balance),
    /// There is nothing to challenge any more.
    Over,
    /// It cannot be done now, for this reason.
    Barred(String),
    /// The transaction had no effect.
    Failed(SubmitError),
}

/// What changes while the connection lasts.
#[derive(Default)]
struct Session {
    best: BlockNumber,
    reconciled_at: BlockNumber,
    models: BTreeMap<ModelVersion, (H256, Schema)>,
    searches: JoinSet<Searched>,
    attempts: JoinSet<(JobId, Attempt)>,
    /// Workers that were convicted here, whose other jobs are looked at.
    relieved: JoinSet<()>,
    leaving: bool,
}

impl Watcher<'_> {
    pub(super) async fn run(
        mut self,
        done: &mut mpsc::Receiver<Done>,
        shutdown: &mut Shutdown,
    ) -> Result<Ended, ChainError> {
        let finalized = self.client.finalized().await?;
        let mut latest = Arc::new(self.client.best().await?);
        let mut session = Session {
            best: latest.number(),
            ..Session::default()
        };
        self.reconcile(&mut session, &latest).await?;
        self.act(&mut session, &latest);
        let mut updates = Updates::start(self.client.clone(), finalized.number(), self.config.common.stall);
        let mut lookout = Lookout::new(self.client.clone(), latest.number());
        let mut summary = tokio::time::interval_at(Instant::now() + SUMMARY, SUMMARY);
        let mut gather = tokio::time::interval(GATHER);
        gather.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut gathered = false;
        let mut leave_at: Option<Instant> = None;
        tracing::info!(
            block = latest.number(),
            models = session.models.len(),
            claims = self.memory.jobs().count(),
            "watching"
        );
        loop {
            tokio::select! {
                update = updates.next() => {
                    let Update { snapshot, events, .. } = update?;
                    lookout.note(snapshot.number());
                    // Where finality is at once, nothing has to be asked for twice.
                    latest = if snapshot.number() >= session.best { snapshot } else { Arc::new(self.client.best().await?) };
                    self.take_events(&mut session, &latest, &events).await?;
                }
                ahead = lookout.next() => {
                    let (snapshot, events) = ahead?;
                    latest = snapshot;
                    self.take_events(&mut session, &latest, &events).await?;
                }
                Some(done) = done.recv() => self.take_output(done),
                Some(searched) = session.searches.join_next() => {
                    if let Ok(searched) = searched {
                        self.take_input(session.best, searched)?;
                    }
                }
                Some(attempt) = session.attempts.join_next() => {
                    if let Ok((job, attempt)) = attempt {
                        self.take_attempt(session.best, job, attempt);
                    }
                }
                Some(_) = session.relieved.join_next() => continue,
                _ = gather.tick(), if gathered => {
                    gathered = false;
                    self.act(&mut session, &latest);
                    continue;
                }
                _ = summary.tick() => tracing::info!("{}", self.memory.summary(&self.table.standing.borrow())),
                () = shutdown.requested(), if leave_at.is_none() => {
                    session.leaving = true;
                    leave_at = Some(Instant::now() + LEAVE);
                    self.warn_of_games();
                }
                () = tokio::time::sleep_until(leave_at.unwrap_or_else(Instant::now)), if leave_at.is_some() => {
                    self.warn_of_games();
                    return Ok(Ended::Finished);
                }
            }
            gathered = true;
            let playing = !self.table.standing.borrow().playing.is_empty() || self.memory.is_sending();
            if leave_at.is_some() && !playing {
                return Ok(Ended::Finished);
            }
        }
    }

    fn warn_of_games(&self) {
        let jobs: Vec<JobId> = self.table.standing.borrow().playing.keys().copied().collect();
        if !jobs.is_empty() {
            tracing::warn!(
                ?jobs,
                "CHALLENGES ARE BEING PLAYED: one that is not gone on with loses its bond; start again before a clock runs out"
            );
        }
    }

    /// Takes the events of some blocks, of which this is the state of the best one.
    async fn take_events(
        &mut self,
        session: &mut Session,
        latest: &Arc<Snapshot>,
        events: &[Event],
    ) -> Result<(), ChainError> {
        session.best = latest.number();
        let mut touched = BTreeSet::new();
        for event in events {
            match event {
                Event::Market(
                    MarketEvent::JobClaimed { job, .. }
                    | MarketEvent::ClaimDisputed { job, .. }
                    | MarketEvent::ClaimUpheld { job, .. }
                    | MarketEvent::JobClosed { job, .. },
                ) => drop(touched.insert(*job)),
                // Whoever convicted it sees to the rest; others need not pay for the same.
                Event::Disputes(DisputesEvent::WorkerConvicted { worker, challenger, .. })
                    if challenger == self.account.id() =>
                {
                    let (worker, latest) = (worker.clone(), latest.clone());
                    session.relieved.spawn(relieve(worker, latest, self.account.clone()));
                }
                _ => {}
            }
        }
        if session.best >= session.reconciled_at.saturating_add(RECONCILE_BLOCKS) {
            self.reconcile(session, latest).await?;
        }
        self.refresh(session.best, latest, touched).await
    }

    /// Reads which models there are, and all claims.
    async fn reconcile(&mut self, session: &mut Session, snapshot: &Snapshot) -> Result<(), ChainError> {
        let mut models = BTreeMap::new();
        for (root, model) in self.table.models.iter() {
            let version = snapshot.version_by_root(*root).await?;
            let record = match version {
                Some(version) => snapshot.version(version).await?.map(|record| (version, record)),
                None => None,
            };
            match record {
                Some((version, record)) => drop(models.insert(version, (*root, record.schema))),
                None if session.reconciled_at == 0 => {
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
        session.models = models;

        let mut gone: BTreeSet<JobId> = self.memory.jobs().collect();
        let mut from = 0;
        loop {
            let claims = snapshot.claimed_jobs(from).await?;
            let Some((last, _)) = claims.last() else { break };
            from = last.saturating_add(1);
            for (id, job) in &claims {
                gone.remove(id);
                self.memory
                    .take(*id, Some(job), session.best, self.account.id(), &self.policy, self.seed);
            }
        }
        for id in gone {
            self.memory
                .take(id, None, session.best, self.account.id(), &self.policy, self.seed);
        }
        session.reconciled_at = snapshot.number().max(1);
        Ok(())
    }

    /// Reads these jobs anew.
    async fn refresh(
        &mut self,
        best: BlockNumber,
        snapshot: &Snapshot,
        jobs: BTreeSet<JobId>,
    ) -> Result<(), ChainError> {
        let read = stream::iter(jobs).map(|id| async move { Ok::<_, ChainError>((id, snapshot.job(id).await?)) });
        let read: Vec<_> = read.buffer_unordered(REQUESTS).try_collect().await?;
        for (id, job) in read {
            self.memory
                .take(id, job.as_ref(), best, self.account.id(), &self.policy, self.seed);
        }
        Ok(())
    }

    /// Begins everything that is due.
    fn act(&mut self, session: &mut Session, snapshot: &Arc<Snapshot>) {
        if session.leaving {
            return;
        }
        let standing = self.table.standing.borrow().clone();
        let actions = decide(
            self.memory,
            self.account.id(),
            session.best,
            &standing.playing,
            self.policy.max_open,
        );
        for action in actions {
            match action {
                Action::Check(job) => self.search(session, job, snapshot),
                Action::Challenge(job) => {
                    self.memory.note_sending(job);
                    let open = standing.playing.len().saturating_add(session.attempts.len());
                    session.attempts.spawn(attempt(
                        job,
                        snapshot.clone(),
                        self.account.clone(),
                        self.policy.clone(),
                        // What a game can be is bounded by what an account can pay.
                        u32::try_from(open).unwrap_or(u32::MAX),
                    ));
                }
            }
        }
    }

    /// Looks for the input of a job.
    fn search(&mut self, session: &mut Session, id: JobId, snapshot: &Arc<Snapshot>) {
        let model = self.memory.claim(id).and_then(|claim| session.models.get(&claim.model));
        let Some((model, schema)) = model.cloned() else {
            return self.memory.note_unstarted(id, session.best.saturating_add(REST_BLOCKS));
        };
        self.memory.note(id, Check::Searching);
        let (snapshot, folder): (_, PathBuf) = (snapshot.clone(), self.table.inputs_dir.clone());
        session.searches.spawn(async move {
            let found = async {
                match snapshot.job(id).await? {
                    Some(job) => job_input::find(&snapshot, id, &job, &schema, &folder).await,
                    None => Ok(Found::Impossible("the job is closed".into())),
                }
            };
            Searched {
                job: id,
                model,
                found: found.await,
            }
        });
    }

    fn take_input(&mut self, best: BlockNumber, searched: Searched) -> Result<(), ChainError> {
        let Searched { job, model, found } = searched;
        match found? {
            Found::Input(inputs) => {
                let window = self.memory.claim(job).map_or(best, |claim| claim.window_until);
                let until = executor::until(window.saturating_sub(best));
                let task = Task {
                    job,
                    model,
                    inputs,
                    until,
                };
                match self.executor.try_run(task) {
                    Ok(()) => self.memory.note(job, Check::Running),
                    // Again at the next block.
                    Err(NotTaken::Full) => self.memory.note_unstarted(job, best.saturating_add(1)),
                    Err(error @ NotTaken::Closed) => {
                        tracing::error!(job, %error, "the claim cannot be checked");
                        self.memory.note(job, Check::Impossible);
                    }
                }
            }
            Found::Impossible(reason) => {
                tracing::warn!(job, reason, "the claim cannot be checked");
                self.memory.note(job, Check::Impossible);
            }
        }
        Ok(())
    }

    fn take_output(&mut self, done: Done) {
        let Done { job, outcome } = done;
        let Some(claim) = self.memory.claim(job).cloned() else {
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
        self.memory.note(job, check);
    }

    fn take_attempt(&mut self, best: BlockNumber, job: JobId, attempt: Attempt) {
        let rest = match attempt {
            Attempt::Made(bond) => {
                tracing::debug!(job, bond = units::format(bond), "challenged");
                self.hints.give(job);
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
        self.memory.note_sent(job, best.saturating_add(rest));
    }
}

/// Challenges a claim, if the account can and will pay for it.
async fn attempt(
    job: JobId,
    snapshot: Arc<Snapshot>,
    account: Account,
    policy: WatchPolicy<Balance>,
    open: u32,
) -> (JobId, Attempt) {
    let failed = |error: ChainError| Attempt::Failed(SubmitError::NotSent(error.to_string()));
    let attempt = async {
        let Some(bond) = snapshot.bond_for(job).await.map_err(failed)? else {
            return Ok(Attempt::Over);
        };
        if !policy.may_challenge(open, bond) {
            return Ok(Attempt::Barred(format!(
                "its bond is {} ASY, and max_bond is {}, with max_games {}",
                units::format(bond),
                units::format(policy.max_bond),
                policy.max_open
            )));
        }
        if let Some(reason) = cannot_pay(&snapshot, account.id(), bond).await.map_err(failed)? {
            return Ok(Attempt::Barred(reason));
        }
        let sent = account
            .send(Call::Disputes(DisputesCall::Challenge { job }), Wait::InBlock)
            .await;
        Ok::<_, Attempt>(outcome(sent, account.id(), bond))
    };
    (job, attempt.await.unwrap_or_else(|failed| failed))
}

/// Why the account cannot put up a bond, if it cannot.
async fn cannot_pay(snapshot: &Snapshot, account: &AccountId, bond: Balance) -> Result<Option<String>, ChainError> {
    let money = snapshot.account(account).await?;
    let needed = bond.saturating_add(snapshot.constants()?.existential_deposit);
    let free = money.free.saturating_sub(money.frozen);
    Ok((free <= needed).then(|| {
        format!(
            "the account cannot pay: the bond is {} ASY, and {account} has {} free: send it money",
            units::format(bond),
            units::format(free)
        )
    }))
}

fn outcome(sent: Result<Inclusion, SubmitError>, me: &AccountId, bond: Balance) -> Attempt {
    match sent {
        Ok(inclusion) => {
            let held = inclusion.events.iter().find_map(|event| match event {
                Event::Disputes(assay_client::chain::DisputesEvent::Challenged { challenger, bond, .. })
                    if challenger == me =>
                {
                    Some(*bond)
                }
                _ => None,
            });
            Attempt::Made(held.unwrap_or(bond))
        }
        Err(error) if error.is("Disputes", "AlreadyChallenging") => Attempt::Made(bond),
        Err(error)
            if ["UnknownJob", "NotClaimed", "WindowPassed", "UnknownModel"]
                .iter()
                .any(|name| error.is("Disputes", name)) =>
        {
            Attempt::Over
        }
        Err(error @ SubmitError::CannotPayFees) => Attempt::Barred(error.to_string()),
        Err(error) if error.is("Disputes", "InsufficientFunds") => Attempt::Barred(error.to_string()),
        Err(error) => Attempt::Failed(error),
    }
}
