//! The definition itself, slow: for judging other engines, and for small models without libtorch.

use super::{Engine, EngineError, OnNode, Program};
use assay_exact::{
    evaluate::{EvaluateError, evaluate_with},
    graph::CheckedGraph,
};
use assay_ops::{program::Continued, tensor::Tensor};
use assay_package::Package;

/// Calls `assay-exact`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReferenceEngine;

struct ReferenceProgram {
    graph: CheckedGraph,
    weights: Vec<Tensor>,
}

impl Engine for ReferenceEngine {
    fn description(&self) -> String {
        "reference".to_owned()
    }

    fn prepare(&self, package: &Package) -> Result<Box<dyn Program>, EngineError> {
        Ok(Box::new(ReferenceProgram {
            graph: package.graph().clone(),
            weights: package.weights().to_vec(),
        }))
    }
}

impl Program for ReferenceProgram {
    fn evaluate(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        self.evaluate_with(inputs, &mut |_, _| Ok(()))
    }

    fn evaluate_with(&self, inputs: &[Tensor], on_node: &mut OnNode<'_>) -> Result<Vec<Tensor>, EngineError> {
        evaluated(&self.graph, &self.weights, inputs, on_node)
    }

    fn continued(&self, graph: CheckedGraph) -> Result<Box<dyn Continued>, EngineError> {
        Ok(Box::new(ContinuedReference {
            program: Self {
                graph,
                weights: self.weights.clone(),
            },
            kept: Vec::new(),
        }))
    }
}

/// A graph that gives itself tensors.
struct ContinuedReference {
    program: ReferenceProgram,
    kept: Vec<Tensor>,
}

impl Continued for ContinuedReference {
    fn keep(&mut self, tensors: Vec<Tensor>) -> Result<(), EngineError> {
        self.kept = tensors;
        Ok(())
    }

    fn take(&mut self) -> Result<Vec<Tensor>, EngineError> {
        Ok(std::mem::take(&mut self.kept))
    }

    fn evaluate(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        let kept = std::mem::take(&mut self.kept);
        let count = kept.len();
        let inputs: Vec<Tensor> = inputs.iter().cloned().chain(kept).collect();
        let mut outputs = self.program.evaluate(&inputs)?;
        self.kept = outputs.split_off(outputs.len().saturating_sub(count));
        Ok(outputs)
    }
}

/// The outputs by the definition.
fn evaluated(
    graph: &CheckedGraph,
    weights: &[Tensor],
    inputs: &[Tensor],
    on_node: &mut OnNode<'_>,
) -> Result<Vec<Tensor>, EngineError> {
    // A graph has fewer than 2^16 nodes.
    let mut shown = Ok(());
    let outputs = evaluate_with(graph, weights, inputs, |node, mut output| {
        if shown.is_ok() {
            shown = on_node(node as u32, &mut output);
        }
    });
    shown.map_err(|failure| EngineError::Failed {
        engine: "reference".to_owned(),
        reason: failure.to_string(),
    })?;
    outputs.map_err(|error| match error {
        EvaluateError::Inputs(error) => EngineError::Inputs(error),
        error => EngineError::Failed {
            engine: "reference".to_owned(),
            reason: error.to_string(),
        },
    })
}
