//! Rows of weights as integers of 8 bits with one scale a row, as `Operator::QuantisedLinear` takes them.

/// The greatest integer that a weight becomes.
const GREATEST: f64 = 127.0;
/// How often integers and scale are fitted to one another.
const ROUNDS: usize = 3;

/// Appends a row's integers and returns its scale.
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
}
