//! Operators on rows: results written by hand, and the two ways to compute them compared.

use super::{apply, integers, random_tensor, tensor, values, whole_numbers};
use crate::{
    digest::DataType::{self, Bool, Float32, Int64},
    graph::{Operator, Reduction},
    tensor::Tensor,
    testing::Random,
};
use alloc::vec;

const EPSILON: u32 = 0x3727_c5ac;

#[test]
fn every_element_by_itself_is_that_of_the_whole() {
    let mut random = Random(13);
    for _ in 0..60 {
        let mut size = |end: u64| 1 + (random.next() >> 33) as u32 % end as u32;
        let (b, k) = (size(4), size(30));
        let (x, w, c) = (
            random_tensor(&mut random, &[b, k]),
            random_tensor(&mut random, &[k]),
            random_tensor(&mut random, &[k]),
        );
        let (layer, rms) = (
            Operator::LayerNorm { epsilon: EPSILON },
            Operator::RmsNorm { epsilon: EPSILON },
        );
        apply(&Operator::Softmax, &[&x], Float32, &[b, k]);
        apply(&Operator::LogSoftmax, &[&x], Float32, &[b, k]);
        apply(&layer, &[&x], Float32, &[b, k]);
        apply(&layer, &[&x, &w], Float32, &[b, k]);
        apply(&layer, &[&x, &w, &c], Float32, &[b, k]);
        apply(&rms, &[&x, &w], Float32, &[b, k]);
    }
}

#[test]
fn softmax_of_equal_numbers_is_even_and_of_a_row_that_sees_nothing_zero() {
    let x = tensor(
        &[5, 2],
        &[
            5.0,
            5.0,
            f32::NEG_INFINITY,
            0.0,
            f32::NEG_INFINITY,
            f32::NEG_INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
            f32::NEG_INFINITY,
            f32::INFINITY,
        ],
    );
    let y = values(&apply(&Operator::Softmax, &[&x], Float32, &[5, 2]));
    assert_eq!(y[..6], [0.5, 0.5, 0.0, 1.0, 0.0, 0.0]);
    assert!(y[6..].iter().all(|y| y.is_nan()));
    let y = values(&apply(&Operator::LogSoftmax, &[&x], Float32, &[5, 2]));
    assert!(y[4..].iter().all(|y| y.is_nan()));
    let y = values(&apply(
        &Operator::LogSoftmax,
        &[&tensor(&[1, 1], &[7.0])],
        Float32,
        &[1, 1],
    ));
    assert_eq!(y, [0.0]);
}

#[test]
fn masked_numbers_do_not_change_a_softmax() {
    let mut random = Random(14);
    for _ in 0..50 {
        let numbers: alloc::vec::Vec<f32> = (0..9).map(|_| (random.next() >> 40) as f32 / 1e6 - 8.0).collect();
        let short = values(&apply(&Operator::Softmax, &[&tensor(&[9], &numbers)], Float32, &[9]));
        let masked = [&numbers[..], &[f32::NEG_INFINITY; 5]].concat();
        let long = values(&apply(&Operator::Softmax, &[&tensor(&[14], &masked)], Float32, &[14]));
        assert_eq!(short, long[..9]);
        assert_eq!(long[9..], [0.0; 5]);
    }
}

#[test]
fn norms_by_hand() {
    let x = tensor(&[1, 2], &[1.0, 3.0]);
    let (weight, bias) = (tensor(&[2], &[10.0, 100.0]), tensor(&[2], &[0.5, 0.25]));
    let y = apply(
        &Operator::LayerNorm { epsilon: 0 },
        &[&x, &weight, &bias],
        Float32,
        &[1, 2],
    );
    assert_eq!(values(&y), [-9.5, 100.25]);
    let y = apply(
        &Operator::RmsNorm { epsilon: 0 },
        &[&tensor(&[2], &[3.0, 3.0])],
        Float32,
        &[2],
    );
    assert_eq!(values(&y), [1.0, 1.0]);
    let zeros = apply(
        &Operator::LayerNorm { epsilon: EPSILON },
        &[&tensor(&[2], &[4.0, 4.0])],
        Float32,
        &[2],
    );
    assert_eq!(values(&zeros), [0.0, 0.0]);
}

#[test]
fn cumulative_sums_of_numbers_and_integers() {
    let sums = apply(
        &Operator::CumSum,
        &[&tensor(&[2, 3], &[1.0, 2.0, 4.0, -1.0, 0.5, 0.5])],
        Float32,
        &[2, 3],
    );
    assert_eq!(values(&sums), [1.0, 3.0, 7.0, -1.0, -0.5, 0.0]);
    let sums = apply(&Operator::CumSum, &[&integers(&[3], &[i64::MAX, 1, 1])], Int64, &[3]);
    assert_eq!(whole_numbers(&sums), [i64::MAX, i64::MIN, i64::MIN + 1]);
}

#[test]
fn top_k_prefers_nan_and_the_first_of_equals() {
    let top = |numbers: &[f32], count, largest| {
        let x = tensor(&[numbers.len() as u32], numbers);
        whole_numbers(&apply(&Operator::TopK { count, largest }, &[&x], Int64, &[count]))
    };
    assert_eq!(top(&[1.0, 3.0, 3.0, -5.0], 4, true), [1, 2, 0, 3]);
    assert_eq!(top(&[1.0, 3.0, 3.0, -5.0], 4, false), [3, 0, 1, 2]);
    assert_eq!(top(&[0.0, f32::NAN, f32::INFINITY, -0.0], 3, true), [1, 2, 0]);
    assert_eq!(top(&[0.0, f32::NAN, f32::NEG_INFINITY], 2, false), [1, 2]);
    let ranks = apply(
        &Operator::TopK {
            count: 1,
            largest: false,
        },
        &[&integers(&[2, 2], &[4, 3, -9, 9])],
        Int64,
        &[2, 1],
    );
    assert_eq!(whole_numbers(&ranks), [1, 0]);
}

#[test]
fn reductions_of_every_type() {
    let x = tensor(&[2, 3], &[1.0, 2.0, 6.0, -1.0, f32::NAN, 0.0]);
    let reduce = |reduction, x: &Tensor, dtype: DataType| apply(&Operator::Reduce(reduction), &[x], dtype, &[2]);
    assert_eq!(values(&reduce(Reduction::Sum, &x, Float32))[0], 9.0);
    assert_eq!(values(&reduce(Reduction::Mean, &x, Float32))[0], 3.0);
    assert_eq!(values(&reduce(Reduction::Max, &x, Float32))[0], 6.0);
    assert_eq!(values(&reduce(Reduction::Min, &x, Float32))[0], 1.0);
    assert!(values(&reduce(Reduction::Max, &x, Float32))[1].is_nan());
    assert_eq!(whole_numbers(&reduce(Reduction::ArgMax, &x, Int64)), [2, 1]);
    assert_eq!(whole_numbers(&reduce(Reduction::ArgMin, &x, Int64)), [0, 1]);

    let n = integers(&[2, 3], &[i64::MAX, 1, 1, -4, 7, 7]);
    assert_eq!(whole_numbers(&reduce(Reduction::Sum, &n, Int64)), [i64::MIN + 1, 10]);
    assert_eq!(whole_numbers(&reduce(Reduction::Max, &n, Int64)), [i64::MAX, 7]);
    assert_eq!(whole_numbers(&reduce(Reduction::Min, &n, Int64)), [1, -4]);
    assert_eq!(whole_numbers(&reduce(Reduction::ArgMax, &n, Int64)), [0, 1]);
    assert_eq!(whole_numbers(&reduce(Reduction::ArgMin, &n, Int64)), [1, 0]);

    let flags = Tensor::new(Bool, vec![2, 3], vec![0, 1, 0, 1, 1, 1]).expect("six flags");
    assert_eq!(whole_numbers(&reduce(Reduction::Any, &flags, Bool)), [1, 1]);
    assert_eq!(whole_numbers(&reduce(Reduction::All, &flags, Bool)), [0, 1]);
    assert_eq!(whole_numbers(&reduce(Reduction::Sum, &flags, Int64)), [1, 3]);
}
