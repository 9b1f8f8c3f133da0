//! The audits of an account: one duty that owns what the chain says of them and what is under way in them.

use super::{
    due::{Step, due, own, waited_for},
    executing::{Auditing, NoAnswer},
};
use crate::{
    serve::executor::until,
    shutdown::Shutdown,
    skeleton::{self, Duty, Heads, InFlight, Panicked, Timing, Update, Work},
};
use assay_client::{
    chain::{
        Account, AccountId, Audit, AuditsCall, AuditsEvent, BlockNumber, Call, ChainError, ChainView, Event, H256,
        Inclusion, Stakes, StateView, SubmitError, Wait,
    },
    units,
};
use assay_ops::tensor::Blake2b256;
use assay_telemetry::metrics::worker;
use assay_types::{ClaimId, audit::seal};
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
};
use tokio::sync::{mpsc, watch};

/// Requests to the node at a time.
const REQUESTS: usize = 16;
/// Blocks for which an answer is waited for at most before it is computed anew.
const PATIENCE_BLOCKS: BlockNumber = 1_200;
/// Blocks in which a transaction that was included shows in the best state.
const SETTLING_BLOCKS: BlockNumber = 3;
/// Blocks after which something that may pass is tried again.
const RETRY_BLOCKS: BlockNumber = 2;
/// The same of what somebody has to put right: an input may still come.
const REST_BLOCKS: BlockNumber = 10;

/// Numbers of audits that are under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Those in which this account has something to do in time.
    pub(crate) pressing: usize,
    /// All of them. An answer that is sealed is opened once the worker has opened its claim.
    pub(crate) open: usize,
}

/// The audits of an account on one chain. They outlive connections; nothing is done unless [`AuditSet::work_on`] is
/// awaited.
pub(crate) struct AuditSet(Audits);

impl AuditSet {
    /// Nothing is known yet.
    pub(crate) fn new(auditing: Auditing, me: AccountId) -> Self {
        Self(Audits {
            auditing,
            me,
            account: None,
            known: BTreeSet::new(),
            audits: BTreeMap::new(),
            computed: BTreeMap::new(),
            complained: BTreeSet::new(),
            in_flight: InFlight::default(),
            now: 0,
            work: Work::default(),
            waiting: watch::Sender::new(Waiting::default()),
        })
    }

    /// Audits that are under way, now and later.
    pub(crate) fn waiting(&self) -> watch::Receiver<Waiting> {
        self.0.waiting.subscribe()
    }

    /// Whether an audit is open, so that something may be due soon.
    pub(crate) fn is_open(&self) -> bool {
        !self.0.audits.is_empty()
    }

    /// Audits until the connection breaks. Refused calls do not end it.
    pub(crate) async fn work_on<C: ChainView>(&mut self, chain: &C, account: Account, timing: Timing) -> ChainError {
        self.0.account = Some(account);
        // Nobody outside tells anything, and whoever lets the audits be done decides when they end.
        let (_outside, mut told) = mpsc::channel::<Infallible>(1);
        let (_running, mut shutdown) = Shutdown::channel();
        let ended = skeleton::run(&mut self.0, chain, timing, &mut told, &mut shutdown).await;
        ended.err().unwrap_or_else(|| ChainError::Request {
            what: "audits",
            reason: "they are not done any more".into(),
        })
    }
}

/// Results of work that was begun.
enum Done {
    /// The answer, or why there is none.
    Executed(ClaimId, Result<H256, NoAnswer>),
    /// Outcome of a call that seals or opens the answer.
    Sent(ClaimId, Result<Inclusion, SubmitError>),
    /// There is no trace of our own to accuse with.
    NotTraced(ClaimId, String),
}

impl From<Infallible> for Done {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

struct Audits {
    auditing: Auditing,
    me: AccountId,
    account: Option<Account>,
    /// Claims that this account audits, or has audited a moment ago.
    known: BTreeSet<ClaimId>,
    /// The audits after the best block.
    audits: BTreeMap<ClaimId, Audit>,
    /// Our answers.
    computed: BTreeMap<ClaimId, H256>,
    /// Audits of which the log says already what is wrong.
    complained: BTreeSet<ClaimId>,
    in_flight: InFlight<ClaimId>,
    now: BlockNumber,
    work: Work<Done>,
    /// Where it is told which audits are under way.
    waiting: watch::Sender<Waiting>,
}

impl<S: StateView> Duty<S> for Audits {
    type Done = Done;
    type Error = ChainError;

    async fn reconcile(&mut self, heads: &Heads<S>) -> Result<(), ChainError> {
        let audits = heads.best.audits_of(&self.me).await?;
        self.known.extend(audits.into_iter().map(|(claim, _)| claim));
        self.read(&*heads.best).await?;
        // An execution may have ended after its audit.
        let known = &self.known;
        self.computed.retain(|claim, _| known.contains(claim));
        self.complained.retain(|claim| known.contains(claim));
        self.in_flight.retain(|claim| known.contains(claim));
        Ok(())
    }

    async fn take_update(&mut self, update: &Update<S>) -> Result<(), ChainError> {
        for event in update.events() {
            if let Event::Audits(AuditsEvent::AuditorDrawn { claim, auditor, .. }) = event
                && *auditor == self.me
            {
                self.known.insert(*claim);
            }
        }
        self.read(&*update.heads.best).await
    }

    fn take_done(&mut self, done: Result<Done, Panicked>, _: &Heads<S>) -> Result<(), ChainError> {
        match done {
            Ok(Done::Executed(claim, answer)) => self.take_answer(claim, answer),
            Ok(Done::Sent(claim, outcome)) => self.take_outcome(claim, outcome),
            Ok(Done::NotTraced(claim, reason)) => {
                self.complain(claim, &reason);
                self.rest(claim, RETRY_BLOCKS);
            }
            Err(Panicked) => self.in_flight.clear(),
        }
        self.publish();
        Ok(())
    }

    fn act(&mut self, heads: &Heads<S>) -> Result<(), ChainError> {
        let steps: Vec<(ClaimId, Step)> = self
            .audits
            .iter()
            .filter(|(claim, _)| !self.in_flight.is_busy(claim, self.now))
            .filter_map(|(claim, audit)| {
                let computed = self.computed.get(claim).copied();
                Some((*claim, due(audit, &self.me, self.now, computed)?))
            })
            .collect();
        for (claim, step) in steps {
            match step {
                Step::Execute => self.execute(claim, &heads.best),
                Step::Seal(digest) => self.seal(claim, digest),
                Step::Open(digest) | Step::Accuse(digest) => self.open(claim, digest, &heads.best),
            }
        }
        Ok(())
    }

    fn work(&mut self) -> &mut Work<Done> {
        &mut self.work
    }

    fn leave(&mut self) {}

    fn unfinished(&mut self) -> usize {
        self.waiting.borrow().pressing
    }
}

impl Audits {
    /// Reads the audits of this account after a block.
    async fn read<S: StateView>(&mut self, state: &S) -> Result<(), ChainError> {
        self.now = state.now();
        let read = stream::iter(self.known.clone())
            .map(|claim| async move { Ok::<_, ChainError>((claim, state.audit(claim).await?)) });
        let read: Vec<_> = read.buffer_unordered(REQUESTS).try_collect().await?;
        for (claim, audit) in read {
            match audit.filter(|audit| own(audit, &self.me).is_some()) {
                Some(audit) => {
                    if let Some(until) = waited_for(&audit, &self.me).filter(|_| !self.audits.contains_key(&claim)) {
                        tracing::info!(
                            claim,
                            model = %audit.model, price = units::format(audit.price), until,
                            "auditing a claim"
                        );
                    }
                    self.audits.insert(claim, audit);
                }
                None => self.forget(claim),
            }
        }
        self.publish();
        Ok(())
    }

    /// Forgets an audit that is over, or another's.
    fn forget(&mut self, claim: ClaimId) {
        self.known.remove(&claim);
        self.audits.remove(&claim);
        self.computed.remove(&claim);
        self.complained.remove(&claim);
        self.in_flight.wake(&claim);
    }

    /// Says which audits are under way.
    fn publish(&self) {
        let is_pressing = |audit: &&Audit| waited_for(audit, &self.me).is_some_and(|until| self.now < until);
        let is_open = |audit: &&Audit| own(audit, &self.me).is_some_and(|auditor| auditor.answer.is_none());
        let waiting = Waiting {
            pressing: self.audits.values().filter(is_pressing).count(),
            open: self.audits.values().filter(is_open).count(),
        };
        self.waiting
            .send_if_modified(|told| std::mem::replace(told, waiting) != waiting);
    }

    fn rest(&mut self, claim: ClaimId, blocks: BlockNumber) {
        self.in_flight.rest(claim, self.now.saturating_add(blocks));
    }

    /// Says once why an audit is not answered.
    fn complain(&mut self, claim: ClaimId, reason: &str) {
        if self.complained.insert(claim) {
            worker().unanswered_audits.inc();
            tracing::error!(
                claim,
                reason,
                "AN AUDIT CANNOT BE ANSWERED: one that is not answered in time costs a part of its lock; it is tried again"
            );
        }
    }

    /// Executes the job of a claim, with the jobs that are served.
    fn execute<S: StateView>(&mut self, claim: ClaimId, state: &Arc<S>) {
        let last = self.audits.get(&claim).and_then(|audit| waited_for(audit, &self.me));
        // An answer that nobody waits for yet is wanted when the claim is opened.
        let blocks = last.map_or(PATIENCE_BLOCKS, |last| {
            last.saturating_sub(self.now).min(PATIENCE_BLOCKS)
        });
        self.in_flight.note_sending(claim);
        let (auditing, state) = (self.auditing.clone(), state.clone());
        self.work
            .begin(async move { Done::Executed(claim, auditing.execute(claim, state, until(blocks)).await) });
    }

    fn take_answer(&mut self, claim: ClaimId, answer: Result<H256, NoAnswer>) {
        match answer {
            Ok(digest) => {
                self.in_flight.rest(claim, self.now);
                self.computed.insert(claim, digest);
            }
            Err(NoAnswer::Later(reason)) => {
                tracing::debug!(claim, reason, "the claim cannot be executed now; trying again");
                self.rest(claim, 1);
            }
            Err(NoAnswer::Impossible(reason)) => {
                self.complain(claim, &reason);
                self.rest(claim, REST_BLOCKS);
            }
        }
    }

    /// Seals an answer; its salt is on disk before.
    fn seal(&mut self, claim: ClaimId, digest: H256) {
        let Some(digest) = self.auditing.conduct.answer(claim, digest) else {
            return self.rest(claim, REST_BLOCKS);
        };
        let (salts, written) = self.auditing.store.salts(&[claim]);
        if let Err(error) = written {
            // The chain does not wait for the disk: the salt is in memory.
            tracing::error!(
                claim, %error,
                "THE SALT OF AN ANSWER CANNOT BE STORED: after a crash the answer could not be opened"
            );
        }
        let Some(salt) = salts.get(&claim) else {
            return self.rest(claim, RETRY_BLOCKS);
        };
        let sealed = seal::<Blake2b256, _>(claim, &self.me, &digest, salt);
        tracing::info!(claim, "sealing the answer of an audit");
        self.send(claim, AuditsCall::Answer { claim, seal: sealed });
    }

    /// Opens an answer; one that differs from the claim with a commitment to our own trace.
    fn open<S: StateView>(&mut self, claim: ClaimId, honest: H256, state: &Arc<S>) {
        let Some(output_digest) = self.auditing.conduct.answer(claim, honest) else {
            return self.rest(claim, REST_BLOCKS);
        };
        let (Some(audit), Some(account)) = (self.audits.get(&claim), self.account.clone()) else {
            return;
        };
        let (claimed, sealed) = (audit.output, own(audit, &self.me).and_then(|auditor| auditor.seal));
        let Some(salt) = self.auditing.store.salt(claim) else {
            self.complain(
                claim,
                "the salt of its seal is not in data_dir: it was sealed elsewhere",
            );
            return self.rest(claim, REST_BLOCKS);
        };
        if sealed != Some(seal::<Blake2b256, _>(claim, &self.me, &output_digest, &salt)) {
            self.complain(claim, "the answer that was sealed is not the one that is computed now");
            return self.rest(claim, REST_BLOCKS);
        }
        let opening = move |commitment| AuditsCall::Open {
            claim,
            output_digest,
            salt,
            commitment,
        };
        if claimed == Some(output_digest) {
            tracing::info!(claim, "the claim is right; opening the answer");
            return self.send(claim, opening(None));
        }
        tracing::warn!(
            claim, ?claimed, computed = ?output_digest,
            "the claim is WRONG; opening the answer, which begins a dispute"
        );
        self.in_flight.note_sending(claim);
        let (finder, me, state, stakes) = (
            self.auditing.finder.clone(),
            self.me.clone(),
            state.clone(),
            self.stakes(claim),
        );
        self.work.begin(async move {
            match finder.commit(claim, &me, &*state).await {
                Ok(commitment) => Done::Sent(claim, sent(account, opening(Some(commitment)), stakes).await),
                Err(reason) => Done::NotTraced(claim, reason),
            }
        });
    }

    fn send(&mut self, claim: ClaimId, call: AuditsCall) {
        let Some(account) = self.account.clone() else { return };
        self.in_flight.note_sending(claim);
        let stakes = self.stakes(claim);
        self.work
            .begin(async move { Done::Sent(claim, sent(account, call, stakes).await) });
    }

    /// Loss of this account if its call is late: its pay at least.
    fn stakes(&self, claim: ClaimId) -> Option<Stakes> {
        let audit = self.audits.get(&claim)?;
        Some(Stakes {
            amount: own(audit, &self.me)?.fee,
            deadline: waited_for(audit, &self.me)?,
        })
    }

    fn take_outcome(&mut self, claim: ClaimId, outcome: Result<Inclusion, SubmitError>) {
        match outcome {
            Ok(inclusion) => {
                inclusion.events.iter().for_each(|event| self.count(event));
                self.rest(claim, SETTLING_BLOCKS);
            }
            Err(error) if is_done_already(&error) => {
                tracing::debug!(claim, %error, "the audit has gone on meanwhile");
                self.rest(claim, SETTLING_BLOCKS);
            }
            Err(error) => {
                tracing::warn!(claim, %error, "an answer had no effect; trying again");
                self.rest(claim, RETRY_BLOCKS);
            }
        }
    }

    fn count(&self, event: &Event) {
        match event {
            Event::Audits(AuditsEvent::Answered { auditor, .. }) if *auditor == self.me => {
                worker().audits.inc();
            }
            Event::Audits(AuditsEvent::AnswerOpened { auditor, agrees, .. }) if *auditor == self.me && !agrees => {
                worker().audit_differences.inc();
            }
            _ => {}
        }
    }
}

async fn sent(account: Account, call: AuditsCall, stakes: Option<Stakes>) -> Result<Inclusion, SubmitError> {
    let call = Call::Audits(call);
    match stakes {
        Some(stakes) => account.send_in_time(call, Wait::InBlock, stakes).await,
        None => account.send(call, Wait::InBlock).await,
    }
}

/// Whether a call was refused because there is nothing to do any more.
fn is_done_already(error: &SubmitError) -> bool {
    const DONE: [&str; 5] = ["UnknownAudit", "NotAuditor", "AlreadySealed", "AlreadyOpen", "TooLate"];
    DONE.iter().any(|name| error.is("Audits", name)) || matches!(error, SubmitError::AlreadyInPool)
}
