//! Contractions: the two ways agree, and what has weight 0 has no influence.

use super::{
    apply,
    elementwise::{fixed, layout},
    random_tensor, tensor, values,
};
use crate::{
    digest::DataType::{Float32, Int8, Uint8},
    graph::{Dimension, Operator, ShapeError},
    quantise::{Bits, Precision, QuantisedRow, WeightFormat, four_bit_weight},
    tensor::Tensor,
    testing::Random,
};
use alloc::vec::Vec;

const PRECISIONS: [Precision; 3] = [Precision::Int8, Precision::Int16, Precision::Int16Int8];

/// A tensor of any bytes.
fn bytes(random: &mut Random, dtype: crate::digest::DataType, shape: &[u32]) -> Tensor {
    let count = shape.iter().product::<u32>();
    let bytes = (0..count).map(|_| (random.next() >> 40) as u8).collect();
    Tensor::new(dtype, shape.to_vec(), bytes).expect("as many bytes as the shape says")
}

#[test]
fn every_element_by_itself_is_that_of_the_whole() {
    let mut random = Random(11);
    for case in 0..60 {
        let mut size = |end: u64| 1 + (random.next() >> 33) as u32 % end as u32;
        let (b, h, m, n, k) = (size(3), size(3), size(5), size(6), size(40));
        let precision = PRECISIONS[case % 3];
        let (a, w) = (
            random_tensor(&mut random, &[b, m, k]),
            random_tensor(&mut random, &[n, k]),
        );
        let bias = random_tensor(&mut random, &[n]);
        apply(&Operator::Linear { precision }, &[&a, &w], Float32, &[b, m, n]);
        apply(&Operator::Linear { precision }, &[&a, &w, &bias], Float32, &[b, m, n]);
        let (a, c) = (
            random_tensor(&mut random, &[b, h, m, k]),
            random_tensor(&mut random, &[b, h, n, k]),
        );
        apply(&Operator::MatMul { precision }, &[&a, &c], Float32, &[b, h, m, n]);
        let scales = apply(
            &Operator::RowScale {
                precision: precision.right().into(),
            },
            &[&random_tensor(&mut random, &[b, h, k, n])],
            Float32,
            &[b, h, k],
        );
        apply(
            &Operator::WeightedSum { precision },
            &[&a, &c, &scales],
            Float32,
            &[b, h, m, n],
        );
    }
}

#[test]
fn matmul_multiplies_each_row_with_each_row() {
    let a = tensor(&[2, 2], &[1.0, 2.0, 0.0, -1.0]);
    let b = tensor(&[3, 2], &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let product = apply(
        &Operator::MatMul {
            precision: Precision::Int16,
        },
        &[&a, &b],
        Float32,
        &[2, 3],
    );
    let row = |numbers: &[f32]| QuantisedRow::new(tensor(&[2], numbers).numbers(), Bits::Int16);
    let expected = row(&[1.0, 2.0]).product(&row(&[1.0, 1.0]));
    assert_eq!(product.numbers().nth(2), Some(expected));
    for (actual, expected) in values(&product).into_iter().zip([1.0, 2.0, 3.0, 0.0, -1.0, -1.0]) {
        assert!((actual - expected).abs() < 1e-3, "{actual} is not near {expected}");
    }
}

/// The values' rows are quantised by themselves, so that a causal model gives the same bits whether the later ones are
/// there and masked, or not there yet.
#[test]
fn a_weighted_sum_does_not_depend_on_values_of_weight_zero() {
    let mut random = Random(12);
    for precision in PRECISIONS {
        let (t, d) = (7u32, 5u32);
        let number = |random: &mut Random| (random.next() >> 40) as f32 / 1e6 - 8.0;
        let rows: Vec<f32> = (0..t * d).map(|_| number(&mut random)).collect();
        let weights: Vec<f32> = (0..t).map(|_| number(&mut random).abs()).collect();
        let sum = |seen: u32, length: u32| -> Tensor {
            let v = tensor(&[length, d], &rows[..(length * d) as usize]);
            let of_rows = Operator::RowScale {
                precision: precision.right().into(),
            };
            let scales = apply(&of_rows, &[&v], Float32, &[length]);
            let v = apply(
                &Operator::Permute { axes: [1, 0].to_vec() },
                &[&v],
                Float32,
                &[d, length],
            );
            let masked: Vec<f32> = (0..length)
                .map(|i| if i < seen { weights[i as usize] } else { 0.0 })
                .collect();
            let weights = tensor(&[1, length], &masked);
            apply(
                &Operator::WeightedSum { precision },
                &[&weights, &v, &scales],
                Float32,
                &[1, d],
            )
        };
        for seen in 1..=t {
            assert_eq!(sum(seen, t), sum(seen, seen));
        }
    }
}

#[test]
fn layers_with_given_integers_are_those_of_their_rows() {
    let mut random = Random(15);
    for case in 0..60 {
        let mut size = |end: u64| 1 + (random.next() >> 33) as u32 % end as u32;
        let (m, n, group, groups) = (size(4), size(5), 2 * size(4), size(4));
        let k = group * groups;
        let precision = [Precision::Int8, Precision::Int16][case % 2];
        let x = random_tensor(&mut random, &[m, k]);
        let (scales, bias) = (random_tensor(&mut random, &[n]), random_tensor(&mut random, &[n]));
        let integers = bytes(&mut random, Int8, &[n, k]);
        let format = WeightFormat::Int8;
        let layer = Operator::QuantisedLinear { precision, format };
        let given = apply(&layer, &[&x, &integers, &scales], Float32, &[m, n]);
        apply(&layer, &[&x, &integers, &scales, &bias], Float32, &[m, n]);
        let row = QuantisedRow::new(
            x.numbers().take(k as usize).collect::<Vec<_>>().into_iter(),
            precision.left(),
        );
        let column = integers.bytes().iter().take(k as usize).map(|byte| byte.cast_signed());
        let column = QuantisedRow::given(column, scales.numbers().next().expect("there is one"));
        assert_eq!(given.numbers().next(), Some(row.product(&column)));

        let packed = bytes(&mut random, Uint8, &[n, k / 2]);
        let zeros = bytes(&mut random, Int8, &[n, groups]);
        let multipliers = bytes(&mut random, Int8, &[n, groups]);
        let format = WeightFormat::Int4 { group };
        let layer = Operator::QuantisedLinear { precision, format };
        let four = apply(&layer, &[&x, &packed, &zeros, &multipliers, &scales], Float32, &[m, n]);
        let with_bias = [&x, &packed, &zeros, &multipliers, &scales, &bias];
        apply(&layer, &with_bias, Float32, &[m, n]);
        // The same integers, unpacked.
        let element = |index: u32| {
            let (row, at) = (index / k, index % k);
            let byte = packed.bytes()[(index / 2) as usize];
            let of_group = (row * groups + at / group) as usize;
            let [zero, multiplier] = [&zeros, &multipliers].map(|tensor| tensor.bytes()[of_group].cast_signed());
            let four_bits = if at % 2 == 0 { byte & 15 } else { byte >> 4 };
            four_bit_weight(four_bits, zero, multiplier).cast_unsigned()
        };
        let unpacked = Tensor::new(Int8, [n, k].to_vec(), (0..n * k).map(element).collect()).expect("a sound tensor");
        let format = WeightFormat::Int8;
        let layer = Operator::QuantisedLinear { precision, format };
        assert_eq!(apply(&layer, &[&x, &unpacked, &scales], Float32, &[m, n]), four);
    }
}

#[test]
fn given_integers_and_scales_may_be_the_oddest() {
    let layer = Operator::QuantisedLinear {
        precision: Precision::Int8,
        format: WeightFormat::Int8,
    };
    let x = tensor(&[1, 2], &[1.0, 1.0]);
    let least = Tensor::new(Int8, [3, 2].to_vec(), [0x80; 6].to_vec()).expect("six bytes");
    let scales = tensor(&[3], &[-2.0, f32::INFINITY, f32::NAN]);
    let y = values(&apply(&layer, &[&x, &least, &scales], Float32, &[1, 3]));
    let step = 1.0f32 / 127.0;
    assert_eq!(y[0].to_bits(), ((-2 * 128 * 127) as f32 * (step * -2.0)).to_bits());
    assert!(y[1] == f32::NEG_INFINITY && y[2].is_nan());
}

#[test]
fn given_integers_have_the_shapes_of_their_format() {
    use crate::digest::DataType;
    let of = |format| Operator::QuantisedLinear {
        precision: Precision::Int16,
        format,
    };
    let (eight, four) = (of(WeightFormat::Int8), of(WeightFormat::Int4 { group: 4 }));
    let n = Dimension::Symbol(0);
    let rows: (DataType, &[Dimension]) = (Float32, &[n, fixed(8)]);
    let (scales, packed) = ([fixed(3)], [fixed(3), fixed(4)]);
    let (whole, groups) = ([fixed(3), fixed(8)], [fixed(3), fixed(2)]);
    let gives = Ok((Float32, alloc::vec![n, fixed(3)]));
    let int8: [(DataType, &[Dimension]); 4] = [rows, (Int8, &whole), (Float32, &scales), (Float32, &scales)];
    assert_eq!(layout(&eight, &int8[..3]), gives);
    assert_eq!(layout(&eight, &int8), gives);
    let int4: [(DataType, &[Dimension]); 6] = [
        rows,
        (Uint8, &packed),
        (Int8, &groups),
        (Int8, &groups),
        (Float32, &scales),
        (Float32, &scales),
    ];
    assert_eq!(layout(&four, &int4[..5]), gives);
    assert_eq!(layout(&four, &int4), gives);
    let mixed = Operator::QuantisedLinear {
        precision: Precision::Int16Int8,
        format: WeightFormat::Int8,
    };
    assert_eq!(layout(&mixed, &int8), Err(ShapeError::Parameter("precision")));
    let scale = Operator::RowScale {
        precision: Precision::Int16Int8,
    };
    assert_eq!(layout(&scale, &[rows]), Err(ShapeError::Parameter("precision")));
    for group in [0, 1, 3, 16, 6] {
        let format = of(WeightFormat::Int4 { group });
        assert_eq!(layout(&format, &int4), Err(ShapeError::Parameter("group")));
    }
    for count in [1, 2] {
        assert_eq!(layout(&eight, &int8[..count]), Err(ShapeError::Arity { actual: count }));
    }
    assert_eq!(layout(&four, &int4[..4]), Err(ShapeError::Arity { actual: 4 }));
    let changed = |position: usize, operand: (DataType, &'static [Dimension])| {
        let mut inputs = int4;
        inputs[position] = operand;
        layout(&four, &inputs)
    };
    const WIDE: &[Dimension] = &[fixed(3), fixed(8)];
    const OTHERS: &[Dimension] = &[fixed(4), fixed(2)];
    assert_eq!(changed(1, (Int8, WIDE)), Err(ShapeError::DataType(Int8)));
    assert_eq!(changed(1, (Uint8, WIDE)), Err(ShapeError::Dimensions { input: 1 }));
    assert_eq!(changed(1, (Uint8, &[])), Err(ShapeError::Dimensions { input: 1 }));
    assert_eq!(changed(2, (Int8, OTHERS)), Err(ShapeError::Dimensions { input: 2 }));
    assert_eq!(changed(3, (Uint8, OTHERS)), Err(ShapeError::DataType(Uint8)));
    assert_eq!(changed(4, (Float32, WIDE)), Err(ShapeError::Dimensions { input: 4 }));
    assert_eq!(changed(5, (Int8, WIDE)), Err(ShapeError::DataType(Int8)));
    let long = fixed(16_386);
    let wide: [(DataType, &[Dimension]); 3] = [(Float32, &[n, long]), (Int8, &[fixed(3), long]), (Float32, &scales)];
    assert_eq!(layout(&eight, &wide), Err(ShapeError::ContractionLength(long)));
}
