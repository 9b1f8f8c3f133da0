//! Memory that an execution takes, computed from a plan and the values of the graph's symbols alone.
//!
//! A plan is executed on arrays that have a layout and a size and no elements. Results, copies and what is dropped are
//! those of the kernels on processors; other engines need about as much.

mod ledger;

use crate::{
    operators,
    plan::Plan,
    program::{Shapes, Values},
};
use assay_exact::{
    digest::{DataType, tensor_size_bytes},
    graph::{CheckedGraph, Value},
    quantise::Precision,
};
use assay_ops::{
    layout::{Dims, Layout},
    operators::{Failure, Operators, fit},
    tensor::Tensor,
    weights::origin,
    words::{
        Bitwise, Comparison, Connective, Form, Function, Layer, Normalisation, Operation, Reduction, WholeAttention,
    },
};
use ledger::{Block, Ledger};
use std::rc::Rc;

/// Copies of inputs and outputs beside those that the plan computes with: as they came, canonical, and on their way
/// out.
const COPIES: u64 = 3;
/// Bytes of an element that is packed at Int16, the dearer precision: before and after it is put in order.
const PACKED: u64 = 6;

/// Bytes that an execution takes at its peak, by what takes them. Weights are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peak {
    /// Of tensors that the plan computes with, all that are there at one time, and of memory kept for others.
    pub tensors: u64,
    /// Of what kernels compute in beside them.
    pub scratch: u64,
    /// Of other copies of inputs and outputs.
    pub copies: u64,
}

impl Peak {
    /// All of it.
    pub fn bytes(&self) -> u64 {
        self.tensors.saturating_add(self.scratch).saturating_add(self.copies)
    }
}

/// Peak memory of an execution; `None` if the graph has no such symbols or a tensor overflows.
pub(crate) fn peak(graph: &CheckedGraph, plan: &Plan, symbols: &[u32]) -> Option<Peak> {
    let mut shapes = Shapes::default();
    shapes.bind(graph, symbols.to_vec())?;
    let ledger = Rc::new(Ledger::default());
    let mut on = Meter {
        dtype: DataType::Float32,
        weights: weights(graph, &ledger)?,
        ledger,
    };
    let mut values = Values {
        inputs: Vec::new(),
        nodes: Vec::new(),
    };
    values.nodes.resize_with(shapes.nodes.len(), || None);
    let mut copied = 0u64;
    for (index, input) in (0..).zip(&graph.graph().inputs) {
        let shape = graph.shape(Value::Input(index), symbols)?;
        copied = copied.checked_add(tensor_size_bytes(input.dtype, &shape)?)?;
        let array = on.array(input.dtype, dims(&shape));
        values.inputs.push(Some(array));
    }
    let mut operands = Vec::new();
    for step in &plan.steps {
        let shape = shapes.nodes.get(step.output as usize)?;
        let (dtype, _) = graph.value(Value::Node(step.output))?;
        on.dtype = dtype;
        values.take_operands(&on, step, &mut operands).ok()?;
        let result = operators::execute(&mut on, graph, step, &mut operands, *shape).ok()?;
        operands.clear();
        if !step.unused {
            values.nodes[step.output as usize] = Some(result);
        }
    }
    for output in &graph.graph().outputs {
        let (dtype, _) = graph.value(output.value)?;
        let shape = graph.shape(output.value, symbols)?;
        copied = copied.checked_add(tensor_size_bytes(dtype, &shape)?)?;
    }
    Some(Peak {
        tensors: on.ledger.peak.get(),
        scratch: on.ledger.scratch.get(),
        copies: copied.checked_mul(COPIES)?,
    })
}

/// Bytes of every node's output, in the graph's order; the most that there can be where that overflows.
pub(crate) fn outputs(graph: &CheckedGraph, symbols: &[u32]) -> impl Iterator<Item = u64> {
    let nodes = (0..).zip(&graph.graph().nodes);
    nodes.map(|(index, _)| {
        let value = Value::Node(index);
        let bytes = graph.value(value).zip(graph.shape(value, symbols));
        let bytes = bytes.and_then(|((dtype, _), shape)| tensor_size_bytes(dtype, &shape));
        bytes.unwrap_or(u64::MAX)
    })
}

/// Bytes of all nodes' outputs: more than an execution takes, where that cannot be told better.
pub(crate) fn all_outputs(graph: &CheckedGraph, symbols: &[u32]) -> u64 {
    outputs(graph, symbols).fold(0, u64::saturating_add)
}

/// Arrays in the weights' place, which take nothing: they are there before and after.
fn weights(graph: &CheckedGraph, ledger: &Rc<Ledger>) -> Option<Vec<Array>> {
    let weights = graph.graph().weights.iter().map(|weight| {
        Some(Array {
            dtype: weight.dtype,
            layout: Layout::contiguous(dims(&weight.shape)),
            block: Rc::new(Block {
                dtype: weight.dtype,
                bytes: 0,
                length: 0,
                ledger: ledger.clone(),
            }),
        })
    });
    weights.collect()
}

fn dims(shape: &[u32]) -> Dims {
    let mut dims = Dims::default();
    shape.iter().for_each(|length| dims.push(*length as usize));
    dims
}

/// Elements of a shape. Saturating: what overflows is above any limit.
fn elements(shape: &Dims) -> usize {
    shape
        .iter()
        .fold(1, |elements: usize, length| elements.saturating_mul(*length))
}

/// An array without elements.
#[derive(Clone)]
struct Array {
    dtype: DataType,
    layout: Layout,
    block: Rc<Block>,
}

impl Array {
    /// Whether a result may take the memory: nothing else refers to it, and it is the whole of it.
    fn is_free(&self) -> bool {
        let is_whole = self.layout.is_contiguous() && elements(&self.layout.shape) == self.block.length;
        Rc::strong_count(&self.block) == 1 && self.block.bytes > 0 && is_whole
    }
}

/// Operators that compute nothing and note what they would hold.
struct Meter {
    /// The type of the next result.
    dtype: DataType,
    weights: Vec<Array>,
    ledger: Rc<Ledger>,
}

impl Meter {
    fn array(&self, dtype: DataType, shape: Dims) -> Array {
        let length = elements(&shape);
        let bytes = (length as u64).saturating_mul(dtype.size_bytes() as u64);
        Array {
            dtype,
            layout: Layout::contiguous(shape),
            block: Rc::new(Block {
                dtype,
                bytes: self.ledger.take(dtype, bytes),
                length,
                ledger: self.ledger.clone(),
            }),
        }
    }

    fn result(&self, shape: Dims) -> Result<Array, Failure> {
        Ok(self.array(self.dtype, shape))
    }

    /// The same in row-major order.
    fn ordered(&self, array: &Array) -> Array {
        if array.layout.is_contiguous() {
            return array.clone();
        }
        self.array(array.dtype, array.layout.shape)
    }

    /// The result of an operator that puts its operands in order first.
    fn of_ordered(&self, operands: &[Array], shape: Dims) -> Result<Array, Failure> {
        let _ordered: Vec<Array> = operands.iter().map(|operand| self.ordered(operand)).collect();
        self.result(shape)
    }

    fn in_place(&self, input: &Array) -> Result<Array, Failure> {
        if input.is_free() {
            return Ok(input.clone());
        }
        self.result(input.layout.shape)
    }

    /// Notes elements that are packed for a product.
    fn pack(&self, elements: usize) {
        let bytes = (elements as u64).saturating_mul(PACKED);
        let scratch = &self.ledger.scratch;
        scratch.set(scratch.get().max(bytes));
    }

    /// Notes the second operands of a batch of products: each thread packs one at a time.
    fn pack_batch(&self, second: &Array) {
        let matrix: usize = second.layout.shape.iter().rev().take(2).product();
        let batch = second.layout.elements() / matrix.max(1);
        let threads = std::thread::available_parallelism().map_or(1, Into::into);
        self.pack(matrix.saturating_mul(batch.min(threads)));
    }
}

impl Operators for Meter {
    type Array = Array;

    const NAME: &'static str = "the estimate of memory";

    fn upload(&mut self, tensor: &Tensor) -> Result<Array, Failure> {
        Ok(self.array(tensor.dtype(), dims(tensor.shape())))
    }

    fn download(&mut self, _: &Array) -> Result<Tensor, Failure> {
        Err(Failure::Misfit)
    }

    fn weight(&self, index: u16) -> Option<&Array> {
        self.weights.get(usize::from(index))
    }

    fn give(&mut self, _: Array) {}

    fn dtype(array: &Array) -> DataType {
        array.dtype
    }

    fn layout(array: &Array) -> Layout {
        array.layout
    }

    fn through(array: &Array, layout: Layout) -> Array {
        Array {
            layout,
            ..array.clone()
        }
    }

    fn layers(
        &mut self,
        weights: &[(Vec<Value>, Form)],
        _: &[Layer],
        operands: &[Array],
        shape: Dims,
    ) -> Result<Array, Failure> {
        // A weight that is computed is packed each time.
        let computed = weights.iter().any(|(values, form)| origin(values, *form).is_none());
        if computed {
            self.pack(operands.iter().skip(1).map(|operand| operand.layout.elements()).sum());
        }
        self.of_ordered(operands, shape)
    }

    fn apply(&mut self, _: &[Function], input: &mut Array) -> Result<Array, Failure> {
        self.in_place(input)
    }

    fn arange(&mut self, _: i64, _: i64, shape: Dims) -> Result<Array, Failure> {
        self.result(shape)
    }

    fn attention(&mut self, _: &WholeAttention, operands: &[Array], shape: Dims) -> Result<Array, Failure> {
        let [query, key, value, masks @ ..] = operands else {
            return Err(Failure::Misfit);
        };
        self.pack(key.layout.elements().saturating_add(value.layout.elements()));
        let scores = |mask: &Array| {
            let [outer @ .., _] = &*shape else { return None };
            let mut scores = Dims::new(outer);
            scores.push(*key.layout.shape.iter().rev().nth(1)?);
            mask.layout.repeated(scores)
        };
        let mut held = Vec::new();
        for operand in [query, key, value] {
            if operand.layout.last_stride() != 1 {
                held.push(self.ordered(operand));
            }
        }
        for mask in masks {
            let layout = fit(scores(mask))?;
            if layout.last_stride() != 1 {
                held.push(self.array(mask.dtype, layout.shape));
            }
        }
        // As the kernel lays it out: the heads of a row next to each other.
        let [.., rows, width] = *shape else {
            return Err(Failure::Misfit);
        };
        let (batch, heads) = match shape.len() {
            2 => (1, 1),
            3 => (shape[0], 1),
            _ => (shape[0], shape[1]),
        };
        let result = self.result(Dims::new(&[batch, rows, heads, width]))?;
        let turned = fit(result
            .layout
            .permuted(&[0, 2, 1, 3])
            .and_then(|turned| turned.reshaped(shape)))?;
        Ok(Self::through(&result, turned))
    }

    fn bitwise(&mut self, _: Bitwise, _: &Array, _: &Array, shape: Dims) -> Result<Array, Failure> {
        self.result(shape)
    }

    fn bitwise_not(&mut self, input: &Array) -> Result<Array, Failure> {
        self.result(input.layout.shape)
    }

    fn cast(&mut self, input: &Array, dtype: DataType) -> Result<Array, Failure> {
        Ok(self.array(dtype, input.layout.shape))
    }

    fn combine(&mut self, _: Operation, _: &Array, _: &Array, shape: Dims) -> Result<Array, Failure> {
        self.result(shape)
    }

    fn compare(&mut self, _: Comparison, _: &Array, _: &Array, shape: Dims) -> Result<Array, Failure> {
        self.result(shape)
    }

    fn concat(&mut self, _: &[Array], _: usize, shape: Dims) -> Result<Array, Failure> {
        self.result(shape)
    }

    fn connect(&mut self, _: Connective, _: &Array, _: &Array, shape: Dims) -> Result<Array, Failure> {
        self.result(shape)
    }

    fn cum_sum(&mut self, input: &Array) -> Result<Array, Failure> {
        self.of_ordered(std::slice::from_ref(input), input.layout.shape)
    }

    fn fill(&mut self, dtype: DataType, shape: Dims, _: u64) -> Result<Array, Failure> {
        let one = self.array(dtype, Dims::default());
        Ok(Array {
            layout: fit(one.layout.repeated(shape))?,
            ..one
        })
    }

    fn gather(&mut self, _: &Array, index: &Array, _: usize) -> Result<Array, Failure> {
        self.result(index.layout.shape)
    }

    fn gather_where(&mut self, [_, _, index, no]: [&mut Array; 4], _: usize) -> Result<Array, Failure> {
        match no.layout.shape == index.layout.shape {
            true => self.in_place(no),
            false => self.result(index.layout.shape),
        }
    }

    fn index_select(&mut self, _: &Array, _: &Array, _: usize, shape: Dims) -> Result<Array, Failure> {
        self.result(shape)
    }

    fn integer_abs(&mut self, input: &Array) -> Result<Array, Failure> {
        self.result(input.layout.shape)
    }

    fn integer_neg(&mut self, input: &Array) -> Result<Array, Failure> {
        self.result(input.layout.shape)
    }

    fn logical_not(&mut self, input: &Array) -> Result<Array, Failure> {
        self.result(input.layout.shape)
    }

    fn matmul(&mut self, _: Precision, operands: &[Array], shape: Dims) -> Result<Array, Failure> {
        operands.iter().skip(1).for_each(|second| self.pack_batch(second));
        self.of_ordered(operands, shape)
    }

    fn normalise(&mut self, _: Normalisation, operands: &mut [Array]) -> Result<Array, Failure> {
        self.in_place(fit(operands.first())?)
    }

    fn pad(&mut self, _: &Array, _: usize, _: usize, _: u64, shape: Dims) -> Result<Array, Failure> {
        self.result(shape)
    }

    fn random(&mut self, _: [&Array; 3], shape: Dims) -> Result<Array, Failure> {
        self.result(shape)
    }

    fn reduce(&mut self, _: Reduction, input: &Array, shape: Dims) -> Result<Array, Failure> {
        self.of_ordered(std::slice::from_ref(input), shape)
    }

    fn reshape(&mut self, input: &Array, shape: Dims) -> Result<Array, Failure> {
        match input.layout.reshaped(shape) {
            Some(layout) => Ok(Self::through(input, layout)),
            None => self.result(shape),
        }
    }

    fn row_scale(&mut self, _: Precision, input: &Array, shape: Dims) -> Result<Array, Failure> {
        self.of_ordered(std::slice::from_ref(input), shape)
    }

    fn select(&mut self, _: [&Array; 3], shape: Dims) -> Result<Array, Failure> {
        self.result(shape)
    }

    fn slice(&mut self, input: &Array, axis: usize, range: [usize; 3]) -> Result<Array, Failure> {
        let [start, step, length] = range;
        match input.layout.sliced(axis, start, step, length) {
            Some(layout) => Ok(Self::through(input, layout)),
            None => self.result(input.layout.with_length(axis, length).shape),
        }
    }

    fn top_k(&mut self, _: bool, input: &Array, shape: Dims) -> Result<Array, Failure> {
        self.of_ordered(std::slice::from_ref(input), shape)
    }

    fn weighted_sum(&mut self, _: Precision, operands: &[Array], shape: Dims) -> Result<Array, Failure> {
        operands
            .iter()
            .skip(1)
            .take(1)
            .for_each(|second| self.pack_batch(second));
        self.of_ordered(operands, shape)
    }
}

#[cfg(test)]
#[path = "tests/memory.rs"]
mod tests;
