//! Buffers that are used again, so that a program that has run once needs no more memory to run again.

use super::array::{Array, Data};
use assay_kernels::scratch::Scratch;
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// What a program computes in. Only one evaluation at a time has it.
pub(super) struct Memory {
    pub scratch: Scratch,
    pub buffers: Buffers,
}

/// Numbers in memory that may have room for more of them.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    numbers: Vec<f32>,
    length: usize,
}

impl From<Vec<f32>> for Buffer {
    fn from(numbers: Vec<f32>) -> Self {
        let length = numbers.len();
        Self { numbers, length }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers[..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[..self.length]
    }
}

/// Buffers that nobody uses at present.
#[derive(Default)]
pub(super) struct Buffers {
    free: Vec<Buffer>,
}

impl Buffers {
    /// A buffer with so many numbers, whatever they are: the smallest that is large enough, or else a new one in place of the
    /// largest.
    pub fn take(&mut self, length: usize) -> Buffer {
        let room = |index: &usize| self.free[*index].numbers.len();
        let large_enough = (0..self.free.len()).filter(|index| room(index) >= length);
        if let Some(index) = large_enough.min_by_key(room) {
            let mut buffer = self.free.swap_remove(index);
            buffer.length = length;
            return buffer;
        }
        if let Some(largest) = (0..self.free.len()).max_by_key(room) {
            self.free.swap_remove(largest);
        }
        vec![0.0; length].into()
    }

    /// Takes back what an array held, if nobody else holds it.
    pub fn give(&mut self, array: Array) {
        if let Data::Numbers { buffer, .. } = array.data
            && let Ok(buffer) = Arc::try_unwrap(buffer)
            && buffer.numbers.len() > 1
        {
            self.free.push(buffer);
        }
    }

    /// Bytes of all buffers here.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.free
            .iter()
            .map(|buffer| buffer.numbers.capacity() * size_of::<f32>())
            .sum()
    }
}
