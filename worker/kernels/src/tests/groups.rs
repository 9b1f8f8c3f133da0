//! Products with small integers in groups: every size of a tile, and integers, multipliers and offsets at their ends.

use super::{Random, all_instructions, assert_same, exact};
use crate::{
    packed::{GivenGroups, Packed},
    product::linear,
    rows::{Kind, Matrix},
    scratch::Scratch,
    threads::Threads,
};
use assay_exact::{
    binary32::Binary32,
    quantise::{Bits, GivenRow, GroupedBits, QuantisedRow, WeightGroup, four_bit_integers},
};

/// A weight of groups.
struct Weight {
    bits: GroupedBits,
    group: usize,
    groups: usize,
    integers: Vec<u8>,
    words: Vec<i32>,
    scales: Vec<f32>,
}

impl Weight {
    /// Integers, multipliers and offsets that are at their ends now and then, or always.
    fn new(random: &mut Random, rows: usize, (bits, group, groups): (GroupedBits, usize, usize)) -> Self {
        let (elements, ends) = (rows * groups * group, random.below(3) == 0);
        let bytes = match bits {
            GroupedBits::Four => elements / 2,
            GroupedBits::Eight => elements,
        };
        let byte = |random: &mut Random| match random.below(4) {
            0 => 0x80,
            1 => 0x7f,
            2 if ends => 0xff,
            _ => random.next() as u8,
        };
        let part = |random: &mut Random| match random.below(4) {
            0 => i16::MIN,
            1 => i16::MAX,
            2 if ends => i16::MIN,
            _ => random.next() as i16,
        };
        Self {
            bits,
            group,
            groups,
            integers: (0..bytes).map(|_| byte(random)).collect(),
            words: (0..rows * groups)
                .map(|_| {
                    let (multiplier, offset) = (part(random), part(random));
                    WeightGroup { multiplier, offset }.word()
                })
                .collect(),
            scales: random.rows(1, rows),
        }
    }

    fn given(&self) -> GivenGroups<'_> {
        GivenGroups {
            bits: self.bits,
            group: self.group,
            integers: &self.integers,
            words: &self.words,
            scales: &self.scales,
        }
    }

    /// The rows as they are defined.
    fn rows(&self) -> Vec<GivenRow> {
        let integers: Vec<i8> = match self.bits {
            GroupedBits::Four => self.integers.iter().flat_map(|byte| four_bit_integers(*byte)).collect(),
            GroupedBits::Eight => self.integers.iter().map(|byte| byte.cast_signed()).collect(),
        };
        let groups = integers.chunks(self.group).zip(&self.words);
        let weights = groups.flat_map(|(integers, word)| {
            let group = WeightGroup::of_word(*word);
            integers.iter().map(move |integer| group.weight(*integer))
        });
        let weights: Vec<i32> = weights.collect();
        let rows = weights.chunks(self.group * self.groups).zip(exact(&self.scales));
        rows.map(|(row, scale)| GivenRow::new(row.iter().copied(), scale))
            .collect()
    }
}

fn check(weight: &Weight, input: &[f32], bias: Option<&[f32]>, threads: usize, what: &str) {
    let (length, columns) = (weight.group * weight.groups, weight.rows());
    for (kind, bits) in [(Kind::Int8, Bits::Int8), (Kind::Halves, Bits::Int16)] {
        let rows = input.chunks(length).map(|row| QuantisedRow::new(exact(row), bits));
        let products = rows.flat_map(|row| {
            let products = columns.iter().enumerate().map(|(j, column)| {
                let product = row.given_product(column);
                bias.map_or(product, |bias| product + Binary32::from_bits(bias[j].to_bits()))
            });
            products.collect::<Vec<_>>()
        });
        let expected: Vec<Binary32> = products.collect();
        for instructions in all_instructions() {
            let packed = Packed::of_groups(instructions, &weight.given()).expect("the parts agree");
            assert_eq!((packed.columns(), packed.length()), (columns.len(), length));
            let (threads, scratch) = (Threads::new(threads), Scratch::new(instructions, threads));
            let mut output = vec![f32::NAN; expected.len()];
            let rows = (Matrix::new(input, length), kind);
            linear(&threads, &scratch, rows, &packed, bias, &mut output, |_| {});
            assert_same(
                &output,
                &expected,
                &format!("{what}, {:?}, {kind:?}, {}", weight.bits, instructions.name()),
            );
        }
    }
}

#[test]
fn products_with_groups_are_exact() {
    let mut random = Random(71);
    for case in 0..240 {
        let (m, n) = (1 + case % 14 + 20 * (case % 3 / 2), 1 + random.below(70));
        let bits = [GroupedBits::Four, GroupedBits::Eight][case % 2];
        let (group, groups) = (16 * (1 + random.below(4)), 1 + random.below(6));
        let weight = Weight::new(&mut random, n, (bits, group, groups));
        let (input, bias) = (random.rows(m, group * groups), random.rows(1, n));
        let bias = (case % 3 > 0).then_some(bias.as_slice());
        check(&weight, &input, bias, 1 + case % 3, &format!("case {case}, {m} rows"));
    }
}

/// Many products of few rows, which threads share by columns, and groups as long as they may be.
#[test]
fn few_rows_and_long_groups_are_exact() {
    let mut random = Random(72);
    for (bits, group, groups, n) in [
        (GroupedBits::Four, 240, 4, 400),
        (GroupedBits::Eight, 240, 4, 400),
        (GroupedBits::Four, 32, 48, 300),
        (GroupedBits::Eight, 32, 18, 500),
    ] {
        for m in [1, 2, 7] {
            let weight = Weight::new(&mut random, n, (bits, group, groups));
            let input = random.rows(m, group * groups);
            check(&weight, &input, None, 3, &format!("{m} rows, groups of {group}"));
        }
    }
}

#[test]
fn longest_rows_of_the_greatest_weights_do_not_overflow() {
    let length = 16_384;
    for (bits, byte) in [(GroupedBits::Four, 0x00), (GroupedBits::Eight, 0x80)] {
        for group in [16, 128] {
            let bytes = if bits == GroupedBits::Four { length / 2 } else { length };
            let (multiplier, offset) = (i16::MIN, i16::MAX);
            let weight = Weight {
                bits,
                group,
                groups: length / group,
                integers: vec![byte; bytes],
                words: vec![WeightGroup { multiplier, offset }.word(); length / group],
                scales: vec![-0.5],
            };
            for number in [1.0, -1.0] {
                check(&weight, &vec![number; length], None, 1, "the greatest");
            }
        }
    }
}

#[test]
fn parts_that_do_not_agree_are_no_weight() {
    let mut random = Random(73);
    let weight = Weight::new(&mut random, 3, (GroupedBits::Four, 32, 2));
    let sound = weight.given();
    let instructions = crate::instructions::Instructions::portable();
    let is_weight = |given: &GivenGroups<'_>| Packed::of_groups(instructions, given).is_some();
    assert!(is_weight(&sound));
    let bits = GroupedBits::Eight;
    assert!(!is_weight(&GivenGroups { bits, ..sound }));
    for group in [0, 8, 16, 24, 64] {
        assert!(!is_weight(&GivenGroups { group, ..sound }));
    }
    let (words, scales) = (&sound.words[..5], &sound.scales[..0]);
    assert!(!is_weight(&GivenGroups { words, ..sound }));
    assert!(!is_weight(&GivenGroups { scales, ..sound }));
    let integers = &sound.integers[1..];
    assert!(!is_weight(&GivenGroups { integers, ..sound }));
}
