//! What `assay-exact` defines, on whole tensors, for operators and types without a kernel.

use super::{array::Array, context::Context};
use crate::tensor::{DataType, Tensor};
use assay_exact::graph::Operator;

/// The result of an operator, of this type and shape, for these values of the symbols that it names.
pub(super) fn evaluate(
    context: &mut Context<'_>,
    operator: &Operator,
    operands: &[Array],
    symbols: &[u32],
    (dtype, shape): (DataType, &[usize]),
) -> Option<Array> {
    let tensors: Option<Vec<Tensor>> = operands
        .iter()
        .map(|operand| operand.to_tensor(context.threads))
        .collect();
    let tensors = tensors?;
    let shape = shape.iter().map(|n| *n as u32).collect();
    let result = operator
        .resolve(symbols)?
        .apply(&tensors.iter().collect::<Vec<_>>(), dtype, shape)?;
    Some(Array::from_tensor(result.canonical(), |length| {
        context.buffers.take(length)
    }))
}
