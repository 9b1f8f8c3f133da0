//! The end of a dispute: one operator is opened, and its result is computed and compared.
//!
//! A judge believes nothing but the model's parts, the claim's digests and, given those, the values of the model's
//! symbols, which follow from the job's inputs. Everything else is opened under them: the node under the graph's root,
//! and every operand under the list that the node's wiring names.
//!
//! The worker opens an operator with its operands ([`open_operator`]): from these follow the type and the shape of its
//! output, and whatever is wrong with the model itself shows here, where it is the fault of the worker that claimed to
//! have executed it. The challenger then opens the chunks that one element depends on ([`judge`]). An opening that does
//! not fit is an error and decides nothing. `docs/protocol.md` has the layouts.

mod ending;
mod opened;
mod opening;
mod prover;

pub use ending::{OutputEntry, open_outputs};
pub use opening::{
    Chunk, MAX_CHUNKS, MAX_PROOF, ModelHead, OpenedOperator, OperandChunks, OperandOpening, OperatorOpening, Proof,
    Question, Shape, TensorOpening,
};
pub use prover::{Openings, ProofError};

use crate::{
    bounded::Bounded,
    digest::{DataType, Digest, Hash256, domain_hash, list_digest, tensor_digest_of_root, tensor_size_bytes},
    element::ElementError,
    graph::{BindError, GRAPH_NODE_DOMAIN, Node, ShapeError, Value},
    model::{ModelKind, Schema},
    tree::Tree,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode};
use opened::Opened;
use scale_info::TypeInfo;

/// Facts on which both sides of a dispute stand.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Claim {
    /// The registered model.
    pub model: ModelHead,
    /// The claimed digests, and so the input that the worker gave.
    pub kind: ModelKind,
    /// List digest of the job's inputs, which the client gave.
    pub input_digest: Digest,
    /// List digest of the claimed outputs.
    pub output_digest: Digest,
    /// List digest of the revealed outputs of the graph's nodes.
    pub trace_digest: Digest,
}

/// Outcome of a question.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Verdict {
    /// The claim and the computation agree.
    #[codec(index = 0)]
    Right,
    /// It is not.
    #[codec(index = 1)]
    Wrong {
        /// The canonical little-endian bytes of the element as it is computed.
        computed: Vec<u8>,
    },
}

/// Why a question is not decided: what does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JudgeError {
    /// The model has no such operator.
    NoOperator,
    /// The node is not the graph's, or is not a node.
    Operator,
    /// The output's type or shape is not what the operator gives.
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
    /// The opened advice is not the claim's output 0.
    Advice,
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
            Self::NoOperator => write!(f, "the model has no such operator"),
            Self::Operator => write!(f, "the opened node is not the graph's"),
            Self::Header => write!(f, "the output has another type or shape than the operator gives"),
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
            Self::Advice => write!(f, "the opened advice is not the claim's first output"),
            Self::Bind(error) => error.fmt(f),
            Self::Output => write!(f, "the opened output is not the claim's"),
            Self::Source => write!(f, "the opened entry is not the one that the graph gives"),
        }
    }
}

impl core::error::Error for JudgeError {}

/// The values of the graph's symbols, in the schema's order, where the execution's inputs are these.
///
/// `input_digest` commits to the inputs that the client gave. Where the last input is advice ([`ModelKind::advice`]),
/// its digest has to be that of the claimed output 0, which `advice` is.
pub fn open_symbols<H: Hash256>(
    schema: &Schema,
    kind: ModelKind,
    input_digest: &Digest,
    advice: Option<&Digest>,
    inputs: &[TensorOpening],
) -> Result<Vec<u32>, JudgeError> {
    let digests: Vec<Digest> = inputs.iter().map(TensorOpening::digest::<H>).collect();
    if list_digest::<H>(kind.given(&digests)) != *input_digest {
        return Err(JudgeError::Inputs);
    }
    if let Some(position) = kind.advice()
        && (advice.is_none() || digests.get(usize::from(position)) != advice)
    {
        return Err(JudgeError::Advice);
    }
    let layouts: Vec<_> = inputs.iter().map(|input| (input.dtype, &*input.shape)).collect();
    schema.bind(&layouts).map_err(JudgeError::Bind)
}

/// Opens an operator under a claim, and checks that its output has the type and the shape of `output`.
///
/// `symbols` are the values of the graph's symbols for the job's inputs ([`open_symbols`]). Everything that can be
/// wrong with the model's node is an error here: the worker, who claimed an execution of it, is the one who has to open
/// it, and cannot.
pub fn open_operator<H: Hash256>(
    claim: &Claim,
    symbols: &[u32],
    operator: u32,
    opening: &OperatorOpening,
    output: &TensorOpening,
) -> Result<OpenedOperator, JudgeError> {
    let node = open_node::<H>(&claim.model, operator, opening)?;
    if node.inputs.len() != opening.operands.len() {
        return Err(JudgeError::OperandCount);
    }
    for ((value, operand), position) in node.inputs.iter().zip(opening.operands.iter()).zip(0u32..) {
        let membership = JudgeError::Membership { operand: position };
        let (list, index) = match *value {
            // The advice is output 0 as well, and only the outputs commit to it.
            Value::Input(index) if claim.kind.advice() == Some(index) => (claim.output_digest, 0),
            Value::Input(index) => (claim.input_digest, u32::from(index)),
            Value::Weight(index) => (claim.model.weights_root, u32::from(index)),
            Value::Node(index) if index >= operator => return Err(JudgeError::Wiring { operand: position }),
            Value::Node(_) if operand.membership.count != claim.model.operators => return Err(membership),
            Value::Node(index) => (claim.trace_digest, index),
        };
        let digest = operand.tensor.digest::<H>();
        if operand.membership.list_digest::<H>(&digest, index) != Some(list) {
            return Err(membership);
        }
        if !is_sound(operand.tensor.dtype, &operand.tensor.shape) {
            return Err(JudgeError::Unsound { operand: position });
        }
    }
    let operands: Vec<TensorOpening> = opening.operands.iter().map(|operand| operand.tensor.clone()).collect();
    let resolved = node.operator.resolve(symbols).ok_or(JudgeError::Symbols)?;
    let (dtype, shape) = resolved.output_layout(&layouts(&operands)).map_err(JudgeError::Shape)?;
    if (dtype, &*shape) != (output.dtype, &*output.shape) || !is_sound(dtype, &shape) {
        return Err(JudgeError::Header);
    }
    Ok(OpenedOperator {
        node: opening.node.clone(),
        operands: Bounded::new(operands).ok_or(JudgeError::OperandCount)?,
    })
}

/// Decides whether an element of an opened operator's output is what is claimed.
///
/// `symbols` are the values of the graph's symbols for the job's inputs ([`open_symbols`]), and `output` is what the
/// operator was opened with ([`open_operator`]).
pub fn judge<H: Hash256>(
    symbols: &[u32],
    operator: &OpenedOperator,
    output: &TensorOpening,
    proof: &Proof,
    question: &Question,
) -> Result<Verdict, JudgeError> {
    let node = Node::decode_all(&mut &*operator.node).map_err(|_| JudgeError::Operator)?;
    if operator.operands.len() != proof.operands.len() {
        return Err(JudgeError::OperandCount);
    }
    for ((tensor, chunks), operand) in operator.operands.iter().zip(proof.operands.iter()).zip(0u32..) {
        if !chunks.open::<H>(tensor) {
            return Err(JudgeError::Chunks { operand });
        }
    }
    let resolved = node.operator.resolve(symbols).ok_or(JudgeError::Symbols)?;
    let bytes = tensor_size_bytes(output.dtype, &output.shape).ok_or(JudgeError::NoElement)?;
    if question.index >= bytes / output.dtype.size_bytes() as u64 {
        return Err(JudgeError::NoElement);
    }
    let mut operands = Opened::new(&operator.operands, &proof.operands);
    let element = resolved.element(&mut operands, output.dtype, &output.shape, question.index);
    let computed = element.map_err(JudgeError::Element)?.to_bytes(output.dtype);
    if let Some(operand) = operands.first_unread() {
        return Err(JudgeError::Superfluous { operand });
    }
    if *question.claimed == *computed {
        Ok(Verdict::Right)
    } else {
        Ok(Verdict::Wrong { computed })
    }
}

/// Types and shapes of tensors.
fn layouts(tensors: &[TensorOpening]) -> Vec<(DataType, &[u32])> {
    tensors.iter().map(|tensor| (tensor.dtype, &*tensor.shape)).collect()
}

/// Whether a tensor is one that a checked graph can have.
fn is_sound(dtype: DataType, shape: &[u32]) -> bool {
    !shape.contains(&0) && tensor_size_bytes(dtype, shape).is_some_and(|size| size <= i64::MAX as u64)
}

/// The node at this position of the model's graph.
fn open_node<H: Hash256>(model: &ModelHead, operator: u32, opening: &OperatorOpening) -> Result<Node, JudgeError> {
    if operator >= model.operators {
        return Err(JudgeError::NoOperator);
    }
    let digest = domain_hash::<H>(&GRAPH_NODE_DOMAIN, &[&opening.node]);
    let root = Tree::List.climb::<H>(&digest, operator.into(), model.operators.into(), &opening.path);
    if root != Some(model.nodes_root) {
        return Err(JudgeError::Operator);
    }
    Node::decode_all(&mut &*opening.node).map_err(|_| JudgeError::Operator)
}

impl TensorOpening {
    /// The digest of the tensor.
    pub fn digest<H: Hash256>(&self) -> Digest {
        tensor_digest_of_root::<H>(self.dtype, &self.shape, &self.root)
    }
}

#[cfg(test)]
mod tests;
