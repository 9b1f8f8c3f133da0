//! Products of matrices.
//!
//! The second operand of a contraction has its rows along the summed dimension, so `a @ b` takes `b` transposed. What a
//! softmax gives is multiplied as weights over the rows of the second operand instead, which is how attention stays the
//! same bits whether its rows are computed together or one by one. So is everything whose summed dimension is dynamic.

use super::{
    Handler,
    arguments::{Call, Result},
    builder::{Builder, Tensor},
    core::Binary,
    elementwise::scaled,
};
use assay_exact::graph::Dimension;

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("linear.default", linear),
    ("matmul.default", |call| product_of(call, "self", "other")),
    ("mm.default", |call| product_of(call, "self", "mat2")),
    ("bmm.default", |call| product_of(call, "self", "mat2")),
    ("mv.default", |call| product_of(call, "self", "vec")),
    ("outer.default", |call| outer(call, "vec2")),
    ("ger.default", |call| outer(call, "vec2")),
    ("inner.default", inner),
    ("dot.default", |call| product_of(call, "self", "tensor")),
    ("addmm.default", |call| add_product(call, "mat1", "mat2")),
    ("addbmm.default", |call| add_product(call, "batch1", "batch2")),
    ("baddbmm.default", |call| add_product(call, "batch1", "batch2")),
    ("addmv.default", |call| add_product(call, "mat", "vec")),
];

type Outputs = Result<Vec<Tensor>>;

fn linear(call: &mut Call<'_, '_>) -> Outputs {
    let (input, weight) = (call.tensor("input")?, call.tensor("weight")?);
    let bias = call.optional_tensor("bias")?;
    Ok(vec![call.graph.linear(&input, &weight, bias.as_ref())?])
}

fn product_of(call: &mut Call<'_, '_>, left: &str, right: &str) -> Outputs {
    let (a, b) = (call.tensor(left)?, call.tensor(right)?);
    Ok(vec![product(call.graph, &a, &b)?])
}

/// Each element of one vector times each of another.
fn outer(call: &mut Call<'_, '_>, right: &str) -> Outputs {
    let (a, b) = (call.tensor("self")?, call.tensor(right)?);
    let column = call.graph.along(&a, 0, 2)?;
    Ok(vec![call.graph.binary(Binary::Mul, &column, &b)?])
}

/// The products of all rows of two tensors.
fn inner(call: &mut Call<'_, '_>) -> Outputs {
    let (a, b) = (call.tensor("self")?, call.tensor("other")?);
    let (_, dims) = call.layout()?;
    let last = b.dims.len().saturating_sub(1);
    let rows = call.graph.flattened(&b.dims, 0, last)?;
    let rows = call.graph.reshape(&b, &rows)?;
    let columns = call.graph.transpose(&rows, 0, 1)?;
    let y = product(call.graph, &a, &columns)?;
    Ok(vec![call.graph.reshape(&y, &dims)?])
}

/// `beta × self + alpha × (a @ b)`.
fn add_product(call: &mut Call<'_, '_>, left: &str, right: &str) -> Outputs {
    let (addend, a, b) = (call.tensor("self")?, call.tensor(left)?, call.tensor(right)?);
    let product = product(call.graph, &a, &b)?;
    let product = scaled(call, "alpha", product)?;
    let addend = scaled(call, "beta", addend)?;
    Ok(vec![call.graph.binary(Binary::Add, &product, &addend)?])
}

/// `a @ b` for any number of dimensions, as torch's matmul has it.
pub(super) fn product(graph: &mut Builder<'_>, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let one = [Dimension::Fixed(1)];
    // A vector is a row on the left and a column on the right, and the dimension is dropped again.
    let left = if a.dims.len() == 1 {
        graph.reshape(a, &[&one, a.dims.as_slice()].concat())?
    } else {
        a.clone()
    };
    let right = if b.dims.len() == 1 {
        graph.reshape(b, &[b.dims.as_slice(), &one].concat())?
    } else {
        b.clone()
    };
    let result = matrices(graph, &left, &right)?;
    let mut dims = result.dims.clone();
    if b.dims.len() == 1 {
        dims.pop();
    }
    if a.dims.len() == 1 {
        dims.remove(dims.len() - usize::from(b.dims.len() != 1) - 1);
    }
    graph.reshape(&result, &dims)
}

fn matrices(graph: &mut Builder<'_>, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let is_dynamic = !matches!(a.dims.last(), Some(Dimension::Fixed(_)));
    if graph.is_softmax(a) || is_dynamic {
        let (a, b) = broadcast_outer(graph, a, b)?;
        return graph.weighted_sum(&a, &b);
    }
    let transposed = graph.transpose(b, b.dims.len() - 2, b.dims.len() - 1)?;
    if transposed.dims.len() == 2 {
        return graph.linear(a, &transposed, None);
    }
    let (a, b) = broadcast_outer(graph, a, &transposed)?;
    graph.matmul(&a, &b)
}

/// Both operands with the same dimensions before the last two.
pub(super) fn broadcast_outer(graph: &mut Builder<'_>, a: &Tensor, b: &Tensor) -> Result<(Tensor, Tensor)> {
    let (outer_a, matrix_a) = a.dims.split_at(a.dims.len().saturating_sub(2));
    let (outer_b, matrix_b) = b.dims.split_at(b.dims.len().saturating_sub(2));
    let outer = graph.broadcast(outer_a, outer_b)?;
    let (matrix_a, matrix_b) = ([&outer, matrix_a].concat(), [&outer, matrix_b].concat());
    Ok((graph.expand(a, &matrix_a)?, graph.expand(b, &matrix_b)?))
}
