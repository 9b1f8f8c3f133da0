//! Elements that begin where a cache line does: a vector of them then lies in one line, and not across two.

use std::ops::{Deref, DerefMut};

/// Bytes of a line, and of the widest vector.
const LINE: usize = 64;

/// Elements in memory that may have room for more of them.
#[derive(Debug, Default)]
pub(crate) struct Aligned<T> {
    /// With those before the first and after the last.
    elements: Vec<T>,
    start: usize,
    length: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// This many elements, which hold anything.
    pub fn with_length(length: usize) -> Self {
        let mut aligned = Self::default();
        aligned.set_length(length);
        aligned
    }

    /// Changes how many there are. They hold anything afterwards.
    pub fn set_length(&mut self, length: usize) {
        if self.room() < length {
            self.elements = vec![T::default(); length + LINE / size_of::<T>().max(1)];
            let start = self.elements.as_ptr().align_offset(LINE);
            // It is within the room for it, unless the elements' size is no power of two.
            self.start = if start + length <= self.elements.len() {
                start
            } else {
                0
            };
        }
        self.length = length;
    }

    /// For how many there is room.
    pub fn room(&self) -> usize {
        self.elements.len() - self.start
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.elements.capacity() * size_of::<T>()
    }
}

impl<T: Copy + Default> Clone for Aligned<T> {
    /// A copy may lie elsewhere in its line, so it is made anew.
    fn clone(&self) -> Self {
        let mut copy = Self::with_length(self.length);
        copy.copy_from_slice(self);
        copy
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements[self.start..self.start + self.length]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.elements[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_begin_with_a_line_and_stay_there() {
        let mut aligned = Aligned::<f32>::default();
        for length in [0, 1, 100, 5, 1000, 3] {
            aligned.set_length(length);
            assert_eq!(aligned.len(), length);
            assert!(length == 0 || aligned.as_ptr().addr().is_multiple_of(LINE));
            aligned.fill(length as f32);
            assert_eq!(*aligned.clone(), *aligned);
        }
        assert!(aligned.room() >= 1000);
        assert!(Aligned::<i8>::with_length(7).as_ptr().addr().is_multiple_of(LINE));
    }
}
