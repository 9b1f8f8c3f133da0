//! Elementary functions, each a fixed sequence of single binary32 operations.
//!
//! A sequence is written once, for any [`Arithmetic`]. With [`Binary32`](crate::binary32::Binary32) it is the
//! definition; a fast engine computes the same bits by running it on vectors of hardware numbers, or by recording it
//! and compiling what it recorded. There is no fused multiply-add, no loop that depends on data, and no branch: where
//! cases differ, all are computed and one is selected.
//!
//! Inputs are canonical, and a result is made canonical last. Measured errors, and the sequences as formulas, are in
//! `docs/numerics.md`; `scripts/coefficients.py` derives the constants, which stand here as bits.

mod activation;
mod arithmetic;
mod error;
mod exponential;
mod logarithm;
mod trigonometric;

pub use activation::{gelu, gelu_tanh, silu};
pub use arithmetic::Arithmetic;
pub use error::erf;
pub use exponential::{exp, sigmoid, tanh};
pub use logarithm::log;
pub use trigonometric::{cos, sin};

const ZERO: u32 = 0;
const HALF: u32 = 0x3f00_0000;
const ONE: u32 = 0x3f80_0000;
const TWO: u32 = 0x4000_0000;
const INFINITY: u32 = 0x7f80_0000;
const NAN: u32 = 0x7fc0_0000;

/// `1 / √x`, rounded twice: infinite at zero, NaN below.
pub fn rsqrt<N: Arithmetic>(x: N) -> N {
    N::constant(ONE) / x.sqrt()
}

/// `f(x)`, and NaN where `x` is NaN; there `f` computes on 0 instead.
fn unless_nan<N: Arithmetic>(x: N, f: impl FnOnce(N) -> N) -> N {
    let number = x.equal(x);
    let y = f(N::select(number, x, N::constant(ZERO)));
    N::select(number, y, N::constant(NAN))
}

/// The number without its sign.
fn magnitude<N: Arithmetic>(x: N) -> N {
    N::select(x.less(N::constant(ZERO)), -x, x)
}

/// `y` with the sign of `x`, for `y ≥ 0`.
fn with_sign_of<N: Arithmetic>(x: N, y: N) -> N {
    N::select(x.less(N::constant(ZERO)), -y, y)
}

/// The lesser of `x` and a constant.
fn at_most<N: Arithmetic>(x: N, limit: u32) -> N {
    let limit = N::constant(limit);
    N::select(limit.less(x), limit, x)
}

/// The greater of `x` and a constant.
fn at_least<N: Arithmetic>(x: N, limit: u32) -> N {
    let limit = N::constant(limit);
    N::select(x.less(limit), limit, x)
}

/// `c[0] + x·(c[1] + x·(c[2] + …))`, from the inside out. The coefficients are bits.
fn polynomial<N: Arithmetic, const COUNT: usize>(x: N, coefficients: [u32; COUNT]) -> N {
    let mut from_last = coefficients.into_iter().rev().map(N::constant);
    let last = from_last.next().unwrap_or(N::constant(ZERO));
    from_last.fold(last, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests;
