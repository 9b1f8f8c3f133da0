//! A whole graph, operator by operator: slow, and the definition of the result.

use crate::{
    graph::{BindError, CheckedGraph, Value},
    tensor::Tensor,
};
use alloc::{string::String, vec::Vec};

/// Why a graph was not evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvaluateError {
    /// The inputs are not what the graph takes.
    Inputs(BindError),
    /// A weight is missing, or is not as the graph describes it.
    Weight {
        /// Name of the weight.
        name: String,
    },
    /// An operand of a node or an output is missing or does not fit. A checked graph rules this out.
    Inconsistent {
        /// Name of the node or the output.
        name: String,
    },
}

impl core::fmt::Display for EvaluateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Inputs(error) => error.fmt(f),
            Self::Weight { name } => write!(f, "the weight {name} is not as the graph describes it"),
            Self::Inconsistent { name } => write!(f, "what {name} takes does not fit"),
        }
    }
}

impl core::error::Error for EvaluateError {}

/// Evaluates a graph.
///
/// `weights` are in the order of the graph's weights, `inputs` in that of its inputs. Both are read as canonical
/// numbers: −0 counts as +0, and every NaN as the one NaN.
pub fn evaluate(graph: &CheckedGraph, weights: &[Tensor], inputs: &[Tensor]) -> Result<Vec<Tensor>, EvaluateError> {
    evaluate_with(graph, weights, inputs, |_, _| {})
}

/// Evaluates a graph and shows every node's output to `on_node` with the node's position, in order.
///
/// An output is dropped once nothing that follows takes it, so memory holds what is still needed and no more.
pub fn evaluate_with(
    graph: &CheckedGraph,
    weights: &[Tensor],
    inputs: &[Tensor],
    mut on_node: impl FnMut(usize, &Tensor),
) -> Result<Vec<Tensor>, EvaluateError> {
    let layouts: Vec<_> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
    let symbols = graph.bind(&layouts).map_err(EvaluateError::Inputs)?;
    check_weights(graph, weights)?;
    let inputs: Vec<Tensor> = inputs.iter().cloned().map(Tensor::canonical).collect();

    let nodes = &graph.graph().nodes;
    let finished = graph.graph().finished_after();
    let mut results: Vec<Option<Tensor>> = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        let operands = node
            .inputs
            .iter()
            .map(|value| lookup(*value, &inputs, weights, &results));
        let operands = operands.collect::<Option<Vec<&Tensor>>>();
        let result = operands.and_then(|operands| {
            let value = Value::Node(index as u32);
            let (dtype, _) = graph.value(value)?;
            let shape = graph.shape(value, &symbols)?;
            node.operator.resolve(&symbols)?.apply(&operands, dtype, shape)
        });
        let result = result
            .map(Tensor::canonical)
            .ok_or_else(|| EvaluateError::Inconsistent {
                name: node.name.clone(),
            })?;
        on_node(index, &result);
        results.push(Some(result));
        for position in finished.get(index).into_iter().flatten() {
            if let Some(result) = results.get_mut(*position) {
                *result = None;
            }
        }
    }

    let outputs = graph.graph().outputs.iter().map(|output| {
        lookup(output.value, &inputs, weights, &results)
            .cloned()
            .map(Tensor::canonical)
            .ok_or_else(|| EvaluateError::Inconsistent {
                name: output.name.clone(),
            })
    });
    outputs.collect()
}

fn lookup<'a>(
    value: Value,
    inputs: &'a [Tensor],
    weights: &'a [Tensor],
    nodes: &'a [Option<Tensor>],
) -> Option<&'a Tensor> {
    match value {
        Value::Input(index) => inputs.get(usize::from(index)),
        Value::Weight(index) => weights.get(usize::from(index)),
        Value::Node(index) => nodes.get(usize::try_from(index).ok()?)?.as_ref(),
    }
}

/// Checks that there is one tensor for each of the graph's weights, of its type and shape.
pub fn check_weights(graph: &CheckedGraph, weights: &[Tensor]) -> Result<(), EvaluateError> {
    let described = &graph.graph().weights;
    for (index, weight) in described.iter().enumerate() {
        let fits = weights
            .get(index)
            .is_some_and(|t| t.dtype() == weight.dtype && t.shape() == weight.shape);
        if !fits {
            return Err(EvaluateError::Weight {
                name: weight.name.clone(),
            });
        }
    }
    Ok(())
}
