//! Steps of a plan as operators on whole tensors, on any backend.

use crate::plan::{Kind, Step};
use assay_exact::graph::{Binary, CheckedGraph, Operator, Position, Unary};
use assay_ops::{
    layout::Dims,
    operators::{Failure, Operators, fit},
    tensor::DataType,
    words::{Function, Normalisation, Pairwise},
};

/// Executes a step, whose result has this shape.
pub(super) fn execute<O: Operators>(
    on: &mut O,
    graph: &CheckedGraph,
    step: &Step,
    operands: &mut [O::Array],
    shape: Dims,
) -> Result<O::Array, Failure> {
    match &step.kind {
        Kind::Layers(layers) => on.layers(&step.weights(), layers, operands, shape),
        Kind::GatherWhere(axis) => {
            let [condition, data, index, no] = operands else {
                return Err(Failure::Misfit);
            };
            on.gather_where([condition, data, index, no], *axis)
        }
        Kind::Attention(attention) => on.attention(attention, operands, shape),
        Kind::Node => {
            let node = fit(graph.graph().nodes.get(step.output as usize))?;
            of_node(on, &node.operator, operands, shape)
        }
    }
}

/// The result of an operator.
fn of_node<O: Operators>(
    on: &mut O,
    operator: &Operator,
    operands: &mut [O::Array],
    shape: Dims,
) -> Result<O::Array, Failure> {
    match (operator, operands) {
        (Operator::Unary(function), [input]) => unary(on, *function, input),
        (Operator::Relu, [input]) => on.apply(&[Function::Relu], input),
        (Operator::Binary(function), [a, b]) => binary(on, *function, a, b, shape),
        (Operator::Where, [condition, yes, no]) => on.select([condition, yes, no], shape),
        (Operator::Random, [key, counter, lane]) => on.random([key, counter, lane], shape),
        (Operator::Cast { dtype }, [input]) => on.cast(input, *dtype),
        (Operator::Fill { dtype, bits, .. }, _) => on.fill(*dtype, shape, *bits),
        (Operator::Arange { start, step, .. }, _) => on.arange(*start, *step, shape),
        (Operator::MatMul { precision }, operands) => on.matmul(*precision, operands, shape),
        (Operator::WeightedSum { precision }, operands) => on.weighted_sum(*precision, operands, shape),
        (Operator::Concat { axis }, operands) => on.concat(operands, usize::from(*axis), shape),
        (Operator::Gather { axis }, [data, index]) => on.gather(data, index, usize::from(*axis)),
        (Operator::IndexSelect { axis }, [data, index]) => on.index_select(data, index, usize::from(*axis), shape),
        (
            Operator::Reshape { .. }
            | Operator::Permute { .. }
            | Operator::Expand { .. }
            | Operator::Slice { .. }
            | Operator::Pad { .. }
            | Operator::Unfold { .. },
            [input],
        ) => moved(on, operator, input, shape),
        (operator, operands) => of_rows(on, operator, operands, shape),
    }
}

fn unary<O: Operators>(on: &mut O, function: Unary, input: &mut O::Array) -> Result<O::Array, Failure> {
    match function {
        Unary::Not if O::dtype(input) == DataType::Bool => on.logical_not(input),
        Unary::Not => on.bitwise_not(input),
        Unary::Neg if O::dtype(input) != DataType::Float32 => on.integer_neg(input),
        Unary::Abs if O::dtype(input) != DataType::Float32 => on.integer_abs(input),
        _ => on.apply(&[fit(Function::of_unary(function))?], input),
    }
}

fn binary<O: Operators>(
    on: &mut O,
    function: Binary,
    a: &O::Array,
    b: &O::Array,
    shape: Dims,
) -> Result<O::Array, Failure> {
    match function.into() {
        Pairwise::Operation(operation) => on.combine(operation, a, b, shape),
        Pairwise::Comparison(comparison) => on.compare(comparison, a, b, shape),
        Pairwise::Connective(connective) if O::dtype(a) == DataType::Bool => on.connect(connective, a, b, shape),
        Pairwise::Connective(connective) => on.bitwise(connective.into(), a, b, shape),
        Pairwise::Bitwise(operation) => on.bitwise(operation, a, b, shape),
    }
}

/// The elements of one array in another order or number.
fn moved<O: Operators>(on: &mut O, operator: &Operator, input: &O::Array, shape: Dims) -> Result<O::Array, Failure> {
    let layout = O::layout(input);
    let seen = match *operator {
        Operator::Permute { ref axes } => layout.permuted(axes),
        Operator::Expand { .. } => layout.repeated(shape),
        Operator::Unfold {
            axis,
            size,
            step,
            dilation,
        } => {
            let windows = [size, step, dilation].map(|n| n as usize);
            layout.unfolded(usize::from(axis), windows)
        }
        Operator::Reshape { .. } => return on.reshape(input, shape),
        Operator::Slice { axis, start, step, .. } => {
            let axis = usize::from(axis);
            let start = match start {
                Position::FromStart(start) => start as usize,
                Position::FromEnd(end) => fit(layout.shape.get(axis))?.saturating_sub(end as usize),
            };
            return on.slice(input, axis, [start, step as usize, *fit(shape.get(axis))?]);
        }
        Operator::Pad { axis, before, bits, .. } => {
            return on.pad(input, usize::from(axis), before as usize, bits, shape);
        }
        _ => None,
    };
    Ok(O::through(input, fit(seen)?))
}

/// The result of an operator on rows along the last dimension.
fn of_rows<O: Operators>(
    on: &mut O,
    operator: &Operator,
    operands: &mut [O::Array],
    shape: Dims,
) -> Result<O::Array, Failure> {
    if let Some(normalisation) = Normalisation::of(operator) {
        return on.normalise(normalisation, operands);
    }
    match (operator, &*operands) {
        (Operator::Reduce(reduction), [input]) => on.reduce(*reduction, input, shape),
        (Operator::RowScale { precision }, [input]) => on.row_scale(*precision, input, shape),
        (Operator::CumSum, [input]) => on.cum_sum(input),
        (Operator::TopK { largest, .. }, [input]) => on.top_k(*largest, input, shape),
        _ => Err(Failure::Misfit),
    }
}
