//! A daemon's place in the workers' network: what it provides, what it fetches, and whom it knows.
//!
//! The network gives bytes to everybody who knows their digest, and the digests of jobs are on chain. Only what anybody
//! can have anyway is therefore given on: packages, inputs that came over the network, and the outputs of jobs whose
//! inputs are on chain or came over the network. An input that was put into a folder stays private.

pub mod packages;
mod place;
mod shelf;

use crate::config::NetworkPolicy;
use assay_client::{
    chain::{AccountId, Event, H256, WorkersEvent},
    sessions::announced_node,
};
use assay_network::{NetworkError, Node, PeerId, Sources, Status};
use assay_ops::tensor::{Digest, Tensor};
use assay_package::Package;
use assay_types::Announcement;
use shelf::Shelves;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{task::spawn_blocking, time::Instant};

/// Bytes of lists of tensors that are provided from memory.
pub const MAX_SHARED_BYTES: u64 = 256 << 20;
/// Connected peers that are asked at once, before the network is searched.
const ASKED_AT_ONCE: usize = 16;
/// Announced nodes that are dialled when the chain is seen first.
const MET: usize = 32;
/// Time for which an input is looked for: a client may announce it while its job is on its way.
const FETCHING: Duration = Duration::from_secs(30);
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_secs(2);

/// A handle on the daemon's node. The node stops when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Network {
    node: Node,
    shelves: Arc<Shelves>,
}

impl Network {
    /// Joins the network. Makes the node's folder if it is not there.
    pub async fn join(policy: &NetworkPolicy) -> Result<Self, NetworkError> {
        for path in [&policy.node.key_path, &policy.node.address_book_path] {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|error| NetworkError::File {
                    path: folder.to_owned(),
                    error,
                })?;
            }
        }
        let shelves = Arc::new(Shelves::new(MAX_SHARED_BYTES));
        let node = Node::start(policy.node.clone(), shelves.clone()).await?;
        Ok(Self { node, shelves })
    }

    /// The node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Provides packages, each from its folder, one after the other and beside everything else.
    pub fn provide_packages(&self, packages: Vec<(PathBuf, Arc<Package>)>) {
        let network = self.clone();
        tokio::spawn(async move {
            for (folder, package) in packages {
                let name = package.manifest().name.clone();
                match network.provide_package(&folder, package).await {
                    Ok(root) => tracing::info!(name, root = hex::encode(root), "gives the package to whoever asks"),
                    Err(error) => tracing::warn!(name, %error, "does not give the package to others"),
                }
            }
        });
    }

    async fn provide_package(&self, folder: &Path, package: Arc<Package>) -> Result<Digest, NetworkError> {
        let (shelves, folder) = (self.shelves.clone(), folder.to_owned());
        let added = spawn_blocking(move || shelves.add_package(&folder, &package)).await;
        let root = added.map_err(|_| NetworkError::Stopped)??;
        self.node.provide(root).await?;
        Ok(root)
    }

    /// Provides a list of tensors, which anybody may have from now on; its digest. What is provided from memory has a
    /// bound: the oldest lists make room, and a list that is larger than all may be is not provided.
    pub async fn share(&self, tensors: Vec<Tensor>) -> Result<Option<Digest>, NetworkError> {
        let shelves = self.shelves.clone();
        let added = spawn_blocking(move || shelves.add_list(tensors)).await;
        let Some((digest, gone)) = added.map_err(|_| NetworkError::Stopped)?? else {
            return Ok(None);
        };
        self.shelves.note_public(digest);
        self.node.provide(digest).await?;
        for list in gone {
            self.node.withhold(list).await?;
        }
        Ok(Some(digest))
    }

    /// Notes that anybody can have what this digest names: it is on chain.
    pub fn note_public(&self, digest: H256) {
        self.shelves.note_public(digest.0);
    }

    /// Whether anybody can have what this digest names, as far as is known here.
    pub fn is_public(&self, digest: H256) -> bool {
        self.shelves.is_public(&digest.0)
    }

    /// Fetches the tensors of a list of at most `max_bytes`, and gives them on. Takes up to half a minute, or says who
    /// was asked.
    pub async fn fetch(&self, digest: H256, max_bytes: u64) -> Result<Vec<Tensor>, String> {
        let until = Instant::now() + FETCHING;
        let tensors = loop {
            let sources = Sources {
                peers: self.connected().await,
                search: Some(digest.0),
            };
            let found = tokio::time::timeout_at(until, self.node.tensors(digest.0, max_bytes, &sources)).await;
            let reason = match found {
                Ok(Ok(tensors)) => break tensors,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "nobody has given it in time".to_owned(),
            };
            if Instant::now() + PAUSE >= until {
                return Err(reason);
            }
            tokio::time::sleep(PAUSE).await;
        };
        if let Err(error) = self.share(tensors.clone()).await {
            tracing::debug!(%error, "what was fetched is not given on");
        }
        Ok(tensors)
    }

    /// The peers that the node is connected with, as many as are asked at once.
    async fn connected(&self) -> Vec<PeerId> {
        let status = self.node.status().await;
        let peers = status.map_or_else(|_| Vec::new(), |status| status.peers);
        let mut connected: Vec<PeerId> = peers.into_iter().map(|peer| peer.peer).collect();
        connected.sort();
        connected.dedup();
        connected.truncate(ASKED_AT_ONCE);
        connected
    }

    /// Connects with nodes that workers have announced, beside everything else: the chain is as good as a bootnode.
    pub fn meet(&self, announced: Vec<(AccountId, Announcement)>) {
        let network = self.clone();
        tokio::spawn(async move { network.meet_now(announced).await });
    }

    /// Connects with the nodes that workers announce in these events, beside everything else.
    pub fn meet_new(&self, events: &[Event]) {
        let announced = events.iter().filter_map(|event| match event {
            Event::Workers(WorkersEvent::Announced { worker, announcement }) => {
                Some((worker.clone(), announcement.clone()?))
            }
            _ => None,
        });
        let announced: Vec<_> = announced.collect();
        if !announced.is_empty() {
            self.meet(announced);
        }
    }

    /// Connects with nodes that workers have announced; how many were reached.
    pub async fn meet_now(&self, announced: Vec<(AccountId, Announcement)>) -> usize {
        let own = self.node.peer();
        let known = announced.iter().filter_map(|(_, place)| announced_node(place));
        let others = known.filter(|(peer, addresses)| *peer != own && !addresses.is_empty());
        let dials = others.take(MET).map(|(peer, addresses)| async move {
            match self.node.connect(peer, addresses).await {
                Ok(()) => true,
                Err(error) => {
                    tracing::debug!(%peer, %error, "a node that is announced on chain is not reached");
                    false
                }
            }
        });
        let reached = futures::future::join_all(dials.collect::<Vec<_>>()).await;
        reached.into_iter().filter(|reached| *reached).count()
    }

    /// The node's place in the network.
    pub async fn status(&self) -> Result<Status, NetworkError> {
        self.node.status().await
    }

    /// Announcement that the node would make; `None` as long as it knows no address at which others reach it.
    pub async fn announcement(&self) -> Option<Announcement> {
        self.node.status().await.ok().as_ref().and_then(place::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_network::{NetworkConfig, quic};
    use assay_ops::tensor::{DataType, tensors_digest};
    use std::net::Ipv4Addr;

    async fn network(folder: &Path) -> Network {
        let mut node = NetworkConfig::new(folder.join("network"));
        node.listen = vec![quic(Ipv4Addr::LOCALHOST, 0)];
        node.is_reachable = true;
        Network::join(&NetworkPolicy { node, announces: true })
            .await
            .expect("joins")
    }

    fn input() -> Vec<Tensor> {
        vec![Tensor::new(DataType::Uint8, vec![5_000], vec![3; 5_000]).expect("as many bytes")]
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_input_goes_from_one_to_the_next_and_on() {
        let folders = [(); 3].map(|()| tempfile::tempdir().expect("a temporary folder"));
        let (client, worker) = (network(folders[0].path()).await, network(folders[1].path()).await);
        let watcher = network(folders[2].path()).await;
        let place = client.announcement().await.expect("it listens where all reach it");
        assert_eq!(worker.meet_now(vec![(AccountId::new([1; 32]), place)]).await, 1);
        let digest = H256(tensors_digest(&input()));
        assert_eq!(client.share(input()).await.expect("provided"), Some(digest.0));
        assert_eq!(worker.fetch(digest, 5_000).await, Ok(input()));
        assert!(worker.is_public(digest));
        // The watcher knows the worker alone, which has the input from the client.
        let place = worker.announcement().await.expect("it listens where all reach it");
        drop(client);
        assert_eq!(watcher.meet_now(vec![(AccountId::new([2; 32]), place)]).await, 1);
        assert_eq!(watcher.fetch(digest, 5_000).await, Ok(input()));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_cannot_be_reached_or_understood_is_passed_over() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let network = network(folder.path()).await;
        let own = network.announcement().await.expect("it listens where all reach it");
        let nonsense = Announcement {
            peer: vec![1].try_into().expect("short"),
            addresses: Default::default(),
        };
        let announced = vec![(AccountId::new([1; 32]), own), (AccountId::new([2; 32]), nonsense)];
        assert_eq!(network.meet_now(announced).await, 0);
    }
}
