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
const SIGN: u32 = 1 << 31;
/// Exponent of the last place of the smallest numbers: `2^-149` is the least positive one.
const LEAST_EXPONENT: i32 = -149;

/// A binary32 number. It never holds −0, nor a NaN other than [`Binary32::NAN`].
///
/// Equality is equality of bits: the NaN equals itself. The comparison of IEEE 754 is [`Binary32::compare`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Binary32(u32);

/// What the bits stand for. A finite number is `±significand · 2^exponent`.
enum Number {
    Nan,
    Infinite {
        negative: bool,
    },
    Finite {
        negative: bool,
        significand: u32,
        exponent: i32,
    },
}

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
        let magnitude = (self.0 & !SIGN) as i64;
        if self.is_negative() { -magnitude } else { magnitude }
    }

    const fn infinity(negative: bool) -> Self {
        Self(Self::INFINITY.0 | if negative { SIGN } else { 0 })
    }

    const fn number(self) -> Number {
        let negative = self.is_negative();
        let stored = self.0 & STORED_MASK;
        match (self.0 & !SIGN) >> STORED_BITS {
            255 if stored != 0 => Number::Nan,
            255 => Number::Infinite { negative },
            0 => Number::Finite {
                negative,
                significand: stored,
                exponent: LEAST_EXPONENT,
            },
            biased => Number::Finite {
                negative,
                significand: stored | 1 << STORED_BITS,
                exponent: LEAST_EXPONENT + biased as i32 - 1,
            },
        }
    }

    /// Rounds `±significand · 2^exponent`. The lowest bit may stand for "and something below" if the significand has at
    /// least 26 bits, since it then lies below the bit that decides a tie.
    const fn round(negative: bool, significand: u64, exponent: i32) -> Self {
        if significand == 0 {
            return Self::ZERO;
        }
        let leading = exponent + 63 - significand.leading_zeros() as i32;
        let last_place = if leading - 23 > LEAST_EXPONENT {
            leading - 23
        } else {
            LEAST_EXPONENT
        };
        let shift = last_place - exponent;
        let kept = if shift > 0 {
            round_shift_right(significand, shift.unsigned_abs())
        } else {
            significand << shift.unsigned_abs()
        };
        let steps = last_place - LEAST_EXPONENT;
        if steps >= 254 {
            return Self::infinity(negative);
        }
        // `kept` carries the unstored bit of a normal number, which adds one to the exponent's field; where rounding
        // made it one bit longer it adds two, which is again the right number, up to infinity.
        let magnitude = ((steps as u32) << STORED_BITS) + kept as u32;
        if magnitude == 0 {
            Self::ZERO
        } else {
            Self(magnitude | if negative { SIGN } else { 0 })
        }
    }

    const fn sum(self, other: Self) -> Self {
        match (self.number(), other.number()) {
            (Number::Nan, _) | (_, Number::Nan) => Self::NAN,
            (Number::Infinite { negative: left }, Number::Infinite { negative: right }) => {
                if left == right {
                    self
                } else {
                    Self::NAN
                }
            }
            (Number::Infinite { .. }, _) => self,
            (_, Number::Infinite { .. }) => other,
            (
                Number::Finite {
                    negative: a_negative,
                    significand: a,
                    exponent: a_exponent,
                },
                Number::Finite {
                    negative: b_negative,
                    significand: b,
                    exponent: b_exponent,
                },
            ) => {
                if a_exponent < b_exponent {
                    return other.sum(self);
                }
                // 24 bits moved up by 38 leave room for a carry and for all that decides the rounding.
                let a = ((a as u64) << 38) as i64;
                let b = shift_right_sticky((b as u64) << 38, (a_exponent - b_exponent).unsigned_abs()) as i64;
                let sum = if a_negative { -a } else { a } + if b_negative { -b } else { b };
                Self::round(sum < 0, sum.unsigned_abs(), a_exponent - 38)
            }
        }
    }

    const fn product(self, other: Self) -> Self {
        let negative = self.is_negative() != other.is_negative();
        match (self.number(), other.number()) {
            (Number::Nan, _) | (_, Number::Nan) => Self::NAN,
            (Number::Infinite { .. }, _) | (_, Number::Infinite { .. }) => {
                if self.0 == 0 || other.0 == 0 {
                    Self::NAN
                } else {
                    Self::infinity(negative)
                }
            }
            (
                Number::Finite {
                    significand: a,
                    exponent: a_exponent,
                    ..
                },
                Number::Finite {
                    significand: b,
                    exponent: b_exponent,
                    ..
                },
            ) => Self::round(negative, a as u64 * b as u64, a_exponent + b_exponent),
        }
    }

    const fn quotient(self, other: Self) -> Self {
        let negative = self.is_negative() != other.is_negative();
        match (self.number(), other.number()) {
            (Number::Nan, _) | (_, Number::Nan) | (Number::Infinite { .. }, Number::Infinite { .. }) => Self::NAN,
            (Number::Infinite { .. }, _) => Self::infinity(negative),
            (_, Number::Infinite { .. }) => Self::ZERO,
            (Number::Finite { significand: 0, .. }, Number::Finite { significand: 0, .. }) => Self::NAN,
            (_, Number::Finite { significand: 0, .. }) => Self::infinity(negative),
            (
                Number::Finite {
                    significand: a,
                    exponent: a_exponent,
                    ..
                },
                Number::Finite {
                    significand: b,
                    exponent: b_exponent,
                    ..
                },
            ) => {
                // A dividend of 63 or 64 bits over at most 24 bits: 39 bits or more of quotient.
                let lift = if a == 0 { 0 } else { (a as u64).leading_zeros() };
                let (dividend, divisor) = ((a as u64) << lift, b as u64);
                let sticky = !dividend.is_multiple_of(divisor) as u64;
                Self::round(
                    negative,
                    (dividend / divisor) | sticky,
                    a_exponent - b_exponent - lift as i32,
                )
            }
        }
    }
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

/// `⌊value / 2^shift⌋`, with the lowest bit set if anything was cut off.
const fn shift_right_sticky(value: u64, shift: u32) -> u64 {
    if shift > 63 {
        return (value != 0) as u64;
    }
    value >> shift | (value & ((1 << shift) - 1) != 0) as u64
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
        self.sum(-other)
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
