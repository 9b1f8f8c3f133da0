//! Rows of weights as integers, as `Operator::QuantisedLinear` takes them: small integers in groups, or integers of 8
//! bits with one scale a row.

use assay_exact::quantise::WeightGroup;

/// The greatest integer that a weight becomes.
const GREATEST: f64 = 127.0;
/// The greatest multiplier or offset of a group.
const GREATEST_PART: f64 = 32_767.0;
/// Number of times that integers and scale are fitted to one another.
const ROUNDS: usize = 3;

/// Numbers by which the small integers of a group become weights: `integer · step + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub step: f64,
    pub offset: f64,
}

/// A row of small integers, each group of which has a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupedRow {
    pub integers: Vec<i8>,
    pub lines: Vec<Line>,
}

impl GroupedRow {
    /// Numbers as integers of eight bits, this many of which share a step: the greatest magnitude over 127.
    pub fn replace(&mut self, numbers: &[f32], group: usize) {
        self.integers.clear();
        self.lines.clear();
        for numbers in numbers.chunks(group.max(1)) {
            let greatest = numbers.iter().fold(0f32, |greatest, x| greatest.max(x.abs()));
            let step = f64::from(greatest) / GREATEST;
            self.lines.push(Line { step, offset: 0.0 });
            let integers = numbers.iter().map(|x| match step > 0.0 {
                true => (f64::from(*x) / step).round_ties_even() as i8,
                false => 0,
            });
            self.integers.extend(integers);
        }
    }

    /// The integers two to a byte, each from −8 to 7 and with 8 added.
    pub fn halves(&self) -> impl Iterator<Item = u8> {
        let (pairs, _) = self.integers.as_chunks();
        pairs
            .iter()
            .map(|[low, high]| (low + 8).cast_unsigned() | (high + 8).cast_unsigned() << 4)
    }

    /// Appends the word of each group and gives the row's scale. docs/importing.md derives them.
    ///
    /// The scale is a power of two or a little less than one, whichever gives the smaller squared error. A power of two
    /// gives none at all if it divides all steps and offsets. A row without any has the scale 1.
    pub fn fit(&self, words: &mut Vec<u8>) -> f32 {
        let parts = self.lines.iter().flat_map(|line| [line.step, line.offset]);
        let greatest = parts.fold(0f64, |greatest, part| greatest.max(part.abs()));
        if greatest == 0.0 {
            words.extend(self.lines.iter().flat_map(|_| [0u8; 4]));
            return 1.0;
        }
        let [tight, round] = scales(greatest);
        let scale = if self.error(tight) < self.error(round) {
            tight
        } else {
            round
        };
        let all = self
            .lines
            .iter()
            .flat_map(|line| line.rounded(scale).word().to_le_bytes());
        words.extend(all);
        scale
    }

    /// The squared error of all weights with a scale.
    fn error(&self, scale: f32) -> f64 {
        let length = self.integers.len() / self.lines.len().max(1);
        let groups = self.lines.iter().zip(self.integers.chunks(length.max(1)));
        let errors = groups.map(|(line, integers)| {
            let WeightGroup { multiplier, offset } = line.rounded(scale);
            let step = f64::from(multiplier) * f64::from(scale) - line.step;
            let offset = f64::from(offset) * f64::from(scale) - line.offset;
            let errors = integers
                .iter()
                .map(|integer| (f64::from(*integer) * step + offset).powi(2));
            errors.sum::<f64>()
        });
        errors.sum()
    }
}

impl Line {
    /// The multiplier and the offset with a scale.
    fn rounded(self, scale: f32) -> WeightGroup {
        let part = |part: f64| {
            let part = (part / f64::from(scale)).round_ties_even();
            part.clamp(-GREATEST_PART, GREATEST_PART) as i16
        };
        WeightGroup {
            multiplier: part(self.step),
            offset: part(self.offset),
        }
    }
}

/// The smallest scale by which this magnitude is at most [`GREATEST_PART`], and the smallest such power of two.
fn scales(greatest: f64) -> [f32; 2] {
    // No scale is subnormal, since those have few bits.
    let exact = (greatest / GREATEST_PART).max(f64::from(f32::MIN_POSITIVE));
    let nearest = exact as f32;
    let tight = if f64::from(nearest) < exact {
        nearest.next_up()
    } else {
        nearest
    };
    // The exponent is the upper bits of a positive normal number; one more unless the fraction is 0.
    let exponent = (tight.to_bits() + 0x7f_ffff) >> 23;
    [tight, f32::from_bits(exponent << 23)]
}

/// Appends a row's integers and returns its scale, where its length is no whole number of groups.
///
/// The scale begins as the greatest magnitude over 127. Then it becomes, in turn with the integers, the one with which
/// the integers' squared error is the smallest. A row that is zero has the scale 1. Sums are binary64 in the row's
/// order, so that every machine gives the same bytes.
pub fn quantise_row(row: &[f32], integers: &mut Vec<u8>) -> f32 {
    let greatest = row.iter().fold(0f32, |greatest, x| greatest.max(x.abs()));
    let mut scale = (f64::from(greatest) / GREATEST) as f32;
    if scale == 0.0 {
        integers.extend(row.iter().map(|_| 0u8));
        return 1.0;
    }
    for _ in 0..ROUNDS {
        let (mut products, mut squares) = (0f64, 0f64);
        for x in row {
            let q = integer(*x, scale);
            products += f64::from(*x) * q;
            squares += q * q;
        }
        let fitted = (products / squares) as f32;
        // A subnormal scale has few bits, and the quotient need not be a number then.
        if fitted.is_normal() && fitted > 0.0 {
            scale = fitted;
        }
    }
    integers.extend(row.iter().map(|x| integer(*x, scale) as i8 as u8));
    scale
}

fn integer(x: f32, scale: f32) -> f64 {
    f64::from(x / scale).round_ties_even().clamp(-GREATEST, GREATEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(row: &[f32], integers: &[u8], scale: f32) -> f64 {
        let errors = row.iter().zip(integers);
        errors
            .map(|(x, q)| (f64::from(*x) - f64::from(*q as i8) * f64::from(scale)).powi(2))
            .sum()
    }

    #[test]
    fn a_fitted_scale_is_no_worse_than_the_greatest_magnitude() {
        let mut state = 1u32;
        let row: Vec<f32> = (0..576)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state as i32) as f32 / 2f32.powi(31)
            })
            .collect();
        let mut integers = Vec::new();
        let scale = quantise_row(&row, &mut integers);
        let plain = row.iter().fold(0f32, |a, b| a.max(b.abs())) / 127.0;
        let plain_integers: Vec<u8> = row.iter().map(|x| integer(*x, plain) as i8 as u8).collect();
        assert!(error(&row, &integers, scale) <= error(&row, &plain_integers, plain));
        assert!(error(&row, &integers, scale) < 576.0 * f64::from(scale).powi(2) / 10.0);
    }

    #[test]
    fn a_row_of_zeros_has_the_scale_one() {
        let mut integers = Vec::new();
        assert_eq!(quantise_row(&[0.0, -0.0], &mut integers), 1.0);
        assert_eq!(integers, [0, 0]);
    }

    #[test]
    fn subnormal_rows_have_a_scale_that_is_not_zero() {
        let mut integers = Vec::new();
        let scale = quantise_row(&[1e-43, -5e-44], &mut integers);
        assert!(scale > 0.0 && integers.len() == 2);
    }

    fn random(state: &mut u32) -> u32 {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *state >> 8
    }

    /// The weights that a row stands for, and their scale.
    fn weights(row: &GroupedRow) -> (Vec<f64>, f64) {
        let mut words = Vec::new();
        let scale = f64::from(row.fit(&mut words));
        let (words, rest) = words.as_chunks();
        assert!(rest.is_empty() && words.len() == row.lines.len());
        let length = row.integers.len() / words.len();
        let weights = row.integers.chunks(length).zip(words).flat_map(|(integers, word)| {
            let group = WeightGroup::of_word(i32::from_le_bytes(*word));
            integers
                .iter()
                .map(move |integer| f64::from(group.weight(*integer)) * scale)
        });
        (weights.collect(), scale)
    }

    #[test]
    fn weights_in_groups_are_off_by_no_more_than_half_a_step_each() {
        let mut state = 5;
        for case in 0..2000 {
            let (groups, group) = (1 + case % 7, 16 * (1 + case % 3));
            let mut number = || f64::from(random(&mut state) as i32 - (1 << 23));
            let row = GroupedRow {
                // Steps that are far apart, and offsets of their size.
                lines: (0..groups)
                    .map(|_| Line {
                        step: number() * 2f64.powi(number() as i32 % 9 - 40),
                        offset: number() * 2f64.powi(number() as i32 % 9 - 38),
                    })
                    .collect(),
                integers: (0..groups * group).map(|_| number() as i64 as i8).collect(),
            };
            let (weights, scale) = weights(&row);
            let parts = row.lines.iter().flat_map(|line| [line.step.abs(), line.offset.abs()]);
            let greatest = parts.fold(0.0, f64::max);
            assert!(scale <= 2.0 * greatest / GREATEST_PART * (1.0 + 1e-6));
            for (at, (weight, integer)) in weights.iter().zip(&row.integers).enumerate() {
                let (line, integer) = (row.lines[at / group], f64::from(*integer));
                let error = (integer * line.step + line.offset - weight).abs();
                assert!(
                    error <= (integer.abs() + 1.0) * scale / 2.0 * (1.0 + 1e-9),
                    "case {case}"
                );
            }
        }
    }

    #[test]
    fn steps_of_eleven_bits_within_a_factor_of_sixteen_are_exact() {
        let mut state = 9;
        for case in 0..500 {
            let mut below = |end: u32| random(&mut state) % end;
            let exponent = below(30) as i32 - 24;
            let lines = (0..9).map(|group| Line {
                // As binary16 has them: 11 bits and an exponent.
                step: f64::from(1024 + below(1024)) * 2f64.powi(exponent + (group + below(2) as i32) % 5),
                offset: 0.0,
            });
            let row = GroupedRow {
                lines: lines.collect(),
                integers: (0..9 * 32).map(|_| below(16) as i8 - 8).collect(),
            };
            let exact = row.integers.iter().enumerate();
            let exact: Vec<f64> = exact
                .map(|(at, integer)| f64::from(*integer) * row.lines[at / 32].step)
                .collect();
            assert_eq!(weights(&row).0, exact, "case {case}");
        }
    }

    #[test]
    fn numbers_become_groups_of_bytes_with_a_small_error() {
        let mut state = 3;
        let numbers: Vec<f32> = (0..96)
            .map(|_| random(&mut state) as f32 / 2f32.powi(23) - 1.0)
            .collect();
        let mut row = GroupedRow::default();
        row.replace(&numbers, 32);
        assert_eq!((row.integers.len(), row.lines.len()), (96, 3));
        let (weights, _) = weights(&row);
        for (at, (weight, number)) in weights.iter().zip(&numbers).enumerate() {
            assert!((weight - f64::from(*number)).abs() < 0.51 * row.lines[at / 32].step);
        }
        row.replace(&[0.0; 32], 16);
        assert_eq!((row.integers.as_slice(), row.lines.len()), (&[0i8; 32][..], 2));
        let mut words = Vec::new();
        assert_eq!((row.fit(&mut words), words), (1.0, vec![0; 8]));
    }

    #[test]
    fn the_tiniest_numbers_have_a_scale_that_is_normal() {
        let row = GroupedRow {
            integers: vec![-8, 7],
            lines: vec![Line {
                step: 1e-45,
                offset: 0.0,
            }],
        };
        let mut words = Vec::new();
        assert!(row.fit(&mut words).is_normal());
        assert_eq!(row.halves().collect::<Vec<_>>(), [0xf0]);
    }
}
