//! The `assay-chat` program.

use assay_daemon::shutdown::Shutdown;
use assay_demo::chat::{ChatArgs, run};
use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<std::process::ExitCode> {
    let args = ChatArgs::parse();
    assay_telemetry::log_to_stderr(args.log.as_deref(), "warn");
    run(args, Shutdown::on_signal(false)).await
}
