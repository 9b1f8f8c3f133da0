//! libtorch as an engine: `assay-torch` on a package.

use crate::{Engine, EngineError, Program};
use assay_package::Package;
use assay_torch::TorchEngine;

impl Engine for TorchEngine {
    fn description(&self) -> String {
        Self::description(self)
    }

    fn prepare(&self, package: &Package) -> Result<Box<dyn Program>, EngineError> {
        Self::prepare(self, package.graph(), package.weights())
    }
}
