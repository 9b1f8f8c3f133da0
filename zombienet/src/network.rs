//! The network while it runs: started, looked at, its nodes killed and restarted, and ended.

use crate::{
    definition::{Definition, Node, Role},
    guard::Guard,
    rpc::Rpc,
};
use anyhow::{Context, anyhow, bail, ensure};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;
use zombienet_sdk::{LocalFileSystem, NetworkConfigExt};

/// Pause between two looks at something that is to happen.
const LOOK: Duration = Duration::from_millis(250);
/// Longest time for the first parachain block to be final: validators compile the parachain's code before it.
const FINAL_PATIENCE: Duration = Duration::from_secs(600);
/// Longest time for a node that was killed to answer again.
const RESTART_PATIENCE: Duration = Duration::from_secs(180);
/// Lines of each log that a failure shows.
const LOG_LINES: usize = 12;

/// A running network. Its nodes are killed when this is dropped.
pub struct Network {
    spawned: Option<zombienet_sdk::Network<LocalFileSystem>>,
    nodes: Vec<Node>,
    folder: PathBuf,
    _guard: Guard,
    temporary: Option<TempDir>,
}

impl Network {
    /// Starts a network with the programs of one folder. Its nodes write to the other, or else to a temporary one,
    /// which is removed at the end. `report` is told what happens.
    pub async fn start(
        definition: &Definition,
        programs: &Path,
        folder: Option<&Path>,
        mut report: impl FnMut(&str),
    ) -> anyhow::Result<Self> {
        let temporary = match folder {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("assay-zombienet-").tempdir()?),
        };
        let folder = folder
            .or(temporary.as_ref().map(TempDir::path))
            .context("there is a folder")?;
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let folder = folder.canonicalize()?;
        ensure!(
            fs::read_dir(&folder)?.next().is_none(),
            "{} is not empty: name a new folder, each network begins with a new chain",
            folder.display()
        );
        let config = definition.config(programs, &folder)?;
        let mut network = Self {
            spawned: None,
            nodes: definition.nodes()?,
            _guard: Guard::over(&folder)?,
            folder,
            temporary,
        };
        report("writing the chains' specifications");
        let spawning = config.spawn_native();
        tokio::pin!(spawning);
        let mut started = BTreeSet::new();
        let spawned = loop {
            tokio::select! {
                spawned = &mut spawning => break spawned.map_err(anyhow::Error::from),
                () = sleep(LOOK) => network.report_started(&mut started, &mut report),
            }
            if let Some(error) = network.refused() {
                break Err(error);
            }
        };
        match spawned {
            Ok(spawned) => network.spawned = Some(spawned),
            Err(error) => {
                network.keep_folder();
                let logs = network.last_lines();
                return Err(error.context(format!(
                    "the network does not start\n{logs}The logs are in {}",
                    network.folder.display()
                )));
            }
        }
        network.report_started(&mut started, &mut report);
        Ok(network)
    }

    /// Waits until the parachain has this many blocks that are final. `report` is told what happens.
    pub async fn until_final(&self, blocks: u32, mut report: impl FnMut(&str)) -> anyhow::Result<()> {
        let rpc = self.rpc(&self.full_node()?.name)?;
        let until = Instant::now() + FINAL_PATIENCE;
        let mut seen = 0;
        report("waiting for the first parachain block");
        while Instant::now() < until {
            if rpc.finalized().await? >= blocks {
                report(&format!("the relay chain has finalized {blocks} parachain blocks"));
                return Ok(());
            }
            let best = rpc.best().await?;
            if seen == 0 && best > 0 {
                report("the first parachain block is there; waiting for it to be final");
            }
            seen = best;
            sleep(LOOK).await;
        }
        let logs = self.last_lines();
        bail!(
            "the parachain has {seen} blocks, and not {blocks} final ones after {} s\n{logs}",
            FINAL_PATIENCE.as_secs()
        )
    }

    /// Its nodes: those that people talk to first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node that serves dApps and workers.
    pub fn full_node(&self) -> anyhow::Result<&Node> {
        let full = self.nodes.iter().find(|node| node.role == Role::FullNode);
        full.context("the network has a full node")
    }

    /// Where each node has a folder with its database and its log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The WebSocket address of a node.
    pub fn url(&self, name: &str) -> anyhow::Result<String> {
        Ok(self.node(name)?.ws_uri().to_owned())
    }

    /// Questions to a node.
    pub fn rpc(&self, name: &str) -> anyhow::Result<Rpc> {
        Rpc::new(&self.url(name)?)
    }

    /// Lines of a node.
    pub fn said(&self, name: &str) -> anyhow::Result<String> {
        let log = self.log(name);
        fs::read_to_string(&log).with_context(|| log.display().to_string())
    }

    /// Kills a node with SIGKILL, and returns once it does not answer any more.
    pub async fn kill(&self, name: &str) -> anyhow::Result<()> {
        let node = serde_json::to_value(self.node(name)?)?;
        let process = node["inner"]["process_handle"].as_i64();
        let process = process.with_context(|| format!("{name} has a process"))?;
        let killed = tokio::process::Command::new("sh")
            .args(["-c", "kill -KILL \"$0\"", &process.to_string()])
            .status()
            .await?;
        ensure!(killed.success(), "{name} is running");
        let rpc = self.rpc(name)?;
        while rpc.best().await.is_ok() {
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Starts a node that was killed again, on its database, and waits until it answers.
    pub async fn restart(&self, name: &str) -> anyhow::Result<()> {
        self.node(name)?.restart(None).await?;
        let rpc = self.rpc(name)?;
        let until = Instant::now() + RESTART_PATIENCE;
        while Instant::now() < until {
            if rpc.best().await.is_ok() {
                return Ok(());
            }
            sleep(LOOK).await;
        }
        bail!(
            "{name} does not answer {} s after its restart",
            RESTART_PATIENCE.as_secs()
        )
    }

    /// Ends all nodes, and removes their folder if it is a temporary one.
    pub async fn end(mut self) -> anyhow::Result<()> {
        if let Some(spawned) = self.spawned.take() {
            spawned.destroy().await?;
        }
        Ok(())
    }

    /// The last lines of each node's log.
    pub fn last_lines(&self) -> String {
        let mut text = String::new();
        for node in &self.nodes {
            let Ok(said) = self.said(&node.name) else { continue };
            let lines: Vec<&str> = said.lines().collect();
            text += &format!("--- the end of {}\n", self.log(&node.name).display());
            for line in &lines[lines.len().saturating_sub(LOG_LINES)..] {
                text += line;
                text += "\n";
            }
        }
        text
    }

    fn node(&self, name: &str) -> anyhow::Result<&zombienet_sdk::NetworkNode> {
        let spawned = self.spawned.as_ref().context("the network has started")?;
        spawned
            .get_node(name)
            .with_context(|| format!("there is a node {name}"))
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(name).join(format!("{name}.log"))
    }

    fn report_started(&self, started: &mut BTreeSet<String>, report: &mut impl FnMut(&str)) {
        for node in &self.nodes {
            if self.log(&node.name).exists() && started.insert(node.name.clone()) {
                report(&format!("{} has been started", node.name));
            }
        }
    }

    /// Last line of a node that ends at once: everything else that a node says begins with the time. zombienet-sdk
    /// would wait for it.
    fn refused(&self) -> Option<anyhow::Error> {
        self.nodes.iter().find_map(|node| {
            let said = self.said(&node.name).ok()?;
            let last = said
                .lines()
                .find(|line| line.starts_with("error: ") || line.starts_with("Error: "))?;
            Some(anyhow!("{} has ended: {last}", node.name))
        })
    }

    fn keep_folder(&mut self) {
        if let Some(temporary) = &mut self.temporary {
            temporary.disable_cleanup(true);
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.keep_folder();
            eprintln!("{}The logs are in {}", self.last_lines(), self.folder.display());
        }
    }
}
