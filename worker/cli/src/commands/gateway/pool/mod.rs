//! Sessions that are open: opened, topped up, replaced and closed as requests come, within what they may hold together.

mod embedding;
mod generation;
mod receipts;

pub(super) use generation::finish;

use super::catalogue::Known;
use crate::commands::{
    checks::{OwnSessions, Place, ReceiptCheckArgs, close_those_left},
    visitor::Visitor,
};
use assay_client::chain::{Account, Balance, BlockNumber, Client, Key};
use assay_gateway::backend::{BackendError, GenerateRequest, Generation, Stop};
use assay_session::{
    Answer, Session, SessionChain, SessionError,
    request::{CheckedRequest, delivery},
};
use assay_types::ModelVersion;
use generation::Order;
use receipts::Receipts;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    path::Path,
    sync::{Arc, Mutex as SyncMutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

/// Longest wait for a session where as many are in use as may be open.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two looks at the sessions whose time passes.
const LOOK: Duration = Duration::from_secs(6);
/// Blocks before its end at which a session is closed rather than used.
const MARGIN_BLOCKS: BlockNumber = 20;

/// Limits of the gateway's sessions.
pub(super) struct Limits {
    /// Budget of each session that is opened, and of each top-up.
    pub budget: Balance,
    /// Maximum number of sessions that are open at a time.
    pub sessions: usize,
}

/// Sessions by model; each answers one request at a time. Clones are handles of the same ones.
#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    own: OwnSessions,
    budget: Balance,
    idle: Mutex<BTreeMap<ModelVersion, Vec<Held>>>,
    /// Sessions that may still be opened.
    places: Arc<Semaphore>,
    /// Told when a session is idle, or a place free.
    freed: Notify,
    receipts: SyncMutex<Receipts>,
    /// The place in the workers' network, for as long as sessions are asked.
    _visitor: Visitor,
}

/// A session that is open.
struct Held {
    session: Session,
    /// The block from which on it is not used any more.
    until: BlockNumber,
    place: OwnedSemaphorePermit,
}

impl Pool {
    /// A pool of this account.
    pub fn open(
        (client, account, key): (&Client, &Account, &Key),
        visitor: Visitor,
        (folder, models_dir): (&Path, &Path),
        limits: &Limits,
        checks: &ReceiptCheckArgs,
    ) -> anyhow::Result<Self> {
        let own = checks.sessions(Place {
            client,
            account,
            key,
            node: visitor.network.node(),
            folder,
            models_dir,
            roots: None,
            budget: limits.budget,
        })?;
        Ok(Self(Arc::new(Shared {
            own,
            budget: limits.budget,
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(limits.sessions)),
            freed: Notify::new(),
            receipts: SyncMutex::default(),
            _visitor: visitor,
        })))
    }

    /// Closes what an earlier run has left open, such as one that was killed: requests that were open are asked again
    /// by nobody, and what was promised is paid.
    pub async fn recover(&self) {
        close_those_left(&self.0.own.sessions).await;
        self.0.own.close_second().await;
    }

    /// Checks receipts, plays the disputes about wrong ones, and closes sessions whose time passes, for as long as it
    /// is polled.
    pub async fn look_after(&self) -> Infallible {
        let closing = async {
            loop {
                sleep(LOOK).await;
                self.close_expiring().await;
            }
        };
        tokio::select! {
            never = self.0.own.look_after() => never,
            never = closing => never,
        }
    }

    /// Begins a generation. A worker that was asked is paid for the whole answer, so that a stop comes too late to save
    /// anything: the answer is waited for, and is what is owed.
    pub async fn generate(
        &self,
        known: Arc<Known>,
        request: GenerateRequest,
        stop: Stop,
    ) -> Result<Generation, BackendError> {
        let version = known.model.version;
        let (order, events) = Order::new(known, request, stop)?;
        order.begin(self.clone(), self.take(version).await?);
        Ok(events)
    }

    /// Closes what is open: the workers bring their vouchers, and the rest of the budgets comes back.
    pub async fn close(&self) {
        let idle = std::mem::take(&mut *self.0.idle.lock().await);
        for held in idle.into_values().flatten() {
            self.put_away(held).await;
        }
        self.0.own.close_second().await;
        self.0.own.warn_of_challenges();
    }

    /// The receipt of this name, if an answer of this run had it and it is still remembered.
    pub fn receipt(&self, name: &str) -> Option<Value> {
        self.receipts().get(name)
    }

    /// Remembers the receipt of an answer to this request; gives its name.
    async fn remember(&self, known: &Known, request: &CheckedRequest, answer: &Answer) -> String {
        let session = answer.receipt.message.session;
        let is_known = self.receipts().key(session).is_some();
        if !is_known && let Some(record) = self.0.own.chain.session(session).await.ok().flatten() {
            self.receipts().keep_key(session, record.worker_key);
        }
        let output = delivery(&known.model.record.parts, &answer.outputs);
        self.receipts().keep(answer, request, &output)
    }

    fn receipts(&self) -> MutexGuard<'_, Receipts> {
        self.0.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of these receipts together.
    pub fn bundle(&self, names: Vec<String>) -> String {
        self.receipts().bundle(names)
    }

    /// A session on this model: an idle one, a new one, or the next that is put back.
    async fn take(&self, version: ModelVersion) -> Result<Held, BackendError> {
        let taken = timeout(PATIENCE, async {
            loop {
                let freed = self.0.freed.notified();
                if let Some(held) = self.idle(version).await {
                    return Ok(held);
                }
                if let Ok(place) = self.0.places.clone().try_acquire_owned() {
                    return self.open_one(version, place).await;
                }
                match self.idle_of_another(version).await {
                    Some(other) => self.put_away(other).await,
                    None => freed.await,
                }
            }
        });
        taken.await.unwrap_or_else(|_| {
            Err(BackendError::Unavailable {
                reason: "every session that may be open is in use; --max-sessions says how many".to_owned(),
                retry_after: 5,
            })
        })
    }

    async fn idle(&self, version: ModelVersion) -> Option<Held> {
        self.0.idle.lock().await.get_mut(&version)?.pop()
    }

    async fn idle_of_another(&self, version: ModelVersion) -> Option<Held> {
        let mut idle = self.0.idle.lock().await;
        let mut others = idle.iter_mut().filter(|(of, _)| **of != version);
        others.find_map(|(_, held)| held.pop())
    }

    async fn open_one(&self, version: ModelVersion, place: OwnedSemaphorePermit) -> Result<Held, BackendError> {
        let opened = Session::open(&self.0.own.sessions, version, self.0.budget).await;
        let session = match opened {
            Ok(session) => session,
            Err(error) => {
                drop(place);
                self.0.freed.notify_one();
                return Err(refused(error));
            }
        };
        Ok(Held {
            until: self.last_block(&session).await,
            session,
            place,
        })
    }

    /// The block from which on a session is not used; unknown ones are used until a worker declines.
    async fn last_block(&self, session: &Session) -> BlockNumber {
        let Some(number) = session.number().await else {
            return BlockNumber::MAX;
        };
        let record = self.0.own.chain.session(number).await.ok().flatten();
        let until = record.and_then(|record| record.state.until());
        until.map_or(BlockNumber::MAX, |until| until.saturating_sub(MARGIN_BLOCKS))
    }

    /// Adds to the budget of a session that does not cover a request of this price; whether it does now.
    async fn top_up(&self, session: &Session, price: Balance) -> bool {
        let amount = self.0.budget.max(price);
        match session.top_up(amount).await {
            Ok(()) => true,
            Err(error) => {
                tracing::info!(%error, "a session's budget is used up and not added to; another one is opened");
                false
            }
        }
    }

    /// A session that covers a request of this price: this one with more budget, or once a new one.
    async fn cover(
        &self,
        version: ModelVersion,
        held: Held,
        price: Balance,
        is_new: &mut bool,
    ) -> Result<Held, BackendError> {
        if self.top_up(&held.session, price).await {
            return Ok(held);
        }
        self.put_away(held).await;
        if std::mem::replace(is_new, true) {
            let reason = format!("no session has a budget of {price}: the gateway's --session-budget is too small");
            return Err(BackendError::Unavailable {
                reason,
                retry_after: 60,
            });
        }
        self.take(version).await
    }

    /// Puts a session back that has answered.
    async fn put_back(&self, version: ModelVersion, held: Held) {
        self.0.idle.lock().await.entry(version).or_default().push(held);
        self.0.freed.notify_one();
    }

    async fn put_away(&self, held: Held) {
        let Held { session, place, .. } = held;
        if let Err(error) = session.close().await {
            tracing::warn!(%error, "a session is not closed; its time closes it");
        }
        drop(place);
        self.0.freed.notify_one();
    }

    async fn close_expiring(&self) {
        let now = match self.0.own.chain.now().await {
            Ok(now) => now,
            Err(error) => return tracing::warn!(%error, "whether sessions end is not known"),
        };
        let mut expiring = Vec::new();
        for held in self.0.idle.lock().await.values_mut() {
            expiring.extend(held.extract_if(.., |held| held.until <= now));
        }
        for held in expiring {
            self.put_away(held).await;
        }
    }
}

/// Why a request was not answered, for applications.
fn refused(error: SessionError) -> BackendError {
    let reason = error.to_string();
    match error {
        SessionError::Request(_) => BackendError::Unfit { field: None, reason },
        SessionError::Budget { .. } | SessionError::NoWorker { .. } | SessionError::Chain(_) => {
            BackendError::Unavailable {
                reason,
                retry_after: 10,
            }
        }
        _ => BackendError::Failed(reason),
    }
}
