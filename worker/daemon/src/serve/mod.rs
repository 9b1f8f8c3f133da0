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
//! answered by [`games`](crate::games), beside the loop and with the same account. So are the requests of
//! [`sessions`], which clients send over the workers' network.
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
pub(crate) mod meter;
mod place;
mod report;
mod seals;
pub mod sessions;
mod setup;
pub mod store;
mod terms;
mod upkeep;

pub(crate) use idle::reasons;
pub(crate) use setup::{Served, ensure_stake_carries, offer_changes, resolve};
pub use terms::Reloads;

use crate::{
    config::{Common, ModelPolicy, ServeConfig},
    engine,
    games::{Conduct, GameSet, Honest, Stranded},
    job_input::Sources,
    models::{LoadError, Models, PackageAt, read_all, read_usable},
    network::{
        Network,
        packages::{FetchError, fetch_missing},
    },
    shutdown::Shutdown,
    skeleton::{self, Connections, Daemon, OnChain, Timing},
};
use assay_client::chain::{ChainError, ChainView, Connect, H256, KeyError, Nodes, StateView, SubmitError};
use assay_network::NetworkError;
use assay_ops::program::EngineError;
use assay_package::Package;
use assay_session::SessionError;
use executor::{Done, Executor};
use job_loop::{JobLoop, Kept};
use memory::Memory;
use sessions::Desk;
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
        /// The step that was to be done.
        what: String,
        /// Why it was not.
        source: SubmitError,
    },
    /// The worker's state on chain does not let it serve.
    #[error("{0}")]
    Unfit(String),
    /// The workers' network cannot be joined.
    #[error("network: {0}")]
    Network(#[from] NetworkError),
    /// A package that is not here cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Sessions cannot be served.
    #[error("sessions: {0}")]
    Sessions(#[from] SessionError),
}

/// Reads the packages that the configuration names, in its order.
pub fn packages(config: &ServeConfig) -> Result<Vec<PackageAt>, LoadError> {
    read_all(package_folders(config))
}

fn package_folders(config: &ServeConfig) -> impl Iterator<Item = PathBuf> {
    let models = config.models.iter();
    models.map(|policy| config.common.models_dir.join(&policy.package))
}

/// Serves until shutdown is requested, on the terms of the configuration that was read last.
pub async fn serve(config: ServeConfig, shutdown: Shutdown, reloads: Reloads) -> Result<(), ServeError> {
    serve_on_terms(config, shutdown, Arc::new(Honest), reloads).await
}

/// Serves until shutdown is requested, and behaves like this.
pub async fn serve_with(config: ServeConfig, shutdown: Shutdown, conduct: Arc<dyn Conduct>) -> Result<(), ServeError> {
    serve_on_terms(config, shutdown, conduct, Reloads::none()).await
}

async fn serve_on_terms(
    config: ServeConfig,
    mut shutdown: Shutdown,
    conduct: Arc<dyn Conduct>,
    reloads: Reloads,
) -> Result<(), ServeError> {
    let error = match ready(&config, &conduct, &mut shutdown).await {
        Ok(Some(worker)) => {
            let worker = Worker { reloads, ..worker };
            return worker.serve_on(Nodes, shutdown).await;
        }
        Ok(None) => return Ok(()),
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

/// Joins the network, if the configuration says so, fetches what is not here, and starts the engine; nothing if
/// shutdown is requested meanwhile.
async fn ready(
    config: &ServeConfig,
    conduct: &Arc<dyn Conduct>,
    shutdown: &mut Shutdown,
) -> Result<Option<Worker>, ServeError> {
    let network = match &config.common.network {
        Some(policy) => Some(Network::join(policy).await?),
        None => None,
    };
    if let Some(network) = &network {
        let names: Vec<String> = config.models.iter().map(|policy| policy.package.clone()).collect();
        if !fetch_missing(&config.common, &names, network, shutdown).await? {
            return Ok(None);
        }
    }
    Worker::start(config.clone(), network, conduct.clone()).map(Some)
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
    network: Option<Network>,
    timing: Timing,
    packages: Vec<Arc<Package>>,
    models: Models,
    conduct: Arc<dyn Conduct>,
    executor: Executor,
    done: mpsc::Receiver<Done>,
    reloads: Reloads,
}

/// State that a worker keeps of one chain, beside its account and its games.
struct Held<C> {
    store: Store,
    kept: Kept,
    sessions: Desk<C>,
}

impl Worker {
    /// Starts the engine with the packages that the configuration names.
    fn start(mut config: ServeConfig, network: Option<Network>, conduct: Arc<dyn Conduct>) -> Result<Self, ServeError> {
        let mut found = packages(&config)?;
        let engine = engine::start_for(&config.common, &found)?;
        leave_out(&mut config, &mut found, &engine.faults)?;
        let models = engine.models.clone();
        let (done_sender, done) = mpsc::channel::<Done>(executor::QUEUE);
        let executor = Executor::start(engine, conduct.clone(), done_sender)?;
        if let Some(network) = &network {
            network.provide_packages(found.clone());
        }
        Ok(Self {
            timing: Timing::with_stall(config.common.stall),
            config,
            network,
            packages: found.into_iter().map(|(_, package)| package).collect(),
            models,
            conduct,
            executor,
            done,
            reloads: Reloads::none(),
        })
    }

    async fn serve_on<N: Connect>(mut self, connect: N, mut shutdown: Shutdown) -> Result<(), ServeError> {
        skeleton::stay(&mut self, connect, &mut shutdown).await?;
        Ok(())
    }
}

impl<N: Connect> Daemon<N> for Worker {
    type Kept = Held<N::Chain>;
    type Error = ServeError;

    fn common(&self) -> &Common {
        &self.config.common
    }

    async fn begin(&self, chain: &N::Chain) -> Result<OnChain<Held<N::Chain>>, ServeError> {
        let common = &self.config.common;
        let genesis = chain.genesis();
        let store = Store::open(&common.data_dir, genesis, &common.key.account())?;
        let kept = Kept {
            memory: Memory::new(store.bids().keys().copied()),
            network: self.network.clone(),
            ..Kept::default()
        };
        let account = chain.account(&common.key, common.max_tip, None)?;
        let engine = (self.executor.tasks(), self.models.clone(), &*self.conduct);
        let sessions = Desk::open(
            (chain, &account, &common.key),
            store.folder(),
            engine,
            self.network.as_ref(),
        )
        .await?;
        let (games, _) = GameSet::new(
            self.models.clone(),
            Sources {
                folder: common.inputs_dir.clone(),
                store: Some(store.clone()),
                copy: false,
                network: self.network.clone(),
                requests: Some(sessions.requests()),
            },
            self.conduct.clone(),
            account.id().clone(),
            common.key.salts(genesis),
        );
        Ok(OnChain {
            genesis,
            account,
            games,
            kept: Held { store, kept, sessions },
        })
    }

    fn moved(held: &Held<N::Chain>, chain: &N::Chain) {
        held.sessions.moved(chain);
    }

    /// Serves over one connection, on terms that may change.
    async fn session(
        &mut self,
        chain: &N::Chain,
        now: &mut OnChain<Held<N::Chain>>,
        connections: &mut Connections<N>,
        shutdown: &mut Shutdown,
    ) -> Result<(), ServeError> {
        // The terms before those that were read last.
        let mut before: Option<Vec<ModelPolicy>> = None;
        loop {
            let error = match self.serve_terms(chain, now, connections, shutdown).await {
                Ok(None) => return Ok(()),
                Ok(Some(read)) => {
                    before = Some(self.take_terms(&read));
                    continue;
                }
                Err(error) => error,
            };
            let is_of_terms = match &error {
                ServeError::Unfit(_) => true,
                ServeError::Refused { source, .. } => !source.is_connection(),
                _ => false,
            };
            match before.take() {
                Some(terms) if is_of_terms => {
                    tracing::error!(%error, "THE TERMS THAT WERE READ AGAIN CANNOT BE OFFERED: the former ones go on");
                    self.config.models = terms;
                }
                _ => return Err(error),
            }
        }
    }

    fn is_open(held: &Held<N::Chain>) -> bool {
        held.kept.open
    }

    fn broken(error: ServeError) -> Result<ChainError, ServeError> {
        match error {
            ServeError::Chain(error) if error.is_connection() => Ok(error),
            ServeError::Refused { source, .. } if source.is_connection() => Ok(ChainError::Request {
                what: "the outcome of a transaction",
                reason: source.to_string(),
            }),
            error => Err(error),
        }
    }
}

impl Worker {
    /// Takes terms that were read again, and says what changes; the former ones.
    fn take_terms(&mut self, read: &[ModelPolicy]) -> Vec<ModelPolicy> {
        let changes = terms::changes(&self.config.models, read);
        changes
            .taken
            .iter()
            .for_each(|line| tracing::info!("the terms change: {line}"));
        changes
            .left
            .iter()
            .for_each(|line| tracing::warn!("the configuration was read again: {line}"));
        if changes.taken.is_empty() {
            tracing::info!("the configuration was read again, and no terms change");
        }
        std::mem::replace(&mut self.config.models, changes.models)
    }

    /// Serves over one connection, until it breaks, shutdown is requested, or other terms are given, which it gives
    /// back.
    async fn serve_terms<N: Connect>(
        &mut self,
        chain: &N::Chain,
        now: &mut OnChain<Held<N::Chain>>,
        connections: &mut Connections<N>,
        shutdown: &mut Shutdown,
    ) -> Result<Option<Vec<ModelPolicy>>, ServeError> {
        let reloads = &mut self.reloads;
        let (config, timing) = (&self.config, self.timing);
        let (executor, done, packages) = (&self.executor, &mut self.done, &self.packages);
        let network = self.network.clone();
        let account = now.account.clone();
        let Held { store, kept, sessions } = &mut now.kept;
        let standing = now.games.standing();
        let jobs = async {
            let finalized = chain.finalized().await?;
            let constants = finalized.constants()?;
            if let Some(network) = &network {
                network.meet(finalized.announcements().await?);
            }
            let is_well = executor.health().borrow().is_well();
            let prepared = async {
                let served = setup::prepare(chain, &account, config, packages, is_well).await?;
                sessions::offers::offer(chain, &account, config, &served).await?;
                Ok::<_, ServeError>(served)
            };
            let served = tokio::select! {
                served = prepared => served?,
                () = shutdown.requested() => return Ok(()),
            };
            connections.works(&constants);
            let mut jobs = JobLoop::<<N::Chain as ChainView>::State>::new(
                config,
                account.clone(),
                served,
                store,
                kept,
                executor,
                standing,
            );
            tracing::info!("serving");
            skeleton::run(&mut jobs, chain, timing, done, shutdown).await?;
            jobs.say_goodbye();
            Ok(())
        };
        // A clock may be running: disputes do not wait for offers to be published.
        tokio::select! {
            ended = jobs => ended.map(|()| None),
            read = reloads.next() => Ok(Some(read)),
            never = sessions.look_after() => match never {},
            error = now.games.play(chain, account.clone(), timing) => Err(error.into()),
        }
    }
}
