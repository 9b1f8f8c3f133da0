//! Rows of binary32 numbers as integers with one scale, and the exact products of such rows.
//!
//! For a row `x` of a contraction's operand and the greatest integer `qmax` that its [`Bits`] give:
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

/// Fineness of the integers that a contraction's rows are quantised to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Precision {
    /// Integers from −127 to 127: one int8 product.
    #[codec(index = 0)]
    Int8,
    /// Integers from −16319 to 16319, where 16319 = 127·128 + 63: `q = 128·h + l` with `h` and `l` in int8, so that a
    /// product is four int8 products, `2^14·hh + 2^7·(hl + lh) + ll`.
    #[codec(index = 1)]
    Int16,
    /// The left operand as in Int16 and the right one as in Int8, so that a product is two int8 products.
    #[codec(index = 2)]
    Int16Int8,
}

impl Precision {
    /// The integers of the left operand's rows: the input of a layer, or the weights of a weighted sum.
    pub const fn left(self) -> Bits {
        match self {
            Self::Int8 => Bits::Int8,
            Self::Int16 | Self::Int16Int8 => Bits::Int16,
        }
    }

    /// The integers of the right operand's rows: the weight of a layer, or the values of a weighted sum.
    pub const fn right(self) -> Bits {
        match self {
            Self::Int8 | Self::Int16Int8 => Bits::Int8,
            Self::Int16 => Bits::Int16,
        }
    }
}

/// Fineness of the integers that the rows of one operand are quantised to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bits {
    /// Integers from −127 to 127.
    Int8,
    /// Integers from −16319 to 16319.
    Int16,
}

/// The precision of products of rows that both have these bits, and of their scales.
impl From<Bits> for Precision {
    fn from(bits: Bits) -> Self {
        match bits {
            Bits::Int8 => Self::Int8,
            Bits::Int16 => Self::Int16,
        }
    }
}

impl Bits {
    /// The greatest integer that a row is quantised to.
    pub const fn greatest(self) -> i32 {
        match self {
            Self::Int8 => 127,
            Self::Int16 => 16_319,
        }
    }
}

/// Groups have a multiple of this many elements.
pub const GROUP_UNIT: u8 = 16;

/// Format of the integers of a weight that was quantised before the model was made.
///
/// Every tensor of the right type and shape has a meaning, so no model can be refused for its weights' elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum WeightFormat {
    /// `[N, K]` Int8: the integers as they are, −128 included.
    #[codec(index = 0)]
    Int8,
    /// Small integers, and then `[N, K/group]` Int32, each the word of a [`WeightGroup`]. What is multiplied is
    /// `integer · multiplier + offset`, with the multiplier and the offset of the group.
    #[codec(index = 1)]
    Grouped {
        /// Format of the small integers.
        bits: GroupedBits,
        /// Neighbouring elements of a row that share a multiplier and an offset: a multiple of [`GROUP_UNIT`] that is
        /// not 0, and a divisor of K. Sums of a group's products fit 32 bits: `240 · 16319 · 255 < 2^31`.
        group: u8,
    },
}

/// Format of the small integers of a grouped weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum GroupedBits {
    /// `[N, K/2]` Uint8: byte `i` of a row holds elements `2i` and `2i + 1`, which are its [`four_bit_integers`].
    #[codec(index = 0)]
    Four,
    /// `[N, K]` Int8: the integers as they are, −128 included.
    #[codec(index = 1)]
    Eight,
}

impl WeightFormat {
    /// Number of operands that give the integers.
    pub const fn operands(self) -> usize {
        match self {
            Self::Int8 => 1,
            Self::Grouped { .. } => 2,
        }
    }
}

/// Numbers by which the small integers of a group become weights.
///
/// A weight is at most `128 · 32768 + 32768 = 4 227 072` in magnitude. A sum of 16,384 products with integers of Int16
/// is below `2^51`, so that 64 bits hold every partial sum, and binary64 does too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightGroup {
    /// Factor of an integer.
    pub multiplier: i16,
    /// Summand after the product.
    pub offset: i16,
}

impl WeightGroup {
    /// The group that a word stands for: its low 16 bits are the multiplier and its high ones the offset, each in two's
    /// complement.
    pub const fn of_word(word: i32) -> Self {
        Self {
            multiplier: word as i16,
            offset: (word >> 16) as i16,
        }
    }

    /// The word that stands for the group.
    pub const fn word(self) -> i32 {
        (self.offset as i32) << 16 | self.multiplier as u16 as i32
    }

    /// The weight that a small integer stands for.
    pub const fn weight(self, integer: i8) -> i32 {
        integer as i32 * self.multiplier as i32 + self.offset as i32
    }
}

/// The integers of four bits that a byte holds, from −8 to 7: its low four bits less 8, and its high four bits less 8.
pub const fn four_bit_integers(byte: u8) -> [i8; 2] {
    [(byte & 15) as i8 - 8, (byte >> 4) as i8 - 8]
}

/// A row of an operand, quantised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantisedRow {
    integers: Vec<i16>,
    scale: Binary32,
}

impl QuantisedRow {
    /// Quantises a row as the [module's documentation](self) says.
    pub fn new(row: impl ExactSizeIterator<Item = Binary32> + Clone, bits: Bits) -> Self {
        let scale = scale(row.clone(), bits);
        Self {
            integers: row.map(|x| quantise(x, scale, bits)).collect(),
            scale,
        }
    }

    /// The integers.
    pub fn integers(&self) -> &[i16] {
        &self.integers
    }

    /// Value of one step of the integers.
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

    /// The product with a row of given integers. Elements that only one of them has count as zero.
    pub fn given_product(&self, other: &GivenRow) -> Binary32 {
        // 2^14 products below 2^37 stay within 2^51.
        let sum = self
            .integers
            .iter()
            .zip(&other.integers)
            .map(|(a, b)| i64::from(*a) * i64::from(*b))
            .sum();
        Binary32::from_i64(sum) * (self.scale * other.scale)
    }
}

/// A row of a weight whose integers are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRow {
    integers: Vec<i32>,
    scale: Binary32,
}

impl GivenRow {
    /// The integers of a row and its scale, which may be any number.
    pub fn new(integers: impl Iterator<Item = i32>, scale: Binary32) -> Self {
        Self {
            integers: integers.collect(),
            scale,
        }
    }
}

/// The scale `s` of a row.
pub fn scale(row: impl Iterator<Item = Binary32>, bits: Bits) -> Binary32 {
    let greatest = row.fold(Binary32::ZERO, |greatest, x| greatest.max(x.abs()));
    if !greatest.is_finite() {
        return Binary32::NAN;
    }
    let scale = greatest / Binary32::from_i64(i64::from(bits.greatest()));
    if scale == Binary32::ZERO { Binary32::ONE } else { scale }
}

/// The integer `q` of one element of a row with this scale.
pub fn quantise(x: Binary32, scale: Binary32, bits: Bits) -> i16 {
    if scale.is_nan() {
        return 0;
    }
    let limit = bits.greatest();
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
        let row = QuantisedRow::new(numbers(&[1.0, -2.0, 0.5, 0.0]), Bits::Int8);
        assert_eq!(row.scale().to_bits(), (2.0f32 / 127.0).to_bits());
        // 0.5 is 31.75 steps and 1.0 is 63.5 steps, a tie that goes to the even 64.
        assert_eq!(row.integers(), [64, -127, 32, 0]);
        let row = QuantisedRow::new(numbers(&[1.5, -2.0, 0.5, 0.0]), Bits::Int16);
        assert_eq!(row.integers(), [12_239, -16_319, 4_080, 0]);
    }

    #[test]
    fn zero_row_and_empty_row_have_scale_one() {
        for row in [&[0.0f32, -0.0][..], &[]] {
            let row = QuantisedRow::new(numbers(row), Bits::Int16);
            assert_eq!(row.scale(), Binary32::ONE);
            assert!(row.integers().iter().all(|q| *q == 0));
        }
    }

    #[test]
    fn subnormal_rows_neither_divide_by_zero_nor_leave_the_range() {
        for bits in 1..20_000 {
            let x = Binary32::from_bits(bits);
            for bits in [Bits::Int8, Bits::Int16] {
                let row = QuantisedRow::new([x, -x].into_iter(), bits);
                assert!(row.scale().is_finite() && row.scale() != Binary32::ZERO);
                assert!(row.integers().iter().all(|q| i32::from(*q).abs() <= bits.greatest()));
                assert_eq!(row.integers()[0], -row.integers()[1]);
            }
        }
    }

    #[test]
    fn row_with_infinity_or_nan_makes_nan() {
        for odd in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            let row = QuantisedRow::new(numbers(&[1.0, odd]), Bits::Int8);
            let ones = QuantisedRow::new(numbers(&[1.0, 1.0]), Bits::Int8);
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
                QuantisedRow::new(numbers(&values), Bits::Int16)
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

    #[test]
    fn mixed_precision_is_of_both() {
        assert_eq!([Precision::Int8.left(), Precision::Int8.right()], [Bits::Int8; 2]);
        assert_eq!([Precision::Int16.left(), Precision::Int16.right()], [Bits::Int16; 2]);
        let mixed = Precision::Int16Int8;
        assert_eq!([mixed.left(), mixed.right()], [Bits::Int16, Bits::Int8]);
        // Rows of mixed precision have no more than 2^35 to sum.
        let left = QuantisedRow::new(numbers(&[1.0, -1.0, 0.25]), mixed.left());
        let right = QuantisedRow::new(numbers(&[3.0, -3.0, 0.0]), mixed.right());
        assert_eq!(
            (left.integers(), right.integers()),
            (&[16_319, -16_319, 4_080][..], &[127, -127, 0][..])
        );
        let scale = (1.0f32 / 16_319.0) * (3.0f32 / 127.0);
        assert_eq!(
            left.product(&right).to_bits(),
            ((2 * 16_319 * 127) as f32 * scale).to_bits()
        );
    }

    #[test]
    fn words_and_bytes_of_groups_have_a_meaning_whatever_they_are() {
        assert_eq!(four_bit_integers(0xf9), [1, 7]);
        assert_eq!(four_bit_integers(0x80), [-8, 0]);
        for (word, multiplier, offset) in [
            (0, 0, 0),
            (5, 5, 0),
            (-1, -1, -1),
            (0xffff, -1, 0),
            (0x1_0000, 0, 1),
            (i32::MIN, 0, i16::MIN),
            (i32::MAX, -1, i16::MAX),
            (0x7fff_8000, i16::MIN, i16::MAX),
        ] {
            let group = WeightGroup { multiplier, offset };
            assert_eq!(WeightGroup::of_word(word), group);
            assert_eq!(group.word(), word);
        }
        let least = WeightGroup {
            multiplier: i16::MIN,
            offset: i16::MIN,
        };
        assert_eq!((least.weight(-128), least.weight(127)), (4_161_536, -4_194_304));
        let most = WeightGroup {
            multiplier: i16::MIN,
            offset: i16::MAX,
        };
        assert_eq!(most.weight(-128), 4_227_071);
    }

    #[test]
    fn longest_rows_of_the_greatest_weights_have_an_exact_sum() {
        let length = MAX_CONTRACTION_LENGTH as usize;
        let row = QuantisedRow::new(numbers(&[1.0; MAX_CONTRACTION_LENGTH as usize]), Bits::Int16);
        let weights = GivenRow::new((0..length).map(|_| -4_227_072), Binary32::ONE);
        let sum = -16_384i64 * 16_319 * 4_227_072;
        assert!(sum > -(1 << 51));
        let scale = f32::from_bits(row.scale().to_bits());
        assert_eq!(row.given_product(&weights).to_bits(), (sum as f32 * scale).to_bits());
    }
}
