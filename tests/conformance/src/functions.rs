//! Elementary functions, at edges, at the ends of their cases and at random numbers.

use crate::{
    family::Family,
    numbers::{edges, with_exponent},
    random::Random,
    render::{bits, number},
};
use assay_exact::{binary32::Binary32, functions};

const SIGN: u32 = 1 << 31;

/// Where a function's cases meet, or where it overflows, underflows or has its limit: of any of the functions.
const ENDS: [u32; 21] = [
    0x0080_0000, // the least normal number
    0x3504_f334,
    0x3580_0000,
    0x3f20_0000, // 0.625
    0x3f35_04f3, // √½
    0x3f80_0000,
    0x3fb5_04f3, // √2
    0x4080_0000,
    0x40a0_0000,
    0x4110_2cb3, // 9.01
    0x4120_0000, // 10
    0x4158_0000,
    0x41a0_0000,
    0x42ae_ac50, // 87.34: the least normal exponential
    0x42b1_7218, // 88.72: the greatest exponential
    0x42b2_0000, // 89
    0x42cf_f1b5, // 103.97: the last exponential above 0
    0x42dc_0000, // 110
    0x4980_0000, // 2^20
    0x4980_0001,
    0x7f00_0000,
];

pub fn family() -> Family {
    let mut family = Family::new("functions");
    let mut random = Random(0x6675_6e63);
    type Function = fn(Binary32) -> Binary32;
    let all: [(&str, Function); 11] = [
        ("rsqrt", functions::rsqrt),
        ("exp", functions::exp),
        ("log", functions::log),
        ("tanh", functions::tanh),
        ("sigmoid", functions::sigmoid),
        ("erf", functions::erf),
        ("sin", functions::sin),
        ("cos", functions::cos),
        ("silu", functions::silu),
        ("gelu", functions::gelu),
        ("gelu_tanh", functions::gelu_tanh),
    ];
    for (kind, function) in all {
        let row = |x: u32| vec![bits(x), number(function(Binary32::from_bits(x)))];
        family.table(kind, kind, &[], inputs(kind, &mut random).into_iter().map(row));
    }
    family
}

fn inputs(kind: &str, random: &mut Random) -> Vec<u32> {
    let mut inputs = edges();
    for end in ENDS {
        for near in end - 2..=end + 2 {
            inputs.extend([near, near | SIGN]);
        }
    }
    // Exponents where the functions do something, and now and then any.
    for _ in 0..400 {
        let field = 105 + random.below(30) as u32;
        inputs.push(with_exponent(random, field));
    }
    for _ in 0..60 {
        inputs.push((random.next() >> 32) as u32);
    }
    match kind {
        // The neighbours of multiples of π/4, where sine and cosine turn, up to 2^20.
        "sin" | "cos" => {
            for _ in 0..80 {
                let shift = random.below(20);
                let multiple = 1 + random.below((1_335_088 >> shift) as u64 + 1) as i64;
                let near = Binary32::from_i64(multiple) * Binary32::from_bits(0x3f49_0fdb);
                inputs.extend([
                    near.to_bits() - 1,
                    near.to_bits(),
                    near.to_bits() + 1,
                    near.to_bits() | SIGN,
                ]);
            }
        }
        // All sizes, subnormal ones among them.
        "log" | "rsqrt" => {
            for field in 0..254 {
                inputs.push(with_exponent(random, field) & !SIGN);
            }
        }
        _ => {}
    }
    inputs
}
