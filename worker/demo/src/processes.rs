//! The demo's node and workers: child processes that end with it, however it ends.
//!
//! Each child's standard input is a pipe from the demo. The kernel closes it when the demo is gone, and the child (the
//! node's guard, or a worker with `--exit-with-parent`) ends. Each is in a process group of its own, so that Ctrl-C
//! reaches the demo alone, which then ends them in order.

use anyhow::Context;
use std::{
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::process::{Child, Command};

/// Longest time that a child has to end by itself.
const GRACE: Duration = Duration::from_secs(10);

/// A child process and its log.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    child: Child,
    pub(super) log: PathBuf,
}

impl Process {
    fn start(name: &str, mut command: Command, folder: &Path) -> anyhow::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).with_context(|| log.display().to_string())?;
        let child = command
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    /// Fails if it has ended.
    pub(super) fn ensure_running(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                let text = std::fs::read_to_string(&self.log).unwrap_or_default();
                let last: Vec<&str> = text.lines().rev().take(8).collect();
                let last: Vec<&str> = last.into_iter().rev().collect();
                anyhow::bail!(
                    "{} ended ({status}); the last lines of {}:\n{}",
                    self.name,
                    self.log.display(),
                    last.join("\n")
                )
            }
        }
    }

    /// Ends it: closes its standard input, and kills it if that is not enough.
    pub(super) async fn stop(mut self) {
        drop(self.child.stdin.take());
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            tracing::warn!("{} does not end by itself; killing it", self.name);
            // It is gone if this fails.
            let _ = self.child.kill().await;
        }
    }
}

/// Starts a node with a chain of its own.
pub(super) fn start_node(binary: &Path, folder: &Path, rpc_port: u16) -> anyhow::Result<Process> {
    let mut command = Command::new(beside("assay-worker")?);
    command
        .arg("guard")
        .arg(binary)
        .args([
            "--dev",
            "--dev-block-time",
            "1000",
            "--no-prometheus",
            "--no-telemetry",
            "--no-mdns",
        ])
        .args([
            "--rpc-cors",
            "all",
            "--rpc-port",
            &rpc_port.to_string(),
            "--port",
            &free_port()?.to_string(),
        ])
        .arg("--base-path")
        .arg(folder.join("node"));
    Process::start("node", command, folder)
}

/// Settings of a worker of the demo.
pub(super) struct WorkerTerms<'a> {
    pub(super) name: &'a str,
    pub(super) model: &'a str,
    pub(super) stake: &'a str,
    pub(super) engine: &'a str,
    /// Whether it cheats, which takes another program than the one that people install.
    pub(super) lies: bool,
    /// Whether it joins the workers' network, where clients of sessions reach it.
    pub(super) joins: bool,
}

/// Starts a worker; its key is the development key of its name.
pub(super) fn start_worker(
    terms: &WorkerTerms<'_>,
    models_dir: &Path,
    folder: &Path,
    url: &str,
) -> anyhow::Result<Process> {
    let program = beside(if terms.lies { "assay-adversary" } else { "assay-worker" })?;
    let mut command = daemon(&program, "serve", terms.name, models_dir, folder, url);
    command.args(["--stay-active", "--engine", terms.engine]);
    command.args(["--stake", terms.stake, "--model", terms.model]);
    if terms.joins {
        command.arg("--config").arg(place(&terms.name.to_lowercase(), folder)?);
    }
    if terms.lies {
        command.args(["--lie", "cheaper-model", "--lie-every", "2"]);
    }
    Process::start(&format!("worker-{}", terms.name.to_lowercase()), command, folder)
}

/// Settings of a worker that answers in sessions.
pub(super) struct SessionTerms<'a> {
    pub(super) name: &'a str,
    pub(super) model: &'a str,
    pub(super) stake: &'a str,
    /// Subject of its lies, and the period of the requests that it lies about; nothing if it is honest.
    pub(super) lie: Option<(&'a str, &'a str)>,
}

/// Starts a worker that others reach on this machine, and that answers in sessions.
pub(super) fn start_joined_worker(
    terms: &SessionTerms<'_>,
    models_dir: &Path,
    folder: &Path,
    url: &str,
) -> anyhow::Result<Process> {
    let name = terms.name.to_lowercase();
    let program = match terms.lie {
        Some(_) => "assay-adversary",
        None => "assay-worker",
    };
    let mut command = daemon(&beside(program)?, "serve", terms.name, models_dir, folder, url);
    command.args(["--stay-active", "--stake", terms.stake, "--model", terms.model]);
    command.arg("--config").arg(place(&name, folder)?);
    if let Some((lie, every)) = terms.lie {
        command.args(["--lie", lie, "--lie-every", every]);
    }
    Process::start(&format!("worker-{name}"), command, folder)
}

/// Asks a worker in sessions for each input this many times, and checks a share of the receipts.
pub(super) fn ask_in_sessions(
    name: &str,
    (model, input, times): (&str, &Path, u32),
    models_dir: &Path,
    folder: &Path,
    url: &str,
) -> anyhow::Result<Command> {
    let mut command = plain(&beside("assay-worker")?);
    command
        .args(["request", model, "--session", "--json", "--node", url])
        .args([
            "--repeat",
            &times.to_string(),
            "--budget",
            "10",
            "--check-percent",
            "20",
        ])
        .arg("--input")
        .arg(input)
        .arg("--models-dir")
        .arg(models_dir)
        .arg("--journal")
        .arg(folder.join("journal"))
        .env("ASSAY_KEY", format!("//{name}"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

/// A configuration by which a worker is reached on this machine.
fn place(name: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    let config = folder.join(format!("{name}.toml"));
    let network = folder.join(format!("network-{name}"));
    let text = format!(
        "[network]\nlisten = ['/ip4/127.0.0.1/udp/0/quic-v1', '/ip4/127.0.0.1/tcp/0']\nreachable = true\ndir = '{}'\n",
        network.display()
    );
    std::fs::write(&config, text).with_context(|| config.display().to_string())?;
    Ok(config)
}

/// Starts a gateway on this port, which asks in this account's sessions and checks every receipt.
pub(super) fn start_gateway(
    name: &str,
    models_dir: &Path,
    folder: &Path,
    url: &str,
    port: u16,
) -> anyhow::Result<Process> {
    let mut command = plain(&beside("assay-worker")?);
    command
        .args([
            "gateway",
            "run",
            "--open",
            "--exit-with-parent",
            "--network",
            "--node",
            url,
        ])
        .args(["--address", &format!("127.0.0.1:{port}")])
        .args(["--session-budget", "5", "--check-percent", "100"])
        .arg("--models-dir")
        .arg(models_dir)
        .arg("--gateway-dir")
        .arg(folder.join("gateway"))
        .arg("--journal")
        .arg(folder.join("journal"))
        .env("ASSAY_KEY", format!("//{name}"));
    Process::start("gateway", command, folder)
}

/// A conversation in this terminal, through the gateway at this address.
pub(super) fn chat(gateway: &str, text: Option<&str>) -> anyhow::Result<Command> {
    let mut command = plain(&beside("assay-worker")?);
    command.args(["chat", "--gateway", gateway, "--max-tokens", "160"]);
    command.args(text);
    command.kill_on_drop(true);
    Ok(command)
}

/// Starts the watcher; its key is the development key of this name.
pub(super) fn start_watcher(name: &str, models_dir: &Path, folder: &Path, url: &str) -> anyhow::Result<Process> {
    let command = daemon(&beside("assay-worker")?, "watch", name, models_dir, folder, url);
    Process::start(&format!("watcher-{}", name.to_lowercase()), command, folder)
}

/// Settings of every daemon of the demo.
fn daemon(program: &Path, subcommand: &str, name: &str, models_dir: &Path, folder: &Path, url: &str) -> Command {
    let mut command = plain(program);
    command
        .args([subcommand, "--exit-with-parent", "--threads", "1", "--node", url])
        .arg("--models-dir")
        .arg(models_dir)
        .arg("--data-dir")
        .arg(folder.join("daemons"))
        .env("ASSAY_KEY", format!("//{name}"));
    command
}

/// A program without anything from this one's environment in its configuration.
fn plain(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ASSAY_")) {
        command.env_remove(name);
    }
    command
}

/// A port that nobody uses now.
pub(super) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The node's program: as told, or beside this one.
pub(super) fn node_binary(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let path = match given {
        Some(path) => path,
        None => return beside("assay-node"),
    };
    anyhow::ensure!(
        path.is_file(),
        "{} is not there: is --node-binary right?",
        path.display()
    );
    Ok(path)
}

/// A program that is built with this one.
fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    anyhow::ensure!(
        path.is_file(),
        "{} is not there: `make build` builds everything that the demo needs",
        path.display()
    );
    Ok(path)
}
