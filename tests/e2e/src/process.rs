//! Child processes with a log, which end with their handle.

use anyhow::Context;
use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// Longest time that a guard has to end its program.
const GRACE: Duration = Duration::from_secs(10);
/// Pause between two looks at a process that is to end.
const LOOK: Duration = Duration::from_millis(10);

/// Way to kill a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Killing {
    /// By SIGKILL.
    Directly,
    /// By closing the standard input of its guard, `assay-worker guard`, which then sends SIGKILL to the program. So
    /// the program ends even if the test is killed itself.
    ThroughGuard,
}

/// A running process.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    killing: Killing,
}

impl Process {
    /// Starts a command that appends what it says to `<folder>/<name>.log`.
    pub(crate) fn start(name: &str, mut command: Command, folder: &Path, killing: Killing) -> anyhow::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| log.display().to_string())?;
        let child = command
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
            killing,
        })
    }

    /// Everything that it has said.
    pub(crate) fn said(&self) -> anyhow::Result<String> {
        fs::read_to_string(&self.log).with_context(|| self.log.display().to_string())
    }

    /// Fails if it has ended.
    pub(crate) fn ensure_running(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => anyhow::bail!("{} has ended ({status})", self.name),
        }
    }

    /// Closes its standard input. A worker that was told to exit with its parent then shuts down in order.
    pub(crate) fn close_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Status with which it has ended, if it has.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Kills it, and returns once it is gone. No code of the program runs any more.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        if self.killing == Killing::ThroughGuard {
            drop(self.child.stdin.take());
            let until = Instant::now() + GRACE;
            while Instant::now() < until {
                if self.child.try_wait()?.is_some() {
                    return Ok(());
                }
                std::thread::sleep(LOOK);
            }
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("{} could not be killed: {error}", self.name);
        }
    }
}

/// The last lines of every log in a folder.
pub(crate) fn last_lines(folder: &Path, lines: usize) -> String {
    let mut logs: Vec<PathBuf> = fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.sort();
    let mut text = String::new();
    for log in logs {
        let content = fs::read_to_string(&log).unwrap_or_default();
        // The node's four lines for every block say nothing.
        let told: Vec<&str> = content.lines().filter(|line| !is_routine(line)).collect();
        text += &format!("--- the end of {}\n", log.display());
        for line in &told[told.len().saturating_sub(lines)..] {
            text += line;
            text += "\n";
        }
    }
    text
}

fn is_routine(line: &str) -> bool {
    [
        "Starting consensus",
        "Prepared block",
        "Consensus with no RPC",
        "Current block number",
        "Imported #",
        "Idle (",
    ]
    .iter()
    .any(|routine| line.contains(routine))
}
