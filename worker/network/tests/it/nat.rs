//! Two nodes behind NATs and a relay with a public address, each in a process and a network namespace of its own.
//!
//! The tests are ignored, because they need root: `make test-nat` runs them, one after the other. `scripts/nat` makes
//! the namespaces. A test starts its own program again as the node in a namespace; the nodes tell each other their
//! addresses by files.

use crate::common::{addresses, config, eventually, store_of, tensor};
use assay_network::{LocalStore, Multiaddr, NetworkConfig, Node, PeerId, RelayLimits, Sources, quic, tcp};
use libp2p::multiaddr::Protocol;
use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::Arc,
};
use tempfile::tempdir;

/// Variable with the role of a process that a test has started.
const ROLE: &str = "ASSAY_NAT_ROLE";
/// The folder of the files by which the nodes tell each other their addresses.
const FOLDER: &str = "ASSAY_NAT_FOLDER";
/// Where the relay listens.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// The public address of the provider's router.
const ROUTER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 11);
const PORT: u16 = 30340;
/// More than a relay passes on of one connection.
const LARGE: usize = 12 << 20;
/// Less than that.
const SMALL: usize = 100_000;

#[test]
#[ignore = "needs root, ip and nft: make test-nat"]
fn nodes_behind_nats_meet_through_a_relay_and_then_directly() {
    meet("", "directly");
}

#[test]
#[ignore = "needs root, ip and nft: make test-nat"]
fn nodes_behind_symmetric_nats_stay_with_the_relay() {
    meet("symmetric", "relayed");
}

/// The node that one of the tests above has started; nothing without such a test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is a process of the tests above"]
async fn node_in_a_namespace() {
    let (Ok(role), Some(folder)) = (std::env::var(ROLE), std::env::var_os(FOLDER)) else {
        return;
    };
    let folder = PathBuf::from(folder);
    match role.as_str() {
        "relay" => relay(&folder).await,
        "provider" => provide(&folder).await,
        "directly" => fetch_directly(&folder).await,
        "relayed" => fetch_relayed(&folder).await,
        other => panic!("{other} is no role"),
    }
}

/// Starts a relay, a provider and a fetcher, and waits for the fetcher.
fn meet(nat: &str, fetcher: &str) {
    let _namespaces = Namespaces::up(nat);
    let folder = tempdir().expect("a folder");
    let _relay = Running::start("assay-nat-public", "relay", folder.path());
    let _provider = Running::start("assay-nat-a", "provider", folder.path());
    let mut fetcher = Running::start("assay-nat-b", fetcher, folder.path());
    let ended = fetcher.0.wait().expect("the fetcher ends");
    assert!(ended.success(), "the fetcher fails, and says why above: {ended}");
}

/// The namespaces of `scripts/nat`, until this is dropped.
struct Namespaces;

impl Namespaces {
    fn up(nat: &str) -> Self {
        assert!(script("up", nat), "scripts/nat says why above");
        Self
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        script("down", "");
    }
}

fn script(command: &str, nat: &str) -> bool {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/nat");
    let ended = Command::new(path).arg(command).env("ASSAY_NAT", nat).status();
    ended.expect("scripts/nat runs").success()
}

/// A process, until this is dropped.
struct Running(Child);

impl Running {
    /// Starts this program as the node in a namespace.
    fn start(namespace: &str, role: &str, folder: &Path) -> Self {
        let child = Command::new("ip")
            .args(["netns", "exec", namespace])
            .arg(std::env::current_exe().expect("this program"))
            .args(["nat::node_in_a_namespace", "--exact", "--ignored", "--nocapture"])
            .env(ROLE, role)
            .env(FOLDER, folder)
            .spawn();
        Self(child.expect("ip runs"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn relay(folder: &Path) {
    let mut settings = config(&made(folder, "relay"));
    settings.listen = vec![quic(PUBLIC, PORT), tcp(PUBLIC, PORT)];
    settings.relaying = Some(RelayLimits::default());
    let node = start(settings, Arc::new(LocalStore::new())).await;
    tell(folder, "relay", &addresses(&node).await);
    std::future::pending::<()>().await;
}

async fn provide(folder: &Path) {
    let (store, _) = store_of(LARGE);
    store.add_tensor(tensor(SMALL)).expect("provides");
    let mut settings = behind_nat(folder, "provider").await;
    // Both nodes must have met the relay over the same transport, and a node with both addresses tries QUIC first.
    let is_quic = |address: &Multiaddr| address.iter().any(|part| part == Protocol::QuicV1);
    settings.relays = hear(folder, "relay").await.into_iter().filter(is_quic).collect();
    let node = start(settings, store).await;
    let relayed = eventually("the relay agrees", async || {
        let relayed = node.status().await.expect("a status").relayed;
        (!relayed.is_empty()).then_some(relayed)
    })
    .await;
    let relayed = relayed.into_iter().map(|address| address.with_p2p(node.peer()));
    tell(
        folder,
        "provider",
        &relayed.collect::<Result<Vec<_>, _>>().expect("addresses"),
    );
    std::future::pending::<()>().await;
}

async fn fetch_directly(folder: &Path) {
    let (node, provider) = reach_provider(folder).await;
    let direct = eventually("the connection becomes a direct one", async || {
        let peers = node.status().await.expect("a status").peers.into_iter();
        let with_provider: Vec<_> = peers.filter(|peer| peer.peer == provider).collect();
        let is_direct = !with_provider.is_empty() && with_provider.iter().all(|peer| !peer.is_relayed);
        is_direct.then_some(with_provider)
    })
    .await;
    for peer in &direct {
        assert_eq!(peer.address.iter().next(), Some(Protocol::Ip4(ROUTER)), "{direct:?}");
    }
    fetch(&node, provider, LARGE).await;
}

async fn fetch_relayed(folder: &Path) {
    let (node, provider) = reach_provider(folder).await;
    node.ping(provider).await.expect("a pong");
    fetch(&node, provider, SMALL).await;
    let peers = node.status().await.expect("a status").peers;
    let mut with_provider = peers.iter().filter(|peer| peer.peer == provider);
    assert!(with_provider.all(|peer| peer.is_relayed), "{peers:?}");
}

/// Connects with the provider through the relay, which is the only way to it that is known.
async fn reach_provider(folder: &Path) -> (Node, PeerId) {
    let node = start(behind_nat(folder, "fetcher").await, Arc::new(LocalStore::new())).await;
    eventually("the relay answers", async || {
        let peers = node.status().await.expect("a status").peers;
        peers.iter().any(|peer| !peer.agent.is_empty()).then_some(())
    })
    .await;
    let through = hear(folder, "provider").await;
    let provider = match through.first().and_then(|address| address.iter().last()) {
        Some(Protocol::P2p(peer)) => peer,
        other => panic!("{other:?} at the end of the provider's address"),
    };
    node.connect(provider, through)
        .await
        .expect("connects through the relay");
    let peers = node.status().await.expect("a status").peers;
    let is_relayed = peers.iter().any(|peer| peer.peer == provider && peer.is_relayed);
    assert!(is_relayed, "{peers:?}");
    (node, provider)
}

async fn fetch(node: &Node, provider: PeerId, bytes: usize) {
    let (_, digest) = store_of(bytes);
    let sources = Sources {
        peers: vec![provider],
        search: None,
    };
    let fetched = node.tensor(digest, 1 << 30, &sources).await.expect("fetches");
    assert!(fetched == tensor(bytes), "{bytes} bytes arrive as they are");
}

/// A node that listens behind a NAT, finds the network by the relay, and does not know whether others reach it.
async fn behind_nat(folder: &Path, name: &str) -> NetworkConfig {
    let mut settings = config(&made(folder, name));
    settings.listen = vec![quic(Ipv4Addr::UNSPECIFIED, PORT), tcp(Ipv4Addr::UNSPECIFIED, PORT)];
    settings.is_reachable = false;
    settings.bootnodes = hear(folder, "relay").await;
    settings
}

async fn start(settings: NetworkConfig, store: Arc<LocalStore>) -> Node {
    Node::start(settings, store).await.expect("starts")
}

fn made(folder: &Path, name: &str) -> PathBuf {
    let folder = folder.join(format!("{name}.node"));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn tell(folder: &Path, name: &str, addresses: &[Multiaddr]) {
    let lines: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let staged = folder.join(format!("{name}.staged"));
    fs::write(&staged, lines.join("\n")).expect("writes");
    fs::rename(staged, folder.join(name)).expect("renames");
}

async fn hear(folder: &Path, name: &str) -> Vec<Multiaddr> {
    let told = eventually(name, async || fs::read_to_string(folder.join(name)).ok()).await;
    told.lines().map(|line| line.parse().expect("an address")).collect()
}
