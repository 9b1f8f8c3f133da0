//! Functions of one or two numbers that are put together from those of exact arithmetic.
//!
//! The polynomials of the arcus functions are those of Cephes (`asinf.c`, `atanf.c`), good to about 2 units in the last
//! place. `log1p` and `expm1` correct the rounding of the argument as Kahan does.

use super::{
    Handler,
    arguments::{Call, Number, Result},
    builder::{Builder, Tensor},
    core::{Binary, Unary},
    elementwise::operand,
};
use assay_exact::digest::DataType;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, LN_2, LN_10, PI};

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("tan.default", |call| {
        of_one(call, |f, x| {
            let (sine, cosine) = (f.unary(Unary::Sin, x)?, f.unary(Unary::Cos, x)?);
            f.div(&sine, &cosine)
        })
    }),
    ("sinh.default", |call| of_one(call, sinh)),
    ("cosh.default", |call| of_one(call, cosh)),
    ("asin.default", |call| of_one(call, asin)),
    ("acos.default", |call| {
        of_one(call, |f, x| {
            let (angle, right) = (asin(f, x)?, f.number(FRAC_PI_2)?);
            f.sub(&right, &angle)
        })
    }),
    ("atan.default", |call| of_one(call, atan)),
    ("atan2.default", atan2),
    ("asinh.default", |call| of_one(call, asinh)),
    ("acosh.default", |call| of_one(call, acosh)),
    ("atanh.default", |call| of_one(call, atanh)),
    ("log1p.default", |call| of_one(call, log_one_plus)),
    ("expm1.default", |call| of_one(call, exp_minus_one)),
    ("special_expm1.default", |call| of_one(call, exp_minus_one)),
    ("log2.default", |call| of_one(call, |f, x| log_of_base(f, x, LN_2))),
    ("log10.default", |call| of_one(call, |f, x| log_of_base(f, x, LN_10))),
    ("exp2.default", |call| {
        of_one(call, |f, x| {
            let factor = f.number(LN_2)?;
            let x = f.mul(x, &factor)?;
            f.unary(Unary::Exp, &x)
        })
    }),
    ("erfc.default", |call| {
        of_one(call, |f, x| {
            let (one, y) = (f.number(1.0)?, f.unary(Unary::Erf, x)?);
            f.sub(&one, &y)
        })
    }),
    ("frac.default", |call| {
        of_one(call, |f, x| {
            let whole = f.unary(Unary::Trunc, x)?;
            f.sub(x, &whole)
        })
    }),
    ("sinc.default", |call| of_one(call, sinc)),
    ("logit.default", logit),
    ("pow.Tensor_Tensor", power),
    ("xlogy.Tensor", xlogy),
    ("xlogy.Scalar_Other", xlogy),
    ("hypot.default", hypot),
    ("logaddexp.default", log_add_exp),
    ("isfinite.default", is_finite),
    ("nan_to_num.default", nan_to_num),
    ("sgn.default", |call| of_one(call, |f, x| f.sign_of(x))),
    ("rad2deg.default", |call| {
        of_one(call, |f, x| {
            let factor = f.number(180.0 / PI)?;
            f.mul(x, &factor)
        })
    }),
    ("deg2rad.default", |call| {
        of_one(call, |f, x| {
            let factor = f.number(PI / 180.0)?;
            f.mul(x, &factor)
        })
    }),
];

type Outputs = Result<Vec<Tensor>>;

/// Arithmetic of numbers, each step a node.
impl Builder<'_> {
    pub(super) fn number(&mut self, value: f64) -> Result<Tensor> {
        self.fill(Number::Float(value), DataType::Float32)
    }

    fn add(&mut self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        self.binary(Binary::Add, a, b)
    }

    fn sub(&mut self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        self.binary(Binary::Sub, a, b)
    }

    fn mul(&mut self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        self.binary(Binary::Mul, a, b)
    }

    fn div(&mut self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        self.binary(Binary::Div, a, b)
    }

    fn compared(&mut self, comparison: Binary, x: &Tensor, with: f64) -> Result<Tensor> {
        let with = self.number(with)?;
        self.binary(comparison, x, &with)
    }

    /// −1, 0 or 1.
    fn sign_of(&mut self, x: &Tensor) -> Result<Tensor> {
        let (above, below) = (
            self.compared(Binary::Greater, x, 0.0)?,
            self.compared(Binary::Less, x, 0.0)?,
        );
        let (above, below) = (
            self.cast(&above, DataType::Float32)?,
            self.cast(&below, DataType::Float32)?,
        );
        self.sub(&above, &below)
    }

    /// `size` with the sign of `x`, and `x` itself where it is 0.
    fn with_sign(&mut self, x: &Tensor, size: &Tensor) -> Result<Tensor> {
        let negated = self.unary(Unary::Neg, size)?;
        let below = self.compared(Binary::Less, x, 0.0)?;
        let y = self.select(&below, &negated, size)?;
        let is_zero = self.compared(Binary::Equal, x, 0.0)?;
        self.select(&is_zero, x, &y)
    }

    /// `((c₀ · x + c₁) · x + c₂) …`.
    pub(super) fn polynomial(&mut self, x: &Tensor, coefficients: &[f64]) -> Result<Tensor> {
        let (first, others) = coefficients.split_first().ok_or_else(|| self.misfit("has no terms"))?;
        let mut y = self.number(*first)?;
        for coefficient in others {
            let coefficient = self.number(*coefficient)?;
            y = self.mul(&y, x)?;
            y = self.add(&y, &coefficient)?;
        }
        Ok(y)
    }
}

/// A function of one number; integers are made binary32 first.
fn of_one(call: &mut Call<'_, '_>, function: fn(&mut Builder<'_>, &Tensor) -> Result<Tensor>) -> Outputs {
    let x = call.tensor("self")?;
    let x = call.graph.cast(&x, DataType::Float32)?;
    Ok(vec![function(call.graph, &x)?])
}

/// `log(1 + x)`: the logarithm of the rounded sum, times what the rounding made of `x`.
fn log_one_plus(f: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let one = f.number(1.0)?;
    let sum = f.add(x, &one)?;
    let rounded = f.sub(&sum, &one)?;
    let log = f.unary(Unary::Log, &sum)?;
    let scaled = f.mul(&log, x)?;
    let corrected = f.div(&scaled, &rounded)?;
    // Where the sum is 1 the quotient is 0 / 0, and where x is infinite it is infinite / infinite.
    let is_small = f.compared(Binary::Equal, &rounded, 0.0)?;
    let y = f.select(&is_small, x, &corrected)?;
    let is_infinite = f.compared(Binary::Equal, x, f64::INFINITY)?;
    f.select(&is_infinite, x, &y)
}

/// `e^x − 1`: the difference, times what the rounding of the power made of `x`.
fn exp_minus_one(f: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let one = f.number(1.0)?;
    let power = f.unary(Unary::Exp, x)?;
    let difference = f.sub(&power, &one)?;
    let log = f.unary(Unary::Log, &power)?;
    let scaled = f.mul(&difference, x)?;
    let corrected = f.div(&scaled, &log)?;
    let is_small = f.compared(Binary::Equal, &difference, 0.0)?;
    let y = f.select(&is_small, x, &corrected)?;
    // Far from 0 there is nothing to correct, and the logarithm may be infinite.
    let size = f.unary(Unary::Abs, x)?;
    let is_far = f.compared(Binary::Greater, &size, 1.0)?;
    f.select(&is_far, &difference, &y)
}

fn log_of_base(f: &mut Builder<'_>, x: &Tensor, log_of_base: f64) -> Result<Tensor> {
    let (log, factor) = (f.unary(Unary::Log, x)?, f.number(1.0 / log_of_base)?);
    f.mul(&log, &factor)
}

/// `(m + m / (m + 1)) / 2` with `m = e^|x| − 1`, and `x`'s sign; `e^|x| / 2` where `m` is infinite.
fn sinh(f: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let size = f.unary(Unary::Abs, x)?;
    let (one, half) = (f.number(1.0)?, f.number(0.5)?);
    let m = exp_minus_one(f, &size)?;
    let sum = f.add(&m, &one)?;
    let quotient = f.div(&m, &sum)?;
    let both = f.add(&m, &quotient)?;
    let near = f.mul(&both, &half)?;
    let far = half_exp(f, &size)?;
    let is_far = f.compared(Binary::Greater, &size, 20.0)?;
    let y = f.select(&is_far, &far, &near)?;
    f.with_sign(x, &y)
}

/// `e^x / 2`, which does not overflow before the quotient does: `e^(x/2) · e^(x/2) / 2`.
fn half_exp(f: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let half = f.number(0.5)?;
    let x = f.mul(x, &half)?;
    let root = f.unary(Unary::Exp, &x)?;
    let halved = f.mul(&root, &half)?;
    f.mul(&halved, &root)
}

fn cosh(f: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let size = f.unary(Unary::Abs, x)?;
    let (rising, quarter) = (half_exp(f, &size)?, f.number(0.25)?);
    let falling = f.div(&quarter, &rising)?;
    f.add(&rising, &falling)
}

/// Up to a half by a polynomial of `x²`, from there by `π/2 − 2 asin(√((1 − x) / 2))`.
fn asin(f: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let size = f.unary(Unary::Abs, x)?;
    let (one, half) = (f.number(1.0)?, f.number(0.5)?);
    let is_far = f.compared(Binary::Greater, &size, 0.5)?;
    let rest = f.sub(&one, &size)?;
    let far_square = f.mul(&rest, &half)?;
    let near_square = f.mul(&size, &size)?;
    let square = f.select(&is_far, &far_square, &near_square)?;
    let far_root = f.unary(Unary::Sqrt, &far_square)?;
    let root = f.select(&is_far, &far_root, &size)?;
    let coefficients = [
        4.216_319_904_8e-2,
        2.418_131_104_9e-2,
        4.547_002_599_8e-2,
        7.495_300_268_6e-2,
        1.666_675_242_2e-1,
    ];
    let p = f.polynomial(&square, &coefficients)?;
    let p = f.mul(&p, &square)?;
    let p = f.mul(&p, &root)?;
    let near = f.add(&p, &root)?;
    let (two, right) = (f.number(2.0)?, f.number(FRAC_PI_2)?);
    let double = f.mul(&near, &two)?;
    let far = f.sub(&right, &double)?;
    let y = f.select(&is_far, &far, &near)?;
    f.with_sign(x, &y)
}

/// By a polynomial of `z²`, with `z = x`, or `(x − 1) / (x + 1)` above `tan(π/8)`, or `−1 / x` above `tan(3π/8)`.
fn atan(f: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let size = f.unary(Unary::Abs, x)?;
    let one = f.number(1.0)?;
    let is_far = f.compared(Binary::Greater, &size, 2.414_213_562_373_095)?;
    let is_middle = f.compared(Binary::Greater, &size, 0.414_213_562_373_095)?;
    let minus_one = f.number(-1.0)?;
    let far = f.div(&minus_one, &size)?;
    let (below, above) = (f.sub(&size, &one)?, f.add(&size, &one)?);
    let middle = f.div(&below, &above)?;
    let z = f.select(&is_middle, &middle, &size)?;
    let z = f.select(&is_far, &far, &z)?;
    let (none, eighth, quarter) = (f.number(0.0)?, f.number(FRAC_PI_4)?, f.number(FRAC_PI_2)?);
    let base = f.select(&is_middle, &eighth, &none)?;
    let base = f.select(&is_far, &quarter, &base)?;
    let square = f.mul(&z, &z)?;
    let coefficients = [
        8.053_744_495_38e-2,
        -1.387_768_560_32e-1,
        1.997_771_064_78e-1,
        -3.333_294_915_39e-1,
    ];
    let p = f.polynomial(&square, &coefficients)?;
    let p = f.mul(&p, &square)?;
    let p = f.mul(&p, &z)?;
    let p = f.add(&p, &z)?;
    let y = f.add(&base, &p)?;
    f.with_sign(x, &y)
}

/// The angle of the point `(x, y)`; 0 or ±π/2 where `x` is 0. The sign of a zero is not looked at.
fn atan2(call: &mut Call<'_, '_>) -> Outputs {
    let (y, x) = (
        operand(call, "self", DataType::Float32)?,
        operand(call, "other", DataType::Float32)?,
    );
    let f = &mut *call.graph;
    let quotient = f.div(&y, &x)?;
    let angle = atan(f, &quotient)?;
    let (half_turn, right, none) = (f.number(PI)?, f.number(FRAC_PI_2)?, f.number(0.0)?);
    let turned = f.add(&angle, &half_turn)?;
    let turned_back = f.sub(&angle, &half_turn)?;
    let y_below = f.compared(Binary::Less, &y, 0.0)?;
    let x_below = f.compared(Binary::Less, &x, 0.0)?;
    let turned = f.select(&y_below, &turned_back, &turned)?;
    let angle = f.select(&x_below, &turned, &angle)?;
    let minus_right = f.unary(Unary::Neg, &right)?;
    let upright = f.select(&y_below, &minus_right, &right)?;
    let y_is_zero = f.compared(Binary::Equal, &y, 0.0)?;
    let upright = f.select(&y_is_zero, &none, &upright)?;
    let x_is_zero = f.compared(Binary::Equal, &x, 0.0)?;
    Ok(vec![f.select(&x_is_zero, &upright, &angle)?])
}

/// `log1p(|x| + x² / (1 + √(1 + x²)))` with `x`'s sign; `log |x| + log 2` where the square may be infinite.
fn asinh(f: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let size = f.unary(Unary::Abs, x)?;
    let one = f.number(1.0)?;
    let square = f.mul(&size, &size)?;
    let root = f.add(&square, &one)?;
    let root = f.unary(Unary::Sqrt, &root)?;
    let root = f.add(&root, &one)?;
    let more = f.div(&square, &root)?;
    let more = f.add(&size, &more)?;
    let near = log_one_plus(f, &more)?;
    let (log, double) = (f.unary(Unary::Log, &size)?, f.number(LN_2)?);
    let far = f.add(&log, &double)?;
    let is_far = f.compared(Binary::Greater, &size, 1e9)?;
    let y = f.select(&is_far, &far, &near)?;
    f.with_sign(x, &y)
}

/// `log1p(t + √(2 t + t²))` with `t = x − 1`; `log x + log 2` where the square may be infinite.
fn acosh(f: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let (one, two) = (f.number(1.0)?, f.number(2.0)?);
    let t = f.sub(x, &one)?;
    let sum = f.add(&t, &two)?;
    let square = f.mul(&t, &sum)?;
    let root = f.unary(Unary::Sqrt, &square)?;
    let more = f.add(&t, &root)?;
    let near = log_one_plus(f, &more)?;
    let (log, double) = (f.unary(Unary::Log, x)?, f.number(LN_2)?);
    let far = f.add(&log, &double)?;
    let is_far = f.compared(Binary::Greater, x, 1e9)?;
    f.select(&is_far, &far, &near)
}

/// `log1p(2 |x| / (1 − |x|)) / 2` with `x`'s sign.
fn atanh(f: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let size = f.unary(Unary::Abs, x)?;
    let (one, two, half) = (f.number(1.0)?, f.number(2.0)?, f.number(0.5)?);
    let (double, rest) = (f.mul(&size, &two)?, f.sub(&one, &size)?);
    let quotient = f.div(&double, &rest)?;
    let log = log_one_plus(f, &quotient)?;
    let y = f.mul(&log, &half)?;
    f.with_sign(x, &y)
}

/// `sin(π x) / (π x)`, and 1 at 0.
fn sinc(f: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    let (pi, one) = (f.number(PI)?, f.number(1.0)?);
    let x = f.mul(x, &pi)?;
    let sine = f.unary(Unary::Sin, &x)?;
    let quotient = f.div(&sine, &x)?;
    let is_zero = f.compared(Binary::Equal, &x, 0.0)?;
    f.select(&is_zero, &one, &quotient)
}

/// `log(x / (1 − x))`, with `x` kept away from 0 and 1 by `eps` if there is one.
fn logit(call: &mut Call<'_, '_>) -> Outputs {
    let mut x = call.tensor("self")?;
    let epsilon = call.number("eps")?.and_then(Number::float);
    let f = &mut *call.graph;
    let one = f.number(1.0)?;
    if let Some(epsilon) = epsilon {
        let (least, greatest) = (f.number(epsilon)?, f.number(1.0 - epsilon)?);
        x = f.binary(Binary::Max, &x, &least)?;
        x = f.binary(Binary::Min, &x, &greatest)?;
    }
    let rest = f.sub(&one, &x)?;
    let quotient = f.div(&x, &rest)?;
    Ok(vec![f.unary(Unary::Log, &quotient)?])
}

/// Powers of numbers with exponents that are tensors.
fn power(call: &mut Call<'_, '_>) -> Outputs {
    let (dtype, _) = call.layout()?;
    if dtype != DataType::Float32 {
        return Err(call.refuse("exponent", "is a tensor of integers; cast both operands to float32"));
    }
    let (x, y) = (operand(call, "self", dtype)?, operand(call, "exponent", dtype)?);
    Ok(vec![general_power(call.graph, &x, &y)?])
}

/// `|x|^y = exp(y · log |x|)`, negative for a negative `x` and an odd `y`, NaN for a negative `x` and a `y` that is not
/// integral, 1 where `y` is 0.
pub(super) fn general_power(f: &mut Builder<'_>, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (one, two) = (f.number(1.0)?, f.number(2.0)?);
    let size = f.unary(Unary::Abs, x)?;
    let log = f.unary(Unary::Log, &size)?;
    let log = f.mul(y, &log)?;
    let power = f.unary(Unary::Exp, &log)?;
    let negated = f.unary(Unary::Neg, &power)?;
    let whole = f.unary(Unary::Floor, y)?;
    let is_broken = f.binary(Binary::NotEqual, &whole, y)?;
    let rest = f.binary(Binary::Rem, y, &two)?;
    let rest = f.unary(Unary::Abs, &rest)?;
    let is_odd = f.binary(Binary::Equal, &rest, &one)?;
    let signed = f.select(&is_odd, &negated, &power)?;
    let nothing = f.number(f64::NAN)?;
    let signed = f.select(&is_broken, &nothing, &signed)?;
    let below = f.compared(Binary::Less, x, 0.0)?;
    let power = f.select(&below, &signed, &power)?;
    let is_zeroth = f.compared(Binary::Equal, y, 0.0)?;
    let power = f.select(&is_zeroth, &one, &power)?;
    let is_one = f.compared(Binary::Equal, x, 1.0)?;
    f.select(&is_one, &one, &power)
}

/// `x · log y`, and 0 where `x` is 0 and `y` is not NaN.
fn xlogy(call: &mut Call<'_, '_>) -> Outputs {
    let (x, y) = (
        operand(call, "self", DataType::Float32)?,
        operand(call, "other", DataType::Float32)?,
    );
    let f = &mut *call.graph;
    let log = f.unary(Unary::Log, &y)?;
    let product = f.mul(&x, &log)?;
    let none = f.number(0.0)?;
    let is_zero = f.compared(Binary::Equal, &x, 0.0)?;
    let is_number = f.binary(Binary::Equal, &y, &y)?;
    let is_zero = f.binary(Binary::And, &is_zero, &is_number)?;
    Ok(vec![f.select(&is_zero, &none, &product)?])
}

/// `√(x² + y²)`.
fn hypot(call: &mut Call<'_, '_>) -> Outputs {
    let (x, y) = (call.tensor("self")?, call.tensor("other")?);
    let f = &mut *call.graph;
    let (x, y) = (f.mul(&x, &x)?, f.mul(&y, &y)?);
    let sum = f.add(&x, &y)?;
    Ok(vec![f.unary(Unary::Sqrt, &sum)?])
}

/// `max(x, y) + log1p(exp(−|x − y|))`.
fn log_add_exp(call: &mut Call<'_, '_>) -> Outputs {
    let (x, y) = (call.tensor("self")?, call.tensor("other")?);
    let f = &mut *call.graph;
    let greatest = f.binary(Binary::Max, &x, &y)?;
    let distance = f.sub(&x, &y)?;
    let distance = f.unary(Unary::Abs, &distance)?;
    let distance = f.unary(Unary::Neg, &distance)?;
    let power = f.unary(Unary::Exp, &distance)?;
    let log = log_one_plus(f, &power)?;
    let sum = f.add(&greatest, &log)?;
    // Equal infinities have no distance.
    let is_same = f.binary(Binary::Equal, &x, &y)?;
    let two = f.number(LN_2)?;
    let doubled = f.add(&greatest, &two)?;
    Ok(vec![f.select(&is_same, &doubled, &sum)?])
}

fn is_finite(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    let x = call.graph.cast(&x, DataType::Float32)?;
    let size = call.graph.unary(Unary::Abs, &x)?;
    Ok(vec![call.graph.compared(Binary::Less, &size, f64::INFINITY)?])
}

/// Numbers in place of NaN and the infinities: 0 and the greatest and the least number unless others are given.
fn nan_to_num(call: &mut Call<'_, '_>) -> Outputs {
    let x = call.tensor("self")?;
    if x.dtype != DataType::Float32 {
        call.ignore(&["nan", "posinf", "neginf"]);
        return Ok(vec![x]);
    }
    let (nan, above, below) = (
        call.float("nan", 0.0)?,
        call.float("posinf", f64::from(f32::MAX))?,
        call.float("neginf", f64::from(f32::MIN))?,
    );
    let f = &mut *call.graph;
    let is_number = f.binary(Binary::Equal, &x, &x)?;
    let nan = f.number(nan)?;
    let mut y = f.select(&is_number, &x, &nan)?;
    for (infinity, instead) in [(f64::INFINITY, above), (f64::NEG_INFINITY, below)] {
        let is_it = f.compared(Binary::Equal, &x, infinity)?;
        let instead = f.number(instead)?;
        y = f.select(&is_it, &instead, &y)?;
    }
    Ok(vec![y])
}
