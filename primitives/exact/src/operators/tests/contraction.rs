//! Contractions: the two ways agree, and what has weight 0 has no influence.

use super::{
    apply,
    elementwise::{fixed, layout},
    random_tensor, tensor, values,
};
use crate::{
    digest::DataType::{Float32, Int8, Int32, Uint8},
    graph::{Dimension, Operator, ShapeError},
    quantise::{Bits, GivenRow, GroupedBits, Precision, QuantisedRow, WeightFormat, WeightGroup, four_bit_integers},
    tensor::Tensor,
    testing::Random,
};
use alloc::vec::Vec;

const PRECISIONS: [Precision; 3] = [Precision::Int8, Precision::Int16, Precision::Int16Int8];

/// A tensor of any bytes.
fn bytes(random: &mut Random, dtype: crate::digest::DataType, shape: &[u32]) -> Tensor {
    let count = shape.iter().product::<u32>() * dtype.size_bytes() as u32;
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
        let (m, n, units, groups) = (size(4), size(5), size(4), size(4));
        let group = 16 * units;
        let k = group * groups;
        let precision = [Precision::Int8, Precision::Int16][case % 2];
        let x = random_tensor(&mut random, &[m, k]);
        let (scales, bias) = (random_tensor(&mut random, &[n]), random_tensor(&mut random, &[n]));
        let eight = bytes(&mut random, Int8, &[n, k]);
        let four = bytes(&mut random, Uint8, &[n, k / 2]);
        let words = bytes(&mut random, Int32, &[n, groups]);
        let signed: Vec<i8> = eight.bytes().iter().map(|byte| byte.cast_signed()).collect();
        let halves: Vec<i8> = four.bytes().iter().flat_map(|byte| four_bit_integers(*byte)).collect();
        let of_group = |(at, integer): (usize, &i8)| {
            let word = &words.bytes()[4 * (at / group as usize)..];
            let word = i32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            let group = WeightGroup::of_word(word);
            i32::from(*integer) * i32::from(group.multiplier) + i32::from(group.offset)
        };
        let group = group as u8;
        let grouped = |bits| WeightFormat::Grouped { bits, group };
        for (format, given, weights) in [
            (
                WeightFormat::Int8,
                &[&eight][..],
                signed.iter().copied().map(i32::from).collect::<Vec<_>>(),
            ),
            (
                grouped(GroupedBits::Four),
                &[&four, &words][..],
                halves.iter().enumerate().map(of_group).collect(),
            ),
            (
                grouped(GroupedBits::Eight),
                &[&eight, &words][..],
                signed.iter().enumerate().map(of_group).collect(),
            ),
        ] {
            let layer = Operator::QuantisedLinear { precision, format };
            let plain = apply(&layer, &[&[&x][..], given, &[&scales]].concat(), Float32, &[m, n]);
            apply(
                &layer,
                &[&[&x][..], given, &[&scales, &bias]].concat(),
                Float32,
                &[m, n],
            );
            let numbers: Vec<_> = x.numbers().collect();
            let rows = numbers.chunks(k as usize);
            let rows = rows.map(|row| QuantisedRow::new(row.iter().copied(), precision.left()));
            let columns = weights.chunks(k as usize).zip(scales.numbers());
            let columns: Vec<_> = columns
                .map(|(column, scale)| GivenRow::new(column.iter().copied(), scale))
                .collect();
            let products = rows.flat_map(|row| columns.iter().map(move |column| row.given_product(column)));
            assert!(plain.numbers().eq(products));
        }
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
    let grouped = |bits, group| of(WeightFormat::Grouped { bits, group });
    let whole = of(WeightFormat::Int8);
    let (four, eight) = (grouped(GroupedBits::Four, 16), grouped(GroupedBits::Eight, 16));
    let n = Dimension::Symbol(0);
    let rows: (DataType, &[Dimension]) = (Float32, &[n, fixed(48)]);
    let (scales, packed) = ([fixed(3)], [fixed(3), fixed(24)]);
    let (bytes, groups) = ([fixed(3), fixed(48)], [fixed(3), fixed(3)]);
    let gives = Ok((Float32, alloc::vec![n, fixed(3)]));
    let int8: [(DataType, &[Dimension]); 4] = [rows, (Int8, &bytes), (Float32, &scales), (Float32, &scales)];
    assert_eq!(layout(&whole, &int8[..3]), gives);
    assert_eq!(layout(&whole, &int8), gives);
    let of_four: [(DataType, &[Dimension]); 5] = [
        rows,
        (Uint8, &packed),
        (Int32, &groups),
        (Float32, &scales),
        (Float32, &scales),
    ];
    let mut of_eight = of_four;
    of_eight[1] = (Int8, &bytes);
    for (layer, inputs) in [(&four, of_four), (&eight, of_eight)] {
        assert_eq!(layout(layer, &inputs[..4]), gives);
        assert_eq!(layout(layer, &inputs), gives);
    }
    let mixed = Operator::QuantisedLinear {
        precision: Precision::Int16Int8,
        format: WeightFormat::Int8,
    };
    assert_eq!(layout(&mixed, &int8), Err(ShapeError::Parameter("precision")));
    let scale = Operator::RowScale {
        precision: Precision::Int16Int8,
    };
    assert_eq!(layout(&scale, &[rows]), Err(ShapeError::Parameter("precision")));
    for group in [0, 1, 8, 15, 17, 24, 32, 64, 255] {
        let layer = grouped(GroupedBits::Four, group);
        assert_eq!(layout(&layer, &of_four), Err(ShapeError::Parameter("group")));
    }
    let one: &[Dimension] = &[fixed(3), fixed(1)];
    let of_one = [&of_four[..2], &[(Int32, one)], &of_four[3..]].concat();
    assert_eq!(layout(&grouped(GroupedBits::Four, 48), &of_one), gives);
    for count in [1, 2] {
        assert_eq!(layout(&whole, &int8[..count]), Err(ShapeError::Arity { actual: count }));
    }
    assert_eq!(layout(&four, &of_four[..3]), Err(ShapeError::Arity { actual: 3 }));
    let changed = |position: usize, operand: (DataType, &'static [Dimension])| {
        let mut inputs = of_four;
        inputs[position] = operand;
        layout(&four, &inputs)
    };
    const WIDE: &[Dimension] = &[fixed(3), fixed(48)];
    const OTHERS: &[Dimension] = &[fixed(4), fixed(3)];
    assert_eq!(changed(1, (Int8, WIDE)), Err(ShapeError::DataType(Int8)));
    assert_eq!(changed(1, (Uint8, WIDE)), Err(ShapeError::Dimensions { input: 1 }));
    assert_eq!(changed(1, (Uint8, &[])), Err(ShapeError::Dimensions { input: 1 }));
    assert_eq!(changed(2, (Int32, OTHERS)), Err(ShapeError::Dimensions { input: 2 }));
    assert_eq!(changed(2, (Int8, OTHERS)), Err(ShapeError::DataType(Int8)));
    assert_eq!(changed(3, (Float32, WIDE)), Err(ShapeError::Dimensions { input: 3 }));
    assert_eq!(changed(4, (Int8, WIDE)), Err(ShapeError::DataType(Int8)));
    let long = fixed(16_386);
    let wide: [(DataType, &[Dimension]); 3] = [(Float32, &[n, long]), (Int8, &[fixed(3), long]), (Float32, &scales)];
    assert_eq!(layout(&whole, &wide), Err(ShapeError::ContractionLength(long)));
}
