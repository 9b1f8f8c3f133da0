//! Sizes that are computed from a symbol, as sympy writes them in the program.
//!
//! The export writes `Add(Mul(Integer(2), Symbol('s0', positive=True, integer=True)), Integer(3))` or `2*s0 + 3`. What
//! is a multiple of one symbol and a number is read, however it is put together; everything else is not.

use std::collections::BTreeMap;

/// Sums and products that may stand in one another.
const MAX_DEPTH: usize = 32;

/// A multiple of a symbol, and a number: `factor × symbol + offset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Linear<'t> {
    /// The symbol and its factor, which is not 0; none for a number.
    pub symbol: Option<(&'t str, i64)>,
    /// What is added.
    pub offset: i64,
}

impl<'t> Linear<'t> {
    /// Reads an expression; `None` if it is anything else than a multiple of one symbol and a number.
    pub fn read(text: &'t str) -> Option<Self> {
        let mut reader = Reader { rest: text };
        let Sum { terms, offset } = reader.sum(0)?;
        if !reader.rest.trim_start().is_empty() || terms.len() > 1 {
            return None;
        }
        Some(Self {
            symbol: terms.into_iter().next(),
            offset,
        })
    }
}

/// Multiples of symbols, none of them 0, and a number.
#[derive(Clone, Debug, Default)]
struct Sum<'t> {
    terms: BTreeMap<&'t str, i64>,
    offset: i64,
}

impl Sum<'_> {
    fn plus(mut self, other: Self) -> Option<Self> {
        self.offset = self.offset.checked_add(other.offset)?;
        for (symbol, factor) in other.terms {
            let sum = self.terms.get(symbol).unwrap_or(&0).checked_add(factor)?;
            self.terms.insert(symbol, sum);
        }
        self.terms.retain(|_, factor| *factor != 0);
        Some(self)
    }

    /// The product, if one of the two is a number.
    fn times(self, other: Self) -> Option<Self> {
        let (mut sum, number) = match (self.number(), other.number()) {
            (Some(number), _) => (other, number),
            (None, Some(number)) => (self, number),
            (None, None) => return None,
        };
        sum.offset = sum.offset.checked_mul(number)?;
        for factor in sum.terms.values_mut() {
            *factor = factor.checked_mul(number)?;
        }
        sum.terms.retain(|_, factor| *factor != 0);
        Some(sum)
    }

    /// The quotient by a number above 0, rounded down, if that is a sum for all values of the symbols.
    fn divided(mut self, divisor: Self) -> Option<Self> {
        let divisor = divisor.number().filter(|divisor| *divisor > 0)?;
        for factor in self.terms.values_mut() {
            if *factor % divisor != 0 {
                return None;
            }
            *factor /= divisor;
        }
        self.offset = self.offset.div_euclid(divisor);
        Some(self)
    }

    fn negated(self) -> Option<Self> {
        self.times(Self {
            offset: -1,
            ..Self::default()
        })
    }

    fn number(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.offset)
    }
}

/// What has not been read yet.
struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// Whether this comes next; it is passed over if it does.
    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, sign: &str) -> Option<()> {
        self.takes(sign).then_some(())
    }

    /// Letters, digits and underscores, at least one.
    fn word(&mut self) -> Option<&'t str> {
        let rest = self.rest.trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        self.rest = after;
        (!word.is_empty()).then_some(word)
    }

    fn sum(&mut self, depth: usize) -> Option<Sum<'t>> {
        let mut sum = self.product(depth)?;
        loop {
            if self.takes("+") {
                sum = sum.plus(self.product(depth)?)?;
            } else if self.takes("-") {
                sum = sum.plus(self.product(depth)?.negated()?)?;
            } else {
                return Some(sum);
            }
        }
    }

    fn product(&mut self, depth: usize) -> Option<Sum<'t>> {
        let mut product = self.factor(depth)?;
        loop {
            if self.takes("//") {
                product = product.divided(self.factor(depth)?)?;
            } else if self.takes("*") {
                product = product.times(self.factor(depth)?)?;
            } else {
                return Some(product);
            }
        }
    }

    fn factor(&mut self, depth: usize) -> Option<Sum<'t>> {
        let depth = depth.checked_add(1).filter(|depth| *depth <= MAX_DEPTH)?;
        if self.takes("-") {
            return self.factor(depth)?.negated();
        }
        if self.takes("(") {
            let sum = self.sum(depth)?;
            self.expect(")")?;
            return Some(sum);
        }
        let word = self.word()?;
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            let offset = word.parse().ok()?;
            return Some(Sum {
                offset,
                ..Sum::default()
            });
        }
        if self.takes("(") {
            return self.call(word, depth);
        }
        Some(of_symbol(word))
    }

    /// A function of sympy, behind its opening bracket.
    fn call(&mut self, function: &str, depth: usize) -> Option<Sum<'t>> {
        if function == "Symbol" {
            return self.symbol();
        }
        let mut operands = vec![self.sum(depth)?];
        while self.takes(",") {
            operands.push(self.sum(depth)?);
        }
        self.expect(")")?;
        let mut operands = operands.into_iter();
        let first = operands.next()?;
        match (function, operands.len()) {
            ("Integer", 0) => first.number().map(|_| first),
            ("Add", _) => operands.try_fold(first, Sum::plus),
            ("Mul", _) => operands.try_fold(first, Sum::times),
            ("FloorDiv", 1) => first.divided(operands.next()?),
            _ => None,
        }
    }

    /// `'s0', positive=True, integer=True)`: a name, and what is known of it.
    fn symbol(&mut self) -> Option<Sum<'t>> {
        self.expect("'")?;
        let name = self.word()?;
        self.expect("'")?;
        while self.takes(",") {
            self.word()?;
            self.expect("=")?;
            self.word()?;
        }
        self.expect(")")?;
        Some(of_symbol(name))
    }
}

fn of_symbol(name: &str) -> Sum<'_> {
    Sum {
        terms: BTreeMap::from([(name, 1)]),
        offset: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Option<(&str, i64)>, i64)> {
        Linear::read(text).map(|Linear { symbol, offset }| (symbol, offset))
    }

    #[test]
    fn multiples_of_a_symbol_and_a_number_are_read() {
        for (text, factor, offset) in [
            ("s0", 1, 0),
            ("4*s0", 4, 0),
            ("s0*4", 4, 0),
            (" s0 + 1 ", 1, 1),
            ("1 + s0", 1, 1),
            ("2*s0 + 3", 2, 3),
            ("s0 - 1", 1, -1),
            ("-1 + s0", 1, -1),
            ("-s0 + 2*(s0 + 1)*3 - 1", 5, 5),
            ("(6*s0 - 3)//2", 3, -2),
            ("s0 + s1 - s1", 1, 0),
            ("Symbol('s0', positive=True, integer=True)", 1, 0),
            ("Symbol('s0')", 1, 0),
            ("Add(Symbol('s0', positive=True, integer=True), Integer(1))", 1, 1),
            (
                "Add(Mul(Integer(2), Symbol('s0', positive=True, integer=True)), Integer(-3))",
                2,
                -3,
            ),
            ("Mul(Integer(4), Symbol('s0', positive=True, integer=True))", 4, 0),
            ("FloorDiv(Mul(Integer(4), Symbol('s0')), Integer(2))", 2, 0),
            ("Add(Integer(-1), Mul(2, s0), 5)", 2, 4),
        ] {
            assert_eq!(read(text), Some((Some(("s0", factor)), offset)), "{text}");
        }
        for (text, number) in [
            ("7", 7),
            ("Integer(7)", 7),
            ("s0 - s0 + 2*3", 6),
            ("-7//2", -4),
            ("0*s0", 0),
        ] {
            assert_eq!(read(text), Some((None, number)), "{text}");
        }
    }

    #[test]
    fn other_expressions_are_not() {
        let (deep, deeper) = (
            format!("{}s0{}", "(".repeat(31), ")".repeat(31)),
            format!("{}s0{}", "(".repeat(32), ")".repeat(32)),
        );
        assert_eq!(read(&deep), Some((Some(("s0", 1)), 0)));
        assert_eq!(read(&format!("{}s0", "-".repeat(100_000))), None);
        for text in [
            &deeper,
            "",
            "s0*s1",
            "s0 + s1",
            "s0*s0",
            "s0**2",
            "s0//2",
            "s0//0",
            "4//s0",
            "FloorDiv(Symbol('s0'), Integer(2))",
            "FloorDiv(Symbol('s0'))",
            "Pow(Symbol('s0'), Integer(2))",
            "Max(Integer(1), Symbol('s0'))",
            "Mod(s0, 2)",
            "Rational(1, 2)",
            "Integer(Symbol('s0'))",
            "Integer()",
            "Symbol(s0)",
            "Symbol('s0'",
            "Symbol('s0', positive)",
            "s0 s1",
            "s0 +",
            "(s0",
            "s0)",
            "2.5*s0",
            "9223372036854775808",
            "9223372036854775807*s0*2",
            "9223372036854775807 + s0 + 1",
            "Add(s0, evaluate=False)",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
