//! Where operators put their kernels: a device, its memory, and the route that products take on it.

use crate::{
    device::{Device, DeviceError},
    memory::Pool,
    parameters::Parameters,
};
use std::sync::Arc;

/// Threads of a block where they work by themselves or in warps.
const THREADS: u32 = 256;
/// Threads of a block where warps take rows.
const ROW_THREADS: u32 = 128;
/// Threads of a warp.
const LANES: usize = 32;
/// More blocks than this take turns.
const MOST_BLOCKS: usize = 1 << 16;
/// Elements of a tensor are counted in 31 bits.
const MOST_ELEMENTS: usize = i32::MAX as usize;

/// Ways to multiply bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Tensor cores, 16×32 with 32×8 bytes at once.
    TensorCores,
    /// Four products at once in every lane.
    Lanes,
}

/// Operators are executed in the order in which they are put here.
#[derive(Clone)]
pub struct Queue {
    pool: Arc<Pool>,
    route: Route,
}

impl Queue {
    /// Products take tensor cores if the device has them.
    pub fn new(device: Arc<dyn Device>) -> Self {
        let route = if device.has_tensor_cores() {
            Route::TensorCores
        } else {
            Route::Lanes
        };
        Self {
            pool: Pool::new(device),
            route,
        }
    }

    /// The same with products on this route.
    pub fn with_route(self, route: Route) -> Self {
        Self { route, ..self }
    }

    /// Way to multiply bytes.
    pub fn route(&self) -> Route {
        self.route
    }

    /// The memory that arrays are in.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Executes a kernel whose threads take this many elements in turns.
    pub(crate) fn for_each(
        &self,
        kernel: &'static str,
        elements: usize,
        parameters: Parameters,
    ) -> Result<(), DeviceError> {
        let blocks = elements.div_ceil(THREADS as usize).clamp(1, MOST_BLOCKS);
        self.launch(kernel, blocks, THREADS, elements, parameters)
    }

    /// Executes a kernel whose warps take this many rows in turns, of this many elements together.
    pub(crate) fn for_rows(
        &self,
        kernel: &'static str,
        rows: usize,
        elements: usize,
        parameters: Parameters,
    ) -> Result<(), DeviceError> {
        let at_once = ROW_THREADS as usize / LANES;
        let blocks = rows.div_ceil(at_once).clamp(1, MOST_BLOCKS);
        self.launch(kernel, blocks, ROW_THREADS, elements, parameters)
    }

    /// Executes a kernel with exactly this many blocks of four warps.
    pub(crate) fn blocks(
        &self,
        kernel: &'static str,
        blocks: usize,
        elements: usize,
        parameters: Parameters,
    ) -> Result<(), DeviceError> {
        self.launch(kernel, blocks, ROW_THREADS, elements, parameters)
    }

    fn launch(
        &self,
        kernel: &'static str,
        blocks: usize,
        threads: u32,
        elements: usize,
        parameters: Parameters,
    ) -> Result<(), DeviceError> {
        if elements.max(blocks) > MOST_ELEMENTS {
            return Err(too_large(kernel));
        }
        let device = self.pool.device();
        // SAFETY: operators give a kernel what it takes. Views stay within their buffers, since layouts are made so,
        // and outputs have as many elements as their shapes say.
        unsafe { device.launch(kernel, blocks as u32, threads, &parameters.0) }
    }
}

fn too_large(kernel: &str) -> DeviceError {
    DeviceError::Failed {
        call: kernel.to_owned(),
        reason: format!("a tensor of more than {MOST_ELEMENTS} elements is too large for this engine"),
    }
}
