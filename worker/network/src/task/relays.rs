//! Relays: they are asked to pass connections on, and left where a direct connection has come about.

use super::Task;
use crate::address_book::peer_of;
use libp2p::{
    Multiaddr, PeerId,
    multiaddr::Protocol,
    swarm::{ConnectionId, dial_opts::DialOpts},
};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

/// Time for which a relayed connection stays beside a direct one, so that short exchanges on it can end.
const GRACE: Duration = Duration::from_secs(2);

impl Task {
    /// Connects with the relays that have not agreed to relay. [`Task::ask_relay`] asks each once it is connected.
    ///
    /// Asking a relay that is not connected would dial it too, and fail while another dial is under way.
    pub(super) fn dial_relays(&mut self) {
        for relay in self.relays_to_ask() {
            let Some(peer) = peer_of(&relay) else {
                continue;
            };
            if self.swarm.is_connected(&peer) {
                self.ask_relay(peer);
                continue;
            }
            let options = DialOpts::peer_id(peer).addresses(vec![relay.clone()]).build();
            if let Err(error) = self.swarm.dial(options) {
                tracing::debug!(%relay, %error, "does not dial a relay");
            }
        }
    }

    /// Asks a peer that has been connected to relay, if it is one of the relays and has not been asked.
    pub(super) fn ask_relay(&mut self, peer: PeerId) {
        for relay in self.relays_to_ask() {
            if peer_of(&relay) != Some(peer) {
                continue;
            }
            match self.swarm.listen_on(relay.clone().with(Protocol::P2pCircuit)) {
                Ok(listener) => {
                    self.relays.insert(listener, relay);
                }
                Err(error) => tracing::warn!(%relay, %error, "does not ask a relay"),
            }
        }
    }

    fn relays_to_ask(&self) -> Vec<Multiaddr> {
        let is_asked = |relay: &Multiaddr| self.relays.values().any(|asked| asked == relay);
        let relays = self.config.relays.iter();
        relays.filter(|relay| !is_asked(relay)).cloned().collect()
    }

    /// Closes relayed connections with peers that are connected directly.
    ///
    /// A stream is opened on any connection with its peer, and what a relay passes on is bounded: a fetch through it
    /// would be cut off.
    pub(super) fn leave_relays(&mut self, now: Instant) {
        let direct = self.connections.values().filter(|other| !other.endpoint.is_relayed());
        let direct: HashSet<PeerId> = direct.map(|other| other.peer).collect();
        let mut due: Vec<ConnectionId> = Vec::new();
        for (id, connected) in &mut self.connections {
            if !connected.endpoint.is_relayed() || !direct.contains(&connected.peer) {
                continue;
            }
            let since = *connected.superfluous_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= GRACE {
                due.push(*id);
            }
        }
        for id in due {
            tracing::debug!(%id, "leaves a relay for a direct connection");
            self.swarm.close_connection(id);
        }
    }
}
