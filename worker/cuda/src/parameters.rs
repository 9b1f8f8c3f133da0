//! The parameters of kernels, as the words that the kernels' structures consist of.

use crate::{array::Array, memory::Buffer};
use assay_ops::layout::{Layout, MAX_RANK, merge};

/// Functions that a kernel applies at a time.
pub(crate) const MAX_FUNCTIONS: usize = 8;

/// Words, in the order of a structure's fields.
#[derive(Default)]
pub(crate) struct Parameters(pub Vec<u64>);

impl Parameters {
    pub fn word(mut self, word: u64) -> Self {
        self.0.push(word);
        self
    }

    pub fn count(self, count: usize) -> Self {
        self.word(count as u64)
    }

    pub fn address(self, buffer: &Buffer) -> Self {
        self.word(buffer.address())
    }

    /// An address, or none.
    pub fn optional(self, buffer: Option<&Buffer>) -> Self {
        self.word(buffer.map_or(0, Buffer::address))
    }

    /// `View`: where elements stand, with dimensions put together that are next to each other.
    pub fn view(self, layout: &Layout) -> Self {
        let mut merged = [*layout];
        merge(&mut merged);
        let [
            Layout {
                offset, shape, strides, ..
            },
        ] = merged;
        let mut words = self.count(offset);
        // A view of one element has one dimension too.
        let (shape, strides): (&[usize], &[usize]) = if shape.is_empty() {
            (&[1], &[0])
        } else {
            (&shape, &strides)
        };
        words = words.count(shape.len());
        for numbers in [shape, strides] {
            words.0.extend(numbers.iter().map(|number| *number as u64));
            words.0.resize(words.0.len() + MAX_RANK - numbers.len(), 0);
        }
        words
    }

    /// `Rows`: those along the last dimension of an array.
    pub fn rows(self, array: &Array) -> Option<Self> {
        let axis = array.shape().len().checked_sub(1)?;
        let (starts, _) = array.layout.split(axis);
        let words = self.count(starts.elements()).count(array.layout.shape[axis]);
        Some(words.view(&starts).count(array.layout.strides[axis]))
    }

    /// `Chain`.
    pub fn functions(self, functions: &[u64]) -> Self {
        let mut words = self.count(functions.len());
        words.0.extend_from_slice(functions);
        // A kernel reads the whole structure.
        words.0.resize(words.0.len() + MAX_FUNCTIONS - functions.len(), 0);
        words
    }
}
