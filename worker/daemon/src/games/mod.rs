//! Plays disputes on a real chain, for one account, on both sides: defends its claims and goes on with its
//! challenges.
//!
//! ```text
//!  follow ── blocks ──▶ games ─── what is due ──▶ threads for blocking work (executions, statements, proofs)
//!                       │   ▲ ◀── calls to send ───────┘
//!                       ▼   │
//!                   account (owns the nonce)
//! ```
//!
//! The rules are those of `assay-player`: what is due is a pure function of what the chain says. The [`game_set`]
//! reads it for every dispute of the account at every block, and sends it off.
//!
//! # Which state is read
//!
//! The state after the *best* block, not after the finalized one. A game has some seven turns, and on a relay chain
//! finality is about fifteen blocks behind, so that reading finalized state would make every turn as many blocks
//! longer, and eat the clock of whoever reads. A best block may be replaced. That does no harm: nothing is concluded
//! from a block but what to send next, every block is read anew, and a call that does not fit the block it arrives in
//! is refused for its fee. What was revealed is kept in memory only as long as the trace that it belongs to is the
//! one on chain. Only what is told to people, that is, the [`Statistics`] and the log of what others did, is taken
//! from finalized blocks.

mod archive;
mod award;
mod conduct;
mod descent;
mod driver;
mod executions;
mod finder;
mod game_set;
mod plan;
#[cfg(test)]
mod receipt_tests;
mod report;
mod statistics;
mod stranded;

pub use archive::{Archive, SharedExecution};
pub use conduct::{Conduct, Honest, Work};
pub use descent::descent;
pub(crate) use finder::Finder;
pub use game_set::GameSet;
pub use report::{fault_in_words, in_words};
pub use statistics::Statistics;
pub(crate) use stranded::Stranded;

use assay_client::chain::Balance;
use assay_types::JobId;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;

/// State of the account's disputes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Outcomes of those that are over.
    pub statistics: Statistics,
    /// The account's own challenges that are being played, with their bonds.
    pub playing: BTreeMap<JobId, Balance>,
    /// Its claims that are disputed.
    pub defending: BTreeSet<JobId>,
}

/// Tells the games of jobs that they have not heard of yet.
#[derive(Clone, Debug)]
pub struct Hints(mpsc::Sender<JobId>);

impl Hints {
    /// Says that this job may be disputed. What is lost because of too many hints is found at the next block.
    pub fn give(&self, job: JobId) {
        let _ = self.0.try_send(job);
    }
}
