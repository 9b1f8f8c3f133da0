//! Protocols of the swarm: libp2p's protocols for finding and reaching peers, and streams for our own.

use crate::{
    config::{Limits, NetworkConfig, RelayLimits},
    error::NetworkError,
};
use libp2p::{
    PeerId, StreamProtocol, Swarm, SwarmBuilder, allow_block_list, autonat, connection_limits,
    connection_limits::ConnectionLimits,
    dcutr, identify,
    identity::Keypair,
    kad, memory_connection_limits, noise, relay,
    swarm::{NetworkBehaviour, behaviour::toggle::Toggle},
    tcp, yamux,
};
use std::time::Duration;

/// Name of the table of who provides what.
pub(crate) const KADEMLIA: StreamProtocol = StreamProtocol::new("/assay/kad/1");
/// Protocol that peers tell each other that they speak.
const VERSION: &str = "/assay/1";
/// Time after which a connection without streams is closed.
const IDLE: Duration = Duration::from_secs(120);
/// Digests whose providers a node remembers for others.
const MAX_PROVIDED: usize = 16_384;
/// Time for which a provider's word counts, and after which it is given again.
const PROVIDER_TTL: Duration = Duration::from_secs(3 * 60 * 60);
const PROVIDER_INTERVAL: Duration = Duration::from_secs(60 * 60);

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    limits: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    pub(crate) blocked: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    identify: identify::Behaviour,
    pub(crate) kademlia: kad::Behaviour<kad::store::MemoryStore>,
    reachability: autonat::v2::client::Behaviour,
    prober: autonat::v2::server::Behaviour,
    relay_server: Toggle<relay::Behaviour>,
    relay_client: relay::client::Behaviour,
    hole_punching: dcutr::Behaviour,
    pub(crate) streams: libp2p_stream::Behaviour,
}

/// A swarm that neither listens nor dials yet.
pub(crate) fn swarm(key: Keypair, config: &NetworkConfig) -> Result<Swarm<Behaviour>, NetworkError> {
    let failed = |reason: String| NetworkError::Transport { reason };
    let built = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .map_err(|error| failed(error.to_string()))?
        .with_quic()
        .with_dns()
        .map_err(|error| failed(format!("the system's configuration of DNS cannot be read: {error}")))?
        .with_relay_client(noise::Config::new, yamux::Config::default)
        .map_err(|error| failed(error.to_string()))?
        .with_behaviour(|key, relay_client| behaviour(key, relay_client, config))
        .map_err(|error| failed(error.to_string()))?;
    // QUIC gets a head start over TCP.
    let swarm = built.with_swarm_config(|swarm| swarm.with_idle_connection_timeout(IDLE).with_smart_dial());
    Ok(swarm.build())
}

fn behaviour(key: &Keypair, relay_client: relay::client::Behaviour, config: &NetworkConfig) -> Behaviour {
    let peer = key.public().to_peer_id();
    let identify = identify::Config::new(VERSION.to_owned(), key.public())
        .with_agent_version(concat!("assay/", env!("CARGO_PKG_VERSION")).to_owned());
    Behaviour {
        limits: connection_limits::Behaviour::new(connection_limits(&config.limits)),
        memory: memory_connection_limits::Behaviour::with_max_percentage(config.limits.max_memory_share),
        blocked: allow_block_list::Behaviour::default(),
        identify: identify::Behaviour::new(identify),
        kademlia: kademlia(peer),
        reachability: autonat::v2::client::Behaviour::default(),
        prober: autonat::v2::server::Behaviour::default(),
        relay_server: config
            .relaying
            .map(|limits| relay::Behaviour::new(peer, relaying(limits)))
            .into(),
        relay_client,
        hole_punching: dcutr::Behaviour::new(peer),
        streams: libp2p_stream::Behaviour::new(),
    }
}

fn connection_limits(limits: &Limits) -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(limits.max_incoming))
        .with_max_pending_outgoing(Some(limits.max_outgoing))
        .with_max_established_incoming(Some(limits.max_incoming))
        .with_max_established_outgoing(Some(limits.max_outgoing))
        .with_max_established_per_peer(Some(limits.max_per_peer))
}

fn kademlia(peer: PeerId) -> kad::Behaviour<kad::store::MemoryStore> {
    let mut config = kad::Config::new(KADEMLIA);
    config
        .set_provider_record_ttl(Some(PROVIDER_TTL))
        .set_provider_publication_interval(Some(PROVIDER_INTERVAL));
    // The table says who provides what, and holds nothing else.
    let store = kad::store::MemoryStoreConfig {
        max_records: 0,
        max_provided_keys: MAX_PROVIDED,
        ..kad::store::MemoryStoreConfig::default()
    };
    kad::Behaviour::with_config(peer, kad::store::MemoryStore::with_config(peer, store), config)
}

fn relaying(limits: RelayLimits) -> relay::Config {
    relay::Config {
        max_reservations: limits.max_reservations,
        max_circuits: limits.max_circuits,
        max_circuit_bytes: limits.max_circuit_bytes,
        max_circuit_duration: limits.max_circuit_time,
        ..relay::Config::default()
    }
}
