//! The worker's journal: what it has promised and was promised, and the inputs that a defence needs.

use super::{
    JournalError, Step,
    store::{Change, Store, Table, put},
};
use crate::{
    server::side::WorkerState,
    types::{SessionId, SignedReceipt},
};
use codec::{Decode, Encode};
use redb::StorageBackend;
use std::path::Path;

/// The worker's journal.
#[derive(Clone, Debug)]
pub struct WorkerJournal {
    store: Store,
}

/// A request that was answered, as it is kept until its receipt can no longer be challenged.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct KeptRequest {
    /// Values of the model's symbols.
    pub symbols: Vec<u32>,
    /// The inputs that the client gave, one after the other.
    pub input: Vec<u8>,
}

impl WorkerJournal {
    /// The journal in this file, which is made if it is not there.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Store::open(path).map(|store| Self { store })
    }

    /// The journal in a backend of the store, such as memory.
    pub fn with_backend(backend: impl StorageBackend) -> Result<Self, JournalError> {
        Store::with_backend(backend).map(|store| Self { store })
    }

    /// The state of a session.
    pub fn state(&self, session: SessionId) -> Result<Option<WorkerState>, JournalError> {
        self.store.get(Table::State, (session, 0))
    }

    /// The states of all sessions.
    pub fn states(&self) -> Result<Vec<(SessionId, WorkerState)>, JournalError> {
        let states = self.store.all(Table::State)?.into_iter();
        Ok(states.map(|((session, _), state)| (session, state)).collect())
    }

    /// The receipt of a request.
    pub fn receipt(&self, session: SessionId, sequence: u32) -> Result<Option<SignedReceipt>, JournalError> {
        self.store.get(Table::Receipt, (session, sequence))
    }

    /// A request that was answered.
    pub fn request(&self, session: SessionId, sequence: u32) -> Result<Option<KeptRequest>, JournalError> {
        self.store.get(Table::Input, (session, sequence))
    }

    /// The bytes that deliver the answer to the latest request of a session.
    pub fn answer(&self, session: SessionId) -> Result<Option<Vec<u8>>, JournalError> {
        self.store.get(Table::Answer, (session, 0))
    }

    /// Keeps a step that promises nothing, to be on disk no later than the next one that does.
    pub async fn keep_soon(
        &self,
        session: SessionId,
        step: Step<WorkerState, ()>,
    ) -> Result<WorkerState, JournalError> {
        let change = put(Table::State, (session, 0), &step.state);
        self.store.write_soon(vec![change]).await?;
        Ok(step.state)
    }

    /// Keeps the step by which a receipt is signed, with the request and the answer; returns the receipt once all of
    /// it is on disk.
    pub async fn keep(
        &self,
        session: SessionId,
        step: Step<WorkerState, SignedReceipt>,
        request: &KeptRequest,
        answer: &[u8],
    ) -> Result<(WorkerState, SignedReceipt), JournalError> {
        let sequence = step.then.message.sequence;
        self.store
            .write(vec![
                put(Table::State, (session, 0), &step.state),
                put(Table::Receipt, (session, sequence), &step.then),
                put(Table::Input, (session, sequence), request),
                put(Table::Answer, (session, 0), &answer),
            ])
            .await?;
        Ok((step.state, step.then))
    }

    /// Forgets a session that is over.
    pub async fn forget(&self, session: SessionId) -> Result<(), JournalError> {
        self.store.write(vec![Change::Forget(session)]).await
    }
}
