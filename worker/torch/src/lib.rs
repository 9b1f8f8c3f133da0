//! libtorch: int8 products where the device multiplies them exactly, exact float64 products of integers elsewhere.
//!
//! Nothing outside this crate names `tch`. It executes graphs with their weights and knows no packages.

mod contraction;
mod probe;
mod program;
mod quantise;

use assay_exact::graph::CheckedGraph;
use assay_ops::{
    program::{EngineError, Program},
    tensor::Tensor,
};
use contraction::Route;
use std::num::NonZeroUsize;
use tch::TchError;

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
        probe::elementwise(device).map_err(&refused)?;
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

    /// Makes a graph with its weights ready to be evaluated.
    pub fn prepare(&self, graph: &CheckedGraph, weights: &[Tensor]) -> Result<Box<dyn Program>, EngineError> {
        let program = program::TorchProgram::new(graph, weights, self.route, self.options);
        Ok(Box::new(program.map_err(failed)?))
    }
}

fn failed(error: TchError) -> EngineError {
    EngineError::Failed {
        engine: "libtorch".to_owned(),
        reason: error.to_string(),
    }
}
