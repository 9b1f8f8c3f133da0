//! `make bench-chain`: how many jobs a core settles, on the runtime's own Wasm; and the program by which `make weights`
//! measures the benchmarks of the pallets.

mod growth;
mod scene;
mod throughput;

use anyhow::{Result, anyhow};
use assay_bench_chain::report::Report;
use clap::{Parser, Subcommand};
use cumulus_primitives_proof_size_hostfunction::storage_proof_size;
use frame_benchmarking_cli::PalletCmd;
use polkadot_sdk::sp_runtime::traits::BlakeTwo256;
use std::path::PathBuf;

/// Fills blocks of the runtime's Wasm with jobs, and says what they cost.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// Prints what calls cost in chains of three sizes instead.
    #[arg(long)]
    growth: bool,
    /// File to which the report is written.
    #[arg(long, default_value = "target/bench/chain.json")]
    output: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Measures the benchmarks of a pallet in a runtime that was built with them; the SDK's own command.
    Pallet(Box<PalletCmd>),
}

fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(Command::Pallet(command)) = options.command {
        let measured = command.run_with_spec::<BlakeTwo256, storage_proof_size::HostFunctions>(None);
        return measured.map_err(|error| anyhow!("{error}"));
    }
    if options.growth {
        return growth::table();
    }
    let mut report = Report::default();
    throughput::all(&mut report)?;
    report.write(&options.output)
}
