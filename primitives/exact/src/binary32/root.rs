//! Square root and remainder.

use super::{Binary32, Number};
use core::ops::Rem;

impl Binary32 {
    /// The square root, correctly rounded; NaN for a number below zero.
    pub const fn sqrt(self) -> Self {
        match self.number() {
            Number::Nan | Number::Infinite { negative: true } => Self::NAN,
            Number::Infinite { negative: false } => Self::INFINITY,
            Number::Finite { significand: 0, .. } => Self::ZERO,
            Number::Finite { negative: true, .. } => Self::NAN,
            Number::Finite {
                significand, exponent, ..
            } => {
                let radicand = significand as u64;
                let lift = radicand.leading_zeros();
                // The exponent has to be even, to be halved.
                let lift = lift - ((exponent - lift as i32) & 1).unsigned_abs();
                let radicand = radicand << lift;
                // A radicand of 63 or 64 bits: 32 bits of root, and one for what lies below them.
                let root = radicand.isqrt();
                let sticky = (root * root != radicand) as u64;
                Self::round(false, root << 1 | sticky, (exponent - lift as i32) / 2 - 1)
            }
        }
    }

    /// What is left of `self` after a whole number of times `other`, with the sign of `self`.
    const fn remainder(self, other: Self) -> Self {
        match (self.number(), other.number()) {
            (Number::Nan | Number::Infinite { .. }, _)
            | (_, Number::Nan)
            | (_, Number::Finite { significand: 0, .. }) => Self::NAN,
            (_, Number::Infinite { .. }) => self,
            (
                Number::Finite {
                    negative,
                    significand: a,
                    exponent: a_exponent,
                },
                Number::Finite {
                    significand: b,
                    exponent: b_exponent,
                    ..
                },
            ) => {
                let (a, b) = (a as u64, b as u64);
                if a_exponent < b_exponent {
                    let shift = (b_exponent - a_exponent).unsigned_abs();
                    // Moved up by 24 or more, the divisor is greater than the dividend.
                    let rest = if shift < 24 { a % (b << shift) } else { a };
                    return Self::round(negative, rest, a_exponent);
                }
                // a·2^shift modulo b, 40 bits at a time: at most seven times.
                let mut rest = a % b;
                let mut shift = (a_exponent - b_exponent).unsigned_abs();
                while shift > 0 {
                    let step = if shift < 40 { shift } else { 40 };
                    rest = (rest << step) % b;
                    shift -= step;
                }
                Self::round(negative, rest, b_exponent)
            }
        }
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
