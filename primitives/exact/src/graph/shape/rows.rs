//! Shapes of operators whose elements depend on a whole row, the last dimension.

use super::{
    super::{Dimension, Graph, MAX_ROW_BYTES, Reduction},
    Layout, ShapeError,
    contraction::{greatest, least, split_row},
    float32, only,
};
use crate::digest::DataType;

pub(super) fn reduce(graph: &Graph, reduction: Reduction, inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let input = only(inputs)?;
    let (_, rows) = row(graph, input)?;
    let dtype = match (reduction, input.dtype) {
        (Reduction::Sum | Reduction::Mean, DataType::Float32) => DataType::Float32,
        (Reduction::Sum, _) => DataType::Int64,
        (Reduction::Any | Reduction::All, DataType::Bool) => DataType::Bool,
        (Reduction::Mean | Reduction::Any | Reduction::All, dtype) => return Err(ShapeError::DataType(dtype)),
        (Reduction::Max | Reduction::Min, dtype) => dtype,
        (Reduction::ArgMax | Reduction::ArgMin, _) => DataType::Int64,
    };
    Ok(Layout {
        dtype,
        dimensions: rows.to_vec(),
    })
}

pub(super) fn cumulative_sum(graph: &Graph, inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let input = only(inputs)?;
    row(graph, input)?;
    Ok(Layout {
        dtype: match input.dtype {
            DataType::Float32 => DataType::Float32,
            _ => DataType::Int64,
        },
        dimensions: input.dimensions.clone(),
    })
}

pub(super) fn top_k(graph: &Graph, count: u32, inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let input = only(inputs)?;
    let (length, rows) = row(graph, input)?;
    if count == 0 || least(graph, length).is_none_or(|least| count > least) {
        return Err(ShapeError::Parameter("count"));
    }
    Ok(Layout {
        dtype: DataType::Int64,
        dimensions: [rows, &[Dimension::Fixed(count)]].concat(),
    })
}

pub(super) fn softmax(graph: &Graph, inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let input = float32(only(inputs)?)?;
    row(graph, input)?;
    Ok(input.clone())
}

/// A norm of the input's rows, with up to `parameters` vectors of a row's length.
pub(super) fn norm(graph: &Graph, inputs: &[&Layout], parameters: usize) -> Result<Layout, ShapeError> {
    let arity = ShapeError::Arity { actual: inputs.len() };
    let (input, vectors) = inputs.split_first().ok_or(arity.clone())?;
    if vectors.len() > parameters {
        return Err(arity);
    }
    let (length, _) = row(graph, float32(input)?)?;
    for (position, vector) in vectors.iter().enumerate() {
        if float32(vector)?.dimensions != [length] {
            // At most two vectors.
            return Err(ShapeError::Dimensions {
                input: position.saturating_add(1),
            });
        }
    }
    Ok((*input).clone())
}

/// The last dimension, bounded by what a proof may open, and those before it.
fn row<'a>(graph: &Graph, input: &'a Layout) -> Result<(Dimension, &'a [Dimension]), ShapeError> {
    let (length, rows) = split_row(input, 0)?;
    let bytes = greatest(graph, length).map(|length| u64::from(length).saturating_mul(input.dtype.size_bytes() as u64));
    match bytes {
        Some(1..=MAX_ROW_BYTES) => Ok((length, rows)),
        _ => Err(ShapeError::RowTooLong(length)),
    }
}
