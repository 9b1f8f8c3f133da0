//! Rows of binary32 numbers as integers with one scale, and the exact products of such rows.
//!
//! For a row `x` of a contraction's operand and a precision with greatest integer `qmax`:
//!
//! ```text
//! amax = max |x[k]|                       NaN if any x[k] is NaN; 0 for an empty row
//! s    = NaN            if amax is NaN or infinite
//!      = amax / qmax    in binary32, and 1 where that quotient is 0
//! q[k] = 0              if s is NaN
//!      = clamp(round_half_even(x[k] / s), −qmax, qmax)    the quotient in binary32
//! ```
//!
//! The clamp acts only where `s` is subnormal and has few bits. The product of two rows is
//! `f32(Σ qa[k]·qb[k]) · (sa·sb)`: the sum in integers, rounded once, then two binary32 products. A row that holds an
//! infinity or a NaN thereby makes every one of its products NaN.

use crate::binary32::Binary32;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The most elements that one contraction sums: a row of binary32 numbers is then at most 64 KiB, the slice that a
/// proof may carry, and sums of int8 products stay within 32 bits.
pub const MAX_CONTRACTION_LENGTH: u32 = 16_384;

/// How fine the integers are that a row is quantised to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Precision {
    /// Integers from −127 to 127: one int8 product.
    #[codec(index = 0)]
    Int8,
    /// Integers from −16319 to 16319, where 16319 = 127·128 + 63: `q = 128·h + l` with `h` and `l` in int8, so that a
    /// product is four int8 products, `2^14·hh + 2^7·(hl + lh) + ll`.
    #[codec(index = 1)]
    Int16,
    /// The left operand as in Int16, the right one as in Int8.
    #[codec(index = 2)]
    Int16Int8,
}

impl Precision {
    /// The greatest integer that a row is quantised to.
    pub const fn greatest(self) -> i32 {
        match self {
            Self::Int8 => 127,
            Self::Int16 | Self::Int16Int8 => 16_319,
        }
    }

    /// The precision of the right operand.
    pub const fn right(self) -> Self {
        match self {
            Self::Int16Int8 => Self::Int8,
            same => same,
        }
    }
}

/// A row of an operand, quantised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantisedRow {
    integers: Vec<i16>,
    scale: Binary32,
}

impl QuantisedRow {
    /// Quantises a row as the [module's documentation](self) says.
    pub fn new(row: impl ExactSizeIterator<Item = Binary32> + Clone, precision: Precision) -> Self {
        let scale = scale(row.clone(), precision);
        Self {
            integers: row.map(|x| quantise(x, scale, precision)).collect(),
            scale,
        }
    }

    /// The integers.
    pub fn integers(&self) -> &[i16] {
        &self.integers
    }

    /// What one step of the integers stands for.
    pub fn scale(&self) -> Binary32 {
        self.scale
    }

    /// The product of two rows. Elements that only one of them has count as zero.
    pub fn product(&self, other: &Self) -> Binary32 {
        // 2^32 products below 2^28 stay within 2^60.
        let sum = self
            .integers
            .iter()
            .zip(&other.integers)
            .map(|(a, b)| i64::from(*a) * i64::from(*b))
            .sum();
        Binary32::from_i64(sum) * (self.scale * other.scale)
    }
}

/// The scale `s` of a row.
pub fn scale(row: impl Iterator<Item = Binary32>, precision: Precision) -> Binary32 {
    let greatest = row.fold(Binary32::ZERO, |greatest, x| greatest.max(x.abs()));
    if !greatest.is_finite() {
        return Binary32::NAN;
    }
    let scale = greatest / Binary32::from_i64(i64::from(precision.greatest()));
    if scale == Binary32::ZERO { Binary32::ONE } else { scale }
}

/// The integer `q` of one element of a row with this scale.
pub fn quantise(x: Binary32, scale: Binary32, precision: Precision) -> i16 {
    if scale.is_nan() {
        return 0;
    }
    let limit = precision.greatest();
    (x / scale).round_to_i32().clamp(-limit, limit) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn numbers(values: &[f32]) -> impl ExactSizeIterator<Item = Binary32> + Clone {
        values.iter().map(|value| Binary32::from_bits(value.to_bits()))
    }

    #[test]
    fn row_is_scaled_by_its_greatest_magnitude() {
        let row = QuantisedRow::new(numbers(&[1.0, -2.0, 0.5, 0.0]), Precision::Int8);
        assert_eq!(row.scale().to_bits(), (2.0f32 / 127.0).to_bits());
        // 0.5 is 31.75 steps and 1.0 is 63.5 steps, a tie that goes to the even 64.
        assert_eq!(row.integers(), [64, -127, 32, 0]);
        let row = QuantisedRow::new(numbers(&[1.5, -2.0, 0.5, 0.0]), Precision::Int16);
        assert_eq!(row.integers(), [12_239, -16_319, 4_080, 0]);
    }

    #[test]
    fn zero_row_and_empty_row_have_scale_one() {
        for row in [&[0.0f32, -0.0][..], &[]] {
            let row = QuantisedRow::new(numbers(row), Precision::Int16);
            assert_eq!(row.scale(), Binary32::ONE);
            assert!(row.integers().iter().all(|q| *q == 0));
        }
    }

    #[test]
    fn subnormal_rows_neither_divide_by_zero_nor_leave_the_range() {
        for bits in 1..20_000 {
            let x = Binary32::from_bits(bits);
            for precision in [Precision::Int8, Precision::Int16] {
                let row = QuantisedRow::new([x, -x].into_iter(), precision);
                assert!(row.scale().is_finite() && row.scale() != Binary32::ZERO);
                assert!(
                    row.integers()
                        .iter()
                        .all(|q| i32::from(*q).abs() <= precision.greatest())
                );
                assert_eq!(row.integers()[0], -row.integers()[1]);
            }
        }
    }

    #[test]
    fn row_with_infinity_or_nan_makes_nan() {
        for odd in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            let row = QuantisedRow::new(numbers(&[1.0, odd]), Precision::Int8);
            let ones = QuantisedRow::new(numbers(&[1.0, 1.0]), Precision::Int8);
            assert_eq!(row.integers(), [0, 0]);
            assert_eq!(row.product(&ones), Binary32::NAN);
        }
    }

    #[test]
    fn product_is_the_exact_sum_rounded_once() {
        let mut random = Random(3);
        for length in [1, 7, 100, 4096] {
            let mut row = || {
                let values: Vec<f32> = (0..length).map(|_| random.next() as i64 as f32 / 1e18).collect();
                QuantisedRow::new(numbers(&values), Precision::Int16)
            };
            let (a, b) = (row(), row());
            let sum: i64 = a
                .integers()
                .iter()
                .zip(b.integers())
                .map(|(a, b)| i64::from(*a) * i64::from(*b))
                .sum();
            let scale = f32::from_bits(a.scale().to_bits()) * f32::from_bits(b.scale().to_bits());
            assert_eq!(a.product(&b).to_bits(), (sum as f32 * scale).to_bits());
        }
    }

    #[test]
    fn int16_splits_into_two_int8_halves() {
        for q in -16_319i32..=16_319 {
            let high = (q + 64) >> 7;
            let low = q - 128 * high;
            assert!((-127..=127).contains(&high) && (-64..=63).contains(&low));
        }
    }
}
