//! Workers and clients on real nodes on loopback.

use super::{
    fake::{FakeChain, FakeExecutor},
    fixtures::{TERMS, account, client_pair, worker_pair},
};
use crate::{
    check::Checker,
    choose::{Candidate, Record},
    client::{ClientConfig, Sessions, WHOLE_SHARE},
    journal::{ClientJournal, WorkerJournal, disk::Disk},
    server::{ServerConfig, SessionServer},
    types::StandingOffer,
};
use assay_network::{
    LocalStore, Multiaddr, NetworkConfig, Node, quic,
    session::{Serving, SessionHandler, SessionLimits},
};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tempfile::TempDir;

/// A node on loopback with its files.
pub struct Place {
    pub node: Node,
    _folder: TempDir,
}

/// A node that serves sessions.
pub struct Serves {
    pub place: Place,
    pub server: SessionServer,
    pub disk: Disk,
    _serving: Serving,
}

pub async fn place() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = NetworkConfig::new(folder.path().to_owned());
    config.listen = vec![quic(Ipv4Addr::LOCALHOST, 0)];
    config.is_reachable = true;
    let node = Node::start(config, Arc::new(LocalStore::new())).await.expect("starts");
    Place { node, _folder: folder }
}

pub async fn addresses(node: &Node) -> Vec<Multiaddr> {
    let listening = node.status().await.expect("a status").listening.into_iter();
    listening
        .map(|address| address.with_p2p(node.peer()).expect("an address"))
        .collect()
}

/// Puts a worker into the book; `number` decides its account and its key, and of two equal ones the lower is chosen.
pub async fn offer(chain: &FakeChain, number: u8, node: &Node) {
    let candidate = Candidate {
        worker: account(number),
        peer: node.peer(),
        addresses: addresses(node).await,
        offer: StandingOffer {
            terms: TERMS,
            key: worker_pair(number).public(),
            capacity: 100,
        },
        free: 100,
        record: Record { good: 1_000, faults: 0 },
        latency: Some(Duration::from_millis(1)),
    };
    chain.ledger().candidates.push(candidate);
}

pub fn server_config() -> ServerConfig {
    ServerConfig {
        next_frame: Duration::from_secs(5),
        refresh: Duration::from_millis(200),
        ..ServerConfig::default()
    }
}

/// A worker that serves by the rules with this engine.
pub async fn worker(chain: &Arc<FakeChain>, number: u8, executor: FakeExecutor, disk: Disk) -> Serves {
    worker_with(server_config(), chain, number, (executor, disk)).await
}

/// A worker with a configuration.
pub async fn worker_with(
    config: ServerConfig,
    chain: &Arc<FakeChain>,
    number: u8,
    (executor, disk): (FakeExecutor, Disk),
) -> Serves {
    let place = place().await;
    let server = SessionServer::new(
        config,
        vec![worker_pair(number)],
        chain.clone(),
        Arc::new(executor),
        WorkerJournal::with_backend(disk.clone()).expect("opens"),
    );
    let server = server.expect("encryption works");
    let handler = Arc::new(server.clone());
    let serving = place
        .node
        .serve_sessions(handler, SessionLimits::default())
        .expect("serves");
    offer(chain, number, &place.node).await;
    Serves {
        place,
        server,
        disk,
        _serving: serving,
    }
}

/// A node that serves with something else.
pub async fn stranger(chain: &FakeChain, number: u8, handler: Arc<dyn SessionHandler>) -> (Place, Serving) {
    let place = place().await;
    let serving = place
        .node
        .serve_sessions(handler, SessionLimits::default())
        .expect("serves");
    offer(chain, number, &place.node).await;
    (place, serving)
}

pub fn client_config() -> ClientConfig {
    ClientConfig {
        share: WHOLE_SHARE,
        reach: Duration::from_secs(10),
        next_piece: Duration::from_secs(30),
        max_wait: Duration::from_secs(2),
        // So that a measured latency decides nothing.
        per_ms: 0,
        ..ClientConfig::default()
    }
}

/// A client with its own node.
pub async fn client(
    chain: &Arc<FakeChain>,
    config: ClientConfig,
    disk: Disk,
    checker: Option<Arc<dyn Checker>>,
) -> (Sessions, Place) {
    let place = place().await;
    let journal = ClientJournal::with_backend(disk).expect("opens");
    let keys = (client_pair(), [42; 32]);
    let sessions = Sessions::new(config, place.node.clone(), chain.clone(), keys, journal, checker);
    (sessions, place)
}

/// Waits until something is so.
pub async fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it is not so within 5 s");
}
