//! A worker and its clients, each on a node of its own on loopback, with journals on disk.

use crate::{
    engine::Executes,
    ledger::{Ledger, MODEL},
};
use anyhow::{Context, Result};
use assay_daemon::serve::sessions::SessionEngine;
use assay_network::{
    LocalStore, NetworkConfig, Node, quic,
    session::{Serving, SessionLimits},
};
use assay_session::{
    Candidate, ClientConfig, ClientJournal, ModelRecord, Record, ServerConfig, Session, SessionPair, SessionServer,
    Sessions, WorkerJournal,
    types::{AccountId, Balance, StandingOffer, Terms},
};
use assay_types::H256;
use std::{net::Ipv4Addr, path::Path, sync::Arc};
use tempfile::TempDir;

/// Budget of every session, which covers whatever is asked here.
pub const BUDGET: Balance = 1_000_000_000;

/// A worker that serves sessions.
pub struct Serves {
    /// Its engine.
    pub executes: Executes,
    /// Its chain.
    pub ledger: Arc<Ledger>,
    server: SessionServer,
    folder: TempDir,
    _node: Node,
    _serving: Serving,
}

/// A client with a node of its own.
pub struct Asks {
    sessions: Sessions,
    _folder: TempDir,
}

/// The root of a package.
pub fn root(executes: &Executes) -> H256 {
    H256(executes.package.root())
}

impl Serves {
    /// Starts a worker on this engine.
    pub async fn start(executes: Executes) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let ledger = Arc::new(Ledger::new(ModelRecord {
            root: root(&executes),
            parts: executes.package.parts().clone(),
        }));
        let pair = SessionPair::ed25519(&[1; 32]);
        let key = pair.public();
        let engine = SessionEngine::new(executes.engine.tasks.clone(), executes.engine.models.clone());
        let server = SessionServer::new(
            ServerConfig {
                max_executions: 4096,
                ..ServerConfig::default()
            },
            vec![pair],
            ledger.clone(),
            Arc::new(engine),
            WorkerJournal::open(&folder.path().join("sessions.redb"))?,
        )?;
        let node = node(folder.path()).await?;
        let limits = SessionLimits {
            max_streams: 4096,
            max_streams_per_peer: 4096,
            streams_per_second: 0,
            bytes_per_second: 0,
        };
        let serving = node.serve_sessions(Arc::new(server.clone()), limits)?;
        let listening = node.status().await?.listening.into_iter();
        let addresses = listening.filter_map(|address| address.with_p2p(node.peer()).ok());
        ledger.offer(Candidate {
            worker: AccountId::new([1; 32]),
            peer: node.peer(),
            addresses: addresses.collect(),
            offer: StandingOffer {
                terms: Terms {
                    base: 1,
                    rate: 0,
                    min_budget: 1,
                    max_budget: BUDGET,
                    lock_percent: 100,
                    max_blocks: 1_000,
                    window_blocks: 1_000,
                },
                key,
                capacity: u32::MAX,
            },
            free: u32::MAX,
            record: Record::default(),
            latency: None,
        });
        Ok(Self {
            executes,
            ledger,
            server,
            folder,
            _node: node,
            _serving: serving,
        })
    }

    /// A client that has not asked yet.
    pub async fn client(&self) -> Result<Asks> {
        let folder = tempfile::tempdir()?;
        let sessions = Sessions::new(
            ClientConfig::default(),
            node(folder.path()).await?,
            self.ledger.clone(),
            (SessionPair::ed25519(&[2; 32]), [3; 32]),
            ClientJournal::open(&folder.path().join("sessions.redb"))?,
            None,
        );
        Ok(Asks {
            sessions,
            _folder: folder,
        })
    }

    /// Redeems what is due, and ends sessions that their clients have closed.
    pub async fn look(&self) {
        self.server.look().await;
    }

    /// Bytes of the worker's journal.
    pub fn journal_bytes(&self) -> Result<u64> {
        Ok(self.folder.path().join("sessions.redb").metadata()?.len())
    }
}

impl Asks {
    /// Opens a session.
    pub async fn open(&self) -> Result<Session> {
        Session::open(&self.sessions, MODEL, BUDGET).await.context("a session")
    }
}

async fn node(folder: &Path) -> Result<Node> {
    let mut config = NetworkConfig::new(folder.to_owned());
    config.listen = vec![quic(Ipv4Addr::LOCALHOST, 0)];
    config.is_reachable = true;
    Ok(Node::start(config, Arc::new(LocalStore::new())).await?)
}
