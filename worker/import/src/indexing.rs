//! Operators that pick elements by index: rows of a table, gathered elements, and torch's square brackets.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    core::Binary,
};
use assay_exact::{digest::DataType, graph::Dimension};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("embedding.default", embedding),
    ("index_select.default", index_select),
    ("gather.default", gather),
    ("take_along_dim.default", take_along),
    ("index.Tensor", index),
    ("_unsafe_index.Tensor", index),
    ("take.default", take),
];

type Outputs = Result<Vec<Tensor>>;

fn embedding(call: &mut Call<'_, '_>) -> Outputs {
    let (table, indices) = (call.tensor("weight")?, call.tensor("indices")?);
    call.ignore(&["padding_idx", "scale_grad_by_freq", "sparse"]);
    Ok(vec![call.graph.index_select(&table, 0, &indices)?])
}

fn index_select(call: &mut Call<'_, '_>) -> Outputs {
    let (x, index) = (call.tensor("self")?, call.tensor("index")?);
    let axis = call.axis_of("dim", 0, &x)?;
    Ok(vec![call.graph.index_select(&x, axis, &index)?])
}

fn gather(call: &mut Call<'_, '_>) -> Outputs {
    let (x, index) = (call.tensor("self")?, call.tensor("index")?);
    let axis = call.axis_of("dim", 0, &x)?;
    call.ignore(&["sparse_grad"]);
    Ok(vec![call.graph.gather(&x, axis, &index)?])
}

/// Gathers along a dimension, with the others broadcast.
fn take_along(call: &mut Call<'_, '_>) -> Outputs {
    let (x, index) = (call.tensor("self")?, call.tensor("indices")?);
    let axis = call.axis_of("dim", 0, &x)?;
    if !call.is_given("dim") {
        return Err(call.refuse("dim", "must be given"));
    }
    let mut others = (x.dims.clone(), index.dims.clone());
    if index.dims.len() != x.dims.len() {
        return Err(call.refuse("indices", "has another number of dimensions"));
    }
    (others.0[axis], others.1[axis]) = (Dimension::Fixed(1), Dimension::Fixed(1));
    let outer = call.graph.broadcast(&others.0, &others.1)?;
    let (mut wide_x, mut wide_index) = (outer.clone(), outer);
    (wide_x[axis], wide_index[axis]) = (x.dims[axis], index.dims[axis]);
    let (x, index) = (call.graph.expand(&x, &wide_x)?, call.graph.expand(&index, &wide_index)?);
    Ok(vec![call.graph.gather(&x, axis, &index)?])
}

/// Elements of the tensor as one row.
fn take(call: &mut Call<'_, '_>) -> Outputs {
    let (x, index) = (call.tensor("self")?, call.tensor("index")?);
    let flat = call.graph.flattened(&x.dims, 0, x.dims.len())?;
    let index = call.graph.counted_from_front(&index, flat[0])?;
    let x = call.graph.reshape(&x, &flat)?;
    Ok(vec![call.graph.index_select(&x, 0, &index)?])
}

/// `x[…, i, …, j, …]` with tensors of indices.
fn index(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let (x, places) = Places::of(call, x)?;
    Ok(vec![places.take(call.graph, &x)?])
}

/// Tensors of indices for neighbouring dimensions, as torch's square brackets have them: they are broadcast, and the
/// result has their dimensions in place of those that they index.
pub(super) struct Places {
    /// The first dimension that is indexed.
    first: usize,
    /// For each dimension from the first on, indices that count from the front, all with as many dimensions as the
    /// result of broadcasting them.
    indices: Vec<Tensor>,
    /// The dimensions of that result.
    dims: Vec<Dimension>,
}

impl Places {
    /// The argument `indices` for a tensor. Where the indexed dimensions are no neighbours they come first, as in
    /// torch, and the tensor is given back with its dimensions in that order.
    fn of(call: &mut Call<'_, '_>, x: Tensor) -> Result<(Tensor, Self)> {
        let (order, places) = Self::in_order(call, &x)?;
        Ok((call.graph.permute(&x, &order)?, places))
    }

    /// The same, with the order in place of the tensor.
    pub fn in_order(call: &mut Call<'_, '_>, x: &Tensor) -> Result<(Vec<usize>, Self)> {
        let given = call.optional_tensors("indices")?;
        let axes: Vec<usize> = (0..given.len()).filter(|axis| given[*axis].is_some()).collect();
        let (Some(first), Some(last)) = (axes.first().copied(), axes.last().copied()) else {
            return Err(call.refuse("indices", "is empty"));
        };
        if last >= x.dims.len() {
            return Err(call.refuse("indices", "has more tensors than there are dimensions"));
        }
        if given.iter().flatten().any(|index| index.dtype == DataType::Bool) {
            return Err(call.refuse(
                "indices",
                "has truth values, which give a tensor of no known size: use torch.where, or multiply with the mask",
            ));
        }
        let are_neighbours = last - first + 1 == axes.len();
        let order: Vec<usize> = match are_neighbours {
            true => (0..x.dims.len()).collect(),
            false => {
                let others = (0..x.dims.len()).filter(|axis| !axes.contains(axis));
                axes.iter().copied().chain(others).collect()
            }
        };
        let graph = &mut *call.graph;
        let mut dims = Vec::new();
        for index in given.iter().flatten() {
            dims = graph.broadcast(&dims, &index.dims)?;
        }
        let mut indices = Vec::with_capacity(axes.len());
        for (axis, index) in axes.iter().zip(given.iter().flatten()) {
            let index = graph.counted_from_front(index, x.dims[*axis])?;
            let missing = vec![Dimension::Fixed(1); dims.len() - index.dims.len()];
            indices.push(graph.reshape(&index, &[missing, index.dims.clone()].concat())?);
        }
        let first = if are_neighbours { first } else { 0 };
        Ok((order, Self { first, indices, dims }))
    }

    /// The dimensions of the indices' result along which one of them varies.
    fn varying(index: &Tensor) -> Vec<usize> {
        let one = Dimension::Fixed(1);
        (0..index.dims.len()).filter(|axis| index.dims[*axis] != one).collect()
    }

    /// Whether no two of the tensors vary along the same dimension, so that each picks for itself.
    pub fn are_apart(&self) -> bool {
        let mut seen = vec![false; self.dims.len()];
        let mut varying = self.indices.iter().flat_map(Self::varying);
        varying.all(|axis| !std::mem::replace(&mut seen[axis], true))
    }

    /// The elements of `x` at these places.
    fn take(&self, graph: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
        match self.indices.as_slice() {
            [index] if !graph.counts_up(index) => return graph.index_select(x, self.first, index),
            _ if self.are_apart() => return self.take_apart(graph, x),
            _ => {}
        }
        if let Some((batch, along)) = self.batch(graph, x) {
            return self.take_batched(graph, x, batch, along);
        }
        let (x, combined) = self.combined(graph, x)?;
        graph.index_select(&x, self.first, &combined)
    }

    /// One dimension after the other.
    fn take_apart(&self, graph: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
        let (mut y, mut axis, mut order) = (x.clone(), self.first, Vec::new());
        for index in &self.indices {
            let varying = Self::varying(index);
            let dims: Vec<Dimension> = varying.iter().map(|axis| index.dims[*axis]).collect();
            let is_all = dims == [y.dims[axis]] && graph.counts_up(index);
            if !is_all {
                let index = graph.reshape(index, &dims)?;
                y = graph.index_select(&y, axis, &index)?;
            }
            axis += dims.len();
            order.extend(varying);
        }
        // What varies stands in the order of the tensors, and goes to the order of the result.
        let mut sorted: Vec<usize> = (0..order.len()).collect();
        sorted.sort_by_key(|position| order[*position]);
        let places: Vec<usize> = (0..self.first)
            .chain(sorted.iter().map(|position| self.first + position))
            .chain(axis..y.dims.len())
            .collect();
        y = graph.permute(&y, &places)?;
        let dims = [
            &x.dims[..self.first],
            &self.dims,
            &x.dims[self.first + self.indices.len()..],
        ]
        .concat();
        graph.reshape(&y, &dims)
    }

    /// Of the tensors the one that counts all of its dimension, and along which dimension of the result: the others
    /// then pick within that dimension's entries, as in `x[arange(batch), last]`.
    pub fn batch(&self, graph: &Builder<'_>, x: &Tensor) -> Option<(usize, usize)> {
        self.indices.iter().enumerate().find_map(|(position, index)| {
            let varying = Self::varying(index);
            let [along] = varying.as_slice() else {
                return None;
            };
            let is_all = index.dims[*along] == x.dims[self.first + position] && graph.counts_up(index);
            is_all.then_some((position, *along))
        })
    }

    fn take_batched(&self, graph: &mut Builder<'_>, x: &Tensor, batch: usize, along: usize) -> Result<Tensor> {
        let (rows, index, rest) = self.batched(graph, x, batch, along)?;
        let (entries, count) = (rows.dims[0], index.dims[1]);
        let mut wide = vec![Dimension::Fixed(1); rows.dims.len()];
        (wide[0], wide[1]) = (entries, count);
        let index = graph.reshape(&index, &wide)?;
        wide[2..].copy_from_slice(&rows.dims[2..]);
        let index = graph.expand(&index, &wide)?;
        let y = graph.gather(&rows, 1, &index)?;
        // [entries, rest of the indices' result…, before…, after…] to [before…, the result…, after…].
        let (before, after) = (self.first, x.dims.len() - self.first - self.indices.len());
        let split = [&[entries], rest.as_slice(), &y.dims[2..]].concat();
        let y = graph.reshape(&y, &split)?;
        let mut result: Vec<usize> = (1..=rest.len()).collect();
        result.insert(along, 0);
        let outer = 1 + rest.len();
        let order: Vec<usize> = (outer..outer + before)
            .chain(result)
            .chain(outer + before..outer + before + after)
            .collect();
        graph.permute(&y, &order)
    }

    /// `x` as `[entries, places, before…, after…]`, the indices as `[entries, K]`, and the dimensions that `K` is of.
    pub fn batched(
        &self,
        graph: &mut Builder<'_>,
        x: &Tensor,
        batch: usize,
        along: usize,
    ) -> Result<(Tensor, Tensor, Vec<Dimension>)> {
        let axis = self.first + batch;
        let indexed = self.first..self.first + self.indices.len();
        let picked: Vec<usize> = indexed.clone().filter(|other| *other != axis).collect();
        let others = (0..x.dims.len()).filter(|other| !indexed.contains(other));
        let order: Vec<usize> = [axis].into_iter().chain(picked.iter().copied()).chain(others).collect();
        let moved = graph.permute(x, &order)?;
        let flat = graph.flattened(&moved.dims, 1, 1 + picked.len())?;
        let rows = graph.reshape(&moved, &flat)?;
        let lengths: Vec<Dimension> = picked.iter().map(|axis| x.dims[*axis]).collect();
        let indices: Vec<&Tensor> = (0..self.indices.len())
            .filter(|position| *position != batch)
            .map(|position| &self.indices[position])
            .collect();
        let combined = joined(graph, &indices, &lengths)?;
        let combined = graph.expand(&combined, &self.dims)?;
        let combined = graph.move_axis(&combined, along, 0)?;
        let rest = combined.dims[1..].to_vec();
        let flat = graph.flattened(&combined.dims, 1, combined.dims.len())?;
        Ok((rows, graph.reshape(&combined, &flat)?, rest))
    }

    /// `x` with the indexed dimensions as one, and the indices of that one.
    pub fn combined(&self, graph: &mut Builder<'_>, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let indexed = self.first..self.first + self.indices.len();
        let indices: Vec<&Tensor> = self.indices.iter().collect();
        let combined = joined(graph, &indices, &x.dims[indexed.clone()])?;
        let combined = graph.expand(&combined, &self.dims)?;
        let flat = graph.flattened(&x.dims, indexed.start, indexed.end)?;
        Ok((graph.reshape(x, &flat)?, combined))
    }

    pub fn first(&self) -> usize {
        self.first
    }

    /// The tensors of indices, one for each dimension from the first on.
    pub fn indices(&self) -> &[Tensor] {
        &self.indices
    }

    pub fn dims(&self) -> &[Dimension] {
        &self.dims
    }
}

/// Indices of several dimensions as those of the dimension that they are together.
fn joined(graph: &mut Builder<'_>, indices: &[&Tensor], lengths: &[Dimension]) -> Result<Tensor> {
    let mut combined: Option<Tensor> = None;
    for (index, length) in indices.iter().zip(lengths) {
        combined = Some(match combined {
            None => (*index).clone(),
            Some(outer) => {
                let length = graph.fill(Number::Size(*length), DataType::Int64)?;
                let outer = graph.binary(Binary::Mul, &outer, &length)?;
                graph.binary(Binary::Add, &outer, index)?
            }
        });
    }
    combined.ok_or_else(|| graph.misfit("has no indices"))
}
