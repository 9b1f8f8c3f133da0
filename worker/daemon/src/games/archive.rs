//! Executions that were made, so that all games of a job share one.

use crate::{
    dispute::{JobExecution, Pool, Room},
    models::Model,
    serve::store::Store,
};
use assay_exact::digest::list_digest;
use assay_ops::{
    program::EngineError,
    tensor::{Blake2b256, Tensor},
};
use assay_player::Execution;
use assay_types::{H256, JobId, dispute::Committed, schema::ModelKind};
use std::sync::{Arc, Mutex, PoisonError};

/// Executions that are kept; one that is dropped is made again when something has to be said. Without tensors one takes
/// little more than its inputs.
const KEPT: usize = 256;
/// Bytes of inputs of all of them. The one that was asked for last is kept whatever its size.
const MAX_INPUT_BYTES: usize = 1 << 30;
/// Bytes of tensors that all of them keep together.
const KEPT_BYTES: usize = 1 << 30;
/// Bytes of tensors that one of them takes at once without having been asked for them.
const OTHERS_BYTES: usize = 128 << 20;

/// An execution that threads share.
pub type SharedExecution = Arc<dyn Execution + Send + Sync>;

/// Key of an execution: the model's root, the digest of the inputs that the client gave, and that of the
/// claimed outputs, which have the sequence of a generation.
type Key = (H256, H256, H256);

/// The executions that were asked for last, and the room that they share.
#[derive(Clone)]
pub struct Archive {
    kept: Arc<Mutex<Vec<(Key, SharedExecution)>>>,
    pool: Pool,
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            kept: Arc::default(),
            pool: Pool::new(KEPT_BYTES),
        }
    }
}

impl Archive {
    /// The room for an execution of a job, with trees if there is a store.
    fn room(&self, of: Option<(&Store, JobId)>) -> Room {
        Room {
            pool: self.pool.clone(),
            others_bytes: OTHERS_BYTES,
            trees: of.map(|(store, job)| store.trees_at(job)),
        }
    }

    /// Executes a job with everything on the way. Takes as long as the model takes, and more: never on a task.
    pub(crate) fn execute(&self, model: &Model, inputs: Vec<Tensor>) -> Result<SharedExecution, EngineError> {
        let execution = JobExecution::in_room(model.subject()?, inputs, self.room(None))?;
        Ok(Arc::new(execution))
    }

    /// The execution of this model on these inputs, if it was made and is kept.
    pub fn get(&self, committed: &Committed) -> Option<SharedExecution> {
        let key = key(committed);
        // Whoever panicked meanwhile has left a list that is whole.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let position = kept.iter().position(|(of, _)| *of == key)?;
        let found = kept.remove(position);
        let execution = found.1.clone();
        kept.push(found);
        Some(execution)
    }

    /// Keeps an execution, in place of those that were not asked for the longest.
    pub fn keep(&self, committed: &Committed, execution: SharedExecution) {
        self.keep_within(committed, execution, MAX_INPUT_BYTES);
    }

    fn keep_within(&self, committed: &Committed, execution: SharedExecution, most_bytes: usize) {
        let key = key(committed);
        let mut dropped = Vec::new();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        dropped.extend(kept.extract_if(.., |(of, _)| *of == key));
        let mut bytes = input_bytes(&execution);
        // From the newest on, as long as there is room.
        let fitting = kept.iter().rev().take(KEPT - 1).take_while(|(_, execution)| {
            bytes = bytes.saturating_add(input_bytes(execution));
            bytes <= most_bytes
        });
        let over = kept.len() - fitting.count();
        dropped.extend(kept.drain(..over));
        kept.push((key, execution));
        // Their tensors are dropped with them, which is no work for whoever waits for the list.
        drop(kept);
    }
}

fn input_bytes(execution: &SharedExecution) -> usize {
    execution.inputs().iter().map(|input| input.bytes().len()).sum()
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
/// [`Archive::execute`].
pub(super) fn recall_or_execute(
    archive: &Archive,
    model: &Model,
    inputs: Vec<Tensor>,
    committed: &Committed,
    job: Option<JobId>,
    store: Option<&Store>,
) -> Result<SharedExecution, EngineError> {
    let room = archive.room(store.zip(job));
    let (root, input) = (committed.model_root, stored_under(model, committed));
    let known = store.map(|store| store.trace(root, input)).transpose();
    let known = known.unwrap_or_else(|error| {
        tracing::error!(%error, "the digests of executions cannot be read");
        None
    });
    let operators = model.package.graph().graph().nodes.len();
    if let Some(trace) = known.flatten().filter(|trace| trace.nodes.len() == operators) {
        let execution = JobExecution::with_trace(model.subject()?, inputs, trace, room);
        return Ok(Arc::new(execution));
    }
    let execution = JobExecution::in_room(model.subject()?, inputs, room)?;
    if let Some(store) = store
        && let Err(error) = store.keep_trace(root, input, execution.trace())
    {
        tracing::error!(%error, "the digests of an execution cannot be kept; after a restart it is made again");
    }
    Ok(Arc::new(execution))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_adversary::{InMemory, Random, graphs};

    fn committed(job: u64) -> Committed {
        Committed {
            model_root: H256::zero(),
            input_digest: H256::from_low_u64_be(job),
            output_digest: H256::zero(),
        }
    }

    fn kept(archive: &Archive, jobs: std::ops::Range<u64>) -> Vec<u64> {
        jobs.filter(|job| archive.get(&committed(*job)).is_some()).collect()
    }

    #[test]
    fn many_executions_are_kept_and_those_that_were_not_asked_for_go_first() {
        let execution: Arc<InMemory> = Arc::new(graphs::random(&mut Random(1), 3));
        let (archive, most) = (Archive::default(), KEPT as u64);
        (0..most).for_each(|job| archive.keep(&committed(job), execution.clone()));
        // Asking for one makes it the newest.
        assert!(archive.get(&committed(0)).is_some());
        archive.keep(&committed(most), execution.clone());
        assert_eq!(kept(&archive, 0..3), [0, 2]);
        assert_eq!(kept(&archive, 2..most + 1).len(), KEPT - 1);
    }

    #[test]
    fn inputs_of_executions_that_are_kept_are_bounded_but_for_the_newest() {
        let execution: Arc<InMemory> = Arc::new(graphs::random(&mut Random(2), 3));
        let shared: SharedExecution = execution.clone();
        let size = input_bytes(&shared);
        assert!(size > 0);
        let archive = Archive::default();
        (0..5).for_each(|job| archive.keep_within(&committed(job), execution.clone(), 3 * size));
        assert_eq!(kept(&archive, 0..5), [2, 3, 4]);
        archive.keep_within(&committed(5), execution, size - 1);
        assert_eq!(kept(&archive, 0..6), [5]);
    }
}
