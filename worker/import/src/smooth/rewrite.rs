//! Graphs with exponents in them.

use super::{Changes, Group, exponents::power, uses};
use assay_exact::{
    digest::DataType,
    graph::{Binary, Graph, Node, Operator, Value, Weight},
    quantise::Precision,
};
use assay_ops::tensor::Tensor;
use std::collections::BTreeMap;

/// Multiplies rows and divides weights, and gives layers their precision.
pub(super) fn apply(mut graph: Graph, mut weights: Vec<Tensor>, changes: Changes) -> (Graph, Vec<Tensor>) {
    for layer in changes.finer {
        if let Some(node) = graph.nodes.get_mut(layer) {
            let precision = Precision::Int16;
            node.operator = Operator::Linear { precision };
        }
    }
    // For each node after whose output a multiplication stands: its weight, and the layers that take the product.
    let mut products: BTreeMap<u32, (u16, Vec<usize>)> = BTreeMap::new();
    for (group, exponents) in changes.exponents {
        for layer in &group.layers {
            if let Some(Value::Weight(weight)) = graph.nodes.get(*layer).and_then(|node| node.inputs.get(1)) {
                scale(&mut weights, *weight, &exponents, -1);
            }
        }
        match parameters(&graph, &group) {
            Some(parameters) => parameters
                .iter()
                .for_each(|weight| scale(&mut weights, *weight, &exponents, 1)),
            None => {
                let name = graph.nodes.get(group.rows as usize).map(|node| node.name.as_str());
                let name = format!("{}.exponents", name.unwrap_or_default());
                let (weight, tensor) = powers(name, &exponents);
                products.insert(group.rows, (graph.weights.len() as u16, group.layers));
                graph.weights.push(weight);
                weights.push(tensor);
            }
        }
    }
    in_order(with_products(graph, &products), weights)
}

/// The weight and the bias of the normalisation that a group's rows come out of, if nothing but the group takes the
/// rows, and nothing else these.
fn parameters(graph: &Graph, group: &Group) -> Option<Vec<u16>> {
    let node = graph.nodes.get(group.rows as usize)?;
    let (Operator::LayerNorm { .. } | Operator::RmsNorm { .. }, [_, parameters @ ..]) =
        (&node.operator, node.inputs.as_slice())
    else {
        return None;
    };
    let parameters = parameters.iter().map(|value| match value {
        Value::Weight(weight) if uses(graph, *value) == 1 => Some(*weight),
        _ => None,
    });
    let parameters: Vec<u16> = parameters.collect::<Option<_>>()?;
    let is_own = uses(graph, Value::Node(group.rows)) == group.layers.len();
    (is_own && !parameters.is_empty()).then_some(parameters)
}

/// Multiplies the columns of a weight with powers of two.
fn scale(weights: &mut [Tensor], index: u16, exponents: &[i32], sign: i32) {
    let Some(weight) = weights.get_mut(usize::from(index)) else {
        return;
    };
    let numbers = weight.numbers().zip(exponents.iter().cycle());
    let numbers = numbers.map(|(number, exponent)| f32::from_bits(number.to_bits()) * power(sign * exponent));
    let bytes = numbers.flat_map(f32::to_le_bytes).collect();
    if let Ok(scaled) = Tensor::new(DataType::Float32, weight.shape().to_vec(), bytes) {
        *weight = scaled.canonical();
    }
}

/// Powers of two as a weight.
fn powers(name: String, exponents: &[i32]) -> (Weight, Tensor) {
    let shape = vec![exponents.len() as u32];
    let bytes = exponents
        .iter()
        .flat_map(|exponent| power(*exponent).to_le_bytes())
        .collect();
    let tensor = Tensor::new(DataType::Float32, shape.clone(), bytes);
    let weight = Weight {
        name,
        dtype: DataType::Float32,
        shape,
    };
    (weight, tensor.expect("a number for each exponent; qed"))
}

/// The graph with a multiplication after each of these nodes, which these layers take instead.
fn with_products(mut graph: Graph, products: &BTreeMap<u32, (u16, Vec<usize>)>) -> Graph {
    let nodes = std::mem::take(&mut graph.nodes);
    // Where a node stands once there is a node more after each one before it that has a product.
    let place = |node: u32| node + products.range(..node).count() as u32;
    let moved = |value: Value| match value {
        Value::Node(node) => Value::Node(place(node)),
        other => other,
    };
    for (index, mut node) in nodes.into_iter().enumerate() {
        let rows = match node.inputs.first() {
            Some(Value::Node(rows)) => Some(*rows),
            _ => None,
        };
        let product = rows.filter(|rows| products.get(rows).is_some_and(|(_, layers)| layers.contains(&index)));
        node.inputs.iter_mut().for_each(|value| *value = moved(*value));
        if let (Some(rows), Some(first)) = (product, node.inputs.first_mut()) {
            *first = Value::Node(place(rows) + 1);
        }
        let own = index as u32;
        let after = products.get(&own).map(|(weight, _)| Node {
            name: format!("{}.smoothed", node.name),
            operator: Operator::Binary(Binary::Mul),
            inputs: vec![Value::Node(place(own)), Value::Weight(*weight)],
            source: node.source.clone(),
        });
        graph.nodes.push(node);
        graph.nodes.extend(after);
    }
    graph
        .outputs
        .iter_mut()
        .for_each(|output| output.value = moved(output.value));
    graph
}

/// The graph with its weights ordered by name, as an import has them.
fn in_order(mut graph: Graph, tensors: Vec<Tensor>) -> (Graph, Vec<Tensor>) {
    let weights = std::mem::take(&mut graph.weights);
    let mut weights: Vec<_> = weights.into_iter().zip(tensors).enumerate().collect();
    weights.sort_by(|(_, (a, _)), (_, (b, _))| a.name.cmp(&b.name));
    let places: BTreeMap<u16, u16> = weights.iter().map(|(old, _)| *old as u16).zip(0..).collect();
    let values = graph.nodes.iter_mut().flat_map(|node| &mut node.inputs);
    for value in values.chain(graph.outputs.iter_mut().map(|output| &mut output.value)) {
        if let Value::Weight(weight) = value
            && let Some(place) = places.get(weight)
        {
            *weight = *place;
        }
    }
    let (weights, tensors) = weights.into_iter().map(|(_, weight)| weight).unzip();
    graph.weights = weights;
    (graph, tensors)
}
