//! A language model of one block, which is written as a GGUF file, imported and registered here.

use crate::{Network, jobs::PACKAGE};
use anyhow::Context;
use assay_client::{
    registration::register,
    request::{
        Model, Prepared, find_model,
        generation::{GenerationRequest, Sampling},
        prepare_all,
        terms::Terms,
    },
};
use assay_engine::{
    Engine, ReferenceEngine,
    generate::{self, Generator},
};
use assay_import::{GgufOptions, import_gguf};
use assay_package::{Details, Package, generation::MAX_CANDIDATES};
use assay_text::language::Language;
use assay_types::Precision;
use std::{fs, path::PathBuf};

/// Its name on chain.
pub const NAME: &str = "babbler";
/// Maximum length of its sequences.
const CONTEXT: u32 = 24;
const WIDTH: u32 = 16;
const HEADS: u32 = 4;
const KEY_HEADS: u32 = 2;
const HEAD: u32 = 4;
const INNER: u32 = 12;
/// Its tokens, the first of which ends an answer.
const TOKENS: [&str; 11] = ["<|im_end|>", "a", "b", "c", "ab", "d", "e", "f", "g", "h", "abc"];
/// The prompt: any text of its letters.
pub const TEXT: &str = "abcabdad";

/// A language model on chain.
pub struct Babbler {
    /// As the chain has it.
    pub model: Model,
    /// The folder in which workers and clients look for its package.
    pub models_dir: PathBuf,
    package: Package,
}

/// Sampling of the request: by chance, so that the seed matters.
pub fn sampling() -> Sampling {
    Sampling {
        temperature: Some(1.5),
        top_p: Some(0.95),
        top_k: Some(8),
        seed: Some(3),
        max_tokens: Some(6),
    }
}

impl Babbler {
    /// Makes the model, and registers it in Alice's name.
    pub async fn register(network: &Network) -> anyhow::Result<Self> {
        let models_dir = network.folder().join("language-models");
        fs::create_dir_all(&models_dir)?;
        let path = models_dir.join("babbler.gguf");
        fs::write(&path, gguf())?;
        let options = GgufOptions {
            details: Details {
                name: NAME.into(),
                version: "1.0.0".into(),
                licence: "Apache-2.0".into(),
                description: String::new(),
            },
            precision: Precision::Int16,
            max_length: None,
            generation: Some(vec![0]),
            assets: Vec::new(),
        };
        let package = import_gguf(&path, options)?;
        package.save(&models_dir.join(PACKAGE))?;
        let version = register(&network.account("Alice")?, &package, None).await?;
        let model = find_model(&network.client().finalized().await?, &version.to_string()).await?;
        Ok(Self {
            model,
            models_dir,
            package,
        })
    }

    /// A job that asks for a continuation of [`TEXT`] with this seed.
    pub fn job(&self, seed: i64, terms: &Terms) -> anyhow::Result<Prepared> {
        let request = GenerationRequest {
            name: format!("seed {seed}"),
            prompt: Language::of(&self.package)?.encode(TEXT)?,
            sampling: Sampling {
                seed: Some(seed),
                ..sampling()
            },
        };
        let input = request.input(&self.model.record.parts)?;
        let mut prepared = prepare_all(&[input], &self.package, &self.model, terms)?;
        prepared.pop().context("one input makes one job")
    }

    /// The tokens that must come after [`TEXT`] with the sampling of [`sampling`], by the definition of the arithmetic,
    /// and their text.
    pub fn answer(&self) -> anyhow::Result<(Vec<i64>, String)> {
        let language = Language::of(&self.package)?;
        let prompt = language.encode(TEXT)?;
        let Sampling {
            temperature,
            top_p,
            top_k,
            seed,
            max_tokens,
        } = sampling();
        let sampling = generate::Sampling {
            temperature: temperature.unwrap_or(0.0),
            top_p: top_p.unwrap_or(1.0),
            top_k: top_k.unwrap_or(MAX_CANDIDATES),
            seed: seed.unwrap_or(0),
            max_tokens: max_tokens.context("it is said")?,
        };
        let mut tokens = Vec::new();
        let mut generator = Generator::new(&ReferenceEngine.load(&self.package)?)?;
        generator.generate(&prompt, sampling, |token| tokens.push(token))?;
        let text = language.decode(&tokens)?;
        Ok((tokens, text))
    }
}

/// The model as a GGUF file, whose weights are small numbers that a generator gives.
fn gguf() -> Vec<u8> {
    let pairs = metadata();
    let tensors = tensors();
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend((pairs.len() as u64).to_le_bytes());
    for (key, value) in pairs {
        bytes.extend(string(&key));
        bytes.extend(value);
    }
    let (mut data, mut state): (Vec<u8>, _) = (Vec::new(), 7u32);
    for (name, dims) in tensors {
        data.resize(data.len().next_multiple_of(32), 0);
        bytes.extend(string(name));
        bytes.extend((dims.len() as u32).to_le_bytes());
        dims.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
        // Of binary32.
        bytes.extend(0u32.to_le_bytes());
        bytes.extend((data.len() as u64).to_le_bytes());
        for _ in 0..dims.iter().product::<u64>() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = (state >> 8) as f32 / 2f32.powi(23) - 1.0;
            data.extend(number.to_le_bytes());
        }
    }
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    [bytes, data].concat()
}

/// The file's metadata of the model: names, and values with their types.
fn metadata() -> Vec<(String, Vec<u8>)> {
    let mut pairs = vec![("general.architecture".to_owned(), coded(8, &string("llama")))];
    for (key, value) in [
        ("context_length", CONTEXT),
        ("embedding_length", WIDTH),
        ("block_count", 1),
        ("feed_forward_length", INNER),
        ("attention.head_count", HEADS),
        ("attention.head_count_kv", KEY_HEADS),
        ("rope.dimension_count", HEAD),
    ] {
        pairs.push((format!("llama.{key}"), coded(4, &value.to_le_bytes())));
    }
    let mut kinds = coded(5, &(TOKENS.len() as u64).to_le_bytes());
    (0..TOKENS.len()).for_each(|id| kinds.extend(if id == 0 { 3i32 } else { 1 }.to_le_bytes()));
    let others = [
        (
            "llama.attention.layer_norm_rms_epsilon",
            coded(6, &1e-5f32.to_le_bytes()),
        ),
        ("tokenizer.ggml.model", coded(8, &string("gpt2"))),
        ("tokenizer.ggml.pre", coded(8, &string("smollm"))),
        ("tokenizer.ggml.tokens", texts(&TOKENS)),
        ("tokenizer.ggml.token_type", coded(9, &kinds)),
        ("tokenizer.ggml.merges", texts(&["a b", "ab c"])),
        ("tokenizer.ggml.eos_token_id", coded(4, &0u32.to_le_bytes())),
    ];
    pairs.extend(others.map(|(key, value)| (key.to_owned(), value)));
    pairs
}

/// Names and sizes of the tensors, the innermost size first.
fn tensors() -> [(&'static str, Vec<u64>); 11] {
    let (width, inner) = (u64::from(WIDTH), u64::from(INNER));
    let (keys, vocabulary) = (u64::from(KEY_HEADS * HEAD), TOKENS.len() as u64);
    [
        ("token_embd.weight", vec![width, vocabulary]),
        ("blk.0.attn_norm.weight", vec![width]),
        ("blk.0.attn_q.weight", vec![width, width]),
        ("blk.0.attn_k.weight", vec![width, keys]),
        ("blk.0.attn_v.weight", vec![width, keys]),
        ("blk.0.attn_output.weight", vec![width, width]),
        ("blk.0.ffn_norm.weight", vec![width]),
        ("blk.0.ffn_gate.weight", vec![width, inner]),
        ("blk.0.ffn_up.weight", vec![width, inner]),
        ("blk.0.ffn_down.weight", vec![inner, width]),
        ("output_norm.weight", vec![width]),
    ]
}

fn string(text: &str) -> Vec<u8> {
    [(text.len() as u64).to_le_bytes().as_slice(), text.as_bytes()].concat()
}

fn coded(kind: u32, value: &[u8]) -> Vec<u8> {
    [kind.to_le_bytes().as_slice(), value].concat()
}

fn texts(texts: &[&str]) -> Vec<u8> {
    let mut value = coded(8, &(texts.len() as u64).to_le_bytes());
    texts.iter().for_each(|text| value.extend(string(text)));
    coded(9, &value)
}
