//! The vocabulary of the fake models: every byte, four marks of a conversation, and some words.

use crate::backend::{Message, Role, Token};

/// Ends an answer.
pub const END: Token = 259;
/// The first word.
const FIRST_WORD: Token = 260;
/// Words, each of which begins with a space.
const WORDS: [&str; 48] = [
    " the", " a", " number", " worker", " model", " chain", " exact", " answer", " is", " was", " gives", " takes",
    " one", " two", " three", " and", " or", " but", " price", " token", " layer", " sum", " integer", " proof",
    " block", " of", " in", " with", " from", " to", " who", " what", " never", " always", " checks", " pays",
    " again", " small", " large", " first", " last", " same", " other", " honest", " wrong", " right", " it", " they",
];
/// Number of tokens.
pub const VOCABULARY: u32 = FIRST_WORD + WORDS.len() as u32;

/// The tokens of a text: the longest words, and bytes in between. No text becomes a mark of a conversation.
pub fn encode(text: &str) -> Vec<Token> {
    let (mut tokens, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let fits = WORDS.iter().enumerate().filter(|(_, word)| rest.starts_with(**word));
        match fits.max_by_key(|(_, word)| word.len()) {
            Some((index, word)) => {
                tokens.push(FIRST_WORD + index as Token);
                rest = &rest[word.len()..];
            }
            None => {
                let (bytes, after) = rest.split_at(first.len_utf8());
                tokens.extend(bytes.bytes().map(Token::from));
                rest = after;
            }
        }
    }
    tokens
}

/// The tokens of a conversation and of the beginning of its answer.
pub fn render(messages: &[Message]) -> Vec<Token> {
    let mark = |role: Role| match role {
        Role::System => 256,
        Role::User => 257,
        Role::Assistant => 258,
    };
    let mut tokens = Vec::new();
    for message in messages {
        tokens.push(mark(message.role));
        tokens.extend(encode(&message.content));
        tokens.push(END);
    }
    tokens.push(mark(Role::Assistant));
    tokens
}

/// Bytes of a token; marks have none.
pub fn bytes(token: Token) -> Vec<u8> {
    match u8::try_from(token) {
        Ok(byte) => vec![byte],
        Err(_) => {
            let word = token
                .checked_sub(FIRST_WORD)
                .and_then(|index| WORDS.get(index as usize));
            word.map_or(Vec::new(), |word| word.as_bytes().to_vec())
        }
    }
}

/// The word with this number, of all of them in turn.
pub fn word(number: u64) -> Token {
    FIRST_WORD + (number % WORDS.len() as u64) as Token
}

/// Takes the characters that are whole off the front of bytes.
pub fn whole(bytes: &mut Vec<u8>) -> String {
    let length = match std::str::from_utf8(bytes) {
        Ok(text) => text.len(),
        Err(error) => error.valid_up_to(),
    };
    let rest = bytes.split_off(length);
    String::from_utf8(std::mem::replace(bytes, rest)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive_encoding() {
        for text in ["", "who is the worker", " the theory", "naïve 🙂 <|end|>"] {
            let mut all: Vec<u8> = encode(text).into_iter().flat_map(bytes).collect();
            assert_eq!(whole(&mut all), text);
            assert!(all.is_empty());
            assert!(encode(text).iter().all(|token| !(256..=END).contains(token)));
        }
    }
}
