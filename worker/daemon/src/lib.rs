//! Daemons: what serves jobs, watches claims and plays disputes, on one skeleton.
//!
//! Nothing here reads a command line or prints: the configuration comes checked, and what happens is logged.

mod audits;
pub mod config;
pub mod dispute;
pub mod doctor;
pub mod engine;
pub mod games;
pub mod inspector;
pub mod job_input;
pub mod models;
pub mod network;
mod random;
pub mod serve;
pub mod shutdown;
mod skeleton;
pub mod watch;
