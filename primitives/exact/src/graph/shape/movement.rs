//! Shapes of operators that move elements and compute nothing.

use super::{
    super::{Dimension, Expression, Graph, MAX_OPERANDS, MAX_RANK},
    Layout, ShapeError, only,
};
use crate::digest::DataType;
use alloc::{vec, vec::Vec};

pub(super) fn reshape(graph: &Graph, inputs: &[&Layout], dimensions: &[Dimension]) -> Result<Layout, ShapeError> {
    let input = only(inputs)?;
    if dimensions.len() > MAX_RANK {
        return Err(ShapeError::Dimensions { input: 0 });
    }
    if count(graph, &input.dimensions)? != count(graph, dimensions)? {
        return Err(ShapeError::ElementCount);
    }
    Ok(like(input, dimensions.to_vec()))
}

pub(super) fn permute(inputs: &[&Layout], axes: &[u8]) -> Result<Layout, ShapeError> {
    let input = only(inputs)?;
    let mut seen = vec![false; input.dimensions.len()];
    let dimensions = axes.iter().map(|axis| {
        let axis = usize::from(*axis);
        let seen = seen.get_mut(axis)?;
        let first = !core::mem::replace(seen, true);
        input.dimensions.get(axis).copied().filter(|_| first)
    });
    let dimensions: Option<Vec<_>> = dimensions.collect();
    match dimensions {
        Some(dimensions) if dimensions.len() == input.dimensions.len() => Ok(like(input, dimensions)),
        _ => Err(ShapeError::Parameter("permutation")),
    }
}

pub(super) fn expand(inputs: &[&Layout], dimensions: &[Dimension]) -> Result<Layout, ShapeError> {
    let input = only(inputs)?;
    if dimensions.len() > MAX_RANK {
        return Err(ShapeError::Parameter("rank"));
    }
    if dimensions.contains(&Dimension::Fixed(0)) {
        return Err(ShapeError::Parameter("dimension"));
    }
    let mut pairs = input.dimensions.iter().rev().zip(dimensions.iter().rev());
    let repeats = pairs.all(|(from, to)| from == to || *from == Dimension::Fixed(1));
    if input.dimensions.len() > dimensions.len() || !repeats {
        return Err(ShapeError::Dimensions { input: 0 });
    }
    Ok(like(input, dimensions.to_vec()))
}

pub(super) fn slice(inputs: &[&Layout], axis: u8, step: u32, length: Dimension) -> Result<Layout, ShapeError> {
    let input = only(inputs)?;
    if step == 0 {
        return Err(ShapeError::Parameter("step"));
    }
    if length == Dimension::Fixed(0) {
        return Err(ShapeError::Parameter("length"));
    }
    let (before, _, after) = split(input, axis)?;
    Ok(like(input, [before, &[length], after].concat()))
}

pub(super) fn concat(inputs: &[&Layout], axis: u8) -> Result<Layout, ShapeError> {
    let first = match inputs {
        [first, ..] if inputs.len() <= MAX_OPERANDS as usize => first,
        _ => return Err(ShapeError::Arity { actual: inputs.len() }),
    };
    let (before, _, after) = split(first, axis)?;
    let mut sum = Dimension::Fixed(0);
    for (position, input) in inputs.iter().enumerate() {
        if input.dtype != first.dtype {
            return Err(ShapeError::DataType(input.dtype));
        }
        let misfit = ShapeError::Dimensions { input: position };
        sum = match split(input, axis) {
            Ok((own_before, length, own_after)) if own_before == before && own_after == after => {
                sum.plus(length).ok_or(misfit)?
            }
            _ => return Err(misfit),
        };
    }
    Ok(like(first, [before, &[sum], after].concat()))
}

pub(super) fn pad(inputs: &[&Layout], axis: u8, before: u32, after: u32) -> Result<Layout, ShapeError> {
    let input = only(inputs)?;
    let (outer, length, inner) = split(input, axis)?;
    let added = i64::from(before).checked_add(i64::from(after));
    let padded = added.and_then(|added| length.shifted(added));
    let padded = padded.ok_or(ShapeError::Parameter("padding"))?;
    Ok(like(input, [outer, &[padded], inner].concat()))
}

pub(super) fn gather(inputs: &[&Layout], axis: u8) -> Result<Layout, ShapeError> {
    let (data, indices) = looked_up(inputs)?;
    let (before, _, after) = split(data, axis)?;
    match split(indices, axis) {
        Ok((own_before, _, own_after)) if own_before == before && own_after == after => {
            Ok(like(data, indices.dimensions.clone()))
        }
        _ => Err(ShapeError::Dimensions { input: 1 }),
    }
}

pub(super) fn index_select(inputs: &[&Layout], axis: u8) -> Result<Layout, ShapeError> {
    let (data, indices) = looked_up(inputs)?;
    let (before, _, after) = split(data, axis)?;
    let dimensions = [before, &indices.dimensions, after].concat();
    if dimensions.len() > MAX_RANK {
        return Err(ShapeError::Dimensions { input: 1 });
    }
    Ok(like(data, dimensions))
}

pub(super) fn unfold(inputs: &[&Layout], axis: u8, size: u32, step: u32, dilation: u32) -> Result<Layout, ShapeError> {
    let input = only(inputs)?;
    for (name, parameter) in [("size", size), ("step", step), ("dilation", dilation)] {
        if parameter == 0 {
            return Err(ShapeError::Parameter(name));
        }
    }
    let (before, length, after) = split(input, axis)?;
    let windows = length
        .windows(size, step, dilation)
        .ok_or(ShapeError::Dimensions { input: 0 })?;
    let dimensions = [before, &[windows], after, &[Dimension::Fixed(size)]].concat();
    if dimensions.len() > MAX_RANK {
        return Err(ShapeError::Dimensions { input: 0 });
    }
    Ok(like(input, dimensions))
}

/// Data, and integers that say which of it.
fn looked_up<'a>(inputs: &[&'a Layout]) -> Result<(&'a Layout, &'a Layout), ShapeError> {
    let [data, indices] = inputs else {
        return Err(ShapeError::Arity { actual: inputs.len() });
    };
    match indices.dtype {
        DataType::Int64 | DataType::Int32 => Ok((data, indices)),
        dtype => Err(ShapeError::DataType(dtype)),
    }
}

/// The dimensions before the axis, the axis, and those after it.
fn split(layout: &Layout, axis: u8) -> Result<(&[Dimension], Dimension, &[Dimension]), ShapeError> {
    let (before, rest) = layout
        .dimensions
        .split_at_checked(usize::from(axis))
        .ok_or(ShapeError::Parameter("axis"))?;
    let (length, after) = rest.split_first().ok_or(ShapeError::Parameter("axis"))?;
    Ok((before, *length, after))
}

fn like(layout: &Layout, dimensions: Vec<Dimension>) -> Layout {
    Layout {
        dtype: layout.dtype,
        dimensions,
    }
}

/// A number of elements, multiplied out: the dimensions one after the other.
fn count(graph: &Graph, dimensions: &[Dimension]) -> Result<Expression, ShapeError> {
    let mut product = Expression::number(1);
    for dimension in dimensions {
        graph.knows_symbols(*dimension)?;
        let factor = Expression::of(*dimension).ok_or(ShapeError::ElementCount)?;
        product = product.times(&factor).ok_or(ShapeError::ElementCount)?;
    }
    Ok(product)
}
