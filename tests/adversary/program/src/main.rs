//! `assay-adversary`: a worker that lies, and a challenger that has no case. It is what tests and demonstrations on a
//! real node are made with, and no part of what an operator installs.

mod answers;
mod challenge;
mod conduct;
mod receipt;
mod sequence;
mod story;

use assay_daemon::{serve::serve_with, shutdown::Shutdown};
use assay_worker::config::{self, ServeArgs};
use clap::{Args, Parser, Subcommand};
use conduct::{Auditing, Crooked};
use std::{process::ExitCode, sync::Arc, time::Duration};
use story::Kind;

/// Lies to an Assay chain, to show that lying does not pay
#[derive(Debug, Parser)]
#[command(name = "assay-adversary", version, max_term_width = 110)]
struct Cli {
    /// Events that are logged, as for assay-worker
    #[arg(
        long,
        env = "ASSAY_LOG",
        global = true,
        value_name = "FILTER",
        default_value = "info"
    )]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve as `assay-worker serve` does, and lie
    Serve(Box<ServeCommand>),
    /// Execute models for the program that starts this
    #[command(hide = true)]
    Engine,
    /// Challenge a claim that may be correct
    Challenge(challenge::ChallengeArgs),
    /// Sign a receipt of a session by hand
    Receipt(receipt::ReceiptArgs),
}

#[derive(Debug, Args)]
struct ServeCommand {
    /// Subject of the lie
    #[arg(long)]
    lie: Kind,
    /// Lie about every job whose number is a multiple of JOBS, and about every so many-th request of sessions
    #[arg(long, default_value_t = 1, value_name = "JOBS", value_parser = clap::value_parser!(u64).range(1..))]
    lie_every: u64,
    /// Way of auditing the claims of others
    #[arg(long, value_enum, default_value_t = Auditing::Honest)]
    audit: Auditing,
    /// With `--lie late`: delay of every answer, in seconds
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    late_seconds: u64,
    /// Shut down when standard input is closed
    #[arg(long)]
    exit_with_parent: bool,
    #[command(flatten)]
    options: ServeArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    assay_telemetry::log_to_stderr(Some(&cli.log), "info");
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no asynchronous runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(cli.command));
    // A blocked read of standard input must not keep the program.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => {
            let config = config::serve(&args.options)?;
            tracing::warn!(
                lie = ?args.lie,
                every = args.lie_every,
                audits = ?args.audit,
                "THIS WORKER LIES, to test a chain: whoever challenges it takes its stake"
            );
            let late = Duration::from_secs(args.late_seconds);
            let conduct = Crooked::new((args.lie, args.lie_every), args.audit, late);
            serve_with(config, Shutdown::on_signal(args.exit_with_parent), Arc::new(conduct)).await?;
        }
        Command::Engine => assay_daemon::engine::run()?,
        Command::Challenge(args) => {
            tracing::warn!(kind = ?args.kind, "THIS CHALLENGER HAS NO CASE, to test a chain: it is to lose its bond");
            challenge::run(args).await?;
        }
        Command::Receipt(args) => receipt::run(args).await?,
    }
    Ok(())
}
