//! The configuration file, field by field.

use super::EngineChoice;
use serde::Deserialize;
use std::path::PathBuf;

/// A configuration file. A field that is left out has its default.
///
/// ```toml
/// node = ["ws://127.0.0.1:9944"]   # tried in this order
/// key = "/etc/assay/worker.key"    # a file of mode 600 that holds the secret
/// models_dir = "models"
/// inputs_dir = "inputs"            # <hex digest>.bin
/// data_dir = "/var/lib/assay"
/// stake = "100"                    # ASY
/// engine = "cpu"                   # or "torch", "reference"
/// threads = 8
/// stay_active = false              # true: do not pause the worker on chain at exit
/// stall_seconds = 120
///
/// [[model]]
/// package = "digits"               # folder in models_dir
/// price = "0.5"                    # standing offer, ASY
/// capacity = 16                    # unclaimed jobs at a time
/// bid = "0.4"                      # price in auctions; without it no bids are made
/// bid_min = "0.2"                  # bids the client's ceiling where that is between bid_min and bid
/// max_bids = 16                    # auctions at a time
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Nodes, in the order in which they are tried.
    pub node: Option<Vec<String>>,
    /// Key file or secret.
    pub key: Option<String>,
    /// Folder of model packages.
    pub models_dir: Option<PathBuf>,
    /// Folder of inputs by digest.
    pub inputs_dir: Option<PathBuf>,
    /// Folder of what must survive a crash.
    pub data_dir: Option<PathBuf>,
    /// Stake to have at least, in ASY.
    pub stake: Option<String>,
    /// What runs the models.
    pub engine: Option<EngineChoice>,
    /// Threads for the models.
    pub threads: Option<usize>,
    /// Whether the worker stays active on chain at exit.
    pub stay_active: Option<bool>,
    /// Seconds without a finalized block after which another connection is tried.
    pub stall_seconds: Option<u64>,
    /// The models to serve.
    #[serde(default)]
    pub model: Vec<FileModel>,
}

/// A model to serve.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileModel {
    /// Folder in `models_dir`.
    pub package: String,
    /// Price of the standing offer, in ASY; without it none is published.
    pub price: Option<String>,
    /// Jobs that the offer takes at a time.
    pub capacity: Option<u32>,
    /// Price in auctions, in ASY; without it no bids are made.
    pub bid: Option<String>,
    /// Least price in auctions.
    pub bid_min: Option<String>,
    /// Auctions at a time.
    pub max_bids: Option<u32>,
}
