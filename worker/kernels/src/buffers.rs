//! Memory for elements that is used again, so that a computation that has run once needs no more to run again.

use crate::{
    aligned::Aligned,
    array::{Array, Element, with_type},
};
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// Less is not kept.
const FEWEST_BYTES_TO_KEEP: usize = 128;

/// Elements in memory that may have room for more of them.
#[derive(Debug, Default)]
pub struct Buffer<T>(Aligned<T>);

impl<T: Copy + Default> From<&[T]> for Buffer<T> {
    fn from(elements: &[T]) -> Self {
        let mut aligned = Aligned::with_length(elements.len());
        aligned.copy_from_slice(elements);
        Self(aligned)
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
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
    /// A buffer with this many elements, whatever they are: the smallest that is large enough, or else a new one in
    /// place of the largest.
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
        for (index, room) in self.free.iter().map(|buffer| buffer.0.room()).enumerate() {
            if room >= length && best.is_none_or(|(_, least)| room < least) {
                best = Some((index, room));
            }
            if largest.is_none_or(|(_, most)| room > most) {
                largest = Some((index, room));
            }
        }
        if let Some((index, _)) = best {
            let mut buffer = self.free.swap_remove(index);
            buffer.0.set_length(length);
            return buffer;
        }
        if let Some((index, _)) = largest {
            self.free.swap_remove(index);
        }
        Buffer(Aligned::with_length(length))
    }

    /// A line or two are not worth keeping: one element is a constant's.
    fn give(&mut self, buffer: Arc<Buffer<T>>) {
        if let Ok(buffer) = Arc::try_unwrap(buffer)
            && buffer.0.bytes() > FEWEST_BYTES_TO_KEEP
        {
            self.free.push(buffer);
        }
    }

    fn bytes(&self) -> usize {
        self.free.iter().map(|buffer| buffer.0.bytes()).sum()
    }
}
