//! GGUF files made here: what they become, what that computes, and what is refused.

use super::{blocks::BlockType, *};
use assay_exact::{evaluate::evaluate, tensor::Tensor};
use std::sync::atomic::{AtomicU32, Ordering};

const WIDTH: u32 = 32;
const HEADS: u32 = 4;
const KEY_HEADS: u32 = 2;
const INNER: u32 = 12;
const VOCABULARY: u32 = 11;
/// Elements of a head.
const HEAD: usize = 8;

/// A file in the making.
#[derive(Clone, Default)]
struct File {
    pairs: Vec<(String, Vec<u8>)>,
    tensors: Vec<(String, Vec<u64>, Vec<f32>)>,
    /// Type and bytes of tensors that are not of numbers. Those numbers are what they stand for.
    blocks: BTreeMap<String, (u32, Vec<u8>)>,
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

impl File {
    fn set(&mut self, key: &str, value: Vec<u8>) -> &mut Self {
        self.pairs.retain(|(known, _)| known != key);
        self.pairs.push((key.to_owned(), value));
        self
    }

    fn set_u32(&mut self, key: &str, value: u32) -> &mut Self {
        self.set(key, coded(4, &value.to_le_bytes()))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3u32.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.pairs.len() as u64).to_le_bytes());
        for (key, value) in &self.pairs {
            bytes.extend(string(key));
            bytes.extend(value);
        }
        let mut data: Vec<u8> = Vec::new();
        for (name, dims, numbers) in &self.tensors {
            data.resize(data.len().next_multiple_of(32), 0);
            bytes.extend(string(name));
            bytes.extend((dims.len() as u32).to_le_bytes());
            dims.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
            let blocks = self.blocks.get(name);
            bytes.extend(blocks.map_or(0, |(code, _)| *code).to_le_bytes());
            bytes.extend((data.len() as u64).to_le_bytes());
            match blocks {
                Some((_, blocks)) => data.extend(blocks),
                None => numbers.iter().for_each(|number| data.extend(number.to_le_bytes())),
            }
        }
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        [bytes, data].concat()
    }

    /// Lets a tensor be of blocks of a type, each with small scales at these places and any integers.
    fn set_blocks(&mut self, name: &str, code: u32, halves: &[usize]) {
        let kind = BlockType::of_code(code).expect("a type that is read");
        let tensor = self.tensors.iter_mut().find(|(known, ..)| known == name);
        let (_, _, numbers) = tensor.expect("the file has it");
        let mut bytes = Vec::new();
        for block in 0..numbers.len() / kind.elements() as usize {
            let start = bytes.len();
            bytes.extend((0..kind.bytes()).map(|i| (i * 151 + block * 89 + i * i * 7) as u8));
            for (index, at) in halves.iter().enumerate() {
                // About 2^-5, and −2^-2 for a minimum.
                let half = if index == 0 { 0x2800u16 } else { 0xb400 } + ((block as u16 * 77) & 0x3ff);
                bytes[start + at..start + at + 2].copy_from_slice(&half.to_le_bytes());
            }
        }
        numbers.clear();
        kind.read(&bytes, numbers);
        self.blocks.insert(name.to_owned(), (code, bytes));
    }

    fn import(&self, precision: Precision) -> Result<Package, ImportError> {
        import_bytes(&self.bytes(), precision)
    }

    fn numbers(&self, name: &str) -> &[f32] {
        let tensor = self.tensors.iter().find(|(known, ..)| known == name);
        &tensor.expect("the file has it").2
    }
}

fn import_bytes(bytes: &[u8], precision: Precision) -> Result<Package, ImportError> {
    static FILES: AtomicU32 = AtomicU32::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("assay-gguf-{}-{number}.gguf", std::process::id()));
    std::fs::write(&path, bytes).expect("the temporary folder is writable");
    let details = Details {
        name: "tiny".to_owned(),
        version: "1.0.0".to_owned(),
        licence: "MIT".to_owned(),
        description: String::new(),
    };
    let options = GgufOptions {
        details,
        precision,
        max_length: None,
        generation: None,
        assets: Vec::new(),
    };
    let package = import_gguf(&path, options);
    std::fs::remove_file(&path).expect("it was written");
    package
}

/// A Llama model of one block, whose weights are small numbers that a generator gives.
fn tiny() -> File {
    let mut file = File::default();
    file.set("general.architecture", coded(8, &string("llama")));
    for (key, value) in [
        ("context_length", 16),
        ("embedding_length", WIDTH),
        ("block_count", 1),
        ("feed_forward_length", INNER),
        ("attention.head_count", HEADS),
        ("attention.head_count_kv", KEY_HEADS),
        ("rope.dimension_count", HEAD as u32),
    ] {
        file.set_u32(&format!("llama.{key}"), value);
    }
    file.set(
        "llama.attention.layer_norm_rms_epsilon",
        coded(6, &1e-5f32.to_le_bytes()),
    );
    file.set("tokenizer.ggml.model", coded(8, &string("gpt2")));
    file.set("tokenizer.ggml.pre", coded(8, &string("smollm")));
    file.set(
        "tokenizer.ggml.tokens",
        texts(&["<|im_end|>", "a", "b", "c", "ab", "d", "e", "f", "g", "h", "abc"]),
    );
    let mut kinds = coded(5, &u64::from(VOCABULARY).to_le_bytes());
    (0..VOCABULARY).for_each(|id| kinds.extend(if id == 0 { 3i32 } else { 1 }.to_le_bytes()));
    file.set("tokenizer.ggml.token_type", coded(9, &kinds));
    file.set("tokenizer.ggml.merges", texts(&["a b", "ab c"]));
    file.set_u32("tokenizer.ggml.eos_token_id", 0);
    file.set("tokenizer.chat_template", coded(8, &string("{{ messages }}")));
    let mut state = 7u32;
    let (width, keys, inner) = (u64::from(WIDTH), u64::from(KEY_HEADS) * HEAD as u64, u64::from(INNER));
    for (name, dims) in [
        ("token_embd.weight", vec![width, u64::from(VOCABULARY)]),
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
    ] {
        let numbers = (0..dims.iter().product()).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 2f32.powi(23) - 1.0
        });
        let numbers = numbers.collect();
        file.tensors.push((name.to_owned(), dims, numbers));
    }
    file
}

fn logits(package: &Package, tokens: &[i64]) -> Vec<f32> {
    let bytes = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
    let tokens = Tensor::new(DataType::Int64, vec![1, tokens.len() as u32], bytes).expect("as many as the shape says");
    let outputs = evaluate(package.graph(), package.weights(), &[tokens]).expect("the tokens fit");
    outputs[0]
        .numbers()
        .map(|number| f32::from_bits(number.to_bits()))
        .collect()
}

/// The same model in binary64, as ggml computes it: pairs of neighbours are turned, and nothing is quantised.
fn expected(file: &File, tokens: &[i64]) -> Vec<f64> {
    let matrix = |name: &str, x: &[f64]| -> Vec<f64> {
        let rows = file.numbers(name).chunks(x.len());
        rows.map(|row| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum())
            .collect()
    };
    let norm = |name: &str, x: &[f64]| -> Vec<f64> {
        let scale = 1.0 / (x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64 + 1e-5).sqrt();
        file.numbers(name)
            .iter()
            .zip(x)
            .map(|(w, x)| f64::from(*w) * x * scale)
            .collect()
    };
    let turned = |x: Vec<f64>, position: usize| -> Vec<f64> {
        let pairs = x.chunks(2).enumerate();
        let turned = pairs.flat_map(|(pair, x)| {
            let frequency = 10_000f64.powf(-2.0 * (pair % (HEAD / 2)) as f64 / HEAD as f64);
            let (sine, cosine) = (position as f64 * frequency).sin_cos();
            [x[0] * cosine - x[1] * sine, x[1] * cosine + x[0] * sine]
        });
        turned.collect()
    };
    let mut rows: Vec<Vec<f64>> = tokens
        .iter()
        .map(|token| {
            let start = *token as usize * WIDTH as usize;
            let row = &file.numbers("token_embd.weight")[start..start + WIDTH as usize];
            row.iter().map(|x| f64::from(*x)).collect()
        })
        .collect();
    let normed: Vec<Vec<f64>> = rows.iter().map(|row| norm("blk.0.attn_norm.weight", row)).collect();
    let project = |name: &str| normed.iter().map(|row| matrix(name, row)).collect::<Vec<_>>();
    let turn = |rows: Vec<Vec<f64>>| {
        rows.into_iter()
            .enumerate()
            .map(|(at, row)| turned(row, at))
            .collect::<Vec<_>>()
    };
    let (queries, keys) = (
        turn(project("blk.0.attn_q.weight")),
        turn(project("blk.0.attn_k.weight")),
    );
    let values = project("blk.0.attn_v.weight");
    for (at, row) in rows.iter_mut().enumerate() {
        let mut mixed = Vec::new();
        for head in 0..HEADS as usize {
            let (query, shared) = (&queries[at][HEAD * head..][..HEAD], head / (HEADS / KEY_HEADS) as usize);
            let part = |rows: &[Vec<f64>], i: usize| rows[i][HEAD * shared..][..HEAD].to_vec();
            let score =
                |i: usize| query.iter().zip(part(&keys, i)).map(|(q, k)| q * k).sum::<f64>() / (HEAD as f64).sqrt();
            let weights: Vec<f64> = (0..=at).map(|i| score(i).exp()).collect();
            let total: f64 = weights.iter().sum();
            mixed.extend((0..HEAD).map(|d| (0..=at).map(|i| weights[i] / total * part(&values, i)[d]).sum::<f64>()));
        }
        let added = matrix("blk.0.attn_output.weight", &mixed);
        row.iter_mut().zip(added).for_each(|(x, y)| *x += y);
        let normed = norm("blk.0.ffn_norm.weight", row);
        let (gate, up) = (
            matrix("blk.0.ffn_gate.weight", &normed),
            matrix("blk.0.ffn_up.weight", &normed),
        );
        let inner: Vec<f64> = gate.iter().zip(up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
        let added = matrix("blk.0.ffn_down.weight", &inner);
        row.iter_mut().zip(added).for_each(|(x, y)| *x += y);
    }
    rows.iter()
        .flat_map(|row| matrix("token_embd.weight", &norm("output_norm.weight", row)))
        .collect()
}

#[test]
fn a_model_computes_what_llama_cpp_computes() {
    let (file, tokens) = (tiny(), [3, 10, 0, 7, 7, 1, 5]);
    let expected = expected(&file, &tokens);
    for (precision, tolerance) in [
        (Precision::Int16, 2e-3),
        (Precision::Int16Int8, 0.1),
        (Precision::Int8, 0.15),
    ] {
        let package = file.import(precision).expect("a Llama model");
        let actual = logits(&package, &tokens);
        assert_eq!(actual.len(), expected.len());
        let greatest = expected.iter().fold(0f64, |greatest, x| greatest.max(x.abs()));
        let worst = actual
            .iter()
            .zip(&expected)
            .map(|(a, b)| (f64::from(*a) - b).abs())
            .fold(0.0, f64::max);
        assert!(worst / greatest < tolerance, "{precision:?}: {worst} of {greatest}");
    }
}

/// All types of blocks whose rows fit, in both uses of the embedding, in layers and in rows that are turned.
#[test]
fn weights_in_groups_are_those_of_the_file() {
    let tokens = [3, 10, 0, 7, 7, 1, 5];
    for (embedding, others) in [
        ((2, &[0][..]), (3, &[0, 2][..])),
        ((3, &[0, 2]), (8, &[0])),
        ((8, &[0]), (2, &[0])),
    ] {
        let mut file = tiny();
        file.set_blocks("token_embd.weight", embedding.0, embedding.1);
        for name in ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up"] {
            file.set_blocks(&format!("blk.0.{name}.weight"), others.0, others.1);
        }
        let expected = expected(&file, &tokens);
        let package = file.import(Precision::Int16Int8).expect("a Llama model");
        let actual = logits(&package, &tokens);
        let greatest = expected.iter().fold(0f64, |greatest, x| greatest.max(x.abs()));
        let errors = actual.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs());
        let worst = errors.fold(0.0, f64::max);
        // What is left is the rounding of activations, and of ffn_down to 8 bits.
        assert!(worst / greatest < 0.01, "{embedding:?}: {worst} of {greatest}");
    }
}

#[test]
fn a_token_does_not_see_those_after_it_and_sequences_not_each_other() {
    let package = tiny().import(Precision::Int16Int8).expect("a Llama model");
    let (all, first) = (logits(&package, &[3, 10, 0, 7]), logits(&package, &[3, 10]));
    assert_eq!(all[..first.len()], first);
    assert_eq!(package.graph().batch_symbol(), Some(0));
}

#[test]
fn a_package_has_ranges_integers_and_a_tokenizer() {
    let package = tiny().import(Precision::Int16Int8).expect("a Llama model");
    let graph = package.graph().graph();
    assert_eq!(graph.inputs[0].range.map(|range| (range.min, range.max)), Some((0, 10)));
    let symbols: Vec<_> = graph
        .symbols
        .iter()
        .map(|symbol| (symbol.name.as_str(), symbol.max))
        .collect();
    assert_eq!(symbols, [("batch", 64), ("length", 16)]);
    assert_eq!(graph.outputs[0].name, "logits");
    let dtype = |name: &str| {
        graph
            .weights
            .iter()
            .find(|weight| weight.name == name)
            .map(|weight| weight.dtype)
    };
    assert_eq!(dtype("blk.0.attn_q.weight"), Some(DataType::Int8));
    assert_eq!(dtype("token_embd.scale"), Some(DataType::Float32));
    let json = |name: &str| {
        let asset = package.asset(name).expect("it is an asset");
        serde_json::from_slice::<serde_json::Value>(asset).expect("it is JSON")
    };
    assert_eq!(json("generation_config.json")["eos_token_id"], serde_json::json!([0]));
    assert_eq!(
        json("tokenizer.json")["model"]["merges"][1],
        serde_json::json!(["ab", "c"])
    );
    assert_eq!(package.asset("chat_template.jinja"), Some("{{ messages }}".as_bytes()));
    let other = tiny().import(Precision::Int16).expect("a Llama model");
    assert_ne!(other.root(), package.root());
}

#[test]
fn what_is_not_imported_is_named() {
    let error = |change: fn(&mut File)| {
        let mut file = tiny();
        change(&mut file);
        file.import(Precision::Int16Int8)
            .expect_err("it is refused")
            .to_string()
    };
    /// Changes of a file, and the refusals that follow.
    type Case = (fn(&mut File), &'static str);
    let cases: [Case; 9] = [
        (
            |file| {
                file.set("general.architecture", coded(8, &string("mamba")));
            },
            "\"mamba\" is not imported",
        ),
        (
            |file| {
                file.set_u32("llama.expert_count", 8);
            },
            "llama.expert_count: models with experts",
        ),
        (
            |file| {
                file.set_u32("llama.attention.head_count_kv", 3);
            },
            "llama.attention.head_count_kv",
        ),
        (
            |file| {
                file.set_u32("llama.context_length", 0);
            },
            "llama.context_length",
        ),
        (
            |file| {
                file.set("tokenizer.ggml.model", coded(8, &string("llama")));
            },
            "tokenizer.ggml.model",
        ),
        (
            |file| {
                file.set("llama.rope.scaling.type", coded(8, &string("yarn")));
            },
            "llama.rope.scaling.type",
        ),
        (
            |file| {
                file.tensors.pop();
            },
            "output_norm.weight: the file has no such tensor",
        ),
        (
            |file| file.tensors[4].2[0] = f32::NAN,
            "blk.0.attn_v.weight: it holds an infinity or a NaN",
        ),
        (
            |file| {
                file.tensors
                    .push(("blk.0.attn_extra.weight".to_owned(), vec![8], vec![0.0; 8]))
            },
            "blk.0.attn_extra.weight: no part",
        ),
    ];
    for (change, text) in cases {
        let error = error(change);
        assert!(error.contains(text), "{error}");
    }
}

/// No cut and no changed byte of a header makes the import panic, and no cut file is imported.
#[test]
fn damaged_files_are_refused_or_read() {
    let whole = tiny().bytes();
    let header = whole.len()
        - 4 * tiny()
            .tensors
            .iter()
            .map(|(_, _, numbers)| numbers.len())
            .sum::<usize>();
    for length in (0..whole.len()).step_by(7) {
        assert!(
            import_bytes(&whole[..length], Precision::Int8).is_err(),
            "{length} bytes"
        );
    }
    for at in 0..header.min(whole.len()) {
        for value in [0u8, 1, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            // A changed name or number may well be a model.
            let result = container::header(bytes.as_slice(), bytes.len() as u64);
            assert!(result.is_ok() || result.is_err_and(|error| !error.to_string().is_empty()));
        }
    }
}

#[test]
fn counts_and_offsets_that_no_file_has_ask_for_no_memory() {
    let mut file = tiny();
    // An array of 2^60 strings.
    file.set("x", coded(9, &coded(8, &(1u64 << 60).to_le_bytes())));
    assert!(
        file.import(Precision::Int8)
            .expect_err("too many")
            .to_string()
            .starts_with("x: it has 1152921504606846976")
    );
    let mut file = tiny();
    let mut nested = Vec::new();
    (0..40).for_each(|_| nested.extend(coded(9, &1u64.to_le_bytes())));
    file.set("y", coded(9, &nested));
    assert!(
        file.import(Precision::Int8)
            .expect_err("too deep")
            .to_string()
            .starts_with("y: ")
    );
    let mut file = tiny();
    file.tensors[0].1 = vec![1 << 20, 1 << 30];
    assert!(
        file.import(Precision::Int8)
            .expect_err("too large")
            .to_string()
            .contains("token_embd.weight")
    );
}
