//! The configuration file, field by field.

use super::{ConfigError, EngineArg, FileNetwork};
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A configuration file. A field that is left out has its default.
///
/// ```toml
/// node = ["ws://127.0.0.1:9944"]   # tried in this order
/// key = "/etc/assay/worker.key"    # a file of mode 600 that holds the secret
/// models_dir = "models"
/// inputs_dir = "inputs"            # <hex digest>.bin
/// data_dir = "/var/lib/assay"
/// stake = "100"                    # ASY
/// engine = "cpu"                   # or "cuda", "torch", "reference"
/// gpu = 0                          # for "cuda", or "torch" on a GPU
/// threads = 8
/// max_memory = "12GiB"             # of the engine; without it 80 % of the machine's
/// stay_active = false              # true: do not pause the worker on chain at exit
/// stall_seconds = 120
/// max_tip_percent = 1              # of what a call that comes too late would lose; 0: no tips
/// audit_percent = 0.5              # of the jobs, which are executed once more and compared with the definition
///
/// [[model]]
/// package = "digits"               # folder in models_dir
/// price = "0.5"                    # standing offer, ASY a job; or, in its place:
/// # base = "0.1"                   # ASY a job, and
/// # rate = "0.05"                  # ASY for each 10^9 units of its work
/// min_deadline = 40                # blocks; without it as many as the model's largest job needs
/// min_window = 30                  # blocks of the challenge window; without it by the largest job
/// max_window = 1800                # blocks for which a claim may lock stake; without it an hour
/// capacity = 16                    # unclaimed jobs at a time
/// bid = "0.4"                      # price in auctions; without it no bids are made
/// bid_min = "0.2"                  # bids the client's ceiling where that is between bid_min and bid
/// max_bids = 16                    # auctions at a time
///
/// [model.session]                  # offers sessions on the model above, over the workers' network
/// base = "0.001"                   # ASY a request, and
/// rate = "0.0005"                  # ASY for each 10^9 units of its work
/// min_budget = "1"                 # ASY, of a session
/// max_budget = "50"
/// capacity = 8                     # sessions at a time
/// lock_percent = 100               # of a session's budget, locked of the stake
/// max_blocks = 3600                # for which a session may be open
/// window_blocks = 300              # in which receipts can be challenged; without it by the largest job
///
/// [network]                        # joins the workers' network; without the section it is not joined
/// listen = ["/ip4/0.0.0.0/udp/30340/quic-v1", "/ip4/0.0.0.0/tcp/30340"]    # the default of `serve`
/// bootnodes = ["/dns/boot.example/udp/30340/quic-v1/p2p/12D3KooW…"]
/// external = ["/ip4/192.0.2.1/udp/30340/quic-v1"]    # where others reach it, if it does not find out by itself
/// relays = []                      # peers through which others may reach it, behind NAT
/// relay = false                    # true: pass connections of others on
/// reachable = false                # true: others reach every address that it listens on
/// announce = true                  # false: do not announce the addresses on chain
/// bytes_per_second = 0             # to one peer; 0: any number
/// dir = "/var/lib/assay/network"   # of the node's key and the peers that it has met
///
/// [watch]                          # for `watch` alone
/// model = ["digits"]               # folders in models_dir; without it all that are there and registered
/// sample_least = 5                 # percent of the cheapest claims that are checked
/// full_price = "1"                 # ASY, from which on every claim is checked
/// own = false                      # true: check this account's own claims as well
/// max_games = 8                    # challenges at a time
/// max_bond = "100"                 # ASY, the maximum that is put up for one
/// alert_only = false               # true: report wrong claims and challenge none
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
    /// Engine that runs the models.
    pub engine: Option<EngineArg>,
    /// The GPU for the engine, by its index.
    pub gpu: Option<usize>,
    /// Threads for the models.
    pub threads: Option<usize>,
    /// Memory that the engine may use.
    pub max_memory: Option<String>,
    /// Whether the worker stays active on chain at exit.
    pub stay_active: Option<bool>,
    /// Seconds without a finalized block after which another connection is tried.
    pub stall_seconds: Option<u64>,
    /// Maximum tip for a call that must be in a block in time, in percent of what is lost otherwise.
    pub max_tip_percent: Option<f64>,
    /// Percent of the jobs that are executed once more and compared with the model's definition.
    pub audit_percent: Option<f64>,
    /// The daemon's part in the workers' network.
    pub network: Option<FileNetwork>,
    /// The models to serve.
    #[serde(default)]
    pub model: Vec<FileModel>,
    /// Settings of `watch`.
    #[serde(default)]
    pub watch: FileWatch,
}

impl File {
    /// Reads a file; without one, every field has its default.
    pub(super) fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let shown = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: shown.clone(),
            reason: error.to_string(),
        })?;
        Self::parse(&text).map_err(|reason| ConfigError::Malformed { path: shown, reason })
    }

    /// Reads the content of a file. The error names the line and does not repeat it, since a secret may be on it.
    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("line {}: {}", 1 + before.matches('\n').count(), error.message())
        })
    }
}

/// Settings of `watch`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileWatch {
    /// Folders in `models_dir`.
    pub model: Option<Vec<String>>,
    /// Percent of the cheapest claims that are checked.
    pub sample_least: Option<f64>,
    /// Price from which on every claim is checked, in ASY.
    pub full_price: Option<String>,
    /// Whether the account's own claims are checked as well.
    pub own: Option<bool>,
    /// Challenges at a time.
    pub max_games: Option<u32>,
    /// The maximum that is put up for one, in ASY.
    pub max_bond: Option<String>,
    /// Whether wrong claims are reported and not challenged.
    pub alert_only: Option<bool>,
}

/// A model to serve.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileModel {
    /// Folder in `models_dir`.
    pub package: String,
    /// Price of the standing offer, in ASY, whatever the job's size; without it and `base` none is published.
    pub price: Option<String>,
    /// Base price of the standing offer, in ASY.
    pub base: Option<String>,
    /// Price of 10^9 units of a job's work on top of the base, in ASY.
    pub rate: Option<String>,
    /// Minimum number of blocks that a job must give until its deadline.
    pub min_deadline: Option<u32>,
    /// Minimum number of blocks of a job's challenge window.
    pub min_window: Option<u32>,
    /// Maximum number of blocks of a job's challenge window.
    pub max_window: Option<u32>,
    /// Jobs that the offer takes at a time.
    pub capacity: Option<u32>,
    /// Price in auctions, in ASY; without it no bids are made.
    pub bid: Option<String>,
    /// Least price in auctions.
    pub bid_min: Option<String>,
    /// Auctions at a time.
    pub max_bids: Option<u32>,
    /// Terms of sessions; without them none are offered.
    pub session: Option<FileSession>,
}

/// Terms of sessions on a model.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSession {
    /// Price of a request, in ASY.
    pub base: Option<String>,
    /// Price of 10^9 units of a request's work on top of the base, in ASY.
    pub rate: Option<String>,
    /// Minimum budget, in ASY.
    pub min_budget: Option<String>,
    /// Maximum budget, in ASY.
    pub max_budget: Option<String>,
    /// Sessions at a time.
    pub capacity: Option<u32>,
    /// Stake that a session locks, in hundredths of its budget.
    pub lock_percent: Option<u32>,
    /// Maximum number of blocks for which a session is open.
    pub max_blocks: Option<u32>,
    /// Blocks in which receipts can be challenged after a session's end.
    pub window_blocks: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_line_and_does_not_print_it() {
        let key = "bottom drive obey lake";
        let files = [
            format!("threads = 2\nkey = \"{key}\n"),
            format!("threads = 2\nkey = {key}\n"),
            format!("threads = 2\nkey: \"{key}\"\n"),
            format!("threads = 2\nkey = [\"{key}\"]\n"),
            format!("threads = 2\nsecret = \"{key}\"\n"),
        ];
        for file in files {
            let error = File::parse(&file).expect_err("malformed");
            assert!(error.starts_with("line 2: "), "{error}");
            assert!(!error.contains("bottom") && !error.contains("obey"), "{error}");
        }
    }
}
