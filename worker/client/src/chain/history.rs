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
use assay_types::{JobId, delivery::OutputPiece};
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
        let transactions = self.transactions(number).await?;
        let snapshot = self.finalized().await?;
        let calls = transactions.iter();
        Ok(calls
            .filter_map(|bytes| past_call(bytes, snapshot.metadata()))
            .collect())
    }

    /// Pieces of a job's demanded output among a block's transactions, in order, also in batches and by proxies.
    /// Whether the chain took them is not said, and not needed: each is held against the output's digest.
    pub async fn past_pieces(&self, number: BlockNumber, job: JobId) -> Result<Vec<OutputPiece>, ChainError> {
        let transactions = self.transactions(number).await?;
        let snapshot = self.finalized().await?;
        let market = snapshot.metadata().pallet_by_name("Market");
        let call = market.and_then(|market| {
            let call = market.call_variant_by_name("deliver_output")?;
            Some([market.call_index(), call.index])
        });
        let Some(call) = call else { return Ok(Vec::new()) };
        let pieces = transactions.iter().flat_map(|bytes| pieces_in(bytes, call, job));
        Ok(pieces.collect())
    }

    /// The transactions of a block, in order; none if there is no such block.
    async fn transactions(&self, number: BlockNumber) -> Result<Vec<Vec<u8>>, ChainError> {
        let failed = || ChainError::request("a block's transactions");
        let Some(hash) = self.hash_of(number).await? else {
            return Ok(Vec::new());
        };
        let block = self.rpc.chain_get_block(Some(hash.0.into())).await;
        let block = block.map_err(BoxError::from).map_err(failed())?;
        let transactions = block.map(|block| block.block.extrinsics).unwrap_or_default();
        Ok(transactions.iter().map(|bytes| bytes.to_vec()).collect())
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

/// Pieces for this job in a transaction, which may be wrapped in others: `call` is how the call begins. What looks like
/// a piece and is none is found out by its digest.
fn pieces_in(transaction: &[u8], call: [u8; 2], job: JobId) -> Vec<OutputPiece> {
    let beginning = [&call[..], &job.to_le_bytes()].concat();
    let places = transaction.windows(beginning.len()).enumerate();
    let places = places.filter(|(_, window)| *window == beginning);
    places
        .filter_map(|(place, _)| {
            let mut rest = transaction.get(place + beginning.len()..)?;
            OutputPiece::decode(&mut rest).ok()
        })
        .collect()
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
    use codec::Encode;

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
    fn pieces_are_found_wherever_they_are_in_a_transaction() {
        let call = [52, 21];
        let piece = |byte| OutputPiece {
            root: [byte; 32],
            path: vec![[byte; 32]; 2],
            bytes: vec![byte; 1_024],
            proof: vec![[byte; 32]; 3],
        };
        let delivery = |byte: u8| [&call[..], &5u64.to_le_bytes(), &piece(byte).encode()].concat();
        // Proxied, in a batch.
        let transaction = [&[7; 99][..], &delivery(1), &[4; 3], &delivery(2), &[1; 9]].concat();
        assert_eq!(pieces_in(&transaction, call, 5), [piece(1), piece(2)]);
        assert_eq!(pieces_in(&transaction, call, 6), []);
        // Bytes that only begin as the call does.
        let cut = [&call[..], &5u64.to_le_bytes(), &[9; 40]].concat();
        assert_eq!(pieces_in(&cut, call, 5), []);
        assert_eq!(pieces_in(&[], call, 5), []);
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
