//! Every kernel, bit for bit as `assay-exact` defines it: on values of all kinds, shapes with odd ends, on any number
//! of threads, in vectors and in plain code.

mod attention;
mod digest;
mod elementwise;
mod groups;
mod layers;
mod operators;
mod product;
mod views;

use crate::instructions::Instructions;
use assay_exact::binary32::Binary32;

/// A fixed stream of pseudo-random numbers (Marsaglia's xorshift64*, 2003).
pub(crate) struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 8
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A canonical number of the kind that `mood` says.
    pub fn number(&mut self, mood: usize) -> f32 {
        let plain = self.next() as u32 as i32 as f32 / 1e9;
        let number = match (mood, self.below(16)) {
            (_, 0) => 0.0,
            (0, _) => 0.0,
            (1, _) => f32::from_bits(self.next() as u32 & 0x807f_ffff | (self.below(255) as u32) << 23),
            // Subnormal numbers alone.
            (2, _) => f32::from_bits(self.next() as u32 & 0x8000_03ff),
            (3, 2) => f32::INFINITY,
            (3, 3) => f32::NEG_INFINITY,
            (3, 4) => f32::NAN,
            (4, 2) if self.below(8) == 0 => f32::INFINITY,
            // All of one magnitude, so that integers are at their ends.
            (5, n) => [3.0, -3.0][n & 1],
            (6, _) => 3.0,
            // Next to overflow.
            (7, _) => f32::from_bits(self.next() as u32 & 0x807f_ffff | 253 << 23),
            _ => plain,
        };
        f32::from_bits(Binary32::from_bits(number.to_bits()).to_bits())
    }

    /// Rows of numbers, each of one kind.
    pub fn rows(&mut self, rows: usize, length: usize) -> Vec<f32> {
        let mut numbers = Vec::with_capacity(rows * length);
        for _ in 0..rows {
            let mood = self.below(16);
            numbers.extend((0..length).map(|_| self.number(mood)));
        }
        numbers
    }
}

/// The kinds of instructions that this processor can be tested with, and tiles, which are emulated.
pub(crate) fn all_instructions() -> Vec<Instructions> {
    let mut all = Instructions::available();
    #[cfg(target_arch = "x86_64")]
    all.push(Instructions(crate::instructions::Set::EmulatedTiles));
    all
}

pub(crate) fn exact(numbers: &[f32]) -> impl ExactSizeIterator<Item = Binary32> + Clone {
    numbers.iter().map(|x| Binary32::from_bits(x.to_bits()))
}

/// Says where the first difference is.
pub(crate) fn assert_same(actual: &[f32], expected: &[Binary32], what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        assert!(
            actual.to_bits() == expected.to_bits(),
            "{what}: {:#010x} instead of {:#010x} at {index}",
            actual.to_bits(),
            expected.to_bits()
        );
    }
}
