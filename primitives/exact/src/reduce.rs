//! Reductions of a row of binary32 numbers to one, the same in every order.
//!
//! A sum puts the row on a grid whose step is a power of two, adds integers, and rounds once:
//!
//! ```text
//! amax = max |x[k]|                                    NaN if any x[k] is NaN
//! sum  = max x[k] + min x[k]                           if amax is NaN or infinite
//!      = f32(Σ rne(x[k] / 2^g)) · 2^g                  else, with g = max(⌊log₂ amax⌋ − 29, −149)
//! ```
//!
//! The integers are at most `2^30` in magnitude. Every number that is at least `2^-6` of the greatest one lies on the
//! grid, and every other one is off by at most `2^-30·amax`, so that `|sum − Σ x[k]| ≤ K · 2^-30 · amax` and half a
//! unit in the last place of the result.

use crate::binary32::Binary32;
use core::cmp::Ordering;

/// The steps of the grid for the greatest number of a row are from `2^29` to `2^30`.
const GRID_BITS: i32 = 29;
/// No grid is finer than the least positive number.
const LEAST_STEP: i32 = -149;

/// The sum as the [module's documentation](self) says; 0 for an empty row.
pub fn sum(row: impl Iterator<Item = Binary32> + Clone) -> Binary32 {
    let greatest = row.clone().fold(Binary32::ZERO, |greatest, x| greatest.max(x.abs()));
    if !greatest.is_finite() {
        // One infinity, or two of a sign, stay; two that differ, or a NaN, make NaN.
        return match (max(row.clone()), min(row)) {
            (Some(max), Some(min)) => max + min,
            _ => Binary32::NAN,
        };
    }
    let step = step(greatest);
    // Integers of 2^30 overflow after 2^33 of them, 32 GiB of numbers.
    let sum = row.fold(0i64, |sum, x| {
        sum.saturating_add(i64::from(x.scale(-step).round_to_i32()))
    });
    // The grid has no step below 2^-149, so this rounds no second time.
    Binary32::from_i64(sum).scale(step)
}

/// The sum, divided by the number of elements; NaN for an empty row.
pub fn mean(row: impl ExactSizeIterator<Item = Binary32> + Clone) -> Binary32 {
    // A row in memory has fewer elements than 2^63.
    let count = Binary32::from_i64(row.len() as i64);
    sum(row) / count
}

/// The greatest number; NaN if there is one, nothing for an empty row.
pub fn max(row: impl Iterator<Item = Binary32>) -> Option<Binary32> {
    row.reduce(Binary32::max)
}

/// The least number; NaN if there is one, nothing for an empty row.
pub fn min(row: impl Iterator<Item = Binary32>) -> Option<Binary32> {
    row.reduce(Binary32::min)
}

/// Where the greatest number stands first, or the first NaN if there is one; nothing for an empty row.
pub fn argmax(row: impl Iterator<Item = Binary32>) -> Option<usize> {
    first_by(row, Ordering::Greater)
}

/// Where the least number stands first, or the first NaN if there is one; nothing for an empty row.
pub fn argmin(row: impl Iterator<Item = Binary32>) -> Option<usize> {
    first_by(row, Ordering::Less)
}

/// The index of the first number that no other one is `better` than. A NaN is better than every number.
fn first_by(row: impl Iterator<Item = Binary32>, better: Ordering) -> Option<usize> {
    let best = row.enumerate().reduce(|best, next| {
        let replaces = !best.1.is_nan() && (next.1.is_nan() || next.1.compare(best.1) == Some(better));
        if replaces { next } else { best }
    });
    best.map(|(index, _)| index)
}

/// The exponent `g` of the grid for a row whose greatest magnitude is this.
fn step(greatest: Binary32) -> i32 {
    // The field of a subnormal number is 0, and its grid the finest one anyway.
    let exponent = (greatest.to_bits() >> 23) as i32 - 127;
    (exponent - GRID_BITS).max(LEAST_STEP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn numbers(values: &[f32]) -> impl ExactSizeIterator<Item = Binary32> + Clone {
        values.iter().map(|value| Binary32::from_bits(value.to_bits()))
    }

    fn value(number: Binary32) -> f32 {
        f32::from_bits(number.to_bits())
    }

    /// Rows of both signs, with exponents spread over this many bits.
    fn random_row(random: &mut Random, length: usize, spread: u64, top: u64) -> Vec<f32> {
        let mut number = || {
            let bits = random.next() >> 16;
            let exponent = top.saturating_sub((bits >> 32) % (spread + 1));
            f32::from_bits((bits as u32) & 0x807f_ffff | (exponent as u32) << 23)
        };
        (0..length).map(|_| number()).collect()
    }

    /// The exact sum in units of 2^-149, for numbers below 2^-30.
    fn exact_sum(row: &[f32]) -> i128 {
        row.iter().map(|x| (f64::from(*x) * 2f64.powi(149)) as i128).sum()
    }

    #[test]
    fn sum_of_numbers_within_six_bits_is_the_exact_sum_rounded_once() {
        let mut random = Random(6);
        for length in [1, 2, 3, 64, 1000] {
            for top in [0, 1, 5, 20, 90] {
                let row = random_row(&mut random, length, 6, top);
                // Numbers below 2^-36: their sum is an integer of at most 124 bits here, and `as` rounds it once.
                let exact = exact_sum(&row) as f32;
                let expected = if top > 20 {
                    (f64::from(exact) * 2f64.powi(-149)) as f32
                } else {
                    exact * f32::from_bits(1)
                };
                assert_eq!(value(sum(numbers(&row))), expected, "{row:?}");
            }
        }
    }

    #[test]
    fn sum_is_within_its_documented_error() {
        let mut random = Random(7);
        for _ in 0..2_000 {
            let spread = random.next() % 60;
            let row = random_row(&mut random, 256, spread, 85);
            let exact = exact_sum(&row) as f64 * 2f64.powi(-149);
            let amax = row.iter().fold(0f32, |greatest, x| greatest.max(x.abs()));
            let result = f64::from(value(sum(numbers(&row))));
            let bound = 256.0 * 2f64.powi(-30) * f64::from(amax) + exact.abs() * 2f64.powi(-24);
            assert!((result - exact).abs() <= bound, "{result} for {exact}");
        }
    }

    #[test]
    fn sum_does_not_depend_on_the_order() {
        let mut random = Random(8);
        for _ in 0..200 {
            let mut row = random_row(&mut random, 100, 80, 254);
            let expected = sum(numbers(&row));
            for i in (1..row.len()).rev() {
                row.swap(i, random.next() as usize % (i + 1));
            }
            assert_eq!(sum(numbers(&row)), expected);
        }
    }

    #[test]
    fn sums_at_the_ends_of_the_range() {
        assert_eq!(sum(numbers(&[])), Binary32::ZERO);
        assert_eq!(sum(numbers(&[0.0, -0.0])), Binary32::ZERO);
        assert_eq!(value(sum(numbers(&[f32::MAX, f32::MAX]))), f32::INFINITY);
        assert_eq!(value(sum(numbers(&[f32::MAX, f32::MAX, -f32::MAX]))), f32::MAX);
        assert_eq!(value(sum(numbers(&[f32::from_bits(1); 3]))), f32::from_bits(3));
    }

    #[test]
    fn infinities_of_one_sign_stay_and_others_make_nan() {
        let (infinity, nan) = (f32::INFINITY, f32::NAN);
        assert_eq!(value(sum(numbers(&[1.0, infinity, infinity]))), infinity);
        assert_eq!(value(sum(numbers(&[-infinity, 1.0]))), -infinity);
        assert_eq!(sum(numbers(&[infinity, -infinity])), Binary32::NAN);
        assert_eq!(sum(numbers(&[infinity, nan])), Binary32::NAN);
        assert_eq!(mean(numbers(&[])), Binary32::NAN);
    }

    #[test]
    fn mean_divides_the_sum() {
        assert_eq!(value(mean(numbers(&[1.0, 2.0, 4.0]))), 7.0f32 / 3.0);
    }

    #[test]
    fn ties_go_to_the_lowest_index_and_nan_is_first() {
        assert_eq!(argmax(numbers(&[1.0, 3.0, 3.0, -5.0])), Some(1));
        assert_eq!(argmin(numbers(&[0.0, -0.0, 1.0])), Some(0));
        assert_eq!(argmax(numbers(&[1.0, f32::NAN, f32::INFINITY, f32::NAN])), Some(1));
        assert_eq!(argmin(numbers(&[1.0, f32::NAN, -f32::INFINITY])), Some(1));
        assert_eq!(argmax(numbers(&[])), None);
        assert_eq!(max(numbers(&[1.0, 3.0])).map(value), Some(3.0));
        assert_eq!(min(numbers(&[1.0, f32::NAN])), Some(Binary32::NAN));
        assert_eq!(max(numbers(&[])), None);
    }
}
