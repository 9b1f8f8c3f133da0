//! Metrics that every daemon has: its account, its node and its peers.

use super::{Gauge, Level, asy};
use prometheus_client::registry::{Registry, Unit};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

/// State of a daemon's account, node and peers. Clones measure together.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Free money of the account, in ASY.
    pub balance: Level,
    /// Peers in the workers' network.
    pub peers: Gauge,
    /// Disputes that the account plays.
    pub disputes: Gauge,
    age: Level,
    last_block: Arc<Mutex<Option<Instant>>>,
}

impl Place {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit("balance", "Free money of the account", asy(), self.balance.clone());
        registry.register("peers", "Peers in the workers' network", self.peers.clone());
        registry.register(
            "open_disputes",
            "Disputes that the account plays",
            self.disputes.clone(),
        );
        registry.register_with_unit(
            "last_block_age",
            "Time since the last block was seen; NaN before the first one",
            Unit::Seconds,
            self.age.clone(),
        );
    }

    /// Notes that a block was seen.
    pub fn note_block(&self) {
        *self.last_block.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Brings the age of the last block up to date.
    pub(super) fn refresh(&self) {
        let last = *self.last_block.lock().unwrap_or_else(PoisonError::into_inner);
        self.age.set(last.map_or(f64::NAN, |last| last.elapsed().as_secs_f64()));
    }
}
