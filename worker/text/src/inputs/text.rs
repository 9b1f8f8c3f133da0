//! Inputs as text, for models whose package has a tokenizer: each text is a job.
//!
//! The ids of a text go to the model's input `tokens` or `input_ids`, ones to `mask` or `attention_mask`, and the types
//! of the tokens to `token_type_ids`; these are the names that models of text have. A text is a job of its own, so
//! nothing is padded.

use super::{Content, InputError, JobInput, cut};
use crate::tokenizer::{Encoding, Tokenizer};
use assay_exact::graph::{CheckedGraph, Dimension, Input};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::Package;
use std::{fs, path::Path};

/// Name of the asset that a tokenizer is read from.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// Most bytes of one text.
const MAX_TEXT_BYTES: usize = 1 << 16;
/// Most bytes of a file of texts.
const MAX_FILE_BYTES: u64 = 1 << 26;

/// A text, and what it is called in messages and results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The file, or the option, and `#row` where it has several.
    pub name: String,
    /// The text.
    pub text: String,
}

/// Why text was not made a job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The model is none of text, or its tokenizer is not in the package.
    #[error(
        "the package of {model} has no {TOKENIZER_FILE}, so it takes no text: give its inputs as tensors with --input"
    )]
    NoTokenizer {
        /// The model's name.
        model: String,
    },
    /// The tokenizer is of another kind.
    #[error(
        "{TOKENIZER_FILE} of {model} is not one of BERT's, which alone are read here ({reason}): make tokens of the text \
         elsewhere, and give them with --input"
    )]
    Unknown {
        /// The model's name.
        model: String,
        /// The unknown thing.
        reason: String,
    },
    /// The model takes something else beside text.
    #[error(
        "the model's input {input} is not filled by a text, which gives integers for tokens, mask and token_type_ids: give \
         all inputs as tensors with --input"
    )]
    OtherInput {
        /// The input.
        input: String,
    },
    /// There is nothing in the text.
    #[error("{name} is blank: it needs words")]
    Blank {
        /// The text.
        name: String,
    },
    /// The text is larger than any model reads.
    #[error("{name} has more than {MAX_TEXT_BYTES} bytes: split it")]
    TooLarge {
        /// The text.
        name: String,
    },
    /// The text is longer than the model reads.
    #[error("{name} has {tokens} tokens, and the model reads {limit} at most: shorten it, or split it")]
    TooLong {
        /// The text.
        name: String,
        /// Its tokens.
        tokens: usize,
        /// Limits by the tokenizer and the model's shape.
        limit: usize,
    },
    /// The tokens do not fit the model for another reason.
    #[error(transparent)]
    Input(#[from] InputError),
}

/// The texts of a file, one a line; blank lines are left out.
pub fn read_texts(path: &Path) -> Result<Vec<Text>, InputError> {
    let read_error = |error| InputError::Read {
        path: path.to_owned(),
        error,
    };
    if fs::metadata(path).map_err(read_error)?.len() > MAX_FILE_BYTES {
        return Err(InputError::TooLarge { path: path.to_owned() });
    }
    let content = String::from_utf8(fs::read(path).map_err(read_error)?).map_err(|_| InputError::Invalid {
        path: path.to_owned(),
        reason: "it is not UTF-8".to_owned(),
    })?;
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let lines = content.lines().filter(|line| !line.trim().is_empty());
    Ok(named(&file, lines))
}

/// Texts of one source, with names that tell them apart.
pub fn named<'a>(source: &str, texts: impl Iterator<Item = &'a str>) -> Vec<Text> {
    let text = |(row, text): (usize, &str)| Text {
        name: format!("{source}#{row}"),
        text: text.to_owned(),
    };
    texts.enumerate().map(text).collect()
}

/// The tokenizer of a package.
pub fn tokenizer(package: &Package) -> Result<Tokenizer, TextError> {
    let model = || package.manifest().name.clone();
    let asset = package
        .asset(TOKENIZER_FILE)
        .ok_or_else(|| TextError::NoTokenizer { model: model() })?;
    Tokenizer::from_json(asset).map_err(|reason| TextError::Unknown { model: model(), reason })
}

/// Makes each text a job for the model with this graph, checked against it.
pub fn from_texts(texts: &[Text], tokenizer: &Tokenizer, graph: &CheckedGraph) -> Result<Vec<JobInput>, TextError> {
    let job = |text: &Text| {
        ensure_readable(&text.name, &text.text)?;
        from_encoding(&text.name, &tokenizer.encode(&text.text), tokenizer.limit(), graph)
    };
    let jobs: Vec<Vec<JobInput>> = texts.iter().map(job).collect::<Result<_, _>>()?;
    Ok(jobs.into_iter().flatten().collect())
}

/// Refuses a text that is blank, or larger than any model reads.
pub(crate) fn ensure_readable(name: &str, text: &str) -> Result<(), TextError> {
    let name = || name.to_owned();
    if text.trim().is_empty() {
        return Err(TextError::Blank { name: name() });
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(TextError::TooLarge { name: name() });
    }
    Ok(())
}

/// Makes an encoded text a job for the model with this graph, checked against it. `limit` is the tokenizer's maximum
/// number of tokens, if it has one.
pub(crate) fn from_encoding(
    name: &str,
    encoding: &Encoding,
    limit: Option<usize>,
    graph: &CheckedGraph,
) -> Result<Vec<JobInput>, TextError> {
    let inputs = graph.graph().inputs.iter();
    let tensors = inputs.map(|input| tensor(name, encoding, input, limit, graph));
    let tensors = tensors.collect::<Result<_, _>>()?;
    let mut jobs = cut(Path::new(name), Content { tensors, labels: None }, graph)?;
    jobs.iter_mut().for_each(|job| job.name = name.to_owned());
    Ok(jobs)
}

/// Values of a text for one of the model's inputs.
fn tensor(
    name: &str,
    encoding: &Encoding,
    input: &Input,
    limit: Option<usize>,
    graph: &CheckedGraph,
) -> Result<Tensor, TextError> {
    let other = || TextError::OtherInput {
        input: input.name.clone(),
    };
    let count = encoding.ids.len();
    let values = match input.name.as_str() {
        "tokens" | "input_ids" => encoding.ids.clone(),
        "mask" | "attention_mask" => vec![1; count],
        "token_type_ids" => encoding.types.clone(),
        _ => return Err(other()),
    };
    let bytes: Vec<u8> = match input.dtype {
        DataType::Int64 => values.into_iter().flat_map(i64::to_le_bytes).collect(),
        DataType::Int32 => {
            let values = values.into_iter().map(i32::try_from).collect::<Result<Vec<_>, _>>();
            values
                .map_err(|_| other())?
                .into_iter()
                .flat_map(i32::to_le_bytes)
                .collect()
        }
        _ => return Err(other()),
    };
    let shape = match input.dimensions.len() {
        1 => vec![count as u32],
        2 => vec![1, count as u32],
        _ => return Err(other()),
    };
    let most = input.dimensions.last().and_then(|dimension| match dimension {
        Dimension::Symbol(symbol) => graph.graph().symbols.get(usize::from(*symbol)).map(|symbol| symbol.max),
        // A model that takes one length only wants padding, which a text does not have. An input computes none.
        Dimension::Fixed(_) | Dimension::Computed(_) => None,
    });
    let limits = [most.map(|most| most as usize), limit];
    match limits.into_iter().flatten().min() {
        Some(limit) if count > limit => Err(TextError::TooLong {
            name: name.to_owned(),
            tokens: count,
            limit,
        }),
        _ => Tensor::new(input.dtype, shape, bytes).map_err(|_| other()),
    }
}
