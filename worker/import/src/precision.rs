//! Contractions that get 16 bits in a package of Int16Int8: those by which little work saves much of the accuracy.
//!
//! Weights of 8 bits cost accuracy where a row is short, so that few errors cancel out; where a result decides which
//! rows are taken, so that a small error changes everything; and where a sine turns a small error of a large angle
//! into a large one. Short rows and routers are a small share of a model's work.

use assay_exact::{
    graph::{CheckedGraph, Dimension, Graph, Operator, Unary, Value},
    quantise::Precision,
};

/// Elements of a row with a weight up to which 16 bits cost next to nothing: windows of separable convolutions, and the
/// first layer of networks for images.
const SHORT_ROW: u32 = 32;
/// Elements of a row of which the best are chosen, up to which they are a router's: experts, not words.
const MAX_CHOICES: u32 = 512;
/// Nodes between a contraction and what its accuracy matters to, at most.
const MAX_STEPS: usize = 8;

/// Gives contractions of Int16Int8 the precision Int16 where that saves much and costs little. A graph that is not
/// sound stays as it is.
pub(super) fn refine(mut graph: Graph) -> Graph {
    let Ok(checked) = graph.clone().check() else {
        return graph;
    };
    let fixed = fixed(&graph);
    let mut finer = vec![false; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        match &node.operator {
            Operator::Linear { .. } | Operator::MatMul { .. } => {
                finer[index] |= has_short_row_of_weights(&checked, &node.inputs, &fixed);
            }
            Operator::TopK { .. } if is_choice(&checked, &node.inputs) => mark(&graph, &node.inputs, &mut finer),
            Operator::Unary(Unary::Sin | Unary::Cos) => mark(&graph, &node.inputs, &mut finer),
            _ => {}
        }
    }
    for (node, is_finer) in graph.nodes.iter_mut().zip(finer) {
        if let (true, Operator::Linear { precision } | Operator::MatMul { precision }) = (is_finer, &mut node.operator)
            && *precision == Precision::Int16Int8
        {
            *precision = Precision::Int16;
        }
    }
    graph
}

/// For every node whether it depends on no input.
fn fixed(graph: &Graph) -> Vec<bool> {
    let mut fixed: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let is_fixed = node.inputs.iter().all(|value| is_fixed(*value, &fixed));
        fixed.push(is_fixed);
    }
    fixed
}

fn is_fixed(value: Value, nodes: &[bool]) -> bool {
    match value {
        Value::Input(_) => false,
        Value::Weight(_) => true,
        Value::Node(index) => nodes.get(index as usize).copied().unwrap_or(false),
    }
}

/// Whether the second operand is made of weights, and its rows are short.
fn has_short_row_of_weights(graph: &CheckedGraph, operands: &[Value], fixed: &[bool]) -> bool {
    let second = operands.get(1).copied().filter(|second| is_fixed(*second, fixed));
    second.is_some_and(|second| last(graph, second).is_some_and(|length| length <= SHORT_ROW))
}

/// Whether the best of few are chosen.
fn is_choice(graph: &CheckedGraph, operands: &[Value]) -> bool {
    let from = operands.first().and_then(|from| last(graph, *from));
    from.is_some_and(|length| length <= MAX_CHOICES)
}

fn last(graph: &CheckedGraph, value: Value) -> Option<u32> {
    match graph.value(value)?.1.last()? {
        Dimension::Fixed(length) => Some(*length),
        _ => None,
    }
}

/// Marks the contractions next before these values, through what works on elements, normalises or moves.
fn mark(graph: &Graph, values: &[Value], finer: &mut [bool]) {
    let mut pending: Vec<(Value, usize)> = values.iter().map(|value| (*value, MAX_STEPS)).collect();
    let mut seen = vec![false; graph.nodes.len()];
    while let Some((value, steps)) = pending.pop() {
        let (Some(index), Some(left)) = (value.node(), steps.checked_sub(1)) else {
            continue;
        };
        let Some(node) = graph
            .nodes
            .get(index)
            .filter(|_| !std::mem::replace(&mut seen[index], true))
        else {
            continue;
        };
        match node.operator {
            Operator::Linear { .. } | Operator::MatMul { .. } => finer[index] = true,
            Operator::Unary(_)
            | Operator::Binary(_)
            | Operator::Relu
            | Operator::Reshape { .. }
            | Operator::Permute { .. }
            | Operator::Slice { .. }
            | Operator::Softmax
            | Operator::LogSoftmax => pending.extend(node.inputs.iter().map(|value| (*value, left))),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_exact::{
        digest::DataType,
        graph::{Input, Node, Output, Weight},
    };

    const COARSE: Precision = Precision::Int16Int8;

    /// Layers of these lengths one after the other, and what the last one's output goes into.
    fn graph(lengths: &[u32], last: Option<Operator>) -> Graph {
        let mut inputs = Value::Input(0);
        let (mut nodes, mut weights) = (Vec::new(), Vec::new());
        for pair in lengths.windows(2) {
            nodes.push(Node {
                name: format!("linear_{}", nodes.len()),
                operator: Operator::Linear { precision: COARSE },
                inputs: vec![inputs, Value::Weight(weights.len() as u16)],
                source: String::new(),
            });
            weights.push(Weight {
                name: format!("w{}", weights.len()),
                dtype: DataType::Float32,
                shape: vec![pair[1], pair[0]],
            });
            inputs = Value::Node(nodes.len() as u32 - 1);
        }
        if let Some(operator) = last {
            nodes.push(Node {
                name: "last".to_owned(),
                operator,
                inputs: vec![inputs],
                source: String::new(),
            });
            inputs = Value::Node(nodes.len() as u32 - 1);
        }
        Graph {
            symbols: Vec::new(),
            inputs: vec![Input {
                name: "x".to_owned(),
                dtype: DataType::Float32,
                dimensions: vec![Dimension::Fixed(2), Dimension::Fixed(lengths[0])],
                range: None,
            }],
            weights,
            nodes,
            outputs: vec![Output {
                name: "output_0".to_owned(),
                value: inputs,
            }],
        }
    }

    fn precisions(graph: Graph) -> Vec<Precision> {
        let nodes = refine(graph).nodes.into_iter();
        nodes
            .filter_map(|node| match node.operator {
                Operator::Linear { precision } => Some(precision),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn short_rows_with_weights_get_16_bits_and_long_ones_do_not() {
        assert_eq!(precisions(graph(&[27, 128, 256], None)), [Precision::Int16, COARSE]);
    }

    #[test]
    fn routers_get_16_bits_and_layers_before_them_do_not() {
        let top_k = Operator::TopK {
            count: 2,
            largest: true,
        };
        assert_eq!(
            precisions(graph(&[128, 128, 8], Some(top_k.clone()))),
            [COARSE, Precision::Int16]
        );
        // Of many words the best are chosen as well, and a layer for all of them is expensive.
        assert_eq!(precisions(graph(&[128, 4096], Some(top_k))), [COARSE]);
    }

    #[test]
    fn angles_get_16_bits() {
        let sine = Operator::Unary(Unary::Sin);
        assert_eq!(precisions(graph(&[128, 128], Some(sine))), [Precision::Int16]);
        assert_eq!(precisions(graph(&[128, 128], Some(Operator::Relu))), [COARSE]);
    }

    #[test]
    fn other_precisions_and_graphs_that_are_not_sound_stay_as_they_are() {
        let mut of_bytes = graph(&[27, 8], None);
        of_bytes.nodes[0].operator = Operator::Linear {
            precision: Precision::Int8,
        };
        assert_eq!(precisions(of_bytes), [Precision::Int8]);
        let mut unsound = graph(&[27, 8], None);
        unsound.weights[0].shape = vec![8, 26];
        assert_eq!(precisions(unsound), [COARSE]);
    }
}
