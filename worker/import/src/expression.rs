//! Sizes that are computed from symbols, as sympy writes them in the program.
//!
//! The export writes `Add(Mul(Integer(2), Symbol('s0', positive=True, integer=True)), Integer(3))` or `2*s0 + 3`. What
//! is a polynomial of the symbols is read, however it is put together: sums, products, powers, quotients that come out
//! even, and the greater or the lesser of two sizes where the symbols' ranges say which it is.

use assay_exact::graph::{Bounds, Expression, Symbol};

/// Sums and products that may stand in one another.
const MAX_DEPTH: usize = 32;
/// Maximum exponent of a power.
const MAX_EXPONENT: i64 = 8;

/// Symbols by their names in the program, in the graph's order.
pub(super) type Known = [(String, Symbol)];

/// Reads an expression of these symbols; the error says what of it is not read.
pub(super) fn read(text: &str, known: &Known) -> Result<Expression, String> {
    let mut reader = Reader { rest: text, known };
    let sum = reader.sum(0)?;
    match reader.rest.trim_start().is_empty() {
        true => Ok(sum),
        false => Err(syntax()),
    }
}

/// Minimum and maximum of an expression in the ranges of these symbols.
pub(super) fn bounds(of: &Expression, known: &Known) -> Option<Bounds> {
    of.bounds(|symbol| {
        let (_, symbol) = known.get(usize::from(symbol))?;
        Some((symbol.min, symbol.max))
    })
}

/// Text that has not been read yet.
struct Reader<'t> {
    rest: &'t str,
    known: &'t Known,
}

type Read = Result<Expression, String>;

impl<'t> Reader<'t> {
    /// Whether this comes next; it is passed over if it does.
    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        match self.takes(sign) {
            true => Ok(()),
            false => Err(syntax()),
        }
    }

    /// Letters, digits and underscores, at least one.
    fn word(&mut self) -> Result<&'t str, String> {
        let rest = self.rest.trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        self.rest = after;
        match word.is_empty() {
            true => Err(syntax()),
            false => Ok(word),
        }
    }

    fn sum(&mut self, depth: usize) -> Read {
        let mut sum = self.product(depth)?;
        loop {
            if self.takes("+") {
                sum = plus(&sum, &self.product(depth)?)?;
            } else if self.takes("-") {
                sum = sum.minus(&self.product(depth)?).ok_or_else(too_large)?;
            } else {
                return Ok(sum);
            }
        }
    }

    fn product(&mut self, depth: usize) -> Read {
        let mut product = self.power(depth)?;
        loop {
            if self.takes("//") {
                product = self.quotient(&product, depth)?;
            } else if self.takes("*") {
                product = times(&product, &self.power(depth)?)?;
            } else {
                return Ok(product);
            }
        }
    }

    /// The quotient by what comes next, which is named if it does not come out even.
    fn quotient(&mut self, dividend: &Expression, depth: usize) -> Read {
        let before = self.rest;
        let divisor = self.power(depth)?;
        let text = before.get(..before.len() - self.rest.len()).unwrap_or_default();
        self.divided(dividend, &divisor, text)
    }

    fn power(&mut self, depth: usize) -> Read {
        let base = self.factor(depth)?;
        match self.takes("**") {
            true => power(&base, &self.factor(depth)?),
            false => Ok(base),
        }
    }

    fn factor(&mut self, depth: usize) -> Read {
        let depth = depth.checked_add(1).filter(|depth| *depth <= MAX_DEPTH);
        let depth = depth.ok_or_else(syntax)?;
        if self.takes("-") {
            let negated = Expression::number(0).minus(&self.power(depth)?);
            return negated.ok_or_else(too_large);
        }
        if self.takes("(") {
            let sum = self.sum(depth)?;
            self.expect(")")?;
            return Ok(sum);
        }
        let word = self.word()?;
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return word.parse().map(Expression::number).map_err(|_| syntax());
        }
        if self.takes("(") {
            return self.call(word, depth);
        }
        self.named(word)
    }

    /// A function of sympy, behind its opening bracket.
    fn call(&mut self, function: &str, depth: usize) -> Read {
        if function == "Symbol" {
            return self.symbol();
        }
        let mut operands = vec![self.sum(depth)?];
        let mut last = self.rest;
        while self.takes(",") {
            last = self.rest;
            operands.push(self.sum(depth)?);
        }
        let last = last.get(..last.len() - self.rest.len()).unwrap_or_default();
        self.expect(")")?;
        let (first, others) = operands.split_first().ok_or_else(syntax)?;
        match (function, others) {
            ("Integer", []) => first.as_number().map(|_| first.clone()).ok_or_else(syntax),
            ("Add", _) => others.iter().try_fold(first.clone(), |sum, other| plus(&sum, other)),
            ("Mul", _) => others
                .iter()
                .try_fold(first.clone(), |product, other| times(&product, other)),
            ("Pow", [exponent]) => power(first, exponent),
            ("FloorDiv" | "CleanDiv", [divisor]) => self.divided(first, divisor, last),
            ("Max", _) => others
                .iter()
                .try_fold(first.clone(), |most, other| self.chosen(most, other, true)),
            ("Min", _) => others
                .iter()
                .try_fold(first.clone(), |least, other| self.chosen(least, other, false)),
            _ => Err(format!("{function} is not read; {}", syntax())),
        }
    }

    /// `'s0', positive=True, integer=True)`: a name, and what is known of it.
    fn symbol(&mut self) -> Read {
        self.expect("'")?;
        let name = self.word()?;
        self.expect("'")?;
        while self.takes(",") {
            self.word()?;
            self.expect("=")?;
            self.word()?;
        }
        self.expect(")")?;
        self.named(name)
    }

    fn named(&self, name: &str) -> Read {
        let position = self.known.iter().position(|(known, _)| known == name);
        let symbol = position.and_then(|position| Expression::symbol(u8::try_from(position).ok()?));
        symbol.ok_or_else(|| format!("{name} is the size of no input, so that nothing gives it a value"))
    }

    /// The greater of two expressions or the lesser one, if the ranges say which it is.
    fn chosen(&self, a: Expression, b: &Expression, greater: bool) -> Read {
        let difference = a.minus(b).ok_or_else(too_large)?;
        match bounds(&difference, self.known) {
            Some(bounds) if bounds.min >= 0 => Ok(if greater { a } else { b.clone() }),
            Some(bounds) if bounds.max <= 0 => Ok(if greater { b.clone() } else { a }),
            _ => Err(format!(
                "it depends on the symbols which of two sizes is the {} one; give torch.export.Dim a min or a max that \
                 decides it, or cut and pad to a fixed size in the model",
                if greater { "greater" } else { "lesser" }
            )),
        }
    }

    /// The quotient, rounded down, if it is a polynomial for all values of the symbols.
    fn divided(&self, dividend: &Expression, divisor: &Expression, text: &str) -> Read {
        let quotient = match divisor.as_number() {
            Some(number) => u32::try_from(number).ok().and_then(|number| dividend.divided(number)),
            None => dividend
                .quotient(divisor)
                .or_else(|| {
                    // Rounded down, what is one less than the next multiple belongs to this one.
                    let rest = divisor.minus(&Expression::number(1))?;
                    dividend.minus(&rest)?.quotient(divisor)
                })
                .filter(|_| bounds(divisor, self.known).is_some_and(|bounds| bounds.min >= 1)),
        };
        quotient.ok_or_else(|| {
            format!(
                "the quotient by {} does not come out even for all values of the symbols; let the model cut or pad to a \
                 multiple, or export it with this dimension fixed",
                text.trim()
            )
        })
    }
}

fn plus(a: &Expression, b: &Expression) -> Read {
    a.plus(b).ok_or_else(too_large)
}

fn times(a: &Expression, b: &Expression) -> Read {
    a.times(b).ok_or_else(too_large)
}

fn power(base: &Expression, exponent: &Expression) -> Read {
    let exponent = exponent
        .as_number()
        .filter(|exponent| (0..=MAX_EXPONENT).contains(exponent));
    let exponent = exponent.ok_or_else(|| format!("an exponent is not a number from 0 to {MAX_EXPONENT}"))?;
    (0..exponent).try_fold(Expression::number(1), |product, _| times(&product, base))
}

fn too_large() -> String {
    "it has too many terms or too large numbers; give the model fewer dynamic dimensions".to_owned()
}

fn syntax() -> String {
    "it is not made of sums, products, even quotients, Max and Min of sizes of inputs; compute it from these in the \
     model, or export it with this dimension fixed"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Symbols of 2 to 9, and of 10 to 20.
    fn known() -> Vec<(String, Symbol)> {
        let ranges = [("s0", 2, 9), ("s1", 10, 20)];
        let symbols = ranges.map(|(name, min, max)| Symbol {
            name: name.to_owned(),
            min,
            max,
        });
        symbols.map(|symbol| (symbol.name.clone(), symbol)).to_vec()
    }

    /// The value for every value of the symbols, if the text is read.
    fn values(text: &str) -> Result<Vec<i64>, String> {
        let expression = read(text, &known())?;
        let pairs = (2..=9).flat_map(|a| (10..=20).map(move |b| [a, b]));
        let values = pairs.map(|pair: [i64; 2]| {
            let terms = expression.terms().map(|(coefficient, powers)| {
                let powers = powers
                    .iter()
                    .zip(pair)
                    .map(|(power, value)| value.pow(u32::from(*power)));
                coefficient * powers.product::<i64>()
            });
            terms.sum()
        });
        Ok(values.collect())
    }

    fn assert_reads(text: &str, expected: impl Fn(i64, i64) -> i64) {
        let pairs = (2..=9).flat_map(|a| (10..=20).map(move |b| (a, b)));
        let expected: Vec<i64> = pairs.map(|(a, b)| expected(a, b)).collect();
        assert_eq!(values(text), Ok(expected), "{text}");
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
            ("7", 0, 7),
            ("Integer(7)", 0, 7),
            ("s0 - s0 + 2*3", 0, 6),
            ("-7//2", 0, -4),
            ("0*s0", 0, 0),
        ] {
            assert_reads(text, |s0, _| factor * s0 + offset);
        }
    }

    #[test]
    fn sums_and_products_of_symbols_are_read() {
        assert_reads("s0 + s1", |a, b| a + b);
        assert_reads("Add(Symbol('s0'), Symbol('s1', positive=True))", |a, b| a + b);
        assert_reads("12*(s0 + s1)", |a, b| 12 * (a + b));
        assert_reads("s0*s1", |a, b| a * b);
        assert_reads("2*(s0 + s1) - 1", |a, b| 2 * (a + b) - 1);
        assert_reads("(s0 - 1)*(s1 + 2)", |a, b| (a - 1) * (b + 2));
        assert_reads("s0**2 - s1", |a, b| a * a - b);
        assert_reads("-s0**2", |a, _| -a * a);
        assert_reads("Pow(Symbol('s0'), Integer(2))", |a, _| a * a);
        assert_reads("Mul(Integer(64), Symbol('s0'), Symbol('s1'))", |a, b| 64 * a * b);
    }

    #[test]
    fn quotients_are_read_where_they_come_out_even() {
        assert_reads("(64*s0*s1)//16", |a, b| 4 * a * b);
        assert_reads("(64*s0*s1)//(16*s1)", |a, _| 4 * a);
        assert_reads("(s0*s1 + s0)//(s1 + 1)", |a, _| a);
        assert_reads("FloorDiv(Mul(Symbol('s0'), Symbol('s1')), Symbol('s0'))", |_, b| b);
        assert_reads("(4*s0 + 2*s1 - 3)//2", |a, b| 2 * a + b - 2);
        assert_reads("(s0*s1 + s0 - 1)//s0", |_, b| b);
        for (text, divisor) in [
            ("s0//2", "2"),
            ("3 + s0//0", "0"),
            ("4//s0", "s0"),
            ("s0//-1", "-1"),
            ("(s0*s1 + 1)//s0", "s0"),
            ("(s0 - 5)*s1//(s0 - 5)", "(s0 - 5)"),
            ("FloorDiv(Symbol('s0'), Integer(2))", "Integer(2)"),
        ] {
            let reason = values(text).expect_err(text);
            let expected = format!("the quotient by {divisor} does not come out even for all values");
            assert!(reason.starts_with(&expected), "{reason}");
        }
    }

    #[test]
    fn the_greater_size_is_read_where_the_ranges_decide_it() {
        assert_reads("Max(1, s0)", |a, _| a);
        assert_reads("Max(Integer(1), Symbol('s0'), Symbol('s1'))", |_, b| b);
        assert_reads("Min(s0, s1)", |a, _| a);
        assert_reads("Min(9, s0) + Min(s1, 10)", |a, _| a + 10);
        assert_reads("s1 - Max(0, s1 - s0)", |a, _| a);
        for text in ["Max(3, s0)", "Min(s0 + 2, s1)"] {
            let reason = values(text).expect_err(text);
            assert!(reason.contains("depends on the symbols which of two sizes"), "{reason}");
        }
    }

    #[test]
    fn other_expressions_are_not() {
        let (deep, deeper) = (
            format!("{}s0{}", "(".repeat(31), ")".repeat(31)),
            format!("{}s0{}", "(".repeat(32), ")".repeat(32)),
        );
        assert_reads(&deep, |a, _| a);
        assert!(values(&format!("{}s0", "-".repeat(100_000))).is_err());
        for text in [
            &deeper,
            "",
            "s0**s1",
            "s0**-1",
            "s0**9",
            "s2",
            "Symbol('u0')",
            "FloorDiv(Symbol('s0'))",
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
            assert!(values(text).is_err(), "{text}");
        }
        assert!(
            values("s2")
                .expect_err("unknown")
                .starts_with("s2 is the size of no input")
        );
        assert!(
            values("Mod(s0, 2)")
                .expect_err("unknown")
                .starts_with("Mod is not read")
        );
    }
}
