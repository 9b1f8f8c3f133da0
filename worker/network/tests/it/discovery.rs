//! Nodes find each other, who provides what, and whole packages.

use crate::common::{addresses, config, connect, empty_node, eventually, node, store_of, tensor};
use assay_network::{LocalStore, NetworkError, Node, PeerId, RelayLimits, Sources};
use assay_package::Package;
use std::{path::Path, sync::Arc, time::Instant};
use tempfile::tempdir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn package_is_found_by_its_root_and_fetched_into_an_empty_folder() {
    let folders = [(); 4].map(|()| tempdir().expect("a folder"));
    let package_folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/digits/package"));
    let package = Package::load(package_folder).expect("loads");
    let store = Arc::new(LocalStore::new());
    let root = store.add_package(package_folder, &package).expect("provides");
    assert_eq!(root, package.root());

    let bootnode = empty_node(folders[0].path()).await;
    let bootnodes = addresses(&bootnode).await;
    let join = async |folder: &Path, store| {
        let mut settings = config(folder);
        settings.bootnodes = bootnodes.clone();
        Node::start(settings, store).await.expect("starts")
    };
    let provider = join(folders[1].path(), store).await;
    eventually("the provider has a peer", async || {
        let peers = provider.status().await.expect("a status").peers;
        peers.iter().any(|peer| !peer.agent.is_empty()).then_some(())
    })
    .await;
    provider.provide(root).await.expect("tells the network");
    let fetcher = join(folders[2].path(), Arc::new(LocalStore::new())).await;
    eventually("the fetcher hears of the provider", async || {
        let providers = fetcher.providers(root).await.expect("a search");
        providers.contains(&provider.peer()).then_some(())
    })
    .await;
    let fetched = fetcher
        .package(root, folders[3].path(), &Sources::default())
        .await
        .expect("fetches");
    assert_eq!(fetched.root(), root);
    for entry in std::fs::read_dir(package_folder).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        let read = |folder: &Path| std::fs::read(folder.join(&name)).expect("reads");
        assert!(read(folders[3].path()) == read(package_folder), "{name:?}");
    }
    // What is there is not fetched again.
    let received = fetcher.counters().received_bytes;
    fetcher
        .package(root, folders[3].path(), &Sources::default())
        .await
        .expect("fetches");
    assert_eq!(fetcher.counters().received_bytes, received);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarted_node_finds_its_peers_without_a_bootnode() {
    let folders = [(); 2].map(|()| tempdir().expect("a folder"));
    let other = empty_node(folders[0].path()).await;
    let first = empty_node(folders[1].path()).await;
    let peer = first.peer();
    connect(&first, &other).await;
    drop(first);
    eventually("the address book is written", async || {
        folders[1].path().join("peers").exists().then_some(())
    })
    .await;
    let again = empty_node(folders[1].path()).await;
    assert_eq!(again.peer(), peer);
    eventually("the peers meet again", async || {
        let peers = again.status().await.expect("a status").peers;
        peers.iter().any(|status| status.peer == other.peer()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_and_ping_say_who_is_there() {
    let folders = [(); 2].map(|()| tempdir().expect("a folder"));
    let (store, digest) = store_of(100);
    let (one, other) = (
        empty_node(folders[0].path()).await,
        node(folders[1].path(), store).await,
    );
    assert!(matches!(
        one.ping(PeerId::random()).await,
        Err(NetworkError::Unreachable { .. })
    ));
    connect(&one, &other).await;
    let start = Instant::now();
    let pong = one.ping(other.peer()).await.expect("a pong");
    assert!(pong.connecting + pong.round_trip <= start.elapsed());
    let status = one.status().await.expect("a status");
    assert_eq!(
        (status.peer, status.listening.len(), status.relayed.len()),
        (one.peer(), 1, 0)
    );
    assert_eq!(status.external, status.listening);
    assert_eq!(status.peers.len(), 1);
    assert!(status.peers[0].is_outgoing && !status.peers[0].is_relayed);
    let sources = Sources {
        peers: vec![other.peer()],
        search: None,
    };
    assert_eq!(one.tensor(digest, 100, &sources).await.expect("fetches"), tensor(100));
    drop(other);
    eventually("the other is gone", async || {
        one.status().await.expect("a status").peers.is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_without_identities_are_refused() {
    let folder = tempdir().expect("a folder");
    let mut settings = config(folder.path());
    settings.bootnodes = vec!["/ip4/127.0.0.1/udp/1/quic-v1".parse().expect("an address")];
    let started = Node::start(settings, Arc::new(LocalStore::new())).await;
    assert!(matches!(started, Err(NetworkError::NoPeer { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn port_that_is_taken_is_named() {
    let folders = [(); 2].map(|()| tempdir().expect("a folder"));
    let first = empty_node(folders[0].path()).await;
    let mut settings = config(folders[1].path());
    settings.listen = first.status().await.expect("a status").listening;
    let started = Node::start(settings, Arc::new(LocalStore::new())).await;
    assert!(matches!(started, Err(NetworkError::Listen { .. })), "{started:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_that_listens_nowhere_is_reached_through_a_relay() {
    let folders = [(); 3].map(|()| tempdir().expect("a folder"));
    let mut settings = config(folders[0].path());
    settings.relaying = Some(RelayLimits::default());
    let relay = Node::start(settings, Arc::new(LocalStore::new()))
        .await
        .expect("starts");
    let (store, digest) = store_of(100_000);
    let mut settings = config(folders[1].path());
    settings.listen = Vec::new();
    settings.relays = addresses(&relay).await;
    let hidden = Node::start(settings, store).await.expect("starts");
    let relayed = eventually("the relay agrees", async || {
        let relayed = hidden.status().await.expect("a status").relayed;
        (!relayed.is_empty()).then_some(relayed)
    })
    .await;
    let fetcher = empty_node(folders[2].path()).await;
    let through: Vec<_> = relayed
        .into_iter()
        .map(|address| address.with_p2p(hidden.peer()).expect("an address"))
        .collect();
    fetcher.connect(hidden.peer(), through).await.expect("connects");
    let peers = fetcher.status().await.expect("a status").peers;
    assert!(
        peers.iter().any(|peer| peer.peer == hidden.peer() && peer.is_relayed),
        "{peers:?}"
    );
    let sources = Sources {
        peers: vec![hidden.peer()],
        search: None,
    };
    assert_eq!(
        fetcher.tensor(digest, 1 << 20, &sources).await.expect("fetches"),
        tensor(100_000)
    );
}
