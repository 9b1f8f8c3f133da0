//! Providers that lie, stall, trickle or send too much, and peers that flood: each costs a little and is dropped.

use crate::common::{RawPeer, config, connect, empty_node, exchange, node, store_of, tensor};
use assay_network::{
    Content, Fault, LocalStore, NetworkError, Node, Sources, Store,
    data::wire::{Answer, Listing, MAX_ANSWER_BYTES, Refusal, Request, framed},
};
use assay_ops::tensor::Digest;
use futures::AsyncWriteExt;
use std::{
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::tempdir;

const SIZE: usize = 20 << 20;

/// A store that does something to what it reads.
struct Odd<F> {
    store: Arc<LocalStore>,
    read: F,
}

impl<F: Fn(u64, &mut [u8]) + Send + Sync + 'static> Store for Odd<F> {
    fn content(&self, digest: &Digest) -> Option<Arc<Content>> {
        self.store.content(digest)
    }

    fn read(&self, digest: &Digest, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.store.read(digest, offset, buffer)?;
        (self.read)(offset, buffer);
        Ok(())
    }

    fn list(&self, digest: &Digest) -> Option<Arc<Vec<Digest>>> {
        self.store.list(digest)
    }

    fn listing(&self, root: &Digest) -> Option<Arc<Listing>> {
        self.store.listing(root)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn liar_and_staller_are_dropped_and_a_third_delivers() {
    let folders = [(); 4].map(|()| tempdir().expect("a folder"));
    let (store, digest) = store_of(SIZE);
    let lying = Odd {
        store: store.clone(),
        read: |offset, bytes: &mut [u8]| {
            if offset >= 5 << 20 {
                bytes[77] ^= 1;
            }
        },
    };
    let is_over = Arc::new(AtomicBool::new(false));
    let stalling = Odd {
        store: store.clone(),
        read: {
            let is_over = is_over.clone();
            move |_, _: &mut [u8]| {
                while !is_over.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        },
    };
    let liar = node(folders[0].path(), Arc::new(lying)).await;
    let staller = node(folders[1].path(), Arc::new(stalling)).await;
    let mut slow = config(folders[2].path());
    // The others have time to show what they are.
    slow.limits.bytes_per_second = 6 << 20;
    let honest = Node::start(slow, store).await.expect("starts");
    let fetcher = empty_node(folders[3].path()).await;
    for provider in [&liar, &staller, &honest] {
        connect(&fetcher, provider).await;
    }
    let sources = Sources {
        peers: vec![liar.peer(), staller.peer(), honest.peer()],
        search: None,
    };
    let path = folders[3].path().join("tensor");
    fetcher
        .tensor_into(digest, 1 << 30, &path, &sources)
        .await
        .expect("fetches");
    is_over.store(true, Ordering::Relaxed);
    assert!(fs::read(&path).expect("reads") == tensor(SIZE).bytes());
    let counters = fetcher.counters();
    assert!(counters.lies >= 1 && counters.stalls >= 1, "{counters:?}");

    // They are not asked again.
    let sources = Sources {
        peers: vec![liar.peer(), staller.peer()],
        search: None,
    };
    match fetcher.tensor(digest, 1 << 30, &sources).await {
        Err(NetworkError::Unavailable { tried, .. }) => {
            assert!(
                tried.iter().all(|(_, reason)| reason.contains("for a time")),
                "{tried:?}"
            );
        }
        other => panic!("{:?}", other.map(|_| ())),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provider_that_trickles_is_dropped() {
    let folders = [(); 2].map(|()| tempdir().expect("a folder"));
    let (store, digest) = store_of(SIZE);
    let mut settings = config(folders[0].path());
    settings.limits.bytes_per_second = 300_000;
    let provider = Node::start(settings, store).await.expect("starts");
    let mut impatient = config(folders[1].path());
    impatient.patience.min_rate = 1 << 20;
    let fetcher = Node::start(impatient, Arc::new(LocalStore::new()))
        .await
        .expect("starts");
    connect(&fetcher, &provider).await;
    let sources = Sources {
        peers: vec![provider.peer()],
        search: None,
    };
    let path = folders[1].path().join("tensor");
    let fetched = fetcher.tensor_into(digest, 1 << 30, &path, &sources).await;
    assert!(matches!(fetched, Err(NetworkError::Unavailable { .. })), "{fetched:?}");
    assert!(fetcher.counters().stalls >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_too_long_or_no_answers_break_the_protocol() {
    let too_long = ((MAX_ANSWER_BYTES + 1) as u32).to_le_bytes().to_vec();
    let gibberish = [4u32.to_le_bytes().as_slice(), &[99, 1, 2, 3]].concat();
    let of_another = framed(&Answer::Pong).expect("a frame");
    for answer in [too_long, gibberish, of_another] {
        let folder = tempdir().expect("a folder");
        let fetcher = empty_node(folder.path()).await;
        let mut peer = RawPeer::start().await;
        peer.answer_with(answer);
        fetcher
            .connect(peer.peer, vec![peer.address.clone()])
            .await
            .expect("connects");
        let sources = Sources {
            peers: vec![peer.peer],
            search: None,
        };
        match fetcher.tensor([1; 32], 1 << 20, &sources).await {
            Err(NetworkError::Unavailable { tried, .. }) => {
                assert!(tried[0].1.contains(&Fault::Protocol.to_string()), "{tried:?}");
            }
            other => panic!("{:?}", other.map(|_| ())),
        }
        assert_eq!(fetcher.counters().broken_answers, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_ranges_are_refused_and_the_stream_goes_on() {
    let folder = tempdir().expect("a folder");
    let (store, digest) = store_of(5_000);
    let server = node(folder.path(), store).await;
    let peer = RawPeer::start().await;
    server
        .connect(peer.peer, vec![peer.address.clone()])
        .await
        .expect("connects");
    let mut stream = peer.open(server.peer()).await.expect("a stream");
    for (start, count) in [(0, 0), (0, 6), (5, 1), (u64::MAX, u32::MAX), (0, 1025)] {
        let answer = exchange(&mut stream, &Request::Range { digest, start, count }).await;
        assert_eq!(
            answer,
            Some(Answer::Refused(Refusal::Range)),
            "{count} chunks at {start}"
        );
    }
    assert_eq!(exchange(&mut stream, &Request::Ping).await, Some(Answer::Pong));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_that_sends_too_long_requests_loses_its_streams_and_then_its_connection() {
    let folder = tempdir().expect("a folder");
    let server = empty_node(folder.path()).await;
    let peer = RawPeer::start().await;
    server
        .connect(peer.peer, vec![peer.address.clone()])
        .await
        .expect("connects");
    for _ in 0..200 {
        let Some(mut stream) = peer.open(server.peer()).await else {
            break;
        };
        if stream.write_all(&u32::MAX.to_le_bytes()).await.is_ok() {
            let _ = stream.flush().await;
            let _ = exchange(&mut stream, &Request::Ping).await;
        }
    }
    let is_gone = async || server.status().await.expect("a status").peers.is_empty();
    for _ in 0..100 {
        if is_gone().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_gone().await);
    assert!(server.counters().closed_streams >= 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flooder_waits_and_others_are_served() {
    let folders = [(); 2].map(|()| tempdir().expect("a folder"));
    let (store, digest) = store_of(SIZE);
    let mut settings = config(folders[0].path());
    settings.limits.requests_per_second = 50;
    settings.limits.max_streams_per_peer = 4;
    let server = Node::start(settings, store).await.expect("starts");
    let flooder = RawPeer::start().await;
    server
        .connect(flooder.peer, vec![flooder.address.clone()])
        .await
        .expect("connects");
    let start = Instant::now();
    let mut floods = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (control, to) = (flooder.control.clone(), server.peer());
        floods.spawn(async move {
            let mut control = control;
            let protocol = libp2p::StreamProtocol::new(assay_network::data::wire::PROTOCOL);
            let Ok(mut stream) = control.open_stream(to, protocol).await else {
                return 0;
            };
            let mut answered = 0u32;
            while start.elapsed() < Duration::from_secs(4) {
                let left = Duration::from_secs(4).saturating_sub(start.elapsed());
                match tokio::time::timeout(left, exchange(&mut stream, &Request::Header([0; 32]))).await {
                    Ok(Some(_)) => answered += 1,
                    _ => break,
                }
            }
            answered
        });
    }
    let fetcher = empty_node(folders[1].path()).await;
    connect(&fetcher, &server).await;
    let sources = Sources {
        peers: vec![server.peer()],
        search: None,
    };
    let fetched = fetcher
        .tensor(digest, 1 << 30, &sources)
        .await
        .expect("fetches beside the flood");
    assert_eq!(fetched, tensor(SIZE));
    let answered: u32 = floods.join_all().await.into_iter().sum();
    // What one second gives at once, and four seconds' worth after it.
    assert!((1..=50 * 5 + 10).contains(&answered), "{answered} answers");
    let counters = server.counters();
    assert!(
        counters.delayed_requests > 0 && counters.refused_requests >= 30,
        "{counters:?}"
    );
}
