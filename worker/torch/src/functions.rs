//! Functions of `assay-exact` as their single operations, each of which is one operation of libtorch.
//!
//! Nothing is fused: every operation writes its rounded result before the next one reads it.

use crate::fault::{Result, there};
use assay_codegen::Operation;
use tch::{Device, Kind, Tensor};

/// The exponent of 1.
const BIAS: i64 = 127;
/// Bits below the exponent.
const FRACTION_BITS: i64 = 23;

/// A function's operations, with their constants on a device.
pub(crate) struct Compiled {
    steps: Vec<Step>,
    result: usize,
}

struct Step {
    operation: Operation,
    /// The constant, if it is one.
    constant: Option<Tensor>,
    /// Results that no later step takes.
    finished: Vec<usize>,
    /// Whether the result has as many elements as the input, and not one.
    whole: bool,
}

/// The results that an operation takes.
fn operands(operation: Operation) -> Vec<usize> {
    match operation {
        Operation::Constant(_) => vec![],
        Operation::Negate(x)
        | Operation::Sqrt(x)
        | Operation::PowerOfTwo(x)
        | Operation::Exponent(x)
        | Operation::Significand(x) => vec![x],
        Operation::Add(x, y)
        | Operation::Subtract(x, y)
        | Operation::Multiply(x, y)
        | Operation::Divide(x, y)
        | Operation::Less(x, y)
        | Operation::Equal(x, y) => vec![x, y],
        Operation::Select(mask, yes, no) => vec![mask, yes, no],
    }
}

impl Compiled {
    /// The function of this name in `assay_exact::functions`.
    pub(crate) fn new(name: &str, device: Device) -> Result<Self> {
        let function = assay_codegen::functions()
            .into_iter()
            .find(|function| function.name == name);
        let function = there(function)?;
        let mut steps: Vec<Step> = Vec::with_capacity(function.operations.len());
        for operation in &function.operations {
            let constant = match operation {
                Operation::Constant(bits) => {
                    let number = Tensor::f_from_slice(&[f32::from_bits(*bits)])?;
                    Some(number.f_reshape([0i64; 0])?.f_to_device(device)?)
                }
                _ => None,
            };
            let is_whole = |operand: &usize| *operand == 0 || steps.get(operand - 1).is_some_and(|step| step.whole);
            let whole = operands(*operation).iter().any(is_whole);
            steps.push(Step {
                operation: *operation,
                constant,
                finished: Vec::new(),
                whole,
            });
        }
        let mut seen = vec![false; steps.len() + 1];
        seen[function.result] = true;
        for step in steps.iter_mut().rev() {
            for operand in operands(step.operation) {
                if !std::mem::replace(&mut seen[operand], true) {
                    step.finished.push(operand);
                }
            }
        }
        Ok(Self {
            steps,
            result: function.result,
        })
    }

    /// The function of each number; none is −0.
    pub(crate) fn apply(&self, numbers: &Tensor) -> Result<Tensor> {
        let mut values: Vec<Option<Tensor>> = vec![Some(numbers.shallow_clone())];
        for step in &self.steps {
            let result = match &step.constant {
                Some(constant) => constant.shallow_clone(),
                None => self.perform(step, &mut values)?,
            };
            values.push(Some(result));
            for finished in &step.finished {
                values[*finished] = None;
            }
        }
        there(values.swap_remove(self.result))
    }

    /// A result that nothing else takes and that may be written over; the input may not.
    fn own(&self, step: &Step, values: &mut [Option<Tensor>], operand: usize) -> Option<Tensor> {
        let is_whole = operand > 0 && self.steps[operand - 1].whole;
        let is_last = step.finished.contains(&operand);
        (is_whole && is_last).then(|| values[operand].take())?
    }

    fn perform(&self, step: &Step, values: &mut [Option<Tensor>]) -> Result<Tensor> {
        type Pair = (
            fn(&Tensor, &Tensor) -> std::result::Result<Tensor, tch::TchError>,
            fn(&mut Tensor, &Tensor) -> std::result::Result<Tensor, tch::TchError>,
        );
        let (x, y, (apart, in_place)): (usize, usize, Pair) = match step.operation {
            Operation::Add(x, y) => (x, y, (Tensor::f_add, Tensor::f_add_)),
            Operation::Subtract(x, y) => (x, y, (Tensor::f_sub, Tensor::f_sub_)),
            Operation::Multiply(x, y) => (x, y, (Tensor::f_mul, Tensor::f_mul_)),
            Operation::Divide(x, y) => (x, y, (Tensor::f_div, Tensor::f_div_)),
            other => return single(other, values),
        };
        if x != y
            && let Some(mut own) = self.own(step, values, x)
        {
            return Ok(in_place(&mut own, value(values, y)?)?);
        }
        Ok(apart(value(values, x)?, value(values, y)?)?)
    }
}

fn value(values: &[Option<Tensor>], index: usize) -> Result<&Tensor> {
    there(values.get(index).and_then(Option::as_ref))
}

/// An operation that has no form in place.
fn single(operation: Operation, values: &[Option<Tensor>]) -> Result<Tensor> {
    let of = |index: usize| value(values, index);
    Ok(match operation {
        Operation::Negate(x) => of(x)?.f_neg()?,
        Operation::Sqrt(x) => root(of(x)?)?,
        Operation::Less(x, y) => of(x)?.f_lt_tensor(of(y)?)?,
        Operation::Equal(x, y) => of(x)?.f_eq_tensor(of(y)?)?,
        Operation::Select(mask, yes, no) => of(yes)?.f_where_self(of(mask)?, of(no)?)?,
        Operation::PowerOfTwo(x) => power_of_two(of(x)?)?,
        Operation::Exponent(x) => exponent(of(x)?)?.f_to_kind(Kind::Float)?,
        Operation::Significand(x) => of(x)?
            .f_view_dtype(Kind::Int)?
            .f_bitwise_and(0x007f_ffff)?
            .f_bitwise_or(0x3f80_0000)?
            .f_view_dtype(Kind::Float)?,
        Operation::Constant(_)
        | Operation::Add(..)
        | Operation::Subtract(..)
        | Operation::Multiply(..)
        | Operation::Divide(..) => return there(None),
    })
}

/// The square root, rounded once. libtorch's own of binary32 is not: on processors it is MKL's. That of binary64 is
/// right within two units of its last place, and no root of a binary32 number is so near to the middle of two others.
pub(crate) fn root(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_to_kind(Kind::Double)?.f_sqrt()?.f_to_kind(Kind::Float)?)
}

/// `2^x` for integral numbers from −126 to 127, of any type.
pub(crate) fn power_of_two(x: &Tensor) -> Result<Tensor> {
    let bits = x
        .f_to_kind(Kind::Int)?
        .f_add_scalar(BIAS)?
        .f_mul_scalar(1i64 << FRACTION_BITS)?;
    Ok(bits.f_view_dtype(Kind::Float)?)
}

/// `⌊log₂ x⌋` for positive, normal, finite numbers, as Int32; −127 for subnormal ones.
pub(crate) fn exponent(x: &Tensor) -> Result<Tensor> {
    let bits = x.f_view_dtype(Kind::Int)?;
    Ok(bits
        .f_bitwise_right_shift_tensor_scalar(FRACTION_BITS)?
        .f_sub_scalar(BIAS)?)
}
