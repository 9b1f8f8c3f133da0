//! Plays disputes on a real chain, for one account, on both sides: defends its claims and goes on with its challenges.
//!
//! ```text
//!  follow ── blocks ──▶ player ── what is due ──▶ threads for blocking work (executions, statements, proofs)
//!                       │   ▲ ◀── calls to send ───────┘
//!                       ▼   │
//!                   account (owns the nonce)
//! ```
//!
//! The rules are those of `assay-player`: what is due is a pure function of what the chain says. The [`player`] reads it for
//! every dispute of the account at every block, and sends it off.
//!
//! # Which state is read
//!
//! The state after the *best* block, not after the finalized one. A game has some seven turns, and on a relay chain finality is
//! about fifteen blocks behind, so that reading finalized state would make every turn as many blocks longer, and eat the clock of
//! whoever reads. A best block may be replaced. That does no harm: nothing is concluded from a block but what to send
//! next, every block is read anew, and a call that does not fit the block it arrives in is refused for its fee. What was
//! revealed is kept in memory only as long as the trace that it belongs to is the one on chain. Only what is told to people,
//! that is, the [`Tally`] and the log of what others did, is taken from finalized blocks.

mod archive;
mod case;
mod conduct;
mod plan;
mod player;
mod report;
mod tally;
mod way;

pub use archive::{Archive, SharedExecution};
pub use conduct::{Conduct, Honest, Work};
pub use report::{fault_in_words, in_words};
pub use tally::Tally;
pub use way::way;

use crate::{models::Models, serve::store::Store};
use assay_client::chain::{Account, Balance, ChainError, Client};
use assay_types::JobId;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// Jobs that wait to be looked at.
const HINTS: usize = 64;

/// What the games need of the program that they are part of. It outlives connections.
#[derive(Clone)]
pub struct Table {
    /// The models that can be executed.
    pub models: Models,
    /// Folder of inputs by digest.
    pub inputs_dir: PathBuf,
    /// The durable store, once it is open: copies of inputs, and digests of traces.
    pub store: Option<Store>,
    /// Executions that were made, for all games of a job.
    pub archive: Archive,
    /// How the account behaves.
    pub conduct: Arc<dyn Conduct>,
    /// Longest wait for a finalized block.
    pub stall: Duration,
    /// Where the standing is told.
    pub standing: Arc<watch::Sender<Standing>>,
}

impl Table {
    /// Nothing is known yet.
    pub fn new(models: Models, inputs_dir: PathBuf, conduct: Arc<dyn Conduct>, stall: Duration) -> Self {
        Self {
            models,
            inputs_dir,
            store: None,
            archive: Archive::default(),
            conduct,
            stall,
            standing: Arc::new(watch::Sender::new(Standing::default())),
        }
    }
}

/// How the account's disputes stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What came of those that are over.
    pub tally: Tally,
    /// The account's own challenges that are being played, with their bonds.
    pub playing: BTreeMap<JobId, Balance>,
    /// Its claims that are disputed.
    pub defending: BTreeSet<JobId>,
}

/// Tells the player of jobs that it has not heard of yet.
#[derive(Clone, Debug)]
pub struct Hints(mpsc::Sender<JobId>);

impl Hints {
    /// Says that this job may be disputed. What is lost because of too many hints is found at the next block.
    pub fn give(&self, job: JobId) {
        let _ = self.0.try_send(job);
    }
}

/// The games of an account over one connection; nothing is played unless [`Games::play`] is awaited.
pub struct Games {
    player: player::Player,
    hints: mpsc::Receiver<JobId>,
}

impl Games {
    /// Sits down.
    pub fn new(table: Table, client: Client, account: Account) -> (Self, Hints) {
        let (sender, hints) = mpsc::channel(HINTS);
        let player = player::Player::new(table, client, account);
        (Self { player, hints }, Hints(sender))
    }

    /// Plays until the connection breaks. Refused calls do not end it.
    pub async fn play(self) -> Result<std::convert::Infallible, ChainError> {
        self.player.run(self.hints).await
    }
}
