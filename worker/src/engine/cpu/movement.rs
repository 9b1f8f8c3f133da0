//! Operators that move numbers and change none: most of them are views and move nothing.
//!
//! All give nothing for tensors of another type, which are few and small, and are evaluated as defined.

use super::{
    array::{Array, Data},
    context::Context,
};
use assay_kernels::{
    elementwise::select,
    layout::{contiguous_strides, gather},
};

/// The same elements in the same order with other dimensions.
pub(super) fn reshape(context: &mut Context<'_>, input: &Array, shape: Vec<usize>) -> Option<Array> {
    let ordered = context.contiguous(input)?;
    let strides = contiguous_strides(&shape);
    ordered.view(shape, |offset, _| (offset, strides))
}

/// Dimension `i` of the result is dimension `axes[i]` of the input.
pub(super) fn permute(input: &Array, axes: &[u8], shape: Vec<usize>) -> Option<Array> {
    if axes.iter().any(|axis| usize::from(*axis) >= input.shape.len()) {
        return None;
    }
    input.view(shape, |offset, strides| {
        let strides = axes.iter().map(|axis| strides[usize::from(*axis)]);
        (offset, strides.collect())
    })
}

/// Dimensions of one element repeated, and outer ones added.
pub(super) fn expand(input: &Array, shape: Vec<usize>) -> Option<Array> {
    let missing = shape.len().checked_sub(input.shape.len())?;
    let own = shape[missing..].to_vec();
    input.view(shape, |offset, strides| {
        let repeated = strides.iter().zip(&input.shape).zip(own);
        let repeated = repeated.map(|((stride, n), wanted)| if *n == 1 && wanted != 1 { 0 } else { *stride });
        (offset, std::iter::repeat_n(0, missing).chain(repeated).collect())
    })
}

/// Every `step`-th element of a dimension from `start` on; nothing if some of them lie outside.
pub(super) fn slice(input: &Array, axis: usize, start: usize, step: usize, shape: Vec<usize>) -> Option<Array> {
    let last = shape.get(axis)?.checked_sub(1)?.checked_mul(step)?.checked_add(start)?;
    if last >= *input.shape.get(axis)? {
        return None;
    }
    input.view(shape, |offset, strides| {
        let mut strides = strides.to_vec();
        let offset = offset + start * strides[axis];
        strides[axis] *= step;
        (offset, strides)
    })
}

/// Windows of a dimension, each `step` after the one before; their elements, `dilation` apart, become the last dimension.
pub(super) fn unfold(input: &Array, axis: usize, step: usize, dilation: usize, shape: Vec<usize>) -> Option<Array> {
    (axis < input.shape.len()).then_some(())?;
    input.view(shape, |offset, strides| {
        let mut strides = strides.to_vec();
        let stride = strides[axis];
        strides[axis] = stride * step;
        strides.push(stride * dilation);
        (offset, strides)
    })
}

/// Arrays one after another along a dimension.
pub(super) fn concat(context: &mut Context<'_>, inputs: &[Array], axis: usize, shape: Vec<usize>) -> Option<Array> {
    let inner: usize = shape.get(axis + 1..)?.iter().product();
    let row = shape.get(axis)? * inner;
    let mut output = context.buffers.take(shape.iter().product());
    let mut start = 0;
    for input in inputs {
        let length = input.shape.get(axis)? * inner;
        let ordered = context.contiguous(input)?;
        context.copy_rows(ordered.slice()?, length, &mut output, row, start);
        context.buffers.give(ordered);
        start += length;
    }
    Some(Array::numbers(shape, output))
}

/// Rows of a table, for each index in order. Nothing if an index is not one of a row.
pub(super) fn rows(context: &mut Context<'_>, table: &Array, indices: &[i64], shape: Vec<usize>) -> Option<Array> {
    let table = context.contiguous(table)?;
    let length: usize = table.shape.get(1..)?.iter().product();
    let count = table.shape[0];
    let mut output = context.buffers.take(shape.iter().product());
    for (row, index) in output.chunks_exact_mut(length.max(1)).zip(indices) {
        let index = usize::try_from(*index).ok().filter(|index| *index < count)?;
        row.copy_from_slice(&table.slice()?[index * length..][..length]);
    }
    Some(Array::numbers(shape, output))
}

/// The numbers of `yes` where the condition holds, those of `no` elsewhere, all three repeated to `shape`.
pub(super) fn choose(
    context: &mut Context<'_>,
    condition: &Array,
    yes: &Array,
    no: &Array,
    shape: Vec<usize>,
) -> Option<Array> {
    let Data::Other(tensor) = &condition.data else {
        return None;
    };
    let flags = repeat_flags(tensor.bytes(), &condition.shape, &shape)?;
    let (yes, no) = (yes.as_view()?.repeated(&shape)?, no.as_view()?.repeated(&shape)?);
    let mut output = context.buffers.take(flags.len());
    let mut others = context.buffers.take(flags.len());
    yes.copy(context.threads, &mut output);
    no.copy(context.threads, &mut others);
    select(&flags, &mut output, &others);
    context.buffers.give(Array::numbers(shape.clone(), others));
    Some(Array::numbers(shape, output))
}

/// Truth values, a byte each, repeated to `shape`.
pub(super) fn repeat_flags(flags: &[u8], own: &[usize], shape: &[usize]) -> Option<Vec<u8>> {
    let missing = shape.len().checked_sub(own.len())?;
    if flags.len() != own.iter().product::<usize>() {
        return None;
    }
    let strides = contiguous_strides(own);
    let repeated = own.iter().zip(strides).zip(&shape[missing..]);
    let repeated = repeated.map(|((n, stride), wanted)| {
        if n == wanted {
            Some(stride)
        } else {
            (*n == 1).then_some(0)
        }
    });
    let strides: Option<Vec<usize>> = std::iter::repeat_n(Some(0), missing).chain(repeated).collect();
    let mut output = vec![0; shape.iter().product()];
    gather(flags, 0, shape, &strides?, &mut output);
    Some(output)
}
