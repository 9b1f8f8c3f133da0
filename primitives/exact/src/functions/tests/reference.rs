//! The functions in binary64: off by less than 10⁻⁶ of a binary32 unit in the last place.

pub fn exp(x: f64) -> f64 {
    x.exp()
}

pub fn tanh(x: f64) -> f64 {
    x.tanh()
}

pub fn sigmoid(x: f64) -> f64 {
    let decay = (-x.abs()).exp();
    (if x < 0.0 { decay } else { 1.0 }) / (1.0 + decay)
}

/// By Kummer's series `2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!`, all of whose terms have one sign.
pub fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut sum, mut term, mut n) = (x, x, 1.0);
    while term.abs() > sum.abs() * 1e-17 {
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    core::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

pub fn log(x: f64) -> f64 {
    x.ln()
}

pub fn sin(x: f64) -> f64 {
    x.sin()
}

pub fn cos(x: f64) -> f64 {
    x.cos()
}

pub fn rsqrt(x: f64) -> f64 {
    1.0 / x.sqrt()
}

pub fn silu(x: f64) -> f64 {
    if x == f64::NEG_INFINITY { 0.0 } else { x * sigmoid(x) }
}

pub fn gelu(x: f64) -> f64 {
    if x == f64::NEG_INFINITY {
        return 0.0;
    }
    0.5 * x * (1.0 + erf(x * core::f64::consts::FRAC_1_SQRT_2))
}

pub fn gelu_tanh(x: f64) -> f64 {
    if x == f64::NEG_INFINITY {
        return 0.0;
    }
    let inner = (core::f64::consts::FRAC_2_PI).sqrt() * (x + 0.044715 * x * x * x);
    0.5 * x * (1.0 + inner.tanh())
}
