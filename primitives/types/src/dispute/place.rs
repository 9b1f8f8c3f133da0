//! Places of a game: from the top of the trace down to a chunk of one operator's output.

use crate::H256;
use assay_exact::{
    bounded::Bounded,
    digest::CHUNK_BYTES,
    judge::{OpenedOperator, TensorOpening},
    tree::{chunk_count, level_for, span},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Digests that one statement reveals.
pub const MAX_NODES: u32 = 1_024;

/// Levels that one statement of [`MAX_NODES`] nodes goes down.
const LEVELS: u32 = MAX_NODES.ilog2();

/// Nodes of one level of a tree, from the left.
pub type Nodes = Bounded<[u8; 32], MAX_NODES>;

/// A place that a worker can be asked to reveal.
///
/// Trees are revealed from the top: first the least level of at most [`MAX_NODES`] nodes, then the nodes below the one
/// that is pointed at. Levels count from the leaves, which are level 0.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[scale_info(capture_docs = "always")]
pub enum Place {
    /// The trace: the symbols, the outputs, and the top of the tree over the operators' digests.
    #[codec(index = 0)]
    Trace,
    /// The nodes below a node of that tree.
    #[codec(index = 1)]
    TraceSpan {
        /// The node's level, more than 0.
        level: u32,
        /// Its position in that level.
        index: u64,
    },
    /// An operator with what it takes, its output's header, and the top of the tree over the output's chunks.
    #[codec(index = 2)]
    Tensor {
        /// Position of the operator in the graph.
        operator: u32,
    },
    /// The nodes below a node of that tree.
    #[codec(index = 3)]
    TensorSpan {
        /// Position of the operator in the graph.
        operator: u32,
        /// The node's level, more than 0.
        level: u32,
        /// Its position in that level.
        index: u64,
    },
    /// A chunk of an operator's output.
    #[codec(index = 4)]
    Chunk {
        /// Position of the operator in the graph.
        operator: u32,
        /// Position of the chunk in the tensor.
        chunk: u64,
    },
}

/// The name of a kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// See [`Place::Trace`].
    Trace,
    /// See [`Place::TraceSpan`].
    TraceSpan,
    /// See [`Place::Tensor`].
    Tensor,
    /// See [`Place::TensorSpan`].
    TensorSpan,
    /// See [`Place::Chunk`].
    Chunk,
}

/// The revealed part of a place, as the chain keeps it while the dispute lasts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Revealed {
    /// Nodes of the next level, of the trace or of a span.
    #[codec(index = 0)]
    Nodes(Nodes),
    /// An operator with what it takes, and the head of its output.
    #[codec(index = 1)]
    Tensor {
        /// The node, and its operands' headers and roots.
        operator: OpenedOperator,
        /// The output's header and root.
        output: TensorOpening,
        /// The top of the tree over its chunks.
        nodes: Nodes,
    },
    /// The bytes of a chunk.
    #[codec(index = 2)]
    Chunk(Bounded<u8, { CHUNK_BYTES as u32 }>),
}

/// Reasons for which a challenger cannot point there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointError {
    /// The revealed statement has no such entry.
    NoSuchEntry,
    /// A chunk is the end: prove that it is wrong.
    NothingBelow,
    /// The stored statement does not fit the place. It was checked when it was revealed, so this is a bug.
    Inconsistent,
}

impl Place {
    /// The kind of this place.
    pub fn kind(&self) -> PlaceKind {
        match self {
            Self::Trace => PlaceKind::Trace,
            Self::TraceSpan { .. } => PlaceKind::TraceSpan,
            Self::Tensor { .. } => PlaceKind::Tensor,
            Self::TensorSpan { .. } => PlaceKind::TensorSpan,
            Self::Chunk { .. } => PlaceKind::Chunk,
        }
    }

    /// The operator whose output this place is in.
    pub fn operator(&self) -> Option<u32> {
        match self {
            Self::Trace | Self::TraceSpan { .. } => None,
            Self::Tensor { operator } | Self::TensorSpan { operator, .. } | Self::Chunk { operator, .. } => {
                Some(*operator)
            }
        }
    }
}

/// The nodes that a statement reveals: their level, the position of the first one, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Their level.
    pub level: u32,
    /// Position of the first one in that level.
    pub start: u64,
    /// Number of nodes.
    pub count: u64,
}

impl Window {
    /// The top of a tree of `leaves` leaves: its least level of at most [`MAX_NODES`] nodes.
    pub fn top(leaves: u64) -> Self {
        let level = level_for(leaves, MAX_NODES.into());
        let count = assay_exact::tree::nodes_of_level(leaves, level);
        Self { level, start: 0, count }
    }

    /// The nodes that are revealed below a node; `None` if the tree has no such node, or it is a leaf.
    pub fn below(leaves: u64, level: u32, index: u64) -> Option<Self> {
        if level == 0 {
            return None;
        }
        let lower = level.saturating_sub(LEVELS); // At least the leaves.
        let nodes = span(leaves, level, index, lower)?;
        Some(Self {
            level: lower,
            start: nodes.start,
            count: nodes.end.checked_sub(nodes.start)?,
        })
    }
}

/// The nodes that the statement of a place reveals. `operators` is the number of the graph's operators, `tensor` what
/// the game has gone into. `None` where there is no such place, and for a chunk, which has no nodes.
pub fn window(place: &Place, operators: u32, tensor: Option<&TensorOpening>) -> Option<Window> {
    let chunks = || tensor.and_then(|tensor| chunk_count(tensor.dtype, &tensor.shape));
    match place {
        Place::Trace => Some(Window::top(operators.into())),
        Place::TraceSpan { level, index } => Window::below(operators.into(), *level, *index),
        Place::Tensor { .. } => Some(Window::top(chunks()?)),
        Place::TensorSpan { level, index, .. } => Window::below(chunks()?, *level, *index),
        Place::Chunk { .. } => None,
    }
}

/// The place below entry `entry` of the revealed nodes, and the digest that the statement of that place must have.
///
/// `tensor` is what the game has gone into, for places within one.
pub fn point(
    place: &Place,
    revealed: &Revealed,
    operators: u32,
    tensor: Option<&TensorOpening>,
    entry: u32,
) -> Result<(Place, H256), PointError> {
    let nodes = match revealed {
        Revealed::Nodes(nodes) | Revealed::Tensor { nodes, .. } => nodes,
        Revealed::Chunk(_) => return Err(PointError::NothingBelow),
    };
    let digest = usize::try_from(entry).ok().and_then(|entry| nodes.get(entry));
    let digest = H256(*digest.ok_or(PointError::NoSuchEntry)?);
    let window = window(place, operators, tensor).ok_or(PointError::Inconsistent)?;
    let index = window.start.checked_add(entry.into()).ok_or(PointError::Inconsistent)?;
    let level = window.level;
    let next = match (place, level) {
        (Place::Trace | Place::TraceSpan { .. }, 0) => Place::Tensor {
            operator: u32::try_from(index).map_err(|_| PointError::Inconsistent)?,
        },
        (Place::Trace | Place::TraceSpan { .. }, _) => Place::TraceSpan { level, index },
        (Place::Tensor { operator } | Place::TensorSpan { operator, .. }, 0) => Place::Chunk {
            operator: *operator,
            chunk: index,
        },
        (Place::Tensor { operator } | Place::TensorSpan { operator, .. }, _) => Place::TensorSpan {
            operator: *operator,
            level,
            index,
        },
        (Place::Chunk { .. }, _) => return Err(PointError::NothingBelow),
    };
    Ok((next, digest))
}
