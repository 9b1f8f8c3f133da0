//! `assay-zombienet`: Assay on a relay chain of its own, on this machine, until Ctrl-C.

use anyhow::Context;
use assay_zombienet::{Definition, Network, map::map};
use clap::Parser;
use std::{path::PathBuf, time::Instant};
use tokio::signal::unix::{SignalKind, signal};

/// Parachain blocks after which the network is said to run: one of each collator.
const FINAL_BLOCKS: u32 = 4;

/// Starts a relay chain of two validators and Assay with two collators and a full node, on this machine, says where
/// they listen once parachain blocks are final, and ends them all on Ctrl-C.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Network definition for zombienet-sdk [default: the built-in zombienet/network.toml]
    #[arg(long, value_name = "FILE")]
    network: Option<PathBuf>,
    /// New folder for databases and logs, which is kept [default: a temporary folder, which is removed]
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Folder of assay-node, assay-relay and its two workers [default: the folder of this program]
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
    /// Let the system choose all ports
    #[arg(long)]
    any_ports: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let asked_to_end = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    tokio::select! {
        ended = run(options) => ended,
        () = asked_to_end => {
            // What `run` holds is dropped on the way here, and the nodes with it.
            println!("\nThe network has ended.");
            Ok(())
        }
    }
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut definition = match &options.network {
        Some(path) => Definition::load(path)?,
        None => Definition::built_in()?,
    };
    if options.any_ports {
        definition = definition.without_ports();
    }
    let own = std::env::current_exe()?;
    let programs = match options.programs {
        Some(programs) => programs,
        None => own.parent().context("a program lies in a folder")?.to_owned(),
    };
    let began = Instant::now();
    let report = |what: &str| println!("{:4} s  {what}", began.elapsed().as_secs());
    println!("Starting the network. This takes one to three minutes.");
    let network = Network::start(&definition, &programs, options.folder.as_deref(), report).await?;
    network.until_final(FINAL_BLOCKS, report).await?;
    print!("\nThe network runs:\n\n{}", map(&network)?);
    std::future::pending().await
}
