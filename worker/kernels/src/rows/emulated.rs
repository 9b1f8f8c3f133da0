//! Quantisation in plain code, in the form that tiles take.

use super::{Kind, Matrix, Rows, Scaling, halves_of};
use crate::instructions::Instructions;

pub(super) fn quantise(rows: &mut Rows, from: Matrix<'_>, scaling: Scaling<'_>) {
    let mut plain = Rows::new(Instructions::portable());
    plain.quantise(from, rows.kind, scaling);
    rows.scales.copy_from_slice(&plain.scales);
    for (index, word) in plain.words.iter().enumerate() {
        match rows.kind {
            Kind::Int8 => rows.bytes[index] = *word as i8,
            Kind::Halves => [rows.bytes[index], rows.low_bytes[index]] = halves_of(*word),
            Kind::Int16 => {
                rows.bytes[index] = halves_of(*word)[0];
                rows.words[index] = *word;
            }
        }
    }
}
