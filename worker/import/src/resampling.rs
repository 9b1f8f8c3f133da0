//! Resampling: elements at places that are computed from the places of the result, with weights that depend on how far
//! they are. Places and weights are nodes of the graph, computed in binary32 as torch computes them.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    core::{Binary, Unary},
};
use assay_exact::{digest::DataType, graph::Dimension};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("upsample_nearest1d.vec", |call| upsample(call, 1, Kind::Nearest)),
    ("upsample_nearest2d.vec", |call| upsample(call, 2, Kind::Nearest)),
    ("upsample_nearest3d.vec", |call| upsample(call, 3, Kind::Nearest)),
    ("upsample_nearest1d.default", |call| upsample(call, 1, Kind::Nearest)),
    ("upsample_nearest2d.default", |call| upsample(call, 2, Kind::Nearest)),
    ("upsample_nearest3d.default", |call| upsample(call, 3, Kind::Nearest)),
    ("_upsample_nearest_exact1d.vec", |call| {
        upsample(call, 1, Kind::NearestExact)
    }),
    ("_upsample_nearest_exact2d.vec", |call| {
        upsample(call, 2, Kind::NearestExact)
    }),
    ("_upsample_nearest_exact3d.vec", |call| {
        upsample(call, 3, Kind::NearestExact)
    }),
    ("upsample_linear1d.vec", |call| upsample(call, 1, Kind::Linear)),
    ("upsample_bilinear2d.vec", |call| upsample(call, 2, Kind::Linear)),
    ("upsample_trilinear3d.vec", |call| upsample(call, 3, Kind::Linear)),
    ("upsample_linear1d.default", |call| upsample(call, 1, Kind::Linear)),
    ("upsample_bilinear2d.default", |call| upsample(call, 2, Kind::Linear)),
    ("upsample_trilinear3d.default", |call| upsample(call, 3, Kind::Linear)),
    ("upsample_bicubic2d.vec", |call| upsample(call, 2, Kind::Cubic)),
    ("upsample_bicubic2d.default", |call| upsample(call, 2, Kind::Cubic)),
    ("affine_grid_generator.default", affine_grid),
    ("grid_sampler.default", grid_sampler),
    ("grid_sampler_2d.default", grid_sampler),
];

/// Which elements are taken, and how.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The one before the place.
    Nearest,
    /// The one nearest to the place.
    NearestExact,
    /// The two on both sides, by their distance.
    Linear,
    /// Four, by a cubic.
    Cubic,
}

/// The parameter of torch's cubic.
const CUBIC: f64 = -0.75;

type Outputs = Result<Vec<Tensor>>;

fn upsample(call: &mut Call<'_, '_>, spatial: usize, kind: Kind) -> Outputs {
    let name = if call.is_given("self") { "self" } else { "input" };
    let x = call.tensor(name)?;
    let (_, dims) = call.layout()?;
    let first = x.dims.len().checked_sub(spatial).filter(|_| dims.len() == x.dims.len());
    let first = first.ok_or_else(|| call.refuse("output_size", "has another number of dimensions"))?;
    let align = call.bool("align_corners", false)?;
    let scales = scales(call, spatial)?;
    call.ignore(&["output_size"]);
    let mut y = x;
    for (axis, to) in dims.iter().copied().enumerate().skip(first) {
        let from = y.dims[axis];
        if from == to {
            continue;
        }
        let given = scales.get(axis - first).copied().flatten();
        if let (Kind::Nearest | Kind::NearestExact, Some(times)) = (kind, factor(from, to))
            && given.is_none_or(|given| given == f64::from(times))
        {
            y = call.graph.repeat_interleave(&y, axis, times)?;
            continue;
        }
        let graph = &mut *call.graph;
        let scale = scale(graph, from, to, align, given)?;
        let place = places(graph, to, &scale, align, kind)?;
        y = sampled(graph, &y, axis, &place, kind)?;
    }
    Ok(vec![y])
}

/// The scale factor of each dimension that is resampled, as far as they are given.
fn scales(call: &mut Call<'_, '_>, spatial: usize) -> Result<Vec<Option<f64>>> {
    if call.is_given("scale_factors") {
        let scales = call.floats("scale_factors")?;
        return Ok(scales.into_iter().map(Some).collect());
    }
    call.ignore(&["scale_factors"]);
    let names: &[&str] = match spatial {
        1 => &["scales"],
        2 => &["scales_h", "scales_w"],
        _ => &["scales_d", "scales_h", "scales_w"],
    };
    names
        .iter()
        .map(|name| Ok(call.number(name)?.and_then(Number::float)))
        .collect()
}

/// By which whole number a dimension is multiplied, if it is.
fn factor(from: Dimension, to: Dimension) -> Option<u32> {
    match (from, to) {
        (Dimension::Fixed(from), Dimension::Fixed(to)) => (from > 0 && to % from == 0).then(|| to / from),
        _ => (2..=16).find(|times| from.times(Dimension::Fixed(*times)) == Some(to)),
    }
}

/// The distance between two places, in elements of what is resampled.
fn scale(graph: &mut Builder<'_>, from: Dimension, to: Dimension, align: bool, given: Option<f64>) -> Result<Tensor> {
    if let (Some(given), false) = (given, align) {
        return graph.number(1.0 / given);
    }
    let (from, to) = (
        graph.fill(Number::Size(from), DataType::Float32)?,
        graph.fill(Number::Size(to), DataType::Float32)?,
    );
    if !align {
        return graph.binary(Binary::Div, &from, &to);
    }
    let one = graph.number(1.0)?;
    let (from, to) = (
        graph.binary(Binary::Sub, &from, &one)?,
        graph.binary(Binary::Sub, &to, &one)?,
    );
    // A single element of the result stands at the first place.
    let to = graph.binary(Binary::Max, &to, &one)?;
    graph.binary(Binary::Div, &from, &to)
}

/// Where the elements of the result stand, in elements of what is resampled.
fn places(graph: &mut Builder<'_>, to: Dimension, scale: &Tensor, align: bool, kind: Kind) -> Result<Tensor> {
    let index = graph.indices(to)?;
    let index = graph.cast(&index, DataType::Float32)?;
    if kind == Kind::Nearest || align {
        return graph.binary(Binary::Mul, &index, scale);
    }
    let half = graph.number(0.5)?;
    let middle = graph.binary(Binary::Add, &index, &half)?;
    let place = graph.binary(Binary::Mul, &middle, scale)?;
    if kind == Kind::NearestExact {
        return Ok(place);
    }
    let place = graph.binary(Binary::Sub, &place, &half)?;
    match kind {
        Kind::Linear => graph.relu(&place),
        _ => Ok(place),
    }
}

/// A dimension at places that are given in binary32.
fn sampled(graph: &mut Builder<'_>, x: &Tensor, axis: usize, place: &Tensor, kind: Kind) -> Result<Tensor> {
    let whole = graph.unary(Unary::Floor, place)?;
    if matches!(kind, Kind::Nearest | Kind::NearestExact) {
        return picked(graph, x, axis, &whole, 0);
    }
    let rest = graph.binary(Binary::Sub, place, &whole)?;
    let weights = match kind {
        Kind::Cubic => cubic(graph, &rest)?,
        _ => {
            let one = graph.number(1.0)?;
            vec![(0, graph.binary(Binary::Sub, &one, &rest)?), (1, rest)]
        }
    };
    let mut sum: Option<Tensor> = None;
    for (offset, weight) in weights {
        let taken = picked(graph, x, axis, &whole, offset)?;
        let weight = graph.along(&weight, axis, x.dims.len())?;
        let taken = graph.binary(Binary::Mul, &taken, &weight)?;
        sum = Some(match sum {
            None => taken,
            Some(sum) => graph.binary(Binary::Add, &sum, &taken)?,
        });
    }
    sum.ok_or_else(|| graph.misfit("takes no elements"))
}

/// The elements this far from whole places, at the border those of the border.
fn picked(graph: &mut Builder<'_>, x: &Tensor, axis: usize, whole: &Tensor, offset: i64) -> Result<Tensor> {
    let index = graph.cast(whole, DataType::Int64)?;
    let (offset, zero) = (
        graph.fill(Number::Int(offset), DataType::Int64)?,
        graph.fill(Number::Int(0), DataType::Int64)?,
    );
    let index = graph.binary(Binary::Add, &index, &offset)?;
    let index = graph.binary(Binary::Max, &index, &zero)?;
    let last = last_place(graph, x.dims[axis])?;
    let index = graph.binary(Binary::Min, &index, &last)?;
    graph.index_select(x, axis, &index)
}

fn last_place(graph: &mut Builder<'_>, length: Dimension) -> Result<Tensor> {
    let length = graph.fill(Number::Size(length), DataType::Int64)?;
    let one = graph.fill(Number::Int(1), DataType::Int64)?;
    graph.binary(Binary::Sub, &length, &one)
}

/// The weights of the elements from −1 to 2, for a place this far behind element 0: `(a + 2) t³ − (a + 3) t² + 1` up to
/// a distance `t` of 1, and `a t³ − 5 a t² + 8 a t − 4 a` beyond.
fn cubic(graph: &mut Builder<'_>, rest: &Tensor) -> Result<Vec<(i64, Tensor)>> {
    let one = graph.number(1.0)?;
    let before = graph.binary(Binary::Add, rest, &one)?;
    let after = graph.binary(Binary::Sub, &one, rest)?;
    let far_after = graph.binary(Binary::Add, &after, &one)?;
    let far = [CUBIC, -5.0 * CUBIC, 8.0 * CUBIC, -4.0 * CUBIC];
    let near = [CUBIC + 2.0, -(CUBIC + 3.0), 0.0, 1.0];
    let distances = [
        (-1, &before, far),
        (0, rest, near),
        (1, &after, near),
        (2, &far_after, far),
    ];
    let weights = distances.map(|(offset, distance, terms)| Ok((offset, graph.polynomial(distance, &terms)?)));
    weights.into_iter().collect()
}

/// The places `[B, H, W, 2]` of an image's elements from −1 to 1, the width first, each as `theta [B, 2, 3]` moves it.
fn affine_grid(call: &mut Call<'_, '_>) -> Outputs {
    let theta = call.tensor("theta")?;
    call.ignore(&["size"]);
    let align = call.bool("align_corners", false)?;
    let (_, dims) = call.layout()?;
    let &[batch, height, width, Dimension::Fixed(2)] = dims.as_slice() else {
        return Err(call.refuse("size", "must be of two dimensions beside batch and channels"));
    };
    let graph = &mut *call.graph;
    let one = Dimension::Fixed(1);
    let x = spread(graph, width, align)?;
    let y = spread(graph, height, align)?;
    let x = graph.reshape(&x, &[one, width, one])?;
    let y = graph.reshape(&y, &[height, one, one])?;
    // Column i of theta as [B, 1, 1, 2].
    let mut columns = Vec::with_capacity(3);
    for index in 0..3 {
        let column = graph.select_at(&theta, 2, index)?;
        columns.push(graph.reshape(&column, &[batch, one, one, Dimension::Fixed(2)])?);
    }
    let (x, y) = (
        graph.binary(Binary::Mul, &columns[0], &x)?,
        graph.binary(Binary::Mul, &columns[1], &y)?,
    );
    let sum = graph.binary(Binary::Add, &x, &y)?;
    Ok(vec![graph.binary(Binary::Add, &sum, &columns[2])?])
}

/// Numbers from −1 to 1: their first and last at the ends, or half a distance within.
fn spread(graph: &mut Builder<'_>, length: Dimension, align: bool) -> Result<Tensor> {
    let (one, two) = (graph.number(1.0)?, graph.number(2.0)?);
    let place = graph.indices(length)?;
    let place = graph.cast(&place, DataType::Float32)?;
    let double = graph.binary(Binary::Mul, &place, &two)?;
    let length = graph.fill(Number::Size(length), DataType::Float32)?;
    if align {
        let last = graph.binary(Binary::Sub, &length, &one)?;
        // One element alone stands in the middle.
        let divisor = graph.binary(Binary::Max, &last, &one)?;
        let middle = graph.binary(Binary::Sub, &double, &last)?;
        return graph.binary(Binary::Div, &middle, &divisor);
    }
    let middle = graph.binary(Binary::Add, &double, &one)?;
    let middle = graph.binary(Binary::Sub, &middle, &length)?;
    graph.binary(Binary::Div, &middle, &length)
}

/// `x [B, C, H, W]` at the places `grid [B, H', W', 2]`, from −1 to 1 in both dimensions, the width first.
fn grid_sampler(call: &mut Call<'_, '_>) -> Outputs {
    let (x, grid) = (call.tensor("input")?, call.tensor("grid")?);
    let (mode, border) = (call.int("interpolation_mode", 0)?, call.int("padding_mode", 0)?);
    let align = call.bool("align_corners", false)?;
    let (&[batch, channels, height, width], &[_, rows, columns, _]) = (x.dims.as_slice(), grid.dims.as_slice()) else {
        return Err(call.refuse("input", "must have two dimensions beside batch and channels"));
    };
    if !(0..=1).contains(&mode) || !(0..=1).contains(&border) {
        return Err(call.refuse(
            "interpolation_mode",
            "must be bilinear or nearest, and the padding zeros or border",
        ));
    }
    let graph = &mut *call.graph;
    let mut places = Vec::with_capacity(2);
    for (position, length) in [(1, height), (0, width)] {
        let place = graph.select_at(&grid, 3, position)?;
        let place = unnormalised(graph, &place, length, align)?;
        places.push(match border {
            0 => place,
            _ => within(graph, &place, length)?,
        });
    }
    let all = graph.flattened(&x.dims, 2, 4)?;
    let flat = graph.reshape(&x, &all)?;
    let taken = graph.flattened(&[batch, channels, rows, columns], 2, 4)?;
    let sample = Sample {
        flat: &flat,
        size: (height, width),
        taken: &taken,
    };
    let one = graph.number(1.0)?;
    if mode == 1 {
        let [y, x] = [0, 1].map(|index| graph.unary(Unary::Round, &places[index]));
        let y = sample.at(graph, &y?, &x?, &one)?;
        return Ok(vec![graph.reshape(&y, &[batch, channels, rows, columns])?]);
    }
    let mut sides = Vec::with_capacity(2);
    for place in &places {
        let before = graph.unary(Unary::Floor, place)?;
        let after = graph.binary(Binary::Add, &before, &one)?;
        let far = graph.binary(Binary::Sub, place, &before)?;
        let near = graph.binary(Binary::Sub, &one, &far)?;
        sides.push([(before, near), (after, far)]);
    }
    let mut sum: Option<Tensor> = None;
    for (y, y_weight) in &sides[0] {
        for (x, x_weight) in &sides[1] {
            let weight = graph.binary(Binary::Mul, y_weight, x_weight)?;
            let part = sample.at(graph, y, x, &weight)?;
            sum = Some(match sum {
                None => part,
                Some(sum) => graph.binary(Binary::Add, &sum, &part)?,
            });
        }
    }
    let sum = sum.ok_or_else(|| graph.misfit("takes no elements"))?;
    Ok(vec![graph.reshape(&sum, &[batch, channels, rows, columns])?])
}

/// From −1 to 1 as a place among elements: `(p + 1) / 2 · (length − 1)`, or `((p + 1) · length − 1) / 2`.
fn unnormalised(graph: &mut Builder<'_>, place: &Tensor, length: Dimension, align: bool) -> Result<Tensor> {
    let (one, half) = (graph.number(1.0)?, graph.number(0.5)?);
    let length = graph.fill(Number::Size(length), DataType::Float32)?;
    let place = graph.binary(Binary::Add, place, &one)?;
    if align {
        let last = graph.binary(Binary::Sub, &length, &one)?;
        let place = graph.binary(Binary::Mul, &place, &half)?;
        return graph.binary(Binary::Mul, &place, &last);
    }
    let place = graph.binary(Binary::Mul, &place, &length)?;
    let place = graph.binary(Binary::Sub, &place, &one)?;
    graph.binary(Binary::Mul, &place, &half)
}

/// A place between the first and the last element.
fn within(graph: &mut Builder<'_>, place: &Tensor, length: Dimension) -> Result<Tensor> {
    let place = graph.relu(place)?;
    let last = last_place(graph, length)?;
    let last = graph.cast(&last, DataType::Float32)?;
    graph.binary(Binary::Min, &place, &last)
}

/// An image whose rows are one dimension, and how many elements are taken of it.
struct Sample<'t> {
    flat: &'t Tensor,
    size: (Dimension, Dimension),
    taken: &'t [Dimension],
}

impl Sample<'_> {
    /// The elements at whole places `[B, H', W']`, times a weight, and 0 outside of the image.
    fn at(&self, graph: &mut Builder<'_>, y: &Tensor, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let zero = graph.number(0.0)?;
        let mut is_within: Option<Tensor> = None;
        let mut indices = Vec::with_capacity(2);
        for (place, length) in [(y, self.size.0), (x, self.size.1)] {
            let last = last_place(graph, length)?;
            let last = graph.cast(&last, DataType::Float32)?;
            for (comparison, bound) in [(Binary::GreaterOrEqual, &zero), (Binary::LessOrEqual, &last)] {
                let holds = graph.binary(comparison, place, bound)?;
                is_within = Some(match is_within {
                    None => holds,
                    Some(others) => graph.binary(Binary::And, &others, &holds)?,
                });
            }
            let place = graph.binary(Binary::Max, place, &zero)?;
            let place = graph.binary(Binary::Min, &place, &last)?;
            indices.push(graph.cast(&place, DataType::Int64)?);
        }
        let width = graph.fill(Number::Size(self.size.1), DataType::Int64)?;
        let index = graph.binary(Binary::Mul, &indices[0], &width)?;
        let index = graph.binary(Binary::Add, &index, &indices[1])?;
        let weight = match is_within {
            Some(is_within) => graph.select(&is_within, weight, &zero)?,
            None => weight.clone(),
        };
        let &[batch, _, taken] = self.taken else {
            return Err(graph.misfit("has another number of dimensions"));
        };
        let row = [batch, Dimension::Fixed(1), taken];
        let (index, weight) = (graph.reshape(&index, &row)?, graph.reshape(&weight, &row)?);
        let index = graph.expand(&index, self.taken)?;
        let picked = graph.gather(self.flat, 2, &index)?;
        graph.binary(Binary::Mul, &picked, &weight)
    }
}
