//! A package made ready: weights packed once, and the graph as steps that are taken one after the other.

use crate::{
    EngineError, OnNode, Program, operators,
    plan::{Plan, Step},
};
use assay_exact::graph::{CheckedGraph, Value};
use assay_ops::{
    layout::Dims,
    operators::{Failure, Operators, fit},
    program::Backend,
    tensor::Tensor,
};
use assay_package::Package;
use std::sync::{Mutex, PoisonError};

/// A package's graph with its weights where they are needed.
pub(super) struct PlannedProgram<B: Backend> {
    graph: CheckedGraph,
    plan: Plan,
    /// The same without nodes put together. It takes the weights in the same forms, so it costs next to nothing to
    /// have.
    tracing_plan: Plan,
    backend: B,
    /// An operator takes all of the device, so evaluations take turns.
    memory: Mutex<(B::Memory, Shapes)>,
}

/// The shapes of all nodes, for these values of the graph's symbols.
#[derive(Default)]
pub(crate) struct Shapes {
    symbols: Option<Vec<u32>>,
    pub(crate) nodes: Vec<Dims>,
}

impl Shapes {
    /// Finds the shapes out, unless the symbols are those of the last time.
    pub(crate) fn bind(&mut self, graph: &CheckedGraph, symbols: Vec<u32>) -> Option<()> {
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

impl<B: Backend> PlannedProgram<B> {
    /// `backend` brings the weights as these two plans take them.
    pub fn new(
        package: &Package,
        backend: impl FnOnce([&Plan; 2]) -> Result<B, EngineError>,
    ) -> Result<Self, EngineError> {
        let graph = package.graph().clone();
        let (plan, tracing_plan) = (Plan::new(&graph), Plan::of_single_nodes(graph.graph()));
        let backend = backend([&plan, &tracing_plan])?;
        let memory = Mutex::new((backend.memory(), Shapes::default()));
        Ok(Self {
            graph,
            plan,
            tracing_plan,
            backend,
            memory,
        })
    }

    /// Shows the memory that it keeps.
    #[cfg(test)]
    pub fn kept<T>(&self, look: impl FnOnce(&B::Memory) -> T) -> T {
        look(&self.memory.lock().expect("no test panicked with it").0)
    }
}

impl<B: Backend> Program for PlannedProgram<B> {
    fn evaluate(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        // What a panic left in the memory is overwritten like everything else there.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let (memory, shapes) = &mut *memory;
        let on = self.backend.operators(memory);
        execute(on, &self.graph, &self.plan, shapes, inputs, None)
    }

    /// Traces are rare, and what is between nodes needs other memory than an execution, so theirs is not kept.
    fn evaluate_with(&self, inputs: &[Tensor], on_node: &mut OnNode<'_>) -> Result<Vec<Tensor>, EngineError> {
        let mut turn = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = self.backend.memory();
        let on = self.backend.operators(&mut memory);
        execute(on, &self.graph, &self.tracing_plan, &mut turn.1, inputs, Some(on_node))
    }
}

/// Takes the steps of a plan, and shows what each gives if somebody wants to see it.
fn execute<O: Operators>(
    mut on: O,
    graph: &CheckedGraph,
    plan: &Plan,
    shapes: &mut Shapes,
    inputs: &[Tensor],
    mut on_step: Option<&mut OnNode<'_>>,
) -> Result<Vec<Tensor>, EngineError> {
    let layouts: Vec<_> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
    let symbols = graph.bind(&layouts)?;
    let failed = |place: &str, failure: Failure| EngineError::Failed {
        engine: O::NAME.to_owned(),
        reason: format!("{place}: {failure}"),
    };
    fit(shapes.bind(graph, symbols)).map_err(|failure| failed("a shape", failure))?;
    let mut values = Values {
        inputs: Vec::with_capacity(inputs.len()),
        nodes: Vec::new(),
    };
    values.nodes.resize_with(shapes.nodes.len(), || None);
    for input in inputs {
        let array = on.upload(input).map_err(|failure| failed("an input", failure))?;
        values.inputs.push(Some(array));
    }
    let mut operands = Vec::new();
    for step in &plan.steps {
        let name = || graph.graph().nodes.get(step.output as usize);
        let failed = |failure| failed(name().map_or("a step", |node| node.name.as_str()), failure);
        let shape = fit(shapes.nodes.get(step.output as usize)).map_err(failed)?;
        values.take_operands(&on, step, &mut operands).map_err(failed)?;
        let result = operators::execute(&mut on, graph, step, &mut operands, *shape).map_err(failed)?;
        operands.drain(..).for_each(|operand| on.give(operand));
        if let Some(on_step) = &mut on_step {
            on_step(step.output, &on.download(&result).map_err(failed)?);
        }
        if step.unused {
            on.give(result);
        } else {
            values.nodes[step.output as usize] = Some(result);
        }
    }
    let mut outputs = Vec::new();
    for output in &graph.graph().outputs {
        let array = values.get(&on, output.value).cloned();
        let tensor = fit(array).and_then(|array| on.download(&array));
        outputs.push(tensor.map_err(|failure| failed(&output.name, failure))?);
    }
    for array in values.inputs.into_iter().chain(values.nodes).flatten() {
        on.give(array);
    }
    Ok(outputs)
}

/// What has been computed so far and is still needed.
pub(crate) struct Values<A> {
    pub(crate) inputs: Vec<Option<A>>,
    pub(crate) nodes: Vec<Option<A>>,
}

impl<A: Clone> Values<A> {
    fn get<'a, O: Operators<Array = A>>(&'a self, on: &'a O, value: Value) -> Option<&'a A> {
        match value {
            Value::Input(index) => self.inputs.get(usize::from(index))?.as_ref(),
            Value::Weight(index) => on.weight(index),
            Value::Node(index) => self.nodes.get(index as usize)?.as_ref(),
        }
    }

    /// What a step takes. What nothing after it needs is handed over, so that it may be changed in place.
    pub(crate) fn take_operands<O: Operators<Array = A>>(
        &mut self,
        on: &O,
        step: &Step,
        operands: &mut Vec<A>,
    ) -> Result<(), Failure> {
        for value in &step.operands {
            operands.push(fit(self.get(on, *value))?.clone());
        }
        for value in &step.finished {
            match value {
                Value::Input(index) => *fit(self.inputs.get_mut(usize::from(*index)))? = None,
                Value::Node(index) => *fit(self.nodes.get_mut(*index as usize))? = None,
                Value::Weight(_) => {}
            }
        }
        Ok(())
    }
}
