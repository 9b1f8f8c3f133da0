//! The `assay-demo` program.

use assay_daemon::shutdown::Shutdown;
use assay_demo::{DemoArgs, run};
use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<std::process::ExitCode> {
    let args = DemoArgs::parse();
    assay_telemetry::log_to_stderr(args.log.as_deref(), "warn");
    run(args, Shutdown::on_signal(false)).await
}
