//! Square root and remainder.

use super::Binary32;
use core::ops::Rem;

impl Binary32 {
    /// The square root, correctly rounded; NaN for a number below zero.
    pub const fn sqrt(self) -> Self {
        if self.is_negative() || self.is_nan() {
            return Self::NAN;
        }
        if self.0 == 0 || !self.is_finite() {
            return self;
        }
        let (radicand, exponent) = self.parts();
        let lift = radicand.leading_zeros();
        // The exponent has to be even, to be halved.
        let lift = lift - ((exponent - lift as i32) & 1).unsigned_abs();
        let radicand = radicand << lift;
        // A radicand of 63 or 64 bits: 32 bits of root, and one for what lies below them.
        let root = radicand.isqrt();
        let sticky = (root * root != radicand) as u64;
        Self::round(false, root << 1 | sticky, (exponent - lift as i32) / 2 - 1)
    }

    /// The rest of `self` after a whole number of times `other`, with the sign of `self`.
    const fn remainder(self, other: Self) -> Self {
        if !self.is_finite() || other.is_nan() || other.0 == 0 {
            return Self::NAN;
        }
        if !other.is_finite() {
            return self;
        }
        let ((a, a_exponent), (b, b_exponent)) = (self.parts(), other.parts());
        if a_exponent < b_exponent {
            let shift = (b_exponent - a_exponent).unsigned_abs();
            // Moved up by 24 or more, the divisor is greater than the dividend.
            let rest = if shift < 24 { a % (b << shift) } else { a };
            return Self::round(self.is_negative(), rest, a_exponent);
        }
        // a·2^shift modulo b, 40 bits at a time: at most seven times.
        let mut rest = a % b;
        let mut shift = (a_exponent - b_exponent).unsigned_abs();
        while shift > 0 {
            let step = if shift < 40 { shift } else { 40 };
            rest = (rest << step) % b;
            shift -= step;
        }
        Self::round(self.is_negative(), rest, b_exponent)
    }
}

/// The exact remainder of the division rounded towards zero (C's `fmod`), with the sign of the dividend. NaN where the
/// dividend is infinite or the divisor is zero.
impl Rem for Binary32 {
    type Output = Self;
    fn rem(self, other: Self) -> Self {
        self.remainder(other)
    }
}
