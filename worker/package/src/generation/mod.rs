//! Check graphs: from a language model's graph, the graph that says whether the model generates a sequence.
//!
//! A language model is a graph `tokens [batch, length] → logits [batch, length, vocabulary]` in which a row of logits
//! depends on the tokens up to its own. Its check graph takes a prompt, the parameters of sampling and a whole
//! sequence,
//! selects the token after every position, and compares: `docs/importing.md`, *Language models*, has it in formulas.
//!
//! A check graph is a function of the model, the stop tokens and nothing else. [`Generation::of`] makes it again from
//! what a graph begins with, and so knows that a graph which says that it is one checks what check graphs check. A
//! worker may therefore generate from a stranger's package.

mod model;
mod sampling;
mod select;
mod valid;
mod writer;

use assay_exact::{
    digest::DataType,
    graph::{CheckedGraph, Dimension, Graph, GraphError, Input, Output, Symbol, Value},
    model::{GENERATION_INPUTS, GENERATION_OUTPUTS, ValueRange},
};
use writer::Writer;

pub use sampling::Sampling;

/// Maximum number of stop tokens.
pub const MAX_STOP_TOKENS: usize = 16;
/// Maximum number of tokens that sampling chooses among: the best ones.
pub const MAX_CANDIDATES: u32 = 64;
/// Maximum size of a vocabulary.
pub const MAX_VOCABULARY: u32 = 1 << 21;

/// Prefix of the names of the nodes that a check graph has and its model has not.
const PREFIX: &str = "generation.";
/// Position of the prompt's length among the symbols of a check graph.
const PROMPT: u8 = 0;
/// Position of the sequence's length among them.
const LENGTH: u8 = 1;
/// Names of the two.
const SYMBOL_NAMES: [&str; 2] = ["prompt", "sequence"];

/// Inputs of a check graph, in their order.
const PROMPT_TOKENS: Value = Value::Input(0);
const TEMPERATURE: Value = Value::Input(1);
const TOP_P: Value = Value::Input(2);
const TOP_K: Value = Value::Input(3);
const SEED: Value = Value::Input(4);
const MAX_TOKENS: Value = Value::Input(5);
const SEQUENCE: Value = Value::Input(6);

/// A language model's graph, and which of its tensors are which.
#[derive(Clone, Debug)]
pub struct LanguageModel {
    /// The graph.
    pub graph: Graph,
    /// Position of the input `tokens [batch, length]` of Int64; `batch` may be fixed at 1. No other input may matter.
    pub tokens: u16,
    /// Position of the output `logits [batch, length, vocabulary]` of Float32.
    pub logits: usize,
}

/// Parts of a check graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// The logits `[1, sequence, vocabulary]`.
    pub logits: Value,
    /// The token `[1, sequence]` that the model selects after every position.
    pub selected: Value,
    /// Number of tokens that there are.
    pub vocabulary: u32,
    /// Maximum length of a sequence, the prompt included.
    pub max_length: u32,
    /// Tokens after which a sequence ends.
    pub stop_tokens: Vec<i64>,
}

/// Reasons for which there is no check graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerationError {
    /// The tokens are not an Int64 input `[batch, length]`.
    #[error("the tokens are not an input of Int64 with the dimensions [batch, length], where length is dynamic")]
    Tokens,
    /// The logits are not `[batch, length, vocabulary]`.
    #[error("the logits are not an output of Float32 with the dimensions [batch, length, vocabulary] of the tokens")]
    Logits,
    /// The vocabulary is too small or too large.
    #[error("a vocabulary of {0} tokens is not supported: it may have 2 to {MAX_VOCABULARY}")]
    Vocabulary(u32),
    /// The sequence cannot be longer than a token.
    #[error("the length is never more than 1, which leaves no room for a token after a prompt")]
    Length,
    /// The model takes more than tokens.
    #[error("the model takes {0} as well; a language model may take tokens alone: export it without a cache")]
    OtherInput(String),
    /// A dimension cannot be written in terms of one sequence's length.
    #[error("a dimension of {0} depends on more than batch and length")]
    Dimension(String),
    /// A stop token is not in the vocabulary, is there twice, or there are too many.
    #[error("the stop tokens must be at most {MAX_STOP_TOKENS} different tokens of the vocabulary")]
    StopTokens,
    /// The graph is not the check graph of its model.
    #[error("the graph is not the check graph of a language model with these stop tokens: import the model again")]
    NotCanonical,
    /// The model's graph or the check graph is unsound.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl Generation {
    /// Recognises a check graph with these stop tokens.
    pub fn of(graph: &CheckedGraph, stop_tokens: &[i64]) -> Result<Self, GenerationError> {
        let whole = graph.graph();
        let begins = whole.nodes.iter().position(|node| node.name.starts_with(PREFIX));
        let begins = begins.ok_or(GenerationError::NotCanonical)?;
        let first = whole.nodes.get(begins).and_then(|node| node.inputs.first());
        let logits = *first.ok_or(GenerationError::NotCanonical)?;
        let Some((_, [_, _, Dimension::Fixed(vocabulary)])) = graph.value(logits) else {
            return Err(GenerationError::Logits);
        };
        let length = whole.symbols.get(usize::from(LENGTH));
        let length = length.ok_or(GenerationError::NotCanonical)?;
        let model = Graph {
            nodes: whole.nodes.iter().take(begins).cloned().collect(),
            ..framed(*vocabulary, length.min, length.max, whole.weights.clone())?
        };
        let (again, generation) = finished(model, logits, *vocabulary, stop_tokens)?;
        match again == *whole {
            true => Ok(generation),
            false => Err(GenerationError::NotCanonical),
        }
    }
}

/// The check graph of a language model, whose sequences end after one of these tokens.
pub fn check_graph(model: LanguageModel, stop_tokens: &[i64]) -> Result<CheckedGraph, GenerationError> {
    let (graph, logits, vocabulary) = model::prepared(model)?;
    let (graph, _) = finished(graph, logits, vocabulary, stop_tokens)?;
    Ok(graph.check()?)
}

/// Symbols, inputs and weights of a check graph, without nodes and outputs.
fn framed(
    vocabulary: u32,
    min_length: u32,
    max_length: u32,
    weights: Vec<assay_exact::graph::Weight>,
) -> Result<Graph, GenerationError> {
    if max_length < 2 || min_length > max_length {
        return Err(GenerationError::Length);
    }
    if !(2..=MAX_VOCABULARY).contains(&vocabulary) {
        return Err(GenerationError::Vocabulary(vocabulary));
    }
    let symbol = |name: &str, min, max| Symbol {
        name: name.to_owned(),
        min,
        max,
    };
    let [prompt, sequence] = SYMBOL_NAMES;
    let token = Some(ValueRange {
        min: 0,
        max: i64::from(vocabulary) - 1,
    });
    let count = |max: u32| {
        Some(ValueRange {
            min: 1,
            max: i64::from(max),
        })
    };
    let rows = |symbol| vec![Dimension::Fixed(1), Dimension::Symbol(symbol)];
    let one = || vec![Dimension::Fixed(1)];
    let kinds = [
        (DataType::Int64, rows(PROMPT), token),
        (DataType::Float32, one(), None),
        (DataType::Float32, one(), None),
        (DataType::Int64, one(), count(MAX_CANDIDATES)),
        (DataType::Int64, one(), None),
        (DataType::Int64, one(), count(max_length - 1)),
        (DataType::Int64, rows(LENGTH), token),
    ];
    let inputs = GENERATION_INPUTS.iter().zip(kinds);
    let inputs = inputs.map(|(name, (dtype, dimensions, range))| Input {
        name: (*name).to_owned(),
        dtype,
        dimensions,
        range,
    });
    Ok(Graph {
        symbols: vec![
            symbol(prompt, 1, max_length - 1),
            symbol(sequence, min_length, max_length),
        ],
        inputs: inputs.collect(),
        weights,
        nodes: Vec::new(),
        outputs: Vec::new(),
    })
}

/// A graph that ends in logits, with selection and comparison put after them.
fn finished(
    graph: Graph,
    logits: Value,
    vocabulary: u32,
    stop_tokens: &[i64],
) -> Result<(Graph, Generation), GenerationError> {
    let fits = |token: &i64| (0..i64::from(vocabulary)).contains(token);
    let mut distinct = stop_tokens.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() != stop_tokens.len() || distinct.len() > MAX_STOP_TOKENS || !distinct.iter().all(fits) {
        return Err(GenerationError::StopTokens);
    }
    let max_length = graph.symbols.get(usize::from(LENGTH)).map_or(0, |symbol| symbol.max);
    let mut writer = Writer::new(graph);
    let selected = select::selected(&mut writer, logits, vocabulary);
    let valid = valid::valid(&mut writer, selected, stop_tokens, max_length);
    let sequence = writer.reshape("sequence", SEQUENCE, &[Dimension::Fixed(1), Dimension::Symbol(LENGTH)]);
    let outputs = GENERATION_OUTPUTS.iter().zip([sequence, valid]);
    let outputs = outputs.map(|(name, value)| Output {
        name: (*name).to_owned(),
        value,
    });
    let graph = Graph {
        outputs: outputs.collect(),
        ..writer.finish()
    };
    let generation = Generation {
        logits,
        selected,
        vocabulary,
        max_length,
        stop_tokens: stop_tokens.to_vec(),
    };
    Ok((graph, generation))
}
