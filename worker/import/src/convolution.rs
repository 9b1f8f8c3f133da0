//! Convolutions: padding, windows, and one contraction over channels and window.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    core::Binary,
};
use assay_exact::graph::Dimension;

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("conv1d.default", |call| convolution(call, 1)),
    ("conv2d.default", |call| convolution(call, 2)),
    ("conv1d.padding", |call| convolution(call, 1)),
    ("conv2d.padding", |call| convolution(call, 2)),
    ("convolution.default", |call| {
        let rank = call.tensor("input")?.dims.len();
        call.only("transposed", false)?;
        call.ignore(&["output_padding"]);
        match rank {
            3 => convolution(call, 1),
            4 => convolution(call, 2),
            _ => Err(call.refuse("input", "must have one or two dimensions beside batch and channels")),
        }
    }),
];

/// How a window moves over one dimension.
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
    let groups = call.int("groups", 1)?;
    let groups = u32::try_from(groups).ok().filter(|groups| *groups > 0);
    let groups = groups.ok_or_else(|| call.refuse("groups", "is no number of groups"))?;
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
fn contract(
    graph: &mut Builder<'_>,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    groups: u32,
    windows_over: &[Window],
) -> Result<Tensor> {
    let spatial = windows_over.len();
    let mut cut = x.clone();
    for (index, window) in windows_over.iter().enumerate() {
        cut = windows(graph, &cut, index + 2, *window, Number::Int(0))?;
    }
    // [B, C, places…, window…]: the windows were appended in the order of the dimensions.
    let (places, window) = (cut.dims[2..2 + spatial].to_vec(), cut.dims[2 + spatial..].to_vec());
    let (channels, outputs) = (graph.fixed(x, 1)?, graph.fixed(weight, 0)?);
    if channels % groups != 0 || outputs % groups != 0 {
        return Err(graph.misfit("cannot put its channels into groups of one size"));
    }
    let (batch, each) = (x.dims[0], Dimension::Fixed(channels / groups));
    let row = graph.flattened(&[&[each], window.as_slice()].concat(), 0, spatial + 1)?;
    if groups == 1 {
        let order: Vec<usize> = [0]
            .into_iter()
            .chain(2..2 + spatial)
            .chain([1])
            .chain(2 + spatial..2 + 2 * spatial)
            .collect();
        let moved = graph.permute(&cut, &order)?;
        let rows = graph.reshape(&moved, &[&[batch], places.as_slice(), &row].concat())?;
        let weight = graph.reshape(weight, &[&[Dimension::Fixed(outputs)], row.as_slice()].concat())?;
        let y = graph.linear(&rows, &weight, bias)?;
        return graph.move_axis(&y, spatial + 1, 1);
    }
    // Each group is a matrix product of its own: [B, groups, places, row] with [groups, outputs / groups, row].
    let group = Dimension::Fixed(groups);
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
    let of_group = Dimension::Fixed(outputs / groups);
    let weight = graph.reshape(weight, &[&[group, of_group], row.as_slice()].concat())?;
    let weight = graph.expand(&weight, &[&[batch, group, of_group], row.as_slice()].concat())?;
    let y = graph.matmul(&rows, &weight)?;
    let y = graph.transpose(&y, 2, 3)?;
    let y = graph.reshape(&y, &[&[batch, Dimension::Fixed(outputs)], places.as_slice()].concat())?;
    match bias {
        Some(bias) => {
            let bias = graph.along(bias, 1, y.dims.len())?;
            graph.binary(Binary::Add, &y, &bias)
        }
        None => Ok(y),
    }
}
