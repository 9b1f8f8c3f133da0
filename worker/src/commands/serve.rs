//! `assay-worker serve`

use crate::{
    cli::ServeCommand,
    config::Config,
    serve::{packages, serve},
};
use std::process::ExitCode;

pub(super) async fn run(args: ServeCommand) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.options)?;
    if args.check {
        packages(&config)?;
        println!(
            "the configuration is fine: {} serves {} models",
            config.common.key.account(),
            config.models.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let shutdown = super::shutdown_on_signal(args.exit_with_parent);
    serve(config, shutdown).await?;
    Ok(ExitCode::SUCCESS)
}
