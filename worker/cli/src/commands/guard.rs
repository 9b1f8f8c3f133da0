//! `assay-worker guard`: runs a program that knows nothing of its parent, and ends it when standard input is closed.
//!
//! The pipe is closed by the kernel when the parent ends, however that happens, so nothing is left behind.

use assay_daemon::shutdown::stdin_closed;
use clap::Args;
use std::process::{ExitCode, Stdio};
use tokio::process::Command;

/// Options of `guard`.
#[derive(Debug, Args)]
pub struct GuardArgs {
    /// The program and its arguments
    #[arg(trailing_var_arg = true, required = true, allow_hyphen_values = true)]
    command: Vec<std::ffi::OsString>,
}

pub(super) async fn run(args: GuardArgs) -> anyhow::Result<ExitCode> {
    let mut child = Command::new(&args.command[0])
        .args(&args.command[1..])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| anyhow::anyhow!("{}: {error}", args.command[0].display()))?;
    tokio::select! {
        status = child.wait() => Ok(status?.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1).into()),
        () = stdin_closed() => {
            child.kill().await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
