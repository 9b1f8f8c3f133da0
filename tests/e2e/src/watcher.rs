//! Watchers: `assay-worker watch`, to be killed and started again; and challengers without a case.

use crate::{
    Network,
    binaries::binary,
    command::without_environment,
    jobs,
    process::{Killing, Process},
};
use anyhow::{Context, ensure};
use assay_client::chain::BlockNumber;
use assay_types::JobId;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Blocks in which a watcher must have started.
const START_BLOCKS: BlockNumber = 120;
/// Line of a watcher that watches.
const WATCHING: &str = "watching";

/// A watcher. It is killed when this is dropped.
#[derive(Debug)]
pub struct Watcher {
    name: &'static str,
    models_dir: PathBuf,
    /// Whether it joins the workers' network.
    joins: bool,
    process: Option<Process>,
}

impl Watcher {
    /// Starts a watcher of the digits with the key of this development account, and waits until it watches.
    pub async fn start(network: &Network, name: &'static str) -> anyhow::Result<Self> {
        Self::start_in(network, name, &jobs::models_dir()).await
    }

    /// The same for the models whose packages are in this folder.
    pub async fn start_in(network: &Network, name: &'static str, models_dir: &Path) -> anyhow::Result<Self> {
        Self::start_as(network, name, models_dir, false).await
    }

    /// The same for a watcher of the digits that joins the workers' network, by the workers that are announced.
    pub async fn start_joined(network: &Network, name: &'static str) -> anyhow::Result<Self> {
        Self::start_as(network, name, &jobs::models_dir(), true).await
    }

    async fn start_as(network: &Network, name: &'static str, models_dir: &Path, joins: bool) -> anyhow::Result<Self> {
        let mut watcher = Self {
            name,
            models_dir: models_dir.to_owned(),
            joins,
            process: None,
        };
        watcher.restart(network).await?;
        Ok(watcher)
    }

    /// Starts it again after it was killed, with the same data.
    pub async fn restart(&mut self, network: &Network) -> anyhow::Result<()> {
        ensure!(self.process.is_none(), "{} is running", self.name);
        let folder = network.folder().join(self.name);
        let mut command = without_environment(Command::new(binary("assay-worker")?));
        command
            .args([
                "watch",
                "--exit-with-parent",
                "--model",
                jobs::PACKAGE,
                "--threads",
                "1",
            ])
            .args(["--node", &network.url()])
            .args(["--key", &format!("//{}", self.name)])
            .arg("--models-dir")
            .arg(&self.models_dir)
            .arg("--inputs-dir")
            .arg(folder.join("inputs"))
            .arg("--data-dir")
            .arg(folder.join("data"));
        if self.joins {
            command.arg("--network");
        }
        command.env("ASSAY_LOG", "info,assay_daemon=debug");
        let mut process = Process::start(self.name, command, network.folder(), Killing::Directly)?;
        // What one that was killed has left in the log.
        let before = process.said()?.matches(WATCHING).count();
        network
            .until("the watcher watches", START_BLOCKS, async |_| {
                process.ensure_running()?;
                Ok((process.said()?.matches(WATCHING).count() > before).then_some(()))
            })
            .await?;
        self.process = Some(process);
        Ok(())
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().context("the watcher is running")?.kill()
    }

    /// Waits until it has said this this many times. It may hear of a block after whoever waits for the block does.
    pub async fn until_said(
        &self,
        network: &Network,
        what: &'static str,
        times: usize,
        blocks: BlockNumber,
    ) -> anyhow::Result<()> {
        let process = self.process.as_ref().context("the watcher is running")?;
        network
            .until(what, blocks, async |_| {
                Ok((process.said()?.matches(what).count() >= times).then_some(()))
            })
            .await
    }

    /// Lets it shut down in order, and gives everything that it has said.
    pub async fn stop(mut self, network: &Network, blocks: BlockNumber) -> anyhow::Result<String> {
        let mut process = self.process.take().context("the watcher is running")?;
        process.close_input();
        let status = network
            .until("the watcher ends", blocks, async |_| process.ended())
            .await?;
        ensure!(status.success(), "the watcher ends with {status}");
        process.said()
    }
}

/// A challenger without a case: `assay-adversary challenge`. It is killed when this is dropped.
#[derive(Debug)]
pub struct BadChallenger {
    process: Process,
}

impl BadChallenger {
    /// Lets this development account challenge the claim on a job of the digits and play it badly.
    pub fn start(network: &Network, name: &str, kind: &str, job: JobId) -> anyhow::Result<Self> {
        let mut command = without_environment(Command::new(binary("assay-adversary")?));
        command
            .args(["challenge", "--kind", kind, "--job", &job.to_string()])
            .args(["--node", &network.url()])
            .args(["--key", &format!("//{name}")])
            .arg("--package")
            .arg(jobs::models_dir().join(jobs::PACKAGE));
        let process = Process::start(&format!("{name}-{kind}"), command, network.folder(), Killing::Directly)?;
        Ok(Self { process })
    }

    /// Waits until its game is over, and gives everything that it has said.
    pub async fn finished(mut self, network: &Network, blocks: BlockNumber) -> anyhow::Result<String> {
        let status = network
            .until("the challenger ends", blocks, async |_| self.process.ended())
            .await?;
        let said = self.process.said()?;
        ensure!(status.success(), "the challenger ends with {status}:\n{said}");
        Ok(said)
    }
}
