//! Scaled dot-product attention: scores, mask, softmax, and the weighted sum of the values.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    contraction::broadcast_outer,
    core::Binary,
};
use assay_exact::{digest::DataType, graph::Dimension};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("scaled_dot_product_attention.default", attention),
    ("_scaled_dot_product_flash_attention_for_cpu.default", attention),
];

fn attention(call: &mut Call<'_, '_>) -> Result<Vec<Tensor>> {
    let (query, mut key, mut value) = (call.tensor("query")?, call.tensor("key")?, call.tensor("value")?);
    let mask = call.optional_tensor("attn_mask")?;
    if call.float("dropout_p", 0.0)? != 0.0 {
        return Err(call.refuse("dropout_p", "must be 0: export the model after eval()"));
    }
    let is_causal = call.bool("is_causal", false)?;
    if call.bool("enable_gqa", false)? {
        key = grouped(call, &query, &key)?;
        value = grouped(call, &query, &value)?;
    }
    let width = call.graph.fixed(&query, query.dims.len() - 1)?;
    let scale = call.float("scale", 1.0 / f64::from(width).sqrt())?;

    let graph = &mut *call.graph;
    let (query, key) = broadcast_outer(graph, &query, &key)?;
    let scores = graph.matmul(&query, &key)?;
    let scale = graph.fill(Number::Float(scale), DataType::Float32)?;
    let mut scores = graph.binary(Binary::Mul, &scores, &scale)?;
    if is_causal {
        let mask = causal_mask(graph, &scores)?;
        scores = masked(graph, &scores, &mask)?;
    }
    if let Some(mask) = mask {
        scores = masked(graph, &scores, &mask)?;
    }
    let weights = graph.softmax(&scores)?;
    let (weights, value) = broadcast_outer(graph, &weights, &value)?;
    Ok(vec![graph.weighted_sum(&weights, &value)?])
}

/// Scores with −∞ where a mask of truth values is false, or with a mask of numbers added.
fn masked(graph: &mut Builder<'_>, scores: &Tensor, mask: &Tensor) -> Result<Tensor> {
    if mask.dtype == DataType::Bool {
        let never = graph.fill(Number::Float(f64::NEG_INFINITY), DataType::Float32)?;
        graph.select(mask, scores, &never)
    } else {
        graph.binary(Binary::Add, scores, mask)
    }
}

/// A query sees the keys up to its own position, counted from the first of both.
fn causal_mask(graph: &mut Builder<'_>, scores: &Tensor) -> Result<Tensor> {
    let [.., queries, keys] = scores.dims.as_slice() else {
        return Err(graph.misfit("needs two dimensions"));
    };
    let (queries, keys) = (*queries, *keys);
    let row = graph.indices(queries)?;
    let row = graph.reshape(&row, &[queries, Dimension::Fixed(1)])?;
    let column = graph.indices(keys)?;
    graph.binary(Binary::GreaterOrEqual, &row, &column)
}

/// Keys or values with each head repeated for the queries' heads that share it.
fn grouped(call: &mut Call<'_, '_>, query: &Tensor, shared: &Tensor) -> Result<Tensor> {
    let axis = query.dims.len().saturating_sub(3);
    let (heads, groups) = (call.graph.fixed(query, axis)?, call.graph.fixed(shared, axis)?);
    if groups == 0 || heads % groups != 0 {
        return Err(call.refuse("enable_gqa", "needs as many query heads as a multiple of the key heads"));
    }
    call.graph.repeat_interleave(shared, axis, heads / groups)
}
