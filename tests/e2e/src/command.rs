//! The worker's other commands, run to their end.

use crate::{Network, binaries::binary};
use anyhow::{Context, ensure};
use std::{ffi::OsStr, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// Longest time that a command may take. All of them end sooner, or wait for blocks with a patience of their own.
const PATIENCE: Duration = Duration::from_secs(120);

/// Outcome of a command.
#[derive(Debug)]
pub struct Ran {
    /// Whether it said that all went well.
    pub succeeded: bool,
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

/// A command that runs, and is read as it prints.
#[derive(Debug)]
pub struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    output: String,
}

impl Running {
    /// Waits until as many lines of standard output have these words.
    pub async fn until_printed(&mut self, words: &str, times: usize) -> anyhow::Result<()> {
        let printing = async {
            while self.printed(words) < times {
                let line = self.lines.next_line().await?;
                self.take(&line.context("it ended before it printed that")?);
            }
            anyhow::Ok(())
        };
        let printed = tokio::time::timeout(PATIENCE, printing).await;
        printed.context("it prints nothing")?
    }

    /// Number of lines of standard output so far with these words.
    pub fn printed(&self, words: &str) -> usize {
        self.output.lines().filter(|line| line.contains(words)).count()
    }

    /// Standard output so far.
    pub fn output(&self) -> &str {
        &self.output
    }

    /// Kills it with SIGKILL.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Waits until it ends by itself; what it has printed, and whether it said that all went well.
    pub async fn end(mut self) -> anyhow::Result<(Self, bool)> {
        let ending = async {
            while let Some(line) = self.lines.next_line().await? {
                self.take(&line);
            }
            anyhow::Ok(self.child.wait().await?)
        };
        let status = tokio::time::timeout(PATIENCE, ending).await;
        let status = status.context("assay-worker does not end")??;
        Ok((self, status.success()))
    }

    fn take(&mut self, line: &str) {
        self.output += line;
        self.output.push('\n');
    }
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
        self.assay_worker_within(PATIENCE, name, arguments).await
    }

    /// The same for a command that waits for blocks longer than commands do on a chain whose blocks are final at once.
    pub async fn assay_worker_within(
        &self,
        patience: Duration,
        name: &str,
        arguments: &[impl AsRef<OsStr>],
    ) -> anyhow::Result<Ran> {
        let running = self.command(name, arguments)?.output();
        let ended = tokio::time::timeout(patience, running)
            .await
            .context("assay-worker does not end")??;
        Ok(Ran {
            succeeded: ended.status.success(),
            code: ended.status.code(),
            output: String::from_utf8_lossy(&ended.stdout).into_owned(),
            errors: String::from_utf8_lossy(&ended.stderr).into_owned(),
        })
    }

    fn command(&self, name: &str, arguments: &[impl AsRef<OsStr>]) -> anyhow::Result<Command> {
        let command = without_environment(std::process::Command::new(binary("assay-worker")?));
        let mut command = Command::from(command);
        command
            .args(arguments)
            .env("ASSAY_NODE", self.url())
            .env("ASSAY_KEY", format!("//{name}"))
            .env("ASSAY_DATA_DIR", self.folder().join("commands"))
            .env("ASSAY_JOURNAL", self.folder().join("requests"))
            .env("ASSAY_MODELS_DIR", crate::jobs::models_dir())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    /// Starts `assay-worker` with these arguments. What it says on standard error is appended to `<name>-asks.log`.
    pub fn running(&self, name: &str, arguments: &[impl AsRef<OsStr>]) -> anyhow::Result<Running> {
        let log = self.folder().join(format!("{name}-asks.log"));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let mut command = self.command(name, arguments)?;
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn()?;
        let stdout = child.stdout.take().context("it is piped")?;
        Ok(Running {
            child,
            lines: BufReader::new(stdout).lines(),
            output: String::new(),
        })
    }

    /// Runs `assay-worker` until standard error has these words, and sends it this signal then (`INT`, `KILL`).
    /// Gives what came of it.
    pub async fn signalled(
        &self,
        name: &str,
        arguments: &[impl AsRef<OsStr>],
        words: &str,
        signal: &str,
    ) -> anyhow::Result<Ran> {
        let mut command = self.command(name, arguments)?;
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("it is piped")?).lines();
        let mut errors = String::new();
        let told = async {
            while let Some(line) = lines.next_line().await? {
                errors += &line;
                errors.push('\n');
                if line.contains(words) {
                    return anyhow::Ok(());
                }
            }
            anyhow::bail!("it ended before it said `{words}`")
        };
        let told = tokio::time::timeout(PATIENCE, told).await.context("it says nothing");
        told.and_then(|told| told).with_context(|| errors.clone())?;
        let pid = child.id().context("it runs")?.to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().await?;
        ensure!(sent.success(), "it ended by itself:\n{errors}");
        let mut output = String::new();
        let mut stdout = child.stdout.take().context("it is piped")?;
        let ending = async {
            while let Some(line) = lines.next_line().await? {
                errors += &line;
                errors.push('\n');
            }
            stdout.read_to_string(&mut output).await?;
            anyhow::Ok(child.wait().await?)
        };
        let status = tokio::time::timeout(PATIENCE, ending)
            .await
            .context("assay-worker does not end")??;
        Ok(Ran {
            succeeded: status.success(),
            code: status.code(),
            output,
            errors,
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
