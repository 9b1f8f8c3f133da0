//! Operators that take a row apart and put another in its place: softmax and normalisations over the last dimension.
//!
//! Each step is one binary32 operation, and sums and means are those of [`assay_exact::reduce`]:
//!
//! ```text
//! softmax      e[i] = exp(x[i] − max x),  y[i] = e[i] / sum e, and 0 where max x = −∞
//! log_softmax  y[i] = (x[i] − max x) − log(sum e)
//! layer_norm   c[i] = x[i] − mean x,  y[i] = c[i] / sqrt(mean c² + eps),  × weight[i],  + bias[i]
//! rms_norm     y[i] = x[i] / sqrt(mean x² + eps),  × weight[i]
//! ```

use crate::{
    functions,
    instructions::{Instructions, with_vectors},
    reduce::{self, mean, sum, sum_below},
    vector::{INFINITY_BITS, Lanes, NAN_BITS, Scalar, Vector},
};

/// Rows that are worked on together: each pass goes over all of them, so that it need not wait for what the one before
/// gave for a row.
pub(crate) const ROWS_AT_ONCE: usize = 16;
/// Fewer, if they have more numbers than this together, so that these stay in the nearest cache.
const NUMBERS_AT_ONCE: usize = 4096;

/// Number of rows of this length that are worked on together.
pub(crate) fn rows_at_once(length: usize) -> usize {
    (NUMBERS_AT_ONCE / length).clamp(1, ROWS_AT_ONCE)
}

/// Replaces each row of `length` elements by its softmax.
pub fn softmax(instructions: Instructions, rows: &mut [f32], length: usize) {
    #[inline(always)]
    fn all<V: Vector>(rows: &mut [f32], length: usize) {
        for rows in rows.chunks_mut(rows_at_once(length) * length) {
            let mut totals = [0.0; ROWS_AT_ONCE];
            let totals = &mut totals[..rows.len() / length];
            for (row, greatest) in rows.chunks_exact(length).zip(&mut *totals) {
                *greatest = reduce::greatest::<V>(row);
            }
            exponentials_of::<V>(rows, length, totals);
            for (row, total) in rows.chunks_exact_mut(length).zip(totals) {
                let total = V::splat(*total);
                for e in row.chunks_mut(V::LANES) {
                    (V::read(e, 0.0) / total).canonical().write(e);
                }
            }
        }
    }
    with_vectors!(instructions, all(rows: &mut [f32], length: usize));
}

/// Multiplies each number of a row with `factor` and adds another one to it; returns the greatest, NaN if there is one.
/// Which zero and which NaN a number becomes makes no difference to its exponential.
///
/// # Panics
///
/// If there are not as many others.
pub(crate) fn greatest_after(instructions: Instructions, row: &mut [f32], factor: f32, others: Option<&[f32]>) -> f32 {
    assert!(
        others.is_none_or(|others| others.len() == row.len()),
        "operands do not fit"
    );
    #[inline(always)]
    fn all<V: Vector>(row: &mut [f32], factor: f32, others: Option<&[f32]>) -> f32 {
        let factor = V::splat(factor);
        let (mut magnitude, mut greatest) = (V::splat(0.0), V::splat(f32::NEG_INFINITY));
        for (index, x) in row.chunks_mut(V::LANES).enumerate() {
            let mut y = V::read(x, 0.0) * factor;
            if let Some(others) = others {
                y = y + V::read(&others[index * V::LANES..], 0.0);
            }
            y.write(x);
            if x.len() < V::LANES {
                // Again, since what a last vector lacks is no number of the row.
                y = V::read(x, f32::NEG_INFINITY);
                magnitude = magnitude.greater_magnitude(V::read(x, 0.0));
            } else {
                magnitude = magnitude.greater_magnitude(y);
            }
            greatest = greatest.maximum(y);
        }
        if magnitude.greatest_bits() > INFINITY_BITS {
            f32::from_bits(NAN_BITS)
        } else {
            greatest.greatest()
        }
    }
    with_vectors!(instructions, all(row: &mut [f32], factor: f32, others: Option<&[f32]>) -> f32)
}

/// Replaces each number of rows by the exponential that its softmax divides, and the greatest number of each row, in
/// `totals`, by what softmax divides by. Where the greatest is −∞, all become 0; where it is another number that is not
/// finite, all become NaN.
///
/// # Panics
///
/// If there are not as many rows.
pub(crate) fn exponentials(instructions: Instructions, rows: &mut [f32], length: usize, totals: &mut [f32]) {
    assert_eq!(rows.len(), totals.len() * length, "rows do not fit");
    #[inline(always)]
    fn all<V: Vector>(rows: &mut [f32], length: usize, totals: &mut [f32]) {
        exponentials_of::<V>(rows, length, totals);
    }
    with_vectors!(instructions, all(rows: &mut [f32], length: usize, totals: &mut [f32]));
}

#[inline(always)]
fn exponentials_of<V: Vector>(rows: &mut [f32], length: usize, totals: &mut [f32]) {
    for (row, max) in rows.chunks_exact_mut(length).zip(&*totals) {
        if !max.is_finite() {
            // Nothing counts; or there is a NaN in it, or the difference of an infinity with itself.
            let nothing = *max == f32::NEG_INFINITY;
            row.fill(if nothing { 0.0 } else { f32::from_bits(NAN_BITS) });
            continue;
        }
        let mut several = row.chunks_exact_mut(V::Several::LANES);
        for x in several.by_ref() {
            exp_of_difference::<V::Several>(x, *max);
        }
        for x in several.into_remainder().chunks_mut(V::LANES) {
            exp_of_difference::<V>(x, *max);
        }
    }
    for (row, total) in rows.chunks_exact(length).zip(totals) {
        // The greatest is that of the greatest number less itself, 1.
        *total = if total.is_finite() {
            sum_below::<V, false>(row, 1f32.to_bits())
        } else {
            1.0
        };
    }
}

/// Replaces each `x` by `exp(x − max)`.
#[inline(always)]
fn exp_of_difference<L: Lanes>(x: &mut [f32], max: f32) {
    functions::exp(L::read(x, 0.0) - L::splat(max)).write(x);
}

/// Replaces each row of `length` elements by the logarithms of its softmax.
pub fn log_softmax(instructions: Instructions, rows: &mut [f32], length: usize) {
    #[inline(always)]
    fn all<V: Vector>(rows: &mut [f32], length: usize) {
        let mut scratch = vec![0.0; length];
        for row in rows.chunks_exact_mut(length) {
            let max = V::splat(reduce::greatest::<V>(row));
            for (x, e) in row.chunks(V::LANES).zip(scratch.chunks_mut(V::LANES)) {
                functions::exp(V::read(x, 0.0) - max).write(e);
            }
            let total = functions::log(Scalar::splat(sum::<V, false>(&scratch))).greatest();
            let total = V::splat(total);
            for x in row.chunks_mut(V::LANES) {
                ((V::read(x, 0.0) - max) - total).canonical().write(x);
            }
        }
    }
    with_vectors!(instructions, all(rows: &mut [f32], length: usize));
}

/// Replaces each row by its layer normalisation; a row is as long as `weight` and `bias`, if they are there.
///
/// # Panics
///
/// If weight or bias are not as long as a row.
pub fn layer_norm(
    instructions: Instructions,
    rows: &mut [f32],
    length: usize,
    eps: f32,
    weight: Option<&[f32]>,
    bias: Option<&[f32]>,
) {
    assert!(
        weight.is_none_or(|weight| weight.len() == length),
        "one weight for each element"
    );
    assert!(
        bias.is_none_or(|bias| bias.len() == length),
        "one bias for each element"
    );
    #[inline(always)]
    fn all<V: Vector>(rows: &mut [f32], length: usize, eps: f32, weight: Option<&[f32]>, bias: Option<&[f32]>) {
        for rows in rows.chunks_mut(rows_at_once(length) * length) {
            let count = rows.len() / length;
            let (mut bits, mut numbers) = ([0; ROWS_AT_ONCE], [0.0; ROWS_AT_ONCE]);
            let (bits, numbers) = (&mut bits[..count], &mut numbers[..count]);
            for (row, bits) in rows.chunks_exact(length).zip(&mut *bits) {
                *bits = reduce::greatest_bits::<V>(row);
            }
            for ((row, bits), mean) in rows.chunks_exact(length).zip(&*bits).zip(&mut *numbers) {
                *mean = sum_below::<V, false>(row, *bits) / length as f32;
            }
            for ((row, bits), mean) in rows.chunks_exact_mut(length).zip(&mut *bits).zip(&*numbers) {
                let centre = V::splat(*mean);
                let mut greatest = V::splat(0.0);
                for x in row.chunks_mut(V::LANES) {
                    let centred = V::read(x, *mean) - centre;
                    greatest = greatest.greater_magnitude(centred);
                    centred.write(x);
                }
                *bits = greatest.greatest_bits();
            }
            for ((row, bits), divisor) in rows.chunks_exact(length).zip(&*bits).zip(&mut *numbers) {
                *divisor = (sum_below::<V, true>(row, *bits) / length as f32 + eps).sqrt();
            }
            for (row, divisor) in rows.chunks_exact_mut(length).zip(&*numbers) {
                divide::<V>(row, *divisor, weight, bias);
            }
        }
    }
    with_vectors!(
        instructions,
        all(rows: &mut [f32], length: usize, eps: f32, weight: Option<&[f32]>, bias: Option<&[f32]>)
    );
}

/// Replaces each row by its normalisation by the root of its mean square; a row is as long as `weight`, if it is there.
///
/// # Panics
///
/// If the weight is not as long as a row.
pub fn rms_norm(instructions: Instructions, rows: &mut [f32], length: usize, eps: f32, weight: Option<&[f32]>) {
    assert!(
        weight.is_none_or(|weight| weight.len() == length),
        "one weight for each element"
    );
    #[inline(always)]
    fn all<V: Vector>(rows: &mut [f32], length: usize, eps: f32, weight: Option<&[f32]>) {
        for row in rows.chunks_exact_mut(length) {
            divide::<V>(row, (mean::<V, true>(row) + eps).sqrt(), weight, None);
        }
    }
    with_vectors!(instructions, all(rows: &mut [f32], length: usize, eps: f32, weight: Option<&[f32]>));
}

/// `row[i] / divisor`, × `weight[i]`, + `bias[i]`.
#[inline(always)]
fn divide<V: Vector>(row: &mut [f32], divisor: f32, weight: Option<&[f32]>, bias: Option<&[f32]>) {
    let divisor = V::splat(divisor);
    for (index, x) in row.chunks_mut(V::LANES).enumerate() {
        let start = index * V::LANES;
        let mut y = V::read(x, 0.0) / divisor;
        if let Some(weight) = weight {
            y = y * V::read(&weight[start..], 0.0);
        }
        if let Some(bias) = bias {
            y = y + V::read(&bias[start..], 0.0);
        }
        y.canonical().write(x);
    }
}
