//! Text out of tokens as they come. A character of several bytes can be spread over tokens, and is given when it is
//! whole.

use super::{LanguageError, Result};
use tokenizers::Tokenizer;

/// Tokens that may be held back. A character has four bytes, and a token at least one; what is longer is no UTF-8, and
/// is given with a mark of replacement.
const MAX_HELD: usize = 8;
/// Character that a decoder puts in place of bytes that are no character.
const REPLACEMENT: char = '\u{fffd}';

/// A stream of tokens that becomes one of text.
pub struct Detokeniser<'t> {
    tokenizer: &'t Tokenizer,
    /// The tokens given last, since a decoder may look at what is before a token, and then those held back.
    ids: Vec<u32>,
    /// Number of those that were given.
    given: usize,
}

impl<'t> Detokeniser<'t> {
    pub(super) fn new(tokenizer: &'t Tokenizer) -> Self {
        Self {
            tokenizer,
            ids: Vec::new(),
            given: 0,
        }
    }

    /// Takes a token and returns the text that is whole with it, which may be empty. Special tokens have no text.
    pub fn push(&mut self, token: i64) -> Result<String> {
        self.ids.extend(ids(&[token]));
        let text = self.held()?;
        if text.ends_with(REPLACEMENT) && self.ids.len() - self.given < MAX_HELD {
            return Ok(String::new());
        }
        self.ids.drain(..self.given);
        self.given = self.ids.len();
        Ok(text)
    }

    /// The text of what is still held back, in which bytes that are no character are marks of replacement.
    pub fn finish(self) -> Result<String> {
        self.held()
    }

    fn held(&self) -> Result<String> {
        let before = decode(self.tokenizer, &self.ids[..self.given])?;
        let all = decode(self.tokenizer, &self.ids)?;
        // Marks of replacement at the end of what was given can become a character, which then is not given twice.
        let text = all.strip_prefix(&before).map(str::to_owned);
        Ok(match text {
            Some(text) => text,
            None => decode(self.tokenizer, &self.ids[self.given..])?,
        })
    }
}

/// Tokens as the tokenizer's crate has them. A number that is none has no text.
pub(super) fn ids(tokens: &[i64]) -> Vec<u32> {
    tokens.iter().filter_map(|token| u32::try_from(*token).ok()).collect()
}

pub(super) fn decode(tokenizer: &Tokenizer, ids: &[u32]) -> Result<String> {
    tokenizer.decode(ids, true).map_err(|error| LanguageError::Tokenizer {
        reason: error.to_string(),
    })
}
