//! One transaction: signed, handed to a node's pool, and read from a block.

use super::{
    Client, Config, Key,
    account::Wait,
    calls::Call,
    error::{BoxError, ChainError, PoolError, SubmitError, pool_error},
    events::{Event, SystemEvent},
    pool::{Outcome, Outlook, Pool, Signed, Status, Statuses},
    tip::Tipping,
    types::{BlockNumber, H256},
};
use futures::StreamExt;
use polkadot_sdk::{
    sp_crypto_hashing::blake2_256,
    sp_runtime::{DispatchError, ModuleError},
};
use std::sync::{Arc, PoisonError, RwLock};
use subxt::{
    config::DefaultExtrinsicParamsBuilder,
    events::Phase,
    ext::{
        scale_encode::{self, EncodeAsFields, FieldIter},
        scale_type_resolver::TypeResolver,
    },
    metadata::Metadata,
    transactions::{DynamicPayload, TransactionStatus},
};

/// Blocks after which a transaction that was not included can no longer be.
const LIFETIME_BLOCKS: BlockNumber = 64;
/// Blocks between the best one and the one that a transaction is signed at. Best blocks may be replaced, and a
/// transaction that is signed at such a block with them. Final blocks may be too far behind.
const ANCHOR_DEPTH: BlockNumber = 2;

/// A transaction's place on chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Hash of the block.
    pub block: H256,
    /// Hash of the transaction.
    pub transaction: H256,
    /// Its events that the worker follows.
    pub events: Vec<Event>,
}

impl Eq for Event {}

/// A node's pool, as one account sees it.
pub(super) struct NodePool {
    /// The connection; it is replaced when it breaks.
    pub(super) client: Arc<RwLock<Client>>,
    pub(super) key: Key,
}

impl NodePool {
    fn client(&self) -> Client {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Pool for NodePool {
    async fn next_nonce(&self) -> Result<u64, ChainError> {
        self.client().next_nonce(&self.key.account()).await
    }

    async fn outlook(&self, wait: Wait) -> Result<Outlook, ChainError> {
        let client = self.client();
        let snapshot = match wait {
            Wait::InBlock => client.best().await?,
            Wait::Finalized => client.finalized().await?,
        };
        Ok(Outlook {
            number: snapshot.number(),
            now: snapshot.now(),
            nonce: snapshot.nonce(&self.key.account()).await?,
        })
    }

    async fn sign(&self, call: &Call, nonce: u64, tipping: &Tipping) -> Result<Signed, PoolError> {
        let invalid = |error: BoxError| PoolError::Final(SubmitError::Invalid(error.0));
        let not_sent = |error: ChainError| PoolError::Final(SubmitError::NotSent(BoxError::from(error).0));
        let client = self.client();
        let best = client.best().await.map_err(not_sent)?;
        let anchor = best.number().saturating_sub(ANCHOR_DEPTH);
        let snapshot = client.at(anchor).await.map_err(not_sent)?;
        let tip = tipping.at(best.now());
        let (name, arguments) = call.name_and_arguments();
        let payload = DynamicPayload::new(call.pallet(), name, Encoded(arguments));
        let params = DefaultExtrinsicParamsBuilder::<Config>::new()
            .nonce(nonce)
            .tip(tip)
            .mortal_from_unchecked(LIFETIME_BLOCKS.into(), anchor.into(), snapshot.at().block_hash())
            .build();
        let transaction = snapshot
            .at()
            .tx()
            .create_signable_offline(&payload, params)
            .and_then(|mut signable| signable.sign(self.key.pair()))
            .map_err(|error| invalid(error.into()))?;
        Ok(Signed {
            hash: H256(transaction.hash().0),
            bytes: transaction.into_encoded(),
            born: anchor,
            dies: anchor.saturating_add(LIFETIME_BLOCKS - 1),
            tip,
        })
    }

    async fn submit(&self, signed: &Signed) -> Result<Statuses, PoolError> {
        let unknown = |error: ChainError| PoolError::Final(SubmitError::Unknown(error.to_string()));
        let at = self.client().finalized().await.map_err(unknown)?;
        let transaction = at.at().tx().from_bytes(signed.bytes.clone());
        let progress = transaction
            .submit_and_watch()
            .await
            .map_err(|error| pool_error(&error))?;
        let statuses = progress.map(|status| match status {
            Ok(TransactionStatus::InBestBlock(block)) => Status::InBlock {
                block: H256(block.block_hash().0),
                is_final: false,
            },
            Ok(TransactionStatus::InFinalizedBlock(block)) => Status::InBlock {
                block: H256(block.block_hash().0),
                is_final: true,
            },
            Ok(
                TransactionStatus::Error { message }
                | TransactionStatus::Dropped { message }
                | TransactionStatus::Invalid { message },
            ) => Status::Gone(message),
            Ok(
                TransactionStatus::Validated | TransactionStatus::Broadcasted | TransactionStatus::NoLongerInBestBlock,
            ) => Status::Waiting,
            Err(error) => Status::Gone(BoxError::from(error).0),
        });
        Ok(statuses.boxed())
    }

    async fn block_hash(&self, number: BlockNumber) -> Result<Option<H256>, ChainError> {
        self.client().block_hash(number).await
    }

    async fn outcome(&self, block: H256, transactions: &[H256]) -> Result<Option<Outcome>, ChainError> {
        let client = self.client();
        let body = client.body(block).await?;
        let found = body.iter().enumerate().find_map(|(index, bytes)| {
            let hash = H256(blake2_256(bytes));
            transactions.contains(&hash).then_some((index, hash))
        });
        match found {
            None => Ok(None),
            Some((index, transaction)) => outcome(&client, block, index as u32, transaction).await.map(Some),
        }
    }
}

/// Outcome of the transaction that is at this place in a block.
async fn outcome(client: &Client, block: H256, index: u32, transaction: H256) -> Result<Outcome, ChainError> {
    let failed = || ChainError::request("a transaction's events");
    let snapshot = client.at_hash(block).await?;
    let raw = snapshot.at().events().fetch().await;
    let raw = raw.map_err(BoxError::from).map_err(failed())?;
    let mut events = Vec::new();
    for event in raw.iter() {
        let event = event.map_err(BoxError::from).map_err(failed())?;
        if !matches!(event.phase(), Phase::ApplyExtrinsic(of) if of == index) {
            continue;
        }
        match Event::decode(event.pallet_name(), event.event_name(), event.field_bytes()) {
            Some(Ok(Event::System(SystemEvent::ExtrinsicFailed { dispatch_error }))) => {
                return Ok(Err(explain(snapshot.metadata(), &dispatch_error)));
            }
            Some(Ok(event)) => events.push(event),
            Some(Err(source)) => {
                return Err(ChainError::Decode {
                    what: "a transaction's events",
                    source,
                });
            }
            None => {}
        }
    }
    Ok(Ok(Inclusion {
        block,
        transaction,
        events,
    }))
}

/// A dispatch error in the words of the pallet's documentation.
pub(super) fn explain(metadata: &Metadata, error: &DispatchError) -> SubmitError {
    let DispatchError::Module(ModuleError {
        index, error: bytes, ..
    }) = error
    else {
        return SubmitError::Dispatch(format!("{error:?}"));
    };
    let pallet = metadata.pallet_by_error_index(*index);
    match pallet.and_then(|pallet| Some((pallet, pallet.error_variant_by_index(bytes[0])?))) {
        Some((pallet, variant)) => SubmitError::Refused {
            pallet: pallet.name().into(),
            error: variant.name.clone(),
            advice: variant
                .docs
                .iter()
                .map(|line| line.trim())
                .collect::<Vec<_>>()
                .join(" "),
        },
        None => SubmitError::Dispatch(format!("error {} of pallet {index}", bytes[0])),
    }
}

impl super::Snapshot {
    /// A dispatch error in the words of the pallet's documentation.
    pub fn explain(&self, error: &DispatchError) -> SubmitError {
        explain(self.metadata(), error)
    }

    /// Fees of a call to its sender, at this block's price.
    pub async fn fee(&self, call: &Call, key: &Key) -> Result<u128, ChainError> {
        let failed = || ChainError::request("the fees");
        let (name, arguments) = call.name_and_arguments();
        let payload = DynamicPayload::new(call.pallet(), name, Encoded(arguments));
        let params = DefaultExtrinsicParamsBuilder::<Config>::new()
            .nonce(0)
            .immortal()
            .build();
        let transaction = self
            .at()
            .tx()
            .create_signable_offline(&payload, params)
            .and_then(|mut signable| signable.sign(key.pair()))
            .map_err(BoxError::from)
            .map_err(failed())?;
        transaction
            .partial_fee_estimate()
            .await
            .map_err(BoxError::from)
            .map_err(failed())
    }
}

/// Arguments that are encoded already.
struct Encoded(Vec<u8>);

impl EncodeAsFields for Encoded {
    fn encode_as_fields_to<R: TypeResolver>(
        &self,
        _: &mut dyn FieldIter<'_, R::TypeId>,
        _: &R,
        out: &mut Vec<u8>,
    ) -> Result<(), scale_encode::Error> {
        out.extend_from_slice(&self.0);
        Ok(())
    }
}
