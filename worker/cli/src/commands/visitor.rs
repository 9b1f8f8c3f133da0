//! A node of the workers' network for as long as a command runs: with an identity of its own, which goes with it.

use crate::config::{NetworkArgs, network};
use anyhow::Context;
use assay_client::chain::{AccountId, Client};
use assay_daemon::{config::NetworkPolicy, network::Network};
use assay_types::Announcement;
use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::Instant;

/// Time in which a first peer has to be reached.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// A node, and the folder that it has until it ends.
pub(super) struct Visitor {
    /// The node.
    pub(super) network: Network,
    _folder: Option<Folder>,
}

/// A folder that is removed when this is dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A new folder that nobody else may look into.
    pub(super) fn make() -> anyhow::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("assay-network-{}-{}", std::process::id(), now.as_nanos());
        let path = std::env::temp_dir().join(name);
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }

    /// Path of the folder.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is a key of no use.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Visitor {
    /// Joins as the arguments say; `None` if they do not.
    pub(super) async fn join(args: &NetworkArgs) -> anyhow::Result<Option<Self>> {
        match network::merge(args, None, Path::new(""), false)? {
            Some(policy) => Self::with(policy, args.network_dir.is_some()).await.map(Some),
            None => Ok(None),
        }
    }

    /// Joins with an identity of its own and without an address book, unless it is to keep both.
    pub(super) async fn with(mut policy: NetworkPolicy, keeps: bool) -> anyhow::Result<Self> {
        let folder = match keeps {
            true => None,
            false => Some(Folder::make()?),
        };
        if let Some(Folder(path)) = &folder {
            policy.node.key_path = path.join("network-key");
            policy.node.address_book_path = path.join("peers");
        }
        let network = Network::join(&policy).await.context("the workers' network")?;
        Ok(Self {
            network,
            _folder: folder,
        })
    }

    /// Connects with the workers that are announced on chain, and waits until a peer is reached; how many are.
    pub(super) async fn meet(&self, announced: Vec<(AccountId, Announcement)>) -> anyhow::Result<usize> {
        self.network.meet_now(announced).await;
        let until = Instant::now() + PATIENCE;
        loop {
            let reached = self.network.status().await?.peers.len();
            if reached > 0 || Instant::now() >= until {
                return Ok(reached);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The workers that are announced on chain.
pub(super) async fn announced(client: &Client) -> anyhow::Result<Vec<(AccountId, Announcement)>> {
    Ok(client.finalized().await?.announcements().await?)
}
