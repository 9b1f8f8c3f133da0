//! Dimensions as people read them.

use assay_exact::graph::Dimension;

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
