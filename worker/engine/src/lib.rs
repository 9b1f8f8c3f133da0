//! Engines: ways to execute a package, all of which give the bits that `assay-exact` defines.
//!
//! An engine only has to prepare a package and to evaluate one set of inputs. What all of them share is done once, in
//! [`LoadedModel`]: inputs are checked against the graph, independent jobs are put together along the batch dimension
//! and taken apart again, and numbers are made canonical on the way in and out.
//!
//! A job that is served needs its outputs alone, so engines put nodes together as they like. Only if a claim is
//! challenged does anybody need what every single node gives, and then a model is *traced*.

mod batch;
pub mod check;
mod choice;
mod cpu;
mod cuda;
pub mod generate;
pub mod measure;
mod memory;
mod operators;
mod plan;
mod probe;
mod program;
mod reference;
#[cfg(test)]
mod tests;
mod torch;
mod weights;

pub use assay_ops::program::{Continued, EngineError, OnNode, Program, Shown};
pub use assay_torch::{Device, TorchEngine, TorchOptions};
pub use choice::{EngineChoice, open};
pub use cpu::CpuEngine;
pub use cuda::CudaEngine;
pub use reference::ReferenceEngine;

use assay_exact::{
    graph::{BindError, CheckedGraph},
    trace::{Trace, TraceBuilder},
};
use assay_kernels::environment;
use assay_ops::tensor::{Blake2b256, Digest, Tensor};
use assay_package::{Package, generation::Generation};
use plan::Plan;

/// A way to execute packages.
pub trait Engine: Send + Sync {
    /// The engine, its device and the route it takes, for people.
    fn description(&self) -> String;

    /// Makes a package ready to be evaluated many times.
    fn prepare(&self, package: &Package) -> Result<Box<dyn Program>, EngineError>;

    /// Loads a package.
    fn load(&self, package: &Package) -> Result<LoadedModel, EngineError> {
        let graph = package.graph().clone();
        Ok(LoadedModel {
            plans: Plans {
                served: match self.puts_nodes_together() {
                    true => Plan::new(&graph),
                    false => Plan::of_single_nodes(graph.graph()),
                },
                traced: Plan::of_single_nodes(graph.graph()),
            },
            root: package.root(),
            program: self.prepare(package)?,
            memory_limit: u64::MAX,
            generation: package.generation().cloned(),
            graph,
        })
    }

    /// Whether it puts nodes together as the plan of this crate says, for the estimate of memory.
    fn puts_nodes_together(&self) -> bool {
        false
    }
}

/// Estimate of the bytes that a job takes at its peak on a model with this graph, without loading the model: see
/// [`LoadedModel::peak_bytes`].
pub fn peak_bytes(graph: &CheckedGraph, symbols: &[u32]) -> u64 {
    let peak = memory::peak(graph, &Plan::new(graph), symbols);
    peak.map_or_else(|| memory::all_outputs(graph, symbols), |peak| peak.bytes())
}

/// The order of work, without and with everything shown on the way.
struct Plans {
    served: Plan,
    traced: Plan,
}

/// A model that can be run.
pub struct LoadedModel {
    graph: CheckedGraph,
    root: Digest,
    program: Box<dyn Program>,
    plans: Plans,
    memory_limit: u64,
    generation: Option<Generation>,
}

impl LoadedModel {
    /// Name under which the model is registered.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The model's graph.
    pub fn graph(&self) -> &CheckedGraph {
        &self.graph
    }

    /// Parts of its check graph, if it is a language model.
    pub fn generation(&self) -> Option<&Generation> {
        self.generation.as_ref()
    }

    /// The same model, which refuses jobs that need more bytes of memory, and puts no more jobs together than that
    /// leaves room for.
    pub fn with_memory_limit(self, bytes: u64) -> Self {
        Self {
            memory_limit: bytes,
            ..self
        }
    }

    /// Estimate of the bytes that a job takes at its peak, for these values of the graph's symbols: what the kernels on
    /// processors take, without the model itself and without what they keep of earlier jobs.
    pub fn peak_bytes(&self, symbols: &[u32]) -> u64 {
        let peak = memory::peak(&self.graph, &self.plans.served, symbols);
        peak.map_or_else(|| memory::all_outputs(&self.graph, symbols), |peak| peak.bytes())
    }

    /// The same for an execution that shows every node's output.
    pub fn peak_bytes_traced(&self, symbols: &[u32]) -> u64 {
        let peak = memory::peak(&self.graph, &self.plans.traced, symbols);
        let peak = peak.map_or_else(|| memory::all_outputs(&self.graph, symbols), |peak| peak.bytes());
        // The output that is shown is there once more, in order and as bytes.
        let largest = memory::outputs(&self.graph, symbols).max().unwrap_or(0);
        peak.saturating_add(largest.saturating_mul(2))
    }

    fn ensure_room(&self, needed: u64) -> Result<(), EngineError> {
        let limit = self.memory_limit;
        if needed > limit {
            return Err(EngineError::TooLarge { needed, limit });
        }
        Ok(())
    }

    /// Checks that no library has changed how this thread computes since the start-up test.
    pub(crate) fn ensure_environment() -> Result<(), EngineError> {
        environment::check().map_err(|reason| EngineError::Device {
            device: "cpu".to_owned(),
            reason: format!("{reason}: a library has changed the control register of the floating-point unit"),
        })
    }

    /// Runs one job.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        Self::ensure_environment()?;
        let symbols = self.bind(inputs)?;
        if self.memory_limit < u64::MAX {
            self.ensure_room(self.peak_bytes(&symbols))?;
        }
        let inputs: Vec<Tensor> = inputs.iter().cloned().map(Tensor::canonical).collect();
        let outputs = self.program.evaluate(&inputs)?;
        Ok(outputs.into_iter().map(Tensor::canonical).collect())
    }

    /// Runs independent jobs, together where the model has a batch dimension. The results are those of [`Self::run`] on
    /// each job, in order; a job that does not fit the model does not disturb the others.
    pub fn run_jobs(&self, jobs: &[Vec<Tensor>]) -> Vec<Result<Vec<Tensor>, EngineError>> {
        batch::run_jobs(self, jobs)
    }

    /// Runs one job node by node, and shows the canonical output of every node of the graph with the node's position:
    /// each once, in the graph's order. The outputs are those of [`Self::run`].
    ///
    /// Memory holds what an execution needs, and one node's output more where `on_node` takes a copy. `on_node` must
    /// not use this model: executions take turns. Its error ends the execution.
    pub fn trace(&self, inputs: &[Tensor], on_node: &mut OnNode<'_>) -> Result<Vec<Tensor>, EngineError> {
        Self::ensure_environment()?;
        let symbols = self.bind(inputs)?;
        if self.memory_limit < u64::MAX {
            self.ensure_room(self.peak_bytes_traced(&symbols))?;
        }
        let inputs: Vec<Tensor> = inputs.iter().cloned().map(Tensor::canonical).collect();
        let outputs = self.program.evaluate_with(&inputs, on_node)?;
        Ok(outputs.into_iter().map(Tensor::canonical).collect())
    }

    /// The digests of one job: of its inputs as they were sent, of every node's output, and of its outputs.
    pub fn trace_digests(&self, inputs: &[Tensor]) -> Result<Trace, EngineError> {
        self.bind(inputs)?;
        let failed = |reason: String| EngineError::Failed {
            engine: "the trace".to_owned(),
            reason,
        };
        let builder = TraceBuilder::<Blake2b256>::new(&self.graph, inputs);
        let mut builder = builder.map_err(|error| failed(error.to_string()))?;
        let outputs = self.trace(inputs, &mut |node, output| {
            builder.record_digest(node as usize, output.digest()?);
            Ok(())
        })?;
        let trace = builder.finish(&outputs);
        trace.map_err(|node| failed(format!("node {node} was not shown")))
    }

    /// The values of the graph's symbols for these inputs.
    fn bind(&self, inputs: &[Tensor]) -> Result<Vec<u32>, BindError> {
        self.graph.bind(
            &inputs
                .iter()
                .map(|input| (input.dtype(), input.shape()))
                .collect::<Vec<_>>(),
        )
    }
}
