//! The work of an operator: what it is counted as in prices and deadlines.

use super::{CheckedGraph, Dimension, Operator, Unary, Value};
use crate::{
    model::{Polynomial, Sum, SumError},
    quantise::Bits,
};
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

impl CheckedGraph {
    /// Work of one node as a polynomial of the symbols; `None` if the graph has no such node. The sum over all nodes is
    /// [`CheckedGraph::work`].
    pub fn node_work(&self, node: usize) -> Option<Polynomial> {
        let of = self.graph().nodes.get(node)?;
        let (_, output) = self.value(Value::Node(u32::try_from(node).ok()?))?;
        let operands = of.inputs.iter().filter_map(|value| self.value(*value));
        let taken = Taken {
            operands: operands.map(|(_, dimensions)| dimensions).collect(),
            output,
        };
        let mut work = Sum::default();
        add(&of.operator, &taken, &mut work).ok()?;
        work.finish()
    }
}

/// Adds the work of a node.
pub(super) fn add(operator: &Operator, node: &Taken<'_>, sum: &mut Sum) -> Result<(), SumError> {
    for operand in node.operands.iter().filter(|_| reads_all(operator)) {
        sum.add(ELEMENT, operand)?;
    }
    sum.add(ELEMENT, node.output)?;
    match operator {
        Operator::Linear { precision } | Operator::MatMul { precision } | Operator::WeightedSum { precision } => sum
            .add(
                products_per_element(precision.left(), precision.right()),
                &products(node),
            ),
        Operator::QuantisedLinear { precision, .. } => {
            sum.add(products_per_element(precision.left(), Bits::Int8), &products(node))
        }
        Operator::Softmax | Operator::LogSoftmax | Operator::Random => sum.add(FUNCTION, node.output),
        Operator::Unary(function) if is_transcendental(*function) => sum.add(FUNCTION, node.output),
        _ => Ok(()),
    }
}

/// Whether it reads every element of what it takes, and not only as many as it gives.
fn reads_all(operator: &Operator) -> bool {
    !matches!(
        operator,
        Operator::Slice { .. } | Operator::Gather { .. } | Operator::IndexSelect { .. } | Operator::Expand { .. }
    )
}

/// The dimensions of a contraction's products: those of the output, and the row of the first operand.
fn products(node: &Taken<'_>) -> Vec<Dimension> {
    let row = node.operands.first().and_then(|row| row.last());
    node.output.iter().chain(row).copied().collect()
}

/// Products of two 8-bit integers that a product of two integers of these widths is made of.
fn products_per_element(left: Bits, right: Bits) -> u64 {
    match (left, right) {
        (Bits::Int8, Bits::Int8) => 1,
        (Bits::Int16, Bits::Int8) | (Bits::Int8, Bits::Int16) => 2,
        (Bits::Int16, Bits::Int16) => 4,
    }
}

fn is_transcendental(function: Unary) -> bool {
    use Unary::*;
    match function {
        Sqrt | Rsqrt | Exp | Log | Tanh | Sigmoid | Erf | Sin | Cos | Silu | Gelu | GeluTanh => true,
        Neg | Abs | Floor | Ceil | Round | Trunc | Not => false,
    }
}
