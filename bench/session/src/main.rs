//! `make bench-session`: what a session adds to the engine's own time, and how fast data by digest is, on loopback.
//!
//! Worker, clients and a plain HTTP server are in this process, and the engine in one of its own, as with `serve`. The
//! three ways to it are taken in turn within one run, so that their ratios do not depend on the machine's hour. The
//! chain is a ledger in memory: sessions touch it when they open and close, and not for a request.

mod cost;
mod data;
mod engine;
mod growth;
mod http;
mod ledger;
mod place;
mod plain;
mod text;

use anyhow::Result;
use assay_bench_chain::report::Report;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Measures sessions on loopback against the engine alone and a plain HTTP server.
#[derive(Parser)]
struct Options {
    /// File to which the report is written.
    #[arg(long, default_value = "target/bench/session.json")]
    output: PathBuf,
    /// Folder of the models.
    #[arg(long, default_value = "models")]
    models: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Execute models for the program that starts this.
    #[command(hide = true)]
    Engine,
}

fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(Command::Engine) = options.command {
        return Ok(assay_daemon::engine::run()?);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut report = Report::default();
    runtime.block_on(async {
        plain::measure(&mut report, &options.models).await?;
        cost::measure(&mut report, &options.models).await?;
        growth::measure(&mut report, &options.models).await?;
        text::measure(&mut report, &options.models).await?;
        data::measure(&mut report).await
    })?;
    report.write(&options.output)
}
