//! Every operator's definition, on whole tensors.

use crate::{
    binary32::Binary32,
    graph::Operator,
    quantise::{Precision, QuantisedRow},
    tensor::{SizeError, Tensor},
};
use alloc::vec::Vec;

impl Operator {
    /// The output for these inputs, with the `shape` that the graph infers for it.
    ///
    /// `None` where the inputs do not fit the operator or the shape, which a checked graph rules out.
    pub(crate) fn apply(&self, inputs: &[&Tensor], shape: Vec<u32>) -> Option<Tensor> {
        let output = match (self, inputs) {
            (Self::Linear { precision }, [input, weight]) => linear(input, weight, None, *precision, shape),
            (Self::Linear { precision }, [input, weight, bias]) => linear(input, weight, Some(bias), *precision, shape),
            (Self::Relu, [input]) => Tensor::from_numbers(shape, input.numbers().map(relu)),
            (Self::Reshape { .. }, [input]) => Tensor::new(input.dtype(), shape, input.bytes().to_vec()),
            _ => return None,
        };
        output.ok()
    }
}

/// `y[i, j] = f32(Σ_k qa[i, k] · qb[j, k]) · (sa[i] · sb[j]) + bias[j]`, the rows quantised as [`crate::quantise`] says.
fn linear(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    precision: Precision,
    shape: Vec<u32>,
) -> Result<Tensor, SizeError> {
    let (rows, columns) = (quantised_rows(input, precision), quantised_rows(weight, precision));
    let bias: Option<Vec<Binary32>> = bias.map(|bias| bias.numbers().collect());
    let numbers = rows.iter().flat_map(|row| {
        columns.iter().enumerate().map(|(j, column)| {
            let product = row.product(column);
            match &bias {
                Some(bias) => product + bias.get(j).copied().unwrap_or(Binary32::NAN),
                None => product,
            }
        })
    });
    Tensor::from_numbers(shape, numbers)
}

/// The rows along a tensor's last dimension, quantised.
fn quantised_rows(tensor: &Tensor, precision: Precision) -> Vec<QuantisedRow> {
    let numbers: Vec<Binary32> = tensor.numbers().collect();
    let length = tensor.shape().last().copied().unwrap_or(1).max(1) as usize;
    numbers
        .chunks(length)
        .map(|row| QuantisedRow::new(row.iter().copied(), precision))
        .collect()
}

/// The greater of `x` and 0; NaN stays.
pub fn relu(x: Binary32) -> Binary32 {
    x.max(Binary32::ZERO)
}
