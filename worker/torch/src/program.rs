//! A graph on libtorch tensors, with the weights quantised once.

use super::{
    TorchOptions,
    contraction::{self, Route},
    failed,
    quantise::{self, Integers, QuantisedRows},
};
use assay_exact::{
    graph::{CheckedGraph, Node, Operator, Value},
    quantise::{Bits, GroupedBits, WeightFormat, WeightGroup, four_bit_integers},
};
use assay_ops::{
    program::{EngineError, OnNode, Program},
    tensor::{DataType, Tensor},
    weights::{Origin, origin},
    words::Form,
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use tch::{Device, Kind, TchError};

/// A package's graph with its weights on the device.
pub(super) struct TorchProgram {
    graph: CheckedGraph,
    route: Route,
    options: TorchOptions,
    /// libtorch spreads one operator over its threads, so executions take turns.
    weights: Mutex<Weights>,
}

struct Weights {
    tensors: Vec<tch::Tensor>,
    /// Weights that are the second operand of a contraction, by what they are made of.
    quantised: HashMap<Origin, QuantisedRows>,
}

impl TorchProgram {
    pub fn new(
        graph: &CheckedGraph,
        weights: &[Tensor],
        route: Route,
        options: TorchOptions,
    ) -> Result<Self, TchError> {
        options.set_threads();
        let device = options.device.to_tch();
        let _no_grad = tch::no_grad_guard();
        let tensors = weights
            .iter()
            .map(|weight| to_torch(weight, device))
            .collect::<Result<Vec<_>, _>>()?;
        let mut quantised = HashMap::new();
        for node in &graph.graph().nodes {
            let Some((_, form)) = layer(&node.operator) else {
                continue;
            };
            let values = node
                .inputs
                .get(1..=form.operands())
                .ok_or_else(|| missing(&node.name))?;
            let Some(origin) = origin(values, form) else {
                continue;
            };
            let given: Option<Vec<&Tensor>> = origin.0.iter().map(|index| weights.get(usize::from(*index))).collect();
            let given = given.ok_or_else(|| missing(&node.name))?;
            let last = origin.0.last().and_then(|index| tensors.get(usize::from(*index)));
            let rows = second_operand(form, &given, last.ok_or_else(|| missing(&node.name))?, route)?;
            quantised.insert(origin, rows.ok_or_else(|| missing(&node.name))?);
        }
        let weights = Mutex::new(Weights { tensors, quantised });
        Ok(Self {
            graph: graph.clone(),
            route,
            options,
            weights,
        })
    }

    /// Evaluates the graph, and shows every node's output if somebody wants to see it.
    fn execute(
        &self,
        inputs: &[Tensor],
        symbols: &[u32],
        mut on_node: Option<&mut OnNode<'_>>,
    ) -> Result<Vec<Tensor>, TchError> {
        let _no_grad = tch::no_grad_guard();
        self.options.set_threads();
        let device = self.options.device.to_tch();
        // Weights are only read, so a panic in another execution leaves them whole.
        let weights = self.weights.lock().unwrap_or_else(PoisonError::into_inner);
        let inputs = inputs
            .iter()
            .map(|input| to_torch(input, device))
            .collect::<Result<Vec<_>, _>>()?;
        let mut execution = Execution {
            program: self,
            weights: &weights,
            inputs,
            results: Vec::new(),
        };
        let graph = self.graph.graph();
        for ((index, node), finished) in (0u32..).zip(&graph.nodes).zip(graph.finished_after()) {
            let value = Value::Node(index);
            let shape = self.graph.shape(value, symbols).ok_or_else(|| missing(&node.name))?;
            let result = execution.apply(node, value, symbols, &shape)?;
            if let Some(on_node) = &mut on_node {
                let (dtype, _) = self.graph.value(value).ok_or_else(|| missing(&node.name))?;
                let output = from_torch(&result, dtype, shape)?.canonical();
                on_node(index, &mut &output).map_err(|failure| TchError::Torch(failure.to_string()))?;
            }
            execution.results.push(Some(result));
            for node in finished {
                execution.results[node] = None;
            }
        }
        let outputs = graph.outputs.iter().map(|output| {
            let shape = self
                .graph
                .shape(output.value, symbols)
                .ok_or_else(|| missing(&output.name))?;
            let (dtype, _) = self.graph.value(output.value).ok_or_else(|| missing(&output.name))?;
            from_torch(execution.tensor(output.value)?, dtype, shape)
        });
        outputs.collect()
    }

    fn symbols(&self, inputs: &[Tensor]) -> Result<Vec<u32>, EngineError> {
        let layouts: Vec<_> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
        Ok(self.graph.bind(&layouts)?)
    }
}

impl Program for TorchProgram {
    fn evaluate(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        self.execute(inputs, &self.symbols(inputs)?, None).map_err(failed)
    }

    fn evaluate_with(&self, inputs: &[Tensor], on_node: &mut OnNode<'_>) -> Result<Vec<Tensor>, EngineError> {
        let symbols = self.symbols(inputs)?;
        self.execute(inputs, &symbols, Some(on_node)).map_err(failed)
    }
}

/// One evaluation: what has been computed so far and is still needed.
struct Execution<'a> {
    program: &'a TorchProgram,
    weights: &'a Weights,
    inputs: Vec<tch::Tensor>,
    results: Vec<Option<tch::Tensor>>,
}

impl Execution<'_> {
    fn apply(&self, node: &Node, output: Value, symbols: &[u32], shape: &[u32]) -> Result<tch::Tensor, TchError> {
        let operand = |position: usize| {
            let value = node.inputs.get(position).ok_or_else(|| missing(&node.name))?;
            self.tensor(*value)
        };
        match &node.operator {
            Operator::Linear { .. } | Operator::QuantisedLinear { .. } => match self.linear(node, shape)? {
                Some(product) => Ok(product),
                None => self.apply_reference(node, output, symbols, shape),
            },
            Operator::Relu => operand(0)?.f_relu(),
            Operator::Reshape { .. } => operand(0)?.f_reshape(sizes(shape)),
            _ => self.apply_reference(node, output, symbols, shape),
        }
    }

    /// A linear layer; nothing where the integers of its weight are computed by the graph.
    fn linear(&self, node: &Node, shape: &[u32]) -> Result<Option<tch::Tensor>, TchError> {
        let (bits, form) = layer(&node.operator).ok_or_else(|| missing(&node.name))?;
        let operand = |position: usize| {
            let value = node.inputs.get(position).ok_or_else(|| missing(&node.name))?;
            self.tensor(*value)
        };
        let values = node
            .inputs
            .get(1..=form.operands())
            .ok_or_else(|| missing(&node.name))?;
        let prepared = origin(values, form).and_then(|origin| self.weights.quantised.get(&origin));
        let own;
        let second = match (prepared, form) {
            (Some(prepared), _) => prepared,
            (None, Form::Quantised(bits)) => {
                own = quantise::rows(operand(1)?, bits, self.program.route)?;
                &own
            }
            (None, Form::Given(_)) => return Ok(None),
        };
        let input = operand(0)?;
        let input = input.f_reshape([-1, input.size().last().copied().unwrap_or(1)])?;
        let route = match second.integers {
            Integers::Float64(_) => Route::Float64,
            Integers::Int8(_) | Integers::Halves { .. } => Route::Int8,
        };
        let rows = quantise::rows(&input, bits, route)?;
        let product = canonical(&contraction::product(&rows, second)?)?;
        let bias = 1 + form.operands();
        let sum = if node.inputs.len() > bias {
            canonical(&product.f_add(operand(bias)?)?)?
        } else {
            product
        };
        Ok(Some(sum.f_reshape(sizes(shape))?))
    }

    /// The definition itself, for operators that have no route through libtorch: right everywhere, and slow.
    fn apply_reference(
        &self,
        node: &Node,
        output: Value,
        symbols: &[u32],
        shape: &[u32],
    ) -> Result<tch::Tensor, TchError> {
        let graph = &self.program.graph;
        let operands = node.inputs.iter().map(|value| {
            let dtype = graph.value(*value).map(|(dtype, _)| dtype);
            let shape = graph.shape(*value, symbols);
            let (dtype, shape) = dtype.zip(shape).ok_or_else(|| missing(&node.name))?;
            from_torch(self.tensor(*value)?, dtype, shape)
        });
        let operands = operands.collect::<Result<Vec<_>, TchError>>()?;
        let operands: Vec<&Tensor> = operands.iter().collect();
        let (dtype, _) = graph.value(output).ok_or_else(|| missing(&node.name))?;
        let resolved = node.operator.resolve(symbols);
        let result = resolved.and_then(|operator| operator.apply(&operands, dtype, shape.to_vec()));
        let result = result.ok_or_else(|| missing(&node.name))?.canonical();
        to_torch(&result, self.program.options.device.to_tch())
    }

    fn tensor(&self, value: Value) -> Result<&tch::Tensor, TchError> {
        let tensor = match value {
            Value::Input(index) => self.inputs.get(usize::from(index)),
            Value::Weight(index) => self.weights.tensors.get(usize::from(index)),
            Value::Node(index) => self.results.get(index as usize).and_then(Option::as_ref),
        };
        tensor.ok_or_else(|| missing("a value"))
    }
}

/// The bits of a linear layer's rows, and how its weight is packed; nothing for another operator.
fn layer(operator: &Operator) -> Option<(Bits, Form)> {
    match operator {
        Operator::Linear { precision } => Some((precision.left(), Form::Quantised(precision.right()))),
        Operator::QuantisedLinear { precision, format } => Some((precision.left(), Form::Given(*format))),
        _ => None,
    }
}

/// The second operand of a product, of weights of which the last one is also on the device; nothing if they are not
/// what the form says.
fn second_operand(
    form: Form,
    weights: &[&Tensor],
    last: &tch::Tensor,
    route: Route,
) -> Result<Option<QuantisedRows>, TchError> {
    let signed = |tensor: &Tensor| -> Vec<i8> { tensor.bytes().iter().map(|byte| byte.cast_signed()).collect() };
    let rows = last.numel();
    let shape = |count: usize| [rows as i64, (count / rows.max(1)) as i64];
    match (form, weights) {
        (Form::Quantised(bits), [_]) => quantise::rows(last, bits, route).map(Some),
        (Form::Given(WeightFormat::Int8), [integers, _]) => {
            let integers = signed(integers);
            quantise::given(&integers, shape(integers.len()), last, route).map(Some)
        }
        (Form::Given(WeightFormat::Grouped { bits, group }), [integers, words, _]) => {
            let integers = match bits {
                GroupedBits::Four => integers
                    .bytes()
                    .iter()
                    .flat_map(|byte| four_bit_integers(*byte))
                    .collect(),
                GroupedBits::Eight => signed(integers),
            };
            let (words, _) = words.bytes().as_chunks();
            let groups = integers.chunks(usize::from(group).max(1)).zip(words);
            let weights = groups.flat_map(|(integers, word)| {
                let group = WeightGroup::of_word(i32::from_le_bytes(*word));
                integers.iter().map(move |integer| group.weight(*integer))
            });
            let weights: Vec<i32> = weights.collect();
            quantise::given_wide(&weights, shape(weights.len()), last).map(Some)
        }
        _ => Ok(None),
    }
}

/// One zero and one NaN. The sum turns −0 into +0; the NaN is written last, since an addition may change its payload.
fn canonical(tensor: &tch::Tensor) -> Result<tch::Tensor, TchError> {
    tensor.f_add_scalar(0.0)?.f_masked_fill(&tensor.f_isnan()?, f64::NAN)
}

fn missing(name: &str) -> TchError {
    TchError::Shape(format!("{name} lacks an operand, though its graph was checked"))
}

fn sizes(shape: &[u32]) -> Vec<i64> {
    shape.iter().map(|dimension| i64::from(*dimension)).collect()
}

fn to_torch(tensor: &Tensor, device: Device) -> Result<tch::Tensor, TchError> {
    let kind = match tensor.dtype() {
        DataType::Float32 => Kind::Float,
        DataType::Int64 => Kind::Int64,
        DataType::Int32 => Kind::Int,
        DataType::Int8 => Kind::Int8,
        DataType::Uint8 => Kind::Uint8,
        DataType::Bool => Kind::Bool,
    };
    tch::Tensor::f_from_data_size(tensor.bytes(), &sizes(tensor.shape()), kind)?.f_to_device(device)
}

fn from_torch(tensor: &tch::Tensor, dtype: DataType, shape: Vec<u32>) -> Result<Tensor, TchError> {
    let elements = tensor.numel();
    let mut bytes = vec![0; elements * dtype.size_bytes()];
    tensor
        .f_contiguous()?
        .f_to_device(Device::Cpu)?
        .f_copy_data_u8(&mut bytes, elements)?;
    Tensor::new(dtype, shape, bytes).map_err(|error| TchError::Shape(error.to_string()))
}
