//! Normalisations and softmax. A dimension other than the last is moved there and back.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    core::{Binary, Reduction, Unary},
    reduction::{Over, over},
};
use assay_exact::{digest::DataType, graph::Dimension};

/// Summand of torch where the author gives none: the distance from 1 to the next binary32 number.
const BINARY32_EPSILON: f64 = f32::EPSILON as f64;

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("softmax.int", |call| softmax(call, |graph, x| graph.softmax(x))),
    ("_softmax.default", |call| softmax(call, |graph, x| graph.softmax(x))),
    ("log_softmax.int", |call| softmax(call, |graph, x| graph.log_softmax(x))),
    ("_log_softmax.default", |call| {
        softmax(call, |graph, x| graph.log_softmax(x))
    }),
    ("layer_norm.default", layer_norm),
    ("native_layer_norm.default", layer_norm),
    ("native_group_norm.default", native_group_norm),
    ("_native_batch_norm_legit_no_training.default", batch_norm),
    ("_native_batch_norm_legit.default", batch_norm),
    ("_native_batch_norm_legit_functional.default", batch_norm),
    ("native_batch_norm.default", batch_norm),
    ("_batch_norm_no_update.default", batch_norm),
    ("_weight_norm.default", weight_norm),
    ("_weight_norm_interface.default", weight_norm),
    ("_safe_softmax.default", |call| {
        softmax(call, |graph, x| graph.softmax(x))
    }),
    ("rms_norm.default", rms_norm),
    ("_fused_rms_norm.default", rms_norm),
    ("group_norm.default", group_norm),
    ("instance_norm.default", instance_norm),
    ("batch_norm.default", batch_norm),
];

type Outputs = Result<Vec<Tensor>>;

fn softmax(call: &mut Call<'_, '_>, function: fn(&mut Builder<'_>, &Tensor) -> Result<Tensor>) -> Outputs {
    let x = call.tensor("self")?;
    let axis = call.axis("dim", -1, x.dims.len())?;
    if call.data_type("dtype")?.is_some_and(|dtype| dtype != DataType::Float32) {
        return Err(call.refuse("dtype", "must be float32"));
    }
    call.only("half_to_float", false)?;
    let graph = &mut *call.graph;
    let x = graph.cast(&x, DataType::Float32)?;
    let moved = graph.move_axis(&x, axis, x.dims.len().saturating_sub(1))?;
    let y = function(graph, &moved)?;
    Ok(vec![graph.move_axis(&y, x.dims.len().saturating_sub(1), axis)?])
}

/// The trailing dimensions that are normalised together, as one.
fn trailing(call: &mut Call<'_, '_>, x: &Tensor) -> Result<(Vec<Dimension>, usize)> {
    let count = call.sizes("normalized_shape")?.map_or(1, |shape| shape.len());
    let outer = x.dims.len().checked_sub(count);
    let outer = outer.ok_or_else(|| call.refuse("normalized_shape", "has more dimensions than the tensor"))?;
    let flat = call.graph.flattened(&x.dims, outer, x.dims.len())?;
    Ok((flat, outer))
}

fn layer_norm(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("input")?;
    let (flat, _) = trailing(call, &x)?;
    let (weight, bias) = (call.optional_tensor("weight")?, call.optional_tensor("bias")?);
    let epsilon = call.float("eps", 1e-5)?;
    call.ignore(&["cudnn_enable"]);
    let graph = &mut *call.graph;
    let (weight, bias) = (vector(graph, weight)?, vector(graph, bias)?);
    let rows = graph.reshape(&x, &flat)?;
    let y = graph.layer_norm(&rows, weight.as_ref(), bias.as_ref(), epsilon)?;
    Ok(vec![graph.reshape(&y, &x.dims)?])
}

fn rms_norm(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("input")?;
    let (flat, _) = trailing(call, &x)?;
    let weight = call.optional_tensor("weight")?;
    let epsilon = call.float("eps", BINARY32_EPSILON)?;
    let graph = &mut *call.graph;
    let weight = vector(graph, weight)?;
    let rows = graph.reshape(&x, &flat)?;
    let y = graph.rms_norm(&rows, weight.as_ref(), epsilon)?;
    Ok(vec![graph.reshape(&y, &x.dims)?])
}

/// A weight with its dimensions as one.
fn vector(graph: &mut Builder<'_>, weight: Option<Tensor>) -> Result<Option<Tensor>> {
    match weight {
        Some(weight) => {
            let flat = graph.flattened(&weight.dims, 0, weight.dims.len())?;
            graph.reshape(&weight, &flat).map(Some)
        }
        None => Ok(None),
    }
}

/// Channels in groups, each group of one row normalised together, then weight and bias for each channel.
fn group_norm(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("input")?;
    let groups = call.int("num_groups", 1)?;
    let groups = u32::try_from(groups).map_err(|_| call.refuse("num_groups", "is no number of groups"))?;
    let (weight, bias) = (call.optional_tensor("weight")?, call.optional_tensor("bias")?);
    let epsilon = call.float("eps", 1e-5)?;
    call.ignore(&["cudnn_enabled"]);
    Ok(vec![in_groups(call.graph, &x, groups, weight, bias, epsilon)?])
}

/// The same as the core operator has it, which also says how large the input is.
fn native_group_norm(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("input")?;
    let groups = call.int("group", 1)?;
    let groups = u32::try_from(groups).map_err(|_| call.refuse("group", "is no number of groups"))?;
    let (weight, bias) = (call.optional_tensor("weight")?, call.optional_tensor("bias")?);
    let epsilon = call.float("eps", 1e-5)?;
    call.ignore(&["N", "C", "HxW"]);
    Ok(vec![in_groups(call.graph, &x, groups, weight, bias, epsilon)?])
}

/// `v · g / |v|`, with the norm over all dimensions but one.
fn weight_norm(call: &mut Call<'_, '_>) -> Outputs {
    let (v, g) = (call.tensor("v")?, call.tensor("g")?);
    let axis = call.int("dim", 0)?;
    let over_all = axis == -1;
    let kept = if over_all {
        v.dims.len()
    } else {
        call.position("dim", axis, v.dims.len())?
    };
    let graph = &mut *call.graph;
    let dims = Over {
        axes: (0..v.dims.len()).filter(|axis| *axis != kept).collect(),
        keep: true,
    };
    let squares = graph.binary(Binary::Mul, &v, &v)?;
    let sum = over(graph, &squares, &dims, Reduction::Sum)?;
    let norm = graph.unary(Unary::Sqrt, &sum)?;
    let factor = graph.binary(Binary::Div, &g, &norm)?;
    Ok(vec![graph.binary(Binary::Mul, &v, &factor)?])
}

/// Groups of one channel.
fn instance_norm(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("input")?;
    call.only("use_input_stats", true)?;
    let (weight, bias) = (call.optional_tensor("weight")?, call.optional_tensor("bias")?);
    let epsilon = call.float("eps", 1e-5)?;
    call.ignore(&["running_mean", "running_var", "momentum", "cudnn_enabled"]);
    let channels = call.graph.fixed(&x, 1)?;
    Ok(vec![in_groups(call.graph, &x, channels, weight, bias, epsilon)?])
}

fn in_groups(
    graph: &mut Builder<'_>,
    x: &Tensor,
    groups: u32,
    weight: Option<Tensor>,
    bias: Option<Tensor>,
    epsilon: f64,
) -> Result<Tensor> {
    let channels = graph.fixed(x, 1)?;
    if groups == 0 || channels % groups != 0 {
        return Err(graph.misfit("cannot put its channels into groups of one size"));
    }
    let split = [
        &x.dims[..1],
        &[Dimension::Fixed(groups), Dimension::Fixed(channels / groups)],
        &x.dims[2..],
    ]
    .concat();
    let flat = graph.flattened(&split, 2, split.len())?;
    let rows = graph.reshape(x, &flat)?;
    let rows = graph.layer_norm(&rows, None, None, epsilon)?;
    let mut y = graph.reshape(&rows, &x.dims)?;
    for (operation, parameter) in [(Binary::Mul, weight), (Binary::Add, bias)] {
        if let Some(parameter) = parameter {
            let parameter = graph.along(&parameter, 1, x.dims.len())?;
            y = graph.binary(operation, &y, &parameter)?;
        }
    }
    Ok(y)
}

/// `x × s + t` for each channel, with `s = weight / √(var + eps)` and `t = bias − mean × s` of the weights alone.
fn batch_norm(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("input")?;
    let (weight, bias) = (call.optional_tensor("weight")?, call.optional_tensor("bias")?);
    let (mean, variance) = (call.tensor("running_mean")?, call.tensor("running_var")?);
    call.only("training", false)?;
    let epsilon = call.float("eps", 1e-5)?;
    call.ignore(&["momentum", "cudnn_enabled", "cudnn_enable"]);
    let graph = &mut *call.graph;
    let (epsilon, one) = (
        graph.fill(Number::Float(epsilon), DataType::Float32)?,
        graph.fill(Number::Float(1.0), DataType::Float32)?,
    );
    let deviation = graph.binary(Binary::Add, &variance, &epsilon)?;
    let deviation = graph.unary(Unary::Sqrt, &deviation)?;
    let scale = graph.binary(Binary::Div, weight.as_ref().unwrap_or(&one), &deviation)?;
    let shift = graph.binary(Binary::Mul, &mean, &scale)?;
    let shift = match bias {
        Some(bias) => graph.binary(Binary::Sub, &bias, &shift)?,
        None => graph.unary(Unary::Neg, &shift)?,
    };
    let (scale, shift) = (
        graph.along(&scale, 1, x.dims.len())?,
        graph.along(&shift, 1, x.dims.len())?,
    );
    let scaled = graph.binary(Binary::Mul, &x, &scale)?;
    Ok(vec![graph.binary(Binary::Add, &scaled, &shift)?])
}
