//! The node, what it is asked, and how a test tells its stories.

use crate::{
    binaries::binary,
    command::without_environment,
    process::{Killing, Process, last_lines},
    rpc::Rpc,
};
use anyhow::{Context, bail, ensure};
use assay_client::chain::{Account, AccountId, BlockNumber, ChainError, Client, Key, Snapshot};
use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Time between two blocks.
const BLOCK_MS: u64 = 500;
/// Longest time that a node may take to compile its runtime and open its database, on a machine that does other work.
const START_PATIENCE: Duration = Duration::from_secs(180);
/// Pause between two looks at a node that starts.
const LOOK: Duration = Duration::from_millis(50);
/// Longest time without a block. A node that makes none for so long has stopped.
const BLOCK_PATIENCE: Duration = Duration::from_secs(60);
/// Line of the node when it can be asked.
const LISTENING: &str = "Running JSON-RPC server: addr=127.0.0.1:";
/// Lines of each log that a failure shows.
const LOG_LINES: usize = 25;

/// A chain of its own, made by one node, which ends when this is dropped; or a chain that was there before, seen
/// through one of its nodes.
pub struct Network {
    /// None where somebody else has started it.
    node: Option<Process>,
    url: String,
    /// Other nodes of the same chain.
    others: Vec<String>,
    client: Client,
    rpc: Rpc,
    folder: TempDir,
}

impl Network {
    /// Starts a node on a fresh chain and waits for its first block.
    pub async fn start() -> Self {
        let folder = temporary_folder().expect("a temporary folder can be made");
        let (node, url, client, rpc) = match Self::boot(&folder, 0).await {
            Ok(booted) => booted,
            Err(error) => panic!(
                "the network does not start: {error:#}\n{}",
                last_lines(&folder.keep(), LOG_LINES)
            ),
        };
        let network = Self {
            node: Some(node),
            url,
            others: Vec::new(),
            client,
            rpc,
            folder,
        };
        if let Err(error) = network.ensure_same_runtime().await {
            panic!("{error:#}");
        }
        network
    }

    /// Sees a network that runs already through the node at this WebSocket address. Whoever started it ends it. Workers
    /// are told of the others as well.
    pub async fn attach(url: &str, others: Vec<String>) -> anyhow::Result<Self> {
        let network = Self {
            node: None,
            url: url.to_owned(),
            others,
            client: Client::connect(&[url.to_owned()]).await?,
            rpc: Rpc::new(url)?,
            folder: temporary_folder()?,
        };
        network.ensure_same_runtime().await?;
        Ok(network)
    }

    async fn boot(folder: &TempDir, port: u16) -> anyhow::Result<(Process, String, Client, Rpc)> {
        let (node, port) = start_node(folder.path(), port).await?;
        let url = format!("ws://127.0.0.1:{port}");
        let client = Client::connect(std::slice::from_ref(&url)).await?;
        client.blocks(Some(0)).await?.next(BLOCK_PATIENCE).await?;
        let rpc = Rpc::new(&url)?;
        Ok((node, url, client, rpc))
    }

    /// Tells a story and checks the invariants after it. A failure names the story and shows the logs.
    pub async fn story(&mut self, name: &str, tell: impl AsyncFnOnce(&mut Network) -> anyhow::Result<()>) {
        let began = Instant::now();
        let told = match tell(self).await {
            Ok(()) => self.check_invariants().await,
            failed => failed,
        };
        match told {
            Ok(()) => println!("told in {:.1} s: {name}", began.elapsed().as_secs_f64()),
            Err(error) => panic!("{name}: {error:#}"),
        }
    }

    /// The node's WebSocket address.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The WebSocket addresses that a worker has, in the order in which it tries them.
    pub fn urls(&self) -> Vec<String> {
        [std::slice::from_ref(&self.url), &self.others].concat()
    }

    /// The worker's own client, connected to the node.
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// Where logs, databases and configurations are. It is removed at the end, unless the test fails.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A development account, ready to send: `Alice` to `Ferdie` have money, other names have none.
    pub fn account(&self, name: &str) -> anyhow::Result<Account> {
        Ok(Account::open(self.client.clone(), key(name)?)?)
    }

    /// The address of a development account.
    pub fn id(&self, name: &str) -> anyhow::Result<AccountId> {
        Ok(key(name)?.account())
    }

    /// Kills the node with SIGKILL.
    pub fn kill_node(&mut self) -> anyhow::Result<()> {
        self.node.as_mut().context("the node is this network's own")?.kill()
    }

    /// Starts a node that was killed on its database again, at the same address. Accounts have to be opened anew.
    pub async fn restart_node(&mut self) -> anyhow::Result<()> {
        let port = self
            .url
            .rsplit(':')
            .next()
            .context("an address ends in its port")?
            .parse()?;
        let (node, url, client, rpc) = Self::boot(&self.folder, port).await?;
        (self.node, self.url, self.client, self.rpc) = (Some(node), url, client, rpc);
        Ok(())
    }

    /// Connects again to a node that somebody else has started anew at the same address. Accounts have to be opened
    /// anew.
    pub async fn reconnect(&mut self) -> anyhow::Result<()> {
        self.client = Client::connect(std::slice::from_ref(&self.url)).await?;
        self.rpc = Rpc::new(&self.url)?;
        Ok(())
    }

    /// Waits until a finalized block's state gives what is looked for, for this many blocks at most.
    pub async fn until<T>(
        &self,
        what: &str,
        blocks: BlockNumber,
        mut look: impl AsyncFnMut(&Snapshot) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let mut snapshot = self.client.finalized().await?;
        let last = snapshot.number() + blocks;
        let mut following = self.client.blocks(Some(snapshot.number())).await?;
        loop {
            if let Some(found) = look(&snapshot).await? {
                return Ok(found);
            }
            ensure!(
                snapshot.number() < last,
                "{what}: not within {blocks} blocks, up to block {last}"
            );
            snapshot = following
                .next(BLOCK_PATIENCE)
                .await
                .with_context(|| format!("waiting: {what}"))?;
        }
    }

    /// Waits until the chain has got past a moment of Assay time.
    pub async fn pass(&self, moment: BlockNumber) -> anyhow::Result<()> {
        let now = self.client.finalized().await?.now();
        let blocks = (moment + 1).saturating_sub(now);
        self.until("a moment", blocks, async |snapshot| {
            Ok((snapshot.now() > moment).then_some(()))
        })
        .await
    }

    /// Gives the states after the blocks from this one on, without a gap, until enough is found; for this many blocks
    /// at most.
    pub(crate) async fn read<T>(
        &self,
        what: &str,
        from: BlockNumber,
        blocks: BlockNumber,
        mut read: impl AsyncFnMut(&Snapshot) -> Result<Option<T>, ChainError>,
    ) -> anyhow::Result<T> {
        let mut following = self.client.blocks(Some(from.saturating_sub(1))).await?;
        for _ in 0..=blocks {
            let snapshot = following
                .next(BLOCK_PATIENCE)
                .await
                .with_context(|| format!("waiting: {what}"))?;
            if let Some(found) = read(&snapshot).await? {
                return Ok(found);
            }
        }
        bail!("{what}: not within {blocks} blocks from block {from}")
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!(
                "{}\nThe logs are in {}",
                last_lines(self.folder(), LOG_LINES),
                self.folder().display()
            );
        }
    }
}

fn temporary_folder() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("assay-e2e-").tempdir()
}

fn key(name: &str) -> anyhow::Result<Key> {
    Ok(Key::load(&format!("//{name}"))?)
}

/// Starts the node with its database in the folder, and waits until it can be asked. Port 0 lets the system choose one.
async fn start_node(folder: &Path, port: u16) -> anyhow::Result<(Process, u16)> {
    let mut command = without_environment(Command::new(binary("assay-worker")?));
    command
        .arg("guard")
        .arg(binary("assay-node")?)
        .args(["--dev", "--dev-block-time", &BLOCK_MS.to_string(), "--base-path"])
        .arg(folder.join("node"))
        .args([
            "--rpc-port",
            &port.to_string(),
            "--rpc-methods",
            "unsafe",
            "--port",
            "0",
        ])
        .args(["--no-prometheus", "--no-telemetry", "--no-mdns"]);
    // What a node that was killed has left in the log.
    let before = std::fs::read_to_string(folder.join("node.log"))
        .unwrap_or_default()
        .matches(LISTENING)
        .count();
    let mut node = Process::start("node", command, folder, Killing::ThroughGuard)?;
    let until = Instant::now() + START_PATIENCE;
    while Instant::now() < until {
        node.ensure_running()?;
        let said = node.said()?;
        if let Some(told) = said.split(LISTENING).nth(before + 1) {
            let digits: String = told.chars().take_while(char::is_ascii_digit).collect();
            return Ok((node, digits.parse().context("the node says its port")?));
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("the node cannot be asked after {} s", START_PATIENCE.as_secs())
}
