//! Shapes of contractions. All of their rows are Float32 and at most [`MAX_CONTRACTION_LENGTH`] long.

use super::{
    super::{Dimension, Graph, WeightFormat},
    Layout, ShapeError, float32, only,
};
use crate::{digest::DataType, quantise::MAX_CONTRACTION_LENGTH};

pub(super) fn linear(inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let (input, weight, bias) = match inputs {
        [input, weight] => (float32(input)?, float32(weight)?, None),
        [input, weight, bias] => (float32(input)?, float32(weight)?, Some(float32(bias)?)),
        _ => return Err(ShapeError::Arity { actual: inputs.len() }),
    };
    let (length, rows) = split_row(input, 0)?;
    let [features, weight_length] = weight.dimensions.as_slice() else {
        return Err(ShapeError::Dimensions { input: 1 });
    };
    if !matches!(length, Dimension::Fixed(1..=MAX_CONTRACTION_LENGTH)) {
        return Err(ShapeError::ContractionLength(length));
    }
    if *weight_length != length {
        return Err(ShapeError::Dimensions { input: 1 });
    }
    if bias.is_some_and(|bias| bias.dimensions != [*features]) {
        return Err(ShapeError::Dimensions { input: 2 });
    }
    Ok(numbers(&[rows, &[*features]].concat()))
}

pub(super) fn quantised_linear(format: WeightFormat, inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let [input, weight, ..] = inputs else {
        return Err(ShapeError::Arity { actual: inputs.len() });
    };
    let (length, rows) = split_row(float32(input)?, 0)?;
    let [features, weight_length] = weight.dimensions.as_slice() else {
        return Err(ShapeError::Dimensions { input: 1 });
    };
    let fits = match format {
        WeightFormat::Int8 => *weight_length == length && weight.dtype == DataType::Int8,
        WeightFormat::Int4 { .. } => weight_length.times(2) == Some(length) && weight.dtype == DataType::Uint8,
    };
    if !fits {
        return Err(ShapeError::Dimensions { input: 1 });
    }
    Ok(numbers(&[rows, &[*features]].concat()))
}

pub(super) fn matmul(inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let [left, right] = inputs else {
        return Err(ShapeError::Arity { actual: inputs.len() });
    };
    let (left_length, left_rows) = split_row(float32(left)?, 0)?;
    let (right_length, right_rows) = split_row(float32(right)?, 1)?;
    let (columns, leading) = right_rows.split_last().ok_or(ShapeError::Dimensions { input: 1 })?;
    if !matches!(left_length, Dimension::Fixed(1..=MAX_CONTRACTION_LENGTH)) {
        return Err(ShapeError::ContractionLength(left_length));
    }
    let agrees = left_rows
        .split_last()
        .is_some_and(|(_, left_leading)| left_leading == leading);
    if !agrees || left_length != right_length {
        return Err(ShapeError::Dimensions { input: 1 });
    }
    Ok(numbers(&[left_rows, &[*columns]].concat()))
}

pub(super) fn row_scale(inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let (length, rows) = split_row(float32(only(inputs)?)?, 0)?;
    if !matches!(length, Dimension::Fixed(1..=MAX_CONTRACTION_LENGTH)) {
        return Err(ShapeError::ContractionLength(length));
    }
    Ok(numbers(rows))
}

pub(super) fn weighted_sum(graph: &Graph, inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let [weights, values, scales] = inputs else {
        return Err(ShapeError::Arity { actual: inputs.len() });
    };
    let (length, weight_rows) = split_row(float32(weights)?, 0)?;
    let (value_length, value_rows) = split_row(float32(values)?, 1)?;
    let (scale_length, scale_rows) = split_row(float32(scales)?, 2)?;
    let greatest = greatest(graph, length).ok_or(ShapeError::ContractionLength(length))?;
    if !(1..=MAX_CONTRACTION_LENGTH).contains(&greatest) {
        return Err(ShapeError::ContractionLength(length));
    }
    let (_, leading) = weight_rows.split_last().ok_or(ShapeError::Dimensions { input: 0 })?;
    let (columns, value_leading) = value_rows.split_last().ok_or(ShapeError::Dimensions { input: 1 })?;
    if value_leading != leading || value_length != length {
        return Err(ShapeError::Dimensions { input: 1 });
    }
    if scale_rows != leading || scale_length != length {
        return Err(ShapeError::Dimensions { input: 2 });
    }
    Ok(numbers(&[weight_rows, &[*columns]].concat()))
}

/// The greatest value of a dimension.
pub(super) fn greatest(graph: &Graph, dimension: Dimension) -> Option<u32> {
    dimension.elements_at(|symbol| graph.symbols.get(usize::from(symbol)).map(|symbol| symbol.max))
}

/// The least value of a dimension.
pub(super) fn least(graph: &Graph, dimension: Dimension) -> Option<u32> {
    dimension.elements_at(|symbol| graph.symbols.get(usize::from(symbol)).map(|symbol| symbol.min))
}

/// A tensor's last dimension, and those before it.
pub(super) fn split_row(layout: &Layout, input: usize) -> Result<(Dimension, &[Dimension]), ShapeError> {
    let (length, rows) = layout.dimensions.split_last().ok_or(ShapeError::Dimensions { input })?;
    Ok((*length, rows))
}

fn numbers(dimensions: &[Dimension]) -> Layout {
    Layout {
        dtype: DataType::Float32,
        dimensions: dimensions.to_vec(),
    }
}
