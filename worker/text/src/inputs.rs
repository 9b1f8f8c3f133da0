//! Files of inputs for jobs: safetensors and JSON, one job for each row of the batch dimension, or for as many rows as
//! the model takes at least.
//!
//! A file has one tensor for each input of the model, by name, and may have a `label` for each row.
//!
//! * **`.safetensors`**: `image: F32 [N, 8, 8]` for an input `image: float32 [batch, 8, 8]`; `label: I64 [N]`.
//! * **`.json`**: `{"image": [[…], …], "label": 7}`: one object or a list of them, numbers in nested lists, in which
//!   the batch dimension may be left out for a single job.
//!
//! A model without a batch dimension takes one job per file. A folder stands for the `.safetensors` and `.json` files
//! in it, in the order of their names.
//!
//! Models of text take [`text`] as well.

mod json;
pub mod text;

use assay_exact::graph::{BindError, CheckedGraph};
use assay_ops::tensor::{DataType, Tensor};
use safetensors::SafeTensors;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Most bytes of one file.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// Name of the tensor that holds the right answers.
const LABEL: &str = "label";

/// The inputs of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobInput {
    /// The file, and `#row` where it holds several jobs.
    pub name: String,
    /// One tensor for each of the model's inputs, in the model's order.
    pub tensors: Vec<Tensor>,
    /// The right answer, if the file gives it.
    pub label: Option<i64>,
}

/// Why a file of inputs was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The file or the folder cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The file is too large.
    #[error("{path} has more than {MAX_FILE_BYTES} bytes; split it")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file's extension is not known.
    #[error("{path} is neither .safetensors nor .json, nor a .txt of texts for a model that has a tokenizer")]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// There is no file of inputs in the folder.
    #[error("{path} holds no .safetensors or .json file")]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The file does not have the form that its extension says.
    #[error("{path} is not valid: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// An input of the model is not in the file.
    #[error("{path} has no input named {input}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The model's name for the input.
        input: String,
    },
    /// A tensor does not fit the model.
    #[error("{path}: {error}")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// The misfit.
        error: BindError,
    },
    /// The file's rows do not make batches that the model takes.
    #[error(
        "{path} has {rows} rows, and the model takes {least} to {greatest} rows in a job: give at least {least} rows in a \
         file, in numbers that make whole jobs (a text is one row; texts for such a model are given as tensors of tokens)"
    )]
    Batches {
        /// The file.
        path: PathBuf,
        /// Its rows.
        rows: usize,
        /// Least rows of a job.
        least: u32,
        /// Most rows of a job.
        greatest: u32,
    },
    /// The tensors of a file have different numbers of rows.
    #[error("{path}: {tensor} has {actual} rows where the first input has {expected}")]
    Rows {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// Rows of the first input.
        expected: usize,
        /// Rows of this tensor.
        actual: usize,
    },
}

/// Reads the jobs of a file or a folder for the model with this graph, each checked against it.
pub fn read(path: &Path, graph: &CheckedGraph) -> Result<Vec<JobInput>, InputError> {
    if !path.is_dir() {
        return read_file(path, graph);
    }
    let read_error = |error| InputError::Read {
        path: path.to_owned(),
        error,
    };
    let entries = fs::read_dir(path)
        .map_err(read_error)?
        .map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<Result<Vec<_>, _>>().map_err(read_error)?;
    files.retain(|file| file.is_file() && matches!(extension(file), "safetensors" | "json"));
    files.sort();
    if files.is_empty() {
        return Err(InputError::Empty { path: path.to_owned() });
    }
    let mut jobs = Vec::new();
    for file in files {
        jobs.extend(read_file(&file, graph)?);
    }
    Ok(jobs)
}

/// Content of a file before it is cut into jobs: tensors in the model's order, and labels.
struct Content {
    tensors: Vec<Tensor>,
    labels: Option<Vec<i64>>,
}

fn read_file(path: &Path, graph: &CheckedGraph) -> Result<Vec<JobInput>, InputError> {
    let read_error = |error| InputError::Read {
        path: path.to_owned(),
        error,
    };
    if fs::metadata(path).map_err(read_error)?.len() > MAX_FILE_BYTES {
        return Err(InputError::TooLarge { path: path.to_owned() });
    }
    let bytes = || fs::read(path).map_err(read_error);
    let contents = match extension(path) {
        "safetensors" => vec![from_safetensors(path, &bytes()?, graph)?],
        "json" => json::read(path, &bytes()?, graph)?,
        _ => return Err(InputError::Extension { path: path.to_owned() }),
    };
    jobs_of(path, contents, graph)
}

/// Reads the jobs of JSON that stands in no file, each checked against the graph. Errors call it by `name`.
pub fn from_json(name: &str, bytes: &[u8], graph: &CheckedGraph) -> Result<Vec<JobInput>, InputError> {
    let path = Path::new(name);
    jobs_of(path, json::read(path, bytes, graph)?, graph)
}

/// Cuts what a file says into jobs, and names them after it.
fn jobs_of(path: &Path, contents: Vec<Content>, graph: &CheckedGraph) -> Result<Vec<JobInput>, InputError> {
    let mut jobs = Vec::new();
    for content in contents {
        jobs.extend(cut(path, content, graph)?);
    }
    let file = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let several = jobs.len() > 1;
    let batched = graph.batch_symbol().is_some();
    let mut row = 0;
    for job in &mut jobs {
        let rows = if batched { rows_of(&job.tensors) } else { 1 };
        job.name = match rows {
            _ if !several => file.clone(),
            0 | 1 => format!("{file}#{row}"),
            _ => format!("{file}#{row}-{}", row + rows - 1),
        };
        row += rows;
    }
    Ok(jobs)
}

fn from_safetensors(path: &Path, bytes: &[u8], graph: &CheckedGraph) -> Result<Content, InputError> {
    let invalid = |reason: String| InputError::Invalid {
        path: path.to_owned(),
        reason,
    };
    let file = SafeTensors::deserialize(bytes).map_err(|error| invalid(error.to_string()))?;
    let tensors = graph.graph().inputs.iter().map(|input| {
        let missing = || InputError::Missing {
            path: path.to_owned(),
            input: input.name.clone(),
        };
        let view = file.tensor(&input.name).map_err(|_| missing())?;
        assay_package::weights::tensor(&view).ok_or_else(|| {
            invalid(format!(
                "the elements of {} have the type {:?}",
                input.name,
                view.dtype()
            ))
        })
    });
    let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
    let is_input = graph.graph().inputs.iter().any(|input| input.name == LABEL);
    let labels = file
        .tensor(LABEL)
        .ok()
        .filter(|_| !is_input)
        .and_then(|view| assay_package::weights::tensor(&view));
    let labels = labels.filter(|labels| labels.dtype() == DataType::Int64);
    let labels = labels.map(|l| {
        l.bytes()
            .as_chunks()
            .0
            .iter()
            .map(|bytes| i64::from_le_bytes(*bytes))
            .collect()
    });
    Ok(Content { tensors, labels })
}

/// Cuts tensors along the batch dimension and checks every job.
fn cut(path: &Path, content: Content, graph: &CheckedGraph) -> Result<Vec<JobInput>, InputError> {
    let batched = graph.batch_symbol().is_some();
    let rows_of = |tensor: &Tensor| {
        if batched {
            tensor.shape().first().map_or(0, |rows| *rows as usize)
        } else {
            1
        }
    };
    let rows = content.tensors.first().map_or(1, rows_of);
    let lengths = graph.graph().inputs.iter().map(|input| input.name.as_str());
    let lengths = lengths.zip(content.tensors.iter().map(rows_of));
    let labels = content.labels.iter().map(|labels| (LABEL, labels.len()));
    if let Some((tensor, actual)) = lengths.chain(labels).find(|(_, actual)| *actual != rows) {
        return Err(InputError::Rows {
            path: path.to_owned(),
            tensor: tensor.to_owned(),
            expected: rows,
            actual,
        });
    }
    let ranges = match graph.batch_symbol() {
        None => vec![(0, 1)],
        Some(symbol) => batches(path, rows, graph, symbol)?,
    };
    let jobs = ranges.into_iter().map(|(first, count)| {
        let part = |tensor: &Tensor| match batched {
            true => some_rows(tensor, first, count, rows),
            false => tensor.clone(),
        };
        let tensors: Vec<Tensor> = content.tensors.iter().map(part).collect();
        let shapes: Vec<_> = tensors.iter().map(|tensor| (tensor.dtype(), tensor.shape())).collect();
        graph.bind(&shapes).map_err(|error| InputError::Unfit {
            path: path.to_owned(),
            error,
        })?;
        // Several rows have several answers, and a job has one.
        let labels = content.labels.as_ref().filter(|_| count == 1);
        Ok(JobInput {
            name: String::new(),
            label: labels.map(|labels| labels[first]),
            tensors,
        })
    });
    jobs.collect()
}

/// Cuts rows into jobs, each with as few rows as the model takes: the first row of each, and how many it has.
fn batches(path: &Path, rows: usize, graph: &CheckedGraph, symbol: u8) -> Result<Vec<(usize, usize)>, InputError> {
    let range = graph.graph().symbols.get(usize::from(symbol));
    let (least, greatest) = range.map_or((1, 1), |range| (range.min.max(1), range.max));
    let jobs = rows / least as usize;
    let most = jobs.saturating_mul(greatest as usize);
    if jobs == 0 || rows > most {
        return Err(InputError::Batches {
            path: path.to_owned(),
            rows,
            least,
            greatest,
        });
    }
    // What is left over makes the first jobs longer.
    let (each, longer) = (rows / jobs, rows % jobs);
    let mut first = 0;
    let ranges = (0..jobs).map(|job| {
        let count = each + usize::from(job < longer);
        let range = (first, count);
        first += count;
        range
    });
    Ok(ranges.collect())
}

fn rows_of(tensors: &[Tensor]) -> usize {
    let shape = tensors.first().map(Tensor::shape);
    shape.and_then(|shape| shape.first()).map_or(0, |rows| *rows as usize)
}

fn some_rows(tensor: &Tensor, first: usize, count: usize, rows: usize) -> Tensor {
    let mut shape = tensor.shape().to_vec();
    shape[0] = count as u32;
    let size = tensor.bytes().len() / rows;
    let bytes = tensor.bytes()[first * size..(first + count) * size].to_vec();
    Tensor::new(tensor.dtype(), shape, bytes).expect("some of equal rows; qed")
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or("")
}
