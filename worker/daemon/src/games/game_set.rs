//! The disputes of an account: one duty that owns what the chain says of them and what is under way in them.

use super::{
    Archive, Conduct, Hints, Standing,
    award::{self, NotClaimed, OpenAwards},
    driver::{Due, GameDriver},
    executions::Executions,
    plan::{self, Plan},
    report,
};
use crate::{
    job_input::Sources,
    models::Models,
    shutdown::Shutdown,
    skeleton::{self, Duty, Heads, Panicked, Timing, Update, Work},
};
use assay_client::chain::{
    Account, AccountId, BlockNumber, Call, ChainError, ChainView, Dispute, DisputesCall, DisputesEvent, Event,
    Inclusion, MarketEvent, Salts, SessionsEvent, StateView, SubmitError, Wait,
};
use assay_player::{PlayError, Reveals, Sent};
use assay_types::{
    JobId, SlashId,
    dispute::{Committed, Place},
};
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// Jobs that wait to be looked at.
const HINTS: usize = 64;
/// Requests to the node at a time.
const REQUESTS: usize = 16;
/// Longest time that disputes are played which somebody waits for: as good as for ever.
const PLAY_OUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// The disputes of an account on one chain. They outlive connections; nothing is played unless [`GameSet::play`] is
/// awaited.
pub struct GameSet {
    games: Games,
    hints: mpsc::Receiver<JobId>,
}

impl GameSet {
    /// Nothing is known yet. The models are those that can be executed. If the sources have a store, the digests of
    /// executions are kept there too. The salts are those of the account on the chain.
    pub fn new(
        models: Models,
        sources: Sources,
        conduct: Arc<dyn Conduct>,
        me: AccountId,
        salts: Salts,
    ) -> (Self, Hints) {
        let (sender, hints) = mpsc::channel(HINTS);
        let games = Games {
            executions: Executions::new(models, sources),
            conduct,
            me,
            salts,
            awards: OpenAwards::default(),
            account: None,
            known: BTreeSet::new(),
            drivers: BTreeMap::new(),
            now: 0,
            work: Work::default(),
            standing: watch::Sender::new(Standing::default()),
        };
        (Self { games, hints }, Hints(sender))
    }

    /// State of the disputes, now and later.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.games.standing.subscribe()
    }

    /// The executions that were made for games, and are made for them.
    pub(crate) fn archive(&self) -> Archive {
        self.games.executions.archive.clone()
    }

    /// Whether a clock may be running.
    pub(crate) fn is_open(&self) -> bool {
        !self.games.drivers.is_empty()
    }

    /// Plays until the connection breaks. Refused calls do not end it.
    pub(crate) async fn play<C: ChainView>(&mut self, chain: &C, account: Account, timing: Timing) -> ChainError {
        self.games.account = Some(account);
        // Whoever lets the games be played decides when they end.
        let (_running, mut shutdown) = Shutdown::channel();
        let ended = skeleton::run(&mut self.games, chain, timing, &mut self.hints, &mut shutdown).await;
        ended.err().unwrap_or_else(|| ChainError::Request {
            what: "disputes",
            reason: "they are not played any more".into(),
        })
    }

    /// Plays until no dispute is left, or the connection breaks.
    pub(crate) async fn play_out<C: ChainView>(
        &mut self,
        chain: &C,
        account: Account,
        timing: Timing,
    ) -> Result<(), ChainError> {
        self.games.account = Some(account);
        let (running, mut shutdown) = Shutdown::channel();
        drop(running);
        let timing = Timing {
            leave: PLAY_OUT,
            ..timing
        };
        skeleton::run(&mut self.games, chain, timing, &mut self.hints, &mut shutdown).await
    }
}

/// Results of work that was begun.
enum Done {
    /// A job that may be disputed.
    Hint(JobId),
    /// An execution of the job; it is in the archive.
    Executed(JobId, Result<(), String>),
    /// The call to send.
    Planned(JobId, Sent<AccountId>, Result<Plan, PlayError>),
    /// Outcome of a call.
    Sent(JobId, Sent<AccountId>, Result<Inclusion, SubmitError>),
    /// Outcome of the claim of an award.
    Claimed(SlashId, Result<(), NotClaimed>),
}

impl From<JobId> for Done {
    fn from(job: JobId) -> Self {
        Self::Hint(job)
    }
}

struct Games {
    executions: Executions,
    conduct: Arc<dyn Conduct>,
    me: AccountId,
    /// The salts of this account's commitments.
    salts: Salts,
    awards: OpenAwards,
    account: Option<Account>,
    /// Jobs and receipts, by the numbers of their claims, that are or may be disputed and concern the account.
    known: BTreeSet<JobId>,
    drivers: BTreeMap<JobId, GameDriver>,
    now: BlockNumber,
    work: Work<Done>,
    /// Where the standing is told.
    standing: watch::Sender<Standing>,
}

impl<S: StateView> Duty<S> for Games {
    type Done = Done;
    type Error = ChainError;

    async fn reconcile(&mut self, heads: &Heads<S>) -> Result<(), ChainError> {
        let disputes = heads.best.disputes_of(&self.me).await?;
        self.known.extend(disputes.into_iter().map(|(job, _)| job));
        let begun = self.drivers.len();
        self.awards.take(heads.best.awards_of(&self.me).await?);
        self.read(heads).await?;
        if begun == 0 && !self.drivers.is_empty() {
            tracing::info!(
                disputes = self.drivers.len(),
                "going on with the disputes that the chain has"
            );
        }
        Ok(())
    }

    async fn take_update(&mut self, update: &Update<S>) -> Result<(), ChainError> {
        // First, so that what begins a dispute is reported as well.
        update.events().for_each(|event| self.learn(event));
        self.learn_of_receipts(update).await?;
        // Somebody else may have proved what this account has found.
        let convicts = |event: &Event| matches!(event, Event::Disputes(DisputesEvent::WorkerConvicted { job, .. }) if self.known.contains(job));
        if update.events().any(convicts) {
            self.awards.take(update.heads.best.awards_of(&self.me).await?);
        }
        for event in &update.finalized {
            report::report(&self.me, |job| self.known.contains(&job), event);
            self.standing.send_if_modified(|standing| {
                let before = standing.statistics.clone();
                standing.statistics.take(&self.me, event);
                standing.statistics != before
            });
        }
        self.read(&update.heads).await
    }

    fn take_done(&mut self, done: Result<Done, Panicked>, _: &Heads<S>) -> Result<(), ChainError> {
        match done {
            Ok(done) => self.take_work(done),
            Err(Panicked) => {
                let drivers = self.drivers.values_mut();
                drivers.for_each(GameDriver::forget_what_was_under_way);
                self.awards.forget_what_was_under_way();
            }
        }
        Ok(())
    }

    fn act(&mut self, heads: &Heads<S>) -> Result<(), ChainError> {
        let jobs: Vec<JobId> = self.drivers.keys().copied().collect();
        jobs.into_iter().for_each(|job| self.act_in(job, &heads.best));
        self.claim_awards(&heads.best);
        Ok(())
    }

    fn work(&mut self) -> &mut Work<Done> {
        &mut self.work
    }

    fn leave(&mut self) {}

    fn unfinished(&mut self) -> usize {
        self.drivers.len()
    }
}

impl Games {
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

    /// Notes the disputed receipts that concern this account: the event does not say whose receipt it is.
    async fn learn_of_receipts<S: StateView>(&mut self, update: &Update<S>) -> Result<(), ChainError> {
        for event in update.events() {
            if let Event::Sessions(SessionsEvent::ReceiptDisputed { claim, .. }) = event
                && let Some(dispute) = update.heads.best.dispute(*claim).await?
                && self.concerns_me(&dispute)
            {
                self.known.insert(*claim);
            }
        }
        Ok(())
    }

    /// Reads the disputes after the best block.
    async fn read<S: StateView>(&mut self, heads: &Heads<S>) -> Result<(), ChainError> {
        let (best, finalized) = (&*heads.best, &*heads.finalized);
        self.now = best.now();
        let disputes = stream::iter(self.known.clone())
            .map(|job| async move { Ok::<_, ChainError>((job, best.dispute(job).await?)) });
        let disputes: Vec<_> = disputes.buffer_unordered(REQUESTS).try_collect().await?;
        for (job, dispute) in disputes {
            match dispute.filter(|dispute| self.concerns_me(dispute)) {
                Some(dispute) => self.take_dispute(job, dispute, best).await?,
                None => {
                    self.drivers.remove(&job);
                    // A hint may come before the block that it is about.
                    let still = finalized.dispute(job).await?;
                    if !still.is_some_and(|dispute| self.concerns_me(&dispute)) {
                        self.known.remove(&job);
                    }
                }
            }
        }
        self.tell_standing();
        Ok(())
    }

    fn concerns_me(&self, dispute: &Dispute) -> bool {
        dispute.worker == self.me || dispute.games.iter().any(|game| game.challenger == self.me)
    }

    async fn take_dispute<S: StateView>(&mut self, job: JobId, dispute: Dispute, best: &S) -> Result<(), ChainError> {
        let driver = match self.drivers.get_mut(&job) {
            Some(driver) => {
                driver.read(dispute);
                driver
            }
            None => self.drivers.entry(job).or_insert(GameDriver::new(dispute)),
        };
        let mut revealed = Reveals::new();
        for place in driver.unread(&self.me) {
            if let Some(found) = best.revealed(job, place).await? {
                revealed.insert(place, found);
            }
        }
        driver.note_revealed(revealed);
        Ok(())
    }

    /// Does everything that is due in a dispute.
    fn act_in<S: StateView>(&mut self, job: JobId, read: &Arc<S>) {
        let Some(driver) = self.drivers.get_mut(&job) else {
            return;
        };
        let execution = self.executions.archive.get(driver.committed());
        let due = match driver.due(&self.me, self.now, execution.is_some()) {
            Ok(due) => due,
            Err(error) => return tracing::error!(job, %error, "what is due in the dispute cannot be told"),
        };
        let Due {
            execute,
            reveal,
            late,
            answer,
            timeouts,
        } = due;
        if execute {
            driver.note_executing();
            tracing::info!(job, "executing the disputed job with everything on the way");
            let committed = driver.committed().clone();
            self.execute(job, committed, read);
        }
        if let Some(execution) = execution {
            let places = reveal.into_iter().map(|place| (place, false));
            for (place, is_late) in places.chain(late.into_iter().map(|place| (place, true))) {
                let (conduct, execution) = (self.conduct.clone(), execution.clone());
                self.plan(job, Sent::Reveal(place), place, move || {
                    plan::reveal(job, &place, is_late, execution, &*conduct)
                });
            }
            if let (Some(place), Some(driver)) = (answer, self.drivers.get(&job)) {
                let (me, best, salt) = (self.me.clone(), self.now, self.salts.of(job));
                let (dispute, reveals) = (driver.dispute().clone(), driver.reveals().clone());
                self.plan(job, Sent::Answer(place), place, move || {
                    plan::answer(job, &me, salt, best, &dispute, &reveals, &execution)
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
    fn execute<S: StateView>(&mut self, job: JobId, committed: Committed, read: &Arc<S>) {
        let (executions, read) = (self.executions.clone(), read.clone());
        self.work.begin(async move {
            let executed = executions.of_claim(job, committed, &*read).await;
            Done::Executed(job, executed.map(|_| ()))
        });
    }

    /// Claims the awards that may be this account's.
    fn claim_awards<S: StateView>(&mut self, read: &Arc<S>) {
        let Some(account) = self.account.clone() else { return };
        for (slash, award) in self.awards.due(self.now) {
            self.awards.note_begun(slash);
            let (executions, account, read) = (self.executions.clone(), account.clone(), read.clone());
            let salt = self.salts.of(award.job);
            self.work.begin(async move {
                let claimed = award::claim(slash, award, salt, executions, account, &*read).await;
                Done::Claimed(slash, claimed)
            });
        }
    }

    /// Works out what to send, on a thread.
    fn plan(
        &mut self,
        job: JobId,
        sent: Sent<AccountId>,
        place: Place,
        work_out: impl FnOnce() -> Result<Plan, PlayError> + Send + 'static,
    ) {
        if let Some(driver) = self.drivers.get_mut(&job) {
            driver.note_begun(sent.clone());
        }
        let (permits, conduct) = (self.executions.permits.clone(), self.conduct.clone());
        self.work.begin(async move {
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
        let Some(account) = self.account.clone() else { return };
        let mut stakes = None;
        if let Some(driver) = self.drivers.get_mut(&job) {
            driver.note_begun(sent.clone());
            stakes = driver.stakes(&self.me, &sent, self.now);
        }
        self.work.begin(async move {
            let outcome = match stakes {
                Some(stakes) => account.send_in_time(call, Wait::InBlock, stakes).await,
                None => account.send(call, Wait::InBlock).await,
            };
            Done::Sent(job, sent, outcome)
        });
    }

    fn take_work(&mut self, done: Done) {
        let best = self.now;
        match done {
            Done::Hint(job) => {
                self.known.insert(job);
            }
            Done::Executed(job, outcome) => {
                let Some(driver) = self.drivers.get_mut(&job) else {
                    return;
                };
                if let Err(reason) = &outcome {
                    report::not_executed(&self.me, job, driver.dispute(), reason);
                }
                driver.note_executed(outcome.is_ok(), best);
            }
            Done::Planned(job, sent, plan) => self.take_plan(job, sent, plan),
            Done::Claimed(slash, claimed) => self.awards.note_done(slash, claimed, best),
            Done::Sent(job, sent, outcome) => {
                let Some(driver) = self.drivers.get_mut(&job) else {
                    return;
                };
                match outcome {
                    Ok(_) => driver.note_included(sent, best),
                    Err(error) if report::is_late(&error) => {
                        tracing::debug!(job, ?sent, %error, "the game has gone on meanwhile");
                        driver.note_included(sent, best);
                    }
                    Err(error) => {
                        tracing::warn!(job, ?sent, %error, "a move had no effect; trying again");
                        driver.note_failed(sent, best);
                    }
                }
            }
        }
    }

    fn take_plan(&mut self, job: JobId, sent: Sent<AccountId>, plan: Result<Plan, PlayError>) {
        let best = self.now;
        let Some(driver) = self.drivers.get_mut(&job) else {
            return;
        };
        match plan {
            Ok(Plan::Send(call)) => {
                report::sending(&self.me, job, driver.dispute(), &call);
                self.send(job, sent, call);
            }
            Ok(Plan::Agree) => {
                if driver.note_agreed() {
                    tracing::error!(
                        job,
                        "nothing that the worker has revealed is wrong: this challenge will be lost"
                    );
                }
                driver.note_failed(sent, best);
            }
            Ok(Plan::Silence | Plan::Nothing) => driver.note_failed(sent, best),
            Err(error) => {
                tracing::warn!(job, ?sent, %error, "a move cannot be worked out; trying again");
                driver.note_failed(sent, best);
            }
        }
    }

    fn tell_standing(&self) {
        let mine = |(job, driver): (&JobId, &GameDriver)| Some((*job, driver.game(&self.me)?.bond));
        let defends = |(_, driver): &(&JobId, &GameDriver)| driver.dispute().worker == self.me;
        let playing = self.drivers.iter().filter_map(mine).collect();
        let defending = self.drivers.iter().filter(defends).map(|(job, _)| *job).collect();
        self.standing.send_if_modified(|standing| {
            let now = Standing {
                statistics: standing.statistics.clone(),
                playing,
                defending,
            };
            let differs = *standing != now;
            *standing = now;
            differs
        });
    }
}
