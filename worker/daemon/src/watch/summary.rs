//! Counts of what a watcher has seen and done, in one line.

use crate::games::Statistics;
use assay_client::{chain::Balance, units};
use std::fmt;

/// Counts of what a watcher has seen and done since it was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Claims that were seen.
    pub seen: u64,
    /// Claims that were executed again.
    pub checked: u64,
    /// Claims that could not be, for want of an input or because the engine failed.
    pub unchecked: u64,
    /// Claims whose output is another one.
    pub wrong: u64,
    /// Outcomes of challenges.
    pub statistics: Statistics,
    /// Challenges that are being played.
    pub playing: usize,
    /// Amount that is held for them.
    pub bonds_out: Balance,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "claims: {} seen, {} checked, {} not to be checked, {} wrong; disputes: {}, {} going on; bonds out: {} ASY",
            self.seen,
            self.checked,
            self.unchecked,
            self.wrong,
            self.statistics,
            self.playing,
            units::format(self.bonds_out)
        )
    }
}
