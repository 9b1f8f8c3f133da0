//! Lies to clients of sessions: answers that are not the model's, and the memory that a defence of them needs.

use crate::{
    sequence,
    story::{Kind, Story},
};
use assay_daemon::{
    games::Work,
    job_input::{KeptRequests, RequestId},
    models::{Model, Models},
    serve::executor::sequence_output,
};
use assay_ops::tensor::{DataType, Tensor, tensors_digest};
use assay_session::{Execution, Executor, ExecutorError};
use assay_types::{H256, ModelParts, dispute::Committed, schema::ModelKind};
use futures::future::BoxFuture;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{sync::mpsc, task::spawn_blocking};

/// Pieces of an honest answer that nobody hears.
const UNHEARD: usize = 64;
/// Number that requests have among jobs; nothing depends on it.
const NO_JOB: u64 = 0;

/// Lies that were told: by the digest of a request's inputs, the sequence that was told, which a plain model has none
/// of. It is forgotten when the process ends.
#[derive(Clone, Debug, Default)]
pub struct Lies(Arc<Mutex<HashMap<H256, Vec<i64>>>>);

impl Lies {
    /// Whether a request with these inputs was lied about.
    pub fn has(&self, input_digest: H256) -> bool {
        self.told().contains_key(&input_digest)
    }

    fn told(&self) -> MutexGuard<'_, HashMap<H256, Vec<i64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, input_digest: H256, sequence: Vec<i64>) {
        self.told().insert(input_digest, sequence);
    }

    /// The sequence that was told for these inputs, if the receipt is about it.
    fn sequence(&self, committed: &Committed) -> Option<Vec<i64>> {
        let told = self.told().get(&committed.input_digest).cloned()?;
        (sequence_output(&told).digest == committed.output_digest).then_some(told)
    }
}

/// Answers requests, every so many-th with a lie.
pub struct Answers {
    honest: Arc<dyn Executor>,
    models: Models,
    kind: Kind,
    every: u64,
    asked: AtomicU64,
    lies: Lies,
}

impl Answers {
    /// Answers as this engine does, but for a lie of this kind in this many.
    pub fn new(honest: Arc<dyn Executor>, models: Models, (kind, every): (Kind, u64), lies: Lies) -> Self {
        Self {
            honest,
            models,
            kind,
            every,
            asked: AtomicU64::new(0),
            lies,
        }
    }
}

impl Executor for Answers {
    fn execute(&self, execution: Execution) -> BoxFuture<'static, Result<Vec<Tensor>, ExecutorError>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let model = self.models.get(&execution.root).cloned();
        let model = model.filter(|model| self.kind.fits(model.package.parts().kind));
        match model.filter(|_| asked.is_multiple_of(self.every)) {
            None => self.honest.execute(execution),
            Some(model) => Box::pin(lied(
                self.honest.clone(),
                model,
                self.kind,
                self.lies.clone(),
                execution,
            )),
        }
    }
}

/// Executes a request honestly, and answers something else.
async fn lied(
    honest: Arc<dyn Executor>,
    model: Arc<Model>,
    kind: Kind,
    lies: Lies,
    execution: Execution,
) -> Result<Vec<Tensor>, ExecutorError> {
    let (inputs, tokens) = (execution.inputs.clone(), execution.tokens.clone());
    let (unheard, mut made) = mpsc::channel(UNHEARD);
    let running = honest.execute(Execution {
        tokens: unheard,
        ..execution
    });
    let (outputs, ()) = tokio::join!(running, async { while made.recv().await.is_some() {} });
    let outputs = outputs?;
    let digest = H256(tensors_digest(&inputs));
    let prompt = prompt_tokens(&model, &inputs);
    let making = spawn_blocking(move || lie(kind, &model, &inputs, outputs));
    let made_up = making.await.map_err(|error| ExecutorError::Failed(error.to_string()))?;
    let (outputs, sequence) = made_up.map_err(ExecutorError::Failed)?;
    tracing::warn!(lie = ?kind, input = ?digest, "lying to a client of a session");
    lies.note(digest, sequence.clone());
    if let Some(generated) = sequence.get(prompt..).filter(|generated| !generated.is_empty()) {
        let told = tokens.send(generated.to_vec()).await;
        told.map_err(|_| ExecutorError::Failed("the client is gone".to_owned()))?;
    }
    Ok(outputs)
}

/// Tokens of the prompt of a generation.
fn prompt_tokens(model: &Model, inputs: &[Tensor]) -> usize {
    match model.package.parts().kind {
        ModelKind::Plain => 0,
        ModelKind::Generation => inputs
            .first()
            .map_or(0, |prompt| prompt.bytes().len() / size_of::<i64>()),
    }
}

/// Outputs that are not the model's, and the sequence among them, if it generates.
fn lie(kind: Kind, model: &Model, inputs: &[Tensor], honest: Vec<Tensor>) -> Result<(Vec<Tensor>, Vec<i64>), String> {
    let work = Work {
        job: NO_JOB,
        model,
        inputs,
    };
    if model.package.parts().kind == ModelKind::Plain {
        let execution = work.execute().map_err(|error| error.to_string())?;
        let story = Story::new(kind, execution).map_err(|error| error.to_string())?;
        return Ok((story.tensors().map_err(|error| error.to_string())?, Vec::new()));
    }
    let right = integers(honest.first().map_or(&[][..], Tensor::bytes));
    let told = integers(&sequence::lie(kind, &work, sequence_output(&right)).bytes);
    let valid = Tensor::new(DataType::Bool, vec![1], vec![1]).map_err(|error| error.to_string())?;
    Ok((vec![sequence_tensor(&told)?, valid], told))
}

fn sequence_tensor(tokens: &[i64]) -> Result<Tensor, String> {
    let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
    let length = u32::try_from(tokens.len()).map_err(|error| error.to_string())?;
    Tensor::new(DataType::Int64, vec![1, length], bytes).map_err(|error| error.to_string())
}

fn integers(bytes: &[u8]) -> Vec<i64> {
    let words = bytes.as_chunks::<8>().0.iter();
    words.map(|word| i64::from_le_bytes(*word)).collect()
}

/// Requests with the sequences that were told, in place of those that the model gives.
#[derive(Debug)]
pub struct Memory {
    honest: Arc<dyn KeptRequests>,
    lies: Lies,
}

impl Memory {
    /// These requests, with these lies.
    pub fn new(honest: Arc<dyn KeptRequests>, lies: Lies) -> Self {
        Self { honest, lies }
    }
}

impl KeptRequests for Memory {
    fn find<'a>(
        &'a self,
        request: RequestId,
        committed: &'a Committed,
        parts: &'a ModelParts,
    ) -> BoxFuture<'a, Result<Option<Vec<Tensor>>, String>> {
        Box::pin(async move {
            let Some(mut tensors) = self.honest.find(request, committed, parts).await? else {
                return Ok(None);
            };
            if let (ModelKind::Generation, Some(told), Some(last)) =
                (parts.kind, self.lies.sequence(committed), tensors.last_mut())
            {
                *last = sequence_tensor(&told)?;
            }
            Ok(Some(tensors))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_told_sequence_is_remembered_for_its_own_receipt_alone() {
        let (lies, input) = (Lies::default(), H256::repeat_byte(1));
        lies.note(input, vec![4, 5, 1]);
        assert!(lies.has(input) && !lies.has(H256::zero()));
        let committed = |output_digest| Committed {
            model_root: H256::zero(),
            input_digest: input,
            output_digest,
        };
        let told = committed(sequence_output(&[4, 5, 1]).digest);
        assert_eq!(lies.sequence(&told), Some(vec![4, 5, 1]));
        assert_eq!(lies.sequence(&committed(sequence_output(&[4, 5, 0]).digest)), None);
    }
}
