//! Workers: `assay-worker serve` with a configuration file, to be killed and started again.

use crate::{
    Network,
    binaries::binary,
    command::without_environment,
    jobs,
    process::{Killing, Process},
};
use anyhow::{Context, ensure};
use assay_client::{
    chain::{AccountId, BlockNumber, WorkerInfo},
    request::Prepared,
};
use assay_types::{JobInput, WorkerStatus};
use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

/// Blocks in which a worker must have started: loaded libtorch, connected, and published its offer.
pub const START_BLOCKS: BlockNumber = 120;
/// `O_NONBLOCK` of Linux, with which a named pipe is opened for writing only if somebody reads it.
const O_NONBLOCK: i32 = 0o4000;

/// On what terms a worker serves the digits. Amounts are in ASY.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The development account whose key it has.
    pub name: &'static str,
    /// Price of its standing offer.
    pub price: &'static str,
    /// Unclaimed jobs at a time.
    pub capacity: u32,
    /// Price that it bids.
    pub bid: Option<&'static str>,
}

/// Package that a worker serves, and its source.
#[derive(Clone, Copy, Debug)]
struct Setting<'a> {
    models_dir: &'a Path,
    package: &'a str,
    /// Whether it joins the workers' network, and offers sessions there.
    joins: bool,
}

/// Price of a request in the sessions of a worker that joins the workers' network, in ASY.
pub const SESSION_PRICE: &str = "0.25";
/// Stake of every worker here, in ASY.
pub const STAKE: &str = "1000";

/// A worker. It is killed when this is dropped.
#[derive(Debug)]
pub struct Worker {
    terms: Terms,
    lie: Option<Vec<&'static str>>,
    account: AccountId,
    folder: PathBuf,
    config: PathBuf,
    process: Option<Process>,
}

impl Worker {
    /// Writes a configuration, starts the worker, and waits until its offer can be taken.
    pub async fn start(network: &Network, terms: Terms) -> anyhow::Result<Self> {
        Self::start_in(network, terms, &jobs::models_dir(), None).await
    }

    /// The same for a worker that joins the workers' network on this machine, and serves the model of this name from
    /// this folder, or from the network if it is not there.
    pub async fn start_joined(
        network: &Network,
        terms: Terms,
        models_dir: &Path,
        package: &str,
    ) -> anyhow::Result<Self> {
        let setting = Setting {
            models_dir,
            package,
            joins: true,
        };
        Self::start_as(network, terms, setting, None).await
    }

    /// The same for a worker that lies, to clients of sessions too: `assay-adversary serve` with these options.
    pub async fn start_joined_lying(
        network: &Network,
        terms: Terms,
        models_dir: &Path,
        lie: &[&'static str],
    ) -> anyhow::Result<Self> {
        let setting = Setting {
            models_dir,
            package: jobs::PACKAGE,
            joins: true,
        };
        Self::start_as(network, terms, setting, Some(lie.to_vec())).await
    }

    /// The same for a worker that lies: `assay-adversary serve` with these options.
    pub async fn start_lying(network: &Network, terms: Terms, lie: &[&'static str]) -> anyhow::Result<Self> {
        Self::start_in(network, terms, &jobs::models_dir(), Some(lie.to_vec())).await
    }

    /// The same for the model whose package is in this folder.
    pub async fn start_in(
        network: &Network,
        terms: Terms,
        models_dir: &Path,
        lie: Option<Vec<&'static str>>,
    ) -> anyhow::Result<Self> {
        let setting = Setting {
            models_dir,
            package: jobs::PACKAGE,
            joins: false,
        };
        Self::start_as(network, terms, setting, lie).await
    }

    async fn start_as(
        network: &Network,
        terms: Terms,
        setting: Setting<'_>,
        lie: Option<Vec<&'static str>>,
    ) -> anyhow::Result<Self> {
        let folder = network.folder().join(terms.name);
        fs::create_dir_all(folder.join("inputs"))?;
        let config = folder.join("worker.toml");
        fs::write(&config, configuration(&terms, &folder, setting, network.urls())?)?;
        let mut worker = Self {
            terms,
            lie,
            account: network.id(terms.name)?,
            folder,
            config,
            process: None,
        };
        worker.restart(network)?;
        worker.offering(network).await?;
        Ok(worker)
    }

    /// Its account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.terms.name
    }

    /// Everything that it has said.
    pub fn said(&self) -> anyhow::Result<String> {
        self.process.as_ref().context("the worker is running")?.said()
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().context("the worker is running")?.kill()
    }

    /// Starts it again after it was killed, with the same configuration and the same data.
    pub fn restart(&mut self, network: &Network) -> anyhow::Result<()> {
        ensure!(self.process.is_none(), "{} is running", self.terms.name);
        let program = match &self.lie {
            None => "assay-worker",
            Some(_) => "assay-adversary",
        };
        let mut command = without_environment(Command::new(binary(program)?));
        command
            .arg("serve")
            .args(self.lie.iter().flatten())
            .arg("--exit-with-parent")
            .arg("--config")
            .arg(&self.config);
        command.env("ASSAY_LOG", "info,assay_daemon=debug");
        self.process = Some(Process::start(
            self.terms.name,
            command,
            network.folder(),
            Killing::Directly,
        )?);
        Ok(())
    }

    /// Lets it shut down in order, and waits until it has, for this many blocks at most.
    pub async fn stop(mut self, network: &Network, blocks: BlockNumber) -> anyhow::Result<ExitStatus> {
        let mut process = self.process.take().context("the worker is running")?;
        process.close_input();
        network
            .until("the worker ends", blocks, async |_| process.ended())
            .await
    }

    /// The chain's record of it.
    pub async fn info(&self, network: &Network) -> anyhow::Result<WorkerInfo> {
        let info = network.client().finalized().await?.worker(&self.account).await?;
        info.with_context(|| format!("{} is a worker", self.terms.name))
    }

    /// Waits until its offer can be taken.
    async fn offering(&mut self, network: &Network) -> anyhow::Result<()> {
        let (what, account) = (format!("{} offers", self.terms.name), self.account.clone());
        let process = self.process.as_mut().context("the worker is running")?;
        network
            .until(&what, START_BLOCKS, async |snapshot| {
                process.ensure_running()?;
                let info = snapshot.worker(&account).await?;
                let takes = |info: &WorkerInfo| {
                    let in_effect = info.offers.iter().any(|offer| offer.from <= snapshot.now());
                    info.status == WorkerStatus::Active && in_effect
                };
                Ok(info.filter(takes))
            })
            .await?;
        Ok(())
    }

    /// Puts a job's input where the worker looks for it.
    pub fn give_input(&self, job: &Prepared) -> anyhow::Result<()> {
        let path = self.input_path(job)?;
        // In one step, so that the worker sees all of it or nothing, and in place of a pipe that held it back.
        let whole = path.with_extension("new");
        fs::write(&whole, &job.bytes)?;
        fs::rename(whole, path)?;
        Ok(())
    }

    /// Puts a pipe where the worker looks for a job's input: once it has the job, it waits there for the input, and can
    /// be met in the middle of the job.
    pub fn hold_input(&self, job: &Prepared) -> anyhow::Result<HeldInput> {
        let path = self.input_path(job)?;
        let made = Command::new("mkfifo")
            .arg(&path)
            .status()
            .context("mkfifo makes a named pipe")?;
        ensure!(made.success(), "mkfifo {}: {made}", path.display());
        Ok(HeldInput { path })
    }

    fn input_path(&self, job: &Prepared) -> anyhow::Result<PathBuf> {
        match &job.request.input {
            JobInput::Digest { digest, .. } => {
                Ok(self.folder.join("inputs").join(format!("{}.bin", hex::encode(digest))))
            }
            JobInput::Inline(_) => anyhow::bail!("{} travels with its job", job.name),
        }
    }
}

/// An input that a worker waits for, or will.
#[derive(Debug)]
pub struct HeldInput {
    path: PathBuf,
}

impl HeldInput {
    /// Waits until the worker has the job and reads the input; it then stays where it is until the pipe is dropped.
    pub async fn reached(self, network: &Network, blocks: BlockNumber) -> anyhow::Result<AwaitedInput> {
        let open = || match OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(&self.path) {
            Ok(pipe) => Ok(Some(pipe)),
            // ENXIO: nobody reads it.
            Err(error) if error.raw_os_error() == Some(6) => Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error.into()),
        };
        let pipe = network
            .until("the worker has begun the job", blocks, async |_| open())
            .await?;
        Ok(AwaitedInput { pipe })
    }
}

/// An input that a worker waits for.
#[derive(Debug)]
pub struct AwaitedInput {
    pipe: File,
}

impl AwaitedInput {
    /// Lets the worker have it.
    pub fn give(mut self, job: &Prepared) -> anyhow::Result<()> {
        Ok(self.pipe.write_all(&job.bytes)?)
    }
}

fn configuration(terms: &Terms, folder: &Path, setting: Setting<'_>, nodes: Vec<String>) -> anyhow::Result<String> {
    let key = folder.join("key");
    fs::write(&key, format!("//{}\n", terms.name))?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let mut model = toml::Table::new();
    model.insert("package".into(), setting.package.into());
    model.insert("price".into(), terms.price.into());
    model.insert("capacity".into(), i64::from(terms.capacity).into());
    // Whatever the chain takes: what a worker asks for by itself follows from the model.
    let bounds = jobs::bounds();
    for (name, blocks) in [
        ("min_deadline", bounds.deadline.0),
        ("min_window", bounds.window.0),
        ("max_window", bounds.window.1),
    ] {
        model.insert(name.into(), i64::from(blocks).into());
    }
    if let Some(bid) = terms.bid {
        model.insert("bid".into(), bid.into());
    }
    if setting.joins {
        let mut session = toml::Table::new();
        for (name, amount) in [("base", SESSION_PRICE), ("min_budget", "1"), ("max_budget", "50")] {
            session.insert(name.into(), amount.into());
        }
        model.insert("session".into(), toml::Value::Table(session));
    }
    let mut config = toml::Table::new();
    config.insert("node".into(), nodes.into());
    config.insert("stake".into(), STAKE.into());
    config.insert("threads".into(), 1.into());
    for (name, path) in [
        ("key", &*key),
        ("models_dir", setting.models_dir),
        ("inputs_dir", &*folder.join("inputs")),
        ("data_dir", &*folder.join("data")),
    ] {
        config.insert(name.into(), path.display().to_string().into());
    }
    config.insert("model".into(), vec![toml::Value::Table(model)].into());
    if setting.joins {
        let mut section = toml::Table::new();
        let listen = ["/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"];
        section.insert("listen".into(), listen.map(toml::Value::from).to_vec().into());
        section.insert("reachable".into(), true.into());
        config.insert("network".into(), toml::Value::Table(section));
    }
    Ok(toml::to_string(&config)?)
}
