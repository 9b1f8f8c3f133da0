//! Several binary32 numbers that are computed with at once: what row kernels are written in, and one number as the
//! portable kind of it.

use assay_exact::functions::Arithmetic;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// The bits of the only NaN.
pub(crate) const NAN_BITS: u32 = 0x7fc0_0000;
/// The bits of positive infinity. Magnitudes above it are NaNs.
pub(crate) const INFINITY_BITS: u32 = 0x7f80_0000;
/// All bits but the sign.
pub(crate) const MAGNITUDE_MASK: u32 = 0x7fff_ffff;

/// Binary32 numbers side by side. Every operation is that of IEEE 754 on each of them.
///
/// All methods are inlined into the functions that enable the instructions that they need.
pub(crate) trait Lanes: Arithmetic {
    /// Count of numbers.
    const LANES: usize;

    /// Reads the first [`Self::LANES`] numbers, or as many as there are and `fill` for the others.
    fn read(from: &[f32], fill: f32) -> Self;

    /// Writes as many numbers as have a place, up to [`Self::LANES`].
    fn write(self, to: &mut [f32]);

    /// One zero and one NaN.
    fn canonical(self) -> Self;

    /// The same number in all lanes.
    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self::constant(x.to_bits())
    }
}

/// As many numbers as one instruction computes with.
pub(crate) trait Vector: Lanes {
    /// As many vectors as should take turns in a long sequence of operations.
    type Several: Lanes;
    /// Integer sums of numbers on a grid, by lanes.
    type Sum: Copy;

    /// The same vectors, of which none is used before all are there: a compiler that orders instructions for the sake
    /// of registers would let each take its turn to the end.
    fn together(several: [Self; 8]) -> [Self; 8] {
        several
    }

    /// The greater and the lesser of two numbers, neither of them NaN.
    fn maximum(self, other: Self) -> Self;
    fn minimum(self, other: Self) -> Self;
    /// The greatest and the least of all lanes, none of them NaN.
    fn greatest(self) -> f32;
    fn least(self) -> f32;

    /// The greater one of two magnitudes by their bits, so that a NaN is greater than infinity. `self` is a magnitude.
    fn greater_magnitude(self, other: Self) -> Self;
    /// The greatest of all lanes' bits.
    fn greatest_bits(self) -> u32;

    /// `self · 2^n`, rounded to an integer of 32 bits, where `self · 2^n` is at most `2^30` in magnitude.
    fn add_to_grid(self, n: i32, sum: Self::Sum) -> Self::Sum;
    /// Sums of nothing.
    fn empty_sum() -> Self::Sum;
    /// The sum of all lanes.
    fn total(sum: Self::Sum) -> i64;
}

/// The number `2^n`, for `n` from −149 to 127.
pub(crate) fn power_of_two(n: i32) -> f32 {
    if n < -126 {
        f32::from_bits(1 << (n + 149).clamp(0, 22))
    } else {
        f32::from_bits(((n + 127).clamp(1, 254) as u32) << 23)
    }
}

/// The number with one zero and one NaN.
pub(crate) fn canonical(x: f32) -> f32 {
    if x.is_nan() { f32::from_bits(NAN_BITS) } else { x + 0.0 }
}

/// One number, on any processor.
#[derive(Clone, Copy)]
pub(crate) struct Scalar(f32);

macro_rules! operators {
    ($($operator:ident $method:ident),*) => {
        $(impl $operator for Scalar {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self($operator::$method(self.0, other.0))
            }
        })*
    };
}

operators!(Add add, Sub sub, Mul mul, Div div);

impl Neg for Scalar {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Arithmetic for Scalar {
    type Mask = bool;

    #[inline(always)]
    fn constant(bits: u32) -> Self {
        Self(f32::from_bits(bits))
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.sqrt())
    }

    #[inline(always)]
    fn less(self, other: Self) -> bool {
        self.0 < other.0
    }

    #[inline(always)]
    fn equal(self, other: Self) -> bool {
        self.0 == other.0
    }

    #[inline(always)]
    fn select(mask: bool, yes: Self, no: Self) -> Self {
        if mask { yes } else { no }
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        Self(f32::from_bits((self.0 as i32).wrapping_add(127).cast_unsigned() << 23))
    }

    #[inline(always)]
    fn exponent(self) -> Self {
        Self(((self.0.to_bits() >> 23) as i32 - 127) as f32)
    }

    #[inline(always)]
    fn significand(self) -> Self {
        Self(f32::from_bits(self.0.to_bits() & 0x007f_ffff | 0x3f80_0000))
    }
}

impl Lanes for Scalar {
    const LANES: usize = 1;

    #[inline(always)]
    fn read(from: &[f32], fill: f32) -> Self {
        Self(from.first().copied().unwrap_or(fill))
    }

    #[inline(always)]
    fn write(self, to: &mut [f32]) {
        if let Some(place) = to.first_mut() {
            *place = self.0;
        }
    }

    #[inline(always)]
    fn canonical(self) -> Self {
        Self(canonical(self.0))
    }
}

impl Vector for Scalar {
    type Several = Self;
    type Sum = i64;

    #[inline(always)]
    fn maximum(self, other: Self) -> Self {
        if self.0 < other.0 { other } else { self }
    }

    #[inline(always)]
    fn minimum(self, other: Self) -> Self {
        if other.0 < self.0 { other } else { self }
    }

    #[inline(always)]
    fn greatest(self) -> f32 {
        self.0
    }

    #[inline(always)]
    fn least(self) -> f32 {
        self.0
    }

    #[inline(always)]
    fn greater_magnitude(self, other: Self) -> Self {
        let bits = other.0.to_bits() & MAGNITUDE_MASK;
        Self(f32::from_bits(self.0.to_bits().max(bits)))
    }

    #[inline(always)]
    fn greatest_bits(self) -> u32 {
        self.0.to_bits()
    }

    #[inline(always)]
    fn add_to_grid(self, n: i32, sum: i64) -> i64 {
        // Two factors, since 2^149 is no binary32 number. Neither product rounds, or else both vanish.
        let half = n / 2;
        let scaled = (self.0 * power_of_two(half)) * power_of_two(n - half);
        sum + scaled.round_ties_even() as i64
    }

    #[inline(always)]
    fn empty_sum() -> i64 {
        0
    }

    #[inline(always)]
    fn total(sum: i64) -> i64 {
        sum
    }
}
