//! Tensors of the program that share elements: what changes one of them in place changes what the others show.
//!
//! A tensor that is no view has a storage of its own, and a view has a path from its storage's whole to itself. A
//! change
//! of a view is put back along its path, which gives the storage a new whole. The other views are made from it again
//! when they are used next.

use super::{
    arguments::{Number, Result},
    builder::{Builder, Tensor},
    core::{Binary, Reduction},
};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Operator, Position},
};

/// Steps from a storage's whole to a view of it, at most.
const MAX_STEPS: usize = 32;

/// Relation of a node's output to its operands.
#[derive(Clone, Copy)]
pub(super) enum Sharing<'n> {
    /// It has elements of its own.
    Fresh,
    /// It shows elements of the tensor of this name.
    View(&'n str),
    /// It may or may not share elements with the tensor of this name.
    Unsure(&'n str),
    /// It is the tensor of this name, changed.
    InPlace(&'n str),
}

/// Whose elements a storage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The program's, which may change them.
    Program,
    /// An input's, a parameter's or a buffer's.
    Caller,
    /// Shared in a way that is not followed.
    Unknown,
}

/// Elements that tensors of the program share.
pub(super) struct Storage {
    whole: Tensor,
    /// Number of times that it was changed.
    changes: usize,
    owner: Owner,
}

/// Value that a name of the program stands for.
pub(super) struct Bound {
    tensor: Tensor,
    storage: usize,
    path: Vec<Step>,
    /// Changes of the storage that the tensor shows.
    changes: usize,
}

/// From a tensor to a view of it.
#[derive(Clone)]
enum Step {
    Reshape(Vec<Dimension>),
    Permute(Vec<usize>),
    Expand(Vec<Dimension>),
    Slice {
        axis: usize,
        start: Position,
        step: u32,
        length: Dimension,
    },
    /// Elements at these indices.
    Pick {
        axis: usize,
        index: Tensor,
    },
}

/// Operators that always share their operand's elements. Operators that no training changes are among them: they give
/// what they take.
const VIEWS: &[&str] = &[
    "alias",
    "alpha_dropout",
    "broadcast_to",
    "chunk",
    "detach",
    "detach_",
    "diagonal",
    "dropout",
    "dropout_",
    "expand",
    "expand_as",
    "feature_dropout",
    "movedim",
    "mT",
    "narrow",
    "numpy_T",
    "permute",
    "select",
    "slice",
    "split",
    "split_with_sizes",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "tensor_split",
    "transpose",
    "unbind",
    "unfold",
    "unflatten",
    "unsqueeze",
    "view",
    "view_as",
];

/// Operators that share them if they are laid out in order, or if nothing has to be converted.
const SOMETIMES_VIEWS: &[&str] = &[
    "_conj",
    "contiguous",
    "flatten",
    "imag",
    "real",
    "reshape",
    "reshape_as",
    "resolve_conj",
    "resolve_neg",
    "to",
    "type_as",
    "view_as_complex",
    "view_as_real",
];

/// Those of them that show parts of complex numbers, or conjugate ones, which is not followed.
const OF_COMPLEX: &[&str] = &[
    "_conj",
    "imag",
    "real",
    "resolve_conj",
    "resolve_neg",
    "view_as_complex",
    "view_as_real",
];

/// Whether the output of an operator of this name may share the elements of its first operand.
pub(super) fn may_share(target: &str) -> bool {
    let target = target.strip_prefix("torch.ops.aten.").unwrap_or(target);
    let name = target.split('.').next().unwrap_or_default();
    VIEWS.contains(&name) || SOMETIMES_VIEWS.contains(&name)
}

impl Builder<'_> {
    /// Relation of the output of an operator `torch.ops.aten.NAME.OVERLOAD` to its first operand, `of`.
    pub fn sharing<'n>(&self, target: &str, of: Option<&'n str>, result: &str) -> Sharing<'n> {
        let target = target.strip_prefix("torch.ops.aten.").unwrap_or(target);
        let name = target.split('.').next().unwrap_or_default();
        let Some(of) = of else {
            return Sharing::Fresh;
        };
        if VIEWS.contains(&name) && !self.is_complex(of) {
            return Sharing::View(of);
        }
        if VIEWS.contains(&name) {
            return Sharing::Unsure(of);
        }
        if !SOMETIMES_VIEWS.contains(&name) {
            return Sharing::Fresh;
        }
        match name {
            "to" | "type_as" if self.keeps_type(of, result) => Sharing::View(of),
            "to" | "type_as" => Sharing::Fresh,
            _ if OF_COMPLEX.contains(&name) => Sharing::Unsure(of),
            _ if self.is_plain(of) => Sharing::View(of),
            "contiguous" => Sharing::Fresh,
            _ => Sharing::Unsure(of),
        }
    }

    /// Gives a tensor with a storage of its own a name.
    pub fn bind(&mut self, name: &str, tensor: Tensor, owner: Owner) {
        let storage = self.storages.len();
        self.storages.push(Storage {
            whole: tensor.clone(),
            changes: 0,
            owner,
        });
        let bound = Bound {
            tensor,
            storage,
            path: Vec::new(),
            changes: 0,
        };
        self.named.insert(name.to_owned(), bound);
    }

    /// Gives a view of another tensor a name.
    pub fn bind_view(&mut self, name: &str, tensor: Tensor, of: &str) -> Result<()> {
        if tensor.dims.contains(&Dimension::Fixed(0)) {
            // What shows no elements changes none.
            self.bind(name, tensor, Owner::Program);
            return Ok(());
        }
        self.shown(of)?;
        let Some(storage) = self.named.get(of).map(|bound| bound.storage) else {
            self.bind(name, tensor, Owner::Caller);
            return Ok(());
        };
        let (whole, changes) = (self.storages[storage].whole.clone(), self.storages[storage].changes);
        match self.path(&tensor, &whole) {
            Some(path) => {
                let bound = Bound {
                    tensor,
                    storage,
                    path,
                    changes,
                };
                self.named.insert(name.to_owned(), bound);
            }
            None => self.bind_unsure(name, tensor, of),
        }
        Ok(())
    }

    /// Gives a tensor that may share elements with another one a name. Neither may be changed from here on.
    pub fn bind_unsure(&mut self, name: &str, tensor: Tensor, of: &str) {
        let storage = self.named.get(of).map(|bound| bound.storage);
        let owner = match storage.map(|storage| &mut self.storages[storage].owner) {
            Some(owner @ Owner::Program) => {
                *owner = Owner::Unknown;
                Owner::Unknown
            }
            Some(owner) => *owner,
            None => Owner::Caller,
        };
        self.bind(name, tensor, owner);
    }

    /// Value that a name stands for after all changes so far.
    pub fn shown(&mut self, name: &str) -> Result<Option<Tensor>> {
        let Some(bound) = self.named.get(name) else {
            return Ok(None);
        };
        let storage = &self.storages[bound.storage];
        if storage.changes == bound.changes {
            return Ok(Some(bound.tensor.clone()));
        }
        let (whole, changes, path) = (storage.whole.clone(), storage.changes, bound.path.clone());
        let tensor = path.iter().try_fold(whole, |x, step| self.step(&x, step))?;
        if let Some(bound) = self.named.get_mut(name) {
            bound.tensor = tensor.clone();
            bound.changes = changes;
        }
        Ok(Some(tensor))
    }

    /// Puts `value` in place of what `name` stands for, in all tensors that share its elements. `result` names it, too.
    pub fn write(&mut self, name: &str, value: Tensor, result: &str) -> Result<()> {
        let Some(bound) = self.named.get(name) else {
            return Err(self.misfit(
                "changes a parameter in place, and a package keeps nothing between jobs: make it an input and an output",
            ));
        };
        let (storage, path, before) = (bound.storage, bound.path.clone(), bound.tensor.clone());
        match self.storages[storage].owner {
            Owner::Program => {}
            Owner::Caller => {
                return Err(self.misfit("changes an input or a parameter in place; change a clone() of it"));
            }
            Owner::Unknown => {
                return Err(self
                    .misfit("changes a tensor in place that others may share; export it without in-place operators"));
            }
        }
        if (value.dtype, &value.dims) != (before.dtype, &before.dims) {
            return Err(self.misfit("is changed in place to another type or other dimensions"));
        }
        let mut seen = vec![self.storages[storage].whole.clone()];
        for step in path.iter().take(path.len().saturating_sub(1)) {
            let next = self.step(&seen[seen.len() - 1], step)?;
            seen.push(next);
        }
        let mut whole = value.clone();
        for (step, before) in path.iter().zip(&seen).rev() {
            whole = self.put_back(before, step, &whole)?;
        }
        let storage_of = &mut self.storages[storage];
        storage_of.whole = whole;
        storage_of.changes += 1;
        let changes = storage_of.changes;
        for name in [name, result] {
            let bound = Bound {
                tensor: value.clone(),
                storage,
                path: path.clone(),
                changes,
            };
            self.named.insert(name.to_owned(), bound);
        }
        Ok(())
    }

    /// The steps from `whole` to a view of it, if they are known.
    fn path(&self, view: &Tensor, whole: &Tensor) -> Option<Vec<Step>> {
        let (mut at, mut path) = (view.clone(), Vec::new());
        // Permutations of permutations are one, so a view of a permuted whole may be made of what that was.
        let permuted = self.made_of(whole).and_then(|(operator, inputs)| match operator {
            Operator::Permute { axes } => Some((inputs.first()?.clone(), axes.clone())),
            _ => None,
        });
        while at.source != whole.source {
            if let Some((from, axes)) = &permuted
                && at.source == from.source
            {
                let order: Vec<usize> = axes.iter().copied().map(usize::from).collect();
                path.push(Step::Permute(inverse(&order)));
                break;
            }
            let (operator, inputs) = self.made_of(&at)?;
            let from = inputs.first()?.clone();
            let step = match operator {
                Operator::Reshape { dimensions } => Step::Reshape(dimensions.clone()),
                Operator::Expand { dimensions } => Step::Expand(dimensions.clone()),
                Operator::Permute { axes } => Step::Permute(axes.iter().copied().map(usize::from).collect()),
                Operator::Slice {
                    axis,
                    start,
                    step,
                    length,
                } => Step::Slice {
                    axis: usize::from(*axis),
                    start: *start,
                    step: *step,
                    length: *length,
                },
                Operator::IndexSelect { axis } => Step::Pick {
                    axis: usize::from(*axis),
                    index: inputs.get(1)?.clone(),
                },
                _ => return None,
            };
            path.push(step);
            if path.len() > MAX_STEPS {
                return None;
            }
            at = from;
        }
        path.reverse();
        Some(path)
    }

    fn step(&mut self, x: &Tensor, step: &Step) -> Result<Tensor> {
        match step {
            Step::Reshape(dims) => self.reshape(x, dims),
            Step::Expand(dims) => self.expand(x, dims),
            Step::Permute(order) => self.permute(x, order),
            Step::Slice {
                axis,
                start,
                step,
                length,
            } => self.cut(x, *axis, *start, *length, *step),
            Step::Pick { axis, index } => self.index_select(x, *axis, index),
        }
    }

    /// A tensor in which what a step shows is `new`.
    fn put_back(&mut self, x: &Tensor, step: &Step, new: &Tensor) -> Result<Tensor> {
        match step {
            Step::Reshape(_) => self.reshape(new, &x.dims),
            Step::Expand(_) => Err(self.misfit("changes a tensor in place of which elements are repeated")),
            Step::Permute(order) => self.permute(new, &inverse(order)),
            Step::Slice { axis, start, step, .. } => self.put_slice(x, *axis, *start, *step, new),
            Step::Pick { axis, index } => self.put_rows(x, *axis, index, new),
        }
    }

    /// `x` with every `step`-th element of a dimension from `start` on in place of what stands there.
    pub fn put_slice(&mut self, x: &Tensor, axis: usize, start: Position, step: u32, new: &Tensor) -> Result<Tensor> {
        let (length, count) = (x.dims[axis], new.dims[axis]);
        if length == count {
            return Ok(new.clone());
        }
        if let (Dimension::Fixed(length), Dimension::Fixed(count), Position::FromStart(start), 1) =
            (length, count, start, step)
        {
            let after = start.saturating_add(count);
            let mut parts = Vec::new();
            if start > 0 {
                parts.push(self.slice(x, axis, 0, start, 1)?);
            }
            parts.push(new.clone());
            if after < length {
                parts.push(self.slice(x, axis, after, length - after, 1)?);
            }
            return self.concat(&parts, axis);
        }
        let first = match start {
            Position::FromStart(start) => self.fill(Number::Int(start.into()), DataType::Int64)?,
            Position::FromEnd(start) => {
                let length = self.fill(Number::Size(length), DataType::Int64)?;
                let start = self.fill(Number::Int(start.into()), DataType::Int64)?;
                self.binary(Binary::Sub, &length, &start)?
            }
        };
        let zero = self.fill(Number::Int(0), DataType::Int64)?;
        let stride = self.fill(Number::Int(step.into()), DataType::Int64)?;
        let count = self.fill(Number::Size(count), DataType::Int64)?;
        let place = self.indices(length)?;
        let place = self.binary(Binary::Sub, &place, &first)?;
        let rest = self.binary(Binary::Rem, &place, &stride)?;
        let index = self.binary(Binary::Div, &place, &stride)?;
        let is_there = self.binary(Binary::GreaterOrEqual, &place, &zero)?;
        let is_before_end = self.binary(Binary::Less, &index, &count)?;
        let is_there = self.binary(Binary::And, &is_there, &is_before_end)?;
        let is_whole = self.binary(Binary::Equal, &rest, &zero)?;
        let is_there = self.binary(Binary::And, &is_there, &is_whole)?;
        let index = self.select(&is_there, &index, &zero)?;
        self.put_picked(x, axis, &is_there, &index, new)
    }

    /// `x` with rows of `new` at the places in a vector of indices; of equal indices the last one counts.
    pub fn put_rows(&mut self, x: &Tensor, axis: usize, index: &Tensor, new: &Tensor) -> Result<Tensor> {
        let last = self.last_places(index, x.dims[axis])?;
        let zero = self.fill(Number::Int(0), DataType::Int32)?;
        let is_there = self.binary(Binary::GreaterOrEqual, &last, &zero)?;
        let last = self.binary(Binary::Max, &last, &zero)?;
        self.put_picked(x, axis, &is_there, &last, new)
    }

    /// For each place of a dimension, where it stands last among the indices `[…, K]`: `[…, length]` of Int32, −1 where
    /// it is none of them.
    pub fn last_places(&mut self, index: &Tensor, length: Dimension) -> Result<Tensor> {
        let equal = self.places(index, length)?;
        let Some(count) = equal.dims.last().copied() else {
            return Err(self.misfit("has no indices"));
        };
        let position = self.indices(count)?;
        let position = self.cast(&position, DataType::Int32)?;
        let none = self.fill(Number::Int(-1), DataType::Int32)?;
        let position = self.select(&equal, &position, &none)?;
        self.reduce(Reduction::Max, &position)
    }

    /// Whether each of the indices `[…, K]` is each place of a dimension: `[…, length, K]`.
    pub fn places(&mut self, index: &Tensor, length: Dimension) -> Result<Tensor> {
        let index = self.cast(index, DataType::Int64)?;
        let mut dims = index.dims.clone();
        dims.insert(dims.len().saturating_sub(1), Dimension::Fixed(1));
        let index = self.reshape(&index, &dims)?;
        let place = self.indices(length)?;
        let place = self.reshape(&place, &[length, Dimension::Fixed(1)])?;
        self.binary(Binary::Equal, &index, &place)
    }

    /// `new` at `index` where a place of the dimension is one to be changed, `x` elsewhere.
    fn put_picked(
        &mut self,
        x: &Tensor,
        axis: usize,
        is_there: &Tensor,
        index: &Tensor,
        new: &Tensor,
    ) -> Result<Tensor> {
        let picked = self.index_select(new, axis, index)?;
        let is_there = self.along(is_there, axis, x.dims.len())?;
        self.select(&is_there, &picked, x)
    }

    /// Indices that count from the front, where negative ones counted from the end.
    pub fn counted_from_front(&mut self, index: &Tensor, dimension: Dimension) -> Result<Tensor> {
        let index = self.cast(index, DataType::Int64)?;
        if self.is_arange(&index) || self.counts_up(&index) {
            return Ok(index);
        }
        let length = self.fill(Number::Size(dimension), DataType::Int64)?;
        let zero = self.fill(Number::Int(0), DataType::Int64)?;
        let wrapped = self.binary(Binary::Add, &index, &length)?;
        let negative = self.binary(Binary::Less, &index, &zero)?;
        self.select(&negative, &wrapped, &index)
    }
}

/// The order that undoes an order.
pub(super) fn inverse(order: &[usize]) -> Vec<usize> {
    let mut back = vec![0; order.len()];
    for (to, from) in order.iter().enumerate() {
        back[*from] = to;
    }
    back
}
