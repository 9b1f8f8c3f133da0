//! Known answers, which the kernels must give on this processor before it is used.

use assay_exact::{
    binary32::Binary32,
    functions,
    quantise::{Precision, QuantisedRow},
};
use assay_kernels::{
    elementwise::{Function, apply},
    instructions::Instructions,
    packed::Packed,
    product::linear,
    rows::{Matrix, Rows, Scaling},
    scratch::Scratch,
    threads::Threads,
};

/// Compares products of rows at the ends of the integers' range, and functions of odd numbers, with the definition.
pub(super) fn kernels(instructions: Instructions, threads: &Threads) -> Result<(), String> {
    for precision in [Precision::Int8, Precision::Int16] {
        for shape in [[1, 64, 17], [7, 1025, 33], [30, 130, 80]] {
            for kind in 0..3 {
                if !products_agree(instructions, threads, precision, shape, kind) {
                    return Err(format!(
                        "{precision:?} products are not exact with {}",
                        instructions.name()
                    ));
                }
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
        let mut actual = numbers.clone();
        apply(instructions, function, &mut actual);
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

fn products_agree(
    instructions: Instructions,
    threads: &Threads,
    precision: Precision,
    [m, k, n]: [usize; 3],
    kind: usize,
) -> bool {
    let matrix = |rows: usize, salt: usize| -> Vec<f32> {
        let elements = (0..rows).flat_map(|row| (0..k).map(move |k| element(kind, row + salt, k)));
        elements.map(|x| if x.is_nan() { 0.5 } else { x }).collect()
    };
    let (input, weight) = (matrix(m, 0), matrix(n, 977));
    let mut rows = Rows::new(instructions);
    rows.quantise(Matrix::new(&weight, k), precision, Scaling::ByRow);
    let packed = Packed::new(&rows);
    let scratch = Scratch::new(instructions, threads.count());
    let mut output = vec![0.0; m * n];
    linear(
        threads,
        &scratch,
        Matrix::new(&input, k),
        &packed,
        None,
        &mut output,
        |_| {},
    );
    let quantised = |numbers: &[f32]| -> Vec<QuantisedRow> {
        let rows = numbers.chunks(k);
        rows.map(|row| QuantisedRow::new(row.iter().map(|x| Binary32::from_bits(x.to_bits())), precision))
            .collect()
    };
    let (a, b) = (quantised(&input), quantised(&weight));
    let expected = a.iter().flat_map(|a| b.iter().map(|b| a.product(b).to_bits()));
    output.iter().map(|y| y.to_bits()).eq(expected)
}
