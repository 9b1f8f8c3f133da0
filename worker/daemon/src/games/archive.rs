//! Executions that were made, so that all games of a job share one.

use crate::{dispute::JobExecution, models::Model, serve::store::Store};
use assay_exact::digest::list_digest;
use assay_ops::{
    program::EngineError,
    tensor::{Blake2b256, Tensor},
};
use assay_player::Execution;
use assay_types::{H256, dispute::Committed, schema::ModelKind};
use std::sync::{Arc, Mutex, PoisonError};

/// Executions that are kept; one that is dropped is made again when something has to be said.
const KEPT: usize = 8;
/// Bytes of tensors that each of them keeps.
const KEPT_BYTES: usize = 128 << 20;

/// An execution that threads share.
pub type SharedExecution = Arc<dyn Execution + Send + Sync>;

/// What an execution is found by: the model's root, the digest of the inputs that the client gave, and that of the
/// claimed outputs, which have the sequence of a generation.
type Key = (H256, H256, H256);

/// The executions that were asked for last.
#[derive(Clone, Default)]
pub struct Archive(Arc<Mutex<Vec<(Key, SharedExecution)>>>);

impl Archive {
    /// The execution of this model on these inputs, if it was made and is kept.
    pub fn get(&self, committed: &Committed) -> Option<SharedExecution> {
        let key = key(committed);
        // Whoever panicked meanwhile has left a list that is whole.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let position = kept.iter().position(|(of, _)| *of == key)?;
        let found = kept.remove(position);
        let execution = found.1.clone();
        kept.push(found);
        Some(execution)
    }

    /// Keeps an execution, in place of the one that was not asked for the longest.
    pub fn keep(&self, committed: &Committed, execution: SharedExecution) {
        let key = key(committed);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, _)| *of != key);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((key, execution));
    }
}

fn key(committed: &Committed) -> Key {
    (committed.model_root, committed.input_digest, committed.output_digest)
}

/// The digest that the store knows an execution's inputs by: that of all of them. A generation's worker has given one
/// of them, to which the outputs commit.
fn stored_under(model: &Model, committed: &Committed) -> H256 {
    match model.package.parts().kind {
        ModelKind::Plain => committed.input_digest,
        ModelKind::Generation => {
            let digests = [committed.input_digest.0, committed.output_digest.0];
            H256(list_digest::<Blake2b256>(&digests))
        }
    }
}

/// The execution of a disputed job: with digests that are known from before, or made now and kept. Takes as long as
/// [`execute`].
pub(super) fn recall_or_execute(
    model: &Model,
    inputs: Vec<Tensor>,
    committed: &Committed,
    store: Option<&Store>,
) -> Result<SharedExecution, EngineError> {
    let (root, input) = (committed.model_root, stored_under(model, committed));
    let known = store.map(|store| store.trace(root, input)).transpose();
    let known = known.unwrap_or_else(|error| {
        tracing::error!(%error, "the digests of executions cannot be read");
        None
    });
    let operators = model.package.graph().graph().nodes.len();
    if let Some(trace) = known.flatten().filter(|trace| trace.nodes.len() == operators) {
        let execution = JobExecution::with_trace(model.subject()?, inputs, trace, KEPT_BYTES);
        return Ok(Arc::new(execution));
    }
    let execution = execute(model, inputs)?;
    if let Some(store) = store
        && let Err(error) = store.keep_trace(root, input, execution.trace())
    {
        tracing::error!(%error, "the digests of an execution cannot be kept; after a restart it is made again");
    }
    Ok(execution)
}

/// Executes a job with everything on the way. Takes as long as the model takes, and more: never on a task.
pub(crate) fn execute(model: &Model, inputs: Vec<Tensor>) -> Result<SharedExecution, EngineError> {
    Ok(Arc::new(JobExecution::keeping(model.subject()?, inputs, KEPT_BYTES)?))
}
