//! Exact products of quantised rows: `y[i, j] = f32(Σ_k a[i, k]·b[j, k]) · (sa[i]·sb[j])`, and `+ bias[j]`.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod bounds;
mod grouped;
mod portable;
#[cfg(target_arch = "x86_64")]
mod strips;
#[cfg(all(target_arch = "x86_64", any(target_os = "linux", test)))]
mod tiles;

#[cfg(target_arch = "x86_64")]
pub(crate) use strips::has_tiles;

use crate::{
    packed::{Layout, Packed, STRIP},
    rows::{Kind, Matrix, Rows, Scaling},
    scratch::Scratch,
    threads::Threads,
};
use assay_exact::quantise::Precision;
use std::ops::Range;

/// Rows that one thread takes at a time: their integers and their sums stay in the caches.
const ROWS_AT_ONCE: usize = 96;
/// From this many rows on, threads share out rows; below, columns.
pub(crate) const FEWEST_ROWS_TO_SHARE: usize = 24;
/// Fewer products than this are made before another thread has begun.
pub(crate) const FEWEST_PRODUCTS_TO_SHARE: usize = 1 << 18;
/// Strips that one thread takes at a time where columns are shared out.
const STRIPS_AT_ONCE: usize = 8;

/// Products of some rows with some columns, written to rows that begin `stride` after one another.
pub(crate) struct Products<'a> {
    /// Which rows of the first operand.
    pub rows: Range<usize>,
    /// Which rows of the second operand; they begin with a whole strip.
    pub columns: Range<usize>,
    /// One number for each row of the second operand.
    pub bias: Option<&'a [f32]>,
    /// The first element is that of the first row and the first column.
    pub output: &'a mut [f32],
    /// From a row of the output to the next.
    pub stride: usize,
}

impl Products<'_> {
    fn check(&self, a: &Rows, b: &Packed) {
        assert!(
            a.kind.second() == b.kind() && a.length == b.length && a.instructions == b.instructions,
            "operands do not fit"
        );
        assert!(
            b.group().is_none_or(|group| a.group == group),
            "rows without the sums of their groups"
        );
        assert!(
            self.rows.end <= a.count && self.columns.end <= b.columns,
            "no such rows"
        );
        assert!(self.columns.start.is_multiple_of(STRIP), "columns begin within a strip");
        assert!(
            self.bias.is_none_or(|bias| bias.len() == b.columns),
            "one bias for each column"
        );
        let (rows, columns) = (self.rows.len(), self.columns.len());
        assert!(
            rows == 0 || (rows - 1) * self.stride + columns <= self.output.len(),
            "no place for the products"
        );
    }
}

/// Multiplies on the calling thread.
pub(crate) fn multiply_part(a: &Rows, b: &Packed, products: Products<'_>) {
    products.check(a, b);
    if products.rows.is_empty() || products.columns.is_empty() {
        return;
    }
    match &b.layout {
        Layout::Rows(rows) => portable::multiply(a, b, rows, products),
        Layout::Grouped(grouped) => grouped::multiply(a, b, grouped, products),
        #[cfg(target_arch = "x86_64")]
        Layout::Pairs { bytes, words, norms } => {
            let second = avx2::Second {
                bytes,
                words,
                norms,
                scales: &b.scales,
            };
            // SAFETY: pairs are laid out, and the operands agree, only where the processor has these instructions.
            unsafe { avx2::multiply(a, second, products) }
        }
        #[cfg(target_arch = "x86_64")]
        Layout::Strips(layout) => strips::multiply(a, layout, &b.scales, products),
    }
}

/// Multiplies quantised rows on the calling thread. `output` is `[rows, columns]`, its rows `stride` apart.
///
/// # Panics
///
/// If the operands are not of one length and precision, the rows were not quantised for a second operand in groups, or
/// the output or the bias are not as large as they say.
pub fn multiply(a: &Rows, b: &Packed, bias: Option<&[f32]>, output: &mut [f32], stride: usize) {
    let products = Products {
        rows: 0..a.count(),
        columns: 0..b.columns(),
        bias,
        output,
        stride,
    };
    multiply_part(a, b, products);
}

/// A whole linear layer, on several threads: quantises the rows of the input, multiplies them with those of a weight of
/// the kind that goes with them, and calls `finish` with every piece of the output, which is a whole number of rows, or
/// a part of one.
///
/// # Panics
///
/// If the operands are not of one length or do not go together, or the output or the bias are not as large as they say.
pub fn linear(
    threads: &Threads,
    scratch: &Scratch,
    (input, kind): (Matrix<'_>, Kind),
    weight: &Packed,
    bias: Option<&[f32]>,
    output: &mut [f32],
    finish: impl Fn(&mut [f32]) + Sync,
) {
    let (rows, columns) = (input.rows(), weight.columns());
    assert_eq!(output.len(), rows * columns, "no place for the products");
    if rows == 0 || columns == 0 {
        return;
    }
    let worth = rows * columns * input.length() >= FEWEST_PRODUCTS_TO_SHARE;
    if rows >= FEWEST_ROWS_TO_SHARE || threads.count() == 1 || !worth {
        let at_once = rows_at_once(rows, threads.count());
        let parts = output.chunks_mut(at_once * columns).enumerate();
        threads.share_if(worth, parts, |thread, (part, output)| {
            let start = part * at_once;
            let mut scratch = scratch.of(thread);
            let input = input.part(start, start + output.len() / columns);
            scratch.rows.quantise_for(weight, input, kind);
            multiply(&scratch.rows, weight, bias, output, columns);
            finish(output);
        });
        return;
    }
    // Few rows: the weight is what takes time to read, so each thread reads a part of it.
    let mut whole = scratch.whole();
    let whole = &mut *whole;
    whole.rows.quantise_for(weight, input, kind);
    let a = &whole.rows;
    let part_columns = STRIP * STRIPS_AT_ONCE;
    whole.numbers.set_length(rows * columns);
    let parts = whole.numbers.chunks_mut(rows * part_columns).enumerate();
    threads.share(parts, |_, (part, output)| {
        let width = output.len() / rows;
        let start = part * part_columns;
        let products = Products {
            rows: 0..rows,
            columns: start..start + width,
            bias,
            output,
            stride: width,
        };
        multiply_part(a, weight, products);
        finish(output);
    });
    for (part, products) in whole.numbers.chunks(rows * part_columns).enumerate() {
        let width = products.len() / rows;
        for (row, products) in products.chunks(width).enumerate() {
            let start = row * columns + part * part_columns;
            output[start..start + width].copy_from_slice(products);
        }
    }
}

/// Products of matrices with matrices, on several threads: `[M, K]` and `[N, K]` for each `[M, N]` of the output.
///
/// # Panics
///
/// If the matrices of one side are not all of one size, or do not fit the other side or the output.
pub fn batched<'a>(
    threads: &Threads,
    scratch: &Scratch,
    precision: Precision,
    a: impl Fn(usize) -> Matrix<'a> + Sync,
    b: impl Fn(usize) -> Matrix<'a> + Sync,
    output: &mut [f32],
) {
    if output.is_empty() {
        return;
    }
    let (first, second) = (Kind::of_first(precision), Kind::of_second(precision.right()));
    let (rows, columns) = (a(0).rows(), b(0).rows());
    let batch = output.len() / (rows * columns);
    assert_eq!(output.len(), batch * rows * columns, "no place for the products");
    let outputs = output.chunks_mut(rows * columns).enumerate();
    if batch < threads.count() {
        // Too few to share out: all threads work on one after the other.
        for (index, output) in outputs {
            let mut memory = scratch.whole_second();
            let (rows, packed) = &mut *memory;
            rows.quantise(b(index), second, Scaling::ByRow);
            packed.replace(rows);
            linear(threads, scratch, (a(index), first), packed, None, output, |_| {});
        }
        return;
    }
    threads.share(outputs, |thread, (index, output)| {
        let scratch = &mut *scratch.of(thread);
        scratch.second.quantise(b(index), second, Scaling::ByRow);
        scratch.packed.replace(&scratch.second);
        let a = a(index);
        for (part, output) in output.chunks_mut(ROWS_AT_ONCE * columns).enumerate() {
            let start = part * ROWS_AT_ONCE;
            scratch
                .rows
                .quantise(a.part(start, rows.min(start + ROWS_AT_ONCE)), first, Scaling::ByRow);
            multiply(&scratch.rows, &scratch.packed, None, output, columns);
        }
    });
}

/// Sums of columns of values, weighted: for each `[M, D]` of the output weights `[M, T]`, values `[D, T]` and a scale
/// for each of the `T`. The integers of the values are `values[d, t] / scales[t]`; the weights are multiplied with the
/// scales and then quantised.
///
/// # Panics
///
/// If the operands or the output do not fit.
pub fn weighted_sums<'a>(
    threads: &Threads,
    scratch: &Scratch,
    precision: Precision,
    weights: impl Fn(usize) -> Matrix<'a> + Sync,
    values: impl Fn(usize) -> Matrix<'a> + Sync,
    scales: impl Fn(usize) -> &'a [f32] + Sync,
    output: &mut [f32],
) {
    if output.is_empty() {
        return;
    }
    let (first, second) = (Kind::of_first(precision), Kind::of_second(precision.right()));
    let (rows, columns) = (weights(0).rows(), values(0).rows());
    assert!(output.len().is_multiple_of(rows * columns), "no place for the sums");
    threads.share(
        output.chunks_mut(rows * columns).enumerate(),
        |thread, (index, output)| {
            let scratch = &mut *scratch.of(thread);
            let (weights, scales) = (weights(index), scales(index));
            scratch
                .second
                .quantise(values(index), second, Scaling::ByColumn(scales));
            scratch.packed.replace(&scratch.second);
            for (part, output) in output.chunks_mut(ROWS_AT_ONCE * columns).enumerate() {
                let start = part * ROWS_AT_ONCE;
                let weights = weights.part(start, rows.min(start + ROWS_AT_ONCE));
                scratch.rows.quantise(weights, first, Scaling::ByRowAfter(scales));
                multiply(&scratch.rows, &scratch.packed, None, output, columns);
            }
        },
    );
}

/// Rows of a part, chosen so that every thread gets at least two equal parts. Parts that are no whole number of tiles
/// cost less than a thread that waits.
pub(crate) fn rows_at_once(rows: usize, threads: usize) -> usize {
    let parts_each = rows.div_ceil(threads * ROWS_AT_ONCE).max(2);
    rows.div_ceil(threads * parts_each).max(1)
}
