//! Why a session does not do what it was asked.

use crate::{
    chain::ChainError, client::side::ReceiptFault, journal::JournalError, message::Decline, request::RequestError,
    types::SessionId,
};
use assay_network::{
    NetworkError,
    session::{RefusalReason, StreamError},
};
use assay_types::session::SideError;

/// Why a session was not opened, or a request not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The chain was not read, or did not take a call.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The journal cannot be read or written: nothing was sent that it does not have.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The request does not fit the model.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The model version is not registered.
    #[error("the chain has no such model version; look at the list of models")]
    NoModel,
    /// Nobody offers a session on the model with this budget.
    #[error("nobody offers a session on this model with this budget, or all who do have failed: {tried}")]
    NoWorker {
        /// Workers that were tried, and the outcomes.
        tried: String,
    },
    /// The budget does not cover the request.
    #[error("the budget of the session does not cover the request, whose price is {price}: add to the budget")]
    Budget {
        /// Price of the request.
        price: u128,
    },
    /// The journal or the chain has no such session.
    #[error("session {0} is not one of this client that goes on")]
    NoSession(SessionId),
    /// The session was closed by this client, or abandoned.
    #[error("the session is closed; open another one")]
    Closed,
    /// Encryption cannot be set up.
    #[error("encryption cannot be set up: {reason}")]
    Setup {
        /// The fault.
        reason: String,
    },
    /// A check needs an execution that failed.
    #[error("two answers differ, and neither could be checked: {reason}")]
    Unchecked {
        /// The fault.
        reason: String,
    },
    /// The task that made the exchange ended without an answer.
    #[error("the exchange was broken off")]
    BrokenOff,
}

/// Fault of a worker in an exchange, or of the way to it. Nothing was paid for the request.
#[derive(Debug, thiserror::Error)]
pub enum WorkerFault {
    /// It cannot be reached.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The stream broke, stalled, or carried what the protocol does not allow.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// It refused the request.
    #[error("it refuses: {0}")]
    Refused(RefusalReason),
    /// It declined the request by a rule of the session.
    #[error("it declines: {0}")]
    Declined(Decline),
    /// It does not have the session's key, or somebody between it and us has changed what was sent.
    #[error("it does not prove that it has the session's key")]
    Key,
    /// It sent something that does not belong there.
    #[error("it sent {0}, which does not belong there")]
    Unexpected(&'static str),
    /// Its receipt is not what was expected.
    #[error("its receipt is wrong: {0}")]
    Receipt(ReceiptFault),
    /// It signed two receipts of one request.
    #[error("it signed two receipts of one request")]
    Equivocation,
    /// The rules of the client forbid the message.
    #[error("the session's state does not allow it: {0:?}")]
    Side(SideError),
    /// The chain says that the session does not go on.
    #[error("the session does not go on")]
    Ended,
    /// A receipt of it was found to be wrong.
    #[error("a receipt of it was found to be wrong")]
    Wrong,
}
