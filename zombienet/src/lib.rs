//! Assay on a real relay chain, on one machine: two validators, two collators and a full node, as `network.toml` says.
//!
//! The relay chain's programs are in the crate `assay-relay`, which is GPL; this one starts them and links to none of
//! it. `make zombienet` is its program, `make test-zombienet` its tests.
#![cfg(feature = "zombienet")]

pub mod definition;
mod guard;
pub mod map;
pub mod network;
pub mod rpc;

pub use definition::Definition;
pub use network::Network;
