//! Tensors seen through strides: copied in order, and combined where dimensions of one are repeated to fit the other.

use crate::{
    elementwise::{Operand, Operation, combine},
    instructions::Instructions,
    layout::gather,
    threads::Threads,
};

/// Elements that one thread takes at a time, at least.
pub const ELEMENTS_AT_ONCE: usize = 16 * 1024;

/// Element `[i, j, …]` is `numbers[offset + i·strides[0] + j·strides[1] + …]`.
#[derive(Clone, Debug)]
pub struct View<'a> {
    numbers: &'a [f32],
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl<'a> View<'a> {
    /// A view of these numbers.
    ///
    /// # Panics
    ///
    /// If there is not one stride for each dimension.
    pub fn new(numbers: &'a [f32], offset: usize, shape: &[usize], strides: &[usize]) -> Self {
        assert_eq!(shape.len(), strides.len(), "one stride for each dimension");
        Self {
            numbers,
            offset,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
        }
    }

    /// The same with missing outer dimensions, and dimensions of one element repeated; nothing if that does not give
    /// `shape`.
    pub fn repeated(&self, shape: &[usize]) -> Option<Self> {
        let missing = shape.len().checked_sub(self.shape.len())?;
        let own = self.shape.iter().zip(&self.strides).zip(&shape[missing..]);
        let own = own.map(|((n, stride), wanted)| match n {
            n if n == wanted => Some(*stride),
            1 => Some(0),
            _ => None,
        });
        let strides = std::iter::repeat_n(Some(0), missing)
            .chain(own)
            .collect::<Option<_>>()?;
        Some(Self {
            numbers: self.numbers,
            offset: self.offset,
            shape: shape.to_vec(),
            strides,
        })
    }

    /// How many elements it has.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Writes its elements in row-major order, on all threads.
    ///
    /// # Panics
    ///
    /// If there is not a place for each element, or the view leaves its numbers.
    pub fn copy(&self, threads: &Threads, to: &mut [f32]) {
        assert_eq!(self.elements(), to.len(), "no place for the elements");
        // The outer dimensions are shared out, as long as the inner ones make pieces that are worth it.
        let inner = |outer: usize| self.shape[outer..].iter().product::<usize>();
        let outer = (0..self.shape.len())
            .rev()
            .find(|outer| inner(*outer) >= ELEMENTS_AT_ONCE / 4);
        let outer = outer.unwrap_or(0);
        let (outer_shape, shape) = self.shape.split_at(outer);
        let (outer_strides, strides) = self.strides.split_at(outer);
        let pieces = to.chunks_mut(inner(outer).max(1)).enumerate();
        threads.share(pieces, |_, (index, to)| {
            let start = self.offset + distance(index, outer_shape, outer_strides);
            gather(self.numbers, start, shape, strides, to);
        });
    }

    /// Whether the last dimension is numbers next to each other, or one number repeated.
    fn is_plain(&self) -> bool {
        self.strides.last().is_none_or(|stride| *stride <= 1)
    }

    /// `length` numbers of the last dimension from `start` on, in the row at this position of all rows.
    fn row(&self, row: usize, start: usize, length: usize) -> Operand<'a> {
        let outer = self.shape.len().saturating_sub(1);
        let place = self.offset + distance(row, &self.shape[..outer], &self.strides[..outer]);
        if self.strides.last() == Some(&0) {
            Operand::All(self.numbers[place])
        } else {
            Operand::Each(&self.numbers[place + start..][..length])
        }
    }
}

/// How far from the first element that at this position, in row-major order, is.
fn distance(mut position: usize, shape: &[usize], strides: &[usize]) -> usize {
    let mut distance = 0;
    for (n, stride) in shape.iter().zip(strides).rev() {
        distance += position % n * stride;
        position /= n;
    }
    distance
}

/// Puts dimensions together that are next to each other in both views, and leaves out those with one element.
fn collapse(a: &mut View<'_>, b: &mut View<'_>) {
    let (mut shape, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new());
    for ((n, a), b) in a.shape.iter().zip(&a.strides).zip(&b.strides) {
        if *n == 1 {
            continue;
        }
        match (shape.last_mut(), left.last_mut(), right.last_mut()) {
            (Some(dim), Some(left), Some(right)) if *left == a * n && *right == b * n => {
                *dim *= n;
                (*left, *right) = (*a, *b);
            }
            _ => {
                shape.push(*n);
                left.push(*a);
                right.push(*b);
            }
        }
    }
    a.shape.clone_from(&shape);
    b.shape = shape;
    (a.strides, b.strides) = (left, right);
}

/// Writes two views of one shape, combined, in row-major order, on all threads.
///
/// # Panics
///
/// If the views and the output are not of one shape.
pub fn combine_views(
    threads: &Threads,
    instructions: Instructions,
    operation: Operation,
    a: &View<'_>,
    b: &View<'_>,
    to: &mut [f32],
) {
    assert!(a.shape == b.shape && a.elements() == to.len(), "operands do not fit");
    let (mut a, mut b) = (a.clone(), b.clone());
    collapse(&mut a, &mut b);
    // What steps wider than by one in the last dimension is brought into order first.
    let ordered = |view: &View<'_>| {
        let mut numbers = vec![0.0; view.elements()];
        view.copy(threads, &mut numbers);
        numbers
    };
    let (own_a, own_b) = (
        (!a.is_plain()).then(|| ordered(&a)),
        (!b.is_plain()).then(|| ordered(&b)),
    );
    let strides = crate::layout::contiguous_strides(&a.shape);
    if let Some(own) = &own_a {
        a = View::new(own, 0, &a.shape, &strides);
    }
    if let Some(own) = &own_b {
        b = View::new(own, 0, &b.shape, &strides);
    }
    let length = a.shape.last().copied().unwrap_or(1);
    if length >= ELEMENTS_AT_ONCE || a.shape.len() < 2 {
        for (row, to) in to.chunks_mut(length.max(1)).enumerate() {
            threads.share(to.chunks_mut(ELEMENTS_AT_ONCE).enumerate(), |_, (part, to)| {
                let start = part * ELEMENTS_AT_ONCE;
                let (a, b) = (a.row(row, start, to.len()), b.row(row, start, to.len()));
                combine(instructions, operation, a, b, to);
            });
        }
        return;
    }
    let rows = ELEMENTS_AT_ONCE.div_ceil(length);
    threads.share(to.chunks_mut(rows * length).enumerate(), |_, (part, to)| {
        for (index, to) in to.chunks_mut(length).enumerate() {
            let row = part * rows + index;
            combine(
                instructions,
                operation,
                a.row(row, 0, length),
                b.row(row, 0, length),
                to,
            );
        }
    });
}
