//! Shapes of contractions. All of their rows are Float32 and at most [`MAX_CONTRACTION_LENGTH`] long.

use super::{
    super::{Dimension, Graph},
    Layout, ShapeError, float32, only,
};
use crate::{
    digest::DataType,
    quantise::{GROUP_UNIT, GroupedBits, MAX_CONTRACTION_LENGTH, Precision, WeightFormat},
};

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

pub(super) fn quantised_linear(
    precision: Precision,
    format: WeightFormat,
    inputs: &[&Layout],
) -> Result<Layout, ShapeError> {
    one_width(precision)?;
    let given = format.operands();
    let arity = ShapeError::Arity { actual: inputs.len() };
    let (input, others) = inputs.split_first().ok_or(arity.clone())?;
    let (weight, numbers_of_rows) = others.split_at_checked(given).ok_or(arity.clone())?;
    if !matches!(numbers_of_rows.len(), 1 | 2) {
        return Err(arity);
    }
    let (length, rows) = split_row(float32(input)?, 0)?;
    let Dimension::Fixed(elements @ 1..=MAX_CONTRACTION_LENGTH) = length else {
        return Err(ShapeError::ContractionLength(length));
    };
    let widths: &[(DataType, u32)] = match format {
        WeightFormat::Int8 => &[(DataType::Int8, elements)],
        WeightFormat::Grouped { bits, group } => {
            let is_unit = group > 0 && group.is_multiple_of(GROUP_UNIT);
            let group = u32::from(group);
            if !is_unit || !elements.is_multiple_of(group) {
                return Err(ShapeError::Parameter("group"));
            }
            let integers = match bits {
                GroupedBits::Four => (DataType::Uint8, elements / 2),
                GroupedBits::Eight => (DataType::Int8, elements),
            };
            &[integers, (DataType::Int32, elements / group)]
        }
    };
    let features = weight
        .first()
        .and_then(|integers| integers.dimensions.first().copied())
        .ok_or(ShapeError::Dimensions { input: 1 })?;
    for (position, (operand, (dtype, width))) in weight.iter().zip(widths).enumerate() {
        if operand.dtype != *dtype {
            return Err(ShapeError::DataType(operand.dtype));
        }
        if operand.dimensions != [features, Dimension::Fixed(*width)] {
            return Err(ShapeError::Dimensions { input: position + 1 });
        }
    }
    for (position, vector) in numbers_of_rows.iter().enumerate() {
        if float32(vector)?.dimensions != [features] {
            let input = given + 1 + position;
            return Err(ShapeError::Dimensions { input });
        }
    }
    Ok(numbers(&[rows, &[features]].concat()))
}

pub(super) fn row_scale(precision: Precision, inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    one_width(precision)?;
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

/// Checks that a precision is one of rows, and not of two operands that differ.
fn one_width(precision: Precision) -> Result<(), ShapeError> {
    match precision {
        Precision::Int8 | Precision::Int16 => Ok(()),
        Precision::Int16Int8 => Err(ShapeError::Parameter("precision")),
    }
}

/// The maximum of a dimension.
pub(super) fn greatest(graph: &Graph, dimension: Dimension) -> Option<u32> {
    u32::try_from(graph.bounds(dimension)?.max).ok()
}

/// The minimum of a dimension.
pub(super) fn least(graph: &Graph, dimension: Dimension) -> Option<u32> {
    u32::try_from(graph.bounds(dimension)?.min).ok()
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
