//! A package made ready: what an engine evaluates, and where.

use crate::{
    operators::{Failure, Operators},
    tensor::{Blake2b256, Digest, Tensor},
};
use assay_exact::graph::{BindError, CheckedGraph};

/// Why a model was not executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The inputs are not what the model takes. The job is at fault, not the engine.
    #[error(transparent)]
    Inputs(#[from] BindError),
    /// The job asks for more memory than the engine may use. The job is at fault, not the engine.
    #[error(
        "it needs about {} MiB of memory, and the engine may use {} MiB (max_memory)",
        needed.div_ceil(1 << 20),
        limit >> 20
    )]
    TooLarge {
        /// Bytes that it needs.
        needed: u64,
        /// Bytes that there may be.
        limit: u64,
    },
    /// The device is not there, or does not give the bits that are defined.
    #[error("the device {device} cannot be used: {reason}")]
    Device {
        /// The device.
        device: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// The engine failed in the midst of an execution, for example for want of memory.
    #[error("{engine} failed: {reason}")]
    Failed {
        /// The engine.
        engine: String,
        /// Its message.
        reason: String,
    },
}

/// The canonical output of a node, where it was computed.
pub trait Shown {
    /// Bytes of its elements.
    fn size_bytes(&self) -> u64;

    /// Its digest. Nothing is copied for it where the engine can hash what it has.
    fn digest(&mut self) -> Result<Digest, Failure>;

    /// A copy of it.
    fn tensor(&mut self) -> Result<Tensor, Failure>;
}

/// Callback that gets the output of every node: the node's position in the graph, and the output while it is there. The
/// execution ends with its error.
pub type OnNode<'a> = dyn FnMut(u32, &mut dyn Shown) -> Result<(), Failure> + 'a;

impl Shown for &Tensor {
    fn size_bytes(&self) -> u64 {
        self.bytes().len() as u64
    }

    fn digest(&mut self) -> Result<Digest, Failure> {
        Ok(Tensor::digest::<Blake2b256>(self))
    }

    fn tensor(&mut self) -> Result<Tensor, Failure> {
        Ok((*self).clone())
    }
}

/// A package that an engine has made ready.
pub trait Program: Send + Sync {
    /// Evaluates the graph. The inputs fit it and are canonical.
    fn evaluate(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError>;

    /// Evaluates the graph node by node, and shows the canonical output of every node with the node's position: each
    /// once, in the graph's order, also of nodes whose output nothing takes. Tensors that no later node needs are
    /// dropped as in [`evaluate`](Self::evaluate).
    fn evaluate_with(&self, inputs: &[Tensor], on_node: &mut OnNode<'_>) -> Result<Vec<Tensor>, EngineError>;

    /// Makes another graph on the same weights ready to be executed again and again.
    ///
    /// The graph uses no weight in a way in which the program's own graph does not, but for lookups of those that the
    /// own graph slices. Engines that cannot do this refuse it.
    fn continued(&self, _graph: CheckedGraph) -> Result<Box<dyn Continued>, EngineError> {
        Err(EngineError::Failed {
            engine: "this engine".to_owned(),
            reason: "it does not execute a model step by step: take the engine cpu, cuda or reference".to_owned(),
        })
    }
}

/// A graph that is executed again and again, and whose last inputs are the last outputs of the execution before.
///
/// These tensors are *kept*: they stay on the device, and a graph that writes some rows of one writes them in place.
pub trait Continued: Send {
    /// Keeps these tensors in place of all that are kept. They are as many as the graph has outputs that are given to
    /// the next execution, and in the order of these.
    fn keep(&mut self, tensors: Vec<Tensor>) -> Result<(), EngineError>;

    /// Gives the kept tensors away.
    fn take(&mut self) -> Result<Vec<Tensor>, EngineError>;

    /// Evaluates the graph with these inputs and, after them, the kept tensors; gives the outputs before those that are
    /// kept from now on. After an error nothing is kept.
    fn evaluate(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError>;
}

/// The device that a program is executed on, with the program's weights.
pub trait Backend: Send + Sync {
    /// A tensor on the device.
    type Array: Clone + Send;

    /// Memory that an execution computes in, and leaves to the next one.
    type Memory: Send;

    /// Memory of its own.
    fn memory(&self) -> Self::Memory;

    /// The operators of one execution.
    fn operators<'a>(&'a self, memory: &'a mut Self::Memory) -> impl Operators<Array = Self::Array> + 'a;
}
