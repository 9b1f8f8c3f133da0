//! The engines by their names, and how one is opened.

use crate::{CpuEngine, CudaEngine, Device, Engine, EngineError, ReferenceEngine, TorchEngine, TorchOptions};
use std::num::NonZeroUsize;

/// Engine that runs the models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// Our own kernels on the processor.
    #[default]
    Cpu,
    /// Our own kernels on an NVIDIA GPU.
    Cuda,
    /// libtorch, on the processor or on a GPU.
    Torch,
    /// The definition of the arithmetic.
    Reference,
}

impl EngineChoice {
    /// Its name, as configurations have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Torch => "torch",
            Self::Reference => "reference",
        }
    }

    /// Whether the engine can use a GPU.
    pub fn takes_gpu(self) -> bool {
        matches!(self, Self::Cuda | Self::Torch)
    }
}

/// Opens an engine on this many threads of the processor, or on the GPU of this index if the engine uses one.
pub fn open(choice: EngineChoice, gpu: Option<usize>, threads: usize) -> Result<Box<dyn Engine>, EngineError> {
    let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
    Ok(match choice {
        EngineChoice::Reference => Box::new(ReferenceEngine),
        EngineChoice::Cpu => Box::new(CpuEngine::new(threads)?),
        EngineChoice::Cuda => Box::new(CudaEngine::new(gpu.unwrap_or(0))?),
        EngineChoice::Torch => Box::new(TorchEngine::new(TorchOptions {
            device: gpu.map_or(Device::Cpu, Device::Cuda),
            threads,
        })?),
    })
}
