//! What the subcommands do: wiring between the command line and the library.

pub mod demo;
pub mod guard;
pub mod models;
pub mod request;
pub mod serve;
pub mod stake;
pub mod status;
pub mod watch;

use crate::{
    chain::{Client, Key},
    cli::{Cli, Command, KeyArgs, NodeArgs},
    config,
    serve::Shutdown,
};
use anyhow::Context;
use std::{io::IsTerminal, process::ExitCode};
use tracing_subscriber::EnvFilter;

/// Sends the log to standard error, where results do not go.
pub fn log_to_stderr(cli: &Cli) {
    let default = match cli.command {
        Command::Serve(_) | Command::Watch(_) => "info",
        _ => "warn",
    };
    let filter = cli.log.clone().unwrap_or_else(|| default.into());
    let filter = EnvFilter::try_new(&filter).unwrap_or_else(|error| {
        eprintln!("warning: --log {filter}: {error}; logging {default} instead");
        EnvFilter::new(default)
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // Without a reader, there is nobody to tell it to.
        .log_internal_errors(false)
        .init();
}

/// Runs a subcommand.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(args).await,
        Command::Watch(args) => watch::run(args).await,
        Command::Request(args) => request::run(args).await,
        Command::Models(command) => models::run(command).await,
        Command::Why(args) => status::why(args).await,
        Command::Status(args) => status::status(args).await,
        Command::Stake(command) => stake::run(command).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Guard(args) => guard::run(args).await,
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

/// Requests a shutdown at the first signal or, if asked, when standard input is closed; ends the program at the second
/// signal.
fn shutdown_on_signal(with_stdin: bool) -> Shutdown {
    let (sender, shutdown) = Shutdown::channel();
    tokio::spawn(async move {
        let mut terminated = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(terminated) => terminated,
            Err(error) => {
                tracing::error!(%error, "signals cannot be watched");
                return std::future::pending().await;
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
            () = stdin_closed(), if with_stdin => {}
        }
        // The receiver lives as long as anything is to be shut down.
        let _ = sender.send(true);
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
        tracing::warn!("stopped at once by a second signal");
        std::process::exit(130);
    });
    shutdown
}

/// Waits until standard input is closed, as it is when the program at its other end has ended.
async fn stdin_closed() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Whatever comes is dropped; an error means that there is nothing to wait for.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = sender.send(());
    });
    let _ = receiver.await;
}
