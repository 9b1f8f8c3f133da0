//! Graphs with dimensions that are computed from symbols, by every operator that computes them.

use super::build::{N, affine, arange, fill, float, formula, graph, pad, reshape, unfold};
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

/// Graphs of two and three symbols: a cache that grows, rows of sequences side by side, and windows of images.
pub fn of_several_symbols() -> Vec<Graph> {
    const M: Dimension = Dimension::Symbol(1);
    const K: Dimension = Dimension::Symbol(2);
    let other = Value::Input(1);
    let node = Value::Node;
    let concat = |axis| Operator::Concat { axis };
    let (product, sum) = (formula(&[(1, &[0, 1])]), formula(&[(1, &[2]), (1, &[1])]));
    let cache = graph(
        &[float(&[N, M, FOUR]), float(&[N, K, FOUR])],
        &[],
        vec![
            (concat(1), vec![INPUT, other]),
            (reshape(&[N, formula(&[(4, &[2]), (4, &[1])])]), vec![node(0)]),
            (concat(0), vec![node(1), node(1)]),
            (reshape(&[formula(&[(2, &[0, 2]), (2, &[0, 1])]), FOUR]), vec![node(2)]),
        ],
    );
    let flat = graph(
        &[float(&[N, M, FOUR])],
        &[],
        vec![
            (reshape(&[product, FOUR]), vec![INPUT]),
            (pad(0, 1, 2), vec![node(0)]),
            (unfold(0, 3, 1, 1), vec![node(1)]),
            (Operator::Permute { axes: vec![1, 0, 2] }, vec![node(2)]),
        ],
    );
    let back = graph(
        &[float(&[N, M])],
        &[],
        vec![(reshape(&[product]), vec![INPUT]), (reshape(&[M, N]), vec![node(0)])],
    );
    // Windows of two in both directions: (s0 − 1)·(s1 − 1) of them.
    let area = formula(&[(1, &[]), (-1, &[1]), (-1, &[0]), (1, &[0, 1])]);
    let mut image = graph(
        &[float(&[N, M])],
        &[],
        vec![
            (unfold(0, 2, 1, 1), vec![INPUT]),
            (unfold(1, 2, 1, 1), vec![node(0)]),
            (reshape(&[area, FOUR]), vec![node(1)]),
        ],
    );
    image.symbols.iter_mut().for_each(|symbol| symbol.min = 2);
    // What is taken away, what is bounded roughly, and five terms.
    let difference = fill(DataType::Int8, 3, &[formula(&[(6, &[]), (-1, &[0])]), product]);
    let square = arange(0, 1, formula(&[(9, &[]), (-1, &[0]), (1, &[0, 0])]));
    let five = formula(&[(-3, &[]), (1, &[2]), (1, &[1]), (1, &[0]), (1, &[0, 1, 2])]);
    let mut parallel = graph(
        &[float(&[N, M, K])],
        &[],
        vec![(difference, vec![]), (square, vec![]), (arange(1, 2, five), vec![])],
    );
    parallel.symbols.iter_mut().for_each(|symbol| symbol.min = 2);
    let outputs = (0..2).map(|index| Output {
        name: format!("more_{index}"),
        value: node(index),
    });
    parallel.outputs.extend(outputs);
    let rows = graph(
        &[float(&[N, M]), float(&[N, K])],
        &[],
        vec![(concat(1), vec![INPUT, other]), (Operator::Softmax, vec![node(0)])],
    );
    let join = (concat(0), vec![node(0), other]);
    let mut mixed = graph(
        &[float(&[N, M]), float(&[K])],
        &[],
        vec![
            (reshape(&[product]), vec![INPUT]),
            join,
            (fill(DataType::Int8, 0, &[sum]), vec![]),
        ],
    );
    mixed.outputs.push(Output {
        name: "joined".into(),
        value: node(1),
    });
    // Of a symbol with one value both ends are the same.
    let mut single_row = image.clone();
    (single_row.symbols[0].min, single_row.symbols[0].max) = (2, 2);
    vec![cache, flat, back, image, single_row, parallel, rows, mixed]
}
