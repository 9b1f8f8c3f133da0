//! Every operation against the hardware's, which follows IEEE 754.

use super::*;
use crate::testing::{Random, cases};

mod convert;
mod independent;

const RANDOM_PAIRS: usize = 1_000_000;

/// Zeros, ones, powers of two, halves, the ends of the subnormal and normal ranges, infinities and NaNs, with both
/// signs.
fn special() -> Vec<u32> {
    let mut bits = vec![
        0,
        1,
        2,
        3,
        0x0000_ffff,
        0x007f_fffe,
        0x007f_ffff,
        0x0080_0000,
        0x0080_0001,
        0x00ff_ffff,
        0x0100_0000,
        0x3300_0000,
        0x337f_ffff,
        0x3380_0000,
        0x3380_0001,
        0x3eff_ffff,
        0x3f00_0000,
        0x3f00_0001,
        0x3f7f_ffff,
        0x3f80_0000,
        0x3f80_0001,
        0x3fc0_0000,
        0x4000_0000,
        0x4020_0000,
        0x4060_0000,
        0x42fe_0000,
        0x467e_fe00,
        0x4aff_ffff,
        0x4b00_0001,
        0x4b7f_ffff,
        0x4b80_0000,
        0x4eff_ffff,
        0x4f00_0000,
        0x5f00_0000,
        0x7e80_0000,
        0x7eff_ffff,
        0x7f00_0000,
        0x7f7f_fffe,
        0x7f7f_ffff,
        0x7f80_0000,
        0x7f80_0001,
        0x7fc0_0000,
        0x7fff_ffff,
    ];
    bits.extend(bits.clone().iter().map(|bits| bits | SIGN));
    bits
}

/// All pairs of special values, then random pairs: uniform bits, and bits with exponents so near that sums cancel.
fn pairs() -> impl Iterator<Item = (u32, u32)> {
    let special_pairs = special()
        .into_iter()
        .flat_map(|a| special().into_iter().map(move |b| (a, b)));
    let mut random = Random(1);
    let random_pairs = (0..cases(RANDOM_PAIRS)).map(move |i| {
        let (a, b) = (random.next() as u32, (random.next() >> 32) as u32);
        if i % 2 == 0 {
            (a, b)
        } else {
            (a, b & 0x80ff_ffff | a.wrapping_add(b & 0x0300_0000) & 0x7f00_0000)
        }
    });
    special_pairs.chain(random_pairs)
}

fn canonical(value: f32) -> u32 {
    Binary32::from_bits(value.to_bits()).to_bits()
}

/// Checks one operation on all pairs against the hardware on the same canonical operands.
fn agrees_with_hardware(ours: impl Fn(Binary32, Binary32) -> Binary32, hardware: impl Fn(f32, f32) -> f32) {
    for (a, b) in pairs() {
        let (a, b) = (Binary32::from_bits(a), Binary32::from_bits(b));
        let expected = canonical(hardware(f32::from_bits(a.to_bits()), f32::from_bits(b.to_bits())));
        assert_eq!(ours(a, b).to_bits(), expected, "operands {a:?} and {b:?}");
    }
}

#[test]
fn add_is_the_hardware_s() {
    agrees_with_hardware(|a, b| a + b, |a, b| a + b);
}

#[test]
fn sub_is_the_hardware_s() {
    agrees_with_hardware(|a, b| a - b, |a, b| a - b);
}

#[test]
fn mul_is_the_hardware_s() {
    agrees_with_hardware(|a, b| a * b, |a, b| a * b);
}

#[test]
fn div_is_the_hardware_s() {
    agrees_with_hardware(|a, b| a / b, |a, b| a / b);
}

#[test]
fn compare_is_the_hardware_s() {
    for (a, b) in pairs() {
        let expected = f32::from_bits(a).partial_cmp(&f32::from_bits(b));
        assert_eq!(
            Binary32::from_bits(a).compare(Binary32::from_bits(b)),
            expected,
            "operands {a:#x} and {b:#x}"
        );
    }
}

#[test]
fn max_and_min_propagate_nan() {
    agrees_with_hardware(Binary32::max, |a, b| {
        if a.is_nan() || b.is_nan() { f32::NAN } else { a.max(b) }
    });
    agrees_with_hardware(Binary32::min, |a, b| {
        if a.is_nan() || b.is_nan() { f32::NAN } else { a.min(b) }
    });
}

#[test]
fn classes_and_signs_are_the_hardware_s() {
    for (bits, _) in pairs() {
        let (ours, hardware) = (Binary32::from_bits(bits), f32::from_bits(bits));
        assert_eq!(ours.is_nan(), hardware.is_nan());
        assert_eq!(ours.is_finite(), hardware.is_finite());
        assert_eq!(ours.is_negative(), hardware < 0.0);
        assert_eq!(ours.abs().to_bits(), canonical(hardware.abs()));
        assert_eq!((-ours).to_bits(), canonical(-hardware));
    }
}

#[test]
fn sqrt_is_the_hardware_s() {
    agrees_with_hardware(|a, _| a.sqrt(), |a, _| a.sqrt());
    // Of uniform bits half are negative, and squares are the ties' neighbours.
    agrees_with_hardware(|a, _| a.abs().sqrt(), |a, _| a.abs().sqrt());
    agrees_with_hardware(|a, _| (a * a).sqrt(), |a, _| (a * a).sqrt());
}

#[test]
fn rem_is_the_hardware_s() {
    agrees_with_hardware(|a, b| a % b, |a, b| a % b);
}

#[test]
fn constructor_leaves_one_zero_and_one_nan() {
    assert_eq!(Binary32::from_bits(SIGN), Binary32::ZERO);
    for nan in [0x7f80_0001, 0x7fff_ffff, 0xff80_0001, 0xffc0_0000, 0x7fc0_1234] {
        assert_eq!(Binary32::from_bits(nan), Binary32::NAN);
    }
}
