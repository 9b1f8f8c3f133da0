//! The text of a language model: conversations become tokens, and tokens become text as they come.
//!
//! A package has three assets for it, under the names that Hugging Face's libraries give them:
//!
//! * `tokenizer.json`, which the `tokenizers` crate reads;
//! * `chat_template.jinja`, if the model converses;
//! * `generation_config.json`, whose `eos_token_id` names the tokens that end an answer.
//!
//! A user's text never becomes a special token. `<|im_end|>` in a message is the text that it is, and only the
//! model's own template can end a turn.

mod chat;
mod stream;

pub use chat::{Message, Role};
pub use stream::Detokeniser;

use crate::inputs::text::TOKENIZER_FILE;
use assay_package::Package;
use chat::Template;
use serde::Deserialize;
use tokenizers::Tokenizer;

/// Name of the asset with the chat template.
pub const TEMPLATE_FILE: &str = "chat_template.jinja";
/// Name of the asset with the tokens that begin and end.
pub const GENERATION_FILE: &str = "generation_config.json";

/// Why a text or a conversation did not become tokens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LanguageError {
    /// The package has no tokenizer.
    #[error("the package has no {TOKENIZER_FILE}, so it takes no text: give its tokens as a tensor")]
    NoTokenizer,
    /// An asset is not what its name says.
    #[error("{file} of the package cannot be used: {reason}")]
    Asset {
        /// The asset's name.
        file: &'static str,
        /// The fault.
        reason: String,
    },
    /// The package has no chat template.
    #[error("the package has no {TEMPLATE_FILE}, so its model continues texts and does not converse")]
    NoTemplate,
    /// The template does not take this conversation.
    #[error("the model's chat template does not take this conversation: {reason}")]
    Conversation {
        /// The template's message.
        reason: String,
    },
    /// A text cannot be cut into tokens, or tokens cannot be put together.
    #[error("the tokenizer fails: {reason}")]
    Tokenizer {
        /// The tokenizer's message.
        reason: String,
    },
}

type Result<T> = std::result::Result<T, LanguageError>;

/// A token that stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Special {
    id: i64,
    content: String,
}

/// The tokenizer and the template of a language model.
pub struct Language {
    /// Does not know special tokens when it encodes.
    tokenizer: Tokenizer,
    specials: Vec<Special>,
    template: Option<Template>,
    begins_with: Option<Special>,
    ends: Vec<i64>,
}

#[derive(Default, Deserialize)]
struct Generation {
    bos_token_id: Option<i64>,
    eos_token_id: Option<Ids>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Ids {
    One(i64),
    Several(Vec<i64>),
}

impl Language {
    /// The language of a package.
    pub fn of(package: &Package) -> Result<Self> {
        let tokenizer = package.asset(TOKENIZER_FILE).ok_or(LanguageError::NoTokenizer)?;
        Self::new(tokenizer, package.asset(TEMPLATE_FILE), package.asset(GENERATION_FILE))
    }

    /// The language that these files describe: the tokenizer, the chat template, and the tokens that begin and end.
    pub fn new(tokenizer: &[u8], template: Option<&[u8]>, generation: Option<&[u8]>) -> Result<Self> {
        let unusable = |file, reason: String| LanguageError::Asset { file, reason };
        let tokenizer = Tokenizer::from_bytes(tokenizer);
        let mut tokenizer = tokenizer.map_err(|error| unusable(TOKENIZER_FILE, error.to_string()))?;
        let mut specials = Vec::new();
        for (id, token) in tokenizer.get_added_tokens_decoder() {
            if !token.special {
                continue;
            }
            if token.single_word || token.lstrip || token.rstrip || token.content.is_empty() {
                let reason = format!(
                    "the special token {:?} takes what is around it into account",
                    token.content
                );
                return Err(unusable(TOKENIZER_FILE, reason));
            }
            specials.push(Special {
                id: i64::from(id),
                content: token.content,
            });
        }
        // The longest of those that begin at one place is the one that is meant.
        specials.sort_by(|a, b| (b.content.len(), &a.content).cmp(&(a.content.len(), &b.content)));
        tokenizer.set_encode_special_tokens(true);
        let generation: Generation = match generation {
            None => Generation::default(),
            Some(bytes) => {
                serde_json::from_slice(bytes).map_err(|error| unusable(GENERATION_FILE, error.to_string()))?
            }
        };
        let begins_with = generation
            .bos_token_id
            .and_then(|id| specials.iter().find(|special| special.id == id));
        let ends = match generation.eos_token_id {
            None => Vec::new(),
            Some(Ids::One(id)) => vec![id],
            Some(Ids::Several(ids)) => ids,
        };
        let template = match template {
            None => None,
            Some(bytes) => {
                let text = std::str::from_utf8(bytes).map_err(|error| unusable(TEMPLATE_FILE, error.to_string()))?;
                Some(Template::new(text).map_err(|reason| unusable(TEMPLATE_FILE, reason))?)
            }
        };
        Ok(Self {
            begins_with: begins_with.cloned(),
            tokenizer,
            specials,
            template,
            ends,
        })
    }

    /// The tokens that end an answer.
    pub fn ends(&self) -> &[i64] {
        &self.ends
    }

    /// Whether the model converses.
    pub fn converses(&self) -> bool {
        self.template.is_some()
    }

    /// The tokens of a text that the model is to continue, with those that the model wants around every text. No part
    /// of the text becomes a special token.
    pub fn encode(&self, text: &str) -> Result<Vec<i64>> {
        self.pieces(text, true)
    }

    /// The tokens of a conversation and of the beginning of the answer to it.
    pub fn chat(&self, messages: &[Message]) -> Result<Vec<i64>> {
        let template = self.template.as_ref().ok_or(LanguageError::NoTemplate)?;
        let begin = self.begins_with.as_ref().map_or("", |special| special.content.as_str());
        let end = self
            .ends
            .iter()
            .find_map(|end| self.specials.iter().find(|special| special.id == *end));
        let end = end.map_or("", |special| special.content.as_str());
        let marked = template.render(messages, [begin, end], &self.specials)?;
        let (mut ids, mut rest) = (Vec::new(), marked.text.as_str());
        while let Some((place, special)) = self.first_special(rest) {
            ids.extend(self.pieces(&marked.plain(&rest[..place]), false)?);
            ids.push(special.id);
            rest = &rest[place + special.content.len()..];
        }
        ids.extend(self.pieces(&marked.plain(rest), false)?);
        Ok(ids)
    }

    /// A stream that tokens are put into as they come.
    pub fn detokeniser(&self) -> Detokeniser<'_> {
        Detokeniser::new(&self.tokenizer)
    }

    /// The text of tokens, without special ones.
    pub fn decode(&self, tokens: &[i64]) -> Result<String> {
        stream::decode(&self.tokenizer, &stream::ids(tokens))
    }

    /// The first special token of a text, and where it stands.
    fn first_special(&self, text: &str) -> Option<(usize, &Special)> {
        let places = self
            .specials
            .iter()
            .filter_map(|special| Some((text.find(&special.content)?, special)));
        // Of two at one place the longer one, which comes first.
        places.min_by_key(|(place, _)| *place)
    }

    fn pieces(&self, text: &str, has_surroundings: bool) -> Result<Vec<i64>> {
        if text.is_empty() && !has_surroundings {
            return Ok(Vec::new());
        }
        let encoding = self.tokenizer.encode_fast(text, has_surroundings);
        let encoding = encoding.map_err(|error| LanguageError::Tokenizer {
            reason: error.to_string(),
        })?;
        // A tokenizer may put a special token in place of what it does not know. Only those around the text are meant.
        let ids = encoding
            .get_ids()
            .iter()
            .map(|id| i64::from(*id))
            .zip(encoding.get_special_tokens_mask());
        let ids =
            ids.filter(|(id, is_around)| **is_around == 1 || self.specials.iter().all(|special| special.id != *id));
        Ok(ids.map(|(id, _)| id).collect())
    }
}

#[cfg(test)]
mod tests;
