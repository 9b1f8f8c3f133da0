//! Numbers as good as random, from a key and a place: Philox4x32-10.

use super::elementwise::broadcast;
use crate::{
    binary32::Binary32,
    element::{Element, ElementError, Operands},
};

/// Number of times that the words are mixed.
const ROUNDS: usize = 10;
/// Factors of the first and the third word of a counter.
const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
/// Summands of the key's words between two rounds.
const STEPS: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];

/// The number at a place.
pub(super) fn random(operands: &mut impl Operands, shape: &[u32], index: u64) -> Result<Element, ElementError> {
    let mut integer = |operand| match broadcast(operands, operand, shape, index)? {
        Element::Integer(integer) => Ok(integer),
        Element::Number(_) => Err(ElementError::Unfit),
    };
    let (key, counter, lane) = (integer(0)?, integer(1)?, integer(2)?);
    Ok(Element::Number(uniform(key, counter, lane)))
}

/// The number between 0 and 1 that belongs to a key, a counter and a lane: one of the `2^23` numbers
/// `(n + ½) · 2^−23`.
fn uniform(key: i64, counter: i64, lane: i64) -> Binary32 {
    // An odd integer below 2^24, so neither step rounds.
    Binary32::from_i64(i64::from(odd_numerator(key, counter, lane))).scale(-24)
}

/// The number of a key, a counter and a lane, times `2^24`: an odd integer below that.
pub fn odd_numerator(key: i64, counter: i64, lane: i64) -> u32 {
    let ([counter_low, counter_high], [lane_low, lane_high]) = (words(counter), words(lane));
    let [word, ..] = philox([counter_low, counter_high, lane_low, lane_high], words(key));
    2 * (word >> 9) + 1
}

/// The low and the high 32 bits.
fn words(integer: i64) -> [u32; 2] {
    [integer as u32, (integer >> 32) as u32]
}

/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, 2011).
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let [first, second, third, fourth] = counter;
        let product = |word: u32, by: u32| u64::from(word) * u64::from(by);
        let (of_first, of_third) = (product(first, MULTIPLIERS[0]), product(third, MULTIPLIERS[1]));
        counter = [
            (of_third >> 32) as u32 ^ second ^ key[0],
            of_third as u32,
            (of_first >> 32) as u32 ^ fourth ^ key[1],
            of_first as u32,
        ];
        key = [key[0].wrapping_add(STEPS[0]), key[1].wrapping_add(STEPS[1])];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers of Random123.
    #[test]
    fn philox_gives_the_known_answers() {
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            (
                [u32::MAX; 4],
                [u32::MAX; 2],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in cases {
            assert_eq!(philox(counter, key), expected);
        }
    }

    #[test]
    fn numbers_are_made_of_the_first_word() {
        let word = 0x6627_e8d5u32;
        let expected = ((word >> 9) as f32 + 0.5) / (1u32 << 23) as f32;
        assert_eq!(uniform(0, 0, 0).to_bits(), expected.to_bits());
        let word = 0x408f_276du32;
        let expected = ((word >> 9) as f32 + 0.5) / (1u32 << 23) as f32;
        assert_eq!(uniform(-1, -1, -1).to_bits(), expected.to_bits());
        let (counter, lane) = (0x85a3_08d3_243f_6a88u64, 0x0370_7344_1319_8a2eu64);
        let word = 0xd16c_fe09u32;
        let expected = ((word >> 9) as f32 + 0.5) / (1u32 << 23) as f32;
        let given = uniform(0x299f_31d0_a409_3822, counter.cast_signed(), lane.cast_signed());
        assert_eq!(given.to_bits(), expected.to_bits());
    }

    #[test]
    fn numbers_are_between_zero_and_one_and_spread_evenly() {
        let mut counts = [0; 16];
        for lane in 0..16_000 {
            let x = f32::from_bits(uniform(7, 3, lane).to_bits());
            assert!(x > 0.0 && x < 1.0);
            counts[(x * 16.0) as usize] += 1;
        }
        // A thousand each, give or take five standard deviations.
        assert!(counts.iter().all(|count| (845..1155).contains(count)), "{counts:?}");
    }
}
