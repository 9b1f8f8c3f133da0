//! Operators that move elements and change none.

use super::{INTEGERS, Suite};
use crate::operators;
use assay_exact::graph::{Dimension::Fixed, Operator, Position};
use assay_ops::tensor::DataType;

pub(super) fn moved(suite: &mut Suite) {
    let types = INTEGERS.into_iter().chain([DataType::Float32, DataType::Bool]);
    for dtype in types {
        let data = suite.of_type(dtype, &[3, 5, 4]);
        let operator = Operator::Reshape {
            dimensions: vec![Fixed(60)],
        };
        suite.check("reshape", &operator, &[&data], (dtype, &[60]), |m, a, shape| {
            operators::reshape(m, &a[0], shape)
        });
        let (start, step, length) = (Position::FromStart(1), 3, Fixed(4));
        let operator = Operator::Slice {
            axis: 1,
            start,
            step,
            length,
        };
        suite.check(
            "slice",
            &operator,
            &[&data],
            (dtype, &[3, 4, 4]),
            |machine, arrays, _| operators::slice(machine, &arrays[0], 1, [1, 3, 4]),
        );
        let bits = 3;
        let operator = Operator::Pad {
            axis: 1,
            before: 2,
            after: 1,
            bits,
        };
        suite.check(
            "pad",
            &operator,
            &[&data],
            (dtype, &[3, 8, 4]),
            |machine, arrays, shape| operators::pad(machine, &arrays[0], 1, 2, bits, shape),
        );
        let dimensions = vec![Fixed(2), Fixed(3)];
        let bits = if dtype == DataType::Bool { 1 } else { 0xff80_0001 };
        let operator = Operator::Fill {
            dtype,
            bits,
            dimensions,
        };
        suite.check("fill", &operator, &[], (dtype, &[2, 3]), |machine, _, shape| {
            operators::fill(machine, dtype, shape, bits)
        });
        let other = suite.of_type(dtype, &[3, 2, 4]);
        let operator = Operator::Concat { axis: 1 };
        suite.check(
            "concat",
            &operator,
            &[&data, &other],
            (dtype, &[3, 7, 4]),
            |machine, arrays, shape| operators::concat(machine, arrays, 1, shape),
        );
        let index = suite.integers(DataType::Int32, &[3, 6, 4]);
        let operator = Operator::Gather { axis: 1 };
        let like = (dtype, [3, 6, 4].as_slice());
        suite.check("gather", &operator, &[&data, &index], like, |m, a, _| {
            operators::gather(m, &a[0], &a[1], 1)
        });
        let found = operator
            .apply(&[&data, &index], dtype, vec![3, 6, 4])
            .expect("operands that fit");
        let (holds, other) = (
            suite.integers(DataType::Bool, &[6, 1]),
            suite.of_type(dtype, &[3, 6, 4]),
        );
        let written = Operator::Where.apply(&[&holds, &found, &other], dtype, vec![3, 6, 4]);
        let written = written.expect("operands that fit").canonical();
        suite.equal(
            "gather_where",
            &written,
            &[&holds, &data, &index, &other],
            |machine, arrays, _| {
                let [holds, data, index, other] = arrays else {
                    panic!("four operands");
                };
                operators::gather_where(machine, [holds, data, index, other], 1)
            },
        );
        let index = suite.integers(DataType::Int64, &[2, 3]);
        let operator = Operator::IndexSelect { axis: 1 };
        suite.check(
            "index_select",
            &operator,
            &[&data, &index],
            (dtype, &[3, 2, 3, 4]),
            |machine, arrays, shape| operators::index_select(machine, &arrays[0], &arrays[1], 1, shape),
        );
    }
    let (start, step) = (i64::MAX - 3, 5);
    let operator = Operator::Arange {
        start,
        step,
        length: Fixed(9),
    };
    suite.check(
        "arange",
        &operator,
        &[],
        (DataType::Int64, &[9]),
        |machine, _, shape| operators::arange(machine, start, step, shape),
    );
}
