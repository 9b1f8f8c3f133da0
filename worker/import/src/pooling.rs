//! Pooling: windows of which the greatest element or the mean is kept.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    convolution::{Window, spatial_windows, windows},
    core::{Binary, Reduction},
};
use assay_exact::{digest::DataType, graph::Dimension};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("max_pool1d.default", |call| max_pool(call, 1)),
    ("max_pool2d.default", |call| max_pool(call, 2)),
    ("avg_pool1d.default", |call| mean_pool(call, 1)),
    ("avg_pool2d.default", |call| mean_pool(call, 2)),
    ("adaptive_avg_pool1d.default", |call| {
        adaptive_pool(call, 1, Reduction::Mean)
    }),
    ("adaptive_avg_pool2d.default", |call| {
        adaptive_pool(call, 2, Reduction::Mean)
    }),
    ("adaptive_max_pool1d.default", |call| {
        adaptive_pool(call, 1, Reduction::Max)
    }),
    ("adaptive_max_pool2d.default", |call| {
        adaptive_pool(call, 2, Reduction::Max)
    }),
    ("upsample_nearest1d.vec", |call| upsample(call, 1)),
    ("upsample_nearest2d.vec", |call| upsample(call, 2)),
];

type Outputs = Result<Vec<Tensor>>;

/// The windows of a pooling, one for each of the last dimensions.
fn pooled(call: &mut Call<'_, '_>, spatial: usize) -> Result<Vec<Window>> {
    let kernel = call.ints_for("kernel_size", spatial, 1)?;
    let sizes = kernel
        .iter()
        .map(|size| u32::try_from(*size))
        .collect::<std::result::Result<Vec<_>, _>>();
    let sizes = sizes.map_err(|_| call.refuse("kernel_size", "is not a size"))?;
    // Windows lie side by side unless a stride is given.
    let strides = match call.ints("stride")? {
        Some(strides) if !strides.is_empty() => call.ints_for("stride", spatial, 1)?,
        _ => kernel,
    };
    let pads: Vec<_> = call
        .ints_for("padding", spatial, 0)?
        .into_iter()
        .map(|pad| (pad, pad))
        .collect();
    let dilations = call.ints_for("dilation", spatial, 1)?;
    spatial_windows(call, &sizes, &strides, &pads, &dilations)
}

/// Reduces windows over the last dimensions.
fn over_windows(
    graph: &mut Builder<'_>,
    x: &Tensor,
    over: &[Window],
    padding: f64,
    reduction: Reduction,
) -> Result<Tensor> {
    let first = x.dims.len() - over.len();
    let mut cut = x.clone();
    for (index, window) in over.iter().enumerate() {
        cut = windows(graph, &cut, first + index, *window, Number::Float(padding))?;
    }
    let flat = graph.flattened(&cut.dims, x.dims.len(), cut.dims.len())?;
    let rows = graph.reshape(&cut, &flat)?;
    graph.reduce(reduction, &rows)
}

fn max_pool(call: &mut Call<'_, '_>, spatial: usize) -> Outputs {
    let x = call.tensor("self")?;
    let mut windows = pooled(call, spatial)?;
    if call.bool("ceil_mode", false)? {
        let first = x.dims.len() - spatial;
        for (index, window) in windows.iter_mut().enumerate() {
            window.after += window.lacking(call.graph.fixed(&x, first + index)?);
        }
    }
    Ok(vec![over_windows(
        call.graph,
        &x,
        &windows,
        f64::NEG_INFINITY,
        Reduction::Max,
    )?])
}

fn mean_pool(call: &mut Call<'_, '_>, spatial: usize) -> Outputs {
    let x = call.tensor("self")?;
    call.only("ceil_mode", false)?;
    let windows = pooled(call, spatial)?;
    let counts_padding = call.bool("count_include_pad", true)?;
    let divisor = call.number("divisor_override")?;
    let is_padded = windows.iter().any(|window| window.before > 0 || window.after > 0);
    if divisor.is_none() && (counts_padding || !is_padded) {
        return Ok(vec![over_windows(call.graph, &x, &windows, 0.0, Reduction::Mean)?]);
    }
    let graph = &mut *call.graph;
    let sum = over_windows(graph, &x, &windows, 0.0, Reduction::Sum)?;
    let count = match divisor {
        Some(divisor) => graph.fill(divisor, DataType::Float32)?,
        None => {
            let one = graph.fill(Number::Float(1.0), DataType::Float32)?;
            let ones = graph.expand(&one, &x.dims[x.dims.len() - spatial..])?;
            over_windows(graph, &ones, &windows, 0.0, Reduction::Sum)?
        }
    };
    Ok(vec![graph.binary(Binary::Div, &sum, &count)?])
}

/// Windows that cut each dimension into as many parts as are wanted; the parts must be alike, or be the whole.
fn adaptive_pool(call: &mut Call<'_, '_>, spatial: usize, reduction: Reduction) -> Outputs {
    let x = call.tensor("self")?;
    let wanted = call.ints_for("output_size", spatial, 1)?;
    let mut y = x.clone();
    for (index, wanted) in wanted.into_iter().enumerate() {
        let axis = x.dims.len() - spatial + index;
        let wanted = u32::try_from(wanted).map_err(|_| call.refuse("output_size", "is not a size"))?;
        y = match (wanted, y.dims[axis]) {
            (1, _) => {
                let last = y.dims.len() - 1;
                let moved = call.graph.move_axis(&y, axis, last)?;
                let mut dims = y.dims.clone();
                dims[axis] = Dimension::Fixed(1);
                let reduced = call.graph.reduce(reduction, &moved)?;
                call.graph.reshape(&reduced, &dims)?
            }
            (wanted, Dimension::Fixed(length)) if wanted > 0 && length % wanted == 0 => {
                let size = length / wanted;
                let parts = call.graph.unfold(&y, axis, size, size, 1)?;
                call.graph.reduce(reduction, &parts)?
            }
            _ => return Err(call.refuse("output_size", "must be 1 or divide the tensor's dimension")),
        };
    }
    Ok(vec![y])
}

/// Each element repeated by a whole factor.
fn upsample(call: &mut Call<'_, '_>, spatial: usize) -> Outputs {
    let x = call.tensor("input")?;
    call.ignore(&["output_size", "scale_factors"]);
    let (_, dims) = call.layout()?;
    let mut y = x.clone();
    for axis in x.dims.len().saturating_sub(spatial)..x.dims.len() {
        let (from, to) = match (x.dims[axis], dims.get(axis)) {
            (Dimension::Fixed(from), Some(Dimension::Fixed(to))) if from > 0 && to % from == 0 => (from, *to),
            _ => return Err(call.refuse("output_size", "must be a multiple of the tensor's dimensions")),
        };
        y = call.graph.repeat_interleave(&y, axis, to / from)?;
    }
    Ok(vec![y])
}
