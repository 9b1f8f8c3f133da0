//! Smoothing: powers of two that bring the outliers of activations into the weights.
//!
//! A linear layer gives the same with `x[k]·2^t[k]` and `w[n, k]/2^t[k]` as with `x` and `w`, and both are exact. What
//! changes is how much is lost where rows are quantised, each with one scale: a column of activations that is large
//! takes the scale from all others. Exponents are chosen for layers that take what a normalisation gives, where such
//! columns are, by the rows that [`Calibration`] has of them:
//!
//! ```text
//! t[k] = −round(α·log2 max|x[k]| − (1 − α)·log2 max|w[k]| − mean over k of the same)
//! ```
//!
//! with the α of 1/8 to 7/8, or none at all, for which the layers' outputs are nearest to those of binary32.
//! Where nothing else takes the normalisation's output, the exponents go into its weight and its bias; otherwise the
//! output is multiplied in a node of its own. A layer of Int16Int8 that still loses much gets Int16.
//!
//! The method is SmoothQuant's (Xiao et al., 2023), with powers of two and a search. Everything here is arithmetic of
//! the kind that gives the same on every machine, so a package has one root.

mod calibration;
mod exponents;
mod rewrite;
#[cfg(test)]
mod tests;

pub use calibration::Calibration;

use assay_exact::{
    graph::{Graph, Node, Operator, Value},
    quantise::Precision,
};
use assay_ops::tensor::Tensor;
use exponents::{Layer, Loss};
use std::collections::BTreeMap;

/// Mean square of what a layer's outputs lose, of the outputs' own, from which on Int16 takes the place of Int16Int8.
const MUCH: f64 = 3e-4;

/// Linear layers that take the same rows.
struct Group {
    rows: u32,
    layers: Vec<usize>,
}

/// Changes of a graph.
#[derive(Default)]
struct Changes {
    /// Exponents for the rows that a node gives and for the layers that take these.
    exponents: Vec<(Group, Vec<i32>)>,
    /// Layers that get Int16.
    finer: Vec<usize>,
}

/// The graph with its weights smoothed; nothing is changed of layers that gain nothing.
pub(crate) fn smooth(graph: Graph, weights: Vec<Tensor>, calibration: &Calibration) -> (Graph, Vec<Tensor>) {
    let mut changes = Changes::default();
    for group in groups(&graph) {
        let Some(rows) = calibration.rows(group.rows) else {
            continue;
        };
        let layers = group.layers.iter().filter_map(|layer| {
            let node = graph.nodes.get(*layer)?;
            let weight = weights.get(usize::from(own_weight(&graph, node)?))?;
            Layer::new(weight, precision(node)?, rows)
        });
        let layers: Vec<Layer> = layers.collect();
        if layers.len() != group.layers.len() {
            continue;
        }
        let plain = Loss::of(rows, &layers, None);
        let mut best = (plain, None);
        if is_normalised(&graph, group.rows) {
            for exponents in exponents::candidates(rows, &layers) {
                let loss = Loss::of(rows, &layers, Some(&exponents));
                if loss.mean() < best.0.mean() {
                    best = (loss, Some(exponents));
                }
            }
        }
        let lost = group.layers.iter().zip(&layers).zip(best.0.of_layers());
        let finer = lost.filter(|((_, layer), lost)| layer.precision() == Precision::Int16Int8 && **lost > MUCH);
        changes.finer.extend(finer.map(|((layer, _), _)| *layer));
        if let Some(exponents) = best.1 {
            changes.exponents.push((group, exponents));
        }
    }
    rewrite::apply(graph, weights, changes)
}

/// The linear layers by the node whose output they take. A weight that something else takes as well is left alone, with
/// the layers beside its own.
fn groups(graph: &Graph) -> Vec<Group> {
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        if let (Some(_), [Value::Node(rows), ..]) = (precision(node), node.inputs.as_slice()) {
            groups.entry(*rows).or_default().push(index);
        }
    }
    let groups = groups.into_iter().map(|(rows, layers)| Group { rows, layers });
    let are_own = |group: &Group| {
        let mut nodes = group.layers.iter().filter_map(|layer| graph.nodes.get(*layer));
        nodes.all(|node| own_weight(graph, node).is_some())
    };
    groups.filter(are_own).collect()
}

/// The precision of a linear layer that quantises its weight itself.
fn precision(node: &Node) -> Option<Precision> {
    match node.operator {
        Operator::Linear { precision } => Some(precision),
        _ => None,
    }
}

/// The weight of a linear layer, if nothing else takes it.
fn own_weight(graph: &Graph, node: &Node) -> Option<u16> {
    let Some(Value::Weight(weight)) = node.inputs.get(1).copied() else {
        return None;
    };
    (uses(graph, Value::Weight(weight)) == 1).then_some(weight)
}

/// Number of times that a value is taken, outputs included.
fn uses(graph: &Graph, value: Value) -> usize {
    let taken = graph.nodes.iter().flat_map(|node| &node.inputs);
    let given = graph.outputs.iter().map(|output| &output.value);
    taken.chain(given).filter(|other| **other == value).count()
}

/// Whether a node gives what a normalisation does, in whatever dimensions.
fn is_normalised(graph: &Graph, mut node: u32) -> bool {
    loop {
        let Some(found) = graph.nodes.get(node as usize) else {
            return false;
        };
        match (&found.operator, found.inputs.first()) {
            (Operator::LayerNorm { .. } | Operator::RmsNorm { .. }, _) => return true,
            (Operator::Reshape { .. }, Some(Value::Node(before))) => node = *before,
            _ => return false,
        }
    }
}
