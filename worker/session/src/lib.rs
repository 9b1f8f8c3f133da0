//! Both sides of a session off the chain: a client that asks and pays, and a worker that answers and is paid.
//!
//! # Design
//!
//! The rules of the money are [`assay_types::session::Payer`] and [`Payee`](assay_types::session::Payee). Around each
//! stands a *side* ([`client::side`], [`server::side`]): a pure function from what is kept and a message to what is to
//! be kept next and what follows from it. What follows can be taken out only by keeping the state: [`Step`] hands it
//! over to a journal. So no message leaves before what it promises outlives a crash, and every message can be sent
//! again.
//!
//! * A worker gives a [`SessionServer`] to its node ([`assay_network::Node::serve_sessions`]). Requests go to an
//!   [`Executor`], those of all sessions at once, and what is promised is redeemed by a [`RedeemPolicy`].
//! * An application opens a [`Session`] from [`Sessions`], and calls [`Session::generate`] or [`Session::run`]. The
//!   session chooses a worker ([`choose`](mod@choose)), verifies what it is sent, pays, checks a share of the receipts,
//!   brings wrong ones to the chain, and goes on with another worker where one fails.
//!
//! The chain is behind traits ([`SessionChain`], [`WorkerChain`], [`ClientChain`]); nothing here knows `subxt`. The
//! network carries opaque bytes ([`assay_network::session`]); what they say is in [`message`], and they are encrypted
//! to the worker's key of the session ([`seal`]), whatever stands between.

pub mod chain;
pub mod check;
pub mod choose;
pub mod client;
pub mod error;
pub mod executor;
pub mod journal;
pub mod key;
pub mod message;
pub mod request;
pub mod seal;
pub mod server;
#[cfg(test)]
mod tests;
pub mod types;
mod wire;

pub use chain::{
    ChainAnswer, ChainError, ClientChain, Equivocation, ModelRecord, SessionChain, WorkerChain, WrongReceipt,
};
pub use check::{Case, CheckError, Checker, SecondOpinion, Verdict};
pub use choose::{Candidate, Preference, Record};
pub use client::{Answer, ClientConfig, Generation, Piece, Session, Sessions};
pub use error::SessionError;
pub use executor::{Execution, Executor, ExecutorError};
pub use journal::{ClientJournal, JournalError, Step, WorkerJournal};
pub use key::SessionPair;
pub use request::Sampling;
pub use server::{Kept, RedeemPolicy, ServerConfig, SessionServer};
pub use types::{Place, Signed, SignedReceipt, SignedVoucher};

/// State in this crate is never left half changed, so a thread that panicked has not spoilt it.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
