//! Orders and counts: the greatest elements, sorting, places in a sorted row, classes and histograms.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    core::{Binary, Reduction, Unary},
    elementwise::operand,
    reduction::along_last,
};
use assay_exact::{digest::DataType, graph::Dimension};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("topk.default", topk),
    ("sort.default", sort),
    ("sort.stable", sort),
    ("argsort.default", argsort),
    ("argsort.stable", argsort),
    ("tril_indices.default", |call| {
        triangle_indices(call, Binary::LessOrEqual)
    }),
    ("triu_indices.default", |call| {
        triangle_indices(call, Binary::GreaterOrEqual)
    }),
    ("one_hot.default", one_hot),
    ("bucketize.Tensor", bucketize),
    ("searchsorted.Tensor", search_sorted),
    ("histc.default", histogram),
];

type Outputs = Result<Vec<Tensor>>;

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
    match x.dims.get(axis) {
        Some(Dimension::Fixed(count)) => ranked(call, x, axis, *count, descending),
        Some(_) => along_last(call, x, axis, |graph, x| ranked_by_pairs(graph, x, descending)),
        None => Err(call.refuse("self", "has no dimension to sort")),
    }
}

/// The order of a dynamic last dimension, the lower index of equal ones first and NaN as the greatest number: how many
/// elements come before each, and then which one has each number of them.
fn ranked_by_pairs(graph: &mut Builder<'_>, x: &Tensor, descending: bool) -> Result<Tensor> {
    let Some((length, outer)) = x.dims.split_last() else {
        return Err(graph.misfit("has no dimension to sort"));
    };
    let (one, length) = (Dimension::Fixed(1), *length);
    let row = graph.reshape(x, &[outer, &[one, length]].concat())?;
    let column = graph.reshape(x, &[outer, &[length, one]].concat())?;
    // Element [i, j]: whether j comes before i.
    let (before, mut equal) = match descending {
        false => (Binary::Less, graph.binary(Binary::Equal, &row, &column)?),
        true => (Binary::Greater, graph.binary(Binary::Equal, &row, &column)?),
    };
    let mut before = graph.binary(before, &row, &column)?;
    if x.dtype == DataType::Float32 {
        let (row_nan, column_nan) = (
            graph.binary(Binary::NotEqual, &row, &row)?,
            graph.binary(Binary::NotEqual, &column, &column)?,
        );
        let both = graph.binary(Binary::And, &row_nan, &column_nan)?;
        equal = graph.binary(Binary::Or, &equal, &both)?;
        let (greater, lesser) = if descending {
            (row_nan, column_nan)
        } else {
            (column_nan, row_nan)
        };
        let lesser = graph.unary(Unary::Not, &lesser)?;
        let apart = graph.binary(Binary::And, &greater, &lesser)?;
        before = graph.binary(Binary::Or, &before, &apart)?;
    }
    let index = graph.indices(length)?;
    let index_column = graph.reshape(&index, &[length, one])?;
    let is_earlier = graph.binary(Binary::Less, &index, &index_column)?;
    let tie = graph.binary(Binary::And, &equal, &is_earlier)?;
    let before = graph.binary(Binary::Or, &before, &tie)?;
    let rank = graph.reduce(Reduction::Sum, &before)?;
    // Element [r, i]: whether i has rank r; just one has.
    let rank = graph.reshape(&rank, &[outer, &[one, length]].concat())?;
    let has_rank = graph.binary(Binary::Equal, &rank, &index_column)?;
    let has_rank = graph.cast(&has_rank, DataType::Int32)?;
    graph.reduce(Reduction::ArgMax, &has_rank)
}

/// Rows and columns of a triangle, from the first row on: the places of a mask's true values.
fn triangle_indices(call: &mut Call<'_, '_>, kept: Binary) -> Outputs {
    let (rows, columns) = (call.int("row", 0)?, call.int("col", 0)?);
    let diagonal = call.int("offset", 0)?;
    call.ignore(&["layout", "device", "pin_memory", "dtype"]);
    let (dtype, dims) = call.layout()?;
    let sizes = (u32::try_from(rows), u32::try_from(columns));
    let (Ok(rows), Ok(columns), [_, Dimension::Fixed(count)]) = (sizes.0, sizes.1, dims.as_slice()) else {
        return Err(call.refuse("row", "is not a fixed size"));
    };
    let all = rows.checked_mul(columns);
    let all = all.ok_or_else(|| call.refuse("row", "is too large"))?;
    let graph = &mut *call.graph;
    let place = graph.indices(Dimension::Fixed(all))?;
    let width = graph.fill(Number::Int(columns.into()), DataType::Int64)?;
    let diagonal = graph.fill(Number::Int(diagonal), DataType::Int64)?;
    let row = graph.binary(Binary::Div, &place, &width)?;
    let column = graph.binary(Binary::Rem, &place, &width)?;
    let reach = graph.binary(Binary::Add, &row, &diagonal)?;
    let is_kept = graph.binary(kept, &column, &reach)?;
    let is_kept = graph.cast(&is_kept, DataType::Uint8)?;
    let place = graph.topk(&is_kept, *count, true)?;
    let row = graph.binary(Binary::Div, &place, &width)?;
    let column = graph.binary(Binary::Rem, &place, &width)?;
    let both = graph.stack(&[row, column], 0)?;
    Ok(vec![graph.cast(&both, dtype)?])
}

/// 1 at the place that a class has, in a new last dimension.
fn one_hot(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let classes = call.int("num_classes", -1)?;
    let classes = u32::try_from(classes).map_err(|_| call.refuse("num_classes", "must be given"))?;
    let graph = &mut *call.graph;
    let x = graph.cast(&x, DataType::Int64)?;
    let column = graph.reshape(&x, &[x.dims.as_slice(), &[Dimension::Fixed(1)]].concat())?;
    let class = graph.indices(Dimension::Fixed(classes))?;
    let is_class = graph.binary(Binary::Equal, &column, &class)?;
    Ok(vec![graph.cast(&is_class, DataType::Int64)?])
}

/// Number of boundaries of a rising row that lie before each number.
fn bucketize(call: &mut Call<'_, '_>) -> Outputs {
    let (x, boundaries) = (call.operand("self")?, call.tensor("boundaries")?);
    let super::arguments::Operand::Tensor(x) = x else {
        return Err(call.refuse("self", "is not a tensor"));
    };
    let column = call
        .graph
        .reshape(&x, &[x.dims.as_slice(), &[Dimension::Fixed(1)]].concat())?;
    Ok(vec![places_among(call, &boundaries, &column)?])
}

/// The same for rows of boundaries and rows of numbers.
fn search_sorted(call: &mut Call<'_, '_>) -> Outputs {
    let (boundaries, x) = (call.tensor("sorted_sequence")?, call.tensor("self")?);
    if call.is_given("side") && call.string("side")? == Some("right") || call.is_given("sorter") {
        return Err(call.refuse(
            "side",
            "or sorter is given; use right=True, and sort the sequence before",
        ));
    }
    let graph = &mut *call.graph;
    let column = graph.reshape(&x, &[x.dims.as_slice(), &[Dimension::Fixed(1)]].concat())?;
    let mut rows = boundaries.dims.clone();
    if rows.len() > 1 {
        rows.insert(rows.len() - 1, Dimension::Fixed(1));
    }
    let rows = graph.reshape(&boundaries, &rows)?;
    Ok(vec![places_among(call, &rows, &column)?])
}

fn places_among(call: &mut Call<'_, '_>, boundaries: &Tensor, column: &Tensor) -> Result<Tensor> {
    let right = call.bool("right", false)?;
    call.ignore(&["out_int32"]);
    let (dtype, _) = call.layout()?;
    let graph = &mut *call.graph;
    let common = match (boundaries.dtype, column.dtype) {
        (DataType::Float32, _) | (_, DataType::Float32) => DataType::Float32,
        _ => DataType::Int64,
    };
    let (boundaries, column) = (graph.cast(boundaries, common)?, graph.cast(column, common)?);
    let comparison = if right { Binary::LessOrEqual } else { Binary::Less };
    let is_before = graph.binary(comparison, &boundaries, &column)?;
    let count = graph.reduce(Reduction::Sum, &is_before)?;
    graph.cast(&count, dtype)
}

/// Count of the numbers that lie in each of equal parts of a range, the greatest number of the range in the last part.
fn histogram(call: &mut Call<'_, '_>) -> Outputs {
    let x = operand(call, "self", DataType::Float32)?;
    let bins = call.int("bins", 100)?;
    let (least, greatest) = (call.float("min", 0.0)?, call.float("max", 0.0)?);
    let (dtype, _) = call.layout()?;
    let bins = u32::try_from(bins).ok().filter(|bins| *bins > 0);
    let Some(bins) = bins.filter(|_| least < greatest) else {
        return Err(call.refuse("min", "and max must be given, the range of the histogram"));
    };
    let graph = &mut *call.graph;
    let flat = graph.flattened(&x.dims, 0, x.dims.len())?;
    let x = graph.reshape(&x, &flat)?;
    let (from, to) = (graph.number(least)?, graph.number(greatest)?);
    let (width, parts) = (graph.number(greatest - least)?, graph.number(f64::from(bins))?);
    let part = graph.binary(Binary::Sub, &x, &from)?;
    let part = graph.binary(Binary::Mul, &part, &parts)?;
    let part = graph.binary(Binary::Div, &part, &width)?;
    let part = graph.unary(Unary::Floor, &part)?;
    let last = graph.number(f64::from(bins - 1))?;
    let part = graph.binary(Binary::Min, &part, &last)?;
    let (is_above, is_below) = (
        graph.binary(Binary::GreaterOrEqual, &x, &from)?,
        graph.binary(Binary::LessOrEqual, &x, &to)?,
    );
    let is_within = graph.binary(Binary::And, &is_above, &is_below)?;
    let bin = graph.indices(Dimension::Fixed(bins))?;
    let bin = graph.cast(&bin, DataType::Float32)?;
    let bin = graph.reshape(&bin, &[Dimension::Fixed(bins), Dimension::Fixed(1)])?;
    let is_in = graph.binary(Binary::Equal, &part, &bin)?;
    let is_in = graph.binary(Binary::And, &is_in, &is_within)?;
    let count = graph.reduce(Reduction::Sum, &is_in)?;
    Ok(vec![graph.cast(&count, dtype)?])
}
