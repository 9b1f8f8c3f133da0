//! BERT's tokenizer, as the `tokenizer.json` of a package describes it: a text becomes the ids that HuggingFace gives
//! it.
//!
//! The text is cut at the tokens that stand for themselves, such as `[SEP]`. What is between them is freed of control
//! characters and, if the file says so, of accents and capitals; it is cut into words and punctuation marks; and of
//! each word the longest pieces that the vocabulary has are taken from the left. Files of any other kind are refused,
//! since ids that are nearly right would go unnoticed.

use regex::Regex;
use serde::Deserialize;
use std::{cmp::Reverse, collections::HashMap, sync::LazyLock};
use unicode_normalization::UnicodeNormalization;

// HuggingFace's tables are those of Unicode 8, so a character that came later is of no kind here either. What remains
// is the handful of letters and marks that Unicode has counted differently since: 2 of 20,000 random texts had one.

/// Characters that the cleaning takes away; tabs and ends of lines stay, and separate words.
static CONTROLS: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\x{FFFD}\p{Cc}\p{Co}[\p{Cf}&&\p{Age=8.0}]--[\t\n\r]]"));
/// Accents, in decomposed text.
static ACCENTS: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\p{Mn}&&\p{Age=8.0}]"));
/// A punctuation mark, or a word.
static WORDS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[[:punct:][\p{P}&&\p{Age=8.0}]]|[^[:punct:][\p{P}&&\p{Age=8.0}]\s]+"));

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern, which tests use; qed")
}

/// A tokenizer that has been read and can be applied.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    added: Vec<AddedToken>,
    normalizer: Rules,
    template: Vec<Part>,
    model: WordPiece,
    limit: Option<usize>,
}

/// A text as a model takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// The tokens' ids, with those that the model wants around a text.
    pub ids: Vec<i64>,
    /// The type of each: which part of the input it belongs to.
    pub types: Vec<i64>,
}

/// Part of a cut text.
#[derive(Clone, Debug)]
enum Part {
    Special { ids: Vec<i64>, kind: i64 },
    Text { kind: i64 },
}

/// The parts of `tokenizer.json` that say which ids a text gets. An enum with one variant is a kind that the file must
/// be of.
#[derive(Deserialize)]
struct File {
    truncation: Option<Truncation>,
    added_tokens: Vec<AddedToken>,
    normalizer: Normalizer,
    #[serde(rename = "pre_tokenizer")]
    _pre_tokenizer: PreTokenizer,
    post_processor: PostProcessor,
    model: Model,
}

#[derive(Deserialize)]
struct Truncation {
    max_length: usize,
}

#[derive(Clone, Debug, Deserialize)]
struct AddedToken {
    id: i64,
    content: String,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Normalizer {
    BertNormalizer(Rules),
}

#[derive(Clone, Debug, Deserialize)]
struct Rules {
    clean_text: bool,
    handle_chinese_chars: bool,
    strip_accents: Option<bool>,
    lowercase: bool,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum PreTokenizer {
    BertPreTokenizer {},
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum PostProcessor {
    TemplateProcessing {
        single: Vec<Piece>,
        special_tokens: HashMap<String, SpecialToken>,
    },
}

#[derive(Deserialize)]
enum Piece {
    SpecialToken {
        id: String,
        type_id: i64,
    },
    Sequence {
        #[serde(rename = "id")]
        _id: String,
        type_id: i64,
    },
}

#[derive(Deserialize)]
struct SpecialToken {
    ids: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Model {
    WordPiece(WordPiece),
}

#[derive(Clone, Debug, Deserialize)]
struct WordPiece {
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    vocab: HashMap<String, i64>,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`; an error says what in it is not BERT's.
    pub fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let file: File = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let Normalizer::BertNormalizer(normalizer) = file.normalizer;
        let Model::WordPiece(model) = file.model;
        let PostProcessor::TemplateProcessing { single, special_tokens } = file.post_processor;
        let plain = |token: &AddedToken| {
            !(token.content.is_empty() || token.single_word || token.lstrip || token.rstrip || token.normalized)
        };
        if let Some(token) = file.added_tokens.iter().find(|token| !plain(token)) {
            return Err(format!(
                "the added token {:?} has options that are not known",
                token.content
            ));
        }
        if !model.vocab.contains_key(&model.unk_token) {
            return Err(format!("the vocabulary does not have {:?}", model.unk_token));
        }
        let template = single.into_iter().map(|piece| match piece {
            Piece::Sequence { type_id, .. } => Ok(Part::Text { kind: type_id }),
            Piece::SpecialToken { id, type_id } => match special_tokens.get(&id) {
                Some(token) => Ok(Part::Special {
                    ids: token.ids.clone(),
                    kind: type_id,
                }),
                None => Err(format!("the special token {id:?} has no ids")),
            },
        });
        Ok(Self {
            added: file.added_tokens,
            normalizer,
            template: template.collect::<Result<_, _>>()?,
            model,
            limit: file.truncation.map(|truncation| truncation.max_length),
        })
    }

    /// Most tokens of a text, if the file says so. Nothing is cut off here.
    pub fn limit(&self) -> Option<usize> {
        self.limit
    }

    /// The text's tokens.
    pub fn encode(&self, text: &str) -> Encoding {
        let mut encoding = Encoding::default();
        for part in &self.template {
            let (ids, kind) = match part {
                Part::Special { ids, kind } => (ids.clone(), *kind),
                Part::Text { kind } => (self.ids(text), *kind),
            };
            encoding.types.extend(ids.iter().map(|_| kind));
            encoding.ids.extend(ids);
        }
        encoding
    }

    fn ids(&self, text: &str) -> Vec<i64> {
        let (mut ids, mut rest) = (Vec::new(), text);
        let next = |rest: &str| {
            let found = self
                .added
                .iter()
                .filter_map(|token| Some((rest.find(&token.content)?, token)));
            found.min_by_key(|(place, token)| (*place, Reverse(token.content.len())))
        };
        while let Some((place, token)) = next(rest) {
            self.words(&rest[..place], &mut ids);
            ids.push(token.id);
            rest = &rest[place + token.content.len()..];
        }
        self.words(rest, &mut ids);
        ids
    }

    fn words(&self, text: &str, ids: &mut Vec<i64>) {
        let text = self.normalizer.apply(text);
        for word in WORDS.find_iter(&text) {
            self.model.pieces(word.as_str(), ids);
        }
    }
}

impl Rules {
    fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if self.clean_text {
            text = CONTROLS.replace_all(&text, "").into_owned();
        }
        if self.handle_chinese_chars {
            text = text.chars().flat_map(apart).collect();
        }
        if self.strip_accents.unwrap_or(self.lowercase) {
            text = ACCENTS.replace_all(&text.nfd().collect::<String>(), "").into_owned();
        }
        if self.lowercase {
            // By character: a capital sigma does not ask whether it ends a word.
            text = text.chars().flat_map(char::to_lowercase).collect();
        }
        text
    }
}

/// A Chinese character as a word of its own. The blocks are those of BERT, with the hole that HuggingFace's have.
fn apart(character: char) -> impl Iterator<Item = char> {
    let alone = matches!(character,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2a6df}'
        | '\u{2a700}'..='\u{2b81f}' | '\u{2b920}'..='\u{2ceaf}' | '\u{2f800}'..='\u{2fa1f}');
    let space = alone.then_some(' ');
    space.into_iter().chain([character]).chain(space)
}

impl WordPiece {
    /// The longest pieces from the left; or the unknown token alone, where the vocabulary does not have all of them.
    fn pieces(&self, word: &str, ids: &mut Vec<i64>) {
        let unknown = self.vocab[&self.unk_token];
        if word.chars().count() > self.max_input_chars_per_word {
            return ids.push(unknown);
        }
        let (mut pieces, mut start) = (Vec::new(), 0);
        while start < word.len() {
            let ends = word[start..]
                .char_indices()
                .map(|(place, character)| start + place + character.len_utf8());
            let prefix = if start == 0 {
                ""
            } else {
                &self.continuing_subword_prefix
            };
            let known = |end: usize| Some((*self.vocab.get(&format!("{prefix}{}", &word[start..end]))?, end));
            match ends.rev().find_map(known) {
                Some((id, end)) => {
                    pieces.push(id);
                    start = end;
                }
                None => return ids.push(unknown),
            }
        }
        ids.extend(pieces);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const VOCABULARY: &str = "[PAD] [UNK] [CLS] [SEP] the quick ##ly fox ##es un ##believ ##able ! , - [ ] cafe 東 京 tower a b i \
                              ##stanbul ß ##a σ ##ς ##σ";

    fn description() -> Value {
        let vocabulary: serde_json::Map<String, Value> = VOCABULARY
            .split(' ')
            .enumerate()
            .map(|(id, piece)| (piece.to_owned(), id.into()))
            .collect();
        let added = |id: usize, content: &str| {
            json!({"id": id, "content": content, "special": true, "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false})
        };
        let special = |id: &str, number: usize| json!({"id": id, "ids": [number], "tokens": [id]});
        json!({
            "version": "1.0",
            "truncation": {"max_length": 12, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
            "padding": null,
            "added_tokens": [added(0, "[PAD]"), added(1, "[UNK]"), added(2, "[CLS]"), added(3, "[SEP]")],
            "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                           "strip_accents": null, "lowercase": true},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                           {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"[CLS]": special("[CLS]", 2), "[SEP]": special("[SEP]", 3)},
            },
            "decoder": null,
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                      "max_input_chars_per_word": 100, "vocab": vocabulary},
        })
    }

    fn tokenizer(description: &Value) -> Result<Tokenizer, String> {
        Tokenizer::from_json(description.to_string().as_bytes())
    }

    /// The ids between those that stand around every text.
    fn ids(text: &str) -> Vec<i64> {
        let ids = tokenizer(&description()).expect("it is BERT's").encode(text).ids;
        assert_eq!((ids.first(), ids.last()), (Some(&2), Some(&3)));
        ids[1..ids.len() - 1].to_vec()
    }

    // What is expected in these tests is what tokenizers 0.23.3 gives for the same description.

    #[test]
    fn words_are_cut_into_the_longest_pieces() {
        assert_eq!(
            ids("The quickly foxes, unbelievable!"),
            [4, 5, 6, 7, 8, 13, 9, 10, 11, 12]
        );
        assert_eq!(ids("unquick foxy tower"), [1, 1, 20]);
        assert_eq!(ids(&"a".repeat(100)), [vec![21], vec![26; 99]].concat());
        assert_eq!(ids(&"a".repeat(101)), [1]);
    }

    #[test]
    fn accents_capitals_and_control_characters_go() {
        assert_eq!(ids("CAFÉ cafe\u{301} ca\u{ad}fe\u{0}"), [17, 17, 17]);
        assert_eq!(ids("İstanbul ẞ ΣΣ"), [23, 24, 25, 27, 29]);
        assert_eq!(ids("the\tfox\u{3000}the\r\nfox a\u{b}b"), [4, 7, 4, 7, 1]);
    }

    #[test]
    fn chinese_characters_and_punctuation_marks_stand_alone() {
        assert_eq!(ids("東京tower"), [18, 19, 20]);
        assert_eq!(ids("--the[fox]"), [14, 14, 4, 15, 7, 16]);
        assert_eq!(ids("the\u{2014}fox"), [4, 1, 7]);
    }

    #[test]
    fn special_tokens_in_a_text_stand_for_themselves() {
        assert_eq!(ids("a[SEP]b [[PAD]] [sep]"), [21, 3, 22, 15, 0, 16, 15, 1, 16]);
        assert!(ids("").is_empty());
    }

    #[test]
    fn another_kind_of_tokenizer_is_refused() {
        let changed = |pointer: &str, value: Value| {
            let mut description = description();
            *description.pointer_mut(pointer).expect("it is there") = value;
            tokenizer(&description).expect_err("it is not BERT's")
        };
        assert!(changed("/model/type", json!("BPE")).contains("expected `WordPiece`"));
        assert!(changed("/pre_tokenizer/type", json!("ByteLevel")).contains("expected `BertPreTokenizer`"));
        assert!(changed("/normalizer", Value::Null).contains("Normalizer"));
        assert!(changed("/added_tokens/3/lstrip", json!(true)).contains("\"[SEP]\""));
        assert!(changed("/model/unk_token", json!("<unk>")).contains("\"<unk>\""));
    }
}
