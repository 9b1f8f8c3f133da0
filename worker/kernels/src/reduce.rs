//! Reductions of rows, as [`assay_exact::reduce`] defines them.

use crate::{
    instructions::{Instructions, with_vectors},
    rows::scale,
    vector::{INFINITY_BITS, MAGNITUDE_MASK, NAN_BITS, Vector, power_of_two},
};
use assay_exact::quantise::Bits;

/// A reduction of a row to one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberReduction {
    /// The sum on a grid.
    Sum,
    /// The sum, divided by the number of elements.
    Mean,
    /// The greatest number; NaN if there is one.
    Max,
    /// The least number; NaN if there is one.
    Min,
}

/// Writes the reduction of each row of `length` elements to `to`.
///
/// # Panics
///
/// If `from` has not as many rows as `to` has elements, or `length` is 0.
pub fn reduce(instructions: Instructions, reduction: NumberReduction, from: &[f32], length: usize, to: &mut [f32]) {
    assert!(length > 0 && from.len() == to.len() * length, "rows do not fit");
    #[inline(always)]
    fn all<V: Vector>(reduction: NumberReduction, from: &[f32], length: usize, to: &mut [f32]) {
        for (row, to) in from.chunks_exact(length).zip(to) {
            *to = match reduction {
                NumberReduction::Sum => sum::<V, false>(row),
                NumberReduction::Mean => crate::vector::canonical(mean::<V, false>(row)),
                NumberReduction::Max => crate::vector::canonical(greatest::<V>(row)),
                NumberReduction::Min => crate::vector::canonical(least::<V>(row)),
            };
        }
    }
    with_vectors!(instructions, all(reduction: NumberReduction, from: &[f32], length: usize, to: &mut [f32]));
}

/// Writes the scale that quantising gives each row of `length` elements to `to`.
///
/// # Panics
///
/// If `from` has not as many rows as `to` has elements, or `length` is 0.
pub fn scales(instructions: Instructions, bits: Bits, from: &[f32], length: usize, to: &mut [f32]) {
    assert!(length > 0 && from.len() == to.len() * length, "rows do not fit");
    let greatest = bits.greatest() as f32;
    #[inline(always)]
    fn all<V: Vector>(greatest: f32, from: &[f32], length: usize, to: &mut [f32]) {
        for (row, to) in from.chunks_exact(length).zip(to) {
            *to = scale(greatest_bits::<V>(row), greatest);
        }
    }
    with_vectors!(instructions, all(greatest: f32, from: &[f32], length: usize, to: &mut [f32]));
}

/// Calls `f` for all vectors of a row, with `fill` for what the last one lacks.
#[inline(always)]
fn fold<V: Vector, T>(row: &[f32], fill: f32, start: T, f: impl Fn(T, V) -> T) -> T {
    row.chunks(V::LANES)
        .fold(start, |value, chunk| f(value, V::read(chunk, fill)))
}

/// The number, or its square.
#[inline(always)]
fn term<V: Vector, const SQUARE: bool>(x: V) -> V {
    if SQUARE { x * x } else { x }
}

/// The bits of the greatest magnitude; a NaN's are greater than those of infinity.
#[inline(always)]
pub(crate) fn greatest_bits<V: Vector>(row: &[f32]) -> u32 {
    let mut greatest = V::splat(0.0);
    for chunk in row.chunks(V::LANES) {
        greatest = greatest.greater_magnitude(V::read(chunk, 0.0));
    }
    greatest.greatest_bits()
}

/// The exact sum of the numbers, or of their squares, on the grid that the greatest gives.
#[inline(always)]
pub(crate) fn sum<V: Vector, const SQUARE: bool>(row: &[f32]) -> f32 {
    sum_below::<V, SQUARE>(row, greatest_bits::<V>(row))
}

/// The same, where the bits of the greatest magnitude are known.
#[inline(always)]
pub(crate) fn sum_below<V: Vector, const SQUARE: bool>(row: &[f32], greatest_bits: u32) -> f32 {
    // Rounding keeps the order, so the greatest square is that of the greatest number.
    let greatest = f32::from_bits(greatest_bits);
    let bits = if SQUARE {
        (greatest * greatest).to_bits()
    } else {
        greatest_bits
    };
    if bits & MAGNITUDE_MASK >= INFINITY_BITS {
        return infinite_sum::<SQUARE>(row, bits & MAGNITUDE_MASK);
    }
    let step = step(bits);
    let mut sum = V::empty_sum();
    for chunk in row.chunks(V::LANES) {
        sum = term::<V, SQUARE>(V::read(chunk, 0.0)).add_to_grid(-step, sum);
    }
    // The grid has no step below 2^-149, so the product does not round.
    V::total(sum) as f32 * power_of_two(step)
}

/// The exponent of the step of the grid that a finite greatest magnitude with these bits gives.
#[inline(always)]
pub(crate) fn step(greatest_bits: u32) -> i32 {
    ((greatest_bits >> 23) as i32 - 127 - 29).max(-149)
}

/// The sum of a row with an infinity or a NaN.
#[cold]
fn infinite_sum<const SQUARE: bool>(row: &[f32], greatest_bits: u32) -> f32 {
    let negative = !SQUARE && row.contains(&f32::NEG_INFINITY);
    // The square of a great number is infinite too.
    let positive = row.iter().any(|x| if SQUARE { x * x } else { *x } == f32::INFINITY);
    if greatest_bits > INFINITY_BITS || (negative && positive) {
        f32::from_bits(NAN_BITS)
    } else if negative {
        f32::NEG_INFINITY
    } else {
        f32::INFINITY
    }
}

/// The sum, divided by the number of elements.
#[inline(always)]
pub(crate) fn mean<V: Vector, const SQUARE: bool>(row: &[f32]) -> f32 {
    sum::<V, SQUARE>(row) / row.len() as f32
}

/// The greatest number; NaN if there is one.
#[inline(always)]
pub(crate) fn greatest<V: Vector>(row: &[f32]) -> f32 {
    let (mut magnitude, mut greatest) = (V::splat(0.0), V::splat(f32::NEG_INFINITY));
    for chunk in row.chunks(V::LANES) {
        let x = V::read(chunk, f32::NEG_INFINITY);
        magnitude = magnitude.greater_magnitude(x);
        greatest = greatest.maximum(x);
    }
    if magnitude.greatest_bits() > INFINITY_BITS {
        return f32::from_bits(NAN_BITS);
    }
    greatest.greatest()
}

/// The least number; NaN if there is one.
#[inline(always)]
fn least<V: Vector>(row: &[f32]) -> f32 {
    if greatest_bits::<V>(row) > INFINITY_BITS {
        return f32::from_bits(NAN_BITS);
    }
    let start = V::splat(f32::INFINITY);
    fold::<V, V>(row, f32::INFINITY, start, V::minimum).least()
}
