//! Rows that choose what they are multiplied with or summed into: bags of embeddings and mixtures of experts.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    contraction::product,
    core::{Binary, Reduction},
};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Expression},
};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("embedding_bag.default", embedding_bag),
    ("embedding_bag.padding_idx", embedding_bag),
    ("_embedding_bag.default", embedding_bag),
    ("_embedding_bag_forward_only.default", embedding_bag),
    ("_grouped_mm.default", grouped_product),
];

/// Operators that are not torch's own, by their whole names.
pub(super) const FOREIGN: &[(&str, Handler)] =
    &[("torch.ops.transformers.grouped_mm_fallback.default", grouped_product)];

/// Groups whose matrices are multiplied with all rows, at most.
const MAX_GROUPS: u32 = 1024;

type Outputs = Result<Vec<Tensor>>;

/// Rows of a table, those of each bag summed, averaged, or the greatest taken. Bag `b` begins at `offsets[b]`.
fn embedding_bag(call: &mut Call<'_, '_>) -> Outputs {
    let (table, indices, offsets) = (call.tensor("weight")?, call.tensor("indices")?, call.tensor("offsets")?);
    let weights = call.optional_tensor("per_sample_weights")?;
    let mode = call.int("mode", 0)?;
    let padding = call.optional_int("padding_idx")?.filter(|index| *index >= 0);
    let has_end = call.bool("include_last_offset", false)?;
    call.ignore(&["scale_grad_by_freq", "sparse"]);
    if !(0..=2).contains(&mode) {
        return Err(call.refuse("mode", "is none of sum, mean and max"));
    }
    let (_, dims) = call.layout()?;
    let &[bags, width] = dims.as_slice() else {
        return Err(call.refuse("output", "has other dimensions"));
    };
    let graph = &mut *call.graph;
    let count = indices.dims.first().copied();
    let count = count.filter(|_| indices.dims.len() == 1);
    let count = count.ok_or_else(|| graph.misfit("has bags that are not given as one list"))?;
    let mut rows = graph.index_select(&table, 0, &indices)?;
    if let Some(weights) = weights {
        let weights = graph.reshape(&weights, &[count, Dimension::Fixed(1)])?;
        rows = graph.binary(Binary::Mul, &rows, &weights)?;
    }
    let is_counted = match padding {
        Some(padding) => {
            let padding = graph.fill(Number::Int(padding), indices.dtype)?;
            Some(graph.binary(Binary::NotEqual, &indices, &padding)?)
        }
        None => None,
    };
    // Bags of one length are the rows of a tensor, [bags, length, width]; others take what is theirs of all rows.
    let (rows, is_own) = match bags_of_one_length(graph, &offsets, count, bags)? {
        Some(length) if !has_end => {
            let is_own = match is_counted {
                Some(is_counted) => Some(graph.reshape(&is_counted, &[bags, length])?),
                None => None,
            };
            (graph.reshape(&rows, &[bags, length, width])?, is_own)
        }
        _ => {
            let mut is_own = members(graph, &offsets, count, bags)?;
            if let Some(is_counted) = is_counted {
                is_own = graph.binary(Binary::And, &is_own, &is_counted)?;
            }
            (
                graph.reshape(&rows, &[Dimension::Fixed(1), count, width])?,
                Some(is_own),
            )
        }
    };
    let rows = graph.transpose(&rows, 1, 2)?;
    Ok(vec![gathered(graph, &rows, is_own, mode)?])
}

/// Number of indices of each bag, if the offsets count up by one length.
fn bags_of_one_length(
    graph: &mut Builder<'_>,
    offsets: &Tensor,
    count: Dimension,
    bags: Dimension,
) -> Result<Option<Dimension>> {
    let length = Expression::of(count)
        .zip(Expression::of(bags))
        .and_then(|(count, bags)| match bags.as_number() {
            Some(number) => count.divided(u32::try_from(number).ok()?),
            None => count.quotient(&bags),
        })
        .and_then(|length| length.dimension());
    let Some(length) = length.filter(|length| length.times(bags) == Some(count)) else {
        return Ok(None);
    };
    // What such offsets are is put into the graph and compared; nothing needs it where it is something else.
    let expected = match length {
        Dimension::Fixed(step) => graph.arange(0, step.into(), bags)?,
        step => {
            let (bag, step) = (graph.indices(bags)?, graph.fill(Number::Size(step), DataType::Int64)?);
            graph.binary(Binary::Mul, &bag, &step)?
        }
    };
    Ok((expected == *offsets).then_some(length))
}

/// Whether each of the indices belongs to each bag: `[bags, count]`.
fn members(graph: &mut Builder<'_>, offsets: &Tensor, count: Dimension, bags: Dimension) -> Result<Tensor> {
    let place = graph.indices(count)?;
    let place = graph.reshape(&place, &[count, Dimension::Fixed(1)])?;
    let offsets = graph.cast(offsets, DataType::Int64)?;
    // The bag of a place is the number of bags that begin before it, less one.
    let has_begun = graph.binary(Binary::LessOrEqual, &offsets, &place)?;
    let begun = graph.reduce(Reduction::Sum, &has_begun)?;
    let number = graph.arange(1, 1, bags)?;
    let number = graph.reshape(&number, &[bags, Dimension::Fixed(1)])?;
    graph.binary(Binary::Equal, &begun, &number)
}

/// Rows `[bags or 1, width, length]` of which `is_own [bags, length]` belong to the bag.
fn gathered(graph: &mut Builder<'_>, rows: &Tensor, is_own: Option<Tensor>, mode: i64) -> Result<Tensor> {
    let (reduction, neutral) = match mode {
        2 => (Reduction::Max, f64::NEG_INFINITY),
        _ => (Reduction::Sum, 0.0),
    };
    let Some(is_own) = is_own else {
        let reduction = if mode == 1 { Reduction::Mean } else { reduction };
        return graph.reduce(reduction, rows);
    };
    let &[bags, length] = is_own.dims.as_slice() else {
        return Err(graph.misfit("has other dimensions"));
    };
    let one = Dimension::Fixed(1);
    let wide = graph.reshape(&is_own, &[bags, one, length])?;
    let neutral = graph.number(neutral)?;
    let own = graph.select(&wide, rows, &neutral)?;
    let y = graph.reduce(reduction, &own)?;
    let count = graph.cast(&is_own, DataType::Float32)?;
    let count = graph.reduce(Reduction::Sum, &count)?;
    let count = graph.reshape(&count, &[bags, one])?;
    let least = graph.number(1.0)?;
    match mode {
        0 => Ok(y),
        1 => {
            let count = graph.binary(Binary::Max, &count, &least)?;
            graph.binary(Binary::Div, &y, &count)
        }
        _ => {
            // An empty bag gives zeros.
            let zero = graph.number(0.0)?;
            let is_empty = graph.binary(Binary::Equal, &count, &zero)?;
            graph.select(&is_empty, &zero, &y)
        }
    }
}

/// Rows `[N, K]` times the matrix of the group that each belongs to, of `[groups, K, M]`; group `g` ends before
/// `offs[g]`. Every matrix is multiplied with all rows, and each row keeps what its own gave.
fn grouped_product(call: &mut Call<'_, '_>) -> Outputs {
    let [left, right] = match call.is_given("weight") {
        true => ["input", "weight"],
        false => ["self", "mat2"],
    };
    let (x, matrices) = (call.tensor(left)?, call.tensor(right)?);
    let ends = call.tensor("offs")?;
    if call.is_given("bias") {
        return Err(call.refuse("bias", "must not be given"));
    }
    call.ignore(&["out_dtype"]);
    let (&[rows, _], &[Dimension::Fixed(groups), _, _]) = (x.dims.as_slice(), matrices.dims.as_slice()) else {
        return Err(call.refuse("mat2", "must be matrices for rows, with a fixed number of groups"));
    };
    if groups > MAX_GROUPS {
        return Err(call.refuse("mat2", "has too many groups"));
    }
    let graph = &mut *call.graph;
    let one = Dimension::Fixed(1);
    let place = graph.indices(rows)?;
    let place = graph.reshape(&place, &[rows, one])?;
    let ends = graph.cast(&ends, DataType::Int64)?;
    let has_ended = graph.binary(Binary::LessOrEqual, &ends, &place)?;
    let group = graph.reduce(Reduction::Sum, &has_ended)?;
    let group = graph.reshape(&group, &[rows, one])?;
    let mut y: Option<Tensor> = None;
    for index in 0..groups {
        let matrix = graph.select_at(&matrices, 0, index)?;
        let all = product(graph, &x, &matrix)?;
        let index = graph.fill(Number::Int(index.into()), DataType::Int64)?;
        let is_own = graph.binary(Binary::Equal, &group, &index)?;
        let others = match y {
            Some(y) => y,
            None => graph.number(0.0)?,
        };
        y = Some(graph.select(&is_own, &all, &others)?);
    }
    let y = y.ok_or_else(|| graph.misfit("has no groups"))?;
    Ok(vec![y])
}
