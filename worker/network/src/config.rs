//! Settings of a node at its start.

use libp2p::Multiaddr;
use std::{path::PathBuf, time::Duration};

/// The port on which workers listen unless they are told otherwise, UDP for QUIC and TCP.
pub const DEFAULT_PORT: u16 = 30_340;

/// Configuration of a node.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// File of the node's key; it is made if it is not there.
    pub key_path: PathBuf,
    /// File of the addresses of peers that the node has met.
    pub address_book_path: PathBuf,
    /// Addresses to listen on. QUIC stands before TCP: peers try it first.
    pub listen: Vec<Multiaddr>,
    /// Addresses under which others reach the node, where the operator knows them.
    pub external: Vec<Multiaddr>,
    /// Whether every address that the node listens on is one under which others reach it, as in a network without NAT.
    pub is_reachable: bool,
    /// Nodes by which the network is found, with their identities.
    pub bootnodes: Vec<Multiaddr>,
    /// Peers, with their identities, through which others may reach the node. For a node behind NAT.
    pub relays: Vec<Multiaddr>,
    /// Limits of what the node relays for others; `None` relays nothing.
    pub relaying: Option<RelayLimits>,
    /// Bounds on what others may use.
    pub limits: Limits,
    /// When a provider counts as dead or slow.
    pub patience: Patience,
}

impl NetworkConfig {
    /// The default configuration with its files in `folder`: listens on [`DEFAULT_PORT`] and knows nobody.
    pub fn new(folder: PathBuf) -> Self {
        let any = std::net::Ipv4Addr::UNSPECIFIED;
        Self {
            key_path: folder.join("network-key"),
            address_book_path: folder.join("peers"),
            listen: vec![quic(any, DEFAULT_PORT), tcp(any, DEFAULT_PORT)],
            external: Vec::new(),
            is_reachable: false,
            bootnodes: Vec::new(),
            relays: Vec::new(),
            relaying: None,
            limits: Limits::default(),
            patience: Patience::default(),
        }
    }
}

/// The address of a QUIC listener; port 0 lets the system choose.
pub fn quic(ip: impl Into<std::net::IpAddr>, port: u16) -> Multiaddr {
    let udp = Multiaddr::from(ip.into()).with(libp2p::multiaddr::Protocol::Udp(port));
    udp.with(libp2p::multiaddr::Protocol::QuicV1)
}

/// The address of a TCP listener; port 0 lets the system choose.
pub fn tcp(ip: impl Into<std::net::IpAddr>, port: u16) -> Multiaddr {
    Multiaddr::from(ip.into()).with(libp2p::multiaddr::Protocol::Tcp(port))
}

/// Bounds on what a node relays for others. Relayed connections are for finding each other, not for data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayLimits {
    /// Peers that may be reached through the node.
    pub max_reservations: usize,
    /// Connections through the node at a time.
    pub max_circuits: usize,
    /// Bytes of one relayed connection.
    pub max_circuit_bytes: u64,
    /// Time of one relayed connection.
    pub max_circuit_time: Duration,
}

impl Default for RelayLimits {
    fn default() -> Self {
        Self {
            max_reservations: 256,
            max_circuits: 64,
            max_circuit_bytes: 4 << 20,
            max_circuit_time: Duration::from_secs(120),
        }
    }
}

/// Bounds on what others may use of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Connections that others have opened.
    pub max_incoming: u32,
    /// Connections that the node has opened.
    pub max_outgoing: u32,
    /// Connections with one peer.
    pub max_per_peer: u32,
    /// Memory of the process above which no connection is accepted, as a share of the machine's.
    pub max_memory_share: f64,
    /// Streams that are served at a time, of all peers; each takes about 1 MiB while it is answered.
    pub max_streams: usize,
    /// Streams that are served at a time for one peer.
    pub max_streams_per_peer: usize,
    /// Requests of one peer per second, over all its streams. More have to wait.
    pub requests_per_second: u32,
    /// Bytes that are sent to one peer per second, over all its streams; 0 for any number.
    pub bytes_per_second: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_incoming: 256,
            max_outgoing: 256,
            max_per_peer: 4,
            max_memory_share: 0.9,
            max_streams: 64,
            max_streams_per_peer: 8,
            requests_per_second: 2_000,
            bytes_per_second: 0,
        }
    }
}

/// When a provider counts as dead or slow, and how long it is not asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Time in which something must arrive.
    pub stall: Duration,
    /// Minimum rate of an answer in bytes per second.
    pub min_rate: u64,
    /// Time for which a peer is not asked after its first fault; every further one doubles it, up to a day.
    pub penalty: Duration,
    /// Time for connecting to a peer.
    pub connect: Duration,
    /// Time that a search for providers may take.
    pub search: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            stall: Duration::from_secs(10),
            min_rate: 64 << 10,
            penalty: Duration::from_secs(60),
            connect: Duration::from_secs(15),
            search: Duration::from_secs(20),
        }
    }
}
