//! Conversions, rounding to integral numbers and scaling, against the hardware's.

use super::*;

/// Checks one function of a number on special values, random bits, and random numbers that have a fraction.
fn agrees<T: PartialEq + core::fmt::Debug>(ours: impl Fn(Binary32) -> T, hardware: impl Fn(f32) -> T) {
    for (i, (bits, _)) in pairs().enumerate() {
        // Every other one gets an exponent from −4 to 59, where conversions do something.
        let bits = if i % 2 == 0 {
            bits
        } else {
            bits & 0x807f_ffff | (123 + (bits >> 23 & 63)) << 23
        };
        let number = Binary32::from_bits(bits);
        assert_eq!(
            ours(number),
            hardware(f32::from_bits(number.to_bits())),
            "operand {number:?}"
        );
    }
}

#[test]
fn conversions_to_integers_saturate_and_send_nan_to_zero() {
    // The conversion of Rust truncates, saturates and sends NaN to 0.
    agrees(Binary32::round_to_i32, |x| x.round_ties_even() as i32);
    agrees(Binary32::round_to_i64, |x| x.round_ties_even() as i64);
    agrees(Binary32::truncate_to_i32, |x| x as i32);
    agrees(Binary32::truncate_to_i64, |x| x as i64);
    for (bits, expected) in [
        (0x3f00_0000, 0),
        (0x3fc0_0000, 2),
        (0x4020_0000, 2),
        (0xbf00_0000, 0),
        (0xbfc0_0000, -2),
    ] {
        assert_eq!(Binary32::from_bits(bits).round_to_i32(), expected);
    }
    assert_eq!((-Binary32::INFINITY).round_to_i64(), i64::MIN);
    assert_eq!(Binary32::INFINITY.truncate_to_i32(), i32::MAX);
}

#[test]
fn rounding_to_integral_numbers_is_the_hardware_s() {
    agrees(|x| x.floor().to_bits(), |x| canonical(x.floor()));
    agrees(|x| x.ceil().to_bits(), |x| canonical(x.ceil()));
    agrees(|x| x.trunc().to_bits(), |x| canonical(x.trunc()));
    agrees(|x| x.round_half_even().to_bits(), |x| canonical(x.round_ties_even()));
}

#[test]
fn scale_rounds_once() {
    for (a, b) in pairs() {
        let number = Binary32::from_bits(a);
        // Exact in binary64 for these exponents, so that the conversion is the one rounding.
        let exponent = b as i32 % 301;
        let power = f64::from_bits(((1023 + exponent) as u64) << 52);
        let exact = f64::from(f32::from_bits(number.to_bits())) * power;
        assert_eq!(
            number.scale(exponent).to_bits(),
            canonical(exact as f32),
            "{number:?} · 2^{exponent}"
        );
    }
    assert_eq!(Binary32::ONE.scale(i32::MAX), Binary32::INFINITY);
    assert_eq!(Binary32::INFINITY.scale(i32::MIN), Binary32::INFINITY);
    assert_eq!((-Binary32::ONE).scale(i32::MIN), Binary32::ZERO);
}

#[test]
fn from_integers_rounds_once() {
    let mut random = Random(2);
    let edges = [
        0,
        1,
        -1,
        i64::MAX,
        i64::MIN,
        (1 << 24) + 1,
        (1 << 25) + 2,
        (1 << 53) + 1,
        (1 << 24) - 1,
    ];
    let integers = (0..cases(RANDOM_PAIRS)).map(|_| {
        let wide = random.next() as i64;
        wide >> (random.next() % 64)
    });
    for integer in edges.into_iter().chain(integers) {
        assert_eq!(
            Binary32::from_i64(integer).to_bits(),
            canonical(integer as f32),
            "integer {integer}"
        );
        let narrow = integer as i32;
        assert_eq!(Binary32::from_i32(narrow).to_bits(), canonical(narrow as f32));
    }
}
