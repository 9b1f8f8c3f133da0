//! Products with weights of small integers in groups: `Σ_g (M_g · Σ a·q + Z_g · Σ a)`, exact, and rounded once.
//!
//! The sum of a group's products fits 32 bits, and so does that of its elements. Their products with the multiplier and
//! the offset are added in 64 bits here, and in binary64 by vectors: every partial sum is an integer below `2^51`.

use super::Products;
use crate::{
    instructions::Set,
    packed::{Grouped, HEAD, Packed, QUAD, STRIP},
    rows::Rows,
    vector::canonical,
};
use assay_exact::quantise::GroupedBits;

/// Multiplies with the instructions that the first operand was made for.
pub(super) fn multiply(a: &Rows, b: &Packed, grouped: &Grouped, products: Products<'_>) {
    match a.instructions.0 {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the sets are made only where the processor has said that it has these instructions.
        Set::Amx | Set::Avx512 => unsafe { super::avx512::multiply_grouped(a, grouped, &b.scales, products) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Set::Avx2 => unsafe { super::avx2::multiply_grouped(a, grouped, &b.scales, products) },
        #[cfg(all(test, target_arch = "x86_64"))]
        Set::EmulatedTiles => in_plain_code(a, b, grouped, products),
        Set::Portable => in_plain_code(a, b, grouped, products),
    }
}

fn in_plain_code(a: &Rows, b: &Packed, grouped: &Grouped, products: Products<'_>) {
    let rows: Vec<Vec<i16>> = products.rows.clone().map(|row| a.integers(row).collect()).collect();
    let mut integers = vec![[0i16; STRIP]; grouped.group];
    for column in products.columns.clone().step_by(STRIP) {
        let mut totals = vec![[0i64; STRIP]; rows.len()];
        let strip = grouped.strip(column / STRIP).chunks_exact(grouped.group_bytes());
        for (group, bytes) in strip.enumerate() {
            let (head, bytes) = bytes.split_at(HEAD);
            unpack(grouped.bits, bytes, &mut integers);
            let (head, _) = head.as_chunks();
            let (multipliers, offsets) = head.split_at(STRIP);
            for (index, (row, totals)) in rows.iter().zip(&mut totals).enumerate() {
                let mut sums = [0i32; STRIP];
                for (x, integers) in row[group * grouped.group..].iter().zip(&integers) {
                    for (sum, integer) in sums.iter_mut().zip(integers) {
                        *sum += i32::from(*x) * i32::from(*integer);
                    }
                }
                let elements = a.group_sums[(products.rows.start + index) * grouped.groups + group];
                let affine = multipliers.iter().zip(offsets).zip(sums);
                for (total, ((multiplier, offset), sum)) in totals.iter_mut().zip(affine) {
                    let [multiplier, offset] = [multiplier, offset].map(|bytes| i64::from(i16::from_le_bytes(*bytes)));
                    *total += multiplier * i64::from(sum) + offset * i64::from(elements);
                }
            }
        }
        let width = (products.columns.end - column).min(STRIP);
        let place = column - products.columns.start;
        for (index, totals) in totals.iter().enumerate() {
            let scale = a.scales[products.rows.start + index];
            let output = &mut products.output[index * products.stride + place..][..width];
            for ((lane, y), total) in output.iter_mut().enumerate().zip(totals) {
                let product = *total as f32 * (scale * b.scales[column + lane]);
                *y = canonical(match products.bias {
                    Some(bias) => product + bias[column + lane],
                    None => product,
                });
            }
        }
    }
}

/// The small integers of a group, element by element.
fn unpack(bits: GroupedBits, bytes: &[u8], integers: &mut [[i16; STRIP]]) {
    for (element, integers) in integers.iter_mut().enumerate() {
        let (quad, within) = (element / QUAD, element % QUAD);
        for (column, integer) in integers.iter_mut().enumerate() {
            let byte = |quad: usize| bytes[(quad * STRIP + column) * QUAD + within];
            *integer = match bits {
                GroupedBits::Four => i16::from(byte(quad / 2) >> (4 * (quad % 2)) & 15) - 8,
                GroupedBits::Eight => i16::from(byte(quad)) - 128,
            };
        }
    }
}
