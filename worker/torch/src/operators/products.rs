//! Products of arrays: linear layers, batches of matrices, weighted sums and whole attentions.

use super::rows::{normalised, softmax};
use crate::{
    array::{Array, sizes},
    contraction::{self, Route, batched_sums, is_short},
    fault::{Fault, Result, there},
    machine::Machine,
    quantise::{self, Integers, QuantisedRows},
};
use assay_exact::{
    digest::DataType,
    quantise::{Bits, Precision, WeightFormat},
};
use assay_ops::{
    layout::Dims,
    words::{Form, Layer, Masking, WholeAttention},
};
use tch::{Kind, Tensor};

/// Scores that an attention has at a time.
const SCORES_AT_ONCE: i64 = 1 << 20;

/// A weight of layers as second operand of products; a misfit if the values are not what the form says.
pub(crate) fn pack(route: Route, values: &[Array], form: Form) -> Result<QuantisedRows> {
    match (form, values) {
        (Form::Quantised(bits), [weight]) => quantise::rows(&weight.rows()?, bits, route),
        (Form::Given(WeightFormat::Int8), [integers, scales]) => {
            quantise::given(&integers.rows()?, &scales.ordered()?, route)
        }
        (Form::Given(WeightFormat::Grouped { bits, group }), [integers, words, scales]) => {
            quantise::grouped(bits, group, [&integers.rows()?, &words.rows()?, &scales.ordered()?])
        }
        _ => Err(Fault::Misfit),
    }
}

/// Layers that each row passes by itself, the first of which is linear. `packed` has the weight of each linear one, or
/// nothing where that is not packed yet.
pub(crate) fn layers(
    machine: &mut Machine,
    packed: &[Option<&QuantisedRows>],
    layers: &[Layer],
    operands: &[Array],
    shape: Dims,
) -> Result<Array> {
    let mut packed = packed.iter();
    let mut rows = there(operands.first())?.rows()?;
    let mut at = 1;
    for layer in layers {
        let taken = there(operands.get(at..at + layer.operands()))?;
        at += layer.operands();
        rows = match *layer {
            Layer::Linear { precision, .. } | Layer::QuantisedLinear { precision, .. } => {
                let form = there(layer.form())?;
                let (weight, bias) = there(taken.split_at_checked(form.operands()))?;
                let bias = bias.first().map(Array::ordered).transpose()?;
                let own;
                let weight = match there(packed.next())? {
                    Some(packed) => packed,
                    None => {
                        own = pack(machine.route, weight, form)?;
                        &own
                    }
                };
                linear(machine, &rows, precision.left(), weight, bias.as_ref())?
            }
            Layer::Apply(function) => machine.apply(function, &rows)?,
            Layer::Add => rows.f_add(&there(taken.first())?.ordered()?.f_reshape(rows.size())?)?,
            Layer::Normalise(normalisation, _) => {
                let others = taken.iter().map(Array::ordered).collect::<Result<Vec<_>>>()?;
                normalised(machine, normalisation, &rows, &others)?
            }
        };
    }
    Array::new(&rows, DataType::Float32, shape)
}

fn linear(
    machine: &Machine,
    rows: &Tensor,
    bits: Bits,
    weight: &QuantisedRows,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let route = match weight.integers {
        Integers::Float64(_) => Route::Float64,
        Integers::Int8(_) | Integers::Halves { .. } => Route::Int8,
    };
    contraction::product(machine, &quantise::rows(rows, bits, route)?, weight, bias)
}

/// `[…, M, K]` and `[…, N, K]`.
pub(crate) fn matmul(_machine: &mut Machine, precision: Precision, operands: &[Array], shape: Dims) -> Result<Array> {
    let [a, b] = operands else { return Err(Fault::Misfit) };
    let short = is_short(precision, a.row_length()?);
    let (a, b) = (a.matrices()?, b.matrices()?);
    let (left, right) = (
        Side::new(&a, precision.left(), short)?,
        Side::new(&b, precision.right(), short)?,
    );
    Array::new(&left.product(&right)?, DataType::Float32, shape)
}

/// Matrices as integers with a scale for each row: `[count, rows, K]` and `[count, rows, 1]`.
struct Side {
    integers: Tensor,
    scale: Tensor,
}

impl Side {
    fn new(matrices: &Tensor, bits: Bits, short: bool) -> Result<Self> {
        let scale = quantise::scales(matrices, bits)?;
        Ok(Self {
            integers: quantise::for_batches(matrices, &scale, bits, short)?,
            scale,
        })
    }

    /// Some of the rows of each matrix.
    fn part(&self, start: i64, count: i64) -> Result<Self> {
        Ok(Self {
            integers: self.integers.f_narrow(1, start, count)?,
            scale: self.scale.f_narrow(1, start, count)?,
        })
    }

    /// The products of all rows with all of another side.
    fn product(&self, other: &Self) -> Result<Tensor> {
        let scale = self.scale.f_mul(&other.scale.f_transpose(-2, -1)?)?;
        Ok(batched_sums(&self.integers, &other.integers)?.f_mul(&scale)?)
    }
}

/// Weights `[…, M, T]`, values `[…, D, T]`, scales `[…, T]`.
pub(crate) fn weighted_sum(
    _machine: &mut Machine,
    precision: Precision,
    operands: &[Array],
    shape: Dims,
) -> Result<Array> {
    let [weights, values, scales] = operands else {
        return Err(Fault::Misfit);
    };
    let length = scales.row_length()?;
    let short = is_short(precision, length);
    let scales = scales.ordered()?.f_reshape([-1, 1, length])?;
    let weights = Side::new(&weights.matrices()?.f_mul(&scales)?, precision.left(), short)?;
    let divisors = scales.f_add_scalar(0.0)?;
    let values = quantise::for_batches(&values.matrices()?, &divisors, precision.right(), short)?;
    let sums = batched_sums(&weights.integers, &values)?.f_mul(&weights.scale)?;
    Array::new(&sums, DataType::Float32, shape)
}

/// Queries `[…, M, E]`, keys `[…, T, E]`, values `[…, T, D]`, and what masks the scores: the nodes that it stands for,
/// one after the other, for some queries at a time.
pub(crate) fn attention(
    machine: &mut Machine,
    attention: &WholeAttention,
    operands: &[Array],
    shape: Dims,
) -> Result<Array> {
    let [query, key, value, masks @ ..] = operands else {
        return Err(Fault::Misfit);
    };
    let keys = there(key.shape().iter().rev().nth(1))?;
    let (scores_in, values_in) = (attention.score_precision, attention.value_precision);
    let short = is_short(scores_in, query.row_length()?);
    let query = Side::new(&query.matrices()?, scores_in.left(), short)?;
    let key = Side::new(&key.matrices()?, scores_in.right(), short)?;
    let short = is_short(values_in, *keys as i64);
    let value = Side::new(&value.matrices()?, values_in.right(), short)?;
    let (count, rows) = (query.integers.size()[0], query.integers.size()[1]);
    let mask = match attention.masking {
        Masking::None => None,
        Masking::Add | Masking::Keep => {
            let mut whole = Dims::new(there(shape.split_last())?.1);
            whole.push(*keys);
            let mask = there(masks.first())?.repeated(whole)?;
            Some(mask.f_reshape(sizes(&[count as usize, rows as usize, *keys]))?)
        }
    };
    let at_once = (SCORES_AT_ONCE / (count * *keys as i64)).max(1);
    let mut parts = Vec::new();
    for start in (0..rows).step_by(at_once as usize) {
        let here = at_once.min(rows - start);
        let mut scores = query.part(start, here)?.product(&key)?;
        if let Some(scale) = attention.scale {
            scores = scores.f_mul_(&machine.number(scale)?)?;
        }
        if let Some(mask) = &mask {
            let mask = mask.f_narrow(1, start, here)?;
            scores = match attention.masking {
                Masking::Keep => scores.f_masked_fill(&mask.f_logical_not()?, f64::NEG_INFINITY)?,
                Masking::Add | Masking::None => scores.f_add(&mask)?,
            };
        }
        let shares = softmax(machine, &scores.f_reshape([-1, *keys as i64])?)?.f_reshape(scores.size())?;
        let weights = shares.f_mul(&value.scale.f_transpose(-2, -1)?)?;
        let weights = Side::new(&weights, values_in.left(), short)?;
        // The values stand in rows, not in columns.
        let sums = weights.integers.f_bmm(&value.integers)?.f_to_kind(Kind::Float)?;
        parts.push(sums.f_mul(&weights.scale)?);
    }
    Array::new(&Tensor::f_cat(&parts, 1)?, DataType::Float32, shape)
}
