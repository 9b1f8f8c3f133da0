//! Everything that this program reads from a node and sends to it; nothing outside this module names `subxt`.
//!
//! Calls and answers are encoded and decoded as the worker's own types (those of `assay-types`), not as generated
//! code: no metadata file has to be kept in step with the runtime, and nothing of a large code generator is compiled.
//! What makes that safe is [`contract`]: when a connection opens, and again after a runtime upgrade, the types of
//! everything that is used are compared with the node's metadata, and a difference is refused with its name.
//!
//! * [`Client`] is one connection; [`Snapshot`] reads the state after one block.
//! * [`account::Account`] sends an account's transactions: one task owns its nonce.

pub mod account;
pub mod calls;
mod carry;
mod contract;
pub mod error;
pub mod events;
pub mod fake;
mod history;
pub mod key;
mod pool;
mod shape;
mod snapshot;
pub mod tip;
mod transaction;
pub mod types;
mod view;

pub use account::{Account, Wait};
pub use calls::{AuditsCall, Call, Claim, DisputesCall, MarketCall, ModelsCall, Seal, SessionsCall, WorkersCall};
pub use error::{ChainError, SubmitError};
pub use events::{AuditsEvent, DisputesEvent, Event, FeeEvent, MarketEvent, ModelsEvent, SessionsEvent, WorkersEvent};
pub use history::PastCall;
pub use key::{Key, KeyError, Salts};
pub use snapshot::{Constants, Snapshot};
pub use tip::Stakes;
pub use transaction::Inclusion;
pub use types::*;
pub use view::{ChainView, Connect, Nodes, StateView};

use error::BoxError;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use subxt::{
    OnlineClient,
    backend::LegacyBackend,
    config::{RpcConfigFor, SubstrateConfig},
    rpcs::{Error as RpcError, LegacyRpcMethods, RpcClient},
};

pub(super) type Config = SubstrateConfig;

/// Longest time for a connection to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// A connection to a node whose metadata has been checked.
#[derive(Clone)]
pub struct Client {
    online: OnlineClient<Config>,
    rpc: LegacyRpcMethods<RpcConfigFor<Config>>,
    url: Arc<str>,
    /// Whether nothing on the chain is worth anything.
    is_development: bool,
    /// Version of the runtime that was checked last.
    checked: Arc<AtomicU32>,
}

impl Client {
    /// Connects to the first of these nodes that answers and runs the right runtime.
    pub async fn connect(urls: &[String]) -> Result<Self, ChainError> {
        let mut tried = Vec::new();
        for url in urls {
            match tokio::time::timeout(CONNECT_TIMEOUT, Self::open(url)).await {
                Ok(Ok(client)) => return Ok(client),
                Ok(Err(error @ ChainError::OtherRuntime { .. })) if urls.len() == 1 => return Err(error),
                Ok(Err(error)) => tried.push(format!("{url}: {error}")),
                Err(_) => tried.push(format!("{url}: no answer in {} s", CONNECT_TIMEOUT.as_secs())),
            }
        }
        Err(ChainError::NoNode {
            tried: tried.join("; "),
        })
    }

    async fn open(url: &str) -> Result<Self, ChainError> {
        let failed = || ChainError::request("a connection");
        let rpc = RpcClient::from_insecure_url(url)
            .await
            .map_err(BoxError::from)
            .map_err(failed())?;
        let backend = LegacyBackend::builder().build(rpc.clone());
        let online = OnlineClient::from_backend_with_config(SubstrateConfig::new(), Arc::new(backend))
            .await
            .map_err(BoxError::from)
            .map_err(failed())?;
        let rpc = LegacyRpcMethods::new(rpc);
        let is_development = is_development(rpc.system_chain_type().await)?;
        let client = Self {
            online,
            rpc,
            url: url.into(),
            is_development,
            checked: Arc::new(AtomicU32::new(u32::MAX)),
        };
        client.finalized().await?;
        Ok(client)
    }

    /// The node's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Hash of the chain's first block, which identifies it.
    pub fn genesis(&self) -> H256 {
        H256(self.online.genesis_hash().0)
    }

    /// Whether nothing on the chain is worth anything, so that keys that others know may sign.
    pub fn is_development(&self) -> bool {
        self.is_development
    }

    /// The state after the latest finalized block.
    pub async fn finalized(&self) -> Result<Snapshot, ChainError> {
        let at = self
            .online
            .at_current_block()
            .await
            .map_err(BoxError::from)
            .map_err(ChainError::request("the latest finalized block"))?;
        self.checked(Snapshot::new(at)).await
    }

    /// The state after a block.
    pub async fn at(&self, number: BlockNumber) -> Result<Snapshot, ChainError> {
        let at = self
            .online
            .at_block(u64::from(number))
            .await
            .map_err(BoxError::from)
            .map_err(ChainError::request("a block"))?;
        self.checked(Snapshot::new(at)).await
    }

    /// The state after the block of this hash.
    pub(super) async fn at_hash(&self, hash: H256) -> Result<Snapshot, ChainError> {
        let at = self
            .online
            .at_block(subxt::utils::H256(hash.0))
            .await
            .map_err(BoxError::from)
            .map_err(ChainError::request("a block"))?;
        self.checked(Snapshot::new(at)).await
    }

    /// Hash of the block of this number on the best chain.
    pub(super) async fn block_hash(&self, number: BlockNumber) -> Result<Option<H256>, ChainError> {
        let hash = self
            .rpc
            .chain_get_block_hash(Some(u64::from(number).into()))
            .await
            .map_err(BoxError::from)
            .map_err(ChainError::request("a block's hash"))?;
        Ok(hash.map(|hash| H256(hash.0)))
    }

    /// The transactions in the block of this hash.
    pub(super) async fn body(&self, hash: H256) -> Result<Vec<Vec<u8>>, ChainError> {
        let what = "a block's transactions";
        let block = self
            .rpc
            .chain_get_block(Some(subxt::utils::H256(hash.0)))
            .await
            .map_err(BoxError::from)
            .map_err(ChainError::request(what))?
            .ok_or_else(|| ChainError::Request {
                what,
                reason: "the node has no such block".into(),
            })?;
        Ok(block.block.extrinsics.into_iter().map(|bytes| bytes.0).collect())
    }

    async fn checked(&self, snapshot: Snapshot) -> Result<Snapshot, ChainError> {
        let version = snapshot.spec_version();
        if self.checked.load(Ordering::Relaxed) != version {
            contract::check(snapshot.metadata(), &self.url)?;
            self.checked.store(version, Ordering::Relaxed);
        }
        snapshot.with_moment().await
    }

    /// Number of the best block, which may yet be replaced.
    pub async fn best_number(&self) -> Result<BlockNumber, ChainError> {
        let header = self
            .rpc
            .chain_get_header(None)
            .await
            .map_err(BoxError::from)
            .map_err(ChainError::request("the best block"))?;
        Ok(header.map_or(0, |header| header.number as BlockNumber))
    }

    /// State of the node, as it says itself.
    pub async fn health(&self) -> Result<NodeHealth, ChainError> {
        let health = self.rpc.system_health().await;
        let health = health
            .map_err(BoxError::from)
            .map_err(ChainError::request("its health"))?;
        Ok(NodeHealth {
            // Nobody has that many peers.
            peers: u32::try_from(health.peers).unwrap_or(u32::MAX),
            is_syncing: health.is_syncing,
            should_have_peers: health.should_have_peers,
        })
    }

    /// The next nonce of an account, its transactions in the pool counted.
    pub(super) async fn next_nonce(&self, account: &AccountId) -> Result<u64, ChainError> {
        let bytes: [u8; 32] = account.clone().into();
        self.rpc
            .system_account_next_index(&bytes.into())
            .await
            .map_err(BoxError::from)
            .map_err(ChainError::request("the account's nonce"))
    }

    /// The state after the best block, which may yet be replaced.
    pub async fn best(&self) -> Result<Snapshot, ChainError> {
        // Blocks are found by their numbers on the best chain.
        self.at(self.best_number().await?).await
    }

    /// Follows the finalized blocks, from the one after `after` (from the latest one without it) and without gaps.
    pub async fn blocks(&self, after: Option<BlockNumber>) -> Result<Blocks, ChainError> {
        let stream = self
            .online
            .stream_blocks()
            .await
            .map_err(BoxError::from)
            .map_err(ChainError::request("finalized blocks"))?;
        Ok(Blocks {
            client: self.clone(),
            stream,
            next: after.map(|after| after + 1),
            newest: 0,
        })
    }
}

/// Reads the type of the chain. Chains for development on one machine or a few have one of two types; a node that does
/// not say, or says something else, may be of a chain with value on it.
fn is_development(chain_type: Result<String, RpcError>) -> Result<bool, ChainError> {
    match chain_type {
        Ok(name) => Ok(matches!(name.as_str(), "Development" | "Local")),
        // A type of the chain's own is no plain string, and some nodes do not answer the question.
        Err(RpcError::Deserialization(_) | RpcError::User(_)) => Ok(false),
        Err(error) => Err(ChainError::request("the chain's type")(error.into())),
    }
}

/// Finalized blocks, one after the other.
pub struct Blocks {
    client: Client,
    stream: subxt::client::Blocks<Config>,
    /// The block to give next; set once one is known.
    next: Option<BlockNumber>,
    /// The newest block that the node has announced.
    newest: BlockNumber,
}

impl Blocks {
    /// The state after the next finalized block.
    ///
    /// The node may announce several blocks as one; those between are given as well.
    pub async fn next(&mut self, patience: Duration) -> Result<Snapshot, ChainError> {
        while self.next.is_none_or(|next| next > self.newest) {
            let announced =
                tokio::time::timeout(patience, self.stream.next())
                    .await
                    .map_err(|_| ChainError::Stalled {
                        seconds: patience.as_secs(),
                    })?;
            let block = match announced {
                None => {
                    return Err(ChainError::Request {
                        what: "finalized blocks",
                        reason: "the stream ended".into(),
                    });
                }
                Some(block) => block
                    .map_err(BoxError::from)
                    .map_err(ChainError::request("finalized blocks"))?,
            };
            let number = block.number() as BlockNumber;
            self.newest = self.newest.max(number);
            self.next.get_or_insert(number);
        }
        let number = self.next.unwrap_or(self.newest);
        let snapshot = self.client.at(number).await?;
        self.next = Some(number + 1);
        Ok(snapshot)
    }

    /// Goes on after this block, where the ones between are not wanted.
    pub fn skip_to(&mut self, number: BlockNumber) {
        self.next = Some(self.next.map_or(number, |next| next.max(number)));
    }

    /// Whether the block given last is the newest one known.
    pub fn is_at_head(&self) -> bool {
        self.next.is_some_and(|next| next > self.newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_chains_that_say_so_are_for_development() {
        for (name, expected) in [
            ("Development", true),
            ("Local", true),
            ("Live", false),
            ("development", false),
        ] {
            assert_eq!(is_development(Ok(name.into())).ok(), Some(expected), "{name}");
        }
        let other = serde_json::from_str::<String>("{\"Custom\":\"Local\"}").expect_err("no string");
        assert_eq!(is_development(Err(RpcError::Deserialization(other))).ok(), Some(false));
        let broken = RpcError::DisconnectedWillReconnect("gone".into());
        assert!(is_development(Err(broken)).is_err());
    }
}
