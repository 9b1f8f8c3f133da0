//! The program `assay-worker`: the command line, the configuration, and what is printed.
//!
//! Nothing else of the worker's crates reads a command line or writes to standard output.

#[macro_use]
mod output;

pub mod cli;
pub mod commands;
pub mod config;

pub use output::report;
