//! Products of arrays: linear layers, batches of matrices, weighted sums and whole attentions.

use super::{
    array::{Array, Data},
    context::Context,
    operators::apply_all,
    plan,
};
use crate::tensor::DataType;
use assay_exact::quantise::Precision;
use assay_kernels::{
    attention::{Attention, Mask, Stack, attend},
    elementwise::Function,
    layout::contiguous_strides,
    packed::Packed,
    product::{batched, linear, weighted_sums},
    rows::{Matrix, Rows, Scaling},
};

/// Input, weight, and a bias or none; the weight packed already, if it is one of the package's.
pub(super) fn linear_layer(
    context: &mut Context<'_>,
    packed: Option<&Packed>,
    precision: Precision,
    operands: &[Array],
    functions: &[Function],
    shape: Vec<usize>,
) -> Option<Array> {
    let input = context.contiguous(operands.first()?)?;
    let length = *input.shape.last()?;
    let own;
    let packed = match packed {
        Some(packed) => packed,
        None => {
            let weight = context.contiguous(operands.get(1)?)?;
            let mut rows = Rows::new(context.instructions);
            rows.quantise(Matrix::new(weight.slice()?, length), precision, Scaling::ByRow);
            context.buffers.give(weight);
            own = Packed::new(&rows);
            &own
        }
    };
    let bias = match operands.get(2) {
        Some(bias) => Some(context.contiguous(bias)?),
        None => None,
    };
    let bias_numbers = match &bias {
        Some(bias) => Some(bias.slice()?),
        None => None,
    };
    let mut output = context.buffers.take(shape.iter().product());
    let matrix = Matrix::new(input.slice()?, length);
    linear(
        context.threads,
        context.scratch,
        matrix,
        packed,
        bias_numbers,
        &mut output,
        |numbers| {
            apply_all(context, functions, numbers);
        },
    );
    for array in [Some(input), bias].into_iter().flatten() {
        context.buffers.give(array);
    }
    Some(Array::numbers(shape, output))
}

/// The matrices of the last two dimensions, one after the other.
fn matrices(array: &Array) -> Option<(&[f32], usize, usize)> {
    let [.., rows, length] = *array.shape.as_slice() else {
        return None;
    };
    Some((array.slice()?, rows, length))
}

/// `[…, M, K]` and `[…, N, K]`.
pub(super) fn batched_product(
    context: &mut Context<'_>,
    precision: Precision,
    operands: &[Array],
    shape: Vec<usize>,
) -> Option<Array> {
    let [a, b] = operands else { return None };
    let (a, b) = (context.contiguous(a)?, context.contiguous(b)?);
    let (left, m, length) = matrices(&a)?;
    let (right, n, _) = matrices(&b)?;
    let mut output = context.buffers.take(shape.iter().product());
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
    Some(Array::numbers(shape, output))
}

/// Weights `[…, M, T]`, values `[…, D, T]`, scales `[…, T]`.
pub(super) fn weighted_sum(
    context: &mut Context<'_>,
    precision: Precision,
    operands: &[Array],
    shape: Vec<usize>,
) -> Option<Array> {
    let [weights, values, scales] = operands else {
        return None;
    };
    let (weights, values) = (context.contiguous(weights)?, context.contiguous(values)?);
    let scales = context.contiguous(scales)?;
    let (left, m, length) = matrices(&weights)?;
    let (right, d, _) = matrices(&values)?;
    let steps = scales.slice()?;
    let mut output = context.buffers.take(shape.iter().product());
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
    Some(Array::numbers(shape, output))
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

/// Elements under these strides as a stack of matrices; nothing if those of a row are not next to each other.
fn stack<'a, T>(data: &'a [T], offset: usize, shape: &[usize], strides: &[usize]) -> Option<Stack<'a, T>> {
    let ([outer @ .., rows, length], [outer_strides @ .., row_stride, stride]) = (shape, strides) else {
        return None;
    };
    let [batch_stride, head_stride] = match (outer, outer_strides) {
        ([], []) => [0, 0],
        ([_], [batch]) => [*batch, 0],
        ([_, _], [batch, head]) => [*batch, *head],
        _ => return None,
    };
    (*stride == 1 || *length == 1).then_some(Stack {
        data,
        offset,
        batch_stride,
        head_stride,
        row_stride: *row_stride,
        rows: *rows,
        length: *length,
    })
}

/// An array's numbers as a stack.
fn numbers(array: &Array) -> Option<Stack<'_, f32>> {
    match &array.data {
        Data::Numbers {
            buffer,
            offset,
            strides,
        } => stack(buffer, *offset, &array.shape, strides),
        Data::Other(_) => None,
    }
}

/// The strides that repeat a tensor in row-major order to `shape`; nothing if rows would have to be repeated within.
fn repeated_strides(own: &[usize], shape: &[usize]) -> Option<Vec<usize>> {
    let missing = shape.len().checked_sub(own.len())?;
    let strides = contiguous_strides(own);
    let repeated = own.iter().zip(&strides).zip(&shape[missing..]);
    let repeated = repeated.map(|((n, stride), wanted)| {
        if n == wanted {
            Some(*stride)
        } else {
            (*n == 1).then_some(0)
        }
    });
    let strides = std::iter::repeat_n(Some(0), missing).chain(repeated);
    strides
        .collect::<Option<Vec<_>>>()
        .filter(|strides| strides.last() == Some(&1))
}

/// Queries, keys, values, and what masks the scores. The result is laid out with the heads of a row next to each other, as the
/// next layer takes them, and seen as `[batch, heads, M, D]`.
pub(super) fn attention(
    context: &mut Context<'_>,
    attention: &plan::Attention,
    operands: &[Array],
    shape: Vec<usize>,
) -> Option<Array> {
    let [query, key, value, masks @ ..] = operands else {
        return None;
    };
    let in_rows = |context: &mut Context<'_>, array: &Array| match numbers(array) {
        Some(_) => Some(array.clone()),
        None => context.contiguous(array),
    };
    let own = [
        in_rows(context, query)?,
        in_rows(context, key)?,
        in_rows(context, value)?,
    ];
    let [query, key, value] = [numbers(&own[0])?, numbers(&own[1])?, numbers(&own[2])?];
    let [batch, heads] = batch_and_heads(&shape)?;
    let mut scores = shape.clone();
    *scores.last_mut()? = key.rows;
    let (kept, added);
    let mask = match attention.mask {
        plan::Mask::None => None,
        plan::Mask::Add => {
            let mask = masks.first()?.as_view()?.repeated(&scores)?;
            added = {
                let mut numbers = context.buffers.take(mask.elements());
                mask.copy(context.threads, &mut numbers);
                Array::numbers(scores.clone(), numbers)
            };
            Some(Mask::Add(numbers(&added)?))
        }
        plan::Mask::Keep => {
            let Data::Other(condition) = &masks.first()?.data else {
                return None;
            };
            let own = &masks.first()?.shape;
            let flags = (condition.dtype() == DataType::Bool).then_some(condition.bytes())?;
            match repeated_strides(own, &scores) {
                Some(strides) => Some(Mask::Keep(stack(flags, 0, &scores, &strides)?)),
                None => {
                    // One flag for a whole row.
                    kept = super::movement::repeat_flags(flags, own, &scores)?;
                    Some(Mask::Keep(stack(&kept, 0, &scores, &contiguous_strides(&scores))?))
                }
            }
        }
    };
    let mut output = context.buffers.take(shape.iter().product());
    let operands = Attention {
        batch,
        heads,
        query,
        key,
        value,
        scale: attention.scale,
        mask,
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
    for array in own {
        context.buffers.give(array);
    }
    let result = Array::numbers(vec![batch, rows, heads, width], output);
    let strides = [rows * heads * width, width, heads * width, 1];
    let rank = shape.len();
    let strides = match rank {
        2 => vec![strides[2], 1],
        3 => vec![strides[0], strides[2], 1],
        _ => strides.to_vec(),
    };
    result.view(shape, |offset, _| (offset, strides))
}
