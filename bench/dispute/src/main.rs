//! `make bench-dispute`: what a dispute costs, in transactions, bytes, fees and time, on the runtime's own Wasm.
//!
//! Every transaction is signed, encoded, and applied by the Wasm that nodes run and validators check, in a chain in
//! memory. Nothing is sent over a network, so blocks are counted as one for each transaction.

mod dispute;
mod models;
mod report;
mod slices;

use anyhow::Result;
use assay_bench_chain::report::Report;
use clap::Parser;
use std::path::PathBuf;

/// Plays disputes on the runtime's Wasm and says what they cost.
#[derive(Parser)]
struct Options {
    /// File to which the report is written.
    #[arg(long, default_value = "target/bench/dispute.json")]
    output: PathBuf,
    /// Folder of the models.
    #[arg(long, default_value = "models")]
    models: PathBuf,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut report = Report::default();
    models::undisputed(&mut report)?;
    models::digits(&mut report, &options.models)?;
    models::minilm(&mut report, &options.models)?;
    models::synthetic(&mut report)?;
    slices::all(&mut report)?;
    report.write(&options.output)
}
