//! Operators that put elements into a tensor at places that are given by slices, indices or truth values.
//!
//! Exact arithmetic gathers and does not scatter, so every place of the result finds out what is put there. Where
//! several elements are put into one place the last one stays, as on a processor in torch.

use super::{
    Handler,
    arguments::{Call, Number, Operand, Result},
    builder::{Builder, Tensor},
    core::{Binary, Reduction},
    elementwise::operand,
    indexing::Places,
    movement::{Start, start},
    views::inverse,
};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Position},
};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("copy.default", copy),
    ("fill.Scalar", fill),
    ("fill.Tensor", fill),
    ("zero.default", fill),
    ("slice_scatter.default", slice_scatter),
    ("select_scatter.default", select_scatter),
    ("index_fill.int_Scalar", index_fill),
    ("index_fill.int_Tensor", index_fill),
    ("index_copy.default", index_copy),
    ("index_add.default", index_add),
    ("index_put.default", index_put),
    ("_unsafe_index_put.default", index_put),
    ("masked_scatter.default", masked_scatter),
    ("max_unpool2d.default", max_unpool),
    ("scatter.src", scatter),
    ("scatter.value", scatter),
    ("scatter_add.default", |call| scatter_reduce(call, Some("sum"))),
    ("scatter_reduce.two", |call| scatter_reduce(call, None)),
];

type Outputs = Result<Vec<Tensor>>;

/// The second tensor, with the layout of the first.
fn copy(call: &mut Call<'_, '_>) -> Outputs {
    let (x, source) = (call.tensor("self")?, call.tensor("src")?);
    call.ignore(&["non_blocking"]);
    let source = call.graph.cast(&source, x.dtype)?;
    Ok(vec![call.graph.expand(&source, &x.dims)?])
}

/// One number everywhere, 0 if none is given.
fn fill(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let value = match call.is_given("value") {
        true => operand(call, "value", x.dtype)?,
        false => call.graph.fill(Number::Int(0), x.dtype)?,
    };
    let value = call.graph.reshape(&value, &[])?;
    Ok(vec![call.graph.expand(&value, &x.dims)?])
}

fn slice_scatter(call: &mut Call<'_, '_>) -> Outputs {
    let (x, source) = (call.tensor("self")?, call.tensor("src")?);
    let axis = call.axis_of("dim", 0, &x)?;
    let start = start(call, "start", x.dims[axis])?;
    call.ignore(&["end"]);
    let step = call.int("step", 1)?;
    let step = u32::try_from(step).map_err(|_| call.refuse("step", "must be positive"))?;
    let source = call.graph.cast(&source, x.dtype)?;
    Ok(vec![put_at(call.graph, &x, axis, start, step, &source)?])
}

/// `new` along a dimension from a place on.
fn put_at(graph: &mut Builder<'_>, x: &Tensor, axis: usize, start: Start, step: u32, new: &Tensor) -> Result<Tensor> {
    match start {
        Start::At(place) => graph.put_slice(x, axis, place, step, new),
        Start::Dynamic(start) => {
            let index = graph.arange(0, i64::from(step), new.dims[axis])?;
            let index = graph.binary(Binary::Add, &index, &start)?;
            graph.put_rows(x, axis, &index, new)
        }
    }
}

fn select_scatter(call: &mut Call<'_, '_>) -> Outputs {
    let (x, source) = (call.tensor("self")?, call.tensor("src")?);
    let axis = call.axis_of("dim", 0, &x)?;
    let start = start(call, "index", x.dims[axis])?;
    let mut dims = x.dims.clone();
    dims[axis] = Dimension::Fixed(1);
    let source = call.graph.cast(&source, x.dtype)?;
    let source = call.graph.reshape(&source, &dims)?;
    Ok(vec![put_at(call.graph, &x, axis, start, 1, &source)?])
}

/// The tensor, the dimension, and a vector of indices along it.
fn along_index(call: &mut Call<'_, '_>) -> Result<(Tensor, usize, Tensor)> {
    let (x, index) = (call.tensor("self")?, call.tensor("index")?);
    let axis = call.axis_of("dim", 0, &x)?;
    let index = call.graph.counted_from_front(&index, x.dims[axis])?;
    let flat = call.graph.flattened(&index.dims, 0, index.dims.len())?;
    Ok((x, axis, call.graph.reshape(&index, &flat)?))
}

fn index_fill(call: &mut Call<'_, '_>) -> Outputs {
    let (x, axis, index) = along_index(call)?;
    let value = operand(call, "value", x.dtype)?;
    let places = call.graph.places(&index, x.dims[axis])?;
    let is_there = call.graph.reduce(Reduction::Any, &places)?;
    let is_there = call.graph.along(&is_there, axis, x.dims.len())?;
    Ok(vec![call.graph.select(&is_there, &value, &x)?])
}

fn index_copy(call: &mut Call<'_, '_>) -> Outputs {
    let (x, axis, index) = along_index(call)?;
    let source = call.tensor("source")?;
    Ok(vec![call.graph.put_rows(&x, axis, &index, &source)?])
}

fn index_add(call: &mut Call<'_, '_>) -> Outputs {
    let (x, axis, index) = along_index(call)?;
    let source = call.tensor("source")?;
    let alpha = call.number("alpha")?.unwrap_or(Number::Int(1));
    let graph = &mut *call.graph;
    let alpha = graph.fill(alpha, x.dtype)?;
    let source = graph.binary(Binary::Mul, &source, &alpha)?;
    Ok(vec![add_rows(graph, &x, axis, &index, &source)?])
}

/// `x` with the rows of `new` added at the places in a vector of indices.
fn add_rows(graph: &mut Builder<'_>, x: &Tensor, axis: usize, index: &Tensor, new: &Tensor) -> Result<Tensor> {
    // [length, K] with [others…, 1, K].
    let places = graph.places(index, x.dims[axis])?;
    let last = new.dims.len() - 1;
    let rows = graph.move_axis(new, axis, last)?;
    let mut dims = rows.dims.clone();
    dims.insert(last, Dimension::Fixed(1));
    let rows = graph.reshape(&rows, &dims)?;
    let zero = graph.fill(Number::Int(0), new.dtype)?;
    let added = graph.select(&places, &rows, &zero)?;
    let sum = graph.reduce(Reduction::Sum, &added)?;
    let sum = graph.cast(&sum, x.dtype)?;
    let sum = graph.move_axis(&sum, last, axis)?;
    graph.binary(Binary::Add, x, &sum)
}

/// `x[…, i, …] = values`, or `+=`.
fn index_put(call: &mut Call<'_, '_>) -> Outputs {
    let (x, values) = (call.tensor("self")?, call.tensor("values")?);
    let adds = call.bool("accumulate", false)?;
    let values = call.graph.cast(&values, x.dtype)?;
    let given = call.optional_tensors("indices")?;
    if let [Some(mask)] = given.as_slice()
        && mask.dtype == DataType::Bool
    {
        return Ok(vec![put_where(call, &x, mask, &values, adds)?]);
    }
    let (order, places) = Places::in_order(call, &x)?;
    let graph = &mut *call.graph;
    let moved = graph.permute(&x, &order)?;
    let (first, count) = (places.first(), places.indices().len());
    let result = [&moved.dims[..first], places.dims(), &moved.dims[first + count..]].concat();
    let values = graph.expand(&values, &result)?;
    let y = put_places(graph, &moved, &places, &values, adds)?;
    Ok(vec![graph.permute(&y, &inverse(&order))?])
}

/// `values [before…, the indices' dimensions…, after…]` at their places in `x`.
fn put_places(graph: &mut Builder<'_>, x: &Tensor, places: &Places, values: &Tensor, adds: bool) -> Result<Tensor> {
    let (first, rank) = (places.first(), places.dims().len());
    if let ([_, _, ..], false, Some((batch, along))) = (places.indices(), adds, places.batch(graph, x))
        && !places.are_apart()
    {
        return put_batched(graph, x, places, values, (batch, along));
    }
    let (flat_x, index) = places.combined(graph, x)?;
    let index_dims = graph.flattened(&index.dims, 0, rank)?;
    let index = graph.reshape(&index, &index_dims)?;
    let dims = graph.flattened(&values.dims, first, first + rank)?;
    let values = graph.reshape(values, &dims)?;
    let y = match adds {
        true => add_rows(graph, &flat_x, first, &index, &values)?,
        false => graph.put_rows(&flat_x, first, &index, &values)?,
    };
    graph.reshape(&y, &x.dims)
}

/// The same where one tensor of indices counts the entries of a batch, and the others pick within each.
fn put_batched(
    graph: &mut Builder<'_>,
    x: &Tensor,
    places: &Places,
    values: &Tensor,
    (batch, along): (usize, usize),
) -> Result<Tensor> {
    let (first, rank) = (places.first(), places.dims().len());
    let (rows, index, _) = places.batched(graph, x, batch, along)?;
    // The values as [entries, K, before…, after…].
    let order: Vec<usize> = [first + along]
        .into_iter()
        .chain((first..first + rank).filter(|axis| *axis != first + along))
        .chain(0..first)
        .chain(first + rank..values.dims.len())
        .collect();
    let moved = graph.permute(values, &order)?;
    let flat = graph.flattened(&moved.dims, 1, rank)?;
    let values = graph.reshape(&moved, &flat)?;
    // [entries, places]: which of the K stands last at each place.
    let last = graph.last_places(&index, rows.dims[1])?;
    let zero = graph.fill(Number::Int(0), DataType::Int32)?;
    let is_there = graph.binary(Binary::GreaterOrEqual, &last, &zero)?;
    let last = graph.binary(Binary::Max, &last, &zero)?;
    let wide = [&rows.dims[..2], &vec![Dimension::Fixed(1); rows.dims.len() - 2]].concat();
    let (is_there, last) = (graph.reshape(&is_there, &wide)?, graph.reshape(&last, &wide)?);
    let last = graph.expand(&last, &rows.dims)?;
    let picked = graph.gather(&values, 1, &last)?;
    let y = graph.select(&is_there, &picked, &rows)?;
    // [entries, places, before…, after…] to the order of x.
    let count = places.indices().len();
    let axis = first + batch;
    let picked: Vec<usize> = (first..first + count).filter(|other| *other != axis).collect();
    let others = (0..x.dims.len()).filter(|other| !(first..first + count).contains(other));
    let order: Vec<usize> = [axis].into_iter().chain(picked).chain(others).collect();
    let split: Vec<Dimension> = order.iter().map(|axis| x.dims[*axis]).collect();
    let y = graph.reshape(&y, &split)?;
    graph.permute(&y, &inverse(&order))
}

/// `x[mask] = values` for values that are the same for every place.
fn put_where(call: &mut Call<'_, '_>, x: &Tensor, mask: &Tensor, values: &Tensor, adds: bool) -> Result<Tensor> {
    let inner = x.dims.len().saturating_sub(mask.dims.len());
    let (places, rest) = values.dims.split_at(values.dims.len().saturating_sub(inner));
    if places.iter().any(|length| *length != Dimension::Fixed(1)) {
        return Err(call.refuse(
            "values",
            "has as many rows as the mask has true values, which is no known size: use torch.where or masked_scatter",
        ));
    }
    let graph = &mut *call.graph;
    let values = graph.reshape(values, rest)?;
    let mask = graph.reshape(mask, &[mask.dims.clone(), vec![Dimension::Fixed(1); inner]].concat())?;
    let values = match adds {
        true => graph.binary(Binary::Add, x, &values)?,
        false => values,
    };
    graph.select(&mask, &values, x)
}

/// The elements of the source, from the first on, where the mask is true.
fn masked_scatter(call: &mut Call<'_, '_>) -> Outputs {
    let (x, mask, source) = (call.tensor("self")?, call.tensor("mask")?, call.tensor("source")?);
    let graph = &mut *call.graph;
    let mask = graph.expand(&mask, &x.dims)?;
    let count = true_so_far(graph, &mask)?;
    let one = graph.fill(Number::Int(1), count.dtype)?;
    let zero = graph.fill(Number::Int(0), count.dtype)?;
    let index = graph.binary(Binary::Sub, &count, &one)?;
    let index = graph.binary(Binary::Max, &index, &zero)?;
    let all = graph.flattened(&source.dims, 0, source.dims.len())?;
    let source = graph.reshape(&source, &all)?;
    let picked = graph.index_select(&source, 0, &index)?;
    let picked = graph.reshape(&picked, &x.dims)?;
    Ok(vec![graph.select(&mask, &picked, &x)?])
}

/// Count of the true values up to each place: in the rows before, and in its own row.
fn true_so_far(graph: &mut Builder<'_>, mask: &Tensor) -> Result<Tensor> {
    let count = graph.cast(mask, DataType::Int32)?;
    let within = graph.cumsum(&count)?;
    let Some((_, outer)) = mask.dims.split_last() else {
        return Ok(within);
    };
    let rows = graph.reduce(Reduction::Sum, &count)?;
    let flat = graph.flattened(outer, 0, outer.len())?;
    let flat = graph.reshape(&rows, &flat)?;
    let up_to = graph.cumsum(&flat)?;
    let before = graph.binary(Binary::Sub, &up_to, &flat)?;
    let before = graph.reshape(&before, &[outer, &[Dimension::Fixed(1)]].concat())?;
    graph.binary(Binary::Add, &before, &within)
}

/// Target of scattering along a dimension: the part of the tensor that the indices reach, with the dimension last; the
/// indices, and the source.
struct Scattered {
    axis: usize,
    part: Tensor,
    index: Tensor,
    source: Tensor,
}

impl Scattered {
    fn of(call: &mut Call<'_, '_>, x: &Tensor) -> Result<Self> {
        let index = call.tensor("index")?;
        let axis = call.axis_of("dim", 0, x)?;
        if index.dims.len() != x.dims.len() || x.dims.is_empty() {
            return Err(call.refuse("index", "has another number of dimensions"));
        }
        let name = if call.is_given("src") { "src" } else { "value" };
        let source = call.operand(name)?;
        let graph = &mut *call.graph;
        let source = match source {
            Operand::Number(number) => graph.fill(number, x.dtype)?,
            Operand::Tensor(source) => graph.cast(&source, x.dtype)?,
        };
        let mut source = match source.dims.is_empty() {
            true => graph.expand(&source, &index.dims)?,
            false => source,
        };
        let mut part = x.clone();
        for dim in 0..x.dims.len() {
            source = graph.cut(&source, dim, Position::FromStart(0), index.dims[dim], 1)?;
            if dim != axis {
                part = graph.cut(&part, dim, Position::FromStart(0), index.dims[dim], 1)?;
            }
        }
        let last = x.dims.len() - 1;
        Ok(Self {
            axis,
            part: graph.move_axis(&part, axis, last)?,
            index: graph.move_axis(&index, axis, last)?,
            source: graph.move_axis(&source, axis, last)?,
        })
    }

    /// `x` with `new` in place of the part.
    fn put(&self, graph: &mut Builder<'_>, x: &Tensor, new: &Tensor) -> Result<Tensor> {
        let new = graph.move_axis(new, x.dims.len() - 1, self.axis)?;
        self.put_from(graph, x, &new, 0)
    }

    fn put_from(&self, graph: &mut Builder<'_>, x: &Tensor, new: &Tensor, dim: usize) -> Result<Tensor> {
        if dim == x.dims.len() || x.dims == new.dims {
            return Ok(new.clone());
        }
        let part = graph.cut(x, dim, Position::FromStart(0), new.dims[dim], 1)?;
        let part = self.put_from(graph, &part, new, dim + 1)?;
        graph.put_slice(x, dim, Position::FromStart(0), 1, &part)
    }
}

fn scatter(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let scattered = Scattered::of(call, &x)?;
    let (part, axis) = (&scattered.part, x.dims.len() - 1);
    let graph = &mut *call.graph;
    let last = graph.last_places(&scattered.index, part.dims[axis])?;
    let zero = graph.fill(Number::Int(0), DataType::Int32)?;
    let is_there = graph.binary(Binary::GreaterOrEqual, &last, &zero)?;
    let last = graph.binary(Binary::Max, &last, &zero)?;
    let picked = graph.gather(&scattered.source, axis, &last)?;
    let y = graph.select(&is_there, &picked, part)?;
    Ok(vec![scattered.put(graph, &x, &y)?])
}

/// Elements that meet in one place, with what is there unless `include_self` is false, as their sum, their mean, or the
/// greatest or the least of them.
fn scatter_reduce(call: &mut Call<'_, '_>, kind: Option<&str>) -> Outputs {
    let x = call.tensor("self")?;
    let scattered = Scattered::of(call, &x)?;
    let kind = match kind {
        Some(kind) => kind,
        None => call.string("reduce")?.unwrap_or_default(),
    };
    let includes = call.bool("include_self", true)?;
    let (neutral, reduction, joins) = match kind {
        "sum" | "mean" => (0.0, Reduction::Sum, Binary::Add),
        "amax" => (f64::NEG_INFINITY, Reduction::Max, Binary::Max),
        "amin" => (f64::INFINITY, Reduction::Min, Binary::Min),
        _ => return Err(call.refuse("reduce", "must be sum, mean, amax or amin")),
    };
    if x.dtype != DataType::Float32 && kind != "sum" {
        return Err(call.refuse("self", "is not of numbers, of which alone this is defined"));
    }
    let (part, axis) = (&scattered.part, x.dims.len() - 1);
    let graph = &mut *call.graph;
    let places = graph.places(&scattered.index, part.dims[axis])?;
    let mut dims = scattered.source.dims.clone();
    dims.insert(axis, Dimension::Fixed(1));
    let source = graph.reshape(&scattered.source, &dims)?;
    let neutral = graph.fill(Number::Float(neutral), x.dtype)?;
    let met = graph.select(&places, &source, &neutral)?;
    let met = graph.reduce(reduction, &met)?;
    let met = graph.cast(&met, x.dtype)?;
    let mut y = match includes {
        true => graph.binary(joins, part, &met)?,
        false => met,
    };
    if kind == "mean" {
        let count = graph.cast(&places, DataType::Float32)?;
        let count = graph.reduce(Reduction::Sum, &count)?;
        let one = graph.fill(Number::Int(1), DataType::Float32)?;
        let count = match includes {
            true => graph.binary(Binary::Add, &count, &one)?,
            false => graph.binary(Binary::Max, &count, &one)?,
        };
        y = graph.binary(Binary::Div, &y, &count)?;
    }
    let is_met = graph.reduce(Reduction::Any, &places)?;
    let y = graph.select(&is_met, &y, part)?;
    Ok(vec![scattered.put(graph, &x, &y)?])
}

/// Elements put back where a pooling took them from, and zeros elsewhere.
fn max_unpool(call: &mut Call<'_, '_>) -> Outputs {
    let (x, index) = (call.tensor("self")?, call.tensor("indices")?);
    call.ignore(&["output_size"]);
    let (_, dims) = call.layout()?;
    let first = x.dims.len().saturating_sub(2);
    if dims.len() != x.dims.len() || index.dims != x.dims {
        return Err(call.refuse("indices", "has other dimensions"));
    }
    let graph = &mut *call.graph;
    let (from, to) = (
        graph.flattened(&x.dims, first, x.dims.len())?,
        graph.flattened(&dims, first, dims.len())?,
    );
    let (x, index) = (graph.reshape(&x, &from)?, graph.reshape(&index, &from)?);
    let last = graph.last_places(&index, to[first])?;
    let zero = graph.fill(Number::Int(0), DataType::Int32)?;
    let is_there = graph.binary(Binary::GreaterOrEqual, &last, &zero)?;
    let last = graph.binary(Binary::Max, &last, &zero)?;
    let picked = graph.gather(&x, first, &last)?;
    let none = graph.fill(Number::Int(0), x.dtype)?;
    let y = graph.select(&is_there, &picked, &none)?;
    Ok(vec![graph.reshape(&y, &dims)?])
}
