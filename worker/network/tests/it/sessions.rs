//! Streams of sessions: frames arrive as they were sent, within bounds, and a peer that breaks them costs little.

use crate::common::{RawPeer, addresses, config, connect, empty_node, eventually};
use assay_network::{
    LocalStore, NetworkError, Node,
    session::{
        Frame, RefusalReason, SessionHandler, SessionLimits, SessionStream, StreamError,
        wire::{MAX_CONTENT_BYTES, PROTOCOL},
    },
    tcp,
};
use futures::{AsyncReadExt, AsyncWriteExt, future::BoxFuture};
use libp2p::{Stream, StreamProtocol};
use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::tempdir;

/// No expectation: it ends a test that would wait forever.
const WAIT: Duration = Duration::from_secs(120);

/// Sends every frame back, and counts the streams that have ended.
#[derive(Default)]
struct Echo {
    ended: Arc<AtomicU64>,
}

impl SessionHandler for Echo {
    fn serve(&self, mut stream: SessionStream) -> BoxFuture<'static, ()> {
        let ended = self.ended.clone();
        Box::pin(async move {
            while let Ok(Some(frame)) = stream.receive(WAIT).await {
                if stream.send(&frame).await.is_err() {
                    break;
                }
            }
            ended.fetch_add(1, Ordering::SeqCst);
        })
    }
}

/// Sends frames for as long as somebody reads.
struct Firehose {
    sent: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
}

impl SessionHandler for Firehose {
    fn serve(&self, mut stream: SessionStream) -> BoxFuture<'static, ()> {
        let (sent, failed) = (self.sent.clone(), self.failed.clone());
        Box::pin(async move {
            while stream.send(&Frame::Output(vec![1; MAX_CONTENT_BYTES])).await.is_ok() {
                sent.fetch_add(1, Ordering::SeqCst);
            }
            failed.fetch_add(1, Ordering::SeqCst);
        })
    }
}

async fn until(mut is_so: impl FnMut() -> bool) {
    eventually("it is not so", async || is_so().then_some(())).await;
}

/// A stream that the peer serves, after a frame that came back. Streams that reach a peer faster than it takes them are
/// dropped, as libp2p's handler of streams does it, and opened again.
async fn served(client: &Node, server: &Node) -> SessionStream {
    eventually("no stream is served", async || {
        let mut stream = client.open_session(server.peer()).await.expect("opens");
        stream.send(&Frame::Accepted(vec![])).await.ok()?;
        (stream.receive(WAIT).await.ok()? == Some(Frame::Accepted(vec![]))).then_some(stream)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_come_back_as_they_were_sent_over_quic_and_over_tcp() {
    for is_tcp in [false, true] {
        let folders = [tempdir().expect("a folder"), tempdir().expect("a folder")];
        let mut settings = config(folders[0].path());
        if is_tcp {
            settings.listen = vec![tcp(Ipv4Addr::LOCALHOST, 0)];
        }
        let server = Node::start(settings, Arc::new(LocalStore::new()))
            .await
            .expect("starts");
        let client = empty_node(folders[1].path()).await;
        connect(&client, &server).await;
        let _serving = server.serve_sessions(Arc::new(Echo::default()), SessionLimits::default());
        let mut streams = Vec::new();
        for _ in 0..20 {
            streams.push(served(&client, &server).await);
        }
        // Many streams at once, and several frames in each.
        for (number, stream) in streams.iter_mut().enumerate() {
            for length in [0, 1, number, MAX_CONTENT_BYTES] {
                let frame = Frame::Input(vec![number as u8; length]);
                stream.send(&frame).await.expect("sends");
            }
        }
        for (number, stream) in streams.iter_mut().enumerate() {
            for length in [0, 1, number, MAX_CONTENT_BYTES] {
                let frame = stream.receive(WAIT).await.expect("comes back");
                assert_eq!(frame, Some(Frame::Input(vec![number as u8; length])));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_serves_sessions_once_and_stops_when_it_is_told_to() {
    let folders = [tempdir().expect("a folder"), tempdir().expect("a folder")];
    let server = empty_node(folders[0].path()).await;
    let client = empty_node(folders[1].path()).await;
    connect(&client, &server).await;
    let refused = client.open_session(server.peer()).await;
    assert!(
        matches!(refused, Err(NetworkError::Unreachable { .. })),
        "nobody serves yet"
    );
    let serving = server
        .serve_sessions(Arc::new(Echo::default()), SessionLimits::default())
        .expect("serves");
    let twice = server.serve_sessions(Arc::new(Echo::default()), SessionLimits::default());
    assert!(matches!(twice, Err(NetworkError::AlreadyServed)));
    let mut stream = client.open_session(server.peer()).await.expect("opens");
    stream.send(&Frame::Accepted(vec![])).await.expect("sends");
    assert!(stream.receive(WAIT).await.expect("comes back").is_some());
    drop(serving);
    let ended = stream.receive(WAIT).await;
    assert!(!matches!(ended, Ok(Some(_)) | Err(StreamError::Stall)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_dropped_tells_the_other_side() {
    let folders = [tempdir().expect("a folder"), tempdir().expect("a folder")];
    let server = empty_node(folders[0].path()).await;
    let client = empty_node(folders[1].path()).await;
    connect(&client, &server).await;
    let echo = Echo::default();
    let ended = echo.ended.clone();
    let _serving = server
        .serve_sessions(Arc::new(echo), SessionLimits::default())
        .expect("serves");
    let mut stream = client.open_session(server.peer()).await.expect("opens");
    stream.send(&Frame::Accepted(vec![])).await.expect("sends");
    stream.receive(WAIT).await.expect("comes back");
    assert_eq!(ended.load(Ordering::SeqCst), 0);
    drop(stream);
    until(|| ended.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_over_the_limit_of_a_peer_are_refused_with_a_word_and_others_are_served() {
    let folders = [(); 3].map(|()| tempdir().expect("a folder"));
    let server = empty_node(folders[0].path()).await;
    let greedy = empty_node(folders[1].path()).await;
    let modest = empty_node(folders[2].path()).await;
    connect(&greedy, &server).await;
    connect(&modest, &server).await;
    let limits = SessionLimits {
        max_streams_per_peer: 2,
        ..SessionLimits::default()
    };
    let _serving = server
        .serve_sessions(Arc::new(Echo::default()), limits)
        .expect("serves");
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(served(&greedy, &server).await);
    }
    let mut third = greedy.open_session(server.peer()).await.expect("opens");
    // A stream is negotiated when something is sent on it or read from it.
    let _ = third.send(&Frame::Accepted(vec![])).await;
    let refused = third.receive(WAIT).await.expect("a word");
    let Some(Frame::Refused(refusal)) = refused else {
        panic!("{refused:?} is no refusal");
    };
    assert_eq!(refusal.reason, RefusalReason::Busy);
    assert!(refusal.retry_after_ms > 0);
    let _other = served(&modest, &server).await;
    drop(held);
    // It has its places back.
    served(&greedy, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_opens_streams_too_often_is_told_to_wait() {
    let folders = [tempdir().expect("a folder"), tempdir().expect("a folder")];
    let server = empty_node(folders[0].path()).await;
    let client = empty_node(folders[1].path()).await;
    connect(&client, &server).await;
    let limits = SessionLimits {
        streams_per_second: 3,
        ..SessionLimits::default()
    };
    let _serving = server
        .serve_sessions(Arc::new(Echo::default()), limits)
        .expect("serves");
    let (mut refused, start) = (0, Instant::now());
    for _ in 0..12 {
        let mut stream = client.open_session(server.peer()).await.expect("opens");
        let _ = stream.send(&Frame::Accepted(vec![])).await;
        if let Ok(Some(Frame::Refused(refusal))) = stream.receive(WAIT).await {
            assert_eq!(refusal.reason, RefusalReason::TooOften);
            refused += 1;
        }
    }
    // What one second gives at once, what the time since gives, and one for the rounding.
    let allowed = 3 + 3 * start.elapsed().as_secs() + 1;
    assert!(refused + allowed >= 12, "{refused} of 12 were refused");
    assert!(server.counters().refused_sessions >= refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_stops_who_writes_and_is_given_up() {
    let folders = [tempdir().expect("a folder"), tempdir().expect("a folder")];
    let mut settings = config(folders[0].path());
    settings.patience.stall = Duration::from_secs(1);
    let server = Node::start(settings, Arc::new(LocalStore::new()))
        .await
        .expect("starts");
    let client = empty_node(folders[1].path()).await;
    connect(&client, &server).await;
    let hose = Firehose {
        sent: Arc::default(),
        failed: Arc::default(),
    };
    let (sent, failed) = (hose.sent.clone(), hose.failed.clone());
    let _serving = server
        .serve_sessions(Arc::new(hose), SessionLimits::default())
        .expect("serves");
    let mut stream = client.open_session(server.peer()).await.expect("opens");
    stream.send(&Frame::Accepted(vec![])).await.expect("sends");
    until(|| failed.load(Ordering::SeqCst) == 1).await;
    let bytes = sent.load(Ordering::SeqCst) * MAX_CONTENT_BYTES as u64;
    assert!(bytes < 128 << 20, "{bytes} bytes were taken by the stream's buffers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_sends_frames_that_are_none_loses_its_streams_and_then_its_connection() {
    let folder = tempdir().expect("a folder");
    let server = empty_node(folder.path()).await;
    let _serving = server
        .serve_sessions(Arc::new(Echo::default()), SessionLimits::default())
        .expect("serves");
    let raw = RawPeer::start().await;
    server
        .connect(raw.peer, vec![raw.address.clone()])
        .await
        .expect("connects");
    for _ in 0..8 {
        let Some(mut stream) = open(&raw, &server).await else {
            break;
        };
        // A frame of 4 GiB.
        let _ = stream.write_all(&u32::MAX.to_le_bytes()).await;
        let _ = stream.flush().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty());
    }
    assert!(server.counters().closed_streams >= 8);
    for _ in 0..500 {
        let connected = server.status().await.expect("a status").peers;
        if !connected.iter().any(|status| status.peer == raw.peer) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the peer is still connected");
}

/// Opens a stream of sessions from a peer without manners.
async fn open(raw: &RawPeer, server: &Node) -> Option<Stream> {
    for _ in 0..20 {
        let mut control = raw.control.clone();
        if let Ok(stream) = control.open_stream(server.peer(), StreamProtocol::new(PROTOCOL)).await {
            return Some(stream);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_not_there_is_an_error_in_time() {
    let folders = [tempdir().expect("a folder"), tempdir().expect("a folder")];
    let client = empty_node(folders[0].path()).await;
    let gone = empty_node(folders[1].path()).await;
    let (peer, address) = (gone.peer(), addresses(&gone).await);
    drop(gone);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let connected = tokio::time::timeout(Duration::from_secs(60), client.connect(peer, address)).await;
    assert!(
        matches!(connected, Ok(Err(NetworkError::Unreachable { .. }))),
        "{connected:?}"
    );
    assert!(client.open_session(peer).await.is_err());
}
