//! Graphs whose rows stay apart, so that jobs can be executed together, and graphs that do one thing that mixes them.

use super::build::{Layout, N, affine, arange, float, graph, reshape, slice};
use assay_exact::{
    digest::DataType,
    graph::{Binary, Dimension, Graph, Operator, Output, Position, Reduction, Unary, Value},
    quantise::{Precision, WeightFormat},
};

const FLOAT: DataType = DataType::Float32;
const INPUT: Value = Value::Input(0);
const WEIGHT: Value = Value::Weight(0);

/// Weights that each row is computed with.
const TABLE: (DataType, &[u32]) = (FLOAT, &[7, 4]);
const VECTOR: (DataType, &[u32]) = (FLOAT, &[4]);

/// Rows of four numbers.
fn rows() -> Layout {
    float(&[N, Dimension::Fixed(4)])
}

/// One index for each row.
fn indices() -> Layout {
    (DataType::Int64, vec![N])
}

/// An operator on rows of four numbers.
fn single(operator: Operator) -> Graph {
    graph(&[rows()], &[], vec![(operator, vec![INPUT])])
}

/// An operator on a vector whose elements are the rows.
fn vector(operator: Operator) -> Graph {
    graph(&[float(&[N])], &[], vec![(operator, vec![INPUT])])
}

fn sum(of: Value) -> (Operator, Vec<Value>) {
    (Operator::Binary(Binary::Add), vec![INPUT, of])
}

/// A layer whose integers are given.
fn given() -> Operator {
    Operator::QuantisedLinear {
        precision: Precision::Int8,
        format: WeightFormat::Int8,
    }
}

/// Graphs that have a batch.
pub fn apart() -> Vec<Graph> {
    let linear = Operator::Linear {
        precision: Precision::Int8,
    };
    let lookup = Operator::IndexSelect { axis: 0 };
    vec![
        single(Operator::Softmax),
        single(Operator::Unary(Unary::Exp)),
        single(Operator::Reduce(Reduction::Sum)),
        single(slice(0, Position::FromStart(0), 1, N)),
        graph(&[rows()], &[TABLE], vec![(linear, vec![INPUT, WEIGHT])]),
        graph(
            &[rows()],
            &[(DataType::Int8, &[4, 4]), VECTOR],
            vec![(given(), vec![INPUT, WEIGHT, Value::Weight(1)])],
        ),
        graph(&[indices()], &[], vec![(Operator::Random, vec![INPUT; 3])]),
        graph(&[rows()], &[VECTOR], vec![sum(WEIGHT)]),
        graph(&[indices()], &[TABLE], vec![(lookup, vec![WEIGHT, INPUT])]),
    ]
}

/// Graphs that have none.
pub fn mixed() -> Vec<Graph> {
    let four = || float(&[Dimension::Fixed(4)]);
    let lookup = Operator::IndexSelect { axis: 0 };
    let to_float = Operator::Cast { dtype: FLOAT };
    let mut two_outputs = graph(&[rows()], &[VECTOR], vec![sum(WEIGHT)]);
    two_outputs.outputs.push(Output {
        name: "weight".into(),
        value: WEIGHT,
    });
    let counted = vec![
        (arange(0, 1, N), vec![]),
        (to_float, vec![Value::Node(0)]),
        sum(Value::Node(1)),
    ];
    let doubled = vec![
        (Operator::Concat { axis: 0 }, vec![INPUT, INPUT]),
        (slice(0, Position::FromStart(0), 1, N), vec![Value::Node(0)]),
    ];
    // A feature for each row of the batch.
    let features = vec![
        (Operator::Cast { dtype: DataType::Int8 }, vec![INPUT]),
        (Operator::Reduce(Reduction::Sum), vec![INPUT]),
        (given(), vec![WEIGHT, Value::Node(0), Value::Node(1)]),
    ];
    vec![
        graph(&[rows()], &[VECTOR], features),
        single(slice(0, Position::FromEnd(1), 1, Dimension::Fixed(1))),
        single(slice(0, Position::FromStart(1), 1, N)),
        single(slice(0, Position::FromStart(0), 2, N)),
        single(slice(0, Position::FromEnd(0), 1, N)),
        single(Operator::Permute { axes: vec![1, 0] }),
        single(reshape(&[affine(4, 0)])),
        two_outputs,
        vector(Operator::Softmax),
        vector(Operator::CumSum),
        graph(&[rows(), four()], &[], vec![sum(Value::Input(1))]),
        graph(&[float(&[N, N])], &[], vec![(Operator::Relu, vec![INPUT])]),
        graph(&[four()], &[], vec![(Operator::Relu, vec![INPUT])]),
        graph(&[rows(), indices()], &[], vec![(lookup, vec![INPUT, Value::Input(1)])]),
        graph(&[float(&[N])], &[], counted),
        graph(&[rows()], &[], doubled),
    ]
}
