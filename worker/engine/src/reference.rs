//! The definition itself, slow: for judging other engines, and for small models without libtorch.

use super::{Engine, EngineError, OnNode, Program};
use assay_exact::{
    evaluate::{EvaluateError, evaluate_with},
    graph::CheckedGraph,
};
use assay_ops::tensor::Tensor;
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
        self.evaluate_with(inputs, &mut |_, _| {})
    }

    fn evaluate_with(&self, inputs: &[Tensor], on_node: &mut OnNode<'_>) -> Result<Vec<Tensor>, EngineError> {
        // A graph has fewer than 2^16 nodes.
        let outputs = evaluate_with(&self.graph, &self.weights, inputs, |node, output| {
            on_node(node as u32, output);
        });
        outputs.map_err(|error| match error {
            EvaluateError::Inputs(error) => EngineError::Inputs(error),
            error => EngineError::Failed {
                engine: "reference".to_owned(),
                reason: error.to_string(),
            },
        })
    }
}
