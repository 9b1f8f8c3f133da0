//! Questions to the node that the worker's client does not ask.

use anyhow::Context;
use assay_client::chain::AccountId;
use assay_types::H256;
use codec::{DecodeAll, Encode};
use jsonrpsee::{
    core::client::ClientT,
    http_client::{HttpClient, HttpClientBuilder},
    rpc_params,
};

/// Keys asked for at a time.
const PAGE: usize = 1000;

/// An entry of the state: key and value.
pub(crate) type Entry = (Vec<u8>, Vec<u8>);

/// A connection to a node that keeps nothing open between two questions.
#[derive(Debug)]
pub(crate) struct Rpc(HttpClient);

impl Rpc {
    /// The node is named by its WebSocket address; it answers HTTP there as well.
    pub(crate) fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self(HttpClientBuilder::default().build(url.replacen("ws", "http", 1))?))
    }

    /// Transactions that an account has sent, those in the pool counted.
    pub(crate) async fn transactions_of(&self, account: &AccountId) -> anyhow::Result<u32> {
        Ok(self
            .0
            .request("system_accountNextIndex", rpc_params![account.to_string()])
            .await?)
    }

    /// Transactions of an account that are in the best chain.
    pub(crate) async fn included_of(&self, account: &AccountId) -> anyhow::Result<u32> {
        let parameters = rpc_params!["AccountNonceApi_account_nonce", text(&account.encode())];
        let answer: String = self.0.request("state_call", parameters).await?;
        Ok(u32::decode_all(&mut &bytes(&answer)?[..])?)
    }

    /// Hash of the latest finalized block.
    pub(crate) async fn finalized(&self) -> anyhow::Result<H256> {
        let hash: String = self.0.request("chain_getFinalizedHead", rpc_params![]).await?;
        Ok(H256::from_slice(&bytes(&hash)?))
    }

    /// Hands in a signed transaction.
    pub(crate) async fn submit(&self, transaction: &[u8]) -> anyhow::Result<()> {
        let _: String = self
            .0
            .request("author_submitExtrinsic", rpc_params![text(transaction)])
            .await?;
        Ok(())
    }

    /// Version of the runtime that is in force after the latest finalized block.
    pub(crate) async fn version(&self) -> anyhow::Result<u32> {
        let block = self.finalized().await?;
        let version: serde_json::Value = self.0.request("state_getRuntimeVersion", rpc_params![block]).await?;
        let number = version["specVersion"].as_u64().context("a runtime has a version")?;
        Ok(number.try_into()?)
    }

    /// The value with this key, if there is one.
    pub(crate) async fn value(&self, key: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        let value: Option<String> = self.0.request("state_getStorage", rpc_params![text(key)]).await?;
        value.as_deref().map(bytes).transpose()
    }

    /// BLAKE2b-256 hash of the value with this key.
    pub(crate) async fn value_hash(&self, key: &[u8]) -> anyhow::Result<H256> {
        let hash: String = self.0.request("state_getStorageHash", rpc_params![text(key)]).await?;
        Ok(H256::from_slice(&bytes(&hash)?))
    }

    /// The whole state after a block, but for the entries with this key.
    pub(crate) async fn state(&self, block: H256, without: &[u8]) -> anyhow::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut last: Option<String> = None;
        loop {
            let parameters = rpc_params!["0x", PAGE, &last, block];
            let mut keys: Vec<String> = self.0.request("state_getKeysPaged", parameters).await?;
            let Some(end) = keys.last().cloned() else {
                return Ok(entries);
            };
            keys.retain(|key| *key != text(without));
            entries.extend(self.values(block, keys).await?);
            last = Some(end);
        }
    }

    async fn values(&self, block: H256, keys: Vec<String>) -> anyhow::Result<Vec<Entry>> {
        let sets: serde_json::Value = self.0.request("state_queryStorageAt", rpc_params![keys, block]).await?;
        let changes = sets[0]["changes"].as_array().context("the node answers with changes")?;
        changes
            .iter()
            .map(|change| {
                let part = |index: usize| bytes(change[index].as_str().context("an entry has a key and a value")?);
                Ok((part(0)?, part(1)?))
            })
            .collect()
    }
}

fn text(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn bytes(text: &str) -> anyhow::Result<Vec<u8>> {
    Ok(hex::decode(text.trim_start_matches("0x"))?)
}
