//! `serve`: takes jobs, runs them and is paid.
//!
//! ```text
//!  follow ── blocks ──▶ desk ── tasks ──▶ executor (its own thread)
//!                      │  ▲ ◀── outputs ──────┘
//!                      ▼  │
//!               account (owns the nonce)
//! ```
//!
//! The [`desk`] owns everything that changes: what the chain says, what is remembered, the store. At each block it asks
//! [`decide`], a pure function, what is due, and sends it off. The chain is the truth: a new start and a new connection
//! read everything anew, and so does the desk from time to time.

mod claims;
pub mod decide;
mod desk;
pub mod desk_state;
pub mod executor;
mod follow;
mod idle;
mod input;
mod report;
mod setup;
pub mod store;

use crate::{
    chain::{Account, ChainError, Client, SubmitError},
    config::Config,
    engine::EngineError,
    package::{Package, PackageError},
};
use desk::{Desk, Ended};
use desk_state::Memory;
use executor::{Done, Executor};
use std::{path::PathBuf, time::Duration};
use store::{Store, StoreError};
use tokio::sync::{mpsc, watch};

/// Pause before the second attempt to connect; it doubles with each, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why the worker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A package cannot be loaded.
    #[error("model {path}: {source}")]
    Package {
        /// Its folder.
        path: PathBuf,
        /// Why not.
        source: PackageError,
    },
    /// The engine cannot be used.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The worker's registration or an offer was refused.
    #[error("{what}: {source}")]
    Refused {
        /// What was to be done.
        what: String,
        /// Why it was not.
        source: SubmitError,
    },
    /// The worker's state on chain does not let it serve.
    #[error("{0}")]
    Unfit(String),
}

/// Tells tasks that the program is to end.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Becomes requested when `true` is sent, or the sender is dropped.
    pub fn channel() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Whether the program is to end.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits until it is.
    pub async fn requested(&mut self) {
        // An error means that the sender is gone, which is a request as well.
        let _ = self.0.wait_for(|requested| *requested).await;
    }
}

/// Serves until shutdown is requested.
pub async fn serve(config: Config, mut shutdown: Shutdown) -> Result<(), ServeError> {
    let mut packages = Vec::new();
    for policy in &config.models {
        let path = config.models_dir.join(&policy.package);
        let package = Package::load(&path).map_err(|source| ServeError::Package { path, source })?;
        packages.push(package);
    }
    let engine = executor::engine(config.engine, config.threads)?;
    tracing::info!(
        engine = engine.description(),
        models = packages.len(),
        "the engine is ready"
    );
    let (done_sender, mut done) = mpsc::channel::<Done>(executor::QUEUE);
    let executor = Executor::start(engine.as_ref(), packages.iter(), done_sender)?;

    let mut nodes = config.nodes.clone();
    let mut store: Option<(crate::chain::H256, Store)> = None;
    let mut memory = Memory::default();
    let mut pause = FIRST_PAUSE;
    loop {
        let connection = tokio::select! {
            connection = Client::connect(&nodes) => connection,
            () = shutdown.requested() => return Ok(()),
        };
        let error = match connection {
            Ok(client) => {
                let genesis = client.genesis();
                if store.as_ref().is_none_or(|(of, _)| *of != genesis) {
                    // Dropped first: the same files may be opened again.
                    drop(store.take());
                    let opened = Store::open(&config.data_dir, genesis, &config.key.account())?;
                    memory = Memory::new(opened.bids().keys().copied());
                    store = Some((genesis, opened));
                }
                memory.reconnected();
                let Some((_, store)) = &mut store else { continue };
                let account = Account::open(client.clone(), config.key.clone());
                tracing::info!(node = client.url(), account = %account.id(), "connected");
                let served = setup::prepare(&client, &account, &config, &packages).await;
                let ended = match served {
                    Ok(served) => {
                        pause = FIRST_PAUSE;
                        let desk = Desk::new(&config, client, account, served, store, &mut memory, &executor);
                        desk.run(&mut done, &mut shutdown).await
                    }
                    Err(error) => Err(error),
                };
                match ended {
                    Ok(Ended::Finished) => return Ok(()),
                    Err(ServeError::Chain(error)) if error.is_connection() => error,
                    Err(ServeError::Refused { source, .. }) if source.is_connection() => ChainError::Request {
                        what: "the outcome of a transaction",
                        reason: source.to_string(),
                    },
                    Err(error) => return Err(error),
                }
            }
            Err(error) if error.is_connection() => error,
            Err(error) => return Err(error.into()),
        };
        if shutdown.is_requested() {
            return Ok(());
        }
        // The node that failed goes to the end of the line.
        nodes.rotate_left(1);
        tracing::warn!(%error, next = nodes[0], pause_s = pause.as_secs(), "no connection; trying again");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.requested() => return Ok(()),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
