//! IEEE 754 binary32 in integer code, rounding to nearest, ties to even, with one zero and one NaN.
//!
//! Every operation is the correctly rounded one of the standard, so hardware that follows it gives the same bits after
//! its −0 and its NaNs are made canonical. Subnormal numbers are numbers like any other; nothing is flushed to zero.

mod convert;
mod root;

use core::{
    cmp::Ordering,
    ops::{Add, Div, Mul, Neg, Sub},
};

/// Bits of a significand that are stored; a normal number has one more, which is not.
const STORED_BITS: u32 = 23;
const STORED_MASK: u32 = (1 << STORED_BITS) - 1;
/// The bit of a normal number's significand that is not stored.
const UNSTORED: u32 = 1 << STORED_BITS;
/// Exponent's field of infinities and NaN.
const ENDLESS: u32 = 255;
const SIGN: u32 = 1 << 31;
/// Exponent of the last place of the smallest numbers: `2^-149` is the least positive one.
const LEAST_EXPONENT: i32 = -149;

/// A binary32 number. It never holds −0, nor a NaN other than [`Binary32::NAN`].
///
/// Equality is equality of bits: the NaN equals itself. The comparison of IEEE 754 is [`Binary32::compare`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Binary32(u32);

impl Binary32 {
    /// The only zero, +0.
    pub const ZERO: Self = Self(0);
    /// One.
    pub const ONE: Self = Self(0x3f80_0000);
    /// The only NaN: quiet, positive, without a payload.
    pub const NAN: Self = Self(0x7fc0_0000);
    /// Positive infinity.
    pub const INFINITY: Self = Self(0x7f80_0000);

    /// The number with these bits; −0 becomes +0 and every NaN becomes [`Binary32::NAN`].
    pub const fn from_bits(bits: u32) -> Self {
        let magnitude = bits & !SIGN;
        if magnitude == 0 {
            Self::ZERO
        } else if magnitude > Self::INFINITY.0 {
            Self::NAN
        } else {
            Self(bits)
        }
    }

    /// The canonical bits.
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// Whether it is NaN.
    pub const fn is_nan(self) -> bool {
        self.0 == Self::NAN.0
    }

    /// Whether it is neither NaN nor an infinity.
    pub const fn is_finite(self) -> bool {
        self.0 & !SIGN < Self::INFINITY.0
    }

    /// Whether it is less than zero; false for NaN.
    pub const fn is_negative(self) -> bool {
        self.0 & SIGN != 0
    }

    /// The number without its sign.
    pub const fn abs(self) -> Self {
        Self(self.0 & !SIGN)
    }

    /// The comparison of IEEE 754: `None` where either is NaN.
    pub const fn compare(self, other: Self) -> Option<Ordering> {
        if self.is_nan() || other.is_nan() {
            return None;
        }
        let (left, right) = (self.order(), other.order());
        Some(if left < right {
            Ordering::Less
        } else if left > right {
            Ordering::Greater
        } else {
            Ordering::Equal
        })
    }

    /// Whether it is less than the other, as [`compare`](Self::compare) says.
    pub(crate) const fn is_less(self, other: Self) -> bool {
        !self.is_nan() && !other.is_nan() && self.order() < other.order()
    }

    /// The greater of the two; NaN where either is NaN.
    pub const fn max(self, other: Self) -> Self {
        match self.compare(other) {
            None => Self::NAN,
            Some(Ordering::Less) => other,
            Some(_) => self,
        }
    }

    /// The lesser of the two; NaN where either is NaN.
    pub const fn min(self, other: Self) -> Self {
        match self.compare(other) {
            None => Self::NAN,
            Some(Ordering::Greater) => other,
            Some(_) => self,
        }
    }

    /// An integer that orders numbers as their values do.
    const fn order(self) -> i64 {
        let (magnitude, sign) = ((self.0 & !SIGN) as i64, -(self.is_negative() as i64));
        (magnitude ^ sign) - sign
    }

    const fn infinity(negative: bool) -> Self {
        Self(Self::INFINITY.0 | if negative { SIGN } else { 0 })
    }

    /// The significand and the exponent of a finite number, which is `±significand · 2^exponent`.
    const fn parts(self) -> (u64, i32) {
        let field = (self.0 & !SIGN) >> STORED_BITS;
        let is_normal = (field != 0) as u32;
        let significand = self.0 & STORED_MASK | is_normal << STORED_BITS;
        (significand as u64, LEAST_EXPONENT + (field - is_normal) as i32)
    }

    /// Rounds `±significand · 2^exponent`. The lowest bit may stand for "and something below" if the significand has at
    /// least 26 bits, since it then lies below the bit that decides a tie.
    const fn round(negative: bool, significand: u64, exponent: i32) -> Self {
        if significand == 0 {
            return Self::ZERO;
        }
        let zeros = significand.leading_zeros();
        // Of 64 bits, 24 are kept.
        let steps = exponent + 40 - zeros as i32 - LEAST_EXPONENT;
        Self::round_highest((negative as u32) << 31, significand << zeros, steps)
    }

    /// Rounds `±highest · 2^(steps − 40 + LEAST_EXPONENT)`, where the highest bit of `highest` is set.
    const fn round_highest(sign: u32, highest: u64, steps: i32) -> Self {
        if steps as u32 >= 254 {
            return Self::round_at_end(sign, highest, steps);
        }
        let kept = highest >> 40;
        let up = ((highest & ((1 << 40) - 1)) + ((1 << 39) - 1) + (kept & 1)) >> 40;
        // `kept` carries the unstored bit of a normal number, which adds one to the exponent's field; where rounding
        // made it one bit longer it adds two, which is again the right number, up to infinity.
        Self((((steps as u32) << STORED_BITS) + (kept + up) as u32) | sign)
    }

    /// [`round`](Self::round) where the result may be subnormal, zero or infinite.
    #[cold]
    const fn round_at_end(sign: u32, highest: u64, steps: i32) -> Self {
        if steps >= 254 {
            return Self(Self::INFINITY.0 | sign);
        }
        // Fewer bits than 24 are kept, since the last one of them would lie below the last place that there is.
        let kept = round_shift_right(highest, 40 + steps.unsigned_abs());
        if kept == 0 {
            Self::ZERO
        } else {
            Self(kept as u32 | sign)
        }
    }

    /// The sum; the sign of a zero or a NaN does not matter here.
    const fn sum(self, other: Self) -> Self {
        let (great, small) = if self.0 & !SIGN < other.0 & !SIGN {
            (other, self)
        } else {
            (self, other)
        };
        let (field, lesser) = ((great.0 & !SIGN) >> STORED_BITS, (small.0 & !SIGN) >> STORED_BITS);
        if field == ENDLESS || lesser == 0 {
            return great.sum_at_end(small);
        }
        let a = ((great.0 & STORED_MASK | UNSTORED) as u64) << 25;
        // What lies more than 25 places below is less than a quarter of the last place, and so is what is left of it.
        let shift = if field - lesser > 63 { 63 } else { field - lesser };
        let b = (((small.0 & STORED_MASK | UNSTORED) as u64) << 25) >> shift;
        let sum = add_or_subtract(a, b, great, small);
        if sum == 0 {
            return Self::ZERO;
        }
        let zeros = sum.leading_zeros();
        // As in `round`: the field of the great number is its exponent, less `LEAST_EXPONENT`, plus one.
        let steps = (field + 14).wrapping_sub(zeros);
        Self::round_highest(great.0 & SIGN, sum << zeros, steps as i32)
    }

    /// [`sum`](Self::sum) with a number whose magnitude is not greater, where one of the two is not normal.
    #[cold]
    const fn sum_at_end(self, small: Self) -> Self {
        if !self.is_finite() {
            // The magnitude of a NaN is greater than that of an infinity.
            let is_nan = self.abs().is_nan() || small.0 == self.0 ^ SIGN;
            return if is_nan { Self::NAN } else { self };
        }
        let ((a, exponent), (b, b_exponent)) = (self.parts(), small.parts());
        let shift = (exponent - b_exponent).unsigned_abs();
        if shift > 25 {
            // Less than a quarter of the last place.
            return self;
        }
        let sum = add_or_subtract(a << 25, b << (25 - shift), self, small);
        Self::round(self.is_negative(), sum, exponent - 25)
    }

    const fn difference(self, other: Self) -> Self {
        self.sum(Self(other.0 ^ SIGN))
    }

    const fn product(self, other: Self) -> Self {
        let (a_field, b_field) = ((self.0 & !SIGN) >> STORED_BITS, (other.0 & !SIGN) >> STORED_BITS);
        // Both are normal.
        if a_field.wrapping_sub(1) < 254 && b_field.wrapping_sub(1) < 254 {
            let (a, b) = (self.0 & STORED_MASK | UNSTORED, other.0 & STORED_MASK | UNSTORED);
            let product = a as u64 * b as u64;
            // 47 bits or 48.
            let is_long = (product >> 47) as u32;
            let steps = (a_field + b_field + is_long).wrapping_sub(128);
            // So is the product, unless rounding makes it infinite.
            if steps < 254 {
                return Self::round_highest((self.0 ^ other.0) & SIGN, product << (17 - is_long), steps as i32);
            }
        }
        self.product_at_end(other)
    }

    /// [`product`](Self::product) where one of the three numbers may not be normal.
    #[cold]
    const fn product_at_end(self, other: Self) -> Self {
        let negative = self.is_negative() != other.is_negative();
        if !self.is_finite() || !other.is_finite() {
            let is_nan = self.is_nan() || other.is_nan() || self.0 == 0 || other.0 == 0;
            return if is_nan { Self::NAN } else { Self::infinity(negative) };
        }
        let ((a, a_exponent), (b, b_exponent)) = (self.parts(), other.parts());
        Self::round(negative, a * b, a_exponent + b_exponent)
    }

    const fn quotient(self, other: Self) -> Self {
        let negative = self.is_negative() != other.is_negative();
        if !self.is_finite() || !other.is_finite() {
            return if self.is_nan() || other.is_nan() || self.is_finite() == other.is_finite() {
                Self::NAN
            } else if self.is_finite() {
                Self::ZERO
            } else {
                Self::infinity(negative)
            };
        }
        let ((a, a_exponent), (b, b_exponent)) = (self.parts(), other.parts());
        if b == 0 {
            return if a == 0 { Self::NAN } else { Self::infinity(negative) };
        }
        // A dividend of 64 bits over at most 24 bits: 40 bits or more of quotient.
        let lift = a.leading_zeros() & 63;
        let dividend = a << lift;
        let quotient = dividend / b;
        let sticky = (quotient * b != dividend) as u64;
        Self::round(negative, quotient | sticky, a_exponent - b_exponent - lift as i32)
    }
}

/// `a + b`, or `a − b` where the signs of the two numbers differ. As arithmetic, since a branch could not be foretold.
const fn add_or_subtract(a: u64, b: u64, great: Binary32, small: Binary32) -> u64 {
    let differ = ((great.0 ^ small.0) >> 31) as u64;
    a.wrapping_add((b ^ differ.wrapping_neg()).wrapping_add(differ))
}

/// `⌊value / 2^shift⌉`, ties to even.
const fn round_shift_right(value: u64, shift: u32) -> u64 {
    if shift == 0 {
        return value;
    }
    if shift > 64 {
        return 0;
    }
    let kept = if shift == 64 { 0 } else { value >> shift };
    // What is cut off, moved up so that one half is the highest bit.
    let cut = value << (64 - shift);
    let half = 1 << 63;
    let up = cut > half || (cut == half && kept & 1 == 1);
    kept + up as u64
}

impl Add for Binary32 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.sum(other)
    }
}

impl Sub for Binary32 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.difference(other)
    }
}

impl Mul for Binary32 {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.product(other)
    }
}

/// Division by zero gives an infinity with the dividend's sign, since there is only the zero +0; `0 / 0` is NaN.
impl Div for Binary32 {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        self.quotient(other)
    }
}

impl Neg for Binary32 {
    type Output = Self;
    fn neg(self) -> Self {
        Self::from_bits(self.0 ^ SIGN)
    }
}

impl core::fmt::Debug for Binary32 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Binary32({:#010x})", self.0)
    }
}

#[cfg(test)]
mod tests;
