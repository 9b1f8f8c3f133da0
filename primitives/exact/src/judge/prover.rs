//! Building what a judge is given, from an own execution.
//!
//! What must be opened for an element is what [`Operator::element`] reads of it. For every operator that is at most
//! [`MAX_CHUNKS`](super::MAX_CHUNKS) chunks of each operand: an element depends on single elements, or on one row, a row has at
//! most 64 KiB ([`MAX_ROW_BYTES`](crate::graph::MAX_ROW_BYTES)), and it may start within a chunk. A test holds every
//! operator to it.

use super::opening::{
    Chunk, HeaderOpening, ModelOpening, OperandOpening, OperatorOpening, OutputProof, Proof, Shape, SymbolsProof,
    TensorOpening,
};
use crate::{
    bounded::Bounded,
    digest::{CHUNK_BYTES, DataType, Digest, Hash256, domain_hash, list_digest, tensor_tree_root},
    element::{Element, ElementError, Operands},
    graph::{GRAPH_DOMAIN, GRAPH_NODE_DOMAIN, Graph, Node, Operator, Value},
    tensor::Tensor,
    trace::Trace,
    tree::{Membership, Tree, chunk_leaves, place_of},
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
    /// The element cannot be computed.
    Element(ElementError),
}

impl core::fmt::Display for ProofError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Missing => write!(f, "there is no such thing to open"),
            Self::TooLarge => write!(f, "it is too large to be opened"),
            Self::Element(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ProofError {}

/// Opens a model and an execution of it.
pub struct Openings<'a> {
    graph: &'a Graph,
    /// Entries of the graph's list.
    entries: Vec<Digest>,
    weights: &'a [Digest],
    manifest_hash: Digest,
    trace: &'a Trace,
}

impl<'a> Openings<'a> {
    /// The openings of a graph with these weights' tensor digests and this manifest, executed as the trace says.
    pub fn new<H: Hash256>(graph: &'a Graph, weights: &'a [Digest], manifest_hash: Digest, trace: &'a Trace) -> Self {
        let header = domain_hash::<H>(&GRAPH_DOMAIN, &[&header_bytes(graph)]);
        let nodes = graph.nodes.iter();
        let nodes = nodes.map(|node| domain_hash::<H>(&GRAPH_NODE_DOMAIN, &[&node.encode()]));
        Self {
            graph,
            entries: core::iter::once(header).chain(nodes).collect(),
            weights,
            manifest_hash,
            trace,
        }
    }

    /// What the model root commits to.
    pub fn model<H: Hash256>(&self) -> ModelOpening {
        ModelOpening {
            graph_count: self.entries.len() as u32,
            graph_list_root: Tree::List.fold::<H>(&self.entries),
            weights_root: list_digest::<H>(self.weights),
            manifest_hash: self.manifest_hash,
        }
    }

    /// Proves what the headers of the operands make of the header of this operator's output.
    ///
    /// `operands` are the tensors that the node takes, in its order.
    pub fn prove_header<H: Hash256>(&self, operator: u32, operands: &[&Tensor]) -> Result<Proof, ProofError> {
        self.prove::<H>(operator, operands, |_, _| Ok(()))
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
        self.prove::<H>(operator, operands, |operator, recorder| {
            let layouts: Vec<_> = operands.iter().map(|tensor| (tensor.dtype(), tensor.shape())).collect();
            let (dtype, shape) = operator.output_layout(&layouts).map_err(|_| ProofError::Missing)?;
            let element = operator.element(recorder, dtype, &shape, index);
            element.map(|_| ()).map_err(ProofError::Element)
        })
    }

    /// Proves what an output of the model is. `claimed` is the claim's list of outputs, which may be wrong.
    pub fn prove_output<H: Hash256>(&self, output: u16, claimed: &[Digest]) -> Result<OutputProof, ProofError> {
        let given = self.graph.outputs.get(usize::from(output)).ok_or(ProofError::Missing)?;
        let as_many = claimed.len() == self.graph.outputs.len();
        let (opened, source) = if as_many {
            let digest = claimed.get(usize::from(output)).copied().ok_or(ProofError::Missing)?;
            let path = Tree::List
                .path::<H>(claimed, u64::from(output))
                .ok_or(ProofError::Missing)?;
            (Some((digest, path)), Some(self.entry::<H>(given.value)?))
        } else {
            (None, None)
        };
        Ok(OutputProof {
            model: self.model::<H>(),
            header: self.header::<H>()?,
            output_count: u32::try_from(claimed.len()).map_err(|_| ProofError::TooLarge)?,
            output_root: Tree::List.fold::<H>(claimed),
            output: opened,
            source,
        })
    }

    /// Proves what the values of the graph's symbols are. `inputs` are the job's, in order.
    pub fn prove_symbols<H: Hash256>(&self, inputs: &[Tensor]) -> Result<SymbolsProof, ProofError> {
        let inputs = inputs.iter().map(|input| {
            Some(TensorOpening {
                dtype: input.dtype(),
                shape: Shape::new(input.shape().to_vec())?,
                root: tensor_tree_root::<H>(input.bytes()),
            })
        });
        let inputs = inputs.collect::<Option<Vec<_>>>().and_then(Bounded::new);
        Ok(SymbolsProof {
            model: self.model::<H>(),
            header: self.header::<H>()?,
            inputs: inputs.ok_or(ProofError::TooLarge)?,
        })
    }

    fn header<H: Hash256>(&self) -> Result<HeaderOpening, ProofError> {
        Ok(HeaderOpening {
            header: Bounded::new(header_bytes(self.graph)).ok_or(ProofError::TooLarge)?,
            path: Tree::List.path::<H>(&self.entries, 0).ok_or(ProofError::Missing)?,
        })
    }

    fn prove<H: Hash256>(
        &self,
        operator: u32,
        operands: &[&Tensor],
        read: impl FnOnce(&Operator, &mut Recorder<'_>) -> Result<(), ProofError>,
    ) -> Result<Proof, ProofError> {
        let node = usize::try_from(operator)
            .ok()
            .and_then(|index| self.graph.nodes.get(index));
        let node = node.ok_or(ProofError::Missing)?;
        if node.inputs.len() != operands.len() {
            return Err(ProofError::Missing);
        }
        let resolved = node.operator.resolve(&self.trace.symbols).ok_or(ProofError::Missing)?;
        let mut recorder = Recorder::new(operands);
        read(&resolved, &mut recorder)?;
        let openings = node.inputs.iter().zip(operands).zip(recorder.chunks);
        let openings = openings.map(|((value, tensor), chunks)| self.operand::<H>(*value, tensor, chunks));
        let openings = openings.collect::<Result<Vec<_>, _>>()?;
        Ok(Proof {
            model: self.model::<H>(),
            operator: self.operator::<H>(operator, node)?,
            operands: Bounded::new(openings).ok_or(ProofError::TooLarge)?,
        })
    }

    fn operator<H: Hash256>(&self, operator: u32, node: &Node) -> Result<OperatorOpening, ProofError> {
        let entry = u64::from(operator).saturating_add(1);
        Ok(OperatorOpening {
            node: Bounded::new(node.encode()).ok_or(ProofError::TooLarge)?,
            path: Tree::List.path::<H>(&self.entries, entry).ok_or(ProofError::Missing)?,
        })
    }

    fn operand<H: Hash256>(
        &self,
        value: Value,
        tensor: &Tensor,
        chunks: BTreeSet<u64>,
    ) -> Result<OperandOpening, ProofError> {
        let leaves = chunk_leaves::<H>(tensor.bytes());
        let indices: Vec<u64> = chunks.into_iter().collect();
        let proof = if indices.is_empty() {
            Vec::new()
        } else {
            Tree::Chunks.prove::<H>(&leaves, &indices).ok_or(ProofError::Missing)?
        };
        let opened = indices.into_iter().map(|index| {
            let position = usize::try_from(index).map_err(|_| ProofError::Missing)?;
            let bytes = tensor
                .bytes()
                .chunks(CHUNK_BYTES)
                .nth(position)
                .ok_or(ProofError::Missing)?;
            let bytes = Bounded::new(bytes.to_vec()).ok_or(ProofError::TooLarge)?;
            Ok(Chunk { index, bytes })
        });
        let opened = opened.collect::<Result<Vec<_>, _>>()?;
        let (_, membership) = self.entry::<H>(value)?;
        Ok(OperandOpening {
            dtype: tensor.dtype(),
            shape: Shape::new(tensor.shape().to_vec()).ok_or(ProofError::TooLarge)?,
            root: Tree::Chunks.fold::<H>(&leaves),
            membership,
            chunks: Bounded::new(opened).ok_or(ProofError::TooLarge)?,
            proof: Bounded::new(proof).ok_or(ProofError::TooLarge)?,
        })
    }

    /// The digest of a value of the graph, and its place in its list.
    fn entry<H: Hash256>(&self, value: Value) -> Result<(Digest, Membership), ProofError> {
        let (list, index) = match value {
            Value::Input(index) => (self.trace.inputs.as_slice(), u32::from(index)),
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

fn header_bytes(graph: &Graph) -> Vec<u8> {
    (&graph.symbols, &graph.inputs, &graph.weights, &graph.outputs).encode()
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
