//! The worker's side: requests are checked against the session on chain, executed, answered and paid.
//!
//! [`side`] has the rules, without a clock, a store or the network. [`SessionServer`] drives them: it reads the chain,
//! keeps the journal, hands requests of all sessions to the [`Executor`], and redeems vouchers by [`RedeemPolicy`].

mod exchange;
mod redeem;
pub mod side;
mod upkeep;

pub use redeem::RedeemPolicy;

use crate::{
    chain::{ModelRecord, WorkerChain},
    error::SessionError,
    executor::Executor,
    journal::WorkerJournal,
    key::SessionPair,
    lock,
    message::{Decline, MAX_CARRIED_BYTES},
    request::CheckedRequest,
    seal::SealKey,
    types::{Balance, BlockNumber, H256, ModelVersion, SessionId, SessionRecord, SignedReceipt},
};
use assay_network::session::{RefusalReason, SessionHandler, SessionRefusal, SessionStream};
use assay_ops::tensor::Tensor;
use futures::future::BoxFuture;
use side::{Contract, WorkerState};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Reads of the chain at a time that requests cause.
const MAX_READS: usize = 16;
/// Time after which a client asks again about a session that the chain does not have yet.
const NOT_YET: Duration = Duration::from_secs(1);
/// Bytes that are counted as one, where the bytes at a time are bounded.
const PIECE_BYTES: u64 = 1024;
/// Numbers of sessions that are remembered not to be there.
const MAX_UNKNOWN: usize = 4096;

/// Configuration of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Amount that a client may owe when a request begins. Zero trusts it with one request.
    pub credit: Balance,
    /// When vouchers are redeemed.
    pub redeem: RedeemPolicy,
    /// Bytes of the inputs of a request.
    pub max_input_bytes: u64,
    /// Bytes that deliver an answer.
    pub max_output_bytes: u64,
    /// Bytes of inputs and answers at a time, of all sessions.
    pub max_bytes: u64,
    /// Number of times that one request is begun whose client goes away before the answer.
    pub max_tries: u32,
    /// Requests that are executed at a time, of all sessions.
    pub max_executions: usize,
    /// Time in which a greeting comes, and the next piece of an input.
    pub next_frame: Duration,
    /// Time for which a stream without a request is kept.
    pub idle: Duration,
    /// Time for which a request waits for the one before it in its session.
    pub turn: Duration,
    /// Time after which the chain is read again about a session.
    pub refresh: Duration,
    /// Time between two looks at what is to be redeemed.
    pub look: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            credit: 0,
            redeem: RedeemPolicy::default(),
            max_input_bytes: MAX_CARRIED_BYTES,
            max_output_bytes: MAX_CARRIED_BYTES,
            max_bytes: 512 << 20,
            max_tries: 3,
            max_executions: 256,
            next_frame: Duration::from_secs(10),
            idle: Duration::from_secs(120),
            turn: Duration::from_secs(5),
            refresh: Duration::from_secs(12),
            look: Duration::from_secs(12),
        }
    }
}

/// A request that was answered, as a defence in a dispute needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The receipt.
    pub receipt: SignedReceipt,
    /// Values of the model's symbols that the request declared.
    pub symbols: Vec<u32>,
    /// The inputs that the client gave.
    pub inputs: Vec<Tensor>,
}

/// Serves the sessions of a worker. A clone is another handle.
#[derive(Clone)]
pub struct SessionServer {
    shared: Arc<Shared>,
}

struct Shared {
    config: ServerConfig,
    genesis: H256,
    pairs: Vec<SessionPair>,
    seal: SealKey,
    chain: Arc<dyn WorkerChain>,
    executor: Arc<dyn Executor>,
    journal: WorkerJournal,
    executions: Semaphore,
    /// Bytes that may still be taken at a time, in pieces of [`PIECE_BYTES`].
    bytes: Semaphore,
    reads: Semaphore,
    live: Mutex<HashMap<SessionId, Arc<Live>>>,
    unknown: Mutex<HashMap<SessionId, Instant>>,
    models: Mutex<BTreeMap<ModelVersion, Arc<ModelRecord>>>,
}

/// A session that is being used.
struct Live {
    /// Held while a request is answered.
    state: tokio::sync::Mutex<WorkerState>,
    facts: Mutex<Arc<Facts>>,
}

/// The chain's facts about a session.
struct Facts {
    contract: Contract,
    record: SessionRecord,
    model: Arc<ModelRecord>,
    now: BlockNumber,
    read: Instant,
}

impl SessionServer {
    /// A server that answers for the sessions of these keys. Give it to
    /// [`Node::serve_sessions`](assay_network::Node::serve_sessions), and run [`SessionServer::run`] beside it.
    pub fn new(
        config: ServerConfig,
        pairs: Vec<SessionPair>,
        chain: Arc<dyn WorkerChain>,
        executor: Arc<dyn Executor>,
        journal: WorkerJournal,
    ) -> Result<Self, SessionError> {
        let seal = SealKey::generate().map_err(|error| SessionError::Setup {
            reason: error.to_string(),
        })?;
        let shared = Shared {
            config,
            genesis: chain.genesis(),
            pairs,
            seal,
            chain,
            executor,
            journal,
            executions: Semaphore::new(config.max_executions),
            bytes: Semaphore::new(
                usize::try_from(config.max_bytes.div_ceil(PIECE_BYTES)).unwrap_or(Semaphore::MAX_PERMITS),
            ),
            reads: Semaphore::new(MAX_READS),
            live: Mutex::default(),
            unknown: Mutex::default(),
            models: Mutex::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Redeems what is due and forgets sessions that are over, until it is dropped.
    pub async fn run(&self) {
        let mut looks = tokio::time::interval(self.shared.config.look);
        loop {
            looks.tick().await;
            self.look().await;
        }
    }

    /// Redeems what is due now, and forgets sessions that are over.
    pub async fn look(&self) {
        if let Err(error) = upkeep::look(&self.shared).await {
            tracing::warn!(%error, "does not look after the sessions; tries again later");
        }
    }

    /// A request that was answered, until its session is over.
    pub async fn kept(&self, session: SessionId, sequence: u32) -> Result<Option<Kept>, SessionError> {
        let journal = &self.shared.journal;
        let (receipt, request) = (journal.receipt(session, sequence)?, journal.request(session, sequence)?);
        let Some((receipt, request)) = receipt.zip(request) else {
            return Ok(None);
        };
        let record = self.shared.chain.session(session).await?;
        let record = record.ok_or(SessionError::NoSession(session))?;
        let model = self.shared.model(record.model).await?;
        let checked = CheckedRequest::of_bytes(&model.parts, request.symbols, request.input)?;
        Ok(Some(Kept {
            receipt,
            inputs: checked.inputs(&model.parts)?,
            symbols: checked.symbols,
        }))
    }
}

impl SessionHandler for SessionServer {
    fn serve(&self, stream: SessionStream) -> BoxFuture<'static, ()> {
        let shared = self.shared.clone();
        Box::pin(async move { exchange::serve(&shared, stream).await })
    }
}

impl Shared {
    fn pair(&self, key: &assay_types::SessionKey) -> Option<&SessionPair> {
        self.pairs.iter().find(|pair| pair.public() == *key)
    }

    /// A session and what the chain says of it, not older than the configuration allows.
    async fn live(&self, session: SessionId, must_be_new: bool) -> Result<(Arc<Live>, Arc<Facts>), SessionRefusal> {
        let known = lock(&self.live).get(&session).cloned();
        if let Some(live) = &known {
            let facts = lock(&live.facts).clone();
            if !must_be_new && facts.read.elapsed() < self.config.refresh {
                return Ok((live.clone(), facts));
            }
        }
        if let Some(since) = lock(&self.unknown).get(&session)
            && since.elapsed() < NOT_YET
        {
            return Err(not_yet());
        }
        let facts = match self.read(session).await {
            Ok(Some(facts)) => Arc::new(facts),
            Ok(None) => {
                let mut unknown = lock(&self.unknown);
                if unknown.len() >= MAX_UNKNOWN {
                    unknown.clear();
                }
                unknown.insert(session, Instant::now());
                return Err(not_yet());
            }
            Err(error) => {
                tracing::warn!(%error, session, "cannot read a session");
                return Err(SessionRefusal::for_now(RefusalReason::Failed, NOT_YET));
            }
        };
        let live = match known {
            Some(live) => live,
            None => self.enter(session, &facts)?,
        };
        *lock(&live.facts) = facts.clone();
        Ok((live, facts))
    }

    /// Takes up a session where the journal left it.
    fn enter(&self, session: SessionId, facts: &Arc<Facts>) -> Result<Arc<Live>, SessionRefusal> {
        let kept = self.journal.state(session).map_err(|error| {
            tracing::error!(%error, session, "cannot read the journal");
            SessionRefusal::finally(RefusalReason::Failed)
        })?;
        let state = kept.unwrap_or_else(|| WorkerState::new(facts.contract.budget, self.config.credit));
        let entered = Arc::new(Live {
            state: tokio::sync::Mutex::new(state),
            facts: Mutex::new(facts.clone()),
        });
        // Two streams may come here at once, and the first one to enter is the one that counts.
        Ok(lock(&self.live).entry(session).or_insert(entered).clone())
    }

    /// The chain's facts about a session; `None` if it is not one of this worker's.
    async fn read(&self, session: SessionId) -> Result<Option<Facts>, SessionError> {
        let _permit = self.reads.acquire().await;
        let Some(record) = self.chain.session(session).await? else {
            return Ok(None);
        };
        if self.pair(&record.worker_key).is_none() {
            return Ok(None);
        }
        let now = self.chain.now().await?;
        Ok(Some(Facts {
            contract: Contract::of(self.genesis, session, &record),
            model: self.model(record.model).await?,
            record,
            now,
            read: Instant::now(),
        }))
    }

    /// A model version, which never changes.
    async fn model(&self, version: ModelVersion) -> Result<Arc<ModelRecord>, SessionError> {
        if let Some(known) = lock(&self.models).get(&version) {
            return Ok(known.clone());
        }
        let record = self.chain.model(version).await?.ok_or(SessionError::NoModel)?;
        let record = Arc::new(record);
        lock(&self.models).insert(version, record.clone());
        Ok(record)
    }
}

fn not_yet() -> SessionRefusal {
    let code = Decline::NotOpen as u8;
    SessionRefusal::for_now(RefusalReason::Declined { code }, NOT_YET)
}
