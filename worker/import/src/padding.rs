//! Padding, and pixels and channels of images at other places.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    core::{Binary, Unary},
};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Position},
};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("pad.default", pad),
    ("constant_pad_nd.default", pad),
    ("reflection_pad1d.default", |call| pad_as(call, "padding", "reflect")),
    ("reflection_pad2d.default", |call| pad_as(call, "padding", "reflect")),
    ("reflection_pad3d.default", |call| pad_as(call, "padding", "reflect")),
    ("replication_pad1d.default", |call| pad_as(call, "padding", "replicate")),
    ("replication_pad2d.default", |call| pad_as(call, "padding", "replicate")),
    ("replication_pad3d.default", |call| pad_as(call, "padding", "replicate")),
    ("pixel_shuffle.default", pixel_shuffle),
    ("pixel_unshuffle.default", pixel_unshuffle),
    ("channel_shuffle.default", channel_shuffle),
];

type Outputs = Result<Vec<Tensor>>;

fn pad(call: &mut Call<'_, '_>) -> Outputs {
    let mode = call.string("mode")?.unwrap_or("constant");
    pad_as(call, "pad", mode)
}

/// Pairs of elements to add before and after, from the last dimension on; negative ones are taken away.
fn pad_as(call: &mut Call<'_, '_>, name: &str, mode: &str) -> Outputs {
    let mut x = call.tensor("self")?;
    let value = call.number("value")?.unwrap_or(Number::Int(0));
    let pads = call.ints(name)?.unwrap_or_default();
    if pads.len() % 2 != 0 || pads.len() / 2 > x.dims.len() {
        return Err(call.refuse(name, "is not a list of pairs for the dimensions"));
    }
    for (index, pair) in pads.chunks(2).enumerate() {
        let axis = x.dims.len() - 1 - index;
        x = match mode {
            "constant" => pad_axis(call, &x, axis, (pair[0], pair[1]), value)?,
            "reflect" | "replicate" | "circular" => pad_by_index(call, &x, axis, (pair[0], pair[1]), mode)?,
            _ => return Err(call.refuse("mode", "is not constant, reflect, replicate or circular")),
        };
    }
    Ok(vec![x])
}

fn pad_axis(call: &mut Call<'_, '_>, x: &Tensor, axis: usize, pads: (i64, i64), value: Number) -> Result<Tensor> {
    let mut x = x.clone();
    if pads.0 < 0 || pads.1 < 0 {
        let (start, end) = (pads.0.min(0).saturating_neg(), pads.1.min(0).saturating_neg());
        let place = u32::try_from(start).map_err(|_| call.refuse("pad", "leaves nothing"))?;
        let rest = call
            .graph
            .shifted(&x, axis, start.saturating_add(end).saturating_neg())?;
        x = call.graph.cut(&x, axis, Position::FromStart(place), rest, 1)?;
    }
    let sizes = (u32::try_from(pads.0.max(0)), u32::try_from(pads.1.max(0)));
    let (Ok(before), Ok(after)) = sizes else {
        return Err(call.refuse("pad", "is not a size"));
    };
    call.graph.pad(&x, axis, before, after, value)
}

/// Padding with elements of the tensor itself: position `i` of the result shows element `index(i − before)`.
fn pad_by_index(call: &mut Call<'_, '_>, x: &Tensor, axis: usize, pads: (i64, i64), mode: &str) -> Result<Tensor> {
    let length = i64::from(call.graph.fixed(x, axis)?);
    let reach = if mode == "reflect" { length - 1 } else { length };
    let fits = |pad: i64| pad >= 0 && (mode == "replicate" || pad <= reach);
    if !fits(pads.0) || !fits(pads.1) {
        return Err(call.refuse("pad", "is negative or more than the tensor has"));
    }
    if pads == (0, 0) {
        return Ok(x.clone());
    }
    let total = u32::try_from(length + pads.0 + pads.1).map_err(|_| call.refuse("pad", "is too large"))?;
    let graph = &mut *call.graph;
    let number = |graph: &mut Builder<'_>, value| graph.fill(Number::Int(value), DataType::Int64);
    // The indices of the tensor's neighbourhood; going round, of a tensor further on, so that none is negative.
    let first = if mode == "circular" { length - pads.0 } else { -pads.0 };
    let index = graph.arange(first, 1, Dimension::Fixed(total))?;
    let (zero, last, period) = (number(graph, 0)?, number(graph, length - 1)?, number(graph, length)?);
    let index = match mode {
        "reflect" => {
            let index = graph.unary(Unary::Abs, &index)?;
            let index = graph.binary(Binary::Sub, &last, &index)?;
            let index = graph.unary(Unary::Abs, &index)?;
            graph.binary(Binary::Sub, &last, &index)?
        }
        "replicate" => {
            let index = graph.binary(Binary::Max, &index, &zero)?;
            graph.binary(Binary::Min, &index, &last)?
        }
        _ => graph.binary(Binary::Rem, &index, &period)?,
    };
    graph.index_select(x, axis, &index)
}

/// `[…, C r r, H, W]` to `[…, C, H r, W r]`.
fn pixel_shuffle(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let factor = call.int("upscale_factor", 1)?;
    let factor = u32::try_from(factor).map_err(|_| call.refuse("upscale_factor", "is not a size"))?;
    let rank = x.dims.len();
    if rank < 3 || factor == 0 {
        return Err(call.refuse("self", "needs three dimensions"));
    }
    let (outer, channels) = (x.dims[..rank - 3].to_vec(), call.graph.fixed(&x, rank - 3)?);
    let (factors, outer_rank) = (Dimension::Fixed(factor), outer.len());
    let inner = [
        Dimension::Fixed(channels / (factor * factor)),
        factors,
        factors,
        x.dims[rank - 2],
        x.dims[rank - 1],
    ];
    let split = call.graph.reshape(&x, &[outer.as_slice(), &inner].concat())?;
    let order: Vec<usize> = (0..outer_rank)
        .chain([0, 3, 1, 4, 2].map(|axis| outer_rank + axis))
        .collect();
    let moved = call.graph.permute(&split, &order)?;
    let (_, dims) = call.layout()?;
    Ok(vec![call.graph.reshape(&moved, &dims)?])
}

/// `[…, C, H r, W r]` to `[…, C r r, H, W]`.
fn pixel_unshuffle(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    call.ignore(&["downscale_factor"]);
    let (_, dims) = call.layout()?;
    let factor = call.int("downscale_factor", 1)?;
    let factor = u32::try_from(factor).map_err(|_| call.refuse("downscale_factor", "is not a size"))?;
    let rank = x.dims.len();
    if rank < 3 || dims.len() != rank {
        return Err(call.refuse("self", "needs three dimensions"));
    }
    let (outer, factor) = (rank - 3, Dimension::Fixed(factor));
    let inner = [x.dims[rank - 3], dims[rank - 2], factor, dims[rank - 1], factor];
    let split = call.graph.reshape(&x, &[&x.dims[..outer], &inner].concat())?;
    let order: Vec<usize> = (0..outer).chain([0, 2, 4, 1, 3].map(|axis| outer + axis)).collect();
    let moved = call.graph.permute(&split, &order)?;
    Ok(vec![call.graph.reshape(&moved, &dims)?])
}

/// Channels in groups, of which the first of each comes first.
fn channel_shuffle(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let groups = call.int("groups", 1)?;
    let channels = call.graph.fixed(&x, 1)?;
    let groups = u32::try_from(groups)
        .ok()
        .filter(|groups| *groups > 0 && channels % groups == 0);
    let groups = groups.ok_or_else(|| call.refuse("groups", "does not divide the channels"))?;
    let both = [Dimension::Fixed(groups), Dimension::Fixed(channels / groups)];
    let split = [&x.dims[..1], &both, &x.dims[2..]].concat();
    let split = call.graph.reshape(&x, &split)?;
    let moved = call.graph.transpose(&split, 1, 2)?;
    Ok(vec![call.graph.reshape(&moved, &x.dims)?])
}
