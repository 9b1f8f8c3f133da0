//! `assay-worker serve`

use crate::{
    cli::ServeCommand,
    config::{self, ServeArgs},
};
use assay_daemon::{
    serve::{Reloads, packages, serve},
    shutdown::Shutdown,
};
use assay_telemetry::metrics::worker;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

pub(super) async fn run(args: ServeCommand) -> anyhow::Result<ExitCode> {
    let config = config::serve(&args.options)?;
    if args.check {
        packages(&config)?;
        println!(
            "the configuration is fine: {} serves {} models",
            config.common.key.account(),
            config.models.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    super::serve_metrics(args.metrics, || worker().text()).await?;
    let shutdown = Shutdown::on_signal(args.exit_with_parent);
    serve(config, shutdown, reloads(args.options)?).await?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the configuration again at each SIGHUP. One that is not valid changes nothing.
fn reloads(options: ServeArgs) -> anyhow::Result<Reloads> {
    let mut hangups = signal(SignalKind::hangup())?;
    let (sender, reloads) = Reloads::channel();
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            match config::serve(&options) {
                Ok(config) => {
                    if sender.send(config.models).await.is_err() {
                        return;
                    }
                }
                Err(error) => tracing::error!(%error, "the configuration is not taken: the terms stay as they are"),
            }
        }
    });
    Ok(reloads)
}
