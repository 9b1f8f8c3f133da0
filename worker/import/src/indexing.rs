//! Operators that pick elements by index: rows of a table, gathered elements, and torch's square brackets.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::Tensor,
    core::Binary,
};
use assay_exact::{digest::DataType, graph::Dimension};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("embedding.default", embedding),
    ("index_select.default", index_select),
    ("gather.default", gather),
    ("take_along_dim.default", take_along),
    ("index.Tensor", index),
];

type Outputs = Result<Vec<Tensor>>;

fn embedding(call: &mut Call<'_, '_>) -> Outputs {
    let (table, indices) = (call.tensor("weight")?, call.tensor("indices")?);
    call.ignore(&["padding_idx", "scale_grad_by_freq", "sparse"]);
    Ok(vec![call.graph.index_select(&table, 0, &indices)?])
}

fn index_select(call: &mut Call<'_, '_>) -> Outputs {
    let (x, index) = (call.tensor("self")?, call.tensor("index")?);
    let axis = call.axis("dim", 0, x.dims.len())?;
    Ok(vec![call.graph.index_select(&x, axis, &index)?])
}

fn gather(call: &mut Call<'_, '_>) -> Outputs {
    let (x, index) = (call.tensor("self")?, call.tensor("index")?);
    let axis = call.axis("dim", 0, x.dims.len())?;
    call.ignore(&["sparse_grad"]);
    Ok(vec![call.graph.gather(&x, axis, &index)?])
}

/// Gathers along a dimension, with the others broadcast.
fn take_along(call: &mut Call<'_, '_>) -> Outputs {
    let (x, index) = (call.tensor("self")?, call.tensor("indices")?);
    let axis = call.axis("dim", 0, x.dims.len())?;
    if !call.is_given("dim") {
        return Err(call.refuse("dim", "must be given"));
    }
    let mut others = (x.dims.clone(), index.dims.clone());
    if index.dims.len() != x.dims.len() {
        return Err(call.refuse("indices", "has another number of dimensions"));
    }
    (others.0[axis], others.1[axis]) = (Dimension::Fixed(1), Dimension::Fixed(1));
    let outer = call.graph.broadcast(&others.0, &others.1)?;
    let (mut wide_x, mut wide_index) = (outer.clone(), outer);
    (wide_x[axis], wide_index[axis]) = (x.dims[axis], index.dims[axis]);
    let (x, index) = (call.graph.expand(&x, &wide_x)?, call.graph.expand(&index, &wide_index)?);
    Ok(vec![call.graph.gather(&x, axis, &index)?])
}

/// `x[…, i, …]` with one tensor of indices, or several for neighbouring dimensions.
fn index(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let indices = call.optional_tensors("indices")?;
    let first = indices.iter().position(Option::is_some).unwrap_or(0);
    let given: Vec<Tensor> = indices.iter().skip(first).map_while(Clone::clone).collect();
    if given.is_empty() || indices.iter().flatten().count() != given.len() || first + given.len() > x.dims.len() {
        return Err(call.refuse("indices", "must be tensors for neighbouring dimensions"));
    }
    if given.iter().any(|index| index.dtype == DataType::Bool) {
        return Err(call.refuse("indices", "has truth values, which give a tensor of no known size"));
    }
    let mut combined: Option<Tensor> = None;
    for (axis, index) in (first..).zip(&given) {
        let index = from_front(call, index, x.dims[axis])?;
        combined = Some(match combined {
            None => index,
            Some(outer) => {
                let length = call.graph.fill(Number::Size(x.dims[axis]), DataType::Int64)?;
                let outer = call.graph.binary(Binary::Mul, &outer, &length)?;
                call.graph.binary(Binary::Add, &outer, &index)?
            }
        });
    }
    let combined = combined.ok_or_else(|| call.refuse("indices", "is empty"))?;
    let flat = call.graph.flattened(&x.dims, first, first + given.len())?;
    let x = call.graph.reshape(&x, &flat)?;
    Ok(vec![call.graph.index_select(&x, first, &combined)?])
}

/// Indices that count from the front, where negative ones counted from the end.
fn from_front(call: &mut Call<'_, '_>, index: &Tensor, dimension: Dimension) -> Result<Tensor> {
    let index = call.graph.cast(index, DataType::Int64)?;
    if call.graph.is_arange(&index) {
        return Ok(index);
    }
    let length = call.graph.fill(Number::Size(dimension), DataType::Int64)?;
    let zero = call.graph.fill(Number::Int(0), DataType::Int64)?;
    let wrapped = call.graph.binary(Binary::Add, &index, &length)?;
    let negative = call.graph.binary(Binary::Less, &index, &zero)?;
    call.graph.select(&negative, &wrapped, &index)
}
