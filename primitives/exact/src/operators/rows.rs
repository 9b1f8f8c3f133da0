//! Operators whose elements depend on a whole row, the last dimension.

use crate::{
    binary32::Binary32,
    digest::DataType,
    element::{Element, ElementError, Operands},
    functions::{exp, log},
    graph::Reduction,
    reduce,
    tensor::Tensor,
};
use alloc::vec::Vec;
use core::{
    cmp::Ordering,
    ops::{Div, Sub},
};

/// One element from a row.
pub(super) fn reduce(reduction: Reduction, operands: &mut impl Operands, index: u64) -> Result<Element, ElementError> {
    let (dtype, length) = row_layout(operands)?;
    let start = index.saturating_mul(length);
    if dtype == DataType::Float32 {
        let row = operands.numbers(0, start, length)?;
        return numbers(reduction, &row);
    }
    let row = operands.integers(0, start, length)?;
    let position = |better: Ordering| first(&row, better).map(|position| position as i64);
    let element = match reduction {
        Reduction::Sum => Some(row.iter().fold(0i64, |sum, x| sum.wrapping_add(*x))),
        Reduction::Max => row.iter().copied().max(),
        Reduction::Min => row.iter().copied().min(),
        Reduction::ArgMax => position(Ordering::Greater),
        Reduction::ArgMin => position(Ordering::Less),
        Reduction::Any => Some(i64::from(row.iter().any(|x| *x != 0))),
        Reduction::All => Some(i64::from(row.iter().all(|x| *x != 0))),
        Reduction::Mean => None,
    };
    element.map(Element::Integer).ok_or(ElementError::Unfit)
}

fn numbers(reduction: Reduction, row: &[Binary32]) -> Result<Element, ElementError> {
    let numbers = row.iter().copied();
    let position = |position: Option<usize>| position.map(|position| Element::Integer(position as i64));
    let element = match reduction {
        Reduction::Sum => Some(Element::Number(reduce::sum(numbers))),
        Reduction::Mean => Some(Element::Number(reduce::mean(numbers))),
        Reduction::Max => reduce::max(numbers).map(Element::Number),
        Reduction::Min => reduce::min(numbers).map(Element::Number),
        Reduction::ArgMax => position(reduce::argmax(numbers)),
        Reduction::ArgMin => position(reduce::argmin(numbers)),
        Reduction::Any | Reduction::All => None,
    };
    element.ok_or(ElementError::Unfit)
}

/// The sum of an element and those before it in its row.
pub(super) fn cumulative_sum(operands: &mut impl Operands, index: u64) -> Result<Element, ElementError> {
    let (dtype, length) = row_layout(operands)?;
    let (start, count) = (row_start(index, length)?, place(index, length)?.saturating_add(1));
    Ok(if dtype == DataType::Float32 {
        Element::Number(reduce::sum(operands.numbers(0, start, count)?.into_iter()))
    } else {
        let row = operands.integers(0, start, count)?;
        Element::Integer(row.iter().fold(0i64, |sum, x| sum.wrapping_add(*x)))
    })
}

/// Where the element of this rank stands in its row. NaN is better than every number; of equal ones the first is
/// better.
pub(super) fn top_k(
    count: u32,
    largest: bool,
    operands: &mut impl Operands,
    index: u64,
) -> Result<Element, ElementError> {
    let (dtype, length) = row_layout(operands)?;
    let (row, rank) = (
        index.checked_div(u64::from(count)).ok_or(ElementError::Unfit)?,
        index.checked_rem(u64::from(count)).ok_or(ElementError::Unfit)?,
    );
    let start = row.saturating_mul(length);
    let keys: Vec<i64> = if dtype == DataType::Float32 {
        operands
            .numbers(0, start, length)?
            .into_iter()
            .map(|x| order(x, largest))
            .collect()
    } else {
        operands.integers(0, start, length)?
    };
    let mut places: Vec<(usize, i64)> = keys.into_iter().enumerate().collect();
    let rank = usize::try_from(rank).map_err(|_| ElementError::Unfit)?;
    if rank >= places.len() {
        return Err(ElementError::Unfit);
    }
    // Of equal ones the first is better, so no two are the same.
    let (_, (place, _), _) = places.select_nth_unstable_by(rank, |(i, a), (j, b)| {
        let by_value = if largest { b.cmp(a) } else { a.cmp(b) };
        by_value.then(i.cmp(j))
    });
    Ok(Element::Integer(*place as i64))
}

/// An integer that is ordered as the number is, with NaN at the better end.
fn order(x: Binary32, largest: bool) -> i64 {
    if x.is_nan() {
        return if largest { i64::MAX } else { i64::MIN };
    }
    let bits = i64::from(x.abs().to_bits());
    if x.is_negative() { bits.wrapping_neg() } else { bits }
}

/// `exp(x − max) / Σ exp(x − max)`; zeros where every number is −∞.
pub(super) fn softmax(operands: &mut impl Operands, index: u64) -> Result<Element, ElementError> {
    one_of_row(operands, index, softmax_row)
}

/// `(x − max) − log Σ exp(x − max)`.
pub(super) fn log_softmax(operands: &mut impl Operands, index: u64) -> Result<Element, ElementError> {
    one_of_row(operands, index, log_softmax_row)
}

/// A row before the last step, which takes each number for itself: one that is judged needs it for one.
pub(super) struct Unfinished {
    numbers: Vec<Binary32>,
    /// Divisor of each number, or a smaller one.
    by: Binary32,
    last_step: fn(Binary32, Binary32) -> Binary32,
}

impl Unfinished {
    fn all(self) -> impl Iterator<Item = Binary32> {
        let Self { numbers, by, last_step } = self;
        numbers.into_iter().map(move |number| last_step(number, by))
    }

    fn one(&self, place: usize) -> Option<Binary32> {
        self.numbers.get(place).map(|number| (self.last_step)(*number, self.by))
    }
}

pub(super) fn softmax_row(row: &[Binary32]) -> Unfinished {
    let max = reduce::max(row.iter().copied()).unwrap_or(Binary32::NAN);
    if max == -Binary32::INFINITY {
        // Nothing in the row counts.
        return Unfinished {
            numbers: row.iter().map(|_| Binary32::ZERO).collect(),
            by: Binary32::ONE,
            last_step: Div::div,
        };
    }
    let powers: Vec<Binary32> = row.iter().map(|x| exp(*x - max)).collect();
    Unfinished {
        by: reduce::sum(powers.iter().copied()),
        numbers: powers,
        last_step: Div::div,
    }
}

pub(super) fn log_softmax_row(row: &[Binary32]) -> Unfinished {
    let max = reduce::max(row.iter().copied()).unwrap_or(Binary32::NAN);
    let below: Vec<Binary32> = row.iter().map(|x| *x - max).collect();
    let powers: Vec<Binary32> = below.iter().map(|x| exp(*x)).collect();
    Unfinished {
        numbers: below,
        by: log(reduce::sum(powers.into_iter())),
        last_step: Sub::sub,
    }
}

/// `(x − mean) / √(mean of (x − mean)² + epsilon) · weight + bias`.
pub(super) fn layer_norm(operands: &mut impl Operands, epsilon: u32, index: u64) -> Result<Element, ElementError> {
    norm(operands, index, |row| layer_norm_row(row, epsilon))
}

/// `x / √(mean of x² + epsilon) · weight`.
pub(super) fn rms_norm(operands: &mut impl Operands, epsilon: u32, index: u64) -> Result<Element, ElementError> {
    norm(operands, index, |row| rms_norm_row(row, epsilon))
}

fn layer_norm_row(row: &[Binary32], epsilon: u32) -> Unfinished {
    let mean = reduce::mean(row.iter().copied());
    let centred: Vec<Binary32> = row.iter().map(|x| *x - mean).collect();
    rms_norm_row(&centred, epsilon)
}

fn rms_norm_row(row: &[Binary32], epsilon: u32) -> Unfinished {
    let squares: Vec<Binary32> = row.iter().map(|x| *x * *x).collect();
    Unfinished {
        numbers: row.to_vec(),
        by: (reduce::mean(squares.into_iter()) + Binary32::from_bits(epsilon)).sqrt(),
        last_step: Div::div,
    }
}

/// An element of a normalised row, times its weight and plus its bias where there are any.
fn norm(
    operands: &mut impl Operands,
    index: u64,
    of_row: impl Fn(&[Binary32]) -> Unfinished,
) -> Result<Element, ElementError> {
    let (_, length) = row_layout(operands)?;
    let place = place(index, length)?;
    let Element::Number(mut element) = one_of_row(operands, index, of_row)? else {
        return Err(ElementError::Unfit);
    };
    if operands.count() > 1 {
        element = element * operands.number(1, place)?;
    }
    if operands.count() > 2 {
        element = element + operands.number(2, place)?;
    }
    Ok(Element::Number(element))
}

/// [`layer_norm`], whole; `inputs` begins with `input`.
pub(super) fn layer_norm_tensor(input: &Tensor, inputs: &[&Tensor], epsilon: u32) -> Vec<Binary32> {
    scale_and_shift(by_row(input, |row| layer_norm_row(row, epsilon)), inputs)
}

/// [`rms_norm`], whole; `inputs` begins with `input`.
pub(super) fn rms_norm_tensor(input: &Tensor, inputs: &[&Tensor], epsilon: u32) -> Vec<Binary32> {
    scale_and_shift(by_row(input, |row| rms_norm_row(row, epsilon)), inputs)
}

fn scale_and_shift(mut numbers: Vec<Binary32>, inputs: &[&Tensor]) -> Vec<Binary32> {
    let mut vectors = inputs.iter().skip(1);
    if let Some(weight) = vectors.next() {
        for (number, weight) in numbers.iter_mut().zip(weight.numbers().cycle()) {
            *number = *number * weight;
        }
    }
    if let Some(bias) = vectors.next() {
        for (number, bias) in numbers.iter_mut().zip(bias.numbers().cycle()) {
            *number = *number + bias;
        }
    }
    numbers
}

/// All rows of a tensor.
pub(super) fn by_row(input: &Tensor, of_row: impl Fn(&[Binary32]) -> Unfinished) -> Vec<Binary32> {
    let numbers: Vec<Binary32> = input.numbers().collect();
    let length = input.shape().last().copied().unwrap_or(1).max(1) as usize;
    numbers.chunks(length).flat_map(|row| of_row(row).all()).collect()
}

fn one_of_row(
    operands: &mut impl Operands,
    index: u64,
    of_row: impl Fn(&[Binary32]) -> Unfinished,
) -> Result<Element, ElementError> {
    let (_, length) = row_layout(operands)?;
    let place = usize::try_from(place(index, length)?).map_err(|_| ElementError::Unfit)?;
    let row = of_row(&operands.numbers(0, row_start(index, length)?, length)?);
    row.one(place).map(Element::Number).ok_or(ElementError::Unfit)
}

/// Where the first integer stands that no other one is better than.
fn first(row: &[i64], better: Ordering) -> Option<usize> {
    let best = row
        .iter()
        .enumerate()
        .reduce(|best, next| if next.1.cmp(best.1) == better { next } else { best });
    best.map(|(position, _)| position)
}

fn row_layout(operands: &impl Operands) -> Result<(DataType, u64), ElementError> {
    let (dtype, shape) = operands.layout(0).ok_or(ElementError::Unfit)?;
    let length = shape.last().copied().map(u64::from).ok_or(ElementError::Unfit)?;
    Ok((dtype, length))
}

fn place(index: u64, length: u64) -> Result<u64, ElementError> {
    index.checked_rem(length).ok_or(ElementError::Unfit)
}

fn row_start(index: u64, length: u64) -> Result<u64, ElementError> {
    Ok(index.saturating_sub(place(index, length)?))
}
