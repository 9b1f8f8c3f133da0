//! Quantisation in AVX-512.

use super::{BLOCK, Matrix, ROUNDING, Rows, SEGMENT, Scaling, scale};
use crate::vector::MAGNITUDE_MASK;
use assay_exact::quantise::Precision;
use std::arch::x86_64::*;

/// Numbers in a vector.
const LANES: usize = 16;
const INT8: i32 = Precision::Int8.greatest();
const INT16: i32 = Precision::Int16.greatest();

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn quantise(rows: &mut Rows, from: Matrix<'_>, scaling: Scaling<'_>) {
    let (stride, blocks, segments, precision) = (rows.stride, rows.blocks(), rows.segments(), rows.precision);
    let greatest = precision.greatest() as f32;
    let mut scaled = std::mem::take(&mut rows.scaled);
    if !matches!(scaling, Scaling::ByRow) {
        scaled.resize(from.length, 0.0);
    }
    for index in 0..from.rows {
        let row = from.row(index);
        let numbers = match scaling {
            Scaling::ByRow => row,
            Scaling::ByRowAfter(factors) => {
                multiply(row, factors, &mut scaled);
                &scaled
            }
            Scaling::ByColumn(scales) => {
                for ((scaled, x), scale) in scaled.iter_mut().zip(row).zip(scales) {
                    // As an integer, a NaN is 0 and an infinity is the greatest one.
                    let quotient = x / scale;
                    *scaled = if quotient.is_nan() {
                        0.0
                    } else {
                        quotient.clamp(-1e9, 1e9)
                    };
                }
                &scaled
            }
        };
        let scale = match scaling {
            Scaling::ByRow | Scaling::ByRowAfter(_) => scale(greatest_bits(numbers), greatest),
            Scaling::ByColumn(_) => 1.0,
        };
        rows.scales[index] = scale;
        let bytes = &mut rows.bytes[index * stride..][..stride];
        let sums = &mut rows.sums[index * blocks..][..blocks];
        let words = match precision {
            Precision::Int8 => &mut [][..],
            Precision::Int16 => &mut rows.words[index * stride..][..stride],
        };
        let norms = &mut rows.norms[index * segments..][..segments];
        if scale.is_nan() {
            bytes.fill(0);
            words.fill(0);
            sums.fill(0);
            norms.fill(0.0);
            continue;
        }
        match precision {
            Precision::Int8 => sums[0] = integers_8(numbers, scale, bytes),
            Precision::Int16 => {
                let blocks = numbers
                    .chunks(BLOCK)
                    .zip(bytes.chunks_mut(BLOCK))
                    .zip(words.chunks_mut(BLOCK));
                for (((numbers, bytes), words), sum) in blocks.zip(sums) {
                    *sum = integers_16(numbers, scale, bytes, words);
                }
                norms_of(words, norms);
            }
        }
    }
    rows.scaled = scaled;
}

/// Writes the products of two rows.
#[target_feature(enable = "avx512f")]
#[inline]
fn multiply(a: &[f32], b: &[f32], to: &mut [f32]) {
    let (b_vectors, b_rest) = b.as_chunks::<LANES>();
    let (a_vectors, a_rest) = a.as_chunks::<LANES>();
    let (to_vectors, to_rest) = to.as_chunks_mut::<LANES>();
    for ((a, b), to) in a_vectors.iter().zip(b_vectors).zip(to_vectors) {
        // SAFETY: there is place for 16 numbers, which need no alignment.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), _mm512_mul_ps(read(a), read(b))) }
    }
    for ((a, b), to) in a_rest.iter().zip(b_rest).zip(to_rest) {
        *to = a * b;
    }
}

/// A mask with the lowest `lanes` bits set.
fn first(lanes: usize) -> __mmask16 {
    ((1u32 << lanes.min(LANES)) - 1) as u16
}

#[target_feature(enable = "avx512f")]
#[inline]
fn read(numbers: &[f32; LANES]) -> __m512 {
    // SAFETY: there are as many numbers to read, which need no alignment.
    unsafe { _mm512_loadu_ps(numbers.as_ptr()) }
}

/// Fewer numbers than a vector has, and zeros.
#[target_feature(enable = "avx512f")]
#[inline]
fn read_rest(numbers: &[f32]) -> __m512 {
    // SAFETY: only those numbers are read that are there.
    unsafe { _mm512_maskz_loadu_ps(first(numbers.len()), numbers.as_ptr()) }
}

/// The bits of the greatest magnitude, where a NaN counts as greater than infinity.
#[target_feature(enable = "avx512f")]
#[inline]
fn greatest_bits(row: &[f32]) -> u32 {
    let mask = _mm512_set1_epi32(MAGNITUDE_MASK.cast_signed());
    let (vectors, rest) = row.as_chunks::<LANES>();
    let mut greatest = _mm512_setzero_si512();
    if !rest.is_empty() {
        greatest = _mm512_and_epi32(_mm512_castps_si512(read_rest(rest)), mask);
    }
    for numbers in vectors {
        let bits = _mm512_and_epi32(_mm512_castps_si512(read(numbers)), mask);
        greatest = _mm512_max_epu32(greatest, bits);
    }
    _mm512_reduce_max_epu32(greatest)
}

/// The integers of a vector of numbers. No quotient is beyond 32 bits.
#[target_feature(enable = "avx512f")]
#[inline]
fn integers<const GREATEST: i32>(x: __m512, scale: __m512) -> __m512i {
    let q = _mm512_cvtps_epi32(_mm512_div_ps(x, scale));
    let not_below = _mm512_max_epi32(q, _mm512_set1_epi32(-GREATEST));
    _mm512_min_epi32(not_below, _mm512_set1_epi32(GREATEST))
}

/// Writes the integers of numbers, and zeros behind them; returns their sum.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn integers_8(numbers: &[f32], scale: f32, bytes: &mut [i8]) -> i32 {
    let scale = _mm512_set1_ps(scale);
    let mut sum = _mm512_setzero_si512();
    let (vectors, rest) = numbers.as_chunks::<LANES>();
    let (bytes, bytes_rest) = bytes.split_at_mut(vectors.len() * LANES);
    for (numbers, bytes) in vectors.iter().zip(bytes.as_chunks_mut::<LANES>().0) {
        let q = integers::<INT8>(read(numbers), scale);
        sum = _mm512_add_epi32(sum, q);
        write_bytes(q, bytes);
    }
    if !bytes_rest.is_empty() {
        let q = integers::<INT8>(read_rest(rest), scale);
        write_bytes(q, bytes_rest);
        sum = _mm512_add_epi32(sum, q);
    }
    _mm512_reduce_add_epi32(sum)
}

/// Writes the integers of numbers and their high halves, and zeros behind them; returns the sum of the high halves.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn integers_16(numbers: &[f32], scale: f32, bytes: &mut [i8], words: &mut [i16]) -> i32 {
    let scale = _mm512_set1_ps(scale);
    let half = _mm512_set1_epi32(64);
    let mut sum = _mm512_setzero_si512();
    let (vectors, rest) = numbers.as_chunks::<LANES>();
    let (bytes, bytes_rest) = bytes.split_at_mut(vectors.len() * LANES);
    let (words, words_rest) = words.split_at_mut(vectors.len() * LANES);
    let places = bytes
        .as_chunks_mut::<LANES>()
        .0
        .iter_mut()
        .zip(words.as_chunks_mut::<LANES>().0);
    for (numbers, (bytes, words)) in vectors.iter().zip(places) {
        let q = integers::<INT16>(read(numbers), scale);
        let high = _mm512_srai_epi32::<7>(_mm512_add_epi32(q, half));
        sum = _mm512_add_epi32(sum, high);
        write_words(q, words);
        write_bytes(high, bytes);
    }
    if !bytes_rest.is_empty() {
        let q = integers::<INT16>(read_rest(rest), scale);
        let high = _mm512_srai_epi32::<7>(_mm512_add_epi32(q, half));
        write_words(q, words_rest);
        write_bytes(high, bytes_rest);
        sum = _mm512_add_epi32(sum, high);
    }
    _mm512_reduce_add_epi32(sum)
}

/// Writes upper bounds of the norms of a row's segments.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn norms_of(words: &[i16], norms: &mut [f32]) {
    for (segment, norm) in words.chunks(SEGMENT).zip(norms) {
        // Two squares below 2^28 to a lane.
        let mut squares = _mm512_setzero_si512();
        for words in segment.chunks(2 * LANES) {
            let lanes = ((1u64 << words.len()) - 1) as u32;
            // SAFETY: only those words are read that are there.
            let words = unsafe { _mm512_maskz_loadu_epi16(lanes, words.as_ptr()) };
            squares = _mm512_add_epi32(squares, _mm512_madd_epi16(words, words));
        }
        *norm = _mm512_reduce_add_ps(_mm512_cvtepi32_ps(squares)).sqrt() * ROUNDING;
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn write_bytes(q: __m512i, to: &mut [i8]) {
    let bytes = _mm512_cvtepi32_epi8(q);
    if to.len() >= LANES {
        // SAFETY: there is place for 16 bytes.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), bytes) }
    } else {
        // SAFETY: only those bytes are written that have a place.
        unsafe { _mm_mask_storeu_epi8(to.as_mut_ptr(), first(to.len()), bytes) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn write_words(q: __m512i, to: &mut [i16]) {
    let words = _mm512_cvtepi32_epi16(q);
    if to.len() >= LANES {
        // SAFETY: there is place for 16 words.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), words) }
    } else {
        // SAFETY: only those words are written that have a place.
        unsafe { _mm256_mask_storeu_epi16(to.as_mut_ptr(), first(to.len()), words) }
    }
}
