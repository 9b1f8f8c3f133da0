//! Requests for generations: texts, conversations or tokens become the inputs of a check graph without the sequence,
//! and the sequences that come back become text.

use super::{Model, outcome::Outcome};
use crate::chain::{H256, VersionRecord, VersionStatus};
use assay_media::labels::{Characters, Labels};
use assay_ops::tensor::{Blake2b256, DataType, Tensor};
use assay_package::{Package, generation::MAX_CANDIDATES};
use assay_text::{
    inputs::{
        JobInput,
        text::{Text, named},
    },
    language::{Language, LanguageError, Message, Role},
};
use assay_types::{ModelParts, ModelVersion, limits, payload::longest_sequence};
use std::path::Path;

/// Tokens that are made where the caller does not say how many.
const DEFAULT_MAX_TOKENS: u32 = 256;
/// Tokens of the longest sequence that a claim carries.
const MAX_CARRIED: u32 = limits::MAX_INLINE_OUTPUT_BYTES / 8;

/// The caller's choice of sampling; a field that is left out has a default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    /// Divisor of the logits; 0 takes the best token every time, and is the default.
    pub temperature: Option<f32>,
    /// The best tokens that together have this probability are chosen from; the default is 1, for all.
    pub top_p: Option<f32>,
    /// Number of best tokens that are chosen from; the default is [`MAX_CANDIDATES`].
    pub top_k: Option<u32>,
    /// The same seed gives the same tokens; the default is 0.
    pub seed: Option<i64>,
    /// Maximum number of tokens that are made; the default is 256, or less where the model's sequences are shorter.
    pub max_tokens: Option<u32>,
}

/// The caller's choices for a generation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    /// Prompts as tokens, each of which is a job.
    pub prompts: Vec<Vec<i64>>,
    /// Whether texts are continued as they are, without the model's chat template.
    pub raw: bool,
    /// The sampling of its tokens.
    pub sampling: Sampling,
}

/// A request for one sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerationRequest {
    /// Its name in messages and results.
    pub name: String,
    /// The tokens to go on from.
    pub prompt: Vec<i64>,
    /// The sampling of its tokens.
    pub sampling: Sampling,
}

/// Why a generation cannot be requested.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// The model gives tensors.
    #[error(
        "{0} is no language model that generates: leave out --prompt, --raw, --temperature, --top-p, --top-k, --seed \
         and --max-tokens"
    )]
    NotGeneration(ModelVersion),
    /// The model takes a prompt.
    #[error("{0} generates from a prompt: give it with --text or --prompt, or texts in a .txt file")]
    Tensors(ModelVersion),
    /// The sequence has to be part of the claim.
    #[error("a generated sequence is part of the claim, since nobody could check it otherwise: leave out --no-output")]
    NoOutput,
    /// A parameter is out of its range.
    #[error("{field} must be {range}")]
    Field {
        /// The option.
        field: &'static str,
        /// Its range.
        range: String,
    },
    /// A prompt does not fit the model.
    #[error("{name} has {tokens} tokens, and a prompt of this model has 1 to {max}: shorten it")]
    Length {
        /// The prompt.
        name: String,
        /// Its tokens.
        tokens: usize,
        /// Maximum that leaves room for a token.
        max: u32,
    },
    /// The sequence may be longer than what a claim carries.
    #[error("{name} may grow to {longest} tokens, and a claim carries {MAX_CARRIED} at most: lower --max-tokens")]
    TooLong {
        /// The prompt.
        name: String,
        /// The maximum length of its sequence.
        longest: u32,
    },
    /// A text did not become tokens.
    #[error("{name}: {error}")]
    Language {
        /// The text.
        name: String,
        /// Why not.
        error: LanguageError,
    },
}

impl Wish {
    /// Whether nothing is said that only a language model can do.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The requests for these texts, and then for the prompts.
    pub fn requests(&self, texts: &[Text], package: &Package) -> Result<Vec<GenerationRequest>, GenerationError> {
        let request = |name: String, prompt| GenerationRequest {
            name,
            prompt,
            sampling: self.sampling,
        };
        let mut requests = Vec::new();
        if let Some(first) = texts.first() {
            let failed = |text: &Text, error| GenerationError::Language {
                name: text.name.clone(),
                error,
            };
            let language = Language::of(package).map_err(|error| failed(first, error))?;
            for text in texts {
                let tokens = self.tokens(&language, &text.text);
                requests.push(request(text.name.clone(), tokens.map_err(|error| failed(text, error))?));
            }
        }
        let prompts = self.prompts.iter().enumerate();
        requests.extend(prompts.map(|(row, prompt)| request(format!("prompt#{row}"), prompt.clone())));
        Ok(requests)
    }

    fn tokens(&self, language: &Language, text: &str) -> Result<Vec<i64>, LanguageError> {
        if self.raw || !language.converses() {
            return language.encode(text);
        }
        language.chat(&[Message {
            role: Role::User,
            content: text.to_owned(),
        }])
    }
}

impl GenerationRequest {
    /// The inputs that the client gives, checked against the model: all but the sequence.
    pub fn input(&self, parts: &ModelParts) -> Result<JobInput, GenerationError> {
        let Sampling {
            temperature,
            top_p,
            top_k,
            seed,
            max_tokens,
        } = self.sampling;
        let field = |field, range: &str| GenerationError::Field {
            field,
            range: range.to_owned(),
        };
        let temperature = temperature.unwrap_or(0.0);
        if !temperature.is_finite() || temperature < 0.0 {
            return Err(field("--temperature", "a number from 0 on"));
        }
        let top_p = top_p.unwrap_or(1.0);
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(field("--top-p", "above 0 and at most 1"));
        }
        let top_k = top_k.unwrap_or(MAX_CANDIDATES);
        if !(1..=MAX_CANDIDATES).contains(&top_k) {
            return Err(field("--top-k", &format!("1 to {MAX_CANDIDATES}")));
        }
        // The longest sequence from one token is the model's maximum.
        let max = longest_sequence(parts, 1, i64::MAX).map_or(0, |longest| longest - 1);
        let max_tokens = max_tokens.unwrap_or(DEFAULT_MAX_TOKENS.min(max));
        if !(1..=max).contains(&max_tokens) {
            return Err(field("--max-tokens", &format!("1 to {max}")));
        }
        let length = u32::try_from(self.prompt.len())
            .ok()
            .filter(|length| (1..=max).contains(length));
        let length = length.ok_or_else(|| GenerationError::Length {
            name: self.name.clone(),
            tokens: self.prompt.len(),
            max,
        })?;
        let longest = longest_sequence(parts, length, max_tokens.into()).unwrap_or(u32::MAX);
        if longest > MAX_CARRIED {
            return Err(GenerationError::TooLong {
                name: self.name.clone(),
                longest,
            });
        }
        let number = |number: f32| tensor(DataType::Float32, vec![1], number.to_le_bytes().to_vec());
        let integer = |integer: i64| tensor(DataType::Int64, vec![1], integer.to_le_bytes().to_vec());
        let prompt = self.prompt.iter().flat_map(|token| token.to_le_bytes()).collect();
        Ok(JobInput {
            name: self.name.clone(),
            tensors: vec![
                tensor(DataType::Int64, vec![1, length], prompt),
                number(temperature),
                number(top_p),
                integer(top_k.into()),
                integer(seed.unwrap_or(0)),
                integer(max_tokens.into()),
            ],
            label: None,
        })
    }
}

/// The maximum length of the sequence that these inputs ask for; `None` if they are not those of a generation.
pub(super) fn declared_length(parts: &ModelParts, tensors: &[Tensor]) -> Option<u32> {
    let (prompt, max_tokens) = (tensors.first()?, tensors.last()?);
    let [1, length] = prompt.shape() else { return None };
    let max_tokens = i64::from_le_bytes(max_tokens.bytes().try_into().ok()?);
    longest_sequence(parts, *length, max_tokens)
}

/// Decodes the tokens that were generated, and names this many of the best classes of each output, where the model's
/// package is in this folder and has a tokenizer or labels.
pub fn put_into_words(
    outcomes: &mut [Outcome],
    version: ModelVersion,
    parts: &ModelParts,
    folder: &Path,
    classes: usize,
) {
    let has_tokens = outcomes.iter().any(|outcome| outcome.tokens.is_some());
    if !has_tokens && classes == 0 {
        return;
    }
    let model = Model {
        version,
        record: VersionRecord {
            root: H256(parts.root::<Blake2b256>()),
            parts: parts.clone(),
            status: VersionStatus::Active,
        },
    };
    let package = match super::find_package(folder, &model) {
        Ok(package) => package,
        Err(error) => return tracing::debug!(%error, "the answers are not put into words"),
    };
    if let Some(labels) = Labels::of(&package).filter(|_| classes > 0) {
        for outcome in outcomes.iter_mut() {
            let first = outcome.outputs.as_ref().and_then(|outputs| outputs.first());
            outcome.best = first.and_then(|output| labels.rank(output, classes));
        }
    }
    if let Some(characters) = Characters::of(&package).filter(|_| classes > 0) {
        for outcome in outcomes.iter_mut() {
            let first = outcome.outputs.as_ref().and_then(|outputs| outputs.first());
            outcome.text = first.and_then(|output| characters.spell(output));
        }
    }
    if !has_tokens {
        return;
    }
    match Language::of(&package) {
        Ok(language) => {
            for outcome in outcomes {
                outcome.text = outcome
                    .tokens
                    .as_deref()
                    .and_then(|tokens| language.decode(tokens).ok());
            }
        }
        Err(error) => tracing::debug!(%error, "the tokens are not decoded"),
    }
}

/// Texts that were given one by one.
pub(super) fn texts(texts: &[String]) -> Vec<Text> {
    named("text", texts.iter().map(String::as_str))
}

fn tensor(dtype: DataType, shape: Vec<u32>, bytes: Vec<u8>) -> Tensor {
    Tensor::new(dtype, shape, bytes).expect("as many elements as the shape says; qed")
}

#[cfg(test)]
mod tests;
