//! The tokenizer, the chat template and the tokens that end an answer, from the metadata of a GGUF file.
//!
//! They become the files that Hugging Face's libraries read, under the names that they have there:
//!
//! * `tokenizer.json`: vocabulary, merges, special tokens, and how text is cut before merging;
//! * `chat_template.jinja`: how a conversation becomes text;
//! * `generation_config.json`: `bos_token_id`, and `eos_token_id` with every token that ends an answer.

use super::{
    container::refused,
    metadata::{Metadata, Value},
};
use crate::error::ImportError;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, ImportError>;

const TOKENIZER: &str = "tokenizer.json";
const TEMPLATE: &str = "chat_template.jinja";
const GENERATION: &str = "generation_config.json";

/// llama.cpp's numbers for kinds of tokens: unknown and control tokens are special, those of a user are not.
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;

/// Keys that name a token that ends an answer.
const ENDS: [&str; 3] = ["eos", "eot", "eom"];
/// Control tokens that end an answer by their names, whether or not a key names them.
const ENDINGS: [&str; 6] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "</s>",
];

/// GPT-4's pattern, with numbers of up to three digits.
const THREE_DIGITS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Adds the files that the metadata gives and that are not there already.
pub fn add_assets(metadata: &Metadata, vocabulary: u32, assets: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    if !assets.contains_key(TOKENIZER) {
        assets.insert(TOKENIZER.to_owned(), text(&tokenizer(metadata, vocabulary)?));
    }
    if let Some(Value::Text(template)) = metadata.get("tokenizer.chat_template") {
        assets
            .entry(TEMPLATE.to_owned())
            .or_insert_with(|| template.clone().into_bytes());
    }
    if !assets.contains_key(GENERATION) {
        assets.insert(GENERATION.to_owned(), text(&generation(metadata)?));
    }
    Ok(())
}

fn text(json: &Json) -> Vec<u8> {
    format!("{json:#}\n").into_bytes()
}

/// The id that a key names, if the file has the key.
fn id(metadata: &Metadata, name: &str, tokens: &[String]) -> Result<Option<u32>> {
    let key = format!("tokenizer.ggml.{name}_token_id");
    let id = metadata.optional_u32(&key)?;
    match id.filter(|id| *id as usize >= tokens.len()) {
        Some(id) => Err(refused(&key, format!("{id} is no token of the vocabulary"))),
        None => Ok(id),
    }
}

/// The tokens that end an answer: those that a key names, then those that are known by their names.
pub fn ends(metadata: &Metadata) -> Result<Vec<u32>> {
    let tokens = metadata.texts("tokenizer.ggml.tokens")?;
    let kinds = metadata.integers("tokenizer.ggml.token_type")?.unwrap_or_default();
    let mut ends = Vec::new();
    for end in ENDS {
        ends.extend(id(metadata, end, tokens)?);
    }
    let by_name =
        tokens.iter().zip(kinds).enumerate().filter_map(|(id, (token, kind))| {
            (kind == CONTROL && ENDINGS.contains(&token.as_str())).then_some(id as u32)
        });
    ends.extend(by_name);
    let mut seen = std::collections::BTreeSet::new();
    ends.retain(|id| seen.insert(*id));
    Ok(ends)
}

fn generation(metadata: &Metadata) -> Result<Json> {
    let tokens = metadata.texts("tokenizer.ggml.tokens")?;
    let mut json = json!({"eos_token_id": ends(metadata)?});
    if let Some(id) = id(metadata, "bos", tokens)? {
        json["bos_token_id"] = id.into();
    }
    Ok(json)
}

fn tokenizer(metadata: &Metadata, vocabulary: u32) -> Result<Json> {
    const MODEL: &str = "tokenizer.ggml.model";
    let model = metadata.text(MODEL)?;
    if model != "gpt2" {
        return Err(refused(
            MODEL,
            format!(
                "the tokenizer {model:?} is not imported, only gpt2 (byte-level BPE): give its tokenizer.json as an asset"
            ),
        ));
    }
    let tokens = metadata.texts("tokenizer.ggml.tokens")?;
    if tokens.len() != vocabulary as usize {
        let reason = format!(
            "there are {} tokens, and {vocabulary} rows of the embedding",
            tokens.len()
        );
        return Err(refused("tokenizer.ggml.tokens", reason));
    }
    let mut vocab = serde_json::Map::new();
    for (id, token) in tokens.iter().enumerate() {
        if vocab.insert(token.clone(), id.into()).is_some() {
            return Err(refused(
                "tokenizer.ggml.tokens",
                format!("{token:?} stands for two tokens"),
            ));
        }
    }
    let (pre_tokenizer, has_ignored_merges) = pre_tokenizer(metadata)?;
    Ok(json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added_tokens(metadata, tokens)?,
        "normalizer": null,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor(metadata, tokens)?,
        "decoder": byte_level(true),
        "model": {
            "type": "BPE",
            "dropout": null,
            // A byte that the vocabulary lacks is left out. The unknown token of such models is a special one, often
            // the one that ends a text, which no text of a user may become.
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": has_ignored_merges,
            "vocab": vocab,
            "merges": merges(metadata)?,
        },
    }))
}

fn added_tokens(metadata: &Metadata, tokens: &[String]) -> Result<Vec<Json>> {
    const KEY: &str = "tokenizer.ggml.token_type";
    let kinds = metadata.integers(KEY)?.unwrap_or_default();
    if !kinds.is_empty() && kinds.len() != tokens.len() {
        return Err(refused(
            KEY,
            format!("it has {} elements for {} tokens", kinds.len(), tokens.len()),
        ));
    }
    let added = tokens.iter().zip(kinds).enumerate();
    let added = added.filter(|(_, (_, kind))| [UNKNOWN, CONTROL, USER_DEFINED].contains(kind));
    let added = added.map(|(id, (token, kind))| {
        json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
               "special": kind != USER_DEFINED})
    });
    Ok(added.collect())
}

fn merges(metadata: &Metadata) -> Result<Vec<Json>> {
    const KEY: &str = "tokenizer.ggml.merges";
    let merges = metadata.texts(KEY)?.iter().map(|merge| {
        let pair = merge
            .split_once(' ')
            .filter(|(left, right)| !left.is_empty() && !right.is_empty());
        let (left, right) = pair.ok_or_else(|| refused(KEY, format!("{merge:?} is not two tokens")))?;
        Ok(json!([left, right]))
    });
    merges.collect()
}

/// Way in which bytes are written as characters, with or without GPT-2's pattern before it.
fn byte_level(has_pattern: bool) -> Json {
    json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": has_pattern})
}

/// Cuts of a text before merging, and whether a piece that is a token is taken as it is.
fn pre_tokenizer(metadata: &Metadata) -> Result<(Json, bool)> {
    const KEY: &str = "tokenizer.ggml.pre";
    let name = match metadata.get(KEY) {
        None => "gpt-2",
        Some(_) => metadata.text(KEY)?,
    };
    let sequence =
        |first: Json, has_pattern| json!({"type": "Sequence", "pretokenizers": [first, byte_level(has_pattern)]});
    let split = json!({"type": "Split", "pattern": {"Regex": THREE_DIGITS}, "behavior": "Isolated", "invert": false});
    match name {
        "default" | "gpt-2" => Ok((byte_level(true), false)),
        "smollm" => Ok((
            sequence(json!({"type": "Digits", "individual_digits": true}), true),
            false,
        )),
        "llama-bpe" | "llama3" | "llama-v3" => Ok((sequence(split, false), true)),
        _ => Err(refused(
            KEY,
            format!("the way {name:?} of cutting text is not known: give the model's tokenizer.json as an asset"),
        )),
    }
}

/// Token that stands before every text, if the model wants it.
fn post_processor(metadata: &Metadata, tokens: &[String]) -> Result<Json> {
    if !metadata.bool_or("tokenizer.ggml.add_bos_token", false)? {
        return Ok(Json::Null);
    }
    let Some(id) = id(metadata, "bos", tokens)? else {
        return Err(refused(
            "tokenizer.ggml.bos_token_id",
            "the file asks for this token and does not name it",
        ));
    };
    let token = &tokens[id as usize];
    let first = json!({"SpecialToken": {"id": token, "type_id": 0}});
    Ok(json!({
        "type": "TemplateProcessing",
        "single": [first, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [first, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {(token): {"id": token, "ids": [id], "tokens": [token]}},
    }))
}
