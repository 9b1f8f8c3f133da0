//! Whole exchanges, honest and not, on a chain and an engine made for them.

mod clients;
mod crashes;
mod fake;
pub(crate) mod fixtures;
mod nodes;
mod stories;
mod walks;
mod workers;
