//! What is opened to a judge, with a greatest size for every part.

use crate::{
    bounded::Bounded,
    digest::{DataType, Digest},
    graph::{Input, MAX_HEADER_BYTES, MAX_NODE_BYTES, MAX_OPERANDS, MAX_RANK, MAX_TENSORS, Output, Symbol, Weight},
    tree::{Membership, Path},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Chunks of one operand that an element can depend on: 64 KiB, and one more because a row may start within a chunk.
pub const MAX_CHUNKS: u32 = 65;
/// Digests of the multiproof of so many neighbouring chunks: at most two for each level of the tree.
pub const MAX_PROOF: u32 = 106;

/// The dimensions of a tensor.
pub type Shape = Bounded<u32, { MAX_RANK as u32 }>;

/// What a model root commits to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct ModelOpening {
    /// Entries of the graph's list: its header, and its nodes.
    pub graph_count: u32,
    /// Root of the tree over that list.
    pub graph_list_root: Digest,
    /// List digest of the weights.
    pub weights_root: Digest,
    /// Hash of the manifest.
    pub manifest_hash: Digest,
}

/// One node of the graph: entry `operator + 1` of the graph's list.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct OperatorOpening {
    /// SCALE of the [`Node`](crate::graph::Node).
    pub node: Bounded<u8, MAX_NODE_BYTES>,
    /// Its path in the graph's list.
    pub path: Path,
}

/// One operand of the node: what its digest commits to, that the digest is the one that the wiring names, and the
/// chunks that the element depends on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct OperandOpening {
    /// Type of its elements.
    pub dtype: DataType,
    /// Its dimensions.
    pub shape: Shape,
    /// Root of the tree over its chunks.
    pub root: Digest,
    /// Its place among the inputs, the weights or the nodes' outputs.
    pub membership: Membership,
    /// The chunks that are opened, ascending. None where only the header is asked for.
    pub chunks: Bounded<Chunk, MAX_CHUNKS>,
    /// Their multiproof; empty if there are no chunks.
    pub proof: Bounded<Digest, MAX_PROOF>,
}

/// One chunk of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Chunk {
    /// Its position.
    pub index: u64,
    /// Its bytes.
    pub bytes: Bounded<u8, { crate::digest::CHUNK_BYTES as u32 }>,
}

/// Everything that one question about an operator needs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Proof {
    /// The model.
    pub model: ModelOpening,
    /// The node.
    pub operator: OperatorOpening,
    /// Its operands, in its order.
    pub operands: Bounded<OperandOpening, MAX_OPERANDS>,
}

/// What is asked about an operator's output. What is claimed of it, the worker has revealed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Question {
    /// Has it this type and shape?
    #[codec(index = 0)]
    Header {
        /// Type of its elements.
        dtype: DataType,
        /// Its dimensions.
        shape: Shape,
    },
    /// Has it this element?
    #[codec(index = 1)]
    Element {
        /// Type of its elements.
        dtype: DataType,
        /// Its dimensions.
        shape: Shape,
        /// Position of the element in row-major order.
        index: u64,
        /// Its little-endian bytes.
        claimed: Bounded<u8, 8>,
    },
}

/// The part of a graph that is not its nodes: what entry 0 of its list is the hash of.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct GraphHeader {
    /// The dynamic dimensions.
    pub symbols: Vec<Symbol>,
    /// The tensors that the graph takes.
    pub inputs: Vec<Input>,
    /// The tensors that it carries.
    pub weights: Vec<Weight>,
    /// The tensors that it gives.
    pub outputs: Vec<Output>,
}

/// The header of the graph, under the model root.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct HeaderOpening {
    /// SCALE of the [`GraphHeader`].
    pub header: Bounded<u8, MAX_HEADER_BYTES>,
    /// Its path in the graph's list, where it is entry 0.
    pub path: Path,
}

/// What the digest of a tensor commits to, without its chunks.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TensorOpening {
    /// Type of its elements.
    pub dtype: DataType,
    /// Its dimensions.
    pub shape: Shape,
    /// Root of the tree over its chunks.
    pub root: Digest,
}

/// Everything that the values of the graph's symbols follow from.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct SymbolsProof {
    /// The model.
    pub model: ModelOpening,
    /// The graph's symbols and inputs.
    pub header: HeaderOpening,
    /// All of the job's inputs, in order.
    pub inputs: Bounded<TensorOpening, { MAX_TENSORS as u32 }>,
}
