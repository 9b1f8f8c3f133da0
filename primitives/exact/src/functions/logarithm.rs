//! The natural logarithm.

use super::{Arithmetic, HALF, INFINITY, NAN, ONE, TWO, ZERO, polynomial};

/// `2^-126`, the least normal number.
const LEAST_NORMAL: u32 = 0x0080_0000;
/// `2^24`, which makes every subnormal number normal.
const LIFT: u32 = 0x4b80_0000;
/// 24.
const LIFT_EXPONENT: u32 = 0x41c0_0000;
/// `√2`, rounded.
const ROOT_2: u32 = 0x3fb5_04f3;
/// `log 2` to 9 bits below the point, so that its product with an integer of 15 bits is exact.
const LOG_2_HIGH: u32 = 0x3f31_8000;
/// `log 2 − LOG_2_HIGH`, negative.
const LOG_2_LOW: u32 = 0xb95e_8083;
/// `2·(atanh(s) / s − 1) / s²`, by powers of `s²`.
const LOG: [u32; 4] = [0x3f2a_aaaa, 0x3ecc_ce14, 0x3e91_e98b, 0x3e78_b039];

/// The natural logarithm: −∞ at zero and NaN below.
///
/// With `x = 2^k·(1 + f)`, `√½ ≤ 1 + f < √2` and `s = f / (2 + f)`, it is `k·log 2 + f − f²/2 + s·(f²/2 + s²·P(s²))`.
pub fn log<N: Arithmetic>(x: N) -> N {
    let (zero, one, infinity) = (N::constant(ZERO), N::constant(ONE), N::constant(INFINITY));
    let positive = zero.less(x);
    let finite = N::select(positive, x, one);
    let finite = N::select(finite.less(infinity), finite, one);

    let small = finite.less(N::constant(LEAST_NORMAL));
    let normal = N::select(small, finite * N::constant(LIFT), finite);
    let exponent = normal.exponent() - N::select(small, N::constant(LIFT_EXPONENT), zero);
    let significand = normal.significand();
    let great = N::constant(ROOT_2).less(significand);
    let k = N::select(great, exponent + one, exponent);
    let f = N::select(great, significand * N::constant(HALF), significand) - one;

    let s = f / (N::constant(TWO) + f);
    let z = s * s;
    let half_square = N::constant(HALF) * (f * f);
    let curved = s * (half_square + z * polynomial(z, LOG)) + k * N::constant(LOG_2_LOW);
    let y = (f - (half_square - curved)) + k * N::constant(LOG_2_HIGH);

    let beyond = N::select(x.equal(infinity), infinity, y);
    let at_zero = N::select(x.equal(zero), -infinity, N::constant(NAN));
    N::select(positive, beyond, at_zero)
}
