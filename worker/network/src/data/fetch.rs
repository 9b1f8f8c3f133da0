//! Fetching a plan from several providers at once.
//!
//! A fetch asks the peers that it is told of, and then those that kademlia knows. Each provider has a few streams, all
//! of which take windows from one board; verified windows go to one thread that writes them. A provider with a fault is
//! dropped for a time, and its windows go to others. Dropping the future stops everything; what was verified by then
//! is written.

use super::{
    board::{Board, Claims},
    partial::{Partial, Sink},
    plan::Plan,
    provider::{self, Ended, Verified},
    wire::Refusal,
};
use crate::{
    counters::{Tally, add},
    error::{Fault, NetworkError},
    node::Peers,
};
use assay_ops::tensor::Digest;
use futures::{AsyncWriteExt, future::join_all};
use libp2p::PeerId;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinHandle, JoinSet, spawn_blocking},
};

/// Providers that are asked at a time.
const MAX_PROVIDERS: usize = 8;
/// Streams to each of them: while one verifies, the other is being filled.
const STREAMS: usize = 2;
/// Windows that wait for being written.
const MAX_WAITING: usize = 8;
/// Searches for providers before a fetch gives up, and the time between two of them.
const MAX_SEARCHES: u32 = 3;
const BETWEEN_SEARCHES: Duration = Duration::from_secs(2);
/// Times that a busy provider is asked again, and the time between two of them.
const MAX_BUSY: u32 = 10;
const BUSY_FOR: Duration = Duration::from_millis(500);
/// Streams of one provider that may be cut off in an answer: a connection ends, or a relay's bound is reached.
const MAX_CUTS: u32 = 4;

/// Whom a fetch asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Peers that are known to provide it. The node must know their addresses, or be connected.
    pub peers: Vec<PeerId>,
    /// Digest whose providers kademlia is asked for, beside the digest that is fetched.
    pub search: Option<Digest>,
}

/// A plan on its way.
struct Fetch<'a> {
    peers: &'a Peers,
    plan: Arc<Plan>,
    board: Arc<Board>,
    verified: mpsc::Sender<Verified>,
    streams: JoinSet<(PeerId, Result<(), Ended>)>,
    handles: Vec<(PeerId, AbortHandle)>,
    candidates: VecDeque<PeerId>,
    known: HashSet<PeerId>,
    busy: HashMap<PeerId, u32>,
    cuts: HashMap<PeerId, u32>,
    tried: HashMap<PeerId, String>,
}

/// Fetches a plan into a file, going on with what is there from before.
pub(crate) async fn into_file(peers: &Peers, plan: Plan, path: &Path, sources: &Sources) -> Result<(), NetworkError> {
    let (opened_plan, opened_path) = (plan.clone(), path.to_owned());
    let opened = blocking(move || Partial::open(&opened_path, &opened_plan)).await?;
    let (partial, finished) = opened?;
    let sink = Sink::File(Box::new(partial));
    match run(peers, plan, sink, &finished, path.to_owned(), sources).await? {
        Sink::File(partial) => blocking(move || partial.finish()).await?,
        Sink::Memory(_) => Ok(()),
    }
}

/// Fetches a plan into memory.
pub(crate) async fn into_memory(peers: &Peers, plan: Plan, sources: &Sources) -> Result<Vec<u8>, NetworkError> {
    let size = usize::try_from(plan.file_bytes).map_err(|_| NetworkError::Shape)?;
    let sink = Sink::Memory(vec![0; size]);
    match run(peers, plan, sink, &[], PathBuf::new(), sources).await? {
        Sink::Memory(bytes) => Ok(bytes),
        Sink::File(_) => Ok(Vec::new()),
    }
}

async fn run(
    peers: &Peers,
    plan: Plan,
    sink: Sink,
    finished: &[u32],
    path: PathBuf,
    sources: &Sources,
) -> Result<Sink, NetworkError> {
    let (verified, waiting) = mpsc::channel(MAX_WAITING);
    let plan = Arc::new(plan);
    let board = Board::new(plan.windows.len(), finished);
    let writer = write_all(sink, plan.clone(), waiting, peers.tally.clone());
    let mut fetch = Fetch {
        peers,
        plan,
        board,
        verified,
        streams: JoinSet::new(),
        handles: Vec::new(),
        candidates: VecDeque::new(),
        known: HashSet::new(),
        busy: HashMap::new(),
        cuts: HashMap::new(),
        tried: HashMap::new(),
    };
    let fetched = fetch.all(sources).await;
    // The writer ends when nobody can send to it any more.
    drop(fetch);
    let written = writer.await.map_err(|_| NetworkError::Stopped)?;
    let sink = written.map_err(|error| NetworkError::of_file(&path, error))?;
    fetched.map(|()| sink)
}

fn write_all(
    mut sink: Sink,
    plan: Arc<Plan>,
    mut waiting: mpsc::Receiver<Verified>,
    tally: Arc<Tally>,
) -> JoinHandle<io::Result<Sink>> {
    spawn_blocking(move || {
        while let Some(Verified { index, bytes }) = waiting.blocking_recv() {
            sink.write(index, &plan.windows[index as usize], &bytes)?;
            add(&tally.received_bytes, bytes.len() as u64);
        }
        sink.commit()?;
        Ok(sink)
    })
}

impl Fetch<'_> {
    async fn all(&mut self, sources: &Sources) -> Result<(), NetworkError> {
        let keys = self.keys(sources);
        self.consider(sources.peers.iter().copied());
        let mut searches = 0;
        while !self.board.is_done() {
            self.start_streams();
            if self.streams.is_empty() {
                if searches == MAX_SEARCHES {
                    return Err(self.unavailable(keys.first()));
                }
                if searches > 0 {
                    tokio::time::sleep(BETWEEN_SEARCHES).await;
                }
                searches += 1;
                self.consider(search(self.peers, &keys).await?);
                continue;
            }
            // One provider may be slow, so others are looked for while it delivers.
            let looks = searches == 0 && self.known.len() < MAX_PROVIDERS;
            tokio::select! {
                ended = self.streams.join_next() => {
                    if let Some(Ok((peer, result))) = ended {
                        self.on_end(peer, result)?;
                    }
                }
                found = search(self.peers, &keys), if looks => {
                    searches = 1;
                    self.consider(found?);
                }
            }
        }
        Ok(())
    }

    /// Whose providers are looked for: of what was named, and of the plan's only tensor.
    fn keys(&self, sources: &Sources) -> Vec<Digest> {
        let mut keys: Vec<Digest> = sources.search.into_iter().collect();
        let first = self.plan.windows.first().map(|window| window.digest);
        if let Some(only) = first.filter(|digest| self.plan.windows.iter().all(|window| window.digest == *digest)) {
            keys.push(only);
        }
        keys
    }

    /// Notes peers as candidates, unless they were before.
    fn consider(&mut self, peers: impl IntoIterator<Item = PeerId>) {
        for peer in peers {
            if peer == self.peers.own || !self.known.insert(peer) {
                continue;
            }
            match self.peers.standing.is_good(&peer, Instant::now()) {
                true => self.candidates.push_back(peer),
                false => {
                    self.tried.insert(peer, "it is dropped for a time".to_owned());
                }
            }
        }
    }

    fn start_streams(&mut self) {
        self.handles.retain(|(_, handle)| !handle.is_finished());
        while self.streams.len() + STREAMS <= MAX_PROVIDERS * STREAMS {
            let Some(peer) = self.candidates.pop_front() else {
                return;
            };
            for _ in 0..STREAMS {
                self.start_stream(peer, Duration::ZERO);
            }
        }
    }

    fn start_stream(&mut self, peer: PeerId, wait: Duration) {
        let (peers, plan, board) = (self.peers.clone(), self.plan.clone(), self.board.clone());
        let verified = self.verified.clone();
        let handle = self.streams.spawn(async move {
            tokio::time::sleep(wait).await;
            (peer, fetch_from(&peers, peer, &plan, board, verified).await)
        });
        self.handles.push((peer, handle));
    }

    fn on_end(&mut self, peer: PeerId, result: Result<(), Ended>) -> Result<(), NetworkError> {
        match result {
            Ok(()) => {}
            // The writer has failed, and says why.
            Err(Ended::Unwanted) => return Err(NetworkError::Stopped),
            Err(Ended::Refused(Refusal::Busy) | Ended::Busy) => {
                let times = self.busy.entry(peer).or_default();
                *times += 1;
                if *times <= MAX_BUSY {
                    let wait = BUSY_FOR * *times;
                    self.start_stream(peer, wait);
                } else {
                    self.tried.insert(peer, Refusal::Busy.to_string());
                }
            }
            Err(Ended::Refused(refusal)) => {
                self.tried.insert(peer, refusal.to_string());
            }
            Err(Ended::Unreachable(reason)) => {
                self.tried.insert(peer, reason);
            }
            Err(Ended::Fault(Fault::Closed)) if self.is_forgiven(peer) => self.start_stream(peer, BUSY_FOR),
            Err(Ended::Fault(fault)) => {
                tracing::warn!(%peer, %fault, "drops a provider for a time");
                self.peers.fault(peer, fault);
                self.tried.insert(peer, fault.to_string());
                for (_, handle) in self.handles.iter().filter(|(other, _)| *other == peer) {
                    handle.abort();
                }
            }
        }
        Ok(())
    }

    /// Whether a provider whose stream was cut off is asked once more.
    fn is_forgiven(&mut self, peer: PeerId) -> bool {
        let cuts = self.cuts.entry(peer).or_default();
        *cuts += 1;
        *cuts <= MAX_CUTS
    }

    fn unavailable(&self, key: Option<&Digest>) -> NetworkError {
        let first = self.plan.windows.first().map(|window| window.digest);
        let mut tried: Vec<_> = self.tried.clone().into_iter().collect();
        tried.sort();
        NetworkError::Unavailable {
            digest: key.copied().or(first).unwrap_or_default(),
            tried,
        }
    }
}

/// The providers that kademlia knows of any of these digests.
pub(crate) async fn search(peers: &Peers, keys: &[Digest]) -> Result<Vec<PeerId>, NetworkError> {
    let found = join_all(keys.iter().map(|key| peers.providers(*key))).await;
    Ok(found.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

async fn fetch_from(
    peers: &Peers,
    peer: PeerId,
    plan: &Plan,
    board: Arc<Board>,
    verified: mpsc::Sender<Verified>,
) -> Result<(), Ended> {
    let opened = peers.open(peer).await;
    let mut stream = opened.map_err(|error| Ended::Unreachable(error.to_string()))?;
    let claims = Claims::new(board.clone());
    let is_done = || board.is_done();
    let fetched = provider::fetch(&mut stream, plan, claims, is_done, &peers.patience, verified).await;
    if fetched.is_ok() {
        // The provider's place is free at once, and not when the connection closes.
        let _ = tokio::time::timeout(BUSY_FOR, stream.close()).await;
    }
    fetched
}

async fn blocking<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> Result<T, NetworkError> {
    spawn_blocking(what).await.map_err(|_| NetworkError::Stopped)
}
