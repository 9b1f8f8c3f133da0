//! What an operator computes with: threads, instructions and memory.

use super::{
    array::{Array, Data},
    memory::{Buffer, Buffers},
};
use assay_kernels::{
    elementwise::Operation,
    instructions::Instructions,
    scratch::Scratch,
    threads::Threads,
    view::{ELEMENTS_AT_ONCE, combine_views},
};
use std::sync::Arc;

/// Threads, instructions and memory.
pub(super) struct Context<'a> {
    pub instructions: Instructions,
    pub threads: &'a Threads,
    pub scratch: &'a Scratch,
    pub buffers: &'a mut Buffers,
}

impl Context<'_> {
    /// The same numbers in row-major order; nothing if they are none.
    pub fn contiguous(&mut self, array: &Array) -> Option<Array> {
        let view = array.as_view()?;
        if array.is_contiguous() {
            return Some(array.clone());
        }
        let mut output = self.buffers.take(array.len());
        view.copy(self.threads, &mut output);
        Some(Array::numbers(array.shape.clone(), output))
    }

    /// Two arrays, repeated to `shape` and combined.
    pub fn combine(&mut self, operation: Operation, a: &Array, b: &Array, shape: Vec<usize>) -> Option<Array> {
        let (a, b) = (a.as_view()?.repeated(&shape)?, b.as_view()?.repeated(&shape)?);
        let mut output = self.buffers.take(a.elements());
        combine_views(self.threads, self.instructions, operation, &a, &b, &mut output);
        Some(Array::numbers(shape, output))
    }

    /// Numbers in row-major order that may be changed: the array's own where nobody else holds them, which leaves it empty.
    pub fn owned(&mut self, array: &mut Array) -> Option<Buffer> {
        let length = array.len();
        if array.is_contiguous()
            && let Data::Numbers { buffer, offset: 0, .. } = &mut array.data
            && let Some(numbers) = Arc::get_mut(buffer)
            && numbers.len() == length
        {
            return Some(std::mem::take(numbers));
        }
        let mut copy = self.buffers.take(length);
        array.as_view()?.copy(self.threads, &mut copy);
        Some(copy)
    }

    /// Copies rows of `length` to rows of `row`, each to where `start` says.
    pub fn copy_rows(&self, from: &[f32], length: usize, to: &mut [f32], row: usize, start: usize) {
        if length > 0 {
            for (from, to) in from.chunks_exact(length).zip(to.chunks_exact_mut(row)) {
                to[start..start + length].copy_from_slice(from);
            }
        }
    }

    /// Calls `work` for pieces of numbers that are whole rows of `length`, on all threads.
    pub fn share_rows(&self, numbers: &mut [f32], length: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
        let rows = ELEMENTS_AT_ONCE.div_ceil(length.max(1));
        self.threads.share(numbers.chunks_mut(rows * length.max(1)), work);
    }
}
