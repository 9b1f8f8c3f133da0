//! Shapes of what is computed element by element, and of what is made from nothing.

use super::{
    super::{Binary, Dimension, MAX_RANK, Unary},
    Layout, ShapeError, float32, only,
};
use crate::digest::DataType;
use alloc::vec::Vec;

pub(super) fn relu(inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    float32(only(inputs)?).cloned()
}

pub(super) fn unary(function: Unary, inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let input = only(inputs)?;
    let defined = match function {
        Unary::Neg | Unary::Abs => input.dtype != DataType::Bool,
        Unary::Not => input.dtype != DataType::Float32,
        _ => input.dtype == DataType::Float32,
    };
    if !defined {
        return Err(ShapeError::DataType(input.dtype));
    }
    Ok(input.clone())
}

pub(super) fn binary(function: Binary, inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let [left, right] = inputs else {
        return Err(ShapeError::Arity { actual: inputs.len() });
    };
    let (boolean, number) = (left.dtype == DataType::Bool, left.dtype == DataType::Float32);
    let (defined, dtype) = match function {
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem | Binary::Min | Binary::Max => {
            (!boolean, left.dtype)
        }
        Binary::Equal | Binary::NotEqual => (true, DataType::Bool),
        Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => (!boolean, DataType::Bool),
        Binary::And | Binary::Or | Binary::Xor => (!number, left.dtype),
        Binary::Shl | Binary::Shr => (!number && !boolean, left.dtype),
    };
    if !defined {
        return Err(ShapeError::DataType(left.dtype));
    }
    if right.dtype != left.dtype {
        return Err(ShapeError::DataType(right.dtype));
    }
    let dimensions = broadcast(&left.dimensions, &right.dimensions).ok_or(ShapeError::Dimensions { input: 1 })?;
    Ok(Layout { dtype, dimensions })
}

pub(super) fn select(inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let [condition, yes, no] = inputs else {
        return Err(ShapeError::Arity { actual: inputs.len() });
    };
    if condition.dtype != DataType::Bool {
        return Err(ShapeError::DataType(condition.dtype));
    }
    if no.dtype != yes.dtype {
        return Err(ShapeError::DataType(no.dtype));
    }
    let dimensions = broadcast(&condition.dimensions, &yes.dimensions).ok_or(ShapeError::Dimensions { input: 1 })?;
    let dimensions = broadcast(&dimensions, &no.dimensions).ok_or(ShapeError::Dimensions { input: 2 })?;
    Ok(Layout {
        dtype: yes.dtype,
        dimensions,
    })
}

pub(super) fn random(inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let [key, counter, lane] = inputs else {
        return Err(ShapeError::Arity { actual: inputs.len() });
    };
    if let Some(other) = inputs.iter().find(|input| input.dtype != DataType::Int64) {
        return Err(ShapeError::DataType(other.dtype));
    }
    let dimensions = broadcast(&key.dimensions, &counter.dimensions).ok_or(ShapeError::Dimensions { input: 1 })?;
    let dimensions = broadcast(&dimensions, &lane.dimensions).ok_or(ShapeError::Dimensions { input: 2 })?;
    Ok(Layout {
        dtype: DataType::Float32,
        dimensions,
    })
}

pub(super) fn cast(dtype: DataType, inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    let dimensions = only(inputs)?.dimensions.clone();
    Ok(Layout { dtype, dimensions })
}

pub(super) fn fill(dtype: DataType, dimensions: &[Dimension], inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    if !inputs.is_empty() {
        return Err(ShapeError::Arity { actual: inputs.len() });
    }
    if dimensions.len() > MAX_RANK {
        return Err(ShapeError::Parameter("rank"));
    }
    if dimensions.contains(&Dimension::Fixed(0)) {
        return Err(ShapeError::Parameter("dimension"));
    }
    Ok(Layout {
        dtype,
        dimensions: dimensions.to_vec(),
    })
}

pub(super) fn arange(length: Dimension, inputs: &[&Layout]) -> Result<Layout, ShapeError> {
    fill(DataType::Int64, &[length], inputs)
}

/// The dimensions that both are repeated to: from the last, they are the same, or one of the two is 1 or missing.
fn broadcast(left: &[Dimension], right: &[Dimension]) -> Option<Vec<Dimension>> {
    const ONE: Dimension = Dimension::Fixed(1);
    let rank = left.len().max(right.len());
    let padded = |dimensions: &[Dimension]| {
        let missing = rank.saturating_sub(dimensions.len());
        let present = dimensions.to_vec();
        core::iter::repeat_n(ONE, missing).chain(present)
    };
    let pairs = padded(left).zip(padded(right));
    let dimensions = pairs.map(|pair| match pair {
        (left, right) if left == right => Some(left),
        (ONE, other) | (other, ONE) => Some(other),
        _ => None,
    });
    dimensions.collect()
}
