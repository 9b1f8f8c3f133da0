//! Contractions: rows quantised as [`crate::quantise`] says, and multiplied as integers.

use crate::{
    binary32::Binary32,
    element::{Element, ElementError, Operands},
    quantise::{
        Bits, GivenRow, GroupedBits, Precision, QuantisedRow, WeightFormat, WeightGroup, four_bit_integers, quantise,
        scale,
    },
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
        WeightFormat::Int8 => weights(&read(1, length)?),
        WeightFormat::Grouped { bits, group } => {
            let words = read(2, divide(length, u64::from(group))?)?;
            let integers = match bits {
                GroupedBits::Four => halves(&read(1, length / 2)?),
                GroupedBits::Eight => read(1, length)?,
            };
            grouped_weights(&integers, &words, group)
        }
    };
    let scales = 1 + format.operands();
    let column = GivenRow::new(integers.into_iter(), operands.number(scales, j)?);
    biased(operands, row.given_product(&column), scales + 1, j)
}

/// The sum with element `j` of the bias, if there is one.
fn biased(operands: &mut impl Operands, product: Binary32, bias: usize, j: u64) -> Result<Element, ElementError> {
    Ok(Element::Number(if operands.count() > bias {
        product + operands.number(bias, j)?
    } else {
        product
    }))
}

/// Integers of an Int8 tensor as weights.
fn weights(integers: &[i64]) -> Vec<i32> {
    integers.iter().map(|integer| *integer as i32).collect()
}

/// The integers of four bits that bytes hold.
fn halves(bytes: &[i64]) -> Vec<i64> {
    let integers = bytes.iter().flat_map(|byte| four_bit_integers(*byte as u8));
    integers.map(i64::from).collect()
}

/// The weights that small integers stand for, whose groups have these words.
fn grouped_weights(integers: &[i64], words: &[i64], group: u8) -> Vec<i32> {
    let groups = integers.chunks(usize::from(group).max(1)).zip(words);
    groups
        .flat_map(|(integers, word)| {
            let group = WeightGroup::of_word(*word as i32);
            integers.iter().map(move |integer| group.weight(*integer as i8))
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
    let columns = quantised_rows(weight, precision.right());
    products(&rows, &columns, QuantisedRow::product, bias)
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
    let integers = match (format, weight) {
        (WeightFormat::Int8, [integers]) => weights(&signed(integers)),
        (WeightFormat::Grouped { bits, group }, [integers, words]) => {
            let integers = match bits {
                GroupedBits::Four => halves(&unsigned(integers)),
                GroupedBits::Eight => signed(integers),
            };
            // Rows are whole groups, so groups can be taken from all rows one after the other.
            grouped_weights(&integers, &int32(words), group)
        }
        _ => return None,
    };
    let columns: Vec<GivenRow> = integers
        .chunks(length.max(1))
        .zip(scales.numbers())
        .map(|(row, scale)| GivenRow::new(row.iter().copied(), scale))
        .collect();
    let rows = quantised_rows(input, bits);
    Some(products(
        &rows,
        &columns,
        QuantisedRow::given_product,
        bias.first().copied(),
    ))
}

/// The elements of an Int8 tensor.
fn signed(tensor: &Tensor) -> Vec<i64> {
    tensor
        .bytes()
        .iter()
        .map(|byte| i64::from(byte.cast_signed()))
        .collect()
}

/// The elements of a Uint8 tensor.
fn unsigned(tensor: &Tensor) -> Vec<i64> {
    tensor.bytes().iter().copied().map(i64::from).collect()
}

/// The elements of an Int32 tensor.
fn int32(tensor: &Tensor) -> Vec<i64> {
    let (words, _) = tensor.bytes().as_chunks();
    words
        .iter()
        .map(|bytes| i64::from(i32::from_le_bytes(*bytes)))
        .collect()
}

/// The products of all rows with all columns, and a sum with the bias.
fn products<C>(
    rows: &[QuantisedRow],
    columns: &[C],
    product: impl Fn(&QuantisedRow, &C) -> Binary32,
    bias: Option<&Tensor>,
) -> Vec<Binary32> {
    let bias: Option<Vec<Binary32>> = bias.map(|bias| bias.numbers().collect());
    let row = |row: &QuantisedRow| {
        let sums = columns.iter().enumerate().map(|(j, column)| {
            let product = product(row, column);
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
