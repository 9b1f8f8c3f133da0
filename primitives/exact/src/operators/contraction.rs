//! Contractions: rows quantised as [`crate::quantise`] says, and multiplied as integers.

use crate::{
    binary32::Binary32,
    element::{Element, ElementError, Operands},
    quantise::{Bits, Precision, QuantisedRow, WeightFormat, four_bit_weight, quantise, scale},
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
    let row = quantised(operands, 0, i, length, precision.left())?;
    let column = quantised(operands, 1, j, length, precision.right())?;
    biased(operands, row.product(&column), 2, j)
}

/// `y[i, j] = product(input row i, row j of the integers with scale j) + bias[j]`.
pub(super) fn quantised_linear(
    operands: &mut impl Operands,
    bits: Bits,
    format: WeightFormat,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let features = last(shape)?;
    let (i, j) = (divide(index, features)?, remainder(index, features)?);
    let length = row_length(operands, 0)?;
    let row = quantised(operands, 0, i, length, bits)?;
    let mut read = |operand: usize, length: u64| operands.integers(operand, j.saturating_mul(length), length);
    let integers = match format {
        WeightFormat::Int8 => narrow(&read(1, length)?),
        WeightFormat::Int4 { group } => {
            let groups = divide(length, u64::from(group))?;
            let bytes = read(1, length / 2)?.iter().map(|byte| *byte as u8).collect::<Vec<_>>();
            let (zeros, multipliers) = (narrow(&read(2, groups)?), narrow(&read(3, groups)?));
            four_bit_row(&bytes, &zeros, &multipliers, group)
        }
    };
    let scales = 1 + format.operands();
    let column = QuantisedRow::given(integers.into_iter(), operands.number(scales, j)?);
    biased(operands, row.product(&column), scales + 1, j)
}

/// The sum with element `j` of the bias, if there is one.
fn biased(operands: &mut impl Operands, product: Binary32, bias: usize, j: u64) -> Result<Element, ElementError> {
    Ok(Element::Number(if operands.count() > bias {
        product + operands.number(bias, j)?
    } else {
        product
    }))
}

/// Integers of an Int8 tensor as what they are.
fn narrow(integers: &[i64]) -> Vec<i8> {
    integers.iter().map(|integer| *integer as i8).collect()
}

/// The integers of a row that is given in four bits each.
fn four_bit_row(bytes: &[u8], zeros: &[i8], multipliers: &[i8], group: u32) -> Vec<i8> {
    let half = (group / 2).max(1) as usize;
    let groups = bytes.chunks(half).zip(zeros).zip(multipliers);
    groups
        .flat_map(|((bytes, zero), multiplier)| {
            let integer = |four_bits: u8| four_bit_weight(four_bits, *zero, *multiplier);
            bytes.iter().flat_map(move |byte| [integer(*byte), integer(*byte >> 4)])
        })
        .collect()
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
    let row = quantised(operands, 0, place.row, length, precision.left())?;
    let column = quantised(operands, 1, place.column, length, precision.right())?;
    Ok(Element::Number(row.product(&column)))
}

/// The scale of a row.
pub(super) fn row_scale(operands: &mut impl Operands, bits: Bits, index: u64) -> Result<Element, ElementError> {
    let length = row_length(operands, 0)?;
    let row = operands.numbers(0, index.saturating_mul(length), length)?;
    Ok(Element::Number(scale(row.into_iter(), bits)))
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
    let weights = scaled_weights(&weights, &scales, precision.left());
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
    let rows = quantised_rows(input, precision.left());
    products(&rows, &quantised_rows(weight, precision.right()), bias)
}

/// [`quantised_linear`], whole; `None` where the operands do not fit. `others` are those after the input.
pub(super) fn quantised_linear_tensor(
    input: &Tensor,
    others: &[&Tensor],
    bits: Bits,
    format: WeightFormat,
) -> Option<Vec<Binary32>> {
    let (weight, [scales, bias @ ..]) = others.split_at_checked(format.operands())? else {
        return None;
    };
    let length = usize::try_from(*input.shape().last()?).ok()?;
    let rows: Vec<Vec<i8>> = match (format, weight) {
        (WeightFormat::Int8, [integers]) => signed(integers).chunks(length.max(1)).map(<[i8]>::to_vec).collect(),
        (WeightFormat::Int4 { group }, [packed, zeros, multipliers]) => {
            let groups = length.checked_div(usize::try_from(group).ok()?)?.max(1);
            let (zeros, multipliers) = (signed(zeros), signed(multipliers));
            let rows = packed.bytes().chunks((length / 2).max(1));
            rows.zip(zeros.chunks(groups).zip(multipliers.chunks(groups)))
                .map(|(bytes, (zeros, multipliers))| four_bit_row(bytes, zeros, multipliers, group))
                .collect()
        }
        _ => return None,
    };
    let columns: Vec<QuantisedRow> = rows
        .into_iter()
        .zip(scales.numbers())
        .map(|(row, scale)| QuantisedRow::given(row.into_iter(), scale))
        .collect();
    Some(products(&quantised_rows(input, bits), &columns, bias.first().copied()))
}

/// The bytes of an Int8 tensor as integers.
fn signed(tensor: &Tensor) -> Vec<i8> {
    tensor.bytes().iter().map(|byte| byte.cast_signed()).collect()
}

/// The products of all rows with all columns, and a sum with the bias.
fn products(rows: &[QuantisedRow], columns: &[QuantisedRow], bias: Option<&Tensor>) -> Vec<Binary32> {
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
    let (rows, columns) = (
        quantised_rows(left, precision.left()),
        quantised_rows(right, precision.right()),
    );
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
            let row = scaled_weights(row, scales, precision.left());
            sums.extend(values.iter().map(|column| weighted(&row, column)));
        }
    }
    Some(sums)
}

fn scaled_weights(weights: &[Binary32], scales: &[Binary32], bits: Bits) -> QuantisedRow {
    let scaled: Vec<Binary32> = weights
        .iter()
        .zip(scales)
        .map(|(weight, scale)| *weight * *scale)
        .collect();
    QuantisedRow::new(scaled.into_iter(), bits)
}

fn scaled_values(values: &[Binary32], scales: &[Binary32], bits: Bits) -> Vec<i16> {
    values
        .iter()
        .zip(scales)
        .map(|(value, scale)| quantise(*value, *scale, bits))
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
    bits: Bits,
) -> Result<QuantisedRow, ElementError> {
    let row = operands.numbers(operand, row.saturating_mul(length), length)?;
    Ok(QuantisedRow::new(row.into_iter(), bits))
}

/// The rows along a tensor's last dimension, quantised.
fn quantised_rows(tensor: &Tensor, bits: Bits) -> Vec<QuantisedRow> {
    let numbers: Vec<Binary32> = tensor.numbers().collect();
    let length = tensor.shape().last().copied().unwrap_or(1).max(1) as usize;
    numbers
        .chunks(length)
        .map(|row| QuantisedRow::new(row.iter().copied(), bits))
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
