//! Convolutions: padding, windows, and one contraction over channels and window.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    core::Binary,
    transposed::transposed,
};
use assay_exact::graph::{Dimension, Expression};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("conv1d.default", |call| convolution(call, 1)),
    ("conv2d.default", |call| convolution(call, 2)),
    ("conv3d.default", |call| convolution(call, 3)),
    ("conv1d.padding", |call| convolution(call, 1)),
    ("conv2d.padding", |call| convolution(call, 2)),
    ("conv3d.padding", |call| convolution(call, 3)),
    ("convolution.default", |call| {
        let spatial = call.tensor("input")?.dims.len().saturating_sub(2);
        if !(1..=3).contains(&spatial) {
            return Err(call.refuse("input", "must have one to three dimensions beside batch and channels"));
        }
        if call.bool("transposed", false)? {
            return transposed(call, spatial);
        }
        call.ignore(&["output_padding"]);
        convolution(call, spatial)
    }),
    ("im2col.default", columns),
    ("col2im.default", from_columns),
];

/// Movement of a window over one dimension.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// Elements taken.
    pub size: u32,
    /// From one of them to the next.
    pub dilation: u32,
    /// From one window to the next.
    pub stride: u32,
    /// Elements added before the first.
    pub before: u32,
    /// Elements added after the last.
    pub after: u32,
}

impl Window {
    /// From the first to the last element that is taken, both included.
    fn span(self) -> u32 {
        (self.size.saturating_sub(1))
            .saturating_mul(self.dilation)
            .saturating_add(1)
    }

    /// Elements that a last window lacks which begins in the tensor of this length, or in the padding before it.
    pub fn lacking(self, length: u32) -> u32 {
        let (begin, padded) = (
            self.before.saturating_add(length),
            self.before.saturating_add(length).saturating_add(self.after),
        );
        let rest = padded.saturating_sub(self.span());
        let last = rest.div_ceil(self.stride).saturating_mul(self.stride);
        if last < begin { last.saturating_sub(rest) } else { 0 }
    }
}

/// `x[…, L, …]` padded with `value` and cut into windows: `[…, windows, …, size]`, the window last.
pub(super) fn windows(
    graph: &mut Builder<'_>,
    x: &Tensor,
    axis: usize,
    window: Window,
    value: Number,
) -> Result<Tensor> {
    let padded = graph.pad(x, axis, window.before, window.after, value)?;
    graph.unfold(&padded, axis, window.size, window.stride, window.dilation)
}

/// One size for each of `spatial` dimensions, as windows.
pub(super) fn spatial_windows(
    call: &mut Call<'_, '_>,
    sizes: &[u32],
    strides: &[i64],
    pads: &[(i64, i64)],
    dilations: &[i64],
) -> Result<Vec<Window>> {
    let mut windows = Vec::with_capacity(sizes.len());
    for (index, size) in sizes.iter().enumerate() {
        let natural = |value: i64| u32::try_from(value).ok();
        let window = natural(strides[index])
            .zip(natural(dilations[index]))
            .zip(natural(pads[index].0).zip(natural(pads[index].1)));
        let ((stride, dilation), (before, after)) =
            window.ok_or_else(|| call.refuse("stride", "or padding or dilation is not a size"))?;
        if stride == 0 || dilation == 0 || *size == 0 {
            return Err(call.refuse("stride", "or dilation or the window is 0"));
        }
        windows.push(Window {
            size: *size,
            dilation,
            stride,
            before,
            after,
        });
    }
    Ok(windows)
}

fn convolution(call: &mut Call<'_, '_>, spatial: usize) -> Result<Vec<Tensor>> {
    let (x, weight) = (call.tensor("input")?, call.tensor("weight")?);
    let bias = call.optional_tensor("bias")?;
    let groups = groups(call)?;
    let (strides, dilations) = (
        call.ints_for("stride", spatial, 1)?,
        call.ints_for("dilation", spatial, 1)?,
    );
    if weight.dims.len() != spatial + 2 || !(x.dims.len() == spatial + 2 || x.dims.len() == spatial + 1) {
        return Err(call.refuse("input", "or the weight has another number of dimensions"));
    }
    let sizes = (0..spatial)
        .map(|axis| call.graph.fixed(&weight, axis + 2))
        .collect::<Result<Vec<_>>>()?;
    let pads = paddings(call, &sizes, &dilations)?;
    let windows = spatial_windows(call, &sizes, &strides, &pads, &dilations)?;

    let graph = &mut *call.graph;
    // Without a batch dimension there is a batch of one.
    let batched = match x.dims.len() == spatial + 2 {
        true => x.clone(),
        false => graph.reshape(&x, &[&[Dimension::Fixed(1)], x.dims.as_slice()].concat())?,
    };
    let mut y = contract(graph, &batched, &weight, bias.as_ref(), groups, &windows)?;
    if x.dims.len() != spatial + 2 {
        let dims = y.dims[1..].to_vec();
        y = graph.reshape(&y, &dims)?;
    }
    Ok(vec![y])
}

/// In how many groups the channels are, each convolved for itself.
pub(super) fn groups(call: &mut Call<'_, '_>) -> Result<Dimension> {
    let groups = match call.number("groups")? {
        None => Some(Dimension::Fixed(1)),
        Some(Number::Int(groups)) => u32::try_from(groups)
            .ok()
            .filter(|groups| *groups > 0)
            .map(Dimension::Fixed),
        Some(Number::Size(groups)) => Some(groups),
        Some(_) => None,
    };
    groups.ok_or_else(|| call.refuse("groups", "is no number of groups"))
}

/// Part of a dimension for each group, if that comes out even.
pub(super) fn of_each(graph: &Builder<'_>, all: Dimension, groups: Dimension) -> Result<Dimension> {
    let both = Expression::of(all).zip(Expression::of(groups));
    let quotient = both.and_then(|(all, groups)| match groups.as_number() {
        Some(number) => all.divided(u32::try_from(number).ok()?),
        None => all.quotient(&groups),
    });
    let each = quotient.and_then(|quotient| quotient.dimension());
    each.filter(|each| each.times(groups) == Some(all))
        .ok_or_else(|| graph.misfit("cannot put its channels into groups of one size"))
}

/// Elements to add before and after: numbers, or `same` and `valid`.
fn paddings(call: &mut Call<'_, '_>, sizes: &[u32], dilations: &[i64]) -> Result<Vec<(i64, i64)>> {
    if !call.is_string("padding") {
        let pads = call.ints_for("padding", sizes.len(), 0)?;
        return Ok(pads.into_iter().map(|pad| (pad, pad)).collect());
    }
    match call.string("padding")? {
        Some("valid") => Ok(vec![(0, 0); sizes.len()]),
        Some("same") => Ok(sizes
            .iter()
            .zip(dilations)
            .map(|(size, dilation)| {
                let total = dilation * (i64::from(*size) - 1);
                (total / 2, total - total / 2)
            })
            .collect()),
        _ => Err(call.refuse("padding", "is neither same nor valid")),
    }
}

/// `[B, C, …]` and `[O, C / groups, …]` to `[B, O, …]`.
pub(super) fn contract(
    graph: &mut Builder<'_>,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    groups: Dimension,
    windows_over: &[Window],
) -> Result<Tensor> {
    let spatial = windows_over.len();
    let mut cut = x.clone();
    for (index, window) in windows_over.iter().enumerate() {
        cut = windows(graph, &cut, index + 2, *window, Number::Int(0))?;
    }
    // [B, C, places…, window…]: the windows were appended in the order of the dimensions.
    let (places, window) = (cut.dims[2..2 + spatial].to_vec(), cut.dims[2 + spatial..].to_vec());
    let outputs = weight.dims[0];
    let (batch, each) = (x.dims[0], of_each(graph, x.dims[1], groups)?);
    let of_group = of_each(graph, outputs, groups)?;
    let row = graph.flattened(&[&[each], window.as_slice()].concat(), 0, spatial + 1)?;
    if groups == Dimension::Fixed(1) {
        let order: Vec<usize> = [0]
            .into_iter()
            .chain(2..2 + spatial)
            .chain([1])
            .chain(2 + spatial..2 + 2 * spatial)
            .collect();
        let moved = graph.permute(&cut, &order)?;
        let rows = graph.reshape(&moved, &[&[batch], places.as_slice(), &row].concat())?;
        let weight = graph.reshape(weight, &[&[outputs], row.as_slice()].concat())?;
        let y = graph.linear(&rows, &weight, bias)?;
        return graph.move_axis(&y, spatial + 1, 1);
    }
    // Each group is a matrix product of its own: [B, groups, places, row] with [groups, outputs / groups, row].
    let group = groups;
    let place = graph.flattened(&places, 0, spatial)?;
    let split = [&[batch, group, each], places.as_slice(), window.as_slice()].concat();
    let split = graph.reshape(&cut, &split)?;
    let order: Vec<usize> = [0, 1]
        .into_iter()
        .chain(3..3 + spatial)
        .chain([2])
        .chain(3 + spatial..3 + 2 * spatial)
        .collect();
    let moved = graph.permute(&split, &order)?;
    let rows = graph.reshape(&moved, &[&[batch, group], place.as_slice(), &row].concat())?;
    let weight = graph.reshape(weight, &[&[group, of_group], row.as_slice()].concat())?;
    let weight = graph.expand(&weight, &[&[batch, group, of_group], row.as_slice()].concat())?;
    let y = graph.matmul(&rows, &weight)?;
    let y = graph.transpose(&y, 2, 3)?;
    let y = graph.reshape(&y, &[&[batch, outputs], places.as_slice()].concat())?;
    match bias {
        Some(bias) => {
            let bias = graph.along(bias, 1, y.dims.len())?;
            graph.binary(Binary::Add, &y, &bias)
        }
        None => Ok(y),
    }
}

/// The windows of an image, each as one column: `[B, C, H, W]` to `[B, C · window, places]`.
fn columns(call: &mut Call<'_, '_>) -> Result<Vec<Tensor>> {
    let x = call.tensor("self")?;
    let over = image_windows(call)?;
    let Some(first) = x.dims.len().checked_sub(2) else {
        return Err(call.refuse("self", "needs two dimensions"));
    };
    let graph = &mut *call.graph;
    let mut cut = x.clone();
    for (index, window) in over.iter().enumerate() {
        cut = windows(graph, &cut, first + index, *window, Number::Int(0))?;
    }
    // [B…, C, places, places, window, window] to [B…, C, window, window, places, places].
    let order: Vec<usize> = (0..first).chain([first + 2, first + 3, first, first + 1]).collect();
    let moved = graph.permute(&cut, &order)?;
    let (_, dims) = call.layout()?;
    Ok(vec![call.graph.reshape(&moved, &dims)?])
}

/// Kernel, dilation, padding and stride of the windows over an image.
fn image_windows(call: &mut Call<'_, '_>) -> Result<Vec<Window>> {
    let kernel = call.ints_for("kernel_size", 2, 1)?;
    let sizes: std::result::Result<Vec<u32>, _> = kernel.into_iter().map(u32::try_from).collect();
    let sizes = sizes.map_err(|_| call.refuse("kernel_size", "is not a size"))?;
    let (strides, dilations) = (call.ints_for("stride", 2, 1)?, call.ints_for("dilation", 2, 1)?);
    let pads: Vec<_> = call
        .ints_for("padding", 2, 0)?
        .into_iter()
        .map(|pad| (pad, pad))
        .collect();
    spatial_windows(call, &sizes, &strides, &pads, &dilations)
}

/// Columns put back where they were cut, with the sum where they overlap: `[B…, C · window, places]` to `[B…, C,
/// H, W]`.
fn from_columns(call: &mut Call<'_, '_>) -> Result<Vec<Tensor>> {
    let x = call.tensor("self")?;
    let over = image_windows(call)?;
    let size = call.ints_for("output_size", 2, 1)?;
    let (_, dims) = call.layout()?;
    let [outer @ .., _, _] = dims.as_slice() else {
        return Err(call.refuse("output_size", "needs two dimensions"));
    };
    let graph = &mut *call.graph;
    let mut places = Vec::with_capacity(2);
    for (window, length) in over.iter().zip(&size) {
        let length = u32::try_from(*length).ok();
        let padded = length.and_then(|length| Dimension::Fixed(length).shifted((window.before + window.after).into()));
        let windows = padded.and_then(|padded| padded.windows(window.size, window.stride, window.dilation));
        places.push(windows.ok_or_else(|| graph.misfit("has no window of this size"))?);
    }
    let sizes = over.iter().map(|window| Dimension::Fixed(window.size));
    let split = [outer, &sizes.collect::<Vec<_>>(), &places].concat();
    let mut y = graph.reshape(&x, &split)?;
    // [outer…, window, window, places, places]: first the rows, whose place is then one dimension, then the columns.
    for (index, (window, length)) in over.iter().zip(&size).enumerate() {
        let (of_window, of_place) = (outer.len() + index, outer.len() + 2);
        let place = graph.indices(y.dims[of_place])?;
        let offset = graph.indices(y.dims[of_window])?;
        let factors = [(&place, window.stride), (&offset, window.dilation)];
        let [place, offset] = factors.map(|(x, factor)| {
            let factor = graph.fill(Number::Int(factor.into()), assay_exact::digest::DataType::Int64)?;
            graph.binary(Binary::Mul, x, &factor)
        });
        let offset = graph.along(&offset?, 0, 2)?;
        let pad = graph.fill(Number::Int(window.before.into()), assay_exact::digest::DataType::Int64)?;
        let index = graph.binary(Binary::Add, &offset, &place?)?;
        let index = graph.binary(Binary::Sub, &index, &pad)?;
        let flat = graph.flattened(&index.dims, 0, 2)?;
        let index = graph.reshape(&index, &flat)?;
        // Window and place as one last dimension, of which each element of the image takes those that fall on it.
        let last = y.dims.len() - 1;
        let moved = graph.move_axis(&y, of_window, last)?;
        let moved = graph.move_axis(&moved, of_place - 1, last)?;
        let flat = graph.flattened(&moved.dims, last - 1, last + 1)?;
        let rows = graph.reshape(&moved, &flat)?;
        let length = u32::try_from(*length).map_err(|_| graph.misfit("has a size that no tensor has"))?;
        let falls = graph.places(&index, Dimension::Fixed(length))?;
        let mut wide = rows.dims.clone();
        wide.insert(last - 1, Dimension::Fixed(1));
        let rows = graph.reshape(&rows, &wide)?;
        let zero = graph.fill(Number::Int(0), rows.dtype)?;
        let fallen = graph.select(&falls, &rows, &zero)?;
        let sum = graph.reduce(super::core::Reduction::Sum, &fallen)?;
        y = graph.move_axis(&sum, last - 1, of_window)?;
    }
    Ok(vec![call.graph.reshape(&y, &dims)?])
}
