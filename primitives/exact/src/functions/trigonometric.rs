//! Sine and cosine, for `|x| ≤ 2^20`.

use super::{Arithmetic, NAN, ONE, ZERO, magnitude, polynomial};

/// The number that follows `2^20`. From it on the result is NaN, rather than one with few right digits.
const BEYOND: u32 = 0x4980_0001;
/// `2/π`.
const TWO_OVER_PI: u32 = 0x3f22_f983;
/// `π/2` in pieces of 12 bits: multiples of `2^-11`, `2^-23`, `2^-35` and `2^-47`. Products with integers of 12
/// bits are exact.
const HALF_PI: [u32; 4] = [0x3fc9_1000, 0xb694_0000, 0xb33b_c000, 0x2c34_8000];
/// The rest of `π/2` after those.
const HALF_PI_REST: u32 = 0xa6f7_2ced;
/// `2^12`.
const SPLIT: u32 = 0x4580_0000;
/// `2^-12`.
const SPLIT_INVERSE: u32 = 0x3980_0000;
/// 1/4.
const QUARTER: u32 = 0x3e80_0000;
/// 4.
const FOUR: u32 = 0x4080_0000;
/// −1/2.
const MINUS_HALF: u32 = 0xbf00_0000;
/// `(sin(r) / r − 1) / r²`, by powers of `r²`.
const SIN: [u32; 4] = [0xbe2a_aaab, 0x3c08_88ab, 0xb950_1ade, 0x3639_3b7c];
/// `(cos(r) − 1 + r²/2) / r⁴`, by powers of `r²`.
const COS: [u32; 4] = [0x3d2a_aaab, 0xbab6_0b99, 0x37d0_2289, 0xb495_983f];

/// An angle `x = n·π/2 + r`, as `n` modulo 4, from −2 to 2, and the sine and cosine of `r`.
struct Angle<N> {
    quadrant: N,
    sin: N,
    cos: N,
}

impl<N: Arithmetic> Angle<N> {
    /// Takes an angle of at most `2^20` apart. `|r| < 0.9`, since `2/π` and the product with it are rounded.
    fn new(x: N) -> Self {
        let n = (x * N::constant(TWO_OVER_PI)).nearest_integral();
        let high = (n * N::constant(SPLIT_INVERSE)).nearest_integral() * N::constant(SPLIT);
        let low = n - high;
        // A difference that cancels is exact; what one that does not cancel rounds off goes into the lost part.
        let subtract = |(rest, lost): (N, N), product: N| {
            let next = rest - product;
            (next, lost + ((rest - next) - product))
        };
        let pieces = HALF_PI.into_iter().map(N::constant);
        let (rest, lost) = pieces.fold((x, N::constant(ZERO)), |parts, piece| {
            subtract(subtract(parts, high * piece), low * piece)
        });
        let r = rest + (lost - n * N::constant(HALF_PI_REST));

        let z = r * r;
        Self {
            quadrant: n - (n * N::constant(QUARTER)).nearest_integral() * N::constant(FOUR),
            sin: r + r * (z * polynomial(z, SIN)),
            cos: N::constant(ONE) + (z * N::constant(MINUS_HALF) + (z * z) * polynomial(z, COS)),
        }
    }

    /// Selects by the quadrant's magnitude, 0, 1 or 2.
    fn choose(&self, at_0: N, at_1: N, at_2: N) -> N {
        let turn = magnitude(self.quadrant);
        let one = N::constant(ONE);
        N::select(turn.less(one), at_0, N::select(turn.equal(one), at_1, at_2))
    }
}

/// `f` of the angle `x`, and NaN for NaN and beyond `2^20`.
fn within_domain<N: Arithmetic>(x: N, f: impl FnOnce(Angle<N>) -> N) -> N {
    let within = magnitude(x).less(N::constant(BEYOND));
    let y = f(Angle::new(N::select(within, x, N::constant(ZERO))));
    N::select(within, y, N::constant(NAN))
}

/// The sine for `|x| ≤ 2^20`; NaN beyond.
pub fn sin<N: Arithmetic>(x: N) -> N {
    within_domain(x, |angle| {
        let quarter = N::select(angle.quadrant.less(N::constant(ZERO)), -angle.cos, angle.cos);
        angle.choose(angle.sin, quarter, -angle.sin)
    })
}

/// The cosine for `|x| ≤ 2^20`; NaN beyond.
pub fn cos<N: Arithmetic>(x: N) -> N {
    within_domain(x, |angle| {
        let quarter = N::select(angle.quadrant.less(N::constant(ZERO)), angle.sin, -angle.sin);
        angle.choose(angle.cos, quarter, -angle.cos)
    })
}
