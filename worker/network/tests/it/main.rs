//! Tests of the network with real swarms on loopback.

mod adversaries;
mod common;
mod discovery;
mod fetching;
mod nat;
mod sessions;
