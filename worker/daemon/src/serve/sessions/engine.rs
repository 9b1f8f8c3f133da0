//! The engine as sessions use it: their requests stand in the same queue as jobs and are batched with them, and tokens
//! come as they are made.

use crate::{
    engine::{NotTaken, Reply, Task, Tasks},
    models::{Model, Models},
    serve::memory::Output,
};
use assay_client::schema;
use assay_ops::{
    program::EngineError,
    tensor::{DataType, Tensor},
};
use assay_session::{Execution, Executor, ExecutorError};
use assay_types::schema::ModelKind;
use futures::future::BoxFuture;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Longest time that a request may take, with its wait for the engine.
const PATIENCE: Duration = Duration::from_secs(600);
/// Number that requests of sessions have among tasks; nobody looks them up by it.
const NO_JOB: u64 = u64::MAX;

/// Executes requests of sessions.
#[derive(Clone)]
pub struct SessionEngine {
    tasks: Tasks,
    models: Models,
}

impl SessionEngine {
    /// On the engine behind this queue, with these models.
    pub fn new(tasks: Tasks, models: Models) -> Self {
        Self { tasks, models }
    }
}

impl Executor for SessionEngine {
    fn execute(&self, execution: Execution) -> BoxFuture<'static, Result<Vec<Tensor>, ExecutorError>> {
        let model = self.models.get(&execution.root).cloned();
        let tasks = self.tasks.clone();
        Box::pin(async move {
            let model = model.ok_or(ExecutorError::NoModel(execution.model))?;
            let inputs = execution.inputs.clone();
            let output = run(&tasks, execution).await?;
            outputs(&model, &inputs, output).map_err(ExecutorError::Failed)
        })
    }
}

/// Has a request executed, and hands its tokens on.
async fn run(tasks: &Tasks, execution: Execution) -> Result<Output, ExecutorError> {
    let (outcome, mut ended) = mpsc::channel(1);
    let (tokens, mut made) = mpsc::unbounded_channel();
    let task = Task {
        job: NO_JOB,
        model: execution.root,
        inputs: execution.inputs,
        until: Instant::now() + PATIENCE,
        reply: Some(Reply { outcome, tokens }),
    };
    tasks.try_run(task).map_err(|error| match error {
        NotTaken::Full => ExecutorError::Busy,
        NotTaken::Closed => ExecutorError::Failed(error.to_string()),
    })?;
    let mut told = Told::default();
    let result = loop {
        tokio::select! {
            Some(piece) = made.recv() => hand_on(&mut told, piece, &execution.tokens).await?,
            result = ended.recv() => break result,
        }
    };
    // All tokens were told before the outcome was.
    while let Ok(piece) = made.try_recv() {
        hand_on(&mut told, piece, &execution.tokens).await?;
    }
    let gone = || ExecutorError::Failed("the engine's supervisor has ended".to_owned());
    result
        .ok_or_else(gone)?
        .map_err(|error| ExecutorError::Failed(error.to_string()))
}

async fn hand_on(
    told: &mut Told,
    (before, piece): (u32, Vec<i64>),
    tokens: &mpsc::Sender<Vec<i64>>,
) -> Result<(), ExecutorError> {
    let Some(piece) = told.new_of(before, piece) else {
        return Ok(());
    };
    let sent = tokens.send(piece).await;
    sent.map_err(|_| ExecutorError::Failed("the client is gone".to_owned()))
}

/// Which tokens were told. They come again from the first on if the engine's process did not survive.
#[derive(Debug, Default)]
struct Told(u32);

impl Told {
    /// The tokens of a piece that were not told; `None` if there is none.
    fn new_of(&mut self, before: u32, mut piece: Vec<i64>) -> Option<Vec<i64>> {
        let known = self.0.saturating_sub(before) as usize;
        if known >= piece.len() {
            return None;
        }
        piece.drain(..known);
        self.0 = self.0.saturating_add(u32::try_from(piece.len()).unwrap_or(u32::MAX));
        Some(piece)
    }
}

/// The model's outputs for an output's bytes: for a generation, the sequence and the statement that it is valid.
fn outputs(model: &Arc<Model>, inputs: &[Tensor], output: Output) -> Result<Vec<Tensor>, String> {
    let parts = model.package.parts();
    if parts.kind == ModelKind::Generation {
        let length = u32::try_from(output.bytes.len() / size_of::<i64>()).map_err(|error| error.to_string())?;
        let sequence = Tensor::new(DataType::Int64, vec![1, length], output.bytes);
        let valid = Tensor::new(DataType::Bool, vec![1], vec![1]);
        let both = [sequence, valid].into_iter().collect::<Result<Vec<_>, _>>();
        return both.map_err(|error| error.to_string());
    }
    let shapes: Vec<_> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
    let symbols = model.package.graph().bind(&shapes).map_err(|error| error.to_string())?;
    let layouts = parts.schema.output_layouts(&symbols);
    let tensors = layouts.and_then(|layouts| schema::tensors(&layouts, &output.bytes));
    tensors.map_err(|error| format!("the output does not fit the model: {error:?}"))
}

/// The sequence that a worker has signed for: it is generated once more, which gives the same, and nothing of it need
/// be kept.
pub async fn generated(tasks: &Tasks, root: assay_types::H256, inputs: Vec<Tensor>) -> Result<Tensor, EngineError> {
    let (outcome, mut ended) = mpsc::channel(1);
    let (tokens, _nobody) = mpsc::unbounded_channel();
    let failed = |reason: String| EngineError::Failed {
        engine: "generation".to_owned(),
        reason,
    };
    let task = Task {
        job: NO_JOB,
        model: root,
        inputs,
        until: Instant::now() + PATIENCE,
        reply: Some(Reply { outcome, tokens }),
    };
    tasks.try_run(task).map_err(|error| failed(error.to_string()))?;
    let result = ended.recv().await;
    let output = result.ok_or_else(|| failed("the engine's supervisor has ended".to_owned()))??;
    let length = u32::try_from(output.bytes.len() / size_of::<i64>()).map_err(|error| failed(error.to_string()))?;
    Tensor::new(DataType::Int64, vec![1, length], output.bytes).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Engine, skeleton::tests::Tested};
    use assay_ops::tensor::tensors_digest;
    use assay_types::{H256, ModelVersion};

    fn execution(root: H256, inputs: Vec<Tensor>) -> Execution {
        Execution {
            model: ModelVersion { model: 0, version: 1 },
            root,
            inputs,
            tokens: mpsc::channel(1).0,
        }
    }

    #[tokio::test]
    async fn a_request_gives_the_models_outputs() {
        let tested = Tested::new();
        let Engine { tasks, models, .. } = tested.engine().engine;
        let engine = SessionEngine::new(tasks, models);
        let root = H256(tested.package.root());
        let outputs = engine.execute(execution(root, tested.inputs().to_vec())).await;
        let outputs = outputs.expect("inputs that fit");
        assert_eq!(H256(tensors_digest(&outputs)), tested.output_digest());
        let unknown = engine.execute(execution(H256::zero(), Vec::new())).await;
        assert!(matches!(unknown, Err(ExecutorError::NoModel(_))), "{unknown:?}");
        let unfit = engine.execute(execution(root, Vec::new())).await;
        assert!(matches!(unfit, Err(ExecutorError::Failed(_))), "{unfit:?}");
    }

    #[test]
    fn tokens_that_come_again_are_told_once() {
        let mut told = Told::default();
        assert_eq!(told.new_of(0, vec![7]), Some(vec![7]));
        assert_eq!(told.new_of(1, vec![8, 9]), Some(vec![8, 9]));
        assert_eq!(told.new_of(0, vec![7]), None);
        assert_eq!(told.new_of(1, vec![8, 9]), None);
        assert_eq!(told.new_of(2, vec![9, 10]), Some(vec![10]));
        assert_eq!(told.new_of(4, vec![11]), Some(vec![11]));
    }
}
