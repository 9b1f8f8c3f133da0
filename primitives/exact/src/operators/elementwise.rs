//! Operators that compute each element from one element of each operand.

use super::movement::repeated;
use crate::{
    binary32::Binary32,
    digest::DataType,
    element::{Element, ElementError, Operands},
    functions,
    graph::{Binary, Unary},
};
use core::cmp::Ordering;

/// The greater of `x` and 0; NaN stays.
pub fn relu(x: Binary32) -> Binary32 {
    x.max(Binary32::ZERO)
}

pub(super) fn rectified(operands: &mut impl Operands, index: u64) -> Result<Element, ElementError> {
    operands.number(0, index).map(|x| Element::Number(relu(x)))
}

pub(super) fn unary(
    function: Unary,
    operands: &mut impl Operands,
    dtype: DataType,
    index: u64,
) -> Result<Element, ElementError> {
    match (operands.read(0, index)?, function) {
        (Element::Number(x), _) => of_number(function, x).map(Element::Number),
        (Element::Integer(x), Unary::Neg) => Some(Element::wrapped(dtype, x.wrapping_neg())),
        (Element::Integer(x), Unary::Abs) => Some(Element::wrapped(dtype, x.wrapping_abs())),
        (Element::Integer(x), Unary::Not) if dtype == DataType::Bool => Some(truth(x == 0)),
        (Element::Integer(x), Unary::Not) => Some(Element::wrapped(dtype, !x)),
        (Element::Integer(_), _) => None,
    }
    .ok_or(ElementError::Unfit)
}

fn of_number(function: Unary, x: Binary32) -> Option<Binary32> {
    Some(match function {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Sqrt => x.sqrt(),
        Unary::Rsqrt => functions::rsqrt(x),
        Unary::Exp => functions::exp(x),
        Unary::Log => functions::log(x),
        Unary::Tanh => functions::tanh(x),
        Unary::Sigmoid => functions::sigmoid(x),
        Unary::Erf => functions::erf(x),
        Unary::Sin => functions::sin(x),
        Unary::Cos => functions::cos(x),
        Unary::Silu => functions::silu(x),
        Unary::Gelu => functions::gelu(x),
        Unary::GeluTanh => functions::gelu_tanh(x),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_half_even(),
        Unary::Trunc => x.trunc(),
        Unary::Not => return None,
    })
}

pub(super) fn binary(
    function: Binary,
    operands: &mut impl Operands,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let (dtype, _) = operands.layout(0).ok_or(ElementError::Unfit)?;
    match (
        broadcast(operands, 0, shape, index)?,
        broadcast(operands, 1, shape, index)?,
    ) {
        (Element::Number(x), Element::Number(y)) => of_numbers(function, x, y),
        (Element::Integer(x), Element::Integer(y)) => of_integers(function, dtype, x, y),
        _ => None,
    }
    .ok_or(ElementError::Unfit)
}

fn of_numbers(function: Binary, x: Binary32, y: Binary32) -> Option<Element> {
    let number = match function {
        Binary::Add => x + y,
        Binary::Sub => x - y,
        Binary::Mul => x * y,
        Binary::Div => x / y,
        Binary::Rem => x % y,
        Binary::Min => x.min(y),
        Binary::Max => x.max(y),
        _ => return compared(function, x.compare(y)),
    };
    Some(Element::Number(number))
}

fn of_integers(function: Binary, dtype: DataType, x: i64, y: i64) -> Option<Element> {
    let integer = match function {
        Binary::Add => x.wrapping_add(y),
        Binary::Sub => x.wrapping_sub(y),
        Binary::Mul => x.wrapping_mul(y),
        Binary::Div => divided_down(x, y),
        Binary::Rem if y == 0 => 0,
        Binary::Rem => x.wrapping_rem(y),
        Binary::Min => x.min(y),
        Binary::Max => x.max(y),
        Binary::And => x & y,
        Binary::Or => x | y,
        Binary::Xor => x ^ y,
        Binary::Shl => shift_count(dtype, y).map_or(0, |count| x << count),
        // Narrow integers have their sign in all higher bits.
        Binary::Shr => x >> shift_count(dtype, y).unwrap_or(i64::BITS - 1),
        _ => return compared(function, Some(x.cmp(&y))),
    };
    Some(Element::wrapped(dtype, integer))
}

/// By how many bits an integer of this type is shifted, if it has this many.
fn shift_count(dtype: DataType, count: i64) -> Option<u32> {
    let bits = u32::try_from(dtype.size_bytes()).ok()?.checked_mul(8)?;
    u32::try_from(count).ok().filter(|count| *count < bits)
}

/// `⌊x / y⌋`, wrapping, and 0 where `y` is 0.
fn divided_down(x: i64, y: i64) -> i64 {
    if y == 0 {
        return 0;
    }
    let (quotient, remainder) = (x.wrapping_div(y), x.wrapping_rem(y));
    let above = remainder != 0 && (remainder < 0) != (y < 0);
    quotient.wrapping_sub(i64::from(above))
}

/// Result of a comparison of two elements in this order, which NaN has none of.
fn compared(function: Binary, order: Option<Ordering>) -> Option<Element> {
    let holds = match function {
        Binary::Equal => order == Some(Ordering::Equal),
        Binary::NotEqual => order != Some(Ordering::Equal),
        Binary::Less => order == Some(Ordering::Less),
        Binary::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Binary::Greater => order == Some(Ordering::Greater),
        Binary::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        _ => return None,
    };
    Some(truth(holds))
}

fn truth(holds: bool) -> Element {
    Element::Integer(i64::from(holds))
}

/// Reads the condition, and then only the element that it chooses.
pub(super) fn select(operands: &mut impl Operands, shape: &[u32], index: u64) -> Result<Element, ElementError> {
    let chosen = match broadcast(operands, 0, shape, index)? {
        Element::Integer(0) => 2,
        Element::Integer(_) => 1,
        Element::Number(_) => return Err(ElementError::Unfit),
    };
    broadcast(operands, chosen, shape, index)
}

pub(super) fn cast(dtype: DataType, operands: &mut impl Operands, index: u64) -> Result<Element, ElementError> {
    let truncated = |x: Binary32, min: i64, max: i64| Element::Integer(x.truncate_to_i64().clamp(min, max));
    Ok(match (operands.read(0, index)?, dtype) {
        (Element::Number(x), DataType::Float32) => Element::Number(x),
        (Element::Number(x), DataType::Bool) => truth(x.compare(Binary32::ZERO) != Some(Ordering::Equal)),
        (Element::Number(x), DataType::Int64) => truncated(x, i64::MIN, i64::MAX),
        (Element::Number(x), DataType::Int32) => truncated(x, i32::MIN.into(), i32::MAX.into()),
        (Element::Number(x), DataType::Int8) => truncated(x, i8::MIN.into(), i8::MAX.into()),
        (Element::Number(x), DataType::Uint8) => truncated(x, u8::MIN.into(), u8::MAX.into()),
        (Element::Integer(x), DataType::Float32) => Element::Number(Binary32::from_i64(x)),
        (Element::Integer(x), dtype) => Element::wrapped(dtype, x),
    })
}

pub(super) fn arange(start: i64, step: i64, index: u64) -> Element {
    Element::Integer(start.wrapping_add(step.wrapping_mul(index as i64)))
}

/// The element of an operand that stands at this position once its dimensions are repeated to `shape`.
pub(super) fn broadcast(
    operands: &mut impl Operands,
    operand: usize,
    shape: &[u32],
    index: u64,
) -> Result<Element, ElementError> {
    let (_, own) = operands.layout(operand).ok_or(ElementError::Unfit)?;
    let position = repeated(own, shape, index).ok_or(ElementError::Unfit)?;
    operands.read(operand, position)
}
