//! A package made ready: weights packed once, and the graph as steps.

use super::{
    array::Array,
    context::Context,
    memory::{Buffers, Memory},
    operators,
    plan::{Plan, Step},
    weights::Weights,
};
use crate::{
    engine::{EngineError, OnNode, Program},
    package::Package,
    tensor::Tensor,
};
use assay_exact::graph::{CheckedGraph, Value};
use assay_kernels::{instructions::Instructions, scratch::Scratch, threads::Threads};
use std::sync::{Arc, Mutex, PoisonError};

/// A package's graph with its weights packed.
pub(super) struct CpuProgram {
    graph: CheckedGraph,
    plan: Plan,
    /// The same without nodes put together. It takes the weights in the same forms, so it costs next to nothing to have.
    tracing_plan: Plan,
    weights: Weights,
    threads: Arc<Threads>,
    instructions: Instructions,
    /// Every operator runs on all threads, so evaluations take turns.
    memory: Mutex<Memory>,
}

impl CpuProgram {
    pub fn new(package: &Package, threads: Arc<Threads>, instructions: Instructions) -> Self {
        let graph = package.graph().clone();
        let (plan, tracing_plan) = (Plan::new(&graph), Plan::of_single_nodes(graph.graph()));
        let weights = Weights::new(package, [&plan, &tracing_plan], instructions);
        let memory = Mutex::new(Memory {
            scratch: Scratch::new(instructions, threads.count()),
            buffers: Buffers::default(),
        });
        Self {
            graph,
            plan,
            tracing_plan,
            weights,
            threads,
            instructions,
            memory,
        }
    }

    /// Bytes of the buffers that it keeps.
    #[cfg(test)]
    pub fn kept_bytes(&self) -> usize {
        self.memory.lock().expect("no test panicked with it").buffers.bytes()
    }

    fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        // What a panic left in the buffers is overwritten like everything else there.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let Memory { scratch, buffers } = &mut *memory;
        self.execute(&self.plan, inputs, (scratch, buffers), &mut |_, _| Some(()))
    }

    /// Traces are rare, and what is between nodes needs other buffers than an execution, so they are not kept.
    fn trace(&self, inputs: &[Tensor], on_node: &mut OnNode<'_>) -> Result<Vec<Tensor>, EngineError> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = (&memory.scratch, &mut Buffers::default());
        self.execute(&self.tracing_plan, inputs, memory, &mut |node, result| {
            on_node(node, &result.to_tensor(&self.threads)?.canonical());
            Some(())
        })
    }

    /// Executes the steps of a plan, and shows what each gives.
    fn execute(
        &self,
        plan: &Plan,
        inputs: &[Tensor],
        (scratch, buffers): (&Scratch, &mut Buffers),
        on_step: &mut dyn FnMut(u32, &Array) -> Option<()>,
    ) -> Result<Vec<Tensor>, EngineError> {
        let layouts: Vec<_> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
        let symbols = self.graph.bind(&layouts)?;
        let inputs = inputs
            .iter()
            .map(|input| Array::from_tensor(input.clone(), |length| buffers.take(length)));
        let mut values = Values {
            program: self,
            inputs: inputs.map(Some).collect(),
            nodes: vec![None; self.graph.graph().nodes.len()],
        };
        for step in &plan.steps {
            let shape = self.graph.shape(Value::Node(step.output), &symbols);
            let shape = shape
                .ok_or_else(|| self.misfit(step))?
                .into_iter()
                .map(|n| n as usize)
                .collect();
            let operands = values.operands(step).ok_or_else(|| self.misfit(step))?;
            let mut context = Context {
                instructions: self.instructions,
                threads: &self.threads,
                scratch,
                buffers,
            };
            let result = operators::execute(
                &mut context,
                &self.graph,
                &self.weights,
                step,
                operands,
                (&symbols, shape),
            );
            let result = result.ok_or_else(|| self.misfit(step))?;
            on_step(step.output, &result).ok_or_else(|| self.misfit(step))?;
            if step.finished.contains(&Value::Node(step.output)) {
                buffers.give(result);
            } else {
                values.nodes[step.output as usize] = Some(result);
            }
        }
        let outputs = self.graph.graph().outputs.iter();
        let outputs = outputs.map(|output| values.get(output.value)?.to_tensor(&self.threads));
        let outputs: Option<Vec<Tensor>> = outputs.collect();
        for array in values.inputs.into_iter().chain(values.nodes).flatten() {
            buffers.give(array);
        }
        outputs.ok_or_else(|| failed("an output lacks its tensor, though the graph was checked".to_owned()))
    }

    fn misfit(&self, step: &Step) -> EngineError {
        let name = self
            .graph
            .graph()
            .nodes
            .get(step.output as usize)
            .map(|node| node.name.as_str());
        failed(format!(
            "what {} takes does not fit, though the graph was checked",
            name.unwrap_or_default()
        ))
    }
}

impl Program for CpuProgram {
    fn evaluate(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        self.run(inputs)
    }

    fn evaluate_with(&self, inputs: &[Tensor], on_node: &mut OnNode<'_>) -> Result<Vec<Tensor>, EngineError> {
        self.trace(inputs, on_node)
    }
}

fn failed(reason: String) -> EngineError {
    EngineError::Failed {
        engine: "own kernels".to_owned(),
        reason,
    }
}

/// What has been computed so far and is still needed.
struct Values<'a> {
    program: &'a CpuProgram,
    inputs: Vec<Option<Array>>,
    nodes: Vec<Option<Array>>,
}

impl Values<'_> {
    fn get(&self, value: Value) -> Option<Array> {
        match value {
            Value::Input(index) => self.inputs.get(usize::from(index))?.clone(),
            Value::Weight(index) => self.program.weights.array(index),
            Value::Node(index) => self.nodes.get(index as usize)?.clone(),
        }
    }

    /// What a step takes. What nothing after it needs is handed over, so that it may be changed in place.
    fn operands(&mut self, step: &Step) -> Option<Vec<Array>> {
        let operands = step.operands.iter().map(|value| self.get(*value)).collect();
        for value in &step.finished {
            match value {
                Value::Input(index) => *self.inputs.get_mut(usize::from(*index))? = None,
                Value::Node(index) => *self.nodes.get_mut(*index as usize)? = None,
                Value::Weight(_) => {}
            }
        }
        operands
    }
}
