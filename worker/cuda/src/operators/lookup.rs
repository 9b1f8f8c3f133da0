//! Elements that indices say: an index below 0 counts from the end, and then one outside is the nearest inside.

use super::{Failure, code, fit, select};
use crate::{array::Array, parameters::Parameters, queue::Queue};
use assay_exact::digest::DataType;
use assay_ops::layout::{Dims, Layout};

/// `[…, i, …]` of the result is `[…, index[…, i, …], …]` of the data.
pub fn gather(queue: &Queue, data: &Array, index: &Array, axis: usize) -> Result<Array, Failure> {
    let along = *fit(index.shape().get(axis))?;
    let first = data.layout;
    if first.shape.len() != index.shape().len() {
        return Err(Failure::Misfit);
    }
    let first = first.with_stride(axis, 0).with_length(axis, along);
    if first.shape != index.layout.shape {
        return Err(Failure::Misfit);
    }
    look_up(queue, data, axis, first, index, index.layout)
}

/// The result of [`gather`] where the condition holds, the elements of `no` elsewhere, the condition and `no` repeated
/// to the index's shape. Elements are written among those of `no` where nobody else holds them.
pub fn gather_where(
    queue: &Queue,
    [condition, data, index, no]: [&mut Array; 4],
    axis: usize,
) -> Result<Array, Failure> {
    if no.layout.shape == index.layout.shape && no.is_own() {
        return write_where(queue, [condition, data, index, no], axis);
    }
    let found = gather(queue, data, index, axis)?;
    select(queue, [condition, &found, no], found.layout.shape)
}

/// Writes what is looked up where the condition holds.
fn write_where(queue: &Queue, [condition, data, index, to]: [&Array; 4], axis: usize) -> Result<Array, Failure> {
    let along = *fit(index.shape().get(axis))?;
    let first = data.layout;
    let integers = matches!(index.dtype, DataType::Int64 | DataType::Int32);
    if first.shape.len() != index.shape().len() || to.dtype != data.dtype || !integers {
        return Err(Failure::Misfit);
    }
    let first = first.with_stride(axis, 0).with_length(axis, along);
    if first.shape != index.layout.shape || condition.dtype != DataType::Bool {
        return Err(Failure::Misfit);
    }
    let kernel = match data.dtype.size_bytes() {
        1 => "write_where_1",
        4 => "write_where_4",
        _ => "write_where_8",
    };
    let parameters = Parameters::default()
        .count(to.len())
        .address(&to.buffer)
        .address(&data.buffer)
        .address(&index.buffer)
        .address(&condition.buffer)
        .word(code(index.dtype))
        .count(data.layout.shape[axis])
        .count(data.layout.strides[axis])
        .view(&first)
        .view(&index.layout)
        .view(&fit(condition.layout.repeated(first.shape))?);
    queue.for_each(kernel, to.len(), parameters)?;
    Ok(to.clone())
}

/// Data `[A…, N, B…]` and indices `[I…]` give `[A…, I…, B…]`.
pub fn index_select(queue: &Queue, data: &Array, index: &Array, axis: usize, shape: Dims) -> Result<Array, Failure> {
    let own = &data.layout;
    if axis >= own.shape.len() || own.shape.len() - 1 + index.shape().len() != shape.len() {
        return Err(Failure::Misfit);
    }
    // Both operands, seen in the result's shape: one stands still where the other goes on.
    let (mut from, mut indices) = (Dims::default(), Dims::default());
    for stride in &own.strides[..axis] {
        from.push(*stride);
        indices.push(0);
    }
    for stride in index.layout.strides.iter() {
        from.push(0);
        indices.push(*stride);
    }
    for stride in &own.strides[axis + 1..] {
        from.push(*stride);
        indices.push(0);
    }
    let view = |offset, strides| Layout { offset, shape, strides };
    let (from, indices) = (view(own.offset, from), view(index.layout.offset, indices));
    look_up(queue, data, axis, from, index, indices)
}

/// The element at the place along `axis` that an index says, for each index: `first` sees the data's elements at the
/// first place.
pub(super) fn look_up(
    queue: &Queue,
    data: &Array,
    axis: usize,
    first: Layout,
    index: &Array,
    indices: Layout,
) -> Result<Array, Failure> {
    if !matches!(index.dtype, DataType::Int64 | DataType::Int32) {
        return Err(Failure::Misfit);
    }
    let kernel = match data.dtype.size_bytes() {
        1 => "look_up_1",
        4 => "look_up_4",
        _ => "look_up_8",
    };
    let output = Array::new(queue, data.dtype, first.shape)?;
    let parameters = Parameters::default()
        .count(output.len())
        .address(&output.buffer)
        .address(&data.buffer)
        .address(&index.buffer)
        .word(code(index.dtype))
        .count(data.layout.shape[axis])
        .count(data.layout.strides[axis])
        .view(&first)
        .view(&indices);
    queue.for_each(kernel, output.len(), parameters)?;
    Ok(output)
}
