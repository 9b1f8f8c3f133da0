//! Liars, bad challengers, random graphs and a referee: what disputes are tested against.
//!
//! A [`Liar`] is a worker: it makes a claim and answers for it, and most lies are kept up so well that exactly one step
//! of the whole execution is wrong. A [`BadChallenger`] attacks without a case. [`play`] lets them meet on a [`Court`]:
//! the tests of `pallet-disputes` make the pallet one.
//!
//! It is a crate of its own, and no feature of `assay-player`, so that building tests selects no feature for a crate
//! that the worker uses. Nothing that is released depends on it.

#![forbid(unsafe_code)]

extern crate alloc;

mod altered;
mod challenger;
mod court;
mod execution;
pub mod graphs;
mod liar;
mod lie;
mod play;
mod random;

pub use altered::{Altered, Downstream};
pub use challenger::{Attempt, BadChallenger};
pub use court::{Account, Conviction, Court, PlayedDispute, WORKER};
pub use execution::{InMemory, MANIFEST};
pub use liar::{Liar, Manner, garbled};
pub use lie::{Lie, cheaper_weights};
pub use play::{Challenger, Outcome, play};
pub use random::Random;
