//! Nodes for tests, and a peer that speaks the protocol by hand.
//!
//! No test assumes how fast a machine is: nodes are patient unless a test is about their impatience, and what happens
//! after a while is waited for.

use assay_network::{
    Content, LocalStore, Multiaddr, NetworkConfig, Node, PeerId, Store,
    data::wire::{Listing, PROTOCOL, Request, send},
    quic,
};
use assay_ops::tensor::{DataType, Digest, Tensor};
use futures::{AsyncReadExt, StreamExt};
use libp2p::{Stream, StreamProtocol, Swarm, SwarmBuilder, swarm::SwarmEvent};
use std::{
    collections::HashSet,
    io,
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Time after which a test that waits has failed. It is no expectation: it ends a test that would wait forever.
const LIMIT: Duration = Duration::from_secs(240);

/// Bytes that differ everywhere, as a tensor.
pub fn tensor(bytes: usize) -> Tensor {
    let content = (0..bytes as u64)
        .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect();
    Tensor::new(DataType::Uint8, vec![bytes as u32], content).expect("a tensor")
}

/// A store with one tensor of these bytes, and its digest.
pub fn store_of(bytes: usize) -> (Arc<LocalStore>, Digest) {
    let store = LocalStore::new();
    let digest = store.add_tensor(tensor(bytes)).expect("provides");
    (Arc::new(store), digest)
}

/// A configuration on loopback. It is patient with a slow machine, and never forgives within a test.
pub fn config(folder: &Path) -> NetworkConfig {
    let mut config = NetworkConfig::new(folder.to_owned());
    config.listen = vec![quic(Ipv4Addr::LOCALHOST, 0)];
    config.is_reachable = true;
    config.patience.stall = LIMIT;
    config.patience.connect = LIMIT;
    config.patience.penalty = Duration::from_secs(24 * 60 * 60);
    config
}

/// Waits until something is found, however long the machine takes.
pub async fn eventually<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        if let Some(value) = found().await {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} within {LIMIT:?}");
}

/// A store that does something to what it reads.
pub struct Odd<F> {
    pub store: Arc<LocalStore>,
    pub read: F,
}

impl<F: Fn(u64, &mut [u8]) + Send + Sync + 'static> Store for Odd<F> {
    fn content(&self, digest: &Digest) -> Option<Arc<Content>> {
        self.store.content(digest)
    }

    fn read(&self, digest: &Digest, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.store.read(digest, offset, buffer)?;
        (self.read)(offset, buffer);
        Ok(())
    }

    fn list(&self, digest: &Digest) -> Option<Arc<Vec<Digest>>> {
        self.store.list(digest)
    }

    fn listing(&self, root: &Digest) -> Option<Arc<Listing>> {
        self.store.listing(root)
    }
}

/// A node with its files in `folder`.
pub async fn node(folder: &Path, store: Arc<dyn Store>) -> Node {
    Node::start(config(folder), store).await.expect("starts")
}

/// A node that provides nothing.
pub async fn empty_node(folder: &Path) -> Node {
    node(folder, Arc::new(LocalStore::new())).await
}

/// The addresses of a node, with its identity.
pub async fn addresses(node: &Node) -> Vec<Multiaddr> {
    let listening = node.status().await.expect("a status").listening.into_iter();
    listening
        .map(|address| address.with_p2p(node.peer()).expect("an address"))
        .collect()
}

/// Connects one node with another.
pub async fn connect(from: &Node, to: &Node) {
    from.connect(to.peer(), addresses(to).await).await.expect("connects");
}

/// A gate at which the threads that read wait. It opens when it is dropped, so that a test that fails ends.
pub struct Gate(Arc<AtomicBool>);

impl Gate {
    pub fn closed() -> Self {
        Self(Arc::default())
    }

    /// Threads that wait at the gate.
    pub fn wait(&self) -> impl Fn() + Send + Sync + 'static + use<> {
        let is_open = self.0.clone();
        move || {
            while !is_open.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A peer without manners: streams of the protocol and nothing else.
pub struct RawPeer {
    pub peer: PeerId,
    pub address: Multiaddr,
    pub control: libp2p_stream::Control,
    connected: watch::Receiver<HashSet<PeerId>>,
    task: tokio::task::JoinHandle<()>,
}

impl RawPeer {
    pub async fn start() -> Self {
        let mut swarm: Swarm<libp2p_stream::Behaviour> = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_quic()
            .with_behaviour(|_| libp2p_stream::Behaviour::new())
            .expect("a behaviour")
            .with_swarm_config(|config| config.with_idle_connection_timeout(LIMIT))
            .build();
        swarm.listen_on(quic(Ipv4Addr::LOCALHOST, 0)).expect("listens");
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address;
            }
        };
        let peer = *swarm.local_peer_id();
        let control = swarm.behaviour().new_control();
        let (changes, connected) = watch::channel(HashSet::new());
        let task = tokio::spawn(async move {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::ConnectionEstablished { peer_id, .. } => changes.send_modify(|peers| {
                        peers.insert(peer_id);
                    }),
                    SwarmEvent::ConnectionClosed {
                        peer_id,
                        num_established: 0,
                        ..
                    } => changes.send_modify(|peers| {
                        peers.remove(&peer_id);
                    }),
                    _ => {}
                }
            }
        });
        Self {
            address: address.with_p2p(peer).expect("an address"),
            peer,
            control,
            connected,
            task,
        }
    }

    /// Lets a node connect with this peer, and waits until this peer knows of it too: it cannot open a stream before.
    pub async fn meet(&self, node: &Node) {
        let connected = node.connect(self.peer, vec![self.address.clone()]).await;
        connected.expect("connects");
        let mut connected = self.connected.clone();
        let knows = connected.wait_for(|peers| peers.contains(&node.peer())).await;
        assert!(knows.is_ok(), "the peer's task runs");
    }

    /// Opens a stream to a node that this peer has met.
    pub async fn open(&self, to: PeerId) -> Option<Stream> {
        let mut control = self.control.clone();
        control.open_stream(to, StreamProtocol::new(PROTOCOL)).await.ok()
    }

    /// Answers every stream with these bytes, whatever is asked.
    pub fn answer_with(&mut self, answer: Vec<u8>) {
        let mut incoming = self.control.accept(StreamProtocol::new(PROTOCOL)).expect("accepts");
        tokio::spawn(async move {
            while let Some((_, stream)) = incoming.next().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let (mut reading, mut writing) = stream.split();
                    let mut request = [0; 16];
                    if reading.read(&mut request).await.is_ok() {
                        let _ = futures::AsyncWriteExt::write_all(&mut writing, &answer).await;
                        let _ = futures::AsyncWriteExt::flush(&mut writing).await;
                        // The stream stays open: the answer is what breaks the protocol.
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
    }
}

impl Drop for RawPeer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sends a request, and reads one answer of at most 4 MiB.
pub async fn exchange(stream: &mut Stream, request: &Request) -> Option<assay_network::data::wire::Answer> {
    send(stream, request).await.ok()?;
    assay_network::data::wire::receive(stream, 4 << 20).await.ok()?
}
