//! Quantisation of rows, as `assay_exact::quantise` defines it.

use super::contraction::Route;
use assay_exact::quantise::Bits;
use tch::{Kind, TchError, Tensor};

/// The rows of a matrix as integers `[rows, K]` with one scale each, `[rows]`.
pub(super) struct QuantisedRows {
    pub integers: Integers,
    pub scale: Tensor,
}

/// Integers in the form that a route multiplies.
pub(super) enum Integers {
    /// Within an int8.
    Int8(Tensor),
    /// `128 · high + low`, both within an int8.
    Halves { high: Tensor, low: Tensor },
    /// As float64.
    Float64(Tensor),
}

/// Quantises the rows of a Float32 matrix `[rows, K]`.
pub(super) fn rows(matrix: &Tensor, bits: Bits, route: Route) -> Result<QuantisedRows, TchError> {
    let device = matrix.device();
    // One element, not a scalar: CUDA divides by a scalar through its rounded reciprocal.
    let greatest = Tensor::f_from_slice(&[bits.greatest() as f32])?.f_to_device(device)?;
    let amax = matrix.f_abs()?.f_amax([-1i64].as_slice(), true)?;
    let finite = amax.f_isfinite()?;
    let scale = amax.f_div(&greatest)?;
    let zero = scale.f_eq(0.0)?;
    let scale = scale
        .f_masked_fill(&zero, 1.0)?
        .f_masked_fill(&finite.f_logical_not()?, f64::NAN)?;

    let limit = f64::from(bits.greatest());
    // `round` is to even. A row without a finite scale becomes zeros.
    let quotient = matrix.f_div(&scale)?.f_round()?.f_clamp(-limit, limit)?;
    let quotient = quotient.f_masked_fill(&finite.f_logical_not()?, 0.0)?;
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
    Ok(QuantisedRows {
        integers,
        scale: scale.f_squeeze_dim(-1)?,
    })
}

/// Rows of weights beyond 8 bits that are given, as [`given`] takes them. Products with them are of float64: they and
/// every partial sum are integers below `2^51`.
pub(super) fn given_wide(weights: &[i32], shape: [i64; 2], scale: &Tensor) -> Result<QuantisedRows, TchError> {
    let weights = Tensor::f_from_slice(weights)?
        .f_reshape(shape)?
        .f_to_device(scale.device())?;
    Ok(QuantisedRows {
        integers: Integers::Float64(weights.f_to_kind(Kind::Double)?),
        scale: scale.f_contiguous()?,
    })
}

/// Rows of integers that are given, `[rows, K]` in row-major order, with their scales `[rows]` as a Float32 tensor.
pub(super) fn given(integers: &[i8], shape: [i64; 2], scale: &Tensor, route: Route) -> Result<QuantisedRows, TchError> {
    let integers = Tensor::f_from_slice(integers)?
        .f_reshape(shape)?
        .f_to_device(scale.device())?;
    let integers = match route {
        Route::Float64 => Integers::Float64(integers.f_to_kind(Kind::Double)?),
        Route::Int8 => Integers::Int8(integers),
    };
    Ok(QuantisedRows {
        integers,
        scale: scale.f_contiguous()?,
    })
}
