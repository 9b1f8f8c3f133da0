//! The error function.

use super::{Arithmetic, ONE, at_most, exponential::Exponential, magnitude, polynomial, unless_nan, with_sign_of};

/// `erf(x) / x − 1`, by powers of `x²`.
const NEAR: [u32; 8] = [
    0x3e03_75d4,
    0xbec0_93a0,
    0x3de7_16ba,
    0xbcdc_0228,
    0x3baa_4194,
    0xba54_cb92,
    0x38b4_b76b,
    0xb60f_0118,
];
/// `−log(1 − erf(x))` from 1 to 4, by powers of `x`.
const FAR: [u32; 10] = [
    0xb8ac_ef20,
    0x3f90_8156,
    0x3f22_86f2,
    0x3dd8_f6a4,
    0xbcbb_3ba2,
    0x3b33_acfe,
    0x3922_2192,
    0xb90a_0db3,
    0x37bd_b18b,
    0xb5c3_7272,
];
/// 4: its error function rounds to one.
const GREATEST: u32 = 0x4080_0000;

/// `2/√π · ∫₀ˣ e^(−t²) dt`: `x + x·P(x²)` below 1, and `1 − e^(−Q(|x|))` from there on.
pub fn erf<N: Arithmetic>(x: N) -> N {
    unless_nan(x, |x| {
        let a = at_most(magnitude(x), GREATEST);
        let near = a + a * polynomial(a * a, NEAR);
        // Below 1, where it is not selected, the exponential's argument is still small.
        let far = N::constant(ONE) - Exponential::new(-polynomial(a, FAR)).normal();
        with_sign_of(x, N::select(a.less(N::constant(ONE)), near, far))
    })
}
