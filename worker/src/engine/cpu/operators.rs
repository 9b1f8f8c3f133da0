//! Which kernels compute an operator.

use super::{
    plan::{Kind, Step},
    weights::Weights,
};
use assay_exact::{
    digest::DataType,
    graph::{Binary, CheckedGraph, Operator, Position, Unary},
};
use assay_kernels::{
    array::Array,
    context::Context,
    elementwise::{Function, Operation},
    layout::Dims,
    operators::{self, Comparison, Connective, Normalisation, Reduction},
};

/// Executes a step, whose result has this shape. Nothing if an operand does not fit, which a checked graph rules out.
pub(super) fn execute(
    context: &mut Context<'_>,
    graph: &CheckedGraph,
    weights: &Weights,
    step: &Step,
    operands: &mut [Array],
    shape: Dims,
) -> Option<Array> {
    match &step.kind {
        Kind::Linear(precision, functions) => {
            let packed = weights.packed(*step.operands.get(1)?, *precision);
            operators::linear_layer(context, packed, *precision, operands, functions, shape)
        }
        Kind::GatherWhere(axis) => {
            let [condition, data, index, no] = operands else {
                return None;
            };
            operators::gather_where(context, [condition, data, index, no], *axis)
        }
        Kind::Attention(attention) => operators::attention(context, attention, operands, shape),
        Kind::Node => {
            let operator = &graph.graph().nodes.get(step.output as usize)?.operator;
            node(context, operator, operands, shape)
        }
    }
}

/// The result of an operator.
fn node(context: &mut Context<'_>, operator: &Operator, operands: &mut [Array], shape: Dims) -> Option<Array> {
    match (operator, operands) {
        (Operator::Unary(function), [input]) => unary(context, *function, input),
        (Operator::Relu, [input]) => operators::applied(context, &[Function::Relu], input),
        (Operator::Binary(function), [a, b]) => binary(context, *function, a, b, shape),
        (Operator::Where, [condition, yes, no]) => operators::chosen(context, [condition, yes, no], shape),
        (Operator::Cast { dtype }, [input]) => operators::cast(context, input, *dtype),
        (Operator::Fill { dtype, bits, .. }, _) => Some(Array::filled(*dtype, shape, *bits)),
        (Operator::Arange { start, step, .. }, _) => Some(operators::arange(context, *start, *step, shape)),
        (Operator::MatMul { precision }, operands) => operators::batched_product(context, *precision, operands, shape),
        (Operator::WeightedSum { precision }, operands) => {
            operators::weighted_sum(context, *precision, operands, shape)
        }
        (Operator::Linear { precision }, operands) => {
            operators::linear_layer(context, None, *precision, operands, &[], shape)
        }
        (Operator::Concat { axis }, operands) => operators::concat(context, operands, usize::from(*axis), shape),
        (Operator::Gather { axis }, [data, index]) => operators::gather(context, data, index, usize::from(*axis)),
        (Operator::IndexSelect { axis }, [data, index]) => {
            operators::index_select(context, data, index, usize::from(*axis), shape)
        }
        (
            Operator::Reshape { .. }
            | Operator::Permute { .. }
            | Operator::Expand { .. }
            | Operator::Slice { .. }
            | Operator::Pad { .. }
            | Operator::Unfold { .. },
            [input],
        ) => moved(context, operator, input, shape),
        (operator, operands) => of_rows(context, operator, operands, shape),
    }
}

fn unary(context: &mut Context<'_>, function: Unary, input: &mut Array) -> Option<Array> {
    match function {
        Unary::Not => operators::inverted(context, input),
        Unary::Neg if input.dtype() != DataType::Float32 => operators::negated(context, input),
        Unary::Abs if input.dtype() != DataType::Float32 => operators::magnitudes(context, input),
        _ => operators::applied(context, &[self::function(function)?], input),
    }
}

fn binary(context: &mut Context<'_>, function: Binary, a: &Array, b: &Array, shape: Dims) -> Option<Array> {
    let operation = match function {
        Binary::Add => Operation::Add,
        Binary::Sub => Operation::Subtract,
        Binary::Mul => Operation::Multiply,
        Binary::Div => Operation::Divide,
        Binary::Rem => Operation::Remainder,
        Binary::Min => Operation::Lesser,
        Binary::Max => Operation::Greater,
        Binary::Equal => return operators::compared(context, Comparison::Equal, a, b, shape),
        Binary::NotEqual => return operators::compared(context, Comparison::NotEqual, a, b, shape),
        Binary::Less => return operators::compared(context, Comparison::Less, a, b, shape),
        Binary::LessOrEqual => return operators::compared(context, Comparison::LessOrEqual, a, b, shape),
        Binary::Greater => return operators::compared(context, Comparison::Greater, a, b, shape),
        Binary::GreaterOrEqual => return operators::compared(context, Comparison::GreaterOrEqual, a, b, shape),
        Binary::And => return operators::connected(context, Connective::And, a, b, shape),
        Binary::Or => return operators::connected(context, Connective::Or, a, b, shape),
        Binary::Xor => return operators::connected(context, Connective::Xor, a, b, shape),
    };
    operators::combined(context, operation, a, b, shape)
}

/// The elements of one array in another order or number.
fn moved(context: &mut Context<'_>, operator: &Operator, input: &Array, shape: Dims) -> Option<Array> {
    match *operator {
        Operator::Reshape { .. } => input.reshaped(context, shape),
        Operator::Permute { ref axes } => Some(input.through(input.layout.permuted(axes)?)),
        Operator::Expand { .. } => Some(input.through(input.layout.repeated(shape)?)),
        Operator::Slice { axis, start, step, .. } => {
            let axis = usize::from(axis);
            let start = match start {
                Position::FromStart(start) => start as usize,
                Position::FromEnd(end) => input.shape().get(axis)?.saturating_sub(end as usize),
            };
            input.sliced(context, axis, [start, step as usize, *shape.get(axis)?])
        }
        Operator::Pad { axis, before, bits, .. } => {
            operators::pad(context, input, usize::from(axis), before as usize, bits, shape)
        }
        Operator::Unfold {
            axis,
            size,
            step,
            dilation,
        } => {
            let windows = [size, step, dilation].map(|n| n as usize);
            Some(input.through(input.layout.unfolded(usize::from(axis), windows)?))
        }
        _ => None,
    }
}

/// The result of an operator on rows along the last dimension.
fn of_rows(context: &mut Context<'_>, operator: &Operator, operands: &mut [Array], shape: Dims) -> Option<Array> {
    let normalisation = match (operator, &*operands) {
        (Operator::Softmax, _) => Normalisation::Softmax,
        (Operator::LogSoftmax, _) => Normalisation::LogSoftmax,
        (Operator::LayerNorm { epsilon }, _) => Normalisation::LayerNorm {
            epsilon: f32::from_bits(*epsilon),
        },
        (Operator::RmsNorm { epsilon }, _) => Normalisation::RmsNorm {
            epsilon: f32::from_bits(*epsilon),
        },
        (Operator::Reduce(reduction), [input]) => {
            return operators::reduced(context, self::reduction(*reduction), input, shape);
        }
        (Operator::RowScale { precision }, [input]) => {
            return operators::row_scales(context, *precision, input, shape);
        }
        (Operator::CumSum, [input]) => return operators::cumulative_sums(context, input),
        (Operator::TopK { largest, .. }, [input]) => return operators::top_k(context, *largest, input, shape),
        _ => return None,
    };
    operators::normalised(context, normalisation, operands)
}

fn reduction(reduction: assay_exact::graph::Reduction) -> Reduction {
    use assay_exact::graph::Reduction as Defined;
    match reduction {
        Defined::Sum => Reduction::Sum,
        Defined::Mean => Reduction::Mean,
        Defined::Max => Reduction::Greatest,
        Defined::Min => Reduction::Least,
        Defined::ArgMax => Reduction::PlaceOfGreatest,
        Defined::ArgMin => Reduction::PlaceOfLeast,
        Defined::Any => Reduction::Any,
        Defined::All => Reduction::All,
    }
}

/// The function of each number that this is; nothing if it is one of truth values.
pub(super) fn function(function: Unary) -> Option<Function> {
    Some(match function {
        Unary::Neg => Function::Negate,
        Unary::Abs => Function::Magnitude,
        Unary::Sqrt => Function::Sqrt,
        Unary::Rsqrt => Function::Rsqrt,
        Unary::Exp => Function::Exp,
        Unary::Log => Function::Log,
        Unary::Tanh => Function::Tanh,
        Unary::Sigmoid => Function::Sigmoid,
        Unary::Erf => Function::Erf,
        Unary::Sin => Function::Sin,
        Unary::Cos => Function::Cos,
        Unary::Silu => Function::Silu,
        Unary::Gelu => Function::Gelu,
        Unary::GeluTanh => Function::GeluTanh,
        Unary::Floor => Function::Floor,
        Unary::Ceil => Function::Ceil,
        Unary::Round => Function::Round,
        Unary::Trunc => Function::Truncate,
        Unary::Not => return None,
    })
}
