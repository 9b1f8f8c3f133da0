//! The work of an operator: what it is counted as in prices and deadlines.

use super::{Dimension, Operator, Unary};
use crate::{model::Sum, quantise::Precision};
use alloc::vec::Vec;

/// Work of an element that is read or written.
const ELEMENT: u64 = 32;
/// Work of one value of a function such as the exponential.
const FUNCTION: u64 = 256;

/// The dimensions of what an operator takes and gives.
pub(super) struct Taken<'a> {
    pub operands: Vec<&'a [Dimension]>,
    pub output: &'a [Dimension],
}

/// Adds the work of a node; `None` if it does not fit.
pub(super) fn add(operator: &Operator, node: &Taken<'_>, sum: &mut Sum) -> Option<()> {
    for operand in node.operands.iter().filter(|_| reads_all(operator)) {
        sum.add(ELEMENT, operand)?;
    }
    sum.add(ELEMENT, node.output)?;
    match operator {
        Operator::Linear { precision } | Operator::MatMul { precision } | Operator::WeightedSum { precision } => {
            let row = node.operands.first()?.last()?;
            let products: Vec<Dimension> = node.output.iter().chain([row]).copied().collect();
            sum.add(products_per_element(*precision), &products)
        }
        Operator::Softmax | Operator::LogSoftmax => sum.add(FUNCTION, node.output),
        Operator::Unary(function) if is_transcendental(*function) => sum.add(FUNCTION, node.output),
        _ => Some(()),
    }
}

/// Whether it reads every element of what it takes, and not only as many as it gives.
fn reads_all(operator: &Operator) -> bool {
    !matches!(
        operator,
        Operator::Slice { .. } | Operator::Gather { .. } | Operator::IndexSelect { .. } | Operator::Expand { .. }
    )
}

/// Products of two 8-bit integers that a product of this precision is made of.
fn products_per_element(precision: Precision) -> u64 {
    match precision {
        Precision::Int8 => 1,
        Precision::Int16Int8 => 2,
        Precision::Int16 => 4,
    }
}

fn is_transcendental(function: Unary) -> bool {
    use Unary::*;
    match function {
        Sqrt | Rsqrt | Exp | Log | Tanh | Sigmoid | Erf | Sin | Cos | Silu | Gelu | GeluTanh => true,
        Neg | Abs | Floor | Ceil | Round | Trunc | Not => false,
    }
}
