//! Operators that move elements and compute nothing: each element of the output is one of the input, or a constant.

use crate::{
    element::{Element, ElementError, Operands},
    graph::Position,
};

pub(super) fn permute(
    operands: &mut impl Operands,
    axes: &[u8],
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let position = permuted(shape_of(operands, 0)?, axes, shape, index).ok_or(ElementError::Unfit)?;
    operands.read(0, position)
}

pub(super) fn expand(operands: &mut impl Operands, shape: &[u32], index: u64) -> Result<Element, ElementError> {
    let position = repeated(shape_of(operands, 0)?, shape, index).ok_or(ElementError::Unfit)?;
    operands.read(0, position)
}

pub(super) fn slice(
    operands: &mut impl Operands,
    axis: u8,
    start: Position,
    step: u32,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let place = Place::of(shape, axis, index).ok_or(ElementError::Unfit)?;
    let input = shape_of(operands, 0)?;
    let length = length(input, axis)?;
    let start = match start {
        Position::FromStart(elements) => u64::from(elements),
        Position::FromEnd(elements) => length.saturating_sub(u64::from(elements)),
    };
    let along = place.along.saturating_mul(u64::from(step)).saturating_add(start);
    let last = length.checked_sub(1).ok_or(ElementError::Unfit)?;
    read_at(operands, 0, axis, place.moved(along.min(last)))
}

pub(super) fn concat(
    operands: &mut impl Operands,
    axis: u8,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let place = Place::of(shape, axis, index).ok_or(ElementError::Unfit)?;
    let mut along = place.along;
    for operand in 0..operands.count() {
        let length = length(shape_of(operands, operand)?, axis)?;
        match along.checked_sub(length) {
            Some(rest) => along = rest,
            None => return read_at(operands, operand, axis, place.moved(along)),
        }
    }
    Err(ElementError::Unfit)
}

pub(super) fn pad(
    operands: &mut impl Operands,
    axis: u8,
    before: u32,
    value: Element,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let place = Place::of(shape, axis, index).ok_or(ElementError::Unfit)?;
    let length = length(shape_of(operands, 0)?, axis)?;
    match place.along.checked_sub(u64::from(before)) {
        Some(along) if along < length => read_at(operands, 0, axis, place.moved(along)),
        _ => Ok(value),
    }
}

pub(super) fn gather(
    operands: &mut impl Operands,
    axis: u8,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let place = Place::of(shape, axis, index).ok_or(ElementError::Unfit)?;
    if shape_of(operands, 1)? != shape {
        return Err(ElementError::Unfit);
    }
    let looked_up = operands.integer(1, index)?;
    let along = clamped(looked_up, length(shape_of(operands, 0)?, axis)?).ok_or(ElementError::Unfit)?;
    read_at(operands, 0, axis, place.moved(along))
}

pub(super) fn index_select(
    operands: &mut impl Operands,
    axis: u8,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let (data, indices) = (shape_of(operands, 0)?, shape_of(operands, 1)?);
    let length = length(data, axis)?;
    let place = selected(data, indices, axis, shape, index).ok_or(ElementError::Unfit)?;
    let looked_up = operands.integer(1, place.along)?;
    let along = clamped(looked_up, length).ok_or(ElementError::Unfit)?;
    read_at(operands, 0, axis, place.moved(along))
}

pub(super) fn unfold(
    operands: &mut impl Operands,
    axis: u8,
    step: u32,
    dilation: u32,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let (size, rows) = shape.split_last().ok_or(ElementError::Unfit)?;
    let (row, element) = divided(index, u64::from(*size)).ok_or(ElementError::Unfit)?;
    let place = Place::of(rows, axis, row).ok_or(ElementError::Unfit)?;
    let start = place.along.checked_mul(u64::from(step));
    let distance = element.checked_mul(u64::from(dilation));
    let along = start
        .zip(distance)
        .and_then(|(start, distance)| start.checked_add(distance));
    read_at(operands, 0, axis, place.moved(along.ok_or(ElementError::Unfit)?))
}

/// A position in row-major order, as seen from one dimension.
#[derive(Clone, Copy)]
struct Place {
    /// Position in the dimensions before it.
    outer: u64,
    /// Position along it.
    along: u64,
    /// Position in the dimensions after it.
    inner: u64,
}

impl Place {
    /// `None` if there is no such dimension, or no such position.
    fn of(shape: &[u32], axis: u8, index: u64) -> Option<Self> {
        let (before, length, after) = split(shape, axis)?;
        let (rows, inner) = divided(index, count(after)?)?;
        let (outer, along) = divided(rows, length)?;
        (outer < count(before)?).then_some(Self { outer, along, inner })
    }

    fn moved(self, along: u64) -> Self {
        Self { along, ..self }
    }

    /// The position in row-major order; `None` if the shape has no such place.
    fn index(self, shape: &[u32], axis: u8) -> Option<u64> {
        let (before, length, after) = split(shape, axis)?;
        let size = count(after)?;
        if self.outer >= count(before)? || self.along >= length || self.inner >= size {
            return None;
        }
        let row = self.outer.checked_mul(length)?.checked_add(self.along)?;
        row.checked_mul(size)?.checked_add(self.inner)
    }
}

fn read_at(operands: &mut impl Operands, operand: usize, axis: u8, place: Place) -> Result<Element, ElementError> {
    let index = place.index(shape_of(operands, operand)?, axis);
    operands.read(operand, index.ok_or(ElementError::Unfit)?)
}

/// Where the element at `index` of `shape` stands in a tensor whose dimensions of 1, and missing outermost ones, are
/// repeated. `None` if the shapes do not fit, or if there is no such element.
pub(super) fn repeated(from: &[u32], shape: &[u32], index: u64) -> Option<u64> {
    if from.len() > shape.len() {
        return None;
    }
    let (mut rest, mut position, mut stride) = (index, 0u64, 1u64);
    let lengths = from.iter().rev().chain(core::iter::repeat(&1));
    for (length, own) in shape.iter().rev().zip(lengths) {
        let (before, along) = divided(rest, u64::from(*length))?;
        rest = before;
        if own == length {
            position = position.checked_add(along.checked_mul(stride)?)?;
            stride = stride.checked_mul(u64::from(*own))?;
        } else if *own != 1 {
            return None;
        }
    }
    (rest == 0).then_some(position)
}

/// Where the element at `index` of `shape` stands in a tensor whose dimension `axes[i]` is dimension `i` of `shape`.
fn permuted(from: &[u32], axes: &[u8], shape: &[u32], index: u64) -> Option<u64> {
    if axes.len() != shape.len() || from.len() != shape.len() {
        return None;
    }
    let (mut rest, mut position) = (index, 0u64);
    for (length, axis) in shape.iter().rev().zip(axes.iter().rev()) {
        let (before, along) = divided(rest, u64::from(*length))?;
        rest = before;
        let (_, own, after) = split(from, *axis)?;
        if own != u64::from(*length) {
            return None;
        }
        position = position.checked_add(along.checked_mul(count(after)?)?)?;
    }
    (rest == 0).then_some(position)
}

/// The place in data `[A…, N, B…]` of an element of `[A…, I…, B…]`, along `I…` rather than along `N`.
fn selected(data: &[u32], indices: &[u32], axis: u8, shape: &[u32], index: u64) -> Option<Place> {
    let (before, _, after) = split(data, axis)?;
    if !before.iter().chain(indices).chain(after).eq(shape) {
        return None;
    }
    let (rows, inner) = divided(index, count(after)?)?;
    let (outer, along) = divided(rows, count(indices)?)?;
    Some(Place { outer, along, inner })
}

/// The element that an index stands for: from the end if it is negative, and the first or the last if there is none.
fn clamped(index: i64, length: u64) -> Option<u64> {
    let length = i64::try_from(length).ok()?;
    let last = length.checked_sub(1).filter(|last| *last >= 0)?;
    let index = if index < 0 { index.checked_add(length)? } else { index };
    u64::try_from(index.clamp(0, last)).ok()
}

/// Quotient and remainder.
fn divided(dividend: u64, divisor: u64) -> Option<(u64, u64)> {
    dividend.checked_div(divisor).zip(dividend.checked_rem(divisor))
}

/// Elements of a tensor of this shape.
fn count(shape: &[u32]) -> Option<u64> {
    shape
        .iter()
        .try_fold(1u64, |count, length| count.checked_mul(u64::from(*length)))
}

/// The dimensions before the axis, the axis, and those after it.
fn split(shape: &[u32], axis: u8) -> Option<(&[u32], u64, &[u32])> {
    let (before, rest) = shape.split_at_checked(usize::from(axis))?;
    let (length, after) = rest.split_first()?;
    Some((before, u64::from(*length), after))
}

fn length(shape: &[u32], axis: u8) -> Result<u64, ElementError> {
    split(shape, axis)
        .map(|(_, length, _)| length)
        .ok_or(ElementError::Unfit)
}

fn shape_of(operands: &impl Operands, operand: usize) -> Result<&[u32], ElementError> {
    operands
        .layout(operand)
        .map(|(_, shape)| shape)
        .ok_or(ElementError::Unfit)
}
