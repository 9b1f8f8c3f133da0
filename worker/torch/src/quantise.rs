//! Quantisation of rows, as `assay_exact::quantise` defines it.

use crate::{
    contraction::Route,
    fault::{Result, there},
};
use assay_exact::quantise::{Bits, GroupedBits};
use tch::{Kind, Tensor};

/// Bits of the half of a group's word that the multiplier is in.
const HALF: i64 = 16;

/// The rows of a matrix as integers `[rows, K]` with one scale each, `[rows, 1]`.
#[derive(Debug)]
pub struct QuantisedRows {
    pub(crate) integers: Integers,
    pub(crate) scale: Tensor,
}

/// Integers in the form that a route multiplies.
#[derive(Debug)]
pub(crate) enum Integers {
    /// Within an int8.
    Int8(Tensor),
    /// `128 · high + low`, both within an int8.
    Halves { high: Tensor, low: Tensor },
    /// As float64.
    Float64(Tensor),
}

/// The scales of rows `[rows, K]`, as `[rows, 1]`.
pub(crate) fn scales(rows: &Tensor, bits: Bits) -> Result<Tensor> {
    let last = [-1i64].as_slice();
    // One element, not a scalar: CUDA divides by a scalar through its rounded reciprocal.
    let limit = Tensor::f_from_slice(&[bits.greatest() as f32])?.f_to_device(rows.device())?;
    let greatest = rows.f_amax(last, true)?.f_maximum(&rows.f_amin(last, true)?.f_neg()?)?;
    let scale = greatest.f_div(&limit)?;
    Ok(scale
        .f_masked_fill(&scale.f_eq(0.0)?, 1.0)?
        .f_masked_fill(&greatest.f_isfinite()?.f_logical_not()?, f64::NAN)?)
}

/// The integers of rows that have these scales, as float32. Where a scale or a quotient is NaN they are 0.
pub(crate) fn integers(rows: &Tensor, scale: &Tensor, bits: Bits) -> Result<Tensor> {
    let limit = f64::from(bits.greatest());
    let mut quotients = rows.f_div(scale)?;
    // `round` is to even.
    let _ = quotients
        .f_round_()?
        .f_clamp_(-limit, limit)?
        .f_nan_to_num_(0.0, None, None)?;
    Ok(quotients)
}

/// Quantises the rows of a Float32 matrix `[rows, K]`.
pub(crate) fn rows(matrix: &Tensor, bits: Bits, route: Route) -> Result<QuantisedRows> {
    let scale = scales(matrix, bits)?;
    let quotient = integers(matrix, &scale, bits)?;
    let integers = match (route, bits) {
        (Route::Float64, _) => Integers::Float64(quotient.f_to_kind(Kind::Double)?),
        (Route::Int8, Bits::Int8) => Integers::Int8(quotient.f_to_kind(Kind::Int8)?),
        (Route::Int8, Bits::Int16) => {
            // All of it is exact: a power of two, and integers below 2^24.
            let high = quotient.f_add_scalar(64.0)?.f_mul_scalar(1.0 / 128.0)?.f_floor()?;
            let low = quotient.f_sub(&high.f_mul_scalar(128.0)?)?;
            Integers::Halves {
                high: high.f_to_kind(Kind::Int8)?,
                low: low.f_to_kind(Kind::Int8)?,
            }
        }
    };
    Ok(QuantisedRows { integers, scale })
}

/// Rows of integers that are given, `[rows, K]` Int8, with their scales `[rows]`.
pub(crate) fn given(integers: &Tensor, scale: &Tensor, route: Route) -> Result<QuantisedRows> {
    let integers = match route {
        Route::Float64 => Integers::Float64(integers.f_to_kind(Kind::Double)?),
        Route::Int8 => Integers::Int8(integers.f_contiguous()?),
    };
    let scale = scale.f_reshape([-1, 1])?;
    Ok(QuantisedRows { integers, scale })
}

/// Rows of small integers in groups: `[rows, K/2]` Uint8 or `[rows, K]` Int8, words `[rows, K/group]`, scales `[rows]`.
/// Products with them are of float64: they and every partial sum are integers below `2^51`.
pub(crate) fn grouped(bits: GroupedBits, group: u8, [integers, words, scale]: [&Tensor; 3]) -> Result<QuantisedRows> {
    let (count, _) = integers.size2()?;
    let integers = match bits {
        GroupedBits::Eight => integers.f_to_kind(Kind::Int64)?,
        GroupedBits::Four => {
            let bytes = integers.f_to_kind(Kind::Int64)?;
            let halves = [bytes.f_bitwise_and(15)?, bytes.f_bitwise_right_shift_tensor_scalar(4)?];
            Tensor::f_stack(&halves, -1)?.f_sub_scalar(8)?
        }
    };
    let words = words.f_to_kind(Kind::Int64)?;
    let sign = 1i64 << (HALF - 1);
    let low = words.f_bitwise_and((1i64 << HALF) - 1)?;
    let multiplier = low.f_bitwise_xor(sign)?.f_sub_scalar(sign)?;
    let offset = words.f_bitwise_right_shift_tensor_scalar(HALF)?;
    let integers = integers.f_reshape([count, -1, i64::from(group)])?;
    let weights = integers
        .f_mul(&multiplier.f_unsqueeze(-1)?)?
        .f_add(&offset.f_unsqueeze(-1)?)?;
    Ok(QuantisedRows {
        integers: Integers::Float64(weights.f_reshape([count, -1])?.f_to_kind(Kind::Double)?),
        scale: scale.f_reshape([-1, 1])?,
    })
}

/// The integers of a matrix for products of batches, which are of float32 if `short` and of float64 else.
pub(crate) fn for_batches(rows: &Tensor, scale: &Tensor, bits: Bits, short: bool) -> Result<Tensor> {
    there(rows.size().last())?;
    let integers = integers(rows, scale, bits)?;
    Ok(if short {
        integers
    } else {
        integers.f_to_kind(Kind::Double)?
    })
}
