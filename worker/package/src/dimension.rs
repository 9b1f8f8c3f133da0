//! Dimensions as people read them.

use assay_exact::{graph::Dimension, model::Polynomial};

/// A dimension with its symbol's name: `8`, `batch`, `4*batch`, `2*s0 - 3`.
pub fn written(dimension: Dimension, name: impl FnOnce(u8) -> String) -> String {
    match dimension {
        Dimension::Fixed(elements) => elements.to_string(),
        Dimension::Symbol(symbol) => name(symbol),
        Dimension::Affine { symbol, factor, offset } => {
            let multiple = match factor {
                1 => name(symbol),
                factor => format!("{factor}*{}", name(symbol)),
            };
            match offset {
                0 => multiple,
                1.. => format!("{multiple} + {offset}"),
                _ => format!("{multiple} - {}", offset.unsigned_abs()),
            }
        }
    }
}

/// A polynomial with its symbols' names: `17 + 3*batch + 2*batch*s0^2`.
pub fn polynomial(of: &Polynomial, name: impl Fn(u8) -> String) -> String {
    let terms = of.terms().iter().map(|term| {
        let powers = (0u8..).zip(term.powers).filter(|(_, power)| *power > 0);
        let factors = powers.map(|(symbol, power)| match power {
            1 => name(symbol),
            power => format!("{}^{power}", name(symbol)),
        });
        let factors = std::iter::once(term.coefficient.to_string()).chain(factors);
        factors.collect::<Vec<_>>().join("*")
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

    #[test]
    fn a_dimension_is_written_as_a_multiple_and_a_number() {
        let written_of_s0 = |factor, offset| {
            let dimension = Dimension::of_symbol(0, factor, offset).expect("a dimension");
            written(dimension, |_| "s0".to_owned())
        };
        for (factor, offset, text) in [
            (1, 0, "s0"),
            (4, 0, "4*s0"),
            (1, 1, "s0 + 1"),
            (1, -1, "s0 - 1"),
            (2, 3, "2*s0 + 3"),
            (3, -2_147_483_648, "3*s0 - 2147483648"),
        ] {
            assert_eq!(written_of_s0(factor, offset), text);
        }
        assert_eq!(written(Dimension::Fixed(8), |_| String::new()), "8");
    }
}
