//! Layers of weights whose integers are given, and tensors of any bytes.

use super::{
    Random,
    case::{Case, count},
    operators::pick,
};
use assay_exact::{
    graph::{Operator, Unary, Value},
    quantise::{GroupedBits, Precision, WeightFormat},
};
use assay_ops::tensor::{DataType, Tensor};

/// A tensor of any bytes of this type, seen like the numbers.
pub(super) fn integers(case: &mut Case, random: &mut Random, dtype: DataType, shape: &[u32]) -> Value {
    case.view_of(random, shape, &|random, shape| {
        let bytes = (0..count(shape) * dtype.size_bytes()).map(|_| random.next() as u8);
        Tensor::new(dtype, shape.to_vec(), bytes.collect()).expect("as many bytes as the shape says")
    })
}

/// A layer after this value, whose rows have this many elements; its features.
fn layer(case: &mut Case, random: &mut Random, precision: Precision, rows: (Value, u32)) -> (Value, u32) {
    let (rows, length) = rows;
    let features = 1 + random.below(50) as u32;
    let groups: Vec<u32> = (16..=240)
        .step_by(16)
        .filter(|group| length.is_multiple_of(*group))
        .collect();
    let mut operands = vec![rows];
    let format = if groups.is_empty() || random.below(3) == 0 {
        operands.push(integers(case, random, DataType::Int8, &[features, length]));
        WeightFormat::Int8
    } else {
        let group = pick(random, &groups);
        let bits = pick(random, &[GroupedBits::Four, GroupedBits::Eight]);
        operands.push(match bits {
            GroupedBits::Four => integers(case, random, DataType::Uint8, &[features, length / 2]),
            GroupedBits::Eight => integers(case, random, DataType::Int8, &[features, length]),
        });
        operands.push(integers(case, random, DataType::Int32, &[features, length / group]));
        let group = group as u8;
        WeightFormat::Grouped { bits, group }
    };
    for _ in 0..1 + random.below(2) {
        operands.push(case.numbers(random, &[features]));
    }
    let precision = precision.left().into();
    let output = case.node(Operator::QuantisedLinear { precision, format }, operands);
    (output, features)
}

/// One or two layers whose integers are given, with a function between two of them now and then.
pub(super) fn layers(case: &mut Case, random: &mut Random, precision: Precision, shape: &[u32]) -> Value {
    // Rows that are whole groups, every other time.
    let units = shape[shape.len() - 1].min(8);
    let length = pick(random, &[shape[shape.len() - 1], 16 * units]);
    let shape = [&shape[..shape.len() - 1], &[length]].concat();
    let mut value = (case.view(random, &shape), length);
    for _ in 0..1 + random.below(2) {
        value = layer(case, random, precision, value);
        match random.below(4) {
            0 => value.0 = case.node(Operator::Unary(Unary::Gelu), vec![value.0]),
            1 => {
                let weight = case.view(random, &[7, value.1]);
                value = (case.node(Operator::Linear { precision }, vec![value.0, weight]), 7);
            }
            _ => {}
        }
    }
    value.0
}
