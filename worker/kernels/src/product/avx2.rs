//! Products in AVX2.
//!
//! A *tile* is the sums of up to six rows with one strip of columns, kept in registers while all of `K` is read. One
//! instruction multiplies pairs of 16-bit integers and adds both products, which 32 bits hold exactly. The instruction
//! for bytes is of no use: it saturates, and made not to, it is no faster.
//!
//! **By bytes.** The second operand's bytes become 16-bit integers in registers, so memory is read at the rate of
//! bytes. The first operand is of 16-bit integers, whichever its kind is: Int8 and Int16 take the same time. Of the
//! greatest integers, 1024 products are below `2^31`; longer sums of Int16 are put together in binary64, which is
//! exact.
//!
//! **Int16.** Sums over as many segments as stay below `2^31` for certain are exact, and these are added in binary64.
//! Where one segment might already overflow, four pairs do not: of their sum `s`, `s >> 16` is summed as well, and
//! `2^16·Σ (s >> 16)` leaves less than `2^31` of the exact sum, so the sum modulo 2^32 tells the rest.

mod grouped;

pub(super) use grouped::multiply_grouped;

use super::{
    Products,
    bounds::{SAFE, greatest, norms_of_tiles, safe_together},
};
use crate::{
    packed::STRIP,
    rows::{BLOCK, Kind, Rows, SEGMENT},
    vector::NAN_BITS,
};
use std::{arch::x86_64::*, ops::Range};

/// Rows of a tile.
const TILE_ROWS: usize = 6;
/// Rows of a tile of Int16 that may overflow: it takes twice the registers.
const WIDE_ROWS: usize = 2;
/// Sums in a vector.
const LANES: usize = 8;
/// Vectors of a strip.
const HALVES: usize = STRIP / LANES;
/// Pairs of a strip's integers, one for each column.
const STRIP_PAIRS: usize = 2 * STRIP;
/// Pairs whose products 32 bits hold the sum of, for Int16.
const SAFE_PAIRS: usize = 4;
/// Pairs of a block.
const BLOCK_PAIRS: usize = BLOCK / 2;
/// Pairs of a segment.
const SEGMENT_PAIRS: usize = SEGMENT / 2;

/// The second operand.
pub(super) struct Second<'a> {
    pub bytes: &'a [i8],
    pub words: &'a [i16],
    pub norms: &'a [f32],
    pub scales: &'a [f32],
}

/// Where the operands of one tile begin.
#[derive(Clone, Copy)]
struct Operands {
    rows: *const i16,
    /// From a row to the next, in elements, an even number.
    stride: usize,
    bytes: *const i8,
    words: *const i16,
}

impl Operands {
    /// The same from another row on.
    ///
    /// # Safety
    ///
    /// There is such a row.
    unsafe fn at_row(self, row: usize) -> Self {
        Self {
            // SAFETY: of the caller.
            rows: unsafe { self.rows.add(row * self.stride) },
            ..self
        }
    }
}

/// Factors and summands of one strip's sums.
struct Strip {
    scales: [f32; STRIP],
    bias: [f32; STRIP],
    /// Columns that there are.
    columns: usize,
}

/// Where a tile's numbers go, from its first row on.
struct Target<'a> {
    row_scales: &'a [f32],
    strip: &'a Strip,
    output: &'a mut [f32],
    output_stride: usize,
}

impl Target<'_> {
    /// The same from another row on.
    fn at_row(&mut self, row: usize) -> Target<'_> {
        Target {
            row_scales: &self.row_scales[row..],
            strip: self.strip,
            output: &mut self.output[row * self.output_stride..],
            output_stride: self.output_stride,
        }
    }
}

/// Sums of this many rows with one strip.
type Sums<const ROWS: usize> = [[__m256i; HALVES]; ROWS];
/// The same in binary64, two vectors for each one of integers.
type WideSums<const ROWS: usize> = [[[__m256d; 2]; HALVES]; ROWS];

#[target_feature(enable = "avx2")]
pub(super) fn multiply(a: &Rows, b: Second<'_>, products: Products<'_>) {
    let (range, columns, stride) = (products.rows, products.columns, a.stride);
    let segments = a.segments();
    let row_norms = norms_of_tiles(a, &range, TILE_ROWS);
    let (mut column_norms, mut bounds) = (vec![0.0; segments], vec![0.0; segments]);
    for column in columns.clone().step_by(STRIP) {
        let first = column / STRIP;
        greatest(&b.norms[first * segments..(first + 1) * segments], &mut column_norms);
        let strip = strip(&b, products.bias, column, columns.end);
        let integers = column * stride..(column + STRIP) * stride;
        for (tile, row) in range.clone().step_by(TILE_ROWS).enumerate() {
            let rows = (range.end - row).min(TILE_ROWS);
            for (bound, (row, column)) in bounds
                .iter_mut()
                .zip(row_norms[tile * segments..].iter().zip(&column_norms))
            {
                *bound = row * column;
            }
            let target = Target {
                row_scales: &a.scales[row..row + rows],
                strip: &strip,
                output: &mut products.output[(row - range.start) * products.stride + column - columns.start..],
                output_stride: products.stride,
            };
            let mut operands = Operands {
                rows: a.words[row * stride..(row + rows) * stride].as_ptr(),
                stride,
                bytes: std::ptr::null(),
                words: std::ptr::null(),
            };
            match a.kind {
                Kind::Int16 => operands.words = b.words[integers.clone()].as_ptr(),
                Kind::Int8 | Kind::Halves => operands.bytes = b.bytes[integers.clone()].as_ptr(),
            }
            // SAFETY: `rows` rows and one strip were sliced for the pointers.
            unsafe { tile_of(a.kind, rows, operands, target, &bounds) }
        }
    }
}

/// Parts of the strip that begins with this column.
fn strip(b: &Second<'_>, bias: Option<&[f32]>, column: usize, end: usize) -> Strip {
    let columns = (end - column).min(STRIP);
    let mut strip = Strip {
        scales: [1.0; STRIP],
        bias: [0.0; STRIP],
        columns,
    };
    strip.scales.copy_from_slice(&b.scales[column..column + STRIP]);
    if let Some(bias) = bias {
        strip.bias[..columns].copy_from_slice(&bias[column..column + columns]);
    }
    strip
}

/// Calls the function for a tile of this many rows, of those listed.
macro_rules! by_rows {
    ($rows:expr, $function:ident $arguments:tt, $($count:literal)*) => {
        match $rows {
            $($count => $function::<$count> $arguments,)*
            _ => {}
        }
    };
}

/// # Safety
///
/// The operands have at least `rows` rows and one strip, with the integers that the kind multiplies.
#[target_feature(enable = "avx2")]
unsafe fn tile_of(kind: Kind, rows: usize, operands: Operands, mut target: Target<'_>, bounds: &[f32]) {
    // SAFETY: of the caller.
    unsafe {
        match kind {
            Kind::Int8 => by_rows!(rows, by_bytes(operands, target, usize::MAX), 1 2 3 4 5 6),
            Kind::Halves => by_rows!(rows, by_bytes(operands, target, BLOCK_PAIRS), 1 2 3 4 5 6),
            Kind::Int16 if bounds.iter().all(|bound| *bound < SAFE) => {
                by_rows!(rows, by_words(operands, target, bounds), 1 2 3 4 5 6);
            }
            Kind::Int16 => {
                for first in (0..rows).step_by(WIDE_ROWS) {
                    let (operands, target) = (operands.at_row(first), target.at_row(first));
                    by_rows!((rows - first).min(WIDE_ROWS), by_great_words(operands, target), 1 2);
                }
            }
        }
    }
}

/// Products with bytes. The sums of this many pairs fit 32 bits.
///
/// # Safety
///
/// The operands have at least `ROWS` rows and one strip of bytes.
#[target_feature(enable = "avx2")]
unsafe fn by_bytes<const ROWS: usize>(operands: Operands, target: Target<'_>, safe_pairs: usize) {
    let pairs = operands.stride / 2;
    if pairs <= safe_pairs {
        // SAFETY: of the caller.
        let sums = unsafe { sums_by_bytes::<ROWS>(operands, 0..pairs) };
        finish(numbers_of(sums), target);
        return;
    }
    let mut totals = [[[_mm256_setzero_pd(); 2]; HALVES]; ROWS];
    for start in (0..pairs).step_by(safe_pairs) {
        // SAFETY: of the caller.
        let sums = unsafe { sums_by_bytes::<ROWS>(operands, start..pairs.min(start + safe_pairs)) };
        add_to(&mut totals, sums);
    }
    finish(rounded(totals), target);
}

/// Products with words, where the sums of every segment are below these bounds, which 32 bits hold.
///
/// # Safety
///
/// The operands have at least `ROWS` rows and one strip of words.
#[target_feature(enable = "avx2")]
unsafe fn by_words<const ROWS: usize>(operands: Operands, target: Target<'_>, bounds: &[f32]) {
    let pairs = operands.stride / 2;
    let mut totals = [[[_mm256_setzero_pd(); 2]; HALVES]; ROWS];
    let mut first = 0;
    while first < bounds.len() {
        let end = first + safe_together(&bounds[first..]);
        let range = first * SEGMENT_PAIRS..pairs.min(end * SEGMENT_PAIRS);
        // SAFETY: of the caller.
        let sums = unsafe { sums_by_words::<ROWS>(operands, range) };
        if end - first == bounds.len() {
            finish(numbers_of(sums), target);
            return;
        }
        add_to(&mut totals, sums);
        first = end;
    }
    finish(rounded(totals), target);
}

/// Products with words of any size.
///
/// # Safety
///
/// The operands have at least `ROWS` rows and one strip of words.
#[target_feature(enable = "avx2")]
unsafe fn by_great_words<const ROWS: usize>(operands: Operands, target: Target<'_>) {
    let pairs = operands.stride / 2;
    let mut low = [[_mm256_setzero_si256(); HALVES]; ROWS];
    let mut high = [[_mm256_setzero_si256(); HALVES]; ROWS];
    for start in (0..pairs).step_by(SAFE_PAIRS) {
        // SAFETY: of the caller.
        let sums = unsafe { sums_by_words::<ROWS>(operands, start..pairs.min(start + SAFE_PAIRS)) };
        for row in 0..ROWS {
            for half in 0..HALVES {
                low[row][half] = _mm256_add_epi32(low[row][half], sums[row][half]);
                high[row][half] = _mm256_add_epi32(high[row][half], _mm256_srai_epi32::<16>(sums[row][half]));
            }
        }
    }
    let factor = _mm256_set1_pd(65536.0);
    let mut totals = [[[_mm256_setzero_pd(); 2]; HALVES]; ROWS];
    for row in 0..ROWS {
        for half in 0..HALVES {
            let (low, high) = (low[row][half], high[row][half]);
            let rest = widen(_mm256_sub_epi32(low, _mm256_slli_epi32::<16>(high)));
            for (total, (high, rest)) in totals[row][half].iter_mut().zip(widen(high).into_iter().zip(rest)) {
                *total = _mm256_add_pd(_mm256_mul_pd(high, factor), rest);
            }
        }
    }
    finish(rounded(totals), target);
}

/// The sums of the products of these pairs, modulo 2^32.
///
/// # Safety
///
/// The operands have at least `ROWS` rows and one strip of bytes, and these pairs.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn sums_by_bytes<const ROWS: usize>(operands: Operands, pairs: Range<usize>) -> Sums<ROWS> {
    let mut sums = [[_mm256_setzero_si256(); HALVES]; ROWS];
    // SAFETY: the caller answers for these pairs of these rows and the strip, and the loop reads no others.
    unsafe {
        let rows = rows_of::<ROWS>(operands);
        for pair in pairs {
            let from = operands.bytes.add(pair * STRIP_PAIRS);
            let b = [from, from.add(STRIP)].map(|from| _mm256_cvtepi8_epi16(_mm_loadu_si128(from.cast())));
            for row in 0..ROWS {
                let a = _mm256_set1_epi32(rows[row].add(pair).read_unaligned());
                for half in 0..HALVES {
                    sums[row][half] = _mm256_add_epi32(sums[row][half], _mm256_madd_epi16(b[half], a));
                }
            }
        }
    }
    sums
}

/// The sums of the products of these pairs, modulo 2^32.
///
/// # Safety
///
/// The operands have at least `ROWS` rows and one strip of words, and these pairs.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn sums_by_words<const ROWS: usize>(operands: Operands, pairs: Range<usize>) -> Sums<ROWS> {
    let mut sums = [[_mm256_setzero_si256(); HALVES]; ROWS];
    // SAFETY: the caller answers for these pairs of these rows and the strip, and the loop reads no others.
    unsafe {
        let rows = rows_of::<ROWS>(operands);
        for pair in pairs {
            let from = operands.words.add(pair * STRIP_PAIRS);
            let b = [from, from.add(STRIP)].map(|from| _mm256_loadu_si256(from.cast()));
            for row in 0..ROWS {
                let a = _mm256_set1_epi32(rows[row].add(pair).read_unaligned());
                for half in 0..HALVES {
                    sums[row][half] = _mm256_add_epi32(sums[row][half], _mm256_madd_epi16(b[half], a));
                }
            }
        }
    }
    sums
}

/// Where the pairs of rows begin.
///
/// # Safety
///
/// There are as many rows.
#[inline]
unsafe fn rows_of<const ROWS: usize>(operands: Operands) -> [*const i32; ROWS] {
    // SAFETY: of the caller.
    std::array::from_fn(|row| unsafe { operands.rows.add(row * operands.stride).cast() })
}

/// The same numbers in binary64.
#[target_feature(enable = "avx2")]
#[inline]
fn widen(x: __m256i) -> [__m256d; 2] {
    [
        _mm256_cvtepi32_pd(_mm256_castsi256_si128(x)),
        _mm256_cvtepi32_pd(_mm256_extracti128_si256::<1>(x)),
    ]
}

#[target_feature(enable = "avx2")]
#[inline]
fn add_to<const ROWS: usize>(totals: &mut WideSums<ROWS>, sums: Sums<ROWS>) {
    for (total, sum) in totals.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
        for (total, sum) in total.iter_mut().zip(widen(*sum)) {
            *total = _mm256_add_pd(*total, sum);
        }
    }
}

/// One rounding to binary32.
#[target_feature(enable = "avx2")]
#[inline]
fn numbers_of<const ROWS: usize>(sums: Sums<ROWS>) -> [[__m256; HALVES]; ROWS] {
    let mut numbers = [[_mm256_setzero_ps(); HALVES]; ROWS];
    for row in 0..ROWS {
        for half in 0..HALVES {
            numbers[row][half] = _mm256_cvtepi32_ps(sums[row][half]);
        }
    }
    numbers
}

/// One rounding to binary32.
#[target_feature(enable = "avx2")]
#[inline]
fn rounded<const ROWS: usize>(totals: WideSums<ROWS>) -> [[__m256; HALVES]; ROWS] {
    let mut numbers = [[_mm256_setzero_ps(); HALVES]; ROWS];
    for row in 0..ROWS {
        for half in 0..HALVES {
            let [low, high] = totals[row][half];
            numbers[row][half] = _mm256_set_m128(_mm256_cvtpd_ps(high), _mm256_cvtpd_ps(low));
        }
    }
    numbers
}

/// Multiplies the rounded sums with the scales, adds the bias, and writes canonical numbers.
#[target_feature(enable = "avx2")]
#[inline]
fn finish<const ROWS: usize>(sums: [[__m256; HALVES]; ROWS], target: Target<'_>) {
    let nan = _mm256_set1_ps(f32::from_bits(NAN_BITS));
    let Strip { scales, bias, columns } = target.strip;
    let outputs = target.output.chunks_mut(target.output_stride);
    for ((sums, output), row_scale) in sums.into_iter().zip(outputs).zip(target.row_scales) {
        let row_scale = _mm256_set1_ps(*row_scale);
        let mut numbers = [0.0f32; STRIP];
        let whole = output.first_chunk_mut::<STRIP>().filter(|_| *columns == STRIP);
        let is_whole = whole.is_some();
        let place = whole.unwrap_or(&mut numbers);
        let places = place.as_chunks_mut::<LANES>().0.iter_mut();
        let factors = scales.as_chunks::<LANES>().0.iter().zip(bias.as_chunks::<LANES>().0);
        for ((sum, place), (scales, bias)) in sums.into_iter().zip(places).zip(factors) {
            // SAFETY: there are eight numbers of each, which need no alignment.
            unsafe {
                let scale = _mm256_mul_ps(row_scale, _mm256_loadu_ps(scales.as_ptr()));
                // Adding a bias that is canonical, or a zero, makes one zero of both.
                let number = _mm256_add_ps(_mm256_mul_ps(sum, scale), _mm256_loadu_ps(bias.as_ptr()));
                let odd = _mm256_cmp_ps::<_CMP_UNORD_Q>(number, number);
                _mm256_storeu_ps(place.as_mut_ptr(), _mm256_blendv_ps(number, nan, odd));
            }
        }
        if !is_whole {
            output[..*columns].copy_from_slice(&numbers[..*columns]);
        }
    }
}
