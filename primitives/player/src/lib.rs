//! Both sides of a dispute: what the worker says of a place, where the challenger points, and what it proves in the
//! end.
//!
//! Everything follows from an own [`Execution`] of the job and from what the chain shows. The rules of the game are
//! [`assay_types::dispute`]; the worker's daemons play by what is here, and so do tests. Nothing here knows FRAME, a
//! node, an engine or a clock other than block numbers.
//!
//! * [`statement`]: the worker's answer to every place.
//! * [`find`] and [`prove`]: the challenger's way down, and its end.
//! * [`trace_digest`] and [`opening`]: what a challenger commits to, and how it shows afterwards that it knew.
//! * [`defend`] and [`attack`]: what is due, as pure functions.
//! * [`watch`]: whom to challenge.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

mod decide;
mod error;
mod execution;
mod finding;
mod opening;
mod proof;
mod statements;
pub mod watch;

pub use decide::{Attack, Defence, InFlight, Sent, View, attack, defend};
pub use error::PlayError;
pub use execution::{Chunked, Execution, Operand, Unavailable, committed, node, openings, operands};
pub use finding::{Finding, find};
pub use opening::{opening, trace_digest};
pub use proof::{prove, question};
pub use statements::{Honest, Statements, statement};

use assay_types::dispute::{Place, Revealed};
use std::collections::BTreeMap;

/// The hash of every commitment.
pub type Hash = assay_types::HostBlake2;

/// Statements that have been revealed in a dispute, as the chain keeps it while the dispute lasts.
pub type Reveals = BTreeMap<Place, Revealed>;
