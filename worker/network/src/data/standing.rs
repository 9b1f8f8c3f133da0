//! Which peers are not asked for a time, because they lied, stalled or broke the protocol.

use crate::config::Patience;
use libp2p::PeerId;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Peers whose faults are remembered.
const MAX_PEERS: usize = 4096;
/// Time for which a peer is not asked, at most.
const MAX_PENALTY: Duration = Duration::from_secs(24 * 60 * 60);

/// The peers that have faults.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    peers: Mutex<HashMap<PeerId, Record>>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    faults: u32,
    until: Instant,
}

impl Standing {
    /// Notes a fault. Faults within one penalty count as one: a peer that stalls does so on all its streams.
    pub(crate) fn fault(&self, peer: PeerId, patience: &Patience, now: Instant) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() >= MAX_PEERS {
            peers.retain(|_, record| record.until > now);
            if peers.len() >= MAX_PEERS {
                peers.clear();
            }
        }
        let record = peers.entry(peer).or_insert(Record { faults: 0, until: now });
        if record.until <= now {
            let factor = 1u32.checked_shl(record.faults).unwrap_or(u32::MAX);
            record.until = now + patience.penalty.saturating_mul(factor).min(MAX_PENALTY);
            record.faults = record.faults.saturating_add(1);
        }
    }

    /// Whether a peer may be asked.
    pub(crate) fn is_good(&self, peer: &PeerId, now: Instant) -> bool {
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.get(peer).is_none_or(|record| record.until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn penalty_doubles_with_every_fault_and_ends() {
        let (standing, patience, start) = (Standing::default(), Patience::default(), Instant::now());
        let peer = PeerId::random();
        standing.fault(peer, &patience, start);
        standing.fault(peer, &patience, start);
        assert!(!standing.is_good(&peer, start + patience.penalty / 2));
        let later = start + patience.penalty;
        assert!(standing.is_good(&peer, later));
        standing.fault(peer, &patience, later);
        assert!(!standing.is_good(&peer, later + patience.penalty));
        assert!(standing.is_good(&peer, later + 2 * patience.penalty));
        assert!(standing.is_good(&PeerId::random(), start));
    }
}
