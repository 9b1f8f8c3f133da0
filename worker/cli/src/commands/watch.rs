//! `assay-worker watch`

use crate::{cli::WatchCommand, config};
use assay_daemon::{
    shutdown::Shutdown,
    watch::{packages, watch},
};
use assay_telemetry::metrics::watcher;
use std::process::ExitCode;

pub(super) async fn run(args: WatchCommand) -> anyhow::Result<ExitCode> {
    let config = config::watch(&args.options)?;
    if args.check {
        let (_, damaged) = packages(&config)?;
        if !damaged.is_empty() {
            damaged.iter().for_each(|error| eprintln!("error: {error}"));
            return Ok(ExitCode::FAILURE);
        }
        let models = config
            .models
            .as_ref()
            .map_or_else(|| "all models".into(), |models| models.join(", "));
        println!(
            "the configuration is fine: {} watches {models}",
            config.common.key.account()
        );
        return Ok(ExitCode::SUCCESS);
    }
    super::serve_metrics(args.metrics, || watcher().text()).await?;
    let shutdown = Shutdown::on_signal(args.exit_with_parent);
    println!("{}", watch(config, shutdown).await?);
    Ok(ExitCode::SUCCESS)
}
