//! Measured errors. The bounds are those of `docs/numerics.md`, from a run over all inputs (`ASSAY_LONG=1`).

use super::*;

/// The distance of neighbouring binary32 numbers around a value.
fn unit_in_last_place(value: f64) -> f64 {
    let exponent = (value.abs().to_bits() >> 52) as i64 - 1023;
    f64::from_bits(((exponent.clamp(-126, 127) - 23 + 1023) as u64) << 52)
}

/// The error in units of `unit(input, exact value)`, or infinity where one is NaN or infinite and the other is not.
fn error(function: &Function, bits: u32, unit: fn(f64, f64) -> f64) -> f64 {
    let x = f64::from(f32::from_bits(Binary32::from_bits(bits).to_bits()));
    let (y, exact) = (f32::from_bits(function.hardware_bits(bits)), (function.reference)(x));
    let overflow = 2f64.powi(128);
    if y.is_nan() || exact.is_nan() {
        return if y.is_nan() && exact.is_nan() {
            0.0
        } else {
            f64::INFINITY
        };
    }
    // Past the greatest number, infinity stands where 2^128 would.
    let finite = |value: f64| value.clamp(-overflow, overflow);
    let (y, exact) = (finite(y.into()), finite(exact));
    (y - exact).abs() / unit(x, exact)
}

/// Prints and bounds the greatest error over all samples.
fn check(name: &str, bound: f64, unit: fn(f64, f64) -> f64, samples: impl Iterator<Item = u32>) {
    let function = Function::named(name);
    let (mut greatest, mut at) = (0.0, 0);
    for bits in samples.filter(|bits| bits & 0x7fff_ffff <= 0x7f80_0000) {
        let error = error(&function, bits, unit);
        if error > greatest {
            (greatest, at) = (error, bits);
        }
    }
    println!("{name}: {greatest:.3} at {at:#010x} ({:e})", f32::from_bits(at));
    assert!(greatest <= bound, "{name}: {greatest} at {at:#010x}");
}

fn units(_: f64, exact: f64) -> f64 {
    unit_in_last_place(exact)
}

#[test]
fn exp_is_accurate() {
    check("exp", 0.96, units, samples(1_021));
}

#[test]
fn tanh_is_accurate() {
    check("tanh", 1.33, units, samples(1_021));
}

#[test]
fn sigmoid_is_accurate() {
    check("sigmoid", 2.41, units, samples(1_021));
}

#[test]
fn erf_is_accurate() {
    check("erf", 1.32, units, samples(1_021));
}

#[test]
fn log_is_accurate() {
    check("log", 0.85, units, samples(1_021));
}

#[test]
fn rsqrt_is_accurate() {
    check("rsqrt", 1.50, units, samples(1_021));
}

#[test]
fn silu_is_accurate() {
    check("silu", 3.40, units, samples(1_021));
}

/// Below zero a gelu loses relative digits, so its error is measured in units of half the input, its scale.
fn units_of_input(x: f64, _: f64) -> f64 {
    unit_in_last_place(x / 2.0)
}

#[test]
fn gelu_is_accurate_to_its_input() {
    check(
        "gelu",
        3.04,
        units_of_input,
        samples(1_021).filter(|bits| *bits != 0xff80_0000),
    );
    check(
        "gelu_tanh",
        3.139,
        units_of_input,
        samples(1_021).filter(|bits| *bits != 0xff80_0000),
    );
}

/// The domain of sine and cosine.
fn angles() -> impl Iterator<Item = u32> {
    samples(1_021).filter(|bits| bits & 0x7fff_ffff <= 0x4980_0000)
}

/// The numbers next to every multiple of π/2 in the domain, where the result or the other one is smallest.
fn near_multiples_of_a_right_angle() -> impl Iterator<Item = u32> {
    (1..=667_544u32).flat_map(|n| {
        let nearest = (f64::from(n) * core::f64::consts::FRAC_PI_2) as f32;
        let bits = nearest.to_bits().min(0x4980_0000);
        [bits - 1, bits, (bits + 1).min(0x4980_0000)]
    })
}

/// The numbers next to every odd multiple of π/4, where the reduced angle is greatest.
fn near_odd_multiples_of_half_a_right_angle() -> impl Iterator<Item = u32> {
    (0..667_544u32).flat_map(|n| {
        let nearest = ((f64::from(n) + 0.5) * core::f64::consts::FRAC_PI_2) as f32;
        [nearest.to_bits() - 1, nearest.to_bits(), nearest.to_bits() + 1]
    })
}

#[test]
fn sin_and_cos_are_accurate_up_to_two_to_the_twentieth() {
    for name in ["sin", "cos"] {
        check(name, 1.49, units, angles());
        check(name, 1.49, units, near_multiples_of_a_right_angle());
        check(name, 1.49, units, near_odd_multiples_of_half_a_right_angle());
    }
}
