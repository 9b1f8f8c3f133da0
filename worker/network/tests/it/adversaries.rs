//! Providers that lie, stall, trickle or send too much, and peers that flood: each costs a little and is dropped.

use crate::common::{Gate, Odd, RawPeer, config, connect, empty_node, eventually, exchange, node, store_of, tensor};
use assay_network::{
    Fault, LocalStore, NetworkError, Node, PeerId, Sources,
    data::wire::{Answer, MAX_ANSWER_BYTES, Refusal, Request, framed},
};
use futures::AsyncWriteExt;
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::tempdir;

const SIZE: usize = 20 << 20;

fn from(peers: &[PeerId]) -> Sources {
    Sources {
        peers: peers.to_vec(),
        search: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn liar_is_dropped_and_another_delivers() {
    let folders = [(); 3].map(|()| tempdir().expect("a folder"));
    let (store, digest) = store_of(SIZE);
    let lying = Odd {
        store: store.clone(),
        read: |offset, bytes: &mut [u8]| {
            if offset >= 8 << 20 {
                bytes[77] ^= 1;
            }
        },
    };
    // The honest one claims windows as the liar does, and delivers them when the liar has shown what it is.
    let gate = Gate::closed();
    let wait = gate.wait();
    let honest = Odd {
        store: store.clone(),
        read: move |_, _: &mut [u8]| wait(),
    };
    let liar = node(folders[0].path(), Arc::new(lying)).await;
    let honest = node(folders[1].path(), Arc::new(honest)).await;
    let fetcher = empty_node(folders[2].path()).await;
    connect(&fetcher, &liar).await;
    connect(&fetcher, &honest).await;
    let sources = from(&[liar.peer(), honest.peer()]);
    let path = folders[2].path().join("tensor");
    let caught = async {
        eventually("the liar is caught", async || {
            (fetcher.counters().lies > 0).then_some(())
        })
        .await;
        drop(gate);
    };
    let (fetched, ()) = tokio::join!(fetcher.tensor_into(digest, 1 << 30, &path, &sources), caught);
    fetched.expect("fetches");
    assert!(fs::read(&path).expect("reads") == tensor(SIZE).bytes());
    is_not_asked_again(&fetcher, &liar, digest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staller_is_dropped_and_another_delivers() {
    let folders = [(); 4].map(|()| tempdir().expect("a folder"));
    let (store, digest) = store_of(SIZE);
    let gate = Gate::closed();
    let wait = gate.wait();
    let stalling = Odd {
        store: store.clone(),
        read: move |_, _: &mut [u8]| wait(),
    };
    let staller = node(folders[0].path(), Arc::new(stalling)).await;
    let honest = node(folders[1].path(), store).await;
    let mut impatient = config(folders[2].path());
    impatient.patience.stall = Duration::from_millis(500);
    let impatient = Node::start(impatient, Arc::new(LocalStore::new()))
        .await
        .expect("starts");
    connect(&impatient, &staller).await;
    let fetched = impatient.tensor(digest, 1 << 30, &from(&[staller.peer()])).await;
    assert!(matches!(fetched, Err(NetworkError::Unavailable { .. })));
    assert!(impatient.counters().stalls >= 1);
    is_not_asked_again(&impatient, &staller, digest).await;

    // One that has all patience does not wait for the staller either: its windows are asked of the other one.
    let patient = empty_node(folders[3].path()).await;
    connect(&patient, &staller).await;
    connect(&patient, &honest).await;
    let sources = from(&[staller.peer(), honest.peer()]);
    let path = folders[3].path().join("tensor");
    let fetched = patient.tensor_into(digest, 1 << 30, &path, &sources).await;
    drop(gate);
    fetched.expect("fetches");
    assert!(fs::read(&path).expect("reads") == tensor(SIZE).bytes());
}

/// A peer with a fault is not asked again for a time.
async fn is_not_asked_again(fetcher: &Node, peer: &Node, digest: assay_ops::tensor::Digest) {
    match fetcher.tensor(digest, 1 << 30, &from(&[peer.peer()])).await {
        Err(NetworkError::Unavailable { tried, .. }) => {
            assert!(
                tried.len() == 1 && tried.iter().all(|(_, reason)| reason.contains("for a time")),
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
    impatient.patience.stall = Duration::from_millis(500);
    let fetcher = Node::start(impatient, Arc::new(LocalStore::new()))
        .await
        .expect("starts");
    connect(&fetcher, &provider).await;
    let path = folders[1].path().join("tensor");
    let sources = from(&[provider.peer()]);
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
        match fetcher.tensor([1; 32], 1 << 20, &from(&[peer.peer])).await {
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
    peer.meet(&server).await;
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
    peer.meet(&server).await;
    for _ in 0..200 {
        let Some(mut stream) = peer.open(server.peer()).await else {
            break;
        };
        if stream.write_all(&u32::MAX.to_le_bytes()).await.is_ok() {
            let _ = stream.flush().await;
            let _ = exchange(&mut stream, &Request::Ping).await;
        }
    }
    eventually("the peer is disconnected", async || {
        server.status().await.expect("a status").peers.is_empty().then_some(())
    })
    .await;
    assert!(server.counters().closed_streams >= 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flooder_waits_and_others_are_served() {
    const RATE: u32 = 20;
    const STREAMS: usize = 4;
    const REFUSED: u64 = 36;
    let folders = [(); 2].map(|()| tempdir().expect("a folder"));
    let (store, digest) = store_of(SIZE);
    let mut settings = config(folders[0].path());
    settings.limits.requests_per_second = RATE;
    settings.limits.max_streams_per_peer = STREAMS;
    let server = Node::start(settings, store).await.expect("starts");
    let flooder = RawPeer::start().await;
    flooder.meet(&server).await;
    let start = Instant::now();
    let (answered, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let mut stream = flooder.open(server.peer()).await.expect("a stream");
        assert_eq!(exchange(&mut stream, &Request::Ping).await, Some(Answer::Pong));
        answered.fetch_add(1, Ordering::Relaxed);
        streams.push(stream);
    }
    // All its places are taken. One stream is opened after the other: streams that come at once may be dropped before
    // the server sees and counts them.
    for _ in 0..REFUSED {
        if let Some(mut stream) = flooder.open(server.peer()).await {
            assert_eq!(exchange(&mut stream, &Request::Ping).await, None);
        }
    }
    assert_eq!(server.counters().refused_requests, REFUSED);
    let mut floods = tokio::task::JoinSet::new();
    for mut stream in streams {
        let (answered, is_over) = (answered.clone(), is_over.clone());
        floods.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(exchange(&mut stream, &Request::Ping).await, Some(Answer::Pong));
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let fetcher = empty_node(folders[1].path()).await;
    connect(&fetcher, &server).await;
    let fetched = fetcher.tensor(digest, 1 << 30, &from(&[server.peer()])).await;
    assert_eq!(fetched.expect("fetches beside the flood"), tensor(SIZE));
    // The flood goes on until it was made to wait, with three times what one second gives at once.
    eventually("the flooder waits", async || {
        let is_enough = answered.load(Ordering::Relaxed) >= 3 * u64::from(RATE);
        (is_enough && server.counters().delayed_requests > 0).then_some(())
    })
    .await;
    is_over.store(true, Ordering::Relaxed);
    while let Some(flood) = floods.join_next().await {
        flood.expect("every request is answered at last");
    }
    // What one second gives at once, and what the time gave after it. A slow machine only takes longer.
    let answered = answered.load(Ordering::Relaxed) as f64;
    let allowed = f64::from(RATE) * (1.0 + start.elapsed().as_secs_f64()) + 1.0;
    assert!(answered <= allowed, "{answered} answers, and {allowed} are allowed");
}
