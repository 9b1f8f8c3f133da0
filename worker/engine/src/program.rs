//! A package made ready: weights packed once, and the graph as steps that are taken one after the other.

use crate::{
    EngineError, OnNode, Program, operators,
    plan::{Plan, Step},
};
use assay_exact::{
    digest::tensor_digest_of_root,
    graph::{CheckedGraph, Operator, Output, Value},
};
use assay_ops::{
    layout::Dims,
    operators::{Failure, Operators, fit},
    program::{Backend, Continued, Shown},
    tensor::{Blake2b256, DataType, Digest, Tensor},
};
use assay_package::Package;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A package's graph with its weights where they are needed.
pub(super) struct PlannedProgram<B: Backend> {
    graph: CheckedGraph,
    plan: Plan,
    /// The same without nodes put together. It takes the weights in the same forms, so it costs next to nothing to
    /// have.
    tracing_plan: Plan,
    device: Arc<Shared<B>>,
    shapes: Mutex<Shapes>,
}

/// A device with the package's weights. An operator takes all of the device, so evaluations take turns.
struct Shared<B: Backend> {
    backend: B,
    memory: Mutex<B::Memory>,
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
        let memory = Mutex::new(backend.memory());
        Ok(Self {
            graph,
            plan,
            tracing_plan,
            device: Arc::new(Shared { backend, memory }),
            shapes: Mutex::default(),
        })
    }

    /// Shows the memory that it keeps.
    #[cfg(test)]
    pub fn kept<T>(&self, look: impl FnOnce(&B::Memory) -> T) -> T {
        look(&self.device.memory.lock().expect("no test panicked with it"))
    }
}

impl<B: Backend> Shared<B> {
    /// A turn. What a panic left in the memory is overwritten like everything else there.
    fn turn(&self) -> MutexGuard<'_, B::Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Backend + 'static> Program for PlannedProgram<B> {
    fn evaluate(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        let mut memory = self.device.turn();
        let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut on = self.device.backend.operators(&mut memory);
        evaluate(&mut on, &self.graph, &self.plan, &mut shapes, inputs, None)
    }

    /// Traces are rare, and what is between nodes needs other memory than an execution, so theirs is not kept.
    fn evaluate_with(&self, inputs: &[Tensor], on_node: &mut OnNode<'_>) -> Result<Vec<Tensor>, EngineError> {
        let _turn = self.device.turn();
        let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = self.device.backend.memory();
        let mut on = self.device.backend.operators(&mut memory);
        let on_node = Some(on_node);
        evaluate(&mut on, &self.graph, &self.tracing_plan, &mut shapes, inputs, on_node)
    }

    fn continued(&self, graph: CheckedGraph) -> Result<Box<dyn Continued>, EngineError> {
        Ok(Box::new(ContinuedProgram {
            plan: Plan::new(&graph),
            graph,
            device: self.device.clone(),
            shapes: Shapes::default(),
            kept: Vec::new(),
        }))
    }
}

/// Another graph on the weights of a program.
struct ContinuedProgram<B: Backend> {
    graph: CheckedGraph,
    plan: Plan,
    device: Arc<Shared<B>>,
    shapes: Shapes,
    kept: Vec<B::Array>,
}

impl<B: Backend> Continued for ContinuedProgram<B> {
    fn keep(&mut self, tensors: Vec<Tensor>) -> Result<(), EngineError> {
        self.kept.clear();
        let mut memory = self.device.turn();
        let mut on = self.device.backend.operators(&mut memory);
        for tensor in tensors {
            let array = on
                .upload(&tensor)
                .map_err(|failure| failed(&on, "a kept tensor", failure))?;
            self.kept.push(array);
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Vec<Tensor>, EngineError> {
        let mut memory = self.device.turn();
        let mut on = self.device.backend.operators(&mut memory);
        let mut tensors = Vec::with_capacity(self.kept.len());
        for array in std::mem::take(&mut self.kept) {
            tensors.push(
                on.download(&array)
                    .map_err(|failure| failed(&on, "a kept tensor", failure))?,
            );
            on.give(array);
        }
        Ok(tensors)
    }

    fn evaluate(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        let kept = std::mem::take(&mut self.kept);
        let (device, graph) = (self.device.clone(), &self.graph);
        let mut memory = device.turn();
        let mut on = device.backend.operators(&mut memory);
        let own = inputs.iter().map(|input| (input.dtype(), input.shape().to_vec()));
        let layouts: Vec<_> = own.chain(kept.iter().map(|array| layout_of(&on, array))).collect();
        let layouts: Vec<_> = layouts
            .iter()
            .map(|(dtype, shape)| (*dtype, shape.as_slice()))
            .collect();
        fit(self.shapes.bind(graph, graph.bind(&layouts)?)).map_err(|failure| failed(&on, "a shape", failure))?;
        let given = graph.graph().outputs.len().saturating_sub(kept.len());
        let mut arrays = upload(&mut on, inputs)?;
        arrays.extend(kept);
        let mut values = execute(&mut on, graph, &self.plan, &self.shapes, arrays, None)?;
        let (given, kept) = graph.graph().outputs.split_at(given);
        let outputs = download(&mut on, &values, given)?;
        for output in kept {
            let array = match output.value {
                Value::Node(index) => values.nodes.get_mut(index as usize).and_then(Option::take),
                Value::Input(_) | Value::Weight(_) => None,
            };
            let array = fit(array).map_err(|failure| failed(&on, &output.name, failure))?;
            self.kept.push(array);
        }
        values.give(&mut on);
        Ok(outputs)
    }
}

fn layout_of<O: Operators>(_on: &O, array: &O::Array) -> (DataType, Vec<u32>) {
    let shape = O::layout(array).shape;
    (O::dtype(array), shape.iter().map(|length| *length as u32).collect())
}

fn failed<O: Operators>(_on: &O, place: &str, failure: Failure) -> EngineError {
    EngineError::Failed {
        engine: O::NAME.to_owned(),
        reason: format!("{place}: {failure}"),
    }
}

/// Brings the inputs to the device, takes the steps of a plan, and brings the outputs back.
fn evaluate<O: Operators>(
    on: &mut O,
    graph: &CheckedGraph,
    plan: &Plan,
    shapes: &mut Shapes,
    inputs: &[Tensor],
    on_step: Option<&mut OnNode<'_>>,
) -> Result<Vec<Tensor>, EngineError> {
    let layouts: Vec<_> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
    fit(shapes.bind(graph, graph.bind(&layouts)?)).map_err(|failure| failed(on, "a shape", failure))?;
    let arrays = upload(on, inputs)?;
    let values = execute(on, graph, plan, shapes, arrays, on_step)?;
    let outputs = download(on, &values, &graph.graph().outputs)?;
    values.give(on);
    Ok(outputs)
}

fn upload<O: Operators>(on: &mut O, inputs: &[Tensor]) -> Result<Vec<O::Array>, EngineError> {
    let arrays = inputs.iter().map(|input| {
        let array = on.upload(input);
        array.map_err(|failure| failed(on, "an input", failure))
    });
    arrays.collect()
}

fn download<O: Operators>(
    on: &mut O,
    values: &Values<O::Array>,
    outputs: &[Output],
) -> Result<Vec<Tensor>, EngineError> {
    let tensors = outputs.iter().map(|output| {
        let array = values.get(on, output.value).cloned();
        let tensor = fit(array).and_then(|array| on.download(&array));
        tensor.map_err(|failure| failed(on, &output.name, failure))
    });
    tensors.collect()
}

/// Takes the steps of a plan, and shows what each gives if somebody wants to see it.
fn execute<O: Operators>(
    on: &mut O,
    graph: &CheckedGraph,
    plan: &Plan,
    shapes: &Shapes,
    inputs: Vec<O::Array>,
    mut on_step: Option<&mut OnNode<'_>>,
) -> Result<Values<O::Array>, EngineError> {
    let mut values = Values {
        inputs: inputs.into_iter().map(Some).collect(),
        nodes: Vec::new(),
    };
    values.nodes.resize_with(shapes.nodes.len(), || None);
    let mut roots = vec![None; if on_step.is_some() { shapes.nodes.len() } else { 0 }];
    let mut operands = Vec::new();
    for step in &plan.steps {
        let name = || graph.graph().nodes.get(step.output as usize);
        let failed = |failure| EngineError::Failed {
            engine: O::NAME.to_owned(),
            reason: format!("{}: {failure}", name().map_or("a step", |node| node.name.as_str())),
        };
        let shape = fit(shapes.nodes.get(step.output as usize)).map_err(failed)?;
        values.take_operands(on, step, &mut operands).map_err(failed)?;
        let result = operators::execute(on, graph, step, &mut operands, *shape).map_err(failed)?;
        operands.drain(..).for_each(|operand| on.give(operand));
        if let Some(on_step) = &mut on_step {
            let mut shown = Showing {
                root: known_root(graph, step, &roots),
                on: &mut *on,
                array: &result,
            };
            on_step(step.output, &mut shown).map_err(failed)?;
            roots[step.output as usize] = shown.root;
        }
        if step.unused {
            on.give(result);
        } else {
            values.nodes[step.output as usize] = Some(result);
        }
    }
    Ok(values)
}

/// Results of a step, on the device.
struct Showing<'a, O: Operators> {
    on: &'a mut O,
    array: &'a O::Array,
    /// The root of its tree, once that is known.
    root: Option<Digest>,
}

impl<O: Operators> Shown for Showing<'_, O> {
    fn size_bytes(&self) -> u64 {
        (O::layout(self.array).elements() * O::dtype(self.array).size_bytes()) as u64
    }

    fn digest(&mut self) -> Result<Digest, Failure> {
        let root = match self.root {
            Some(root) => root,
            None => self.on.root(self.array)?,
        };
        self.root = Some(root);
        let (dtype, shape) = layout_of(&*self.on, self.array);
        Ok(tensor_digest_of_root::<Blake2b256>(dtype, &shape, &root))
    }

    fn tensor(&mut self) -> Result<Tensor, Failure> {
        self.on.download(self.array)
    }
}

/// The root of what a step gives, where that has the bytes of another node in their order.
fn known_root(graph: &CheckedGraph, step: &Step, roots: &[Option<Digest>]) -> Option<Digest> {
    let node = graph.graph().nodes.get(step.output as usize)?;
    match (&node.operator, node.inputs.as_slice()) {
        (Operator::Reshape { .. }, [Value::Node(input)]) => *roots.get(*input as usize)?,
        _ => None,
    }
}

/// Values that have been computed so far and are still needed.
pub(crate) struct Values<A> {
    pub(crate) inputs: Vec<Option<A>>,
    pub(crate) nodes: Vec<Option<A>>,
}

impl<A: Clone> Values<A> {
    /// Gives all memory back.
    fn give<O: Operators<Array = A>>(self, on: &mut O) {
        for array in self.inputs.into_iter().chain(self.nodes).flatten() {
            on.give(array);
        }
    }

    fn get<'a, O: Operators<Array = A>>(&'a self, on: &'a O, value: Value) -> Option<&'a A> {
        match value {
            Value::Input(index) => self.inputs.get(usize::from(index))?.as_ref(),
            Value::Weight(index) => on.weight(index),
            Value::Node(index) => self.nodes.get(index as usize)?.as_ref(),
        }
    }

    /// The operands of a step. A value that nothing after it needs is handed over, so that it may be changed in place.
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
