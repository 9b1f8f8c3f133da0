//! Every operator's definition, element by element.
//!
//! [`Operator::element`] reads the operands through [`Operands`] and so defines at once the result, what a judge
//! computes, and what a proof must open. [`Operator::apply`](Operator) computes whole tensors; it goes element by
//! element but for the operators whose elements share the preparation of a row, where it prepares each row once. Tests
//! compare the two.

mod contraction;
mod elementwise;
mod movement;
mod random;
mod rows;

pub use elementwise::relu;
pub use random::odd_numerator;

use crate::{
    digest::DataType,
    element::{Element, ElementError, Operands},
    graph::Operator,
    tensor::Tensor,
};
use alloc::vec::Vec;

impl Operator {
    /// The element at position `index`, in row-major order, of an output of this `shape`.
    ///
    /// The operator names no symbols ([`Operator::resolve`]), and `dtype` and `shape` are those that it gives for
    /// operands of these layouts.
    pub fn element(
        &self,
        operands: &mut impl Operands,
        dtype: DataType,
        shape: &[u32],
        index: u64,
    ) -> Result<Element, ElementError> {
        match self {
            Self::Linear { precision } => contraction::linear(operands, *precision, shape, index),
            Self::MatMul { precision } => contraction::matmul(operands, *precision, shape, index),
            Self::RowScale { precision } => contraction::row_scale(operands, precision.right(), index),
            Self::WeightedSum { precision } => contraction::weighted_sum(operands, *precision, shape, index),
            Self::Relu => elementwise::rectified(operands, index),
            Self::Unary(function) => elementwise::unary(*function, operands, dtype, index),
            Self::Binary(function) => elementwise::binary(*function, operands, shape, index),
            Self::Where => elementwise::select(operands, shape, index),
            Self::Cast { dtype } => elementwise::cast(*dtype, operands, index),
            Self::Fill { dtype, bits, .. } => Ok(Element::from_bits(*dtype, *bits)),
            Self::Arange { start, step, .. } => Ok(elementwise::arange(*start, *step, index)),
            Self::Reshape { .. } => operands.read(0, index),
            Self::Permute { axes } => movement::permute(operands, axes, shape, index),
            Self::Expand { .. } => movement::expand(operands, shape, index),
            Self::Slice { axis, start, step, .. } => movement::slice(operands, *axis, *start, *step, shape, index),
            Self::Concat { axis } => movement::concat(operands, *axis, shape, index),
            Self::Pad { axis, before, bits, .. } => {
                movement::pad(operands, *axis, *before, Element::from_bits(dtype, *bits), shape, index)
            }
            Self::Gather { axis } => movement::gather(operands, *axis, shape, index),
            Self::IndexSelect { axis } => movement::index_select(operands, *axis, shape, index),
            Self::Unfold {
                axis, step, dilation, ..
            } => movement::unfold(operands, *axis, *step, *dilation, shape, index),
            Self::Reduce(reduction) => rows::reduce(*reduction, operands, index),
            Self::CumSum => rows::cumulative_sum(operands, index),
            Self::TopK { count, largest } => rows::top_k(*count, *largest, operands, index),
            Self::Softmax => rows::softmax(operands, index),
            Self::LogSoftmax => rows::log_softmax(operands, index),
            Self::LayerNorm { epsilon } => rows::layer_norm(operands, *epsilon, index),
            Self::RmsNorm { epsilon } => rows::rms_norm(operands, *epsilon, index),
            Self::QuantisedLinear { precision, format } => {
                contraction::quantised_linear(operands, precision.left(), *format, shape, index)
            }
            Self::Random => random::random(operands, shape, index),
        }
    }

    /// The output for these inputs, with the type and the `shape` that the graph infers for it.
    ///
    /// The operator names no symbols. `None` where the inputs do not fit the operator or the shape, which a checked
    /// graph rules out.
    pub fn apply(&self, inputs: &[&Tensor], dtype: DataType, shape: Vec<u32>) -> Option<Tensor> {
        let numbers = match (self, inputs) {
            (Self::Linear { precision }, [input, weight, ..]) => {
                contraction::linear_tensor(input, weight, inputs.get(2).copied(), *precision)
            }
            (Self::QuantisedLinear { precision, format }, [input, others @ ..]) => {
                contraction::quantised_linear_tensor(input, others, precision.left(), *format)?
            }
            (Self::MatMul { precision }, [left, right]) => contraction::matmul_tensor(left, right, *precision)?,
            (Self::WeightedSum { precision }, [weights, values, scales]) => {
                contraction::weighted_sum_tensor(weights, values, scales, *precision)?
            }
            (Self::Softmax, [input]) => rows::by_row(input, rows::softmax_row),
            (Self::LogSoftmax, [input]) => rows::by_row(input, rows::log_softmax_row),
            (Self::LayerNorm { epsilon }, [input, ..]) => rows::layer_norm_tensor(input, inputs, *epsilon),
            (Self::RmsNorm { epsilon }, [input, ..]) => rows::rms_norm_tensor(input, inputs, *epsilon),
            _ => return self.apply_by_element(inputs, dtype, shape),
        };
        Tensor::from_numbers(shape, numbers.into_iter()).ok()
    }

    fn apply_by_element(&self, mut inputs: &[&Tensor], dtype: DataType, shape: Vec<u32>) -> Option<Tensor> {
        let count = shape
            .iter()
            .try_fold(1u64, |count, d| count.checked_mul(u64::from(*d)))?;
        let elements = (0..count).map(|index| self.element(&mut inputs, dtype, &shape, index));
        let elements = elements.collect::<Result<Vec<_>, _>>().ok()?;
        Tensor::from_elements(dtype, shape, elements.into_iter()).ok()
    }
}

#[cfg(test)]
mod tests;
