//! Logic, integers bit by bit, and random numbers.

use super::elementwise::{fixed, integers, layout, output};
use crate::{
    digest::DataType,
    graph::{Binary, Dimension, Operator, ShapeError, Unary},
    operators::odd_numerator,
};
use alloc::{vec, vec::Vec};

const TYPES: [(DataType, i64, i64); 4] = [
    (DataType::Int64, i64::MIN, 64),
    (DataType::Int32, i32::MIN as i64, 32),
    (DataType::Int8, -128, 8),
    (DataType::Uint8, 0, 8),
];

fn pairs(function: Binary, dtype: DataType, pairs: &[(i64, i64)]) -> crate::tensor::Tensor {
    let (left, right): (Vec<i64>, Vec<i64>) = pairs.iter().copied().unzip();
    let shape = [pairs.len() as u32];
    output(
        &Operator::Binary(function),
        &[&integers(dtype, &shape, &left), &integers(dtype, &shape, &right)],
    )
}

#[test]
fn logic_is_of_bool() {
    let given = [(0, 0), (0, 1), (1, 0), (1, 1)];
    for (function, expected) in [
        (Binary::And, [0, 0, 0, 1]),
        (Binary::Or, [0, 1, 1, 1]),
        (Binary::Xor, [0, 1, 1, 0]),
        (Binary::Equal, [1, 0, 0, 1]),
        (Binary::NotEqual, [0, 1, 1, 0]),
    ] {
        let expected = integers(DataType::Bool, &[4], &expected);
        assert_eq!(pairs(function, DataType::Bool, &given), expected, "{function:?}");
    }
}

#[test]
fn integers_are_combined_bit_by_bit() {
    for (dtype, ..) in TYPES {
        let given = [(0b1100, 0b1010), (127, 0), (5, 5)];
        for (function, expected) in [
            (Binary::And, [0b1000, 0, 5]),
            (Binary::Or, [0b1110, 127, 5]),
            (Binary::Xor, [0b0110, 127, 0]),
        ] {
            assert_eq!(pairs(function, dtype, &given), integers(dtype, &[3], &expected));
        }
    }
    let negative = [(-1, 0x55), (-128, -1)];
    for (function, expected) in [
        (Binary::And, [0x55, -128]),
        (Binary::Or, [-1, -1]),
        (Binary::Xor, [-0x56, 127]),
    ] {
        assert_eq!(
            pairs(function, DataType::Int8, &negative),
            integers(DataType::Int8, &[2], &expected)
        );
    }
    let turned = output(
        &Operator::Unary(Unary::Not),
        &[&integers(DataType::Uint8, &[3], &[0, 255, 0x0f])],
    );
    assert_eq!(turned, integers(DataType::Uint8, &[3], &[255, 0, 0xf0]));
    let turned = output(
        &Operator::Unary(Unary::Not),
        &[&integers(DataType::Int64, &[3], &[0, -1, i64::MAX])],
    );
    assert_eq!(turned, integers(DataType::Int64, &[3], &[-1, 0, i64::MIN]));
}

#[test]
fn shifts_are_by_fewer_bits_than_there_are() {
    for (dtype, least, bits) in TYPES {
        let given = [
            (1, 0),
            (1, bits - 1),
            (3, bits - 1),
            (1, bits),
            (7, -1),
            (1, i64::from(i8::MAX)),
        ];
        let given = &given[..if bits == 64 { 6 } else { 5 }];
        // Only the lowest bit stays, and is the sign where there is one.
        let top = if least == 0 { 128 } else { least };
        let left = [1, top, top, 0, 0, 0];
        assert_eq!(
            pairs(Binary::Shl, dtype, given),
            integers(dtype, &[given.len() as u32], &left[..given.len()])
        );
        if least < 0 {
            let given = [
                (least, 0),
                (least, bits - 1),
                (-5, 1),
                (-5, bits),
                (-5, -1),
                (5, bits),
                (5, 1),
            ];
            let right = [least, -1, -3, -1, -1, 0, 2];
            assert_eq!(pairs(Binary::Shr, dtype, &given), integers(dtype, &[7], &right));
        }
    }
    // Of Uint8 a count beyond 127 is not negative, and as much too great.
    let given = [(200, 3), (200, 7), (200, 8), (200, 255), (1, 200)];
    let expected = integers(DataType::Uint8, &[5], &[25, 1, 0, 0, 0]);
    assert_eq!(pairs(Binary::Shr, DataType::Uint8, &given), expected);
}

#[test]
fn random_numbers_are_of_their_key_and_place() {
    let whole = |shape: &[u32], values: &[i64]| integers(DataType::Int64, shape, values);
    let (key, counter, lane) = (
        whole(&[2, 1], &[7, -1]),
        whole(&[], &[i64::MIN]),
        whole(&[3], &[0, 1, i64::MAX]),
    );
    let drawn = output(&Operator::Random, &[&key, &counter, &lane]);
    assert_eq!(drawn.shape(), [2, 3]);
    let mut expected = Vec::new();
    for key in [7, -1] {
        for lane in [0, 1, i64::MAX] {
            expected.push(odd_numerator(key, i64::MIN, lane) as f32 / (1u32 << 24) as f32);
        }
    }
    assert_eq!(super::values(&drawn), expected);

    let one: &[Dimension] = &[fixed(1)];
    let (two, three) = ([fixed(2)], [fixed(3)]);
    let (int, short) = (DataType::Int64, DataType::Int32);
    let refused = [
        (vec![(int, one), (int, one)], ShapeError::Arity { actual: 2 }),
        (vec![(int, one), (int, one), (short, one)], ShapeError::DataType(short)),
        (
            vec![(int, &two[..]), (int, &three), (int, one)],
            ShapeError::Dimensions { input: 1 },
        ),
        (
            vec![(int, &two[..]), (int, one), (int, &three)],
            ShapeError::Dimensions { input: 2 },
        ),
    ];
    for (inputs, error) in refused {
        assert_eq!(layout(&Operator::Random, &inputs), Err(error));
    }
}
