//! Operators that compute each element from one element of each operand.

use super::{INTEGERS, Suite};
use crate::operators;
use assay_exact::graph::{Binary, Operator, Unary};
use assay_ops::{
    tensor::DataType,
    words::{Function, Pairwise},
};

pub(super) fn functions(suite: &mut Suite) {
    use Unary::{Abs, Ceil, Cos, Erf, Exp, Floor, Gelu, GeluTanh, Log, Neg, Round, Rsqrt, Sigmoid, Silu, Sin, Sqrt};
    let all = [
        Abs, Ceil, Cos, Erf, Exp, Floor, Gelu, GeluTanh, Log, Neg, Round, Rsqrt, Sigmoid, Silu, Sin, Sqrt,
    ];
    for unary in all.into_iter().chain([Unary::Tanh, Unary::Trunc]) {
        let input = suite.numbers(&[10, 41]);
        let function = Function::of_unary(unary).expect("of numbers");
        let like = (DataType::Float32, [10, 41].as_slice());
        suite.check(
            "apply",
            &Operator::Unary(unary),
            &[&input],
            like,
            |machine, arrays, _| operators::apply(machine, &[function], &mut arrays[0]),
        );
    }
    for dtype in INTEGERS {
        let (input, like) = (suite.integers(dtype, &[70]), (dtype, [70].as_slice()));
        let operator = |unary| Operator::Unary(unary);
        suite.check("integer_neg", &operator(Neg), &[&input], like, |m, a, _| {
            operators::integer_neg(m, &a[0])
        });
        suite.check("integer_abs", &operator(Abs), &[&input], like, |m, a, _| {
            operators::integer_abs(m, &a[0])
        });
        suite.check("bitwise_not", &operator(Unary::Not), &[&input], like, |m, a, _| {
            operators::bitwise_not(m, &a[0])
        });
    }
    let flags = suite.integers(DataType::Bool, &[9]);
    let like = (DataType::Bool, [9].as_slice());
    suite.check(
        "logical_not",
        &Operator::Unary(Unary::Not),
        &[&flags],
        like,
        |m, a, _| operators::logical_not(m, &a[0]),
    );
}

pub(super) fn pairs(suite: &mut Suite) {
    use Binary::{Add, And, Div, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Max, Min, Mul, NotEqual, Or, Rem};
    let all = [
        Add,
        And,
        Div,
        Equal,
        Greater,
        GreaterOrEqual,
        Less,
        LessOrEqual,
        Max,
        Min,
        Mul,
        NotEqual,
        Or,
        Rem,
    ];
    let types = INTEGERS.into_iter().chain([DataType::Float32, DataType::Bool]);
    for dtype in types {
        for binary in all
            .into_iter()
            .chain([Binary::Sub, Binary::Xor, Binary::Shl, Binary::Shr])
        {
            let (a, b) = (suite.of_type(dtype, &[5, 1, 40]), suite.of_type(dtype, &[3, 40]));
            let is_bool = dtype == DataType::Bool;
            let (name, of) = match binary.into() {
                Pairwise::Operation(_) if is_bool => continue,
                Pairwise::Bitwise(_) if is_bool || dtype == DataType::Float32 => continue,
                Pairwise::Connective(_) if dtype == DataType::Float32 => continue,
                Pairwise::Operation(_) => ("combine", dtype),
                Pairwise::Comparison(_) => ("compare", DataType::Bool),
                Pairwise::Connective(_) if is_bool => ("connect", dtype),
                Pairwise::Connective(_) | Pairwise::Bitwise(_) => ("bitwise", dtype),
            };
            let like = (of, [5, 3, 40].as_slice());
            suite.check(
                name,
                &Operator::Binary(binary),
                &[&a, &b],
                like,
                |machine, arrays, shape| {
                    let (a, b) = (&arrays[0], &arrays[1]);
                    match binary.into() {
                        Pairwise::Operation(operation) => operators::combine(machine, operation, a, b, shape),
                        Pairwise::Comparison(comparison) => operators::compare(machine, comparison, a, b, shape),
                        Pairwise::Connective(connective) if is_bool => {
                            operators::connect(machine, connective, a, b, shape)
                        }
                        Pairwise::Connective(connective) => operators::bitwise(machine, connective.into(), a, b, shape),
                        Pairwise::Bitwise(operation) => operators::bitwise(machine, operation, a, b, shape),
                    }
                },
            );
        }
    }
}

pub(super) fn casts_and_choices(suite: &mut Suite) {
    let types = INTEGERS.into_iter().chain([DataType::Float32, DataType::Bool]);
    for from in types.clone() {
        for to in types.clone() {
            let input = suite.of_type(from, &[10, 16]);
            let operator = Operator::Cast { dtype: to };
            suite.check("cast", &operator, &[&input], (to, &[10, 16]), |m, a, _| {
                operators::cast(m, &a[0], to)
            });
        }
        let condition = suite.integers(DataType::Bool, &[4, 1]);
        let (yes, no) = (suite.of_type(from, &[4, 9]), suite.of_type(from, &[9]));
        let like = (from, [4, 9].as_slice());
        suite.check(
            "select",
            &Operator::Where,
            &[&condition, &yes, &no],
            like,
            |machine, arrays, shape| operators::select(machine, [&arrays[0], &arrays[1], &arrays[2]], shape),
        );
    }
    let [key, counter, lane] = [&[1u32, 1][..], &[6, 1], &[50]].map(|shape| suite.integers(DataType::Int64, shape));
    let like = (DataType::Float32, [6, 50].as_slice());
    suite.check(
        "random",
        &Operator::Random,
        &[&key, &counter, &lane],
        like,
        |machine, arrays, shape| operators::random(machine, [&arrays[0], &arrays[1], &arrays[2]], shape),
    );
}
