//! Products of arrays: linear layers, batches of matrices, weighted sums and whole attentions.

use super::pack;
use crate::{
    array::Array,
    attention::{Attention, Mask, Stack, attend},
    context::Context,
    layers,
    packed::Packed,
    product::{batched, weighted_sums},
    rows::{Kind, Matrix, Rows},
    view::View,
};
use assay_exact::quantise::Precision;
use assay_ops::{
    layout::Dims,
    words::{Form, Layer, Masking, Normalisation, WholeAttention},
};

/// Layers that each row passes by itself, the first of which is linear. `packed` has the weight of each linear one, or
/// nothing where that is not packed yet.
pub fn layers(
    context: &mut Context<'_>,
    packed: &[Option<&Packed>],
    layers: &[Layer],
    operands: &[Array],
    shape: Dims,
) -> Option<Array> {
    let ordered: Vec<Array> = operands.iter().map(|operand| operand.contiguous(context)).collect();
    let own = packed_here(context, packed, layers, &ordered)?;
    let mut weights = packed.iter().zip(&own).map(|(packed, own)| packed.or(own.as_ref()));
    let mut at = 1;
    let mut passed = Vec::with_capacity(layers.len());
    for layer in layers {
        let taken = ordered.get(at..at + layer.operands())?;
        at += layer.operands();
        // What is there has to be numbers.
        let numbers = |position: usize| match taken.get(position) {
            Some(array) => array.slice().map(Some),
            None => Some(None),
        };
        passed.push(match *layer {
            Layer::Linear { precision, .. } => {
                layers::Layer::Linear(Kind::of_first(precision), weights.next()??, numbers(1)?)
            }
            Layer::QuantisedLinear { precision, format, .. } => {
                let kind = Kind::of_rows_by_bytes(precision.left());
                layers::Layer::Linear(kind, weights.next()??, numbers(Form::Given(format).operands())?)
            }
            Layer::Apply(function) => layers::Layer::Apply(function),
            Layer::Add => layers::Layer::Add(numbers(0)??),
            Layer::Normalise(Normalisation::LayerNorm { epsilon }, _) => {
                layers::Layer::LayerNorm(epsilon, numbers(0)?, numbers(1)?)
            }
            Layer::Normalise(Normalisation::RmsNorm { epsilon }, _) => layers::Layer::RmsNorm(epsilon, numbers(0)?),
            Layer::Normalise(Normalisation::Softmax | Normalisation::LogSoftmax, _) => return None,
        });
    }
    let input = ordered.first()?;
    let rows = Matrix::new(input.slice()?, *input.shape().last()?);
    let mut output = context.buffers.numbers(shape.elements());
    layers::layers(
        context.threads,
        context.instructions,
        context.scratch,
        rows,
        &passed,
        &mut output,
    );
    for array in ordered {
        context.buffers.give(array);
    }
    Some(Array::new(shape, output))
}

/// The weights of linear layers that are not packed yet.
fn packed_here(
    context: &Context<'_>,
    packed: &[Option<&Packed>],
    layers: &[Layer],
    operands: &[Array],
) -> Option<Vec<Option<Packed>>> {
    let places = Layer::positions_of_weights(layers).into_iter().zip(packed);
    let own = places.map(|((at, form), packed)| match packed {
        Some(_) => Some(None),
        None => pack(&mut Rows::new(context.instructions), operands.get(at)?, form).map(Some),
    });
    own.collect()
}

/// The matrices of the last two dimensions, one after the other.
fn matrices(array: &Array) -> Option<(&[f32], usize, usize)> {
    let [.., rows, length] = *array.shape() else {
        return None;
    };
    Some((array.slice()?, rows, length))
}

/// `[…, M, K]` and `[…, N, K]`.
pub fn matmul(context: &mut Context<'_>, precision: Precision, operands: &[Array], shape: Dims) -> Option<Array> {
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

/// Queries, keys, values, and what masks the scores. The result is laid out with the heads of a row next to each other,
/// as the next layer takes them, and seen as `[batch, heads, M, D]`.
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
