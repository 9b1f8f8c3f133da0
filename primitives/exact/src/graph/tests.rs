//! Graphs: what is refused, what is computed, and that no input makes them panic.

mod batch;
mod dimensions;
mod disputable;
mod expressions;

use super::*;
use crate::{
    binary32::Binary32,
    evaluate::{EvaluateError, evaluate},
    quantise::Precision,
    tensor::Tensor,
    testing::{Blake2b, Random},
};
use alloc::{borrow::ToOwned, vec, vec::Vec};
use codec::DecodeAll;

const BATCH: Dimension = Dimension::Symbol(0);

/// `image [batch, 2, 3] → reshape [batch, 6] → linear [batch, 4] → relu`.
fn network() -> Graph {
    let node = |name: &str, operator, inputs: &[Value]| Node {
        name: name.to_owned(),
        operator,
        inputs: inputs.to_vec(),
        source: "export.py:1".to_owned(),
    };
    let weight = |name: &str, shape: &[u32]| Weight {
        name: name.to_owned(),
        dtype: DataType::Float32,
        shape: shape.to_vec(),
    };
    Graph {
        symbols: vec![Symbol {
            name: "batch".to_owned(),
            min: 1,
            max: 16,
        }],
        inputs: vec![Input {
            name: "image".to_owned(),
            dtype: DataType::Float32,
            dimensions: vec![BATCH, Dimension::Fixed(2), Dimension::Fixed(3)],
            range: None,
        }],
        weights: vec![weight("bias", &[4]), weight("weight", &[4, 6])],
        nodes: vec![
            node(
                "flat",
                Operator::Reshape {
                    dimensions: vec![BATCH, Dimension::Fixed(6)],
                },
                &[Value::Input(0)],
            ),
            node(
                "linear",
                Operator::Linear {
                    precision: Precision::Int16,
                },
                &[Value::Node(0), Value::Weight(1), Value::Weight(0)],
            ),
            node("relu", Operator::Relu, &[Value::Node(1)]),
        ],
        outputs: vec![Output {
            name: "output_0".to_owned(),
            value: Value::Node(2),
        }],
    }
}

fn tensor(shape: &[u32], values: &[f32]) -> Tensor {
    let numbers = values.iter().map(|value| Binary32::from_bits(value.to_bits()));
    Tensor::from_numbers(shape.to_vec(), numbers).expect("as many values as the shape says")
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor
        .numbers()
        .map(|number| f32::from_bits(number.to_bits()))
        .collect()
}

fn random_values(random: &mut Random, count: usize) -> Vec<f32> {
    (0..count).map(|_| (random.next() as i32) as f32 / 1e9).collect()
}

fn network_weights(random: &mut Random) -> [Tensor; 2] {
    [
        tensor(&[4], &random_values(random, 4)),
        tensor(&[4, 6], &random_values(random, 24)),
    ]
}

/// The linear layer in the hardware's floats and 64-bit integers, written apart from the crate.
fn linear_in_hardware(x: &[f32], weight: &[f32], bias: &[f32], length: usize) -> Vec<f32> {
    let quantised = |row: &[f32]| {
        let scale = row.iter().fold(0f32, |max, x| max.max(x.abs())) / 16_319.0;
        (
            row.iter()
                .map(|x| (x / scale).round_ties_even() as i64)
                .collect::<Vec<_>>(),
            scale,
        )
    };
    let columns: Vec<_> = weight.chunks(length).map(quantised).collect();
    let row = |row: &[f32]| {
        let (a, a_scale) = quantised(row);
        let products = columns
            .iter()
            .map(move |(b, b_scale)| a.iter().zip(b).map(|(a, b)| a * b).sum::<i64>() as f32 * (a_scale * b_scale));
        products
            .zip(bias)
            .map(|(product, bias)| product + bias)
            .collect::<Vec<_>>()
    };
    x.chunks(length).flat_map(row).collect()
}

#[test]
fn network_computes_what_the_hardware_computes() {
    let graph = network().check().expect("a sound graph");
    let mut random = Random(5);
    for batch in [1, 2, 7, 16] {
        let weights = network_weights(&mut random);
        let input = random_values(&mut random, batch * 6);
        let outputs = evaluate(&graph, &weights, &[tensor(&[batch as u32, 2, 3], &input)]).expect("inputs that fit");
        let mut expected = linear_in_hardware(&input, &values(&weights[1]), &values(&weights[0]), 6);
        expected.iter_mut().for_each(|x| *x = x.max(0.0));
        assert_eq!(outputs, [tensor(&[batch as u32, 4], &expected)]);
    }
}

#[test]
fn rows_do_not_influence_each_other() {
    let graph = network().check().expect("a sound graph");
    assert_eq!(graph.batch_symbol(), Some(0));
    let mut random = Random(6);
    let weights = network_weights(&mut random);
    let mut input = random_values(&mut random, 5 * 6);
    input[7] = f32::INFINITY;
    input[20] = f32::NAN;
    let together = evaluate(&graph, &weights, &[tensor(&[5, 2, 3], &input)]).expect("inputs that fit");
    let apart: Vec<u8> = input
        .chunks(6)
        .flat_map(|row| {
            let outputs = evaluate(&graph, &weights, &[tensor(&[1, 2, 3], row)]).expect("inputs that fit");
            outputs[0].bytes().to_vec()
        })
        .collect();
    assert_eq!(together[0].bytes(), apart);
}

#[test]
fn output_holds_no_negative_zero_and_one_nan() {
    let mut graph = network();
    graph.nodes.truncate(1);
    graph.outputs[0].value = Value::Node(0);
    let graph = graph.check().expect("a sound graph");
    let bits = [0x8000_0000u32, 0xffff_ffff, 0x7f80_0001, 0x3f80_0000, 0x8000_0001, 0];
    let input = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    let input = Tensor::new(DataType::Float32, vec![1, 2, 3], input).expect("six numbers");
    let weights = network_weights(&mut Random(7));
    let outputs = evaluate(&graph, &weights, &[input]).expect("inputs that fit");
    let expected = [0u32, 0x7fc0_0000, 0x7fc0_0000, 0x3f80_0000, 0x8000_0001, 0]
        .iter()
        .flat_map(|b| b.to_le_bytes());
    assert_eq!(outputs[0].bytes(), expected.collect::<Vec<_>>());
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let graph = network().check().expect("a sound graph");
    let weights = network_weights(&mut Random(8));
    let run = |inputs: &[Tensor]| evaluate(&graph, &weights, inputs).expect_err("inputs that do not fit");
    assert_eq!(
        run(&[]),
        EvaluateError::Inputs(BindError::Count { expected: 1, actual: 0 })
    );
    let image = || "image".to_owned();
    assert_eq!(
        run(&[tensor(&[6], &[0.0; 6])]),
        EvaluateError::Inputs(BindError::Rank {
            input: image(),
            expected: 3
        })
    );
    assert_eq!(
        run(&[tensor(&[1, 3, 2], &[0.0; 6])]),
        EvaluateError::Inputs(BindError::Dimension {
            input: image(),
            dimension: 1,
            expected: 2,
            actual: 3
        })
    );
    let symbol = "batch".to_owned();
    assert_eq!(
        run(&[tensor(&[17, 2, 3], &[0.0; 102])]),
        EvaluateError::Inputs(BindError::OutOfRange {
            symbol,
            min: 1,
            max: 16,
            actual: 17
        })
    );
    let integers = Tensor::new(DataType::Int32, vec![1, 2, 3], vec![0; 24]).expect("six integers");
    assert_eq!(
        run(&[integers]),
        EvaluateError::Inputs(BindError::DataType {
            input: image(),
            expected: DataType::Float32
        })
    );
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let graph = network().check().expect("a sound graph");
    let input = tensor(&[1, 2, 3], &[0.0; 6]);
    let [bias, weight] = network_weights(&mut Random(9));
    let name = |name: &str| EvaluateError::Weight { name: name.to_owned() };
    assert_eq!(evaluate(&graph, &[], core::slice::from_ref(&input)), Err(name("bias")));
    assert_eq!(evaluate(&graph, &[weight, bias], &[input]), Err(name("bias")));
}

/// A change to the sound network, and the error that it must bring.
type Flaw = (fn(&mut Graph), fn(&GraphError) -> bool);

#[test]
fn flawed_graphs_are_refused_with_the_place_named() {
    let shape_error = |error: &GraphError, expected: &ShapeError| matches!(error, GraphError::Shape { node, error, source, .. } if node == "linear" && error == expected && source == "export.py:1");
    let flaws: &[Flaw] = &[
        (
            |g| g.inputs.clear(),
            |e| matches!(e, GraphError::Count { what: "inputs", .. }),
        ),
        (
            |g| g.outputs.clear(),
            |e| matches!(e, GraphError::Count { what: "outputs", .. }),
        ),
        (
            |g| g.nodes.clear(),
            |e| matches!(e, GraphError::Count { what: "nodes", .. }),
        ),
        (
            |g| g.symbols = vec![g.symbols[0].clone(); 9],
            |e| matches!(e, GraphError::Count { what: "symbols", .. }),
        ),
        (
            |g| g.symbols[0].min = 0,
            |e| matches!(e, GraphError::SymbolRange { .. }),
        ),
        (
            |g| g.symbols[0].min = 17,
            |e| matches!(e, GraphError::SymbolRange { .. }),
        ),
        (
            |g| {
                g.symbols.push(Symbol {
                    name: "s1".to_owned(),
                    min: 1,
                    max: 2,
                })
            },
            |e| matches!(e, GraphError::UnboundSymbol { .. }),
        ),
        (
            |g| g.inputs[0].name.clear(),
            |e| matches!(e, GraphError::NameLength { .. }),
        ),
        (
            |g| g.nodes[0].source = "x".repeat(256),
            |e| matches!(e, GraphError::NameLength { .. }),
        ),
        (
            |g| g.nodes[1].name = "relu".to_owned(),
            |e| matches!(e, GraphError::DuplicateName { .. }),
        ),
        (
            |g| g.inputs[0].dimensions[1] = Dimension::Fixed(0),
            |e| matches!(e, GraphError::Tensor { .. }),
        ),
        (
            |g| g.inputs[0].dimensions[1] = Dimension::Symbol(1),
            |e| matches!(e, GraphError::Tensor { .. }),
        ),
        (
            |g| g.inputs[0].dimensions = vec![BATCH; 9],
            |e| matches!(e, GraphError::Tensor { .. }),
        ),
        (
            |g| g.weights[0].shape = vec![u32::MAX; 3],
            |e| matches!(e, GraphError::Tensor { .. }),
        ),
        (
            |g| g.nodes[0].inputs[0] = Value::Node(0),
            |e| matches!(e, GraphError::UnknownValue { .. }),
        ),
        (
            |g| g.nodes[0].inputs[0] = Value::Node(1),
            |e| matches!(e, GraphError::UnknownValue { .. }),
        ),
        (
            |g| g.nodes[0].inputs[0] = Value::Weight(2),
            |e| matches!(e, GraphError::UnknownValue { .. }),
        ),
        (
            |g| g.outputs[0].value = Value::Node(3),
            |e| matches!(e, GraphError::UnknownValue { .. }),
        ),
        (
            |g| g.nodes[2].inputs.clear(),
            |e| {
                matches!(
                    e,
                    GraphError::Shape {
                        error: ShapeError::Arity { actual: 0 },
                        ..
                    }
                )
            },
        ),
        (
            |g| {
                g.nodes[0].operator = Operator::Reshape {
                    dimensions: vec![BATCH, Dimension::Fixed(7)],
                }
            },
            |e| {
                matches!(
                    e,
                    GraphError::Shape {
                        error: ShapeError::ElementCount,
                        ..
                    }
                )
            },
        ),
        (
            |g| {
                g.nodes[0].operator = Operator::Reshape {
                    dimensions: vec![Dimension::Fixed(6)],
                }
            },
            |e| {
                matches!(
                    e,
                    GraphError::Shape {
                        error: ShapeError::ElementCount,
                        ..
                    }
                )
            },
        ),
        (
            |g| {
                g.nodes[0].operator = Operator::Reshape {
                    dimensions: vec![Dimension::Symbol(3), Dimension::Fixed(6)],
                }
            },
            |e| {
                matches!(
                    e,
                    GraphError::Shape {
                        error: ShapeError::UnknownSymbol(3),
                        ..
                    }
                )
            },
        ),
    ];
    for (index, (flaw, is_expected)) in flaws.iter().enumerate() {
        let mut graph = network();
        flaw(&mut graph);
        let error = graph.check().expect_err("a flawed graph");
        assert!(is_expected(&error), "flaw {index} brought {error:?}");
    }

    let linear = |flaw: fn(&mut Graph)| {
        let mut graph = network();
        flaw(&mut graph);
        graph.check().expect_err("a flawed graph")
    };
    assert!(shape_error(
        &linear(|g| g.weights[1].shape = vec![4, 7]),
        &ShapeError::Dimensions { input: 1 }
    ));
    assert!(shape_error(
        &linear(|g| g.weights[0].shape = vec![5]),
        &ShapeError::Dimensions { input: 2 }
    ));
    assert!(shape_error(
        &linear(|g| g.weights[1].dtype = DataType::Int8),
        &ShapeError::DataType(DataType::Int8)
    ));
    let too_long = linear(|g| {
        g.inputs[0].dimensions[2] = Dimension::Fixed(8_193);
        g.nodes[0].operator = Operator::Reshape {
            dimensions: vec![BATCH, Dimension::Fixed(16_386)],
        };
        g.weights[1].shape = vec![4, 16_386];
    });
    assert!(shape_error(
        &too_long,
        &ShapeError::ContractionLength(Dimension::Fixed(16_386))
    ));
}

#[test]
fn output_is_kept_until_its_last_use() {
    let mut graph = network();
    let node = |inputs: &[Value]| Node {
        inputs: inputs.to_vec(),
        ..network().nodes[2].clone()
    };
    graph.nodes = vec![
        node(&[Value::Input(0)]),
        node(&[Value::Node(0), Value::Weight(0)]),
        node(&[Value::Node(0)]),
        node(&[Value::Node(1), Value::Node(1)]),
    ];
    graph.outputs[0].value = Value::Node(1);
    // The second is given, and the last two are taken by nobody.
    assert_eq!(graph.last_uses(), [2, 4, 2, 3]);
    assert_eq!(graph.finished_after(), [vec![], vec![], vec![0, 2], vec![3]]);
}

#[test]
fn graph_that_mixes_rows_is_not_batched() {
    let mut graph = network();
    graph.nodes.truncate(1);
    graph.nodes[0].operator = Operator::Reshape {
        dimensions: vec![Dimension::Fixed(6), BATCH],
    };
    graph.outputs[0].value = Value::Node(0);
    assert_eq!(graph.check().expect("a sound graph").batch_symbol(), None);
}

#[test]
fn corrupted_graphs_are_refused_or_evaluated_but_never_panic() {
    let encoded = network().encode();
    let weights = network_weights(&mut Random(10));
    let input = tensor(&[2, 2, 3], &[1.0; 12]);
    let mut random = Random(11);
    let mut sound = 0;
    for _ in 0..200_000 {
        let mut bytes = encoded.clone();
        for _ in 0..1 + random.next() % 3 {
            let position = random.next() as usize % bytes.len();
            bytes[position] = random.next() as u8;
        }
        if let Ok(graph) = Graph::decode_all(&mut bytes.as_slice())
            && let Ok(graph) = graph.check()
        {
            sound += 1;
            let _ = evaluate(&graph, &weights, std::slice::from_ref(&input));
        }
    }
    assert!(sound > 1_000, "only {sound} corruptions reached the evaluation");
}

#[test]
fn root_binds_every_node_and_their_order() {
    let root = network().nodes_root::<Blake2b>();
    assert_eq!(root, network().nodes_root::<Blake2b>());
    let changes: [fn(&mut Graph); 4] = [
        |g| {
            g.nodes[1].operator = Operator::Linear {
                precision: Precision::Int8,
            }
        },
        |g| g.nodes[1].inputs.swap(1, 2),
        |g| g.nodes[1].source.push('0'),
        |g| g.nodes.swap(0, 1),
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut graph = network();
        change(&mut graph);
        assert_ne!(graph.nodes_root::<Blake2b>(), root, "change {index}");
    }
}
