//! State that outlives a crash: the journals of both sides, in redb.
//!
//! A side says what is to be kept before its next message as a [`Step`]. The journal keeps the state and gives what
//! follows from it; nothing else can take that out. Steps of all sessions that come at one time are written in one
//! transaction, so that a store that syncs a hundred times a second serves thousands of requests. A step that somebody
//! need not wait for is handed over as a [`Pending`]: what follows from it is given when the step is on disk.

mod client;
#[cfg(test)]
pub(crate) mod disk;
mod store;
mod worker;

pub use client::{ClientJournal, KeptCase, OpenBytes, RequestKey};
pub use worker::{KeptRequest, WorkerJournal};

use std::path::PathBuf;
use store::Written;

/// Why a journal was not read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be opened: another process may have it.
    #[error("the journal {path} cannot be opened: {reason}; is it in use by another process?")]
    Open {
        /// The file.
        path: PathBuf,
        /// The store's error.
        reason: String,
    },
    /// The store failed.
    #[error("the journal cannot be read or written: {reason}")]
    Store {
        /// The store's error.
        reason: String,
    },
    /// An entry is not what this version writes.
    #[error("the journal's entry on session {session} cannot be read; it was written by another version")]
    Entry {
        /// The session.
        session: u64,
    },
}

/// Changes to be kept, and the step that follows once they are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "nothing follows from a step that is not kept"]
pub struct Step<State, Then> {
    pub(crate) state: State,
    pub(crate) then: Then,
}

impl<State, Then> Step<State, Then> {
    pub(crate) fn new(state: State, then: Then) -> Self {
        Self { state, then }
    }

    /// The state that is to be kept.
    pub fn state(&self) -> &State {
        &self.state
    }
}

/// Result of a step that was handed over to a journal, and may not be on disk yet.
#[derive(Debug)]
#[must_use = "nothing follows from a step that is not on disk"]
pub struct Pending<Then> {
    written: Written,
    then: Then,
}

impl<Then> Pending<Then> {
    pub(crate) fn new(written: Written, then: Then) -> Self {
        Self { written, then }
    }

    /// Waits until the step is on disk, and gives what follows from it.
    pub async fn wait(self) -> Result<Then, JournalError> {
        self.written.wait().await?;
        Ok(self.then)
    }
}
