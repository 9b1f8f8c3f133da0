//! libtorch as an engine: `assay-torch` on a package.

use crate::{Engine, EngineError, Program, program::PlannedProgram, weights};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::Package;
use assay_torch::TorchEngine;

impl Engine for TorchEngine {
    fn description(&self) -> String {
        Self::description(self)
    }

    fn prepare(&self, package: &Package) -> Result<Box<dyn Program>, EngineError> {
        let program = PlannedProgram::new(package, |plans| {
            let failed = |reason: String| EngineError::Failed {
                engine: Self::description(self),
                reason: format!("the weights: {reason}"),
            };
            // It stands where a weight is only ever packed.
            let nothing = Tensor::new(DataType::Bool, vec![1], vec![0]).map_err(|error| failed(error.to_string()))?;
            let weights = self.upload(&nothing).and_then(|instead| {
                let pack = |weights: &[_], form| self.pack(weights, form);
                weights::prepare(package, plans, &instead, |tensor| self.upload(tensor), pack)
            });
            Ok(self.backend(weights.map_err(|failure| failed(failure.to_string()))?))
        })?;
        Ok(Box::new(program))
    }

    fn puts_nodes_together(&self) -> bool {
        true
    }
}
