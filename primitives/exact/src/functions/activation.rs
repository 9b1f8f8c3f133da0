//! Activations that are products of a number with one of the functions above.

use super::{Arithmetic, HALF, ONE, ZERO, at_least, erf, exponential::decay, tanh, unless_nan};

/// −110: the activations of everything below round to zero, and that of −∞ is defined so.
const LEAST: u32 = 0xc2dc_0000;
/// `√½`, rounded.
const ROOT_HALF: u32 = 0x3f35_04f3;
/// `√(2/π)`, rounded.
const ROOT_TWO_OVER_PI: u32 = 0x3f4c_422a;
/// 0.044715, rounded.
const CUBIC: u32 = 0x3d37_2713;

/// `x / (1 + e^−x)`; for `x < 0` as `x·e^x / (1 + e^x)`, which keeps its digits.
pub fn silu<N: Arithmetic>(x: N) -> N {
    unless_nan(x, |x| {
        let x = at_least(x, LEAST);
        let (digits, power) = decay(x).factors();
        let divisor = N::constant(ONE) + digits * power;
        let below = ((x * digits) / divisor) * power;
        N::select(x.less(N::constant(ZERO)), below, x / divisor)
    })
}

/// `½x · (1 + erf(x·√½))`.
pub fn gelu<N: Arithmetic>(x: N) -> N {
    let x = at_least(x, LEAST);
    (N::constant(HALF) * x) * (N::constant(ONE) + erf(x * N::constant(ROOT_HALF)))
}

/// The approximation `½x · (1 + tanh(√(2/π)·(x + 0.044715·x³)))`.
pub fn gelu_tanh<N: Arithmetic>(x: N) -> N {
    let x = at_least(x, LEAST);
    let cubed = (x * x) * x;
    let inner = N::constant(ROOT_TWO_OVER_PI) * (x + N::constant(CUBIC) * cubed);
    (N::constant(HALF) * x) * (N::constant(ONE) + tanh(inner))
}
