//! `watch`: executes claims again, challenges those that are wrong, and earns a share of what their authors lose.
//!
//! ```text
//!  follow ── blocks ──▶ watcher ── tasks ──▶ executor (its own thread)
//!                        │  ▲ ◀── outputs ──────┘
//!                        ▼  │
//!                 account (owns the nonce) ◀── games (the challenges that were made)
//! ```
//!
//! The [`watcher`] owns what is known of the claims on chain. At each block it asks [`decide`], a pure function, which of them
//! to execute and which to challenge. A claim whose output differs is challenged, and [`games`](crate::games) does the rest. What
//! could not be executed is never challenged.
//!
//! Claims are read from the *best* block: the shortest windows are shorter than finality takes on a relay chain. If the block of a
//! claim is replaced, a challenge of it is refused, for its fee.
//!
//! Nothing is stored but the seed of the sample: which claims there are and which disputes are being played is read from the
//! chain at every start.

pub mod decide;
mod relieve;
mod seed;
mod summary;
mod watcher;

pub use seed::SeedError;
pub use summary::Summary;

use crate::{
    config::WatchConfig,
    connection::Connections,
    engine,
    games::{Games, Honest, Table},
    models::{LoadError, folders, read},
    serve::executor::{self, Done, Executor},
    shutdown::Shutdown,
};
use assay_client::chain::{Account, Balance, ChainError, H256};
use assay_ops::program::EngineError;
use assay_package::Package;
use assay_player::watch::{Models as Watched, WatchPolicy};
use decide::Memory;
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};
use tokio::sync::mpsc;
use watcher::{Ended, Watcher};

/// Why nothing can be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A package cannot be loaded.
    #[error(transparent)]
    Package(#[from] LoadError),
    /// The folder of packages cannot be read.
    #[error("models_dir {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is no package.
    #[error("models_dir {path} holds no package: give it the folder that holds the packages' folders")]
    NoPackage {
        /// The folder.
        path: PathBuf,
    },
    /// The engine cannot be used.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The seed of the sample cannot be kept.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// Watches until shutdown is requested; what came of it.
pub async fn watch(config: WatchConfig, mut shutdown: Shutdown) -> Result<Summary, WatchError> {
    let paths: Vec<PathBuf> = match &config.models {
        Some(names) => names.iter().map(|name| config.common.models_dir.join(name)).collect(),
        None => folders(&config.common.models_dir).map_err(|source| WatchError::Folder {
            path: config.common.models_dir.clone(),
            source,
        })?,
    };
    let (folders, packages) = readable(paths)?;
    if packages.is_empty() {
        return Err(WatchError::NoPackage {
            path: config.common.models_dir,
        });
    }
    let seed = seed::load(&config.common.data_dir)?;
    let engine = engine::start_for(&config.common, &folders, &packages)?;
    let models = engine.models.clone();
    let (done_sender, mut done) = mpsc::channel::<Done>(executor::QUEUE);
    let executor = Executor::start(engine, Arc::new(Honest), done_sender)?;
    let table = Table::new(
        models,
        config.common.inputs_dir.clone(),
        Arc::new(Honest),
        config.common.stall,
    );

    let mut connections = Connections::new(&config.common.nodes);
    let mut memory = Memory::default();
    let mut chain: Option<H256> = None;
    while let Some(client) = connections.open(&mut shutdown).await? {
        if chain
            .replace(client.genesis())
            .is_some_and(|before| before != client.genesis())
        {
            // Jobs of another chain have the same numbers.
            memory = Memory::default();
        }
        memory.reconnected();
        let account = Account::open(client.clone(), config.common.key.clone());
        tracing::info!(node = client.url(), account = %account.id(), "connected");
        let (games, hints) = Games::new(table.clone(), client.clone(), account.clone());
        connections.works();
        let watcher = Watcher {
            config: &config,
            client,
            account,
            seed: &seed,
            hints,
            table: &table,
            memory: &mut memory,
            executor: &executor,
            policy: policy(&config),
        };
        let ended = tokio::select! {
            ended = watcher.run(&mut done, &mut shutdown) => ended,
            Err(error) = games.play() => Err(error),
        };
        let error = match ended {
            Ok(Ended::Finished) => break,
            Err(error) if error.is_connection() => error,
            Err(error) => return Err(error.into()),
        };
        if !connections.lost(&error, &mut shutdown).await {
            break;
        }
    }
    Ok(memory.summary(&table.standing.borrow()))
}

/// The folders whose packages can be read, and the packages. One that is damaged does not keep the others from being watched; if
/// all are, that is an error.
fn readable(paths: Vec<PathBuf>) -> Result<(Vec<PathBuf>, Vec<Arc<Package>>), LoadError> {
    let (mut folders, mut packages) = (Vec::new(), Vec::new());
    let mut unreadable = None;
    for path in paths {
        match read(path.clone()) {
            Ok(package) => {
                folders.push(path);
                packages.push(package);
            }
            Err(error) => {
                tracing::error!(%error, "THIS PACKAGE CANNOT BE READ: claims of its model are not watched");
                unreadable = Some(error);
            }
        }
    }
    match unreadable {
        Some(error) if packages.is_empty() => Err(error),
        _ => Ok((folders, packages)),
    }
}

/// Which models there are is known once the chain is read.
fn policy(config: &WatchConfig) -> WatchPolicy<Balance> {
    WatchPolicy {
        models: Watched::List(BTreeSet::new()),
        sampling: config.sampling,
        own: config.own,
        max_open: config.max_games,
        max_bond: config.max_bond,
    }
}
