//! Graphs with dimensions that are computed from a symbol, by every operator that computes them.

use super::build::{N, affine, arange, fill, float, graph, pad, reshape, unfold};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Graph, Operator, Output, Value},
};

const INPUT: Value = Value::Input(0);
const FOUR: Dimension = Dimension::Fixed(4);

/// An operator on an input of these dimensions.
fn single(from: &[Dimension], operator: Operator) -> Graph {
    graph(&[float(from)], &[], vec![(operator, vec![INPUT])])
}

/// Graphs of one operator.
pub fn of_one_operator() -> Vec<Graph> {
    let (one, two) = (Dimension::Fixed(1), Dimension::Fixed(2));
    let mut long = single(&[N], unfold(0, 3, 1, 1));
    long.symbols[0].min = 3;
    let mut wide = single(&[N, FOUR], reshape(&[affine(4, 0)]));
    wide.symbols[0].max = u32::MAX / 4;
    let joined = vec![(Operator::Concat { axis: 0 }, vec![INPUT, Value::Weight(0)])];
    vec![
        single(&[N, FOUR], reshape(&[affine(4, 0)])),
        single(&[N, N, FOUR], reshape(&[affine(2, 0), affine(2, 0)])),
        single(&[N, FOUR], reshape(&[two, N, two, one])),
        single(&[], reshape(&[one])),
        single(&[N], pad(0, 0, 1)),
        single(&[N, FOUR], pad(0, 2, 2)),
        single(&[N], pad(0, 0, 0)),
        long,
        wide,
        single(&[N, FOUR], unfold(1, 2, 2, 1)),
        graph(&[float(&[N])], &[(DataType::Float32, &[3])], joined),
        single(&[N, Dimension::Symbol(1)], reshape(&[Dimension::Symbol(1), N])),
    ]
}

/// Graphs of several operators, of which later ones take computed dimensions.
pub fn of_several() -> Vec<Graph> {
    let doubled = || (Operator::Concat { axis: 0 }, vec![INPUT, INPUT]);
    let of_two = unfold(0, 2, 2, 1);
    let back = reshape(&[affine(2, 0)]);
    // Windows of three, in steps of two, in twice the symbol: one fewer than the symbol, rounded down.
    let mut odd = graph(
        &[float(&[N])],
        &[],
        vec![doubled(), (unfold(0, 3, 2, 1), vec![Value::Node(0)])],
    );
    odd.symbols[0].min = 2;
    let parts = [affine(3, 2), Dimension::Fixed(2), affine(2, -1)];
    let dimensions = [&[N, Dimension::Fixed(1)], &parts[..]].concat();
    let filled = vec![
        (fill(DataType::Int8, 1, &[affine(6, 4), affine(2, -1)]), vec![]),
        (reshape(&parts), vec![Value::Node(0)]),
        (Operator::Expand { dimensions }, vec![Value::Node(1)]),
        (arange(3, 4, affine(1, 7)), vec![]),
    ];
    let mut parallel = graph(&[float(&[N])], &[], filled);
    parallel.outputs.push(Output {
        name: "expanded".into(),
        value: Value::Node(2),
    });
    vec![
        odd,
        // Windows of two, in steps of two, in twice the symbol; and back to as many elements in another order.
        graph(
            &[float(&[N])],
            &[],
            vec![doubled(), (of_two, vec![Value::Node(0)]), (back, vec![Value::Node(1)])],
        ),
        parallel,
    ]
}
