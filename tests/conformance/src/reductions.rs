//! Reductions of rows: sums on their grid, and the greatest and the least with ties and NaNs.

use crate::{
    family::{Family, Numbered},
    json::Json,
    numbers::{edges, with_exponent},
    random::Random,
    render::{number, row},
};
use assay_exact::{binary32::Binary32, reduce};

const SIGN: u32 = 1 << 31;
const ONE: u32 = 0x3f80_0000;
const NAN: u32 = 0x7fc0_0000;
const INFINITY: u32 = 0x7f80_0000;
const GREATEST: u32 = 0x7f7f_ffff;

pub fn family() -> Family {
    let mut family = Family::new("reductions");
    let mut names = Numbered::default();
    let mut random = Random(0x7265_6475);
    for numbers in rows(&mut random) {
        let exact: Vec<Binary32> = numbers.iter().map(|bits| Binary32::from_bits(*bits)).collect();
        let exact = || exact.iter().copied();
        let position = |position: Option<usize>| Json::from(position.expect("the row is not empty"));
        let results = [
            ("sum", number(reduce::sum(exact()))),
            ("mean", number(reduce::mean(exact()))),
            ("amax", number(reduce::max(exact()).expect("the row is not empty"))),
            ("amin", number(reduce::min(exact()).expect("the row is not empty"))),
            ("argmax", position(reduce::argmax(exact()))),
            ("argmin", position(reduce::argmin(exact()))),
        ];
        for (kind, result) in results {
            family.case(kind, names.name(kind), vec![("row", row(&numbers)), ("result", result)]);
        }
    }
    family
}

fn rows(random: &mut Random) -> Vec<Vec<u32>> {
    let negative = |bits: u32| bits | SIGN;
    let mut rows = vec![
        vec![negative(0)],
        vec![0, negative(0)],
        vec![1],
        vec![1, 1, 1],
        vec![1, negative(1)],
        vec![GREATEST, GREATEST],
        vec![GREATEST, GREATEST, negative(GREATEST)],
        vec![GREATEST, 0x7300_0000],
        vec![ONE, INFINITY, INFINITY],
        vec![negative(INFINITY), ONE],
        vec![INFINITY, negative(INFINITY)],
        vec![INFINITY, NAN],
        vec![ONE, negative(NAN) | 5, INFINITY, NAN],
        vec![NAN, ONE],
        // The greatest stands twice; the least does.
        vec![ONE, 0x4040_0000, 0x4040_0000, 0xc0a0_0000],
        vec![0x4040_0000, negative(ONE), 0, negative(ONE)],
        vec![0, negative(0), ONE],
        vec![negative(ONE), 0, negative(0)],
        // Half a step of the grid, to even: 1 is 2^29 steps.
        vec![ONE, 0x3080_0000],
        vec![ONE, 0x3080_0000, 0x3080_0000],
        vec![ONE, 0x3100_0000, 0x3080_0000],
        vec![ONE, 0x3140_0000],
        vec![ONE, 0xb0c0_0000, 0x3080_0001],
        // Small numbers that a sum in binary32 would lose one by one, and that only add up.
        [vec![0x4b80_0000], vec![ONE; 40]].concat(),
        [vec![0x4e80_0000], vec![ONE; 40]].concat(),
        // The sum rounds: a tie, and what is next to it.
        vec![0x4b80_0000, ONE],
        vec![0x4b80_0001, ONE],
        vec![0x4b80_0000, ONE, 0x3f00_0000],
        // Around the finest grid.
        vec![0x0f00_0000, 0x0000_0003, 0x8000_0001],
        vec![0x0e80_0000, 0x0000_0003],
        vec![0x007f_ffff, 0x0080_0000, 0x8000_0001],
        edges().into_iter().filter(|bits| bits & !SIGN < INFINITY).collect(),
        edges(),
    ];
    for length in [2, 3, 4, 9, 31, 64, 200] {
        for spread in [1, 6, 7, 25, 60] {
            let top = 61 + random.below(190) as u32;
            let mut drawn = || {
                let field = top - random.below(spread) as u32;
                with_exponent(random, field)
            };
            rows.push((0..length).map(|_| drawn()).collect());
        }
    }
    // Few different numbers, so that ties are many.
    for _ in 0..10 {
        let mut drawn = || random.one(&[0, SIGN, ONE, negative(ONE), 0x4000_0000, 0xc000_0000, NAN]);
        rows.push((0..6).map(|_| drawn()).collect());
        rows.push((0..5).map(|_| random.one(&[ONE, 0x4000_0000, 0xc000_0000])).collect());
    }
    rows
}
