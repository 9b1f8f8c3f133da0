//! The client's side: a session that asks, verifies, pays, checks, and goes on with another worker where one fails.
//!
//! [`side`] has the rules, without a clock, a store or the network. A [`Session`] drives them with one worker at a
//! time. A request is asked again of the same worker where the way to it broke, and of another one where the worker
//! refuses, stalls, or sends what is not right. Nothing is promised for a request whose answer is not here in full, so
//! a request that was asked twice is paid once.

mod checks;
mod exchange;
mod link;
mod sampler;
mod session;
pub mod side;

pub use sampler::{Sampler, WHOLE_SHARE};
pub use session::{Answer, Generation, Piece, Session};

use crate::{
    chain::{ClientChain, ModelRecord},
    check::Checker,
    error::SessionError,
    journal::{ClientJournal, KeptCase},
    key::SessionPair,
    lock,
    message::MAX_CARRIED_BYTES,
    types::{AccountId, BlockNumber, H256, ModelVersion, SessionId},
};
use assay_network::Node;
use assay_types::session::SessionPhase;
use side::ClientState;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;

/// Configuration of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// Share of the receipts that are checked, in hundredths of a percent ([`WHOLE_SHARE`] is all of them).
    pub share: u32,
    /// Blocks for which a session is opened, or less by the offer.
    pub blocks: BlockNumber,
    /// Value of a request that takes 1 ms less, in hundredths of a percent of its price.
    pub per_ms: u32,
    /// Time in which a worker is reached and greets.
    pub reach: Duration,
    /// Time in which the next piece of an answer comes, the first one included.
    pub next_piece: Duration,
    /// Number of times that a request is asked of one worker before another one is asked.
    pub max_asked: u32,
    /// Workers that are tried for one request.
    pub max_workers: u32,
    /// Time that a worker may ask us to wait before another one is asked.
    pub max_wait: Duration,
    /// Bytes of an input that are sent. A larger one is refused before it is asked.
    pub max_input_bytes: u64,
    /// Bytes of an answer that are taken. A request that may have a larger one is refused before it is asked.
    pub max_answer_bytes: u64,
    /// Time between two looks at the checks that are due.
    pub look: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            share: 200,
            blocks: 600,
            per_ms: 10,
            reach: Duration::from_secs(15),
            next_piece: Duration::from_secs(60),
            max_asked: 4,
            max_workers: 4,
            max_wait: Duration::from_secs(5),
            max_input_bytes: MAX_CARRIED_BYTES,
            max_answer_bytes: MAX_CARRIED_BYTES,
            look: Duration::from_secs(30),
        }
    }
}

/// State that the sessions of a client share. A clone is another handle.
#[derive(Clone)]
pub struct Sessions {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    config: ClientConfig,
    genesis: H256,
    node: Node,
    chain: Arc<dyn ClientChain>,
    pair: SessionPair,
    journal: ClientJournal,
    checker: Option<Arc<dyn Checker>>,
    sampler: Mutex<Sampler>,
    /// Deeds of workers to us since the start.
    past: Mutex<HashMap<AccountId, Past>>,
    /// Told when a receipt was drawn.
    drawn: Notify,
}

/// Deeds of a worker to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Past {
    /// Requests that it answered.
    good: u64,
    /// Sessions that were given up for its faults.
    faults: u64,
    /// Whether a receipt of it was found to be wrong: it is not asked again.
    is_out: bool,
    /// Whether a receipt of it was challenged.
    is_challenged: bool,
    /// Time of its latest greeting.
    latency: Option<Duration>,
}

impl Sessions {
    /// The sessions of this client.
    ///
    /// `pair` signs requests and vouchers, and need not be an account's. `seed` decides which receipts are checked: it
    /// is secret, and the same after a restart. Without a checker nothing is checked. Run [`Sessions::run`] beside it.
    pub fn new(
        config: ClientConfig,
        node: Node,
        chain: Arc<dyn ClientChain>,
        keys: (SessionPair, [u8; 32]),
        journal: ClientJournal,
        checker: Option<Arc<dyn Checker>>,
    ) -> Self {
        let (pair, seed) = keys;
        let share = if checker.is_some() { config.share } else { 0 };
        let shared = Shared {
            config,
            genesis: chain.genesis(),
            node,
            chain,
            pair,
            journal,
            checker,
            sampler: Mutex::new(Sampler::new(seed, share)),
            past: Mutex::default(),
            drawn: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Checks the receipts that were drawn, and brings wrong ones to the chain, until it is dropped.
    pub async fn run(&self) {
        checks::run(&self.shared).await;
    }

    /// Checks the receipts that were drawn so far, and brings wrong ones to the chain; returns how many are left, since
    /// neither the checker nor the chain could be asked.
    pub async fn check(&self) -> Result<usize, SessionError> {
        checks::look(&self.shared).await
    }

    /// The parts of a model version.
    pub(crate) async fn parts(&self, version: ModelVersion) -> Result<assay_types::ModelParts, SessionError> {
        Ok(self.shared.model(version).await?.parts)
    }

    /// Brings a receipt to the chain that an execution has found to be wrong, now or as soon as the chain answers.
    pub(crate) async fn bring(&self, wrong: KeptCase) -> Result<(), SessionError> {
        let key = (wrong.receipt.message.session, wrong.receipt.message.sequence);
        self.shared.journal.keep_checked(key, Some(&wrong)).await?;
        checks::look(&self.shared).await.map(|_| ())
    }

    /// Closes sessions on chain that were given up and are still open there, and forgets those of which the chain has
    /// nothing any more: none of their receipts can be challenged.
    pub async fn clear(&self) -> Result<(), SessionError> {
        let shared = &self.shared;
        let over = shared.journal.states()?.into_iter().filter(|(_, state)| state.is_over);
        for (session, _) in over {
            let record = shared.chain.session(session).await?;
            match record.map(|record| record.state.phase()) {
                None => shared.journal.forget(session).await?,
                // Whoever gave it up may have been killed before the chain heard of it.
                Some(SessionPhase::Open) => shared.chain.close(session).await?,
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The sessions that the journal has: those that go on can be taken up with [`Session::resume`].
    pub fn kept(&self) -> Result<Vec<(SessionId, ClientState)>, SessionError> {
        Ok(self.shared.journal.states()?)
    }
}

impl Shared {
    async fn model(&self, version: ModelVersion) -> Result<ModelRecord, SessionError> {
        self.chain.model(version).await?.ok_or(SessionError::NoModel)
    }

    fn note(&self, worker: &AccountId, change: impl FnOnce(&mut Past)) {
        change(lock(&self.past).entry(worker.clone()).or_default());
    }

    fn past(&self, worker: &AccountId) -> Past {
        lock(&self.past).get(worker).copied().unwrap_or_default()
    }
}
