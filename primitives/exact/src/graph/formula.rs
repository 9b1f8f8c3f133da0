//! Dimensions that are computed from several symbols or several times from one, as they are written.

use super::MAX_SYMBOLS;
use crate::bounded::Bounded;
use alloc::{format, string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, EncodeLike, Error, Input, MaxEncodedLen, Output};
use scale_info::{Type, TypeInfo};

/// Terms of a computed dimension.
pub const MAX_DIMENSION_TERMS: usize = 5;

/// The power of each symbol in a product.
pub type Powers = [u8; MAX_SYMBOLS];

/// One product of a computed dimension: a number, and powers of symbols.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[scale_info(capture_docs = "always")]
pub struct Monomial {
    /// The number by which the symbols are multiplied, not 0.
    pub coefficient: i32,
    /// For each symbol how often it is a factor; all 0 for a number alone.
    pub powers: Powers,
}

/// A sum of at most [`MAX_DIMENSION_TERMS`] products of symbols, encoded as a `Vec` of its terms.
///
/// It is canonical ([`Dimension::is_canonical`](super::Dimension::is_canonical)) if its terms ascend by their powers,
/// of which that of the first symbol counts most, no coefficient is 0, and it is neither a number nor a symbol alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Formula {
    /// Elements beyond `count` have the default.
    terms: [Monomial; MAX_DIMENSION_TERMS],
    count: u8,
}

type Terms = Bounded<Monomial, { MAX_DIMENSION_TERMS as u32 }>;

impl Formula {
    /// The sum of these terms as they are; `None` if they are too many.
    pub fn new(terms: &[Monomial]) -> Option<Self> {
        let mut array = [Monomial::default(); MAX_DIMENSION_TERMS];
        array.get_mut(..terms.len())?.copy_from_slice(terms);
        let count = u8::try_from(terms.len()).ok()?;
        Some(Self { terms: array, count })
    }

    /// The terms.
    pub fn terms(&self) -> &[Monomial] {
        self.terms.get(..usize::from(self.count)).unwrap_or_default()
    }

    /// The value for these values of the symbols; `None` if one has none, or if a term's value does not fit 64 bits
    /// with a sign.
    pub(super) fn value(&self, value: impl Fn(u8) -> Option<u32>) -> Option<i128> {
        let terms = self.terms().iter();
        let mut values = terms.map(|term| term_value(term.coefficient.into(), &term.powers, &value));
        values.try_fold(0i128, |sum, term| sum.checked_add(term?.into()))
    }
}

/// A coefficient times powers of the symbols' values; `None` if a symbol has no value, or if it does not fit 64 bits
/// with a sign.
pub(super) fn term_value(coefficient: i64, powers: &Powers, value: impl Fn(u8) -> Option<u32>) -> Option<i64> {
    let mut magnitude = Some(coefficient.unsigned_abs());
    let mut is_zero = false;
    for (symbol, power) in (0u8..).zip(powers).filter(|(_, power)| **power > 0) {
        let base = u64::from(value(symbol)?);
        is_zero |= base == 0;
        // Powers of 1 would cost as much as others.
        if base > 1 {
            let factor = base.checked_pow(u32::from(*power));
            magnitude = magnitude
                .zip(factor)
                .and_then(|(product, factor)| product.checked_mul(factor));
        }
    }
    match (is_zero, coefficient < 0) {
        (true, _) => Some(0),
        (false, true) => 0i64.checked_sub_unsigned(magnitude?),
        (false, false) => i64::try_from(magnitude?).ok(),
    }
}

impl core::fmt::Debug for Formula {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.terms()).finish()
    }
}

/// As people read it, with `#0` for the first symbol: `4·#0·#1 - 3`.
impl core::fmt::Display for Formula {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let name = |symbol: u8| format!("#{symbol}");
        f.write_str(&self.written(name))
    }
}

impl Formula {
    /// As people read it, with these names of the symbols: `past + length`, `2·batch·length - 1`. What is multiplied
    /// most comes first, and a number alone last.
    pub fn written(&self, name: impl Fn(u8) -> String) -> String {
        let mut terms = self.terms().to_vec();
        let degree = |term: &Monomial| term.powers.iter().map(|power| u32::from(*power)).sum::<u32>();
        terms.sort_by_key(|term| core::cmp::Reverse((degree(term), term.powers)));
        // A sum does not begin with a minus if it can begin with anything else.
        if let Some(first) = terms.iter().position(|term| term.coefficient > 0) {
            terms.get_mut(..=first).unwrap_or_default().rotate_right(1);
        }
        let mut text = String::new();
        for term in &terms {
            text.push_str(match (text.is_empty(), term.coefficient < 0) {
                (true, false) => "",
                (true, true) => "-",
                (false, false) => " + ",
                (false, true) => " - ",
            });
            text.push_str(&product_text(term, &name));
        }
        text
    }
}

/// A term without its sign.
fn product_text(term: &Monomial, name: &impl Fn(u8) -> String) -> String {
    let powers = (0u8..).zip(term.powers).filter(|(_, power)| *power > 0);
    let factors = powers.map(|(symbol, power)| match power {
        1 => name(symbol),
        power => format!("{}^{power}", name(symbol)),
    });
    let mut factors: Vec<String> = factors.collect();
    let number = term.coefficient.unsigned_abs();
    if number != 1 || factors.is_empty() {
        factors.insert(0, format!("{number}"));
    }
    factors.join("·")
}

impl Encode for Formula {
    fn size_hint(&self) -> usize {
        self.terms().size_hint()
    }

    fn encode_to<T: Output + ?Sized>(&self, dest: &mut T) {
        self.terms().encode_to(dest);
    }
}

impl EncodeLike for Formula {}

impl Decode for Formula {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let terms = Terms::decode(input)?;
        Self::new(&terms).ok_or_else(|| "a dimension has more terms than it may have".into())
    }
}

impl DecodeWithMemTracking for Formula {}

impl MaxEncodedLen for Formula {
    fn max_encoded_len() -> usize {
        Terms::max_encoded_len()
    }
}

impl TypeInfo for Formula {
    type Identity = <Vec<Monomial> as TypeInfo>::Identity;

    fn type_info() -> Type {
        Vec::<Monomial>::type_info()
    }
}
