//! Sixteen binary32 numbers in a register of AVX-512.
//!
//! The methods of a trait cannot enable instructions, so every method here is inlined into a function that does. Values
//! of this kind come to be only there.

use crate::{
    several::Eight,
    vector::{Lanes, MAGNITUDE_MASK, NAN_BITS, Vector},
};
use assay_exact::functions::Arithmetic;
use std::{
    arch::x86_64::*,
    ops::{Add, Div, Mul, Neg, Sub},
};

/// Sixteen numbers.
#[derive(Clone, Copy)]
pub(crate) struct F32x16(__m512);

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
        $(impl $operator for F32x16 {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(compute!($intrinsic(self.0, other.0)))
            }
        })*
    };
}

operators!(Add add _mm512_add_ps, Sub sub _mm512_sub_ps, Mul mul _mm512_mul_ps, Div div _mm512_div_ps);

impl Neg for F32x16 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(compute!(_mm512_xor_ps(self.0, _mm512_set1_ps(-0.0))))
    }
}

impl Arithmetic for F32x16 {
    type Mask = __mmask16;

    #[inline(always)]
    fn constant(bits: u32) -> Self {
        Self(compute!(_mm512_set1_ps(f32::from_bits(bits))))
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(compute!(_mm512_sqrt_ps(self.0)))
    }

    #[inline(always)]
    fn less(self, other: Self) -> __mmask16 {
        compute!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, other.0))
    }

    #[inline(always)]
    fn equal(self, other: Self) -> __mmask16 {
        compute!(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, other.0))
    }

    #[inline(always)]
    fn select(mask: __mmask16, yes: Self, no: Self) -> Self {
        Self(compute!(_mm512_mask_blend_ps(mask, no.0, yes.0)))
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        Self(compute!({
            let biased = _mm512_add_epi32(_mm512_cvtps_epi32(self.0), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(biased))
        }))
    }

    #[inline(always)]
    fn exponent(self) -> Self {
        Self(compute!({
            let biased = _mm512_srli_epi32::<23>(_mm512_castps_si512(self.0));
            _mm512_cvtepi32_ps(_mm512_sub_epi32(biased, _mm512_set1_epi32(127)))
        }))
    }

    #[inline(always)]
    fn significand(self) -> Self {
        Self(compute!({
            let stored = _mm512_and_epi32(_mm512_castps_si512(self.0), _mm512_set1_epi32(0x007f_ffff));
            _mm512_castsi512_ps(_mm512_or_epi32(stored, _mm512_set1_epi32(0x3f80_0000)))
        }))
    }
}

/// The same values, of which none is used before all are there.
#[target_feature(enable = "avx512f")]
#[inline]
fn together([mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h]: [__m512; 8]) -> [__m512; 8] {
    // SAFETY: there is no instruction in it.
    unsafe {
        std::arch::asm!(
            "/* {a} {b} {c} {d} {e} {f} {g} {h} */",
            a = inout(zmm_reg) a,
            b = inout(zmm_reg) b,
            c = inout(zmm_reg) c,
            d = inout(zmm_reg) d,
            e = inout(zmm_reg) e,
            f = inout(zmm_reg) f,
            g = inout(zmm_reg) g,
            h = inout(zmm_reg) h,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    [a, b, c, d, e, f, g, h]
}

/// A mask with the lowest `lanes` bits set.
#[inline(always)]
fn first(lanes: usize) -> __mmask16 {
    ((1u32 << lanes.min(16)) - 1) as u16
}

impl Lanes for F32x16 {
    const LANES: usize = 16;

    #[inline(always)]
    fn read(from: &[f32], fill: f32) -> Self {
        if from.len() >= 16 {
            // SAFETY: there are 16 numbers to read, which need no alignment.
            Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
        } else {
            // SAFETY: only those numbers are read that are there.
            Self(unsafe { _mm512_mask_loadu_ps(_mm512_set1_ps(fill), first(from.len()), from.as_ptr()) })
        }
    }

    #[inline(always)]
    fn write(self, to: &mut [f32]) {
        if to.len() >= 16 {
            // SAFETY: there is place for 16 numbers, which need no alignment.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
        } else {
            // SAFETY: only those numbers are written that have a place.
            unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), first(to.len()), self.0) }
        }
    }

    #[inline(always)]
    fn canonical(self) -> Self {
        Self(compute!({
            let one_zero = _mm512_add_ps(self.0, _mm512_setzero_ps());
            let odd = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, self.0);
            _mm512_mask_blend_ps(odd, one_zero, _mm512_set1_ps(f32::from_bits(NAN_BITS)))
        }))
    }
}

impl Vector for F32x16 {
    type Several = Eight<Self>;
    type Sum = (__m512i, __m512i);

    #[inline(always)]
    fn together([a, b, c, d, e, f, g, h]: [Self; 8]) -> [Self; 8] {
        let [a, b, c, d, e, f, g, h] = compute!(together([a.0, b.0, c.0, d.0, e.0, f.0, g.0, h.0]));
        [Self(a), Self(b), Self(c), Self(d), Self(e), Self(f), Self(g), Self(h)]
    }

    #[inline(always)]
    fn maximum(self, other: Self) -> Self {
        Self(compute!(_mm512_max_ps(self.0, other.0)))
    }

    #[inline(always)]
    fn minimum(self, other: Self) -> Self {
        Self(compute!(_mm512_min_ps(self.0, other.0)))
    }

    #[inline(always)]
    fn greatest(self) -> f32 {
        compute!(_mm512_reduce_max_ps(self.0))
    }

    #[inline(always)]
    fn least(self) -> f32 {
        compute!(_mm512_reduce_min_ps(self.0))
    }

    #[inline(always)]
    fn greater_magnitude(self, other: Self) -> Self {
        Self(compute!({
            let mask = _mm512_set1_epi32(MAGNITUDE_MASK.cast_signed());
            let bits = _mm512_and_epi32(_mm512_castps_si512(other.0), mask);
            _mm512_castsi512_ps(_mm512_max_epu32(_mm512_castps_si512(self.0), bits))
        }))
    }

    #[inline(always)]
    fn greatest_bits(self) -> u32 {
        compute!(_mm512_reduce_max_epu32(_mm512_castps_si512(self.0)))
    }

    #[inline(always)]
    fn add_to_grid(self, n: i32, (low, high): Self::Sum) -> Self::Sum {
        compute!({
            let steps = _mm512_cvtps_epi32(_mm512_scalef_ps(self.0, _mm512_set1_ps(n as f32)));
            (
                _mm512_add_epi64(low, _mm512_cvtepi32_epi64(_mm512_castsi512_si256(steps))),
                _mm512_add_epi64(high, _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64::<1>(steps))),
            )
        })
    }

    #[inline(always)]
    fn empty_sum() -> Self::Sum {
        compute!((_mm512_setzero_si512(), _mm512_setzero_si512()))
    }

    #[inline(always)]
    fn total((low, high): Self::Sum) -> i64 {
        compute!(_mm512_reduce_add_epi64(_mm512_add_epi64(low, high)))
    }
}
