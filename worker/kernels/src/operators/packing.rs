//! Weights of layers as second operands of products: quantised here, or given as integers.

use crate::{
    array::Array,
    packed::{GivenGroups, Packed},
    rows::{Kind, Matrix, Rows, Scaling},
};
use assay_exact::quantise::{GroupedBits, WeightFormat};
use assay_ops::words::Form;
use std::borrow::Cow;

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
        (Form::Given(WeightFormat::Grouped { bits, group }), [integers, words, scales]) => {
            let given = GivenGroups {
                bits,
                group: group.into(),
                integers: &bytes_of(integers, bits)?,
                words: words.slice_of::<i32>()?,
                scales: scales.slice()?,
            };
            return Packed::of_groups(rows.instructions, &given);
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

/// The bytes of small integers.
fn bytes_of(integers: &Array, bits: GroupedBits) -> Option<Cow<'_, [u8]>> {
    Some(match bits {
        GroupedBits::Four => integers.slice_of::<u8>()?.into(),
        GroupedBits::Eight => {
            let signed = integers.slice_of::<i8>()?;
            signed
                .iter()
                .map(|byte| byte.cast_unsigned())
                .collect::<Vec<_>>()
                .into()
        }
    })
}
