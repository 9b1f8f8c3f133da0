//! Operators of whole rows: softmax, norms, reductions, cumulative sums and the greatest.

use super::{Cases, INFINITY, INTEGERS, NAN, ONE, SIGN, edges, integers, numbers, shaped, truths, whole};
use crate::{drawn::tensor, random::Random};
use assay_exact::{
    digest::DataType,
    graph::{Operator, Reduction},
    tensor::Tensor,
};

const FLOAT: DataType = DataType::Float32;
/// 1e-5 and 1e-12.
const EPSILONS: [u32; 2] = [0x3727_c5ac, 0x2b8c_bccc];

pub fn add(cases: &mut Cases) {
    let mut random = Random(0x726f_7773);
    softmax(cases, &mut random);
    norms(cases, &mut random);
    reductions(cases, &mut random);
    top_k(cases, &mut random);
}

/// Rows of Float32 with every edge.
fn rows(random: &mut Random) -> Vec<Tensor> {
    vec![
        whole(&[1], &[5]),
        whole(&[4, 1], &[1, -2, 0, 9]),
        whole(&[3], &[7, 7, 7]),
        numbers(&[2], &[0, SIGN]),
        numbers(&[3], &[INFINITY | SIGN, ONE, 0x4000_0000]),
        numbers(&[2], &[INFINITY | SIGN, INFINITY | SIGN]),
        numbers(&[2, 1], &[INFINITY | SIGN, ONE]),
        numbers(&[2], &[INFINITY | SIGN, NAN]),
        numbers(&[3], &[INFINITY, ONE, 0]),
        numbers(&[2, 2], &[INFINITY, INFINITY, INFINITY, INFINITY | SIGN]),
        numbers(&[3], &[ONE, 0xffc0_0077, 0]),
        numbers(&[3], &[0x7f7f_ffff, 0xff7f_ffff, 0]),
        numbers(&[4], &[1, SIGN | 2, 3, 0x0080_0000]),
        whole(&[3], &[0, -100, -110]),
        whole(&[2], &[0, -104]),
        edges(FLOAT),
        tensor(random, FLOAT, &[2, 3, 5]),
        tensor(random, FLOAT, &[3, 1, 2]),
        tensor(random, FLOAT, &[2, 65]),
        tensor(random, FLOAT, &[100]),
    ]
}

fn softmax(cases: &mut Cases, random: &mut Random) {
    for operator in [Operator::Softmax, Operator::LogSoftmax] {
        for input in rows(random) {
            cases.add(operator.clone(), vec![input]);
        }
    }
}

fn norms(cases: &mut Cases, random: &mut Random) {
    for epsilon in EPSILONS {
        for input in rows(random) {
            cases.add(Operator::LayerNorm { epsilon }, vec![input.clone()]);
            cases.add(Operator::RmsNorm { epsilon }, vec![input]);
        }
    }
    for shape in [&[4][..], &[3, 7], &[2, 2, 16]] {
        let (input, epsilon) = (tensor(random, FLOAT, shape), EPSILONS[0]);
        let vector = &shape[shape.len() - 1..];
        let (weight, bias) = (tensor(random, FLOAT, vector), tensor(random, FLOAT, vector));
        let inputs = [input, weight, bias];
        for operands in 2..=3 {
            cases.add(Operator::LayerNorm { epsilon }, inputs[..operands].to_vec());
        }
        cases.add(Operator::RmsNorm { epsilon }, inputs[..2].to_vec());
    }
    // Without an epsilon a row without variance has no norm; below zero there is no root; an infinite or NaN one
    // spreads.
    for epsilon in [0, SIGN, ONE | SIGN, INFINITY, NAN] {
        let input = whole(&[2, 2], &[3, 3, 0, 0]);
        cases.add(Operator::LayerNorm { epsilon }, vec![input.clone()]);
        cases.add(Operator::RmsNorm { epsilon }, vec![input]);
    }
    let odd = numbers(&[3], &[INFINITY, NAN, 0]);
    let epsilon = EPSILONS[0];
    let input = whole(&[2, 3], &[1, 2, 3, 0, 0, 0]);
    cases.add(
        Operator::LayerNorm { epsilon },
        vec![input.clone(), odd.clone(), odd.clone()],
    );
    cases.add(Operator::RmsNorm { epsilon }, vec![input, odd]);
}

fn reductions(cases: &mut Cases, random: &mut Random) {
    use Reduction::{All, Any, ArgMax, ArgMin, Max, Mean, Min, Sum};
    for reduction in [Sum, Mean, Max, Min, ArgMax, ArgMin] {
        for input in rows(random) {
            cases.add(Operator::Reduce(reduction), vec![input]);
        }
    }
    for input in rows(random) {
        cases.add(Operator::CumSum, vec![input]);
    }
    for dtype in INTEGERS {
        let rows = [
            edges(dtype),
            integers(dtype, &[1], &[-1]),
            integers(dtype, &[2, 4], &[5, 9, 9, 1, -3, 4, -3, 4]),
            integers(dtype, &[2], &[i64::MAX, i64::MAX]),
            integers(dtype, &[3], &[i64::MIN, i64::MIN, -1]),
            tensor(random, dtype, &[2, 1, 6]),
        ];
        for input in rows {
            for reduction in [Sum, Max, Min, ArgMax, ArgMin] {
                cases.add(Operator::Reduce(reduction), vec![input.clone()]);
            }
            cases.add(Operator::CumSum, vec![input]);
        }
    }
    for input in [
        truths(&[3], &[0, 0, 0]),
        truths(&[3], &[1, 2, 255]),
        truths(&[2, 3], &[0, 7, 0, 1, 0, 1]),
        truths(&[1, 1], &[0]),
    ] {
        for reduction in [Sum, Max, Min, ArgMax, ArgMin, Any, All] {
            cases.add(Operator::Reduce(reduction), vec![input.clone()]);
        }
        cases.add(Operator::CumSum, vec![input]);
    }
}

fn top_k(cases: &mut Cases, random: &mut Random) {
    let mut inputs = vec![
        whole(&[6], &[3, 1, 3, -2, 1, 3]),
        numbers(&[6], &[NAN, ONE, INFINITY, 0xffc0_0001, INFINITY | SIGN, 0]),
        numbers(&[4], &[0, SIGN, 1, SIGN | 1]),
        edges(FLOAT),
        tensor(random, FLOAT, &[2, 2, 9]),
        truths(&[5], &[0, 1, 0, 2, 1]),
    ];
    for dtype in INTEGERS {
        inputs.push(edges(dtype));
        inputs.push(integers(dtype, &[2, 4], &[5, 9, 9, 1, -3, 4, -3, 4]));
    }
    for input in inputs {
        let length = input.shape().last().copied().expect("it has rows");
        for largest in [true, false] {
            for count in [1, length / 2, length] {
                cases.add(Operator::TopK { count, largest }, vec![input.clone()]);
            }
        }
    }
    let input = shaped(&whole(&[3], &[4, 5, 6]), &[3, 1]);
    cases.add(
        Operator::TopK {
            count: 1,
            largest: true,
        },
        vec![input],
    );
}
