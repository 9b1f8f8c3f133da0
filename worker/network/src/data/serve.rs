//! The serving side of `/assay/data/1`: answers from the store, within bounds.
//!
//! A stream is answered one request after the other, so a peer that asks faster than it reads waits for itself. A
//! stream over the limit is closed at once. A peer that breaks the protocol loses its stream, and after a number of
//! them its connection, for the time that the swarm's task decides.

use super::{
    rate::RateLimit,
    store::{Content, Store},
    tree::{Step, Walk, group_range},
    wire::{Answer, MAX_RANGE_CHUNKS, MAX_REQUEST_BYTES, Refusal, Request, framed, receive},
};
use crate::{
    config::{Limits, Patience},
    counters::{Tally, add, count},
    guard::{Guard, Seat},
};
use assay_ops::tensor::Digest;
use futures::{AsyncWriteExt, StreamExt};
use libp2p::{PeerId, Stream};
use libp2p_stream::IncomingStreams;
use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    task::{JoinSet, spawn_blocking},
    time::{sleep, timeout},
};

/// Time in which the next request must arrive on a stream.
const IDLE: Duration = Duration::from_secs(60);

/// Parts that serving needs.
pub(crate) struct Server {
    store: Arc<dyn Store>,
    limits: Limits,
    patience: Patience,
    tally: Arc<Tally>,
    requests: RateLimit,
    bytes: RateLimit,
    guard: Arc<Guard>,
}

/// End of a stream.
enum End {
    /// The peer closed it, or was silent.
    Closed,
    /// The peer broke the protocol, or did not read its answer.
    Breach,
}

impl Server {
    /// `offenders` hears of peers whose connections are to be closed.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        limits: Limits,
        patience: Patience,
        tally: Arc<Tally>,
        offenders: mpsc::Sender<PeerId>,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            limits,
            patience,
            tally,
            requests: RateLimit::new(u64::from(limits.requests_per_second)),
            bytes: RateLimit::new(limits.bytes_per_second),
            guard: Guard::new(limits.max_streams_per_peer, offenders),
        })
    }

    /// Serves streams until there are no more.
    pub(crate) async fn run(self: Arc<Self>, mut incoming: IncomingStreams) {
        let mut served = JoinSet::new();
        while let Some((peer, stream)) = incoming.next().await {
            while served.try_join_next().is_some() {}
            let seat = match served.len() < self.limits.max_streams {
                true => self.guard.seat(peer),
                false => None,
            };
            match seat {
                Some(seat) => {
                    let server = self.clone();
                    served.spawn(async move { server.serve(seat, stream).await });
                }
                None => count(&self.tally.refused_requests),
            }
        }
    }

    async fn serve(&self, seat: Seat, mut stream: Stream) {
        let peer = seat.peer;
        match self.answer_all(peer, &mut stream).await {
            End::Closed => {
                let _ = stream.close().await;
            }
            End::Breach => {
                count(&self.tally.closed_streams);
                self.guard.breach(peer);
            }
        }
    }

    async fn answer_all(&self, peer: PeerId, stream: &mut Stream) -> End {
        loop {
            let request = match timeout(IDLE, receive::<Request>(stream, MAX_REQUEST_BYTES)).await {
                Ok(Ok(Some(request))) => request,
                Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => return End::Breach,
                Ok(Ok(None) | Err(_)) | Err(_) => return End::Closed,
            };
            let wait = self.requests.take(peer, 1, Instant::now());
            if !wait.is_zero() {
                count(&self.tally.delayed_requests);
                sleep(wait).await;
            }
            let store = self.store.clone();
            let Ok(Ok(answer)) = spawn_blocking(move || answer(&*store, request)).await else {
                return End::Closed;
            };
            count(match answer.is_refused {
                true => &self.tally.refused_requests,
                false => &self.tally.served_requests,
            });
            sleep(self.bytes.take(peer, answer.bytes.len() as u64, Instant::now())).await;
            let time = self.patience.stall + time_at(self.patience.min_rate, answer.bytes.len());
            let sent = async {
                stream.write_all(&answer.bytes).await?;
                stream.flush().await
            };
            match timeout(time, sent).await {
                Ok(Ok(())) => add(&self.tally.sent_bytes, answer.bytes.len() as u64),
                Ok(Err(_)) => return End::Closed,
                Err(_) => return End::Breach,
            }
        }
    }
}

/// The time that bytes take at a rate.
pub(crate) fn time_at(rate: u64, bytes: usize) -> Duration {
    Duration::from_millis((bytes as u64).saturating_mul(1000) / rate.max(1))
}

struct Written {
    bytes: Vec<u8>,
    is_refused: bool,
}

/// The bytes that answer a request. Reads files.
fn answer(store: &dyn Store, request: Request) -> io::Result<Written> {
    let unknown = || Answer::Refused(Refusal::Unknown);
    let answer = match request {
        Request::Ping => Answer::Pong,
        Request::Header(digest) => match store.content(&digest) {
            Some(content) => Answer::Header(content.header.clone()),
            None => unknown(),
        },
        Request::List(digest) => match store.list(&digest) {
            Some(entries) => Answer::List(entries.to_vec()),
            None => unknown(),
        },
        Request::Package(root) => match store.listing(&root) {
            Some(listing) => Answer::Package(Box::new((*listing).clone())),
            None => unknown(),
        },
        Request::Range { digest, start, count } => match store.content(&digest) {
            Some(content) => match range(store, &digest, &content, start, count) {
                Ok(bytes) => {
                    return Ok(Written {
                        bytes,
                        is_refused: false,
                    });
                }
                Err(refusal) => Answer::Refused(refusal),
            },
            None => unknown(),
        },
    };
    Ok(Written {
        bytes: framed(&answer)?,
        is_refused: matches!(answer, Answer::Refused(_)),
    })
}

/// A header in its frame and the range behind it.
fn range(store: &dyn Store, digest: &Digest, content: &Content, start: u64, count: u32) -> Result<Vec<u8>, Refusal> {
    if count > MAX_RANGE_CHUNKS {
        return Err(Refusal::Range);
    }
    let end = start.checked_add(u64::from(count)).ok_or(Refusal::Range)?;
    let mut walk = Walk::new(content.chunks, start..end, ()).ok_or(Refusal::Range)?;
    let mut bytes = framed(&Answer::Range(content.header.clone())).map_err(|_| Refusal::Failed)?;
    // The groups, and little more: digests take 64 bytes for each of them and each level.
    bytes.reserve(count as usize * 1024 + (64 << 10));
    while let Some(step) = walk.next() {
        match step {
            Step::Join(place, ()) => {
                let child = |index| content.tree.node(place.level - 1, index).ok_or(Refusal::Failed);
                bytes.extend_from_slice(&child(2 * place.index)?);
                bytes.extend_from_slice(&child(2 * place.index + 1)?);
                walk.descend(place, (), ());
            }
            Step::Group(group, ()) => {
                let at = group_range(content.bytes, group);
                let place = bytes.len();
                bytes.resize(place + (at.end - at.start) as usize, 0);
                let read = store.read(digest, at.start, &mut bytes[place..]);
                read.map_err(|_| Refusal::Failed)?;
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::store::LocalStore;
    use assay_ops::tensor::{DataType, Tensor};

    #[test]
    fn wrong_ranges_are_refused() {
        let store = LocalStore::new();
        let tensor = Tensor::new(DataType::Uint8, vec![5_000], vec![1; 5_000]).expect("a tensor");
        let digest = store.add_tensor(tensor).expect("a digest");
        let is_refused = |start, count| {
            let request = Request::Range { digest, start, count };
            answer(&store, request).expect("an answer").is_refused
        };
        assert!(!is_refused(0, 5));
        assert!(!is_refused(4, 1));
        for (start, count) in [
            (0, 0),
            (0, 6),
            (5, 1),
            (u64::MAX, 1),
            (u64::MAX, u32::MAX),
            (0, MAX_RANGE_CHUNKS + 1),
        ] {
            assert!(is_refused(start, count), "{count} chunks at {start}");
        }
    }
}
