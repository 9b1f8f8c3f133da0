//! What a dispute ends in: one operator is opened, and what it gives is computed and compared.
//!
//! A judge believes nothing but the claim's digests and, given those, the values of the model's symbols, which follow
//! from the job's inputs. Everything else is opened under them: the node under the model root, and every operand under
//! the list that the node's wiring names. An opening that does not fit is an error and decides nothing; whoever sent it
//! may have made a mistake, or have made it up. `docs/protocol.md` has the layouts.

mod ending;
mod opened;
mod opening;
mod prover;

pub use ending::{OutputEntry, open_outputs};
pub use opening::{
    Chunk, GraphHeader, HeaderOpening, MAX_CHUNKS, MAX_PROOF, ModelOpening, OperandOpening, OperatorOpening, Proof,
    Question, Shape, SymbolsProof, TensorOpening,
};
pub use prover::{Openings, ProofError};

use crate::{
    digest::{
        DataType, Digest, Hash256, domain_hash, list_digest, model_root, tensor_digest_of_root, tensor_size_bytes,
    },
    element::ElementError,
    graph::{BindError, GRAPH_DOMAIN, GRAPH_NODE_DOMAIN, Node, ShapeError, Value, bind},
    tree::{Tree, list_digest_of_root},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode};
use opened::Opened;
use scale_info::TypeInfo;

/// What both sides of a dispute stand on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Claim {
    /// The registered model.
    pub model_root: Digest,
    /// List digest of the job's inputs.
    pub input_digest: Digest,
    /// List digest of the claimed outputs.
    pub output_digest: Digest,
    /// List digest of the revealed outputs of the graph's nodes.
    pub trace_digest: Digest,
}

/// What a question comes to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Verdict {
    /// What was claimed is what is computed.
    #[codec(index = 0)]
    Right,
    /// It is not.
    #[codec(index = 1)]
    Wrong {
        /// What is computed.
        computed: Computed,
    },
}

/// What is right where a claim is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Computed {
    /// Type and shape of an operator's output.
    #[codec(index = 0)]
    Header {
        /// Type of its elements.
        dtype: DataType,
        /// Its dimensions.
        shape: Vec<u32>,
    },
    /// The canonical little-endian bytes of an element.
    #[codec(index = 1)]
    Element {
        /// As many as the type has.
        bytes: Vec<u8>,
    },
}

/// Why a question is not decided: what does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JudgeError {
    /// The model's parts do not hash to the claim's model root.
    Model,
    /// The model has no such operator.
    NoOperator,
    /// The node is not the graph's, or is not a node.
    Operator,
    /// The graph's header is not the graph's, or is not a header.
    Header,
    /// The operator takes another number of operands than are opened.
    OperandCount,
    /// The operator takes a tensor that does not stand before it. No sound graph does.
    Wiring {
        /// Position of the operand.
        operand: u32,
    },
    /// An operand's digest is not the one that the wiring names.
    Membership {
        /// Position of the operand.
        operand: u32,
    },
    /// An operand has an empty dimension, or is larger than can be counted. No sound graph has such a tensor.
    Unsound {
        /// Position of the operand.
        operand: u32,
    },
    /// An operand's opened chunks are not those of its digest.
    Chunks {
        /// Position of the operand.
        operand: u32,
    },
    /// A chunk of an operand is opened that nothing reads.
    Superfluous {
        /// Position of the operand.
        operand: u32,
    },
    /// The operator has a dimension that is no number at these values of the symbols.
    Symbols,
    /// The operands' headers do not fit the operator.
    Shape(ShapeError),
    /// The output has no such element.
    NoElement,
    /// The element cannot be computed from what is opened.
    Element(ElementError),
    /// The opened inputs are not the job's.
    Inputs,
    /// The job's inputs are not what the graph takes.
    Bind(BindError),
    /// The entry of the claim's outputs is not opened, or is not its entry.
    Output,
    /// The entry that the header names is not opened, or is not its entry.
    Source,
}

impl core::fmt::Display for JudgeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Model => write!(f, "the opened parts are not the model's"),
            Self::NoOperator => write!(f, "the model has no such operator"),
            Self::Operator => write!(f, "the opened node is not the graph's"),
            Self::Header => write!(f, "the opened header is not the graph's"),
            Self::OperandCount => write!(f, "the operator takes another number of operands"),
            Self::Wiring { operand } => write!(f, "operand {operand} does not stand before its operator"),
            Self::Membership { operand } => write!(f, "operand {operand} is not the tensor that the graph names"),
            Self::Unsound { operand } => write!(f, "operand {operand} is empty or too large"),
            Self::Chunks { operand } => write!(f, "the opened chunks of operand {operand} are not its own"),
            Self::Superfluous { operand } => write!(f, "a chunk of operand {operand} is opened that nothing reads"),
            Self::Symbols => write!(f, "a dimension of the operator has no value for these symbols"),
            Self::Shape(error) => write!(f, "the operator {error}"),
            Self::NoElement => write!(f, "the output has no such element"),
            Self::Element(error) => error.fmt(f),
            Self::Inputs => write!(f, "the opened inputs are not the job's"),
            Self::Bind(error) => error.fmt(f),
            Self::Output => write!(f, "the opened output is not the claim's"),
            Self::Source => write!(f, "the opened entry is not the one that the graph gives"),
        }
    }
}

impl core::error::Error for JudgeError {}

impl ModelOpening {
    /// The number of the model's operators, if these are the parts of `model_root`.
    pub fn operators<H: Hash256>(&self, root: &Digest) -> Result<u32, JudgeError> {
        let graph_root = list_digest_of_root::<H>(self.graph_count, &self.graph_list_root);
        if model_root::<H>(&graph_root, &self.weights_root, &self.manifest_hash) != *root {
            return Err(JudgeError::Model);
        }
        self.graph_count.checked_sub(1).ok_or(JudgeError::Model)
    }

    /// The graph's header, if this opens it.
    fn open_header<H: Hash256>(&self, opening: &HeaderOpening) -> Result<GraphHeader, JudgeError> {
        let digest = domain_hash::<H>(&GRAPH_DOMAIN, &[&opening.header]);
        if !self.has_entry::<H>(&digest, 0, &opening.path) {
            return Err(JudgeError::Header);
        }
        GraphHeader::decode_all(&mut &*opening.header).map_err(|_| JudgeError::Header)
    }

    /// Whether `digest` is this entry of the graph's list.
    fn has_entry<H: Hash256>(&self, digest: &Digest, entry: u32, path: &[Digest]) -> bool {
        let (entry, count) = (u64::from(entry), u64::from(self.graph_count));
        Tree::List.climb::<H>(digest, entry, count, path) == Some(self.graph_list_root)
    }
}

/// The values of the graph's symbols, in its order, for the claim's inputs.
pub fn open_symbols<H: Hash256>(claim: &Claim, proof: &SymbolsProof) -> Result<Vec<u32>, JudgeError> {
    proof.model.operators::<H>(&claim.model_root)?;
    let header = proof.model.open_header::<H>(&proof.header)?;
    let inputs = proof.inputs.iter();
    let digests = inputs.map(|input| tensor_digest_of_root::<H>(input.dtype, &input.shape, &input.root));
    if list_digest::<H>(&digests.collect::<Vec<_>>()) != claim.input_digest {
        return Err(JudgeError::Inputs);
    }
    let layouts = proof.inputs.iter().map(|input| (input.dtype, &*input.shape));
    bind(header.symbols, header.inputs, &layouts.collect::<Vec<_>>()).map_err(JudgeError::Bind)
}

/// Decides what is asked about the output of one operator.
///
/// `symbols` are the values of the graph's symbols for the job's inputs ([`open_symbols`]). A question
/// about an element whose header is wrong comes out wrong by its header.
pub fn judge<H: Hash256>(
    claim: &Claim,
    symbols: &[u32],
    operator: u32,
    proof: &Proof,
    question: &Question,
) -> Result<Verdict, JudgeError> {
    let node = open_node::<H>(claim, operator, proof)?;
    if node.inputs.len() != proof.operands.len() {
        return Err(JudgeError::OperandCount);
    }
    let nodes = proof.model.graph_count.saturating_sub(1);
    for ((value, opening), position) in node.inputs.iter().zip(proof.operands.iter()).zip(0u32..) {
        let membership = JudgeError::Membership { operand: position };
        let digest = tensor_digest_of_root::<H>(opening.dtype, &opening.shape, &opening.root);
        let (list, index) = match *value {
            Value::Input(index) => (claim.input_digest, u32::from(index)),
            Value::Weight(index) => (proof.model.weights_root, u32::from(index)),
            Value::Node(index) if index >= operator => return Err(JudgeError::Wiring { operand: position }),
            Value::Node(_) if opening.membership.count != nodes => return Err(membership),
            Value::Node(index) => (claim.trace_digest, index),
        };
        if opening.membership.list_digest::<H>(&digest, index) != Some(list) {
            return Err(membership);
        }
        if !is_sound(opening.dtype, &opening.shape) {
            return Err(JudgeError::Unsound { operand: position });
        }
        if !opening.chunks_open::<H>() {
            return Err(JudgeError::Chunks { operand: position });
        }
    }

    let resolved = node.operator.resolve(symbols).ok_or(JudgeError::Symbols)?;
    let layouts = proof.operands.iter().map(|operand| (operand.dtype, &*operand.shape));
    let layouts: Vec<(DataType, &[u32])> = layouts.collect();
    let (dtype, shape) = resolved.output_layout(&layouts).map_err(JudgeError::Shape)?;
    let mut operands = Opened::new(&proof.operands);
    let (claimed_dtype, claimed_shape) = question.header();
    let verdict = if claimed_dtype != dtype || claimed_shape != shape {
        let computed = Computed::Header { dtype, shape };
        Verdict::Wrong { computed }
    } else if let Question::Element { index, claimed, .. } = question {
        let bytes = tensor_size_bytes(dtype, &shape).filter(|_| is_sound(dtype, &shape));
        if *index >= bytes.ok_or(JudgeError::NoElement)? / dtype.size_bytes() as u64 {
            return Err(JudgeError::NoElement);
        }
        let element = resolved.element(&mut operands, dtype, &shape, *index);
        let bytes = element.map_err(JudgeError::Element)?.to_bytes(dtype);
        if **claimed == *bytes {
            Verdict::Right
        } else {
            let computed = Computed::Element { bytes };
            Verdict::Wrong { computed }
        }
    } else {
        Verdict::Right
    };
    match operands.first_unread() {
        Some(operand) => Err(JudgeError::Superfluous { operand }),
        None => Ok(verdict),
    }
}

/// Whether a tensor is one that a checked graph can have.
fn is_sound(dtype: DataType, shape: &[u32]) -> bool {
    !shape.contains(&0) && tensor_size_bytes(dtype, shape).is_some_and(|size| size <= i64::MAX as u64)
}

/// The node at this position of the claim's model.
fn open_node<H: Hash256>(claim: &Claim, operator: u32, proof: &Proof) -> Result<Node, JudgeError> {
    if operator >= proof.model.operators::<H>(&claim.model_root)? {
        return Err(JudgeError::NoOperator);
    }
    let digest = domain_hash::<H>(&GRAPH_NODE_DOMAIN, &[&proof.operator.node]);
    let entry = operator.saturating_add(1);
    if !proof.model.has_entry::<H>(&digest, entry, &proof.operator.path) {
        return Err(JudgeError::Operator);
    }
    Node::decode_all(&mut &*proof.operator.node).map_err(|_| JudgeError::Operator)
}

impl Question {
    /// The type and the shape that are claimed.
    pub fn header(&self) -> (DataType, &[u32]) {
        match self {
            Self::Header { dtype, shape } | Self::Element { dtype, shape, .. } => (*dtype, shape),
        }
    }
}

#[cfg(test)]
mod tests;
