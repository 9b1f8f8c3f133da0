//! Elements that indices say.

use super::integers::places;
use crate::{
    array::Array,
    fault::{Result, there},
    machine::Machine,
};
use assay_ops::layout::Dims;

/// `[…, i, …]` of the result is `[…, index[…, i, …], …]` of the data.
pub(crate) fn gather(_machine: &mut Machine, data: &Array, index: &Array, axis: usize) -> Result<Array> {
    let length = *there(data.shape().get(axis))?;
    let found = data.view()?.f_gather(axis as i64, &places(index, length)?, false)?;
    Array::new(&found, data.dtype(), index.layout.shape)
}

/// Result of [`gather`] where the condition holds, the elements of `no` elsewhere, the condition and `no` repeated to
/// the index's shape.
pub(crate) fn gather_where(
    machine: &mut Machine,
    [condition, data, index, no]: [&mut Array; 4],
    axis: usize,
) -> Result<Array> {
    let found = gather(machine, data, index, axis)?;
    super::select(machine, [condition, &found, no], index.layout.shape)
}

/// Data `[A…, N, B…]` and indices `[I…]` give `[A…, I…, B…]`.
pub(crate) fn index_select(
    _machine: &mut Machine,
    data: &Array,
    index: &Array,
    axis: usize,
    shape: Dims,
) -> Result<Array> {
    let length = *there(data.shape().get(axis))?;
    let places = places(index, length)?.f_reshape([-1])?;
    let found = data.view()?.f_index_select(axis as i64, &places)?;
    Array::new(&found, data.dtype(), shape)
}
