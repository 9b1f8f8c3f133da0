//! Operators that compute each element from one of each operand.

use crate::{
    binary32::Binary32,
    digest::DataType,
    element::Element,
    functions,
    graph::{Binary, Dimension, Graph, GraphError, Input, Node, Operator, Output, ShapeError, Symbol, Unary, Value},
    tensor::Tensor,
};
use alloc::{borrow::ToOwned, format, vec, vec::Vec};

pub(super) const SYMBOL: Dimension = Dimension::Symbol(0);
pub(super) const OTHER: Dimension = Dimension::Symbol(1);
const INTEGERS: [DataType; 4] = [DataType::Int64, DataType::Int32, DataType::Int8, DataType::Uint8];

const NAN: f32 = f32::NAN;
const INFINITY: f32 = f32::INFINITY;

/// A multiple of the first symbol and a number.
pub(super) fn affine(factor: i32, offset: i32) -> Dimension {
    crate::testing::affine(0, factor, offset)
}

pub(super) const fn fixed(elements: u32) -> Dimension {
    Dimension::Fixed(elements)
}

pub(super) fn numbers(shape: &[u32], values: &[f32]) -> Tensor {
    let numbers = values.iter().map(|value| Binary32::from_bits(value.to_bits()));
    Tensor::from_numbers(shape.to_vec(), numbers).expect("as many values as the shape says")
}

pub(super) fn integers(dtype: DataType, shape: &[u32], values: &[i64]) -> Tensor {
    let elements = values.iter().map(|value| Element::Integer(*value));
    Tensor::from_elements(dtype, shape.to_vec(), elements).expect("as many values as the shape says")
}

/// The type and the dimensions that a graph of one operator gives. Two symbols of 1 to 16, `Symbol(0)` and `Symbol(1)`,
/// can be named.
pub(super) fn layout(
    operator: &Operator,
    inputs: &[(DataType, &[Dimension])],
) -> Result<(DataType, Vec<Dimension>), ShapeError> {
    let input = |(position, (dtype, dimensions)): (usize, &(DataType, &[Dimension]))| Input {
        name: format!("input_{position}"),
        dtype: *dtype,
        dimensions: dimensions.to_vec(),
        range: None,
    };
    let symbol = |name: &str| Symbol {
        name: name.to_owned(),
        min: 1,
        max: 16,
    };
    // The first input is not used; it binds the symbols.
    let symbols: (DataType, &[Dimension]) = (DataType::Bool, &[SYMBOL, OTHER]);
    // The same tensor stands for all where there are more than a graph may take.
    let shown = if inputs.len() > 8 { &inputs[..1] } else { inputs };
    let taken = (1..=inputs.len()).map(|position| Value::Input(position.min(shown.len()) as u16));
    let graph = Graph {
        symbols: vec![symbol("s0"), symbol("s1")],
        inputs: core::iter::once(&symbols).chain(shown).enumerate().map(input).collect(),
        weights: vec![],
        nodes: vec![Node {
            name: "node".to_owned(),
            operator: operator.clone(),
            inputs: taken.collect(),
            source: "model.py:1".to_owned(),
        }],
        outputs: vec![Output {
            name: "output_0".to_owned(),
            value: Value::Node(0),
        }],
    };
    match graph.check() {
        Ok(checked) => {
            let (dtype, dimensions) = checked.value(Value::Node(0)).expect("there is one node");
            Ok((dtype, dimensions.to_vec()))
        }
        Err(GraphError::Shape { error, .. }) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

/// Result of an operator, with the type and the shape that a graph infers.
pub(super) fn output(operator: &Operator, inputs: &[&Tensor]) -> Tensor {
    let dimensions = inputs
        .iter()
        .map(|input| input.shape().iter().map(|d| fixed(*d)).collect());
    let dimensions: Vec<Vec<Dimension>> = dimensions.collect();
    let layouts = inputs.iter().zip(&dimensions);
    let layouts: Vec<(DataType, &[Dimension])> = layouts.map(|(input, d)| (input.dtype(), d.as_slice())).collect();
    let (dtype, dimensions) = layout(operator, &layouts).expect("the operator takes this");
    let shape = dimensions
        .iter()
        .map(|dimension| dimension.elements(&[]).expect("nothing is dynamic"));
    operator.apply(inputs, dtype, shape.collect()).expect("the inputs fit")
}

fn of_numbers(function: Unary, inputs: &[f32]) -> Tensor {
    output(&Operator::Unary(function), &[&numbers(&[inputs.len() as u32], inputs)])
}

fn of_integers(function: Unary, dtype: DataType, inputs: &[i64]) -> Tensor {
    let input = integers(dtype, &[inputs.len() as u32], inputs);
    output(&Operator::Unary(function), &[&input])
}

/// `function` of every pair.
fn of_pairs<const COUNT: usize>(function: Binary, pairs: [(f32, f32); COUNT]) -> Tensor {
    let (left, right) = (pairs.map(|pair| pair.0), pairs.map(|pair| pair.1));
    let shape = [COUNT as u32];
    output(
        &Operator::Binary(function),
        &[&numbers(&shape, &left), &numbers(&shape, &right)],
    )
}

fn of_integer_pairs<const COUNT: usize>(function: Binary, dtype: DataType, pairs: [(i64, i64); COUNT]) -> Tensor {
    let (left, right) = (pairs.map(|pair| pair.0), pairs.map(|pair| pair.1));
    let shape = [COUNT as u32];
    output(
        &Operator::Binary(function),
        &[&integers(dtype, &shape, &left), &integers(dtype, &shape, &right)],
    )
}

#[test]
fn relu_keeps_nan() {
    let input = numbers(&[2, 3], &[-1.0, 0.0, 2.0, NAN, -INFINITY, INFINITY]);
    let expected = numbers(&[2, 3], &[0.0, 0.0, 2.0, NAN, 0.0, INFINITY]);
    assert_eq!(output(&Operator::Relu, &[&input]), expected);
}

#[test]
fn numbers_have_signs_and_roundings() {
    let inputs = [-2.5, -0.5, 0.0, 0.5, 1.5, INFINITY, NAN];
    for (function, expected) in [
        (Unary::Neg, [2.5, 0.5, 0.0, -0.5, -1.5, -INFINITY, NAN]),
        (Unary::Abs, [2.5, 0.5, 0.0, 0.5, 1.5, INFINITY, NAN]),
        (Unary::Floor, [-3.0, -1.0, 0.0, 0.0, 1.0, INFINITY, NAN]),
        (Unary::Ceil, [-2.0, 0.0, 0.0, 1.0, 2.0, INFINITY, NAN]),
        (Unary::Round, [-2.0, 0.0, 0.0, 0.0, 2.0, INFINITY, NAN]),
        (Unary::Trunc, [-2.0, 0.0, 0.0, 0.0, 1.0, INFINITY, NAN]),
    ] {
        assert_eq!(of_numbers(function, &inputs), numbers(&[7], &expected), "{function:?}");
    }
}

#[test]
fn roots_are_nan_below_zero() {
    let inputs = [-1.0, 0.0, 4.0, INFINITY, NAN];
    let roots = numbers(&[5], &[NAN, 0.0, 2.0, INFINITY, NAN]);
    assert_eq!(of_numbers(Unary::Sqrt, &inputs), roots);
    let reciprocal = numbers(&[5], &[NAN, INFINITY, 0.5, 0.0, NAN]);
    assert_eq!(of_numbers(Unary::Rsqrt, &inputs), reciprocal);
}

#[test]
fn functions_are_those_of_their_names() {
    type Function = fn(Binary32) -> Binary32;
    let table: [(Unary, Function); 10] = [
        (Unary::Exp, functions::exp),
        (Unary::Log, functions::log),
        (Unary::Tanh, functions::tanh),
        (Unary::Sigmoid, functions::sigmoid),
        (Unary::Erf, functions::erf),
        (Unary::Sin, functions::sin),
        (Unary::Cos, functions::cos),
        (Unary::Silu, functions::silu),
        (Unary::Gelu, functions::gelu),
        (Unary::GeluTanh, functions::gelu_tanh),
    ];
    let inputs = [-INFINITY, -1.25, 0.0, 0.75, 3.0, INFINITY, NAN];
    for (unary, function) in table {
        let expected = inputs.map(|x| f32::from_bits(function(Binary32::from_bits(x.to_bits())).to_bits()));
        assert_eq!(of_numbers(unary, &inputs), numbers(&[7], &expected), "{unary:?}");
    }
    assert_eq!(of_numbers(Unary::Exp, &[0.0]), numbers(&[1], &[1.0]));
    assert_eq!(of_numbers(Unary::Sigmoid, &[0.0]), numbers(&[1], &[0.5]));
    assert_eq!(of_numbers(Unary::Cos, &[0.0]), numbers(&[1], &[1.0]));
}

#[test]
fn integers_wrap_when_negated() {
    for (dtype, least) in [
        (DataType::Int64, i64::MIN),
        (DataType::Int32, i64::from(i32::MIN)),
        (DataType::Int8, -128),
    ] {
        let expected = integers(dtype, &[3], &[least, -5, 5]);
        assert_eq!(of_integers(Unary::Neg, dtype, &[least, 5, -5]), expected);
        let expected = integers(dtype, &[3], &[least, 5, 5]);
        assert_eq!(of_integers(Unary::Abs, dtype, &[least, 5, -5]), expected);
    }
    let expected = integers(DataType::Uint8, &[3], &[255, 0, 1]);
    assert_eq!(of_integers(Unary::Neg, DataType::Uint8, &[1, 0, 255]), expected);
    let expected = integers(DataType::Uint8, &[2], &[1, 255]);
    assert_eq!(of_integers(Unary::Abs, DataType::Uint8, &[1, 255]), expected);
    let expected = integers(DataType::Bool, &[2], &[1, 0]);
    assert_eq!(of_integers(Unary::Not, DataType::Bool, &[0, 1]), expected);
}

#[test]
fn arithmetic_of_numbers_is_that_of_the_standard() {
    let pairs = [
        (7.5, 2.0),
        (-7.5, 2.0),
        (1.0, 0.0),
        (0.0, 0.0),
        (NAN, 1.0),
        (1.0, INFINITY),
    ];
    for (function, expected) in [
        (Binary::Add, [9.5, -5.5, 1.0, 0.0, NAN, INFINITY]),
        (Binary::Sub, [5.5, -9.5, 1.0, 0.0, NAN, -INFINITY]),
        (Binary::Mul, [15.0, -15.0, 0.0, 0.0, NAN, INFINITY]),
        (Binary::Div, [3.75, -3.75, INFINITY, NAN, NAN, 0.0]),
        (Binary::Rem, [1.5, -1.5, NAN, NAN, NAN, 1.0]),
        (Binary::Min, [2.0, -7.5, 0.0, 0.0, NAN, 1.0]),
        (Binary::Max, [7.5, 2.0, 1.0, 0.0, NAN, INFINITY]),
    ] {
        assert_eq!(of_pairs(function, pairs), numbers(&[6], &expected), "{function:?}");
    }
}

#[test]
fn nan_is_unlike_everything() {
    let pairs = [(1.0, 2.0), (2.0, 2.0), (3.0, 2.0), (NAN, NAN), (1.0, NAN), (-0.0, 0.0)];
    for (function, expected) in [
        (Binary::Equal, [0, 1, 0, 0, 0, 1]),
        (Binary::NotEqual, [1, 0, 1, 1, 1, 0]),
        (Binary::Less, [1, 0, 0, 0, 0, 0]),
        (Binary::LessOrEqual, [1, 1, 0, 0, 0, 1]),
        (Binary::Greater, [0, 0, 1, 0, 0, 0]),
        (Binary::GreaterOrEqual, [0, 1, 1, 0, 0, 1]),
    ] {
        let expected = integers(DataType::Bool, &[6], &expected);
        assert_eq!(of_pairs(function, pairs), expected, "{function:?}");
    }
}

#[test]
fn integers_divide_down_and_leave_remainders_of_truncation() {
    let pairs = [
        (7, 2),
        (-7, 2),
        (7, -2),
        (-7, -2),
        (6, -2),
        (5, 0),
        (i64::MIN, -1),
        (0, -3),
    ];
    for (function, expected) in [
        (Binary::Div, [3, -4, -4, 3, -3, 0, i64::MIN, 0]),
        (Binary::Rem, [1, -1, 1, -1, 0, 0, 0, 0]),
        (Binary::Min, [2, -7, -2, -7, -2, 0, i64::MIN, -3]),
        (Binary::Max, [7, 2, 7, -2, 6, 5, -1, 0]),
        (Binary::Add, [9, -5, 5, -9, 4, 5, i64::MAX, -3]),
        (Binary::Sub, [5, -9, 9, -5, 8, 5, i64::MIN + 1, 3]),
        (Binary::Mul, [14, -14, -14, 14, -12, 0, i64::MIN, 0]),
    ] {
        let expected = integers(DataType::Int64, &[8], &expected);
        assert_eq!(
            of_integer_pairs(function, DataType::Int64, pairs),
            expected,
            "{function:?}"
        );
    }
}

#[test]
fn narrow_integers_wrap() {
    for (function, dtype, pair, expected) in [
        (Binary::Add, DataType::Int8, (127, 1), -128),
        (Binary::Div, DataType::Int8, (-128, -1), -128),
        (Binary::Mul, DataType::Int32, (65_536, 65_536), 0),
        (
            Binary::Div,
            DataType::Int32,
            (i64::from(i32::MIN), -1),
            i64::from(i32::MIN),
        ),
        (Binary::Sub, DataType::Uint8, (1, 2), 255),
        (Binary::Div, DataType::Uint8, (255, 2), 127),
        (Binary::Max, DataType::Uint8, (255, 2), 255),
    ] {
        let expected = integers(dtype, &[1], &[expected]);
        assert_eq!(of_integer_pairs(function, dtype, [pair]), expected, "{function:?}");
    }
    let pairs = [(1, 2), (2, 2), (-1, -2)];
    let expected = integers(DataType::Bool, &[3], &[1, 0, 0]);
    assert_eq!(of_integer_pairs(Binary::Less, DataType::Int8, pairs), expected);
    let expected = integers(DataType::Bool, &[3], &[0, 1, 1]);
    assert_eq!(
        of_integer_pairs(Binary::GreaterOrEqual, DataType::Int8, pairs),
        expected
    );
}

#[test]
fn dimensions_are_broadcast() {
    let add = Operator::Binary(Binary::Add);
    let column = numbers(&[2, 1], &[10.0, 20.0]);
    let row = numbers(&[3], &[1.0, 2.0, 3.0]);
    let sums = numbers(&[2, 3], &[11.0, 12.0, 13.0, 21.0, 22.0, 23.0]);
    assert_eq!(output(&add, &[&column, &row]), sums);
    assert_eq!(output(&add, &[&row, &column]), sums);
    let scalar = numbers(&[], &[1.0]);
    assert_eq!(output(&add, &[&scalar, &row]), numbers(&[3], &[2.0, 3.0, 4.0]));
    assert_eq!(output(&add, &[&scalar, &scalar]), numbers(&[], &[2.0]));
    let float = DataType::Float32;
    type Dimensions = &'static [Dimension];
    const CASES: [(Dimensions, Dimensions, Result<Dimensions, usize>); 6] = [
        (&[SYMBOL, fixed(1)], &[fixed(4)], Ok(&[SYMBOL, fixed(4)])),
        (&[fixed(1)], &[SYMBOL], Ok(&[SYMBOL])),
        (&[SYMBOL, OTHER], &[SYMBOL, OTHER], Ok(&[SYMBOL, OTHER])),
        (&[SYMBOL], &[OTHER], Err(1)),
        (&[SYMBOL], &[fixed(2)], Err(1)),
        (&[fixed(2), fixed(3)], &[fixed(2)], Err(1)),
    ];
    for (left, right, expected) in CASES {
        let expected = expected.map(|dimensions| (float, dimensions.to_vec()));
        let expected = expected.map_err(|input| ShapeError::Dimensions { input });
        assert_eq!(layout(&add, &[(float, left), (float, right)]), expected);
    }
}

#[test]
fn where_takes_one_of_two() {
    let condition = integers(DataType::Bool, &[2, 1], &[1, 0]);
    let yes = integers(DataType::Int8, &[3], &[1, 2, 3]);
    let no = integers(DataType::Int8, &[], &[-1]);
    let expected = integers(DataType::Int8, &[2, 3], &[1, 2, 3, -1, -1, -1]);
    assert_eq!(output(&Operator::Where, &[&condition, &yes, &no]), expected);

    let one: &[Dimension] = &[fixed(1)];
    let (two, three) = ([fixed(2)], [fixed(3)]);
    let (bool, float, int) = (DataType::Bool, DataType::Float32, DataType::Int64);
    let refused = [
        (vec![(bool, one), (float, one)], ShapeError::Arity { actual: 2 }),
        (vec![(int, one), (float, one), (float, one)], ShapeError::DataType(int)),
        (vec![(bool, one), (float, one), (int, one)], ShapeError::DataType(int)),
        (
            vec![(bool, one), (float, &two), (float, &three)],
            ShapeError::Dimensions { input: 2 },
        ),
    ];
    for (inputs, error) in refused {
        assert_eq!(layout(&Operator::Where, &inputs), Err(error));
    }
}

#[test]
fn casting_a_number_truncates_and_saturates() {
    let input = numbers(&[8], &[1.9, -1.9, 0.0, 300.0, -1e30, 1e30, NAN, -INFINITY]);
    let (max, min) = (i64::MAX, i64::MIN);
    let (max32, min32) = (i64::from(i32::MAX), i64::from(i32::MIN));
    for (dtype, expected) in [
        (DataType::Int64, [1, -1, 0, 300, min, max, 0, min]),
        (DataType::Int32, [1, -1, 0, 300, min32, max32, 0, min32]),
        (DataType::Int8, [1, -1, 0, 127, -128, 127, 0, -128]),
        (DataType::Uint8, [1, 0, 0, 255, 0, 255, 0, 0]),
        (DataType::Bool, [1, 1, 0, 1, 1, 1, 1, 1]),
    ] {
        let expected = integers(dtype, &[8], &expected);
        assert_eq!(output(&Operator::Cast { dtype }, &[&input]), expected, "{dtype:?}");
    }
    let same = Operator::Cast {
        dtype: DataType::Float32,
    };
    assert_eq!(output(&same, &[&input]), input);
}

#[test]
fn casting_an_integer_wraps_or_rounds_once() {
    let input = integers(DataType::Int64, &[4], &[-1, 256, 128, 16_777_217]);
    for (dtype, expected) in [
        (DataType::Int32, [-1, 256, 128, 16_777_217]),
        (DataType::Int8, [-1, 0, -128, 1]),
        (DataType::Uint8, [255, 0, 128, 1]),
        (DataType::Bool, [1, 1, 1, 1]),
    ] {
        let expected = integers(dtype, &[4], &expected);
        assert_eq!(output(&Operator::Cast { dtype }, &[&input]), expected, "{dtype:?}");
    }
    let number = Operator::Cast {
        dtype: DataType::Float32,
    };
    let expected = numbers(&[4], &[-1.0, 256.0, 128.0, 16_777_216.0]);
    assert_eq!(output(&number, &[&input]), expected);
    let truths = integers(DataType::Bool, &[2], &[0, 1]);
    assert_eq!(output(&number, &[&truths]), numbers(&[2], &[0.0, 1.0]));
}

#[test]
fn what_takes_no_input_is_made() {
    let fill = |dtype, bits, dimensions: &[Dimension]| Operator::Fill {
        dtype,
        bits,
        dimensions: dimensions.to_vec(),
    };
    let two = [fixed(2)];
    let operator = fill(DataType::Float32, 0x8000_0000, &two);
    assert_eq!(output(&operator, &[]), numbers(&[2], &[0.0, 0.0]));
    let operator = fill(DataType::Int8, -3i64 as u64, &two);
    assert_eq!(output(&operator, &[]), integers(DataType::Int8, &[2], &[-3, -3]));
    let operator = fill(DataType::Bool, 1, &[]);
    assert_eq!(output(&operator, &[]), integers(DataType::Bool, &[], &[1]));

    let arange = |start, step, length| Operator::Arange { start, step, length };
    let expected = integers(DataType::Int64, &[4], &[5, 3, 1, -1]);
    assert_eq!(output(&arange(5, -2, fixed(4)), &[]), expected);
    let expected = integers(DataType::Int64, &[2], &[i64::MAX, i64::MIN]);
    assert_eq!(output(&arange(i64::MAX, 1, fixed(2)), &[]), expected);

    let int = DataType::Int64;
    assert_eq!(layout(&arange(0, 1, SYMBOL), &[]), Ok((int, vec![SYMBOL])));
    let one: &[(DataType, &[Dimension])] = &[(int, &[])];
    for (operator, inputs, error) in [
        (arange(0, 1, fixed(0)), &[][..], ShapeError::Parameter("dimension")),
        (arange(0, 1, fixed(1)), one, ShapeError::Arity { actual: 1 }),
        (fill(int, 0, &[]), one, ShapeError::Arity { actual: 1 }),
        (fill(int, 0, &[fixed(1); 9]), &[], ShapeError::Parameter("rank")),
        (fill(int, 0, &[fixed(0)]), &[], ShapeError::Parameter("dimension")),
    ] {
        assert_eq!(layout(&operator, inputs), Err(error));
    }
}

#[test]
fn functions_take_the_types_that_they_are_defined_for() {
    let accepts = |operator: Operator, count: usize, dtype: DataType| {
        let inputs: Vec<(DataType, &[Dimension])> = vec![(dtype, &[SYMBOL]); count];
        match layout(&operator, &inputs) {
            Ok((dtype, dimensions)) => {
                assert_eq!(dimensions, [SYMBOL]);
                Some(dtype)
            }
            Err(error) => {
                assert_eq!(error, ShapeError::DataType(dtype));
                None
            }
        }
    };
    let (float, bool) = (DataType::Float32, DataType::Bool);
    let (unary, binary) = (Operator::Unary, Operator::Binary);
    for dtype in INTEGERS {
        assert_eq!(accepts(unary(Unary::Neg), 1, dtype), Some(dtype));
        assert_eq!(accepts(unary(Unary::Exp), 1, dtype), None);
        assert_eq!(accepts(unary(Unary::Floor), 1, dtype), None);
        assert_eq!(accepts(unary(Unary::Not), 1, dtype), Some(dtype));
        assert_eq!(accepts(Operator::Relu, 1, dtype), None);
        assert_eq!(accepts(binary(Binary::Rem), 2, dtype), Some(dtype));
        assert_eq!(accepts(binary(Binary::Less), 2, dtype), Some(bool));
        assert_eq!(accepts(binary(Binary::And), 2, dtype), Some(dtype));
        assert_eq!(accepts(binary(Binary::Shl), 2, dtype), Some(dtype));
    }
    assert_eq!(accepts(unary(Unary::Abs), 1, float), Some(float));
    assert_eq!(accepts(unary(Unary::Not), 1, float), None);
    assert_eq!(accepts(binary(Binary::Equal), 2, float), Some(bool));
    assert_eq!(accepts(binary(Binary::Xor), 2, float), None);
    assert_eq!(accepts(binary(Binary::Shr), 2, float), None);
    assert_eq!(accepts(binary(Binary::Or), 2, bool), Some(bool));
    assert_eq!(accepts(binary(Binary::Shl), 2, bool), None);
    assert_eq!(accepts(unary(Unary::Abs), 1, bool), None);
    assert_eq!(accepts(unary(Unary::Not), 1, bool), Some(bool));
    assert_eq!(accepts(binary(Binary::Add), 2, bool), None);
    assert_eq!(accepts(binary(Binary::Less), 2, bool), None);
    assert_eq!(accepts(binary(Binary::Equal), 2, bool), Some(bool));

    let mixed: [(DataType, &[Dimension]); 2] = [(float, &[]), (bool, &[])];
    let (add, equal) = (binary(Binary::Add), binary(Binary::Equal));
    assert_eq!(layout(&add, &mixed), Err(ShapeError::DataType(bool)));
    assert_eq!(layout(&equal, &mixed), Err(ShapeError::DataType(bool)));
    assert_eq!(layout(&equal, &mixed[..1]), Err(ShapeError::Arity { actual: 1 }));
    assert_eq!(layout(&unary(Unary::Exp), &[]), Err(ShapeError::Arity { actual: 0 }));
}
