//! Products in plain code.

use super::Products;
use crate::{
    packed::Packed,
    rows::{Kind, Rows},
    vector::canonical,
};

/// Products of two integers of Int16 that 32 bits hold the sum of.
const SAFE: usize = 4;
/// The same of one integer of Int16 and one of Int8, which may be −128.
const SAFE_BY_BYTES: usize = 1024;

pub(super) fn multiply(a: &Rows, b: &Packed, rows: &Rows, products: Products<'_>) {
    let Products {
        rows: range,
        columns,
        bias,
        output,
        stride,
    } = products;
    for (i, output) in range.zip(output.chunks_mut(stride)) {
        let row = &a.words[i * a.stride..][..a.stride];
        for (j, y) in columns.clone().zip(output) {
            let column = &rows.words[j * rows.stride..][..rows.stride];
            let sum = match a.kind {
                // At most 16384 · 127 · 128.
                Kind::Int8 => products_of(row, column).sum::<i32>() as f32,
                Kind::Int16 => wide_sum::<SAFE>(row, column) as f32,
                Kind::Halves => wide_sum::<SAFE_BY_BYTES>(row, column) as f32,
            };
            let product = sum * (a.scales[i] * b.scales[j]);
            *y = canonical(match bias {
                Some(bias) => product + bias[j],
                None => product,
            });
        }
    }
}

fn products_of(row: &[i16], column: &[i16]) -> impl Iterator<Item = i32> {
    row.iter().zip(column).map(|(a, b)| i32::from(*a) * i32::from(*b))
}

fn wide_sum<const AT_ONCE: usize>(row: &[i16], column: &[i16]) -> i64 {
    let groups = row.chunks(AT_ONCE).zip(column.chunks(AT_ONCE));
    groups
        .map(|(row, column)| i64::from(products_of(row, column).sum::<i32>()))
        .sum()
}
