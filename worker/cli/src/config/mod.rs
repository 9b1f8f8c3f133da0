//! Settings of the daemons: a file, the environment and flags, put together once.
//!
//! A flag counts more than the environment (`ASSAY_…`), that more than the file (`--config`), that more than the
//! default. Everything is checked here, so that nothing fails later for a reason that could be known at the start; each
//! error names its field.

mod common;
mod file;
mod model;
pub(crate) mod network;
mod watch;

pub use common::CommonArgs;
pub use file::{File, FileModel, FileSession, FileWatch};
pub use network::{FileNetwork, NetworkArgs};
pub use watch::{WatchArgs, watch};

use assay_client::units;
use assay_daemon::config::ServeConfig;
use assay_engine::EngineChoice;
use clap::{Args, ValueEnum};
use serde::Deserialize;
use std::collections::BTreeSet;

/// Folder of what must survive a crash, where nothing else is said.
pub(crate) const DEFAULT_DATA_DIR: &str = "assay-data";
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
        /// The system's error.
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
        /// The fault, and the correct form.
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

/// The engine, as flags and file name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum EngineArg {
    /// Our own kernels, on every core that it is given: the fast one without a GPU.
    Cpu,
    /// Our own kernels on an NVIDIA GPU; needs its driver and NVRTC.
    Cuda,
    /// libtorch, on the processor or on a GPU.
    Torch,
    /// The definition of the arithmetic in plain Rust: slow, for checking the others.
    Reference,
}

impl From<EngineArg> for EngineChoice {
    fn from(engine: EngineArg) -> Self {
        match engine {
            EngineArg::Cpu => Self::Cpu,
            EngineArg::Cuda => Self::Cuda,
            EngineArg::Torch => Self::Torch,
            EngineArg::Reference => Self::Reference,
        }
    }
}

impl EngineArg {
    /// Refuses a GPU for an engine that uses none.
    pub fn check_gpu(self, gpu: Option<usize>) -> Result<(), ConfigError> {
        if gpu.is_none() || EngineChoice::from(self).takes_gpu() {
            return Ok(());
        }
        Err(ConfigError::field(
            "gpu",
            "is of use to the engines cuda and torch alone; leave it out, or choose one of these",
        ))
    }
}

/// Settings of `serve` by flags and environment. See the file of the same fields for their meaning.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// Settings of every daemon
    #[command(flatten)]
    pub common: CommonArgs,
    /// Stake to have at least, in ASY: registers the worker or bonds more; without it the stake is left as it is
    #[arg(long, env = "ASSAY_STAKE", value_name = "ASY")]
    pub stake: Option<String>,
    /// A model to serve, instead of those in the file:
    /// PACKAGE[,price=ASY|,base=ASY,rate=ASY][,capacity=JOBS][,bid=ASY[,bid-min=ASY,max-bids=JOBS]]
    /// [,min-deadline=BLOCKS,min-window=BLOCKS,max-window=BLOCKS]
    /// [,session-base=ASY,session-rate=ASY,min-budget=ASY,max-budget=ASY,sessions=SESSIONS]
    #[arg(long = "model", env = "ASSAY_MODELS", value_name = "MODEL", value_delimiter = ';')]
    pub models: Vec<String>,
    /// Leave the worker as it is on chain at exit, instead of pausing it until the next start
    #[arg(long, env = "ASSAY_STAY_ACTIVE")]
    pub stay_active: bool,
}

/// Configuration of `serve`, from the file, if one is named, the environment and flags.
pub fn serve(args: &ServeArgs) -> Result<ServeConfig, ConfigError> {
    merge(args, File::load(args.common.config.as_deref())?)
}

fn merge(args: &ServeArgs, file: File) -> Result<ServeConfig, ConfigError> {
    let common = common::merge(&args.common, &file, true)?;
    let stake = match args.stake.clone().or(file.stake) {
        None => None,
        Some(stake) => Some(units::parse(&stake).map_err(|error| ConfigError::field("stake", error))?),
    };
    let models = if args.models.is_empty() {
        file.model
            .into_iter()
            .map(model::from_file)
            .collect::<Result<Vec<_>, _>>()?
    } else {
        args.models
            .iter()
            .map(|model| model::from_flag(model))
            .collect::<Result<Vec<_>, _>>()?
    };
    if models.is_empty() {
        return Err(ConfigError::field(
            "model",
            "is missing: say at least one model to serve, such as --model digits,price=0.5",
        ));
    }
    let mut known = BTreeSet::new();
    if let Some(twice) = models.iter().find(|model| !known.insert(&model.package)) {
        return Err(ConfigError::field(
            format!("model {}", twice.package),
            "is given twice: a model has one price, one capacity and one way to bid",
        ));
    }
    if let (Some(offering), None) = (models.iter().find(|model| model.sessions.is_some()), &common.network) {
        return Err(ConfigError::field(
            format!("model {}: session", offering.package),
            "clients of sessions come over the workers' network: join it with a section [network] or --network",
        ));
    }
    Ok(ServeConfig {
        common,
        stake,
        models,
        pause_at_exit: !(args.stay_active || file.stay_active.unwrap_or(false)),
    })
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

#[cfg(test)]
mod tests;
