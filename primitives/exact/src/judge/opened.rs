//! Operands of which some chunks are open.

use super::opening::{OperandChunks, TensorOpening};
use crate::{
    binary32::Binary32,
    digest::{CHUNK_BYTES, DataType, Digest, Hash256, leaf},
    element::{Element, ElementError, Operands},
    tree::{Tree, chunk_count, chunk_size, place_of},
};
use alloc::{vec, vec::Vec};

/// The operands of an operator as they were opened, and which chunks of theirs were read.
pub(super) struct Opened<'a> {
    operands: &'a [TensorOpening],
    chunks: &'a [OperandChunks],
    read: Vec<Vec<bool>>,
}

impl<'a> Opened<'a> {
    /// Operands whose chunks, as many lists as there are operands, have been checked.
    pub fn new(operands: &'a [TensorOpening], chunks: &'a [OperandChunks]) -> Self {
        let read = chunks.iter().map(|operand| vec![false; operand.chunks.len()]);
        Self {
            operands,
            chunks,
            read: read.collect(),
        }
    }

    /// The first operand that has a chunk which was not read.
    pub fn first_unread(&self) -> Option<u32> {
        let unread = self.read.iter().position(|chunks| chunks.contains(&false))?;
        u32::try_from(unread).ok()
    }

    /// The bytes of an opened chunk.
    fn chunk(&mut self, operand: usize, chunk: u64) -> Option<&'a [u8]> {
        let chunks = &self.chunks.get(operand)?.chunks;
        let position = chunks.binary_search_by_key(&chunk, |opened| opened.index).ok()?;
        *self.read.get_mut(operand)?.get_mut(position)? = true;
        chunks.get(position).map(|opened| &*opened.bytes)
    }

    /// The type of an operand, and the bytes of neighbouring elements of it, by chunks.
    fn row(&mut self, operand: usize, start: u64, length: u64) -> Result<(DataType, Vec<&'a [u8]>), ElementError> {
        let dtype = self.operands.get(operand).ok_or(ElementError::Unfit)?.dtype;
        let (mut pieces, mut index, mut left) = (Vec::new(), start, length);
        while left > 0 {
            let closed = ElementError::Closed { operand, index };
            let (chunk, range) = place_of(dtype, index).ok_or(closed)?;
            let bytes = self.chunk(operand, chunk).and_then(|bytes| bytes.get(range.start..));
            let bytes = bytes.ok_or(closed)?;
            let count = left.min((bytes.len() / dtype.size_bytes()) as u64);
            let piece = usize::try_from(count)
                .ok()
                .and_then(|count| bytes.get(..count * dtype.size_bytes()));
            pieces.push(piece.filter(|piece| !piece.is_empty()).ok_or(closed)?);
            (index, left) = (index.saturating_add(count), left.saturating_sub(count));
        }
        Ok((dtype, pieces))
    }
}

impl Operands for Opened<'_> {
    fn count(&self) -> usize {
        self.operands.len()
    }

    fn layout(&self, operand: usize) -> Option<(DataType, &[u32])> {
        self.operands.get(operand).map(|opened| (opened.dtype, &*opened.shape))
    }

    fn read(&mut self, operand: usize, index: u64) -> Result<Element, ElementError> {
        let closed = ElementError::Closed { operand, index };
        let dtype = self.operands.get(operand).ok_or(ElementError::Unfit)?.dtype;
        let (chunk, range) = place_of(dtype, index).ok_or(closed)?;
        let bytes = self
            .chunk(operand, chunk)
            .and_then(|bytes| bytes.get(range))
            .ok_or(closed)?;
        Element::from_bytes(dtype, bytes).ok_or(closed)
    }

    /// As reading them one by one, but each chunk is looked up once.
    fn numbers(&mut self, operand: usize, start: u64, length: u64) -> Result<Vec<Binary32>, ElementError> {
        let (dtype, pieces) = self.row(operand, start, length)?;
        if dtype != DataType::Float32 {
            return Err(ElementError::Unfit);
        }
        let mut numbers = Vec::with_capacity(pieces.iter().map(|piece| piece.len() / 4).sum());
        for piece in pieces {
            let words = piece.as_chunks::<4>().0.iter();
            numbers.extend(words.map(|word| Binary32::from_bits(u32::from_le_bytes(*word))));
        }
        Ok(numbers)
    }

    /// As reading them one by one, but each chunk is looked up once.
    fn integers(&mut self, operand: usize, start: u64, length: u64) -> Result<Vec<i64>, ElementError> {
        let (dtype, pieces) = self.row(operand, start, length)?;
        if dtype == DataType::Float32 {
            return Err(ElementError::Unfit);
        }
        let integers = pieces
            .iter()
            .flat_map(|piece| Element::integers_from_bytes(dtype, piece));
        Ok(integers.collect())
    }
}

impl OperandChunks {
    /// Whether these are chunks of this tensor.
    pub(super) fn open<H: Hash256>(&self, tensor: &TensorOpening) -> bool {
        if self.chunks.is_empty() {
            return self.proof.is_empty();
        }
        let leaves = self.chunks.iter().map(|chunk| {
            let whole = chunk_size(tensor.dtype, &tensor.shape, chunk.index) == Some(chunk.bytes.len());
            whole.then(|| (chunk.index, leaf::<H>(&chunk.bytes)))
        });
        let Some(leaves) = leaves.collect::<Option<Vec<(u64, Digest)>>>() else {
            return false;
        };
        let count = chunk_count(tensor.dtype, &tensor.shape);
        let root = count.and_then(|count| Tree::Chunks.climb_all::<H>(leaves, count, &self.proof));
        root == Some(tensor.root)
    }
}

const _: () = assert!(CHUNK_BYTES.is_multiple_of(8), "no element lies in two chunks");
