//! Operators that compute each element from one element of each operand.

use super::integers;
use crate::{
    array::{Array, kind},
    fault::Result,
    machine::Machine,
};
use assay_exact::digest::DataType;
use assay_ops::{
    layout::Dims,
    words::{Comparison, Connective, Function, Operation},
};
use tch::{Kind, Tensor};

/// `2^63`, the first number beyond Int64.
const BEYOND_INT64: f64 = 9_223_372_036_854_775_808.0;
/// The greatest binary32 number below it, `2^63 − 2^39`.
const GREATEST_BELOW: f64 = 9_223_371_487_098_961_920.0;

/// Functions of each number, one after the other.
pub(crate) fn apply(machine: &mut Machine, functions: &[Function], input: &mut Array) -> Result<Array> {
    let mut numbers = input.ordered()?;
    for function in functions {
        numbers = machine.apply(*function, &numbers)?;
    }
    Array::new(&numbers, DataType::Float32, input.layout.shape)
}

/// Two arrays of numbers or integers, repeated to `shape` and combined.
pub(crate) fn combine(
    _machine: &mut Machine,
    operation: Operation,
    a: &Array,
    b: &Array,
    shape: Dims,
) -> Result<Array> {
    let (x, y) = (a.repeated(shape)?, b.repeated(shape)?);
    let result = match a.dtype() {
        DataType::Float32 => numbers(operation, &x, &y)?,
        dtype => integers::combined(operation, dtype, &x, &y)?,
    };
    Array::new(&result, a.dtype(), shape)
}

fn numbers(operation: Operation, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    Ok(match operation {
        Operation::Add => x.f_add(y)?,
        Operation::Sub => x.f_sub(y)?,
        Operation::Mul => x.f_mul(y)?,
        Operation::Div => x.f_div(&y.f_add_scalar(0.0)?)?,
        // The remainder of binary32 numbers is a binary32 number, and libtorch's of binary64 is exact for any two.
        Operation::Rem => x
            .f_to_kind(Kind::Double)?
            .f_fmod_tensor(&y.f_to_kind(Kind::Double)?)?
            .f_to_kind(Kind::Float)?,
        Operation::Min => x.f_minimum(y)?,
        Operation::Max => x.f_maximum(y)?,
    })
}

/// Two arrays of one type, repeated to `shape` and compared.
pub(crate) fn compare(
    _machine: &mut Machine,
    comparison: Comparison,
    a: &Array,
    b: &Array,
    shape: Dims,
) -> Result<Array> {
    let (a, b) = (a.repeated(shape)?, b.repeated(shape)?);
    let holds = match comparison {
        Comparison::Equal => a.f_eq_tensor(&b)?,
        Comparison::NotEqual => a.f_ne_tensor(&b)?,
        Comparison::Less => a.f_lt_tensor(&b)?,
        Comparison::LessOrEqual => a.f_le_tensor(&b)?,
        Comparison::Greater => a.f_gt_tensor(&b)?,
        Comparison::GreaterOrEqual => a.f_ge_tensor(&b)?,
    };
    Array::new(&holds, DataType::Bool, shape)
}

/// Two arrays of truth values, repeated to `shape` and connected.
pub(crate) fn connect(
    _machine: &mut Machine,
    connective: Connective,
    a: &Array,
    b: &Array,
    shape: Dims,
) -> Result<Array> {
    let (a, b) = (a.repeated(shape)?, b.repeated(shape)?);
    let holds = match connective {
        Connective::And => a.f_logical_and(&b)?,
        Connective::Or => a.f_logical_or(&b)?,
        Connective::Xor => a.f_logical_xor(&b)?,
    };
    Array::new(&holds, DataType::Bool, shape)
}

/// Truth values, each the other way round.
pub(crate) fn logical_not(_machine: &mut Machine, input: &Array) -> Result<Array> {
    Array::new(&input.view()?.f_logical_not()?, DataType::Bool, input.layout.shape)
}

/// The elements of `yes` where the condition holds, those of `no` elsewhere.
pub(crate) fn select(_machine: &mut Machine, [condition, yes, no]: [&Array; 3], shape: Dims) -> Result<Array> {
    let result = yes
        .repeated(shape)?
        .f_where_self(&condition.repeated(shape)?, &no.repeated(shape)?)?;
    Array::new(&result, yes.dtype(), shape)
}

/// The elements as elements of another type.
///
/// A number to an integer is truncated, beyond the type's ends it is the end, and NaN is 0; an integer to a number is
/// rounded once, and to a narrower integer it wraps. To Bool it is whether it is not 0, and NaN is not.
pub(crate) fn cast(_machine: &mut Machine, input: &Array, dtype: DataType) -> Result<Array> {
    if input.dtype() == dtype {
        return Ok(input.clone());
    }
    let elements = input.view()?;
    let result = match (input.dtype(), dtype) {
        (_, DataType::Bool) => elements.f_ne(0)?,
        (DataType::Float32, _) => {
            let integers = truncated(&elements)?;
            let ends = match dtype {
                DataType::Int32 => Some([i64::from(i32::MIN), i64::from(i32::MAX)]),
                DataType::Int8 => Some([i64::from(i8::MIN), i64::from(i8::MAX)]),
                DataType::Uint8 => Some([0, i64::from(u8::MAX)]),
                DataType::Float32 | DataType::Int64 | DataType::Bool => None,
            };
            match ends {
                Some([least, greatest]) => integers.f_clamp(least, greatest)?.f_to_kind(kind(dtype))?,
                None => integers,
            }
        }
        _ => elements.f_to_kind(kind(dtype))?,
    };
    Array::new(&result, dtype, input.layout.shape)
}

/// Numbers as Int64 without their fractions; beyond its ends the end, and 0 for NaN.
fn truncated(numbers: &Tensor) -> Result<Tensor> {
    let beyond = numbers.f_ge(BEYOND_INT64)?;
    // What a conversion gives outside of the type is not defined, so nothing outside reaches it.
    let within = numbers
        .f_masked_fill(&numbers.f_isnan()?, 0.0)?
        .f_clamp(-BEYOND_INT64, GREATEST_BELOW)?;
    Ok(within.f_to_kind(Kind::Int64)?.f_masked_fill(&beyond, i64::MAX)?)
}
