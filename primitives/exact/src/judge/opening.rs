//! Parts of an execution that are opened to a judge, with a maximum size for each.

use crate::{
    bounded::Bounded,
    digest::{DataType, Digest},
    graph::{MAX_NODE_BYTES, MAX_OPERANDS, MAX_RANK},
    tree::{Membership, Path},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Chunks of one operand that an element can depend on: 64 KiB, and one more because a row may start within a chunk.
pub const MAX_CHUNKS: u32 = 65;
/// Digests of the multiproof of this many neighbouring chunks: at most two for each level of the tree.
pub const MAX_PROOF: u32 = 106;

/// The dimensions of a tensor.
pub type Shape = Bounded<u32, { MAX_RANK as u32 }>;

/// The part of a model that openings stand on: what its graph and its weights hash to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct ModelHead {
    /// Operators of the graph.
    pub operators: u32,
    /// Root of the tree over them.
    pub nodes_root: Digest,
    /// List digest of the weights.
    pub weights_root: Digest,
}

/// Facts that the digest of a tensor commits to, without its chunks.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct TensorOpening {
    /// Type of its elements.
    pub dtype: DataType,
    /// Its dimensions.
    pub shape: Shape,
    /// Root of the tree over its chunks.
    pub root: Digest,
}

/// One operator of the graph with what it takes, which is all that the type and the shape of its output follow from.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct OperatorOpening {
    /// SCALE of the node.
    pub node: Bounded<u8, MAX_NODE_BYTES>,
    /// Its path in the tree over the graph's nodes.
    pub path: Path,
    /// Its operands, in its order.
    pub operands: Bounded<OperandOpening, MAX_OPERANDS>,
}

/// One operand of the node, and that its digest is the one that the wiring names.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct OperandOpening {
    /// Facts that its digest commits to.
    pub tensor: TensorOpening,
    /// Its place among the inputs, the weights or the nodes' outputs.
    pub membership: Membership,
}

/// An operator that was opened under a claim: what is kept of [`OperatorOpening`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct OpenedOperator {
    /// SCALE of the node.
    pub node: Bounded<u8, MAX_NODE_BYTES>,
    /// Its operands, in its order.
    pub operands: Bounded<TensorOpening, MAX_OPERANDS>,
}

/// The chunks of one operand that an element depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct OperandChunks {
    /// The chunks, ascending.
    pub chunks: Bounded<Chunk, MAX_CHUNKS>,
    /// Their multiproof; empty if there are no chunks.
    pub proof: Bounded<Digest, MAX_PROOF>,
}

/// One chunk of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Chunk {
    /// Its position.
    pub index: u64,
    /// Its bytes.
    pub bytes: Bounded<u8, { crate::digest::CHUNK_BYTES as u32 }>,
}

/// Everything that one element of an opened operator's output depends on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Proof {
    /// For each operand, in the operator's order, the chunks of it that are read.
    pub operands: Bounded<OperandChunks, MAX_OPERANDS>,
}

/// Question about an operator's output: has it this element? What is claimed of it, the worker has revealed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Question {
    /// Position of the element in row-major order.
    pub index: u64,
    /// Its little-endian bytes.
    pub claimed: Bounded<u8, 8>,
}
