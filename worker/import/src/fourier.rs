//! Fourier transforms as products with matrices of cosines and sines.
//!
//! The matrices are nodes, and their products are in Int16 whatever the package's precision is: a transform adds up
//! many numbers of one size.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    complex::{Parts, combined},
    contraction::product,
    core::{Binary, Unary},
};
use assay_exact::{digest::DataType, graph::Dimension, quantise::Precision};
use std::f64::consts::TAU;

/// The transforms by their names.
pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("fft_fft.default", |call| line(call, Kind::Complex, false)),
    ("fft_ifft.default", |call| line(call, Kind::Complex, true)),
    ("fft_rfft.default", |call| line(call, Kind::Half, false)),
    ("fft_irfft.default", |call| line(call, Kind::Back, true)),
    ("fft_fft2.default", |call| plane(call, Kind::Complex, false, Some(2))),
    ("fft_ifft2.default", |call| plane(call, Kind::Complex, true, Some(2))),
    ("fft_rfft2.default", |call| plane(call, Kind::Half, false, Some(2))),
    ("fft_irfft2.default", |call| plane(call, Kind::Back, true, Some(2))),
    ("fft_fftn.default", |call| plane(call, Kind::Complex, false, None)),
    ("fft_ifftn.default", |call| plane(call, Kind::Complex, true, None)),
    ("fft_rfftn.default", |call| plane(call, Kind::Half, false, None)),
    ("fft_irfftn.default", |call| plane(call, Kind::Back, true, None)),
    ("_fft_c2c.default", core_complex),
    ("_fft_r2c.default", core_half),
    ("_fft_c2r.default", core_back),
];

type Outputs = Result<Vec<Tensor>>;

/// Kinds of numbers that a transform takes and gives.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Complex numbers to complex numbers.
    Complex,
    /// Numbers to the first half of their complex transform.
    Half,
    /// The first half of a transform to numbers.
    Back,
}

/// A transform over some dimensions.
struct Transform {
    kind: Kind,
    inverse: bool,
    /// Dimensions, the halved one last, and their lengths where they are given: those of the numbers.
    axes: Vec<(usize, Option<Dimension>)>,
    scale: Scale,
}

/// Divisor of the result.
#[derive(Clone, Copy, PartialEq)]
enum Scale {
    One,
    Root,
    Length,
}

/// A transform over one dimension.
fn line(call: &mut Call<'_, '_>, kind: Kind, inverse: bool) -> Outputs {
    let x = Parts::of(call, "self")?;
    let axis = call.axis_of("dim", -1, &x.re)?;
    let length = length(call, "n")?;
    let scale = named_scale(call, inverse)?;
    let transform = Transform {
        kind,
        inverse,
        axes: vec![(axis, length)],
        scale,
    };
    transform.of(call, x)
}

/// A transform over several dimensions: where none are named, over this many of the last ones, or over all.
fn plane(call: &mut Call<'_, '_>, kind: Kind, inverse: bool, default: Option<usize>) -> Outputs {
    let x = Parts::of(call, "self")?;
    let rank = x.re.dims.len();
    let lengths: Option<Vec<Dimension>> = match call.sizes("s")? {
        None => None,
        Some(sizes) => Some(
            sizes
                .iter()
                .map(|size| dimension(call, "s", *size))
                .collect::<Result<_>>()?,
        ),
    };
    let axes: Vec<usize> = match call.ints("dim")? {
        Some(axes) => axes
            .into_iter()
            .map(|axis| call.position("dim", axis, rank))
            .collect::<Result<_>>()?,
        None => {
            let count = lengths.as_ref().map(Vec::len).or(default).unwrap_or(rank);
            (rank.saturating_sub(count)..rank).collect()
        }
    };
    let lengths = match lengths {
        Some(lengths) if lengths.len() == axes.len() => lengths.into_iter().map(Some).collect(),
        Some(_) => return Err(call.refuse("s", "has another number of entries than dim")),
        None => vec![None; axes.len()],
    };
    let transform = Transform {
        kind,
        inverse,
        axes: axes.into_iter().zip(lengths).collect(),
        scale: named_scale(call, inverse)?,
    };
    transform.of(call, x)
}

fn core_complex(call: &mut Call<'_, '_>) -> Outputs {
    let inverse = !call.bool("forward", true)?;
    core(call, Kind::Complex, inverse, None)
}

fn core_half(call: &mut Call<'_, '_>) -> Outputs {
    let kind = match call.bool("onesided", true)? {
        true => Kind::Half,
        false => Kind::Complex,
    };
    core(call, kind, false, None)
}

fn core_back(call: &mut Call<'_, '_>) -> Outputs {
    let length = length(call, "last_dim_size")?;
    core(call, Kind::Back, true, length)
}

/// A transform as core ATen writes it, with a number for what it is divided by.
fn core(call: &mut Call<'_, '_>, kind: Kind, inverse: bool, last: Option<Dimension>) -> Outputs {
    let x = Parts::of(call, "self")?;
    let rank = x.re.dims.len();
    let axes = call.ints("dim")?.unwrap_or_default();
    let axes = axes.into_iter().map(|axis| call.position("dim", axis, rank));
    let mut axes: Vec<_> = axes.map(|axis| Ok((axis?, None))).collect::<Result<_>>()?;
    if let Some(axis) = axes.last_mut() {
        axis.1 = last;
    }
    let scale = match call.int("normalization", 0)? {
        0 => Scale::One,
        1 => Scale::Root,
        2 => Scale::Length,
        _ => return Err(call.refuse("normalization", "is not known")),
    };
    let transform = Transform {
        kind,
        inverse,
        axes,
        scale,
    };
    transform.of(call, x)
}

fn dimension(call: &Call<'_, '_>, name: &str, number: Number) -> Result<Dimension> {
    let fixed = match number {
        Number::Size(dimension) => return Ok(dimension),
        Number::Int(length) => u32::try_from(length).ok().filter(|length| *length > 0),
        _ => None,
    };
    let fixed = fixed.ok_or_else(|| call.refuse(name, "is no length"))?;
    Ok(Dimension::Fixed(fixed))
}

fn length(call: &mut Call<'_, '_>, name: &str) -> Result<Option<Dimension>> {
    let number = call.number(name)?;
    number.map(|number| dimension(call, name, number)).transpose()
}

fn named_scale(call: &mut Call<'_, '_>, inverse: bool) -> Result<Scale> {
    Ok(match (call.string("norm")?, inverse) {
        (Some("ortho"), _) => Scale::Root,
        (None | Some("backward"), true) | (Some("forward"), false) => Scale::Length,
        (None | Some("backward"), false) | (Some("forward"), true) => Scale::One,
        (Some(_), _) => return Err(call.refuse("norm", "must be backward, ortho or forward")),
    })
}

impl Transform {
    fn of(&self, call: &mut Call<'_, '_>, mut x: Parts) -> Outputs {
        let graph = &mut *call.graph;
        let Some((last, others)) = self.axes.split_last() else {
            return Err(graph.misfit("has no dimension to transform"));
        };
        if self.kind != Kind::Back {
            x = self.along(graph, x, last)?;
        }
        for axis in others {
            x = self.along(graph, x, axis)?;
        }
        if self.kind == Kind::Back {
            return Ok(vec![self.back(graph, x, last)?]);
        }
        x.joined(graph)
    }

    /// The transform of one dimension to complex numbers.
    fn along(&self, graph: &mut Builder<'_>, x: Parts, (axis, length): &(usize, Option<Dimension>)) -> Result<Parts> {
        let x = x.each(|part| {
            let moved = graph.move_axis(part, *axis, part.dims.len() - 1)?;
            resized(graph, &moved, *length)
        })?;
        let period = last(graph, &x.re)?;
        // Both sizes of the matrix of waves would be dynamic, and rows of a contraction are fixed.
        let Dimension::Fixed(points) = period else {
            return Err(graph.misfit("runs along a dynamic dimension; export it with a fixed one"));
        };
        let is_halved = self.kind == Kind::Half && self.axes.last().is_some_and(|last| last.0 == *axis);
        let columns = Dimension::Fixed(if is_halved { points / 2 + 1 } else { points });
        let waves = Waves::new(graph, period, columns, period)?;
        let (re_cos, re_sin) = (waves.cosines(graph, &x.re)?, waves.sines(graph, &x.re)?);
        let (im_cos, im_sin) = match &x.im {
            Some(im) => (Some(waves.cosines(graph, im)?), Some(waves.sines(graph, im)?)),
            None => (None, None),
        };
        // (re + i·im) · (cos ∓ i·sin)
        let (real, imaginary) = match self.inverse {
            false => (Binary::Add, Binary::Sub),
            true => (Binary::Sub, Binary::Add),
        };
        let re = combined(graph, real, Some(re_cos), im_sin)?;
        let im = combined(graph, imaginary, im_cos, Some(re_sin))?;
        let re = re.ok_or_else(|| graph.misfit("has no real part"))?;
        Parts { re, im }.each(|part| {
            let part = self.scaled(graph, part, period)?;
            graph.move_axis(&part, part.dims.len() - 1, *axis)
        })
    }

    /// Numbers of the first half of their transform: all but the first and the middle one count twice.
    fn back(&self, graph: &mut Builder<'_>, x: Parts, (axis, length): &(usize, Option<Dimension>)) -> Result<Tensor> {
        let half = graph.fixed(&x.re, *axis)?;
        let Dimension::Fixed(length) = length.unwrap_or(Dimension::Fixed(2 * half.saturating_sub(1))) else {
            return Err(graph.misfit("has a dynamic length; export it with a fixed one"));
        };
        let (period, rows) = (Dimension::Fixed(length), Dimension::Fixed(length / 2 + 1));
        let place = graph.indices(rows)?;
        let (zero, middle) = (
            graph.fill(Number::Int(0), DataType::Int64)?,
            graph.fill(Number::Int(length.into()), DataType::Int64)?,
        );
        let double = graph.binary(Binary::Add, &place, &place)?;
        let (first, last) = (
            graph.binary(Binary::Equal, &place, &zero)?,
            graph.binary(Binary::Equal, &double, &middle)?,
        );
        let counts_once = graph.binary(Binary::Or, &first, &last)?;
        let (one, two) = (graph.number(1.0)?, graph.number(2.0)?);
        let count = graph.select(&counts_once, &one, &two)?;
        let x = x.each(|part| {
            let moved = graph.move_axis(part, *axis, part.dims.len() - 1)?;
            let moved = resized(graph, &moved, Some(rows))?;
            graph.binary(Binary::Mul, &moved, &count)
        })?;
        let waves = Waves::new(graph, rows, period, period)?;
        let mut y = waves.cosines(graph, &x.re)?;
        if let Some(im) = &x.im {
            let sines = waves.sines(graph, im)?;
            y = graph.binary(Binary::Sub, &y, &sines)?;
        }
        let y = self.scaled(graph, &y, period)?;
        graph.move_axis(&y, y.dims.len() - 1, *axis)
    }

    fn scaled(&self, graph: &mut Builder<'_>, x: &Tensor, length: Dimension) -> Result<Tensor> {
        let mut divisor = graph.fill(Number::Size(length), DataType::Float32)?;
        match self.scale {
            Scale::One => return Ok(x.clone()),
            Scale::Root => divisor = graph.unary(Unary::Sqrt, &divisor)?,
            Scale::Length => {}
        }
        graph.binary(Binary::Div, x, &divisor)
    }
}

fn last(graph: &Builder<'_>, x: &Tensor) -> Result<Dimension> {
    let last = x.dims.last().copied();
    last.ok_or_else(|| graph.misfit("has no dimension to transform"))
}

/// A last dimension cut, or filled up with zeros, to this length.
fn resized(graph: &mut Builder<'_>, x: &Tensor, length: Option<Dimension>) -> Result<Tensor> {
    let (axis, now) = (x.dims.len().saturating_sub(1), last(graph, x)?);
    match (now, length) {
        (_, None) => Ok(x.clone()),
        (now, Some(length)) if now == length => Ok(x.clone()),
        (Dimension::Fixed(now), Some(Dimension::Fixed(length))) if now < length => {
            graph.pad(x, axis, 0, length - now, Number::Float(0.0))
        }
        (Dimension::Fixed(_), Some(Dimension::Fixed(length))) => graph.slice(x, axis, 0, length, 1),
        _ => Err(graph.misfit("would be cut or filled up along a dynamic dimension")),
    }
}

/// Matrices `[rows, columns]` of the cosines and sines of `2π · row · column / period`.
struct Waves {
    cosines: Tensor,
    sines: Tensor,
}

impl Waves {
    fn new(graph: &mut Builder<'_>, rows: Dimension, columns: Dimension, period: Dimension) -> Result<Self> {
        let (row, column) = (graph.indices(rows)?, graph.indices(columns)?);
        let row = graph.along(&row, 0, 2)?;
        let steps = graph.binary(Binary::Mul, &row, &column)?;
        let whole = graph.fill(Number::Size(period), DataType::Int64)?;
        // Whole turns are left out as integers, so that the angle is as exact as a number can be.
        let steps = graph.binary(Binary::Rem, &steps, &whole)?;
        let steps = graph.cast(&steps, DataType::Float32)?;
        let (turn, length) = (graph.number(TAU)?, graph.fill(Number::Size(period), DataType::Float32)?);
        let step = graph.binary(Binary::Div, &turn, &length)?;
        let angle = graph.binary(Binary::Mul, &steps, &step)?;
        Ok(Self {
            cosines: graph.unary(Unary::Cos, &angle)?,
            sines: graph.unary(Unary::Sin, &angle)?,
        })
    }

    fn cosines(&self, graph: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
        in_int16(graph, x, &self.cosines)
    }

    fn sines(&self, graph: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
        in_int16(graph, x, &self.sines)
    }
}

/// The product with a matrix, in Int16.
fn in_int16(graph: &mut Builder<'_>, x: &Tensor, matrix: &Tensor) -> Result<Tensor> {
    let precision = std::mem::replace(&mut graph.precision, Precision::Int16);
    let y = product(graph, x, matrix);
    graph.precision = precision;
    y
}
