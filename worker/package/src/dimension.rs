//! Dimensions as people read them.

use assay_exact::{graph::Dimension, model::Polynomial};

/// A dimension with its symbols' names: `8`, `batch`, `4·batch`, `past + length`, `2·batch·length - 3`.
pub fn written(dimension: Dimension, name: impl Fn(u8) -> String) -> String {
    match dimension {
        Dimension::Fixed(elements) => elements.to_string(),
        Dimension::Symbol(symbol) => name(symbol),
        Dimension::Computed(formula) => formula.written(name),
    }
}

/// A polynomial with its symbols' names: `17 + 3·batch + 2·batch·s0^2`.
pub fn polynomial(of: &Polynomial, name: impl Fn(u8) -> String) -> String {
    let terms = of.terms().iter().map(|term| {
        let powers = (0u8..).zip(term.powers).filter(|(_, power)| *power > 0);
        let factors = powers.map(|(symbol, power)| match power {
            1 => name(symbol),
            power => format!("{}^{power}", name(symbol)),
        });
        let factors = std::iter::once(term.coefficient.to_string()).chain(factors);
        factors.collect::<Vec<_>>().join("·")
    });
    let terms: Vec<String> = terms.collect();
    match terms.is_empty() {
        true => "0".to_owned(),
        false => terms.join(" + "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_exact::graph::Expression;

    fn named(symbol: u8) -> String {
        ["batch", "past", "length"][usize::from(symbol)].to_owned()
    }

    #[test]
    fn a_dimension_is_written_as_a_multiple_and_a_number() {
        let multiple = |factor, offset| Dimension::of_symbol(0, factor, offset).expect("a dimension");
        for (factor, offset, text) in [
            (1, 0, "batch"),
            (4, 0, "4·batch"),
            (1, 1, "batch + 1"),
            (1, -1, "batch - 1"),
            (2, 3, "2·batch + 3"),
            (3, -2_147_483_648, "3·batch - 2147483648"),
        ] {
            assert_eq!(written(multiple(factor, offset), named), text);
        }
        assert_eq!(written(Dimension::Fixed(8), named), "8");
    }

    #[test]
    fn a_sum_of_products_is_written_with_the_longest_first() {
        let [batch, past, length] = [0, 1, 2].map(Dimension::Symbol);
        let total = past.plus(length).expect("a sum");
        let area = batch.times(total).expect("a product").shifted(-3).expect("a sum");
        let square = length
            .times(length)
            .and_then(|square| square.times(Dimension::Fixed(2)));
        let rest = Dimension::of_symbol(0, 1, -9)
            .and_then(|rest| Expression::of(Dimension::Fixed(5))?.minus(&Expression::of(rest)?));
        for (dimension, text) in [
            (Some(total), "past + length"),
            (Some(area), "batch·past + batch·length - 3"),
            (square, "2·length^2"),
            (rest.and_then(|rest| rest.dimension()), "14 - batch"),
        ] {
            assert_eq!(
                dimension.map(|dimension| written(dimension, named)).as_deref(),
                Some(text)
            );
        }
    }
}
