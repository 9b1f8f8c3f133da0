//! Sums, means, extremes, norms, rankings. Exact arithmetic reduces the last dimension, so others are moved there.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    core::{Binary, Reduction, Unary},
};
use assay_exact::{digest::DataType, graph::Dimension};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("sum.default", |call| reduce(call, Reduction::Sum)),
    ("sum.dim_IntList", |call| reduce(call, Reduction::Sum)),
    ("mean.default", |call| reduce(call, Reduction::Mean)),
    ("mean.dim", |call| reduce(call, Reduction::Mean)),
    ("amax.default", |call| reduce(call, Reduction::Max)),
    ("amin.default", |call| reduce(call, Reduction::Min)),
    ("max.default", |call| reduce(call, Reduction::Max)),
    ("min.default", |call| reduce(call, Reduction::Min)),
    ("max.dim", |call| extreme(call, Reduction::Max, Reduction::ArgMax)),
    ("min.dim", |call| extreme(call, Reduction::Min, Reduction::ArgMin)),
    ("argmax.default", |call| position(call, Reduction::ArgMax)),
    ("argmin.default", |call| position(call, Reduction::ArgMin)),
    ("any.default", |call| reduce(call, Reduction::Any)),
    ("any.dim", |call| reduce(call, Reduction::Any)),
    ("any.dims", |call| reduce(call, Reduction::Any)),
    ("all.default", |call| reduce(call, Reduction::All)),
    ("all.dim", |call| reduce(call, Reduction::All)),
    ("all.dims", |call| reduce(call, Reduction::All)),
    ("logsumexp.default", log_sum_exp),
    ("var.default", |call| variance(call, false)),
    ("var.dim", |call| variance(call, false)),
    ("var.correction", |call| variance(call, false)),
    ("std.default", |call| variance(call, true)),
    ("std.dim", |call| variance(call, true)),
    ("std.correction", |call| variance(call, true)),
    ("linalg_vector_norm.default", norm),
    ("norm.ScalarOpt_dim", norm),
    ("norm.Scalar", norm),
    ("cumsum.default", cumsum),
    ("topk.default", topk),
    ("sort.default", sort),
    ("argsort.default", argsort),
];

type Outputs = Result<Vec<Tensor>>;

/// Which dimensions a reduction takes together, and whether they stay with one element.
struct Over {
    axes: Vec<usize>,
    keep: bool,
}

impl Over {
    fn of(call: &mut Call<'_, '_>, x: &Tensor) -> Result<Self> {
        Ok(Self {
            axes: call.axes("dim", x.dims.len())?,
            keep: call.bool("keepdim", false)?,
        })
    }
}

/// Reduces dimensions with a reduction of the last one, which must allow to be made of parts.
fn over(graph: &mut Builder<'_>, x: &Tensor, over: &Over, reduction: Reduction) -> Result<Tensor> {
    let kept: Vec<usize> = (0..x.dims.len()).filter(|axis| !over.axes.contains(axis)).collect();
    let order: Vec<usize> = kept.iter().chain(&over.axes).copied().collect();
    let mut y = graph.permute(x, &order)?;
    if over.axes.is_empty() {
        // A number is a row of one.
        y = graph.reshape(&y, &[y.dims.as_slice(), &[Dimension::Fixed(1)]].concat())?;
    }
    match graph.flattened(&y.dims, kept.len(), y.dims.len()) {
        Ok(flat) if !flat.last().is_some_and(|dimension| dimension.is_computed()) => {
            y = graph.reshape(&y, &flat)?;
            y = graph.reduce(reduction, &y)?;
        }
        // A product with a dynamic dimension may be longer than a row, so they are reduced one after the other.
        _ => {
            for _ in 0..over.axes.len().max(1) {
                y = graph.reduce(reduction, &y)?;
            }
        }
    }
    if !over.keep {
        return Ok(y);
    }
    let dims = (0..x.dims.len()).map(|axis| {
        if over.axes.contains(&axis) {
            Dimension::Fixed(1)
        } else {
            x.dims[axis]
        }
    });
    graph.reshape(&y, &dims.collect::<Vec<_>>())
}

fn reduce(call: &mut Call<'_, '_>, reduction: Reduction) -> Outputs {
    let mut x = call.tensor("self")?;
    let dims = Over::of(call, &x)?;
    call.ignore(&["dtype"]);
    let (dtype, _) = call.layout()?;
    x = call.graph.cast(&x, dtype)?;
    Ok(vec![over(call.graph, &x, &dims, reduction)?])
}

/// The extreme values of a dimension and where they are, the lowest index of equal ones.
fn extreme(call: &mut Call<'_, '_>, value: Reduction, index: Reduction) -> Outputs {
    let x = call.tensor("self")?;
    let dims = Over {
        axes: vec![call.axis("dim", -1, x.dims.len())?],
        keep: call.bool("keepdim", false)?,
    };
    Ok(vec![
        over(call.graph, &x, &dims, value)?,
        over(call.graph, &x, &dims, index)?,
    ])
}

/// Where the extreme value is: along a dimension, or in the whole tensor as one row.
fn position(call: &mut Call<'_, '_>, reduction: Reduction) -> Outputs {
    let x = call.tensor("self")?;
    let (whole, keep) = (!call.is_given("dim"), call.bool("keepdim", false)?);
    if whole {
        call.ignore(&["dim"]);
        let flat = call.graph.flattened(&x.dims, 0, x.dims.len())?;
        let flat = call.graph.reshape(&x, &flat)?;
        let y = call.graph.reduce(reduction, &flat)?;
        let (_, dims) = call.layout()?;
        return Ok(vec![call.graph.reshape(&y, &dims)?]);
    }
    let dims = Over {
        axes: vec![call.axis("dim", -1, x.dims.len())?],
        keep,
    };
    Ok(vec![over(call.graph, &x, &dims, reduction)?])
}

/// `log(Σ exp(x − max)) + max`, with a maximum of 0 where it is infinite.
fn log_sum_exp(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let dims = Over::of(call, &x)?;
    let graph = &mut *call.graph;
    let kept = Over {
        axes: dims.axes.clone(),
        keep: true,
    };
    let greatest = over(graph, &x, &kept, Reduction::Max)?;
    let zero = graph.fill(Number::Int(0), DataType::Float32)?;
    let infinity = graph.fill(Number::Float(f64::INFINITY), DataType::Float32)?;
    let size = graph.unary(Unary::Abs, &greatest)?;
    let infinite = graph.binary(Binary::Equal, &size, &infinity)?;
    let greatest = graph.select(&infinite, &zero, &greatest)?;
    let shifted = graph.binary(Binary::Sub, &x, &greatest)?;
    let powers = graph.unary(Unary::Exp, &shifted)?;
    let sum = over(graph, &powers, &kept, Reduction::Sum)?;
    let log = graph.unary(Unary::Log, &sum)?;
    let y = graph.binary(Binary::Add, &log, &greatest)?;
    let (_, dims) = call.layout()?;
    Ok(vec![call.graph.reshape(&y, &dims)?])
}

/// The mean square distance from the mean, for `n − correction` numbers; its root for the deviation.
fn variance(call: &mut Call<'_, '_>, is_deviation: bool) -> Outputs {
    let x = call.tensor("self")?;
    let dims = Over::of(call, &x)?;
    let correction = match call.is_given("correction") {
        true => call.float("correction", 1.0)?,
        false => f64::from(u8::from(call.bool("unbiased", true)?)),
    };
    call.ignore(&["correction"]);
    let kept = Over {
        axes: dims.axes.clone(),
        keep: true,
    };
    let graph = &mut *call.graph;
    let mean = over(graph, &x, &kept, Reduction::Mean)?;
    let distance = graph.binary(Binary::Sub, &x, &mean)?;
    let square = graph.binary(Binary::Mul, &distance, &distance)?;
    let mut y = if correction == 0.0 {
        over(graph, &square, &dims, Reduction::Mean)?
    } else {
        let mut count = 1.0;
        for axis in &dims.axes {
            count *= f64::from(graph.fixed(&x, *axis)?);
        }
        let sum = over(graph, &square, &dims, Reduction::Sum)?;
        let count = graph.fill(Number::Float((count - correction).max(0.0)), DataType::Float32)?;
        graph.binary(Binary::Div, &sum, &count)?
    };
    if is_deviation {
        y = graph.unary(Unary::Sqrt, &y)?;
    }
    Ok(vec![y])
}

/// The vector norms of order 1, 2, ∞ and −∞.
fn norm(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let dims = Over::of(call, &x)?;
    let name = if call.is_given("p") { "p" } else { "ord" };
    let order = call.float(name, 2.0)?;
    if call.data_type("dtype")?.is_some_and(|dtype| dtype != DataType::Float32) {
        return Err(call.refuse("dtype", "must be float32"));
    }
    let graph = &mut *call.graph;
    let x = graph.cast(&x, DataType::Float32)?;
    if order == 2.0 {
        let squares = graph.binary(Binary::Mul, &x, &x)?;
        let sum = over(graph, &squares, &dims, Reduction::Sum)?;
        return Ok(vec![graph.unary(Unary::Sqrt, &sum)?]);
    }
    let reduction = match order {
        1.0 => Reduction::Sum,
        f64::INFINITY => Reduction::Max,
        f64::NEG_INFINITY => Reduction::Min,
        _ => return Err(call.refuse(name, "must be 1, 2 or infinite")),
    };
    let sizes = graph.unary(Unary::Abs, &x)?;
    Ok(vec![over(graph, &sizes, &dims, reduction)?])
}

/// Applies something to a dimension as if it were the last.
fn along_last(
    call: &mut Call<'_, '_>,
    x: &Tensor,
    axis: usize,
    f: impl FnOnce(&mut Builder<'_>, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let last = x.dims.len().saturating_sub(1);
    let moved = call.graph.move_axis(x, axis, last)?;
    let y = f(call.graph, &moved)?;
    call.graph.move_axis(&y, last, axis)
}

fn cumsum(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let axis = call.axis("dim", 0, x.dims.len())?;
    call.ignore(&["dtype"]);
    let (dtype, _) = call.layout()?;
    let x = call.graph.cast(&x, dtype)?;
    Ok(vec![along_last(call, &x, axis, |graph, x| graph.cumsum(x))?])
}

/// Indices of the `count` greatest (or least) numbers, greatest first, the lower index of equal ones first.
fn ranked(call: &mut Call<'_, '_>, x: &Tensor, axis: usize, count: u32, largest: bool) -> Result<Tensor> {
    along_last(call, x, axis, |graph, x| graph.topk(x, count, largest))
}

/// Values and indices. They come in order whether or not that is asked for.
fn topk(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let count = call.int("k", 1)?;
    let count = u32::try_from(count).map_err(|_| call.refuse("k", "is not a size"))?;
    let axis = call.axis("dim", -1, x.dims.len())?;
    let largest = call.bool("largest", true)?;
    call.ignore(&["sorted"]);
    let indices = ranked(call, &x, axis, count, largest)?;
    Ok(vec![call.graph.gather(&x, axis, &indices)?, indices])
}

fn sort(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let indices = sorted(call, &x)?;
    let axis = call.axis("dim", -1, x.dims.len())?;
    Ok(vec![call.graph.gather(&x, axis, &indices)?, indices])
}

fn argsort(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    Ok(vec![sorted(call, &x)?])
}

fn sorted(call: &mut Call<'_, '_>, x: &Tensor) -> Result<Tensor> {
    let axis = call.axis("dim", -1, x.dims.len())?;
    let descending = call.bool("descending", false)?;
    call.ignore(&["stable"]);
    let count = call.graph.fixed(x, axis)?;
    ranked(call, x, axis, count, descending)
}
