//! Complex numbers, as two numbers.
//!
//! Exact arithmetic has no complex numbers. A complex tensor is one of Float32 here with a last dimension of two, the
//! real and the imaginary part, and only the operators of this file and of [`super::fourier`] take it and give it.

use super::{
    Handler,
    arguments::{Call, Result},
    builder::{Builder, Tensor},
    core::{Binary, Unary},
    elementwise::operand,
};
use assay_exact::{digest::DataType, graph::Operator};

/// Operators on complex numbers. Some have the name of one on numbers, and are looked up where a tensor is complex.
pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("real.default", |call| part(call, 0)),
    ("imag.default", |call| part(call, 1)),
    ("view_as_real.default", same),
    ("view_as_complex.default", same),
    ("complex.default", |call| {
        let (re, im) = (call.tensor("real")?, call.tensor("imag")?);
        Parts { re, im: Some(im) }.joined(call.graph)
    }),
    ("polar.default", polar),
    ("_conj.default", conjugate),
    ("conj.default", conjugate),
    ("_conj_physical.default", conjugate),
    ("conj_physical.default", conjugate),
    ("resolve_conj.default", same),
    ("resolve_neg.default", same),
    ("clone.default", same),
    ("contiguous.default", same),
    ("alias.default", same),
    ("detach.default", same),
    ("abs.default", magnitude),
    ("add.Tensor", |call| sum(call, Binary::Add)),
    ("sub.Tensor", |call| sum(call, Binary::Sub)),
    ("mul.Tensor", multiplied),
    ("neg.default", |call| {
        let x = call.tensor("self")?;
        Ok(vec![call.graph.unary(Unary::Neg, &x)?])
    }),
    ("view.default", |call| reshaped(call, &["size"])),
    ("reshape.default", |call| reshaped(call, &["shape"])),
    ("flatten.using_ints", |call| reshaped(call, &["start_dim", "end_dim"])),
    ("unflatten.int", |call| reshaped(call, &["dim", "sizes"])),
    ("unsqueeze.default", |call| reshaped(call, &["dim"])),
    ("squeeze.dim", |call| reshaped(call, &["dim"])),
    ("transpose.int", |call| {
        let x = call.tensor("self")?;
        let rank = x.dims.len() - 1;
        let (a, b) = (call.axis("dim0", 0, rank)?, call.axis("dim1", 1, rank)?);
        Ok(vec![call.graph.transpose(&x, a, b)?])
    }),
];

type Outputs = Result<Vec<Tensor>>;

/// A complex tensor; without an imaginary part, that is zero everywhere.
pub(super) struct Parts {
    pub re: Tensor,
    pub im: Option<Tensor>,
}

impl Parts {
    /// An argument that may be complex.
    pub fn of(call: &mut Call<'_, '_>, name: &str) -> Result<Self> {
        if !call.is_complex(name) {
            let re = operand(call, name, DataType::Float32)?;
            return Ok(Self { re, im: None });
        }
        let x = call.tensor(name)?;
        let graph = &mut *call.graph;
        if let Some(parts) = Self::of_joined(graph, &x) {
            return Ok(parts);
        }
        let last = x.dims.len().saturating_sub(1);
        Ok(Self {
            re: graph.select_at(&x, last, 0)?,
            im: Some(graph.select_at(&x, last, 1)?),
        })
    }

    /// The parts of which a tensor was put together, so that one that nobody takes is left out of the graph.
    fn of_joined(graph: &Builder<'_>, x: &Tensor) -> Option<Self> {
        let outer = x.dims.split_last()?.1;
        let (operator, wide) = graph.made_of(x)?;
        let is_joined = matches!(operator, Operator::Concat { axis } if usize::from(*axis) == outer.len());
        let [re, im] = wide.as_slice() else {
            return None;
        };
        let narrow = |part: &Tensor| {
            let (operator, inputs) = graph.made_of(part)?;
            let from = inputs.first().filter(|from| from.dims == outer)?;
            matches!(operator, Operator::Reshape { .. }).then(|| from.clone())
        };
        Some(Self {
            re: narrow(re).filter(|_| is_joined)?,
            im: Some(narrow(im)?),
        })
    }

    pub fn joined(self, graph: &mut Builder<'_>) -> Outputs {
        let im = match self.im {
            Some(im) => im,
            None => zeros(graph, &self.re)?,
        };
        let rank = self.re.dims.len();
        Ok(vec![graph.stack(&[self.re, im], rank)?])
    }

    /// Both parts changed alike.
    pub fn each(self, mut change: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self {
            re: change(&self.re)?,
            im: self.im.as_ref().map(change).transpose()?,
        })
    }
}

fn zeros(graph: &mut Builder<'_>, like: &Tensor) -> Result<Tensor> {
    let zero = graph.number(0.0)?;
    graph.expand(&zero, &like.dims)
}

/// `a ± b`, where a part that is missing is zero.
pub(super) fn combined(
    graph: &mut Builder<'_>,
    operation: Binary,
    a: Option<Tensor>,
    b: Option<Tensor>,
) -> Result<Option<Tensor>> {
    Ok(match (a, b) {
        (Some(a), Some(b)) => Some(graph.binary(operation, &a, &b)?),
        (None, Some(b)) if operation == Binary::Sub => Some(graph.unary(Unary::Neg, &b)?),
        (a, b) => a.or(b),
    })
}

fn same(call: &mut Call<'_, '_>) -> Outputs {
    call.ignore(&["memory_format"]);
    Ok(vec![call.tensor("self")?])
}

fn reshaped(call: &mut Call<'_, '_>, arguments: &[&str]) -> Outputs {
    call.ignore(arguments);
    let x = call.tensor("self")?;
    let (_, dims) = call.layout()?;
    Ok(vec![call.graph.reshape(&x, &dims)?])
}

fn part(call: &mut Call<'_, '_>, index: usize) -> Outputs {
    let parts = Parts::of(call, "self")?;
    Ok(vec![match (index, parts.im) {
        (0, _) => parts.re,
        (_, Some(im)) => im,
        (_, None) => zeros(call.graph, &parts.re)?,
    }])
}

fn polar(call: &mut Call<'_, '_>) -> Outputs {
    let (length, angle) = (call.tensor("abs")?, call.tensor("angle")?);
    let graph = &mut *call.graph;
    let (cosine, sine) = (graph.unary(Unary::Cos, &angle)?, graph.unary(Unary::Sin, &angle)?);
    let re = graph.binary(Binary::Mul, &length, &cosine)?;
    let im = graph.binary(Binary::Mul, &length, &sine)?;
    Parts { re, im: Some(im) }.joined(graph)
}

fn conjugate(call: &mut Call<'_, '_>) -> Outputs {
    let parts = Parts::of(call, "self")?;
    let graph = &mut *call.graph;
    let im = parts.im.map(|im| graph.unary(Unary::Neg, &im)).transpose()?;
    Parts { re: parts.re, im }.joined(graph)
}

fn magnitude(call: &mut Call<'_, '_>) -> Outputs {
    let parts = Parts::of(call, "self")?;
    let graph = &mut *call.graph;
    let square = |graph: &mut Builder<'_>, x: &Tensor| graph.binary(Binary::Mul, x, x);
    let mut sum = square(graph, &parts.re)?;
    if let Some(im) = &parts.im {
        let im = square(graph, im)?;
        sum = graph.binary(Binary::Add, &sum, &im)?;
    }
    Ok(vec![graph.unary(Unary::Sqrt, &sum)?])
}

fn sum(call: &mut Call<'_, '_>, operation: Binary) -> Outputs {
    let (a, b) = (Parts::of(call, "self")?, Parts::of(call, "other")?);
    let graph = &mut *call.graph;
    let re = graph.binary(operation, &a.re, &b.re)?;
    let im = combined(graph, operation, a.im, b.im)?;
    // A part that is only in one of the two has its dimensions alone.
    let im = im.map(|im| graph.expand(&im, &re.dims)).transpose()?;
    Parts { re, im }.joined(graph)
}

fn multiplied(call: &mut Call<'_, '_>) -> Outputs {
    let (a, b) = (Parts::of(call, "self")?, Parts::of(call, "other")?);
    let graph = &mut *call.graph;
    let mut times = |a: &Option<Tensor>, b: &Option<Tensor>| match (a, b) {
        (Some(a), Some(b)) => graph.binary(Binary::Mul, a, b).map(Some),
        _ => Ok(None),
    };
    let (a_re, b_re) = (Some(a.re), Some(b.re));
    let (re, both) = (times(&a_re, &b_re)?, times(&a.im, &b.im)?);
    let (left, right) = (times(&a_re, &b.im)?, times(&a.im, &b_re)?);
    let re = combined(graph, Binary::Sub, re, both)?;
    let im = combined(graph, Binary::Add, left, right)?;
    let re = re.ok_or_else(|| graph.misfit("has no real part"))?;
    Parts { re, im }.joined(graph)
}
