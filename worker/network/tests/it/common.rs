//! Nodes for tests, and a peer that speaks the protocol by hand.

use assay_network::{
    LocalStore, Multiaddr, NetworkConfig, Node, PeerId, Store,
    data::wire::{PROTOCOL, Request, send},
    quic,
};
use assay_ops::tensor::{DataType, Digest, Tensor};
use futures::{AsyncReadExt, StreamExt};
use libp2p::{Stream, StreamProtocol, Swarm, SwarmBuilder, swarm::SwarmEvent};
use std::{net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

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

/// A configuration on loopback, impatient.
pub fn config(folder: &Path) -> NetworkConfig {
    let mut config = NetworkConfig::new(folder.to_owned());
    config.listen = vec![quic(Ipv4Addr::LOCALHOST, 0)];
    config.is_reachable = true;
    config.patience.stall = Duration::from_millis(1_500);
    config
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

/// A peer without manners: streams of the protocol and nothing else.
pub struct RawPeer {
    pub peer: PeerId,
    pub address: Multiaddr,
    pub control: libp2p_stream::Control,
    task: tokio::task::JoinHandle<()>,
}

impl RawPeer {
    pub async fn start() -> Self {
        let mut swarm: Swarm<libp2p_stream::Behaviour> = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_quic()
            .with_behaviour(|_| libp2p_stream::Behaviour::new())
            .expect("a behaviour")
            .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
            .build();
        swarm.listen_on(quic(Ipv4Addr::LOCALHOST, 0)).expect("listens");
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address;
            }
        };
        let peer = *swarm.local_peer_id();
        let control = swarm.behaviour().new_control();
        let task = tokio::spawn(async move {
            loop {
                swarm.select_next_some().await;
            }
        });
        Self {
            address: address.with_p2p(peer).expect("an address"),
            peer,
            control,
            task,
        }
    }

    /// Opens a stream to a node that has connected with this peer.
    pub async fn open(&self, to: PeerId) -> Option<Stream> {
        // The node may see the connection before this peer does.
        for _ in 0..20 {
            let opened = self
                .control
                .clone()
                .open_stream(to, StreamProtocol::new(PROTOCOL))
                .await;
            if let Ok(stream) = opened {
                return Some(stream);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
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
                        tokio::time::sleep(Duration::from_secs(30)).await;
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
