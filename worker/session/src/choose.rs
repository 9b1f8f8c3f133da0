//! Choosing a worker: by price, latency and record. Pure.

use crate::types::{AccountId, Balance, StandingOffer};
use assay_network::{Multiaddr, PeerId};
use std::time::Duration;

/// What is known of a worker's past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Claims and receipts that stood, as far as they are known.
    pub good: u64,
    /// Convictions, missed deadlines, and exchanges that broke off with us.
    pub faults: u64,
}

/// A worker that offers sessions on a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The worker's account.
    pub worker: AccountId,
    /// Its identity in the network.
    pub peer: PeerId,
    /// Addresses at which it is reached, each with its identity at the end.
    pub addresses: Vec<Multiaddr>,
    /// Its offer.
    pub offer: StandingOffer,
    /// Sessions that it can still open by this offer.
    pub free: u32,
    /// What is known of its past.
    pub record: Record,
    /// Time of a round trip, where it was measured.
    pub latency: Option<Duration>,
}

/// What a client wants of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preference {
    /// Budget of the session.
    pub budget: Balance,
    /// Work of a usual request.
    pub units: u64,
    /// What a request of 1 ms less is worth, in hundredths of a percent of the price.
    pub per_ms: u32,
    /// Round trip that is assumed where none was measured.
    pub assumed: Duration,
}
