//! `serve`: takes jobs, runs them and is paid.
//!
//! ```text
//!  follow ── blocks ──▶ job loop ── tasks ──▶ executor (the engine's process)
//!                        │  ▲ ◀── outputs ──────┘
//!                        ▼  │
//!                 account (owns the nonce) ◀── games (disputes about what was claimed)
//! ```
//!
//! The [`job_loop`] owns everything that changes: what the chain says, what is remembered, the store. At each block
//! it asks [`decide`], a pure function, what is due, and sends it off. The chain is the truth: a new start and a new
//! connection read everything anew, and so does the loop from time to time. Whatever a claim's challengers ask is
//! answered by [`games`](crate::games), beside the loop and with the same account.
//!
//! Jobs are read from the *best* block: auctions and deadlines are shorter than finality may take. If the block of an
//! assignment is replaced, the work on it is in vain, and a claim of it is refused for its fee.

mod actions;
pub mod blocks;
mod claims;
pub mod decide;
pub mod executor;
mod health;
mod idle;
mod job_loop;
#[cfg(test)]
mod job_loop_tests;
mod leaving;
pub mod memory;
mod report;
mod setup;
pub mod store;

use crate::{
    config::ServeConfig,
    engine,
    games::{Conduct, GameSet, Honest, Stranded},
    job_input::Sources,
    models::{LoadError, Models, PackageAt, read_all, read_usable},
    shutdown::Shutdown,
    skeleton::{self, Connections, Timing},
};
use assay_client::chain::{Account, ChainError, ChainView, Connect, H256, KeyError, Nodes, StateView, SubmitError};
use assay_ops::program::EngineError;
use assay_package::Package;
use executor::{Done, Executor};
use job_loop::{JobLoop, Kept};
use memory::Memory;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
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
    read_all(package_folders(config))
}

fn package_folders(config: &ServeConfig) -> impl Iterator<Item = PathBuf> {
    let models = config.models.iter();
    models.map(|policy| config.common.models_dir.join(&policy.package))
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
    let error = match Worker::start(config.clone(), conduct.clone()) {
        Ok(worker) => return worker.serve_on(Nodes, shutdown).await,
        Err(error) => error,
    };
    let stranded = Stranded {
        common: &config.common,
        conduct,
        packages: read_usable(package_folders(&config)).0,
        has_store: true,
        reason: error.to_string(),
    };
    let timing = Timing::with_stall(config.common.stall);
    stranded.play(Nodes, timing, &mut shutdown).await;
    Err(error)
}

/// Leaves out models of which this machine does not give what is defined. An error if none is left.
fn leave_out(
    config: &mut ServeConfig,
    found: &mut Vec<PackageAt>,
    faults: &BTreeMap<H256, String>,
) -> Result<(), ServeError> {
    let (mut policies, mut packages) = (Vec::new(), Vec::new());
    for (policy, package) in std::mem::take(&mut config.models)
        .into_iter()
        .zip(std::mem::take(found))
    {
        match faults.get(&H256(package.1.root())) {
            Some(reason) => tracing::error!(model = policy.package, reason, "A MODEL IS NOT SERVED"),
            None => {
                policies.push(policy);
                packages.push(package);
            }
        }
    }
    if let Some(reason) = faults.values().next().filter(|_| packages.is_empty()) {
        return Err(ServeError::Unfit(format!("no model is left to serve: {reason}")));
    }
    (config.models, *found) = (policies, packages);
    Ok(())
}

/// A worker that is ready to serve.
struct Worker {
    config: ServeConfig,
    timing: Timing,
    packages: Vec<Arc<Package>>,
    models: Models,
    conduct: Arc<dyn Conduct>,
    executor: Executor,
    done: mpsc::Receiver<Done>,
}

/// What a worker keeps of one chain, over all connections to it.
struct OnChain {
    genesis: H256,
    store: Store,
    kept: Kept,
    account: Account,
    games: GameSet,
}

impl Worker {
    /// Starts the engine with the packages that the configuration names.
    fn start(mut config: ServeConfig, conduct: Arc<dyn Conduct>) -> Result<Self, ServeError> {
        let mut found = packages(&config)?;
        let engine = engine::start_for(&config.common, &found)?;
        leave_out(&mut config, &mut found, &engine.faults)?;
        let models = engine.models.clone();
        let (done_sender, done) = mpsc::channel::<Done>(executor::QUEUE);
        let executor = Executor::start(engine, conduct.clone(), done_sender)?;
        Ok(Self {
            timing: Timing::with_stall(config.common.stall),
            config,
            packages: found.into_iter().map(|(_, package)| package).collect(),
            models,
            conduct,
            executor,
            done,
        })
    }

    async fn serve_on<N: Connect>(mut self, connect: N, mut shutdown: Shutdown) -> Result<(), ServeError> {
        let mut connections = Connections::new(connect, &self.config.common.nodes);
        let mut on_chain: Option<OnChain> = None;
        while let Some(chain) = connections.open(&mut shutdown).await? {
            if on_chain.as_ref().is_some_and(|of| of.genesis != chain.genesis()) {
                // Dropped first: the same files may be opened again.
                drop(on_chain.take());
            }
            let common = &self.config.common;
            let mut now = match on_chain.take() {
                Some(mut now) => {
                    now.account = chain.account(&common.key, common.max_tip, Some(now.account))?;
                    now
                }
                None => self.begin(&chain)?,
            };
            tracing::info!(node = chain.address(), account = %now.account.id(), "connected");
            let ended = self.session(&chain, &mut now, &mut connections, &mut shutdown).await;
            let open = now.kept.open || now.games.is_open();
            on_chain = Some(now);
            let error = match ended {
                Ok(()) => return Ok(()),
                Err(ServeError::Chain(error)) if error.is_connection() => error,
                Err(ServeError::Refused { source, .. }) if source.is_connection() => ChainError::Request {
                    what: "the outcome of a transaction",
                    reason: source.to_string(),
                },
                Err(error) => return Err(error),
            };
            connections.note_open(open);
            if !connections.lost(&error, &mut shutdown).await {
                return Ok(());
            }
        }
        Ok(())
    }

    fn begin<C: ChainView>(&self, chain: &C) -> Result<OnChain, ServeError> {
        let common = &self.config.common;
        let genesis = chain.genesis();
        let store = Store::open(&common.data_dir, genesis, &common.key.account())?;
        let kept = Kept {
            memory: Memory::new(store.bids().keys().copied()),
            ..Kept::default()
        };
        let account = chain.account(&common.key, common.max_tip, None)?;
        let (games, _) = GameSet::new(
            self.models.clone(),
            Sources {
                folder: common.inputs_dir.clone(),
                store: Some(store.clone()),
                copy: false,
            },
            self.conduct.clone(),
            account.id().clone(),
            common.key.salts(genesis),
        );
        Ok(OnChain {
            genesis,
            store,
            kept,
            account,
            games,
        })
    }

    /// Serves over one connection, until it breaks or shutdown is requested.
    async fn session<N: Connect>(
        &mut self,
        chain: &N::Chain,
        now: &mut OnChain,
        connections: &mut Connections<N>,
        shutdown: &mut Shutdown,
    ) -> Result<(), ServeError> {
        let (config, timing) = (&self.config, self.timing);
        let (executor, done, packages) = (&self.executor, &mut self.done, &self.packages);
        let (account, store, kept) = (now.account.clone(), &now.store, &mut now.kept);
        let jobs = async {
            let constants = chain.finalized().await?.constants()?;
            let is_well = executor.health().borrow().is_well();
            let served = tokio::select! {
                served = setup::prepare(chain, &account, config, packages, is_well) => served?,
                () = shutdown.requested() => return Ok(()),
            };
            connections.works(&constants);
            let mut jobs =
                JobLoop::<<N::Chain as ChainView>::State>::new(config, account.clone(), served, store, kept, executor);
            tracing::info!("serving");
            skeleton::run(&mut jobs, chain, timing, done, shutdown).await?;
            jobs.say_goodbye();
            Ok(())
        };
        // A clock may be running: disputes do not wait for offers to be published.
        tokio::select! {
            ended = jobs => ended,
            error = now.games.play(chain, account.clone(), timing) => Err(error.into()),
        }
    }
}
