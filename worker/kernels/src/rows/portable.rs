//! Quantisation in plain code.

use super::{Matrix, Rows, Scaling, scale};
use crate::vector::MAGNITUDE_MASK;

pub(super) fn quantise(rows: &mut Rows, from: Matrix<'_>, scaling: Scaling<'_>) {
    let limit = rows.kind.greatest();
    let integer = |quotient: f32| (quotient.round_ties_even() as i32).clamp(-limit, limit) as i16;
    for (index, words) in rows.words.chunks_exact_mut(rows.stride).enumerate() {
        let row = from.row(index);
        let (words, padding) = words.split_at_mut(row.len());
        padding.fill(0);
        rows.scales[index] = match scaling {
            Scaling::ByRow => {
                let scale = scale(greatest_bits(row.iter().copied()), limit as f32);
                for (x, q) in row.iter().zip(words) {
                    // Where the scale is NaN, so is the quotient, and as an integer it is 0.
                    *q = integer(x / scale);
                }
                scale
            }
            Scaling::ByRowAfter(factors) => {
                let products = || row.iter().zip(factors).map(|(x, factor)| x * factor);
                let scale = scale(greatest_bits(products()), limit as f32);
                for (x, q) in products().zip(words) {
                    *q = integer(x / scale);
                }
                scale
            }
            Scaling::Shares { totals, factors } => {
                let products = || row.iter().zip(factors).map(|(x, factor)| x / totals[index] * factor);
                let scale = scale(greatest_bits(products()), limit as f32);
                for (x, q) in products().zip(words) {
                    *q = integer(x / scale);
                }
                scale
            }
            Scaling::ByColumn(scales) => {
                for ((x, scale), q) in row.iter().zip(scales).zip(words) {
                    // A NaN may also come of the element alone, which then has no scale either.
                    *q = integer(x / scale);
                }
                1.0
            }
        };
    }
}

fn greatest_bits(row: impl Iterator<Item = f32>) -> u32 {
    row.fold(0, |greatest, x| greatest.max(x.to_bits() & MAGNITUDE_MASK))
}
