//! Checking a receipt: by our execution, or by asking a second worker.

use crate::{
    types::{ModelVersion, SignedReceipt},
};
use assay_ops::tensor::Tensor;
use futures::future::BoxFuture;

/// A receipt that was drawn for a check, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The model version.
    pub model: ModelVersion,
    /// Values of the model's symbols that the request declared.
    pub symbols: Vec<u32>,
    /// The inputs that the client gave: for a generation, all but the sequence.
    pub inputs: Vec<Tensor>,
    /// The outputs that the worker sent, whose digest the receipt has.
    pub outputs: Vec<Tensor>,
    /// The receipt.
    pub receipt: SignedReceipt,
}

/// What a check says of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The model gives these outputs.
    Right,
    /// The model gives other outputs.
    Wrong,
}

/// Why a receipt was not checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a receipt was not checked: {reason}")]
pub struct CheckError {
    /// What is wrong.
    pub reason: String,
}

/// Checks receipts.
pub trait Checker: Send + Sync + 'static {
    /// Checks a receipt: executes the model on the inputs, or for a generation its check graph on inputs and sequence,
    /// once. A wrong verdict costs a bond, so it must come from an execution.
    fn check(&self, case: Case) -> BoxFuture<'static, Result<Verdict, CheckError>>;
}
