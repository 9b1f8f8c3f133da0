//! Runs models for pay, requests results, challenges wrong ones.
//!
//! Only `engine::torch` names `tch`; only `chain` names `subxt`; packages, tensors and inputs know nothing of the chain.

#[macro_use]
mod output;

pub mod chain;
pub mod cli;
pub mod commands;
pub mod config;
mod connection;
pub mod demo;
pub mod dispute;
pub mod engine;
mod follow;
pub mod games;
pub mod inputs;
pub mod job_input;
pub mod models;
pub mod package;
pub mod request;
pub mod schema;
pub mod serve;
pub mod tensor;
pub mod units;
pub mod watch;

pub use output::report;
