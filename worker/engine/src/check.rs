//! How far a package's exact outputs are from the fp32 outputs that were stored with the export.

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
        /// What the system says.
        error: std::io::Error,
    },
    /// The stored outputs are not valid safetensors.
    #[error("{path} is not a safetensors file: {error}")]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
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

/// How the exact outputs compare with the stored ones.
#[derive(Clone, Debug)]
pub struct CheckReport {
    /// One entry for each output of the model.
    pub outputs: Vec<OutputReport>,
    /// Rows of the first output whose greatest element stands where the file's `label` says; `None` without labels.
    pub right: Option<(usize, usize)>,
}

/// How one exact output compares with the stored one.
#[derive(Clone, Debug)]
pub struct OutputReport {
    /// Name of the output.
    pub name: String,
    /// Rows along the last dimension.
    pub rows: usize,
    /// Least cosine between an exact row and the stored one.
    pub cosine: f64,
    /// Greatest difference of two elements.
    pub max_error: f64,
    /// Rows whose greatest element stands at the same place in both.
    pub top1: usize,
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
            } = output;
            writeln!(
                f,
                "{name}: {rows} rows, cosine >= {cosine:.9}, error <= {max_error:.3e}, same top-1 in {top1}"
            )?;
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
        let answers = rows(exact).into_iter().map(|row| top1(&row) as i64);
        (
            answers.zip(&labels).filter(|(answer, label)| answer == *label).count(),
            labels.len(),
        )
    });
    Ok(CheckReport { outputs, right })
}

fn compare(name: &str, exact: &Tensor, stored: &Tensor) -> OutputReport {
    let pairs: Vec<_> = rows(exact).into_iter().zip(rows(stored)).collect();
    let differences = pairs
        .iter()
        .flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| if a == b { 0.0 } else { (a - b).abs() }));
    OutputReport {
        name: name.to_owned(),
        rows: pairs.len(),
        // A difference that is NaN is the greatest there is.
        max_error: differences.fold(0.0, |max: f64, x| if x.is_nan() { f64::INFINITY } else { max.max(x) }),
        cosine: pairs.iter().map(|(a, b)| cosine(a, b)).fold(1.0, f64::min),
        top1: pairs.iter().filter(|(a, b)| top1(a) == top1(b)).count(),
    }
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

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    // Two rows of zeros point the same way.
    if norms == 0.0 {
        f64::from(u8::from(dot(a, a) == dot(b, b)))
    } else {
        dot(a, b) / norms
    }
}

/// The place of the greatest element, the lowest of equal ones.
fn top1(row: &[f64]) -> usize {
    (0..row.len())
        .reduce(|best, i| if row[i] > row[best] { i } else { best })
        .unwrap_or(0)
}
