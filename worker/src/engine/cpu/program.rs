//! A package made ready: weights packed once, and the graph as steps.

use super::{
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
use assay_kernels::{
    array::Array, buffers::Buffers, context::Context, instructions::Instructions, layout::Dims, scratch::Scratch,
    threads::Threads,
};
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

/// What a program computes in. Only one evaluation at a time has it.
struct Memory {
    scratch: Scratch,
    buffers: Buffers,
    shapes: Shapes,
}

/// The shapes of all nodes, for these values of the graph's symbols.
#[derive(Default)]
struct Shapes {
    symbols: Option<Vec<u32>>,
    nodes: Vec<Dims>,
}

impl Shapes {
    /// Finds the shapes out, unless the symbols are those of the last time.
    fn bind(&mut self, graph: &CheckedGraph, symbols: Vec<u32>) -> Option<()> {
        if self.symbols.as_ref() == Some(&symbols) {
            return Some(());
        }
        self.symbols = None;
        self.nodes.clear();
        for node in 0..graph.graph().nodes.len() {
            let mut dims = Dims::default();
            for length in graph.shape(Value::Node(node as u32), &symbols)? {
                dims.push(length as usize);
            }
            self.nodes.push(dims);
        }
        self.symbols = Some(symbols);
        Some(())
    }
}

impl CpuProgram {
    pub fn new(package: &Package, threads: Arc<Threads>, instructions: Instructions) -> Self {
        let graph = package.graph().clone();
        let (plan, tracing_plan) = (Plan::new(&graph), Plan::of_single_nodes(graph.graph()));
        let weights = Weights::new(package, [&plan, &tracing_plan], instructions);
        let memory = Mutex::new(Memory {
            scratch: Scratch::new(instructions, threads.count()),
            buffers: Buffers::default(),
            shapes: Shapes::default(),
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
        self.execute(&self.plan, inputs, &mut memory, &mut |_, _| Some(()))
    }

    /// Traces are rare, and what is between nodes needs other buffers than an execution, so they are not kept.
    fn trace(&self, inputs: &[Tensor], on_node: &mut OnNode<'_>) -> Result<Vec<Tensor>, EngineError> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = std::mem::take(&mut memory.buffers);
        let outputs = self.execute(&self.tracing_plan, inputs, &mut memory, &mut |node, result| {
            on_node(node, &self.tensor(result)?);
            Some(())
        });
        memory.buffers = kept;
        outputs
    }

    /// Executes the steps of a plan, and shows what each gives.
    fn execute(
        &self,
        plan: &Plan,
        inputs: &[Tensor],
        memory: &mut Memory,
        on_step: &mut dyn FnMut(u32, &Array) -> Option<()>,
    ) -> Result<Vec<Tensor>, EngineError> {
        let Memory {
            scratch,
            buffers,
            shapes,
        } = memory;
        let layouts: Vec<_> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
        let unfit = || failed("a shape names what the graph has not, though it was checked".to_owned());
        shapes.bind(&self.graph, self.graph.bind(&layouts)?).ok_or_else(unfit)?;
        let mut values = Values {
            program: self,
            inputs: Vec::with_capacity(inputs.len()),
            nodes: Vec::new(),
        };
        values.nodes.resize_with(shapes.nodes.len(), || None);
        for input in inputs {
            let array = Array::from_bytes(buffers, input.dtype(), input.shape(), input.bytes());
            values.inputs.push(array);
        }
        let mut operands = Vec::new();
        for (step, shape) in plan.steps.iter().map(|step| (step, shapes.nodes[step.output as usize])) {
            let mut context = Context {
                instructions: self.instructions,
                threads: &self.threads,
                scratch,
                buffers,
            };
            let result = values.take_operands(step, &mut operands).and_then(|()| {
                operators::execute(&mut context, &self.graph, &self.weights, step, &mut operands, shape)
            });
            let result = result.ok_or_else(|| self.misfit(step))?;
            for operand in operands.drain(..) {
                buffers.give(operand);
            }
            on_step(step.output, &result).ok_or_else(|| self.misfit(step))?;
            if step.unused {
                buffers.give(result);
            } else {
                values.nodes[step.output as usize] = Some(result);
            }
        }
        let outputs = self.graph.graph().outputs.iter();
        let outputs = outputs.map(|output| self.tensor(values.get(output.value)?));
        let outputs: Option<Vec<Tensor>> = outputs.collect();
        for array in values.inputs.into_iter().chain(values.nodes).flatten() {
            buffers.give(array);
        }
        outputs.ok_or_else(|| failed("an output lacks its tensor, though the graph was checked".to_owned()))
    }

    /// An array by itself.
    fn tensor(&self, array: &Array) -> Option<Tensor> {
        let shape = array.shape().iter().map(|length| *length as u32).collect();
        Tensor::new(array.dtype(), shape, array.to_bytes(&self.threads)).ok()
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
    fn get(&self, value: Value) -> Option<&Array> {
        match value {
            Value::Input(index) => self.inputs.get(usize::from(index))?.as_ref(),
            Value::Weight(index) => self.program.weights.array(index),
            Value::Node(index) => self.nodes.get(index as usize)?.as_ref(),
        }
    }

    /// What a step takes. What nothing after it needs is handed over, so that it may be changed in place.
    fn take_operands(&mut self, step: &Step, operands: &mut Vec<Array>) -> Option<()> {
        for value in &step.operands {
            operands.push(self.get(*value)?.clone());
        }
        for value in &step.finished {
            match value {
                Value::Input(index) => *self.inputs.get_mut(usize::from(*index))? = None,
                Value::Node(index) => *self.nodes.get_mut(*index as usize)? = None,
                Value::Weight(_) => {}
            }
        }
        Some(())
    }
}
