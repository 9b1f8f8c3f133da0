//! One transaction: signed, handed to the pool, and followed into a block.

use super::{
    Client, Config, Key,
    account::{Pool, Wait, Watching},
    calls::Call,
    error::{BoxError, ChainError, PoolError, SubmitError, pool_error},
    events::{Event, SystemEvent},
    types::H256,
};
use polkadot_sdk::sp_runtime::{DispatchError, ModuleError};
use subxt::{
    client::OnlineClientAtBlockImpl,
    config::DefaultExtrinsicParamsBuilder,
    ext::{
        scale_encode::{self, EncodeAsFields, FieldIter},
        scale_type_resolver::TypeResolver,
    },
    metadata::Metadata,
    transactions::{DynamicPayload, TransactionInBlock, TransactionProgress, TransactionStatus},
};

/// Blocks after which a transaction that was not included can no longer be.
const LIFETIME_BLOCKS: u64 = 64;

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
    pub(super) client: Client,
    pub(super) key: Key,
}

impl Pool for NodePool {
    async fn next_nonce(&self) -> Result<u64, ChainError> {
        self.client.next_nonce(&self.key.account()).await
    }

    async fn submit(&self, call: &Call, nonce: u64, wait: Wait) -> Result<Watching, PoolError> {
        let invalid = |error: BoxError| PoolError::Final(SubmitError::Invalid(error.0));
        let not_sent = |error: BoxError| PoolError::Final(SubmitError::NotSent(error.0));
        let snapshot = self.client.finalized().await.map_err(|error| not_sent(error.into()))?;
        let (name, arguments) = call.name_and_arguments();
        let payload = DynamicPayload::new(call.pallet(), name, Encoded(arguments));
        let params = DefaultExtrinsicParamsBuilder::<Config>::new()
            .nonce(nonce)
            .mortal_from_unchecked(LIFETIME_BLOCKS, snapshot.number().into(), snapshot.at().block_hash())
            .build();
        let transaction = snapshot
            .at()
            .tx()
            .create_signable_offline(&payload, params)
            .and_then(|mut signable| signable.sign(self.key.pair()))
            .map_err(|error| invalid(error.into()))?;
        let progress = transaction
            .submit_and_watch()
            .await
            .map_err(|error| pool_error(&error))?;
        Ok(Box::pin(follow(progress, wait)))
    }
}

type Progress = TransactionProgress<Config, OnlineClientAtBlockImpl<Config>>;
type InBlock = TransactionInBlock<Config, OnlineClientAtBlockImpl<Config>>;

async fn follow(mut progress: Progress, wait: Wait) -> Result<Inclusion, SubmitError> {
    while let Some(status) = progress.next().await {
        match status.map_err(|error| SubmitError::Unknown(BoxError::from(error).0))? {
            TransactionStatus::InBestBlock(block) if wait == Wait::InBlock => return outcome(&block).await,
            TransactionStatus::InFinalizedBlock(block) => return outcome(&block).await,
            TransactionStatus::Error { message } | TransactionStatus::Dropped { message } => {
                return Err(SubmitError::Unknown(message));
            }
            TransactionStatus::Invalid { message } => return Err(SubmitError::Invalid(message)),
            TransactionStatus::Validated
            | TransactionStatus::Broadcasted
            | TransactionStatus::NoLongerInBestBlock
            | TransactionStatus::InBestBlock(_) => {}
        }
    }
    Err(SubmitError::Unknown("the node stopped reporting".into()))
}

async fn outcome(block: &InBlock) -> Result<Inclusion, SubmitError> {
    let unknown = |error: BoxError| SubmitError::Unknown(error.0);
    let at = block.at().await.map_err(|error| unknown(error.into()))?;
    let raw = block.fetch_events().await.map_err(|error| unknown(error.into()))?;
    let mut events = Vec::new();
    for event in raw.iter() {
        let event = event.map_err(|error| unknown(error.into()))?;
        match Event::decode(event.pallet_name(), event.event_name(), event.field_bytes()) {
            Some(Ok(Event::System(SystemEvent::ExtrinsicFailed { dispatch_error }))) => {
                return Err(explain(at.metadata_ref(), &dispatch_error));
            }
            Some(Ok(event)) => events.push(event),
            Some(Err(error)) => return Err(unknown(error.into())),
            None => {}
        }
    }
    Ok(Inclusion {
        block: H256(block.block_hash().0),
        transaction: H256(block.extrinsic_hash().0),
        events,
    })
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

    /// What a call would cost its sender in fees, at this block's price.
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
