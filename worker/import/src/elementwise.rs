//! Operators that treat every element alike: arithmetic, comparisons, logic, selection, casts.

use super::{
    Handler,
    arguments::{Call, Number, Operand, Result},
    builder::Tensor,
    core::{Binary, Unary},
    functions::general_power,
};
use assay_exact::digest::DataType;

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("abs.default", |call| unary(call, Unary::Abs)),
    ("neg.default", |call| unary(call, Unary::Neg)),
    ("sqrt.default", |call| unary(call, Unary::Sqrt)),
    ("rsqrt.default", |call| unary(call, Unary::Rsqrt)),
    ("exp.default", |call| unary(call, Unary::Exp)),
    ("log.default", |call| unary(call, Unary::Log)),
    ("sin.default", |call| unary(call, Unary::Sin)),
    ("cos.default", |call| unary(call, Unary::Cos)),
    ("tanh.default", |call| unary(call, Unary::Tanh)),
    ("sigmoid.default", |call| unary(call, Unary::Sigmoid)),
    ("erf.default", |call| unary(call, Unary::Erf)),
    ("floor.default", |call| rounded(call, Unary::Floor)),
    ("ceil.default", |call| rounded(call, Unary::Ceil)),
    ("round.default", |call| rounded(call, Unary::Round)),
    ("trunc.default", |call| rounded(call, Unary::Trunc)),
    ("reciprocal.default", reciprocal),
    ("square.default", square),
    ("sign.default", sign),
    ("add.Tensor", |call| sum(call, Binary::Add)),
    ("add.Scalar", |call| sum(call, Binary::Add)),
    ("sub.Tensor", |call| sum(call, Binary::Sub)),
    ("sub.Scalar", |call| sum(call, Binary::Sub)),
    ("subtract.Tensor", |call| sum(call, Binary::Sub)),
    ("multiply.Tensor", |call| binary(call, Binary::Mul)),
    ("divide.Tensor", div),
    ("positive.default", |call| Ok(vec![call.tensor("self")?])),
    ("absolute.default", |call| unary(call, Unary::Abs)),
    ("negative.default", |call| unary(call, Unary::Neg)),
    ("greater.Tensor", |call| compare(call, Binary::Greater)),
    ("less.Tensor", |call| compare(call, Binary::Less)),
    ("not_equal.Tensor", |call| compare(call, Binary::NotEqual)),
    ("rsub.Tensor", reversed_sub),
    ("rsub.Scalar", reversed_sub),
    ("mul.Tensor", |call| binary(call, Binary::Mul)),
    ("mul.Scalar", |call| binary(call, Binary::Mul)),
    ("div.Tensor", div),
    ("div.Scalar", div),
    ("div.Tensor_mode", div),
    ("div.Scalar_mode", div),
    ("true_divide.Tensor", div),
    ("floor_divide.default", floor_divide),
    ("floor_divide.Scalar", floor_divide),
    ("minimum.default", |call| binary(call, Binary::Min)),
    ("maximum.default", |call| binary(call, Binary::Max)),
    ("min.other", |call| binary(call, Binary::Min)),
    ("max.other", |call| binary(call, Binary::Max)),
    ("remainder.Tensor", remainder),
    ("remainder.Scalar", remainder),
    ("remainder.Scalar_Tensor", remainder),
    ("fmod.Tensor", |call| binary(call, Binary::Rem)),
    ("fmod.Scalar", |call| binary(call, Binary::Rem)),
    ("pow.Tensor_Scalar", power),
    ("pow.Scalar", power_of_constant),
    ("float_power.Tensor_Scalar", power),
    ("addcmul.default", |call| add_combined(call, Binary::Mul)),
    ("addcdiv.default", |call| add_combined(call, Binary::Div)),
    ("lerp.Scalar", lerp),
    ("lerp.Tensor", lerp),
    ("clamp.default", clamp),
    ("clamp.Tensor", clamp),
    ("clip.default", clamp),
    ("clip.Tensor", clamp),
    ("clamp_min.default", clamp),
    ("clamp_min.Tensor", clamp),
    ("clamp_max.default", clamp),
    ("clamp_max.Tensor", clamp),
    ("eq.Tensor", |call| compare(call, Binary::Equal)),
    ("eq.Scalar", |call| compare(call, Binary::Equal)),
    ("ne.Tensor", |call| compare(call, Binary::NotEqual)),
    ("ne.Scalar", |call| compare(call, Binary::NotEqual)),
    ("lt.Tensor", |call| compare(call, Binary::Less)),
    ("lt.Scalar", |call| compare(call, Binary::Less)),
    ("le.Tensor", |call| compare(call, Binary::LessOrEqual)),
    ("le.Scalar", |call| compare(call, Binary::LessOrEqual)),
    ("gt.Tensor", |call| compare(call, Binary::Greater)),
    ("gt.Scalar", |call| compare(call, Binary::Greater)),
    ("ge.Tensor", |call| compare(call, Binary::GreaterOrEqual)),
    ("ge.Scalar", |call| compare(call, Binary::GreaterOrEqual)),
    ("isnan.default", is_nan),
    ("isinf.default", is_infinite),
    ("logical_and.default", |call| logic(call, Binary::And)),
    ("logical_or.default", |call| logic(call, Binary::Or)),
    ("logical_xor.default", |call| logic(call, Binary::Xor)),
    ("logical_not.default", logical_not),
    ("bitwise_and.Tensor", |call| bits(call, Binary::And)),
    ("bitwise_or.Tensor", |call| bits(call, Binary::Or)),
    ("bitwise_xor.Tensor", |call| bits(call, Binary::Xor)),
    ("bitwise_and.Scalar", |call| bits(call, Binary::And)),
    ("bitwise_or.Scalar", |call| bits(call, Binary::Or)),
    ("bitwise_xor.Scalar", |call| bits(call, Binary::Xor)),
    ("bitwise_and.Scalar_Tensor", |call| bits(call, Binary::And)),
    ("bitwise_or.Scalar_Tensor", |call| bits(call, Binary::Or)),
    ("bitwise_xor.Scalar_Tensor", |call| bits(call, Binary::Xor)),
    ("bitwise_not.default", bitwise_not),
    ("__and__.Tensor", |call| bits(call, Binary::And)),
    ("__or__.Tensor", |call| bits(call, Binary::Or)),
    ("__xor__.Tensor", |call| bits(call, Binary::Xor)),
    ("__and__.Scalar", |call| bits(call, Binary::And)),
    ("__or__.Scalar", |call| bits(call, Binary::Or)),
    ("__xor__.Scalar", |call| bits(call, Binary::Xor)),
    ("bitwise_left_shift.Tensor", |call| shift(call, Binary::Shl)),
    ("bitwise_left_shift.Tensor_Scalar", |call| shift(call, Binary::Shl)),
    ("bitwise_left_shift.Scalar_Tensor", |call| shift(call, Binary::Shl)),
    ("bitwise_right_shift.Tensor", |call| shift(call, Binary::Shr)),
    ("bitwise_right_shift.Tensor_Scalar", |call| shift(call, Binary::Shr)),
    ("bitwise_right_shift.Scalar_Tensor", |call| shift(call, Binary::Shr)),
    ("__lshift__.Tensor", |call| shift(call, Binary::Shl)),
    ("__lshift__.Scalar", |call| shift(call, Binary::Shl)),
    ("__rshift__.Tensor", |call| shift(call, Binary::Shr)),
    ("__rshift__.Scalar", |call| shift(call, Binary::Shr)),
    ("where.self", select),
    ("where.ScalarSelf", select),
    ("where.ScalarOther", select),
    ("where.Scalar", select),
    ("masked_fill.Scalar", masked_fill),
    ("masked_fill.Tensor", masked_fill),
];

type Outputs = Result<Vec<Tensor>>;

/// A function of one number; integers are made binary32 first.
fn unary(call: &mut Call<'_, '_>, function: Unary) -> Outputs {
    let x = call.tensor("self")?;
    let (dtype, _) = call.layout()?;
    let x = call.graph.cast(&x, dtype)?;
    Ok(vec![call.graph.unary(function, &x)?])
}

/// Rounding, which leaves integers as they are.
fn rounded(call: &mut Call<'_, '_>, function: Unary) -> Outputs {
    let x = call.tensor("self")?;
    Ok(vec![match x.dtype {
        DataType::Float32 => call.graph.unary(function, &x)?,
        _ => x,
    }])
}

fn reciprocal(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let x = call.graph.cast(&x, DataType::Float32)?;
    let one = call.graph.fill(Number::Float(1.0), DataType::Float32)?;
    Ok(vec![call.graph.binary(Binary::Div, &one, &x)?])
}

fn square(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    Ok(vec![call.graph.binary(Binary::Mul, &x, &x)?])
}

/// −1, 0 or 1; a NaN gives 0, as in torch.
fn sign(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let zero = call.graph.fill(Number::Int(0), x.dtype)?;
    let above = call.graph.binary(Binary::Greater, &x, &zero)?;
    let below = call.graph.binary(Binary::Less, &x, &zero)?;
    let (above, below) = (call.graph.cast(&above, x.dtype)?, call.graph.cast(&below, x.dtype)?);
    Ok(vec![call.graph.binary(Binary::Sub, &above, &below)?])
}

/// An argument as a tensor of a type; a number becomes a tensor without dimensions.
pub(super) fn operand(call: &mut Call<'_, '_>, name: &str, dtype: DataType) -> Result<Tensor> {
    let operand = call.operand(name)?;
    as_tensor(call, operand, dtype)
}

fn as_tensor(call: &mut Call<'_, '_>, operand: Operand, dtype: DataType) -> Result<Tensor> {
    match operand {
        Operand::Tensor(tensor) => call.graph.cast(&tensor, dtype),
        Operand::Number(number) => call.graph.fill(number, dtype),
    }
}

/// Arithmetic in the type that the program says the result has.
fn binary(call: &mut Call<'_, '_>, operation: Binary) -> Outputs {
    let (dtype, _) = call.layout()?;
    let (a, b) = (operand(call, "self", dtype)?, operand(call, "other", dtype)?);
    Ok(vec![call.graph.binary(operation, &a, &b)?])
}

/// `self ± alpha × other`.
fn sum(call: &mut Call<'_, '_>, operation: Binary) -> Outputs {
    let (dtype, _) = call.layout()?;
    let (a, b) = (operand(call, "self", dtype)?, operand(call, "other", dtype)?);
    let b = scaled(call, "alpha", b)?;
    Ok(vec![call.graph.binary(operation, &a, &b)?])
}

/// `other − alpha × self`.
fn reversed_sub(call: &mut Call<'_, '_>) -> Outputs {
    let (dtype, _) = call.layout()?;
    let (a, b) = (operand(call, "self", dtype)?, operand(call, "other", dtype)?);
    let a = scaled(call, "alpha", a)?;
    Ok(vec![call.graph.binary(Binary::Sub, &b, &a)?])
}

/// A tensor times the number in an argument, which is 1 if it is left out.
pub(super) fn scaled(call: &mut Call<'_, '_>, name: &str, tensor: Tensor) -> Result<Tensor> {
    match call.number(name)? {
        None => Ok(tensor),
        Some(factor) if factor.float() == Some(1.0) => Ok(tensor),
        Some(factor) => {
            let factor = call.graph.fill(factor, tensor.dtype)?;
            call.graph.binary(Binary::Mul, &tensor, &factor)
        }
    }
}

fn div(call: &mut Call<'_, '_>) -> Outputs {
    match call.string("rounding_mode")? {
        None => {
            let (a, b) = (
                operand(call, "self", DataType::Float32)?,
                operand(call, "other", DataType::Float32)?,
            );
            Ok(vec![call.graph.binary(Binary::Div, &a, &b)?])
        }
        Some("floor") => floor_divide(call),
        Some("trunc") => truncated(call),
        Some(_) => Err(call.refuse("rounding_mode", "is neither floor nor trunc")),
    }
}

/// Integers are divided down already.
fn floor_divide(call: &mut Call<'_, '_>) -> Outputs {
    let (dtype, _) = call.layout()?;
    let (a, b) = (operand(call, "self", dtype)?, operand(call, "other", dtype)?);
    let quotient = call.graph.binary(Binary::Div, &a, &b)?;
    Ok(vec![match dtype {
        DataType::Float32 => call.graph.unary(Unary::Floor, &quotient)?,
        _ => quotient,
    }])
}

/// The quotient rounded towards zero. What the remainder of such a division leaves of an integer is divisible.
fn truncated(call: &mut Call<'_, '_>) -> Outputs {
    let (dtype, _) = call.layout()?;
    let (a, b) = (operand(call, "self", dtype)?, operand(call, "other", dtype)?);
    let graph = &mut *call.graph;
    Ok(vec![match dtype {
        DataType::Float32 => {
            let quotient = graph.binary(Binary::Div, &a, &b)?;
            graph.unary(Unary::Trunc, &quotient)?
        }
        _ => {
            let rest = graph.binary(Binary::Rem, &a, &b)?;
            let whole = graph.binary(Binary::Sub, &a, &rest)?;
            graph.binary(Binary::Div, &whole, &b)?
        }
    }])
}

/// The remainder with the divisor's sign: one of the dividend's sign is moved by a divisor.
fn remainder(call: &mut Call<'_, '_>) -> Outputs {
    let (dtype, _) = call.layout()?;
    let (a, b) = (operand(call, "self", dtype)?, operand(call, "other", dtype)?);
    let graph = &mut *call.graph;
    let zero = graph.fill(Number::Int(0), dtype)?;
    let rest = graph.binary(Binary::Rem, &a, &b)?;
    let below = graph.binary(Binary::Less, &rest, &zero)?;
    let divisor_below = graph.binary(Binary::Less, &b, &zero)?;
    let apart = graph.binary(Binary::Xor, &below, &divisor_below)?;
    let some = graph.binary(Binary::NotEqual, &rest, &zero)?;
    let apart = graph.binary(Binary::And, &apart, &some)?;
    let moved = graph.binary(Binary::Add, &rest, &b)?;
    Ok(vec![graph.select(&apart, &moved, &rest)?])
}

/// A power with a constant exponent: of a multiple of a half by multiplication, square root and division.
fn power(call: &mut Call<'_, '_>) -> Outputs {
    let (dtype, _) = call.layout()?;
    let x = operand(call, "self", dtype)?;
    let exponent = call.float("exponent", f64::NAN)?;
    let halves = exponent * 2.0;
    let is_of_halves = halves.fract() == 0.0 && halves.abs() <= 128.0;
    if dtype != DataType::Float32 && (!is_of_halves || exponent < 0.0 || exponent.fract() != 0.0) {
        return Err(call.refuse("exponent", "must be a natural number up to 64 for integers"));
    }
    let graph = &mut *call.graph;
    if !is_of_halves {
        let exponent = graph.number(exponent)?;
        return Ok(vec![general_power(graph, &x, &exponent)?]);
    }
    let halves = halves as i64;
    let one = graph.fill(Number::Int(1), dtype)?;
    // Square and multiply, from the lowest bit of the exponent on.
    let mut product = match halves % 2 {
        0 => None,
        _ => Some(graph.unary(Unary::Sqrt, &x)?),
    };
    let (mut rest, mut square) = (halves.unsigned_abs() / 2, x.clone());
    while rest > 0 {
        if rest % 2 == 1 {
            product = Some(match product {
                Some(product) => graph.binary(Binary::Mul, &product, &square)?,
                None => square.clone(),
            });
        }
        rest /= 2;
        if rest > 0 {
            square = graph.binary(Binary::Mul, &square, &square)?;
        }
    }
    let product = match product {
        Some(product) => product,
        None => graph.expand(&one, &x.dims)?,
    };
    Ok(vec![if halves < 0 {
        graph.binary(Binary::Div, &one, &product)?
    } else {
        product
    }])
}

/// `base ^ x = exp(x × ln base)` for a constant base that is positive, and the general power for another.
fn power_of_constant(call: &mut Call<'_, '_>) -> Outputs {
    let base = call.float("self", f64::NAN)?;
    let x = call.tensor("exponent")?;
    let x = call.graph.cast(&x, DataType::Float32)?;
    if base.is_nan() || base <= 0.0 {
        let base = call.graph.number(base)?;
        let base = call.graph.expand(&base, &x.dims)?;
        return Ok(vec![general_power(call.graph, &base, &x)?]);
    }
    let factor = call.graph.fill(Number::Float(base.ln()), DataType::Float32)?;
    let x = call.graph.binary(Binary::Mul, &x, &factor)?;
    Ok(vec![call.graph.unary(Unary::Exp, &x)?])
}

/// `self + value × (tensor1 ∘ tensor2)`.
fn add_combined(call: &mut Call<'_, '_>, operation: Binary) -> Outputs {
    let (x, a, b) = (call.tensor("self")?, call.tensor("tensor1")?, call.tensor("tensor2")?);
    let combined = call.graph.binary(operation, &a, &b)?;
    let combined = scaled(call, "value", combined)?;
    Ok(vec![call.graph.binary(Binary::Add, &x, &combined)?])
}

/// `self + weight × (end − self)`.
fn lerp(call: &mut Call<'_, '_>) -> Outputs {
    let (start, end) = (call.tensor("self")?, call.tensor("end")?);
    let weight = operand(call, "weight", DataType::Float32)?;
    let way = call.graph.binary(Binary::Sub, &end, &start)?;
    let way = call.graph.binary(Binary::Mul, &weight, &way)?;
    Ok(vec![call.graph.binary(Binary::Add, &start, &way)?])
}

fn clamp(call: &mut Call<'_, '_>) -> Outputs {
    let (dtype, _) = call.layout()?;
    let mut x = operand(call, "self", dtype)?;
    for (name, operation) in [("min", Binary::Max), ("max", Binary::Min)] {
        if call.is_given(name) {
            let bound = operand(call, name, dtype)?;
            x = call.graph.binary(operation, &x, &bound)?;
        }
    }
    Ok(vec![x])
}

fn compare(call: &mut Call<'_, '_>, operation: Binary) -> Outputs {
    let (a, b) = (call.operand("self")?, call.operand("other")?);
    let dtype = promoted(&a, &b);
    let (a, b) = (as_tensor(call, a, dtype)?, as_tensor(call, b, dtype)?);
    Ok(vec![call.graph.binary(operation, &a, &b)?])
}

/// The type that two operands are compared in: torch's promotion. Truth values are compared as integers.
fn promoted(a: &Operand, b: &Operand) -> DataType {
    // How general the kind of a type is, then whether it is that of a tensor with dimensions, then its width.
    let rank = |operand: &Operand| match operand {
        Operand::Tensor(tensor) => (
            kind(tensor.dtype),
            !tensor.dims.is_empty(),
            width(tensor.dtype),
            tensor.dtype,
        ),
        Operand::Number(Number::Float(_)) => (2, false, 0, DataType::Float32),
        Operand::Number(Number::Bool(_)) => (0, false, 0, DataType::Bool),
        Operand::Number(_) => (1, false, 0, DataType::Int64),
    };
    let (a, b) = (rank(a), rank(b));
    let greater = if (a.0, a.1, a.2) >= (b.0, b.1, b.2) { a } else { b };
    // An unsigned and a signed byte meet in neither of them; there is no 16-bit integer here.
    match (a.3, b.3) {
        _ if greater.3 == DataType::Bool => DataType::Int32,
        (DataType::Uint8, DataType::Int8) | (DataType::Int8, DataType::Uint8) => DataType::Int32,
        _ => greater.3,
    }
}

fn kind(dtype: DataType) -> u8 {
    match dtype {
        DataType::Bool => 0,
        DataType::Float32 => 2,
        _ => 1,
    }
}

fn width(dtype: DataType) -> u8 {
    match dtype {
        DataType::Int64 => 8,
        DataType::Int32 | DataType::Float32 => 4,
        _ => 1,
    }
}

/// A NaN is what does not equal itself.
fn is_nan(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    Ok(vec![call.graph.binary(Binary::NotEqual, &x, &x)?])
}

fn is_infinite(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let x = call.graph.cast(&x, DataType::Float32)?;
    let size = call.graph.unary(Unary::Abs, &x)?;
    let infinity = call.graph.fill(Number::Float(f64::INFINITY), DataType::Float32)?;
    Ok(vec![call.graph.binary(Binary::Equal, &size, &infinity)?])
}

/// Logic on truth values, which all but 0 is true of.
fn logic(call: &mut Call<'_, '_>, operation: Binary) -> Outputs {
    let (a, b) = (truth(call, "self")?, truth(call, "other")?);
    Ok(vec![call.graph.binary(operation, &a, &b)?])
}

fn truth(call: &mut Call<'_, '_>, name: &str) -> Result<Tensor> {
    let x = call.operand(name)?;
    match x {
        Operand::Tensor(x) => call.graph.cast(&x, DataType::Bool),
        Operand::Number(x) => call.graph.fill(x, DataType::Bool),
    }
}

/// Logic on truth values, and on the bits of integers.
fn bits(call: &mut Call<'_, '_>, operation: Binary) -> Outputs {
    let (dtype, _) = call.layout()?;
    if dtype == DataType::Float32 {
        return Err(call.refuse("self", "has no bits that could be combined"));
    }
    let (a, b) = (operand(call, "self", dtype)?, operand(call, "other", dtype)?);
    Ok(vec![call.graph.binary(operation, &a, &b)?])
}

fn logical_not(call: &mut Call<'_, '_>) -> Outputs {
    let x = truth(call, "self")?;
    Ok(vec![call.graph.unary(Unary::Not, &x)?])
}

/// Shifts of integers by as many bits as the type has and more are defined here, though torch leaves them open.
fn shift(call: &mut Call<'_, '_>, operation: Binary) -> Outputs {
    let (dtype, _) = call.layout()?;
    if matches!(dtype, DataType::Float32 | DataType::Bool) {
        return Err(call.refuse("self", "is not of integers, which alone are shifted"));
    }
    let (a, b) = (operand(call, "self", dtype)?, operand(call, "other", dtype)?);
    Ok(vec![call.graph.binary(operation, &a, &b)?])
}

/// Of truth values, and of the bits of integers.
fn bitwise_not(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    Ok(vec![call.graph.unary(Unary::Not, &x)?])
}

fn select(call: &mut Call<'_, '_>) -> Outputs {
    let (dtype, _) = call.layout()?;
    let condition = call.tensor("condition")?;
    let condition = call.graph.cast(&condition, DataType::Bool)?;
    let (a, b) = (operand(call, "self", dtype)?, operand(call, "other", dtype)?);
    Ok(vec![call.graph.select(&condition, &a, &b)?])
}

fn masked_fill(call: &mut Call<'_, '_>) -> Outputs {
    let (x, mask) = (call.tensor("self")?, call.tensor("mask")?);
    let value = operand(call, "value", x.dtype)?;
    let mask = call.graph.cast(&mask, DataType::Bool)?;
    Ok(vec![call.graph.select(&mask, &value, &x)?])
}
