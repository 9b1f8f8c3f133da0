//! Known answers, which kernels must give on a device before it is used.

use assay_exact::{
    binary32::Binary32,
    functions,
    quantise::{Bits, Precision, QuantisedRow},
};
use assay_ops::words::Function;

/// Rows, their length, and columns: few and many of each, and lengths on both sides of what vectors, tiles and blocks
/// hold.
const SHAPES: [[usize; 3]; 5] = [[1, 64, 17], [7, 1025, 33], [12, 63, 70], [30, 130, 80], [9, 16_384, 2]];

/// Kernels to be tested.
pub(super) trait Kernels {
    /// The products of all rows of `a`, `[M, K]`, with all rows of `b`, `[N, K]`.
    fn product(&self, precision: Precision, shape: [usize; 3], a: &[f32], b: &[f32]) -> Result<Vec<f32>, String>;

    /// A function of each number.
    fn apply(&self, function: Function, numbers: &[f32]) -> Result<Vec<f32>, String>;
}

/// Compares products of rows at the ends of the integers' range, and functions of odd numbers, with the definition;
/// says what differs.
pub(super) fn check(kernels: &impl Kernels) -> Result<(), String> {
    for precision in [Precision::Int8, Precision::Int16, Precision::Int16Int8] {
        for shape in SHAPES {
            for kind in 0..3 {
                check_product(kernels, precision, shape, kind)?;
            }
        }
    }
    let numbers: Vec<f32> = (0..4096).map(odd_number).collect();
    for (function, defined) in [
        (Function::Exp, functions::exp as fn(Binary32) -> Binary32),
        (Function::Gelu, functions::gelu),
        (Function::Rsqrt, functions::rsqrt),
        (Function::Log, functions::log),
    ] {
        let actual = kernels.apply(function, &numbers)?;
        let expected = numbers
            .iter()
            .map(|x| defined(Binary32::from_bits(x.to_bits())).to_bits());
        if !actual.iter().map(|y| y.to_bits()).eq(expected) {
            return Err(format!(
                "{function:?} is not as defined; are subnormal numbers flushed to zero?"
            ));
        }
    }
    Ok(())
}

/// A canonical number of any exponent, from a multiplicative hash (Knuth).
fn odd_number(index: u32) -> f32 {
    f32::from_bits(Binary32::from_bits(index.wrapping_mul(2_654_435_761)).to_bits())
}

/// Elements that are all of one magnitude and sign, of alternating sign, or mixed.
fn element(kind: usize, row: usize, k: usize) -> f32 {
    match kind {
        0 => 1.0,
        1 if (row + k).is_multiple_of(2) => 1.0,
        1 => -1.0,
        _ => odd_number((row * 7919 + k) as u32 % 4096).clamp(-1e9, 1e9),
    }
}

fn check_product(
    kernels: &impl Kernels,
    precision: Precision,
    shape @ [m, k, n]: [usize; 3],
    kind: usize,
) -> Result<(), String> {
    let matrix = |rows: usize, salt: usize| -> Vec<f32> {
        let elements = (0..rows).flat_map(|row| (0..k).map(move |k| element(kind, row + salt, k)));
        elements.map(|x| if x.is_nan() { 0.5 } else { x }).collect()
    };
    let (input, weight) = (matrix(m, 0), matrix(n, 977));
    let actual = kernels.product(precision, shape, &input, &weight)?;
    let quantised = |numbers: &[f32], bits: Bits| -> Vec<QuantisedRow> {
        let rows = numbers.chunks(k);
        rows.map(|row| QuantisedRow::new(row.iter().map(|x| Binary32::from_bits(x.to_bits())), bits))
            .collect()
    };
    let (a, b) = (
        quantised(&input, precision.left()),
        quantised(&weight, precision.right()),
    );
    let expected = a.iter().flat_map(|a| b.iter().map(|b| a.product(b).to_bits()));
    if actual.iter().map(|y| y.to_bits()).eq(expected) {
        return Ok(());
    }
    Err(format!("{precision:?} products of {m}×{k} with {k}×{n} are not exact"))
}
