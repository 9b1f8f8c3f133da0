//! `serve`: takes jobs, runs them and is paid.
//!
//! ```text
//!  follow ── blocks ──▶ desk ── tasks ──▶ executor (its own thread)
//!                      │  ▲ ◀── outputs ──────┘
//!                      ▼  │
//!               account (owns the nonce) ◀── games (disputes about what was claimed)
//! ```
//!
//! The [`desk`] owns everything that changes: what the chain says, what is remembered, the store. At each block it asks
//! [`decide`], a pure function, what is due, and sends it off. The chain is the truth: a new start and a new connection
//! read everything anew, and so does the desk from time to time. Whatever a claim's challengers ask is answered by
//! [`games`](crate::games), beside the desk and with the same account.

mod claims;
pub mod decide;
mod desk;
pub mod desk_state;
pub mod executor;
mod idle;
mod report;
mod setup;
pub mod store;

use crate::{
    config::{ModelPolicy, ServeConfig},
    connection::Connections,
    engine,
    games::{Conduct, Games, Honest, Table},
    models::{LoadError, PackageAt, read_all},
    shutdown::Shutdown,
};
use assay_client::chain::{Account, ChainError, KeyError, SubmitError};
use assay_ops::program::EngineError;
use assay_package::Package;
use desk::{Desk, Ended};
use desk_state::Memory;
use executor::{Done, Executor};
use std::sync::Arc;
use store::{Store, StoreError};
use tokio::sync::mpsc;

/// Why the worker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A package cannot be loaded.
    #[error(transparent)]
    Package(#[from] LoadError),
    /// The engine cannot be used.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key may not sign on this chain.
    #[error("key: {0}")]
    Key(#[from] KeyError),
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

/// Reads the packages that the configuration names, in its order.
pub fn packages(config: &ServeConfig) -> Result<Vec<PackageAt>, LoadError> {
    let folder = |policy: &ModelPolicy| config.common.models_dir.join(&policy.package);
    read_all(config.models.iter().map(folder))
}

/// Serves until shutdown is requested.
pub async fn serve(config: ServeConfig, shutdown: Shutdown) -> Result<(), ServeError> {
    serve_with(config, shutdown, Arc::new(Honest)).await
}

/// Serves until shutdown is requested, and behaves like this.
pub async fn serve_with(
    config: ServeConfig,
    mut shutdown: Shutdown,
    conduct: Arc<dyn Conduct>,
) -> Result<(), ServeError> {
    let found = packages(&config)?;
    let engine = engine::start_for(&config.common, &found)?;
    let packages: Vec<Arc<Package>> = found.into_iter().map(|(_, package)| package).collect();
    let models = engine.models.clone();
    let (done_sender, mut done) = mpsc::channel::<Done>(executor::QUEUE);
    let executor = Executor::start(engine, conduct.clone(), done_sender)?;
    let mut table = Table::new(models, config.common.inputs_dir.clone(), conduct, config.common.stall);

    let mut connections = Connections::new(&config.common.nodes);
    let mut store: Option<(assay_client::chain::H256, Store)> = None;
    let mut memory = Memory::default();
    while let Some(client) = connections.open(&mut shutdown).await? {
        let genesis = client.genesis();
        if store.as_ref().is_none_or(|(of, _)| *of != genesis) {
            // Dropped first: the same files may be opened again.
            drop((store.take(), table.store.take()));
            let opened = Store::open(&config.common.data_dir, genesis, &config.common.key.account())?;
            memory = Memory::new(opened.bids().keys().copied());
            table.store = Some(opened.clone());
            store = Some((genesis, opened));
        }
        memory.reconnected();
        let Some((_, store)) = &mut store else { continue };
        let account = Account::open(client.clone(), config.common.key.clone())?;
        tracing::info!(node = client.url(), account = %account.id(), "connected");
        // A clock may be running: disputes do not wait for offers to be published.
        let (games, _) = Games::new(table.clone(), client.clone(), account.clone());
        let desk = async {
            let served = setup::prepare(
                &client,
                &account,
                &config,
                &packages,
                executor.health().borrow().is_well(),
            )
            .await?;
            connections.works();
            let desk = Desk::new(
                &config,
                client.clone(),
                account.clone(),
                served,
                store,
                &mut memory,
                &executor,
            );
            desk.run(&mut done, &mut shutdown).await
        };
        let ended = tokio::select! {
            ended = desk => ended,
            Err(error) = games.play() => Err(error.into()),
        };
        let error = match ended {
            Ok(Ended::Finished) => return Ok(()),
            Err(ServeError::Chain(error)) if error.is_connection() => error,
            Err(ServeError::Refused { source, .. }) if source.is_connection() => ChainError::Request {
                what: "the outcome of a transaction",
                reason: source.to_string(),
            },
            Err(error) => return Err(error),
        };
        if !connections.lost(&error, &mut shutdown).await {
            return Ok(());
        }
    }
    Ok(())
}
