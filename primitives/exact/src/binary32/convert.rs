//! Between binary32 and integers: conversions, rounding to integral numbers, and scaling by powers of two.
//!
//! Everything is a total function. A conversion to an integer saturates at the type's ends, and NaN becomes 0.

use super::{Binary32, round_shift_right};

/// To which of the two integers around it a number goes.
#[derive(Clone, Copy)]
enum Rounding {
    /// The nearer one; the even one if both are as near.
    HalfEven,
    /// The one nearer to zero.
    TowardZero,
    /// The lower one.
    Down,
    /// The higher one.
    Up,
}

impl Binary32 {
    /// The nearest number to an integer, in one rounding; exact up to `2^24`.
    pub const fn from_i32(integer: i32) -> Self {
        Self::from_i64(integer as i64)
    }

    /// The nearest number to an integer, in one rounding from all of its bits; exact up to `2^24`.
    pub const fn from_i64(integer: i64) -> Self {
        Self::round(integer < 0, integer.unsigned_abs(), 0)
    }

    /// The nearest integer, ties to even; beyond `i32` the nearest that there is, and 0 for NaN.
    pub const fn round_to_i32(self) -> i32 {
        // Both ends fit an i32 by the limit.
        self.to_integer(Rounding::HalfEven, i32::MAX as u64) as i32
    }

    /// The nearest integer, ties to even; beyond `i64` the nearest that there is, and 0 for NaN.
    pub const fn round_to_i64(self) -> i64 {
        self.to_integer(Rounding::HalfEven, i64::MAX as u64)
    }

    /// The integer without the fraction; beyond `i32` the nearest that there is, and 0 for NaN.
    pub const fn truncate_to_i32(self) -> i32 {
        // Both ends fit an i32 by the limit.
        self.to_integer(Rounding::TowardZero, i32::MAX as u64) as i32
    }

    /// The integer without the fraction; beyond `i64` the nearest that there is, and 0 for NaN.
    pub const fn truncate_to_i64(self) -> i64 {
        self.to_integer(Rounding::TowardZero, i64::MAX as u64)
    }

    /// The greatest integral number that is not above this one. Infinities and NaN stay.
    pub const fn floor(self) -> Self {
        self.integral(Rounding::Down)
    }

    /// The least integral number that is not below this one. Infinities and NaN stay.
    pub const fn ceil(self) -> Self {
        self.integral(Rounding::Up)
    }

    /// The number without its fraction. Infinities and NaN stay.
    pub const fn trunc(self) -> Self {
        self.integral(Rounding::TowardZero)
    }

    /// The nearest integral number, ties to even. Infinities and NaN stay.
    pub const fn round_half_even(self) -> Self {
        self.integral(Rounding::HalfEven)
    }

    /// `self · 2^exponent`, rounded once. Infinities, zero and NaN stay.
    pub const fn scale(self, exponent: i32) -> Self {
        if !self.is_finite() {
            return self;
        }
        let (significand, own) = self.parts();
        // Any number times 2^±300 is already beyond one end or the other.
        let exponent = if exponent < -300 {
            -300
        } else if exponent > 300 {
            300
        } else {
            exponent
        };
        Self::round(self.is_negative(), significand, own + exponent)
    }

    /// The integer that `rounding` chooses, between `−limit − 1` and `limit`.
    const fn to_integer(self, rounding: Rounding, limit: u64) -> i64 {
        if self.is_nan() {
            return 0;
        }
        let negative = self.is_negative();
        let (significand, exponent) = self.parts();
        let magnitude = if !self.is_finite() {
            u64::MAX
        } else if exponent >= 0 {
            // 24 bits moved up by more than 39 leave 63 bits, and the result is cut off below.
            significand << (if exponent < 40 { exponent.unsigned_abs() } else { 40 })
        } else {
            whole(negative, significand, exponent.unsigned_abs(), rounding)
        };
        let limit = limit + negative as u64;
        let magnitude = if magnitude < limit { magnitude } else { limit } as i64;
        // A magnitude of 2^63 is i64::MIN, and stays so.
        let sign = -(negative as i64);
        (magnitude ^ sign).wrapping_sub(sign)
    }

    /// The integral number that `rounding` chooses.
    const fn integral(self, rounding: Rounding) -> Self {
        let (significand, exponent) = self.parts();
        if !self.is_finite() || exponent >= 0 {
            return self;
        }
        let negative = self.is_negative();
        let magnitude = whole(negative, significand, exponent.unsigned_abs(), rounding);
        Self::round(negative, magnitude, 0)
    }
}

/// The magnitude of the integer that `rounding` chooses for `±significand / 2^shift`.
const fn whole(negative: bool, significand: u64, shift: u32, rounding: Rounding) -> u64 {
    let (below, cut) = if shift < 64 {
        (significand >> shift, significand & ((1 << shift) - 1))
    } else {
        (0, significand)
    };
    match (rounding, negative) {
        (Rounding::HalfEven, _) => round_shift_right(significand, shift),
        (Rounding::TowardZero, _) | (Rounding::Down, false) | (Rounding::Up, true) => below,
        (Rounding::Down, true) | (Rounding::Up, false) => below + (cut != 0) as u64,
    }
}
