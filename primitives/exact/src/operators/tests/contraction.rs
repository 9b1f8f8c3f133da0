//! Contractions: the two ways agree, and what has weight 0 has no influence.

use super::{apply, random_tensor, tensor, values};
use crate::{
    digest::DataType::Float32,
    graph::Operator,
    quantise::{Precision, QuantisedRow},
    tensor::Tensor,
    testing::Random,
};
use alloc::vec::Vec;

const PRECISIONS: [Precision; 2] = [Precision::Int8, Precision::Int16];

#[test]
fn every_element_by_itself_is_that_of_the_whole() {
    let mut random = Random(11);
    for case in 0..60 {
        let mut size = |end: u64| 1 + (random.next() >> 33) as u32 % end as u32;
        let (b, h, m, n, k) = (size(3), size(3), size(5), size(6), size(40));
        let precision = PRECISIONS[case % 2];
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
            &Operator::RowScale { precision },
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
    let row = |numbers: &[f32]| QuantisedRow::new(tensor(&[2], numbers).numbers(), Precision::Int16);
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
            let scales = apply(&Operator::RowScale { precision }, &[&v], Float32, &[length]);
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
