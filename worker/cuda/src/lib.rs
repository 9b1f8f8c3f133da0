//! Exact arithmetic on NVIDIA GPUs: the bits of `assay-exact` from kernels that NVRTC compiles at run time.
//!
//! [`array::Array`]s are tensors in the GPU's memory, seen through shapes and strides like those of `assay-kernels`,
//! and [`operators`] do with them what `assay-kernels` does on a processor. Nothing leaves the GPU between an upload
//! and a download. Nothing here knows graphs.
//!
//! The kernels' source ([`SOURCE`]) rounds after each operation by intrinsics that no compiler contracts, and takes the
//! functions from `assay-exact` itself. A [`device::Device`] executes it: [`gpu::Gpu`], or in tests an emulator on the
//! processor, so that all but the driver is tested where there is no GPU.
//!
//! CUDA's driver and NVRTC are loaded when a GPU is asked for. Nothing of CUDA is needed to build this crate.

pub mod array;
pub mod backend;
pub mod device;
pub mod gpu;
pub mod memory;
pub mod operators;
mod parameters;
pub mod queue;

/// The kernels, in CUDA C++ without includes.
pub const SOURCE: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.cu"));
