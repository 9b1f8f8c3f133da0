//! The processor, through kernels of our own: the fastest way to execute a package without a GPU.
//!
//! A program walks its graph. Operators run on all threads, in buffers that are used again; views move nothing; layers
//! that each row passes by itself are one pass over some rows at a time, and so is an attention.

mod probe;
#[cfg(test)]
mod tests;

use crate::{Engine, EngineError, Program, program::PlannedProgram, weights};
use assay_exact::digest::DataType;
use assay_kernels::{
    array::Array, backend::CpuBackend, buffers::Buffers, instructions::Instructions, operators::pack, rows::Rows,
    threads::Threads,
};
use assay_ops::layout::Dims;
use assay_ops::operators::{Failure, fit};
use assay_ops::tensor::Tensor;
use assay_ops::words::Form;
use assay_package::Package;
use std::{num::NonZeroUsize, sync::Arc};

/// Most threads that an engine may have.
const MAX_THREADS: usize = 1024;

/// Calls `assay-kernels`.
#[derive(Clone)]
pub struct CpuEngine {
    threads: Arc<Threads>,
    instructions: Instructions,
}

/// The best instructions that the processor has and that give the defined bits on it.
fn chosen(threads: &Threads) -> Result<Instructions, String> {
    let mut last = String::new();
    for instructions in Instructions::available() {
        match probe::kernels(instructions, threads) {
            Ok(()) => return Ok(instructions),
            Err(reason) => {
                let name = instructions.name();
                tracing::warn!(reason, "{name} does not give the defined bits on this machine");
                last = reason;
            }
        }
    }
    Err(last)
}

impl CpuEngine {
    /// Starts the threads and tests the processor with values that break inexact kernels.
    ///
    /// Takes the best instructions that give the defined bits; fails if not even plain code does.
    pub fn new(threads: NonZeroUsize) -> Result<Self, EngineError> {
        let refused = |reason: String| EngineError::Device {
            device: "cpu".to_owned(),
            reason,
        };
        if threads.get() > MAX_THREADS {
            return Err(refused(format!("{threads} threads are more than {MAX_THREADS}")));
        }
        let threads = Arc::new(Threads::new(threads.get()));
        let instructions = chosen(&threads).map_err(refused)?;
        Ok(Self { threads, instructions })
    }

    pub(super) fn program(&self, package: &Package) -> Result<PlannedProgram<CpuBackend>, EngineError> {
        PlannedProgram::new(package, |plans| {
            let mut rows = Rows::new(self.instructions);
            let array = |weight: &Tensor| {
                let buffers = &mut Buffers::default();
                fit(Array::from_bytes(
                    buffers,
                    weight.dtype(),
                    weight.shape(),
                    weight.bytes(),
                ))
            };
            let pack = |weights: &[Array], form: Form| fit(pack(&mut rows, weights, form));
            let instead = Array::filled(DataType::Float32, Dims::default(), 0);
            let weights = weights::prepare(package, plans, &instead, array, pack);
            let weights = weights.map_err(|failure: Failure| EngineError::Failed {
                engine: self.description(),
                reason: format!("the weights: {failure}"),
            })?;
            Ok(CpuBackend {
                weights,
                threads: self.threads.clone(),
                instructions: self.instructions,
            })
        })
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
        Ok(Box::new(self.program(package)?))
    }

    fn puts_nodes_together(&self) -> bool {
        true
    }
}
