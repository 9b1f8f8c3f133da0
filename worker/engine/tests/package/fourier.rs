//! Fourier transforms and complex numbers.

use super::{
    dimensions::{add, fixed, tensor},
    symbols::{import_nodes, numbers, run, size, symbol},
    *,
};
use assay_ops::tensor::Tensor;
use serde_json::json;
use std::f64::consts::TAU;

/// Torch's codes of numbers and of complex ones.
const NUMBERS: u32 = 7;
const COMPLEX: u32 = 10;

fn values(tensor: &Tensor) -> Vec<f64> {
    let numbers = tensor.bytes().as_chunks().0.iter();
    numbers.map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect()
}

/// The transform of a row, as real and imaginary parts.
fn transformed(row: &[f64]) -> Vec<[f64; 2]> {
    let turn = |k: usize, j: usize| TAU * (k * j % row.len()) as f64 / row.len() as f64;
    let sums = (0..row.len()).map(|k| {
        let terms = row.iter().enumerate();
        terms.fold([0.0, 0.0], |[re, im], (j, x)| {
            [re + x * turn(k, j).cos(), im - x * turn(k, j).sin()]
        })
    });
    sums.collect()
}

fn assert_close(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    let largest = expected.iter().fold(0f64, |largest, number| largest.max(number.abs()));
    for (actual, expected) in actual.iter().zip(expected) {
        assert!((actual - expected).abs() < 2e-4 * largest, "{actual} {expected}");
    }
}

#[test]
fn a_transform_of_numbers_and_back_gives_the_numbers() {
    let rows = [fixed(2), fixed(6)];
    let package = import_nodes(&[("x", &rows[..])], &["pairs", "length", "again"], |program| {
        let half = [fixed(2), fixed(4)];
        let given = [("self", tensor("x")), ("dim", fixed(1))];
        add(
            program,
            "half",
            "torch.ops.aten.fft_rfft.default",
            &given,
            COMPLEX,
            &half,
        );
        let given = [("self", tensor("half"))];
        let pairs = [fixed(2), fixed(4), fixed(2)];
        add(
            program,
            "pairs",
            "torch.ops.aten.view_as_real.default",
            &given,
            NUMBERS,
            &pairs,
        );
        add(program, "length", "torch.ops.aten.abs.default", &given, NUMBERS, &half);
        let given = [("self", tensor("half")), ("n", fixed(6)), ("dim", fixed(1))];
        add(
            program,
            "again",
            "torch.ops.aten.fft_irfft.default",
            &given,
            NUMBERS,
            &rows,
        );
    });
    let package = package.expect("a sound program");
    let x = numbers(&[2, 6], 3);
    let given = run(&package, std::slice::from_ref(&x));
    let halves: Vec<[f64; 2]> = values(&x)
        .chunks(6)
        .flat_map(|row| transformed(row)[..4].to_vec())
        .collect();
    assert_eq!(given[0].shape(), [2, 4, 2]);
    assert_close(&values(&given[0]), halves.as_flattened());
    let lengths: Vec<f64> = halves.iter().map(|[re, im]| re.hypot(*im)).collect();
    assert_close(&values(&given[1]), &lengths);
    assert_close(&values(&given[2]), &values(&x));
}

#[test]
fn a_transform_along_a_dynamic_dimension_is_refused_with_what_to_do() {
    let rows = [size(&symbol("s40")), size(&symbol("s41"))];
    let refused = import_nodes(&[("x", &rows[..])], &["real"], |program| {
        let given = [("self", tensor("x")), ("dim", json!({ "as_ints": [1] }))];
        add(
            program,
            "whole",
            "torch.ops.aten.fft_fftn.default",
            &given,
            COMPLEX,
            &rows,
        );
        let given = [("self", tensor("whole"))];
        add(program, "real", "torch.ops.aten.real.default", &given, NUMBERS, &rows);
    });
    let error = refused.expect_err("rows of a contraction are fixed").to_string();
    assert!(error.contains("export it with a fixed one"), "{error}");
}

#[test]
fn operators_that_do_not_know_complex_numbers_do_not_get_them() {
    let rows = [fixed(2), fixed(6)];
    let error = import_nodes(&[("x", &rows[..])], &["real"], |program| {
        let given = [("self", tensor("x")), ("dim", fixed(1))];
        add(
            program,
            "whole",
            "torch.ops.aten.fft_fft.default",
            &given,
            COMPLEX,
            &rows,
        );
        let given = [("self", tensor("whole")), ("dims", json!({ "as_ints": [-1] }))];
        add(program, "flip", "torch.ops.aten.flip.default", &given, COMPLEX, &rows);
        let given = [("self", tensor("flip"))];
        add(program, "real", "torch.ops.aten.real.default", &given, NUMBERS, &rows);
    });
    assert!(
        matches!(&error, Err(ImportError::Operators(places)) if places.len() == 1 && places[0].node == "flip"),
        "{error:?}"
    );
}

#[test]
fn complex_inputs_and_outputs_are_refused() {
    let rows = [fixed(2), fixed(6)];
    let error = import_nodes(&[("x", &rows[..])], &["whole"], |program| {
        let given = [("self", tensor("x")), ("dim", fixed(1))];
        add(
            program,
            "whole",
            "torch.ops.aten.fft_fft.default",
            &given,
            COMPLEX,
            &rows,
        );
    });
    assert!(matches!(error, Err(ImportError::Signature { .. })), "{error:?}");
    let error = import_nodes(&[("x", &rows[..])], &["real"], |program| {
        program["graph_module"]["graph"]["tensor_values"]["x"]["dtype"] = COMPLEX.into();
        let given = [("self", tensor("x"))];
        add(program, "real", "torch.ops.aten.real.default", &given, NUMBERS, &rows);
    });
    assert!(
        matches!(error, Err(ImportError::DataType { code: COMPLEX, .. })),
        "{error:?}"
    );
}
