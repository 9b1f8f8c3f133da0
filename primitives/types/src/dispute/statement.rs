//! Statements of the worker, and the check that each fits those before it.
//!
//! A statement that does not fit is refused, and the worker's clock goes on: who cannot open what it committed to has
//! committed to something that does not exist.

use super::{
    Nodes, Place, Revealed,
    place::{Window, window},
};
use crate::{H256, limits::Symbols};
use assay_exact::{
    bounded::Bounded,
    digest::{CHUNK_BYTES, Digest, Hash256, leaf},
    graph::MAX_TENSORS,
    judge::{
        Claim, JudgeError, ModelHead, OperatorOpening, OutputEntry, TensorOpening, open_operator, open_outputs,
        open_symbols,
    },
    model::{ModelKind, ModelParts},
    tree::{Tree, chunk_size, list_digest_of_root},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::BoundedVec;
use scale_info::TypeInfo;

/// Digests that a claim committed to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Committed {
    /// The registered model.
    pub model_root: H256,
    /// List digest of the job's inputs.
    pub input_digest: H256,
    /// List digest of the claimed outputs.
    pub output_digest: H256,
}

/// Head of a trace, known once the trace has been revealed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct TraceHead {
    /// The graph and the weights. The trace has as many entries as the graph has operators.
    pub model: ModelHead,
    /// The claimed digests, and so the input that the worker gave.
    pub kind: ModelKind,
    /// Root of the tree over the trace.
    pub root: H256,
    /// The values of the graph's symbols, in its order.
    pub symbols: BoundedVec<u32, Symbols>,
}

/// The first statement of a dispute.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct TraceStatement {
    /// All inputs of the execution, in order: those of the job, and the worker's where the model takes one of it.
    pub inputs: Bounded<TensorOpening, { MAX_TENSORS as u32 }>,
    /// The top of the tree over the digests of the operators' outputs.
    pub nodes: Nodes,
    /// The claimed outputs, each with its place in the trace or among the weights.
    pub outputs: Bounded<OutputEntry, { MAX_TENSORS as u32 }>,
}

/// A worker's statement of a place.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Statement {
    /// The trace, which begins in the job's inputs and ends in the claimed outputs.
    #[codec(index = 0)]
    Trace(TraceStatement),
    /// Nodes below one of the trace's tree.
    #[codec(index = 1)]
    TraceSpan {
        /// Level of that node.
        level: u32,
        /// Its position.
        index: u64,
        /// The nodes.
        nodes: Nodes,
    },
    /// An operator with what it takes and gives.
    #[codec(index = 2)]
    Tensor {
        /// Position of the operator.
        operator: u32,
        /// The node, and its operands.
        opening: OperatorOpening,
        /// The output's header and root.
        output: TensorOpening,
        /// The top of the tree over its chunks.
        nodes: Nodes,
    },
    /// Nodes below one of that tree.
    #[codec(index = 3)]
    TensorSpan {
        /// Position of the operator.
        operator: u32,
        /// Level of that node.
        level: u32,
        /// Its position.
        index: u64,
        /// The nodes.
        nodes: Nodes,
    },
    /// A chunk of the output.
    #[codec(index = 4)]
    Chunk {
        /// Position of the operator.
        operator: u32,
        /// Position of the chunk.
        chunk: u64,
        /// Its bytes.
        bytes: Bounded<u8, { CHUNK_BYTES as u32 }>,
    },
}

/// Reasons for which a statement is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementError {
    /// It says nothing of the place that is asked for.
    AnotherPlace,
    /// The inputs, the outputs or the operator do not open.
    Opening(JudgeError),
    /// The model has more symbols than a job can have.
    TooManySymbols,
    /// It has more or fewer nodes than the tree has there.
    NodeCount,
    /// It does not hash to what was committed to.
    Digest,
    /// A tensor of this type and shape cannot be.
    Unsound,
    /// The chunk has more or fewer bytes than the tensor has there.
    ChunkLength,
}

impl Statement {
    /// The place that it is about.
    pub fn place(&self) -> Place {
        match self {
            Self::Trace(_) => Place::Trace,
            Self::TraceSpan { level, index, .. } => Place::TraceSpan {
                level: *level,
                index: *index,
            },
            Self::Tensor { operator, .. } => Place::Tensor { operator: *operator },
            Self::TensorSpan {
                operator, level, index, ..
            } => Place::TensorSpan {
                operator: *operator,
                level: *level,
                index: *index,
            },
            Self::Chunk { operator, chunk, .. } => Place::Chunk {
                operator: *operator,
                chunk: *chunk,
            },
        }
    }
}

impl Committed {
    /// The claim that a judge is asked about, once there is a trace.
    pub fn claim<H: Hash256>(&self, model: &ModelHead, kind: ModelKind, trace_root: &Digest) -> Claim {
        Claim {
            model: model.clone(),
            kind,
            input_digest: self.input_digest.0,
            output_digest: self.output_digest.0,
            trace_digest: list_digest_of_root::<H>(model.operators, trace_root),
        }
    }
}

/// Checks the first statement: that the trace has as many entries as the registered graph has operators, that it begins
/// in the job's inputs, and that the claimed outputs are its entries. `parts` are the registered model's.
pub fn check_trace<H: Hash256>(
    parts: &ModelParts,
    committed: &Committed,
    statement: &TraceStatement,
) -> Result<TraceHead, StatementError> {
    let operators = parts.head.operators;
    if statement.nodes.len() as u64 != Window::top(operators.into()).count {
        return Err(StatementError::NodeCount);
    }
    let root = Tree::List.fold::<H>(&statement.nodes);
    let claim = committed.claim::<H>(&parts.head, parts.kind, &root);
    let advice = statement.outputs.first().map(|output| &output.digest);
    let inputs = &statement.inputs;
    let symbols = open_symbols::<H>(&parts.schema, parts.kind, &claim.input_digest, advice, inputs);
    let symbols = symbols.map_err(StatementError::Opening)?;
    // This also says that the digest above is that of the claimed output 0.
    open_outputs::<H>(&claim, &parts.outputs, &statement.outputs).map_err(StatementError::Opening)?;
    Ok(TraceHead {
        model: parts.head.clone(),
        kind: parts.kind,
        root: H256(root),
        symbols: BoundedVec::try_from(symbols).map_err(|_| StatementError::TooManySymbols)?,
    })
}

/// Checks a later statement against the digest that the game has arrived at, and gives what is to be kept of it.
///
/// `tensor` is what the game has gone into, for places within one.
pub fn check<H: Hash256>(
    place: &Place,
    digest: &H256,
    committed: &Committed,
    head: &TraceHead,
    tensor: Option<&TensorOpening>,
    statement: Statement,
) -> Result<Revealed, StatementError> {
    if statement.place() != *place {
        return Err(StatementError::AnotherPlace);
    }
    let operators = head.model.operators;
    match statement {
        Statement::Trace(_) => Err(StatementError::AnotherPlace),
        Statement::TraceSpan { nodes, .. } => {
            let window = window(place, operators, None).ok_or(StatementError::Unsound)?;
            check_nodes::<H>(Tree::List, &nodes, window, &digest.0)?;
            Ok(Revealed::Nodes(nodes))
        }
        Statement::Tensor {
            operator,
            opening,
            output,
            nodes,
        } => {
            if output.digest::<H>() != digest.0 {
                return Err(StatementError::Digest);
            }
            let window = window(place, operators, Some(&output)).ok_or(StatementError::Unsound)?;
            check_nodes::<H>(Tree::Chunks, &nodes, window, &output.root)?;
            let claim = committed.claim::<H>(&head.model, head.kind, &head.root.0);
            let operator = open_operator::<H>(&claim, &head.symbols, operator, &opening, &output);
            Ok(Revealed::Tensor {
                operator: operator.map_err(StatementError::Opening)?,
                output,
                nodes,
            })
        }
        Statement::TensorSpan { nodes, .. } => {
            let window = window(place, operators, tensor).ok_or(StatementError::Unsound)?;
            check_nodes::<H>(Tree::Chunks, &nodes, window, &digest.0)?;
            Ok(Revealed::Nodes(nodes))
        }
        Statement::Chunk { chunk, bytes, .. } => {
            let tensor = tensor.ok_or(StatementError::Unsound)?;
            if chunk_size(tensor.dtype, &tensor.shape, chunk) != Some(bytes.len()) {
                return Err(StatementError::ChunkLength);
            }
            if leaf::<H>(&bytes) != digest.0 {
                return Err(StatementError::Digest);
            }
            Ok(Revealed::Chunk(bytes))
        }
    }
}

fn check_nodes<H: Hash256>(tree: Tree, nodes: &Nodes, window: Window, digest: &Digest) -> Result<(), StatementError> {
    if nodes.len() as u64 != window.count {
        return Err(StatementError::NodeCount);
    }
    if tree.fold::<H>(nodes) != *digest {
        return Err(StatementError::Digest);
    }
    Ok(())
}
