//! What `serve` is told: a file, the environment and flags, put together once.
//!
//! A flag counts more than the environment (`ASSAY_…`), that more than the file (`--config`), that more than the
//! default. Everything is checked here, so that nothing fails later for a reason that could be known at the start; each
//! error names its field.

mod file;
mod model;

pub use file::{File, FileModel};
pub use model::{BidPolicy, ModelPolicy};

use crate::{
    chain::{Balance, Key},
    units,
};
use clap::{Args, ValueEnum};
use serde::Deserialize;
use std::{fs, path::PathBuf, time::Duration};

/// The node of a development chain on this machine.
pub const DEFAULT_NODE: &str = "ws://127.0.0.1:9944";

/// Why the configuration is not usable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("config {path}: cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// The file is not TOML of the known form.
    #[error("config {path}: {reason}")]
    Malformed {
        /// The file.
        path: String,
        /// Line and reason.
        reason: String,
    },
    /// A field is missing or wrong.
    #[error("{field}: {reason}")]
    Field {
        /// Its name, as in the file and as a flag.
        field: String,
        /// What is wrong and what is right.
        reason: String,
    },
}

impl ConfigError {
    pub(crate) fn field(field: impl Into<String>, reason: impl ToString) -> Self {
        Self::Field {
            field: field.into(),
            reason: reason.to_string(),
        }
    }
}

/// What runs the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum EngineChoice {
    /// Our own kernels, on every core that it is given: the fast one without a GPU.
    Cpu,
    /// libtorch.
    Torch,
    /// The definition of the arithmetic in plain Rust: slow, for checking the others.
    Reference,
}

/// What `serve` can be told by flags and environment. See the file of the same fields for their meaning.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// Configuration file (TOML); flags and environment count more
    #[arg(long, env = "ASSAY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// WebSocket address of a node; give several for fail-over [default: ws://127.0.0.1:9944]
    #[arg(long, env = "ASSAY_NODE", value_name = "URL", value_delimiter = ',')]
    pub node: Vec<String>,
    /// The worker's key: a file that holds the secret (mode 600), or the secret itself, such as //Alice
    #[arg(long, env = "ASSAY_KEY", value_name = "FILE|SECRET", hide_env_values = true)]
    pub key: Option<String>,
    /// Folder of model packages, one folder each [default: models]
    #[arg(long, env = "ASSAY_MODELS_DIR", value_name = "DIR")]
    pub models_dir: Option<PathBuf>,
    /// Folder of inputs that jobs name by digest: <hex digest>.bin [default: inputs]
    #[arg(long, env = "ASSAY_INPUTS_DIR", value_name = "DIR")]
    pub inputs_dir: Option<PathBuf>,
    /// Folder of what must survive a crash: the secrets of sealed bids [default: assay-data]
    #[arg(long, env = "ASSAY_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Stake to have at least, in ASY: registers the worker or bonds more; without it the stake is left as it is
    #[arg(long, env = "ASSAY_STAKE", value_name = "ASY")]
    pub stake: Option<String>,
    /// What runs the models [default: cpu]
    #[arg(long, env = "ASSAY_ENGINE")]
    pub engine: Option<EngineChoice>,
    /// Threads for the models [default: one per core]
    #[arg(long, env = "ASSAY_THREADS")]
    pub threads: Option<usize>,
    /// A model to serve, instead of those in the file:
    /// PACKAGE[,price=ASY,capacity=JOBS][,bid=ASY[,bid-min=ASY,max-bids=JOBS]]
    #[arg(long = "model", env = "ASSAY_MODELS", value_name = "MODEL", value_delimiter = ';')]
    pub models: Vec<String>,
    /// Leave the worker as it is on chain at exit, instead of pausing it until the next start
    #[arg(long, env = "ASSAY_STAY_ACTIVE")]
    pub stay_active: bool,
    /// Seconds without a finalized block after which another connection is tried [default: 120]
    #[arg(long, env = "ASSAY_STALL_SECONDS")]
    pub stall_seconds: Option<u64>,
}

/// What `serve` runs on: every field checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Nodes, in the order in which they are tried.
    pub nodes: Vec<String>,
    /// The worker's key.
    pub key: Key,
    /// Folder of model packages.
    pub models_dir: PathBuf,
    /// Folder of inputs by digest.
    pub inputs_dir: PathBuf,
    /// Folder of the durable store.
    pub data_dir: PathBuf,
    /// Stake to have at least.
    pub stake: Option<Balance>,
    /// What runs the models.
    pub engine: EngineChoice,
    /// Threads for the models.
    pub threads: usize,
    /// The models to serve, and on what terms.
    pub models: Vec<ModelPolicy>,
    /// Whether the worker is paused on chain at exit.
    pub pause_at_exit: bool,
    /// Longest wait for a finalized block.
    pub stall: Duration,
}

impl Config {
    /// Reads the file, if one is named, and puts everything together.
    pub fn load(args: &ServeArgs) -> Result<Self, ConfigError> {
        let file = match &args.config {
            None => File::default(),
            Some(path) => {
                let shown = path.display().to_string();
                let text = fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
                    path: shown.clone(),
                    reason: error.to_string(),
                })?;
                toml::from_str(&text).map_err(|error| ConfigError::Malformed {
                    path: shown,
                    reason: error.to_string(),
                })?
            }
        };
        Self::merge(args, file)
    }

    fn merge(args: &ServeArgs, file: File) -> Result<Self, ConfigError> {
        let nodes = first_list(&args.node, file.node);
        let nodes = if nodes.is_empty() {
            vec![DEFAULT_NODE.to_owned()]
        } else {
            nodes
        };
        for node in &nodes {
            check_node(node)?;
        }
        let key = args
            .key
            .clone()
            .or(file.key)
            .ok_or_else(|| ConfigError::field("key", "is missing: give --key, ASSAY_KEY or `key` in the file"))?;
        let key = Key::load(&key).map_err(|error| ConfigError::field("key", error))?;
        let stake = match args.stake.clone().or(file.stake) {
            None => None,
            Some(stake) => Some(units::parse(&stake).map_err(|error| ConfigError::field("stake", error))?),
        };
        let models = if args.models.is_empty() {
            file.model
                .into_iter()
                .map(ModelPolicy::from_file)
                .collect::<Result<Vec<_>, _>>()?
        } else {
            args.models
                .iter()
                .map(|model| ModelPolicy::from_flag(model))
                .collect::<Result<Vec<_>, _>>()?
        };
        if models.is_empty() {
            return Err(ConfigError::field(
                "model",
                "is missing: say at least one model to serve, such as --model digits,price=0.5",
            ));
        }
        let threads = args.threads.or(file.threads).unwrap_or_else(cores);
        if !(1..=1024).contains(&threads) {
            return Err(ConfigError::field("threads", "must be between 1 and 1024"));
        }
        let stall = args.stall_seconds.or(file.stall_seconds).unwrap_or(120);
        if stall < 5 {
            return Err(ConfigError::field("stall_seconds", "must be at least 5"));
        }
        let path = |flag: &Option<PathBuf>, file: Option<PathBuf>, default: &str| {
            flag.clone().or(file).unwrap_or_else(|| PathBuf::from(default))
        };
        let models_dir = path(&args.models_dir, file.models_dir, "models");
        if !models_dir.is_dir() {
            return Err(ConfigError::field(
                "models_dir",
                format!("{} is not a folder", models_dir.display()),
            ));
        }
        Ok(Self {
            nodes,
            key,
            models_dir,
            inputs_dir: path(&args.inputs_dir, file.inputs_dir, "inputs"),
            data_dir: path(&args.data_dir, file.data_dir, "assay-data"),
            stake,
            engine: args.engine.or(file.engine).unwrap_or(EngineChoice::Cpu),
            threads,
            models,
            pause_at_exit: !(args.stay_active || file.stay_active.unwrap_or(false)),
            stall: Duration::from_secs(stall),
        })
    }
}

/// Checks a node's address.
pub fn check_node(node: &str) -> Result<(), ConfigError> {
    if node.starts_with("ws://") || node.starts_with("wss://") {
        return Ok(());
    }
    Err(ConfigError::field(
        "node",
        format!("`{node}` is not a WebSocket address, such as {DEFAULT_NODE}"),
    ))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn first_list(flag: &[String], file: Option<Vec<String>>) -> Vec<String> {
    if flag.is_empty() {
        file.unwrap_or_default()
    } else {
        flag.to_vec()
    }
}

#[cfg(test)]
mod tests;
