//! Sums of integer products, exact on every route, and their scaling.

use super::{
    fault::Result,
    machine::Machine,
    quantise::{Integers, QuantisedRows},
};
use assay_exact::quantise::Precision;
use tch::{Device, Kind, TchError, Tensor};

/// Way in which products of integers are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `_int_mm`: int8 products summed in int32. A contraction sums at most 16384 of them, 2^28 at most.
    Int8,
    /// float64 products: every partial sum is an integer below 2^53, so any order of adding is exact.
    Float64,
}

/// Products of int8 integers that float32 sums exactly in any order: `1024 · 128 · 127 < 2^24`.
pub(crate) const MOST_IN_FLOAT32: i64 = 1024;
/// Halves of 16-bit integers times int8 ones, whose sums int32 holds: `1024 · 16319 · 128 < 2^31`.
const MOST_IN_INT32: i64 = 1024;

/// Whether float32 sums a batch's products of this precision and length exactly.
pub(crate) fn is_short(precision: Precision, length: i64) -> bool {
    precision == Precision::Int8 && length <= MOST_IN_FLOAT32
}

/// `f32(Σ_k a[i, k] · b[j, k]) · (sa[i] · sb[j])`, plus `bias[j]` if there is one, for quantised rows `[M, K]` and
/// `[N, K]`: a Float32 matrix `[M, N]`.
pub(crate) fn product(
    machine: &Machine,
    a: &QuantisedRows,
    b: &QuantisedRows,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let sums = integer_product(&a.integers, &b.integers)?;
    let of_columns = b.scale.f_reshape([1, -1])?;
    let (rows, columns) = sums.size2()?;
    machine.in_parts(rows, columns, |start, count| {
        let scale = a.scale.f_narrow(0, start, count)?.f_mul(&of_columns)?;
        // The sum is exact as it is, so this is its only rounding.
        let mut product = sums.f_narrow(0, start, count)?.f_to_kind(Kind::Float)?.f_mul(&scale)?;
        if let Some(bias) = bias {
            product = product.f_add_(bias)?;
        }
        Ok(product)
    })
}

/// `Σ_k a[i, k] · b[j, k]`, exact: below 2^42 for the longest rows.
pub(crate) fn integer_product(a: &Integers, b: &Integers) -> Result<Tensor> {
    Ok(match (a, b) {
        (Integers::Int8(a), Integers::Int8(b)) => int8_product(a, b)?,
        (Integers::Halves { high: ah, low: al }, Integers::Halves { high: bh, low: bl }) => {
            let high = wide(ah, bh)?.f_mul_scalar(f64::from(1 << 14))?;
            let cross = wide(ah, bl)?.f_add(&wide(al, bh)?)?.f_mul_scalar(f64::from(1 << 7))?;
            high.f_add(&cross)?.f_add(&wide(al, bl)?)?
        }
        (Integers::Halves { high, low }, Integers::Int8(b)) => {
            let (_, length) = b.size2()?;
            if length <= MOST_IN_INT32 {
                let high = int8_product(high, b)?.f_mul_scalar(1i64 << 7)?;
                high.f_add(&int8_product(low, b)?)?
            } else {
                let high = wide(high, b)?.f_mul_scalar(f64::from(1 << 7))?;
                high.f_add(&wide(low, b)?)?
            }
        }
        (Integers::Float64(a), Integers::Float64(b)) => a.f_matmul(&b.f_tr()?)?,
        _ => Err(TchError::Kind(
            "operands of one product were quantised for different routes".to_owned(),
        ))?,
    })
}

/// The products of int8 matrices as float64.
fn wide(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    Ok(int8_product(a, b)?.f_to_kind(Kind::Double)?)
}

/// int8 `[M, K]` and `[N, K]`: their products `[M, N]`, as int32.
fn int8_product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    // With K = 1 both strides of the transposed operand are 1, and the CPU's kernel takes rows for columns.
    let as_they_are = a.device() == Device::Cpu && a.size2()?.1 > 1;
    if as_they_are {
        Ok(a.f_internal_int_mm(&b.f_tr()?)?)
    } else {
        padded_product(a, b)
    }
}

/// CUDA's `_int_mm` wants more than 16 rows, and K and N to be multiples of 8. Zeros change no sum.
fn padded_product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let ((m, k), n) = (a.size2()?, b.size2()?.0);
    let depth = multiple_of_8(k) - k;
    let a = a.f_constant_pad_nd([0, depth, 0, multiple_of_8(m.max(17)) - m])?;
    let b = b.f_constant_pad_nd([0, depth, 0, multiple_of_8(n) - n])?;
    Ok(a.f_internal_int_mm(&b.f_tr()?)?.f_narrow(0, 0, m)?.f_narrow(1, 0, n)?)
}

fn multiple_of_8(size: i64) -> i64 {
    (size + 7) / 8 * 8
}

/// `Σ_k a[…, i, k] · b[…, j, k]` of batches of integers `[count, M, K]` and `[count, N, K]`, both of float32 or of
/// float64, rounded once to float32.
pub(crate) fn batched_sums(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    Ok(a.f_bmm(&b.f_transpose(-2, -1)?)?.f_to_kind(Kind::Float)?)
}
