//! A node of the workers' network: a handle on the task that owns the swarm.
//!
//! Each protocol of our own is a module with a stream protocol, which is accepted here and which [`Peers::open`] opens.
//! The swarm's task knows none of them. Data by digest is served from the start, sessions by [`Node::serve_sessions`].

use crate::{
    behaviour,
    config::{NetworkConfig, Patience},
    counters::{Counters, Tally},
    data::{
        Sources, Store, TensorHeader, ask, fetch, package,
        plan::Plan,
        serve::Server,
        standing::Standing,
        wire::{self, Answer, Request},
    },
    error::{Fault, NetworkError},
    identity,
    session::{self, Acceptor, Serving, SessionHandler, SessionLimits, SessionStream},
    status::{Pong, Status},
    task::{Command, Task},
};
use assay_ops::tensor::{Blake2b256, Digest, Tensor, list_digest};
use assay_package::Package;
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol};
use std::{path::Path, sync::Arc, time::Instant};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// Commands that wait for the swarm's task.
const MAX_COMMANDS: usize = 64;
/// Peers that wait for being disconnected.
const MAX_OFFENDERS: usize = 64;

/// A handle on a running node. The node stops when its last handle is dropped.
#[derive(Clone, Debug)]
pub struct Node {
    peers: Peers,
}

/// Needs of a protocol of our own from the swarm: streams, who provides what, and who is not asked.
#[derive(Clone)]
pub(crate) struct Peers {
    pub(crate) own: PeerId,
    pub(crate) patience: Patience,
    pub(crate) standing: Arc<Standing>,
    pub(crate) tally: Arc<Tally>,
    commands: mpsc::Sender<Command>,
    streams: libp2p_stream::Control,
    offenders: mpsc::Sender<PeerId>,
}

impl std::fmt::Debug for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peers").field("own", &self.own).finish_non_exhaustive()
    }
}

impl Peers {
    /// Opens a stream of data by digest, and connects first where that is needed.
    pub(crate) async fn open(&self, peer: PeerId) -> Result<Stream, NetworkError> {
        self.open_protocol(peer, wire::PROTOCOL).await
    }

    /// Opens a stream of a protocol, and connects first where that is needed.
    async fn open_protocol(&self, peer: PeerId, protocol: &'static str) -> Result<Stream, NetworkError> {
        let unreachable = |reason: String| NetworkError::Unreachable { peer, reason };
        let mut streams = self.streams.clone();
        let opened = streams.open_stream(peer, StreamProtocol::new(protocol));
        match timeout(self.patience.connect, opened).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(unreachable(error.to_string())),
            Err(_) => Err(unreachable("it does not answer in time".to_owned())),
        }
    }

    /// The peers that kademlia knows to provide a digest, which are being connected with.
    pub(crate) async fn providers(&self, digest: Digest) -> Result<Vec<PeerId>, NetworkError> {
        let (answer, found) = oneshot::channel();
        self.command(Command::Providers { digest, answer }).await?;
        match timeout(self.patience.search, found).await {
            Ok(found) => found.map_err(|_| NetworkError::Stopped),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// Drops a peer for a time.
    pub(crate) fn fault(&self, peer: PeerId, fault: Fault) -> NetworkError {
        self.tally.fault(fault);
        self.standing.fault(peer, &self.patience, Instant::now());
        NetworkError::Fault { peer, fault }
    }

    async fn command(&self, command: Command) -> Result<(), NetworkError> {
        self.commands.send(command).await.map_err(|_| NetworkError::Stopped)
    }
}

impl Node {
    /// Starts a node that provides what `store` has. When this returns, the node listens on its addresses.
    ///
    /// Must be called within a tokio runtime.
    pub async fn start(config: NetworkConfig, store: Arc<dyn Store>) -> Result<Self, NetworkError> {
        let key = identity::load_or_create(&config.key_path)?;
        let own = key.public().to_peer_id();
        let swarm = behaviour::swarm(key, &config)?;
        let mut streams = swarm.behaviour().streams.new_control();
        let accepted = streams.accept(StreamProtocol::new(wire::PROTOCOL));
        let accepted = accepted.map_err(|error| NetworkError::Transport {
            reason: error.to_string(),
        })?;
        let (commands, commanded) = mpsc::channel(MAX_COMMANDS);
        let (offenders, offended) = mpsc::channel(MAX_OFFENDERS);
        let tally = Arc::new(Tally::default());
        let server = Server::new(store, config.limits, config.patience, tally.clone(), offenders.clone());
        let patience = config.patience;
        let mut task = Task::new(swarm, config, tally.clone(), commanded, offended)?;
        task.listen().await?;
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(server.run(accepted));
        tokio::spawn(task.run(serving));
        tracing::info!(peer = %own, "joins the network");
        Ok(Self {
            peers: Peers {
                own,
                patience,
                standing: Arc::default(),
                tally,
                commands,
                streams,
                offenders,
            },
        })
    }

    /// The node's own identity.
    pub fn peer(&self) -> PeerId {
        self.peers.own
    }

    /// Counts of the node since its start.
    pub fn counters(&self) -> Counters {
        self.peers.tally.read()
    }

    /// The node's place in the network.
    pub async fn status(&self) -> Result<Status, NetworkError> {
        let (answer, status) = oneshot::channel();
        self.peers.command(Command::Status { answer }).await?;
        status.await.map_err(|_| NetworkError::Stopped)
    }

    /// Connects with a peer at one of these addresses, which all end in its identity. Does nothing if it is connected.
    pub async fn connect(&self, peer: PeerId, addresses: Vec<Multiaddr>) -> Result<(), NetworkError> {
        let (answer, connected) = oneshot::channel();
        let dial = Command::Connect {
            peer,
            addresses,
            answer,
        };
        self.peers.command(dial).await?;
        let unreachable = |reason| NetworkError::Unreachable { peer, reason };
        match timeout(self.peers.patience.connect, connected).await {
            Ok(Ok(result)) => result.map_err(unreachable),
            Ok(Err(_)) => Err(NetworkError::Stopped),
            Err(_) => Err(unreachable("it does not answer in time".to_owned())),
        }
    }

    /// Asks a peer for a sign of life. The peer must be connected, or its address known.
    pub async fn ping(&self, peer: PeerId) -> Result<Pong, NetworkError> {
        let start = Instant::now();
        drop(self.peers.open(peer).await?);
        let connecting = start.elapsed();
        let start = Instant::now();
        match ask::one(&self.peers, peer, &Request::Ping).await? {
            Answer::Pong => Ok(Pong {
                round_trip: start.elapsed(),
                connecting,
            }),
            Answer::Refused(refusal) => Err(NetworkError::Refused { peer, refusal }),
            _ => Err(self.peers.fault(peer, Fault::Protocol)),
        }
    }

    /// Tells the network that this node provides a digest: a tensor, a list or a package by its model root. The word is
    /// given again until [`Node::withhold`].
    pub async fn provide(&self, digest: Digest) -> Result<(), NetworkError> {
        self.peers.command(Command::Provide { digest }).await
    }

    /// Tells the network no longer that this node provides a digest. What was told before is forgotten in hours.
    pub async fn withhold(&self, digest: Digest) -> Result<(), NetworkError> {
        self.peers.command(Command::Withhold { digest }).await
    }

    /// The peers that are known to provide a digest.
    pub async fn providers(&self, digest: Digest) -> Result<Vec<PeerId>, NetworkError> {
        self.peers.providers(digest).await
    }

    /// Fetches the header of a tensor: its type, shape and size.
    pub async fn header(&self, digest: Digest, sources: &Sources) -> Result<TensorHeader, NetworkError> {
        let checked = |_, answer| match answer {
            Answer::Header(header) if header.digest() == digest => Ok(header),
            Answer::Header(_) => Err(Fault::Lie),
            _ => Err(Fault::Protocol),
        };
        let (_, header) = ask::any(&self.peers, sources, digest, &Request::Header(digest), checked).await?;
        Ok(header)
    }

    /// Fetches the digests of a list's tensors.
    pub async fn list(&self, digest: Digest, sources: &Sources) -> Result<Vec<Digest>, NetworkError> {
        let checked = |_, answer| match answer {
            Answer::List(entries) if list_digest::<Blake2b256>(&entries) == digest => Ok(entries),
            Answer::List(_) => Err(Fault::Lie),
            _ => Err(Fault::Protocol),
        };
        let (_, entries) = ask::any(&self.peers, sources, digest, &Request::List(digest), checked).await?;
        Ok(entries)
    }

    /// Fetches a tensor of at most `max_bytes` into memory.
    pub async fn tensor(&self, digest: Digest, max_bytes: u64, sources: &Sources) -> Result<Tensor, NetworkError> {
        let (header, bytes) = self.bounded_header(digest, max_bytes, sources).await?;
        let plan = Plan::of_tensor(digest, bytes)?;
        let bytes = fetch::into_memory(&self.peers, plan, sources).await?;
        Tensor::new(header.dtype, header.shape.into_inner(), bytes).map_err(|_| NetworkError::Shape)
    }

    /// Fetches the tensors of a list, such as the inputs of a job, of at most `max_bytes` together.
    pub async fn tensors(
        &self,
        digest: Digest,
        max_bytes: u64,
        sources: &Sources,
    ) -> Result<Vec<Tensor>, NetworkError> {
        let sources = Sources {
            search: Some(digest),
            ..sources.clone()
        };
        let mut left = max_bytes;
        let mut tensors = Vec::new();
        for entry in self.list(digest, &sources).await? {
            let tensor = self.tensor(entry, left, &sources).await?;
            left = left.saturating_sub(tensor.bytes().len() as u64);
            tensors.push(tensor);
        }
        Ok(tensors)
    }

    /// Fetches the bytes of a tensor of at most `max_bytes` into a file.
    ///
    /// A fetch that was cut off goes on where it was: beside the file lies a checklist until it is complete.
    pub async fn tensor_into(
        &self,
        digest: Digest,
        max_bytes: u64,
        path: &Path,
        sources: &Sources,
    ) -> Result<TensorHeader, NetworkError> {
        let (header, bytes) = self.bounded_header(digest, max_bytes, sources).await?;
        let plan = Plan::of_tensor(digest, bytes)?;
        fetch::into_file(&self.peers, plan, path, sources).await?;
        Ok(header)
    }

    /// Fetches a package by its model root into a folder, and loads it. A fetch that was cut off goes on where it was.
    pub async fn package(&self, root: Digest, folder: &Path, sources: &Sources) -> Result<Package, NetworkError> {
        package::fetch(&self.peers, root, folder, sources).await
    }

    /// Serves sessions within these limits, for as long as the result lives. A node serves them once.
    ///
    /// Must be called within a tokio runtime.
    pub fn serve_sessions(
        &self,
        handler: Arc<dyn SessionHandler>,
        limits: SessionLimits,
    ) -> Result<Serving, NetworkError> {
        let peers = &self.peers;
        let mut streams = peers.streams.clone();
        let accepted = streams.accept(StreamProtocol::new(session::wire::PROTOCOL));
        let accepted = accepted.map_err(|_| NetworkError::AlreadyServed)?;
        let (tally, offenders) = (peers.tally.clone(), peers.offenders.clone());
        Ok(Acceptor::new(handler, limits, peers.patience, tally, offenders).start(accepted))
    }

    /// Opens a stream of sessions to a peer, and connects first where that is needed and an address is known.
    pub async fn open_session(&self, peer: PeerId) -> Result<SessionStream, NetworkError> {
        let stream = self.peers.open_protocol(peer, session::wire::PROTOCOL).await?;
        Ok(SessionStream::new(peer, stream, self.peers.patience, None))
    }

    async fn bounded_header(
        &self,
        digest: Digest,
        max_bytes: u64,
        sources: &Sources,
    ) -> Result<(TensorHeader, u64), NetworkError> {
        let header = self.header(digest, sources).await?;
        let bytes = header.bytes().ok_or(NetworkError::Shape)?;
        match bytes <= max_bytes {
            true => Ok((header, bytes)),
            false => Err(NetworkError::TooLarge {
                what: "the tensor",
                actual: bytes,
                max: max_bytes,
            }),
        }
    }
}
