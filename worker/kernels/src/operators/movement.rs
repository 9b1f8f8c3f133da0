//! Operators that move elements and change none: most of them are views and move nothing.

use crate::{
    array::{Array, Element, with_type},
    context::Context,
    threads::Threads,
    view::{ELEMENTS_AT_ONCE, View, gather},
};
use assay_exact::digest::DataType;
use assay_ops::layout::{Dims, Layout, Walk, merge};

/// The same elements in the same order with other dimensions.
pub fn reshape(context: &mut Context<'_>, input: &Array, shape: Dims) -> Option<Array> {
    match input.layout.reshaped(shape) {
        Some(layout) => Some(input.through(layout)),
        None => {
            let ordered = input.contiguous(context);
            Some(ordered.through(ordered.layout.reshaped(shape)?))
        }
    }
}

/// Every `step`-th element of a dimension from `start` on; those that would lie outside are the last one.
pub fn slice(
    context: &mut Context<'_>,
    input: &Array,
    axis: usize,
    [start, step, length]: [usize; 3],
) -> Option<Array> {
    match input.layout.sliced(axis, start, step, length) {
        Some(layout) => Some(input.through(layout)),
        None => {
            let last = input.shape().get(axis)?.checked_sub(1)?;
            let place = |index: usize| last.min(index.saturating_mul(step).saturating_add(start));
            let places: Vec<usize> = (0..length).map(place).collect();
            input.picked(context, axis, &places, input.layout.with_length(axis, length).shape)
        }
    }
}

/// One element everywhere, as an operator's parameter gives it.
pub fn fill(_context: &mut Context<'_>, dtype: DataType, shape: Dims, bits: u64) -> Option<Array> {
    Some(Array::filled(dtype, shape, bits))
}

/// Arrays of one type, one after another along a dimension.
pub fn concat(context: &mut Context<'_>, inputs: &[Array], axis: usize, shape: Dims) -> Option<Array> {
    with_type!(inputs.first()?.dtype(), T => {
        let row: usize = shape.get(axis..)?.iter().product();
        let mut output = context.buffers.take::<T>(shape.elements());
        let mut start = 0;
        for input in inputs {
            let view = input.view::<T>()?;
            copy_rows(context.threads, &view, axis, &mut output, (row, start));
            start += view.layout.shape[axis..].iter().product::<usize>();
        }
        (start == row).then(|| Array::new(shape, output))
    })
}

/// One element before and after a dimension.
pub fn pad(
    context: &mut Context<'_>,
    input: &Array,
    axis: usize,
    before: usize,
    bits: u64,
    shape: Dims,
) -> Option<Array> {
    with_type!(input.dtype(), T => {
        let view = input.view::<T>()?;
        let row: usize = shape.get(axis..)?.iter().product();
        let own: usize = view.layout.shape.get(axis..)?.iter().product();
        let start = before * shape[axis + 1..].iter().product::<usize>();
        let mut output = context.buffers.take::<T>(shape.elements());
        let element = <T as Element>::from_bits(bits);
        for row in output.chunks_exact_mut(row) {
            row[..start].fill(element);
            row[start + own..].fill(element);
        }
        copy_rows(context.threads, &view, axis, &mut output, (row, start));
        Some(Array::new(shape, output))
    })
}

/// Copies what each place in the dimensions before `axis` has to rows of `row` elements, to where `start` says in each.
fn copy_rows<T: Element>(
    threads: &Threads,
    from: &View<'_, T>,
    axis: usize,
    to: &mut [T],
    (row, start): (usize, usize),
) {
    let (outer, inner) = from.layout.split(axis);
    let length = inner.elements();
    let mut merged = [inner];
    merge(&mut merged);
    let [Layout { shape, strides, .. }] = merged;
    let rows = ELEMENTS_AT_ONCE.div_ceil(length.max(1));
    let parts = to.chunks_mut((rows * row).max(1)).enumerate();
    threads.share(parts, |_, (part, to)| {
        let mut walk = Walk::new(&[outer], axis, part * rows);
        for to in to.chunks_exact_mut(row) {
            let [place] = walk.offsets;
            gather(from.elements, place, &shape, &strides, &mut to[start..start + length]);
            walk.step();
        }
    });
}

/// `start + step·i`, of Int64, wrapping.
pub fn arange(context: &mut Context<'_>, start: i64, step: i64, shape: Dims) -> Option<Array> {
    let mut output = context.buffers.take::<i64>(shape.elements());
    for (index, element) in output.iter_mut().enumerate() {
        *element = start.wrapping_add(step.wrapping_mul(index as i64));
    }
    Some(Array::new(shape, output))
}
