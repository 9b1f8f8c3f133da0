//! Operators of single elements: every function of every type that it takes, at that type's edges, and broadcasting.

use super::{Cases, INTEGERS, ONE, SIGN, UNARY, edges, integers, numbers, shaped, truths, whole};
use crate::{
    drawn::{TYPES, tensor},
    random::Random,
};
use assay_exact::{
    digest::DataType,
    graph::{Binary, Dimension, Operator, Unary},
    tensor::Tensor,
};

const FLOAT: DataType = DataType::Float32;

pub fn add(cases: &mut Cases) {
    let mut random = Random(0x656c_656d);
    unary(cases, &mut random);
    binary(cases, &mut random);
    bitwise(cases, &mut random);
    numbers_as_good_as_random(cases, &mut random);
    broadcast(cases, &mut random);
    choices(cases, &mut random);
    casts(cases, &mut random);
    constants(cases);
}

fn unary(cases: &mut Cases, random: &mut Random) {
    let scalar = shaped(&numbers(&[1], &[0xc020_0000]), &[]);
    let operators = UNARY.into_iter().map(Operator::Unary).chain([Operator::Relu]);
    for operator in operators {
        cases.add(operator.clone(), vec![edges(FLOAT)]);
        cases.add(operator.clone(), vec![tensor(random, FLOAT, &[2, 1, 7])]);
        cases.add(operator, vec![scalar.clone()]);
    }
    for function in [Unary::Neg, Unary::Abs] {
        for dtype in INTEGERS {
            cases.add(Operator::Unary(function), vec![edges(dtype)]);
        }
    }
    cases.add(Operator::Unary(Unary::Not), vec![edges(DataType::Bool)]);
    cases.add(Operator::Unary(Unary::Not), vec![truths(&[2, 2], &[0, 1, 1, 0])]);
}

/// Every edge against every edge.
fn pairs(dtype: DataType) -> Vec<Tensor> {
    let edges = edges(dtype);
    let count = edges.shape()[0];
    vec![shaped(&edges, &[count, 1]), edges]
}

fn binary(cases: &mut Cases, random: &mut Random) {
    use Binary::{
        Add, And, Div, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Max, Min, Mul, NotEqual, Or, Rem, Sub, Xor,
    };
    for function in [
        Add,
        Sub,
        Mul,
        Div,
        Rem,
        Min,
        Max,
        Equal,
        NotEqual,
        Less,
        LessOrEqual,
        Greater,
        GreaterOrEqual,
    ] {
        for dtype in INTEGERS.into_iter().chain([FLOAT]) {
            cases.add(Operator::Binary(function), pairs(dtype));
            let drawn = vec![tensor(random, dtype, &[2, 3]), tensor(random, dtype, &[2, 3])];
            cases.add(Operator::Binary(function), drawn);
        }
    }
    for function in [Equal, NotEqual, And, Or, Xor] {
        cases.add(Operator::Binary(function), pairs(DataType::Bool));
    }
}

/// Every edge of integers with every edge, and by every count of bits that there is.
fn bitwise(cases: &mut Cases, random: &mut Random) {
    for dtype in INTEGERS {
        cases.add(Operator::Unary(Unary::Not), vec![edges(dtype)]);
        let bits = 8 * dtype.size_bytes() as i64;
        for function in [Binary::And, Binary::Or, Binary::Xor, Binary::Shl, Binary::Shr] {
            cases.add(Operator::Binary(function), pairs(dtype));
            let drawn = vec![tensor(random, dtype, &[2, 3]), tensor(random, dtype, &[3])];
            cases.add(Operator::Binary(function), drawn);
        }
        let counts: Vec<i64> = (-1..=bits + 1).collect();
        let counts = integers(dtype, &[counts.len() as u32], &counts);
        for function in [Binary::Shl, Binary::Shr] {
            let numbers = integers(dtype, &[4, 1], &[1, -1, i64::MIN >> (64 - bits), 0x5555_5555_5555_5555]);
            cases.add(Operator::Binary(function), vec![numbers, counts.clone()]);
        }
    }
}

/// Keys, counters and lanes at the ends of their bits, and broadcast.
fn numbers_as_good_as_random(cases: &mut Cases, random: &mut Random) {
    let whole = |shape: &[u32], values: &[i64]| integers(DataType::Int64, shape, values);
    // Of Random123's known answers, the first words.
    for [key, counter, lane] in [
        [0, 0, 0],
        [-1, -1, -1],
        [
            0x299f_31d0_a409_3822,
            0x85a3_08d3_243f_6a88_u64.cast_signed(),
            0x0370_7344_1319_8a2e,
        ],
    ] {
        let inputs = [key, counter, lane].map(|value| whole(&[], &[value]));
        cases.add(Operator::Random, inputs.to_vec());
    }
    let ends = [0, 1, -1, i64::MAX, i64::MIN, 1 << 32, (1 << 32) - 1];
    let ends = whole(&[ends.len() as u32], &ends);
    let column = shaped(&ends, &[7, 1]);
    cases.add(Operator::Random, vec![ends.clone(), column.clone(), whole(&[1], &[5])]);
    cases.add(Operator::Random, vec![column, whole(&[], &[5]), ends]);
    let drawn = [&[2, 1][..], &[3], &[4, 1, 1]].map(|shape| tensor(random, DataType::Int64, shape));
    cases.add(Operator::Random, drawn.to_vec());
}

fn broadcast(cases: &mut Cases, random: &mut Random) {
    let shapes: [(&[u32], &[u32]); 9] = [
        (&[], &[]),
        (&[], &[3]),
        (&[2, 2], &[]),
        (&[3], &[2, 3]),
        (&[2, 1], &[3]),
        (&[2, 1, 3], &[4, 1]),
        (&[1, 1, 1, 1], &[2]),
        (&[1, 2, 1, 2, 1, 2, 1, 2], &[2, 1, 2, 1, 2, 1, 2, 1]),
        (&[1], &[1, 1]),
    ];
    for (left, right) in shapes {
        for dtype in [FLOAT, DataType::Int32] {
            let inputs = vec![tensor(random, dtype, left), tensor(random, dtype, right)];
            cases.add(Operator::Binary(Binary::Sub), inputs.clone());
            cases.add(Operator::Binary(Binary::Less), inputs);
        }
    }
}

fn choices(cases: &mut Cases, random: &mut Random) {
    for dtype in TYPES {
        let (yes, no) = (edges(dtype), tensor(random, dtype, &[1]));
        let count = yes.shape()[0];
        let condition: Vec<u8> = (0..count).map(|place| [0, 1, 255][place as usize % 3]).collect();
        cases.add(Operator::Where, vec![truths(&[count], &condition), yes, no]);
    }
    // All three broadcast, and a NaN that is not chosen leaves no trace.
    let shapes: [[&[u32]; 3]; 5] = [
        [&[2, 1], &[3], &[]],
        [&[], &[2], &[2, 1]],
        [&[1, 2], &[2, 1], &[3, 1, 1]],
        [&[4], &[1], &[1]],
        [&[], &[], &[]],
    ];
    for [condition, yes, no] in shapes {
        let condition = tensor(random, DataType::Bool, condition);
        cases.add(
            Operator::Where,
            vec![condition, tensor(random, FLOAT, yes), tensor(random, FLOAT, no)],
        );
    }
    let odd = numbers(&[2], &[0x7fc0_0000, SIGN]);
    cases.add(
        Operator::Where,
        vec![truths(&[2], &[0, 1]), odd.clone(), whole(&[2], &[1, 2])],
    );
    cases.add(Operator::Where, vec![truths(&[2], &[0, 1]), whole(&[2], &[1, 2]), odd]);
}

fn casts(cases: &mut Cases, random: &mut Random) {
    // The ends of every integer type, their neighbours, and fractions.
    let ends = [
        0x42fe_0000,
        0x42ff_ffff,
        0x4300_0000,
        0x4301_0000,
        0x437f_0000,
        0x437f_ffff,
        0x4380_0000,
        0x4eff_ffff,
        0x4f00_0000,
        0x5eff_ffff,
        0x5f00_0000,
        0x3f7f_ffff,
        0x3fff_ffff,
    ];
    let ends: Vec<u32> = ends.into_iter().flat_map(|bits| [bits, bits | SIGN]).collect();
    for to in TYPES {
        for from in TYPES {
            cases.add(Operator::Cast { dtype: to }, vec![edges(from)]);
            cases.add(Operator::Cast { dtype: to }, vec![tensor(random, from, &[2, 2])]);
        }
        cases.add(Operator::Cast { dtype: to }, vec![numbers(&[ends.len() as u32], &ends)]);
        let odd = [
            1 << 24,
            (1 << 24) + 1,
            (1 << 53) + 1,
            (1 << 40) + (1 << 16),
            0x1234_5678_9abc_def0,
        ];
        cases.add(
            Operator::Cast { dtype: to },
            vec![integers(DataType::Int64, &[5], &odd)],
        );
    }
}

fn constants(cases: &mut Cases) {
    let fixed = |shape: &[u32]| {
        shape
            .iter()
            .map(|elements| Dimension::Fixed(*elements))
            .collect::<Vec<_>>()
    };
    for dtype in TYPES {
        for (bits, shape) in [
            (u64::from(ONE), &[2, 3][..]),
            (0xffff_ffff_8000_0000, &[]),
            (0x0000_0001_0000_0000, &[1]),
            (0x1234_5678_7fc0_0001, &[2]),
            (u64::MAX, &[1, 1, 2]),
            (256, &[1]),
            (0, &[3]),
        ] {
            let dimensions = fixed(shape);
            cases.add(
                Operator::Fill {
                    dtype,
                    bits,
                    dimensions,
                },
                vec![],
            );
        }
    }
    for (start, step, length) in [
        (0, 1, 5),
        (10, -3, 6),
        (7, 0, 2),
        (i64::MAX, 1, 3),
        (i64::MIN, -1, 2),
        (1, i64::MAX, 4),
        (-5, 2, 1),
    ] {
        let length = Dimension::Fixed(length);
        cases.add(Operator::Arange { start, step, length }, vec![]);
    }
}
