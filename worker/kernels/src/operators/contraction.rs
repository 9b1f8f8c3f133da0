//! Products of arrays: linear layers, batches of matrices, weighted sums and whole attentions.

use crate::{
    array::Array,
    attention::{Attention, Mask, Stack, attend},
    context::Context,
    elementwise::{Function, apply},
    layout::Dims,
    packed::Packed,
    product::{batched, linear, weighted_sums},
    rows::{Matrix, Rows, Scaling},
    view::View,
};
use assay_exact::quantise::Precision;

/// An attention, as far as its operands do not say.
#[derive(Clone, Copy, Debug)]
pub struct WholeAttention {
    /// Of the scores' product.
    pub score_precision: Precision,
    /// Of the weighted sum.
    pub value_precision: Precision,
    /// What every score is multiplied with.
    pub scale: Option<f32>,
    /// What is done to scores before the softmax.
    pub masking: Masking,
}

/// What is done to scores before the softmax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masking {
    /// Nothing.
    None,
    /// The fourth operand is added.
    Add,
    /// Where the fourth operand is false, −∞ takes their place.
    Keep,
}

/// Input, weight, and a bias or none, and then functions of each number; the weight packed already, or not.
pub fn linear_layer(
    context: &mut Context<'_>,
    packed: Option<&Packed>,
    precision: Precision,
    operands: &[Array],
    functions: &[Function],
    shape: Dims,
) -> Option<Array> {
    let input = operands.first()?.contiguous(context);
    let length = *input.shape().last()?;
    let own;
    let packed = match packed {
        Some(packed) => packed,
        None => {
            let weight = operands.get(1)?.contiguous(context);
            let mut rows = Rows::new(context.instructions);
            rows.quantise(Matrix::new(weight.slice()?, length), precision, Scaling::ByRow);
            context.buffers.give(weight);
            own = Packed::new(&rows);
            &own
        }
    };
    let bias = operands.get(2).map(|bias| bias.contiguous(context));
    let bias_numbers = match &bias {
        Some(bias) => Some(bias.slice()?),
        None => None,
    };
    let mut output = context.buffers.numbers(shape.elements());
    let instructions = context.instructions;
    linear(
        context.threads,
        context.scratch,
        Matrix::new(input.slice()?, length),
        packed,
        bias_numbers,
        &mut output,
        |numbers| {
            functions
                .iter()
                .for_each(|function| apply(instructions, *function, numbers))
        },
    );
    for array in [Some(input), bias].into_iter().flatten() {
        context.buffers.give(array);
    }
    Some(Array::new(shape, output))
}

/// The matrices of the last two dimensions, one after the other.
fn matrices(array: &Array) -> Option<(&[f32], usize, usize)> {
    let [.., rows, length] = *array.shape() else {
        return None;
    };
    Some((array.slice()?, rows, length))
}

/// `[…, M, K]` and `[…, N, K]`.
pub fn batched_product(
    context: &mut Context<'_>,
    precision: Precision,
    operands: &[Array],
    shape: Dims,
) -> Option<Array> {
    let [a, b] = operands else { return None };
    let (a, b) = (a.contiguous(context), b.contiguous(context));
    let (left, m, length) = matrices(&a)?;
    let (right, n, _) = matrices(&b)?;
    let mut output = context.buffers.numbers(shape.elements());
    batched(
        context.threads,
        context.scratch,
        precision,
        |index| Matrix::new(&left[index * m * length..][..m * length], length),
        |index| Matrix::new(&right[index * n * length..][..n * length], length),
        &mut output,
    );
    for array in [a, b] {
        context.buffers.give(array);
    }
    Some(Array::new(shape, output))
}

/// Weights `[…, M, T]`, values `[…, D, T]`, scales `[…, T]`.
pub fn weighted_sum(context: &mut Context<'_>, precision: Precision, operands: &[Array], shape: Dims) -> Option<Array> {
    let [weights, values, scales] = operands else {
        return None;
    };
    let (weights, values) = (weights.contiguous(context), values.contiguous(context));
    let scales = scales.contiguous(context);
    let (left, m, length) = matrices(&weights)?;
    let (right, d, _) = matrices(&values)?;
    let steps = scales.slice()?;
    let mut output = context.buffers.numbers(shape.elements());
    weighted_sums(
        context.threads,
        context.scratch,
        precision,
        |index| Matrix::new(&left[index * m * length..][..m * length], length),
        |index| Matrix::new(&right[index * d * length..][..d * length], length),
        |index| &steps[index * length..][..length],
        &mut output,
    );
    for array in [weights, values, scales] {
        context.buffers.give(array);
    }
    Some(Array::new(shape, output))
}

/// Batch entries and heads: the dimensions before the last two.
fn batch_and_heads(shape: &[usize]) -> Option<[usize; 2]> {
    match *shape {
        [_, _] => Some([1, 1]),
        [batch, _, _] => Some([batch, 1]),
        [batch, heads, _, _] => Some([batch, heads]),
        _ => None,
    }
}

/// Elements as a stack of matrices; nothing if those of a row are not next to each other.
fn stack<'a, T>(view: &View<'a, T>) -> Option<Stack<'a, T>> {
    let layout = &view.layout;
    let ([outer @ .., rows, length], [outer_strides @ .., row_stride, stride]) = (&*layout.shape, &*layout.strides)
    else {
        return None;
    };
    let [batch_stride, head_stride] = match (outer, outer_strides) {
        ([], []) => [0, 0],
        ([_], [batch]) => [*batch, 0],
        ([_, _], [batch, head]) => [*batch, *head],
        _ => return None,
    };
    (*stride == 1 || *length == 1).then_some(Stack {
        data: view.elements,
        offset: layout.offset,
        batch_stride,
        head_stride,
        row_stride: *row_stride,
        rows: *rows,
        length: *length,
    })
}

/// The mask of the scores, as it is or with its rows in order.
fn mask_in_rows(context: &mut Context<'_>, mask: &Array, scores: Dims) -> Option<Array> {
    let mask = mask.through(mask.layout.repeated(scores)?);
    if mask.layout.last_stride() == 1 {
        return Some(mask);
    }
    Some(mask.contiguous(context))
}

/// Queries, keys, values, and what masks the scores. The result is laid out with the heads of a row next to each other, as the
/// next layer takes them, and seen as `[batch, heads, M, D]`.
pub fn attention(
    context: &mut Context<'_>,
    attention: &WholeAttention,
    operands: &[Array],
    shape: Dims,
) -> Option<Array> {
    let [query, key, value, masks @ ..] = operands else {
        return None;
    };
    let in_rows = |context: &mut Context<'_>, array: &Array| match array.numbers().as_ref().and_then(stack) {
        Some(_) => array.clone(),
        None => array.contiguous(context),
    };
    let own = [query, key, value].map(|array| in_rows(context, array));
    let [query, key, value] = [0, 1, 2].map(|index: usize| own[index].numbers().as_ref().and_then(stack));
    let (query, key, value) = (query?, key?, value?);
    let [batch, heads] = batch_and_heads(&shape)?;
    let [outer @ .., _] = &*shape else { return None };
    let mut scores = Dims::new(outer);
    scores.push(key.rows);
    let mask = match attention.masking {
        Masking::None => None,
        Masking::Add | Masking::Keep => Some(mask_in_rows(context, masks.first()?, scores)?),
    };
    let masks = match &mask {
        None => None,
        Some(mask) if attention.masking == Masking::Add => Some(Mask::Add(stack(&mask.numbers()?)?)),
        Some(mask) => Some(Mask::Keep(stack(&mask.flags()?)?)),
    };
    let mut output = context.buffers.numbers(shape.elements());
    let operands = Attention {
        batch,
        heads,
        query,
        key,
        value,
        scale: attention.scale,
        mask: masks,
        score_precision: attention.score_precision,
        value_precision: attention.value_precision,
    };
    attend(
        context.threads,
        context.instructions,
        context.scratch,
        &operands,
        &mut output,
    );
    let (rows, width) = (query.rows, value.length);
    for array in own.into_iter().chain(mask) {
        context.buffers.give(array);
    }
    let result = Array::new(Dims::new(&[batch, rows, heads, width]), output);
    let turned = result.through(result.layout.permuted(&[0, 2, 1, 3])?);
    Some(turned.through(turned.layout.reshaped(shape)?))
}
