//! Tensors out of nothing, casts, and operators that change nothing when a model is not trained.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::Tensor,
    core::Binary,
    elementwise::operand,
};
use assay_exact::{digest::DataType, graph::Dimension};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("arange.default", arange),
    ("arange.start", arange),
    ("arange.start_step", arange),
    ("full.default", |call| filled(call, "fill_value")),
    ("full_like.default", |call| filled(call, "fill_value")),
    ("new_full.default", |call| filled(call, "fill_value")),
    ("zeros.default", |call| filled_with(call, 0)),
    ("zeros_like.default", |call| filled_with(call, 0)),
    ("new_zeros.default", |call| filled_with(call, 0)),
    ("ones.default", |call| filled_with(call, 1)),
    ("ones_like.default", |call| filled_with(call, 1)),
    ("new_ones.default", |call| filled_with(call, 1)),
    ("scalar_tensor.default", |call| filled(call, "s")),
    ("empty.memory_format", |call| filled_with(call, 0)),
    ("empty_like.default", |call| filled_with(call, 0)),
    ("empty_strided.default", |call| filled_with(call, 0)),
    ("empty_permuted.default", |call| filled_with(call, 0)),
    ("new_empty.default", |call| filled_with(call, 0)),
    ("new_empty_strided.default", |call| filled_with(call, 0)),
    ("linspace.default", linspace),
    ("eye.default", eye),
    ("eye.m", eye),
    ("to.dtype", cast),
    ("to.dtype_layout", cast),
    ("to.device", cast),
    ("to.other", cast),
    ("type_as.default", cast),
    ("_to_copy.default", cast),
    ("alias.default", same),
    ("clone.default", same),
    ("contiguous.default", same),
    ("detach.default", same),
    ("detach_.default", same),
    ("lift_fresh_copy.default", same),
    ("dropout.default", dropout),
    ("dropout_.default", dropout),
    ("feature_dropout.default", dropout),
    ("alpha_dropout.default", dropout),
    ("native_dropout.default", |call| {
        let x = dropout(call)?;
        let one = call.graph.fill(Number::Bool(true), DataType::Bool)?;
        let kept = call.graph.expand(&one, &x[0].dims)?;
        Ok([x, vec![kept]].concat())
    }),
];

type Outputs = Result<Vec<Tensor>>;

/// Fields that say where a tensor lies and how, which is the engine's business.
const PLACEMENT: &[&str] = &[
    "layout",
    "device",
    "pin_memory",
    "memory_format",
    "non_blocking",
    "copy",
];

/// `start, start + step, …`, as many as the program says.
fn arange(call: &mut Call<'_, '_>) -> Outputs {
    call.ignore(PLACEMENT);
    call.ignore(&["end", "dtype"]);
    let (dtype, dims) = call.layout()?;
    let &[length] = dims.as_slice() else {
        return Err(call.refuse("output", "has other dimensions"));
    };
    let (start, step) = (call.number("start")?, call.number("step")?);
    let (first, difference) = (start.unwrap_or(Number::Int(0)), step.unwrap_or(Number::Int(1)));
    if let (Number::Int(start), Number::Int(step)) = (first, difference)
        && dtype != DataType::Float32
    {
        let x = call.graph.arange(start, step, length)?;
        return Ok(vec![call.graph.cast(&x, dtype)?]);
    }
    let mut x = call.graph.indices(length)?;
    x = call.graph.cast(&x, dtype)?;
    for (name, neutral, operation) in [("step", 1.0, Binary::Mul), ("start", 0.0, Binary::Add)] {
        let given = call.number(name)?;
        if given.is_some_and(|number| number.float() != Some(neutral)) {
            let number = operand(call, name, dtype)?;
            x = call.graph.binary(operation, &x, &number)?;
        }
    }
    Ok(vec![x])
}

fn filled(call: &mut Call<'_, '_>, name: &str) -> Outputs {
    let number = call.number(name)?;
    let number = number.ok_or_else(|| call.refuse(name, "is missing"))?;
    fill(call, number)
}

fn filled_with(call: &mut Call<'_, '_>, value: i64) -> Outputs {
    fill(call, Number::Int(value))
}

fn fill(call: &mut Call<'_, '_>, number: Number) -> Outputs {
    call.ignore(PLACEMENT);
    call.ignore(&["self", "size", "dtype", "stride", "physical_layout"]);
    let (dtype, dims) = call.layout()?;
    let number = call.graph.fill(number, dtype)?;
    Ok(vec![call.graph.expand(&number, &dims)?])
}

/// Numbers at equal distances, counted from the nearer end.
fn linspace(call: &mut Call<'_, '_>) -> Outputs {
    call.ignore(PLACEMENT);
    call.ignore(&["dtype", "steps"]);
    let (start, end) = (call.float("start", 0.0)?, call.float("end", 0.0)?);
    let (dtype, dims) = call.layout()?;
    let &[Dimension::Fixed(steps)] = dims.as_slice() else {
        return Err(call.refuse("steps", "must be a fixed number"));
    };
    let graph = &mut *call.graph;
    let length = Dimension::Fixed(steps);
    let (first, last) = (graph.number(start)?, graph.number(end)?);
    let step = graph.number(f64::from(
        (end as f32 - start as f32) / steps.saturating_sub(1).max(1) as f32,
    ))?;
    let index = graph.indices(length)?;
    let (rising, falling) = (
        graph.cast(&index, DataType::Float32)?,
        graph.arange(i64::from(steps) - 1, -1, length)?,
    );
    let falling = graph.cast(&falling, DataType::Float32)?;
    let (from_start, to_end) = (
        graph.binary(Binary::Mul, &rising, &step)?,
        graph.binary(Binary::Mul, &falling, &step)?,
    );
    let (from_start, to_end) = (
        graph.binary(Binary::Add, &first, &from_start)?,
        graph.binary(Binary::Sub, &last, &to_end)?,
    );
    let half = graph.fill(Number::Int(i64::from(steps / 2)), DataType::Int64)?;
    let is_before = graph.binary(Binary::Less, &index, &half)?;
    let y = graph.select(&is_before, &from_start, &to_end)?;
    Ok(vec![call.graph.cast(&y, dtype)?])
}

/// 1 where row and column are the same, else 0.
fn eye(call: &mut Call<'_, '_>) -> Outputs {
    call.ignore(PLACEMENT);
    call.ignore(&["n", "m", "dtype"]);
    let (dtype, dims) = call.layout()?;
    let &[rows, columns] = dims.as_slice() else {
        return Err(call.refuse("output", "has other dimensions"));
    };
    let row = call.graph.indices(rows)?;
    let row = call.graph.reshape(&row, &[rows, Dimension::Fixed(1)])?;
    let column = call.graph.indices(columns)?;
    let diagonal = call.graph.binary(Binary::Equal, &row, &column)?;
    Ok(vec![call.graph.cast(&diagonal, dtype)?])
}

fn cast(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    call.ignore(PLACEMENT);
    call.ignore(&["dtype", "other"]);
    let (dtype, _) = call.layout()?;
    Ok(vec![call.graph.cast(&x, dtype)?])
}

fn same(call: &mut Call<'_, '_>) -> Outputs {
    call.ignore(PLACEMENT);
    Ok(vec![call.tensor("self")?])
}

/// Nothing, outside of training.
fn dropout(call: &mut Call<'_, '_>) -> Outputs {
    let name = if call.is_given("input") { "input" } else { "self" };
    let x = call.tensor(name)?;
    let probability = call.float("p", 0.5)?;
    if call.bool("train", true)? && probability != 0.0 {
        return Err(call.refuse("train", "must be false: export the model after eval()"));
    }
    Ok(vec![x])
}
