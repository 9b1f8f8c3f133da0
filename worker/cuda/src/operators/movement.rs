//! Operators that move elements and change none: most of them are views and move nothing.

use super::{Failure, fit, lookup::look_up};
use crate::{array::Array, parameters::Parameters, queue::Queue};
use assay_exact::digest::DataType;
use assay_ops::layout::{Dims, Layout, MAX_RANK};

/// The same elements through a view of theirs.
pub fn seen_through(input: &Array, layout: Option<Layout>) -> Result<Array, Failure> {
    Ok(input.through(fit(layout)?))
}

/// The same elements in the same order with other dimensions.
pub fn reshape(queue: &Queue, input: &Array, shape: Dims) -> Result<Array, Failure> {
    match input.layout.reshaped(shape) {
        Some(layout) => Ok(input.through(layout)),
        None => {
            let ordered = input.contiguous(queue)?;
            seen_through(&ordered, ordered.layout.reshaped(shape))
        }
    }
}

/// Every `step`-th element of a dimension from `start` on; those that would lie outside are the last one.
pub fn slice(queue: &Queue, input: &Array, axis: usize, [start, step, length]: [usize; 3]) -> Result<Array, Failure> {
    if let Some(layout) = input.layout.sliced(axis, start, step, length) {
        return Ok(input.through(layout));
    }
    fit(input.shape().get(axis))?;
    let places = arange(queue, start as i64, step as i64, Dims::new(&[length]))?;
    let first = input.layout.with_stride(axis, 0).with_length(axis, length);
    let mut strides = Dims::new(&[0; MAX_RANK][..first.shape.len()]);
    strides.set(axis, 1);
    let along = Layout {
        offset: 0,
        strides,
        ..first
    };
    look_up(queue, input, axis, first, &places, along)
}

/// One element everywhere, as an operator's parameter gives it.
pub fn fill(queue: &Queue, dtype: DataType, shape: Dims, bits: u64) -> Result<Array, Failure> {
    let bits = match dtype {
        DataType::Float32 => canonical(bits),
        DataType::Bool => u64::from(bits != 0),
        _ => bits,
    };
    let one = Array::new(queue, dtype, Dims::default())?;
    one.buffer.upload(&bits.to_le_bytes()[..dtype.size_bytes()])?;
    seen_through(&one, one.layout.repeated(shape))
}

/// A number's bits with one zero and one NaN.
fn canonical(bits: u64) -> u64 {
    let number = f32::from_bits(bits as u32);
    match () {
        () if number.is_nan() => 0x7fc0_0000,
        () if number == 0.0 => 0,
        () => u64::from(number.to_bits()),
    }
}

/// `start + step·i`, of Int64, wrapping.
pub fn arange(queue: &Queue, start: i64, step: i64, shape: Dims) -> Result<Array, Failure> {
    let output = Array::new(queue, DataType::Int64, shape)?;
    let parameters = Parameters::default()
        .count(output.len())
        .address(&output.buffer)
        .word(start.cast_unsigned())
        .word(step.cast_unsigned());
    queue.for_each("arange", output.len(), parameters)?;
    Ok(output)
}

/// Arrays of one type, one after another along a dimension.
pub fn concat(queue: &Queue, inputs: &[Array], axis: usize, shape: Dims) -> Result<Array, Failure> {
    let output = Array::new(queue, fit(inputs.first())?.dtype, shape)?;
    let (outer, _) = output.layout.split(axis);
    let row: usize = fit(shape.get(axis..))?.iter().product();
    let mut start = 0;
    for input in inputs {
        // From the axis on only the order of the elements matters.
        let (own_outer, inner) = input.layout.split(axis);
        let length = inner.elements();
        if input.dtype != output.dtype || own_outer.shape != outer.shape || start + length > row {
            return Err(Failure::Misfit);
        }
        let place = rows_of(&outer, start, inner.shape);
        output.write(queue, &place, input)?;
        start += length;
    }
    if start == row { Ok(output) } else { Err(Failure::Misfit) }
}

/// One element before and after a dimension.
pub fn pad(queue: &Queue, input: &Array, axis: usize, before: usize, bits: u64, shape: Dims) -> Result<Array, Failure> {
    let output = fill(queue, input.dtype, shape, bits)?.contiguous(queue)?;
    let (outer, inner) = output.layout.split(axis);
    let (own_outer, own_inner) = input.layout.split(axis);
    let stride: usize = fit(inner.shape.get(1..))?.iter().product();
    let fits = own_outer.shape == outer.shape && before * stride + own_inner.elements() <= inner.elements();
    if !fits {
        return Err(Failure::Misfit);
    }
    let place = rows_of(&outer, before * stride, own_inner.shape);
    output.write(queue, &place, input)?;
    Ok(output)
}

/// Places of rows: in each place of the outer dimensions, from `start` on, as many as `inner` says, next to each other.
fn rows_of(outer: &Layout, start: usize, inner: Dims) -> Layout {
    let (mut shape, mut strides) = (outer.shape, outer.strides);
    for (length, stride) in inner.iter().zip(inner.contiguous_strides().iter()) {
        shape.push(*length);
        strides.push(*stride);
    }
    Layout {
        offset: start,
        shape,
        strides,
    }
}
