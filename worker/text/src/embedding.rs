//! Models that make embeddings: a text becomes tokens, and the model's output is the vector.
//!
//! The pooling over the tokens and the normalisation are operators of the model's graph, so that they are judged as the
//! rest is. A model whose output has a vector for each token makes no embedding: nothing says how to pool them.

use crate::{
    inputs::{
        JobInput,
        text::{self, TextError},
    },
    tokenizer::{Encoding, Tokenizer},
};
use assay_exact::graph::{CheckedGraph, Dimension};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::Package;

/// Names of the input that takes the tokens' ids.
const TOKENS: [&str; 2] = ["tokens", "input_ids"];
/// Names of all inputs that a text fills.
const FILLED: [&str; 5] = ["tokens", "input_ids", "mask", "attention_mask", "token_type_ids"];

/// Tokenizer and shapes of a model that makes embeddings.
#[derive(Clone, Debug)]
pub struct Embedder {
    tokenizer: Tokenizer,
    context_length: u32,
    vocabulary: Option<u32>,
    dimensions: u32,
}

impl Embedder {
    /// The embedder that a package is; `None` if its model generates, or makes no embedding of a text.
    pub fn of(package: &Package) -> Option<Self> {
        if package.generation().is_some() {
            return None;
        }
        Self::new(text::tokenizer(package).ok()?, package.graph())
    }

    /// The embedder that a tokenizer and a graph are together. The graph takes one text at a time, up to a maximum of
    /// tokens, and gives a binary32 vector of a fixed length and nothing else.
    pub fn new(tokenizer: Tokenizer, graph: &CheckedGraph) -> Option<Self> {
        let of = graph.graph();
        if of.inputs.iter().any(|input| !FILLED.contains(&input.name.as_str())) {
            return None;
        }
        let tokens = of.inputs.iter().find(|input| TOKENS.contains(&input.name.as_str()))?;
        let Some(Dimension::Symbol(length)) = tokens.dimensions.last() else {
            return None;
        };
        let context = of.symbols.get(usize::from(*length))?;
        let [output] = of.outputs.as_slice() else { return None };
        let (dtype, dimensions) = graph.value(output.value)?;
        let dimensions = match (tokens.dimensions.as_slice(), dimensions) {
            ([_], [Dimension::Fixed(elements)]) => *elements,
            ([batch, _], [of_batch, Dimension::Fixed(elements)]) if batch == of_batch => *elements,
            _ => return None,
        };
        let embedder = Self {
            context_length: context.max,
            // A range that begins below 0 is none of tokens.
            vocabulary: tokens
                .range
                .and_then(|range| u32::try_from(range.max.saturating_add(1)).ok()),
            dimensions,
            tokenizer,
        };
        // Tokens that come as numbers have no types, so that those of a text must all be the first.
        let has_types = embedder.tokenizer.encode("a").types.iter().any(|kind| *kind != 0);
        // The shortest input that the model takes says whether one text is a batch.
        let shortest = embedder.input("shortest", &vec![0; context.min as usize], graph);
        (dtype == DataType::Float32 && !has_types && shortest.is_ok()).then_some(embedder)
    }

    /// Maximum number of tokens of an input.
    pub fn context_length(&self) -> u32 {
        self.context_length
    }

    /// Number of tokens that the model knows, where it says so.
    pub fn vocabulary(&self) -> Option<u32> {
        self.vocabulary
    }

    /// Elements of a vector.
    pub fn dimensions(&self) -> u32 {
        self.dimensions
    }

    /// The tokens of a text, with those that the model wants around it. A text that is longer than the tokenizer allows
    /// is refused rather than cut.
    pub fn encode(&self, name: &str, content: &str) -> Result<Vec<i64>, TextError> {
        text::ensure_readable(name, content)?;
        let tokens = self.tokenizer.encode(content).ids;
        match self.tokenizer.limit() {
            Some(limit) if tokens.len() > limit => Err(TextError::TooLong {
                name: name.to_owned(),
                tokens: tokens.len(),
                limit,
            }),
            _ => Ok(tokens),
        }
    }

    /// The model's inputs for these tokens, which are taken as they are: one job.
    pub fn input(&self, name: &str, tokens: &[i64], graph: &CheckedGraph) -> Result<JobInput, TextError> {
        let encoding = Encoding {
            ids: tokens.to_vec(),
            types: vec![0; tokens.len()],
        };
        let jobs = text::from_encoding(name, &encoding, None, graph)?;
        jobs.into_iter()
            .next()
            .ok_or_else(|| TextError::Blank { name: name.to_owned() })
    }

    /// The vector that the model's outputs are; `None` if they are not those of one text.
    pub fn vector(&self, outputs: &[Tensor]) -> Option<Vec<f32>> {
        let [output] = outputs else { return None };
        let elements = output.bytes().as_chunks::<4>().0;
        let is_one = output.dtype() == DataType::Float32 && elements.len() == self.dimensions as usize;
        is_one.then(|| elements.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}
