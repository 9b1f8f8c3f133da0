//! The serving side of `/assay/session/1`: streams within bounds are handed over, the others are refused with a word.

use super::{
    stream::SessionStream,
    wire::{Frame, RefusalReason, SessionRefusal},
};
use crate::{
    config::Patience,
    counters::{Tally, count},
    data::rate::RateLimit,
    guard::{Guard, Seat},
};
use futures::{StreamExt, future::BoxFuture};
use libp2p::PeerId;
use libp2p_stream::IncomingStreams;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

/// Streams that are being refused at a time; further ones are closed without a word.
const MAX_REFUSING: usize = 64;
/// Time in which a refusal is sent.
const REFUSING: Duration = Duration::from_secs(2);
/// Time after which a peer whose streams are all taken may ask again.
const BUSY: Duration = Duration::from_millis(200);

/// Bounds on what others may use of the sessions of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Streams that are served at a time, of all peers.
    pub max_streams: usize,
    /// Streams that are served at a time for one peer.
    pub max_streams_per_peer: usize,
    /// Streams that one peer may open per second; 0 for any number.
    pub streams_per_second: u32,
    /// Bytes that are read of one peer per second, over all its streams; 0 for any number.
    pub bytes_per_second: u64,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            max_streams: 1024,
            max_streams_per_peer: 128,
            streams_per_second: 512,
            bytes_per_second: 64 << 20,
        }
    }
}

/// Handler that serves streams.
pub trait SessionHandler: Send + Sync + 'static {
    /// Serves a stream until its end. The stream is reset when it is dropped.
    fn serve(&self, stream: SessionStream) -> BoxFuture<'static, ()>;
}

/// A node that serves sessions; it stops to when this is dropped.
#[derive(Debug)]
pub struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Counter of the bytes of one peer.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    peer: PeerId,
    bytes: Arc<RateLimit>,
    guard: Arc<Guard>,
    tally: Arc<Tally>,
}

impl Meter {
    /// Counts bytes that were read; returns the time that nothing more is read for.
    pub(crate) fn count(&self, bytes: usize) -> Duration {
        self.bytes.take(self.peer, bytes as u64, Instant::now())
    }

    /// Notes that the peer broke the protocol.
    pub(crate) fn breach(&self) {
        count(&self.tally.closed_streams);
        self.guard.breach(self.peer);
    }
}

/// Acceptor that hands over streams.
pub(crate) struct Acceptor {
    handler: Arc<dyn SessionHandler>,
    limits: SessionLimits,
    patience: Patience,
    tally: Arc<Tally>,
    guard: Arc<Guard>,
    opened: RateLimit,
    bytes: Arc<RateLimit>,
}

impl Acceptor {
    pub(crate) fn new(
        handler: Arc<dyn SessionHandler>,
        limits: SessionLimits,
        patience: Patience,
        tally: Arc<Tally>,
        offenders: mpsc::Sender<PeerId>,
    ) -> Self {
        Self {
            handler,
            limits,
            patience,
            tally,
            guard: Guard::new(limits.max_streams_per_peer, offenders),
            opened: RateLimit::new(u64::from(limits.streams_per_second)),
            bytes: Arc::new(RateLimit::new(limits.bytes_per_second)),
        }
    }

    /// Accepts streams for as long as the result lives.
    pub(crate) fn start(self, incoming: IncomingStreams) -> Serving {
        Serving(tokio::spawn(self.run(incoming)))
    }

    async fn run(self, mut incoming: IncomingStreams) {
        let (mut served, mut refusing) = (JoinSet::new(), JoinSet::new());
        while let Some((peer, stream)) = incoming.next().await {
            while served.try_join_next().is_some() {}
            while refusing.try_join_next().is_some() {}
            let meter = Meter {
                peer,
                bytes: self.bytes.clone(),
                guard: self.guard.clone(),
                tally: self.tally.clone(),
            };
            let stream = SessionStream::new(peer, stream, self.patience, Some(meter));
            match self.admit(peer, served.len()) {
                Ok(seat) => {
                    count(&self.tally.served_sessions);
                    let serving = self.handler.serve(stream);
                    served.spawn(async move {
                        serving.await;
                        drop(seat);
                    });
                }
                Err(refusal) => {
                    count(&self.tally.refused_sessions);
                    if refusing.len() < MAX_REFUSING {
                        refusing.spawn(refuse(stream, refusal));
                    }
                }
            }
        }
    }

    /// A place for a stream, or why there is none.
    fn admit(&self, peer: PeerId, served: usize) -> Result<Seat, SessionRefusal> {
        let wait = self.opened.take(peer, 1, Instant::now());
        if !wait.is_zero() {
            return Err(SessionRefusal::for_now(RefusalReason::TooOften, wait));
        }
        let seat = match served < self.limits.max_streams {
            true => self.guard.seat(peer),
            false => None,
        };
        seat.ok_or(SessionRefusal::for_now(RefusalReason::Busy, BUSY))
    }
}

/// Tells a client why its stream is not served. What the client sends meanwhile is not read.
async fn refuse(mut stream: SessionStream, refusal: SessionRefusal) {
    let told = async {
        if stream.send(&Frame::Refused(refusal)).await.is_ok() {
            let (_reader, mut writer) = stream.split();
            let _ = writer.close().await;
        }
    };
    let _ = timeout(REFUSING, told).await;
}
