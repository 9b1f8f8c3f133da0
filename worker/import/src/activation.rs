//! Activations: those that exact arithmetic defines, and those that are put together from simpler operators.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    core::{Binary, Unary},
    elementwise::operand,
};
use assay_exact::digest::DataType;

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("relu.default", |call| {
        let x = call.tensor("self")?;
        let (dtype, _) = call.layout()?;
        let x = call.graph.cast(&x, dtype)?;
        Ok(vec![call.graph.relu(&x)?])
    }),
    ("silu.default", |call| simple(call, Unary::Silu)),
    ("gelu.default", gelu),
    ("relu6.default", |call| clipped(call, 0.0, 6.0)),
    ("hardtanh.default", hardtanh),
    ("hardsigmoid.default", hardsigmoid),
    ("hardswish.default", hardswish),
    ("leaky_relu.default", leaky_relu),
    ("prelu.default", prelu),
    ("elu.default", |call| elu(call, 1.0, 1.0)),
    ("celu.default", celu),
    ("selu.default", |call| {
        elu(call, 1.673_263_242_354_377_2, 1.050_700_987_355_480_5)
    }),
    ("softplus.default", softplus),
    ("log_sigmoid.default", log_sigmoid),
    ("mish.default", mish),
    ("softsign.default", softsign),
    ("threshold.default", threshold),
    ("glu.default", glu),
];

type Outputs = Result<Vec<Tensor>>;

fn simple(call: &mut Call<'_, '_>, function: Unary) -> Outputs {
    let x = call.tensor("self")?;
    Ok(vec![call.graph.unary(function, &x)?])
}

fn gelu(call: &mut Call<'_, '_>) -> Outputs {
    match call.string("approximate")? {
        None | Some("none") => simple(call, Unary::Gelu),
        Some("tanh") => simple(call, Unary::GeluTanh),
        Some(_) => Err(call.refuse("approximate", "is neither none nor tanh")),
    }
}

fn number(graph: &mut Builder<'_>, value: f64) -> Result<Tensor> {
    graph.fill(Number::Float(value), DataType::Float32)
}

/// `x` between two numbers.
fn clip(graph: &mut Builder<'_>, x: &Tensor, least: f64, greatest: f64) -> Result<Tensor> {
    let (least, greatest) = (number(graph, least)?, number(graph, greatest)?);
    let x = graph.binary(Binary::Max, x, &least)?;
    graph.binary(Binary::Min, &x, &greatest)
}

fn clipped(call: &mut Call<'_, '_>, least: f64, greatest: f64) -> Outputs {
    let x = call.tensor("self")?;
    Ok(vec![clip(call.graph, &x, least, greatest)?])
}

fn hardtanh(call: &mut Call<'_, '_>) -> Outputs {
    let (least, greatest) = (call.float("min_val", -1.0)?, call.float("max_val", 1.0)?);
    clipped(call, least, greatest)
}

/// `min(max(x + 3, 0), 6) / 6`.
fn hard_gate(graph: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let (three, six) = (number(graph, 3.0)?, number(graph, 6.0)?);
    let shifted = graph.binary(Binary::Add, x, &three)?;
    let clipped = clip(graph, &shifted, 0.0, 6.0)?;
    graph.binary(Binary::Div, &clipped, &six)
}

fn hardsigmoid(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    Ok(vec![hard_gate(call.graph, &x)?])
}

fn hardswish(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let gate = hard_gate(call.graph, &x)?;
    Ok(vec![call.graph.binary(Binary::Mul, &x, &gate)?])
}

/// `x > 0 ? x : below`.
fn or_below(graph: &mut Builder<'_>, x: &Tensor, below: &Tensor) -> Result<Tensor> {
    let zero = number(graph, 0.0)?;
    let above = graph.binary(Binary::Greater, x, &zero)?;
    graph.select(&above, x, below)
}

fn leaky_relu(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let slope = call.float("negative_slope", 0.01)?;
    let slope = number(call.graph, slope)?;
    let below = call.graph.binary(Binary::Mul, &x, &slope)?;
    Ok(vec![or_below(call.graph, &x, &below)?])
}

/// Leaky, with one slope for all or one for each channel, which is the second dimension.
fn prelu(call: &mut Call<'_, '_>) -> Outputs {
    let (x, slope) = (call.tensor("self")?, call.tensor("weight")?);
    let slope = call.graph.along(&slope, 1, x.dims.len())?;
    let below = call.graph.binary(Binary::Mul, &x, &slope)?;
    Ok(vec![or_below(call.graph, &x, &below)?])
}

/// `scale × (x > 0 ? x : alpha × (exp(x × input_scale) − 1))`.
fn exponential_below(graph: &mut Builder<'_>, x: &Tensor, alpha: f64, scale: f64, input_scale: f64) -> Result<Tensor> {
    let [zero, one, alpha, scale, input_scale] = {
        let mut numbers = Vec::new();
        for value in [0.0, 1.0, alpha, scale, input_scale] {
            numbers.push(number(graph, value)?);
        }
        <[Tensor; 5]>::try_from(numbers).expect("as many as were made")
    };
    // Positive numbers are not taken to the exponential, which may be infinite there.
    let negative = graph.binary(Binary::Min, x, &zero)?;
    let negative = graph.binary(Binary::Mul, &negative, &input_scale)?;
    let power = graph.unary(Unary::Exp, &negative)?;
    let below = graph.binary(Binary::Sub, &power, &one)?;
    let below = graph.binary(Binary::Mul, &below, &alpha)?;
    let y = or_below(graph, x, &below)?;
    graph.binary(Binary::Mul, &y, &scale)
}

fn elu(call: &mut Call<'_, '_>, alpha: f64, scale: f64) -> Outputs {
    let x = call.tensor("self")?;
    let (alpha, scale) = (call.float("alpha", alpha)?, call.float("scale", scale)?);
    let input_scale = call.float("input_scale", 1.0)?;
    Ok(vec![exponential_below(call.graph, &x, alpha, scale, input_scale)?])
}

fn celu(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let alpha = call.float("alpha", 1.0)?;
    Ok(vec![exponential_below(call.graph, &x, alpha, 1.0, 1.0 / alpha)?])
}

/// `log(1 + exp(−|x|)) + max(x, 0)`, which does not overflow.
fn log_one_plus_exp(graph: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let one = number(graph, 1.0)?;
    let size = graph.unary(Unary::Abs, x)?;
    let negative = graph.unary(Unary::Neg, &size)?;
    let power = graph.unary(Unary::Exp, &negative)?;
    let sum = graph.binary(Binary::Add, &one, &power)?;
    let log = graph.unary(Unary::Log, &sum)?;
    let positive = graph.relu(x)?;
    graph.binary(Binary::Add, &positive, &log)
}

/// `log(1 + exp(beta × x)) / beta`, and `x` itself where `beta × x` is above the threshold.
fn softplus(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let (beta, threshold) = (call.float("beta", 1.0)?, call.float("threshold", 20.0)?);
    let (beta, threshold) = (number(call.graph, beta)?, number(call.graph, threshold)?);
    let graph = &mut *call.graph;
    let scaled = graph.binary(Binary::Mul, &x, &beta)?;
    let soft = log_one_plus_exp(graph, &scaled)?;
    let soft = graph.binary(Binary::Div, &soft, &beta)?;
    let linear = graph.binary(Binary::Greater, &scaled, &threshold)?;
    Ok(vec![graph.select(&linear, &x, &soft)?])
}

/// `log(sigmoid(x)) = −log(1 + exp(−x))`.
fn log_sigmoid(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let negative = call.graph.unary(Unary::Neg, &x)?;
    let soft = log_one_plus_exp(call.graph, &negative)?;
    Ok(vec![call.graph.unary(Unary::Neg, &soft)?])
}

/// `x × tanh(log(1 + exp(x)))`.
fn mish(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let soft = log_one_plus_exp(call.graph, &x)?;
    let gate = call.graph.unary(Unary::Tanh, &soft)?;
    Ok(vec![call.graph.binary(Binary::Mul, &x, &gate)?])
}

/// `x / (1 + |x|)`.
fn softsign(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let one = number(call.graph, 1.0)?;
    let size = call.graph.unary(Unary::Abs, &x)?;
    let size = call.graph.binary(Binary::Add, &one, &size)?;
    Ok(vec![call.graph.binary(Binary::Div, &x, &size)?])
}

/// `x > threshold ? x : value`.
fn threshold(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let (threshold, value) = (operand(call, "threshold", x.dtype)?, operand(call, "value", x.dtype)?);
    let above = call.graph.binary(Binary::Greater, &x, &threshold)?;
    Ok(vec![call.graph.select(&above, &x, &value)?])
}

/// The first half of a dimension times the sigmoid of the second.
fn glu(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let axis = call.axis_of("dim", -1, &x)?;
    let half = call.graph.fixed(&x, axis)? / 2;
    let left = call.graph.slice(&x, axis, 0, half, 1)?;
    let right = call.graph.slice(&x, axis, half, half, 1)?;
    let gate = call.graph.unary(Unary::Sigmoid, &right)?;
    Ok(vec![call.graph.binary(Binary::Mul, &left, &gate)?])
}
