//! Fetched data is the provided data, and a fetch goes on where it was.

use crate::common::{Gate, Odd, config, connect, empty_node, eventually, node, store_of, tensor};
use assay_exact::digest::DataType;
use assay_network::{LocalStore, NetworkError, Node, Sources, tcp};
use assay_ops::tensor::Tensor;
use std::{
    fs::{self, File},
    net::Ipv4Addr,
    sync::Arc,
};
use tempfile::tempdir;

const SIZE: usize = 50_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_megabytes_arrive_over_quic_and_over_tcp() {
    for is_tcp in [false, true] {
        let folders = [tempdir().expect("a folder"), tempdir().expect("a folder")];
        let (store, digest) = store_of(SIZE);
        let mut settings = config(folders[0].path());
        if is_tcp {
            settings.listen = vec![tcp(Ipv4Addr::LOCALHOST, 0)];
        }
        let provider = Node::start(settings, store).await.expect("starts");
        let fetcher = empty_node(folders[1].path()).await;
        connect(&fetcher, &provider).await;
        let sources = Sources {
            peers: vec![provider.peer()],
            search: None,
        };
        let path = folders[1].path().join("tensor");
        let header = fetcher
            .tensor_into(digest, 1 << 30, &path, &sources)
            .await
            .expect("fetches");
        assert_eq!(header.digest(), digest);
        assert!(fs::read(&path).expect("reads") == tensor(SIZE).bytes());
        assert_eq!(fetcher.counters().received_bytes, SIZE as u64);
        assert!(!folders[1].path().join("tensor.windows").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_small_tensors_arrive_in_memory() {
    let folders = [tempdir().expect("a folder"), tempdir().expect("a folder")];
    let store = Arc::new(LocalStore::new());
    let scalar = Tensor::new(DataType::Int64, vec![], vec![7; 8]).expect("a tensor");
    let empty = Tensor::new(DataType::Float32, vec![3, 0], vec![]).expect("a tensor");
    let tensors = vec![scalar, empty, tensor(20_001)];
    let digest = store.add_tensors(tensors.clone()).expect("provides");
    let provider = node(folders[0].path(), store).await;
    let fetcher = empty_node(folders[1].path()).await;
    connect(&fetcher, &provider).await;
    let sources = Sources {
        peers: vec![provider.peer()],
        search: None,
    };
    assert_eq!(
        fetcher.tensors(digest, 1 << 20, &sources).await.expect("fetches"),
        tensors
    );
    let refused = fetcher.tensors(digest, 20_000, &sources).await;
    assert!(matches!(refused, Err(NetworkError::TooLarge { .. })), "{refused:?}");
    let unknown = fetcher.tensor([9; 32], 1 << 20, &sources).await;
    assert!(matches!(unknown, Err(NetworkError::Unavailable { .. })), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetch_that_was_dropped_goes_on_in_another_node() {
    let folders = [tempdir().expect("a folder"), tempdir().expect("a folder")];
    let (store, digest) = store_of(SIZE);
    // The provider delivers a part, and the rest when the first fetch is dropped.
    let gate = Gate::closed();
    let wait = gate.wait();
    let halting = Odd {
        store,
        read: move |offset, _: &mut [u8]| {
            if offset >= 10 << 20 {
                wait();
            }
        },
    };
    let provider = node(folders[0].path(), Arc::new(halting)).await;
    let sources = Sources {
        peers: vec![provider.peer()],
        search: None,
    };
    let path = folders[1].path().join("tensor");
    let first = empty_node(folders[1].path()).await;
    connect(&first, &provider).await;
    let has_begun = eventually("a part arrives", async || {
        (first.counters().received_bytes >= 3 << 20).then_some(())
    });
    tokio::select! {
        fetched = first.tensor_into(digest, 1 << 30, &path, &sources) => panic!("{fetched:?} before it is dropped"),
        () = has_begun => {}
    }
    drop(first);
    drop(gate);
    // The thread that writes ends with what it has, and with it the lock of the checklist.
    eventually("the checklist is written", async || {
        let checklist = File::open(folders[1].path().join("tensor.windows")).ok()?;
        let is_written = checklist.metadata().ok()?.len() > 32;
        (is_written && checklist.try_lock().is_ok()).then_some(())
    })
    .await;

    let second = empty_node(folders[1].path()).await;
    connect(&second, &provider).await;
    second
        .tensor_into(digest, 1 << 30, &path, &sources)
        .await
        .expect("fetches");
    assert!(fs::read(&path).expect("reads") == tensor(SIZE).bytes());
    let received = second.counters().received_bytes;
    assert!(
        (1..SIZE as u64 - (1 << 20)).contains(&received),
        "{received} bytes again"
    );
}
