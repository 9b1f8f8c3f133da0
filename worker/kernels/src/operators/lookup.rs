//! Elements that indices say: an index below 0 counts from the end, and then one outside is the nearest inside.

use super::cast;
use crate::{
    array::{Array, Element, with_type},
    context::Context,
    view::{ELEMENTS_AT_ONCE, View, gather as copy, share_rows},
};
use assay_exact::digest::DataType;
use assay_ops::layout::{Dims, Layout, Walk, merge};

/// Fewer elements are looked at before another thread has begun.
const FEWEST_ELEMENTS_TO_SHARE: usize = 1 << 18;

/// The place that an index stands for, among `length` of them.
#[inline]
fn place(index: i64, length: usize) -> usize {
    let length = length as i64;
    let index = if index < 0 { index.saturating_add(length) } else { index };
    index.clamp(0, length - 1) as usize
}

/// Indices as Int64; nothing if they are not integers.
fn indices(context: &mut Context<'_>, array: &Array) -> Option<Array> {
    match array.dtype() {
        DataType::Int64 => Some(array.clone()),
        DataType::Int32 => cast(context, array, DataType::Int64),
        _ => None,
    }
}

/// `[…, i, …]` of the result is `[…, index[…, i, …], …]` of the data.
pub fn gather(context: &mut Context<'_>, data: &Array, index: &Array, axis: usize) -> Option<Array> {
    let index = indices(context, index)?;
    let result = with_type!(data.dtype(), T => {
        let lookup = Lookup::new(&data.view::<T>()?, index.view()?, axis)?;
        let mut output = context.buffers.take::<T>(index.len());
        let mut layouts = [lookup.bases.layout, lookup.index.layout];
        merge(&mut layouts);
        let steps = layouts.map(|layout| layout.last_stride());
        share_rows(context.threads, &layouts, &mut output, |places, to| lookup.row(places, steps, to));
        Array::new(index.layout.shape, output)
    });
    context.buffers.give(index);
    Some(result)
}

/// The result of [`gather`] where the condition holds, the elements of `no` elsewhere, the condition and `no` repeated
/// to the index's shape. Elements are written among those of `no` where nobody else holds them.
pub fn gather_where(
    context: &mut Context<'_>,
    [condition, data, index, no]: [&mut Array; 4],
    axis: usize,
) -> Option<Array> {
    let index = indices(context, index)?;
    let shape = index.layout.shape;
    let condition = condition.flags()?.repeated(shape)?;
    let result = with_type!(data.dtype(), T => {
        let lookup = Lookup::new(&data.view::<T>()?, index.view()?, axis)?;
        if no.layout.shape == shape
            && let Some(mut own) = no.take_own::<T>()
        {
            write_where(context, &lookup, &condition, &mut own);
            context.buffers.give(index);
            return Some(Array::new(shape, own));
        }
        let no = no.view::<T>()?.repeated(shape)?;
        let mut layouts = [lookup.bases.layout, lookup.index.layout, condition.layout, no.layout];
        merge(&mut layouts);
        let [base_step, index_step, condition_step, no_step] = layouts.map(|layout| layout.last_stride());
        let mut output = context.buffers.take::<T>(shape.elements());
        share_rows(context.threads, &layouts, &mut output, |[base, at, holds, other], to| {
            let flag = condition.elements[holds];
            if condition_step == 0 && flag {
                lookup.row([base, at], [base_step, index_step], to);
            } else if condition_step == 0 && no_step == 1 {
                to.copy_from_slice(&no.elements[other..][..to.len()]);
            } else {
                for (position, to) in to.iter_mut().enumerate() {
                    *to = if condition.elements[holds + position * condition_step] {
                        lookup.element(base + position * base_step, at + position * index_step)
                    } else {
                        no.elements[other + position * no_step]
                    };
                }
            }
        });
        Array::new(shape, output)
    });
    context.buffers.give(index);
    Some(result)
}

/// Writes what is looked up where the condition holds.
fn write_where<T: Element>(context: &Context<'_>, lookup: &Lookup<'_, T>, condition: &View<'_, bool>, to: &mut [T]) {
    let mut layouts = [lookup.bases.layout, lookup.index.layout, condition.layout];
    merge(&mut layouts);
    if let Some(rows) = Slots::of(&layouts) {
        write_rows(context, lookup, condition.elements, &rows, to);
        return;
    }
    let [base_step, index_step, condition_step] = layouts.map(|layout| layout.last_stride());
    share_rows(context.threads, &layouts, to, |[base, at, holds], to| {
        if condition_step == 0 {
            if condition.elements[holds] {
                lookup.row([base, at], [base_step, index_step], to);
            }
            return;
        }
        for (position, to) in to.iter_mut().enumerate() {
            if condition.elements[holds + position * condition_step] {
                *to = lookup.element(base + position * base_step, at + position * index_step);
            }
        }
    });
}

/// Groups of rows that conditions next to each other are for, one for each row, as those of a cache's slots are.
struct Slots {
    layouts: [Layout; 3],
    /// Dimensions before a group.
    outer: usize,
    /// Rows of a group, and elements of a row.
    count: usize,
    length: usize,
}

impl Slots {
    /// Of bases, indices and conditions; nothing if these stand otherwise.
    fn of(layouts: &[Layout; 3]) -> Option<Self> {
        let [_, _, condition] = layouts;
        let outer = condition.shape.len().checked_sub(2)?;
        let (strides, shape) = (&condition.strides[outer..], &condition.shape[outer..]);
        (*strides == [1, 0]).then(|| Self {
            layouts: *layouts,
            outer,
            count: shape[0],
            length: shape[1],
        })
    }
}

/// Writes those rows whose condition holds, and looks at no others.
fn write_rows<T: Element>(
    context: &Context<'_>,
    lookup: &Lookup<'_, T>,
    conditions: &[bool],
    rows: &Slots,
    to: &mut [T],
) {
    let steps = [0, 1].map(|operand: usize| {
        let strides = &rows.layouts[operand].strides;
        [strides[rows.outer], strides[rows.outer + 1]]
    });
    let [[base_row, base_step], [index_row, index_step]] = steps;
    let worth = to.len() >= FEWEST_ELEMENTS_TO_SHARE;
    let groups = to.chunks_mut(rows.count * rows.length).enumerate();
    context.threads.share_if(worth, groups, |_, (group, to)| {
        let [base, at, holds] = Walk::new(&rows.layouts, rows.outer, group).offsets;
        let conditions = conditions[holds..][..rows.count].iter().enumerate();
        for (row, _) in conditions.filter(|(_, holds)| **holds) {
            let to = &mut to[row * rows.length..][..rows.length];
            lookup.row(
                [base + row * base_row, at + row * index_row],
                [base_step, index_step],
                to,
            );
        }
    });
}

/// Elements of data at places along an axis that indices say.
struct Lookup<'a, T> {
    /// The elements at the first place, for each index.
    bases: View<'a, T>,
    index: View<'a, i64>,
    length: usize,
    stride: usize,
}

impl<'a, T: Element> Lookup<'a, T> {
    /// Nothing if data and indices differ in another dimension.
    fn new(data: &View<'a, T>, index: View<'a, i64>, axis: usize) -> Option<Self> {
        let along = *index.layout.shape.get(axis)?;
        let (length, stride) = (*data.layout.shape.get(axis)?, data.layout.strides[axis]);
        let layout = data.layout.with_stride(axis, 0).with_length(axis, along);
        (layout.shape == index.layout.shape).then_some(Self {
            bases: View::new(data.elements, layout),
            index,
            length,
            stride,
        })
    }

    #[inline]
    fn element(&self, base: usize, index: usize) -> T {
        self.bases.elements[base + place(self.index.elements[index], self.length) * self.stride]
    }

    /// A row of the result whose first element and first index are here, and the others so far from one another.
    #[inline]
    fn row(&self, [base, index]: [usize; 2], [step, index_step]: [usize; 2], to: &mut [T]) {
        if step == 1 && index_step == 0 {
            let start = base + place(self.index.elements[index], self.length) * self.stride;
            to.copy_from_slice(&self.bases.elements[start..][..to.len()]);
        } else {
            for (position, to) in to.iter_mut().enumerate() {
                *to = self.element(base + position * step, index + position * index_step);
            }
        }
    }
}

/// Data `[A…, N, B…]` and indices `[I…]` give `[A…, I…, B…]`.
pub fn index_select(context: &mut Context<'_>, data: &Array, index: &Array, axis: usize, shape: Dims) -> Option<Array> {
    let length = *data.shape().get(axis)?;
    let index = indices(context, index)?;
    let ordered = index.contiguous(context);
    let places = ordered.slice_of::<i64>()?.iter();
    let places: Vec<usize> = places.map(|index| place(*index, length)).collect();
    context.buffers.give(index);
    context.buffers.give(ordered);
    data.picked(context, axis, &places, shape)
}

impl Array {
    /// These places along a dimension, in this order.
    pub(crate) fn picked(&self, context: &mut Context<'_>, axis: usize, places: &[usize], shape: Dims) -> Option<Self> {
        with_type!(self.dtype(), T => {
            let mut output = context.buffers.take::<T>(shape.elements());
            pick(context, &self.view::<T>()?, axis, places, &mut output)?;
            Some(Self::new(shape, output))
        })
    }
}

fn pick<T: Element>(
    context: &Context<'_>,
    data: &View<'_, T>,
    axis: usize,
    places: &[usize],
    to: &mut [T],
) -> Option<()> {
    let (outer, rest) = data.layout.split(axis);
    let stride = *rest.strides.first()?;
    let (_, inner) = rest.split(1);
    let length = inner.elements();
    let outer_count = outer.elements();
    if to.len() != outer_count * places.len() * length {
        return None;
    }
    let mut merged = [inner];
    merge(&mut merged);
    let [Layout { shape, strides, .. }] = merged;
    let rows = ELEMENTS_AT_ONCE.div_ceil(length);
    let parts = to.chunks_mut(rows * length).enumerate();
    context.threads.share(parts, |_, (part, to)| {
        let (mut row, mut along) = (part * rows / places.len(), part * rows % places.len());
        let mut walk = Walk::new(&[outer], axis, row);
        for to in to.chunks_exact_mut(length) {
            if along == places.len() {
                (row, along) = (row + 1, 0);
                walk.step();
            }
            let start = walk.offsets[0] + places[along] * stride;
            copy(data.elements, start, &shape, &strides, to);
            along += 1;
        }
    });
    Some(())
}
