//! Weights of layers as second operands of products: quantised here, or given as integers.

use crate::{
    array::Array,
    packed::Packed,
    rows::{Kind, Matrix, Rows, Scaling},
};
use assay_exact::quantise::{WeightFormat, four_bit_weight};
use assay_ops::words::Form;

/// Values that stand in row-major order, packed; `rows` is memory to compute in. Nothing if they are not what the form
/// says.
pub fn pack(rows: &mut Rows, values: &[Array], form: Form) -> Option<Packed> {
    match (form, values) {
        (Form::Quantised(bits), [weight]) => {
            let matrix = Matrix::new(weight.slice()?, *weight.shape().last()?);
            rows.quantise(matrix, Kind::of_second(bits), Scaling::ByRow);
        }
        (Form::Given(WeightFormat::Int8), [integers, scales]) => {
            let length = *integers.shape().last()?;
            take(rows, integers.slice_of::<i8>()?, length, scales)?;
        }
        (Form::Given(WeightFormat::Int4 { group }), [packed, zeros, multipliers, scales]) => {
            let length = 2 * *packed.shape().last()?;
            let integers = unpacked(packed, [zeros, multipliers], usize::try_from(group).ok()?)?;
            take(rows, &integers, length, scales)?;
        }
        _ => return None,
    }
    Some(Packed::new(rows))
}

fn take(rows: &mut Rows, integers: &[i8], length: usize, scales: &Array) -> Option<()> {
    let scales = scales.slice()?;
    if length == 0 || integers.len() != length * scales.len() {
        return None;
    }
    rows.take_integers(integers, length, scales);
    Some(())
}

/// The integers of four bits each, with a zero and a multiplier for each group.
fn unpacked(packed: &Array, [zeros, multipliers]: [&Array; 2], group: usize) -> Option<Vec<i8>> {
    let (bytes, zeros) = (packed.slice_of::<u8>()?, zeros.slice_of::<i8>()?);
    let multipliers = multipliers.slice_of::<i8>()?;
    // Rows are whole groups, so groups can be taken from all rows one after the other.
    let half = group / 2;
    if half == 0 || bytes.len() != half * zeros.len() || zeros.len() != multipliers.len() {
        return None;
    }
    let mut integers = Vec::with_capacity(2 * bytes.len());
    for ((bytes, zero), multiplier) in bytes.chunks_exact(half).zip(zeros).zip(multipliers) {
        let of_bits: [i8; 16] = std::array::from_fn(|bits| four_bit_weight(bits as u8, *zero, *multiplier));
        for byte in bytes {
            integers.extend([of_bits[usize::from(byte & 15)], of_bits[usize::from(byte >> 4)]]);
        }
    }
    Some(integers)
}
