//! Executor of requests for a worker: the engine, seen from the sessions.
//!
//! Requests of all sessions are handed over as they come, many at once, so that the engine can batch them. Dropping the
//! future of an execution cancels it.

use crate::types::{H256, ModelVersion};
use assay_ops::tensor::Tensor;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

/// Pieces of tokens that wait for the client to read them; the engine waits when there are more.
pub const MAX_WAITING_PIECES: usize = 64;

/// A request as the engine gets it.
#[derive(Debug)]
pub struct Execution {
    /// The model version.
    pub model: ModelVersion,
    /// Its root.
    pub root: H256,
    /// The inputs that the client gave, which fit the model's schema: for a generation, all but the sequence.
    pub inputs: Vec<Tensor>,
    /// For a generation, where tokens go as they are made, each once and in their order: the prompt's are not sent.
    /// Nobody reads it for a plain model. An error of `send` means that the client is gone.
    pub tokens: mpsc::Sender<Vec<i64>>,
}

/// Why a request was not executed. The client is told to ask somebody else, and owes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecutorError {
    /// The engine has as much to do as it takes on.
    #[error("the engine is busy")]
    Busy,
    /// The model is not here, or not loaded.
    #[error("the engine does not have model {0}")]
    NoModel(ModelVersion),
    /// The engine failed.
    #[error("the engine fails: {0}")]
    Failed(String),
}

/// Executes requests.
pub trait Executor: Send + Sync + 'static {
    /// Executes a request: the model's outputs, all of them. For a generation these are the sequence (the prompt and
    /// all tokens that were sent) and `valid`, which is true.
    fn execute(&self, execution: Execution) -> BoxFuture<'static, Result<Vec<Tensor>, ExecutorError>>;
}
