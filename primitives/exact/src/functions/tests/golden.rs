//! The committed vectors: bits of inputs and of the outputs that every implementation has to give.

use super::*;
use crate::testing::Random;
use std::fmt::Write;

/// Each line: a function's name, the bits of an input and the bits of its output, in hexadecimal.
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/functions.txt");

/// The special values, and numbers of the exponents where the functions do something.
fn inputs() -> impl Iterator<Item = u32> {
    let mut random = Random(5);
    let middle = move |_| {
        let bits = random.next() >> 20;
        // Exponents from −20 to 20.
        let exponent = (random.next() >> 20) % 41 + 107;
        (bits & 0x807f_ffff) as u32 | (exponent as u32) << 23
    };
    special().step_by(3).chain((0..128).map(middle))
}

fn vectors() -> String {
    let mut text = String::new();
    for function in FUNCTIONS {
        for bits in inputs() {
            let input = Binary32::from_bits(bits);
            let output = (function.exact)(input);
            writeln!(
                text,
                "{} {:08x} {:08x}",
                function.name,
                input.to_bits(),
                output.to_bits()
            )
            .expect("a string takes all");
        }
    }
    text
}

/// With `ASSAY_GOLDEN=write` it writes them anew instead.
#[test]
fn golden_vectors_are_reproduced() {
    if std::env::var_os("ASSAY_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::write(PATH, vectors()).expect("the directory is in the repository");
    }
    let committed = std::fs::read_to_string(PATH).expect("the file is in the repository");
    for (ours, golden) in vectors().lines().zip(committed.lines()) {
        assert_eq!(ours, golden);
    }
    assert_eq!(vectors().len(), committed.len());
}
