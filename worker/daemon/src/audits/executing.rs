//! Executes the job of a claim that is audited, on the engine that serves jobs.

use crate::{
    engine::{Reply, Task, Tasks},
    games::{Conduct, Finder},
    job_input::{self, Found},
    models::Models,
    serve::store::Store,
};
use assay_client::chain::{ChainError, H256, StateView};
use assay_types::{ClaimId, ClaimSource};
use std::{sync::Arc, time::Instant};
use tokio::sync::mpsc;

/// Whatever it takes to audit. Clones share it.
#[derive(Clone)]
pub(crate) struct Auditing {
    /// The engine's queue.
    pub(crate) tasks: Tasks,
    /// The models that are served.
    pub(crate) models: Models,
    /// Where the salts of answers are.
    pub(crate) store: Store,
    /// Finds the inputs, and executes what differs with everything on the way.
    pub(crate) finder: Finder,
    /// The auditor's conduct.
    pub(crate) conduct: Arc<dyn Conduct>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// There may be one soon, as the reason says.
    Later(String),
    /// Nothing that this program can do helps.
    Impossible(String),
}

impl Auditing {
    /// The digest of the outputs of the job that a claim is about, computed up to this moment.
    pub(super) async fn execute(
        &self,
        claim: ClaimId,
        state: Arc<impl StateView>,
        until: Instant,
    ) -> Result<H256, NoAnswer> {
        let later = |error: ChainError| NoAnswer::Later(error.to_string());
        let impossible = |reason: &str| NoAnswer::Impossible(reason.to_owned());
        let ClaimSource::Job(job) = ClaimSource::of(claim) else {
            return Err(impossible("it is not a job's claim"));
        };
        let record = state.job(job).await.map_err(later)?;
        let record = record.ok_or_else(|| impossible("its job is closed"))?;
        let version = state.version(record.model).await.map_err(later)?;
        let version = version.ok_or_else(|| impossible("its model is no longer registered"))?;
        if self.models.get(&version.root).is_none() {
            return Err(NoAnswer::Impossible(format!(
                "its model {} is not among those served here: serve it, or remove its offer",
                record.model
            )));
        }
        let found = job_input::find_given(&*state, job, &record, &version.parts, &self.finder.sources).await;
        let inputs = match found.map_err(later)? {
            Found::Input(inputs) => inputs,
            Found::Impossible(reason) => return Err(NoAnswer::Impossible(reason)),
        };
        let (outcome, mut ended) = mpsc::channel(1);
        let (tokens, _nobody) = mpsc::unbounded_channel();
        let task = Task {
            job,
            model: version.root,
            inputs,
            until,
            reply: Some(Reply { outcome, tokens }),
        };
        let taken = self.tasks.try_run(task);
        taken.map_err(|error| NoAnswer::Later(error.to_string()))?;
        match ended.recv().await {
            Some(Ok(output)) => Ok(output.digest),
            Some(Err(error)) => Err(NoAnswer::Impossible(error.to_string())),
            None => Err(NoAnswer::Later("the engine's supervisor has ended".to_owned())),
        }
    }
}
