//! Every function: its accuracy, its special values, and the same bits in integers and in hardware.

use super::*;
use crate::{binary32::Binary32, testing::long};

mod accuracy;
mod golden;
mod hardware;
mod reference;
mod sequence;
mod shape;

/// A function in three ways.
struct Function {
    name: &'static str,
    exact: fn(Binary32) -> Binary32,
    hardware: fn(f32) -> f32,
    reference: fn(f64) -> f64,
}

macro_rules! functions {
    ($($name:ident),*) => {
        [$(Function {
            name: stringify!($name),
            exact: $name,
            hardware: $name,
            reference: reference::$name,
        }),*]
    };
}

const FUNCTIONS: [Function; 11] = functions![exp, tanh, sigmoid, erf, log, sin, cos, rsqrt, silu, gelu, gelu_tanh];

impl Function {
    fn named(name: &str) -> Self {
        let mut functions = FUNCTIONS.into_iter();
        functions
            .find(|function| function.name == name)
            .expect("a function of the list")
    }

    /// The canonical bits that the hardware gives for canonical bits.
    fn hardware_bits(&self, bits: u32) -> u32 {
        let canonical = Binary32::from_bits(bits).to_bits();
        Binary32::from_bits((self.hardware)(f32::from_bits(canonical)).to_bits()).to_bits()
    }

    /// The same as a number.
    fn at(&self, x: f32) -> f32 {
        f32::from_bits(self.hardware_bits(x.to_bits()))
    }
}

/// Every `stride`-th of all bits, and four times as many from `2^-14` to `2^21`; all bits in a long run.
fn samples(stride: usize) -> impl Iterator<Item = u32> {
    let (stride, denser) = if long() {
        (1, 0..0)
    } else {
        (stride, 0x3880_0000..0x4a00_0000)
    };
    let denser = denser.step_by((stride / 4).max(1));
    (0..=u32::MAX)
        .step_by(stride)
        .chain(denser.clone())
        .chain(denser.map(|bits| bits | 1 << 31))
}

#[test]
fn hardware_computes_the_same_bits() {
    for function in FUNCTIONS {
        let stride = if long() { 43 } else { 8_191 };
        for bits in (0..=u32::MAX).step_by(stride).chain(special()) {
            let exact = (function.exact)(Binary32::from_bits(bits)).to_bits();
            assert_eq!(exact, function.hardware_bits(bits), "{} of {bits:#010x}", function.name);
        }
    }
}

/// Numbers around which functions change their ways.
fn special() -> impl Iterator<Item = u32> {
    let magnitudes = [
        0,
        0x007f_ffff,
        0x0080_0000,
        0x3380_0000,
        0x3f20_0000,
        0x3f35_04f3,
        0x3f80_0000,
        0x3fc9_0fdb,
        0x4049_0fdb,
        0x4080_0000,
        0x4110_0000,
        0x4120_0000,
        0x42ae_ac50,
        0x42b1_7218,
        0x42b2_0000,
        0x42ce_8ed0,
        0x42cf_f1b5,
        0x42dc_0000,
        0x477f_ff00,
        0x4980_0000,
        0x4980_0001,
        0x7f7f_ffff,
        0x7f80_0000,
        0x7fc0_0000,
    ];
    let around = magnitudes
        .into_iter()
        .flat_map(|bits: u32| bits.saturating_sub(3)..=bits + 3);
    around.flat_map(|bits| [bits, bits | 1 << 31])
}
