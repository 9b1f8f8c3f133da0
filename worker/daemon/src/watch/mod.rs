//! `watch`: executes claims again, challenges those that are wrong, and earns a share of what their authors lose.
//!
//! ```text
//!  follow ── blocks ──▶ sampler ── tasks ──▶ executor (the engine's process)
//!                        │  ▲ ◀── outputs ──────┘
//!                        ▼  │
//!                 account (owns the nonce) ◀── games (the challenges that were made)
//! ```
//!
//! The [`sampler`] owns what is known of the claims on chain. At each block it asks [`decide`], a pure function,
//! which of them to execute and which to challenge. A claim whose output differs is executed once more, with everything
//! on the way, and challenged with a commitment to that; [`games`](crate::games) does the rest. What could not be
//! executed is never challenged.
//!
//! Claims are read from the *best* block: the shortest windows are shorter than finality takes on a relay chain. If
//! the block of a claim is replaced, a challenge of it is refused, for its fee.
//!
//! Nothing is stored but the seed of the sample: which claims there are and which disputes are being played is read
//! from the chain at every start.

mod attempt;
pub mod decide;
mod relieve;
mod sampler;
mod seed;
mod summary;

pub use seed::SeedError;
pub use summary::Summary;

use crate::{
    config::{Common, WatchConfig},
    engine,
    games::{GameSet, Honest, Stranded},
    job_input::Sources,
    models::{LoadError, Models, PackageAt, folders, read_usable},
    network::{
        Network,
        packages::{FetchError, fetch_missing},
    },
    serve::executor::{self, Done, Executor},
    shutdown::Shutdown,
    skeleton::{self, Connections, Daemon, OnChain, Timing},
};
use assay_client::chain::{Balance, ChainError, ChainView, Connect, KeyError, Nodes, StateView};
use assay_network::NetworkError;
use assay_ops::program::EngineError;
use assay_player::watch::{Models as Watched, WatchPolicy};
use attempt::Finder;
use sampler::{ClaimSampler, Kept};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};
use tokio::sync::{Semaphore, mpsc};

/// Why nothing can be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No package can be used; the reasons of the others are in the log.
    #[error("no package is left to watch: {0}")]
    Package(LoadError),
    /// The folder of packages cannot be read.
    #[error("models_dir {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's error.
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
    /// No model is left of which this machine gives what is defined.
    #[error("no model is left to watch: {reason}")]
    Unfaithful {
        /// The fault of one of them.
        reason: String,
    },
    /// The seed of the sample cannot be kept.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The key may not sign on this chain.
    #[error("key: {0}")]
    Key(#[from] KeyError),
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The workers' network cannot be joined.
    #[error("network: {0}")]
    Network(#[from] NetworkError),
    /// A package that is not here cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

/// Reads the packages that the configuration names, or all that there are. Those that cannot be used are left out, and
/// the reasons are given back.
pub fn packages(config: &WatchConfig) -> Result<(Vec<PackageAt>, Vec<LoadError>), WatchError> {
    let paths: Vec<PathBuf> = match &config.models {
        Some(names) => names.iter().map(|name| config.common.models_dir.join(name)).collect(),
        None => folders(&config.common.models_dir).map_err(|source| WatchError::Folder {
            path: config.common.models_dir.clone(),
            source,
        })?,
    };
    if paths.is_empty() {
        return Err(WatchError::NoPackage {
            path: config.common.models_dir.clone(),
        });
    }
    Ok(read_usable(paths))
}

/// The packages that can be read. An error only if there is none: one that is damaged must not keep the claims on
/// other models from being watched.
fn usable(config: &WatchConfig) -> Result<Vec<PackageAt>, WatchError> {
    let (packages, damaged) = packages(config)?;
    for error in &damaged {
        tracing::error!(%error, "a package cannot be used; claims on its model are NOT WATCHED");
    }
    if packages.is_empty() {
        let none = || WatchError::NoPackage {
            path: config.common.models_dir.clone(),
        };
        return Err(damaged.into_iter().next().map_or_else(none, WatchError::Package));
    }
    Ok(packages)
}

/// Starts the engine with the packages that it can execute. An error only if there is none.
fn load(config: &WatchConfig) -> Result<engine::Engine, WatchError> {
    let packages = usable(config)?;
    let error = match engine::start_for(&config.common, &packages) {
        Ok(engine) => return Ok(engine),
        Err(error) => error,
    };
    // Each by itself, to see which it is.
    let mut usable = Vec::new();
    for found in &packages {
        match engine::start_for(&config.common, std::slice::from_ref(found)) {
            Ok(_) => usable.push(found.clone()),
            Err(error) => {
                let model = &found.1.manifest().name;
                tracing::error!(model, %error, "the engine cannot execute a model; claims on it are NOT WATCHED");
            }
        }
    }
    if usable.is_empty() {
        return Err(error.into());
    }
    Ok(engine::start_for(&config.common, &usable)?)
}

/// Watches until shutdown is requested; what came of it.
pub async fn watch(config: WatchConfig, mut shutdown: Shutdown) -> Result<Summary, WatchError> {
    let error = match ready(&config, &mut shutdown).await {
        Ok(Some(watcher)) => return watcher.watch_on(Nodes, shutdown).await,
        Ok(None) => return Ok(Summary::default()),
        Err(error) => error,
    };
    let stranded = Stranded {
        common: &config.common,
        conduct: Arc::new(Honest),
        packages: Vec::new(),
        has_store: false,
        reason: error.to_string(),
    };
    let timing = Timing::with_stall(config.common.stall);
    stranded.play(Nodes, timing, &mut shutdown).await;
    Err(error)
}

/// Joins the network, if the configuration says so, fetches what is not here, and starts the engine; nothing if
/// shutdown is requested meanwhile.
async fn ready(config: &WatchConfig, shutdown: &mut Shutdown) -> Result<Option<Watcher>, WatchError> {
    let network = match &config.common.network {
        Some(policy) => Some(Network::join(policy).await?),
        None => None,
    };
    if let (Some(network), Some(names)) = (&network, &config.models)
        && !fetch_missing(&config.common, names, network, shutdown).await?
    {
        return Ok(None);
    }
    Watcher::start(config.clone(), network).map(Some)
}

/// A watcher that is ready.
struct Watcher {
    config: WatchConfig,
    network: Option<Network>,
    timing: Timing,
    seed: [u8; 32],
    /// Models whose claims are watched.
    watched: Models,
    /// Models of which games can be played.
    models: Models,
    executor: Executor,
    done: mpsc::Receiver<Done>,
}

impl Watcher {
    /// Starts the engine with the packages that can be used.
    fn start(config: WatchConfig, network: Option<Network>) -> Result<Self, WatchError> {
        let engine = load(&config)?;
        let models = engine.models.clone();
        let watched = models.without(&engine.faults);
        if let Some(reason) = engine
            .faults
            .values()
            .next()
            .filter(|_| watched.iter().next().is_none())
        {
            return Err(WatchError::Unfaithful { reason: reason.clone() });
        }
        for (root, reason) in &engine.faults {
            let model = models.get(root).map(|model| model.package.manifest().name.as_str());
            tracing::error!(
                model,
                reason,
                "CLAIMS ON A MODEL ARE NOT WATCHED: what is executed here is not relied on"
            );
        }
        let seed = seed::load(&config.common.data_dir)?;
        let (done_sender, done) = mpsc::channel::<Done>(executor::QUEUE);
        let executor = Executor::start(engine, Arc::new(Honest), done_sender)?;
        Ok(Self {
            timing: Timing::with_stall(config.common.stall),
            config,
            network,
            seed,
            watched,
            models,
            executor,
            done,
        })
    }

    async fn watch_on<N: Connect>(mut self, connect: N, mut shutdown: Shutdown) -> Result<Summary, WatchError> {
        let on_chain = skeleton::stay(&mut self, connect, &mut shutdown).await?;
        Ok(on_chain.map_or_else(Summary::default, |now| {
            now.kept.memory.summary(&now.games.standing().borrow())
        }))
    }
}

impl<N: Connect> Daemon<N> for Watcher {
    type Kept = Kept;
    type Error = WatchError;

    fn common(&self) -> &Common {
        &self.config.common
    }

    async fn begin(&self, chain: &N::Chain) -> Result<OnChain<Kept>, WatchError> {
        let common = &self.config.common;
        let account = chain.account(&common.key, common.max_tip, None)?;
        let sources = Sources {
            folder: common.inputs_dir.clone(),
            store: None,
            copy: false,
            network: self.network.clone(),
            requests: None,
        };
        let (games, hints) = GameSet::new(
            self.models.clone(),
            sources.clone(),
            Arc::new(Honest),
            account.id().clone(),
            common.key.salts(chain.genesis()),
        );
        let finder = Finder {
            models: self.watched.clone(),
            sources,
            archive: games.archive(),
            salts: common.key.salts(chain.genesis()),
            permit: Arc::new(Semaphore::new(1)),
        };
        Ok(OnChain {
            genesis: chain.genesis(),
            kept: Kept::new(hints, games.standing(), finder),
            account,
            games,
        })
    }

    async fn session(
        &mut self,
        chain: &N::Chain,
        now: &mut OnChain<Kept>,
        connections: &mut Connections<N>,
        shutdown: &mut Shutdown,
    ) -> Result<(), WatchError> {
        let finalized = chain.finalized().await?;
        connections.works(&finalized.constants()?);
        if let Some(network) = &self.network {
            network.meet(finalized.announcements().await?);
        }
        let mut sampler = ClaimSampler::new(
            &self.watched,
            &self.seed,
            &self.executor,
            now.account.clone(),
            &mut now.kept,
            policy(&self.config),
        );
        tokio::select! {
            ended = skeleton::run(&mut sampler, chain, self.timing, &mut self.done, shutdown) => ended?,
            error = now.games.play(chain, now.account.clone(), self.timing) => return Err(error.into()),
        }
        sampler.warn_of_games();
        Ok(())
    }

    fn is_open(kept: &Kept) -> bool {
        kept.memory.is_sending()
    }

    fn broken(error: WatchError) -> Result<ChainError, WatchError> {
        match error {
            WatchError::Chain(error) if error.is_connection() => Ok(error),
            error => Err(error),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineProgram;
    use assay_client::chain::Key;
    use assay_engine::EngineChoice;
    use assay_player::watch::Sampling;
    use polkadot_sdk::sp_runtime::Perbill;
    use std::{fs, path::Path, time::Duration};

    /// A folder of packages: sound ones and damaged ones.
    fn folder(sound: &[&str], damaged: &[&str]) -> tempfile::TempDir {
        let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/package");
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in sound.iter().chain(damaged) {
            let package = folder.path().join(name);
            fs::create_dir(&package).expect("a new folder");
            for file in ["manifest.toml", "graph.scale", "weights.safetensors"] {
                fs::copy(digits.join(file), package.join(file)).expect("committed");
            }
        }
        for name in damaged {
            fs::write(folder.path().join(name).join("graph.scale"), "damaged").expect("the folder can be written");
        }
        folder
    }

    fn loaded(folder: &Path, models: &[&str]) -> Result<usize, String> {
        let config = WatchConfig {
            common: Common {
                nodes: Vec::new(),
                key: Key::load("//Eve").expect("a development key"),
                models_dir: folder.into(),
                inputs_dir: folder.into(),
                data_dir: folder.into(),
                engine: EngineChoice::Reference,
                gpu: None,
                threads: 1,
                max_memory: 1 << 30,
                engine_program: EngineProgram::this_one(&["engine"]),
                stall: Duration::from_secs(60),
                max_tip: Perbill::zero(),
                audit_share: Perbill::zero(),
                network: None,
            },
            models: Some(models.iter().map(|name| name.to_string()).collect())
                .filter(|models: &Vec<_>| !models.is_empty()),
            sampling: Sampling {
                least: Perbill::one(),
                full_price: 0,
            },
            own: false,
            max_games: 1,
            max_bond: 1,
        };
        usable(&config)
            .map(|packages| packages.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_damaged_package_does_not_keep_others_from_being_watched() {
        let folder = folder(&["sound"], &["damaged"]);
        assert_eq!(loaded(folder.path(), &[]), Ok(1));
        assert_eq!(loaded(folder.path(), &["damaged", "missing", "sound"]), Ok(1));
    }

    #[test]
    fn nothing_is_watched_if_no_package_is_left() {
        let folder = folder(&[], &["damaged"]);
        assert!(loaded(folder.path(), &[]).is_err_and(|error| error.contains("damaged: graph.scale is not the file")));
        assert!(loaded(folder.path(), &["missing"]).is_err_and(|error| error.contains("missing: the folder holds no")));
    }
}
