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
    ("max_pool3d.default", |call| max_pool(call, 3)),
    ("max_pool2d_with_indices.default", |call| max_pool_with_places(call, 2)),
    ("max_pool3d_with_indices.default", |call| max_pool_with_places(call, 3)),
    ("avg_pool1d.default", |call| mean_pool(call, 1)),
    ("avg_pool2d.default", |call| mean_pool(call, 2)),
    ("avg_pool3d.default", |call| mean_pool(call, 3)),
    ("adaptive_avg_pool1d.default", |call| {
        adaptive_pool(call, 1, Reduction::Mean)
    }),
    ("adaptive_avg_pool2d.default", |call| {
        adaptive_pool(call, 2, Reduction::Mean)
    }),
    ("adaptive_avg_pool3d.default", |call| {
        adaptive_pool(call, 3, Reduction::Mean)
    }),
    ("_adaptive_avg_pool2d.default", |call| {
        adaptive_pool(call, 2, Reduction::Mean)
    }),
    ("_adaptive_avg_pool3d.default", |call| {
        adaptive_pool(call, 3, Reduction::Mean)
    }),
    ("adaptive_max_pool1d.default", |call| {
        adaptive_pool(call, 1, Reduction::Max)
    }),
    ("adaptive_max_pool2d.default", |call| {
        adaptive_pool(call, 2, Reduction::Max)
    }),
    ("adaptive_max_pool3d.default", |call| {
        adaptive_pool(call, 3, Reduction::Max)
    }),
];

/// Parts of different sizes that a dimension is cut into, at most.
const MAX_PARTS: u32 = 65_536;

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

/// The windows with what the last of each dimension lacks added to the padding, where `ceil_mode` asks for it; and how
/// much was added.
fn ceiled(call: &mut Call<'_, '_>, x: &Tensor, mut over: Vec<Window>) -> Result<(Vec<Window>, Vec<u32>)> {
    let mut added = vec![0; over.len()];
    if call.bool("ceil_mode", false)? {
        let first = x.dims.len().saturating_sub(over.len());
        for (index, window) in over.iter_mut().enumerate() {
            added[index] = window.lacking(call.graph.fixed(x, first + index)?);
            window.after = window.after.saturating_add(added[index]);
        }
    }
    Ok((over, added))
}

fn max_pool(call: &mut Call<'_, '_>, spatial: usize) -> Outputs {
    let x = call.tensor("self")?;
    let windows = pooled(call, spatial)?;
    let (windows, _) = ceiled(call, &x, windows)?;
    Ok(vec![over_windows(
        call.graph,
        &x,
        &windows,
        f64::NEG_INFINITY,
        Reduction::Max,
    )?])
}

/// The greatest elements, and where each stands in the dimensions that are pooled, taken as one.
fn max_pool_with_places(call: &mut Call<'_, '_>, spatial: usize) -> Outputs {
    let x = call.tensor("self")?;
    let windows = pooled(call, spatial)?;
    let (windows, _) = ceiled(call, &x, windows)?;
    let graph = &mut *call.graph;
    let y = over_windows(graph, &x, &windows, f64::NEG_INFINITY, Reduction::Max)?;
    let within = over_windows(graph, &x, &windows, f64::NEG_INFINITY, Reduction::ArgMax)?;
    let first = x.dims.len() - spatial;
    let int = |graph: &mut Builder<'_>, value: u32| graph.fill(Number::Int(value.into()), DataType::Int64);
    // The place in the window is taken apart from the last dimension on.
    let (mut rest, mut place, mut factor) = (within, None, Dimension::Fixed(1));
    for (index, window) in windows.iter().enumerate().rev() {
        let size = int(graph, window.size)?;
        let offset = graph.binary(Binary::Rem, &rest, &size)?;
        rest = graph.binary(Binary::Div, &rest, &size)?;
        let dilation = int(graph, window.dilation)?;
        let offset = graph.binary(Binary::Mul, &offset, &dilation)?;
        let begin = graph.arange(-i64::from(window.before), window.stride.into(), y.dims[first + index])?;
        let begin = graph.along(&begin, index, spatial)?;
        let at = graph.binary(Binary::Add, &begin, &offset)?;
        let length = graph.fill(Number::Size(factor), DataType::Int64)?;
        let at = graph.binary(Binary::Mul, &at, &length)?;
        place = Some(match place {
            None => at,
            Some(place) => graph.binary(Binary::Add, &at, &place)?,
        });
        let product = factor.times(x.dims[first + index]);
        factor = product.ok_or_else(|| graph.misfit("has too many dynamic dimensions"))?;
    }
    Ok([Some(y), place].into_iter().flatten().collect())
}

fn mean_pool(call: &mut Call<'_, '_>, spatial: usize) -> Outputs {
    let x = call.tensor("self")?;
    let windows = pooled(call, spatial)?;
    let (windows, added) = ceiled(call, &x, windows)?;
    let counts_padding = call.bool("count_include_pad", true)?;
    let divisor = call.number("divisor_override")?;
    let is_padded = windows.iter().any(|window| window.before > 0 || window.after > 0);
    let is_added = added.iter().any(|added| *added > 0);
    if divisor.is_none() && (counts_padding && !is_added || !is_padded) {
        return Ok(vec![over_windows(call.graph, &x, &windows, 0.0, Reduction::Mean)?]);
    }
    let graph = &mut *call.graph;
    let sum = over_windows(graph, &x, &windows, 0.0, Reduction::Sum)?;
    let count = match divisor {
        Some(divisor) => graph.fill(divisor, DataType::Float32)?,
        None => counted(graph, &x, &windows, &added, counts_padding)?,
    };
    Ok(vec![graph.binary(Binary::Div, &sum, &count)?])
}

/// Number of elements of each window, with the padding if that is counted, but never with what `ceil_mode` added.
fn counted(
    graph: &mut Builder<'_>,
    x: &Tensor,
    windows: &[Window],
    added: &[u32],
    counts_padding: bool,
) -> Result<Tensor> {
    let one = graph.fill(Number::Float(1.0), DataType::Float32)?;
    let mut dims = x.dims[x.dims.len() - windows.len()..].to_vec();
    let mut windows = windows.to_vec();
    if counts_padding {
        for ((dim, window), added) in dims.iter_mut().zip(&mut windows).zip(added) {
            let padding = i64::from(window.before) + i64::from(window.after) - i64::from(*added);
            let padded = dim.shifted(padding);
            *dim = padded.ok_or_else(|| graph.misfit("would have a size that no tensor has"))?;
            (window.before, window.after) = (0, *added);
        }
    }
    let ones = graph.expand(&one, &dims)?;
    over_windows(graph, &ones, &windows, 0.0, Reduction::Sum)
}

/// Windows that cut each dimension into as many parts as are wanted.
fn adaptive_pool(call: &mut Call<'_, '_>, spatial: usize, reduction: Reduction) -> Outputs {
    let x = call.tensor("self")?;
    call.ignore(&["output_size"]);
    let (_, dims) = call.layout()?;
    if dims.len() != x.dims.len() || dims.len() < spatial {
        return Err(call.refuse("output_size", "has another number of dimensions"));
    }
    let mut y = x.clone();
    for axis in x.dims.len() - spatial..x.dims.len() {
        y = match (dims[axis], y.dims[axis]) {
            (Dimension::Fixed(1), _) => {
                let last = y.dims.len() - 1;
                let moved = call.graph.move_axis(&y, axis, last)?;
                let mut dims = y.dims.clone();
                dims[axis] = Dimension::Fixed(1);
                let reduced = call.graph.reduce(reduction, &moved)?;
                call.graph.reshape(&reduced, &dims)?
            }
            (wanted, length) if wanted == length => y,
            (Dimension::Fixed(wanted), Dimension::Fixed(length)) if wanted > 0 && length % wanted == 0 => {
                let size = length / wanted;
                let parts = call.graph.unfold(&y, axis, size, size, 1)?;
                call.graph.reduce(reduction, &parts)?
            }
            (Dimension::Fixed(wanted), Dimension::Fixed(length)) if (1..=MAX_PARTS).contains(&wanted) => {
                uneven_parts(call.graph, &y, axis, (length, wanted), reduction)?
            }
            _ => return Err(call.refuse("output_size", "must be 1 for a dynamic dimension, and 65536 at most")),
        };
    }
    Ok(vec![y])
}

/// Parts of which the `i`-th goes from `⌊i · length / wanted⌋` to before `⌈(i + 1) · length / wanted⌉`.
fn uneven_parts(
    graph: &mut Builder<'_>,
    x: &Tensor,
    axis: usize,
    (length, wanted): (u32, u32),
    reduction: Reduction,
) -> Result<Tensor> {
    let begin = |part: u64| part * u64::from(length) / u64::from(wanted);
    let end = |part: u64| ((part + 1) * u64::from(length)).div_ceil(u64::from(wanted));
    let longest = (0..u64::from(wanted))
        .map(|part| end(part) - begin(part))
        .max()
        .unwrap_or(1);
    let parts = Dimension::Fixed(wanted);
    let int = |graph: &mut Builder<'_>, value: u32| graph.fill(Number::Int(value.into()), DataType::Int64);
    let (count, whole, last) = (int(graph, wanted)?, int(graph, length)?, int(graph, length - 1)?);
    let part = graph.indices(parts)?;
    let begin = graph.binary(Binary::Mul, &part, &whole)?;
    let begin = graph.binary(Binary::Div, &begin, &count)?;
    // ⌈a / b⌉ = ⌊(a + b − 1) / b⌋ of the next part.
    let next = graph.arange(1, 1, parts)?;
    let end = graph.binary(Binary::Mul, &next, &whole)?;
    let more = int(graph, wanted - 1)?;
    let end = graph.binary(Binary::Add, &end, &more)?;
    let end = graph.binary(Binary::Div, &end, &count)?;
    let size = graph.binary(Binary::Sub, &end, &begin)?;
    let (begin, end) = (graph.along(&begin, 0, 2)?, graph.along(&end, 0, 2)?);
    let offset = graph.indices(Dimension::Fixed(longest as u32))?;
    let index = graph.binary(Binary::Add, &begin, &offset)?;
    let is_within = graph.binary(Binary::Less, &index, &end)?;
    let index = graph.binary(Binary::Min, &index, &last)?;
    let picked = graph.index_select(x, axis, &index)?;
    let rank = picked.dims.len();
    let picked = graph.move_axis(&picked, axis + 1, rank - 1)?;
    // The truth values [parts, longest] along the part's dimension and the last one.
    let mut wide = vec![Dimension::Fixed(1); rank - axis];
    (wide[0], wide[rank - axis - 1]) = (parts, Dimension::Fixed(longest as u32));
    let is_within = graph.reshape(&is_within, &wide)?;
    let neutral = match reduction {
        Reduction::Max => graph.fill(Number::Float(f64::NEG_INFINITY), DataType::Float32)?,
        _ => graph.fill(Number::Float(0.0), DataType::Float32)?,
    };
    let taken = graph.select(&is_within, &picked, &neutral)?;
    if reduction == Reduction::Max {
        return graph.reduce(Reduction::Max, &taken);
    }
    let sum = graph.reduce(Reduction::Sum, &taken)?;
    let size = graph.cast(&size, DataType::Float32)?;
    let size = graph.along(&size, axis, rank - 1)?;
    graph.binary(Binary::Div, &sum, &size)
}
