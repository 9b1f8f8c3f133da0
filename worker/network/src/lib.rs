//! The workers' network: who is where, who provides what, and data by digest. The one crate that names `libp2p`.
//!
//! A [`Node`] is a handle on a task that owns a swarm: QUIC, and TCP with noise and yamux; identify and kademlia to
//! find peers, autonat to learn whether others reach the node, relays and hole punching where they do not.
//!
//! A node provides data from a [`Store`]; data that it fetches is verified as it arrives, from several providers at
//! once ([`data`]). Requests and answers of sessions travel as frames that say nothing to the network ([`session`]).
//! The network holds no secret and no money: nothing here knows the chain, and a peer's identity here says nothing of
//! accounts there.

mod address_book;
mod behaviour;
mod config;
mod counters;
pub mod data;
mod error;
mod guard;
mod identity;
mod node;
pub mod session;
mod status;
mod task;

pub use address_book::known_peers;
pub use config::{DEFAULT_PORT, Limits, NetworkConfig, Patience, RelayLimits, quic, tcp};
pub use counters::Counters;
pub use data::{Content, LocalStore, Sources, Store, TensorHeader};
pub use error::{Fault, NetworkError};
pub use identity::peer_of_key;
pub use libp2p::{Multiaddr, PeerId};
pub use node::Node;
pub use status::{PeerStatus, Pong, Reachability, Status};
