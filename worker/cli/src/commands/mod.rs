//! Actions of the subcommands: wiring between the command line and the library.

mod calibrate;
pub mod chat;
mod checks;
pub mod demand;
pub mod dispute;
pub mod doctor;
pub mod earnings;
pub mod gateway;
pub mod generate;
pub mod guard;
pub mod import;
pub mod journal;
pub mod manual;
pub mod models;
pub mod network;
pub mod outcomes;
mod pricing;
mod printer;
mod provide;
pub mod request;
pub mod results;
pub mod serve;
mod session;
pub mod stake;
pub mod status;
pub mod verify;
mod visitor;
pub mod watch;
pub mod workers;

use crate::{
    cli::{Cli, Command, KeyArgs, NodeArgs},
    config,
};
use anyhow::Context;
use assay_client::chain::{Client, Key};
use assay_telemetry::metrics::server;
use gateway::GatewayCommand;
use std::{net::SocketAddr, process::ExitCode};

/// Starts logging as the command line says.
pub fn log(cli: &Cli) {
    let default = match cli.command {
        Command::Serve(_)
        | Command::Watch(_)
        | Command::Dispute(_)
        | Command::Engine
        | Command::Gateway(GatewayCommand::Run(_)) => "info",
        _ => "warn",
    };
    assay_telemetry::log(cli.log.as_deref(), default, cli.log_format.into());
}

/// Runs a subcommand.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(args).await,
        Command::Watch(args) => watch::run(args).await,
        Command::Request(args) => request::run(args).await,
        Command::Results(args) => results::run(args).await,
        Command::Models(command) => models::run(command).await,
        Command::Gateway(command) => gateway::run(command).await,
        Command::Chat(args) => chat::run(args).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Dispute(args) => dispute::run(args).await,
        Command::Generate(args) => generate::run(&args),
        Command::Why(args) => status::why(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Earnings(args) => earnings::run(args).await,
        Command::Status(args) => status::status(args).await,
        Command::Workers(args) => workers::run(args).await,
        Command::Stake(command) => stake::run(command).await,
        Command::Network(command) => network::run(command).await,
        Command::Completions(args) => Ok(manual::completions(&args)),
        Command::Man(args) => manual::man(&args),
        Command::Engine => Ok(assay_daemon::engine::run().map(|()| ExitCode::SUCCESS)?),
        Command::Guard(args) => guard::run(args).await,
    }
}

/// Serves metrics at this address, if there is one, for as long as the program runs.
async fn serve_metrics(address: Option<SocketAddr>, metrics: fn() -> String) -> anyhow::Result<()> {
    match address {
        Some(address) => server::listen(address, metrics)
            .await
            .with_context(|| format!("--metrics {address}: choose a port that is free")),
        None => Ok(()),
    }
}

/// Connects to one of the nodes.
async fn connect(args: &NodeArgs) -> anyhow::Result<Client> {
    for node in &args.node {
        config::check_node(node)?;
    }
    Ok(Client::connect(&args.node).await?)
}

/// Loads the key.
fn load_key(args: &KeyArgs) -> anyhow::Result<Key> {
    Key::load(&args.key).context("--key")
}
