//! Which graphs may execute jobs together.

use super::*;
use crate::{
    graph::{Binary, Position, Unary},
    testing::{affine, formula},
};

const OTHER: Dimension = Dimension::Symbol(1);
const FOUR: Dimension = Dimension::Fixed(4);

/// A graph of `x [batch, 4]` and `table [4, 4]` with these nodes, whose last one is the output.
fn batch_of(nodes: &[(Operator, &[Value])]) -> Option<u8> {
    let symbol = |name: &str| Symbol {
        name: name.to_owned(),
        min: 1,
        max: 9,
    };
    let input = |name: &str, dtype, dimensions: &[Dimension]| Input {
        name: name.to_owned(),
        dtype,
        dimensions: dimensions.to_vec(),
        range: None,
    };
    let node = |(index, (operator, inputs)): (usize, &(Operator, &[Value]))| Node {
        name: alloc::format!("node_{index}"),
        operator: operator.clone(),
        inputs: inputs.to_vec(),
        source: String::new(),
    };
    let graph = Graph {
        symbols: vec![symbol("batch"), symbol("other")],
        inputs: vec![
            input("x", DataType::Float32, &[BATCH, FOUR]),
            input("ids", DataType::Int64, &[BATCH, OTHER]),
        ],
        weights: vec![
            Weight {
                name: "table".to_owned(),
                dtype: DataType::Float32,
                shape: vec![4, 4],
            },
            Weight {
                name: "integers".to_owned(),
                dtype: DataType::Int8,
                shape: vec![4, 4],
            },
            Weight {
                name: "scales".to_owned(),
                dtype: DataType::Float32,
                shape: vec![4],
            },
        ],
        nodes: nodes.iter().enumerate().map(node).collect(),
        outputs: vec![Output {
            name: "y".to_owned(),
            value: Value::Node(nodes.len() as u32 - 1),
        }],
    };
    graph.check().expect("a sound graph").batch_symbol()
}

const X: Value = Value::Input(0);
const IDS: Value = Value::Input(1);
const TABLE: Value = Value::Weight(0);
const INTEGERS: Value = Value::Weight(1);
const SCALES: Value = Value::Weight(2);

#[test]
fn rows_that_stay_apart_may_be_executed_together() {
    let precision = Precision::Int8;
    assert_eq!(batch_of(&[(Operator::Softmax, &[X])]), Some(0));
    assert_eq!(batch_of(&[(Operator::MatMul { precision }, &[X, TABLE])]), Some(0));
    assert_eq!(batch_of(&[(Operator::IndexSelect { axis: 0 }, &[TABLE, IDS])]), Some(0));
    let fill = Operator::Fill {
        dtype: DataType::Float32,
        bits: 0,
        dimensions: vec![],
    };
    assert_eq!(
        batch_of(&[(fill, &[]), (Operator::Binary(Binary::Add), &[X, Value::Node(0)])]),
        Some(0)
    );
    let whole = Operator::Slice {
        axis: 0,
        start: Position::FromStart(0),
        step: 1,
        length: BATCH,
    };
    assert_eq!(batch_of(&[(whole, &[X])]), Some(0));
}

#[test]
fn rows_that_know_of_each_other_or_of_their_place_may_not() {
    let arange = Operator::Arange {
        start: 0,
        step: 1,
        length: BATCH,
    };
    assert_eq!(batch_of(&[(arange, &[])]), None);
    let shifted = Operator::Slice {
        axis: 0,
        start: Position::FromStart(1),
        step: 1,
        length: BATCH,
    };
    assert_eq!(batch_of(&[(shifted, &[X])]), None);
    let of_table = Operator::Slice {
        axis: 0,
        start: Position::FromStart(0),
        step: 1,
        length: BATCH,
    };
    assert_eq!(batch_of(&[(of_table, &[TABLE])]), None);
    let flipped = Operator::Permute { axes: vec![1, 0] };
    assert_eq!(batch_of(&[(flipped, &[X])]), None);
    assert_eq!(batch_of(&[(Operator::IndexSelect { axis: 0 }, &[X, IDS])]), None);
    let row = Operator::Reduce(crate::graph::Reduction::Max);
    assert_eq!(
        batch_of(&[(row.clone(), &[X]), (Operator::Softmax, &[Value::Node(0)])]),
        None
    );
    assert_eq!(batch_of(&[(row.clone(), &[X]), (row, &[Value::Node(0)])]), None);
    assert_eq!(batch_of(&[(Operator::Unary(Unary::Exp), &[TABLE])]), None);
}

#[test]
fn given_integers_have_no_row_of_the_batch() {
    let layer = Operator::QuantisedLinear {
        precision: Precision::Int8,
        format: crate::quantise::WeightFormat::Int8,
    };
    assert_eq!(batch_of(&[(layer.clone(), &[X, INTEGERS, SCALES])]), Some(0));
    let integers = Operator::Cast { dtype: DataType::Int8 };
    let row = Operator::Fill {
        dtype: DataType::Float32,
        bits: 0,
        dimensions: vec![FOUR],
    };
    let ones = Operator::Reduce(crate::graph::Reduction::Max);
    let of_the_batch = [
        (integers, &[X][..]),
        (ones, &[X]),
        (row, &[]),
        (layer, &[Value::Node(2), Value::Node(0), Value::Node(1)]),
    ];
    assert_eq!(batch_of(&of_the_batch), None);
}

#[test]
fn random_numbers_know_of_their_operands_alone() {
    assert_eq!(batch_of(&[(Operator::Random, &[IDS, IDS, IDS])]), Some(0));
}

#[test]
fn rows_beside_a_multiple_of_the_batch_may_not() {
    let reshape = |dimensions: &[Dimension]| Operator::Reshape {
        dimensions: dimensions.to_vec(),
    };
    let (halves, whole) = (
        reshape(&[affine(0, 2, 0), Dimension::Fixed(2)]),
        reshape(&[BATCH, FOUR]),
    );
    assert_eq!(batch_of(&[(halves.clone(), &[X])]), None);
    let flat = formula(&[(1, &[0, 1])]);
    let merged = [
        (reshape(&[flat]), &[IDS][..]),
        (reshape(&[BATCH, OTHER]), &[Value::Node(0)]),
    ];
    assert_eq!(batch_of(&merged), None);
    let sum = formula(&[(1, &[1]), (1, &[0])]);
    let beside = Operator::Fill {
        dtype: DataType::Int64,
        bits: 0,
        dimensions: vec![BATCH, sum],
    };
    assert_eq!(batch_of(&[(beside, &[])]), None);
    // As a step between, too: its rows could have been mixed there.
    assert_eq!(batch_of(&[(halves, &[X]), (whole.clone(), &[Value::Node(0)])]), None);
    let more = Operator::Concat { axis: 0 };
    assert_eq!(batch_of(&[(more, &[X, TABLE])]), None);
    let before = Operator::Pad {
        axis: 0,
        before: 1,
        after: 0,
        bits: 0,
    };
    let first = Operator::Slice {
        axis: 0,
        start: Position::FromStart(0),
        step: 1,
        length: BATCH,
    };
    assert_eq!(batch_of(&[(before, &[X]), (first, &[Value::Node(0)])]), None);
    // One of another symbol does not matter.
    let twice = Operator::Concat { axis: 1 };
    assert_eq!(batch_of(&[(twice, &[IDS, IDS])]), Some(0));
}
