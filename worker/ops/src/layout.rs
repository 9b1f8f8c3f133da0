//! Where the elements of a tensor stand: shapes and strides, through which a permutation, a slice or a repetition moves
//! nothing.

use std::ops::Deref;

/// Most dimensions of a tensor.
pub const MAX_RANK: usize = assay_exact::graph::MAX_RANK;

/// A number for each dimension, outermost first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dims {
    rank: usize,
    values: [usize; MAX_RANK],
}

/// Element `[i, j, …]` is at `offset + i·strides[0] + j·strides[1] + …`.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Where the first element is.
    pub offset: usize,
    /// Number of elements of each dimension.
    pub shape: Dims,
    /// Distance from one element to the next in each dimension.
    pub strides: Dims,
}

/// Rows of several tensors of one shape, one after the other: where the first element of each is.
pub struct Walk<const COUNT: usize> {
    shape: Dims,
    strides: [Dims; COUNT],
    position: Dims,
    /// Where the first element of the current row of each tensor is.
    pub offsets: [usize; COUNT],
}

impl Dims {
    /// These numbers.
    ///
    /// # Panics
    ///
    /// If there are more than [`MAX_RANK`] of them.
    pub fn new(numbers: &[usize]) -> Self {
        let mut dims = Self::default();
        dims.values[..numbers.len()].copy_from_slice(numbers);
        dims.rank = numbers.len();
        dims
    }

    /// One more dimension, the innermost.
    ///
    /// # Panics
    ///
    /// If there are [`MAX_RANK`] already.
    pub fn push(&mut self, number: usize) {
        self.values[self.rank] = number;
        self.rank += 1;
    }

    /// The strides of row-major order.
    pub fn contiguous_strides(&self) -> Self {
        let mut strides = *self;
        let mut elements = 1;
        for (stride, length) in strides.values[..self.rank].iter_mut().zip(self.iter()).rev() {
            *stride = elements;
            elements *= length;
        }
        strides
    }

    /// Elements of a tensor of this shape.
    pub fn elements(&self) -> usize {
        self.iter().product()
    }

    /// Leaves out the innermost dimension, if there is one.
    pub fn pop(&mut self) {
        self.rank = self.rank.saturating_sub(1);
    }

    /// Another number for a dimension.
    ///
    /// # Panics
    ///
    /// If there is no such dimension.
    pub fn set(&mut self, axis: usize, number: usize) {
        self.values[..self.rank][axis] = number;
    }
}

impl Deref for Dims {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.values[..self.rank]
    }
}

impl PartialEq for Dims {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Layout {
    /// Row-major order.
    pub fn contiguous(shape: Dims) -> Self {
        Self {
            offset: 0,
            shape,
            strides: shape.contiguous_strides(),
        }
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.elements()
    }

    /// Whether the elements stand next to each other in row-major order. The strides of dimensions with one element do
    /// not matter.
    pub fn is_contiguous(&self) -> bool {
        let mut elements = 1;
        for (length, stride) in self.shape.iter().zip(self.strides.iter()).rev() {
            if *length != 1 && *stride != elements {
                return false;
            }
            elements *= length;
        }
        true
    }

    /// Dimension `i` is dimension `axes[i]` of this one; nothing if there is none.
    pub fn permuted(&self, axes: &[u8]) -> Option<Self> {
        let (mut shape, mut strides) = (Dims::default(), Dims::default());
        for axis in axes {
            shape.push(*self.shape.get(usize::from(*axis))?);
            strides.push(*self.strides.get(usize::from(*axis))?);
        }
        Some(Self {
            shape,
            strides,
            ..*self
        })
    }

    /// Missing outer dimensions added, and dimensions of one element repeated; nothing if that does not give `shape`.
    pub fn repeated(&self, shape: Dims) -> Option<Self> {
        let missing = shape.len().checked_sub(self.shape.len())?;
        let mut strides = Dims::new(&[0; MAX_RANK][..missing]);
        for ((own, stride), wanted) in self.shape.iter().zip(self.strides.iter()).zip(&shape[missing..]) {
            match own {
                own if own == wanted => strides.push(*stride),
                1 => strides.push(0),
                _ => return None,
            }
        }
        Some(Self {
            shape,
            strides,
            ..*self
        })
    }

    /// `length` elements of a dimension, each `step` after the one before; nothing if some of them lie outside.
    pub fn sliced(&self, axis: usize, start: usize, step: usize, length: usize) -> Option<Self> {
        let last = length.checked_sub(1)?.checked_mul(step)?.checked_add(start)?;
        if last >= *self.shape.get(axis)? {
            return None;
        }
        let mut sliced = *self;
        sliced.offset += start * self.strides[axis];
        sliced.shape.set(axis, length);
        sliced.strides.set(axis, self.strides[axis] * step);
        Some(sliced)
    }

    /// Windows of a dimension, each `step` after the one before; their `size` elements, `dilation` apart, become the
    /// last dimension. Nothing if not one fits.
    pub fn unfolded(&self, axis: usize, [size, step, dilation]: [usize; 3]) -> Option<Self> {
        let before_last = self.shape.get(axis)?.checked_sub(dilation * size.checked_sub(1)? + 1)?;
        let stride = self.strides[axis];
        let mut unfolded = *self;
        unfolded.shape.set(axis, before_last / step + 1);
        unfolded.strides.set(axis, stride * step);
        unfolded.shape.push(size);
        unfolded.strides.push(stride * dilation);
        Some(unfolded)
    }

    /// The same elements in the same order in another shape; nothing if they do not stand at steady distances then.
    pub fn reshaped(&self, shape: Dims) -> Option<Self> {
        if self.elements() != shape.elements() {
            return None;
        }
        let mut merged = [*self];
        merge(&mut merged);
        let [merged] = merged;
        let mut strides = shape;
        let mut left = shape.len();
        for (length, stride) in merged.shape.iter().zip(merged.strides.iter()).rev() {
            let mut elements = 1;
            while elements < *length {
                left = left.checked_sub(1)?;
                strides.set(left, elements * stride);
                elements *= shape[left];
            }
            if elements != *length {
                return None;
            }
        }
        // What is left has one element each.
        (0..left).for_each(|axis| strides.set(axis, 0));
        Some(Self {
            offset: self.offset,
            shape,
            strides,
        })
    }

    /// The dimensions before this one, and it with those after it.
    pub fn split(&self, axis: usize) -> (Self, Self) {
        let part = |range: std::ops::Range<usize>, offset| Self {
            offset,
            shape: Dims::new(&self.shape[range.clone()]),
            strides: Dims::new(&self.strides[range]),
        };
        (part(0..axis, self.offset), part(axis..self.shape.len(), 0))
    }

    /// The same with another stride for this dimension.
    pub fn with_stride(&self, axis: usize, stride: usize) -> Self {
        let mut layout = *self;
        layout.strides.set(axis, stride);
        layout
    }

    /// The same with another length of this dimension.
    pub fn with_length(&self, axis: usize, length: usize) -> Self {
        let mut layout = *self;
        layout.shape.set(axis, length);
        layout
    }

    /// The stride of the innermost dimension.
    pub fn last_stride(&self) -> usize {
        self.strides.last().copied().unwrap_or(0)
    }
}

/// Puts dimensions together that are next to each other in all of these, which are of one shape, and leaves out those
/// with one element.
pub fn merge<const COUNT: usize>(layouts: &mut [Layout; COUNT]) {
    let shape = layouts[0].shape;
    let before = layouts.map(|layout| layout.strides);
    let (mut merged, mut strides) = (Dims::default(), [Dims::default(); COUNT]);
    for (axis, length) in shape.iter().enumerate() {
        if *length == 1 {
            continue;
        }
        let fits = |own: &Dims, of: &Dims| own.last() == Some(&(of[axis] * length));
        if !merged.is_empty() && strides.iter().zip(&before).all(|(own, of)| fits(own, of)) {
            let last = merged.len() - 1;
            merged.set(last, merged[last] * length);
            for (own, of) in strides.iter_mut().zip(&before) {
                own.set(last, of[axis]);
            }
        } else {
            merged.push(*length);
            for (own, of) in strides.iter_mut().zip(&before) {
                own.push(of[axis]);
            }
        }
    }
    for (layout, strides) in layouts.iter_mut().zip(strides) {
        (layout.shape, layout.strides) = (merged, strides);
    }
}

impl<const COUNT: usize> Walk<COUNT> {
    /// Begins at this row; the rows are those of the first `outer` dimensions, in row-major order.
    pub fn new(layouts: &[Layout; COUNT], outer: usize, row: usize) -> Self {
        let shape = Dims::new(&layouts[0].shape[..outer]);
        let mut walk = Self {
            shape,
            strides: layouts.map(|layout| Dims::new(&layout.strides[..outer])),
            position: shape,
            offsets: layouts.map(|layout| layout.offset),
        };
        let mut rest = row;
        for axis in (0..outer).rev() {
            let along = rest % shape[axis];
            rest /= shape[axis];
            walk.position.set(axis, along);
            for (offset, strides) in walk.offsets.iter_mut().zip(&walk.strides) {
                *offset += along * strides[axis];
            }
        }
        walk
    }

    /// Goes to the next row; from the last one to the first.
    #[inline]
    pub fn step(&mut self) {
        for axis in (0..self.shape.len()).rev() {
            let along = self.position[axis] + 1;
            if along < self.shape[axis] {
                self.position.set(axis, along);
                for (offset, strides) in self.offsets.iter_mut().zip(&self.strides) {
                    *offset += strides[axis];
                }
                return;
            }
            self.position.set(axis, 0);
            for (offset, strides) in self.offsets.iter_mut().zip(&self.strides) {
                *offset -= strides[axis] * (along - 1);
            }
        }
    }
}
