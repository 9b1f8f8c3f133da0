//! Operators on whole tensors, as `assay_kernels::operators` has them.
//!
//! Each puts its kernels into the queue and returns at once. It fails if operands do not fit, which a checked graph
//! rules out, or if the device does.

mod elements;
mod lookup;
mod movement;
mod packed;
mod products;
mod rows;

pub use elements::{
    apply, bitwise, bitwise_not, cast, combine, compare, connect, integer_abs, integer_neg, logical_not, random, select,
};
pub use lookup::{gather, gather_where, index_select};
pub use movement::{arange, concat, fill, pad, reshape, seen_through, slice};
pub use packed::Packed;
pub use products::{attention, layers, linear_layer, matmul, weighted_sum};
pub use rows::{cum_sum, normalise, reduce, row_scale, top_k};

use crate::device::DeviceError;
use assay_exact::digest::DataType;

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The operands do not fit each other or the shape.
    #[error("the operands do not fit")]
    Misfit,
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// The value, or a misfit.
fn fit<T>(value: Option<T>) -> Result<T, Failure> {
    value.ok_or(Failure::Misfit)
}

/// The type as the kernels number it.
fn code(dtype: DataType) -> u64 {
    match dtype {
        DataType::Float32 => 0,
        DataType::Int64 => 1,
        DataType::Int32 => 2,
        DataType::Int8 => 3,
        DataType::Uint8 => 4,
        DataType::Bool => 5,
    }
}
