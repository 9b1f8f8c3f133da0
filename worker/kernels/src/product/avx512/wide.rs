//! Sums of products in binary64, which holds them exactly.

use std::arch::x86_64::*;

/// A vector of sums in binary64, which holds them exactly.
pub(super) type Wide = [__m512d; 2];

/// `high · 2^shift + rest`, in binary64. `low` is that modulo 2^32, and the rest fits 32 bits.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
pub(super) fn exact<const SHIFT: u32>(high: __m512i, low: __m512i) -> Wide {
    let rest = _mm512_sub_epi32(low, _mm512_slli_epi32::<SHIFT>(high));
    let factor = _mm512_set1_pd(f64::from(1u32 << SHIFT));
    let half = |high, rest| {
        _mm512_add_pd(
            _mm512_mul_pd(_mm512_cvtepi32_pd(high), factor),
            _mm512_cvtepi32_pd(rest),
        )
    };
    [
        half(_mm512_castsi512_si256(high), _mm512_castsi512_si256(rest)),
        half(
            _mm512_extracti64x4_epi64::<1>(high),
            _mm512_extracti64x4_epi64::<1>(rest),
        ),
    ]
}

/// `high · 2^shift + low`, in binary64.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
pub(super) fn put_together<const SHIFT: u32>(high: __m512i, low: __m512i) -> Wide {
    let factor = _mm512_set1_pd(f64::from(1u32 << SHIFT));
    let (high, low) = (widen(high), widen(low));
    [
        _mm512_add_pd(_mm512_mul_pd(high[0], factor), low[0]),
        _mm512_add_pd(_mm512_mul_pd(high[1], factor), low[1]),
    ]
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
pub(super) fn widen(x: __m512i) -> Wide {
    [
        _mm512_cvtepi32_pd(_mm512_castsi512_si256(x)),
        _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64::<1>(x)),
    ]
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
pub(super) fn add(a: Wide, b: Wide) -> Wide {
    [_mm512_add_pd(a[0], b[0]), _mm512_add_pd(a[1], b[1])]
}

/// One rounding to binary32.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
pub(super) fn narrow(x: Wide) -> __m512 {
    _mm512_insertf32x8::<1>(_mm512_castps256_ps512(_mm512_cvtpd_ps(x[0])), _mm512_cvtpd_ps(x[1]))
}
