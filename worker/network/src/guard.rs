//! Limits of one peer in a protocol of ours: places for its streams, and a number of breaches before its connection
//! is closed.

use libp2p::PeerId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::mpsc;

/// Streams that a peer may break before its connection is closed.
const MAX_BREACHES: u32 = 8;
/// Peers whose breaches are remembered.
const MAX_OFFENDERS: usize = 1024;

/// The streams and breaches of all peers.
#[derive(Debug)]
pub(crate) struct Guard {
    max_per_peer: usize,
    streams: Mutex<HashMap<PeerId, usize>>,
    breaches: Mutex<HashMap<PeerId, u32>>,
    offenders: mpsc::Sender<PeerId>,
}

/// A place among a peer's streams, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    guard: Arc<Guard>,
    /// Whose it is.
    pub(crate) peer: PeerId,
}

impl Guard {
    /// `offenders` hears of peers whose connections are to be closed.
    pub(crate) fn new(max_per_peer: usize, offenders: mpsc::Sender<PeerId>) -> Arc<Self> {
        Arc::new(Self {
            max_per_peer,
            streams: Mutex::default(),
            breaches: Mutex::default(),
            offenders,
        })
    }

    /// A place for a stream of this peer, if it has one left.
    pub(crate) fn seat(self: &Arc<Self>, peer: PeerId) -> Option<Seat> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = streams.entry(peer).or_default();
        if *taken >= self.max_per_peer {
            return None;
        }
        *taken += 1;
        Some(Seat {
            guard: self.clone(),
            peer,
        })
    }

    /// Notes that a peer broke the protocol.
    pub(crate) fn breach(&self, peer: PeerId) {
        let mut breaches = self.breaches.lock().unwrap_or_else(PoisonError::into_inner);
        if breaches.len() >= MAX_OFFENDERS {
            breaches.clear();
        }
        let breached = breaches.entry(peer).or_default();
        *breached += 1;
        if *breached >= MAX_BREACHES {
            breaches.remove(&peer);
            // A full queue means that others are closed first; this peer will break another stream.
            let _ = self.offenders.try_send(peer);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut streams = self.guard.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = streams.get_mut(&self.peer) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                streams.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_as_many_places_as_it_may_and_gets_them_back() {
        let (offenders, _offended) = mpsc::channel(1);
        let guard = Guard::new(2, offenders);
        let (greedy, modest) = (PeerId::random(), PeerId::random());
        let seats = [guard.seat(greedy), guard.seat(greedy)];
        assert!(seats.iter().all(Option::is_some) && guard.seat(greedy).is_none());
        assert!(guard.seat(modest).is_some());
        drop(seats);
        assert!(guard.seat(greedy).is_some());
    }

    #[test]
    fn a_peer_that_breaks_streams_is_named_once_for_every_eighth() {
        let (offenders, mut offended) = mpsc::channel(4);
        let guard = Guard::new(1, offenders);
        let peer = PeerId::random();
        for _ in 0..MAX_BREACHES - 1 {
            guard.breach(peer);
        }
        assert!(offended.try_recv().is_err());
        guard.breach(peer);
        assert_eq!(offended.try_recv(), Ok(peer));
        guard.breach(peer);
        assert!(offended.try_recv().is_err());
    }
}
