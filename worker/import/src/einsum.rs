//! Einstein sums: operands are joined from the first to the last, two at a time, each by one product of matrices.

use super::{
    Handler,
    arguments::{Call, Result},
    builder::{Builder, Tensor},
    contraction::product,
    core::{Binary, Reduction},
};
use assay_exact::graph::Dimension;

pub(super) const OPERATORS: &[(&str, Handler)] = &[("einsum.default", einsum)];

/// The label of a dimension: a letter, or a dimension of the ellipsis counted from its last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    Letter(char),
    Ellipsis(usize),
}

/// A tensor whose dimensions have labels.
struct Labelled {
    tensor: Tensor,
    labels: Vec<Label>,
}

fn einsum(call: &mut Call<'_, '_>) -> Result<Vec<Tensor>> {
    let equation = call.string("equation")?.unwrap_or_default();
    let tensors = call.tensors("tensors")?;
    call.ignore(&["path"]);
    let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let (given, result) = match equation.split_once("->") {
        Some((given, result)) => (given, Some(result)),
        None => (equation.as_str(), None),
    };
    let terms: Vec<&str> = given.split(',').collect();
    if terms.len() != tensors.len() {
        return Err(call.refuse("equation", "does not have a term for each tensor"));
    }
    let mut operands = Vec::with_capacity(tensors.len());
    for (term, tensor) in terms.into_iter().zip(tensors) {
        let labels = labels(term, tensor.dims.len());
        let labels = labels.ok_or_else(|| call.refuse("equation", "does not fit the tensors' dimensions"))?;
        operands.push(diagonal(call.graph, Labelled { tensor, labels })?);
    }
    let result = match result {
        Some(result) => {
            let widest = operands.iter().map(|operand| ellipsis(&operand.labels)).max();
            let letters = result.chars().filter(|c| *c != '.').count();
            let rank = letters + if result.contains("...") { widest.unwrap_or(0) } else { 0 };
            labels(result, rank).ok_or_else(|| call.refuse("equation", "has a result that is not read"))?
        }
        None => implicit(&operands),
    };
    let graph = &mut *call.graph;
    let mut operands = operands.into_iter();
    let first = operands.next();
    let mut joined = first.ok_or_else(|| graph.misfit("is an empty list"))?;
    let rest: Vec<Labelled> = operands.collect();
    for position in 0..rest.len() {
        // A label that neither the result nor a later operand has is summed now.
        let is_needed = |label: &Label| {
            result.contains(label) || rest[position + 1..].iter().any(|later| later.labels.contains(label))
        };
        joined = join(graph, joined, &rest[position], &is_needed)?;
    }
    let joined = summed(graph, joined, &|label| result.contains(label))?;
    let order = result
        .iter()
        .map(|label| joined.labels.iter().position(|own| own == label));
    let order = order.collect::<Option<Vec<_>>>();
    let order = order.ok_or_else(|| graph.misfit("has a result with a dimension that no operand has"))?;
    Ok(vec![graph.permute(&joined.tensor, &order)?])
}

/// Number of dimensions that an ellipsis stands for.
fn ellipsis(labels: &[Label]) -> usize {
    labels
        .iter()
        .filter(|label| matches!(label, Label::Ellipsis(_)))
        .count()
}

/// The labels of a term such as `b...ij`, for a tensor with this many dimensions.
fn labels(term: &str, rank: usize) -> Option<Vec<Label>> {
    let (before, after) = match term.split_once("...") {
        Some((before, after)) => (before, Some(after)),
        None => (term, None),
    };
    let letters = before.len() + after.map_or(0, str::len);
    let hidden = rank.checked_sub(letters)?;
    if after.is_none() && hidden != 0 {
        return None;
    }
    let hidden = (0..hidden).rev().map(Label::Ellipsis);
    let letter = |c: char| c.is_ascii_alphabetic().then_some(Label::Letter(c));
    let before = before.chars().map(letter).collect::<Option<Vec<_>>>()?;
    let after = after.unwrap_or("").chars().map(letter).collect::<Option<Vec<_>>>()?;
    Some(before.into_iter().chain(hidden).chain(after).collect())
}

/// The result where the equation names none: what the ellipsis stands for, and the letters that occur once, in order.
fn implicit(operands: &[Labelled]) -> Vec<Label> {
    let all: Vec<Label> = operands.iter().flat_map(|operand| operand.labels.clone()).collect();
    let widest = operands
        .iter()
        .map(|operand| ellipsis(&operand.labels))
        .max()
        .unwrap_or(0);
    let mut letters: Vec<char> = all
        .iter()
        .filter_map(|label| match label {
            Label::Letter(letter) => Some(*letter),
            Label::Ellipsis(_) => None,
        })
        .filter(|letter| all.iter().filter(|label| **label == Label::Letter(*letter)).count() == 1)
        .collect();
    letters.sort_unstable();
    let hidden = (0..widest).rev().map(Label::Ellipsis);
    hidden.chain(letters.into_iter().map(Label::Letter)).collect()
}

/// A tensor without a label that it has twice: what stands on the diagonal of the two dimensions.
fn diagonal(graph: &mut Builder<'_>, mut x: Labelled) -> Result<Labelled> {
    while let Some((first, second)) = twice(&x.labels) {
        let last = x.tensor.dims.len() - 1;
        let moved = graph.move_axis(&x.tensor, second, last)?;
        let moved = graph.move_axis(&moved, first, last - 1)?;
        let (rows, columns) = (moved.dims[last - 1], moved.dims[last]);
        let row = graph.indices(rows)?;
        let row = graph.reshape(&row, &[rows, Dimension::Fixed(1)])?;
        let column = graph.indices(columns)?;
        let on = graph.binary(Binary::Equal, &row, &column)?;
        let zero = graph.fill(super::arguments::Number::Int(0), moved.dtype)?;
        let kept = graph.select(&on, &moved, &zero)?;
        let sum = graph.reduce(Reduction::Sum, &kept)?;
        let label = x.labels[first];
        x.labels.remove(second);
        x.labels.remove(first);
        x.labels.push(label);
        x.tensor = graph.cast(&sum, x.tensor.dtype)?;
    }
    Ok(x)
}

fn twice(labels: &[Label]) -> Option<(usize, usize)> {
    labels.iter().enumerate().find_map(|(first, label)| {
        let second = labels.iter().skip(first + 1).position(|other| other == label)?;
        Some((first, first + 1 + second))
    })
}

/// A tensor with the dimensions summed that are not needed.
fn summed(graph: &mut Builder<'_>, mut x: Labelled, is_needed: &dyn Fn(&Label) -> bool) -> Result<Labelled> {
    while let Some(axis) = x.labels.iter().position(|label| !is_needed(label)) {
        let moved = graph.move_axis(&x.tensor, axis, x.tensor.dims.len() - 1)?;
        let sum = graph.reduce(Reduction::Sum, &moved)?;
        x.tensor = graph.cast(&sum, x.tensor.dtype)?;
        x.labels.remove(axis);
    }
    Ok(x)
}

/// Two operands as one, with the labels that both have and are not needed summed.
fn join(graph: &mut Builder<'_>, a: Labelled, b: &Labelled, is_needed: &dyn Fn(&Label) -> bool) -> Result<Labelled> {
    let b = Labelled {
        tensor: b.tensor.clone(),
        labels: b.labels.clone(),
    };
    let a = summed(graph, a, &|label| is_needed(label) || b.labels.contains(label))?;
    let b = summed(graph, b, &|label| is_needed(label) || a.labels.contains(label))?;
    let is_summed = |label: &&Label| a.labels.contains(label) && b.labels.contains(label) && !is_needed(label);
    let inner: Vec<Label> = a.labels.iter().filter(is_summed).copied().collect();
    let outer = |label: &&Label| a.labels.contains(label) && b.labels.contains(label) && is_needed(label);
    let batch: Vec<Label> = a.labels.iter().filter(outer).copied().collect();
    let own = |own: &Labelled| -> Vec<Label> {
        let rest = own
            .labels
            .iter()
            .filter(|label| !inner.contains(label) && !batch.contains(label));
        rest.copied().collect()
    };
    let (left, right) = (own(&a), own(&b));
    let labels = [batch.clone(), left.clone(), right.clone()].concat();
    let (x, outer_x, left_dims) = arranged(graph, &a, &[&batch, &left, &inner])?;
    let (y, outer_y, right_dims) = arranged(graph, &b, &[&batch, &right, &inner])?;
    let outer = graph.broadcast(&outer_x, &outer_y)?;
    let dims = [outer, left_dims, right_dims].concat();
    let tensor = if inner.is_empty() {
        // [batch…, left, 1] and [batch…, 1, right]: no sum, so no product of matrices.
        let rank = y.dims.len();
        let y = graph.transpose(&y, rank - 2, rank - 1)?;
        graph.binary(Binary::Mul, &x, &y)?
    } else {
        let rank = y.dims.len();
        let y = graph.transpose(&y, rank - 2, rank - 1)?;
        product(graph, &x, &y)?
    };
    Ok(Labelled {
        tensor: graph.reshape(&tensor, &dims)?,
        labels,
    })
}

/// A tensor as `[batch…, own, inner]`, and its dimensions of the batch and of its own.
fn arranged(
    graph: &mut Builder<'_>,
    x: &Labelled,
    [batch, own, inner]: &[&Vec<Label>; 3],
) -> Result<(Tensor, Vec<Dimension>, Vec<Dimension>)> {
    let all = batch.iter().chain(own.iter()).chain(inner.iter());
    let order = all.map(|label| x.labels.iter().position(|other| other == label));
    let order = order.collect::<Option<Vec<_>>>();
    let order = order.ok_or_else(|| graph.misfit("has a label that is not read"))?;
    let moved = graph.permute(&x.tensor, &order)?;
    let (outer, rest) = moved.dims.split_at(batch.len());
    let (own_dims, inner_dims) = rest.split_at(own.len());
    let one = |dims: &[Dimension]| graph.flattened(dims, 0, dims.len());
    let flat = [outer, &one(own_dims)?, &one(inner_dims)?].concat();
    let (outer, own_dims) = (outer.to_vec(), own_dims.to_vec());
    Ok((graph.reshape(&moved, &flat)?, outer, own_dims))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_fit_the_rank_of_the_tensor() {
        use Label::{Ellipsis, Letter};
        assert_eq!(labels("bij", 3), Some(vec![Letter('b'), Letter('i'), Letter('j')]));
        assert_eq!(
            labels("b...j", 4),
            Some(vec![Letter('b'), Ellipsis(1), Ellipsis(0), Letter('j')])
        );
        assert_eq!(labels("...", 0), Some(vec![]));
        for (term, rank) in [("bij", 2), ("bij", 4), ("b...j", 1), ("b1", 2), ("b..j", 4)] {
            assert_eq!(labels(term, rank), None, "{term} {rank}");
        }
    }
}
