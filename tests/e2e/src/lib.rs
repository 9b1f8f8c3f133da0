//! A network of real processes for end-to-end tests: one `assay-node`, any number of `assay-worker`s, and what a test
//! needs to tell stories with them.
//!
//! A test starts a [`Network`], and tells each of its stories through [`Network::story`], after which the state of the
//! whole chain is downloaded and the runtime's invariants are checked over it. Everything is waited for on chain, with
//! patience counted in blocks; nothing here sleeps to let something happen. Whatever was started ends with the test,
//! and a test that fails leaves the logs and says where they are.

mod binaries;
pub mod books;
mod command;
pub mod disputes;
pub mod flood;
mod invariants;
pub mod jobs;
pub mod language;
mod network;
mod parameters;
mod process;
mod rpc;
pub mod sessions;
pub mod watcher;
pub mod worker;

pub use command::{Ran, Running};
pub use invariants::State;
pub use network::Network;
