//! Rows of contractions as integers with a scale, and their products, in each precision.

use crate::{
    family::{Family, Numbered},
    json::list,
    numbers::with_exponent,
    random::Random,
    render::{bits, number, precision, row},
};
use assay_exact::{
    binary32::Binary32,
    quantise::{Bits, Precision, QuantisedRow, quantise},
};

const SIGN: u32 = 1 << 31;
const ONE: u32 = 0x3f80_0000;
const INFINITY: u32 = 0x7f80_0000;
const BITS: [Bits; 2] = [Bits::Int8, Bits::Int16];
const PRECISIONS: [Precision; 3] = [Precision::Int8, Precision::Int16, Precision::Int16Int8];

pub fn family() -> Family {
    let mut family = Family::new("quantised");
    let mut random = Random(0x7175_616e);
    let mut names = Numbered::default();
    for bits in BITS {
        for numbers in rows(bits, &mut random) {
            add_row(&mut family, &mut names, bits, &numbers);
        }
        by_given_scale(&mut family, bits, &mut random);
    }
    for precision in PRECISIONS {
        products(&mut family, &mut names, precision, &mut random);
    }
    family
}

fn quantised(numbers: &[u32], of: Bits) -> QuantisedRow {
    QuantisedRow::new(numbers.iter().map(|bits| Binary32::from_bits(*bits)), of)
}

fn add_row(family: &mut Family, names: &mut Numbered, of: Bits, numbers: &[u32]) {
    let quantised = quantised(numbers, of);
    let fields = vec![
        ("precision", precision(of.into())),
        ("row", row(numbers)),
        ("scale", number(quantised.scale())),
        (
            "integers",
            list(quantised.integers(), |integer| i32::from(*integer).into()),
        ),
    ];
    family.case("quantise", names.name("quantise"), fields);
}

/// Rows at every edge of the definition.
fn rows(of: Bits, random: &mut Random) -> Vec<Vec<u32>> {
    let greatest = of.greatest() as u32;
    let mut rows = vec![
        vec![ONE],
        vec![ONE | SIGN],
        vec![0],
        vec![SIGN, 0],
        vec![INFINITY, ONE],
        vec![ONE, INFINITY | SIGN],
        vec![ONE, 0x7fc0_0000, INFINITY],
        vec![ONE, 0xffc0_1234],
        vec![0x7f7f_ffff, 0xff7f_ffff, ONE, 1],
        vec![0x0080_0000, 0x8000_0001, 0x007f_ffff],
        // A greatest magnitude that leaves no scale, then the least one that does, then scales of few bits: there the
        // clamp acts.
        vec![greatest / 2, 1, SIGN | 2],
        vec![greatest.div_ceil(2), 1, SIGN | 2],
        vec![
            greatest * 3 / 2,
            greatest * 3 / 2 - 1,
            SIGN | (greatest * 3 / 2),
            greatest,
        ],
        vec![greatest * 5 / 2, SIGN | (greatest * 5 / 2), greatest, greatest / 2],
    ];
    // The greatest number makes the scale a power of two, so halves are ties.
    let unit = |halves: i64| (Binary32::from_i64(halves) * Binary32::from_bits(0x3f00_0000)).to_bits();
    let ties = (0..12).map(|half| unit(2 * half + 1) | if half % 3 == 0 { SIGN } else { 0 });
    rows.push(ties.chain([unit(2 * i64::from(greatest))]).collect());
    for length in [2, 3, 5, 8, 17, 33] {
        for spread in [1, 8, 20] {
            let top = 30 + random.below(200) as u32;
            let mut drawn = || {
                let field = top - random.below(spread) as u32;
                with_exponent(random, field)
            };
            rows.push((0..length).map(|_| drawn()).collect());
        }
    }
    for _ in 0..12 {
        // Subnormal rows, and rows whose scale is subnormal.
        let limit = 1 << (8 + random.below(18));
        let mut drawn = || random.below(limit) as u32 | (random.next() as u32 & SIGN);
        rows.push((0..6).map(|_| drawn()).collect());
    }
    rows
}

fn by_given_scale(family: &mut Family, of: Bits, random: &mut Random) {
    let edges = [
        0,
        1,
        3,
        0x0080_0000,
        ONE,
        0x3fc0_0000,
        0x7f7f_ffff,
        INFINITY,
        0x7fc0_0000,
    ];
    let signed = |bits: &u32| [*bits, *bits | SIGN];
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for x in edges.iter().flat_map(signed) {
        pairs.extend(edges.iter().flat_map(signed).map(|scale| (x, scale)));
    }
    for _ in 0..100 {
        let field = 100 + random.below(40) as u32;
        let other = field - random.below(16) as u32;
        pairs.push((with_exponent(random, field), with_exponent(random, other)));
    }
    let rows = pairs.into_iter().map(|(x, scale)| {
        let integer = quantise(Binary32::from_bits(x), Binary32::from_bits(scale), of);
        vec![bits(x), bits(scale), i32::from(integer).into()]
    });
    let name = format!("quantise_by {}", of.greatest());
    family.table("quantise_by", &name, &[("precision", precision(of.into()))], rows);
}

fn products(family: &mut Family, names: &mut Numbered, of: Precision, random: &mut Random) {
    let mut pairs: Vec<(Vec<u32>, Vec<u32>)> = vec![
        (vec![ONE], vec![ONE | SIGN]),
        (vec![0, SIGN], vec![ONE, ONE]),
        (vec![INFINITY, ONE], vec![ONE, ONE]),
        (vec![ONE, ONE], vec![0, 0x7fc0_0001]),
        (vec![INFINITY, 0], vec![0, 0]),
        // The sum cancels; the product of the scales overflows, or is 0.
        (vec![ONE, ONE], vec![ONE, ONE | SIGN]),
        (vec![0x7f7f_ffff; 2], vec![0x7f7f_ffff; 2]),
        (vec![0x7f7f_ffff, 0xff7f_ffff], vec![0x7f7f_ffff; 2]),
        (vec![0x1000_0000; 3], vec![0x1000_0000; 3]),
        (vec![5, 7, 9], vec![0x7f00_0000, 0x7e00_0000, 0x7d00_0000]),
        // The greatest sum of this length, and its opposite: beyond 32 bits in the wider precision.
        (vec![ONE; 600], vec![0x4000_0000; 600]),
        (vec![ONE; 600], vec![0xc000_0000; 600]),
    ];
    for length in [1, 2, 3, 4, 7, 16, 33, 64, 100] {
        for _ in 0..4 {
            let field = 100 + random.below(50) as u32;
            let mut drawn = || {
                let field = field - random.below(6) as u32;
                with_exponent(random, field)
            };
            pairs.push((
                (0..length).map(|_| drawn()).collect(),
                (0..length).map(|_| drawn()).collect(),
            ));
        }
    }
    for (left, right) in pairs {
        let product = quantised(&left, of.left()).product(&quantised(&right, of.right()));
        let fields = vec![
            ("precision", precision(of)),
            ("left", row(&left)),
            ("right", row(&right)),
            ("product", number(product)),
        ];
        family.case("product", names.name("product"), fields);
    }
}
