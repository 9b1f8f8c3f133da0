//! Single operations on binary32 numbers: every edge against every edge, and random numbers near what rounds.

use crate::{
    family::Family,
    json::{Json, wide},
    random::Random,
    render::{bits, number},
};
use assay_exact::binary32::Binary32;
use std::cmp::Ordering;

const SIGN: u32 = 1 << 31;

/// Zero, subnormal and normal ends, neighbours of ½, 1 and 2^24, ties, infinity and NaNs. None has a sign.
const EDGES: [u32; 16] = [
    0x0000_0000,
    0x0000_0001,
    0x007f_ffff,
    0x0080_0000,
    0x3380_0000,
    0x3380_0001,
    0x3f00_0000,
    0x3f7f_ffff,
    0x3f80_0000,
    0x3f80_0001,
    0x4b7f_ffff,
    0x4b80_0001,
    0x7f7f_ffff,
    0x7f80_0000,
    0x7fc0_0000,
    0x7f80_0001,
];

/// The edges with both signs, −0 and NaNs with a payload among them.
pub fn edges() -> Vec<u32> {
    EDGES.iter().flat_map(|edge| [*edge, *edge | SIGN]).collect()
}

/// The bits of a number with a random sign and significand.
pub fn with_exponent(random: &mut Random, field: u32) -> u32 {
    (random.next() >> 32) as u32 & 0x807f_ffff | field << 23
}

pub fn family() -> Family {
    let mut family = Family::new("numbers");
    let mut random = Random(0x6e75_6d62);
    binary(&mut family, &mut random);
    unary(&mut family, &mut random);
    integers(&mut family, &mut random);
    scaled(&mut family, &mut random);
    family
}

fn binary(family: &mut Family, random: &mut Random) {
    type Function = fn(Binary32, Binary32) -> Binary32;
    let functions: [(&str, Function); 7] = [
        ("add", |x, y| x + y),
        ("sub", |x, y| x - y),
        ("mul", |x, y| x * y),
        ("div", |x, y| x / y),
        ("fmod", |x, y| x % y),
        ("minimum", Binary32::min),
        ("maximum", Binary32::max),
    ];
    let all = edges();
    let of_edges: Vec<_> = all.iter().flat_map(|x| all.iter().map(move |y| (*x, *y))).collect();
    for (kind, function) in functions {
        let row = |(x, y): &(u32, u32)| {
            let result = function(Binary32::from_bits(*x), Binary32::from_bits(*y));
            vec![bits(*x), bits(*y), number(result)]
        };
        family.table(kind, &format!("{kind} of edges"), &[], of_edges.iter().map(row));
        let drawn = pairs(random);
        family.table(kind, &format!("{kind} of random numbers"), &[], drawn.iter().map(row));
    }
    let compared = |(x, y): &(u32, u32)| {
        let word = match Binary32::from_bits(*x).compare(Binary32::from_bits(*y)) {
            Some(Ordering::Less) => "less",
            Some(Ordering::Equal) => "equal",
            Some(Ordering::Greater) => "greater",
            None => "unordered",
        };
        vec![bits(*x), bits(*y), word.into()]
    };
    family.table("compare", "compare edges", &[], of_edges.iter().map(compared));
}

/// Pairs of which results are uniform, cancel, tie, or are subnormal.
fn pairs(random: &mut Random) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    for _ in 0..80 {
        // Of any size.
        pairs.push(((random.next() >> 32) as u32, (random.next() >> 32) as u32));
        // Of like size.
        let field = 40 + random.below(170) as u32;
        let other = field + random.below(4) as u32;
        pairs.push((with_exponent(random, field), with_exponent(random, other)));
        // A half, or nearly a half, of the last place of the other.
        let (large, half) = (
            with_exponent(random, field),
            (random.next() as u32 & SIGN) | (field - 24) << 23,
        );
        pairs.push((large, half + random.below(2) as u32));
        // Short significands, whose product has 25 bits and so often ties.
        let (left, right) = (with_exponent(random, 127), with_exponent(random, 127));
        pairs.push((left & 0xffff_f800 | 1 << 11, right & 0xffff_f000 | 1 << 12));
        // The product and the quotient are subnormal, or nearly.
        let field = 40 + random.below(40) as u32;
        let product = (127 + 1 - 24 + random.below(28) as u32).saturating_sub(field) + 1;
        pairs.push((with_exponent(random, field), with_exponent(random, product)));
        let quotient = (field + 127 + 24 - random.below(28) as u32).min(254);
        pairs.push((with_exponent(random, field), with_exponent(random, quotient)));
    }
    pairs
}

fn unary(family: &mut Family, random: &mut Random) {
    type Function = fn(Binary32) -> Binary32;
    let functions: [(&str, Function); 8] = [
        ("canonical", |x| x),
        ("neg", |x| -x),
        ("abs", Binary32::abs),
        ("sqrt", Binary32::sqrt),
        ("floor", Binary32::floor),
        ("ceil", Binary32::ceil),
        ("round", Binary32::round_half_even),
        ("trunc", Binary32::trunc),
    ];
    for (kind, function) in functions {
        let mut inputs = edges();
        match kind {
            "canonical" | "neg" | "abs" => inputs.extend((0..20).map(|_| (random.next() >> 32) as u32)),
            "sqrt" => {
                for _ in 0..150 {
                    // Squares, their neighbours, and any size.
                    let root = Binary32::from_bits(with_exponent(random, 127) & 0x7fff_f000);
                    let square = (root * root).to_bits();
                    inputs.extend([square, square + 1, square - 1, (random.next() >> 33) as u32]);
                }
            }
            _ => inputs.extend(fractions(random)),
        }
        let row = |x: u32| vec![bits(x), number(function(Binary32::from_bits(x)))];
        family.table(kind, kind, &[], inputs.into_iter().map(row));
    }
}

/// Numbers with a fraction or nearly one, and ties.
fn fractions(random: &mut Random) -> Vec<u32> {
    let mut inputs = Vec::new();
    for _ in 0..60 {
        let whole = Binary32::from_i64(random.below(2000) as i64 - 1000);
        let tie = (whole + Binary32::from_bits(0x3f00_0000)).to_bits();
        inputs.extend([tie, tie + 1, tie.saturating_sub(1)]);
        let field = 120 + random.below(32) as u32;
        inputs.push(with_exponent(random, field));
    }
    inputs
}

fn integers(family: &mut Family, random: &mut Random) {
    let mut inputs = edges();
    inputs.extend(fractions(random));
    for field in 120..195 {
        inputs.push(with_exponent(random, field));
    }
    // The ends of the types, and their neighbours.
    for end in [
        0x4eff_ffff,
        0x4f00_0000,
        0x4f00_0001,
        0x5eff_ffff,
        0x5f00_0000,
        0x5f00_0001,
    ] {
        inputs.extend([end, end | SIGN]);
    }
    type Function = fn(Binary32) -> i64;
    let functions: [(&str, Function); 4] = [
        ("round_to_i32", |x| x.round_to_i32().into()),
        ("round_to_i64", Binary32::round_to_i64),
        ("truncate_to_i32", |x| x.truncate_to_i32().into()),
        ("truncate_to_i64", Binary32::truncate_to_i64),
    ];
    for (kind, function) in functions {
        let row = |x: &u32| vec![bits(*x), wide(function(Binary32::from_bits(*x)))];
        family.table(kind, kind, &[], inputs.iter().map(row));
    }

    let mut integers = vec![0, 1, -1, i64::MAX, i64::MIN, i64::MIN + 1, i64::from(i32::MIN)];
    for shift in 0..39 {
        // One more bit than a number holds: ties, and what is next to them.
        for last in [0b01, 0b11] {
            let tie = ((1i64 << 24) + last) << shift;
            integers.extend([tie, tie - 1, tie + 1, -tie, 1 - tie, -1 - tie]);
        }
        integers.push((1i64 << 53) + (1i64 << shift) + 1);
    }
    for _ in 0..100 {
        let shift = random.below(64);
        integers.push(random.next() as i64 >> shift);
    }
    let row = |integer: i64| vec![wide(integer), number(Binary32::from_i64(integer))];
    family.table("from_integer", "from_integer", &[], integers.into_iter().map(row));
}

fn scaled(family: &mut Family, random: &mut Random) {
    let exponents = [
        i32::MIN,
        -400,
        -300,
        -277,
        -150,
        -149,
        -126,
        -24,
        -1,
        0,
        1,
        24,
        127,
        149,
        254,
        276,
        277,
        300,
        400,
        i32::MAX,
    ];
    let mut inputs: Vec<(u32, i32)> = Vec::new();
    for edge in edges() {
        inputs.extend(exponents.map(|exponent| (edge, exponent)));
    }
    for _ in 0..200 {
        // What is left is subnormal: bits are cut off, and ties among them.
        let field = 1 + random.below(100) as u32;
        let ties = with_exponent(random, field) & 0xffff_fff0;
        inputs.push((ties, -(field as i32) - random.below(25) as i32));
        inputs.push(((random.next() >> 32) as u32, random.below(500) as i32 - 250));
    }
    let row = |(x, exponent): (u32, i32)| -> Vec<Json> {
        let result = Binary32::from_bits(x).scale(exponent);
        vec![bits(x), exponent.into(), number(result)]
    };
    family.table("scale", "scale", &[], inputs.into_iter().map(row));
}
