//! Sums of integer products, exact on every route, and their scaling.

use super::quantise::{Integers, QuantisedRows};
use tch::{Device, Kind, TchError, Tensor};

/// Way in which products of integers are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `_int_mm`: int8 products summed in int32. A contraction sums at most 16384 of them, 2^28 at most.
    Int8,
    /// float64 products: every partial sum is an integer below 2^53, so any order of adding is exact.
    Float64,
}

/// `f32(Σ_k a[i, k] · b[j, k]) · (sa[i] · sb[j])` for quantised rows `[M, K]` and `[N, K]`: a Float32 matrix `[M, N]`.
pub(super) fn product(a: &QuantisedRows, b: &QuantisedRows) -> Result<Tensor, TchError> {
    let sums = integer_product(&a.integers, &b.integers)?;
    let scale = a.scale.f_unsqueeze(1)?.f_mul(&b.scale.f_unsqueeze(0)?)?;
    // The sum is exact in float64, so this is its only rounding.
    sums.f_to_kind(Kind::Float)?.f_mul(&scale)
}

/// `Σ_k a[i, k] · b[j, k]` as float64, exact: below 2^42 for the longest rows.
pub(super) fn integer_product(a: &Integers, b: &Integers) -> Result<Tensor, TchError> {
    match (a, b) {
        (Integers::Int8(a), Integers::Int8(b)) => int8_product(a, b),
        (Integers::Halves { high: ah, low: al }, Integers::Halves { high: bh, low: bl }) => {
            let high = int8_product(ah, bh)?.f_mul_scalar(f64::from(1 << 14))?;
            let cross = int8_product(ah, bl)?
                .f_add(&int8_product(al, bh)?)?
                .f_mul_scalar(f64::from(1 << 7))?;
            high.f_add(&cross)?.f_add(&int8_product(al, bl)?)
        }
        (Integers::Halves { high, low }, Integers::Int8(b)) => {
            let high = int8_product(high, b)?.f_mul_scalar(f64::from(1 << 7))?;
            high.f_add(&int8_product(low, b)?)
        }
        (Integers::Float64(a), Integers::Float64(b)) => a.f_matmul(&b.f_tr()?),
        _ => Err(TchError::Kind(
            "operands of one product were quantised for different routes".to_owned(),
        )),
    }
}

/// int8 `[M, K]` and `[N, K]`: their products `[M, N]`, as float64.
fn int8_product(a: &Tensor, b: &Tensor) -> Result<Tensor, TchError> {
    // With K = 1 both strides of the transposed operand are 1, and the CPU's kernel takes rows for columns.
    let as_they_are = a.device() == Device::Cpu && a.size2()?.1 > 1;
    let product = if as_they_are {
        a.f_internal_int_mm(&b.f_tr()?)?
    } else {
        padded_product(a, b)?
    };
    product.f_to_kind(Kind::Double)
}

/// CUDA's `_int_mm` wants more than 16 rows, and K and N to be multiples of 8. Zeros change no sum.
fn padded_product(a: &Tensor, b: &Tensor) -> Result<Tensor, TchError> {
    let ((m, k), n) = (a.size2()?, b.size2()?.0);
    let depth = multiple_of_8(k) - k;
    let a = a.f_constant_pad_nd([0, depth, 0, multiple_of_8(m.max(17)) - m])?;
    let b = b.f_constant_pad_nd([0, depth, 0, multiple_of_8(n) - n])?;
    a.f_internal_int_mm(&b.f_tr()?)?.f_narrow(0, 0, m)?.f_narrow(1, 0, n)
}

fn multiple_of_8(size: i64) -> i64 {
    (size + 7) / 8 * 8
}
