//! An execution of which everything is kept.

use assay_exact::{
    digest::Digest,
    evaluate::{EvaluateError, evaluate_with},
    graph::CheckedGraph,
    tensor::Tensor,
    trace::{Trace, TraceBuilder},
};
use assay_player::{Execution, Hash, Unavailable};
use std::sync::Arc;

/// Hash of the manifest that every model here has.
pub const MANIFEST: Digest = [7; 32];

/// A model and an execution of it, with every tensor in memory.
#[derive(Clone, Debug)]
pub struct InMemory {
    graph: CheckedGraph,
    weights: Vec<Tensor>,
    weight_digests: Vec<Digest>,
    inputs: Vec<Tensor>,
    nodes: Vec<Arc<Tensor>>,
    trace: Trace,
}

impl InMemory {
    /// Evaluates a graph as it is defined.
    pub fn new(graph: CheckedGraph, weights: Vec<Tensor>, inputs: Vec<Tensor>) -> Result<Self, EvaluateError> {
        let mut builder = TraceBuilder::<Hash>::new(&graph, &inputs)?;
        let mut nodes = Vec::with_capacity(graph.graph().nodes.len());
        let outputs = evaluate_with(&graph, &weights, &inputs, |index, output| {
            builder.record(index, output);
            nodes.push(Arc::new(output.clone()));
        })?;
        let trace = builder
            .finish(&outputs)
            .map_err(|missing| EvaluateError::Inconsistent {
                name: format!("node {missing}"),
            })?;
        Ok(Self {
            weight_digests: weights.iter().map(Tensor::digest::<Hash>).collect(),
            graph,
            weights,
            inputs,
            nodes,
            trace,
        })
    }
}

impl Execution for InMemory {
    fn graph(&self) -> &CheckedGraph {
        &self.graph
    }

    fn weights(&self) -> &[Tensor] {
        &self.weights
    }

    fn weight_digests(&self) -> &[Digest] {
        &self.weight_digests
    }

    fn manifest_hash(&self) -> Digest {
        MANIFEST
    }

    fn inputs(&self) -> &[Tensor] {
        &self.inputs
    }

    fn trace(&self) -> &Trace {
        &self.trace
    }

    fn nodes(&self, operators: &[u32]) -> Result<Vec<Arc<Tensor>>, Unavailable> {
        let node = |operator: &u32| {
            let node = self.nodes.get(*operator as usize);
            node.cloned().ok_or_else(|| Unavailable {
                operator: *operator,
                reason: "the graph has no such operator".to_owned(),
            })
        };
        operators.iter().map(node).collect()
    }
}
