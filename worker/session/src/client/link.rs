//! A session on chain with one worker, and the stream to it.

use super::{Shared, side::ClientState};
use crate::{
    chain::ChainError,
    choose::{Candidate, Preference, choose},
    error::{SessionError, WorkerFault},
    journal::{JournalError, Pending},
    message::Decline,
    seal::Greeting,
    server::side::Contract,
    types::{AccountId, Balance, ModelVersion, OpenRequest, SessionId, SignedVoucher},
    wire::Wire,
};
use assay_network::{
    Multiaddr, PeerId,
    session::{Frame, RefusalReason, SessionRefusal, StreamError},
};
use codec::Encode;
use futures::{FutureExt, future};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

/// Round trip that is assumed of a worker that was not greeted yet.
const ASSUMED: Duration = Duration::from_millis(50);

/// Times that a worker is greeted whose stream breaks before it has said a word.
const GREETINGS: u32 = 6;
/// Time before the second greeting; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Longest time for which a session that is closed waits until its worker has kept the last voucher.
const KEPT_WITHIN: Duration = Duration::from_secs(3);

/// A voucher that is being kept, and is given once it is on disk.
pub(super) type Promise = future::Shared<future::BoxFuture<'static, Result<SignedVoucher, JournalError>>>;

/// A session on chain with one worker.
pub(super) struct Link {
    pub(super) contract: Contract,
    pub(super) state: ClientState,
    /// The latest voucher, as it was signed, once it is kept.
    voucher: Option<SignedVoucher>,
    /// The voucher that is being kept: it takes the place of the latest one.
    promise: Option<Promise>,
    /// Whether the latest voucher was sent.
    is_sent: bool,
    /// The stream, between exchanges that went well.
    pub(super) wire: Option<Wire>,
    /// Whether an exchange has begun and not ended: it was broken off if the next one finds it so.
    pub(super) is_asking: bool,
    peer: PeerId,
    addresses: Vec<Multiaddr>,
}

impl Link {
    /// Opens a session with the worker that suits best and answers. A worker is greeted before money is held.
    pub async fn open(
        shared: &Shared,
        model: ModelVersion,
        left: Balance,
        units: u64,
        out: &HashSet<AccountId>,
    ) -> Result<Self, SessionError> {
        let mut candidates = shared.chain.candidates(model).await?;
        for candidate in &mut candidates {
            let past = shared.past(&candidate.worker);
            candidate.record.good = candidate.record.good.saturating_add(past.good);
            candidate.record.faults = candidate.record.faults.saturating_add(past.faults);
            candidate.latency = past.latency.or(candidate.latency);
        }
        let preference = Preference {
            budget: left,
            units,
            per_ms: shared.config.per_ms,
            assumed: ASSUMED,
        };
        let (mut out, mut tried) = (out.clone(), Vec::new());
        loop {
            let is_out = |worker: &AccountId| out.contains(worker) || shared.past(worker).is_out;
            let Some(candidate) = choose(&candidates, &preference, is_out) else {
                return Err(SessionError::NoWorker {
                    tried: tried.join("; "),
                });
            };
            let worker = candidate.worker.clone();
            match Self::open_with(shared, model, left, candidate).await {
                Ok(link) => return Ok(link),
                Err(Unopened::Next(reason)) => {
                    tracing::debug!(%worker, %reason, "opens no session with a worker");
                    tried.push(format!("{worker}: {reason}"));
                    out.insert(worker);
                }
                Err(Unopened::Never(error)) => return Err(error),
            }
        }
    }

    async fn open_with(
        shared: &Shared,
        model: ModelVersion,
        left: Balance,
        candidate: &Candidate,
    ) -> Result<Self, Unopened> {
        let never = |error: ChainError| Unopened::Never(error.into());
        let Candidate {
            worker,
            peer,
            addresses,
            offer,
            ..
        } = candidate;
        let budget = candidate.budget(left);
        let budget = budget.ok_or_else(|| Unopened::Next("it takes no such budget".to_owned()))?;
        let wire = greet(shared, *peer, addresses, &offer.key).await;
        let (wire, latency) = wire.map_err(|fault| Unopened::Next(fault.to_string()))?;
        shared.note(worker, |past| past.latency = Some(latency));
        let request = OpenRequest {
            worker: worker.clone(),
            model,
            budget,
            blocks: shared.config.blocks.min(offer.terms.max_blocks),
            terms: offer.terms,
            worker_key: offer.key.clone(),
            client_key: shared.pair.public(),
        };
        let session = match shared.chain.open(request).await {
            Ok(session) => session,
            // Its offer has changed or is full: others may be had.
            Err(ChainError::Refused { reason }) => return Err(Unopened::Next(reason)),
            Err(error) => return Err(never(error)),
        };
        let record = shared.chain.session(session).await.map_err(never)?;
        let record = record.ok_or(Unopened::Never(SessionError::NoSession(session)))?;
        let contract = Contract::of(shared.genesis, session, &record);
        let state = ClientState::new(&contract, peer.to_bytes());
        let kept = shared.journal.begin(session, &state).await;
        kept.map_err(|error| Unopened::Never(error.into()))?;
        tracing::info!(session, %worker, budget, "opened a session");
        Ok(Self {
            contract,
            state,
            voucher: None,
            promise: None,
            is_sent: true,
            wire: Some(wire),
            is_asking: false,
            peer: *peer,
            addresses: addresses.clone(),
        })
    }

    /// Takes up a session from what the journal has of it.
    pub async fn resume(shared: &Shared, session: SessionId, state: ClientState) -> Result<Self, SessionError> {
        let record = shared.chain.session(session).await?;
        let record = record.filter(|record| record.client_key == shared.pair.public());
        let record = record.ok_or(SessionError::NoSession(session))?;
        let contract = Contract::of(shared.genesis, session, &record);
        let candidates = shared.chain.candidates(state.model).await?;
        let candidate = candidates
            .into_iter()
            .find(|candidate| candidate.worker == state.worker);
        let (peer, addresses) = match candidate {
            Some(candidate) => (candidate.peer, candidate.addresses),
            None => {
                let peer = PeerId::from_bytes(&state.peer).map_err(|_| SessionError::NoSession(session))?;
                (peer, Vec::new())
            }
        };
        Ok(Self {
            state: state.with_budget(contract.budget),
            contract,
            voucher: None,
            promise: None,
            is_sent: false,
            wire: None,
            is_asking: false,
            peer,
            addresses,
        })
    }

    /// The number of the session on chain.
    pub fn session(&self) -> SessionId {
        self.contract.place.session
    }

    /// The worker.
    pub fn worker(&self) -> &AccountId {
        &self.contract.worker
    }

    /// The budget of the session on chain.
    pub fn budget(&self) -> Balance {
        self.contract.budget
    }

    /// Amount that was promised in it.
    pub fn promised(&self) -> Balance {
        self.state.payer.signed
    }

    /// Adds to the budget.
    pub async fn top_up(&mut self, shared: &Shared, amount: Balance) -> Result<(), SessionError> {
        let session = self.session();
        shared.chain.top_up(session, amount).await?;
        let record = shared.chain.session(session).await?;
        self.contract.budget = record.ok_or(SessionError::NoSession(session))?.account.budget;
        let state = self.state.clone().with_budget(self.contract.budget);
        shared.journal.begin(session, &state).await?;
        self.state = state;
        Ok(())
    }

    /// Ends the session for its worker's fault. Its latest voucher went to it soon after the answer, or with the
    /// request that failed.
    pub async fn give_up(self, shared: &Shared) -> Result<(), SessionError> {
        shared.note(self.worker(), |past| past.faults = past.faults.saturating_add(1));
        let session = self.session();
        shared.journal.keep(session, self.state.end()).await?;
        let chain = shared.chain.clone();
        // Nobody waits for it. If it fails, the session ends when its time is over.
        tokio::spawn(async move {
            if let Err(error) = chain.close(session).await {
                tracing::warn!(session, %error, "does not close a session");
            }
        });
        Ok(())
    }

    /// Closes the session in peace: the worker gets the latest voucher before.
    pub async fn close(mut self, shared: &Shared) -> Result<(), SessionError> {
        let session = self.session();
        if let Some(voucher) = self.latest_voucher(shared).await? {
            let sent = async {
                let mut wire = self.connect(shared).await?;
                let sent = wire.send(Frame::Voucher, &voucher.encode()).await;
                sent.map_err(|_| WorkerFault::Ended)?;
                wire.writer.close().await?;
                // The worker ends the stream once it has kept the voucher. Closed before that, the session would be
                // redeemed twice. What it says or does not say changes nothing else.
                let _ = wire.receive(KEPT_WITHIN).await;
                Ok::<(), WorkerFault>(())
            };
            if let Err(fault) = sent.await {
                tracing::debug!(session, %fault, "closes a session without its last voucher");
            }
        }
        shared.journal.keep(session, self.state.end()).await?;
        Ok(shared.chain.close(session).await?)
    }

    /// The latest voucher, once it is kept; `None` if nothing was promised.
    pub(super) async fn latest_voucher(&mut self, shared: &Shared) -> Result<Option<SignedVoucher>, JournalError> {
        if let Some(promise) = self.promise.clone() {
            // It stays if this is dropped meanwhile, and if it was not kept: no other is signed in its place.
            self.voucher = Some(promise.await?);
            self.promise = None;
        } else if self.voucher.is_none() {
            self.voucher = self.state.voucher(&self.contract, &shared.pair);
        }
        Ok(self.voucher.clone())
    }

    /// Takes the voucher for an answer, which is being kept.
    pub(super) fn promise(&mut self, pending: Pending<SignedVoucher>) -> Promise {
        self.is_sent = false;
        self.promise.insert(pending.wait().boxed().shared()).clone()
    }

    /// The voucher that is to be sent on its own, unless it goes with the next request before.
    pub(super) fn unsent(&self) -> Option<Promise> {
        self.promise.clone().filter(|_| !self.is_sent)
    }

    /// Notes that the latest voucher was sent with a request.
    pub(super) fn note_sent(&mut self) {
        self.is_sent = true;
    }

    /// Sends a voucher that is kept, if it is the latest and has not gone with a request.
    pub(super) async fn tell(&mut self, voucher: &SignedVoucher) {
        let is_latest = voucher.message.session == self.session() && voucher.message.owed == self.promised();
        if self.is_sent || self.is_asking || !is_latest {
            return;
        }
        // It is lost where there is no stream, and goes with the next request.
        if let Some(mut wire) = self.wire.take()
            && wire.send(Frame::Voucher, &voucher.encode()).await.is_ok()
        {
            self.wire = Some(wire);
            self.is_sent = true;
        }
    }

    /// Reads the state anew after an exchange that was broken off: the journal knows how far it was.
    pub(super) async fn reload(&mut self, shared: &Shared) -> Result<(), JournalError> {
        self.wire = None;
        // What the broken exchange has handed over is on disk before it is read.
        shared.journal.settle().await?;
        if let Some(state) = shared.journal.state(self.session())? {
            self.state = state.with_budget(self.contract.budget);
        }
        (self.voucher, self.promise) = (None, None);
        Ok(())
    }

    /// The stream of the exchange before, or a new one.
    pub(super) async fn connect(&mut self, shared: &Shared) -> Result<Wire, WorkerFault> {
        if let Some(wire) = self.wire.take() {
            return Ok(wire);
        }
        let (wire, latency) = greet(shared, self.peer, &self.addresses, &self.contract.worker_key).await?;
        shared.note(&self.contract.worker, |past| past.latency = Some(latency));
        Ok(wire)
    }
}

/// Why no session was opened with a worker.
enum Unopened {
    /// Another one may be had.
    Next(String),
    /// No other one will be.
    Never(SessionError),
}

/// Opens a stream to the worker that has this key, and measures its round trip.
///
/// Streams that reach a peer faster than it takes them are dropped before a word is said, as libp2p's handler of
/// streams does it: they are opened again after a while.
async fn greet(
    shared: &Shared,
    peer: PeerId,
    addresses: &[Multiaddr],
    key: &assay_types::SessionKey,
) -> Result<(Wire, Duration), WorkerFault> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..GREETINGS {
        match greet_once(shared, peer, addresses, key).await {
            Err(WorkerFault::Stream(StreamError::Broken { .. })) => tokio::time::sleep(pause).await,
            greeted => return greeted,
        }
        pause *= 2;
    }
    greet_once(shared, peer, addresses, key).await
}

async fn greet_once(
    shared: &Shared,
    peer: PeerId,
    addresses: &[Multiaddr],
    key: &assay_types::SessionKey,
) -> Result<(Wire, Duration), WorkerFault> {
    if !addresses.is_empty() {
        shared.node.connect(peer, addresses.to_vec()).await?;
    }
    let mut stream = shared.node.open_session(peer).await?;
    let start = Instant::now();
    let (greeting, hello) = Greeting::new(key).map_err(|_| WorkerFault::Key)?;
    stream.send(&Frame::Hello(hello)).await?;
    let welcome = match stream.receive(shared.config.reach).await? {
        Some(Frame::Welcome(welcome)) => welcome,
        Some(Frame::Refused(refusal)) => return Err(refused(&refusal)),
        Some(other) => return Err(WorkerFault::Unexpected(other.kind())),
        None => return Err(ended()),
    };
    let latency = start.elapsed();
    let sealed = greeting.finish(&welcome, key).map_err(|_| WorkerFault::Key)?;
    let (reader, writer) = stream.split();
    let wire = Wire { reader, writer, sealed };
    Ok((wire, latency))
}

/// The fault that a refusal names.
pub(super) fn refused(refusal: &SessionRefusal) -> WorkerFault {
    match refusal.reason {
        RefusalReason::Declined { code } => WorkerFault::Declined(Decline::from_code(code)),
        reason => WorkerFault::Refused(reason),
    }
}

/// The end of a stream where more had to come.
pub(super) fn ended() -> WorkerFault {
    WorkerFault::Stream(StreamError::Broken {
        reason: "the worker has ended the stream".to_owned(),
    })
}
