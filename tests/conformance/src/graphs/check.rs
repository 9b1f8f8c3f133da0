//! Graphs that pass their check, with the layouts of their nodes and their batch; and random operators on random graphs.

use super::{
    Cases,
    build::{N, affine, fixed, float, graph},
    reason,
};
use crate::{
    json::{Json, object},
    render::{self, dimensions, dtype},
};
use assay_adversary::graphs::{operator, random};
use assay_exact::{
    digest::DataType,
    graph::{Binary, CheckedGraph, Dimension, Graph, GraphError, Node, Operator, Position, Reduction, Unary, Value},
    quantise::Precision,
};
use assay_player::Execution;

/// Adds a graph and what its check says.
pub fn add_graph(cases: &mut Cases, sort: &str, graph: &Graph) {
    let expected = match graph.clone().check() {
        Ok(checked) => passed(&checked),
        Err(error) => vec![("error", reason::error(reason::of_graph(&error)))],
    };
    let fields = [vec![("graph", render::graph(graph))], expected].concat();
    cases.add("check", sort, fields);
}

fn passed(checked: &CheckedGraph) -> Vec<(&'static str, Json)> {
    let nodes = (0..checked.graph().nodes.len() as u32).map(|index| {
        let (of, shape) = checked.value(Value::Node(index)).expect("it is a node");
        object([("type", dtype(of)), ("dimensions", dimensions(shape))])
    });
    let batch = checked.batch_symbol();
    vec![
        ("nodes", Json::List(nodes.collect())),
        ("batch", batch.map_or(Json::Null, |symbol| u32::from(symbol).into())),
    ]
}

pub fn add(cases: &mut Cases) {
    for nodes in [3, 6, 9, 12, 15] {
        for _ in 0..3 {
            let drawn = random(&mut cases.random, nodes).graph().graph().clone();
            add_graph(cases, "check drawn", &drawn);
        }
    }
    for graph in batches() {
        graph.clone().check().expect("the graph is sound");
        add_graph(cases, "check batch", &graph);
    }
    for graph in dimensions_of_symbols() {
        graph.clone().check().expect("the graph is sound");
        add_graph(cases, "check dimension", &graph);
    }
    appended(cases);
}

/// One more operator, drawn, on values that are drawn: it often does not fit, and then for more than one reason.
fn appended(cases: &mut Cases) {
    for _ in 0..80 {
        let mut drawn = random(&mut cases.random, 2).graph().graph().clone();
        let values: Vec<Value> = (0..drawn.inputs.len() as u16)
            .map(Value::Input)
            .chain((0..drawn.weights.len() as u16).map(Value::Weight))
            .chain([Value::Node(0), Value::Node(1)])
            .collect();
        let operator = operator(&mut cases.random);
        let count = match operator {
            Operator::Fill { .. } | Operator::Arange { .. } => 0,
            Operator::Binary(_) | Operator::Linear { .. } | Operator::MatMul { .. } => 2,
            Operator::Gather { .. } | Operator::IndexSelect { .. } | Operator::Concat { .. } => 2,
            Operator::Where | Operator::WeightedSum { .. } => 3,
            _ => 1,
        };
        let inputs = (0..count).map(|_| cases.random.one(&values)).collect();
        drawn.nodes.push(Node {
            name: "appended".into(),
            operator,
            inputs,
            source: String::new(),
        });
        match drawn.clone().check() {
            Err(GraphError::Shape { .. }) => {
                let fields = vec![("graph", render::graph(&drawn)), ("error", reason::error("shape"))];
                cases.add("check", "check appended", fields);
            }
            _ => add_graph(cases, "check appended", &drawn),
        }
    }
}

/// Graphs whose rows stay apart, and graphs of which each does one thing that mixes them.
fn batches() -> Vec<Graph> {
    let row = || float(&[N, Dimension::Fixed(4)]);
    let input = Value::Input(0);
    let whole = Operator::Slice {
        axis: 0,
        start: Position::FromStart(0),
        step: 1,
        length: N,
    };
    let part = Operator::Slice {
        axis: 0,
        start: Position::FromEnd(1),
        step: 1,
        length: Dimension::Fixed(1),
    };
    let moved = Operator::Slice {
        axis: 0,
        start: Position::FromStart(1),
        step: 1,
        length: N,
    };
    let index = (DataType::Int64, vec![N]);
    let table: (DataType, &[u32]) = (DataType::Float32, &[7, 4]);
    let vector: (DataType, &[u32]) = (DataType::Float32, &[4]);
    let add = |right| (Operator::Binary(Binary::Add), vec![input, right]);
    let single = |operator| graph(&[row()], &[], vec![(operator, vec![input])]);
    let precision = Precision::Int8;
    let mut two_outputs = graph(&[row()], &[vector], vec![add(Value::Weight(0))]);
    two_outputs.outputs.push(assay_exact::graph::Output {
        name: "weight".into(),
        value: Value::Weight(0),
    });
    vec![
        single(Operator::Softmax),
        single(Operator::Unary(Unary::Exp)),
        single(Operator::Reduce(Reduction::Sum)),
        single(whole),
        graph(
            &[row()],
            &[table],
            vec![(Operator::Linear { precision }, vec![input, Value::Weight(0)])],
        ),
        graph(&[row()], &[vector], vec![add(Value::Weight(0))]),
        graph(
            &[index.clone()],
            &[table],
            vec![(Operator::IndexSelect { axis: 0 }, vec![Value::Weight(0), input])],
        ),
        // Of here on there is no batch.
        single(part),
        single(moved),
        single(Operator::Permute { axes: vec![1, 0] }),
        single(Operator::Reshape {
            dimensions: vec![affine(4, 0)],
        }),
        two_outputs,
        graph(&[float(&[N])], &[], vec![(Operator::Softmax, vec![input])]),
        graph(&[float(&[N])], &[], vec![(Operator::CumSum, vec![input])]),
        graph(&[row(), float(&[Dimension::Fixed(4)])], &[], vec![add(Value::Input(1))]),
        graph(&[float(&[N, N])], &[], vec![(Operator::Relu, vec![input])]),
        graph(
            &[float(&[Dimension::Fixed(4)])],
            &[],
            vec![(Operator::Relu, vec![input])],
        ),
        graph(
            &[row(), index],
            &[],
            vec![(Operator::IndexSelect { axis: 0 }, vec![input, Value::Input(1)])],
        ),
        graph(
            &[float(&[N])],
            &[],
            vec![
                (
                    Operator::Arange {
                        start: 0,
                        step: 1,
                        length: N,
                    },
                    vec![],
                ),
                (
                    Operator::Cast {
                        dtype: DataType::Float32,
                    },
                    vec![Value::Node(0)],
                ),
                (Operator::Binary(Binary::Add), vec![input, Value::Node(1)]),
            ],
        ),
        graph(
            &[row()],
            &[],
            vec![
                (Operator::Concat { axis: 0 }, vec![input, input]),
                (
                    Operator::Slice {
                        axis: 0,
                        start: Position::FromStart(0),
                        step: 1,
                        length: N,
                    },
                    vec![Value::Node(0)],
                ),
            ],
        ),
    ]
}

/// Dimensions that are computed from a symbol, by every operator that computes them.
fn dimensions_of_symbols() -> Vec<Graph> {
    let input = Value::Input(0);
    let single = |from: &[Dimension], operator| graph(&[float(from)], &[], vec![(operator, vec![input])]);
    let reshape = |from: &[Dimension], to: &[Dimension]| {
        single(
            from,
            Operator::Reshape {
                dimensions: to.to_vec(),
            },
        )
    };
    let four = Dimension::Fixed(4);
    let pad = |before, after| Operator::Pad {
        axis: 0,
        before,
        after,
        bits: 0,
    };
    let unfold = |size, step, dilation| Operator::Unfold {
        axis: 0,
        size,
        step,
        dilation,
    };
    let mut long = single(&[N], unfold(3, 1, 1));
    long.symbols[0].min = 3;
    let mut wide = single(
        &[N, four],
        Operator::Reshape {
            dimensions: vec![affine(4, 0)],
        },
    );
    wide.symbols[0].max = u32::MAX / 4;
    vec![
        reshape(&[N, four], &[affine(4, 0)]),
        reshape(&[N, N, four], &[affine(2, 0), affine(2, 0)]),
        reshape(
            &[N, four],
            &[Dimension::Fixed(2), N, Dimension::Fixed(2), Dimension::Fixed(1)],
        ),
        reshape(&[], &[Dimension::Fixed(1)]),
        single(&[N], pad(0, 1)),
        single(&[N, four], pad(2, 2)),
        single(&[N], pad(0, 0)),
        long,
        wide,
        single(
            &[N, four],
            Operator::Unfold {
                axis: 1,
                size: 2,
                step: 2,
                dilation: 1,
            },
        ),
        graph(
            &[float(&[N])],
            &[(DataType::Float32, &[3])],
            vec![(Operator::Concat { axis: 0 }, vec![input, Value::Weight(0)])],
        ),
        // Twice the symbol less one, in steps of two; and back to an equal number of elements in another order.
        graph(
            &[float(&[N])],
            &[],
            vec![
                (Operator::Concat { axis: 0 }, vec![input, input]),
                (unfold(2, 2, 1), vec![Value::Node(0)]),
                (
                    Operator::Reshape {
                        dimensions: vec![affine(2, 0)],
                    },
                    vec![Value::Node(1)],
                ),
            ],
        ),
        graph(
            &[float(&[N])],
            &[],
            vec![
                (
                    Operator::Fill {
                        dtype: DataType::Int8,
                        bits: 1,
                        dimensions: vec![affine(6, 4), affine(2, -1)],
                    },
                    vec![],
                ),
                (
                    Operator::Reshape {
                        dimensions: vec![affine(3, 2), Dimension::Fixed(2), affine(2, -1)],
                    },
                    vec![Value::Node(0)],
                ),
                (
                    Operator::Expand {
                        dimensions: [
                            &[N],
                            &fixed(&[1])[..],
                            &[affine(3, 2), Dimension::Fixed(2), affine(2, -1)],
                        ]
                        .concat(),
                    },
                    vec![Value::Node(1)],
                ),
                (
                    Operator::Arange {
                        start: 3,
                        step: 4,
                        length: affine(1, 7),
                    },
                    vec![],
                ),
            ],
        ),
        graph(
            &[float(&[N, Dimension::Symbol(1)])],
            &[],
            vec![(
                Operator::Reshape {
                    dimensions: vec![Dimension::Symbol(1), N],
                },
                vec![input],
            )],
        ),
    ]
}
