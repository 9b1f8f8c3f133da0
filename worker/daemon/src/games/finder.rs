//! Commitments to traces of our own, with which a challenge begins: of a watcher, and of an auditor whose answer
//! differs.

use super::{Archive, SharedExecution};
use crate::{
    job_input::{self, Found, Sources},
    models::Models,
};
use assay_client::chain::{AccountId, ChainError, H256, JobState, Salts, StateView};
use assay_player::{Hash, trace_digest};
use assay_types::{
    JobId,
    dispute::{Committed, commitment},
};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Whatever it takes to find a fault.
#[derive(Clone)]
pub(crate) struct Finder {
    pub(crate) models: Models,
    /// Where inputs are that jobs name by digest.
    pub(crate) sources: Sources,
    /// The executions that games use.
    pub(crate) archive: Archive,
    /// The salts of this account's commitments.
    pub(crate) salts: Salts,
    /// One execution at a time: wrong claims are few, and each takes the memory of a whole trace.
    pub(crate) permit: Arc<Semaphore>,
}

impl Finder {
    /// The commitment to our own trace, or why there is none.
    pub(crate) async fn commit(&self, job: JobId, me: &AccountId, snapshot: &impl StateView) -> Result<H256, String> {
        let execution = self.execution(job, snapshot).await?;
        let trace = trace_digest(&*execution);
        Ok(commitment::<Hash, _>(job, me, &trace, &self.salts.of(job)))
    }

    /// The execution of the job, for its games too.
    async fn execution(&self, job: JobId, snapshot: &impl StateView) -> Result<SharedExecution, String> {
        let text = |error: ChainError| error.to_string();
        let record = snapshot.job(job).await.map_err(text)?;
        let record = record.ok_or_else(|| "the job is closed".to_owned())?;
        let version = snapshot.version(record.model).await.map_err(text)?;
        let version = version.ok_or_else(|| "its model is no longer registered".to_owned())?;
        let claimed = match record.state {
            JobState::Claimed { output_digest, .. } | JobState::Disputed { output_digest, .. } => Some(output_digest),
            JobState::Bidding { .. }
            | JobState::Revealing { .. }
            | JobState::Assigned { .. }
            | JobState::Sealed { .. } => None,
        };
        let known = Committed {
            model_root: version.root,
            input_digest: record.input_digest,
            output_digest: claimed.ok_or_else(|| "the job is not claimed".to_owned())?,
        };
        // After a challenge that had no effect.
        if let Some(execution) = self.archive.get(&known) {
            return Ok(execution);
        }
        let model = self.models.get(&version.root).cloned();
        let model = model.ok_or_else(|| "its model is not among those that are loaded here".to_owned())?;
        let inputs = match job_input::find_in(snapshot, job, &record, &version.parts, &self.sources).await {
            Ok(Found::Input(inputs)) => inputs,
            Ok(Found::Impossible(reason)) => return Err(reason),
            Err(error) => return Err(error.to_string()),
        };
        let _permit = self.permit.acquire().await.map_err(|error| error.to_string())?;
        tracing::info!(
            job,
            "executing the job of a claim that differs with everything on the way, to commit to it"
        );
        let archive = self.archive.clone();
        let executing = tokio::task::spawn_blocking(move || {
            let execution = archive.execute(&model, inputs);
            execution.map_err(|error| error.to_string())
        });
        let execution = executing
            .await
            .map_err(|error| format!("the execution failed: {error}"))??;
        self.archive.keep(&known, execution.clone());
        Ok(execution)
    }
}
