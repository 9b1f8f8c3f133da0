//! The processor, through kernels of our own: the fastest way to execute a package without a GPU.
//!
//! A program walks its graph. Operators run on all threads, in buffers that are used again; views move nothing; a linear layer
//! and the function that follows it are one pass, and so is an attention.

mod operators;
mod plan;
mod probe;
mod program;
#[cfg(test)]
mod tests;
mod weights;

use super::{Engine, EngineError, Program};
use crate::package::Package;
use assay_kernels::{instructions::Instructions, threads::Threads};
use std::{num::NonZeroUsize, sync::Arc};

/// Most threads that an engine may have.
const MAX_THREADS: usize = 1024;

/// Calls `assay-kernels`.
#[derive(Clone)]
pub struct CpuEngine {
    threads: Arc<Threads>,
    instructions: Instructions,
}

impl CpuEngine {
    /// Starts the threads and tests the processor with values that break inexact kernels.
    ///
    /// Falls back to plain code if the vector instructions do not give the defined bits; fails if that does not either.
    pub fn new(threads: NonZeroUsize) -> Result<Self, EngineError> {
        let refused = |reason: String| EngineError::Device {
            device: "cpu".to_owned(),
            reason,
        };
        if threads.get() > MAX_THREADS {
            return Err(refused(format!("{threads} threads are more than {MAX_THREADS}")));
        }
        let threads = Arc::new(Threads::new(threads.get()));
        let mut instructions = Instructions::detect();
        if let Err(reason) = probe::kernels(instructions, &threads) {
            let instead = Instructions::portable();
            if instructions == instead {
                return Err(refused(reason));
            }
            tracing::warn!(reason, "{} does not give the defined bits here", instructions.name());
            probe::kernels(instead, &threads).map_err(refused)?;
            instructions = instead;
        }
        Ok(Self { threads, instructions })
    }

    /// The same engine in plain code.
    #[cfg(test)]
    pub(super) fn portable(self) -> Self {
        Self {
            instructions: Instructions::portable(),
            ..self
        }
    }
}

impl Engine for CpuEngine {
    fn description(&self) -> String {
        let (threads, instructions) = (self.threads.count(), self.instructions.name());
        format!("own kernels on cpu, {threads} threads, {instructions}")
    }

    fn prepare(&self, package: &Package) -> Result<Box<dyn Program>, EngineError> {
        Ok(Box::new(program::CpuProgram::new(
            package,
            self.threads.clone(),
            self.instructions,
        )))
    }
}
