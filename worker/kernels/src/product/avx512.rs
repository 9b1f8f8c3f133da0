//! Products in AVX-512 VNNI.
//!
//! A *tile* is the sums of up to six rows with up to four strips of columns, kept in registers while all of `K` is
//! read.
//!
//! **Int8.** One instruction multiplies unsigned bytes with signed ones and adds four products. The second operand is
//! laid out plus 128, so the sum is too great by 128 times the sum of the row, which is known.
//!
//! **Int16 with Int8.** The halves of the first operand are multiplied as bytes, each as above, in half as many strips;
//! `2^7·Σ h·b + Σ l·b` is put together in binary64.
//!
//! **Int16.** Two instructions multiply pairs of 16-bit integers and add them modulo 2^32. By the inequality of Cauchy
//! and Schwarz a sum is at most the product of the rows' norms, and the norms of segments of 32 are known. So the sums
//! over as many segments as stay below `2^31` for certain are exact, and these are added in binary64, which is exact
//! too.
//!
//! **Int16, where one segment might already overflow.** One more instruction gives the exact sum `H` of the products of
//! high halves. What `2^14·H` leaves of the exact sum is less than `2^31` for blocks of 1024, so the sum modulo 2^32
//! tells it, and three instructions do what the four products of halves need four for. For few rows, where reading the
//! second operand is what takes time, its high halves are not read but made of the integers: `S = 2^7·Σ a·h + Σ a·l`,
//! where for blocks of 1024 both sums are below `2^31`.

mod finish;
mod grouped;
mod sums;
mod wide;

pub(super) use grouped::multiply_grouped;

use super::{
    Products,
    bounds::{SAFE, greatest, norms_of_tiles, safe_together},
};
use crate::{
    packed::STRIP,
    rows::{BLOCK, GROUP, Kind, Rows, SEGMENT, prefetch},
};
use finish::{finish, finish_wide};
use std::{arch::x86_64::*, ops::Range};
use sums::{halves_sums, int8_sums, int16_sums, int16_sums_modulo, int16_sums_of_few_rows};
use wide::{add, exact, put_together, widen};

/// Rows of a tile.
const TILE_ROWS: usize = 6;
/// Strips of a tile.
const TILE_STRIPS: usize = 4;
/// Strips of a tile of Int16 that may overflow, or of halves: it takes twice the registers.
const WIDE_STRIPS: usize = 2;
/// Up to this many rows, the high halves of Int16 are made of the integers.
const FEW_ROWS: usize = 3;
/// Groups of four elements in a block.
const BLOCK_GROUPS: usize = BLOCK / GROUP;
/// Scales up to this magnitude, `2^40`, make finite products: of two of them with a sum below `2^42`.
const USUAL: f32 = (1u64 << 40) as f32;
/// While rows as long as this are multiplied, there is time to bring the output's lines into the cache.
const LONG_ROW: usize = 192;
/// The bias where there is none.
static NO_BIAS: [f32; TILE_STRIPS * STRIP] = [0.0; TILE_STRIPS * STRIP];

/// The second operand.
pub(super) struct Second<'a> {
    pub bytes: &'a [u8],
    pub words: &'a [i16],
    pub norms: &'a [f32],
    pub scales: &'a [f32],
}

/// The operands of one tile, from its first row and its first strip on.
#[derive(Clone, Copy)]
struct Operands {
    a_bytes: *const i8,
    a_low_bytes: *const i8,
    a_words: *const i16,
    /// From a row to the next, in elements, a multiple of four. Strips are 16 times that.
    stride: usize,
    b_bytes: *const u8,
    b_words: *const i16,
}

impl Operands {
    /// Those from the first to before the last of these elements of both operands, in the forms that the rows have.
    fn new(a: &Rows, b: &Second<'_>, of_rows: Range<usize>, of_strips: Range<usize>) -> Self {
        let (mut a_low_bytes, mut a_words, mut b_words) = (std::ptr::null(), std::ptr::null(), std::ptr::null());
        match a.kind {
            Kind::Int8 => {}
            Kind::Halves => a_low_bytes = a.low_bytes[of_rows.clone()].as_ptr(),
            Kind::Int16 => {
                a_words = a.words[of_rows.clone()].as_ptr();
                b_words = b.words[of_strips.clone()].as_ptr();
            }
        }
        Self {
            a_bytes: a.bytes[of_rows].as_ptr(),
            a_low_bytes,
            a_words,
            stride: a.stride,
            b_bytes: b.bytes[of_strips].as_ptr(),
            b_words,
        }
    }
}

/// Where a tile's sums go and what they are multiplied with.
struct Target<'a> {
    row_scales: &'a [f32],
    /// The sums of the rows' bytes, of each block, or of each half.
    row_sums: &'a [i32],
    column_scales: &'a [f32],
    /// Summands, zeros if there are none.
    bias: &'a [f32],
    /// Columns that there are.
    columns: usize,
    /// Whether no scale is beyond [`USUAL`] or NaN.
    usual: bool,
    output: &'a mut [f32],
    output_stride: usize,
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn multiply(a: &Rows, b: Second<'_>, products: Products<'_>) {
    let (range, columns, stride) = (products.rows, products.columns, a.stride);
    let few = range.len() <= FEW_ROWS;
    let (blocks, segments) = (a.blocks(), a.segments());
    let row_norms = norms_of_tiles(a, &range, TILE_ROWS);
    let mut column_norms = vec![0.0; segments];
    let mut bounds = vec![0.0; segments];
    let usual_rows = usual(&a.scales[range.clone()]);
    for column in columns.clone().step_by(TILE_STRIPS * STRIP) {
        let width = (columns.end - column).min(TILE_STRIPS * STRIP);
        let strips = width.div_ceil(STRIP);
        let first = column / STRIP;
        greatest(
            &b.norms[first * segments..(first + strips) * segments],
            &mut column_norms,
        );
        let column_scales = &b.scales[column..column + strips * STRIP];
        let usual = usual_rows && usual(column_scales);
        let bias = match products.bias {
            Some(bias) => &bias[column..column + width],
            None => &NO_BIAS[..width],
        };
        let strip_range = column * stride..(column + strips * STRIP) * stride;
        for row in range.clone().step_by(TILE_ROWS) {
            let rows = (range.end - row).min(TILE_ROWS);
            let row_range = row * stride..(row + rows) * stride;
            let first_place = (row - range.start) * products.stride + column - columns.start;
            if stride >= LONG_ROW {
                for row in 0..rows {
                    prefetch(&products.output[first_place + row * products.stride..][..width]);
                }
            }
            let target = Target {
                row_scales: &a.scales[row..row + rows],
                row_sums: &a.sums[row * blocks..(row + rows) * blocks],
                column_scales,
                bias,
                columns: width,
                usual,
                output: &mut products.output[first_place..],
                output_stride: products.stride,
            };
            let operands = Operands::new(a, &b, row_range, strip_range.clone());
            // SAFETY: `rows` rows and `strips` strips were sliced for the pointers.
            unsafe {
                match a.kind {
                    Kind::Int8 => int8_tile(rows, strips, operands, target),
                    Kind::Halves => halves_tile(rows, strips, operands, target),
                    Kind::Int16 => {
                        let tile = (row - range.start) / TILE_ROWS;
                        let norms = row_norms[tile * segments..].iter().zip(&column_norms);
                        for (bound, (row, column)) in bounds.iter_mut().zip(norms) {
                            *bound = row * column;
                        }
                        int16_tile(rows, strips, few, &bounds, operands, target);
                    }
                }
            }
        }
    }
}

/// Whether no magnitude of these scales is above [`USUAL`], and none is NaN. A scale that is given may be negative.
fn usual(scales: &[f32]) -> bool {
    // Without an early end, so that it is computed in vectors.
    scales.iter().fold(true, |usual, scale| usual & (scale.abs() <= USUAL))
}

/// Calls the function for a tile of this many rows and strips, of those listed.
macro_rules! by_size {
    ($rows:expr, $strips:expr, $function:ident $arguments:tt, [$($row:literal)*] $of_strips:tt) => {
        match $rows {
            $($row => by_size!(@strips $strips, $row, $function $arguments, $of_strips),)*
            _ => {}
        }
    };
    (@strips $strips:expr, $row:literal, $function:ident $arguments:tt, [$($strip:literal)*]) => {
        match $strips {
            $($strip => $function::<$row, $strip> $arguments,)*
            _ => {}
        }
    };
}

/// # Safety
///
/// The operands have at least `rows` rows and `strips` strips.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn int8_tile(rows: usize, strips: usize, operands: Operands, target: Target<'_>) {
    // SAFETY: of the caller.
    unsafe { by_size!(rows, strips, int8(operands, target), [1 2 3 4 5 6] [1 2 3 4]) }
}

/// # Safety
///
/// The operands have at least `rows` rows and `strips` strips.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn int16_tile(
    rows: usize,
    strips: usize,
    few: bool,
    bounds: &[f32],
    operands: Operands,
    mut target: Target<'_>,
) {
    if bounds.iter().all(|bound| *bound < SAFE) {
        // SAFETY: of the caller.
        unsafe { by_size!(rows, strips, int16_bounded(operands, target, bounds), [1 2 3 4 5 6] [1 2 3 4]) }
        return;
    }
    for first in (0..strips).step_by(WIDE_STRIPS) {
        let (start, strips) = (first * STRIP, (strips - first).min(WIDE_STRIPS));
        let target = part(&mut target, start, strips);
        // SAFETY: of the caller, and `first` is one of its strips.
        unsafe {
            let mut operands = operands;
            operands.b_words = operands.b_words.add(start * operands.stride);
            operands.b_bytes = operands.b_bytes.add(start * operands.stride);
            if few {
                by_size!(rows, strips, int16_of_few_rows(operands, target), [1 2 3] [1 2])
            } else {
                by_size!(rows, strips, int16(operands, target), [1 2 3 4 5 6] [1 2])
            }
        }
    }
}

/// # Safety
///
/// The operands have at least `rows` rows and `strips` strips.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn halves_tile(rows: usize, strips: usize, operands: Operands, mut target: Target<'_>) {
    for first in (0..strips).step_by(WIDE_STRIPS) {
        let (start, strips) = (first * STRIP, (strips - first).min(WIDE_STRIPS));
        let target = part(&mut target, start, strips);
        // SAFETY: of the caller, and `first` is one of its strips.
        unsafe {
            let mut operands = operands;
            operands.b_bytes = operands.b_bytes.add(start * operands.stride);
            by_size!(rows, strips, halves(operands, target), [1 2 3 4 5 6] [1 2])
        }
    }
}

/// This many strips of a target, from this column on.
fn part<'a>(target: &'a mut Target<'_>, start: usize, strips: usize) -> Target<'a> {
    let columns = (target.columns - start).min(strips * STRIP);
    Target {
        row_scales: target.row_scales,
        row_sums: target.row_sums,
        column_scales: &target.column_scales[start..start + strips * STRIP],
        bias: &target.bias[start..start + columns],
        columns,
        usual: target.usual,
        output: &mut target.output[start..],
        output_stride: target.output_stride,
    }
}

/// # Safety
///
/// The operands have at least `ROWS` rows and `STRIPS` strips.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn halves<const ROWS: usize, const STRIPS: usize>(operands: Operands, target: Target<'_>) {
    let mut first = [[0; 2]; ROWS];
    for (first, sums) in first.iter_mut().zip(target.row_sums.chunks_exact(2)) {
        *first = [-128 * sums[0], -128 * sums[1]];
    }
    // SAFETY: of the caller.
    let [high, low] = unsafe { halves_sums::<ROWS, STRIPS>(operands, first) };
    let mut totals = [[[_mm512_setzero_pd(); 2]; STRIPS]; ROWS];
    for row in 0..ROWS {
        for strip in 0..STRIPS {
            totals[row][strip] = put_together::<7>(high[row][strip], low[row][strip]);
        }
    }
    finish_wide(totals, target);
}

/// # Safety
///
/// The operands have at least `ROWS` rows and `STRIPS` strips.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn int8<const ROWS: usize, const STRIPS: usize>(operands: Operands, target: Target<'_>) {
    let mut first = [0; ROWS];
    for (first, sum) in first.iter_mut().zip(target.row_sums) {
        *first = -128 * sum;
    }
    // SAFETY: of the caller.
    let sums = unsafe { int8_sums::<ROWS, STRIPS>(operands, first) };
    let mut numbers = [[_mm512_setzero_ps(); STRIPS]; ROWS];
    for row in 0..ROWS {
        for strip in 0..STRIPS {
            numbers[row][strip] = _mm512_cvtepi32_ps(sums[row][strip]);
        }
    }
    // SAFETY: this function enables the instructions.
    unsafe { finish(numbers, target) }
}

/// # Safety
///
/// The operands have at least `ROWS` rows and `STRIPS` strips.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn int16_bounded<const ROWS: usize, const STRIPS: usize>(
    operands: Operands,
    target: Target<'_>,
    bounds: &[f32],
) {
    const PAIRS: usize = SEGMENT / 2;
    let pairs = operands.stride / 2;
    let mut totals = [[[_mm512_setzero_pd(); 2]; STRIPS]; ROWS];
    let mut first = 0;
    while first < bounds.len() {
        // As many segments as stay within 32 bits together.
        let end = first + safe_together(&bounds[first..]);
        // SAFETY: of the caller.
        let sums = unsafe { int16_sums_modulo::<ROWS, STRIPS>(operands, first * PAIRS, pairs.min(end * PAIRS)) };
        if end - first == bounds.len() {
            let mut numbers = [[_mm512_setzero_ps(); STRIPS]; ROWS];
            for row in 0..ROWS {
                for strip in 0..STRIPS {
                    numbers[row][strip] = _mm512_cvtepi32_ps(sums[row][strip]);
                }
            }
            // SAFETY: this function enables the instructions.
            unsafe { finish(numbers, target) }
            return;
        }
        for (totals, sums) in totals.iter_mut().zip(sums) {
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total = add(*total, widen(sum));
            }
        }
        first = end;
    }
    finish_wide(totals, target);
}

/// # Safety
///
/// The operands have at least `ROWS` rows and `STRIPS` strips.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn int16<const ROWS: usize, const STRIPS: usize>(operands: Operands, target: Target<'_>) {
    let mut totals = [[[_mm512_setzero_pd(); 2]; STRIPS]; ROWS];
    let stride = operands.stride;
    let groups = stride / GROUP;
    let blocks = groups.div_ceil(BLOCK_GROUPS);
    for block in 0..blocks {
        let end = groups.min((block + 1) * BLOCK_GROUPS);
        // SAFETY: of the caller.
        let [low, high] = unsafe { int16_sums::<ROWS, STRIPS>(operands, block * BLOCK_GROUPS, end) };
        for (row, totals) in totals.iter_mut().enumerate() {
            let excess = _mm512_set1_epi32(128 * target.row_sums[row * blocks + block]);
            for (strip, total) in totals.iter_mut().enumerate() {
                let high = _mm512_sub_epi32(high[row][strip], excess);
                *total = add(*total, exact::<14>(high, low[row][strip]));
            }
        }
    }
    finish_wide(totals, target);
}

/// # Safety
///
/// The operands have at least `ROWS` rows and `STRIPS` strips.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn int16_of_few_rows<const ROWS: usize, const STRIPS: usize>(operands: Operands, target: Target<'_>) {
    let mut totals = [[[_mm512_setzero_pd(); 2]; STRIPS]; ROWS];
    let stride = operands.stride;
    let groups = stride / GROUP;
    for block in 0..groups.div_ceil(BLOCK_GROUPS) {
        let end = groups.min((block + 1) * BLOCK_GROUPS);
        // SAFETY: of the caller.
        let [low, high] =
            unsafe { int16_sums_of_few_rows::<ROWS, STRIPS>(operands, block * BLOCK_GROUPS * 2, end * 2) };
        for (row, totals) in totals.iter_mut().enumerate() {
            for (strip, total) in totals.iter_mut().enumerate() {
                *total = add(*total, exact::<7>(high[row][strip], low[row][strip]));
            }
        }
    }
    finish_wide(totals, target);
}
