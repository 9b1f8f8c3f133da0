//! The task that owns the swarm: it listens, keeps in touch with the network, and answers the handles.
//!
//! It ends when the last handle is dropped. It knows no protocol of our own.

mod providers;
mod relays;

use crate::{
    address_book::{AddressBook, MAX_ADDRESSES, peer_of},
    behaviour::{Behaviour, BehaviourEvent, KADEMLIA},
    config::NetworkConfig,
    counters::{Tally, count},
    error::NetworkError,
    status::{PeerStatus, Reachability, Status},
};
use assay_ops::tensor::Digest;
use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm, autonat,
    core::{ConnectedPoint, transport::ListenerId},
    identify, kad,
    multiaddr::Protocol,
    swarm::{ConnectionId, DialError, ListenError, SwarmEvent, dial_opts::DialOpts},
};
use providers::Search;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinSet, spawn_blocking},
    time::{MissedTickBehavior, interval, timeout},
};

/// Time between two looks at what is missing: peers, relays, a saved address book.
const LOOK: Duration = Duration::from_secs(30);
/// Time between two looks at relayed connections that a direct one has made superfluous.
const LEAVE: Duration = Duration::from_secs(1);
/// Peers below which known ones are dialled.
const MIN_PEERS: usize = 8;
/// Peers of the address book that are dialled at a time.
const DIALS: usize = 16;
/// Failed attempts of peers to reach the node after which it counts as unreachable.
const FAILED_PROBES: u32 = 3;
/// Time for which an offender cannot connect.
const BLOCKED_FOR: Duration = Duration::from_secs(10 * 60);
/// Offenders that are blocked at a time.
const MAX_BLOCKED: usize = 1024;
/// Time for a listener to begin.
const LISTENING: Duration = Duration::from_secs(10);

/// Request of a handle to the task.
pub(crate) enum Command {
    Status {
        answer: oneshot::Sender<Status>,
    },
    Connect {
        peer: PeerId,
        addresses: Vec<Multiaddr>,
        answer: oneshot::Sender<Result<(), String>>,
    },
    Provide {
        digest: Digest,
    },
    Withhold {
        digest: Digest,
    },
    Providers {
        digest: Digest,
        answer: oneshot::Sender<Vec<PeerId>>,
    },
}

struct Connected {
    peer: PeerId,
    endpoint: ConnectedPoint,
    /// For a relayed connection, since when there is a direct one with the same peer.
    superfluous_since: Option<Instant>,
}

/// The task and what it remembers.
pub(crate) struct Task {
    swarm: Swarm<Behaviour>,
    config: NetworkConfig,
    tally: Arc<Tally>,
    commands: mpsc::Receiver<Command>,
    offenders: mpsc::Receiver<PeerId>,
    book: AddressBook,
    connections: HashMap<ConnectionId, Connected>,
    agents: HashMap<PeerId, String>,
    dials: HashMap<PeerId, Vec<oneshot::Sender<Result<(), String>>>>,
    searches: HashMap<kad::QueryId, Search>,
    relays: HashMap<ListenerId, Multiaddr>,
    blocked: HashMap<PeerId, Instant>,
    is_reached: bool,
    failed_probes: u32,
}

impl Task {
    pub(crate) fn new(
        swarm: Swarm<Behaviour>,
        config: NetworkConfig,
        tally: Arc<Tally>,
        commands: mpsc::Receiver<Command>,
        offenders: mpsc::Receiver<PeerId>,
    ) -> Result<Self, NetworkError> {
        let named = config.bootnodes.iter().chain(&config.relays);
        if let Some(address) = named.clone().find(|address| peer_of(address).is_none()) {
            return Err(NetworkError::NoPeer {
                address: address.clone(),
            });
        }
        Ok(Self {
            book: AddressBook::load(&config.address_book_path)?,
            swarm,
            config,
            tally,
            commands,
            offenders,
            connections: HashMap::new(),
            agents: HashMap::new(),
            dials: HashMap::new(),
            searches: HashMap::new(),
            relays: HashMap::new(),
            blocked: HashMap::new(),
            is_reached: false,
            failed_probes: 0,
        })
    }

    /// Begins to listen, and waits until the addresses are known.
    pub(crate) async fn listen(&mut self) -> Result<(), NetworkError> {
        let mut awaited = HashMap::new();
        for address in self.config.listen.clone() {
            let failed = |reason: String| NetworkError::Listen {
                address: address.clone(),
                reason,
            };
            let listener = self
                .swarm
                .listen_on(address.clone())
                .map_err(|error| failed(error.to_string()))?;
            awaited.insert(listener, address);
        }
        for address in self.config.external.clone() {
            self.swarm.add_external_address(address);
        }
        while let Some(address) = awaited.values().next().cloned() {
            let failed = |reason: String| NetworkError::Listen {
                address: address.clone(),
                reason,
            };
            let event = timeout(LISTENING, self.swarm.select_next_some()).await;
            let event = event.map_err(|_| failed("the system does not say so in time".to_owned()))?;
            match &event {
                SwarmEvent::NewListenAddr { listener_id, .. } => {
                    awaited.remove(listener_id);
                }
                SwarmEvent::ListenerClosed {
                    listener_id, reason, ..
                } if awaited.contains_key(listener_id) => {
                    let reason = reason
                        .as_ref()
                        .err()
                        .map_or_else(|| "it was closed".to_owned(), ToString::to_string);
                    return Err(failed(reason));
                }
                _ => {}
            }
            self.on_event(event);
        }
        Ok(())
    }

    /// Runs until no handle is left. `serving` are the tasks that serve our own protocols; they end with this one.
    pub(crate) async fn run(mut self, serving: JoinSet<()>) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut leave = interval(LEAVE);
        leave.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => self.on_command(command),
                    None => break,
                },
                event = self.swarm.select_next_some() => self.on_event(event),
                Some(peer) = self.offenders.recv() => self.block(peer),
                _ = look.tick() => self.look(),
                _ = leave.tick() => self.leave_relays(Instant::now()),
            }
        }
        drop(serving);
        if let Err(error) = self.book.save(&self.config.address_book_path) {
            tracing::warn!(%error, "does not save the address book");
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Status { answer } => {
                // Whoever asked may have gone.
                let _ = answer.send(self.status());
            }
            Command::Connect {
                peer,
                addresses,
                answer,
            } => self.connect(peer, addresses, answer),
            Command::Provide { digest } => self.provide(&digest),
            Command::Withhold { digest } => self.withhold(&digest),
            Command::Providers { digest, answer } => self.search(&digest, answer),
        }
    }

    fn connect(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, answer: oneshot::Sender<Result<(), String>>) {
        if self.swarm.is_connected(&peer) {
            let _ = answer.send(Ok(()));
            return;
        }
        let options = DialOpts::peer_id(peer)
            .addresses(addresses)
            .extend_addresses_through_behaviour();
        match self.swarm.dial(options.build()) {
            Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => self.dials.entry(peer).or_default().push(answer),
            Err(error) => {
                let _ = answer.send(Err(error.to_string()));
            }
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listens");
                if self.config.is_reachable && !is_relayed(&address) {
                    self.swarm.add_external_address(address);
                }
            }
            SwarmEvent::ListenerClosed { listener_id, .. } => {
                if let Some(relay) = self.relays.remove(&listener_id) {
                    tracing::debug!(%relay, "a relay does not relay any more");
                }
            }
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                count(&self.tally.connections);
                if let ConnectedPoint::Dialer { address, .. } = &endpoint {
                    self.book.note(peer_id, [address.clone()]);
                }
                let connected = Connected {
                    peer: peer_id,
                    endpoint,
                    superfluous_since: None,
                };
                self.connections.insert(connection_id, connected);
                self.ask_relay(peer_id);
                for answer in self.dials.remove(&peer_id).unwrap_or_default() {
                    let _ = answer.send(Ok(()));
                }
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                num_established,
                ..
            } => {
                self.connections.remove(&connection_id);
                if num_established == 0 {
                    self.agents.remove(&peer_id);
                }
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                count(&self.tally.failed_connections);
                tracing::debug!(?peer_id, %error, "does not reach a peer");
                for answer in peer_id.and_then(|peer| self.dials.remove(&peer)).unwrap_or_default() {
                    let _ = answer.send(Err(error.to_string()));
                }
            }
            SwarmEvent::IncomingConnectionError { error, .. } => count(match error {
                ListenError::Denied { .. } => &self.tally.refused_connections,
                _ => &self.tally.failed_connections,
            }),
            _ => {}
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(identify::Event::Received {
                connection_id,
                peer_id,
                info,
            }) => self.on_identified(connection_id, peer_id, info),
            BehaviourEvent::Kademlia(kad::Event::OutboundQueryProgressed { id, result, step, .. }) => {
                self.on_query(id, result, step.last);
            }
            BehaviourEvent::Reachability(autonat::v2::client::Event { result: Ok(()), .. }) => self.is_reached = true,
            // An address that is seen through a relay names no host, and nobody can try it.
            BehaviourEvent::Reachability(autonat::v2::client::Event { tested_addr, .. }) if is_host(&tested_addr) => {
                tracing::debug!(address = %tested_addr, "a peer does not reach this node");
                self.failed_probes = self.failed_probes.saturating_add(1);
            }
            BehaviourEvent::HolePunching(event) => match event.result {
                Ok(_) => count(&self.tally.upgraded_connections),
                Err(error) => tracing::debug!(peer = %event.remote_peer_id, %error, "stays behind its relay"),
            },
            _ => {}
        }
    }

    /// Notes what a peer says of itself, within bounds.
    fn on_identified(&mut self, connection: ConnectionId, peer: PeerId, info: identify::Info) {
        let agent: String = info
            .agent_version
            .chars()
            .filter(|c| !c.is_control())
            .take(64)
            .collect();
        self.agents.insert(peer, agent);
        if !info.protocols.contains(&KADEMLIA) {
            return;
        }
        let is_near = self
            .connections
            .get(&connection)
            .is_some_and(|connected| ip_of(connected.endpoint.get_remote_address()).is_some_and(|ip| ip.is_loopback()));
        let is_useful = |address: &Multiaddr| match ip_of(address) {
            Some(ip) => !ip.is_unspecified() && (is_near || !ip.is_loopback()),
            None => true,
        };
        let addresses: Vec<_> = info
            .listen_addrs
            .into_iter()
            .filter(is_useful)
            .take(MAX_ADDRESSES)
            .collect();
        for address in &addresses {
            self.swarm.behaviour_mut().kademlia.add_address(&peer, address.clone());
        }
        self.book.note(peer, addresses);
    }

    fn block(&mut self, peer: PeerId) {
        tracing::warn!(%peer, "disconnects a peer that breaks the protocol");
        if self.blocked.len() < MAX_BLOCKED {
            self.blocked.insert(peer, Instant::now() + BLOCKED_FOR);
            self.swarm.behaviour_mut().blocked.block_peer(peer);
        } else {
            // The error says that it is not connected.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }

    /// Does what is due from time to time.
    fn look(&mut self) {
        let now = Instant::now();
        let released: Vec<_> = self
            .blocked
            .extract_if(|_, until| *until <= now)
            .map(|(peer, _)| peer)
            .collect();
        for peer in released {
            self.swarm.behaviour_mut().blocked.unblock_peer(peer);
        }
        self.dials.retain(|_, answers| {
            answers.retain(|answer| !answer.is_closed());
            !answers.is_empty()
        });
        self.dial_relays();
        if self.swarm.network_info().num_peers() < MIN_PEERS {
            self.dial_known();
        }
        let mut book = self.book.clone();
        self.book.set_saved();
        let path = self.config.address_book_path.clone();
        spawn_blocking(move || {
            if let Err(error) = book.save(&path) {
                tracing::warn!(%error, "does not save the address book");
            }
        });
    }

    fn dial_known(&mut self) {
        let mut known: HashMap<PeerId, Vec<Multiaddr>> = HashMap::new();
        for address in &self.config.bootnodes {
            if let Some(peer) = peer_of(address) {
                known.entry(peer).or_default().push(address.clone());
            }
        }
        for (peer, addresses) in self.book.addresses().into_iter().take(DIALS) {
            known.entry(peer).or_default().extend(addresses);
        }
        known.remove(self.swarm.local_peer_id());
        for (peer, addresses) in known {
            if !self.swarm.is_connected(&peer) {
                let options = DialOpts::peer_id(peer).addresses(addresses).build();
                if let Err(error) = self.swarm.dial(options) {
                    tracing::debug!(%peer, %error, "does not dial a known peer");
                }
            }
        }
    }

    fn status(&self) -> Status {
        let (relayed, listening) = self.swarm.listeners().cloned().partition(is_relayed);
        let peers = self.connections.values().map(|connected| PeerStatus {
            peer: connected.peer,
            address: connected.endpoint.get_remote_address().clone(),
            is_outgoing: connected.endpoint.is_dialer(),
            is_relayed: connected.endpoint.is_relayed(),
            agent: self.agents.get(&connected.peer).cloned().unwrap_or_default(),
        });
        let reachability = match (self.is_reached, self.failed_probes) {
            (true, _) => Reachability::Public,
            (false, FAILED_PROBES..) => Reachability::Private,
            (false, _) => Reachability::Unknown,
        };
        Status {
            peer: *self.swarm.local_peer_id(),
            listening,
            external: self.swarm.external_addresses().cloned().collect(),
            relayed,
            reachability,
            peers: peers.collect(),
            known_peers: self.book.len(),
            counters: self.tally.read(),
        }
    }
}

fn is_relayed(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}

fn is_host(address: &Multiaddr) -> bool {
    !matches!(address.iter().next(), None | Some(Protocol::P2p(_)))
}

fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => Some(ip.into()),
        Some(Protocol::Ip6(ip)) => Some(ip.into()),
        _ => None,
    }
}
