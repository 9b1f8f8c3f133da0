//! The operators of exact arithmetic, each as a function that puts a node into the graph and knows its layout.
//!
//! An operator that changes nothing is no node: a cast to the type that a tensor has, a reshape to its dimensions, a
//! slice of all of it. Permutations of permutations are one.

use super::{
    arguments::{Number, Result},
    builder::{Builder, Tensor},
};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Formula, MAX_ROW_BYTES, Operator, Position},
    quantise::{MAX_CONTRACTION_LENGTH, Precision},
};

pub(super) use assay_exact::graph::{Binary, Reduction, Unary};

impl Builder<'_> {
    /// Whether a tensor is what a softmax gives.
    pub fn is_softmax(&self, x: &Tensor) -> bool {
        matches!(self.origin(x), Some((Operator::Softmax, _)))
    }

    /// Whether a tensor counts up from 0 or more.
    pub fn is_arange(&self, x: &Tensor) -> bool {
        matches!(self.origin(x), Some((Operator::Arange { start, step, .. }, _)) if *start >= 0 && *step >= 0)
    }

    /// A node with the layout of its only input.
    fn alike(&mut self, operator: Operator, x: &Tensor) -> Tensor {
        self.node(operator, &[x], x.dtype, x.dims.clone())
    }

    pub fn relu(&mut self, x: &Tensor) -> Result<Tensor> {
        Ok(self.alike(Operator::Relu, x))
    }

    pub fn unary(&mut self, function: Unary, x: &Tensor) -> Result<Tensor> {
        Ok(self.alike(Operator::Unary(function), x))
    }

    pub fn binary(&mut self, function: Binary, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        if a.dtype != b.dtype {
            return Err(self.misfit("and the other operand are of different types"));
        }
        let dims = self.broadcast(&a.dims, &b.dims)?;
        let dtype = match function {
            Binary::Equal
            | Binary::NotEqual
            | Binary::Less
            | Binary::LessOrEqual
            | Binary::Greater
            | Binary::GreaterOrEqual => DataType::Bool,
            _ => a.dtype,
        };
        Ok(self.node(Operator::Binary(function), &[a, b], dtype, dims))
    }

    /// Elements of `yes` where the condition is true, else of `no`.
    pub fn select(&mut self, condition: &Tensor, yes: &Tensor, no: &Tensor) -> Result<Tensor> {
        if yes.dtype != no.dtype || condition.dtype != DataType::Bool {
            return Err(self.misfit("and what is chosen between are of different types"));
        }
        let dims = self.broadcast(&yes.dims, &no.dims)?;
        let dims = self.broadcast(&condition.dims, &dims)?;
        Ok(self.node(Operator::Where, &[condition, yes, no], yes.dtype, dims))
    }

    pub fn cast(&mut self, x: &Tensor, dtype: DataType) -> Result<Tensor> {
        if x.dtype == dtype {
            return Ok(x.clone());
        }
        Ok(self.node(Operator::Cast { dtype }, &[x], dtype, x.dims.clone()))
    }

    /// One number, as a tensor without dimensions.
    pub fn fill(&mut self, number: Number, dtype: DataType) -> Result<Tensor> {
        if let Number::Size(Dimension::Computed(formula)) = number {
            // It may be 0 and less where it is no dimension, so the symbols are counted and the rest is arithmetic.
            let size = self.computed(&formula)?;
            return self.cast(&size, dtype);
        }
        if let Number::Size(size @ Dimension::Symbol(_)) = number {
            // The last number of those that count it.
            let count = self.arange(1, 1, size)?;
            let length = Dimension::Fixed(1);
            let operator = Operator::Slice {
                axis: 0,
                start: Position::FromEnd(1),
                step: 1,
                length,
            };
            let last = self.node(operator, &[&count], count.dtype, vec![length]);
            let last = self.reshape(&last, &[])?;
            return self.cast(&last, dtype);
        }
        let operator = Operator::Fill {
            dtype,
            bits: self.bits(number, dtype)?,
            dimensions: Vec::new(),
        };
        Ok(self.node(operator, &[], dtype, Vec::new()))
    }

    /// The sum of a computed dimension's terms, of Int64. Factors and terms that change nothing are left out.
    fn computed(&mut self, formula: &Formula) -> Result<Tensor> {
        let mut sum: Option<Tensor> = None;
        // The number alone is the first term, and is added last.
        for term in formula.terms().iter().rev() {
            let mut product: Option<Tensor> = None;
            for (symbol, power) in (0u8..).zip(term.powers) {
                for _ in 0..power {
                    let factor = self.fill(Number::Size(Dimension::Symbol(symbol)), DataType::Int64)?;
                    product = Some(self.joined(Binary::Mul, product, factor)?);
                }
            }
            if term.coefficient != 1 || product.is_none() {
                let number = self.fill(Number::Int(term.coefficient.into()), DataType::Int64)?;
                product = Some(self.joined(Binary::Mul, product, number)?);
            }
            if let Some(product) = product {
                sum = Some(self.joined(Binary::Add, sum, product)?);
            }
        }
        match sum {
            Some(sum) => Ok(sum),
            None => self.fill(Number::Int(0), DataType::Int64),
        }
    }

    /// Both operands together, or the second one if there is no first.
    fn joined(&mut self, function: Binary, first: Option<Tensor>, second: Tensor) -> Result<Tensor> {
        match first {
            Some(first) => self.binary(function, &first, &second),
            None => Ok(second),
        }
    }

    /// A number as `Fill` and `Pad` have it.
    fn bits(&self, number: Number, dtype: DataType) -> Result<u64> {
        let misfit = || self.misfit("meets a number that its type does not hold");
        if dtype == DataType::Float32 {
            let number = number.float().ok_or_else(misfit)?;
            // Rounded once, as torch does with a number that meets a tensor.
            return Ok(u64::from((number as f32).to_bits()));
        }
        let integer = match number {
            Number::Int(value) => value,
            Number::Bool(value) => i64::from(value),
            Number::Size(Dimension::Fixed(value)) => i64::from(value),
            Number::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => value as i64,
            _ => return Err(misfit()),
        };
        let range = match dtype {
            DataType::Bool => return Ok(u64::from(integer != 0)),
            DataType::Uint8 => 0..=i64::from(u8::MAX),
            DataType::Int8 => i64::from(i8::MIN)..=i64::from(i8::MAX),
            DataType::Int32 => i64::from(i32::MIN)..=i64::from(i32::MAX),
            _ => i64::MIN..=i64::MAX,
        };
        if range.contains(&integer) {
            Ok(integer as u64)
        } else {
            Err(misfit())
        }
    }

    /// `start, start + step, …` of Int64.
    pub fn arange(&mut self, start: i64, step: i64, length: Dimension) -> Result<Tensor> {
        Ok(self.node(
            Operator::Arange { start, step, length },
            &[],
            DataType::Int64,
            vec![length],
        ))
    }

    /// The indices of a dimension.
    pub fn indices(&mut self, length: Dimension) -> Result<Tensor> {
        self.arange(0, 1, length)
    }

    pub fn permute(&mut self, x: &Tensor, order: &[usize]) -> Result<Tensor> {
        let (mut x, mut order) = (x.clone(), order.to_vec());
        if let Some((Operator::Permute { axes }, Some(source))) = self.origin(&x) {
            let before: Vec<usize> = axes.iter().copied().map(usize::from).collect();
            let mut dims = x.dims.clone();
            for (dim, axis) in x.dims.iter().zip(&before) {
                dims[*axis] = *dim;
            }
            order = order.iter().map(|axis| before[*axis]).collect();
            x = Tensor {
                source,
                dtype: x.dtype,
                dims,
            };
        }
        if order.iter().copied().eq(0..x.dims.len()) {
            return Ok(x);
        }
        let dims = order.iter().map(|axis| x.dims[*axis]).collect();
        let axes = order.iter().map(|axis| *axis as u8).collect();
        Ok(self.node(Operator::Permute { axes }, &[&x], x.dtype, dims))
    }

    pub fn expand(&mut self, x: &Tensor, dims: &[Dimension]) -> Result<Tensor> {
        if x.dims == dims {
            return Ok(x.clone());
        }
        if self.broadcast(&x.dims, dims)? != dims {
            return Err(self.misfit("has dimensions that cannot be repeated to those of the output"));
        }
        let dimensions = dims.to_vec();
        if let Some((Operator::Fill { dtype, bits, .. }, _)) = self.origin(x) {
            let (dtype, bits) = (*dtype, *bits);
            let operator = Operator::Fill {
                dtype,
                bits,
                dimensions,
            };
            return Ok(self.node(operator, &[], dtype, dims.to_vec()));
        }
        Ok(self.node(Operator::Expand { dimensions }, &[x], x.dtype, dims.to_vec()))
    }

    pub fn reshape(&mut self, x: &Tensor, dims: &[Dimension]) -> Result<Tensor> {
        if x.dims == dims {
            return Ok(x.clone());
        }
        let dimensions = dims.to_vec();
        Ok(self.node(Operator::Reshape { dimensions }, &[x], x.dtype, dims.to_vec()))
    }

    /// `length` elements of a dimension from its place `start` on, every `step`-th.
    pub fn slice(&mut self, x: &Tensor, axis: usize, start: u32, length: u32, step: u32) -> Result<Tensor> {
        self.cut(x, axis, Position::FromStart(start), Dimension::Fixed(length), step)
    }

    /// The same for a place that is counted from the end and a dynamic length. All elements must be there, whatever the
    /// symbols' values are.
    pub fn cut(&mut self, x: &Tensor, axis: usize, start: Position, length: Dimension, step: u32) -> Result<Tensor> {
        if x.dims.get(axis) == Some(&length) {
            return Ok(x.clone());
        }
        let is_there = match start {
            Position::FromStart(start) => self.symbols.has_elements(x.dims[axis], start, length, step),
            // So many elements from the place on, if there are as many before the end.
            Position::FromEnd(start) => {
                start <= self.symbols.range(x.dims[axis]).0
                    && self.symbols.has_elements(Dimension::Fixed(start), 0, length, step)
            }
        };
        if length == Dimension::Fixed(0) {
            // What has no elements is only left out of something.
            let mut dims = x.dims.clone();
            dims[axis] = length;
            let nothing = self.fill(Number::Int(0), x.dtype)?;
            return self.expand(&nothing, &dims);
        }
        if !is_there || step == 0 {
            return Err(self.misfit("would be cut where it may have no elements"));
        }
        let mut dims = x.dims.clone();
        dims[axis] = length;
        let operator = Operator::Slice {
            axis: axis as u8,
            start,
            step,
            length,
        };
        Ok(self.node(operator, &[x], x.dtype, dims))
    }

    pub fn concat(&mut self, tensors: &[Tensor], axis: usize) -> Result<Tensor> {
        let [first, others @ ..] = tensors else {
            return Err(self.misfit("is an empty list"));
        };
        if others.is_empty() {
            return Ok(first.clone());
        }
        let mut total = Dimension::Fixed(0);
        for tensor in tensors {
            let length = tensor.dims.get(axis).copied();
            let length = length.ok_or_else(|| self.misfit("has too few dimensions"))?;
            let sum = total.plus(length);
            total = sum.ok_or_else(|| {
                self.misfit("would have a length of too many terms: give the model fewer dynamic dimensions")
            })?;
        }
        let mut dims = first.dims.clone();
        dims[axis] = total;
        let inputs: Vec<&Tensor> = tensors.iter().collect();
        Ok(self.node(Operator::Concat { axis: axis as u8 }, &inputs, first.dtype, dims))
    }

    pub fn pad(&mut self, x: &Tensor, axis: usize, before: u32, after: u32, value: Number) -> Result<Tensor> {
        if (before, after) == (0, 0) {
            return Ok(x.clone());
        }
        let mut dims = x.dims.clone();
        dims[axis] = self.shifted(x, axis, i64::from(before) + i64::from(after))?;
        let operator = Operator::Pad {
            axis: axis as u8,
            before,
            after,
            bits: self.bits(value, x.dtype)?,
        };
        Ok(self.node(operator, &[x], x.dtype, dims))
    }

    /// Indices of any type of integer, and of Int64 from here on.
    fn indexed(&mut self, operator: Operator, x: &Tensor, index: &Tensor, dims: Vec<Dimension>) -> Result<Tensor> {
        let index = self.cast(index, DataType::Int64)?;
        Ok(self.node(operator, &[x, &index], x.dtype, dims))
    }

    pub fn gather(&mut self, x: &Tensor, axis: usize, index: &Tensor) -> Result<Tensor> {
        self.indexed(Operator::Gather { axis: axis as u8 }, x, index, index.dims.clone())
    }

    pub fn index_select(&mut self, x: &Tensor, axis: usize, index: &Tensor) -> Result<Tensor> {
        let dims = [&x.dims[..axis], &index.dims, &x.dims[axis + 1..]].concat();
        self.indexed(Operator::IndexSelect { axis: axis as u8 }, x, index, dims)
    }

    /// Windows along a dimension, put last. Of a dynamic one there are a number of windows that is a dimension, too.
    pub fn unfold(&mut self, x: &Tensor, axis: usize, size: u32, step: u32, dilation: u32) -> Result<Tensor> {
        let length = x.dims.get(axis).filter(|_| size > 0 && dilation > 0);
        let Some(windows) = length.and_then(|length| length.windows(size, step, dilation)) else {
            return Err(self.misfit(
                "has no window of this size, or a number of them that does not come out even for all values of the symbols: \
                 let the step divide the dimension, or export the model with this dimension fixed",
            ));
        };
        let mut dims = x.dims.clone();
        dims[axis] = windows;
        dims.push(Dimension::Fixed(size));
        let operator = Operator::Unfold {
            axis: axis as u8,
            size,
            step,
            dilation,
        };
        Ok(self.node(operator, &[x], x.dtype, dims))
    }

    /// Makes the last dimension one element, which goes.
    pub fn reduce(&mut self, reduction: Reduction, x: &Tensor) -> Result<Tensor> {
        let dtype = match reduction {
            Reduction::ArgMax | Reduction::ArgMin => DataType::Int64,
            Reduction::Any | Reduction::All => DataType::Bool,
            Reduction::Sum if x.dtype != DataType::Float32 => DataType::Int64,
            _ => x.dtype,
        };
        let Some((_, outer)) = x.dims.split_last() else {
            return Err(self.misfit("has no dimension to reduce"));
        };
        let has_place = matches!(reduction, Reduction::ArgMax | Reduction::ArgMin);
        if !has_place && let Some(parts) = self.parts_of_row(x) {
            // Reductions of equal parts, and the same of what they give.
            let parts = self.reshape(x, &parts)?;
            let parts = self.reduce(reduction, &parts)?;
            return self.reduce(reduction, &parts);
        }
        Ok(self.node(Operator::Reduce(reduction), &[x], dtype, outer.to_vec()))
    }

    /// The dimensions of a tensor with its last one in equal parts, each as long as a row may be; none if it is one
    /// row.
    fn parts_of_row(&self, x: &Tensor) -> Option<Vec<Dimension>> {
        let (Dimension::Fixed(length), outer) = x.dims.split_last()? else {
            return None;
        };
        let most = u32::try_from(MAX_ROW_BYTES / x.dtype.size_bytes() as u64).ok()?;
        if *length <= most {
            return None;
        }
        let part = (2..=most).rev().find(|part| length % part == 0)?;
        Some([outer, &[Dimension::Fixed(length / part), Dimension::Fixed(part)]].concat())
    }

    /// Sums of the elements so far, of Int64 for integers.
    pub fn cumsum(&mut self, x: &Tensor) -> Result<Tensor> {
        let dtype = match x.dtype {
            DataType::Float32 => DataType::Float32,
            _ => DataType::Int64,
        };
        Ok(self.node(Operator::CumSum, &[x], dtype, x.dims.clone()))
    }

    pub fn topk(&mut self, x: &Tensor, count: u32, largest: bool) -> Result<Tensor> {
        let mut dims = x.dims.clone();
        dims.pop();
        dims.push(Dimension::Fixed(count));
        Ok(self.node(Operator::TopK { count, largest }, &[x], DataType::Int64, dims))
    }

    pub fn softmax(&mut self, x: &Tensor) -> Result<Tensor> {
        Ok(self.alike(Operator::Softmax, x))
    }

    pub fn log_softmax(&mut self, x: &Tensor) -> Result<Tensor> {
        Ok(self.alike(Operator::LogSoftmax, x))
    }

    pub fn layer_norm(
        &mut self,
        x: &Tensor,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        epsilon: f64,
    ) -> Result<Tensor> {
        let ones = match (weight, bias, x.dims.last()) {
            // A bias comes after a weight.
            (None, Some(_), Some(length)) => {
                let one = self.fill(Number::Float(1.0), DataType::Float32)?;
                Some(self.expand(&one, &[*length])?)
            }
            _ => None,
        };
        let inputs: Vec<&Tensor> = [x].into_iter().chain(weight.or(ones.as_ref())).chain(bias).collect();
        let epsilon = (epsilon as f32).to_bits();
        Ok(self.node(Operator::LayerNorm { epsilon }, &inputs, x.dtype, x.dims.clone()))
    }

    pub fn rms_norm(&mut self, x: &Tensor, weight: Option<&Tensor>, epsilon: f64) -> Result<Tensor> {
        let inputs: Vec<&Tensor> = [x].into_iter().chain(weight).collect();
        let epsilon = (epsilon as f32).to_bits();
        Ok(self.node(Operator::RmsNorm { epsilon }, &inputs, x.dtype, x.dims.clone()))
    }

    /// Rows of `x` with rows of a matrix.
    pub fn linear(&mut self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let (Some((_, outer)), [features, _]) = (x.dims.split_last(), weight.dims.as_slice()) else {
            return Err(self.misfit("and the weight are not rows and a matrix"));
        };
        if let Some(Dimension::Fixed(length)) = x.dims.last()
            && *length > MAX_CONTRACTION_LENGTH
        {
            return self.linear_in_parts(x, weight, bias, *length);
        }
        let dims = [outer, &[*features]].concat();
        let inputs: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
        let precision = self.precision;
        Ok(self.node(Operator::Linear { precision }, &inputs, DataType::Float32, dims))
    }

    /// Rows of `a` with rows of `b`, whose dimensions before the last two are the same.
    pub fn matmul(&mut self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        self.matmul_in(self.precision, a, b)
    }

    /// The same in another precision than the package's.
    pub fn matmul_in(&mut self, precision: Precision, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let ([outer @ .., rows, _], [.., columns, _]) = (a.dims.as_slice(), b.dims.as_slice()) else {
            return Err(self.misfit("needs two dimensions"));
        };
        let dims = [outer, &[*rows, *columns]].concat();
        Ok(self.node(Operator::MatMul { precision }, &[a, b], DataType::Float32, dims))
    }

    /// Rows of `values` `[…, T, D]`, each with a scale of its own, summed with weights `[…, M, T]`.
    pub fn weighted_sum(&mut self, weights: &Tensor, values: &Tensor) -> Result<Tensor> {
        self.weighted_sum_in(self.precision, weights, values)
    }

    /// The same in another precision than the package's.
    pub fn weighted_sum_in(&mut self, precision: Precision, weights: &Tensor, values: &Tensor) -> Result<Tensor> {
        let ([outer @ .., rows, _], [.., width]) = (weights.dims.as_slice(), values.dims.as_slice()) else {
            return Err(self.misfit("needs two dimensions"));
        };
        let dims = [outer, &[*rows, *width]].concat();
        let rank = values.dims.len();
        let scale_dims = values.dims[..rank - 1].to_vec();
        let scales = self.node(
            Operator::RowScale {
                precision: precision.right().into(),
            },
            &[values],
            DataType::Float32,
            scale_dims,
        );
        let columns = self.transpose(values, rank - 2, rank - 1)?;
        let operator = Operator::WeightedSum { precision };
        Ok(self.node(operator, &[weights, &columns, &scales], DataType::Float32, dims))
    }
}
