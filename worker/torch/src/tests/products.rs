//! Products, and what is put together of them.

use super::{Suite, tensor};
use crate::operators;
use assay_exact::{
    graph::{Binary, Operator},
    quantise::{GroupedBits, Precision, WeightFormat},
    tensor::Tensor,
};
use assay_ops::{
    tensor::DataType,
    words::{Form, Layer, Masking, WholeAttention},
};

const PRECISIONS: [Precision; 3] = [Precision::Int8, Precision::Int16, Precision::Int16Int8];

pub(super) fn products(suite: &mut Suite) {
    for precision in PRECISIONS {
        for length in [1, 40, 1025] {
            let (a, b) = (suite.numbers(&[2, 6, length]), suite.numbers(&[2, 7, length]));
            let like = (DataType::Float32, [2, 6, 7].as_slice());
            suite.check(
                "matmul",
                &Operator::MatMul { precision },
                &[&a, &b],
                like,
                |machine, arrays, shape| operators::matmul(machine, precision, arrays, shape),
            );
            let scales = suite.numbers(&[2, length]);
            let operator = Operator::WeightedSum { precision };
            suite.check(
                "weighted_sum",
                &operator,
                &[&a, &b, &scales],
                like,
                |machine, arrays, shape| operators::weighted_sum(machine, precision, arrays, shape),
            );
            let (weight, bias) = (suite.numbers(&[9, length]), suite.numbers(&[9]));
            let like = (DataType::Float32, [2, 6, 9].as_slice());
            let layer = Layer::Linear {
                precision,
                biased: true,
            };
            let operator = Operator::Linear { precision };
            suite.check(
                "layers",
                &operator,
                &[&a, &weight, &bias],
                like,
                |machine, arrays, shape| operators::layers(machine, &[None], &[layer], arrays, shape),
            );
        }
        attention(suite, precision);
        given(suite, precision);
    }
}

/// A whole attention against the nodes that it stands for.
fn attention(suite: &mut Suite, precision: Precision) {
    let [query, key, value] = [[1u32, 2, 5, 8], [1, 2, 11, 8], [1, 2, 11, 8]].map(|shape| suite.numbers(&shape));
    let keep = suite.integers(DataType::Bool, &[5, 11]);
    let number = |x: f32| tensor(DataType::Float32, &[], x.to_le_bytes().to_vec());
    let of = |operator: Operator, operands: &[&Tensor], shape: &[u32]| {
        let result = operator.apply(operands, DataType::Float32, shape.to_vec());
        result.expect("operands that fit").canonical()
    };
    let scores = [1u32, 2, 5, 11];
    let product = of(Operator::MatMul { precision }, &[&query, &key], &scores);
    let scaled = of(Operator::Binary(Binary::Mul), &[&product, &number(0.35)], &scores);
    let masked = of(Operator::Where, &[&keep, &scaled, &number(f32::NEG_INFINITY)], &scores);
    let shares = of(Operator::Softmax, &[&masked], &scores);
    let turned = of(Operator::Permute { axes: vec![0, 1, 3, 2] }, &[&value], &[1, 2, 8, 11]);
    let of_rows = Precision::from(precision.right());
    let scales = of(Operator::RowScale { precision: of_rows }, &[&value], &[1, 2, 11]);
    let sums = of(
        Operator::WeightedSum { precision },
        &[&shares, &turned, &scales],
        &[1, 2, 5, 8],
    );
    let whole = WholeAttention {
        score_precision: precision,
        value_precision: precision,
        scale: Some(0.35),
        masking: Masking::Keep,
    };
    suite.equal(
        "attention",
        &sums,
        &[&query, &key, &value, &keep],
        |machine, arrays, shape| operators::attention(machine, &whole, arrays, shape),
    );
}

/// Layers whose integers are given, each form of them.
fn given(suite: &mut Suite, precision: Precision) {
    let input = suite.numbers(&[6, 64]);
    let scales = suite.numbers(&[9]);
    let words = suite.integers(DataType::Int32, &[9, 4]);
    let small = suite.integers(DataType::Int8, &[9, 64]);
    let halves = suite.integers(DataType::Uint8, &[9, 32]);
    let grouped = |bits| WeightFormat::Grouped { bits, group: 16 };
    for (format, operands) in [
        (WeightFormat::Int8, vec![&input, &small, &scales]),
        (grouped(GroupedBits::Eight), vec![&input, &small, &words, &scales]),
        (grouped(GroupedBits::Four), vec![&input, &halves, &words, &scales]),
    ] {
        let operator = Operator::QuantisedLinear { precision, format };
        let layer = Layer::QuantisedLinear {
            precision,
            format,
            biased: false,
        };
        assert_eq!(layer.form(), Some(Form::Given(format)));
        suite.check(
            "layers",
            &operator,
            &operands,
            (DataType::Float32, &[6, 9]),
            |machine, arrays, shape| operators::layers(machine, &[None], &[layer], arrays, shape),
        );
    }
}
