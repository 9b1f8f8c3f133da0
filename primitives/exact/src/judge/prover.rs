//! Building what a judge is given, from an own execution.
//!
//! What must be opened for an element is what [`Operator::element`] reads of it. For every operator that is at most
//! [`MAX_CHUNKS`](super::MAX_CHUNKS) chunks of each operand: an element depends on single elements, or on one row, a
//! row has at most 64 KiB ([`MAX_ROW_BYTES`](crate::graph::MAX_ROW_BYTES)), and it may start within a chunk. A test
//! holds every operator to it.

use super::ending::OutputEntry;
use super::opening::{
    Chunk, HeaderOpening, ModelOpening, OperandOpening, OperatorOpening, Proof, Shape, SymbolsProof, TensorOpening,
};
use crate::{
    bounded::Bounded,
    digest::{DataType, Digest, Hash256, domain_hash, list_digest, tensor_digest_of_root, tensor_tree_root},
    element::{Element, ElementError, Operands},
    graph::{GRAPH_DOMAIN, GRAPH_NODE_DOMAIN, Graph, MAX_TENSORS, Node, Operator, Value},
    tensor::Tensor,
    trace::Trace,
    tree::{Membership, PartialTree, Tree, chunk_bytes, chunk_leaves, place_of},
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
    /// The other trace is not known well enough to open this node's output in it.
    Unrevealed {
        /// The node that gives it.
        node: u32,
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
            Self::Unrevealed { node } => write!(f, "too little is revealed to open the output of node {node}"),
            Self::Element(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ProofError {}

/// Opens a model and an execution of it.
///
/// A judge asks for an operator's operands under the trace of whoever is accused. That trace is the same as one's own
/// before the operator and garbage after it, so [`against`](Self::against) says what is known of it.
pub struct Openings<'a> {
    graph: &'a Graph,
    /// Entries of the graph's list.
    entries: Vec<Digest>,
    weights: &'a [Digest],
    manifest_hash: Digest,
    trace: &'a Trace,
    /// The list that outputs of nodes are opened in, if it is not the own trace.
    other: Option<&'a PartialTree>,
}

impl<'a> Openings<'a> {
    /// The openings of a graph with these weights' tensor digests and this manifest, executed as the trace says.
    ///
    /// Outputs of nodes are opened in this trace, which is how one's own execution is defended.
    pub fn new<H: Hash256>(graph: &'a Graph, weights: &'a [Digest], manifest_hash: Digest, trace: &'a Trace) -> Self {
        let header = domain_hash::<H>(&GRAPH_DOMAIN, &[&graph.header()]);
        let nodes = graph.nodes.iter();
        let nodes = nodes.map(|node| domain_hash::<H>(&GRAPH_NODE_DOMAIN, &[&node.encode()]));
        Self {
            graph,
            entries: core::iter::once(header).chain(nodes).collect(),
            weights,
            manifest_hash,
            trace,
            other: None,
        }
    }

    /// The same openings, but with outputs of nodes opened in another trace. For a node before the first difference
    /// everything that is needed is known once the nodes on the way down to the difference are revealed.
    pub fn against(mut self, other: &'a PartialTree) -> Self {
        self.other = Some(other);
        self
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
            header: Bounded::new(self.graph.header()).ok_or(ProofError::TooLarge)?,
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
        let openings = (0u32..).zip(&node.inputs).zip(operands).zip(recorder.chunks);
        let openings =
            openings.map(|(((position, value), tensor), chunks)| self.operand::<H>(position, *value, tensor, chunks));
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
        position: u32,
        value: Value,
        tensor: &Tensor,
        chunks: BTreeSet<u64>,
    ) -> Result<OperandOpening, ProofError> {
        let leaves = chunk_leaves::<H>(tensor.bytes());
        let root = Tree::Chunks.fold::<H>(&leaves);
        let (digest, membership) = self.entry::<H>(value)?;
        if tensor_digest_of_root::<H>(tensor.dtype(), tensor.shape(), &root) != digest {
            return Err(ProofError::Differs { operand: position });
        }
        let indices: Vec<u64> = chunks.into_iter().collect();
        let proof = if indices.is_empty() {
            Vec::new()
        } else {
            Tree::Chunks.prove::<H>(&leaves, &indices).ok_or(ProofError::Missing)?
        };
        let opened = indices.into_iter().map(|index| {
            let bytes = chunk_bytes(tensor.bytes(), index).ok_or(ProofError::Missing)?;
            let bytes = Bounded::new(bytes.to_vec()).ok_or(ProofError::TooLarge)?;
            Ok(Chunk { index, bytes })
        });
        let opened = opened.collect::<Result<Vec<_>, _>>()?;
        Ok(OperandOpening {
            dtype: tensor.dtype(),
            shape: Shape::new(tensor.shape().to_vec()).ok_or(ProofError::TooLarge)?,
            root,
            membership,
            chunks: Bounded::new(opened).ok_or(ProofError::TooLarge)?,
            proof: Bounded::new(proof).ok_or(ProofError::TooLarge)?,
        })
    }

    /// The digest of a value of the graph, and its place in its list.
    fn entry<H: Hash256>(&self, value: Value) -> Result<(Digest, Membership), ProofError> {
        let (list, index) = match (value, self.other) {
            (Value::Input(index), _) => (self.trace.inputs.as_slice(), u32::from(index)),
            (Value::Weight(index), _) => (self.weights, u32::from(index)),
            (Value::Node(index), None) => (self.trace.nodes.as_slice(), index),
            (Value::Node(node), Some(other)) => {
                return other.membership(node).ok_or(ProofError::Unrevealed { node });
            }
        };
        let digest = usize::try_from(index)
            .ok()
            .and_then(|position| list.get(position))
            .copied();
        digest.zip(Membership::of::<H>(list, index)).ok_or(ProofError::Missing)
    }
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
