//! Small models with an outlier, smoothed.

use super::*;
use assay_exact::{
    digest::DataType,
    evaluate::{evaluate, evaluate_with},
    graph::{Binary, CheckedGraph, Dimension, Input, Output, Symbol, Weight},
};

const WIDTH: u32 = 32;
const ROWS: u32 = 24;

/// A fixed stream of numbers between −1 and 1 (a multiplicative hash of the position, Knuth).
fn number(place: u32) -> f32 {
    (place.wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0
}

fn numbers(shape: Vec<u32>, of: impl Fn(u32) -> f32) -> Tensor {
    let count: u32 = shape.iter().product();
    let bytes = (0..count).flat_map(|place| of(place).to_le_bytes()).collect();
    let tensor = Tensor::new(DataType::Float32, shape, bytes).expect("as many numbers");
    tensor.canonical()
}

fn rows() -> Tensor {
    numbers(vec![ROWS, WIDTH], |place| number(place + 77))
}

/// Parts of the model besides the norm and a layer after it.
#[derive(Clone, Copy, PartialEq)]
enum Beside {
    Nothing,
    /// The norm's output is added to the layer's.
    Sum,
    /// Another layer takes the same weight.
    SharedWeight,
}

/// `[rows, WIDTH]` → norm → layer, where one column of the norm is large.
fn model(precision: Precision, beside: Beside) -> (Graph, Vec<Tensor>) {
    let node = |name: &str, operator, inputs: &[Value]| Node {
        name: name.to_owned(),
        operator,
        inputs: inputs.to_vec(),
        source: String::new(),
    };
    let (x, norm, layer) = (Value::Input(0), Value::Node(0), Value::Node(1));
    let mut nodes = vec![
        node(
            "norm",
            Operator::LayerNorm {
                epsilon: 1e-5f32.to_bits(),
            },
            &[x, Value::Weight(2), Value::Weight(1)],
        ),
        node("layer", Operator::Linear { precision }, &[norm, Value::Weight(0)]),
    ];
    match beside {
        Beside::Nothing => {}
        Beside::Sum => nodes.push(node("sum", Operator::Binary(Binary::Add), &[layer, norm])),
        Beside::SharedWeight => nodes.push(node(
            "again",
            Operator::Linear { precision },
            &[layer, Value::Weight(0)],
        )),
    }
    let weight = |name: &str, tensor: &Tensor| Weight {
        name: name.to_owned(),
        dtype: tensor.dtype(),
        shape: tensor.shape().to_vec(),
    };
    let tensors = vec![
        numbers(vec![WIDTH, WIDTH], |place| number(place) / 6.0),
        numbers(vec![WIDTH], |place| number(place + 5) / 10.0),
        numbers(
            vec![WIDTH],
            |place| if place == 3 { 90.0 } else { 1.0 + number(place) / 4.0 },
        ),
    ];
    let names = ["layer.weight", "norm.bias", "norm.weight"];
    let last = Value::Node(nodes.len() as u32 - 1);
    let graph = Graph {
        symbols: vec![Symbol {
            name: "rows".to_owned(),
            min: 1,
            max: 64,
        }],
        inputs: vec![Input {
            name: "x".to_owned(),
            dtype: DataType::Float32,
            dimensions: vec![Dimension::Symbol(0), Dimension::Fixed(WIDTH)],
            range: None,
        }],
        weights: names
            .iter()
            .zip(&tensors)
            .map(|(name, tensor)| weight(name, tensor))
            .collect(),
        nodes,
        outputs: vec![Output {
            name: "y".to_owned(),
            value: last,
        }],
    };
    (graph, tensors)
}

fn calibration(beside: Beside) -> Calibration {
    let (graph, weights) = model(Precision::Int16, beside);
    let mut calibration = Calibration::new(&graph);
    let graph = graph.check().expect("a sound graph");
    let run = evaluate_with(&graph, &weights, &[rows()], |node, output| {
        if calibration.wants(node as u32) {
            calibration.add(node as u32, output);
        }
    });
    run.expect("the rows fit");
    calibration
}

fn smoothed(precision: Precision, beside: Beside) -> (CheckedGraph, Vec<Tensor>) {
    let (graph, weights) = model(precision, beside);
    let (graph, weights) = smooth(graph, weights, &calibration(beside));
    (graph.check().expect("a sound graph"), weights)
}

/// The mean square of the difference to what binary32 would give, about: to Int16.
fn lost(graph: &CheckedGraph, weights: &[Tensor], beside: Beside) -> f64 {
    let (fine, fine_weights) = model(Precision::Int16, beside);
    let fine = fine.check().expect("a sound graph");
    let run = |graph: &CheckedGraph, weights: &[Tensor]| -> Vec<f64> {
        let outputs = evaluate(graph, weights, &[rows()]).expect("the rows fit");
        outputs[0]
            .numbers()
            .map(|y| f64::from(f32::from_bits(y.to_bits())))
            .collect()
    };
    let (fine, coarse) = (run(&fine, &fine_weights), run(graph, weights));
    let squares = fine.iter().zip(&coarse).map(|(a, b)| (a - b) * (a - b));
    squares.sum::<f64>() / fine.len() as f64
}

fn names(graph: &CheckedGraph) -> Vec<&str> {
    graph.graph().nodes.iter().map(|node| node.name.as_str()).collect()
}

#[test]
fn outliers_cost_less_once_they_are_in_the_weights() {
    for (beside, expected) in [
        (Beside::Nothing, vec!["norm", "layer"]),
        (Beside::Sum, vec!["norm", "norm.smoothed", "layer", "sum"]),
    ] {
        let (plain, weights) = model(Precision::Int8, beside);
        let before = lost(&plain.check().expect("a sound graph"), &weights, beside);
        let (graph, weights) = smoothed(Precision::Int8, beside);
        let after = lost(&graph, &weights, beside);
        assert!(after < before / 4.0, "{after} of {before}");
        assert_eq!(names(&graph), expected);
    }
}

#[test]
fn exponents_change_nothing_but_what_is_lost() {
    for beside in [Beside::Nothing, Beside::Sum] {
        let (graph, weights) = smoothed(Precision::Int8, beside);
        // In Int16 next to nothing is lost, so the two are the same function.
        let mut fine = graph.graph().clone();
        for node in &mut fine.nodes {
            if let Operator::Linear { precision } = &mut node.operator {
                *precision = Precision::Int16;
            }
        }
        let left = lost(&fine.check().expect("a sound graph"), &weights, beside);
        assert!(left < 1e-4, "{left}");
    }
}

#[test]
fn weights_stay_ordered_by_name() {
    let (graph, weights) = smoothed(Precision::Int8, Beside::Sum);
    let names: Vec<&str> = graph
        .graph()
        .weights
        .iter()
        .map(|weight| weight.name.as_str())
        .collect();
    assert_eq!(names, ["layer.weight", "norm.bias", "norm.exponents", "norm.weight"]);
    for (weight, tensor) in graph.graph().weights.iter().zip(&weights) {
        assert_eq!(
            (weight.shape.as_slice(), weight.dtype),
            (tensor.shape(), tensor.dtype())
        );
    }
    let exponents = weights[2].numbers().map(|number| f32::from_bits(number.to_bits()));
    let exponents: Vec<f32> = exponents.collect();
    assert!(exponents.iter().all(|power| power.to_bits().trailing_zeros() >= 23));
    assert!(exponents[3] < 1.0, "the large column is made smaller");
}

#[test]
fn layers_with_a_weight_of_others_are_left_alone() {
    let (graph, weights) = model(Precision::Int8, Beside::SharedWeight);
    let calibration = calibration(Beside::SharedWeight);
    assert_eq!(smooth(graph.clone(), weights.clone(), &calibration), (graph, weights));
}

#[test]
fn a_layer_of_16_and_8_bits_that_loses_much_gets_16() {
    // Without a norm before it, its rows are not smoothed.
    let (mut graph, mut weights) = model(Precision::Int16Int8, Beside::Nothing);
    graph.nodes[0].operator = Operator::Relu;
    graph.nodes[0].inputs.truncate(1);
    graph.weights.truncate(1);
    weights.truncate(1);
    let mut calibration = Calibration::new(&graph);
    let mut outlier = rows();
    outlier = numbers(outlier.shape().to_vec(), |place| {
        if place % WIDTH == 3 { 500.0 } else { number(place).abs() }
    });
    calibration.add(0, &outlier);
    let precision = |graph: &Graph| super::precision(&graph.nodes[1]);
    // A column of the weight that is small beside the others of its row, and meets what is large.
    let plain = smooth(graph.clone(), weights.clone(), &calibration).0;
    let small = numbers(vec![WIDTH, WIDTH], |place| match place % WIDTH {
        3 => number(place) / 1e4,
        _ => number(place) / 6.0,
    });
    let much = smooth(graph, vec![small], &calibration).0;
    assert_eq!(precision(&plain), Some(Precision::Int16Int8));
    assert_eq!(precision(&much), Some(Precision::Int16));
}
