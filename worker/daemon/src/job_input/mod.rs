//! Finds a job's input, on chain, among the copies, in the folder of inputs or in the workers' network, and makes sure
//! that it is the one asked for.
//!
//! An execution of a claimed generation takes the claimed sequence as well, which is on chain while the job is open.
//! Nothing of a session's request is on chain: see [`lists`].

pub mod lists;

pub use lists::{KeptRequests, RequestId};

use crate::{
    network::Network,
    serve::store::{Copied, Store, StoreError},
};
use assay_client::chain::{ChainError, H256, Job, JobState, StateView};
use assay_ops::tensor::Tensor;
use assay_types::{
    JobId, ModelParts,
    payload::{check_request, delivered, given_layouts, lengths},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::task::spawn_blocking;

/// Where inputs are that are not on chain.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Folder of inputs by digest, which others may change.
    pub folder: PathBuf,
    /// The store with copies, which is looked at first.
    pub store: Option<Store>,
    /// Whether an input that is found elsewhere than on chain is copied: that of a job which is taken is.
    pub copy: bool,
    /// The workers' network, which is asked last.
    pub network: Option<Network>,
    /// The requests of the sessions that are served here.
    pub requests: Option<Arc<dyn KeptRequests>>,
}

/// Outcome of the search.
pub enum Found {
    /// The input tensors: those that the client gives and, of a generation that is claimed, the claimed sequence.
    Input(Vec<Tensor>),
    /// The job cannot be done, for this reason.
    Impossible(String),
}

/// Gets a job's input tensors, from the chain or from the folder.
pub async fn find(
    state: &impl StateView,
    id: JobId,
    job: &Job,
    parts: &ModelParts,
    folder: &Path,
) -> Result<Found, ChainError> {
    let sources = Sources {
        folder: folder.to_owned(),
        store: None,
        copy: false,
        network: None,
        requests: None,
    };
    find_in(state, id, job, parts, &sources).await
}

/// Gets a job's input tensors from the chain, the copies, the folder or the network. The folder may be slow, or hang,
/// and the network takes up to half a minute, so no task that has anything else to do waits for this.
pub async fn find_in(
    state: &impl StateView,
    id: JobId,
    job: &Job,
    parts: &ModelParts,
    sources: &Sources,
) -> Result<Found, ChainError> {
    let mut tensors = match find_given(state, id, job, parts, sources).await? {
        Found::Input(tensors) => tensors,
        impossible @ Found::Impossible(_) => return Ok(impossible),
    };
    if is_claimed(&job.state) && lengths(parts).is_some() {
        match claimed_sequence(&job.symbols, parts, state.output(id).await?) {
            Ok(sequence) => tensors.push(sequence),
            Err(reason) => return Ok(Found::Impossible(reason)),
        }
    }
    Ok(Found::Input(tensors))
}

/// Gets the tensors that the client of a job gives, as [`find_in`] does, without the sequence that was claimed.
pub async fn find_given(
    state: &impl StateView,
    id: JobId,
    job: &Job,
    parts: &ModelParts,
    sources: &Sources,
) -> Result<Found, ChainError> {
    let on_chain = state.input(id).await?;
    let is_on_chain = on_chain.is_some();
    if let (true, Some(network)) = (is_on_chain, &sources.network) {
        network.note_public(job.input_digest);
    }
    let bytes = match on_chain {
        Some(bytes) => Ok(bytes),
        None => by_digest(job.input_digest, &job.symbols, parts, sources).await,
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(reason) => return Ok(Found::Impossible(reason)),
    };
    let tensors = match fit(&job.symbols, job.input_digest, parts, &bytes) {
        Ok(tensors) => tensors,
        Err(reason) => return Ok(Found::Impossible(reason)),
    };
    if let (Some(store), true, false) = (&sources.store, sources.copy, is_on_chain) {
        copy(store.clone(), id, job.input_digest, bytes).await;
    }
    Ok(Found::Input(tensors))
}

/// Gets the input tensors of a job that is closed, and of which nothing is on chain any more. Those of a generation are
/// gone with its sequence.
pub async fn find_by_digest(digest: H256, symbols: &[u32], parts: &ModelParts, sources: &Sources) -> Found {
    if lengths(parts).is_some() {
        return Found::Impossible("the job is closed, and its sequence is no longer on chain".to_owned());
    }
    let bytes = by_digest(digest, symbols, parts, sources).await;
    let tensors = bytes.and_then(|bytes| fit(symbols, digest, parts, &bytes));
    tensors.map_or_else(Found::Impossible, Found::Input)
}

/// The bytes of an input, from the copies, the folder or the network, or why there are none.
async fn by_digest(digest: H256, symbols: &[u32], parts: &ModelParts, sources: &Sources) -> Result<Vec<u8>, String> {
    if let Some(bytes) = copied(sources, digest).await {
        return Ok(bytes);
    }
    let reason = match in_folder(&sources.folder, &hex::encode(digest)).await {
        Ok(bytes) => return Ok(bytes),
        Err(reason) => reason,
    };
    let Some(network) = &sources.network else {
        return Err(reason);
    };
    let layouts =
        given_layouts(parts, symbols).map_err(|error| format!("its input does not fit the model: {error:?}"))?;
    // Saturating: a sum that saturates is more than anybody sends.
    let most = layouts
        .iter()
        .fold(0u64, |sum, layout| sum.saturating_add(layout.bytes));
    let fetched = network.fetch(digest, most).await;
    let fetched = fetched.map_err(|error| format!("{reason}, and nobody in the network gives it: {error}"))?;
    Ok(assay_client::schema::payload(&fetched))
}

/// The bytes of an input in the folder, or why there are none.
async fn in_folder(folder: &Path, digest: &str) -> Result<Vec<u8>, String> {
    let path = folder.join(format!("{digest}.bin"));
    match tokio::fs::read(&path).await {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("its input 0x{digest} is not in {}", folder.display()))
        }
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

/// The copy of an input, if there is one.
async fn copied(sources: &Sources, digest: H256) -> Option<Vec<u8>> {
    let store = sources.store.clone()?;
    let found = spawn_blocking(move || store.input(digest)).await;
    match found {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::error!(%error, "the copies of inputs cannot be read");
            None
        }
        Err(_) => None,
    }
}

/// Copies an input. A job is done without the copy too, but a dispute about it could be lost if the folder loses the
/// input.
async fn copy(store: Store, job: JobId, digest: H256, bytes: Vec<u8>) {
    let outcome: Result<Result<Copied, StoreError>, _> =
        spawn_blocking(move || store.keep_input(job, digest, &bytes)).await;
    match outcome {
        Ok(Ok(Copied::Kept)) | Err(_) => {}
        Ok(Ok(Copied::NoRoom)) => tracing::warn!(
            job,
            "the input is not copied, since the copies of other jobs take all the room: keep it in inputs_dir until the job is closed"
        ),
        Ok(Err(error)) => tracing::error!(
            job,
            %error,
            "THE INPUT CANNOT BE COPIED: keep it in inputs_dir until the job is closed"
        ),
    }
}

/// Whether an output was claimed for a job in this state.
fn is_claimed(state: &JobState) -> bool {
    match state {
        JobState::Claimed { .. } | JobState::Disputed { .. } => true,
        JobState::Bidding { .. } | JobState::Revealing { .. } | JobState::Assigned { .. } | JobState::Sealed { .. } => {
            false
        }
    }
}

fn fit(symbols: &[u32], expected: H256, parts: &ModelParts, bytes: &[u8]) -> Result<Vec<Tensor>, String> {
    let unfit = |error| format!("its input does not fit the model: {error:?}");
    let layouts = given_layouts(parts, symbols).map_err(unfit)?;
    let digest = assay_client::schema::digest(&layouts, bytes).map_err(unfit)?;
    if digest != expected {
        return Err(format!("its input has the digest {digest:?}, not {expected:?}"));
    }
    // The chain has checked it, unless it has only the digest.
    check_request(parts, symbols, Some(bytes))
        .map_err(|fault| format!("its input is not what the job declares: {fault:?}"))?;
    assay_client::schema::tensors(&layouts, bytes).map_err(unfit)
}

/// The sequence that was claimed for a generation.
fn claimed_sequence(symbols: &[u32], parts: &ModelParts, output: Option<Vec<u8>>) -> Result<Tensor, String> {
    let output = output.ok_or_else(|| "its sequence is not on chain".to_owned())?;
    let unfit = |error| format!("its sequence does not fit the model: {error:?}");
    let outputs = delivered(parts, symbols, &output).map_err(unfit)?;
    let tensors = assay_client::schema::tensors(&outputs.layouts, &outputs.bytes).map_err(unfit)?;
    let sequence = tensors.into_iter().next();
    sequence.ok_or_else(|| "its model gives no sequence".to_owned())
}
