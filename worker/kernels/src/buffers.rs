//! Memory for elements that is used again, so that a computation that has run once needs no more to run again.

use crate::array::{Array, Element, with_type};
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// Elements in memory that may have room for more of them.
#[derive(Debug, Default)]
pub struct Buffer<T> {
    elements: Vec<T>,
    length: usize,
}

impl<T> From<Vec<T>> for Buffer<T> {
    fn from(elements: Vec<T>) -> Self {
        let length = elements.len();
        Self { elements, length }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements[..self.length]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.elements[..self.length]
    }
}

/// Buffers that nobody uses at present, by the type of their elements.
#[derive(Default)]
pub struct Buffers {
    pub(crate) float32: Pool<f32>,
    pub(crate) int64: Pool<i64>,
    pub(crate) int32: Pool<i32>,
    pub(crate) int8: Pool<i8>,
    pub(crate) uint8: Pool<u8>,
    pub(crate) bool: Pool<bool>,
}

/// Those of one type.
#[derive(Default)]
pub(crate) struct Pool<T> {
    free: Vec<Buffer<T>>,
}

impl Buffers {
    /// A buffer with so many elements, whatever they are: the smallest that is large enough, or else a new one in place of the
    /// largest.
    pub(crate) fn take<T: Element>(&mut self, length: usize) -> Buffer<T> {
        T::pool(self).take(length)
    }

    /// A buffer of numbers.
    pub fn numbers(&mut self, length: usize) -> Buffer<f32> {
        self.take(length)
    }

    /// Takes back what an array held, if nobody else holds it.
    pub fn give(&mut self, array: Array) {
        with_type!(array.data.dtype(), T => if let Some(buffer) = T::into_buffer(array.data) {
            T::pool(self).give(buffer);
        });
    }

    /// Bytes of all buffers here.
    pub fn bytes(&self) -> usize {
        let sizes = [
            self.float32.bytes(),
            self.int64.bytes(),
            self.int32.bytes(),
            self.int8.bytes(),
            self.uint8.bytes(),
            self.bool.bytes(),
        ];
        sizes.into_iter().sum()
    }
}

impl<T: Element> Pool<T> {
    fn take(&mut self, length: usize) -> Buffer<T> {
        let (mut best, mut largest) = (None, None);
        for (index, room) in self.free.iter().map(|buffer| buffer.elements.len()).enumerate() {
            if room >= length && best.is_none_or(|(_, least)| room < least) {
                best = Some((index, room));
            }
            if largest.is_none_or(|(_, most)| room > most) {
                largest = Some((index, room));
            }
        }
        if let Some((index, _)) = best {
            let mut buffer = self.free.swap_remove(index);
            buffer.length = length;
            return buffer;
        }
        if let Some((index, _)) = largest {
            self.free.swap_remove(index);
        }
        vec![T::default(); length].into()
    }

    /// One element is not worth keeping: it is a constant's.
    fn give(&mut self, buffer: Arc<Buffer<T>>) {
        if let Ok(buffer) = Arc::try_unwrap(buffer)
            && buffer.elements.len() > 1
        {
            self.free.push(buffer);
        }
    }

    fn bytes(&self) -> usize {
        let bytes = self.free.iter().map(|buffer| buffer.elements.capacity());
        bytes.sum::<usize>() * size_of::<T>()
    }
}
