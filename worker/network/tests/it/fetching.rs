//! Fetched data is the provided data, and a fetch goes on where it was.

use crate::common::{Gate, Odd, addresses, config, connect, empty_node, eventually, node, store_of, tensor};
use assay_exact::digest::DataType;
use assay_network::{LocalStore, Multiaddr, NetworkError, Node, Sources, tcp};
use assay_ops::tensor::{Digest, Tensor};
use libp2p::multiaddr::Protocol;
use std::{
    fs::{self, File},
    net::Ipv4Addr,
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::tempdir;

const SIZE: usize = 50_000_000;
/// Bytes of which a fetch has synced a part before all have arrived.
const LARGE: usize = 100 << 20;
/// The provider's address and the digest, for the process that is killed, and the folder that it fetches into.
const ADDRESS: &str = "ASSAY_KILLED_ADDRESS";
const DIGEST: &str = "ASSAY_KILLED_DIGEST";
const FOLDER: &str = "ASSAY_KILLED_FOLDER";

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn providers_deliver_one_tensor_at_the_same_time() {
    let folders = [(); 3].map(|()| tempdir().expect("a folder"));
    let (store, digest) = store_of(SIZE);
    let asked = [Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false))];
    let mut providers = Vec::new();
    for own in [0, 1] {
        // Each delivers once the other has been asked too.
        let (own_asked, other_asked) = (asked[own].clone(), asked[1 - own].clone());
        let waiting = Odd {
            store: store.clone(),
            read: move |_, _: &mut [u8]| {
                own_asked.store(true, Ordering::Relaxed);
                while !other_asked.load(Ordering::Relaxed) {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
            },
        };
        providers.push(node(folders[own].path(), Arc::new(waiting)).await);
    }
    let fetcher = empty_node(folders[2].path()).await;
    for provider in &providers {
        connect(&fetcher, provider).await;
    }
    let sources = Sources {
        peers: providers.iter().map(Node::peer).collect(),
        search: None,
    };
    let path = folders[2].path().join("tensor");
    let fetched = fetcher.tensor_into(digest, 1 << 30, &path, &sources).await;
    // A test that fails must end, and the threads with it.
    for asked in &asked {
        asked.store(true, Ordering::Relaxed);
    }
    fetched.expect("fetches from both");
    assert!(fs::read(&path).expect("reads") == tensor(SIZE).bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetch_goes_on_after_its_process_was_killed() {
    let folders = [(); 3].map(|()| tempdir().expect("a folder"));
    let (store, digest) = store_of(LARGE);
    // The provider delivers enough for one sync, and the rest when the process is dead.
    let gate = Gate::closed();
    let wait = gate.wait();
    let halting = Odd {
        store,
        read: move |offset, _: &mut [u8]| {
            if offset >= 80 << 20 {
                wait();
            }
        },
    };
    let provider = node(folders[0].path(), Arc::new(halting)).await;
    let address = addresses(&provider).await.remove(0);
    let mut killed = Command::new(std::env::current_exe().expect("this program"))
        .args(["fetching::process_that_is_killed", "--exact", "--ignored"])
        .env(ADDRESS, address.to_string())
        .env(DIGEST, hex::encode(digest))
        .env(FOLDER, folders[1].path())
        .spawn()
        .expect("starts");
    eventually("a part is synced", async || {
        let checklist = fs::metadata(folders[1].path().join("tensor.windows")).ok()?;
        (checklist.len() > 32).then_some(())
    })
    .await;
    killed.kill().expect("is killed");
    killed.wait().expect("is dead");
    drop(gate);

    let fetcher = empty_node(folders[2].path()).await;
    connect(&fetcher, &provider).await;
    let sources = Sources {
        peers: vec![provider.peer()],
        search: None,
    };
    let path = folders[1].path().join("tensor");
    fetcher
        .tensor_into(digest, 1 << 30, &path, &sources)
        .await
        .expect("fetches");
    assert!(fs::read(&path).expect("reads") == tensor(LARGE).bytes());
    let received = fetcher.counters().received_bytes;
    assert!(
        (1..=LARGE as u64 - (60 << 20)).contains(&received),
        "{received} bytes again"
    );
}

/// The fetch of the test above; nothing without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is a process of another test, which kills it"]
async fn process_that_is_killed() {
    let (Ok(address), Ok(digest), Some(folder)) =
        (std::env::var(ADDRESS), std::env::var(DIGEST), std::env::var_os(FOLDER))
    else {
        return;
    };
    let folder = PathBuf::from(folder);
    let digest: Digest = hex::decode(digest).expect("a digest").try_into().expect("32 bytes");
    let address: Multiaddr = address.parse().expect("an address");
    let peer = match address.iter().last() {
        Some(Protocol::P2p(peer)) => peer,
        other => panic!("{other:?} at the end of an address"),
    };
    let node = empty_node(&folder).await;
    node.connect(peer, vec![address.clone()]).await.expect("connects");
    let sources = Sources {
        peers: vec![peer],
        search: None,
    };
    let fetched = node
        .tensor_into(digest, 1 << 30, &folder.join("tensor"), &sources)
        .await;
    panic!("{fetched:?}, and was not killed");
}
