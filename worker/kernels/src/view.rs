//! Tensors seen through layouts: copied in order, and combined row by row.

use crate::{elementwise::Operand, threads::Threads};
use assay_ops::layout::{Dims, Layout, Walk, merge};

/// Elements that one thread takes at a time, at least.
pub const ELEMENTS_AT_ONCE: usize = 16 * 1024;

/// Columns and rows of a block that is turned at once: its lines stay in the first cache.
const BLOCK: usize = 16;

/// Elements, and where those of a tensor stand among them.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    /// The tensor's elements, and others.
    pub elements: &'a [T],
    /// Where they stand.
    pub layout: Layout,
}

impl<'a, T: Copy + Send + Sync> View<'a, T> {
    /// A tensor among these elements.
    pub fn new(elements: &'a [T], layout: Layout) -> Self {
        Self { elements, layout }
    }

    /// All of these elements, in a row.
    pub fn of_row(elements: &'a [T]) -> Self {
        Self::new(elements, Layout::contiguous(Dims::new(&[elements.len()])))
    }

    /// The same with missing outer dimensions, and dimensions of one element repeated; nothing if that does not give
    /// `shape`.
    pub fn repeated(&self, shape: Dims) -> Option<Self> {
        Some(Self::new(self.elements, self.layout.repeated(shape)?))
    }

    /// Its elements, if they stand next to each other in row-major order.
    pub fn slice(&self) -> Option<&'a [T]> {
        let Layout { offset, .. } = self.layout;
        let stands_so = self.layout.is_contiguous();
        stands_so.then(|| self.elements.get(offset..offset + self.layout.elements()))?
    }

    /// Writes its elements in row-major order, on all threads.
    ///
    /// # Panics
    ///
    /// If there is not a place for each element, or the view leaves its elements.
    pub fn copy(&self, threads: &Threads, to: &mut [T]) {
        assert_eq!(self.layout.elements(), to.len(), "no place for the elements");
        let mut merged = [self.layout];
        merge(&mut merged);
        let [layout] = merged;
        // The outer dimensions are shared out, as long as the inner ones make pieces that are worth it.
        let inner = |outer: usize| layout.shape[outer..].iter().product::<usize>();
        let outer = (0..layout.shape.len()).rev();
        let outer = outer.into_iter().find(|outer| inner(*outer) >= ELEMENTS_AT_ONCE / 4);
        let outer = outer.unwrap_or(0);
        let (_, within) = layout.split(outer);
        let pieces = to.chunks_mut(inner(outer).max(1)).enumerate();
        threads.share(pieces, |_, (index, to)| {
            let [start] = Walk::new(&[layout], outer, index).offsets;
            gather(self.elements, start, &within.shape, &within.strides, to);
        });
    }

    /// `length` elements of a row from this place on, if the innermost stride is 0 or 1.
    #[inline]
    fn piece(&self, place: usize, length: usize) -> Operand<'a, T> {
        if self.layout.last_stride() == 0 {
            Operand::All(self.elements[place])
        } else {
            Operand::Each(&self.elements[place..][..length])
        }
    }

    /// Whether the innermost dimension is elements next to each other, or one element repeated.
    fn is_plain(&self) -> bool {
        self.layout.last_stride() <= 1
    }

    /// Its elements in row-major order, if it is not plain.
    fn ordered(&self, threads: &Threads) -> Option<Vec<T>> {
        let first = self.elements.get(self.layout.offset)?;
        (!self.is_plain()).then(|| {
            let mut ordered = vec![*first; self.layout.elements()];
            self.copy(threads, &mut ordered);
            ordered
        })
    }

    /// The elements that [`Self::ordered`] gave, or else these.
    fn or_ordered<'b>(&self, ordered: Option<&'b Vec<T>>) -> View<'b, T>
    where
        'a: 'b,
    {
        match ordered {
            Some(elements) => View::new(elements, Layout::contiguous(self.layout.shape)),
            None => *self,
        }
    }
}

/// Shares out the rows of tensors of one shape, or pieces of them: calls `work` with where each of them begins its
/// piece, and with the piece of the output, which is in row-major order.
pub(crate) fn share_rows<const COUNT: usize, T: Send>(
    threads: &Threads,
    layouts: &[Layout; COUNT],
    to: &mut [T],
    work: impl Fn([usize; COUNT], &mut [T]) + Sync,
) {
    let shape = layouts[0].shape;
    assert!(
        shape.elements() == to.len() && layouts.iter().all(|layout| layout.shape == shape),
        "operands do not fit"
    );
    let length = shape.last().copied().unwrap_or(1).max(1);
    let outer = shape.len().saturating_sub(1);
    if length >= ELEMENTS_AT_ONCE {
        for (row, to) in to.chunks_mut(length).enumerate() {
            let starts = Walk::new(layouts, outer, row).offsets;
            threads.share(to.chunks_mut(ELEMENTS_AT_ONCE).enumerate(), |_, (part, to)| {
                let mut offsets = starts;
                for (offset, layout) in offsets.iter_mut().zip(layouts) {
                    *offset += part * ELEMENTS_AT_ONCE * layout.last_stride();
                }
                work(offsets, to);
            });
        }
        return;
    }
    let rows = ELEMENTS_AT_ONCE.div_ceil(length);
    threads.share(to.chunks_mut(rows * length).enumerate(), |_, (part, to)| {
        let mut walk = Walk::new(layouts, outer, part * rows);
        for to in to.chunks_mut(length) {
            work(walk.offsets, to);
            walk.step();
        }
    });
}

/// Calls `work` with pieces of the rows of two tensors of one shape and of the output, on all threads.
pub(crate) fn zip<A, B, T>(
    threads: &Threads,
    a: &View<'_, A>,
    b: &View<'_, B>,
    to: &mut [T],
    work: impl Fn(Operand<'_, A>, Operand<'_, B>, &mut [T]) + Sync,
) where
    A: Copy + Send + Sync,
    B: Copy + Send + Sync,
    T: Send,
{
    let mut layouts = [a.layout, b.layout];
    merge(&mut layouts);
    let (a, b) = (View::new(a.elements, layouts[0]), View::new(b.elements, layouts[1]));
    // What steps wider than by one in the innermost dimension is brought into order first.
    let (own_a, own_b) = (a.ordered(threads), b.ordered(threads));
    let (a, b) = (a.or_ordered(own_a.as_ref()), b.or_ordered(own_b.as_ref()));
    share_rows(threads, &[a.layout, b.layout], to, |[first, second], to| {
        work(a.piece(first, to.len()), b.piece(second, to.len()), to);
    });
}

/// The same for three tensors.
pub(crate) fn zip_three<A, B, C, T>(
    threads: &Threads,
    (a, b, c): (&View<'_, A>, &View<'_, B>, &View<'_, C>),
    to: &mut [T],
    work: impl Fn(Operand<'_, A>, Operand<'_, B>, Operand<'_, C>, &mut [T]) + Sync,
) where
    A: Copy + Send + Sync,
    B: Copy + Send + Sync,
    C: Copy + Send + Sync,
    T: Send,
{
    let mut layouts = [a.layout, b.layout, c.layout];
    merge(&mut layouts);
    let (a, b) = (View::new(a.elements, layouts[0]), View::new(b.elements, layouts[1]));
    let c = View::new(c.elements, layouts[2]);
    let (own_a, own_b, own_c) = (a.ordered(threads), b.ordered(threads), c.ordered(threads));
    let (a, b) = (a.or_ordered(own_a.as_ref()), b.or_ordered(own_b.as_ref()));
    let c = c.or_ordered(own_c.as_ref());
    let layouts = [a.layout, b.layout, c.layout];
    share_rows(threads, &layouts, to, |[first, second, third], to| {
        let (first, second) = (a.piece(first, to.len()), b.piece(second, to.len()));
        work(first, second, c.piece(third, to.len()), to);
    });
}

/// Calls `work` for rows of `length` elements and what `per_row` elements each of them becomes, on all threads.
pub(crate) fn map_rows<A: Sync, T: Send>(
    threads: &Threads,
    (from, length): (&[A], usize),
    (to, per_row): (&mut [T], usize),
    work: impl Fn(&[A], &mut [T]) + Sync,
) {
    assert!(
        length > 0 && per_row > 0 && from.len() / length == to.len() / per_row,
        "rows do not fit"
    );
    let rows = ELEMENTS_AT_ONCE.div_ceil(length);
    let parts = from.chunks(rows * length).zip(to.chunks_mut(rows * per_row));
    threads.share(parts, |_, (from, to)| {
        let rows = from.chunks_exact(length).zip(to.chunks_exact_mut(per_row));
        rows.for_each(|(row, to)| work(row, to));
    });
}

/// Elements from this position on, in row-major order, of a tensor that stands so among `from`.
///
/// # Panics
///
/// If the tensor leaves `from`, or has fewer elements.
pub(crate) fn read<T: Copy>(from: &[T], layout: &Layout, start: usize, to: &mut [T]) {
    let Some(outer) = layout.shape.len().checked_sub(1) else {
        to.fill(from[layout.offset]);
        return;
    };
    let (length, stride) = (layout.shape[outer], layout.strides[outer]);
    let mut walk = Walk::new(&[*layout], outer, start / length);
    let (mut along, mut rest) = (start % length, to);
    while !rest.is_empty() {
        let (row, after) = rest.split_at_mut(rest.len().min(length - along));
        let [offset] = walk.offsets;
        gather(from, offset + along * stride, &[row.len()], &[stride], row);
        (along, rest) = (0, after);
        walk.step();
    }
}

/// Writes elements in row-major order: `to[i, j, …] = from[offset + i·strides[0] + j·strides[1] + …]`.
///
/// # Panics
///
/// If a view leaves `from`.
pub(crate) fn gather<T: Copy>(from: &[T], offset: usize, shape: &[usize], strides: &[usize], to: &mut [T]) {
    match (shape, strides) {
        ([], []) => to[0] = from[offset],
        ([_], [1]) => to.copy_from_slice(&from[offset..offset + to.len()]),
        ([_], [0]) => to.fill(from[offset]),
        ([_], [stride]) => {
            for (to, from) in to.iter_mut().zip(from[offset..].iter().step_by(*stride)) {
                *to = *from;
            }
        }
        ([rows, columns], [1, stride]) if *stride > 0 => turn(&from[offset..], *rows, *columns, *stride, to),
        ([_, shape @ ..], [stride, strides @ ..]) => {
            for (index, to) in to.chunks_exact_mut(shape.iter().product()).enumerate() {
                gather(from, offset + index * stride, shape, strides, to);
            }
        }
        _ => {}
    }
}

/// `to[i, j] = from[i + j·stride]`, block by block.
fn turn<T: Copy>(from: &[T], rows: usize, columns: usize, stride: usize, to: &mut [T]) {
    for first in (0..columns).step_by(BLOCK) {
        let width = BLOCK.min(columns - first);
        for start in (0..rows).step_by(BLOCK) {
            let height = BLOCK.min(rows - start);
            for j in first..first + width {
                let column = &from[start + j * stride..][..height];
                for (i, x) in column.iter().enumerate() {
                    to[(start + i) * columns + j] = *x;
                }
            }
        }
    }
}
