//! Outputs in pieces: neighbouring chunks of one tensor, with the proof that they belong to the output that a claim
//! commits to.
//!
//! Pieces come in order, so a [`Cursor`] is all that has to be remembered between two of them. A piece is checked by
//! the trees of [`tree`](crate::tree) alone: nobody has to have the rest of the output.

use crate::{
    digest::{CHUNK_BYTES, Digest, Hash256, tensor_digest, tensor_digest_of_root},
    model::TensorLayout,
    tree::{Tree, chunk_count, chunk_leaves, list_digest_of_root},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::ops::Range;
use scale_info::TypeInfo;

/// Maximum number of chunks of one piece.
pub const MAX_PIECE_CHUNKS: u32 = 64;
/// Maximum number of bytes of one piece.
pub const MAX_PIECE_BYTES: u32 = MAX_PIECE_CHUNKS * CHUNK_BYTES as u32;

/// Place in an output at which a piece begins.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[scale_info(capture_docs = "always")]
pub struct Cursor {
    /// Position of the tensor among the outputs.
    pub tensor: u32,
    /// Position of the chunk in the tensor.
    pub chunk: u64,
}

/// Neighbouring chunks of one tensor of an output.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct OutputPiece {
    /// Root of the tree over the tensor's chunks.
    pub root: Digest,
    /// Path of the tensor's digest in the list of the outputs' digests.
    pub path: Vec<Digest>,
    /// The chunks one after the other, each of 1,024 bytes but for the tensor's last one.
    pub bytes: Vec<u8>,
    /// Multiproof of the chunks in the tensor's tree.
    pub proof: Vec<Digest>,
}

/// Reasons for which a piece is not the next one of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceError {
    /// The output has nothing at this place.
    NothingLeft,
    /// The piece has more than [`MAX_PIECE_BYTES`].
    TooLong,
    /// The piece is empty, goes beyond its tensor, or ends within a chunk.
    NotWholeChunks,
    /// The chunks are not those of the output at this place.
    NotOfOutput,
}

/// Size of an output that travels in pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parcel {
    /// Its bytes.
    pub bytes: u64,
    /// Its pieces, where each is as long as it can be.
    pub pieces: u64,
}

impl Parcel {
    /// The size of an output; a sum that does not fit its type is the type's maximum, which is beyond any bound.
    pub fn of(layouts: &[TensorLayout]) -> Self {
        layouts.iter().fold(Self::default(), |sum, layout| Self {
            bytes: sum.bytes.saturating_add(layout.bytes),
            pieces: sum
                .pieces
                .saturating_add(layout.bytes.div_ceil(u64::from(MAX_PIECE_BYTES)).max(1)),
        })
    }
}

impl Cursor {
    /// The place after this many chunks; `None` at the output's end.
    fn after(self, chunks: u64, layouts: &[TensorLayout]) -> Option<Self> {
        let layout = layouts.get(self.tensor as usize)?;
        let chunk = self.chunk.checked_add(chunks)?;
        if chunk < chunk_count(layout.data_type, &layout.shape)? {
            return Some(Self { chunk, ..self });
        }
        let next = Self {
            tensor: self.tensor.checked_add(1)?,
            chunk: 0,
        };
        layouts.get(next.tensor as usize).map(|_| next)
    }
}

impl OutputPiece {
    /// Checks that this piece stands at `at` of the output with this digest, whose tensors have these layouts. Returns
    /// the place of the next piece; `None` if this was the last one.
    pub fn check<H: Hash256>(
        &self,
        layouts: &[TensorLayout],
        at: Cursor,
        output_digest: &Digest,
    ) -> Result<Option<Cursor>, PieceError> {
        let layout = layouts.get(at.tensor as usize).ok_or(PieceError::NothingLeft)?;
        let before = at.chunk.checked_mul(CHUNK_BYTES as u64);
        let rest = before.and_then(|before| layout.bytes.checked_sub(before));
        let (rest, given) = (rest.ok_or(PieceError::NothingLeft)?, self.bytes.len() as u64);
        if given > u64::from(MAX_PIECE_BYTES) {
            return Err(PieceError::TooLong);
        }
        let whole = given.is_multiple_of(CHUNK_BYTES as u64) && given > 0;
        if given > rest || (given < rest && !whole) {
            return Err(PieceError::NotWholeChunks);
        }
        let leaves = chunk_leaves::<H>(&self.bytes);
        let chunks = leaves.len() as u64;
        let leaves: Vec<(u64, Digest)> = (at.chunk..).zip(leaves).collect();
        let root = chunk_count(layout.data_type, &layout.shape)
            .and_then(|count| Tree::Chunks.climb_all::<H>(leaves, count, &self.proof));
        let tensor = tensor_digest_of_root::<H>(layout.data_type, &layout.shape, &self.root);
        let tensors = layouts.len() as u64;
        let list = Tree::List.climb::<H>(&tensor, u64::from(at.tensor), tensors, &self.path);
        let digest = list.map(|root| list_digest_of_root::<H>(layouts.len() as u32, &root));
        match root == Some(self.root) && digest == Some(*output_digest) {
            true => Ok(at.after(chunks, layouts)),
            false => Err(PieceError::NotOfOutput),
        }
    }

    /// The longest piece at `at` of the output whose tensors have these layouts and, one after the other, these bytes.
    /// `None` if the output has nothing there, or not as many bytes.
    pub fn at<H: Hash256>(layouts: &[TensorLayout], output: &[u8], at: Cursor) -> Option<Self> {
        let (mut digests, mut rest, mut own) = (Vec::with_capacity(layouts.len()), output, None);
        for (layout, position) in layouts.iter().zip(0u32..) {
            let (tensor, after) = rest.split_at_checked(usize::try_from(layout.bytes).ok()?)?;
            digests.push(tensor_digest::<H>(layout.data_type, &layout.shape, tensor));
            if position == at.tensor {
                own = Some(tensor);
            }
            rest = after;
        }
        let tensor = own.filter(|_| rest.is_empty())?;
        let leaves = chunk_leaves::<H>(tensor);
        let chunks = window(at.chunk, leaves.len() as u64)?;
        let indices: Vec<u64> = chunks.clone().collect();
        let start = usize::try_from(chunks.start).ok()?.checked_mul(CHUNK_BYTES)?;
        let end = usize::try_from(chunks.end).ok()?.checked_mul(CHUNK_BYTES)?;
        Some(Self {
            path: Tree::List.path::<H>(&digests, u64::from(at.tensor))?.into_inner(),
            bytes: tensor.get(start..end.min(tensor.len()))?.to_vec(),
            proof: Tree::Chunks.prove::<H>(&leaves, &indices)?,
            root: Tree::Chunks.fold::<H>(&leaves),
        })
    }

    /// The place after this piece, which stands at `at`; `None` if it is the last one. Nothing is checked.
    pub fn end(&self, layouts: &[TensorLayout], at: Cursor) -> Option<Cursor> {
        at.after((self.bytes.len() as u64).div_ceil(CHUNK_BYTES as u64).max(1), layouts)
    }
}

/// The chunks of the longest piece that begins at this one.
fn window(chunk: u64, count: u64) -> Option<Range<u64>> {
    let end = chunk.saturating_add(u64::from(MAX_PIECE_CHUNKS)).min(count);
    (chunk < end).then_some(chunk..end)
}

#[cfg(test)]
mod tests;
