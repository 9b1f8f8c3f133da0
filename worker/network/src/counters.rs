//! Counters of a node. The crate that shows the numbers owns the form in which they are shown.

use crate::error::Fault;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of a node since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections that were established.
    pub connections: u64,
    /// Connections that failed, either side's.
    pub failed_connections: u64,
    /// Connections that others opened and that a limit refused.
    pub refused_connections: u64,
    /// Connections through a relay that became direct.
    pub upgraded_connections: u64,
    /// Requests that were answered with what they asked for.
    pub served_requests: u64,
    /// Requests and streams that were refused.
    pub refused_requests: u64,
    /// Requests that had to wait because their peer asks too often.
    pub delayed_requests: u64,
    /// Streams that were closed because their peer broke the protocol or did not read.
    pub closed_streams: u64,
    /// Streams of sessions that were served.
    pub served_sessions: u64,
    /// Streams of sessions that were refused.
    pub refused_sessions: u64,
    /// Bytes of tensors that were sent.
    pub sent_bytes: u64,
    /// Bytes of tensors that were received and verified.
    pub received_bytes: u64,
    /// Providers that were dropped for a lie.
    pub lies: u64,
    /// Providers that were dropped because they sent nothing or too slowly.
    pub stalls: u64,
    /// Providers that were dropped because they broke the protocol or closed a stream in an answer.
    pub broken_answers: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connections: AtomicU64,
    pub(crate) failed_connections: AtomicU64,
    pub(crate) refused_connections: AtomicU64,
    pub(crate) upgraded_connections: AtomicU64,
    pub(crate) served_requests: AtomicU64,
    pub(crate) refused_requests: AtomicU64,
    pub(crate) delayed_requests: AtomicU64,
    pub(crate) closed_streams: AtomicU64,
    pub(crate) served_sessions: AtomicU64,
    pub(crate) refused_sessions: AtomicU64,
    pub(crate) sent_bytes: AtomicU64,
    pub(crate) received_bytes: AtomicU64,
    lies: AtomicU64,
    stalls: AtomicU64,
    broken_answers: AtomicU64,
}

/// Counts one.
pub(crate) fn count(counter: &AtomicU64) {
    add(counter, 1);
}

/// Counts several.
pub(crate) fn add(counter: &AtomicU64, several: u64) {
    counter.fetch_add(several, Ordering::Relaxed);
}

impl Tally {
    pub(crate) fn fault(&self, fault: Fault) {
        count(match fault {
            Fault::Lie => &self.lies,
            Fault::Stall | Fault::Trickle => &self.stalls,
            Fault::Protocol | Fault::Closed => &self.broken_answers,
        });
    }

    pub(crate) fn read(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            connections: read(&self.connections),
            failed_connections: read(&self.failed_connections),
            refused_connections: read(&self.refused_connections),
            upgraded_connections: read(&self.upgraded_connections),
            served_requests: read(&self.served_requests),
            refused_requests: read(&self.refused_requests),
            delayed_requests: read(&self.delayed_requests),
            closed_streams: read(&self.closed_streams),
            served_sessions: read(&self.served_sessions),
            refused_sessions: read(&self.refused_sessions),
            sent_bytes: read(&self.sent_bytes),
            received_bytes: read(&self.received_bytes),
            lies: read(&self.lies),
            stalls: read(&self.stalls),
            broken_answers: read(&self.broken_answers),
        }
    }
}
