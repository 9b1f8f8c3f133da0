//! Contractions: rows quantised as [`crate::quantise`] says, and multiplied as integers.

use crate::{
    binary32::Binary32,
    element::{Element, ElementError, Operands},
    graph::WeightFormat,
    quantise::{Precision, QuantisedRow, quantise, scale},
    tensor::Tensor,
};
use alloc::vec::Vec;

/// `y[i, j] = product(input row i, weight row j) + bias[j]`.
pub(super) fn linear(
    operands: &mut impl Operands,
    precision: Precision,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let features = last(shape)?;
    let (i, j) = (divide(index, features)?, remainder(index, features)?);
    let length = row_length(operands, 0)?;
    let row = quantised(operands, 0, i, length, precision)?;
    let column = quantised(operands, 1, j, length, precision.right())?;
    let product = row.product(&column);
    Ok(Element::Number(if operands.count() > 2 {
        product + operands.number(2, j)?
    } else {
        product
    }))
}

/// Integer weights with one scale a row.
pub(super) fn quantised_linear(
    operands: &mut impl Operands,
    precision: Precision,
    format: WeightFormat,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let features = last(shape)?;
    let (i, j) = (divide(index, features)?, remainder(index, features)?);
    let length = row_length(operands, 0)?;
    let row = quantised(operands, 0, i, length, precision)?;
    let mut sum = 0i64;
    for (k, q) in (0u64..).zip(row.integers()) {
        let weight = match format {
            WeightFormat::Int8 => integer(operands, 1, j.saturating_mul(length).saturating_add(k))?,
            WeightFormat::Int4 { group } => {
                let at = j.saturating_mul(length).saturating_add(k);
                let byte = integer(operands, 1, divide(at, 2)?)?;
                let nibble = if remainder(at, 2)? == 0 { byte & 15 } else { byte >> 4 };
                let place = divide(at, u64::from(group))?;
                let zero = integer(operands, 2, place)?;
                let multiplier = integer(operands, 3, place)?;
                nibble.saturating_sub(zero).saturating_mul(multiplier).clamp(-128, 127)
            }
        };
        sum = sum.saturating_add(i64::from(*q).saturating_mul(weight));
    }
    let scales = match format {
        WeightFormat::Int8 => 2,
        WeightFormat::Int4 { .. } => 4,
    };
    let scale = row.scale() * operands.number(scales, j)?;
    let product = Binary32::from_i64(sum) * scale;
    Ok(Element::Number(if operands.count() > scales.saturating_add(1) {
        product + operands.number(scales.saturating_add(1), j)?
    } else {
        product
    }))
}

fn integer(operands: &mut impl Operands, operand: usize, index: u64) -> Result<i64, ElementError> {
    match operands.read(operand, index)? {
        Element::Integer(value) => Ok(value),
        _ => Err(ElementError::Unfit),
    }
}

/// `y[…, i, j] = product(left row […, i], right row […, j])`.
pub(super) fn matmul(
    operands: &mut impl Operands,
    precision: Precision,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let place = Place::new(shape, index)?;
    let length = row_length(operands, 0)?;
    let row = quantised(operands, 0, place.row, length, precision)?;
    let column = quantised(operands, 1, place.column, length, precision.right())?;
    Ok(Element::Number(row.product(&column)))
}

/// The scale of a row.
pub(super) fn row_scale(
    operands: &mut impl Operands,
    precision: Precision,
    index: u64,
) -> Result<Element, ElementError> {
    let length = row_length(operands, 0)?;
    let row = operands.numbers(0, index.saturating_mul(length), length)?;
    Ok(Element::Number(scale(row.into_iter(), precision)))
}

/// `y[…, i, j]`: the weights' row `[…, i]` times the scales and then quantised, and the values' row `[…, j]` quantised
/// with the scales; the integers' product times the one scale that is left.
pub(super) fn weighted_sum(
    operands: &mut impl Operands,
    precision: Precision,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let place = Place::new(shape, index)?;
    let length = row_length(operands, 0)?;
    let scales = operands.numbers(2, place.leading.saturating_mul(length), length)?;
    let weights = operands.numbers(0, place.row.saturating_mul(length), length)?;
    let values = operands.numbers(1, place.column.saturating_mul(length), length)?;
    let weights = scaled_weights(&weights, &scales, precision);
    let values = scaled_values(&values, &scales, precision.right());
    Ok(Element::Number(weighted(&weights, &values)))
}

/// [`linear`], whole.
pub(super) fn linear_tensor(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    precision: Precision,
) -> Vec<Binary32> {
    let (rows, columns) = (quantised_rows(input, precision), quantised_rows(weight, precision.right()));
    let bias: Option<Vec<Binary32>> = bias.map(|bias| bias.numbers().collect());
    let row = |row: &QuantisedRow| {
        let sums = columns.iter().enumerate().map(|(j, column)| {
            let product = row.product(column);
            match &bias {
                Some(bias) => product + bias.get(j).copied().unwrap_or(Binary32::NAN),
                None => product,
            }
        });
        sums.collect::<Vec<_>>()
    };
    rows.iter().flat_map(row).collect()
}

/// [`matmul`], whole; `None` where the operands do not fit.
pub(super) fn matmul_tensor(left: &Tensor, right: &Tensor, precision: Precision) -> Option<Vec<Binary32>> {
    let (rows, columns) = (quantised_rows(left, precision), quantised_rows(right, precision.right()));
    let (row_count, column_count) = (matrix_rows(left)?, matrix_rows(right)?);
    let matrices = rows.chunks(row_count).zip(columns.chunks(column_count));
    let products = matrices.flat_map(|(rows, columns)| {
        rows.iter()
            .flat_map(move |row| columns.iter().map(move |column| row.product(column)))
    });
    Some(products.collect())
}

/// [`weighted_sum`], whole; `None` where the operands do not fit.
pub(super) fn weighted_sum_tensor(
    weights: &Tensor,
    values: &Tensor,
    scales: &Tensor,
    precision: Precision,
) -> Option<Vec<Binary32>> {
    let length = usize::try_from(*scales.shape().last()?).ok()?;
    let (weight_rows, value_rows) = (matrix_rows(weights)?, matrix_rows(values)?);
    let [weights, values, scales] = [weights, values, scales].map(|tensor| tensor.numbers().collect::<Vec<_>>());
    let mut sums = Vec::new();
    let matrices = weights
        .chunks(length.checked_mul(weight_rows)?)
        .zip(values.chunks(length.checked_mul(value_rows)?));
    for ((weights, values), scales) in matrices.zip(scales.chunks(length)) {
        let values: Vec<_> = values
            .chunks(length)
            .map(|row| scaled_values(row, scales, precision.right()))
            .collect();
        for row in weights.chunks(length) {
            let row = scaled_weights(row, scales, precision);
            sums.extend(values.iter().map(|column| weighted(&row, column)));
        }
    }
    Some(sums)
}

fn scaled_weights(weights: &[Binary32], scales: &[Binary32], precision: Precision) -> QuantisedRow {
    let scaled: Vec<Binary32> = weights
        .iter()
        .zip(scales)
        .map(|(weight, scale)| *weight * *scale)
        .collect();
    QuantisedRow::new(scaled.into_iter(), precision)
}

fn scaled_values(values: &[Binary32], scales: &[Binary32], precision: Precision) -> Vec<i16> {
    values
        .iter()
        .zip(scales)
        .map(|(value, scale)| quantise(*value, *scale, precision))
        .collect()
}

fn weighted(weights: &QuantisedRow, values: &[i16]) -> Binary32 {
    // At most 2^14 products below 2^28.
    let products = weights
        .integers()
        .iter()
        .zip(values)
        .map(|(a, b)| i64::from(*a) * i64::from(*b));
    Binary32::from_i64(products.sum()) * weights.scale()
}

/// Where an element of a matrix product comes from.
struct Place {
    /// The matrix, among the leading dimensions.
    leading: u64,
    /// The row of the left operand, counted over all matrices.
    row: u64,
    /// The row of the right operand, counted over all matrices.
    column: u64,
}

impl Place {
    fn new(shape: &[u32], index: u64) -> Result<Self, ElementError> {
        let columns = last(shape)?;
        let rows = shape
            .iter()
            .rev()
            .nth(1)
            .copied()
            .map(u64::from)
            .ok_or(ElementError::Unfit)?;
        let row = divide(index, columns)?;
        let leading = divide(row, rows)?;
        let column = leading
            .saturating_mul(columns)
            .saturating_add(remainder(index, columns)?);
        Ok(Self { leading, row, column })
    }
}

fn quantised(
    operands: &mut impl Operands,
    operand: usize,
    row: u64,
    length: u64,
    precision: Precision,
) -> Result<QuantisedRow, ElementError> {
    let row = operands.numbers(operand, row.saturating_mul(length), length)?;
    Ok(QuantisedRow::new(row.into_iter(), precision))
}

/// The rows along a tensor's last dimension, quantised.
fn quantised_rows(tensor: &Tensor, precision: Precision) -> Vec<QuantisedRow> {
    let numbers: Vec<Binary32> = tensor.numbers().collect();
    let length = tensor.shape().last().copied().unwrap_or(1).max(1) as usize;
    numbers
        .chunks(length)
        .map(|row| QuantisedRow::new(row.iter().copied(), precision))
        .collect()
}

/// Rows of each of a tensor's matrices.
fn matrix_rows(tensor: &Tensor) -> Option<usize> {
    tensor
        .shape()
        .iter()
        .rev()
        .nth(1)
        .and_then(|rows| usize::try_from(*rows).ok())
        .filter(|rows| *rows > 0)
}

fn row_length(operands: &impl Operands, operand: usize) -> Result<u64, ElementError> {
    let (_, shape) = operands.layout(operand).ok_or(ElementError::Unfit)?;
    last(shape)
}

fn last(shape: &[u32]) -> Result<u64, ElementError> {
    shape.last().copied().map(u64::from).ok_or(ElementError::Unfit)
}

fn divide(dividend: u64, divisor: u64) -> Result<u64, ElementError> {
    dividend.checked_div(divisor).ok_or(ElementError::Unfit)
}

fn remainder(dividend: u64, divisor: u64) -> Result<u64, ElementError> {
    dividend.checked_rem(divisor).ok_or(ElementError::Unfit)
}
