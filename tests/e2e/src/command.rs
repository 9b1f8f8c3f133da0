//! The worker's other commands, run to their end.

use crate::{Network, binaries::binary};
use anyhow::{Context, ensure};
use std::{ffi::OsStr, process::Stdio, time::Duration};
use tokio::process::Command;

/// Longest time that a command may take. All of them end sooner, or wait for blocks with a patience of their own.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    /// Whether it said that all went well.
    pub succeeded: bool,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

/// A command of this program without anything from the test's environment in its configuration.
pub(crate) fn without_environment(mut command: std::process::Command) -> std::process::Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ASSAY_")) {
        command.env_remove(name);
    }
    command
}

impl Network {
    /// Runs `assay-worker` with these arguments, on this network and with the key of this account.
    pub async fn assay_worker(&self, name: &str, arguments: &[impl AsRef<OsStr>]) -> anyhow::Result<Ran> {
        let command = without_environment(std::process::Command::new(binary("assay-worker")?));
        let running = Command::from(command)
            .args(arguments)
            .env("ASSAY_NODE", self.url())
            .env("ASSAY_KEY", format!("//{name}"))
            .env("ASSAY_DATA_DIR", self.folder().join("commands"))
            .env("ASSAY_MODELS_DIR", crate::jobs::models_dir())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let ended = tokio::time::timeout(PATIENCE, running)
            .await
            .context("assay-worker does not end")??;
        Ok(Ran {
            succeeded: ended.status.success(),
            output: String::from_utf8_lossy(&ended.stdout).into_owned(),
            errors: String::from_utf8_lossy(&ended.stderr).into_owned(),
        })
    }

    /// Runs `assay-worker` and expects it to refuse: to fail with all of these words on standard error, before it has
    /// sent a transaction.
    pub async fn refuses(&self, name: &str, arguments: &[impl AsRef<OsStr>], words: &[&str]) -> anyhow::Result<()> {
        let account = self.id(name)?;
        let before = self.rpc().transactions_of(&account).await?;
        let ran = self.assay_worker(name, arguments).await?;
        let shown: Vec<_> = arguments
            .iter()
            .map(|argument| argument.as_ref().to_string_lossy())
            .collect();
        let shown = shown.join(" ");
        ensure!(!ran.succeeded, "`{shown}` succeeded, with:\n{}", ran.output);
        ensure!(!ran.errors.contains("panicked"), "`{shown}` panicked:\n{}", ran.errors);
        for word in words {
            ensure!(
                ran.errors.contains(word),
                "`{shown}` does not say `{word}`, but:\n{}",
                ran.errors
            );
        }
        let after = self.rpc().transactions_of(&account).await?;
        ensure!(
            before == after,
            "`{shown}` knew better and sent a transaction all the same"
        );
        Ok(())
    }
}
