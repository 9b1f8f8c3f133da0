//! `assay-worker serve`

use crate::{cli::ServeCommand, config};
use assay_daemon::{
    serve::{packages, serve},
    shutdown::Shutdown,
};
use assay_telemetry::metrics::worker;
use std::process::ExitCode;

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
    serve(config, shutdown).await?;
    Ok(ExitCode::SUCCESS)
}
