//! Products with small integers in groups.
//!
//! Bytes become 16-bit integers in registers: those of eight bits plus 128, and 16 times those of four bits plus 8, as
//! for AVX-512. Four elements of a column stand next to each other, so a vector holds two sums of each column, which
//! are added at the end of a group. A group's sum fits 32 bits and becomes binary64, where products with the multiplier
//! and sums are exact.

use super::{super::Products, HALVES, LANES, Strip, Target, WideSums, finish, rounded, widen};
use crate::{
    packed::{Grouped, HEAD, QUAD, STRIP},
    rows::Rows,
};
use assay_exact::quantise::GroupedBits;
use std::arch::x86_64::*;

/// Rows of a tile: each has four vectors of sums.
const ROWS_AT_ONCE: usize = 2;
/// Vectors of sums: two sums of each column.
const PARTS: usize = 2 * HALVES;
/// Columns whose elements are read at a time.
const COLUMNS: usize = STRIP / PARTS;

/// The operands of one tile.
#[derive(Clone, Copy)]
struct Operands<'a> {
    /// From the first row on.
    rows: &'a [i16],
    /// From a row to the next.
    stride: usize,
    /// The sums of the elements of each group, of each row.
    sums: &'a [i32],
    b: &'a Grouped,
    strip: &'a [u8],
}

#[target_feature(enable = "avx2")]
pub(in super::super) fn multiply_grouped(a: &Rows, b: &Grouped, scales: &[f32], products: Products<'_>) {
    let (range, columns) = (products.rows, products.columns);
    for column in columns.clone().step_by(STRIP) {
        let width = (columns.end - column).min(STRIP);
        let mut of_strip = Strip {
            scales: [1.0; STRIP],
            bias: [0.0; STRIP],
            columns: width,
        };
        of_strip.scales.copy_from_slice(&scales[column..column + STRIP]);
        if let Some(bias) = products.bias {
            of_strip.bias[..width].copy_from_slice(&bias[column..column + width]);
        }
        for row in range.clone().step_by(ROWS_AT_ONCE) {
            let rows = (range.end - row).min(ROWS_AT_ONCE);
            let target = Target {
                row_scales: &a.scales[row..row + rows],
                strip: &of_strip,
                output: &mut products.output[(row - range.start) * products.stride + column - columns.start..],
                output_stride: products.stride,
            };
            let operands = Operands {
                rows: &a.words[row * a.stride..(row + rows) * a.stride],
                stride: a.stride,
                sums: &a.group_sums[row * b.groups..(row + rows) * b.groups],
                b,
                strip: b.strip(column / STRIP),
            };
            match (b.bits, rows) {
                (GroupedBits::Four, 1) => tile::<1, true>(operands, target),
                (GroupedBits::Four, _) => tile::<2, true>(operands, target),
                (GroupedBits::Eight, 1) => tile::<1, false>(operands, target),
                (GroupedBits::Eight, _) => tile::<2, false>(operands, target),
            }
        }
    }
}

#[target_feature(enable = "avx2")]
fn tile<const ROWS: usize, const FOUR: bool>(operands: Operands<'_>, target: Target<'_>) {
    let Operands { b, stride, .. } = operands;
    let mut totals: WideSums<ROWS> = [[[_mm256_setzero_pd(); 2]; HALVES]; ROWS];
    for (index, strip) in operands.strip.chunks_exact(b.group_bytes()).enumerate() {
        let (head, integers) = strip.split_at(HEAD);
        let mut sums = [[_mm256_setzero_si256(); PARTS]; ROWS];
        for quad in 0..b.group / QUAD {
            let rows: [__m256i; ROWS] = std::array::from_fn(|row| {
                let at = row * stride + index * b.group + quad * QUAD;
                let elements: &[i16; QUAD] = operands.rows[at..].first_chunk().expect("rows are whole groups; qed");
                // SAFETY: there are eight bytes, which need no alignment.
                let elements = unsafe { elements.as_ptr().cast::<i64>().read_unaligned() };
                _mm256_set1_epi64x(elements)
            });
            for part in 0..PARTS {
                let b = elements_of_columns::<FOUR>(integers, quad, part);
                for (sums, a) in sums.iter_mut().zip(rows) {
                    sums[part] = _mm256_add_epi32(sums[part], _mm256_madd_epi16(b, a));
                }
            }
        }
        let affine = [0, 1].map(|number| affine::<FOUR>(head, number));
        for row in 0..ROWS {
            let elements = operands.sums[row * b.groups + index];
            let excess = _mm256_set1_epi32(128 * elements);
            let elements = _mm256_set1_pd(f64::from(elements));
            for half in 0..HALVES {
                let pairs = _mm256_hadd_epi32(sums[row][2 * half], sums[row][2 * half + 1]);
                // Columns 0 1 4 5 and 2 3 6 7 are in order.
                let sum = _mm256_permute4x64_epi64::<0b11_01_10_00>(pairs);
                let sum = widen(_mm256_sub_epi32(sum, excess));
                for quarter in 0..2 {
                    let [multipliers, offsets] = [affine[0][half][quarter], affine[1][half][quarter]];
                    let more = _mm256_add_pd(
                        _mm256_mul_pd(multipliers, sum[quarter]),
                        _mm256_mul_pd(offsets, elements),
                    );
                    totals[row][half][quarter] = _mm256_add_pd(totals[row][half][quarter], more);
                }
            }
        }
    }
    finish(rounded(totals), target);
}

/// Four elements of each of four columns, as integers of 16 bits.
#[target_feature(enable = "avx2")]
#[inline]
fn elements_of_columns<const FOUR: bool>(integers: &[u8], quad: usize, part: usize) -> __m256i {
    let vector = if FOUR { quad / 2 } else { quad };
    let at = (vector * STRIP + part * COLUMNS) * QUAD;
    let bytes: &[u8; COLUMNS * QUAD] = integers[at..].first_chunk().expect("groups are whole; qed");
    // SAFETY: there are 16 bytes, which need no alignment.
    let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
    if !FOUR {
        return _mm256_cvtepu8_epi16(bytes);
    }
    let mask = _mm_set1_epi8(0xf0u8.cast_signed());
    let upper = if quad.is_multiple_of(2) {
        _mm_slli_epi16::<4>(bytes)
    } else {
        bytes
    };
    _mm256_cvtepu8_epi16(_mm_and_si128(upper, mask))
}

/// The multipliers of what is summed, or the offsets, as binary64.
#[target_feature(enable = "avx2")]
#[inline]
fn affine<const FOUR: bool>(head: &[u8], number: usize) -> [[__m256d; 2]; HALVES] {
    let sixteenth = _mm256_set1_pd(1.0 / 16.0);
    [0, 1].map(|half| {
        let at = 2 * (number * STRIP + half * LANES);
        let bytes: &[u8; 2 * LANES] = head[at..].first_chunk().expect("a group begins with its head; qed");
        // SAFETY: there are 16 bytes, which need no alignment.
        let numbers = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
        let numbers = widen(_mm256_cvtepi16_epi32(numbers));
        match FOUR && number == 0 {
            true => numbers.map(|number| _mm256_mul_pd(number, sixteenth)),
            false => numbers,
        }
    })
}
