//! Operators on rows along the last dimension.
//!
//! A sum puts its row on a grid and adds integers, as `assay_exact::reduce` says, so it is the same in every order.

use crate::{
    array::{Array, kind},
    fault::{Fault, Result, there},
    functions::{exponent, power_of_two, root},
    machine::Machine,
    quantise,
};
use assay_exact::{digest::DataType, quantise::Precision};
use assay_ops::{
    layout::Dims,
    words::{Function, Normalisation, Reduction},
};
use tch::{Kind, Tensor};

/// The steps of the grid for the greatest number of a row are from `2^29` to `2^30`.
const GRID_BITS: i64 = 29;
/// No grid is finer than the least positive number.
const LEAST_STEP: i64 = -149;
/// Greatest step of a grid that is needed, and the greatest one that is computed, for infinities.
const GREATEST_STEP: i64 = 99;
/// Powers of two whose factors are normal numbers.
const GREATEST_FACTOR: i64 = 127;
const LEAST_FACTOR: i64 = -126;
/// Integers of a grid that binary64 adds without rounding: `2^30 · 2^22 < 2^53`.
const MOST_IN_BINARY64: i64 = 1 << 22;
/// All bits of a number but its sign.
const MAGNITUDE: i64 = 0x7fff_ffff;

/// The exponent of a grid's step, for the greatest magnitudes of rows, as Int32.
fn step(greatest: &Tensor) -> Result<Tensor> {
    Ok(exponent(greatest)?
        .f_sub_scalar(GRID_BITS)?
        .f_clamp(LEAST_STEP, GREATEST_STEP)?)
}

/// Numbers divided by `2^step` and rounded to integers, ties to even.
fn on_grid(numbers: &Tensor, step: &Tensor) -> Result<Tensor> {
    // Two factors, since the reciprocal of the least step is no binary32 number. Neither product rounds a number that
    // is not rounded to 0 then.
    let up = step.f_neg()?;
    let first = up.f_clamp(-GREATEST_STEP, GREATEST_FACTOR)?;
    let second = up.f_sub(&first)?;
    let mut scaled = numbers.f_mul(&power_of_two(&first)?)?;
    let _ = scaled.f_mul_(&power_of_two(&second)?)?;
    Ok(scaled.f_round_()?)
}

/// Integers as binary64 or Int64, rounded once and times `2^step`.
fn off_grid(sums: &Tensor, step: &Tensor) -> Result<Tensor> {
    // No multiple of 2^-149 is rounded by a factor.
    let first = step.f_clamp(LEAST_FACTOR, GREATEST_FACTOR)?;
    let second = step.f_sub(&first)?;
    let scaled = sums.f_to_kind(Kind::Float)?.f_mul(&power_of_two(&first)?)?;
    Ok(scaled.f_mul(&power_of_two(&second)?)?)
}

/// The sums of rows `[rows, length]`, as `[rows, 1]`.
pub(crate) fn sum(rows: &Tensor) -> Result<Tensor> {
    let (_, length) = rows.size2()?;
    let (greatest, least) = (greatest(rows)?, rows.f_amin([-1i64].as_slice(), true)?);
    let magnitude = greatest.f_maximum(&least.f_neg()?)?;
    let step = step(&magnitude)?;
    let integers = on_grid(rows, &step)?;
    let wide = match length {
        ..=MOST_IN_BINARY64 => Kind::Double,
        _ => Kind::Int64,
    };
    let sums = integers
        .f_to_kind(wide)?
        .f_sum_dim_intlist([-1i64].as_slice(), true, wide)?;
    // One infinity, or two of a sign, stay; two that differ, or a NaN, make NaN.
    let others = greatest.f_add(&least)?;
    Ok(off_grid(&sums, &step)?.f_where_self(&magnitude.f_isfinite()?, &others)?)
}

/// The greatest number of each row, NaN if there is one.
pub(super) fn greatest(rows: &Tensor) -> Result<Tensor> {
    Ok(rows.f_amax([-1i64].as_slice(), true)?)
}

/// The sums of rows, divided by their lengths.
fn mean(machine: &Machine, rows: &Tensor) -> Result<Tensor> {
    let (_, length) = rows.size2()?;
    Ok(sum(rows)?.f_div(&machine.number(length as f32)?)?)
}

/// One element from each row.
pub(crate) fn reduce(machine: &mut Machine, reduction: Reduction, input: &Array, shape: Dims) -> Result<Array> {
    let dtype = input.dtype();
    let rows = match (dtype, reduction) {
        (DataType::Bool, Reduction::Any | Reduction::All) => input.rows()?,
        // libtorch does not order truth values.
        (DataType::Bool, _) => input.rows()?.f_to_kind(Kind::Uint8)?,
        _ => input.rows()?,
    };
    let last = [-1i64].as_slice();
    let (result, of) = match (reduction, dtype) {
        (Reduction::Sum, DataType::Float32) => (machine.in_pieces(&rows, sum)?, dtype),
        (Reduction::Mean, DataType::Float32) => (machine.in_pieces(&rows, |rows| mean(machine, rows))?, dtype),
        (Reduction::Sum, _) => (rows.f_sum_dim_intlist(last, false, Kind::Int64)?, DataType::Int64),
        (Reduction::Mean, _) => return Err(Fault::Misfit),
        (Reduction::Max, _) => (rows.f_amax(last, false)?, dtype),
        (Reduction::Min, _) => (rows.f_amin(last, false)?, dtype),
        (Reduction::ArgMax, _) => (rows.f_argmax(-1, false)?, DataType::Int64),
        (Reduction::ArgMin, _) => (rows.f_argmin(-1, false)?, DataType::Int64),
        (Reduction::Any, _) => (rows.f_any_dim(-1, false)?, DataType::Bool),
        (Reduction::All, _) => (rows.f_all_dim(-1, false)?, DataType::Bool),
    };
    Array::new(&result.f_to_kind(kind(of))?, of, shape)
}

/// The scales that quantising gives the rows.
pub(crate) fn row_scale(machine: &mut Machine, precision: Precision, input: &Array, shape: Dims) -> Result<Array> {
    let scales = machine.in_pieces(&input.rows()?, |rows| quantise::scales(rows, precision.right()))?;
    Array::new(&scales, DataType::Float32, shape)
}

/// Every row, normalised; then times its weight and plus its bias, if there are any.
pub(crate) fn normalise(machine: &mut Machine, normalisation: Normalisation, operands: &mut [Array]) -> Result<Array> {
    let (input, others) = there(operands.split_first_mut())?;
    let others = others.iter().map(Array::ordered).collect::<Result<Vec<Tensor>>>()?;
    let rows = normalised(machine, normalisation, &input.rows()?, &others)?;
    Array::new(&rows, DataType::Float32, input.layout.shape)
}

/// The same on rows `[rows, length]`.
pub(super) fn normalised(
    machine: &mut Machine,
    normalisation: Normalisation,
    rows: &Tensor,
    others: &[Tensor],
) -> Result<Tensor> {
    match normalisation {
        Normalisation::Softmax => softmax(machine, rows),
        Normalisation::LogSoftmax => {
            let below = machine.in_pieces(rows, |rows| Ok(rows.f_sub(&greatest(rows)?)?))?;
            let powers = machine.apply(Function::Exp, &below)?;
            let sums = machine.in_pieces(&powers, sum)?;
            let logarithms = machine.apply(Function::Log, &sums)?;
            Ok(below.f_sub(&logarithms)?)
        }
        Normalisation::LayerNorm { epsilon } => machine.in_pieces(rows, |rows| {
            let centred = rows.f_sub(&mean(machine, rows)?)?;
            rescaled(machine, &centred, epsilon, others)
        }),
        Normalisation::RmsNorm { epsilon } => machine.in_pieces(rows, |rows| rescaled(machine, rows, epsilon, others)),
    }
}

/// `exp(x − max) / Σ exp(x − max)`; zeros where every number is −∞.
pub(super) fn softmax(machine: &mut Machine, rows: &Tensor) -> Result<Tensor> {
    let greatest = machine.in_pieces(rows, greatest)?;
    let powers = machine.apply(Function::Exp, &rows.f_sub(&greatest)?)?;
    let shares = machine.in_pieces(&powers, |powers| Ok(powers.f_div(&sum(powers)?)?))?;
    Ok(shares.f_masked_fill(&greatest.f_isneginf()?, 0.0)?)
}

/// `x / √(mean of x² + epsilon)`, times the weight and plus the bias.
fn rescaled(machine: &Machine, rows: &Tensor, epsilon: f32, others: &[Tensor]) -> Result<Tensor> {
    let squares = rows.f_mul(rows)?;
    let mut divisor = mean(machine, &squares)?.f_add(&machine.number(epsilon)?)?;
    divisor = root(&divisor.f_add_scalar(0.0)?)?;
    let mut rows = rows.f_div(&divisor)?;
    if let Some(weight) = others.first() {
        rows = rows.f_mul_(weight)?;
    }
    if let Some(bias) = others.get(1) {
        rows = rows.f_add_(bias)?;
    }
    Ok(rows)
}

/// The sum of each element and those before it in its row.
pub(crate) fn cum_sum(_machine: &mut Machine, input: &Array) -> Result<Array> {
    let rows = input.rows()?;
    let (sums, dtype) = match input.dtype() {
        DataType::Float32 => (sums_so_far(&rows)?, DataType::Float32),
        _ => (rows.f_cumsum(-1, Kind::Int64)?, DataType::Int64),
    };
    Array::new(&sums, dtype, input.layout.shape)
}

/// The sum of each number and those before it, each on the grid that the greatest of these gives: for every step that
/// occurs, the sums of all on its grid, of which those are taken that it belongs to.
fn sums_so_far(rows: &Tensor) -> Result<Tensor> {
    let bits = rows.f_view_dtype(Kind::Int)?.f_bitwise_and(MAGNITUDE)?;
    let (greatest, _) = bits.f_cummax(-1)?;
    let steps = step(&greatest.f_view_dtype(Kind::Float)?)?;
    let occurring = steps.f_flatten(0, -1)?.f_unique_dim(0, true, false, false)?.0;
    let occurring = Vec::<i32>::try_from(&occurring.f_to_device(tch::Device::Cpu)?)?;
    let mut sums = rows.f_zeros_like()?;
    for own in occurring {
        let own = steps.f_full_like(i64::from(own))?;
        // What comes after the grid's own elements counts nowhere, and may be too great for it.
        let counts = steps.f_le_tensor(&own)?.f_logical_and(&rows.f_isfinite()?)?;
        let numbers = rows.f_masked_fill(&counts.f_logical_not()?, 0.0)?;
        let integers = on_grid(&numbers, &own)?.f_to_kind(Kind::Int64)?;
        let so_far = off_grid(&integers.f_cumsum(-1, Kind::Int64)?, &own)?;
        sums = so_far.f_where_self(&steps.f_eq_tensor(&own)?, &sums)?;
    }
    let met = |flags: Tensor| -> Result<Tensor> { Ok(flags.f_cumsum(-1, Kind::Int64)?.f_gt(0)?) };
    let (positive, negative) = (met(rows.f_isposinf()?)?, met(rows.f_isneginf()?)?);
    let nan = met(rows.f_isnan()?)?.f_logical_or(&positive.f_logical_and(&negative)?)?;
    Ok(sums
        .f_masked_fill(&positive, f64::INFINITY)?
        .f_masked_fill(&negative, f64::NEG_INFINITY)?
        .f_masked_fill(&nan, f64::NAN)?)
}

/// Where the greatest or the least elements of each row stand, the best first, and of equal ones the first. NaN is
/// better than every number.
pub(crate) fn top_k(_machine: &mut Machine, largest: bool, input: &Array, shape: Dims) -> Result<Array> {
    let rows = input.rows()?;
    let ranks = match input.dtype() {
        DataType::Float32 => order(&rows, largest)?,
        DataType::Bool => rows.f_to_kind(Kind::Uint8)?,
        _ => rows,
    };
    let ranks = if largest { ranks.f_bitwise_not()? } else { ranks };
    let (_, places) = ranks.f_sort_stable(true, -1, false)?;
    let count = *there(shape.last())? as i64;
    Array::new(&places.f_narrow(-1, 0, count)?, DataType::Int64, shape)
}

/// Integers that are ordered as the numbers are, with NaN at the better end.
fn order(rows: &Tensor, largest: bool) -> Result<Tensor> {
    let bits = rows.f_view_dtype(Kind::Int)?;
    let magnitudes = bits.f_bitwise_and(MAGNITUDE)?;
    let order = magnitudes.f_neg()?.f_where_self(&bits.f_lt(0)?, &magnitudes)?;
    let nan = i64::from(if largest { i32::MAX } else { i32::MIN });
    Ok(order.f_masked_fill(&rows.f_isnan()?, nan)?)
}
