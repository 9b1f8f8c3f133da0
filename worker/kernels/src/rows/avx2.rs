//! Quantisation in AVX2. The integers of all kinds are words.

use super::{Kind, Matrix, ROUNDING, Rows, SEGMENT, Scaling, scale};
use crate::vector::MAGNITUDE_MASK;
use std::arch::x86_64::*;

/// Numbers in a vector.
const LANES: usize = 8;

#[target_feature(enable = "avx2")]
pub(super) fn quantise(rows: &mut Rows, from: Matrix<'_>, scaling: Scaling<'_>) {
    let limit = rows.kind.greatest();
    let (stride, segments) = (rows.stride, rows.segments());
    let mut scaled = std::mem::take(&mut rows.scaled);
    scaled.set_length(if matches!(scaling, Scaling::ByRow) {
        0
    } else {
        from.length
    });
    for index in 0..from.rows {
        let row = from.row(index);
        match scaling {
            Scaling::ByRow => {}
            Scaling::ByRowAfter(factors) => {
                for ((to, x), factor) in scaled.iter_mut().zip(row).zip(factors) {
                    *to = x * factor;
                }
            }
            Scaling::Shares { totals, factors } => {
                let total = totals[index];
                for ((to, x), factor) in scaled.iter_mut().zip(row).zip(factors) {
                    *to = x / total * factor;
                }
            }
            Scaling::ByColumn(columns) => divide(row, columns, limit as f32, &mut scaled),
        }
        let numbers = if matches!(scaling, Scaling::ByRow) {
            row
        } else {
            &scaled
        };
        let scale = match scaling {
            Scaling::ByColumn(_) => 1.0,
            _ => scale(greatest_bits(numbers), limit as f32),
        };
        rows.scales[index] = scale;
        let words = &mut rows.words[index * stride..][..stride];
        integers(numbers, scale, limit as i16, words);
        if rows.kind == Kind::Int16 {
            norms_of(words, &mut rows.norms[index * segments..][..segments]);
        }
    }
    rows.scaled = scaled;
}

/// The bits of the greatest magnitude, where a NaN counts as greater than infinity.
#[target_feature(enable = "avx2")]
#[inline]
fn greatest_bits(row: &[f32]) -> u32 {
    row.iter()
        .fold(0, |greatest, x| greatest.max(x.to_bits() & MAGNITUDE_MASK))
}

/// Writes the quotients of two rows. As an integer, a NaN is 0 and an infinity is the greatest one.
#[target_feature(enable = "avx2")]
#[inline]
fn divide(a: &[f32], b: &[f32], greatest: f32, to: &mut [f32]) {
    for ((a, b), to) in a.iter().zip(b).zip(to) {
        let quotient = a / b;
        let not_above = if quotient < greatest { quotient } else { greatest };
        let within = if not_above > -greatest { not_above } else { -greatest };
        *to = if quotient.is_nan() { 0.0 } else { within };
    }
}

/// Writes the integers of a row's numbers, and zeros behind them. No quotient is beyond 32 bits.
#[target_feature(enable = "avx2")]
#[inline]
fn integers(numbers: &[f32], scale: f32, limit: i16, words: &mut [i16]) {
    if scale.is_nan() {
        words.fill(0);
        return;
    }
    let scales = _mm256_set1_ps(scale);
    let (most, least) = (_mm256_set1_epi16(limit), _mm256_set1_epi16(-limit));
    let (vectors, rest) = numbers.as_chunks::<{ 2 * LANES }>();
    let (places, words_rest) = words.split_at_mut(vectors.len() * 2 * LANES);
    for (numbers, words) in vectors.iter().zip(places.as_chunks_mut::<{ 2 * LANES }>().0) {
        // SAFETY: there are 16 numbers to read and as many words to write, which need no alignment.
        unsafe {
            let x = _mm256_loadu_ps(numbers.as_ptr());
            let y = _mm256_loadu_ps(numbers.as_ptr().add(LANES));
            let low = _mm256_cvtps_epi32(_mm256_div_ps(x, scales));
            let high = _mm256_cvtps_epi32(_mm256_div_ps(y, scales));
            // Four of the one and four of the other in turns.
            let both = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high));
            let within = _mm256_max_epi16(_mm256_min_epi16(both, most), least);
            _mm256_storeu_si256(words.as_mut_ptr().cast(), within);
        }
    }
    let (last, padding) = words_rest.split_at_mut(rest.len());
    for (x, word) in rest.iter().zip(last) {
        let integer = (x / scale).round_ties_even() as i32;
        *word = integer.clamp(-i32::from(limit), i32::from(limit)) as i16;
    }
    padding.fill(0);
}

/// Writes upper bounds of the norms of a row's segments.
#[target_feature(enable = "avx2")]
#[inline]
fn norms_of(words: &[i16], norms: &mut [f32]) {
    for (segment, norm) in words.chunks(SEGMENT).zip(norms) {
        let mut squares = [0.0f32; LANES];
        for words in segment.chunks(LANES) {
            for (square, word) in squares.iter_mut().zip(words) {
                *square += f32::from(*word) * f32::from(*word);
            }
        }
        *norm = squares.iter().sum::<f32>().sqrt() * ROUNDING;
    }
}
