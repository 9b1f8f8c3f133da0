//! Operators on arrays: kernels where there are some, the definition where not.

use super::{
    array::Array,
    context::Context,
    contraction, defined, movement,
    plan::{Kind, Step, function, operation},
    weights::Weights,
};
use crate::tensor::DataType;
use assay_exact::graph::{CheckedGraph, Operator, Position, Reduction, Value};
use assay_kernels::{
    elementwise::{Function, apply},
    normalise::{layer_norm, log_softmax, rms_norm, softmax},
    reduce::{self, reduce},
};

/// Executes a step, for these values of the graph's symbols. Nothing if an operand does not fit, which a checked graph rules
/// out.
pub(super) fn execute(
    context: &mut Context<'_>,
    graph: &CheckedGraph,
    weights: &Weights,
    step: &Step,
    mut operands: Vec<Array>,
    (symbols, shape): (&[u32], Vec<usize>),
) -> Option<Array> {
    let result = match &step.kind {
        Kind::Linear(precision, functions) => {
            let packed = weights.packed(*step.operands.get(1)?, *precision);
            contraction::linear_layer(context, packed, *precision, &operands, functions, shape)?
        }
        Kind::Attention(attention) => contraction::attention(context, attention, &operands, shape)?,
        Kind::Node => {
            let operator = &graph.graph().nodes.get(step.output as usize)?.operator;
            match kernel(context, operator, &mut operands, &shape) {
                Some(result) => result,
                None => {
                    let (dtype, _) = graph.value(Value::Node(step.output))?;
                    defined::evaluate(context, operator, &operands, symbols, (dtype, &shape))?
                }
            }
        }
    };
    for operand in operands {
        context.buffers.give(operand);
    }
    Some(result)
}

/// The result of an operator that there is a kernel for, with operands that it takes.
fn kernel(context: &mut Context<'_>, operator: &Operator, operands: &mut [Array], shape: &[usize]) -> Option<Array> {
    let shape = shape.to_vec();
    match operator {
        Operator::Relu | Operator::Unary(_) => {
            let function = function(operator)?;
            in_rows(context, operands.first_mut()?, shape, 1, |context, numbers| {
                apply(context.instructions, function, numbers);
            })
        }
        Operator::Binary(binary) => {
            let [a, b] = operands else { return None };
            context.combine(operation(*binary)?, a, b, shape)
        }
        Operator::Reshape { .. } => movement::reshape(context, operands.first()?, shape),
        Operator::Permute { axes } => movement::permute(operands.first()?, axes, shape),
        Operator::Expand { .. } => movement::expand(operands.first()?, shape),
        Operator::Slice { axis, start, step, .. } => {
            let input = operands.first()?;
            let (axis, step) = (usize::from(*axis), *step as usize);
            let start = match *start {
                Position::FromStart(start) => start as usize,
                Position::FromEnd(end) => input.shape.get(axis)?.checked_sub(end as usize)?,
            };
            movement::slice(input, axis, start, step, shape)
        }
        Operator::Unfold {
            axis, step, dilation, ..
        } => movement::unfold(
            operands.first()?,
            usize::from(*axis),
            *step as usize,
            *dilation as usize,
            shape,
        ),
        Operator::Concat { axis } => movement::concat(context, operands, usize::from(*axis), shape),
        Operator::IndexSelect { axis: 0 } => {
            let [table, indices] = operands else { return None };
            movement::rows(context, table, &indices.integers()?, shape)
        }
        Operator::Fill {
            dtype: DataType::Float32,
            bits,
            ..
        } => Some(Array::filled(shape, f32::from_bits(*bits as u32))),
        Operator::Where => {
            let [condition, yes, no] = operands else { return None };
            movement::choose(context, condition, yes, no, shape)
        }
        Operator::MatMul { precision } => contraction::batched_product(context, *precision, operands, shape),
        Operator::WeightedSum { precision } => contraction::weighted_sum(context, *precision, operands, shape),
        _ => row_kernel(context, operator, operands, shape),
    }
}

/// The result of an operator on rows along the last dimension.
fn row_kernel(
    context: &mut Context<'_>,
    operator: &Operator,
    operands: &mut [Array],
    shape: Vec<usize>,
) -> Option<Array> {
    let (input, others) = operands.split_first_mut()?;
    let length = *input.shape.last()?;
    let mut others = others
        .iter()
        .map(|other| context.contiguous(other))
        .collect::<Option<Vec<_>>>()?
        .into_iter();
    let (weight, bias) = (others.next(), others.next());
    let weight = weight.as_ref().map(|weight| weight.slice()).unwrap_or_default();
    let bias = bias.as_ref().map(|bias| bias.slice()).unwrap_or_default();
    match operator {
        Operator::Softmax => in_rows(context, input, shape, length, |context, rows| {
            softmax(context.instructions, rows, length);
        }),
        Operator::LogSoftmax => in_rows(context, input, shape, length, |context, rows| {
            log_softmax(context.instructions, rows, length);
        }),
        Operator::LayerNorm { epsilon } => {
            let eps = f32::from_bits(*epsilon);
            in_rows(context, input, shape, length, |context, rows| {
                layer_norm(context.instructions, rows, length, eps, weight, bias);
            })
        }
        Operator::RmsNorm { epsilon } => {
            let eps = f32::from_bits(*epsilon);
            in_rows(context, input, shape, length, |context, rows| {
                rms_norm(context.instructions, rows, length, eps, weight);
            })
        }
        Operator::Reduce(reduction) => {
            let reduction = match reduction {
                Reduction::Sum => reduce::Reduction::Sum,
                Reduction::Mean => reduce::Reduction::Mean,
                Reduction::Max => reduce::Reduction::Greatest,
                Reduction::Min => reduce::Reduction::Least,
                _ => return None,
            };
            let input = context.contiguous(input)?;
            let mut output = context.buffers.take(shape.iter().product());
            reduce(context.instructions, reduction, input.slice()?, length, &mut output);
            context.buffers.give(input);
            Some(Array::numbers(shape, output))
        }
        _ => None,
    }
}

/// Changes rows of `length` in place, or a copy of them if somebody else needs them as they are.
fn in_rows(
    context: &mut Context<'_>,
    input: &mut Array,
    shape: Vec<usize>,
    length: usize,
    work: impl Fn(&Context<'_>, &mut [f32]) + Sync,
) -> Option<Array> {
    let mut numbers = context.owned(input)?;
    context.share_rows(&mut numbers, length, |_, rows| work(context, rows));
    Some(Array::numbers(shape, numbers))
}

/// Functions of each number, one after the other.
pub(super) fn apply_all(context: &Context<'_>, functions: &[Function], numbers: &mut [f32]) {
    for function in functions {
        apply(context.instructions, *function, numbers);
    }
}
