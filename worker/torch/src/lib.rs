//! Every operator as single operations of libtorch, on any device that it has.
//!
//! Each operation rounds once and none is fused with another. Products of integers are int8 ones where the device
//! multiplies these exactly, and else those of float32 or float64 whose every partial sum is exact. No operator falls
//! back to the definition: [`TorchBackend`] implements the table of operators, whole.
//!
//! Nothing outside this crate names `tch`. It knows no packages.

mod array;
mod backend;
mod contraction;
mod fault;
pub mod float;
mod functions;
mod machine;
mod operators;
mod probe;
mod quantise;
#[cfg(test)]
mod tests;

pub use array::Array;
pub use backend::TorchBackend;
pub use machine::Machine;
pub use quantise::QuantisedRows;

use assay_ops::{operators::Failure, program::EngineError, tensor::Tensor, weights::Weights, words::Form};
use contraction::Route;
use std::{num::NonZeroUsize, sync::Mutex};

/// Most threads that one operator may be spread over.
const MAX_THREADS: usize = 1024;

/// Where libtorch computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    Cpu,
    /// The NVIDIA GPU of this index.
    Cuda(usize),
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cpu => write!(f, "cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl Device {
    fn to_tch(self) -> tch::Device {
        match self {
            Self::Cpu => tch::Device::Cpu,
            Self::Cuda(index) => tch::Device::Cuda(index),
        }
    }
}

/// Options of libtorch.
#[derive(Clone, Copy, Debug)]
pub struct TorchOptions {
    /// Where it computes.
    pub device: Device,
    /// Threads of the processor that one operator is spread over. Set before every execution, since OpenMP keeps it per
    /// calling thread.
    pub threads: NonZeroUsize,
}

impl TorchOptions {
    fn set_threads(&self) {
        // At most `MAX_THREADS`, which the engine's constructor checks.
        tch::set_num_threads(self.threads.get() as i32);
    }
}

/// Calls libtorch.
#[derive(Clone, Debug)]
pub struct TorchEngine {
    options: TorchOptions,
    route: Route,
    /// Why the route is not the fast one.
    fallback: Option<String>,
}

impl TorchEngine {
    /// Tests the device with values that break inexact kernels and picks the route.
    ///
    /// Fails if the device is not there, or does not even compute IEEE 754 as defined.
    pub fn new(options: TorchOptions) -> Result<Self, EngineError> {
        let refused = |reason: String| EngineError::Device {
            device: options.device.to_string(),
            reason,
        };
        if let Device::Cuda(index) = options.device
            && index as i64 >= tch::Cuda::device_count()
        {
            return Err(refused(format!("libtorch sees {} GPUs", tch::Cuda::device_count())));
        }
        if options.threads.get() > MAX_THREADS {
            return Err(refused(format!(
                "{} threads are more than {MAX_THREADS}",
                options.threads
            )));
        }
        options.set_threads();
        let device = options.device.to_tch();
        probe::elementwise(&mut Machine::new(options, Route::Float64)).map_err(&refused)?;
        let (route, fallback) = match probe::route(Route::Int8, device) {
            Ok(()) => (Route::Int8, None),
            Err(reason) => {
                probe::route(Route::Float64, device).map_err(&refused)?;
                tracing::warn!(device = %options.device, reason, "int8 products are not exact here, using float64");
                (Route::Float64, Some(reason))
            }
        };
        Ok(Self {
            options,
            route,
            fallback,
        })
    }

    /// The same engine on the route that it falls back to, for tests.
    #[must_use]
    pub fn with_float64_products(self) -> Self {
        Self {
            route: Route::Float64,
            ..self
        }
    }

    /// Name of the library, its device and the route it takes, for people.
    pub fn description(&self) -> String {
        let TorchOptions { device, threads } = self.options;
        let route = match (self.route, &self.fallback) {
            (Route::Int8, _) => "int8 products".to_owned(),
            (Route::Float64, None) => "float64 products".to_owned(),
            (Route::Float64, Some(reason)) => format!("float64 products, because {reason}"),
        };
        format!("libtorch on {device}, {threads} threads, {route}")
    }

    /// A tensor on the device.
    pub fn upload(&self, tensor: &Tensor) -> Result<Array, Failure> {
        Ok(Array::upload(tensor, self.options.device.to_tch())?)
    }

    /// The weight of a linear layer as the second operand of products.
    pub fn pack(&self, weights: &[Array], form: Form) -> Result<QuantisedRows, Failure> {
        let _no_gradients = tch::no_grad_guard();
        self.options.set_threads();
        Ok(operators::pack(self.route, weights, form)?)
    }

    /// The device with a package's weights, which are there.
    pub fn backend(&self, weights: Weights<Array, QuantisedRows>) -> TorchBackend {
        TorchBackend {
            options: self.options,
            route: self.route,
            weights: Mutex::new(weights),
        }
    }
}
