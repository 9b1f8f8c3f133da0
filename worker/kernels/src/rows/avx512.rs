//! Quantisation in AVX-512.

use super::{BLOCK, Kind, Matrix, ROUNDING, Rows, SEGMENT, Scaling, scale};
use crate::vector::MAGNITUDE_MASK;
use assay_exact::quantise::Bits;
use std::{arch::x86_64::*, ops::RangeInclusive};

/// Numbers in a vector.
const LANES: usize = 16;
const INT8: i32 = Bits::Int8.greatest();
const INT16: i32 = Bits::Int16.greatest();

/// Rows whose scales are computed before the integers of any of them: a row alone would have to wait for its scale.
pub(super) const ROWS_AT_ONCE: usize = 16;
/// Fewer, if they have more numbers than this together, so that these stay in the nearest cache.
const NUMBERS_AT_ONCE: usize = 4096;

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn quantise(rows: &mut Rows, from: Matrix<'_>, scaling: Scaling<'_>) {
    let length = from.length;
    let at_once = (NUMBERS_AT_ONCE / length).clamp(1, ROWS_AT_ONCE);
    let mut scaled = std::mem::take(&mut rows.scaled);
    if !matches!(scaling, Scaling::ByRow) {
        scaled.set_length(at_once * length);
    }
    let greatest = rows.kind.greatest() as f32;
    for start in (0..from.rows).step_by(at_once) {
        let indices = start..from.rows.min(start + at_once);
        // What lies apart is not foreseen by the processor.
        if from.stride != length {
            for index in indices.end..from.rows.min(indices.end + at_once) {
                prefetch(from.row(index));
            }
        }
        let scales = &mut rows.scales[indices.clone()];
        match scaling {
            Scaling::ByRow => {
                for (scale, index) in scales.iter_mut().zip(indices.clone()) {
                    *scale = f32::from_bits(greatest_bits(from.row(index)));
                }
            }
            Scaling::ByRowAfter(factors) => {
                let places = scaled.chunks_exact_mut(length).zip(indices.clone());
                for (scale, (scaled, index)) in scales.iter_mut().zip(places) {
                    *scale = f32::from_bits(multiply::<false>(from.row(index), 1.0, factors, scaled));
                }
            }
            Scaling::Shares { totals, factors } => {
                let places = scaled.chunks_exact_mut(length).zip(indices.clone());
                for (scale, (scaled, index)) in scales.iter_mut().zip(places) {
                    *scale = f32::from_bits(multiply::<true>(from.row(index), totals[index], factors, scaled));
                }
            }
            Scaling::ByColumn(columns) => {
                for (scaled, index) in scaled.chunks_exact_mut(length).zip(indices.clone()) {
                    divide(from.row(index), columns, greatest, scaled);
                }
            }
        }
        match scaling {
            Scaling::ByRow | Scaling::ByRowAfter(_) | Scaling::Shares { .. } => {
                for x in scales {
                    *x = scale(x.to_bits(), greatest);
                }
            }
            Scaling::ByColumn(_) => scales.fill(1.0),
        }
        for index in indices {
            let numbers = match scaling {
                Scaling::ByRow => from.row(index),
                _ => &scaled[(index - start) * length..][..length],
            };
            integers_of_row(rows, index, numbers);
        }
    }
    rows.scaled = scaled;
}

/// Asks for a row's lines to be brought into the nearest cache.
#[inline]
pub(crate) fn prefetch(row: &[f32]) {
    const LINE: usize = 16;
    // The last number, too, since a row need not begin where a line does.
    for line in row.chunks(LINE) {
        // SAFETY: it reads nothing that shows.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
    }
    if let Some(last) = row.last() {
        // SAFETY: as above.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(last).cast()) }
    }
}

/// Writes the integers of a row whose scale is known, and what is kept with them.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn integers_of_row(rows: &mut Rows, index: usize, numbers: &[f32]) {
    let (stride, blocks, segments) = (rows.stride, rows.blocks(), rows.segments());
    let scale = rows.scales[index];
    let bytes = &mut rows.bytes[index * stride..][..stride];
    let sums = &mut rows.sums[index * blocks..][..blocks];
    match rows.kind {
        Kind::Int8 if scale.is_nan() => {
            bytes.fill(0);
            sums.fill(0);
        }
        Kind::Int8 if USUAL.contains(&scale) => sums[0] = usual_integers_8(numbers, scale, bytes),
        Kind::Int8 => sums[0] = integers_8(numbers, scale, bytes),
        Kind::Halves => {
            let low_bytes = &mut rows.low_bytes[index * stride..][..stride];
            if scale.is_nan() {
                bytes.fill(0);
                low_bytes.fill(0);
                sums.fill(0);
                return;
            }
            sums.copy_from_slice(&halves(numbers, scale, bytes, low_bytes));
        }
        Kind::Int16 => {
            let words = &mut rows.words[index * stride..][..stride];
            let norms = &mut rows.norms[index * segments..][..segments];
            if scale.is_nan() {
                bytes.fill(0);
                words.fill(0);
                sums.fill(0);
                norms.fill(0.0);
                return;
            }
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

/// Writes the products of two rows, the first one divided by a number if `DIVIDE`; returns the bits of the greatest
/// magnitude, where a NaN counts as greater than infinity.
#[target_feature(enable = "avx512f")]
#[inline]
fn multiply<const DIVIDE: bool>(a: &[f32], divisor: f32, b: &[f32], to: &mut [f32]) -> u32 {
    let mask = _mm512_set1_epi32(MAGNITUDE_MASK.cast_signed());
    let (b_vectors, b_rest) = b.as_chunks::<LANES>();
    let (a_vectors, a_rest) = a.as_chunks::<LANES>();
    let (to_vectors, to_rest) = to.as_chunks_mut::<LANES>();
    let divisor = _mm512_set1_ps(divisor);
    let product = |a, b| _mm512_mul_ps(if DIVIDE { _mm512_div_ps(a, divisor) } else { a }, b);
    let products = product(read_rest(a_rest), read_rest(b_rest));
    // SAFETY: only those numbers are written that have a place.
    unsafe { _mm512_mask_storeu_ps(to_rest.as_mut_ptr(), first(to_rest.len()), products) }
    let mut greatest = _mm512_and_epi32(_mm512_castps_si512(products), mask);
    for ((a, b), to) in a_vectors.iter().zip(b_vectors).zip(to_vectors) {
        let products = product(read(a), read(b));
        greatest = _mm512_max_epu32(greatest, _mm512_and_epi32(_mm512_castps_si512(products), mask));
        // SAFETY: there is place for 16 numbers, which need no alignment.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), products) }
    }
    _mm512_reduce_max_epu32(greatest)
}

/// Writes the quotients of two rows. As an integer, a NaN is 0 and an infinity is the greatest one.
#[target_feature(enable = "avx512f")]
#[inline]
fn divide(a: &[f32], b: &[f32], greatest: f32, to: &mut [f32]) {
    let quotients = |a, b| {
        let quotient = _mm512_div_ps(a, b);
        let numbers = _mm512_cmp_ps_mask::<_CMP_ORD_Q>(quotient, quotient);
        let not_above = _mm512_min_ps(quotient, _mm512_set1_ps(greatest));
        _mm512_maskz_max_ps(numbers, not_above, _mm512_set1_ps(-greatest))
    };
    let (b_vectors, b_rest) = b.as_chunks::<LANES>();
    let (a_vectors, a_rest) = a.as_chunks::<LANES>();
    let (to_vectors, to_rest) = to.as_chunks_mut::<LANES>();
    for ((a, b), to) in a_vectors.iter().zip(b_vectors).zip(to_vectors) {
        // SAFETY: there is place for 16 numbers, which need no alignment.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), quotients(read(a), read(b))) }
    }
    let rest = quotients(read_rest(a_rest), read_rest(b_rest));
    // SAFETY: only those numbers are written that have a place.
    unsafe { _mm512_mask_storeu_ps(to_rest.as_mut_ptr(), first(to_rest.len()), rest) }
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

/// The least and the greatest scale whose reciprocal is used.
const USUAL: RangeInclusive<f32> = f32::from_bits((127 - 60) << 23)..=f32::from_bits((127 + 60) << 23);
/// `1.5 · 2^23`. A number of less than 22 bits added to it is rounded to an integer, which the lowest bits of the sum
/// hold.
const TO_INTEGER: f32 = 12_582_912.0;
/// Distance of a product with the reciprocal from the integer that the quotient is rounded to for certain: `½ −
/// 2^-16`.
const CERTAIN: f32 = 0.5 - 1.0 / 65536.0;

/// The integers of vectors of numbers, found without dividing unless one of them is uncertain. The scale is a usual
/// one, and that of the row that the numbers are from, so that no quotient is above 127½.
///
/// The reciprocal `y` is off by a relative error of `2^-24` at most, so that `x·y`, exact as part of a fused operation,
/// is within `2^-17` of `x / s`, and that is within `2^-18` of the binary32 quotient. So that quotient is rounded to
/// the integer `n` wherever `x·y` is nearer to it than `½ − 2^-16`: it is below `n + ½`, and above `n − ½`. What is
/// left, `2^-18`, is more than rounding the distance takes. Fused operations are means here: the definition has none,
/// and no result shows them.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn usual_integers<const VECTORS: usize>(x: [__m512; VECTORS], scale: __m512, reciprocal: __m512) -> [__m512i; VECTORS] {
    let to_integer = _mm512_set1_ps(TO_INTEGER);
    let mut integers = [_mm512_setzero_si512(); VECTORS];
    let mut farthest = _mm512_setzero_ps();
    for vector in 0..VECTORS {
        let sum = _mm512_fmadd_ps(x[vector], reciprocal, to_integer);
        let distance = _mm512_fmsub_ps(x[vector], reciprocal, _mm512_sub_ps(sum, to_integer));
        // The greater magnitude.
        farthest = _mm512_range_ps::<0b1011>(farthest, distance);
        integers[vector] = _mm512_sub_epi32(_mm512_castps_si512(sum), _mm512_castps_si512(to_integer));
    }
    let certain = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(farthest, _mm512_set1_ps(CERTAIN));
    if certain != u16::MAX {
        for vector in 0..VECTORS {
            integers[vector] = _mm512_cvtps_epi32(_mm512_div_ps(x[vector], scale));
        }
    }
    integers
}

/// Same as [`integers_8`], where the scale is a usual one.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn usual_integers_8(numbers: &[f32], scale: f32, bytes: &mut [i8]) -> i32 {
    const AT_ONCE: usize = 4;
    let reciprocal = _mm512_set1_ps(1.0 / scale);
    let scale = _mm512_set1_ps(scale);
    let (blocks, rest) = numbers.as_chunks::<{ AT_ONCE * LANES }>();
    let (places, bytes_rest) = bytes.split_at_mut(blocks.len() * AT_ONCE * LANES);
    let mut sum = _mm512_setzero_si512();
    for (numbers, bytes) in blocks.iter().zip(places.as_chunks_mut::<{ AT_ONCE * LANES }>().0) {
        let mut x = [_mm512_setzero_ps(); AT_ONCE];
        for (x, numbers) in x.iter_mut().zip(numbers.as_chunks::<LANES>().0) {
            *x = read(numbers);
        }
        let integers = usual_integers(x, scale, reciprocal);
        for (integers, bytes) in integers.into_iter().zip(bytes.as_chunks_mut::<LANES>().0) {
            sum = _mm512_add_epi32(sum, integers);
            write_bytes(integers, bytes);
        }
    }
    for (numbers, bytes) in rest.chunks(LANES).zip(bytes_rest.chunks_mut(LANES)) {
        let [integers] = usual_integers([read_rest(numbers)], scale, reciprocal);
        sum = _mm512_add_epi32(sum, integers);
        write_bytes(integers, bytes);
    }
    _mm512_reduce_add_epi32(sum)
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
#[inline(never)]
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

/// Writes the high and the low halves of numbers' integers, and zeros behind them; returns the sums of both.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn halves(numbers: &[f32], scale: f32, high_bytes: &mut [i8], low_bytes: &mut [i8]) -> [i32; 2] {
    let scale = _mm512_set1_ps(scale);
    let half = _mm512_set1_epi32(64);
    let mut sums = [_mm512_setzero_si512(); 2];
    let places = high_bytes.chunks_mut(LANES).zip(low_bytes.chunks_mut(LANES));
    for (index, (high_bytes, low_bytes)) in places.enumerate() {
        // There are fewer numbers than places where the row is padded.
        let numbers = &numbers[numbers.len().min(index * LANES)..];
        let x = match numbers.first_chunk::<LANES>() {
            Some(numbers) => read(numbers),
            None => read_rest(numbers),
        };
        let q = integers::<INT16>(x, scale);
        let high = _mm512_srai_epi32::<7>(_mm512_add_epi32(q, half));
        let low = _mm512_sub_epi32(q, _mm512_slli_epi32::<7>(high));
        sums = [_mm512_add_epi32(sums[0], high), _mm512_add_epi32(sums[1], low)];
        write_bytes(high, high_bytes);
        write_bytes(low, low_bytes);
    }
    [_mm512_reduce_add_epi32(sums[0]), _mm512_reduce_add_epi32(sums[1])]
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
