//! Builds the evidence for a judge, from an execution.
//!
//! An element's opening holds everything that [`Operator::element`] reads of it. For every operator that is at most
//! [`MAX_CHUNKS`](super::MAX_CHUNKS) chunks of each operand: an element depends on single elements, or on one row, a
//! row has at most 64 KiB ([`MAX_ROW_BYTES`](crate::graph::MAX_ROW_BYTES)), and it may start within a chunk. A test
//! holds every operator to it.

use super::ending::OutputEntry;
use super::opening::{Chunk, OperandChunks, OperandOpening, OperatorOpening, Proof, Shape, TensorOpening};
use crate::{
    bounded::Bounded,
    digest::{DataType, Digest, Hash256, tensor_tree_root},
    element::{Element, ElementError, Operands},
    graph::{Graph, MAX_TENSORS, Node, Value},
    model::ModelKind,
    tensor::Tensor,
    trace::Trace,
    tree::{Membership, Tree, chunk_bytes, chunk_leaves, place_of},
};
use alloc::{collections::BTreeSet, vec::Vec};
use codec::Encode;

/// Why something cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// The graph has no such node, output or tensor, or the operands are not the node's.
    Missing,
    /// It is larger than a judge takes.
    TooLarge,
    /// An operand is not the tensor that the graph names, by its digest.
    Differs {
        /// Position of the operand.
        operand: u32,
    },
    /// The element cannot be computed.
    Element(ElementError),
}

impl core::fmt::Display for ProofError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Missing => write!(f, "there is no such thing to open"),
            Self::TooLarge => write!(f, "it is too large to be opened"),
            Self::Differs { operand } => write!(f, "operand {operand} is not the tensor that the graph names"),
            Self::Element(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ProofError {}

/// Opens a model and an execution of it: the worker its own operators, the challenger the chunks of what both agree on.
pub struct Openings<'a> {
    graph: &'a Graph,
    /// Digests of its nodes.
    nodes: Vec<Digest>,
    weights: &'a [Digest],
    trace: &'a Trace,
    kind: ModelKind,
}

impl<'a> Openings<'a> {
    /// The openings of a plain model: a graph with these weights' tensor digests, executed as the trace says.
    pub fn new<H: Hash256>(graph: &'a Graph, weights: &'a [Digest], trace: &'a Trace) -> Self {
        Self {
            graph,
            nodes: graph.node_digests::<H>(),
            weights,
            trace,
            kind: ModelKind::Plain,
        }
    }

    /// The same openings of a model of another kind.
    pub fn of_kind(self, kind: ModelKind) -> Self {
        Self { kind, ..self }
    }

    /// Opens an operator with what it takes. `operands` are the tensors that the node takes, in its order.
    pub fn open_operator<H: Hash256>(
        &self,
        operator: u32,
        operands: &[&Tensor],
    ) -> Result<OperatorOpening, ProofError> {
        let openings = operands.iter().map(|tensor| TensorOpening::of::<H>(tensor));
        let openings = openings.collect::<Option<Vec<_>>>().ok_or(ProofError::TooLarge)?;
        self.open_operator_with::<H>(operator, openings)
    }

    /// The same from what is opened of the operands, which their tensors are not needed for.
    pub fn open_operator_with<H: Hash256>(
        &self,
        operator: u32,
        operands: Vec<TensorOpening>,
    ) -> Result<OperatorOpening, ProofError> {
        let node = self.node(operator, operands.len())?;
        let openings = (0u32..).zip(&node.inputs).zip(operands);
        let openings = openings.map(|((position, value), tensor)| self.operand::<H>(position, *value, tensor));
        Ok(OperatorOpening {
            node: Bounded::new(node.encode()).ok_or(ProofError::TooLarge)?,
            path: Tree::List
                .path::<H>(&self.nodes, operator.into())
                .ok_or(ProofError::Missing)?,
            operands: Bounded::new(openings.collect::<Result<Vec<_>, _>>()?).ok_or(ProofError::TooLarge)?,
        })
    }

    /// Proves what one element of this operator's output is, at its position in row-major order.
    ///
    /// `operands` are the tensors that the node takes, in its order.
    pub fn prove_element<H: Hash256>(
        &self,
        operator: u32,
        operands: &[&Tensor],
        index: u64,
    ) -> Result<Proof, ProofError> {
        let node = self.node(operator, operands.len())?;
        let resolved = node.operator.resolve(&self.trace.symbols).ok_or(ProofError::Missing)?;
        let layouts: Vec<_> = operands.iter().map(|tensor| (tensor.dtype(), tensor.shape())).collect();
        let (dtype, shape) = resolved.output_layout(&layouts).map_err(|_| ProofError::Missing)?;
        let mut recorder = Recorder::new(operands);
        resolved
            .element(&mut recorder, dtype, &shape, index)
            .map_err(ProofError::Element)?;
        let opened = operands.iter().zip(recorder.chunks);
        let opened = opened.map(|(tensor, chunks)| open_chunks::<H>(tensor, chunks));
        Ok(Proof {
            operands: Bounded::new(opened.collect::<Result<Vec<_>, _>>()?).ok_or(ProofError::TooLarge)?,
        })
    }

    /// Proves where the claimed outputs, which are those of the trace, stand: as [`open_outputs`](super::open_outputs)
    /// checks it.
    pub fn prove_outputs<H: Hash256>(&self) -> Result<Bounded<OutputEntry, { MAX_TENSORS as u32 }>, ProofError> {
        let outputs = self.graph.outputs.iter().zip(&self.trace.outputs);
        let entries = outputs.map(|(output, digest)| {
            let (_, source) = self.entry::<H>(output.value)?;
            let digest = *digest;
            Ok(OutputEntry { digest, source })
        });
        let entries = entries.collect::<Result<Vec<_>, ProofError>>()?;
        Bounded::new(entries).ok_or(ProofError::TooLarge)
    }

    /// The node at this place, if it takes as many tensors.
    fn node(&self, operator: u32, operands: usize) -> Result<&'a Node, ProofError> {
        let index = usize::try_from(operator).map_err(|_| ProofError::Missing)?;
        let node = self.graph.nodes.get(index).ok_or(ProofError::Missing)?;
        match node.inputs.len() == operands {
            true => Ok(node),
            false => Err(ProofError::Missing),
        }
    }

    fn operand<H: Hash256>(
        &self,
        position: u32,
        value: Value,
        opening: TensorOpening,
    ) -> Result<OperandOpening, ProofError> {
        let (digest, membership) = self.entry::<H>(value)?;
        if opening.digest::<H>() != digest {
            return Err(ProofError::Differs { operand: position });
        }
        Ok(OperandOpening {
            tensor: opening,
            membership,
        })
    }

    /// The digest of a value of the graph, and its place in its list.
    fn entry<H: Hash256>(&self, value: Value) -> Result<(Digest, Membership), ProofError> {
        let (list, index) = match value {
            Value::Input(index) if self.kind.advice() == Some(index) => (self.trace.outputs.as_slice(), 0),
            Value::Input(index) => (self.kind.given(&self.trace.inputs), u32::from(index)),
            Value::Weight(index) => (self.weights, u32::from(index)),
            Value::Node(index) => (self.trace.nodes.as_slice(), index),
        };
        let digest = usize::try_from(index)
            .ok()
            .and_then(|position| list.get(position))
            .copied();
        digest.zip(Membership::of::<H>(list, index)).ok_or(ProofError::Missing)
    }
}

impl TensorOpening {
    /// The tensor that a digest commits to; `None` if it has more dimensions than a tensor may.
    pub fn of<H: Hash256>(tensor: &Tensor) -> Option<Self> {
        Some(Self {
            dtype: tensor.dtype(),
            shape: Shape::new(tensor.shape().to_vec())?,
            root: tensor_tree_root::<H>(tensor.bytes()),
        })
    }
}

/// Opens these chunks of a tensor.
fn open_chunks<H: Hash256>(tensor: &Tensor, chunks: BTreeSet<u64>) -> Result<OperandChunks, ProofError> {
    let indices: Vec<u64> = chunks.into_iter().collect();
    if indices.is_empty() {
        return Ok(OperandChunks::default());
    }
    let leaves = chunk_leaves::<H>(tensor.bytes());
    let proof = Tree::Chunks.prove::<H>(&leaves, &indices).ok_or(ProofError::Missing)?;
    let opened = indices.into_iter().map(|index| {
        let bytes = chunk_bytes(tensor.bytes(), index).ok_or(ProofError::Missing)?;
        let bytes = Bounded::new(bytes.to_vec()).ok_or(ProofError::TooLarge)?;
        Ok(Chunk { index, bytes })
    });
    Ok(OperandChunks {
        chunks: Bounded::new(opened.collect::<Result<Vec<_>, ProofError>>()?).ok_or(ProofError::TooLarge)?,
        proof: Bounded::new(proof).ok_or(ProofError::TooLarge)?,
    })
}

/// Whole operands that remember which of their chunks were read.
pub(super) struct Recorder<'a> {
    tensors: &'a [&'a Tensor],
    pub chunks: Vec<BTreeSet<u64>>,
}

impl<'a> Recorder<'a> {
    pub fn new(tensors: &'a [&'a Tensor]) -> Self {
        Self {
            tensors,
            chunks: tensors.iter().map(|_| BTreeSet::new()).collect(),
        }
    }
}

impl Operands for Recorder<'_> {
    fn count(&self) -> usize {
        self.tensors.len()
    }

    fn layout(&self, operand: usize) -> Option<(DataType, &[u32])> {
        self.tensors.get(operand).map(|tensor| (tensor.dtype(), tensor.shape()))
    }

    fn read(&mut self, operand: usize, index: u64) -> Result<Element, ElementError> {
        let closed = ElementError::Closed { operand, index };
        let tensor = self.tensors.get(operand).ok_or(ElementError::Unfit)?;
        let (chunk, _) = place_of(tensor.dtype(), index).ok_or(closed)?;
        let element = tensor.element(index).ok_or(closed)?;
        self.chunks.get_mut(operand).ok_or(ElementError::Unfit)?.insert(chunk);
        Ok(element)
    }
}
