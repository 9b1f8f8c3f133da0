//! The player: one task that owns what the chain says of an account's disputes and what is under way in them.

use super::{
    Standing, Table,
    archive::recall_or_execute,
    case::{Case, Due},
    plan::{self, Plan},
    report,
};
use crate::{
    follow::{Lookout, Update, Updates},
    job_input::{self, Found, Sources},
};
use assay_client::chain::{
    Account, AccountId, BlockNumber, Call, ChainError, Client, Dispute, DisputesCall, DisputesEvent, Event, Inclusion,
    MarketEvent, Snapshot, SubmitError, Wait,
};
use assay_player::{PlayError, Reveals, Sent};
use assay_types::{
    JobId,
    dispute::{Committed, Place},
};
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

/// Blocks between two readings of all disputes of the account.
const RECONCILE_BLOCKS: BlockNumber = 50;
/// Requests to the node at a time.
const REQUESTS: usize = 16;
/// Executions, statements and proofs that are worked out at a time. An engine executes one job after the other anyway.
const WORKINGS: usize = 2;

/// Work that came back.
enum Done {
    /// An execution of the job; it is in the archive.
    Executed(JobId, Result<(), String>),
    /// What to send.
    Planned(JobId, Sent<AccountId>, Result<Plan, PlayError>),
    /// What came of a call.
    Sent(JobId, Sent<AccountId>, Result<Inclusion, SubmitError>),
}

pub(super) struct Player {
    table: Table,
    client: Client,
    account: Account,
    me: AccountId,
    /// Jobs that are or may be disputed and concern the account.
    known: BTreeSet<JobId>,
    cases: BTreeMap<JobId, Case>,
    best: BlockNumber,
    reconciled_at: BlockNumber,
    work: JoinSet<Done>,
    permits: Arc<Semaphore>,
}

impl Player {
    pub(super) fn new(table: Table, client: Client, account: Account) -> Self {
        Self {
            me: account.id().clone(),
            table,
            client,
            account,
            known: BTreeSet::new(),
            cases: BTreeMap::new(),
            best: 0,
            reconciled_at: 0,
            work: JoinSet::new(),
            permits: Arc::new(Semaphore::new(WORKINGS)),
        }
    }

    pub(super) async fn run(mut self, mut hints: mpsc::Receiver<JobId>) -> Result<Infallible, ChainError> {
        let mut finalized = Arc::new(self.client.finalized().await?);
        self.reconcile(&finalized).await?;
        let mut read = self.look(&finalized).await?;
        if !self.cases.is_empty() {
            tracing::info!(
                disputes = self.cases.len(),
                "going on with the disputes that the chain has"
            );
        }
        let mut updates = Updates::start(self.client.clone(), finalized.number(), self.table.stall);
        let mut lookout = Lookout::new(self.client.clone(), finalized.number());
        loop {
            tokio::select! {
                update = updates.next() => {
                    let update = update?;
                    finalized = update.snapshot.clone();
                    self.take_block(&update).await?;
                    read = self.look(&finalized).await?;
                    lookout.note(finalized.number());
                }
                ahead = lookout.next() => {
                    let (_, events) = ahead?;
                    events.iter().for_each(|event| self.learn(event));
                    read = self.look(&finalized).await?;
                }
                Some(job) = hints.recv() => {
                    self.known.insert(job);
                    read = self.look(&finalized).await?;
                }
                Some(done) = self.work.join_next() => match done {
                    Ok(done) => self.take_work(done, &read),
                    Err(error) => tracing::error!(%error, "a task of a dispute failed"),
                },
            }
        }
    }

    async fn take_block(&mut self, update: &Update) -> Result<(), ChainError> {
        for event in &update.events {
            report::report(&self.me, |job| self.known.contains(&job), event);
            self.table.standing.send_if_modified(|standing| {
                let before = standing.tally.clone();
                standing.tally.take(&self.me, event);
                standing.tally != before
            });
            self.learn(event);
        }
        if update.snapshot.number() >= self.reconciled_at.saturating_add(RECONCILE_BLOCKS) {
            self.reconcile(&update.snapshot).await?;
        }
        Ok(())
    }

    /// Notes the job of a dispute that concerns this account.
    fn learn(&mut self, event: &Event) {
        match event {
            Event::Market(MarketEvent::ClaimDisputed { job, worker }) if *worker == self.me => {
                self.known.insert(*job);
            }
            Event::Disputes(DisputesEvent::Challenged { job, challenger, .. }) if *challenger == self.me => {
                self.known.insert(*job);
            }
            _ => {}
        }
    }

    /// Finds every dispute of the account.
    async fn reconcile(&mut self, snapshot: &Snapshot) -> Result<(), ChainError> {
        let disputes = snapshot.disputes_of(&self.me).await?;
        self.known.extend(disputes.into_iter().map(|(job, _)| job));
        self.reconciled_at = snapshot.number();
        Ok(())
    }

    /// Reads the disputes after the best block, and does what is due in them.
    async fn look(&mut self, finalized: &Arc<Snapshot>) -> Result<Arc<Snapshot>, ChainError> {
        if self.known.is_empty() {
            self.best = finalized.number();
            self.tell_standing();
            return Ok(finalized.clone());
        }
        let read = match self.client.best().await {
            Ok(snapshot) => Arc::new(snapshot),
            // The best block was replaced by a shorter chain's in this moment.
            Err(_) => finalized.clone(),
        };
        self.best = read.number();
        let disputes = stream::iter(self.known.clone()).map(|job| {
            let read = &read;
            async move { Ok::<_, ChainError>((job, read.dispute(job).await?)) }
        });
        let disputes: Vec<_> = disputes.buffer_unordered(REQUESTS).try_collect().await?;
        for (job, dispute) in disputes {
            match dispute.filter(|dispute| self.concerns_me(dispute)) {
                Some(dispute) => self.take_dispute(job, dispute, &read).await?,
                None => {
                    self.cases.remove(&job);
                    let still = finalized.dispute(job).await?;
                    if !still.is_some_and(|dispute| self.concerns_me(&dispute)) {
                        self.known.remove(&job);
                    }
                }
            }
        }
        self.tell_standing();
        Ok(read)
    }

    fn concerns_me(&self, dispute: &Dispute) -> bool {
        dispute.worker == self.me || dispute.games.iter().any(|game| game.challenger == self.me)
    }

    async fn take_dispute(&mut self, job: JobId, dispute: Dispute, read: &Arc<Snapshot>) -> Result<(), ChainError> {
        match self.cases.get_mut(&job) {
            Some(case) => case.read(dispute),
            None => drop(self.cases.insert(job, Case::new(dispute))),
        }
        let Some(case) = self.cases.get_mut(&job) else {
            return Ok(());
        };
        let mut revealed = Reveals::new();
        for place in case.unread(&self.me) {
            if let Some(found) = read.revealed(job, place).await? {
                revealed.insert(place, found);
            }
        }
        case.note_revealed(revealed);
        self.act(job, read);
        Ok(())
    }

    /// Does everything that is due in a dispute.
    fn act(&mut self, job: JobId, read: &Arc<Snapshot>) {
        let Some(case) = self.cases.get_mut(&job) else { return };
        let execution = self.table.archive.get(case.committed());
        let due = match case.due(&self.me, self.best, execution.is_some()) {
            Ok(due) => due,
            Err(error) => return tracing::error!(job, %error, "what is due in the dispute cannot be told"),
        };
        let Due {
            execute,
            reveal,
            answer,
            timeouts,
        } = due;
        if execute {
            case.note_executing();
            tracing::info!(job, "executing the disputed job with everything on the way");
            let committed = case.committed().clone();
            self.execute(job, committed, read);
        }
        if let Some(execution) = execution {
            for place in reveal {
                let (conduct, execution) = (self.table.conduct.clone(), execution.clone());
                self.plan(job, Sent::Reveal(place), place, move || {
                    plan::reveal(job, &place, execution, &*conduct)
                });
            }
            if let (Some(place), Some(case)) = (answer, self.cases.get(&job)) {
                let (me, best) = (self.me.clone(), self.best);
                let (dispute, reveals) = (case.dispute().clone(), case.reveals().clone());
                self.plan(job, Sent::Answer(place), place, move || {
                    plan::answer(job, &me, best, &dispute, &reveals, &execution)
                });
            }
        }
        for challenger in timeouts {
            tracing::info!(job, %challenger, "the other side has let its time pass; saying so");
            let call = DisputesCall::ClaimTimeout {
                job,
                challenger: challenger.clone(),
            };
            self.send(job, Sent::Timeout(challenger), Call::Disputes(call));
        }
    }

    /// Executes the job of a dispute, on a thread.
    fn execute(&mut self, job: JobId, committed: Committed, read: &Arc<Snapshot>) {
        let (table, read, permits) = (self.table.clone(), read.clone(), self.permits.clone());
        self.work.spawn(async move {
            let outcome = async {
                let model = table.models.get(&committed.model_root).cloned();
                let model = model.ok_or_else(|| "its model is not among those that are loaded here".to_owned())?;
                let inputs = inputs(&table, &read, job).await?;
                let _permit = permits.acquire().await.map_err(|error| error.to_string())?;
                let executing = tokio::task::spawn_blocking(move || {
                    // Kept from here, so that it is not lost with the connection.
                    let executed = recall_or_execute(&model, inputs, &committed, table.store.as_ref())
                        .map_err(|error| error.to_string());
                    executed.map(|execution| table.archive.keep(&committed, execution))
                });
                executing
                    .await
                    .map_err(|error| format!("the execution failed: {error}"))?
            };
            Done::Executed(job, outcome.await)
        });
    }

    /// Works out what to send, on a thread.
    fn plan(
        &mut self,
        job: JobId,
        sent: Sent<AccountId>,
        place: Place,
        work_out: impl FnOnce() -> Result<Plan, PlayError> + Send + 'static,
    ) {
        if let Some(case) = self.cases.get_mut(&job) {
            case.note_planning(sent.clone());
        }
        let (permits, conduct) = (self.permits.clone(), self.table.conduct.clone());
        self.work.spawn(async move {
            if matches!(sent, Sent::Reveal(_)) {
                tokio::time::sleep(conduct.hesitation(&place)).await;
            }
            // The semaphore is never closed, and an error would only mean that more is done at once.
            let _permit = permits.acquire().await;
            let worked_out = tokio::task::spawn_blocking(work_out).await;
            let plan = worked_out.unwrap_or_else(|error| {
                tracing::error!(job, %error, "working out a move failed");
                Ok(Plan::Nothing)
            });
            Done::Planned(job, sent, plan)
        });
    }

    fn send(&mut self, job: JobId, sent: Sent<AccountId>, call: Call) {
        if let Some(case) = self.cases.get_mut(&job) {
            case.note_sending(sent.clone(), self.best);
        }
        let account = self.account.clone();
        self.work
            .spawn(async move { Done::Sent(job, sent, account.send(call, Wait::InBlock).await) });
    }

    fn take_work(&mut self, done: Done, read: &Arc<Snapshot>) {
        let (best, me) = (self.best, self.me.clone());
        match done {
            Done::Executed(job, outcome) => {
                if let Err(reason) = &outcome {
                    tracing::error!(
                        job,
                        reason,
                        "the disputed job cannot be executed, so nothing can be said in the dispute"
                    );
                }
                if let Some(case) = self.cases.get_mut(&job) {
                    case.note_executed(outcome.is_ok(), best);
                    self.act(job, read);
                }
            }
            Done::Planned(job, sent, plan) => {
                let Some(case) = self.cases.get_mut(&job) else { return };
                match plan {
                    Ok(Plan::Send(call)) => {
                        report::sending(&me, job, case.dispute(), &call);
                        self.send(job, sent, call);
                    }
                    Ok(Plan::Agree) => {
                        if case.note_agreed() {
                            tracing::error!(
                                job,
                                "nothing that the worker has revealed is wrong: this challenge will be lost"
                            );
                        }
                        case.note_failed(sent, best);
                    }
                    Ok(Plan::Silence | Plan::Nothing) => case.note_failed(sent, best),
                    Err(error) => {
                        tracing::warn!(job, ?sent, %error, "a move cannot be worked out; trying again");
                        case.note_failed(sent, best);
                    }
                }
            }
            Done::Sent(job, sent, outcome) => {
                let Some(case) = self.cases.get_mut(&job) else { return };
                match outcome {
                    Ok(_) => case.note_included(sent, best),
                    Err(error) if report::is_late(&error) => {
                        tracing::debug!(job, ?sent, %error, "the game has gone on meanwhile");
                        case.note_included(sent, best);
                    }
                    Err(error) => {
                        tracing::warn!(job, ?sent, %error, "a move had no effect; trying again");
                        case.note_failed(sent, best);
                    }
                }
            }
        }
    }

    fn tell_standing(&self) {
        let mine = |(job, case): (&JobId, &Case)| Some((*job, case.game(&self.me)?.bond));
        let defends = |(_, case): &(&JobId, &Case)| case.dispute().worker == self.me;
        let playing = self.cases.iter().filter_map(mine).collect();
        let defending = self.cases.iter().filter(defends).map(|(job, _)| *job).collect();
        self.table.standing.send_if_modified(|standing| {
            let now = Standing {
                tally: standing.tally.clone(),
                playing,
                defending,
            };
            let differs = *standing != now;
            *standing = now;
            differs
        });
    }
}

/// The inputs of a job, from the chain or from the folder.
async fn inputs(table: &Table, read: &Snapshot, job: JobId) -> Result<Vec<assay_ops::tensor::Tensor>, String> {
    let gone = || "the job is closed".to_owned();
    let record = read
        .job(job)
        .await
        .map_err(|error| error.to_string())?
        .ok_or_else(gone)?;
    let version = read.version(record.model).await.map_err(|error| error.to_string())?;
    let schema = version
        .ok_or_else(|| format!("its model {} is no longer registered", record.model))?
        .schema;
    let sources = Sources {
        folder: table.inputs_dir.clone(),
        store: table.store.clone(),
        copy: false,
    };
    let found = job_input::find_in(read, job, &record, &schema, &sources).await;
    match found.map_err(|error| error.to_string())? {
        Found::Input(inputs) => Ok(inputs),
        Found::Impossible(reason) => Err(reason),
    }
}
