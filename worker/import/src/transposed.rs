//! Transposed convolutions: zeros between the elements, then a convolution with the weight turned round.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    convolution::{Window, contract, groups, of_each},
};
use assay_exact::graph::{Dimension, Position};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("conv_transpose1d.default", |call| transposed(call, 1)),
    ("conv_transpose2d.input", |call| transposed(call, 2)),
    ("conv_transpose3d.input", |call| transposed(call, 3)),
];

/// `[B, C, …]` and `[C, O / groups, …]` to `[B, O, …]`.
pub(super) fn transposed(call: &mut Call<'_, '_>, spatial: usize) -> Result<Vec<Tensor>> {
    let (x, weight) = (call.tensor("input")?, call.tensor("weight")?);
    let bias = call.optional_tensor("bias")?;
    let groups = groups(call)?;
    let (strides, dilations) = (
        call.ints_for("stride", spatial, 1)?,
        call.ints_for("dilation", spatial, 1)?,
    );
    let (pads, more) = (
        call.ints_for("padding", spatial, 0)?,
        call.ints_for("output_padding", spatial, 0)?,
    );
    if weight.dims.len() != spatial + 2 || !(x.dims.len() == spatial + 2 || x.dims.len() == spatial + 1) {
        return Err(call.refuse("input", "or the weight has another number of dimensions"));
    }
    let is_batched = x.dims.len() == spatial + 2;
    let mut y = match is_batched {
        true => x,
        false => call
            .graph
            .reshape(&x, &[&[Dimension::Fixed(1)], x.dims.as_slice()].concat())?,
    };
    let mut windows = Vec::with_capacity(spatial);
    for axis in 0..spatial {
        let size = call.graph.fixed(&weight, axis + 2)?;
        let sizes = (u32::try_from(strides[axis]), u32::try_from(dilations[axis]));
        let (Ok(stride @ 1..), Ok(dilation @ 1..)) = sizes else {
            return Err(call.refuse("stride", "or dilation is not a size"));
        };
        y = stretched(call.graph, &y, axis + 2, stride)?;
        // The window's reach on both sides, less the padding, which takes away.
        let reach = i64::from(size.saturating_sub(1)) * i64::from(dilation);
        let (before, after) = (reach - pads[axis], reach - pads[axis] + more[axis]);
        y = padded(call, &y, axis + 2, (before, after))?;
        windows.push(Window {
            size,
            dilation,
            stride: 1,
            before: 0,
            after: 0,
        });
    }
    let graph = &mut *call.graph;
    let weight = turned(graph, &weight, groups)?;
    let mut y = contract(graph, &y, &weight, bias.as_ref(), groups, &windows)?;
    if !is_batched {
        let dims = y.dims[1..].to_vec();
        y = graph.reshape(&y, &dims)?;
    }
    Ok(vec![y])
}

/// Zeros between the elements of a dimension, `stride − 1` each time.
fn stretched(graph: &mut Builder<'_>, x: &Tensor, axis: usize, stride: u32) -> Result<Tensor> {
    if stride == 1 {
        return Ok(x.clone());
    }
    let mut wide = x.dims.clone();
    wide.insert(axis + 1, Dimension::Fixed(1));
    let split = graph.reshape(x, &wide)?;
    let padded = graph.pad(&split, axis + 1, 0, stride - 1, Number::Int(0))?;
    let flat = graph.flattened(&padded.dims, axis, axis + 2)?;
    let together = graph.reshape(&padded, &flat)?;
    let length = graph.shifted(&together, axis, 1 - i64::from(stride))?;
    graph.cut(&together, axis, Position::FromStart(0), length, 1)
}

/// Zeros before and after a dimension; a negative number takes elements away.
fn padded(call: &mut Call<'_, '_>, x: &Tensor, axis: usize, (before, after): (i64, i64)) -> Result<Tensor> {
    let natural = |pad: i64| u32::try_from(pad.max(0)).ok();
    let sizes = natural(before).zip(natural(after)).zip(natural(-before));
    let ((more_before, more_after), less_before) = sizes.ok_or_else(|| call.refuse("padding", "is too large"))?;
    let graph = &mut *call.graph;
    let less = before.min(0) + after.min(0);
    let rest = graph.shifted(x, axis, less)?;
    let x = graph.cut(x, axis, Position::FromStart(less_before), rest, 1)?;
    graph.pad(&x, axis, more_before, more_after, Number::Int(0))
}

/// `[groups · I, O, …]` as `[groups · O, I, …]`, every window from its last element to its first.
fn turned(graph: &mut Builder<'_>, weight: &Tensor, groups: Dimension) -> Result<Tensor> {
    let (each, outputs) = (of_each(graph, weight.dims[0], groups)?, weight.dims[1]);
    let mut weight = weight.clone();
    for axis in 2..weight.dims.len() {
        let length = graph.fixed(&weight, axis)?;
        if length > 1 {
            let index = graph.arange(i64::from(length) - 1, -1, Dimension::Fixed(length))?;
            weight = graph.index_select(&weight, axis, &index)?;
        }
    }
    let window = weight.dims[2..].to_vec();
    let split = graph.reshape(&weight, &[&[groups, each, outputs], window.as_slice()].concat())?;
    let moved = graph.transpose(&split, 1, 2)?;
    let flat = graph.flattened(&moved.dims, 0, 2)?;
    graph.reshape(&moved, &flat)
}
