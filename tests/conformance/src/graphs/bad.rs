//! Graphs that do not pass their check, each for one fault, and graphs at the ends of what may be.

use super::{
    Cases,
    build::{N, affine, fixed, float, graph},
    check::add_graph,
    reason,
};
use crate::{json::Json, render};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Graph, Input, Operator, Output, Symbol, Value, Weight},
    model::ValueRange,
};

pub fn add(cases: &mut Cases) {
    add_graph(cases, "check sound", &sound());
    counts(cases);
    names(cases);
    symbols(cases);
    tensors(cases);
    ranges(cases);
    values(cases);
    unused(cases);
    large(cases);
}

/// One input `[N, 4]`, one weight `[4]`, their sum and its exponential.
fn sound() -> Graph {
    use assay_exact::graph::{Binary, Unary};
    graph(
        &[float(&[N, Dimension::Fixed(4)])],
        &[(DataType::Float32, &[4])],
        vec![
            (Operator::Binary(Binary::Add), vec![Value::Input(0), Value::Weight(0)]),
            (Operator::Unary(Unary::Exp), vec![Value::Node(0)]),
        ],
    )
}

/// Adds the sound graph with one thing changed.
fn changed(cases: &mut Cases, change: impl FnOnce(&mut Graph)) {
    let mut graph = sound();
    change(&mut graph);
    add_graph(cases, "check changed", &graph);
}

fn input(name: usize) -> Input {
    Input {
        name: format!("more_{name}"),
        dtype: DataType::Float32,
        dimensions: vec![],
        range: None,
    }
}

fn output(name: usize, value: Value) -> Output {
    Output {
        name: format!("more_{name}"),
        value,
    }
}

fn counts(cases: &mut Cases) {
    changed(cases, |graph| graph.outputs.clear());
    changed(cases, |graph| {
        graph.inputs.clear();
        graph.symbols.clear();
    });
    changed(cases, |graph| graph.nodes.clear());
    changed(cases, |graph| graph.weights.clear());
    for more in [15, 16] {
        changed(cases, |graph| graph.inputs.extend((0..more).map(input)));
        changed(cases, |graph| {
            graph.outputs.extend((0..more).map(|name| output(name, Value::Node(0))))
        });
    }
    for more in [7u8, 8] {
        changed(cases, |graph| {
            for index in 0..more {
                let (min, max, name) = (1, u32::MAX, format!("more_{index}"));
                graph.symbols.push(Symbol { name, min, max });
                let dimensions = vec![Dimension::Symbol(1 + index)];
                graph.inputs.push(Input {
                    dimensions,
                    ..input(index.into())
                });
            }
        });
    }
}

fn names(cases: &mut Cases) {
    for length in [0, 64, 65] {
        changed(cases, |graph| graph.symbols[0].name = "n".repeat(length));
        changed(cases, |graph| graph.inputs[0].name = "n".repeat(length));
        changed(cases, |graph| graph.outputs[0].name = "n".repeat(length));
    }
    for length in [0, 255, 256] {
        changed(cases, |graph| graph.weights[0].name = "n".repeat(length));
        changed(cases, |graph| graph.nodes[1].name = "n".repeat(length));
        changed(cases, |graph| graph.nodes[0].source = "n".repeat(length));
    }
    // Lengths are of bytes: 32 letters of two are 64.
    for letters in [32, 33] {
        changed(cases, |graph| graph.inputs[0].name = "\u{e9}".repeat(letters));
    }
    changed(cases, |graph| graph.nodes[1].name = "node_0".into());
    changed(cases, |graph| graph.weights.push(graph.weights[0].clone()));
    changed(cases, |graph| graph.inputs.push(graph.inputs[0].clone()));
    changed(cases, |graph| graph.outputs.push(graph.outputs[0].clone()));
    changed(cases, |graph| {
        graph.symbols.push(graph.symbols[0].clone());
        graph.inputs.push(Input {
            dimensions: vec![Dimension::Symbol(1)],
            ..input(0)
        });
    });
    // The same name for things of different kinds is no fault.
    changed(cases, |graph| {
        let name = graph.inputs[0].name.clone();
        (graph.weights[0].name, graph.nodes[0].name) = (name.clone(), name.clone());
        (graph.outputs[0].name, graph.symbols[0].name) = (name.clone(), name);
    });
    // A node of 64 operands and the longest names is short enough, one of 520 is not, whatever else is wrong with it.
    for operands in [64, 520] {
        changed(cases, |graph| {
            graph.nodes[1].operator = Operator::Concat { axis: 0 };
            graph.nodes[1].inputs = vec![Value::Weight(0); operands];
            (graph.nodes[1].name, graph.nodes[1].source) = ("n".repeat(255), "s".repeat(255));
        });
    }
}

fn symbols(cases: &mut Cases) {
    for (min, max) in [(0, 5), (6, 5), (5, 5), (1, u32::MAX)] {
        changed(cases, |graph| (graph.symbols[0].min, graph.symbols[0].max) = (min, max));
    }
    let more = |graph: &mut Graph| {
        graph.symbols.push(Symbol {
            name: "more".into(),
            min: 1,
            max: 2,
        });
    };
    changed(cases, more);
    changed(cases, |graph| graph.inputs[0].dimensions = fixed(&[2, 4]));
    changed(cases, |graph| {
        more(graph);
        graph.inputs[0].dimensions = vec![N, Dimension::Symbol(1), Dimension::Fixed(4)];
    });
    for dimension in [affine(2, 0), affine(1, 1), affine(1, 0)] {
        changed(cases, |graph| {
            graph.inputs.push(Input {
                dimensions: vec![N, dimension],
                ..input(0)
            })
        });
    }
}

fn tensors(cases: &mut Cases) {
    for dimensions in [
        fixed(&[0]),
        fixed(&[4, 0]),
        fixed(&[1; 8]),
        fixed(&[1; 9]),
        vec![Dimension::Symbol(7)],
        // 2^61 numbers of four bytes are 2^63 bytes, and one byte fewer is the most.
        fixed(&[1 << 31, 1 << 30]),
        fixed(&[1 << 30, 1 << 30]),
        fixed(&[u32::MAX, u32::MAX, u32::MAX]),
    ] {
        changed(cases, |graph| graph.inputs.push(Input { dimensions, ..input(0) }));
    }
    for (dtype, shape) in [
        (DataType::Float32, vec![0, 4]),
        (DataType::Int8, vec![4, 0]),
        (DataType::Float32, vec![1; 9]),
        (DataType::Int64, vec![1 << 30, 1 << 30]),
        (DataType::Int8, vec![1 << 31, 1 << 31]),
        // 2^63 bytes, and 2^63 − 1: the latter is the product of these three.
        (DataType::Uint8, vec![1 << 31, 1 << 31, 2]),
        (DataType::Uint8, vec![153_092_023, 92_737, 649_657]),
    ] {
        let name = "more".to_owned();
        changed(cases, |graph| graph.weights.push(Weight { name, dtype, shape }));
    }
    changed(cases, |graph| {
        graph.symbols[0].max = 1 << 31;
        graph.inputs[0].dimensions = vec![N, N];
        graph.nodes[0].inputs[1] = Value::Input(0);
    });
    // What a node gives is too large, or has a dimension of a symbol that there is not.
    for dimensions in [
        fixed(&[1 << 31, 1 << 30]),
        vec![Dimension::Symbol(5)],
        vec![N; 8],
        fixed(&[u32::MAX; 8]),
    ] {
        changed(cases, |graph| {
            let dtype = DataType::Float32;
            graph.nodes[1].operator = Operator::Fill {
                dtype,
                bits: 0,
                dimensions,
            };
            graph.nodes[1].inputs.clear();
            graph.outputs.push(output(0, Value::Node(0)));
        });
    }
}

fn ranges(cases: &mut Cases) {
    for (dtype, min, max) in [
        (DataType::Int64, i64::MIN, i64::MAX),
        (DataType::Int64, 3, 3),
        (DataType::Int64, 3, 2),
        (DataType::Int32, i32::MIN.into(), i32::MAX.into()),
        (DataType::Int32, i64::from(i32::MIN) - 1, 0),
        (DataType::Int32, 0, i64::from(i32::MAX) + 1),
        (DataType::Int8, -128, 127),
        (DataType::Int8, -129, 127),
        (DataType::Int8, 0, 128),
        (DataType::Uint8, 0, 255),
        (DataType::Uint8, -1, 0),
        (DataType::Uint8, 0, 256),
        (DataType::Bool, 0, 1),
        (DataType::Float32, 0, 1),
    ] {
        changed(cases, |graph| {
            let range = Some(ValueRange { min, max });
            graph.inputs.push(Input {
                dtype,
                range,
                ..input(0)
            });
        });
    }
}

fn values(cases: &mut Cases) {
    for value in [
        Value::Input(1),
        Value::Weight(1),
        Value::Node(1),
        Value::Node(2),
        Value::Node(u32::MAX),
    ] {
        changed(cases, |graph| graph.nodes[1].inputs[0] = value);
    }
    for value in [
        Value::Weight(1),
        Value::Node(2),
        Value::Node(u32::MAX),
        Value::Weight(0),
        Value::Node(0),
    ] {
        changed(cases, |graph| graph.outputs[0].value = value);
    }
    for value in [Value::Input(0), Value::Input(9)] {
        changed(cases, |graph| graph.outputs[0].value = value);
    }
    // The first fault in order of the nodes counts.
    changed(cases, |graph| {
        graph.nodes[0].operator = Operator::Softmax;
        graph.nodes[1].inputs[0] = Value::Node(9);
    });
}

/// Nodes that no output depends on, directly and by others.
fn unused(cases: &mut Cases) {
    let copy = |graph: &mut Graph, of: usize, inputs: Vec<Value>| {
        let mut node = graph.nodes[of].clone();
        node.name = format!("node_{}", graph.nodes.len());
        node.inputs = inputs;
        graph.nodes.push(node);
    };
    // The last one, then two of which one takes the other, then one that stands before those that are used.
    changed(cases, |graph| copy(graph, 1, vec![Value::Node(1)]));
    changed(cases, |graph| {
        copy(graph, 1, vec![Value::Node(1)]);
        copy(graph, 1, vec![Value::Node(2)]);
    });
    changed(cases, |graph| {
        copy(graph, 1, vec![Value::Node(0)]);
        graph.outputs[0].value = Value::Node(2);
    });
    // Two outputs of a node, and one of each, use it.
    changed(cases, |graph| graph.outputs.push(output(0, Value::Node(1))));
    changed(cases, |graph| {
        copy(graph, 1, vec![Value::Node(0)]);
        graph.outputs.push(output(0, Value::Node(2)));
    });
    // A weight and an input that nothing takes are no fault, and neither is a weight that is given twice.
    changed(cases, |graph| graph.nodes[0].inputs[1] = Value::Input(0));
    changed(cases, |graph| {
        graph.inputs.push(input(0));
        graph
            .outputs
            .extend([output(0, Value::Weight(0)), output(1, Value::Weight(0))]);
    });
    // The outputs are looked at before.
    changed(cases, |graph| graph.outputs[0].value = Value::Input(0));
}

/// Graphs of very many weights or nodes, of which one is given.
fn large(cases: &mut Cases) {
    let one = graph(
        &[float(&[N])],
        &[(DataType::Float32, &[4])],
        vec![(Operator::Relu, vec![Value::Input(0)])],
    );
    for (graph, weights, nodes) in [
        (&one, 65_535, 1),
        (&one, 65_536, 1),
        (&one, 0, 65_535),
        (&one, 1, 65_536),
    ] {
        let checked = repeated(graph, weights, nodes).check();
        let error = checked.err().map(|error| reason::error(reason::of_graph(&error)));
        let fields = vec![
            ("graph", render::graph(graph)),
            ("weights", weights.into()),
            ("nodes", nodes.into()),
            ("error", error.unwrap_or(Json::Null)),
        ];
        cases.add("check_large", "check large", fields);
    }
}

/// The graph with this many copies of its weight, and a chain of this many of its node.
fn repeated(graph: &Graph, weights: usize, nodes: usize) -> Graph {
    let mut large = graph.clone();
    large.weights = (0..weights)
        .map(|index| {
            let mut weight = graph.weights[0].clone();
            weight.name += &index.to_string();
            weight
        })
        .collect();
    large.nodes = (0..nodes)
        .map(|index| {
            let mut node = graph.nodes[0].clone();
            node.name += &index.to_string();
            if let Some(before) = index.checked_sub(1) {
                node.inputs = vec![Value::Node(before as u32)];
            }
            node
        })
        .collect();
    large.outputs[0].value = Value::Node(nodes as u32 - 1);
    large
}
