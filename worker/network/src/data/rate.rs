//! Rate of one peer's requests: a bucket of tokens for each peer, which fills at a rate and holds what one second
//! gives.
//!
//! A peer that asks for more waits, and only that peer does.

use libp2p::PeerId;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Peers whose buckets are kept. A bucket that is full says nothing and is dropped first.
const MAX_PEERS: usize = 4096;

/// The buckets of all peers.
#[derive(Debug)]
pub(crate) struct RateLimit {
    /// Tokens per second; 0 for any number.
    rate: f64,
    buckets: Mutex<HashMap<PeerId, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Below zero, the tokens that are owed.
    tokens: f64,
    filled: Instant,
}

impl RateLimit {
    pub(crate) fn new(per_second: u64) -> Self {
        Self {
            rate: per_second as f64,
            buckets: Mutex::default(),
        }
    }

    /// Takes tokens of a peer's bucket, and gives the time that it has to wait for them.
    pub(crate) fn take(&self, peer: PeerId, tokens: u64, now: Instant) -> Duration {
        if self.rate == 0.0 {
            return Duration::ZERO;
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_PEERS && !buckets.contains_key(&peer) {
            buckets.retain(|_, bucket| bucket.at(self.rate, now) < self.rate);
            if buckets.len() >= MAX_PEERS {
                buckets.clear();
            }
        }
        let full = Bucket {
            tokens: self.rate,
            filled: now,
        };
        let bucket = buckets.entry(peer).or_insert(full);
        bucket.tokens = bucket.at(self.rate, now) - tokens as f64;
        bucket.filled = now;
        Duration::try_from_secs_f64((-bucket.tokens / self.rate).max(0.0)).unwrap_or_default()
    }
}

impl Bucket {
    fn at(&self, rate: f64, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * rate;
        (self.tokens + gained).min(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_waits_for_what_is_more_than_a_second_gives_and_others_do_not() {
        let (limit, now) = (RateLimit::new(10), Instant::now());
        let (greedy, modest) = (PeerId::random(), PeerId::random());
        assert_eq!(limit.take(greedy, 10, now), Duration::ZERO);
        assert_eq!(limit.take(greedy, 5, now), Duration::from_millis(500));
        assert_eq!(limit.take(modest, 1, now), Duration::ZERO);
        assert_eq!(limit.take(greedy, 5, now + Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn no_rate_is_no_limit() {
        assert_eq!(
            RateLimit::new(0).take(PeerId::random(), u64::MAX, Instant::now()),
            Duration::ZERO
        );
    }
}
