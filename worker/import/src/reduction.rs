//! Sums, means, extremes, norms, rankings. Exact arithmetic reduces the last dimension, so others are moved there.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    core::{Binary, Reduction, Unary},
    functions::general_power,
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
    ("prod.default", product),
    ("prod.dim_int", product),
    ("cumprod.default", cumulative_product),
    ("logcumsumexp.default", log_cumulative_sum_exp),
    ("count_nonzero.default", count_nonzero),
    ("count_nonzero.dim_IntList", count_nonzero),
    ("aminmax.default", |call| {
        let least = reduce(call, Reduction::Min)?;
        Ok([least, reduce(call, Reduction::Max)?].concat())
    }),
    ("cdist.default", distances),
    ("_cdist_forward.default", distances),
    ("pairwise_distance.default", pairwise_distance),
    ("cosine_similarity.default", cosine_similarity),
    ("var_mean.correction", variance_and_mean),
];

type Outputs = Result<Vec<Tensor>>;

/// Which dimensions a reduction takes together, and whether they stay with one element.
pub(super) struct Over {
    pub axes: Vec<usize>,
    pub keep: bool,
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
pub(super) fn over(graph: &mut Builder<'_>, x: &Tensor, over: &Over, reduction: Reduction) -> Result<Tensor> {
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
    let (mut y, _) = spread(call.graph, &x, &dims, correction)?;
    if is_deviation {
        y = call.graph.unary(Unary::Sqrt, &y)?;
    }
    Ok(vec![y])
}

fn variance_and_mean(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let dims = Over::of(call, &x)?;
    let correction = call.float("correction", 1.0)?;
    let (variance, mean) = spread(call.graph, &x, &dims, correction)?;
    let mean = call.graph.reshape(&mean, &variance.dims)?;
    Ok(vec![variance, mean])
}

/// The variance and, with the reduced dimensions kept, the mean.
fn spread(graph: &mut Builder<'_>, x: &Tensor, dims: &Over, correction: f64) -> Result<(Tensor, Tensor)> {
    let kept = Over {
        axes: dims.axes.clone(),
        keep: true,
    };
    let mean = over(graph, x, &kept, Reduction::Mean)?;
    let distance = graph.binary(Binary::Sub, x, &mean)?;
    let square = graph.binary(Binary::Mul, &distance, &distance)?;
    if correction == 0.0 {
        return Ok((over(graph, &square, dims, Reduction::Mean)?, mean));
    }
    let sum = over(graph, &square, dims, Reduction::Sum)?;
    let mut count = Dimension::Fixed(1);
    for axis in &dims.axes {
        let product = count.times(x.dims[*axis]);
        count = product.ok_or_else(|| graph.misfit("has too many dynamic dimensions"))?;
    }
    let count = match count {
        Dimension::Fixed(count) => graph.fill(
            Number::Float((f64::from(count) - correction).max(0.0)),
            DataType::Float32,
        )?,
        count => {
            let count = graph.fill(Number::Size(count), DataType::Float32)?;
            let correction = graph.number(correction)?;
            let count = graph.binary(Binary::Sub, &count, &correction)?;
            graph.relu(&count)?
        }
    };
    Ok((graph.binary(Binary::Div, &sum, &count)?, mean))
}

/// The vector norms, of any order.
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
    Ok(vec![norm_of(graph, &x, &dims, order)?])
}

/// `(Σ |x|^p)^(1/p)`; the greatest and the least size for an infinite order, and how many are not 0 for order 0.
fn norm_of(graph: &mut Builder<'_>, x: &Tensor, dims: &Over, order: f64) -> Result<Tensor> {
    if order == 2.0 {
        let squares = graph.binary(Binary::Mul, x, x)?;
        let sum = over(graph, &squares, dims, Reduction::Sum)?;
        return graph.unary(Unary::Sqrt, &sum);
    }
    let sizes = graph.unary(Unary::Abs, x)?;
    if order == 0.0 {
        let zero = graph.number(0.0)?;
        let is_some = graph.binary(Binary::NotEqual, x, &zero)?;
        let is_some = graph.cast(&is_some, DataType::Float32)?;
        return over(graph, &is_some, dims, Reduction::Sum);
    }
    let reduction = match order {
        1.0 => Reduction::Sum,
        f64::INFINITY => Reduction::Max,
        f64::NEG_INFINITY => Reduction::Min,
        _ => {
            let (order, inverse) = (graph.number(order)?, graph.number(1.0 / order)?);
            let powers = general_power(graph, &sizes, &order)?;
            let sum = over(graph, &powers, dims, Reduction::Sum)?;
            return general_power(graph, &sum, &inverse);
        }
    };
    over(graph, &sizes, dims, reduction)
}

/// Distances between the rows of two tensors: `[…, M, D]` and `[…, N, D]` to `[…, M, N]`.
fn distances(call: &mut Call<'_, '_>) -> Outputs {
    let (a, b) = (call.tensor("x1")?, call.tensor("x2")?);
    let order = call.float("p", 2.0)?;
    call.ignore(&["compute_mode"]);
    if a.dims.len() < 2 || b.dims.len() < 2 {
        return Err(call.refuse("x1", "needs two dimensions"));
    }
    let graph = &mut *call.graph;
    let (mut wide_a, mut wide_b) = (a.dims.clone(), b.dims.clone());
    wide_a.insert(a.dims.len() - 1, Dimension::Fixed(1));
    wide_b.insert(b.dims.len() - 2, Dimension::Fixed(1));
    let (a, b) = (graph.reshape(&a, &wide_a)?, graph.reshape(&b, &wide_b)?);
    let difference = graph.binary(Binary::Sub, &a, &b)?;
    let dims = Over {
        axes: vec![difference.dims.len() - 1],
        keep: false,
    };
    Ok(vec![norm_of(graph, &difference, &dims, order)?])
}

/// The norm of `x1 − x2 + eps` along the last dimension.
fn pairwise_distance(call: &mut Call<'_, '_>) -> Outputs {
    let (a, b) = (call.tensor("x1")?, call.tensor("x2")?);
    let (order, epsilon) = (call.float("p", 2.0)?, call.float("eps", 1e-6)?);
    let keep = call.bool("keepdim", false)?;
    let graph = &mut *call.graph;
    let difference = graph.binary(Binary::Sub, &a, &b)?;
    let epsilon = graph.number(epsilon)?;
    let difference = graph.binary(Binary::Add, &difference, &epsilon)?;
    let dims = Over {
        axes: vec![difference.dims.len().saturating_sub(1)],
        keep,
    };
    Ok(vec![norm_of(graph, &difference, &dims, order)?])
}

/// `Σ x1 x2 / (max(|x1|, eps) · max(|x2|, eps))` along a dimension.
fn cosine_similarity(call: &mut Call<'_, '_>) -> Outputs {
    let (a, b) = (call.tensor("x1")?, call.tensor("x2")?);
    let epsilon = call.float("eps", 1e-8)?;
    let outer = call.graph.broadcast(&a.dims, &b.dims)?;
    let axis = call.axis("dim", 1, outer.len())?;
    let graph = &mut *call.graph;
    let (a, b) = (graph.expand(&a, &outer)?, graph.expand(&b, &outer)?);
    let dims = Over {
        axes: vec![axis],
        keep: false,
    };
    let epsilon = graph.number(epsilon)?;
    let product = graph.binary(Binary::Mul, &a, &b)?;
    let mut y = over(graph, &product, &dims, Reduction::Sum)?;
    for x in [&a, &b] {
        let norm = norm_of(graph, x, &dims, 2.0)?;
        let norm = graph.binary(Binary::Max, &norm, &epsilon)?;
        y = graph.binary(Binary::Div, &y, &norm)?;
    }
    Ok(vec![y])
}

/// The product of a dimension or of all: of both halves, element by element, until one is left.
fn product(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let dims = Over::of(call, &x)?;
    call.ignore(&["dtype"]);
    let (dtype, described) = call.layout()?;
    let graph = &mut *call.graph;
    let mut y = graph.cast(&x, dtype)?;
    for axis in dims.axes {
        if x.dims.is_empty() {
            break;
        }
        let mut length = graph.fixed(&y, axis)?;
        while length > 1 {
            let half = length / 2;
            let left = graph.slice(&y, axis, 0, half, 1)?;
            let right = graph.slice(&y, axis, half, half, 1)?;
            let both = graph.binary(Binary::Mul, &left, &right)?;
            y = match length % 2 {
                0 => both,
                _ => {
                    let last = graph.slice(&y, axis, length - 1, 1, 1)?;
                    graph.concat(&[both, last], axis)?
                }
            };
            length = half + length % 2;
        }
    }
    Ok(vec![graph.reshape(&y, &described)?])
}

/// Products of each element with all before it: with the one before, then with two before, then with four.
fn cumulative_product(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let axis = call.axis("dim", 0, x.dims.len())?;
    call.ignore(&["dtype"]);
    let (dtype, _) = call.layout()?;
    let graph = &mut *call.graph;
    let mut y = graph.cast(&x, dtype)?;
    if y.dims.is_empty() {
        return Ok(vec![y]);
    }
    let length = graph.fixed(&y, axis)?;
    let mut distance = 1;
    while distance < length {
        let before = graph.slice(&y, axis, 0, length - distance, 1)?;
        let before = graph.pad(&before, axis, distance, 0, Number::Int(1))?;
        y = graph.binary(Binary::Mul, &y, &before)?;
        distance *= 2;
    }
    Ok(vec![y])
}

/// `log(cumsum(exp(x − max))) + max`, with the greatest of the whole dimension.
fn log_cumulative_sum_exp(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let axis = call.axis("dim", 0, x.dims.len())?;
    Ok(vec![along_last(call, &x, axis, |graph, x| {
        let dims = Over {
            axes: vec![x.dims.len().saturating_sub(1)],
            keep: true,
        };
        let greatest = over(graph, x, &dims, Reduction::Max)?;
        let shifted = graph.binary(Binary::Sub, x, &greatest)?;
        let powers = graph.unary(Unary::Exp, &shifted)?;
        let sums = graph.cumsum(&powers)?;
        let logs = graph.unary(Unary::Log, &sums)?;
        graph.binary(Binary::Add, &logs, &greatest)
    })?])
}

fn count_nonzero(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let dims = Over::of(call, &x)?;
    let graph = &mut *call.graph;
    let is_some = graph.cast(&x, DataType::Bool)?;
    Ok(vec![over(graph, &is_some, &dims, Reduction::Sum)?])
}

/// Applies something to a dimension as if it were the last.
pub(super) fn along_last(
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
    let sums = along_last(call, &x, axis, |graph, x| graph.cumsum(x))?;
    Ok(vec![call.graph.cast(&sums, dtype)?])
}
