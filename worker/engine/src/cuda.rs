//! NVIDIA GPUs, through kernels of our own that are compiled at run time. Nothing leaves the GPU but outputs.
//!
//! Steps are those of the processor's engine. Products take tensor cores where these are exact, which is tested at the
//! start.

mod probe;

use crate::{Engine, EngineError, Program, program::PlannedProgram, weights};
use assay_cuda::{
    array::Array,
    backend::{CudaBackend, upload},
    device::Device,
    gpu::Gpu,
    operators::Packed,
    queue::{Queue, Route},
};
use assay_exact::digest::DataType;
use assay_ops::operators::Failure;
use assay_package::Package;
use std::sync::Arc;

/// Calls `assay-cuda`.
#[derive(Clone)]
pub struct CudaEngine {
    name: String,
    queue: Queue,
}

impl CudaEngine {
    /// Opens a GPU by its index, compiles the kernels for it, and tests it with values that break inexact kernels.
    ///
    /// Falls back to products without tensor cores if these do not give the defined bits; fails if the others do not
    /// either, or if there is no such GPU, no driver or no NVRTC.
    pub fn new(index: usize) -> Result<Self, EngineError> {
        let place = format!("cuda:{index}");
        let gpu = Gpu::new(index).map_err(|error| EngineError::Device {
            device: place.clone(),
            reason: error.to_string(),
        })?;
        Self::on(Arc::new(gpu), place)
    }

    /// The same on any device.
    pub(super) fn on(device: Arc<dyn Device>, place: String) -> Result<Self, EngineError> {
        let name = format!("{} ({place})", device.name());
        let mut queue = Queue::new(device);
        if let Err(reason) = probe::kernels(&queue) {
            let refused = |reason| EngineError::Device {
                device: place.clone(),
                reason,
            };
            if queue.route() == Route::Lanes {
                return Err(refused(reason));
            }
            tracing::warn!(
                reason,
                "{name} does not give the defined bits with tensor cores; multiplying without them"
            );
            queue = queue.with_route(Route::Lanes);
            probe::kernels(&queue).map_err(refused)?;
        }
        Ok(Self { name, queue })
    }

    /// The same engine without tensor cores.
    #[cfg(test)]
    pub(super) fn without_tensor_cores(self) -> Self {
        Self {
            queue: self.queue.with_route(Route::Lanes),
            ..self
        }
    }

    /// Bytes of the GPU's memory that it keeps and nothing uses.
    #[cfg(test)]
    pub(super) fn kept_bytes(&self) -> usize {
        self.queue.pool().kept_bytes()
    }
}

impl Engine for CudaEngine {
    fn description(&self) -> String {
        let route = match self.queue.route() {
            Route::TensorCores => "tensor cores",
            Route::Lanes => "no tensor cores",
        };
        format!("own kernels on {}, {route}", self.name)
    }

    fn prepare(&self, package: &Package) -> Result<Box<dyn Program>, EngineError> {
        let program = PlannedProgram::new(package, |plans| {
            let queue = self.queue.clone();
            let weights = Array::upload(&queue, DataType::Bool, &[1], &[0])
                .map_err(|error| Failure::Device(error.to_string()))
                .and_then(|instead| {
                    let pack = |weights: &[Array], form| Ok(Packed::of_values(&queue, weights, form)?);
                    weights::prepare(package, plans, &instead, |tensor| upload(&queue, tensor), pack)
                });
            let weights = weights.map_err(|failure| EngineError::Failed {
                engine: self.description(),
                reason: format!("the weights: {failure}"),
            })?;
            Ok(CudaBackend { weights, queue })
        })?;
        Ok(Box::new(program))
    }

    fn puts_nodes_together(&self) -> bool {
        true
    }
}
