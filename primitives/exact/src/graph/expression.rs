//! Polynomials of the symbols with whole coefficients: what dimensions are while they are computed with.

use super::{
    Dimension, MAX_SYMBOLS,
    formula::{Formula, Monomial, Powers, term_value},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// Terms of an expression. One that would have more is not computed.
pub const MAX_EXPRESSION_TERMS: usize = 64;
/// Symbols of which every combination of ends is looked at.
const MAX_PINNED: usize = 3;

/// A sum of products of symbols, each product once.
///
/// Two of them are equal if and only if they are for all values of the symbols. Every operation gives `None` where the
/// result has more than [`MAX_EXPRESSION_TERMS`] terms, a coefficient beyond 64 bits or a power beyond 255.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expression(BTreeMap<Powers, i64>);

/// Minimum and maximum of a number computed from symbols, for all values in their ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// It is nowhere below.
    pub min: i128,
    /// It is nowhere above.
    pub max: i128,
    /// Whether it has both values somewhere. Otherwise the true ones may lie closer together.
    pub is_exact: bool,
}

/// The symbols of a product.
pub(super) fn symbols_of(powers: &Powers) -> impl Iterator<Item = u8> {
    (0u8..)
        .zip(*powers)
        .filter(|(_, power)| *power > 0)
        .map(|(symbol, _)| symbol)
}

impl Expression {
    /// This number.
    pub fn number(number: i64) -> Self {
        let mut terms = BTreeMap::from([([0; MAX_SYMBOLS], number)]);
        terms.retain(|_, coefficient| *coefficient != 0);
        Self(terms)
    }

    /// This symbol; `None` if no graph has it.
    pub fn symbol(symbol: u8) -> Option<Self> {
        let mut powers = [0; MAX_SYMBOLS];
        *powers.get_mut(usize::from(symbol))? = 1;
        Some(Self(BTreeMap::from([(powers, 1)])))
    }

    /// As many as a dimension has elements; `None` if it names a symbol that no graph has.
    pub fn of(dimension: Dimension) -> Option<Self> {
        match dimension {
            Dimension::Fixed(elements) => Some(Self::number(elements.into())),
            Dimension::Symbol(symbol) => Self::symbol(symbol),
            Dimension::Computed(formula) => {
                let terms = formula.terms().iter();
                collect(terms.map(|term| Some((term.powers, i128::from(term.coefficient)))))
            }
        }
    }

    /// The dimension that it is; `None` if it is a number that is no dimension, has more than
    /// [`MAX_DIMENSION_TERMS`](super::MAX_DIMENSION_TERMS) terms, or a coefficient beyond 32 bits.
    ///
    /// Whether it is above 0 for all values of its symbols is not looked at.
    pub fn dimension(&self) -> Option<Dimension> {
        if let Some(number) = self.as_number() {
            return u32::try_from(number).ok().map(Dimension::Fixed);
        }
        if let Some(symbol) = self.as_symbol() {
            return Some(Dimension::Symbol(symbol));
        }
        let terms = self.0.iter().map(|(powers, coefficient)| {
            let coefficient = i32::try_from(*coefficient).ok()?;
            Some(Monomial {
                coefficient,
                powers: *powers,
            })
        });
        let terms = terms.collect::<Option<Vec<_>>>()?;
        Formula::new(&terms).map(Dimension::Computed)
    }

    /// The number that it is; `None` if it depends on a symbol.
    pub fn as_number(&self) -> Option<i64> {
        match self.0.len() {
            0 => Some(0),
            1 => self.0.get(&[0; MAX_SYMBOLS]).copied(),
            _ => None,
        }
    }

    fn as_symbol(&self) -> Option<u8> {
        let mut terms = self.0.iter();
        match (terms.next(), terms.next()) {
            (Some((powers, 1)), None) if powers.iter().map(|power| u32::from(*power)).sum::<u32>() == 1 => {
                symbols_of(powers).next()
            }
            _ => None,
        }
    }

    /// Coefficients and powers of its terms, ascending by their powers.
    pub fn terms(&self) -> impl Iterator<Item = (i64, &Powers)> {
        self.0.iter().map(|(powers, coefficient)| (*coefficient, powers))
    }

    /// Both together.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        collect(self.wide().chain(other.wide()).map(Some))
    }

    /// The difference from the other.
    pub fn minus(&self, other: &Self) -> Option<Self> {
        self.plus(&other.times(&Self::number(-1))?)
    }

    /// The product.
    pub fn times(&self, other: &Self) -> Option<Self> {
        let products = self.wide().flat_map(|(powers, coefficient)| {
            other.wide().map(move |(others, times)| {
                let powers = combined(&powers, &others, u8::checked_add)?;
                Some((powers, coefficient.checked_mul(times)?))
            })
        });
        collect(products)
    }

    /// The quotient by a number above 0, rounded down; `None` if that is no polynomial: the number has to divide the
    /// coefficients of all terms with symbols.
    pub fn divided(&self, divisor: u32) -> Option<Self> {
        let divisor = i128::from((divisor > 0).then_some(divisor)?);
        let terms = self.wide().map(|(powers, coefficient)| {
            let is_even = powers == [0; MAX_SYMBOLS] || coefficient.checked_rem(divisor)? == 0;
            let quotient = coefficient.checked_div_euclid(divisor)?;
            is_even.then_some((powers, quotient))
        });
        collect(terms)
    }

    /// The factor of the other that gives this; `None` if there is no such polynomial.
    pub fn quotient(&self, divisor: &Self) -> Option<Self> {
        let (first, by) = divisor.0.last_key_value()?;
        let (mut rest, mut quotient) = (self.clone(), Self::default());
        // Each round takes away the last term, and puts none behind it.
        for _ in 0..MAX_EXPRESSION_TERMS {
            let Some((powers, coefficient)) = rest.0.last_key_value() else {
                break;
            };
            if coefficient.checked_rem(*by)? != 0 {
                return None;
            }
            let powers = combined(powers, first, u8::checked_sub)?;
            let term = Self(BTreeMap::from([(powers, coefficient.checked_div(*by)?)]));
            rest = rest.minus(&term.times(divisor)?)?;
            quotient = quotient.plus(&term)?;
        }
        rest.0.is_empty().then_some(quotient)
    }

    /// Its minimum and maximum where each symbol is in its range, both ends included. `None` if a symbol has no
    /// range, or if a term does not fit 64 bits with a sign at an end that is looked at.
    ///
    /// A symbol that is in terms of one sign alone makes it rise or fall everywhere. Where a symbol is in terms of both
    /// signs and never multiplied with itself, the extreme values are at an end of its range, whatever the others are,
    /// so both ends are looked at; of at most three such symbols, the first ones. For the remaining symbols, what is
    /// added is bounded apart from what is taken away.
    pub fn bounds(&self, range: impl Fn(u8) -> Option<(u32, u32)>) -> Option<Bounds> {
        let mut ranges = [(0, 0); MAX_SYMBOLS];
        let (mut pinned, mut is_exact) = (Vec::new(), true);
        for (symbol, ends) in (0u8..).zip(&mut ranges) {
            let mut terms = self.0.iter().filter_map(|(powers, coefficient)| {
                let power = powers.get(usize::from(symbol)).copied()?;
                (power > 0).then_some((power, *coefficient > 0))
            });
            let Some((power, rises)) = terms.next() else {
                continue;
            };
            *ends = range(symbol)?;
            let (power, is_mixed) = terms.fold((power, false), |(power, is_mixed), (other, also)| {
                (power.max(other), is_mixed || also != rises)
            });
            match is_mixed {
                true if power == 1 && pinned.len() < MAX_PINNED => pinned.push(symbol),
                true => is_exact = false,
                false => {}
            }
        }
        let mut bounds: Option<(i128, i128)> = None;
        for corner in 0..1u32.checked_shl(pinned.len() as u32)? {
            let mut ranges = ranges;
            for (bit, symbol) in (0u32..).zip(&pinned) {
                let ends = ranges.get_mut(usize::from(*symbol))?;
                let end = if corner & 1u32.checked_shl(bit)? == 0 {
                    ends.0
                } else {
                    ends.1
                };
                *ends = (end, end);
            }
            let (min, max) = self.interval(&ranges)?;
            bounds = bounds.map_or(Some((min, max)), |(least, most)| Some((least.min(min), most.max(max))));
        }
        let (min, max) = bounds?;
        Some(Bounds { min, max, is_exact })
    }

    /// Bounds of the terms one by one, added up.
    fn interval(&self, ranges: &[(u32, u32); MAX_SYMBOLS]) -> Option<(i128, i128)> {
        let end = |symbol: u8| ranges.get(usize::from(symbol));
        self.0
            .iter()
            .try_fold((0i128, 0i128), |(min, max), (powers, coefficient)| {
                let at_min = term_value(*coefficient, powers, |symbol| Some(end(symbol)?.0))?;
                let at_max = term_value(*coefficient, powers, |symbol| Some(end(symbol)?.1))?;
                let (low, high) = if *coefficient > 0 {
                    (at_min, at_max)
                } else {
                    (at_max, at_min)
                };
                Some((min.checked_add(low.into())?, max.checked_add(high.into())?))
            })
    }

    fn wide(&self) -> impl Iterator<Item = (Powers, i128)> {
        self.0
            .iter()
            .map(|(powers, coefficient)| (*powers, i128::from(*coefficient)))
    }
}

/// The powers of a product or a quotient.
fn combined(a: &Powers, b: &Powers, operation: impl Fn(u8, u8) -> Option<u8>) -> Option<Powers> {
    let mut powers = *a;
    for (power, other) in powers.iter_mut().zip(b) {
        *power = operation(*power, *other)?;
    }
    Some(powers)
}

/// The sum of these terms.
fn collect(terms: impl Iterator<Item = Option<(Powers, i128)>>) -> Option<Expression> {
    let mut sum: BTreeMap<Powers, i128> = BTreeMap::new();
    for term in terms {
        let (powers, coefficient) = term?;
        let entry = sum.entry(powers).or_default();
        *entry = entry.checked_add(coefficient)?;
    }
    sum.retain(|_, coefficient| *coefficient != 0);
    if sum.len() > MAX_EXPRESSION_TERMS {
        return None;
    }
    let terms = sum.into_iter();
    let terms = terms.map(|(powers, coefficient)| Some((powers, i64::try_from(coefficient).ok()?)));
    terms.collect::<Option<_>>().map(Expression)
}
