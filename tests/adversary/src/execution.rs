//! An execution of which everything is kept.

use assay_exact::{
    digest::{Digest, list_digest},
    evaluate::{EvaluateError, evaluate_with},
    graph::CheckedGraph,
    model::{ModelKind, ModelParts},
    quantise::Precision,
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
    parts: ModelParts,
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
        let weight_digests: Vec<Digest> = weights.iter().map(Tensor::digest::<Hash>).collect();
        let weights_root = list_digest::<Hash>(&weight_digests);
        let parts = ModelParts::new::<Hash>(&graph, weights_root, Precision::Int16, MANIFEST);
        Ok(Self {
            parts: parts.ok_or_else(|| EvaluateError::Inconsistent { name: "parts".into() })?,
            weight_digests,
            graph,
            weights,
            inputs,
            nodes,
            trace,
        })
    }

    /// The same execution of a model of another kind.
    pub fn of_kind(self, kind: ModelKind) -> Self {
        Self {
            parts: self.parts.with_kind(kind),
            ..self
        }
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

    fn parts(&self) -> &ModelParts {
        &self.parts
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
