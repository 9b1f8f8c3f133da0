//! Operators on rows along the last dimension.

use super::{INTEGERS, Suite};
use crate::operators;
use assay_exact::{
    graph::{Operator, Reduction},
    quantise::Precision,
};
use assay_ops::{tensor::DataType, words::Normalisation};

const REDUCTIONS: [Reduction; 6] = [
    Reduction::Sum,
    Reduction::Mean,
    Reduction::Max,
    Reduction::Min,
    Reduction::ArgMax,
    Reduction::ArgMin,
];

pub(super) fn rows(suite: &mut Suite) {
    let types = INTEGERS.into_iter().chain([DataType::Float32, DataType::Bool]);
    for dtype in types {
        let input = suite.of_type(dtype, &[15, 23]);
        for reduction in REDUCTIONS {
            let of = match reduction {
                Reduction::Mean if dtype != DataType::Float32 => continue,
                Reduction::ArgMax | Reduction::ArgMin => DataType::Int64,
                Reduction::Sum if dtype != DataType::Float32 => DataType::Int64,
                _ => dtype,
            };
            suite.check(
                "reduce",
                &Operator::Reduce(reduction),
                &[&input],
                (of, &[15]),
                |m, a, shape| operators::reduce(m, reduction, &a[0], shape),
            );
        }
        let of = match dtype {
            DataType::Float32 => dtype,
            _ => DataType::Int64,
        };
        suite.check("cum_sum", &Operator::CumSum, &[&input], (of, &[15, 23]), |m, a, _| {
            operators::cum_sum(m, &a[0])
        });
        for largest in [false, true] {
            let operator = Operator::TopK { count: 7, largest };
            suite.check(
                "top_k",
                &operator,
                &[&input],
                (DataType::Int64, &[15, 7]),
                |m, a, shape| operators::top_k(m, largest, &a[0], shape),
            );
        }
    }
    let flags = suite.integers(DataType::Bool, &[20, 3]);
    for reduction in [Reduction::Any, Reduction::All] {
        suite.check(
            "reduce",
            &Operator::Reduce(reduction),
            &[&flags],
            (DataType::Bool, &[20]),
            |m, a, shape| operators::reduce(m, reduction, &a[0], shape),
        );
    }
    let (input, weight, bias) = (suite.numbers(&[30, 24]), suite.numbers(&[24]), suite.numbers(&[24]));
    let epsilon = 1e-5f32.to_bits();
    for (operator, others) in [
        (Operator::Softmax, vec![]),
        (Operator::LogSoftmax, vec![]),
        (Operator::LayerNorm { epsilon }, vec![&weight, &bias]),
        (Operator::RmsNorm { epsilon }, vec![&weight]),
    ] {
        let normalisation = Normalisation::of(&operator).expect("it is one");
        let operands = [vec![&input], others].concat();
        suite.check(
            "normalise",
            &operator,
            &operands,
            (DataType::Float32, &[30, 24]),
            |machine, arrays, _| operators::normalise(machine, normalisation, arrays),
        );
    }
    for precision in [Precision::Int8, Precision::Int16] {
        let operator = Operator::RowScale { precision };
        suite.check(
            "row_scale",
            &operator,
            &[&input],
            (DataType::Float32, &[30]),
            |machine, arrays, shape| operators::row_scale(machine, precision, &arrays[0], shape),
        );
    }
}
