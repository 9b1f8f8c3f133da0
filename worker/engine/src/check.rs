//! Distance of a package's exact outputs from the fp32 outputs that were stored with the export.

mod language;

pub use language::LanguageReport;

use crate::Engine;
use assay_ops::{
    program::EngineError,
    tensor::{DataType, Tensor},
};
use assay_package::{Package, weights};
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};

/// Why a package was not checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The stored outputs could not be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The stored outputs are not valid safetensors.
    #[error("{path} is not a safetensors file: {error}")]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// The fault.
        error: safetensors::SafeTensorError,
    },
    /// The file lacks an input or an output of the model, or has it with another type or shape.
    #[error("{path} has no tensor {name} of the type and shape that the model has")]
    Tensor {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        name: String,
    },
    /// The model could not be run.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Comparison of the exact outputs with the stored ones.
#[derive(Clone, Debug)]
pub struct CheckReport {
    /// One entry for each output of the model.
    pub outputs: Vec<OutputReport>,
    /// Rows of the first output whose greatest element stands where the file's `label` says; `None` without labels.
    pub right: Option<(usize, usize)>,
    /// Measure of a language model's predictions of the file's text; `None` for a file that has outputs.
    pub language: Option<LanguageReport>,
}

/// Comparison of one exact output with the stored one.
#[derive(Clone, Debug)]
pub struct OutputReport {
    /// Name of the output.
    pub name: String,
    /// Rows along the last dimension.
    pub rows: usize,
    /// Least cosine between an exact row and the stored one; NaN if there is one in `incomparable`.
    pub cosine: f64,
    /// Greatest difference of two elements; infinity if there is a row in `incomparable`.
    pub max_error: f64,
    /// Rows whose greatest element stands at the same place in both; none of `incomparable` is counted.
    pub top1: usize,
    /// Rows in which a difference is NaN or infinite. Infinities that are the same in both are no difference.
    pub incomparable: Vec<usize>,
}

/// Rows that a report names at most, for each output.
const NAMED_ROWS: usize = 20;

impl CheckReport {
    /// Whether every difference is a number.
    pub fn is_comparable(&self) -> bool {
        self.outputs.iter().all(|output| output.incomparable.is_empty())
            && self.language.as_ref().is_none_or(LanguageReport::is_comparable)
    }
}

impl std::fmt::Display for CheckReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for output in &self.outputs {
            let OutputReport {
                name,
                rows,
                cosine,
                max_error,
                top1,
                incomparable,
            } = output;
            writeln!(
                f,
                "{name}: {rows} rows, cosine >= {cosine:.9}, error <= {max_error:.3e}, same top-1 in {top1}"
            )?;
            if !incomparable.is_empty() {
                let named: Vec<String> = incomparable.iter().take(NAMED_ROWS).map(usize::to_string).collect();
                let more = match incomparable.len().saturating_sub(NAMED_ROWS) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                writeln!(
                    f,
                    "{name}: FAILED, differences are NaN or infinite in {} of {rows} rows: {}{more}",
                    incomparable.len(),
                    named.join(", ")
                )?;
            }
        }
        if let Some(language) = &self.language {
            write!(f, "{language}")?;
        }
        match self.right {
            Some((right, all)) => writeln!(
                f,
                "right: {right} of {all} ({:.2} %)",
                100.0 * right as f64 / all as f64
            ),
            None => Ok(()),
        }
    }
}

/// Runs a package on the inputs of a safetensors file and compares the outputs with those in the file: tensors named
/// like the model's inputs and outputs, and optionally `label`, Int64, one for each row of the first output.
///
/// A language model is compared over a text instead, if the file has `tokens` Int64 `[rows, length]`, `likeliest` Int64
/// and `losses` Float32 `[rows, length − 1]`.
pub fn check(package: &Package, engine: &dyn Engine, golden: &Path) -> Result<CheckReport, CheckError> {
    let path = golden.to_owned();
    let bytes = std::fs::read(golden).map_err(|error| CheckError::Read {
        path: path.clone(),
        error,
    })?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| CheckError::Safetensors {
        path: path.clone(),
        error,
    })?;
    let tensor = |name: &str| {
        let tensor = file.tensor(name).ok().and_then(|view| weights::tensor(&view));
        tensor.ok_or_else(|| CheckError::Tensor {
            path: path.clone(),
            name: name.to_owned(),
        })
    };
    if language::NAMES[1..].iter().all(|name| file.tensor(name).is_ok()) {
        return check_text(package, engine, golden, language::NAMES.map(&tensor));
    }
    let graph = package.graph().graph();
    let inputs = graph
        .inputs
        .iter()
        .map(|input| tensor(&input.name))
        .collect::<Result<Vec<_>, _>>()?;
    let exact = engine.load(package)?.run(&inputs)?;

    let mut outputs = Vec::with_capacity(exact.len());
    for (output, exact) in graph.outputs.iter().zip(&exact) {
        let stored = tensor(&output.name)?;
        if stored.shape() != exact.shape() || stored.dtype() != exact.dtype() {
            return Err(CheckError::Tensor {
                path,
                name: output.name.clone(),
            });
        }
        outputs.push(compare(&output.name, exact, &stored));
    }
    let labels = tensor("label").ok().filter(|labels| labels.dtype() == DataType::Int64);
    let right = labels.zip(exact.first()).map(|(labels, exact)| {
        let labels: Vec<i64> = labels
            .bytes()
            .as_chunks()
            .0
            .iter()
            .map(|bytes| i64::from_le_bytes(*bytes))
            .collect();
        // A row without a greatest element gives no answer.
        let answers = rows(exact).into_iter().map(|row| {
            let has_greatest = !row.iter().any(|x| x.is_nan());
            if has_greatest { top1(&row) as i64 } else { -1 }
        });
        (
            answers.zip(&labels).filter(|(answer, label)| answer == *label).count(),
            labels.len(),
        )
    });
    Ok(CheckReport {
        outputs,
        right,
        language: None,
    })
}

/// Compares a language model over the text of a file, of which these are the tensors.
fn check_text(
    package: &Package,
    engine: &dyn Engine,
    golden: &Path,
    [tokens, likeliest, losses]: [Result<Tensor, CheckError>; 3],
) -> Result<CheckReport, CheckError> {
    let model = engine.load(package)?;
    let report = language::compare(&model, [&tokens?, &likeliest?, &losses?])?;
    let language = report.ok_or_else(|| CheckError::Tensor {
        path: golden.to_owned(),
        name: language::NAMES[0].to_owned(),
    })?;
    Ok(CheckReport {
        outputs: Vec::new(),
        right: None,
        language: Some(language),
    })
}

fn compare(name: &str, exact: &Tensor, stored: &Tensor) -> OutputReport {
    let mut report = OutputReport {
        name: name.to_owned(),
        rows: 0,
        cosine: 1.0,
        max_error: 0.0,
        top1: 0,
        incomparable: Vec::new(),
    };
    for (row, (a, b)) in rows(exact).into_iter().zip(rows(stored)).enumerate() {
        report.rows += 1;
        let differences = a.iter().zip(&b).map(|(a, b)| if a == b { 0.0 } else { (a - b).abs() });
        // The sum of numbers that are not negative is finite only if each of them is.
        if !differences.clone().sum::<f64>().is_finite() {
            report.incomparable.push(row);
            continue;
        }
        report.max_error = differences.fold(report.max_error, f64::max);
        report.cosine = report.cosine.min(cosine(&a, &b));
        report.top1 += usize::from(top1(&a) == top1(&b));
    }
    if !report.incomparable.is_empty() {
        (report.cosine, report.max_error) = (f64::NAN, f64::INFINITY);
    }
    report
}

/// The rows along a tensor's last dimension.
fn rows(tensor: &Tensor) -> Vec<Vec<f64>> {
    let numbers = numbers(tensor);
    let length = tensor.shape().last().copied().unwrap_or(1).max(1) as usize;
    numbers.chunks(length).map(<[f64]>::to_vec).collect()
}

/// The elements as binary64 numbers, truth values as 0 and 1.
fn numbers(tensor: &Tensor) -> Vec<f64> {
    let bytes = tensor.bytes();
    match tensor.dtype() {
        DataType::Float32 => tensor
            .numbers()
            .map(|number| f64::from(f32::from_bits(number.to_bits())))
            .collect(),
        DataType::Int64 => integers(bytes, |bytes| i64::from_le_bytes(bytes) as f64),
        DataType::Int32 => integers(bytes, |bytes| f64::from(i32::from_le_bytes(bytes))),
        DataType::Int8 => integers(bytes, |bytes| f64::from(i8::from_le_bytes(bytes))),
        DataType::Uint8 | DataType::Bool => bytes.iter().copied().map(f64::from).collect(),
    }
}

fn integers<const N: usize>(bytes: &[u8], value: fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks().0.iter().copied().map(value).collect()
}

/// The cosine of two rows, apart from the places where both are the same infinity.
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b).filter(|(a, b)| a.is_finite() && b.is_finite()) {
        (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
    }
    let norms = f64::sqrt(aa * bb);
    // Two rows of zeros point the same way.
    if norms == 0.0 {
        f64::from(u8::from(aa == bb))
    } else {
        ab / norms
    }
}

/// The place of the greatest element, the lowest of equal ones.
fn top1(row: &[f64]) -> usize {
    (0..row.len())
        .reduce(|best, i| if row[i] > row[best] { i } else { best })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFINITY: f32 = f32::INFINITY;

    fn compared(exact: &[[f32; 2]], stored: &[[f32; 2]]) -> OutputReport {
        let tensor = |rows: &[[f32; 2]]| {
            let bytes = rows.iter().flatten().flat_map(|number| number.to_le_bytes()).collect();
            Tensor::new(DataType::Float32, vec![rows.len() as u32, 2], bytes).expect("as many as the shape says")
        };
        compare("output_0", &tensor(exact), &tensor(stored))
    }

    #[test]
    fn differences_that_are_no_numbers_are_named_and_never_good() {
        let exact = [
            [1.0, 2.0],
            [f32::NAN, 2.0],
            [INFINITY, 2.0],
            [f32::NAN, 2.0],
            [-INFINITY, 2.0],
        ];
        let stored = [[1.0, 2.0], [0.0, 2.0], [3e38, 2.0], [f32::NAN, 2.0], [INFINITY, 2.0]];
        let output = compared(&exact, &stored);
        assert_eq!(
            (output.rows, output.top1, &output.incomparable[..]),
            (5, 1, &[1, 2, 3, 4][..])
        );
        assert!(output.cosine.is_nan() && output.max_error == f64::INFINITY);
        let report = CheckReport {
            outputs: vec![output],
            right: None,
            language: None,
        };
        assert!(!report.is_comparable());
        assert!(report.to_string().contains("4 of 5 rows: 1, 2, 3, 4\n"), "{report}");
    }

    #[test]
    fn the_same_infinity_is_no_difference() {
        let rows = [[-INFINITY, 2.0], [INFINITY, INFINITY], [0.0, 0.0]];
        let output = compared(&rows, &rows);
        assert_eq!((output.cosine, output.max_error, output.top1), (1.0, 0.0, 3));
        assert!(output.incomparable.is_empty());
    }

    #[test]
    fn the_worst_row_counts() {
        let output = compared(&[[1.0, 0.0], [1.0, 0.0]], &[[1.0, 0.0], [0.0, 2.0]]);
        assert_eq!((output.cosine, output.max_error, output.top1), (0.0, 2.0, 1));
    }
}
