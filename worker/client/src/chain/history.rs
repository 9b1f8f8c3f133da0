//! Blocks of the past: what a node still has of them when it has pruned their state.
//!
//! A node keeps the transactions of every block and, unless it is an archive, the state of the latest few hundred
//! blocks. Events are part of the state. Of an older block only its transactions can be read, and they say what was
//! asked for, not whether it happened.

use super::{
    Client,
    calls::Claim,
    error::{BoxError, ChainError},
    types::{AccountId, BlockNumber, H256, JobRequest},
};
use codec::{Decode, DecodeAll};
use subxt::{ext::frame_decode::extrinsics::decode_extrinsic, metadata::Metadata};

/// Order of a block's transaction to the market, by its sender's own signature.
#[derive(Clone, Debug, PartialEq)]
pub enum PastCall {
    /// A client submitted jobs.
    Submit {
        /// Account of the client.
        client: AccountId,
        /// The jobs, in order.
        requests: Vec<JobRequest>,
    },
    /// A worker claimed jobs.
    Claim {
        /// Account of the worker.
        worker: AccountId,
        /// The claims, in order.
        claims: Vec<Claim>,
    },
}

impl ChainError {
    /// Whether the node says that it has thrown the block's state away.
    pub fn is_pruned(&self) -> bool {
        match self {
            Self::Request { reason, .. } => {
                reason.contains("State already discarded") || reason.contains("UnknownBlock")
            }
            _ => false,
        }
    }
}

impl Client {
    /// The hash of a block; `None` if there is no such block. It needs no state of the block.
    pub async fn hash_of(&self, number: BlockNumber) -> Result<Option<H256>, ChainError> {
        let hash = self.rpc.chain_get_block_hash(Some(u64::from(number).into())).await;
        let hash = hash
            .map_err(BoxError::from)
            .map_err(ChainError::request("a block's hash"))?;
        Ok(hash.map(|hash| H256(hash.0)))
    }

    /// The submissions and claims among a block's transactions. It needs no state of the block. Calls inside of batches
    /// and proxied calls are not looked into.
    pub async fn past_calls(&self, number: BlockNumber) -> Result<Vec<PastCall>, ChainError> {
        let failed = || ChainError::request("a block's transactions");
        let Some(hash) = self.hash_of(number).await? else {
            return Ok(Vec::new());
        };
        let block = self.rpc.chain_get_block(Some(hash.0.into())).await;
        let Some(block) = block.map_err(BoxError::from).map_err(failed())? else {
            return Ok(Vec::new());
        };
        let snapshot = self.finalized().await?;
        let calls = block.block.extrinsics.iter();
        Ok(calls
            .filter_map(|bytes| past_call(bytes, snapshot.metadata()))
            .collect())
    }
}

/// The call of an encoded transaction, if it is one of these.
fn past_call(bytes: &[u8], metadata: &Metadata) -> Option<PastCall> {
    let transaction = decode_extrinsic(&mut &*bytes, metadata, metadata.types()).ok()?;
    if transaction.pallet_name() != "Market" {
        return None;
    }
    let signer = transaction.signature_payload()?.address_range();
    let sender = sender(bytes.get(signer)?)?;
    let mut arguments = bytes.get(transaction.call_data_args_range())?;
    let arguments = &mut arguments;
    match transaction.call_name() {
        "submit" => Some(PastCall::Submit {
            client: sender,
            requests: vec![JobRequest::decode_all(arguments).ok()?],
        }),
        "submit_batch" => Some(PastCall::Submit {
            client: sender,
            requests: Vec::decode_all(arguments).ok()?,
        }),
        "claim" => Some(PastCall::Claim {
            worker: sender,
            claims: vec![Claim::decode_all(arguments).ok()?],
        }),
        "claim_batch" => Some(PastCall::Claim {
            worker: sender,
            claims: Vec::decode_all(arguments).ok()?,
        }),
        _ => None,
    }
}

/// The account of an encoded `MultiAddress`, which is its first variant.
fn sender(address: &[u8]) -> Option<AccountId> {
    let (0, mut account) = address.split_first().map(|(variant, rest)| (*variant, rest))? else {
        return None;
    };
    AccountId::decode(&mut account).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pruned_block_is_told_from_a_broken_connection() {
        let error = |reason: &str| ChainError::Request {
            what: "a block",
            reason: reason.into(),
        };
        let pruned = "UnknownBlock: State already discarded for 0x12ab";
        assert!(error(pruned).is_pruned());
        assert!(!error("the background task closed").is_pruned());
    }

    #[test]
    fn a_sender_is_read_from_its_address() {
        let account = AccountId::new([7; 32]);
        let mut address = vec![0];
        address.extend([7; 32]);
        assert_eq!(sender(&address), Some(account));
        address[0] = 1;
        assert_eq!(sender(&address), None);
    }
}
