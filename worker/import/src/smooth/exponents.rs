//! Exponents for the columns of rows, and what linear layers lose with them.

use super::calibration::Rows;
use assay_exact::quantise::{Bits, Precision};
use assay_ops::tensor::{DataType, Tensor};

/// Parts of α: it is tried at each.
const PARTS: i32 = 8;
/// Greatest exponent.
const GREATEST: i32 = 12;
/// Columns with less than this are as good as empty.
const LEAST: f32 = 1e-6;
/// Products of 16 and 8 bits of which the sum stays within 32 bits: 2^31 / (16319 · 127), rounded down.
const PRODUCTS: usize = 1024;

/// A linear layer whose inputs are known.
pub(super) struct Layer {
    precision: Precision,
    /// Rows of the weight.
    weight: Vec<Vec<f32>>,
    /// Outputs for the kept rows in binary64, and the sum of the squares, row by row.
    outputs: Vec<(Vec<f64>, f64)>,
}

/// Mean square of what is lost, of the outputs' own, for each layer.
pub(super) struct Loss(Vec<f64>);

/// Rows as integers with a scale each.
struct Quantised {
    integers: Vec<i32>,
    scale: f32,
}

impl Layer {
    /// Nothing if the weight is not one of numbers for such rows, or the precision gains nothing.
    pub fn new(weight: &Tensor, precision: Precision, rows: &Rows) -> Option<Self> {
        let fits = weight.dtype() == DataType::Float32 && weight.shape().last().copied()? as usize == rows.length;
        if !fits || precision == Precision::Int16 || rows.length == 0 {
            return None;
        }
        let numbers: Vec<f32> = weight
            .numbers()
            .map(|number| f32::from_bits(number.to_bits()))
            .collect();
        let weight: Vec<Vec<f32>> = numbers.chunks_exact(rows.length).map(<[f32]>::to_vec).collect();
        let outputs = rows.kept().map(|row| {
            let products = weight.iter().map(|weight| {
                let products = row.iter().zip(weight).map(|(x, w)| f64::from(*x) * f64::from(*w));
                products.sum::<f64>()
            });
            let outputs: Vec<f64> = products.collect();
            let square = outputs.iter().map(|output| output * output).sum();
            (outputs, square)
        });
        Some(Self {
            precision,
            outputs: outputs.collect(),
            weight,
        })
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Loss of its outputs.
    fn loss(&self, rows: &Rows, exponents: Option<&[i32]>) -> f64 {
        let scaled = |row: &[f32], sign: i32| -> Vec<f32> {
            let Some(exponents) = exponents else {
                return row.to_vec();
            };
            let numbers = row.iter().zip(exponents);
            numbers
                .map(|(number, exponent)| number * power(sign * exponent))
                .collect()
        };
        let weight = self
            .weight
            .iter()
            .map(|row| Quantised::of(&scaled(row, -1), self.precision.right()));
        let weight: Vec<Quantised> = weight.collect();
        let mut loss = 0.0;
        for (row, (outputs, square)) in rows.kept().zip(&self.outputs) {
            let row = Quantised::of(&scaled(row, 1), self.precision.left());
            let differences = weight.iter().zip(outputs).map(|(weight, output)| {
                let scale = f64::from(row.scale) * f64::from(weight.scale);
                let difference = row.product(weight) as f64 * scale - output;
                difference * difference
            });
            let lost = differences.sum::<f64>();
            if *square > 0.0 {
                loss += lost / square;
            }
        }
        loss / self.outputs.len().max(1) as f64
    }
}

impl Loss {
    /// With these exponents, or without any.
    pub fn of(rows: &Rows, layers: &[Layer], exponents: Option<&[i32]>) -> Self {
        Self(layers.iter().map(|layer| layer.loss(rows, exponents)).collect())
    }

    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len().max(1) as f64
    }

    pub fn of_layers(&self) -> &[f64] {
        &self.0
    }
}

impl Quantised {
    fn of(row: &[f32], bits: Bits) -> Self {
        let greatest = bits.greatest() as f32;
        let magnitude = row.iter().fold(0.0f32, |magnitude, number| magnitude.max(number.abs()));
        let step = magnitude / greatest;
        let scale = if step == 0.0 { 1.0 } else { step };
        let integers = row.iter().map(|number| {
            let integer = (number / scale).round_ties_even();
            integer.clamp(-greatest, greatest) as i32
        });
        Self {
            integers: integers.collect(),
            scale,
        }
    }

    fn product(&self, other: &Self) -> i64 {
        let parts = self.integers.chunks(PRODUCTS).zip(other.integers.chunks(PRODUCTS));
        let sums = parts.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum::<i32>());
        sums.map(i64::from).sum()
    }
}

/// The exponents for each α that is tried.
pub(super) fn candidates(rows: &Rows, layers: &[Layer]) -> Vec<Vec<i32>> {
    let mut weights = vec![0.0f32; rows.length];
    for row in layers.iter().flat_map(|layer| &layer.weight) {
        for (greatest, number) in weights.iter_mut().zip(row) {
            *greatest = greatest.max(number.abs());
        }
    }
    let candidates = (1..PARTS).map(|part| {
        let alpha = part as f32 / PARTS as f32;
        let columns = rows.greatest.iter().zip(&weights);
        let logarithms = columns.map(|(x, w)| alpha * logarithm(*x) - (1.0 - alpha) * logarithm(*w));
        let logarithms: Vec<f32> = logarithms.collect();
        let mean = logarithms.iter().sum::<f32>() / logarithms.len().max(1) as f32;
        let exponents = logarithms.iter().map(|logarithm| {
            let exponent = (mean - logarithm).round_ties_even() as i32;
            exponent.clamp(-GREATEST, GREATEST)
        });
        exponents.collect()
    });
    candidates.collect()
}

/// About the logarithm to base 2: the exponent, and the fraction as it stands. The library's own function is not the
/// same on every machine.
fn logarithm(number: f32) -> f32 {
    let bits = number.max(LEAST).to_bits();
    let (exponent, fraction) = ((bits >> 23) as i32 - 127, bits & 0x007f_ffff);
    exponent as f32 + fraction as f32 / (1u32 << 23) as f32
}

/// A power of two with an exponent of [`GREATEST`] at most.
pub(super) fn power(exponent: i32) -> f32 {
    f32::from_bits((127 + exponent).cast_unsigned() << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_and_logarithms_are_those_of_two() {
        for exponent in -GREATEST..=GREATEST {
            assert_eq!(power(exponent), 2f32.powi(exponent));
            assert_eq!(logarithm(power(exponent)), exponent as f32);
        }
        assert!((logarithm(3.0) - 3f32.log2()).abs() < 0.09);
        assert_eq!(logarithm(0.0), logarithm(LEAST));
    }

    #[test]
    fn integers_are_those_of_the_definition() {
        let quantised = Quantised::of(&[1.1, -2.0, 0.5, 0.001], Bits::Int8);
        assert_eq!(quantised.integers, [70, -127, 32, 0]);
        assert_eq!(quantised.product(&quantised), 70 * 70 + 127 * 127 + 32 * 32);
        let zeros = Quantised::of(&[0.0; 3], Bits::Int16);
        assert_eq!((zeros.scale, zeros.product(&zeros)), (1.0, 0));
    }

    #[test]
    fn sums_of_many_products_do_not_wrap() {
        let row = vec![1.0f32; 3 * PRODUCTS];
        let (fine, coarse) = (Quantised::of(&row, Bits::Int16), Quantised::of(&row, Bits::Int8));
        assert_eq!(fine.product(&coarse), 3 * PRODUCTS as i64 * 16_319 * 127);
    }
}
