//! Polynomials of a graph's symbols: how the work and the size of an execution grow with its dimensions.

use crate::{
    bounded::Bounded,
    graph::{Dimension, Expression, MAX_SYMBOLS, Powers},
};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Terms of a polynomial.
pub const MAX_TERMS: usize = 64;

/// A sum of products of symbols, with coefficients above zero. It never falls where a symbol rises.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Polynomial(Bounded<Term, { MAX_TERMS as u32 }>);

/// One product of a polynomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Term {
    /// The number by which the symbols are multiplied, above zero.
    pub coefficient: u64,
    /// For each symbol how often it is a factor.
    pub powers: Powers,
}

impl Polynomial {
    /// The terms, ascending by their powers.
    pub fn terms(&self) -> &[Term] {
        &self.0
    }

    /// The value for these values of the symbols, with 1 for each that is missing; `None` if it is 2^64 or more.
    pub fn at(&self, symbols: &[u32]) -> Option<u64> {
        self.0.iter().try_fold(0u64, |sum, term| {
            let value = term
                .powers
                .iter()
                .enumerate()
                .try_fold(term.coefficient, |value, (index, power)| {
                    let symbol = u64::from(symbols.get(index).copied().unwrap_or(1));
                    value.checked_mul(symbol.checked_pow(u32::from(*power))?)
                });
            sum.checked_add(value?)
        })
    }

    /// Whether it is written in the only way in which it may be, over the first `symbols` symbols.
    pub fn is_canonical(&self, symbols: usize) -> bool {
        let ascends = self.0.is_sorted_by(|left, right| left.powers < right.powers);
        let named = |term: &Term| term.powers.iter().skip(symbols).all(|power| *power == 0);
        ascends && self.0.iter().all(|term| term.coefficient > 0 && named(term))
    }
}

/// A polynomial while it is being added up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum(BTreeMap<Powers, u64>);

/// Why a tensor cannot be added to a [`Sum`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SumError {
    /// A coefficient is 2^64 or more, a power is 256 or more, or a symbol is beyond the last one that a graph may have.
    TooLarge,
    /// There are more than [`MAX_TERMS`] terms.
    Terms,
}

impl Sum {
    /// Adds `factor` times the number of elements of a tensor with these dimensions, multiplied out one after the
    /// other.
    ///
    /// Subtractions of a computed dimension are left out, so that coefficients are not below zero: the sum is an
    /// upper bound there.
    pub fn add(&mut self, factor: u64, dimensions: &[Dimension]) -> Result<(), SumError> {
        let mut product: BTreeMap<Powers, u64> = BTreeMap::from([([0; MAX_SYMBOLS], factor)]);
        for dimension in dimensions {
            let elements = Expression::of(*dimension).ok_or(SumError::TooLarge)?;
            let mut next = BTreeMap::new();
            for (powers, coefficient) in product {
                for (times, others) in elements.terms() {
                    let times = u64::try_from(times).unwrap_or(0);
                    add_product(&mut next, (powers, coefficient), (others, times)).ok_or(SumError::TooLarge)?;
                }
            }
            product = bounded(next)?;
        }
        for (powers, coefficient) in product {
            add_term(&mut self.0, powers, coefficient).ok_or(SumError::TooLarge)?;
        }
        bounded(core::mem::take(&mut self.0)).map(|sum| self.0 = sum)
    }

    /// The polynomial; `None` if it has too many terms.
    pub fn finish(self) -> Option<Polynomial> {
        let terms = self.0.into_iter();
        let terms = terms.map(|(powers, coefficient)| Term { coefficient, powers });
        Bounded::new(terms.collect::<Vec<_>>()).map(Polynomial)
    }
}

fn bounded(terms: BTreeMap<Powers, u64>) -> Result<BTreeMap<Powers, u64>, SumError> {
    match terms.len() <= MAX_TERMS {
        true => Ok(terms),
        false => Err(SumError::Terms),
    }
}

fn add_product(sum: &mut BTreeMap<Powers, u64>, left: (Powers, u64), right: (&Powers, u64)) -> Option<()> {
    let (mut powers, coefficient) = (left.0, left.1.checked_mul(right.1)?);
    if coefficient > 0 {
        for (power, other) in powers.iter_mut().zip(right.0) {
            *power = power.checked_add(*other)?;
        }
    }
    add_term(sum, powers, coefficient)
}

fn add_term(sum: &mut BTreeMap<Powers, u64>, powers: Powers, coefficient: u64) -> Option<()> {
    if coefficient > 0 {
        let term = sum.entry(powers).or_default();
        *term = term.checked_add(coefficient)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, affine, formula};
    use alloc::vec;

    fn dimension(random: &mut Random) -> Dimension {
        let symbol = (random.next() >> 20) as u8 % 3;
        match (random.next() >> 20) % 4 {
            0 => Dimension::Fixed(1 + (random.next() >> 20) as u32 % 8),
            1 => Dimension::Symbol(symbol),
            2 => formula(&[(1, &[2]), (3, &[0, 1])]),
            _ => Dimension::of_symbol(
                symbol,
                1 + (random.next() >> 20) as u32 % 3,
                (random.next() >> 20) as i64 % 5,
            )
            .expect("small numbers"),
        }
    }

    #[test]
    fn the_sum_is_what_the_tensors_have() {
        let mut random = Random(40);
        for _ in 0..2_000 {
            let symbols = [1, 2, 3].map(|most| 1 + (random.next() >> 20) as u32 % (most * 7));
            let (mut sum, mut expected) = (Sum::default(), 0u64);
            for _ in 0..(random.next() >> 20) % 6 {
                let factor = 1 + (random.next() >> 20) % 4;
                let rank = (random.next() >> 20) % 4;
                let dimensions: Vec<Dimension> = (0..rank).map(|_| dimension(&mut random)).collect();
                sum.add(factor, &dimensions).expect("small numbers");
                let elements = dimensions
                    .iter()
                    .map(|d| u64::from(d.elements(&symbols).expect("small")));
                expected += factor * elements.product::<u64>();
            }
            let polynomial = sum.finish().expect("few terms");
            assert!(polynomial.is_canonical(3));
            assert_eq!(polynomial.at(&symbols), Some(expected));
        }
    }

    #[test]
    fn a_computed_dimension_counts_at_least_what_it_has() {
        let mut sum = Sum::default();
        let less = Dimension::of_symbol(0, 2, -3).expect("a dimension");
        sum.add(1, &[less]).expect("small");
        let between = formula(&[(2, &[]), (-2, &[1]), (-1, &[0]), (1, &[0, 1])]);
        sum.add(1, &[between]).expect("small");
        assert_eq!(sum.finish().expect("few terms").at(&[5, 7]), Some(10 + 35 + 2));
    }

    #[test]
    fn what_does_not_fit_is_none() {
        let huge = Dimension::Fixed(u32::MAX);
        assert_eq!(Sum::default().add(1, &[huge; 3]), Err(SumError::TooLarge));
        assert_eq!(Sum::default().add(1, &[Dimension::Symbol(8)]), Err(SumError::TooLarge));
        let wide: Vec<Dimension> = (0..7).map(|symbol| affine(symbol, 1, 1)).collect();
        assert_eq!(Sum::default().add(1, &wide), Err(SumError::Terms));
        assert_eq!(Sum::default().add(1, wide.get(1..).expect("seven")), Ok(()));
        let power = formula(&[(1, &[0; 255][..])]);
        assert_eq!(Sum::default().add(1, &[power]), Ok(()));
        assert_eq!(Sum::default().add(1, &[power; 2]), Err(SumError::TooLarge));
        let mut sum = Sum::default();
        sum.add(1, &[Dimension::Symbol(0); 3]).expect("one term");
        let cube = sum.finish().expect("one term");
        assert_eq!(cube.at(&[1 << 22]), None);
        assert_eq!(cube.at(&[1 << 20]), Some(1 << 60));
        assert!(cube.is_canonical(1) && !cube.is_canonical(0));
    }

    #[test]
    fn other_spellings_are_not_canonical() {
        let term = |coefficient, first| Term {
            coefficient,
            powers: [first, 0, 0, 0, 0, 0, 0, 0],
        };
        for terms in [
            vec![term(0, 1)],
            vec![term(1, 1), term(2, 1)],
            vec![term(1, 2), term(2, 1)],
        ] {
            assert!(!Polynomial(Bounded::new(terms).expect("few")).is_canonical(8));
        }
    }
}
