//! Special values, symmetry and order.

use super::*;

const INFINITY: f32 = f32::INFINITY;

#[test]
fn special_values_are_those_of_mathematics() {
    let table: &[(&str, f32, f32)] = &[
        ("exp", 0.0, 1.0),
        ("exp", INFINITY, INFINITY),
        ("exp", -INFINITY, 0.0),
        ("exp", f32::from_bits(0x42b1_7217), f32::from_bits(0x7f7f_ff84)),
        ("exp", 88.722_84, INFINITY),
        ("exp", -103.972_07, f32::from_bits(1)),
        ("exp", -103.98, 0.0),
        ("tanh", 0.0, 0.0),
        ("tanh", INFINITY, 1.0),
        ("tanh", 1e-40, 1e-40),
        ("sigmoid", 0.0, 0.5),
        ("sigmoid", INFINITY, 1.0),
        ("sigmoid", -INFINITY, 0.0),
        ("erf", 0.0, 0.0),
        ("erf", INFINITY, 1.0),
        ("log", 0.0, -INFINITY),
        ("log", 1.0, 0.0),
        ("log", INFINITY, INFINITY),
        ("log", -1e-40, f32::NAN),
        ("log", -INFINITY, f32::NAN),
        ("sin", 0.0, 0.0),
        ("sin", INFINITY, f32::NAN),
        ("sin", 1_048_576.1, f32::NAN),
        ("cos", 0.0, 1.0),
        ("cos", INFINITY, f32::NAN),
        ("cos", -1_048_576.1, f32::NAN),
        ("rsqrt", 0.0, INFINITY),
        ("rsqrt", 4.0, 0.5),
        ("rsqrt", INFINITY, 0.0),
        ("rsqrt", -1.0, f32::NAN),
        ("silu", 0.0, 0.0),
        ("silu", INFINITY, INFINITY),
        ("silu", -INFINITY, 0.0),
        ("gelu", 0.0, 0.0),
        ("gelu", INFINITY, INFINITY),
        ("gelu", -INFINITY, 0.0),
        ("gelu_tanh", 0.0, 0.0),
        ("gelu_tanh", INFINITY, INFINITY),
        ("gelu_tanh", -INFINITY, 0.0),
    ];
    for (name, x, expected) in table {
        let (bits, expected) = (x.to_bits(), Binary32::from_bits(expected.to_bits()));
        let y = (Function::named(name).exact)(Binary32::from_bits(bits));
        assert_eq!(y, expected, "{name}({x})");
    }
}

#[test]
fn nan_gives_nan() {
    for function in FUNCTIONS {
        assert_eq!((function.exact)(Binary32::NAN), Binary32::NAN, "{}", function.name);
    }
}

#[test]
fn tanh_erf_and_sin_are_odd_and_cos_is_even() {
    for bits in samples(4_093).filter(|bits| bits >> 31 == 0) {
        let x = f32::from_bits(bits);
        for name in ["tanh", "erf", "sin"] {
            let function = Function::named(name);
            let mirrored = Binary32::from_bits((-function.at(x)).to_bits()).to_bits();
            assert_eq!(function.hardware_bits((-x).to_bits()), mirrored, "{name} of {x}");
        }
        let cos = Function::named("cos");
        assert_eq!(cos.at(-x).to_bits(), cos.at(x).to_bits(), "cos of {x}");
    }
}

#[test]
fn sigmoids_of_opposite_numbers_add_to_one() {
    for bits in samples(4_093).filter(|bits| *bits <= 0x7f80_0000) {
        let (x, sigmoid) = (f32::from_bits(bits), Function::named("sigmoid"));
        assert!(
            (sigmoid.at(x) + sigmoid.at(-x) - 1.0).abs() <= f32::EPSILON,
            "sigmoid of {x}"
        );
    }
}

/// Runs of neighbouring numbers, in every part of every exponent; all numbers from `2^-25` to `2^8` in a long run.
fn neighbours() -> impl Iterator<Item = (u32, u32)> {
    let (step, length) = (32_749, 64);
    (0..0x7f80_0000u32)
        .step_by(step)
        .flat_map(move |start| (start..(start + length).min(0x7f80_0000)).map(|bits| (bits, bits + 1)))
}

/// The runs, and pairs further apart.
fn increasing_pairs() -> impl Iterator<Item = (u32, u32)> {
    let all = if long() { 0x3300_0000..0x4380_0000 } else { 0..0 };
    let apart = (0..0x7f80_0000u32)
        .step_by(1_021)
        .map(|bits| (bits, (bits + 1_021).min(0x7f80_0000)));
    neighbours().chain(apart).chain(all.map(|bits| (bits, bits + 1)))
}

/// By how many units in the last place a function falls at most, where it ought to increase.
fn greatest_fall(name: &str) -> u32 {
    let function = Function::named(name);
    let fall = |low: f32, high: f32| {
        let (y_low, y_high) = (function.at(low), function.at(high));
        if y_low > y_high {
            y_low.to_bits().abs_diff(y_high.to_bits())
        } else {
            0
        }
    };
    let falls = increasing_pairs().map(|(low, high)| {
        let (low, high) = (f32::from_bits(low), f32::from_bits(high));
        // Below zero the logarithm is not defined.
        let mirrored = if name == "log" { 0 } else { fall(-high, -low) };
        fall(low, high).max(mirrored)
    });
    falls.max().unwrap_or(0)
}

#[test]
fn exp_tanh_and_log_never_fall() {
    for name in ["exp", "tanh", "log"] {
        assert_eq!(greatest_fall(name), 0, "{name}");
    }
}

#[test]
fn sigmoid_and_erf_fall_by_no_more_than_their_rounding() {
    assert!(greatest_fall("sigmoid") <= 2);
    assert!(greatest_fall("erf") <= 1);
}
