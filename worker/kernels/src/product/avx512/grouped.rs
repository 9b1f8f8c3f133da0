//! Products with small integers in groups.
//!
//! Unsigned bytes are multiplied: an integer of eight bits plus 128, and 16 times one of four bits plus 8, which is a
//! half of a byte where it stands, or moved up. Both are too great by 128, so a group's sum is too great by 128 times
//! the sum of the elements; that of Four is 16 times what it stands for, which the multiplier makes up for. `2^7·H + L`
//! of the halves' sums fits 32 bits for a group. It becomes binary64 there, where multiplying with the multiplier and
//! adding are one instruction, and exact.

use super::{
    super::Products,
    NO_BIAS, TILE_ROWS, Target, finish_wide, usual,
    wide::{Wide, widen},
};
use crate::{
    packed::{Grouped, HEAD, STRIP},
    rows::{Kind, Rows},
};
use assay_exact::quantise::{GROUP_UNIT, GroupedBits};
use std::arch::x86_64::*;

/// Bytes of a vector.
const VECTOR: usize = 64;
/// Elements of a group that are unpacked at a time, and groups of four of them.
const UNIT: usize = GROUP_UNIT as usize;
const QUADS: usize = UNIT / 4;
/// Up to this many rows, reading the weight is what takes time, and it is asked for in time: this many bytes ahead.
const FEW_ROWS: usize = 3;
const AHEAD: usize = 2048;

/// The operands of one tile.
#[derive(Clone, Copy)]
struct Operands<'a> {
    /// From the first row on; the low halves are there for Halves.
    bytes: *const i8,
    low_bytes: *const i8,
    /// From a row to the next.
    stride: usize,
    /// The sums of the elements of each group, of each row, twice.
    sums: &'a [i32],
    wide_sums: &'a [f64],
    /// Elements and number of groups, and the bytes of one in the strip.
    group: usize,
    groups: usize,
    group_bytes: usize,
    strip: &'a [u8],
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(in super::super) fn multiply_grouped(a: &Rows, b: &Grouped, scales: &[f32], products: Products<'_>) {
    let (range, columns) = (products.rows, products.columns);
    let usual_rows = usual(&a.scales[range.clone()]);
    for column in columns.clone().step_by(STRIP) {
        let width = (columns.end - column).min(STRIP);
        let column_scales = &scales[column..column + STRIP];
        let usual = usual_rows && usual(column_scales);
        let bias = match products.bias {
            Some(bias) => &bias[column..column + width],
            None => &NO_BIAS[..width],
        };
        let strip = b.strip(column / STRIP);
        for row in range.clone().step_by(TILE_ROWS) {
            let rows = (range.end - row).min(TILE_ROWS);
            let elements = row * a.stride..(row + rows) * a.stride;
            let sums = row * b.groups..(row + rows) * b.groups;
            let target = Target {
                row_scales: &a.scales[row..row + rows],
                row_sums: &[],
                column_scales,
                bias,
                columns: width,
                usual,
                output: &mut products.output[(row - range.start) * products.stride + column - columns.start..],
                output_stride: products.stride,
            };
            let operands = Operands {
                bytes: a.bytes[elements.clone()].as_ptr(),
                low_bytes: match a.kind {
                    Kind::Halves => a.low_bytes[elements].as_ptr(),
                    Kind::Int8 | Kind::Int16 => std::ptr::null(),
                },
                stride: a.stride,
                sums: &a.group_sums[sums.clone()],
                wide_sums: &a.wide_group_sums[sums],
                group: b.group,
                groups: b.groups,
                group_bytes: b.group_bytes(),
                strip,
            };
            // SAFETY: `rows` rows were sliced for the pointers, with their low halves where the kind has them.
            unsafe {
                match (b.bits, a.kind) {
                    (GroupedBits::Four, Kind::Halves) => tile::<true, true>(rows, operands, target),
                    (GroupedBits::Four, _) => tile::<true, false>(rows, operands, target),
                    (GroupedBits::Eight, Kind::Halves) => tile::<false, true>(rows, operands, target),
                    (GroupedBits::Eight, _) => tile::<false, false>(rows, operands, target),
                }
            }
        }
    }
}

/// # Safety
///
/// The operands have at least `rows` rows, of both halves if those are multiplied.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn tile<const FOUR: bool, const HALVES: bool>(rows: usize, operands: Operands<'_>, target: Target<'_>) {
    // SAFETY: of the caller.
    unsafe {
        match rows {
            1 => tile_of_rows::<1, FOUR, HALVES>(operands, target),
            2 => tile_of_rows::<2, FOUR, HALVES>(operands, target),
            3 => tile_of_rows::<3, FOUR, HALVES>(operands, target),
            4 => tile_of_rows::<4, FOUR, HALVES>(operands, target),
            5 => tile_of_rows::<5, FOUR, HALVES>(operands, target),
            6 => tile_of_rows::<6, FOUR, HALVES>(operands, target),
            _ => {}
        }
    }
}

/// # Safety
///
/// The operands have at least `ROWS` rows, of both halves if those are multiplied.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn tile_of_rows<const ROWS: usize, const FOUR: bool, const HALVES: bool>(
    operands: Operands<'_>,
    target: Target<'_>,
) {
    let Operands { groups, group, .. } = operands;
    let (sums, wide_sums) = (&operands.sums[..ROWS * groups], &operands.wide_sums[..ROWS * groups]);
    let mut totals = [[[_mm512_setzero_pd(); 2]; 1]; ROWS];
    for (index, strip) in operands.strip.chunks_exact(operands.group_bytes).enumerate() {
        if ROWS <= FEW_ROWS {
            for line in 0..operands.group_bytes / VECTOR {
                _mm_prefetch::<_MM_HINT_T0>(strip.as_ptr().wrapping_add(AHEAD + line * VECTOR).cast());
            }
        }
        let (head, integers) = strip.split_at(HEAD);
        let mut high = [_mm512_setzero_si512(); ROWS];
        let mut low = [_mm512_setzero_si512(); ROWS];
        for row in 0..ROWS {
            let sum = sums[row * groups + index];
            // 128 times it, in either case.
            high[row] = _mm512_set1_epi32(if HALVES { -sum } else { -128 * sum });
        }
        for unit in 0..group / UNIT {
            // SAFETY: the caller answers for the rows, which have this many elements, and the strip has them too.
            unsafe {
                let quads = unpack::<FOUR>(integers, unit);
                let start = index * group + unit * UNIT;
                for (quad, b) in quads.into_iter().enumerate() {
                    for row in 0..ROWS {
                        let at = row * operands.stride + start + 4 * quad;
                        let a = _mm512_set1_epi32(operands.bytes.add(at).cast::<i32>().read_unaligned());
                        high[row] = _mm512_dpbusd_epi32(high[row], b, a);
                        if HALVES {
                            let a = _mm512_set1_epi32(operands.low_bytes.add(at).cast::<i32>().read_unaligned());
                            low[row] = _mm512_dpbusd_epi32(low[row], b, a);
                        }
                    }
                }
            }
        }
        let [multipliers, offsets] = affine::<FOUR>(head);
        for row in 0..ROWS {
            let sum = if HALVES {
                _mm512_add_epi32(_mm512_slli_epi32::<7>(high[row]), low[row])
            } else {
                high[row]
            };
            let (sum, elements) = (widen(sum), _mm512_set1_pd(wide_sums[row * groups + index]));
            for half in 0..2 {
                let total = _mm512_fmadd_pd(offsets[half], elements, totals[row][0][half]);
                totals[row][0][half] = _mm512_fmadd_pd(multipliers[half], sum[half], total);
            }
        }
    }
    finish_wide(totals, target);
}

/// The bytes of a unit of a group's integers, four elements of each column in a vector.
///
/// # Safety
///
/// There are this many units of integers.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn unpack<const FOUR: bool>(integers: &[u8], unit: usize) -> [__m512i; QUADS] {
    let mut quads = [_mm512_setzero_si512(); QUADS];
    // SAFETY: of the caller.
    unsafe {
        if FOUR {
            let mask = _mm512_set1_epi8(0xf0u8.cast_signed());
            for pair in 0..QUADS / 2 {
                let from = integers.as_ptr().add((unit * QUADS / 2 + pair) * VECTOR);
                let both = _mm512_loadu_si512(from.cast());
                quads[2 * pair] = _mm512_and_si512(_mm512_slli_epi16::<4>(both), mask);
                quads[2 * pair + 1] = _mm512_and_si512(both, mask);
            }
        } else {
            for (quad, to) in quads.iter_mut().enumerate() {
                let from = integers.as_ptr().add((unit * QUADS + quad) * VECTOR);
                *to = _mm512_loadu_si512(from.cast());
            }
        }
    }
    quads
}

/// The multipliers of what is summed, and the offsets.
#[target_feature(enable = "avx512f,avx512bw,avx512dq")]
#[inline]
fn affine<const FOUR: bool>(head: &[u8]) -> [Wide; 2] {
    let head: &[u8; HEAD] = head.first_chunk().expect("a group begins with its head; qed");
    // SAFETY: there are as many bytes.
    let numbers = unsafe { _mm512_loadu_si512(head.as_ptr().cast()) };
    let multipliers = widen(_mm512_cvtepi16_epi32(_mm512_castsi512_si256(numbers)));
    let offsets = widen(_mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64::<1>(numbers)));
    if FOUR {
        let sixteenth = _mm512_set1_pd(1.0 / 16.0);
        return [multipliers.map(|number| _mm512_mul_pd(number, sixteenth)), offsets];
    }
    [multipliers, offsets]
}
