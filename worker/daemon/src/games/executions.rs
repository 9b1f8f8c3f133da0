//! Executes jobs and requests again, for all games of an account: two at a time, and each once as long as it is
//! remembered.

use super::{Archive, SharedExecution, archive::recall_or_execute};
use crate::{
    job_input::{self, Found, RequestId, Sources, lists},
    models::Models,
};
use assay_client::chain::{ChainError, StateView};
use assay_ops::tensor::Tensor;
use assay_types::{ClaimId, ClaimSource, H256, JobId, ModelParts, dispute::Committed};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Executions, statements and proofs that are worked out at a time. An engine executes one job after the other
/// anyway.
const WORKINGS: usize = 2;

/// Whatever it takes to execute jobs again.
#[derive(Clone)]
pub(super) struct Executions {
    pub(super) models: Models,
    /// Where inputs by digest are, and the digests of executions.
    pub(super) sources: Sources,
    /// Executions that were made, for all games of a job.
    pub(super) archive: Archive,
    pub(super) permits: Arc<Semaphore>,
}

impl Executions {
    /// Nothing was executed yet.
    pub(super) fn new(models: Models, sources: Sources) -> Self {
        Self {
            models,
            sources,
            archive: Archive::default(),
            permits: Arc::new(Semaphore::new(WORKINGS)),
        }
    }

    /// The execution that a claim is about which is disputed. It is kept in the archive.
    pub(super) async fn of_claim(
        &self,
        claim: ClaimId,
        committed: Committed,
        read: &impl StateView,
    ) -> Result<SharedExecution, String> {
        self.ensure_loaded(&committed.model_root)?;
        let (inputs, job) = match ClaimSource::of(claim) {
            ClaimSource::Job(job) => (self.inputs(job, read).await?, Some(job)),
            ClaimSource::Receipt { session, sequence } => {
                let request = RequestId { session, sequence };
                (self.requested(request, &committed, read).await?, None)
            }
        };
        self.execute(committed, inputs, job).await
    }

    /// The execution that a claim is about whose dispute is over: the one that is kept, or another one if the input is
    /// found by its digest.
    pub(super) async fn of_closed_claim(
        &self,
        claim: ClaimId,
        committed: Committed,
        symbols: &[u32],
        read: &impl StateView,
    ) -> Result<SharedExecution, String> {
        if let Some(execution) = self.archive.get(&committed) {
            return Ok(execution);
        }
        self.ensure_loaded(&committed.model_root)?;
        let inputs = match ClaimSource::of(claim) {
            ClaimSource::Job(_) => {
                let parts = parts_of(&committed, read).await?;
                found(job_input::find_by_digest(committed.input_digest, symbols, &parts, &self.sources).await)?
            }
            ClaimSource::Receipt { session, sequence } => {
                let request = RequestId { session, sequence };
                self.requested(request, &committed, read).await?
            }
        };
        self.execute(committed, inputs, None).await
    }

    fn ensure_loaded(&self, root: &H256) -> Result<(), String> {
        match self.models.get(root) {
            Some(_) => Ok(()),
            None => Err("its model is not among those that are loaded here".to_owned()),
        }
    }

    /// The execution of a job, whose trees are kept as long as it is open.
    async fn execute(
        &self,
        committed: Committed,
        inputs: Vec<Tensor>,
        job: Option<JobId>,
    ) -> Result<SharedExecution, String> {
        let model = self.models.get(&committed.model_root).cloned();
        let model = model.ok_or_else(|| "its model is not among those that are loaded here".to_owned())?;
        let (archive, store) = (self.archive.clone(), self.sources.store.clone());
        let _permit = self.permits.acquire().await.map_err(|error| error.to_string())?;
        let executing = tokio::task::spawn_blocking(move || {
            let execution = recall_or_execute(&archive, &model, inputs, &committed, job, store.as_ref());
            let execution = execution.map_err(|error| error.to_string())?;
            archive.keep(&committed, execution.clone());
            Ok(execution)
        });
        executing
            .await
            .map_err(|error| format!("the execution failed: {error}"))?
    }

    /// The inputs of a job, from the chain, the copies or the folder.
    async fn inputs(&self, job: JobId, read: &impl StateView) -> Result<Vec<Tensor>, String> {
        let gone = || "the job is closed".to_owned();
        let record = read.job(job).await.map_err(in_words)?.ok_or_else(gone)?;
        let version = read.version(record.model).await.map_err(in_words)?;
        let parts = version
            .ok_or_else(|| format!("its model {} is no longer registered", record.model))?
            .parts;
        found(
            job_input::find_in(read, job, &record, &parts, &self.sources)
                .await
                .map_err(in_words)?,
        )
    }

    /// The inputs of a session's request, from what is kept or from the folder.
    async fn requested(
        &self,
        request: RequestId,
        committed: &Committed,
        read: &impl StateView,
    ) -> Result<Vec<Tensor>, String> {
        let parts = parts_of(committed, read).await?;
        found(lists::find_request(request, committed, &parts, &self.sources).await)
    }
}

/// The parts of the model that a claim names by its root.
async fn parts_of(committed: &Committed, read: &impl StateView) -> Result<ModelParts, String> {
    let gone = || "its model is no longer registered".to_owned();
    let version = read.version_by_root(committed.model_root).await.map_err(in_words)?;
    let record = read.version(version.ok_or_else(gone)?).await.map_err(in_words)?;
    Ok(record.ok_or_else(gone)?.parts)
}

fn found(found: Found) -> Result<Vec<Tensor>, String> {
    match found {
        Found::Input(inputs) => Ok(inputs),
        Found::Impossible(reason) => Err(reason),
    }
}

fn in_words(error: ChainError) -> String {
    error.to_string()
}
