//! Sessions: what clients ask over the workers' network, with receipts for vouchers.
//!
//! [`assay_session`] has the rules. Here are what it stands on: the chain over the account that jobs are claimed with,
//! the engine that jobs are executed on, and a journal beside the store.

mod careful;
mod engine;
pub(super) mod offers;
mod requests;

pub use requests::Requests;
#[cfg(test)]
pub(crate) use requests::tests::with_one;

use super::ServeError;
use crate::{engine::Tasks, games::Conduct, job_input::KeptRequests, models::Models, network::Network};
use assay_client::{
    chain::{Account, ChainView, Key},
    sessions::ChainSessions,
};
use assay_network::{
    NetworkError,
    session::{Serving, SessionLimits},
};
use assay_session::{ServerConfig, SessionError, SessionPair, SessionServer};
use careful::Careful;
use engine::SessionEngine;
use std::{convert::Infallible, path::Path, sync::Arc, time::Duration};

/// Attempts to serve after another server of this process was stopped, which takes a moment.
const ATTEMPTS: u32 = 20;
/// Time between two of them.
const PAUSE: Duration = Duration::from_millis(100);

/// The sessions of a worker on one chain, over all connections to it.
pub(super) struct Desk<C> {
    chain: ChainSessions<C>,
    server: SessionServer,
    requests: Arc<dyn KeptRequests>,
    /// Streams are served as long as this is here.
    _serving: Option<Serving>,
}

impl<C: ChainView> Desk<C> {
    /// Opens the journal in the store's folder, and serves if the network is joined.
    pub(super) async fn open(
        (chain, account, key): (&C, &Account, &Key),
        folder: &Path,
        (tasks, models, conduct): (Tasks, Models, &dyn Conduct),
        network: Option<&Network>,
    ) -> Result<Self, ServeError> {
        let requests = Requests::open(folder, Some(tasks.clone())).map_err(SessionError::from)?;
        let pair = SessionPair::ed25519(&key.receipt_seed(chain.genesis()));
        let chain = ChainSessions::new(chain.clone(), account.clone(), None);
        let engine = Arc::new(SessionEngine::new(tasks, models.clone()));
        let server = SessionServer::new(
            ServerConfig::default(),
            vec![pair],
            Arc::new(Careful::new(chain.clone(), requests.journal().clone())),
            conduct.executor(engine, &models),
            requests.journal().clone(),
        )?;
        let serving = match network {
            Some(network) => Some(serve(network, &server).await?),
            None => None,
        };
        Ok(Self {
            chain,
            server,
            requests: conduct.requests(Arc::new(requests)),
            _serving: serving,
        })
    }

    /// Goes on over another connection to the same chain.
    pub(super) fn moved(&self, chain: &C) {
        self.chain.moved(chain.clone());
    }

    /// The requests, for the disputes about their receipts.
    pub(super) fn requests(&self) -> Arc<dyn KeptRequests> {
        self.requests.clone()
    }

    /// Redeems vouchers and forgets sessions that are over, for as long as it is polled.
    pub(super) async fn look_after(&self) -> Infallible {
        loop {
            self.server.run().await;
        }
    }
}

async fn serve(network: &Network, server: &SessionServer) -> Result<Serving, NetworkError> {
    let mut attempts = 1..ATTEMPTS;
    loop {
        match network
            .node()
            .serve_sessions(Arc::new(server.clone()), SessionLimits::default())
        {
            Err(NetworkError::AlreadyServed) if attempts.next().is_some() => tokio::time::sleep(PAUSE).await,
            served => return served,
        }
    }
}
