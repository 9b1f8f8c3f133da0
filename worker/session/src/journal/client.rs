//! The client's journal: what it has asked and promised, and the receipts that it holds.

use super::{
    JournalError, Pending, Step,
    store::{Change, Store, Table, put},
};
use crate::{
    client::side::ClientState,
    message::RequestHead,
    types::{SessionId, SignedReceipt, SignedVoucher},
};
use codec::{Decode, Encode};
use redb::StorageBackend;
use std::path::Path;

/// The client's journal.
#[derive(Clone, Debug)]
pub struct ClientJournal {
    store: Store,
}

/// A session and the number of a request in it.
pub type RequestKey = (SessionId, u32);

/// The inputs of the open request, one after the other.
pub type OpenBytes = Vec<u8>;

/// A receipt that was drawn for a check, until it is checked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct KeptCase {
    /// Values of the model's symbols.
    pub symbols: Vec<u32>,
    /// The inputs, one after the other.
    pub input: Vec<u8>,
    /// The bytes that delivered the answer.
    pub answer: Vec<u8>,
    /// The receipt.
    pub receipt: SignedReceipt,
    /// Whether it was found to be wrong, and the chain is to be told.
    pub is_wrong: bool,
}

impl ClientJournal {
    /// The journal in this file, which is made if it is not there.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Store::open(path).map(|store| Self { store })
    }

    /// The journal in a backend of the store, such as memory.
    pub fn with_backend(backend: impl StorageBackend) -> Result<Self, JournalError> {
        Store::with_backend(backend).map(|store| Self { store })
    }

    /// The state of a session.
    pub fn state(&self, session: SessionId) -> Result<Option<ClientState>, JournalError> {
        self.store.get(Table::State, (session, 0))
    }

    /// The states of all sessions that are not forgotten.
    pub fn states(&self) -> Result<Vec<(SessionId, ClientState)>, JournalError> {
        let states = self.store.all(Table::State)?.into_iter();
        Ok(states.map(|((session, _), state)| (session, state)).collect())
    }

    /// The inputs of the open request of a session.
    pub fn open_bytes(&self, session: SessionId) -> Result<Option<OpenBytes>, JournalError> {
        self.store.get(Table::Input, (session, 0))
    }

    /// The first receipt of a request that the session's key has signed.
    pub fn receipt(&self, session: SessionId, sequence: u32) -> Result<Option<SignedReceipt>, JournalError> {
        self.store.get(Table::Receipt, (session, sequence))
    }

    /// The receipts that wait for being checked or shown to the chain.
    pub fn cases(&self) -> Result<Vec<(RequestKey, KeptCase)>, JournalError> {
        self.store.all(Table::Case)
    }

    /// Keeps a step from which nothing follows.
    pub async fn keep(&self, session: SessionId, step: Step<ClientState, ()>) -> Result<ClientState, JournalError> {
        self.store
            .write(vec![put(Table::State, (session, 0), &step.state)])
            .await?;
        Ok(step.state)
    }

    /// Keeps the state of a session before anything is asked in it.
    pub async fn begin(&self, session: SessionId, state: &ClientState) -> Result<(), JournalError> {
        self.store.write(vec![put(Table::State, (session, 0), state)]).await
    }

    /// Keeps the step by which a request begins, with its inputs; returns the head to send.
    pub async fn keep_asked(
        &self,
        session: SessionId,
        step: Step<ClientState, RequestHead>,
        input: &[u8],
    ) -> Result<(ClientState, RequestHead), JournalError> {
        let changes = vec![
            put(Table::State, (session, 0), &step.state),
            put(Table::Input, (session, 0), &input),
        ];
        self.store.write(changes).await?;
        Ok((step.state, step.then))
    }

    /// Hands over the step by which a voucher is signed, with the receipt and, if it was drawn, its case. The voucher
    /// to send follows once all of it is on disk. Every later entry is on disk no earlier: a crash that loses this
    /// step leaves the request open, and it is asked again.
    pub async fn keep_paid(
        &self,
        session: SessionId,
        step: Step<ClientState, SignedVoucher>,
        receipt: &SignedReceipt,
        case: Option<&KeptCase>,
    ) -> Result<(ClientState, Pending<SignedVoucher>), JournalError> {
        let key = (session, receipt.message.sequence);
        let mut changes = vec![
            put(Table::State, (session, 0), &step.state),
            put(Table::Receipt, key, receipt),
            Change::Remove(Table::Input, (session, 0)),
        ];
        changes.extend(case.map(|case| put(Table::Case, key, case)));
        let written = self.store.write_behind(changes).await?;
        Ok((step.state, Pending::new(written, step.then)))
    }

    /// Waits until everything that was handed over before is on disk, so that it is read.
    pub async fn settle(&self) -> Result<(), JournalError> {
        self.store.settle().await
    }

    /// Keeps a receipt that is signed by the session's key and was not paid, as evidence.
    pub async fn keep_evidence(&self, session: SessionId, receipt: &SignedReceipt) -> Result<(), JournalError> {
        let key = (session, receipt.message.sequence);
        self.store.write(vec![put(Table::Receipt, key, receipt)]).await
    }

    /// Keeps what came of a check: a wrong receipt until the chain has it, and a right one no longer.
    pub async fn keep_checked(&self, key: RequestKey, wrong: Option<&KeptCase>) -> Result<(), JournalError> {
        let change = match wrong {
            Some(case) => put(Table::Case, key, case),
            None => Change::Remove(Table::Case, key),
        };
        self.store.write(vec![change]).await
    }

    /// Forgets a session that is over.
    pub async fn forget(&self, session: SessionId) -> Result<(), JournalError> {
        self.store.write(vec![Change::Forget(session)]).await
    }
}
