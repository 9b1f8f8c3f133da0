//! Knowledge of a node about its own place in the network.

use crate::counters::Counters;
use libp2p::{Multiaddr, PeerId};
use std::time::Duration;

/// A node's place in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The node's own identity.
    pub peer: PeerId,
    /// Addresses that it listens on. Those through relays are in `relayed`.
    pub listening: Vec<Multiaddr>,
    /// Addresses under which others are known to reach it.
    pub external: Vec<Multiaddr>,
    /// Addresses through relays that have agreed to relay.
    pub relayed: Vec<Multiaddr>,
    /// Whether others can reach it directly.
    pub reachability: Reachability,
    /// Peers that it is connected with.
    pub peers: Vec<PeerStatus>,
    /// Peers in its address book.
    pub known_peers: usize,
    /// Counts since its start.
    pub counters: Counters,
}

/// Whether others can reach a node directly, as far as peers have tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reachability {
    /// No peer has tried, or too few.
    #[default]
    Unknown,
    /// A peer has reached one of the node's addresses.
    Public,
    /// Peers have tried and failed: the node is behind NAT or a firewall.
    Private,
}

/// A connection with a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The peer.
    pub peer: PeerId,
    /// The peer's address on this connection.
    pub address: Multiaddr,
    /// Whether this node opened the connection.
    pub is_outgoing: bool,
    /// Whether the connection goes through a relay.
    pub is_relayed: bool,
    /// The peer's description of itself; empty until it has given one.
    pub agent: String,
}

/// A peer's sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pong {
    /// Time from a request to its answer, on a new stream.
    pub round_trip: Duration,
    /// Time for the connection and the stream before it.
    pub connecting: Duration,
}
