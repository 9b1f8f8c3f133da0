//! Questions to any node, of either chain, that the worker's client does not ask.

use anyhow::{Context, bail};
use jsonrpsee::{
    core::client::ClientT,
    http_client::{HttpClient, HttpClientBuilder},
    rpc_params,
};
use serde_json::Value;

/// First bytes of an item of a header's digest that the author made before the block: its kind, and whose it is.
const AURA_SLOT: [u8; 5] = [6, b'a', b'u', b'r', b'a'];
/// Bytes of a block's time, in milliseconds.
const MOMENT_BYTES: usize = 8;
/// Key of a block's time: `twox128("Timestamp") ‖ twox128("Now")`.
const NOW: &str = "0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb";

/// A node.
#[derive(Debug)]
pub struct Rpc(HttpClient);

impl Rpc {
    /// The node at this WebSocket address; it answers HTTP there as well.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self(HttpClientBuilder::default().build(url.replacen("ws", "http", 1))?))
    }

    /// The number of its latest finalized block.
    pub async fn finalized(&self) -> anyhow::Result<u32> {
        let hash: String = self.0.request("chain_getFinalizedHead", rpc_params![]).await?;
        number(&self.header(&hash).await?)
    }

    /// The number of its best block.
    pub async fn best(&self) -> anyhow::Result<u32> {
        number(&self.0.request("chain_getHeader", rpc_params![]).await?)
    }

    /// Nodes that it is connected to.
    pub async fn peers(&self) -> anyhow::Result<u64> {
        let health: Value = self.0.request("system_health", rpc_params![]).await?;
        health["peers"].as_u64().context("a node counts its peers")
    }

    /// The slot in which a parachain block was made, which decides who made it.
    pub async fn slot(&self, block: u32) -> anyhow::Result<u64> {
        let header = self.header(&self.hash(block).await?).await?;
        for item in header["digest"]["logs"].as_array().context("a header has a digest")? {
            let item = bytes(item.as_str().context("an item is hexadecimal")?)?;
            // Kind, engine, length of what follows, and the slot.
            if let Some(rest) = item.strip_prefix(AURA_SLOT.as_slice())
                && let Some(slot) = rest.get(1..9)
            {
                return Ok(u64::from_le_bytes(slot.try_into()?));
            }
        }
        bail!("block {block} has no slot")
    }

    /// Time of a block, in milliseconds.
    pub async fn moment_ms(&self, block: u32) -> anyhow::Result<u64> {
        let hash = self.hash(block).await?;
        let value: Option<String> = self.0.request("state_getStorage", rpc_params![NOW, hash]).await?;
        let value = bytes(&value.context("a block has a time")?)?;
        Ok(u64::from_le_bytes(
            value
                .get(..MOMENT_BYTES)
                .context("a time has eight bytes")?
                .try_into()?,
        ))
    }

    /// Bytes of a block's transactions.
    pub async fn size(&self, block: u32) -> anyhow::Result<usize> {
        let hash = self.hash(block).await?;
        let answer: Value = self.0.request("chain_getBlock", rpc_params![hash]).await?;
        let transactions = answer["block"]["extrinsics"]
            .as_array()
            .context("a block has transactions")?;
        Ok(transactions
            .iter()
            .filter_map(Value::as_str)
            .map(|text| text.len() / 2 - 1)
            .sum())
    }

    async fn hash(&self, block: u32) -> anyhow::Result<String> {
        let hash: Option<String> = self.0.request("chain_getBlockHash", rpc_params![block]).await?;
        hash.with_context(|| format!("there is no block {block}"))
    }

    async fn header(&self, hash: &str) -> anyhow::Result<Value> {
        Ok(self.0.request("chain_getHeader", rpc_params![hash]).await?)
    }
}

fn number(header: &Value) -> anyhow::Result<u32> {
    let text = header["number"].as_str().context("a header has a number")?;
    Ok(u32::from_str_radix(text.trim_start_matches("0x"), 16)?)
}

fn bytes(text: &str) -> anyhow::Result<Vec<u8>> {
    Ok(hex::decode(text.trim_start_matches("0x"))?)
}
