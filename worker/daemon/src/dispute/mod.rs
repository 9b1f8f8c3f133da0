//! Disputes: an execution of a disputed job on the engine, from which both sides play.
//!
//! `assay-player` decides what they say, where they point and when. Nothing here knows the chain.

mod execution;
mod kept;
#[cfg(test)]
mod tests;
mod tracer;
mod trees;

pub use assay_player::{
    Attack, Defence, Execution, Finding, Honest, InFlight, PlayError, Reveals, Sent, Statements, Unavailable, View,
    attack, committed, defend, find, prove, statement, watch,
};
pub use execution::{JobExecution, Pool, Room, Subject};
pub(crate) use tracer::trace;
pub use tracer::{Traced, Tracer, Wanted};
pub use trees::TreesAt;
pub(crate) use trees::UNFINISHED;
