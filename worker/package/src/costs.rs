//! Costs of a model: the work and the bytes of a trace of each node, at chosen sizes.

use super::manifest::precision_name;
use assay_exact::{
    digest::tensor_size_bytes,
    graph::{CheckedGraph, Operator, Value},
    quantise::{Bits, Precision},
};
use std::collections::BTreeMap;

/// Costs of one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    /// One entry for each node of the graph, in its order.
    pub nodes: Vec<NodeCost>,
}

/// Costs of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeCost {
    /// Work, in the unit of [`CheckedGraph::work`]; it saturates.
    pub work: u64,
    /// Bytes of its output, which a trace hashes; they saturate.
    pub trace_bytes: u64,
    /// Precision of its contraction: `int8`, `int16int8` or `int16`; `None` for an operator without one.
    pub precision: Option<&'static str>,
}

/// Costs of all nodes of one operator in one precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorCost {
    /// The operator's name.
    pub operator: &'static str,
    /// Number of nodes.
    pub nodes: usize,
    /// Costs of them together.
    pub cost: NodeCost,
}

impl Costs {
    /// Costs for these values of the graph's symbols, in the graph's order.
    pub fn at(graph: &CheckedGraph, symbols: &[u32]) -> Self {
        let nodes = graph.graph().nodes.iter().enumerate().map(|(index, node)| {
            let value = Value::Node(u32::try_from(index).unwrap_or(u32::MAX));
            let dtype = graph.value(value).map(|(dtype, _)| dtype);
            let bytes = dtype.zip(graph.shape(value, symbols));
            NodeCost {
                work: graph
                    .node_work(index)
                    .and_then(|work| work.at(symbols))
                    .unwrap_or(u64::MAX),
                trace_bytes: bytes
                    .and_then(|(dtype, shape)| tensor_size_bytes(dtype, &shape))
                    .unwrap_or(u64::MAX),
                precision: precision(&node.operator),
            }
        });
        Self { nodes: nodes.collect() }
    }

    /// Work of all nodes; it saturates.
    pub fn work(&self) -> u64 {
        self.nodes.iter().fold(0, |sum, node| sum.saturating_add(node.work))
    }

    /// Bytes of a trace; they saturate.
    pub fn trace_bytes(&self) -> u64 {
        let nodes = self.nodes.iter();
        nodes.fold(0, |sum, node| sum.saturating_add(node.trace_bytes))
    }

    /// Costs by operator and precision, the one with the most work first.
    pub fn by_operator(&self, graph: &CheckedGraph) -> Vec<OperatorCost> {
        let mut sums: BTreeMap<(&'static str, Option<&'static str>), OperatorCost> = BTreeMap::new();
        for (node, cost) in graph.graph().nodes.iter().zip(&self.nodes) {
            let operator = node.operator.name();
            let sum = sums.entry((operator, cost.precision)).or_insert(OperatorCost {
                operator,
                nodes: 0,
                cost: NodeCost {
                    work: 0,
                    trace_bytes: 0,
                    precision: cost.precision,
                },
            });
            sum.nodes += 1;
            sum.cost.work = sum.cost.work.saturating_add(cost.work);
            sum.cost.trace_bytes = sum.cost.trace_bytes.saturating_add(cost.trace_bytes);
        }
        let mut sums: Vec<OperatorCost> = sums.into_values().collect();
        sums.sort_by_key(|sum| std::cmp::Reverse(sum.cost.work));
        sums
    }
}

/// Sizes at which costs are shown: the batch at its minimum, and every other symbol at its maximum.
pub fn shown_sizes(graph: &CheckedGraph) -> Vec<u32> {
    let batch = graph.batch_symbol().map(usize::from);
    let symbols = graph.graph().symbols.iter().enumerate();
    symbols
        .map(|(index, symbol)| match batch == Some(index) {
            true => symbol.min,
            false => symbol.max,
        })
        .collect()
}

/// Precision of an operator's contraction, by its name in manifests.
fn precision(operator: &Operator) -> Option<&'static str> {
    match operator {
        Operator::Linear { precision } | Operator::MatMul { precision } | Operator::WeightedSum { precision } => {
            Some(precision_name(*precision))
        }
        // Its weights have 8 bits or fewer, whatever the rows have.
        Operator::QuantisedLinear { precision, .. } => Some(precision_name(match precision.left() {
            Bits::Int8 => Precision::Int8,
            Bits::Int16 => Precision::Int16Int8,
        })),
        _ => None,
    }
}

/// A large number with the letter of its unit, which may be followed by that of bytes: `734 `, `5.43 G`.
pub(super) fn short(number: u64) -> String {
    let units = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    match units.iter().find(|(unit, _)| number as f64 >= *unit) {
        Some((unit, name)) => format!("{:.2} {name}", number as f64 / unit),
        None => format!("{number} "),
    }
}

/// A share in percent; 0 of nothing.
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        whole => 100.0 * part as f64 / whole as f64,
    }
}
