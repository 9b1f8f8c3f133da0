//! Operators that move elements and change none: most of them are views and move nothing.

use crate::{
    array::{Array, kind, sizes},
    fault::{Fault, Result, there},
    machine::Machine,
};
use assay_exact::digest::DataType;
use assay_ops::layout::Dims;
use tch::{Kind, Tensor};

/// The same elements in the same order with other dimensions.
pub(crate) fn reshape(_machine: &mut Machine, input: &Array, shape: Dims) -> Result<Array> {
    match input.layout.reshaped(shape) {
        Some(layout) => Ok(input.through(layout)),
        None => Array::new(&input.ordered()?, input.dtype(), shape),
    }
}

/// Every `step`-th element of a dimension from `start` on; those that would lie outside are the last one.
pub(crate) fn slice(
    machine: &mut Machine,
    input: &Array,
    axis: usize,
    [start, step, length]: [usize; 3],
) -> Result<Array> {
    if let Some(layout) = input.layout.sliced(axis, start, step, length) {
        return Ok(input.through(layout));
    }
    let last = there(input.shape().get(axis).and_then(|own| own.checked_sub(1)))?;
    let place = |index: usize| last.min(index.saturating_mul(step).saturating_add(start)) as i64;
    let places: Vec<i64> = (0..length).map(place).collect();
    let places = Tensor::f_from_slice(&places)?.f_to_device(machine.device())?;
    let found = input.view()?.f_index_select(axis as i64, &places)?;
    Array::new(&found, input.dtype(), input.layout.with_length(axis, length).shape)
}

/// One element everywhere, as an operator's parameter gives it.
pub(crate) fn fill(machine: &mut Machine, dtype: DataType, shape: Dims, bits: u64) -> Result<Array> {
    Array::filled(&element(machine, dtype, bits)?, dtype, shape)
}

/// The element that a parameter stands for, as a tensor of one dimension.
fn element(machine: &Machine, dtype: DataType, bits: u64) -> Result<Tensor> {
    let options = (kind(dtype), machine.device());
    let integer = match dtype {
        DataType::Float32 => {
            let number = f64::from(f32::from_bits(bits as u32));
            return Ok(Tensor::f_full([1], number, options)?);
        }
        DataType::Int64 => bits.cast_signed(),
        DataType::Int32 => i64::from(bits as i32),
        DataType::Int8 => i64::from(bits as i8),
        DataType::Uint8 => i64::from(bits as u8),
        DataType::Bool => i64::from(bits != 0),
    };
    Ok(Tensor::f_full([1], integer, options)?)
}

/// Arrays of one type, one after another along a dimension. The dimensions from there on need not be the same: only the
/// order of the elements in them matters.
pub(crate) fn concat(_machine: &mut Machine, inputs: &[Array], axis: usize, shape: Dims) -> Result<Array> {
    let outer: i64 = there(shape.get(..axis))?.iter().map(|length| *length as i64).product();
    let parts = inputs.iter().map(|input| Ok(input.ordered()?.f_reshape([outer, -1])?));
    let parts = parts.collect::<Result<Vec<Tensor>>>()?;
    let first = there(inputs.first())?;
    Array::new(&Tensor::f_cat(&parts, 1)?, first.dtype(), shape)
}

/// One element before and after a dimension.
pub(crate) fn pad(
    machine: &mut Machine,
    input: &Array,
    axis: usize,
    before: usize,
    bits: u64,
    shape: Dims,
) -> Result<Array> {
    let own = *there(input.shape().get(axis))? as i64;
    if before as i64 + own > *there(shape.get(axis))? as i64 {
        return Err(Fault::Misfit);
    }
    let padded = element(machine, input.dtype(), bits)?
        .f_expand([shape.elements() as i64], false)?
        .f_contiguous()?
        .f_reshape(sizes(&shape))?;
    padded
        .f_narrow(axis as i64, before as i64, own)?
        .f_copy_(&input.view()?)?;
    Array::new(&padded, input.dtype(), shape)
}

/// `start + step·i`, of Int64, wrapping.
pub(crate) fn arange(machine: &mut Machine, start: i64, step: i64, shape: Dims) -> Result<Array> {
    let places = Tensor::f_arange(shape.elements() as i64, (Kind::Int64, machine.device()))?;
    let integers = places.f_mul_scalar(step)?.f_add_scalar(start)?;
    Array::new(&integers, DataType::Int64, shape)
}
