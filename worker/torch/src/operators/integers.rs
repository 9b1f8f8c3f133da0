//! Operators on integers, which wrap.

use crate::{
    array::Array,
    fault::{Result, there},
    machine::Machine,
};
use assay_exact::digest::DataType;
use assay_ops::{
    layout::Dims,
    words::{Bitwise, Operation},
};
use tch::Tensor;

/// An operation on integers of one type.
pub(super) fn combined(operation: Operation, dtype: DataType, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    Ok(match operation {
        Operation::Add => x.f_add(y)?,
        Operation::Sub => x.f_sub(y)?,
        Operation::Mul => x.f_mul(y)?,
        Operation::Div => divided_down(dtype, x, y)?,
        Operation::Rem => {
            let [divisor, ..] = divisors(dtype, y)?;
            x.f_fmod_tensor(&divisor)?
        }
        Operation::Min => x.f_minimum(y)?,
        Operation::Max => x.f_maximum(y)?,
    })
}

/// The divisors with 1 in place of 0 and −1, which processors refuse for some or all dividends; and where they are 0,
/// and −1. What remains of a division by any of the three is 0.
fn divisors(dtype: DataType, y: &Tensor) -> Result<[Tensor; 3]> {
    let zero = y.f_eq(0)?;
    let minus_one = match dtype {
        DataType::Uint8 => zero.f_zeros_like()?,
        _ => y.f_eq(-1)?,
    };
    let divisor = y.f_masked_fill(&zero.f_logical_or(&minus_one)?, 1)?;
    Ok([divisor, zero, minus_one])
}

/// The quotient rounded down; 0 where the divisor is 0.
fn divided_down(dtype: DataType, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let [divisor, zero, minus_one] = divisors(dtype, y)?;
    let quotient = x.f_div_tensor_mode(&divisor, "floor")?;
    let quotient = match dtype {
        DataType::Uint8 => quotient,
        _ => x.f_neg()?.f_where_self(&minus_one, &quotient)?,
    };
    Ok(quotient.f_masked_fill(&zero, 0)?)
}

/// Two arrays of integers of one type, repeated to `shape`, and combined bit by bit.
pub(crate) fn bitwise(_machine: &mut Machine, operation: Bitwise, a: &Array, b: &Array, shape: Dims) -> Result<Array> {
    let (x, y) = (a.repeated(shape)?, b.repeated(shape)?);
    let dtype = a.dtype();
    let bits = 8 * dtype.size_bytes() as i64;
    let result = match operation {
        Bitwise::And => x.f_bitwise_and_tensor(&y)?,
        Bitwise::Or => x.f_bitwise_or_tensor(&y)?,
        Bitwise::Xor => x.f_bitwise_xor_tensor(&y)?,
        Bitwise::Shl => {
            let outside = y.f_lt(0)?.f_logical_or(&y.f_ge(bits)?)?;
            let shifted = x.f_bitwise_left_shift(&y.f_masked_fill(&outside, 0)?)?;
            shifted.f_masked_fill(&outside, 0)?
        }
        Bitwise::Shr => {
            let outside = y.f_lt(0)?.f_logical_or(&y.f_ge(bits)?)?;
            let shifted = x.f_bitwise_right_shift(&y.f_masked_fill(&outside, bits - 1)?)?;
            match dtype {
                DataType::Uint8 => shifted.f_masked_fill(&outside, 0)?,
                _ => shifted,
            }
        }
    };
    Array::new(&result, dtype, shape)
}

/// Integers with every bit the other way round.
pub(crate) fn bitwise_not(_machine: &mut Machine, input: &Array) -> Result<Array> {
    changed(input, &input.view()?.f_bitwise_not()?)
}

/// The negatives of integers.
pub(crate) fn integer_neg(_machine: &mut Machine, input: &Array) -> Result<Array> {
    changed(input, &input.view()?.f_neg()?)
}

/// The magnitudes of integers.
pub(crate) fn integer_abs(_machine: &mut Machine, input: &Array) -> Result<Array> {
    changed(input, &input.view()?.f_abs()?)
}

fn changed(input: &Array, result: &Tensor) -> Result<Array> {
    Array::new(result, input.dtype(), input.layout.shape)
}

/// Indices as Int64; nothing if they are not integers. One below 0 counts from the end, and then one outside of
/// `length` elements is the nearest inside.
pub(super) fn places(index: &Array, length: usize) -> Result<Tensor> {
    there(matches!(index.dtype(), DataType::Int64 | DataType::Int32).then_some(()))?;
    let index = index.view()?.f_to_kind(tch::Kind::Int64)?;
    let from_end = index.f_add_scalar(length as i64)?;
    let index = from_end.f_where_self(&index.f_lt(0)?, &index)?;
    Ok(index.f_clamp(0, length as i64 - 1)?)
}
