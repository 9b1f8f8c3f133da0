//! Operators on rows along the last dimension.

use super::{Failure, cast, code, fit};
use crate::{array::Array, parameters::Parameters, queue::Queue};
use assay_exact::{digest::DataType, quantise::Precision};
use assay_ops::{
    layout::Dims,
    words::{Masking, Normalisation, Reduction},
};

/// Elements of a row up to which comparing each with each is faster than sorting.
const SHORT_ROW: usize = 128;
/// Rows that are sorted at a time, each in memory of its own.
const SORTED_AT_ONCE: usize = 512;

/// Every row, normalised; then times its weight and plus its bias, if there are any.
pub fn normalise(queue: &Queue, normalisation: Normalisation, operands: &mut [Array]) -> Result<Array, Failure> {
    let (input, others) = fit(operands.split_first())?;
    let length = *fit(input.shape().last())?;
    let numbers = operands.iter().all(|operand| operand.dtype == DataType::Float32);
    if !numbers || others.iter().any(|other| other.shape() != [length]) {
        return Err(Failure::Misfit);
    }
    let (kernel, epsilon) = match normalisation {
        Normalisation::Softmax => return softmax(queue, "softmax", input, None, None),
        Normalisation::LogSoftmax => return softmax(queue, "log_softmax", input, None, None),
        Normalisation::LayerNorm { epsilon } => ("layer_norm", epsilon),
        Normalisation::RmsNorm { epsilon } => ("rms_norm", epsilon),
    };
    let others = others.iter().map(|other| other.contiguous(queue));
    let others = others.collect::<Result<Vec<_>, _>>()?;
    let output = Array::new(queue, DataType::Float32, input.layout.shape)?;
    let parameters = fit(Parameters::default().rows(input))?
        .address(&output.buffer)
        .address(&input.buffer)
        .word(u64::from(epsilon.to_bits()))
        .optional(others.first().map(|weight| &*weight.buffer))
        .optional(others.get(1).map(|bias| &*bias.buffer));
    queue.for_rows(kernel, input.len() / length, input.len(), parameters)?;
    Ok(output)
}

/// The softmax of rows, or its logarithm, of numbers that are first multiplied with one, if there is one, and then
/// masked.
pub(super) fn softmax(
    queue: &Queue,
    kernel: &'static str,
    input: &Array,
    scale: Option<f32>,
    mask: Option<(Masking, &Array)>,
) -> Result<Array, Failure> {
    let axis = fit(input.shape().len().checked_sub(1))?;
    let output = Array::new(queue, DataType::Float32, input.layout.shape)?;
    let parameters = fit(Parameters::default().rows(input))?
        .address(&output.buffer)
        .address(&input.buffer)
        .word(u64::from(scale.is_some()))
        .word(u64::from(scale.unwrap_or(1.0).to_bits()));
    // Of a mask that is not there nothing is read.
    let (masking, mask) = mask.unwrap_or((Masking::None, input));
    let masking = match (masking, mask.dtype) {
        (Masking::None, _) => 0,
        (Masking::Add, DataType::Float32) => 1,
        (Masking::Keep, DataType::Bool) => 2,
        _ => return Err(Failure::Misfit),
    };
    let layout = fit(mask.layout.repeated(input.layout.shape))?;
    let (starts, _) = layout.split(axis);
    let parameters = parameters
        .word(masking)
        .address(&mask.buffer)
        .view(&starts)
        .count(layout.strides[axis]);
    let rows = input.len() / input.shape()[axis];
    queue.for_rows(kernel, rows, input.len(), parameters)?;
    Ok(output)
}

/// One element from each row.
pub fn reduce(queue: &Queue, reduction: Reduction, input: &Array, shape: Dims) -> Result<Array, Failure> {
    let length = *fit(input.shape().last())?;
    if input.len() != shape.elements() * length {
        return Err(Failure::Misfit);
    }
    let (own, is_number) = (input.dtype, input.dtype == DataType::Float32);
    let (kernel, reduction, dtype) = match reduction {
        Reduction::Sum if is_number => ("sum_numbers", 0, own),
        Reduction::Sum => ("sum_integers", 0, DataType::Int64),
        Reduction::Mean if is_number => ("sum_numbers", 1, own),
        Reduction::Mean => return Err(Failure::Misfit),
        // Of truth values, the greatest is whether any is true, and the least whether all are.
        Reduction::Max | Reduction::Any => ("best", 2, own),
        Reduction::Min | Reduction::All => ("best", 3, own),
        Reduction::ArgMax => ("best", 4, DataType::Int64),
        Reduction::ArgMin => ("best", 5, DataType::Int64),
    };
    let output = Array::new(queue, dtype, shape)?;
    let parameters = fit(Parameters::default().rows(input))?
        .word(reduction)
        .word(code(own))
        .address(&output.buffer)
        .address(&input.buffer);
    queue.for_rows(kernel, shape.elements(), input.len(), parameters)?;
    Ok(output)
}

/// The scales that quantising gives the rows.
pub fn row_scale(queue: &Queue, precision: Precision, input: &Array, shape: Dims) -> Result<Array, Failure> {
    let length = *fit(input.shape().last())?;
    if input.dtype != DataType::Float32 || input.len() != shape.elements() * length {
        return Err(Failure::Misfit);
    }
    let output = Array::new(queue, DataType::Float32, shape)?;
    let parameters = fit(Parameters::default().rows(input))?
        .address(&input.buffer)
        .word(precision.right().greatest() as u64)
        // No stride, no factors and no integers.
        .word(0)
        .word(0)
        .word(0)
        .word(1)
        .word(0)
        .word(0)
        .address(&output.buffer);
    queue.for_rows("row_scale", shape.elements(), input.len(), parameters)?;
    Ok(output)
}

/// The sum of each element and those before it in its row.
pub fn cum_sum(queue: &Queue, input: &Array) -> Result<Array, Failure> {
    let input = match input.dtype {
        DataType::Float32 => input.clone(),
        _ => cast(queue, input, DataType::Int64)?,
    };
    let output = Array::new(queue, input.dtype, input.layout.shape)?;
    let length = *fit(input.shape().last())?;
    let rows = input.len().checked_div(length).unwrap_or(0);
    let parameters = sequence(&input, length, false, &output)?;
    queue.for_rows("sums_so_far", rows, input.len(), parameters)?;
    Ok(output)
}

/// Where the greatest or the least elements of each row stand, the best first, and of equal ones the first. NaN is
/// better than every number.
pub fn top_k(queue: &Queue, largest: bool, input: &Array, shape: Dims) -> Result<Array, Failure> {
    let (length, count) = (*fit(input.shape().last())?, *fit(shape.last())?);
    let rows = input.len().checked_div(length).unwrap_or(0);
    if count > length || rows * count != shape.elements() {
        return Err(Failure::Misfit);
    }
    let output = Array::new(queue, DataType::Int64, shape)?;
    if length <= SHORT_ROW {
        queue.for_each("top_k", input.len(), sequence(input, count, largest, &output)?)?;
        return Ok(output);
    }
    let (blocks, padded) = (rows.clamp(1, SORTED_AT_ONCE), length.next_power_of_two());
    let mut dims = Dims::default();
    dims.push(blocks * padded);
    let places = Array::new(queue, DataType::Int32, dims)?;
    let parameters = fit(Parameters::default().rows(input))?
        .word(code(input.dtype))
        .count(count)
        .word(u64::from(largest))
        .count(padded)
        .address(&output.buffer)
        .address(&input.buffer)
        .address(&places.buffer);
    queue.blocks("sorted_places", blocks, input.len().max(places.len()), parameters)?;
    Ok(output)
}

fn sequence(input: &Array, count: usize, largest: bool, output: &Array) -> Result<Parameters, Failure> {
    Ok(fit(Parameters::default().rows(input))?
        .word(code(input.dtype))
        .count(count)
        .word(u64::from(largest))
        .address(&output.buffer)
        .address(&input.buffer))
}
