//! Operators that several families need and that are made of core operators, and the arithmetic of dimensions.

use super::{
    arguments::Result,
    builder::{Builder, Tensor},
    core::Binary,
};
use assay_exact::{
    graph::{Dimension, Operator},
    quantise::MAX_CONTRACTION_LENGTH,
};

impl Builder<'_> {
    /// Whether a tensor is `0, 1, 2, …`, whatever dimensions of one element it has beside.
    pub fn counts_up(&self, x: &Tensor) -> bool {
        let mut x = x.clone();
        loop {
            let Some((operator, inputs)) = self.made_of(&x) else {
                return false;
            };
            x = match (operator, inputs.as_slice()) {
                (Operator::Arange { start: 0, step: 1, .. }, _) => return true,
                (Operator::Reshape { .. } | Operator::Cast { .. }, [from]) => from.clone(),
                (Operator::Binary(Binary::Add), [from, other]) if self.is_zero(other) => from.clone(),
                _ => return false,
            };
        }
    }

    fn is_zero(&self, x: &Tensor) -> bool {
        matches!(self.origin(x), Some((Operator::Fill { bits: 0, .. }, _)))
    }

    /// The elements of a dimension that is not dynamic.
    pub fn fixed(&self, x: &Tensor, axis: usize) -> Result<u32> {
        match x.dims.get(axis) {
            Some(Dimension::Fixed(elements)) => Ok(*elements),
            Some(_) => Err(self.misfit("has a dynamic dimension where the operator needs a fixed one")),
            None => Err(self.misfit("has too few dimensions")),
        }
    }

    /// A dimension with this many elements more, or fewer.
    pub fn shifted(&self, x: &Tensor, axis: usize, by: i64) -> Result<Dimension> {
        let length = x.dims.get(axis).copied();
        let length = length.ok_or_else(|| self.misfit("has too few dimensions"))?;
        length
            .shifted(by)
            .ok_or_else(|| self.misfit("would have a size that no tensor has"))
    }

    /// Dimensions with those from `from` up to `to` as one, which is 1 if there are none.
    pub fn flattened(&self, dims: &[Dimension], from: usize, to: usize) -> Result<Vec<Dimension>> {
        let mut product = Dimension::Fixed(1);
        for dim in &dims[from..to] {
            product = self.product(product, *dim)?;
        }
        Ok([&dims[..from], &[product], &dims[to..]].concat())
    }

    /// A number of elements as a dimension.
    fn product(&self, a: Dimension, b: Dimension) -> Result<Dimension> {
        a.times(b).ok_or_else(|| {
            self.misfit(
                "would put dynamic dimensions together whose product has too many terms; give the model fewer dynamic \
                 dimensions",
            )
        })
    }

    /// The dimensions of a result whose operands have these: from the last on they are the same, or one of them is 1.
    pub fn broadcast(&self, a: &[Dimension], b: &[Dimension]) -> Result<Vec<Dimension>> {
        let one = Dimension::Fixed(1);
        let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
        let mut dims = long.to_vec();
        for (dim, other) in dims.iter_mut().rev().zip(short.iter().rev()) {
            if *dim == one {
                *dim = *other;
            } else if *other != one && other != dim {
                return Err(self.misfit("and the other operand have dimensions that do not go together"));
            }
        }
        Ok(dims)
    }

    /// A vector laid along one dimension of a tensor with `rank` of them.
    pub fn along(&mut self, vector: &Tensor, axis: usize, rank: usize) -> Result<Tensor> {
        let behind = vec![Dimension::Fixed(1); rank.saturating_sub(axis + 1)];
        self.reshape(vector, &[vector.dims.as_slice(), &behind].concat())
    }

    /// Two dimensions exchanged.
    pub fn transpose(&mut self, x: &Tensor, a: usize, b: usize) -> Result<Tensor> {
        if x.dims.is_empty() {
            return Ok(x.clone());
        }
        let mut order: Vec<usize> = (0..x.dims.len()).collect();
        order.swap(a, b);
        self.permute(x, &order)
    }

    /// One dimension at another place, the others in their order.
    pub fn move_axis(&mut self, x: &Tensor, from: usize, to: usize) -> Result<Tensor> {
        if x.dims.is_empty() {
            return Ok(x.clone());
        }
        let mut order: Vec<usize> = (0..x.dims.len()).collect();
        let axis = order.remove(from);
        order.insert(to, axis);
        self.permute(x, &order)
    }

    /// One element of a dimension, which goes.
    pub fn select_at(&mut self, x: &Tensor, axis: usize, index: u32) -> Result<Tensor> {
        let one = self.slice(x, axis, index, 1, 1)?;
        let mut dims = one.dims.clone();
        dims.remove(axis);
        self.reshape(&one, &dims)
    }

    /// Tensors side by side along a new dimension.
    pub fn stack(&mut self, tensors: &[Tensor], axis: usize) -> Result<Tensor> {
        let mut wide = Vec::with_capacity(tensors.len());
        for tensor in tensors {
            let mut dims = tensor.dims.clone();
            dims.insert(axis, Dimension::Fixed(1));
            wide.push(self.reshape(tensor, &dims)?);
        }
        self.concat(&wide, axis)
    }

    /// A dimension `times` over, the whole of it each time.
    pub fn repeat(&mut self, x: &Tensor, axis: usize, times: Dimension) -> Result<Tensor> {
        self.repeat_beside(x, axis, times, axis)
    }

    /// Each element of a dimension `times` in a row.
    pub fn repeat_interleave(&mut self, x: &Tensor, axis: usize, times: u32) -> Result<Tensor> {
        self.repeat_beside(x, axis, Dimension::Fixed(times), axis + 1)
    }

    /// Repeats along a new dimension at `place`, which is `axis` or the one after it, and puts both together.
    fn repeat_beside(&mut self, x: &Tensor, axis: usize, times: Dimension, place: usize) -> Result<Tensor> {
        if times == Dimension::Fixed(1) {
            return Ok(x.clone());
        }
        let mut dims = x.dims.clone();
        dims[axis] = self.product(dims[axis], times)?;
        if x.dims[axis] == Dimension::Fixed(1) {
            return self.expand(x, &dims);
        }
        let mut wide = x.dims.clone();
        wide.insert(place, Dimension::Fixed(1));
        let split = self.reshape(x, &wide)?;
        wide[place] = times;
        let split = self.expand(&split, &wide)?;
        self.reshape(&split, &dims)
    }

    /// Rows longer than a contraction may be, in parts whose products are added from the first to the last.
    pub fn linear_in_parts(
        &mut self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        length: u32,
    ) -> Result<Tensor> {
        let part = length.div_ceil(length.div_ceil(MAX_CONTRACTION_LENGTH));
        let mut sum: Option<Tensor> = None;
        let mut start = 0;
        while start < length {
            let taken = part.min(length - start);
            let input = self.slice(x, x.dims.len() - 1, start, taken, 1)?;
            let columns = self.slice(weight, 1, start, taken, 1)?;
            sum = Some(match sum {
                None => self.linear(&input, &columns, bias)?,
                Some(sum) => {
                    let product = self.linear(&input, &columns, None)?;
                    self.binary(Binary::Add, &sum, &product)?
                }
            });
            start += taken;
        }
        sum.ok_or_else(|| self.misfit("has no elements"))
    }
}
