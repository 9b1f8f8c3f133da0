//! Requests that are gone on with: only on the chain and by the account that they were made with.

use super::{
    RequestError,
    journal::{Header, Journal, Record},
    run::Start,
};
use crate::chain::{AccountId, ChainError, Client};
use std::path::Path;

/// A request with a journal, ready to go on.
#[derive(Debug)]
pub struct Kept {
    /// The request's number.
    pub id: u64,
    /// Where it starts.
    pub start: Start,
}

/// Opens the journal of a request, or of the latest one, and makes sure that it is of this chain and account.
pub async fn resume(
    client: &Client,
    account: &AccountId,
    folder: &Path,
    id: Option<u64>,
) -> Result<Kept, RequestError> {
    let (journal, record) = Journal::open(folder, id)?;
    let id = journal.id();
    ensure_same_chain(client, id, &record).await?;
    if record.header.client().as_ref() != Some(account) {
        return Err(RequestError::OtherAccount {
            id,
            made: record.header.client.clone(),
            here: account.to_string(),
        });
    }
    let model = record.header.model();
    let version = client.finalized().await?.version(model).await?;
    let version = version.ok_or_else(|| RequestError::UnknownModel(model.to_string()))?;
    let mut others = Vec::new();
    for other in journal.others() {
        if is_of_chain(client, &other.header).await? {
            others.extend(other.jobs.into_values().map(|(job, _)| job));
        }
    }
    let start = Start::resumed(journal, &record, version.parts, others)?;
    Ok(Kept { id, start })
}

/// Fails if a request was made on another chain, or on one that was started anew since.
pub async fn ensure_same_chain(client: &Client, id: u64, record: &Record) -> Result<(), RequestError> {
    if is_of_chain(client, &record.header).await? {
        return Ok(());
    }
    Err(RequestError::OtherChain {
        id,
        genesis: record.header.genesis.clone(),
        after: record.header.after,
    })
}

/// Whether a request was made on this chain.
///
/// Chains for development begin with the same block each time, so a later one is compared as well.
pub async fn is_of_chain(client: &Client, header: &Header) -> Result<bool, ChainError> {
    if header.genesis != format!("{:?}", client.genesis()) {
        return Ok(false);
    }
    let hash = client.hash_of(header.after).await?;
    Ok(hash.is_some_and(|hash| format!("{hash:?}") == header.after_hash))
}
