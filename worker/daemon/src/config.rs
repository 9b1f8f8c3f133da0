//! Configuration of the daemons, every field checked; the program that reads flags, environment and files makes it.

use crate::engine::EngineProgram;
use assay_client::chain::{Balance, BlockNumber, Key};
use assay_engine::EngineChoice;
use assay_network::NetworkConfig;
use assay_player::watch::Sampling;
use polkadot_sdk::sp_runtime::Perbill;
use std::{path::PathBuf, time::Duration};

/// Configuration of every daemon.
#[derive(Clone, Debug)]
pub struct Common {
    /// Nodes, in the order in which they are tried.
    pub nodes: Vec<String>,
    /// The key that signs.
    pub key: Key,
    /// Folder of model packages.
    pub models_dir: PathBuf,
    /// Folder of inputs by digest.
    pub inputs_dir: PathBuf,
    /// Folder of the durable store.
    pub data_dir: PathBuf,
    /// Engine that runs the models.
    pub engine: EngineChoice,
    /// The GPU for the engine, if one was named.
    pub gpu: Option<usize>,
    /// Threads for the models.
    pub threads: usize,
    /// Bytes of memory that the engine may use.
    pub max_memory: u64,
    /// The program that is started as the engine's process.
    pub engine_program: EngineProgram,
    /// Longest wait for a block.
    pub stall: Duration,
    /// Maximum tip for a call that must be in a block in time, as a share of what is lost otherwise.
    pub max_tip: Perbill,
    /// Share of the jobs that were served which are executed once more and compared with the definition.
    pub audit_share: Perbill,
    /// The daemon's part in the workers' network; `None` if it takes none.
    pub network: Option<NetworkPolicy>,
}

/// A daemon's part in the workers' network.
#[derive(Clone, Debug)]
pub struct NetworkPolicy {
    /// The node.
    pub node: NetworkConfig,
    /// Whether a worker announces the node's addresses on chain.
    pub announces: bool,
}

/// Configuration of `serve`.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Configuration of every daemon.
    pub common: Common,
    /// Minimum stake; `None` leaves the stake as it is.
    pub stake: Option<Balance>,
    /// The models to serve, and on what terms.
    pub models: Vec<ModelPolicy>,
    /// Whether the worker is paused on chain at exit.
    pub pause_at_exit: bool,
}

/// Configuration of `watch`.
#[derive(Clone, Debug)]
pub struct WatchConfig {
    /// Configuration of every daemon.
    pub common: Common,
    /// Folders of the packages; all that are there, if `None`.
    pub models: Option<Vec<String>>,
    /// Share of the claims that is checked.
    pub sampling: Sampling<Balance>,
    /// Whether the account's own claims are checked as well.
    pub own: bool,
    /// Maximum number of challenges at a time.
    pub max_games: u32,
    /// Maximum bond for one challenge.
    pub max_bond: Balance,
}

/// A model to serve: by a standing offer, in auctions, in sessions, or by several of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPolicy {
    /// Folder of the package in the models folder.
    pub package: String,
    /// Price and capacity of the standing offer.
    pub offer: Option<OfferPolicy>,
    /// Blocks that a job must have, by offer and in auctions.
    pub blocks: BlockPolicy,
    /// The policy of bidding.
    pub bidding: Option<BidPolicy>,
    /// Terms of sessions.
    pub sessions: Option<SessionPolicy>,
}

/// Price and capacity of a standing offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferPolicy {
    /// Price of a job, whatever its size.
    pub base: Balance,
    /// Price of 10^9 units of a job's work, on top of the base.
    pub rate: Balance,
    /// Unclaimed jobs at a time.
    pub capacity: u32,
}

/// Terms on which sessions are offered. See [`assay_client::chain::SessionTerms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Price of a request, whatever its size.
    pub base: Balance,
    /// Price of 10^9 units of a request's work, on top of the base.
    pub rate: Balance,
    /// Minimum budget of a session.
    pub min_budget: Balance,
    /// Maximum budget of a session.
    pub max_budget: Balance,
    /// Stake that a session locks, in hundredths of its budget.
    pub lock_percent: u32,
    /// Maximum number of blocks for which a session is open.
    pub max_blocks: BlockNumber,
    /// Blocks after a session's end in which its receipts can be challenged; `None` for as many as follow from the
    /// model.
    pub window_blocks: Option<BlockNumber>,
    /// Sessions at a time.
    pub capacity: u32,
}

/// Blocks that a job must have. What is left out follows from the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockPolicy {
    /// Minimum number of blocks until the deadline.
    pub min_deadline: Option<BlockNumber>,
    /// Minimum number of blocks of the challenge window.
    pub min_window: Option<BlockNumber>,
    /// Maximum number of blocks of the challenge window.
    pub max_window: Option<BlockNumber>,
}

/// Policy of bidding on a model's jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BidPolicy {
    /// The price wanted.
    pub price: Balance,
    /// The minimum price, where the client's ceiling is below the one wanted.
    pub least: Balance,
    /// Maximum number of auctions at a time.
    pub max_bids: u32,
}

impl BidPolicy {
    /// The price to bid on a job of this ceiling; `None` to make no bid.
    pub fn bid(&self, ceiling: Balance) -> Option<Balance> {
        let price = self.price.min(ceiling);
        (price >= self.least).then_some(price)
    }
}
