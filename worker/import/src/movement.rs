//! Operators that move elements and change none: dimensions regrouped, reordered, cut, joined, repeated and padded.
//!
//! Where the program describes the output, its dimensions are taken from there, and the graph's own check says whether
//! they fit.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    core::Binary,
};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Position},
};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("view.default", reshape),
    ("reshape.default", reshape),
    ("_unsafe_view.default", reshape),
    ("view_as.default", reshape),
    ("reshape_as.default", reshape),
    ("flatten.using_ints", reshape),
    ("unflatten.int", reshape),
    ("unsqueeze.default", reshape),
    ("squeeze.default", reshape),
    ("squeeze.dim", reshape),
    ("squeeze.dims", reshape),
    ("t.default", |call| {
        let x = call.tensor("self")?;
        let last = x.dims.len().saturating_sub(1);
        Ok(vec![call.graph.transpose(&x, 0, last)?])
    }),
    ("mT.default", |call| {
        let x = call.tensor("self")?;
        let rank = x.dims.len();
        Ok(vec![call.graph.transpose(
            &x,
            rank.saturating_sub(2),
            rank.saturating_sub(1),
        )?])
    }),
    ("transpose.int", |call| swap(call, "dim0", "dim1")),
    ("numpy_T.default", |call| {
        let x = call.tensor("self")?;
        let order: Vec<usize> = (0..x.dims.len()).rev().collect();
        Ok(vec![call.graph.permute(&x, &order)?])
    }),
    ("swapaxes.default", |call| swap(call, "axis0", "axis1")),
    ("swapdims.default", |call| swap(call, "dim0", "dim1")),
    ("permute.default", permute),
    ("movedim.int", move_axis),
    ("movedim.intlist", move_axes),
    ("diagonal.default", diagonal),
    ("meshgrid.default", meshgrid),
    ("meshgrid.indexing", meshgrid),
    ("hstack.default", |call| {
        let tensors = of_one_type(call)?;
        let axis = usize::from(tensors.first().is_some_and(|tensor| tensor.dims.len() > 1));
        Ok(vec![call.graph.concat(&tensors, axis)?])
    }),
    ("expand.default", expand),
    ("expand_as.default", expand),
    ("broadcast_to.default", expand),
    ("repeat.default", |call| repeat(call, "repeats")),
    ("tile.default", |call| repeat(call, "dims")),
    ("repeat_interleave.self_int", repeat_interleave),
    ("slice.Tensor", slice),
    ("narrow.default", narrow),
    ("select.int", select),
    ("split.Tensor", cut),
    ("split.sizes", cut),
    ("split_with_sizes.default", cut),
    ("chunk.default", cut),
    ("tensor_split.sections", cut),
    ("unbind.int", unbind),
    ("cat.default", concat),
    ("concat.default", concat),
    ("stack.default", stack),
    ("flip.default", flip),
    ("roll.default", roll),
    ("diff.default", diff),
    ("tril.default", |call| triangle(call, Binary::LessOrEqual)),
    ("triu.default", |call| triangle(call, Binary::GreaterOrEqual)),
    ("unfold.default", unfold),
];

type Outputs = Result<Vec<Tensor>>;

/// The same elements in the same order; the program says with which dimensions.
fn reshape(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    call.ignore(&["size", "shape", "other", "start_dim", "end_dim", "dim", "sizes"]);
    let (_, dims) = call.layout()?;
    Ok(vec![call.graph.reshape(&x, &dims)?])
}

fn swap(call: &mut Call<'_, '_>, first: &str, second: &str) -> Outputs {
    let x = call.tensor("self")?;
    let (a, b) = (call.axis(first, 0, x.dims.len())?, call.axis(second, 0, x.dims.len())?);
    Ok(vec![call.graph.transpose(&x, a, b)?])
}

fn permute(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let order = call.ints("dims")?.unwrap_or_default();
    let order = order.into_iter().map(|axis| call.position("dims", axis, x.dims.len()));
    let order = order.collect::<Result<Vec<_>>>()?;
    Ok(vec![call.graph.permute(&x, &order)?])
}

fn move_axis(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let (from, to) = (call.axis_of("source", 0, &x)?, call.axis_of("destination", 0, &x)?);
    Ok(vec![call.graph.move_axis(&x, from, to)?])
}

/// Dimensions at other places, the others in their order.
fn move_axes(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let rank = x.dims.len();
    let mut order = vec![None; rank];
    let (from, to) = (call.ints("source")?, call.ints("destination")?);
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    for (from, to) in from.iter().zip(&to) {
        order[call.position("destination", *to, rank)?] = Some(call.position("source", *from, rank)?);
    }
    let taken: Vec<usize> = order.iter().flatten().copied().collect();
    let mut others = (0..rank).filter(|axis| !taken.contains(axis));
    let order = order.into_iter().map(|axis| axis.or_else(|| others.next()));
    let order = order.collect::<Option<Vec<_>>>();
    let order = order.ok_or_else(|| call.refuse("source", "names a dimension twice"))?;
    Ok(vec![call.graph.permute(&x, &order)?])
}

/// The elements whose two indices differ by an offset, as a new last dimension: of the flattened pair of dimensions
/// every `columns + 1`-th.
fn diagonal(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let rank = x.dims.len();
    let offset = call.int("offset", 0)?;
    let (first, second) = (call.axis("dim1", 0, rank)?, call.axis("dim2", 1, rank)?);
    if first == second || rank < 2 {
        return Err(call.refuse("dim2", "must be another dimension than dim1"));
    }
    let (_, dims) = call.layout()?;
    let length = dims.last().copied();
    let length = length.ok_or_else(|| call.refuse("output", "has other dimensions"))?;
    let order: Vec<usize> = (0..rank)
        .filter(|axis| ![first, second].contains(axis))
        .chain([first, second])
        .collect();
    let graph = &mut *call.graph;
    let moved = graph.permute(&x, &order)?;
    let columns = moved.dims[rank - 1];
    let flat = graph.flattened(&moved.dims, rank - 2, rank)?;
    let flat = graph.reshape(&moved, &flat)?;
    let width = graph.fill(Number::Size(columns), DataType::Int64)?;
    let (row, column) = (offset.min(0).saturating_neg(), offset.max(0));
    let (row, column) = (graph.arange(row, 1, length)?, graph.arange(column, 1, length)?);
    let index = graph.binary(Binary::Mul, &row, &width)?;
    let index = graph.binary(Binary::Add, &index, &column)?;
    Ok(vec![graph.index_select(&flat, rank - 2, &index)?])
}

/// Vectors, each along a dimension of its own of the same tensor; in `xy` the first two dimensions are exchanged.
fn meshgrid(call: &mut Call<'_, '_>) -> Outputs {
    let tensors = call.tensors("tensors")?;
    let swaps = call.string("indexing")? == Some("xy") && tensors.len() > 1;
    let place = |index: usize| match index {
        0 | 1 if swaps => 1 - index,
        _ => index,
    };
    let mut dims = vec![Dimension::Fixed(1); tensors.len()];
    for (index, tensor) in tensors.iter().enumerate() {
        dims[place(index)] = tensor.dims.first().copied().unwrap_or(Dimension::Fixed(1));
    }
    let graph = &mut *call.graph;
    let grids = tensors.iter().enumerate().map(|(index, tensor)| {
        let vector = graph.reshape(tensor, &[dims[place(index)]])?;
        let along = graph.along(&vector, place(index), dims.len())?;
        graph.expand(&along, &dims)
    });
    grids.collect()
}

fn expand(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    call.ignore(&["size", "other", "implicit"]);
    let (_, dims) = call.layout()?;
    Ok(vec![call.graph.expand(&x, &dims)?])
}

/// The whole tensor several times along each dimension.
fn repeat(call: &mut Call<'_, '_>, name: &str) -> Outputs {
    let mut x = call.tensor("self")?;
    let repeats = call.sizes(name)?.unwrap_or_default();
    let missing = repeats.len().saturating_sub(x.dims.len());
    let dims = [vec![Dimension::Fixed(1); missing], x.dims.clone()].concat();
    x = call.graph.reshape(&x, &dims)?;
    let first = x.dims.len() - repeats.len();
    for (axis, times) in (first..).zip(repeats) {
        let times = match times {
            Number::Int(times) => u32::try_from(times).ok().map(Dimension::Fixed),
            Number::Size(times) => Some(times),
            _ => None,
        };
        let times = times.ok_or_else(|| call.refuse(name, "is not a list of sizes"))?;
        x = call.graph.repeat(&x, axis, times)?;
    }
    Ok(vec![x])
}

/// Each element several times in a row.
fn repeat_interleave(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let axis = call.axis_of("dim", 0, &x)?;
    let times = call.int("repeats", 1)?;
    call.ignore(&["output_size"]);
    if !call.is_given("dim") {
        return Err(call.refuse("dim", "must be given"));
    }
    let times = u32::try_from(times).map_err(|_| call.refuse("repeats", "is not a size"))?;
    Ok(vec![call.graph.repeat_interleave(&x, axis, times)?])
}

/// Where a cut begins.
pub(super) enum Start {
    /// At this place.
    At(Position),
    /// This many elements after the first, given as a tensor: what is not known before the inputs are.
    Dynamic(Tensor),
}

/// An argument that counts elements of a dimension, from the end if it is negative.
pub(super) fn start(call: &mut Call<'_, '_>, name: &str, dimension: Dimension) -> Result<Start> {
    let number = call.number(name)?.unwrap_or(Number::Int(0));
    let place = match (number, dimension) {
        (Number::Int(start), Dimension::Fixed(length)) => {
            let start = if start < 0 { start + i64::from(length) } else { start };
            Some(Position::FromStart(start.clamp(0, i64::from(length)) as u32))
        }
        (Number::Int(start), _) if start >= 0 => u32::try_from(start).ok().map(Position::FromStart),
        (Number::Int(start), _) => u32::try_from(-start).ok().map(Position::FromEnd),
        (Number::Size(Dimension::Fixed(start)), _) => Some(Position::FromStart(start)),
        (Number::Size(size), _) => {
            return Ok(Start::Dynamic(call.graph.fill(Number::Size(size), DataType::Int64)?));
        }
        _ => None,
    };
    place
        .map(Start::At)
        .ok_or_else(|| call.refuse(name, "is no place in a tensor"))
}

/// `length` elements of a dimension from `start` on, every `step`-th.
fn cut_from(
    graph: &mut Builder<'_>,
    x: &Tensor,
    axis: usize,
    start: Start,
    length: Dimension,
    step: u32,
) -> Result<Tensor> {
    match start {
        Start::At(place) => graph.cut(x, axis, place, length, step),
        Start::Dynamic(start) => {
            let index = graph.arange(0, i64::from(step), length)?;
            let index = graph.binary(Binary::Add, &index, &start)?;
            graph.index_select(x, axis, &index)
        }
    }
}

fn slice(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let axis = call.axis_of("dim", 0, &x)?;
    let start = start(call, "start", x.dims[axis])?;
    call.ignore(&["end"]);
    let step = call.int("step", 1)?;
    let step = u32::try_from(step).map_err(|_| call.refuse("step", "must be positive"))?;
    let (_, dims) = call.layout()?;
    let length = *dims
        .get(axis)
        .ok_or_else(|| call.refuse("output", "has other dimensions"))?;
    Ok(vec![cut_from(call.graph, &x, axis, start, length, step)?])
}

fn narrow(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let axis = call.axis_of("dim", 0, &x)?;
    let start = start(call, "start", x.dims[axis])?;
    call.ignore(&["length"]);
    let (_, dims) = call.layout()?;
    let length = *dims
        .get(axis)
        .ok_or_else(|| call.refuse("output", "has other dimensions"))?;
    Ok(vec![cut_from(call.graph, &x, axis, start, length, 1)?])
}

/// One element of a dimension, which goes.
fn select(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let axis = call.axis_of("dim", 0, &x)?;
    let start = start(call, "index", x.dims[axis])?;
    let one = cut_from(call.graph, &x, axis, start, Dimension::Fixed(1), 1)?;
    let (_, dims) = call.layout()?;
    Ok(vec![call.graph.reshape(&one, &dims)?])
}

/// A dimension in consecutive parts, as long as the program says they are.
fn cut(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let axis = call.axis_of("dim", 0, &x)?;
    call.ignore(&["split_size", "split_sizes", "chunks", "sections"]);
    let mut start = Dimension::Fixed(0);
    let mut parts = Vec::new();
    for name in call.outputs() {
        let (_, dims) = call.graph.described(name)?;
        let length = *dims
            .get(axis)
            .ok_or_else(|| call.refuse("output", "has other dimensions"))?;
        let place = match start {
            Dimension::Fixed(start) => Start::At(Position::FromStart(start)),
            Dimension::Symbol(_) | Dimension::Computed(_) => {
                Start::Dynamic(call.graph.fill(Number::Size(start), DataType::Int64)?)
            }
        };
        parts.push(cut_from(call.graph, &x, axis, place, length, 1)?);
        start = start
            .plus(length)
            .ok_or_else(|| call.refuse("self", "is cut into parts whose sum has too many terms"))?;
    }
    Ok(parts)
}

fn unbind(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let axis = call.axis_of("dim", 0, &x)?;
    let length = call.graph.fixed(&x, axis)?;
    if length as usize != call.outputs().len() {
        return Err(call.refuse("self", "is not cut into as many tensors as the node gives"));
    }
    (0..length).map(|index| call.graph.select_at(&x, axis, index)).collect()
}

/// Tensors of one type, which is the one that the program says the result has, without those that have no elements.
fn of_one_type(call: &mut Call<'_, '_>) -> Result<Vec<Tensor>> {
    let (dtype, _) = call.layout()?;
    let mut tensors = call.tensors("tensors")?;
    let has_elements = |tensor: &Tensor| !tensor.dims.contains(&Dimension::Fixed(0));
    if tensors.iter().any(has_elements) {
        tensors.retain(has_elements);
    }
    tensors.iter().map(|tensor| call.graph.cast(tensor, dtype)).collect()
}

fn concat(call: &mut Call<'_, '_>) -> Outputs {
    let tensors = of_one_type(call)?;
    let rank = tensors.first().map_or(0, |tensor| tensor.dims.len());
    let axis = call.axis("dim", 0, rank)?;
    Ok(vec![call.graph.concat(&tensors, axis)?])
}

fn stack(call: &mut Call<'_, '_>) -> Outputs {
    let tensors = of_one_type(call)?;
    let rank = tensors.first().map_or(0, |tensor| tensor.dims.len());
    let axis = call.axis("dim", 0, rank + 1)?;
    Ok(vec![call.graph.stack(&tensors, axis)?])
}

/// The elements of a dimension from the last to the first.
fn flip(call: &mut Call<'_, '_>) -> Outputs {
    let mut x = call.tensor("self")?;
    for axis in call.axes("dims", x.dims.len())? {
        let length = x.dims[axis];
        let graph = &mut *call.graph;
        let index = match length {
            Dimension::Fixed(elements) => graph.arange(i64::from(elements) - 1, -1, length)?,
            Dimension::Symbol(_) | Dimension::Computed(_) => {
                let index = graph.arange(-1, -1, length)?;
                let length = graph.fill(Number::Size(length), DataType::Int64)?;
                graph.binary(Binary::Add, &length, &index)?
            }
        };
        x = graph.index_select(&x, axis, &index)?;
    }
    Ok(vec![x])
}

fn roll(call: &mut Call<'_, '_>) -> Outputs {
    let mut x = call.tensor("self")?;
    let (shifts, axes) = (
        call.ints("shifts")?.unwrap_or_default(),
        call.ints("dims")?.unwrap_or_default(),
    );
    if axes.len() != shifts.len() {
        return Err(call.refuse("dims", "must name a dimension for each shift"));
    }
    for (shift, axis) in shifts.into_iter().zip(axes) {
        let axis = call.position("dims", axis, x.dims.len())?;
        let length = call.graph.fixed(&x, axis)?;
        let shift = shift.rem_euclid(i64::from(length.max(1))) as u32;
        if shift != 0 {
            let tail = call.graph.slice(&x, axis, length - shift, shift, 1)?;
            let head = call.graph.slice(&x, axis, 0, length - shift, 1)?;
            x = call.graph.concat(&[tail, head], axis)?;
        }
    }
    Ok(vec![x])
}

/// Each element less the one before it.
fn diff(call: &mut Call<'_, '_>) -> Outputs {
    let mut x = call.tensor("self")?;
    let axis = call.axis_of("dim", -1, &x)?;
    if call.int("n", 1)? != 1 {
        return Err(call.refuse("n", "must be 1"));
    }
    for (name, is_before) in [("prepend", true), ("append", false)] {
        if let Some(more) = call.optional_tensor(name)? {
            let parts = if is_before { [more, x] } else { [x, more] };
            x = call.graph.concat(&parts, axis)?;
        }
    }
    let (_, dims) = call.layout()?;
    let length = *dims
        .get(axis)
        .ok_or_else(|| call.refuse("output", "has other dimensions"))?;
    let left = cut_from(call.graph, &x, axis, Start::At(Position::FromStart(0)), length, 1)?;
    let right = cut_from(call.graph, &x, axis, Start::At(Position::FromStart(1)), length, 1)?;
    Ok(vec![call.graph.binary(Binary::Sub, &right, &left)?])
}

/// Zero above (or below) a diagonal of the last two dimensions.
fn triangle(call: &mut Call<'_, '_>, kept: Binary) -> Outputs {
    let x = call.tensor("self")?;
    let diagonal = call.int("diagonal", 0)?;
    let [.., rows, columns] = x.dims.as_slice() else {
        return Err(call.refuse("self", "needs two dimensions"));
    };
    let (rows, columns) = (*rows, *columns);
    let graph = &mut *call.graph;
    let row = graph.indices(rows)?;
    let diagonal = graph.fill(Number::Int(diagonal), DataType::Int64)?;
    let row = graph.binary(Binary::Add, &row, &diagonal)?;
    let row = graph.reshape(&row, &[rows, Dimension::Fixed(1)])?;
    let column = graph.indices(columns)?;
    let mask = graph.binary(kept, &column, &row)?;
    let zero = graph.fill(Number::Int(0), x.dtype)?;
    Ok(vec![graph.select(&mask, &x, &zero)?])
}

fn unfold(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let axis = call.axis_of("dimension", 0, &x)?;
    let (size, step) = (call.int("size", 1)?, call.int("step", 1)?);
    let sizes = (u32::try_from(size), u32::try_from(step));
    let (Ok(size), Ok(step)) = sizes else {
        return Err(call.refuse("size", "is not a size"));
    };
    Ok(vec![call.graph.unfold(&x, axis, size, step, 1)?])
}
