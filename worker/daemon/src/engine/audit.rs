//! Whether a model gives on this machine what a court would judge.
//!
//! Claims come from an execution that puts operators together, and what is defended from one that shows every
//! operator. The two are compared on random inputs when a model is loaded, and on a share of the jobs that are served.
//! Random elements of operators are computed once more by the definition, as the judge does.
//!
//! Everything is asked of the engine's process. The definition runs here.

use crate::{
    dispute::{Tracer, Wanted},
    random,
};
use assay_exact::{
    digest::tensor_size_bytes,
    element::Element,
    graph::{CheckedGraph, Input, Value},
};
use assay_ops::{
    program::EngineError,
    tensor::{Blake2b256, DataType, Tensor},
};
use assay_package::Package;
use assay_types::H256;
use std::{collections::BTreeSet, io, sync::Arc};

/// Bytes of a trace of an audit at load, where the model has sizes that have no more.
const MAX_TRACE_BYTES: u64 = 1 << 28;
/// Bytes of the tensors that are judged after one execution. One that is larger with its operands is not judged.
const MAX_GROUP_BYTES: u64 = 256 << 20;
/// Elements of each operator that are judged.
const ELEMENTS: usize = 3;
/// Operators that are judged of a job that is served.
const SAMPLED_OPERATORS: usize = 16;

/// Parts that were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audited {
    /// Operators of which elements were judged.
    pub operators: u64,
    /// Elements that were judged.
    pub elements: u64,
}

/// Why a model is not to be relied on.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The two ways of executing differ.
    #[error(
        "an execution gives the outputs {run:?}, and one that shows every operator gives {traced:?}: a claim could not be \
         defended"
    )]
    Outputs {
        /// Digest of what is claimed.
        run: H256,
        /// Digest of what is defended.
        traced: H256,
    },
    /// An element is not what the definition gives.
    #[error("element {index} of the output of {operator} is {found:?}, and {defined:?} by the definition")]
    Element {
        /// Name of the operator.
        operator: String,
        /// Position of the element.
        index: u64,
        /// The engine's element.
        found: Option<Element>,
        /// The right element.
        defined: Option<Element>,
    },
    /// The model could not be executed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The graph cannot be bound to sizes that its own symbols allow.
    #[error("its graph has no sizes")]
    Unsized,
}

impl AuditError {
    /// Whether the engine gave something wrong, and not merely nothing.
    pub fn is_difference(&self) -> bool {
        matches!(self, Self::Outputs { .. } | Self::Element { .. })
    }
}

/// Executes a job as it is served, and gives the digest of its outputs.
pub(super) type Run<'a> = dyn Fn(Vec<Tensor>) -> Result<H256, EngineError> + 'a;

/// Random numbers that nobody can foresee, and so nobody can answer for.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(u64::from_le_bytes(random::bytes()?)))
    }

    #[cfg(test)]
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to this one, which is above 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The bias is that of 64 bits.
        self.next() % bound.max(1)
    }
}

/// Audits a model that was loaded: at the smallest sizes, and at random ones. Takes as long as a few executions.
pub(super) fn loaded(
    package: &Package,
    tracer: &dyn Tracer,
    run: &Run<'_>,
    random: &mut Random,
    max_work: u64,
) -> Result<Audited, AuditError> {
    let graph = package.graph();
    let smallest: Vec<u32> = graph.graph().symbols.iter().map(|symbol| symbol.min).collect();
    let drawn = sizes(graph, random, max_work);
    let audited = at(package, tracer, run, &smallest, random)?;
    if drawn == smallest {
        return Ok(audited);
    }
    match at(package, tracer, run, &drawn, random) {
        Ok(more) => Ok(Audited {
            operators: audited.operators.saturating_add(more.operators),
            elements: audited.elements.saturating_add(more.elements),
        }),
        // Jobs of these sizes are declined.
        Err(AuditError::Engine(EngineError::TooLarge { .. })) => Ok(audited),
        Err(error) => Err(error),
    }
}

/// Audits a model at these sizes.
fn at(
    package: &Package,
    tracer: &dyn Tracer,
    run: &Run<'_>,
    symbols: &[u32],
    random: &mut Random,
) -> Result<Audited, AuditError> {
    let graph = package.graph();
    let inputs = inputs(graph, symbols, random).ok_or(AuditError::Unsized)?;
    let run = run(inputs.clone())?;
    let operators: Vec<u32> = (0..).take(graph.graph().nodes.len()).collect();
    compare(package, tracer, &inputs, symbols, run, &operators, random)
}

/// Audits a job that was served: its outputs, and some operators.
pub(super) fn served(
    package: &Package,
    tracer: &dyn Tracer,
    inputs: &[Tensor],
    run: H256,
    random: &mut Random,
) -> Result<Audited, AuditError> {
    let layouts: Vec<_> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
    let symbols = package.graph().bind(&layouts).map_err(EngineError::from)?;
    let count = package.graph().graph().nodes.len() as u64;
    let drawn: BTreeSet<u32> = (0..SAMPLED_OPERATORS).map(|_| random.below(count) as u32).collect();
    let operators: Vec<u32> = drawn.into_iter().collect();
    compare(package, tracer, inputs, &symbols, run, &operators, random)
}

/// Compares outputs with those of a trace, and elements of these operators with the definition.
fn compare(
    package: &Package,
    tracer: &dyn Tracer,
    inputs: &[Tensor],
    symbols: &[u32],
    run: H256,
    operators: &[u32],
    random: &mut Random,
) -> Result<Audited, AuditError> {
    let mut audited = Audited::default();
    let canonical: Vec<Tensor> = inputs.iter().cloned().map(Tensor::canonical).collect();
    for (position, group) in groups(package.graph(), symbols, operators).into_iter().enumerate() {
        let wanted = Wanted {
            digests: position == 0,
            operators: group
                .iter()
                .flat_map(|operator| with_operands(package, *operator))
                .collect(),
            others: Some(BTreeSet::new()),
            ..Wanted::default()
        };
        let traced = tracer.trace(inputs, &wanted)?;
        if let Some(trace) = &traced.trace {
            let traced = H256(trace.output_digest::<Blake2b256>());
            if traced != run {
                return Err(AuditError::Outputs { run, traced });
            }
        }
        for operator in group {
            let computed = |operator: u32| traced.wanted.get(&operator);
            let elements = judge(package, &canonical, symbols, operator, &computed, random)?;
            audited.operators += u64::from(elements > 0);
            audited.elements += elements;
        }
    }
    Ok(audited)
}

/// An operator, and those whose outputs it takes.
fn with_operands(package: &Package, operator: u32) -> Vec<u32> {
    let node = package.graph().graph().nodes.get(operator as usize);
    let taken = node.into_iter().flat_map(|node| &node.inputs);
    let taken = taken.filter_map(|value| match value {
        Value::Node(operator) => Some(*operator),
        Value::Input(_) | Value::Weight(_) => None,
    });
    taken.chain([operator]).collect()
}

/// Operators in groups whose tensors can be held together. There is always a first group, which may be empty: the
/// outputs are compared in any case.
fn groups(graph: &CheckedGraph, symbols: &[u32], operators: &[u32]) -> Vec<Vec<u32>> {
    let size = |operator: u32| {
        let value = Value::Node(operator);
        let (dtype, shape) = (graph.value(value)?.0, graph.shape(value, symbols)?);
        tensor_size_bytes(dtype, &shape)
    };
    let nodes = &graph.graph().nodes;
    let (mut groups, mut bytes) = (vec![Vec::new()], 0u64);
    for operator in operators {
        let taken = nodes.get(*operator as usize).into_iter().flat_map(|node| &node.inputs);
        let taken = taken.map(|value| match value {
            Value::Node(operator) => size(*operator),
            Value::Input(_) | Value::Weight(_) => Some(0),
        });
        let sizes = taken.chain([size(*operator)]);
        let Some(own) = sizes.map(|size| size.unwrap_or(u64::MAX)).reduce(u64::saturating_add) else {
            continue;
        };
        if own > MAX_GROUP_BYTES {
            continue;
        }
        if bytes + own > MAX_GROUP_BYTES {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += own;
        if let Some(last) = groups.last_mut() {
            last.push(*operator);
        }
    }
    groups
}

/// Judges random elements of an operator's output; how many.
fn judge<'a>(
    package: &'a Package,
    inputs: &'a [Tensor],
    symbols: &[u32],
    operator: u32,
    computed: &impl Fn(u32) -> Option<&'a Arc<Tensor>>,
    random: &mut Random,
) -> Result<u64, AuditError> {
    let missing = || {
        AuditError::Engine(EngineError::Failed {
            engine: "the audit".to_owned(),
            reason: format!("operator {operator} was not shown"),
        })
    };
    let node = package
        .graph()
        .graph()
        .nodes
        .get(operator as usize)
        .ok_or_else(missing)?;
    let operands = node.inputs.iter().map(|value| match value {
        Value::Input(index) => inputs.get(usize::from(*index)),
        Value::Weight(index) => package.weights().get(usize::from(*index)),
        Value::Node(index) => computed(*index).map(|tensor| &**tensor),
    });
    let operands = operands.collect::<Option<Vec<&Tensor>>>().ok_or_else(missing)?;
    let output = computed(operator).ok_or_else(missing)?;
    let resolved = node.operator.resolve(symbols).ok_or(AuditError::Unsized)?;
    let count = (output.bytes().len() / output.dtype().size_bytes()) as u64;
    if count == 0 {
        return Ok(0);
    }
    for _ in 0..ELEMENTS {
        let index = random.below(count);
        let mut whole = operands.as_slice();
        let defined = resolved.element(&mut whole, output.dtype(), output.shape(), index);
        // As the bytes of a tensor have it: an integer that is too wide wraps.
        let defined = defined.ok().map(|element| element.to_bytes(output.dtype()));
        let defined = defined.and_then(|bytes| Element::from_bytes(output.dtype(), &bytes));
        let found = output.element(index);
        if found != defined || defined.is_none() {
            return Err(AuditError::Element {
                operator: node.name.clone(),
                index,
                found,
                defined,
            });
        }
    }
    Ok(ELEMENTS as u64)
}

/// Random sizes, moved towards the smallest ones until an execution is no more than an audit may take.
fn sizes(graph: &CheckedGraph, random: &mut Random, max_work: u64) -> Vec<u32> {
    let symbols = &graph.graph().symbols;
    let mut drawn: Vec<u32> = symbols
        .iter()
        .map(|symbol| {
            let more = random.below(u64::from(symbol.max.saturating_sub(symbol.min)) + 1);
            symbol.min.saturating_add(more as u32)
        })
        .collect();
    let is_more = |drawn: &[u32]| {
        graph.work().at(drawn).is_none_or(|work| work > max_work)
            || graph
                .trace_bytes()
                .at(drawn)
                .is_none_or(|bytes| bytes > MAX_TRACE_BYTES)
    };
    while is_more(&drawn) && drawn.iter().zip(symbols).any(|(drawn, symbol)| *drawn > symbol.min) {
        for (drawn, symbol) in drawn.iter_mut().zip(symbols) {
            *drawn = symbol.min + (*drawn - symbol.min) / 2;
        }
    }
    drawn
}

/// Random inputs of these sizes, within the ranges that the schema names.
fn inputs(graph: &CheckedGraph, symbols: &[u32], random: &mut Random) -> Option<Vec<Tensor>> {
    let inputs = (0..).zip(&graph.graph().inputs).map(|(index, input)| {
        let shape = graph.shape(Value::Input(index), symbols)?;
        let size = usize::try_from(tensor_size_bytes(input.dtype, &shape)?).ok()?;
        let mut bytes = Vec::with_capacity(size);
        while bytes.len() < size {
            bytes.extend(element(input, random));
        }
        Tensor::new(input.dtype, shape, bytes).ok()
    });
    inputs.collect()
}

/// A random element: mostly a number of ordinary size, now and then one of any size; an integer in its range.
fn element(input: &Input, random: &mut Random) -> Vec<u8> {
    if input.dtype == DataType::Float32 {
        let drawn = random.next();
        let bits = (drawn >> 32) as u32;
        let number = match drawn % 64 {
            // Any finite number, subnormal ones too.
            0 => f32::from_bits(bits & 0xbfff_ffff),
            _ => (f64::from(bits as i32) / f64::from(1 << 29)) as f32,
        };
        return number.to_le_bytes().to_vec();
    }
    let integer = match &input.range {
        Some(range) => {
            let more = random.below((range.max.wrapping_sub(range.min) as u64).saturating_add(1));
            range.min.wrapping_add(more as i64)
        }
        None => match input.dtype {
            DataType::Bool => (random.next() & 1) as i64,
            _ => random.next() as i64,
        },
    };
    integer
        .to_le_bytes()
        .into_iter()
        .take(input.dtype.size_bytes())
        .collect()
}
