//! Contractions: in each precision, on plain numbers, on rows that have no scale, and on rows of all sizes.

use super::{Cases, INFINITY, NAN, ONE, SIGN, integers, numbers, output, whole};
use crate::{drawn::tensor, random::Random};
use assay_exact::{
    digest::DataType,
    graph::Operator,
    quantise::{GroupedBits, Precision, WeightFormat, WeightGroup},
    tensor::Tensor,
};

const FLOAT: DataType = DataType::Float32;

pub fn add(cases: &mut Cases) {
    let mut random = Random(0x6c69_6e65);
    for precision in [Precision::Int8, Precision::Int16, Precision::Int16Int8] {
        linear(cases, precision, &mut random);
        matmul(cases, precision, &mut random);
        weighted_sum(cases, precision, &mut random);
    }
    for precision in [Precision::Int8, Precision::Int16] {
        row_scale(cases, precision, &mut random);
        given_bytes(cases, precision, &mut random);
        given_groups(cases, precision, &mut random);
    }
}

/// Five rows of three: plain, of zeros, tiny, with an infinity, with a NaN.
fn odd_rows() -> Tensor {
    let rows = [
        [ONE, 0xc000_0000, 0x3f00_0000],
        [0, SIGN, 0],
        [1, SIGN | 3, 70],
        [ONE, INFINITY | SIGN, 0],
        [0x7f80_0001, 0, ONE],
    ];
    numbers(&[5, 3], rows.as_flattened())
}

fn linear(cases: &mut Cases, precision: Precision, random: &mut Random) {
    let operator = Operator::Linear { precision };
    let mut add = |inputs: Vec<Tensor>| cases.add(operator.clone(), inputs);
    add(vec![
        whole(&[2, 3], &[1, 2, 3, -4, 5, -6]),
        whole(&[2, 3], &[1, 0, 0, 7, -8, 9]),
    ]);
    add(vec![odd_rows(), odd_rows()]);
    add(vec![
        odd_rows(),
        odd_rows(),
        numbers(&[5], &[ONE, INFINITY, NAN, SIGN, 5]),
    ]);
    // A vector, a single number, and more dimensions.
    add(vec![
        whole(&[3], &[1, -2, 3]),
        whole(&[1, 3], &[4, 5, 6]),
        whole(&[1], &[-28]),
    ]);
    add(vec![whole(&[1], &[3]), whole(&[1, 1], &[-5])]);
    add(vec![
        tensor(random, FLOAT, &[2, 1, 2, 4]),
        tensor(random, FLOAT, &[3, 4]),
    ]);
    for (rows, length, features) in [(1, 64, 3), (3, 17, 5), (2, 255, 2), (2, 520, 1)] {
        let (input, weight) = (
            tensor(random, FLOAT, &[rows, length]),
            tensor(random, FLOAT, &[features, length]),
        );
        let bias = tensor(random, FLOAT, &[features]);
        add(vec![input.clone(), weight.clone()]);
        add(vec![input, weight, bias]);
    }
}

/// Scales of all kinds, one for each of five rows.
fn odd_scales() -> Tensor {
    numbers(&[5], &[ONE, SIGN | 0x3f00_0000, 0, 1, INFINITY])
}

fn given_bytes(cases: &mut Cases, precision: Precision, random: &mut Random) {
    let format = WeightFormat::Int8;
    let operator = Operator::QuantisedLinear { precision, format };
    let mut add = |inputs: Vec<Tensor>| cases.add(operator.clone(), inputs);
    let bytes = |shape: &[u32], values: &[i64]| integers(DataType::Int8, shape, values);
    let rows = whole(&[2, 3], &[1, 2, 3, -4, 5, -6]);
    let weight = bytes(&[2, 3], &[1, 0, 0, 127, -128, 9]);
    add(vec![rows.clone(), weight.clone(), whole(&[2], &[1, 3])]);
    add(vec![rows, weight, whole(&[2], &[1, 3]), whole(&[2], &[7, -8])]);
    let ends = [-128, -128, -128, 127, 127, 127, 0, 0, 0, 1, -1, 2, -127, 127, -128];
    add(vec![odd_rows(), bytes(&[5, 3], &ends), odd_scales()]);
    let bias = numbers(&[5], &[ONE, INFINITY, NAN, SIGN, 5]);
    add(vec![odd_rows(), bytes(&[5, 3], &ends), odd_scales(), bias]);
    add(vec![whole(&[1], &[3]), bytes(&[1, 1], &[-128]), numbers(&[1], &[NAN])]);
    for (rows, length, features) in [(1, 64, 3), (3, 17, 5), (2, 255, 2), (1, 520, 1)] {
        let input = tensor(random, FLOAT, &[rows, 1, length]);
        let weight = tensor(random, DataType::Int8, &[features, length]);
        let (scales, bias) = (tensor(random, FLOAT, &[features]), tensor(random, FLOAT, &[features]));
        add(vec![input.clone(), weight.clone(), scales.clone()]);
        add(vec![input, weight, scales, bias]);
    }
}

/// The words of groups.
fn words(shape: &[u32], groups: &[(i16, i16)]) -> Tensor {
    let words = groups.iter().map(|(multiplier, offset)| {
        let (multiplier, offset) = (*multiplier, *offset);
        i64::from(WeightGroup { multiplier, offset }.word())
    });
    integers(DataType::Int32, shape, &words.collect::<Vec<_>>())
}

fn given_groups(cases: &mut Cases, precision: Precision, random: &mut Random) {
    let mut add = |bits, group: u8, inputs: Vec<Tensor>| {
        let format = WeightFormat::Grouped { bits, group };
        cases.add(Operator::QuantisedLinear { precision, format }, inputs);
    };
    // Every half of a byte and bytes at their ends, with multipliers and offsets at theirs.
    let halves = integers(
        DataType::Uint8,
        &[1, 8],
        &[0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe],
    );
    let bytes: Vec<i64> = [-128, 127, 0, 1, -1, 2, -127, 126].repeat(2);
    let bytes = integers(DataType::Int8, &[1, 16], &bytes);
    let sixteen: Vec<i64> = (1..=16).collect();
    for group in [
        (1, 0),
        (0, 1),
        (-17, 300),
        (i16::MAX, i16::MAX),
        (i16::MIN, i16::MIN),
        (i16::MAX, i16::MIN),
        (i16::MIN, i16::MAX),
        (0, 0),
        (-1, -1),
    ] {
        for (bits, weight) in [(GroupedBits::Four, &halves), (GroupedBits::Eight, &bytes)] {
            let words = words(&[1, 1], &[group]);
            add(
                bits,
                16,
                vec![whole(&[16], &sixteen), weight.clone(), words, whole(&[1], &[1])],
            );
        }
    }
    // The greatest sums that there are, with scales of all kinds.
    let (rows, least) = (
        whole(&[1, 64], &[1; 64]),
        integers(DataType::Int8, &[5, 64], &[-128; 320]),
    );
    let greatest = words(&[5, 4], &[(i16::MIN, i16::MAX); 20]);
    add(GroupedBits::Eight, 16, vec![rows, least, greatest, odd_scales()]);
    for (rows, group, groups, features) in [(1, 32, 2, 3), (3, 16, 5, 5), (2, 48, 3, 2), (1, 240, 2, 2)] {
        let length = u32::from(group) * groups;
        let input = tensor(random, FLOAT, &[rows, length]);
        for bits in [GroupedBits::Four, GroupedBits::Eight] {
            let weight = match bits {
                GroupedBits::Four => tensor(random, DataType::Uint8, &[features, length / 2]),
                GroupedBits::Eight => tensor(random, DataType::Int8, &[features, length]),
            };
            let any: Vec<(i16, i16)> = (0..features * groups)
                .map(|_| (random.next() as i16, random.next() as i16))
                .collect();
            let words = words(&[features, groups], &any);
            let (scales, bias) = (tensor(random, FLOAT, &[features]), tensor(random, FLOAT, &[features]));
            let inputs = vec![input.clone(), weight, words, scales];
            add(bits, group, inputs.clone());
            add(bits, group, [inputs, vec![bias]].concat());
        }
    }
}

fn matmul(cases: &mut Cases, precision: Precision, random: &mut Random) {
    let operator = Operator::MatMul { precision };
    let mut add = |inputs: Vec<Tensor>| cases.add(operator.clone(), inputs);
    add(vec![
        whole(&[2, 3], &[1, 2, 3, -4, 5, -6]),
        whole(&[4, 3], &[1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1]),
    ]);
    add(vec![odd_rows(), odd_rows()]);
    add(vec![whole(&[1, 1], &[3]), whole(&[1, 1], &[-5])]);
    // Leading dimensions: each matrix for itself.
    for (leading, length) in [(&[3][..], 4), (&[2, 2], 7), (&[1, 2, 1], 33)] {
        let left = tensor(random, FLOAT, &[leading, &[3, length]].concat());
        let right = tensor(random, FLOAT, &[leading, &[2, length]].concat());
        add(vec![left, right]);
    }
}

fn row_scale(cases: &mut Cases, precision: Precision, random: &mut Random) {
    let operator = Operator::RowScale { precision };
    cases.add(operator.clone(), vec![odd_rows()]);
    cases.add(operator.clone(), vec![whole(&[4], &[1, -9, 3, 0])]);
    cases.add(operator.clone(), vec![whole(&[1], &[0])]);
    cases.add(operator.clone(), vec![numbers(&[2, 1], &[0x7f7f_ffff, 0x0080_0000])]);
    cases.add(operator, vec![tensor(random, FLOAT, &[2, 3, 5])]);
}

fn weighted_sum(cases: &mut Cases, precision: Precision, random: &mut Random) {
    let operator = Operator::WeightedSum { precision };
    let scales_of = |values: &Tensor| {
        // The values are given transposed: a vector is a column of theirs.
        let rank = values.shape().len() as u8;
        let mut axes: Vec<u8> = (0..rank).collect();
        axes.swap(usize::from(rank) - 1, usize::from(rank) - 2);
        let vectors = output(&Operator::Permute { axes }, std::slice::from_ref(values));
        let of_rows = Operator::RowScale {
            precision: precision.right().into(),
        };
        output(&of_rows, &[vectors])
    };
    let mut add = |weights: Tensor, values: Tensor, scales: Tensor| {
        cases.add(operator.clone(), vec![weights, values, scales]);
    };
    for (leading, rows, features, length) in [
        (&[][..], 2, 3, 4),
        (&[2][..], 3, 2, 9),
        (&[2, 2], 1, 4, 1),
        (&[1], 2, 2, 65),
    ] {
        let values = tensor(random, FLOAT, &[leading, &[features, length]].concat());
        let weights = tensor(random, FLOAT, &[leading, &[rows, length]].concat());
        let scales = scales_of(&values);
        add(weights, values, scales);
    }
    // Weights of zero: values behind them change nothing, but for those that have no scale.
    let values = whole(&[2, 4], &[1, 2, 3, 4, -5, 6, -7, 8]);
    let weights = numbers(&[2, 4], &[0x3f00_0000, 0x3f00_0000, 0, 0, ONE, 0, SIGN, 0]);
    add(weights.clone(), values.clone(), scales_of(&values));
    let odd = numbers(
        &[2, 4],
        &[ONE, 0x4000_0000, INFINITY, NAN, 0xc0a0_0000, 0x40c0_0000, 0, 0],
    );
    add(weights.clone(), odd.clone(), scales_of(&odd));
    // Scales that are of no row: zero, below zero, tiny, infinite, NaN.
    for scale in [0, ONE | SIGN, 1, INFINITY, INFINITY | SIGN, NAN] {
        add(
            weights.clone(),
            odd.clone(),
            numbers(&[4], &[ONE, scale, 0x3f00_0000, 0x4000_0000]),
        );
    }
    add(numbers(&[1, 2], &[0, 0]), whole(&[1, 2], &[1, 2]), whole(&[2], &[1, 1]));
    add(
        numbers(&[1, 2], &[INFINITY, ONE]),
        whole(&[1, 2], &[1, 2]),
        whole(&[2], &[1, 1]),
    );
}
