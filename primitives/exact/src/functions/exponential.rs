//! `exp`, and the functions that are quotients of it.

use super::{Arithmetic, ONE, TWO, at_least, at_most, magnitude, polynomial, unless_nan, with_sign_of};

/// `1 / log 2`.
const LOG2_E: u32 = 0x3fb8_aa3b;
/// `log 2` to 9 bits below the point, so that its product with an integer of 15 bits is exact.
const LOG_2_HIGH: u32 = 0x3f31_8000;
/// `log 2 − LOG_2_HIGH`, negative.
const LOG_2_LOW: u32 = 0xb95e_8083;
/// `(exp(r) − 1 − r) / r²`.
const EXP: [u32; 6] = [
    0x3f00_0000,
    0x3e2a_aa9e,
    0x3d2a_aa79,
    0x3c08_9b7f,
    0x3ab6_a103,
    0x3935_f2f3,
];
/// `(tanh(x) / x − 1) / x²`, by powers of `x²`.
const TANH: [u32; 6] = [
    0xbeaa_aaaa,
    0x3e08_883d,
    0xbd5c_f8c4,
    0x3cb1_d2a8,
    0xbc06_2f68,
    0x3b0d_140b,
];
/// Up to 0.625 the polynomial is `tanh`; from there on the quotient does not cancel.
const TANH_SPLIT: u32 = 0x3f20_0000;

/// 89: its exponential is infinite.
const EXP_GREATEST: u32 = 0x42b2_0000;
/// −110: its exponential, and 110 times it, round to zero.
const EXP_LEAST: u32 = 0xc2dc_0000;
/// 10: its hyperbolic tangent rounds to one.
const TANH_GREATEST: u32 = 0x4120_0000;

/// The parts of an exponential: `significand · 2^exponent`, of which only the last step may leave the normal numbers.
pub(super) struct Exponential<N> {
    significand: N,
    exponent: N,
}

impl<N: Arithmetic> Exponential<N> {
    /// The exponential of a number from −110 to 89.
    pub(super) fn new(x: N) -> Self {
        let exponent = (x * N::constant(LOG2_E)).nearest_integral();
        let rest = (x - exponent * N::constant(LOG_2_HIGH)) - exponent * N::constant(LOG_2_LOW);
        let curved = (rest * rest) * polynomial(rest, EXP);
        Self {
            significand: N::constant(ONE) + (rest + curved),
            exponent,
        }
    }

    /// The number itself, where the exponent is from −126 to 127.
    pub(super) fn normal(self) -> N {
        self.significand * self.exponent.power_of_two()
    }

    /// The number itself.
    fn number(self) -> N {
        self.significand.scaled(self.exponent)
    }

    /// Two factors. The first one is normal and holds all the digits; the second one is a power of two.
    pub(super) fn factors(self) -> (N, N) {
        self.significand.split(self.exponent)
    }
}

/// The exponential of `−|x|`.
pub(super) fn decay<N: Arithmetic>(x: N) -> Exponential<N> {
    Exponential::new(at_least(-magnitude(x), EXP_LEAST))
}

/// `e^x`.
pub fn exp<N: Arithmetic>(x: N) -> N {
    unless_nan(x, |x| {
        let x = at_least(at_most(x, EXP_GREATEST), EXP_LEAST);
        Exponential::new(x).number()
    })
}

/// The logistic function `1 / (1 + e^−x)`; for `x < 0` as `e^x / (1 + e^x)`, which keeps its digits.
pub fn sigmoid<N: Arithmetic>(x: N) -> N {
    unless_nan(x, |x| {
        let decay = decay(x).number();
        let one = N::constant(ONE);
        let dividend = N::select(x.less(N::constant(0)), decay, one);
        dividend / (one + decay)
    })
}

/// The hyperbolic tangent: `x + x·z·P(z)` with `z = x²` below 0.625, and `1 − 2 / (e^2|x| + 1)` from there on.
pub fn tanh<N: Arithmetic>(x: N) -> N {
    unless_nan(x, |x| {
        let a = at_most(magnitude(x), TANH_GREATEST);
        let z = a * a;
        let near = a + a * (z * polynomial(z, TANH));
        let (one, two) = (N::constant(ONE), N::constant(TWO));
        let far = one - two / (Exponential::new(a + a).normal() + one);
        with_sign_of(x, N::select(a.less(N::constant(TANH_SPLIT)), near, far))
    })
}
