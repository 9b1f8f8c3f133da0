//! The end of a tile: sums become numbers, which are scaled, biased and written.

use super::{
    Target,
    wide::{Wide, narrow},
};
use crate::{packed::STRIP, vector::NAN_BITS};
use std::arch::x86_64::*;

/// The same for sums in binary64, which are rounded once.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
pub(super) fn finish_wide<const ROWS: usize, const STRIPS: usize>(totals: [[Wide; STRIPS]; ROWS], target: Target<'_>) {
    let mut numbers = [[_mm512_setzero_ps(); STRIPS]; ROWS];
    for row in 0..ROWS {
        for strip in 0..STRIPS {
            numbers[row][strip] = narrow(totals[row][strip]);
        }
    }
    // SAFETY: this function enables the instructions.
    unsafe { finish(numbers, target) }
}

/// Multiplies the rounded sums with the scales, adds the bias, and writes canonical numbers.
///
/// It is part of every tile, so that the sums stay in registers.
///
/// # Safety
///
/// The processor has the instructions that the caller enables.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "such loops are written out")]
pub(super) unsafe fn finish<const ROWS: usize, const STRIPS: usize>(
    sums: [[__m512; STRIPS]; ROWS],
    target: Target<'_>,
) {
    if !target.usual {
        // A copy, so that it alone has to be in memory.
        let copy = sums;
        // SAFETY: of the caller.
        unsafe { finish_unusual(copy.as_flattened(), target) }
        return;
    }
    let (columns, stride) = (target.columns, target.output_stride);
    let (scales, bias) = (&target.column_scales[..STRIPS * STRIP], &target.bias[..columns]);
    let row_scales = &target.row_scales[..ROWS];
    let output = &mut target.output[..(ROWS - 1) * stride + columns];
    assert!(columns > (STRIPS - 1) * STRIP, "fewer columns than strips");
    // Every product is finite, so a NaN or an infinity comes from the bias alone, which is canonical. Adding it, or a
    // zero, makes a zero of a product that has underflowed to -0 the one zero. Row by row, since neighbouring lines are
    // written faster, and in two loops without a branch in them, so that the compiler writes out all rows.
    let (scales, bias, output) = (scales.as_ptr(), bias.as_ptr(), output.as_mut_ptr());
    let last = (STRIPS - 1) * STRIP;
    let lanes = columns - last;
    // SAFETY: of the caller, and there are 16 scales for each strip, and 16 numbers of the bias, and places in each
    // row, but for the last strip; of that, only those are touched that there are.
    unsafe {
        if lanes == STRIP {
            for row in 0..ROWS {
                let row_scale = _mm512_set1_ps(row_scales[row]);
                for strip in 0..STRIPS {
                    let start = strip * STRIP;
                    let scale = _mm512_mul_ps(row_scale, _mm512_loadu_ps(scales.add(start)));
                    let product = _mm512_mul_ps(sums[row][strip], scale);
                    let number = _mm512_add_ps(product, _mm512_loadu_ps(bias.add(start)));
                    _mm512_storeu_ps(output.add(row * stride + start), number);
                }
            }
        } else {
            let mask = ((1u32 << lanes) - 1) as u16;
            for row in 0..ROWS {
                let row_scale = _mm512_set1_ps(row_scales[row]);
                for strip in 0..STRIPS {
                    let start = strip * STRIP;
                    let mask = if start < last { u16::MAX } else { mask };
                    let scale = _mm512_mul_ps(row_scale, _mm512_loadu_ps(scales.add(start)));
                    let product = _mm512_mul_ps(sums[row][strip], scale);
                    let number = _mm512_add_ps(product, _mm512_maskz_loadu_ps(mask, bias.add(start)));
                    _mm512_mask_storeu_ps(output.add(row * stride + start), mask, number);
                }
            }
        }
    }
}

/// The same for any scales, and any number of rows.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline(never)]
fn finish_unusual(sums: &[__m512], target: Target<'_>) {
    let nan = _mm512_set1_ps(f32::from_bits(NAN_BITS));
    let outputs = target.output.chunks_mut(target.output_stride);
    let rows = sums.chunks_exact(target.column_scales.len() / STRIP).zip(outputs);
    for ((sums, output), row_scale) in rows.zip(target.row_scales) {
        let row_scale = _mm512_set1_ps(*row_scale);
        let output = output[..target.columns].chunks_mut(STRIP);
        let columns = target.column_scales.chunks_exact(STRIP).zip(target.bias.chunks(STRIP));
        for ((sum, output), (scales, bias)) in sums.iter().zip(output).zip(columns) {
            let mask = ((1u32 << output.len().min(bias.len())) - 1) as u16;
            // SAFETY: there are 16 scales, and of the bias only those numbers are read that are there.
            let (scales, bias) = unsafe {
                (
                    _mm512_loadu_ps(scales.as_ptr()),
                    _mm512_maskz_loadu_ps(mask, bias.as_ptr()),
                )
            };
            let product = _mm512_mul_ps(*sum, _mm512_mul_ps(row_scale, scales));
            let biased = _mm512_add_ps(product, bias);
            let odd = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(biased, biased);
            let canonical = _mm512_mask_blend_ps(odd, biased, nan);
            // SAFETY: only those numbers are written that have a place.
            unsafe { _mm512_mask_storeu_ps(output.as_mut_ptr(), mask, canonical) }
        }
    }
}
