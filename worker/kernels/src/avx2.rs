//! Eight binary32 numbers in a register of AVX2.
//!
//! The methods of a trait cannot enable instructions, so every method here is inlined into a function that does. Values
//! of this kind come to be only there.

use crate::vector::{Lanes, MAGNITUDE_MASK, NAN_BITS, Vector, power_of_two};
use assay_exact::functions::Arithmetic;
use std::{
    arch::x86_64::*,
    ops::{Add, Div, Mul, Neg, Sub},
};

/// Numbers in a vector.
const LANES: usize = 8;

/// Eight numbers.
#[derive(Clone, Copy)]
pub(crate) struct F32x8(__m256);

/// Wraps intrinsics that only compute, so that their one precondition is argued once.
macro_rules! compute {
    ($expression:expr) => {
        // SAFETY: the instructions are there, since values of this type exist only in functions that enable them, and
        // such a function is called only where the processor was asked.
        unsafe { $expression }
    };
}

macro_rules! operators {
    ($($operator:ident $method:ident $intrinsic:ident),*) => {
        $(impl $operator for F32x8 {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(compute!($intrinsic(self.0, other.0)))
            }
        })*
    };
}

operators!(Add add _mm256_add_ps, Sub sub _mm256_sub_ps, Mul mul _mm256_mul_ps, Div div _mm256_div_ps);

impl Neg for F32x8 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(compute!(_mm256_xor_ps(self.0, _mm256_set1_ps(-0.0))))
    }
}

impl Arithmetic for F32x8 {
    /// All bits of a lane, or none.
    type Mask = __m256;

    #[inline(always)]
    fn constant(bits: u32) -> Self {
        Self(compute!(_mm256_set1_ps(f32::from_bits(bits))))
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(compute!(_mm256_sqrt_ps(self.0)))
    }

    #[inline(always)]
    fn less(self, other: Self) -> __m256 {
        compute!(_mm256_cmp_ps::<_CMP_LT_OQ>(self.0, other.0))
    }

    #[inline(always)]
    fn equal(self, other: Self) -> __m256 {
        compute!(_mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, other.0))
    }

    #[inline(always)]
    fn select(mask: __m256, yes: Self, no: Self) -> Self {
        Self(compute!(_mm256_blendv_ps(no.0, yes.0, mask)))
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        Self(compute!({
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(self.0), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
        }))
    }

    #[inline(always)]
    fn exponent(self) -> Self {
        Self(compute!({
            let biased = _mm256_srli_epi32::<23>(_mm256_castps_si256(self.0));
            _mm256_cvtepi32_ps(_mm256_sub_epi32(biased, _mm256_set1_epi32(127)))
        }))
    }

    #[inline(always)]
    fn significand(self) -> Self {
        Self(compute!({
            let stored = _mm256_and_si256(_mm256_castps_si256(self.0), _mm256_set1_epi32(0x007f_ffff));
            _mm256_castsi256_ps(_mm256_or_si256(stored, _mm256_set1_epi32(0x3f80_0000)))
        }))
    }
}

impl F32x8 {
    /// The numbers of all lanes.
    #[inline(always)]
    fn numbers(self) -> [f32; LANES] {
        let mut numbers = [0.0; LANES];
        // SAFETY: there is place for eight numbers, which need no alignment.
        unsafe { _mm256_storeu_ps(numbers.as_mut_ptr(), self.0) }
        numbers
    }
}

impl Lanes for F32x8 {
    const LANES: usize = LANES;

    #[inline(always)]
    fn read(from: &[f32], fill: f32) -> Self {
        if from.len() >= LANES {
            // SAFETY: there are eight numbers to read, which need no alignment.
            return Self(unsafe { _mm256_loadu_ps(from.as_ptr()) });
        }
        let mut numbers = [fill; LANES];
        for (number, from) in numbers.iter_mut().zip(from) {
            *number = *from;
        }
        // SAFETY: as above.
        Self(unsafe { _mm256_loadu_ps(numbers.as_ptr()) })
    }

    #[inline(always)]
    fn write(self, to: &mut [f32]) {
        if to.len() >= LANES {
            // SAFETY: there is place for eight numbers, which need no alignment.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), self.0) }
        } else {
            for (to, number) in to.iter_mut().zip(self.numbers()) {
                *to = number;
            }
        }
    }

    #[inline(always)]
    fn canonical(self) -> Self {
        Self(compute!({
            let one_zero = _mm256_add_ps(self.0, _mm256_setzero_ps());
            let odd = _mm256_cmp_ps::<_CMP_UNORD_Q>(self.0, self.0);
            _mm256_blendv_ps(one_zero, _mm256_set1_ps(f32::from_bits(NAN_BITS)), odd)
        }))
    }
}

impl Vector for F32x8 {
    /// With 16 registers, the processor finds by itself what it can compute meanwhile.
    type Several = Self;
    type Sum = (__m256i, __m256i);

    #[inline(always)]
    fn maximum(self, other: Self) -> Self {
        Self(compute!(_mm256_max_ps(self.0, other.0)))
    }

    #[inline(always)]
    fn minimum(self, other: Self) -> Self {
        Self(compute!(_mm256_min_ps(self.0, other.0)))
    }

    #[inline(always)]
    fn greatest(self) -> f32 {
        self.numbers()
            .into_iter()
            .fold(f32::NEG_INFINITY, |a, b| if a < b { b } else { a })
    }

    #[inline(always)]
    fn least(self) -> f32 {
        self.numbers()
            .into_iter()
            .fold(f32::INFINITY, |a, b| if b < a { b } else { a })
    }

    #[inline(always)]
    fn greater_magnitude(self, other: Self) -> Self {
        Self(compute!({
            let mask = _mm256_set1_epi32(MAGNITUDE_MASK.cast_signed());
            let bits = _mm256_and_si256(_mm256_castps_si256(other.0), mask);
            _mm256_castsi256_ps(_mm256_max_epu32(_mm256_castps_si256(self.0), bits))
        }))
    }

    #[inline(always)]
    fn greatest_bits(self) -> u32 {
        self.numbers().into_iter().map(f32::to_bits).fold(0, u32::max)
    }

    #[inline(always)]
    fn add_to_grid(self, n: i32, (low, high): Self::Sum) -> Self::Sum {
        // Two factors, since 2^149 is no binary32 number. Neither product rounds, or else both vanish.
        let half = n / 2;
        let (first, second) = (power_of_two(half), power_of_two(n - half));
        compute!({
            let scaled = _mm256_mul_ps(_mm256_mul_ps(self.0, _mm256_set1_ps(first)), _mm256_set1_ps(second));
            let steps = _mm256_cvtps_epi32(scaled);
            (
                _mm256_add_epi64(low, _mm256_cvtepi32_epi64(_mm256_castsi256_si128(steps))),
                _mm256_add_epi64(high, _mm256_cvtepi32_epi64(_mm256_extracti128_si256::<1>(steps))),
            )
        })
    }

    #[inline(always)]
    fn empty_sum() -> Self::Sum {
        compute!((_mm256_setzero_si256(), _mm256_setzero_si256()))
    }

    #[inline(always)]
    fn total((low, high): Self::Sum) -> i64 {
        let mut sums = [0i64; 4];
        // SAFETY: values of this kind are only where the instructions are, and there is place for four sums.
        unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), _mm256_add_epi64(low, high)) }
        sums.into_iter().sum()
    }
}
