//! The single operations that every function is a sequence of.

use crate::binary32::Binary32;
use core::ops::{Add, Div, Mul, Neg, Sub};

/// Something that computes with binary32 numbers: one of them, a vector of them, or an expression yet to be compiled.
///
/// Every operation is the correctly rounded one of IEEE 754 on each element, and `a + b * c` is two of them, never one.
/// An implementation may let −0 and NaNs with a payload stand: no function's result depends on them, once it is made
/// canonical. Subnormal numbers must not be flushed to zero.
///
/// The result of an operation outside of the domain that it names does not matter; no function goes there.
pub trait Arithmetic:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// The outcome of a comparison, for each element.
    type Mask: Copy;

    /// The number with these bits, for every element.
    fn constant(bits: u32) -> Self;

    /// The square root; NaN below zero.
    fn sqrt(self) -> Self;

    /// Whether `self < other`; false where either is NaN.
    fn less(self, other: Self) -> Self::Mask;

    /// Whether `self = other`; false where either is NaN, and true for −0 and +0.
    fn equal(self, other: Self) -> Self::Mask;

    /// `yes` where the mask is true, `no` elsewhere. Both have been computed; neither influences the other.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;

    /// `2^self` for an integral number from −126 to 127: the bits `(self + 127) << 23`.
    fn power_of_two(self) -> Self;

    /// `⌊log₂ self⌋` for a positive, normal, finite number: the bits' field `bits >> 23`, less 127.
    fn exponent(self) -> Self;

    /// `self / 2^exponent`, from 1 to below 2, for a positive, normal, finite number: `bits & 0x007fffff | 0x3f800000`.
    fn significand(self) -> Self;

    /// The nearest integral number, ties to even, for `|self| ≤ 2^22`: the sum with `1.5·2^23` has no place for a
    /// fraction.
    fn nearest_integral(self) -> Self {
        let shifter = Self::constant(0x4b40_0000);
        (self + shifter) - shifter
    }

    /// `self · 2^exponent`, rounded once, for a number of magnitude from ½ to below 4 and an integral exponent from
    /// −160 to 160.
    fn scaled(self, exponent: Self) -> Self {
        let (digits, power) = self.split(exponent);
        digits * power
    }

    /// The same as two factors. The first one is normal and holds all the digits; the second one is a power of two.
    fn split(self, exponent: Self) -> (Self, Self) {
        let half = (exponent * Self::constant(0x3f00_0000)).nearest_integral();
        (self * half.power_of_two(), (exponent - half).power_of_two())
    }
}

impl Arithmetic for Binary32 {
    type Mask = bool;

    fn constant(bits: u32) -> Self {
        Self::from_bits(bits)
    }

    fn sqrt(self) -> Self {
        Binary32::sqrt(self)
    }

    fn less(self, other: Self) -> bool {
        self.is_less(other)
    }

    fn equal(self, other: Self) -> bool {
        self == other && !self.is_nan()
    }

    fn select(mask: bool, yes: Self, no: Self) -> Self {
        if mask { yes } else { no }
    }

    fn power_of_two(self) -> Self {
        Self::ONE.scale(self.round_to_i32())
    }

    fn exponent(self) -> Self {
        Self::from_i32((self.to_bits() >> 23) as i32 - 127)
    }

    fn significand(self) -> Self {
        Self::from_bits(self.to_bits() & 0x007f_ffff | 0x3f80_0000)
    }

    fn nearest_integral(self) -> Self {
        self.round_half_even()
    }

    fn scaled(self, exponent: Self) -> Self {
        self.scale(exponent.round_to_i32())
    }
}
