//! Which models make embeddings, and what texts and tokens become for them.

use assay_exact::{graph::CheckedGraph, quantise::Precision};
use assay_import::import_graph;
use assay_ops::tensor::{DataType, Tensor};
use assay_package::Package;
use assay_text::{embedding::Embedder, inputs::text::TextError, tokenizer::Tokenizer};
use std::path::{Path, PathBuf};

fn models(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(path)
}

fn graph(name: &str) -> CheckedGraph {
    import_graph(&models(name), Precision::Int16).expect("it is a program that can be imported")
}

fn mini_lm() -> CheckedGraph {
    graph("all-minilm-l6-v2/all-minilm-l6-v2.pt2")
}

/// A tokenizer of BERT's kind with a vocabulary of five, whose tokens of a text have this type.
fn tokenizer(kind: u8) -> Tokenizer {
    let description = r###"{
        "truncation": {"max_length": 6},
        "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": KIND}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}
        },
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100,
                  "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "exact": 3, "arithmetic": 4}}
    }"###;
    Tokenizer::from_json(description.replace("KIND", &kind.to_string()).as_bytes()).expect("it is BERT's")
}

fn numbers(tensor: &Tensor) -> Vec<i64> {
    let numbers = tensor.bytes().as_chunks().0.iter();
    numbers.map(|bytes| i64::from_le_bytes(*bytes)).collect()
}

#[test]
fn sentence_model_is_an_embedder_of_the_size_that_its_graph_says() {
    let embedder = Embedder::new(tokenizer(0), &mini_lm()).expect("it makes embeddings");
    assert_eq!((embedder.dimensions(), embedder.context_length()), (384, 512));
    assert_eq!(embedder.vocabulary(), Some(30_522));
}

#[test]
fn text_and_its_tokens_are_the_same_input() {
    let graph = mini_lm();
    let embedder = Embedder::new(tokenizer(0), &graph).expect("it makes embeddings");
    let tokens = embedder.encode("input", "Exact arithmetic").expect("it is short");
    assert_eq!(tokens, [2, 3, 4]);
    let input = embedder.input("input", &tokens, &graph).expect("it fits");
    let [ids, mask] = input.tensors.as_slice() else {
        panic!("the model takes tokens and mask");
    };
    assert_eq!((ids.shape(), numbers(ids)), ([1, 3].as_slice(), vec![2, 3, 4]));
    assert_eq!((mask.shape(), numbers(mask)), ([1, 3].as_slice(), vec![1, 1, 1]));
}

#[test]
fn tokens_may_be_as_many_as_the_model_reads_and_a_text_as_many_as_its_tokenizer_allows() {
    let graph = mini_lm();
    let embedder = Embedder::new(tokenizer(0), &graph).expect("it makes embeddings");
    assert!(embedder.input("input", &[3; 512], &graph).is_ok());
    let error = embedder.input("input", &[3; 513], &graph).expect_err("one too many");
    assert!(
        matches!(
            error,
            TextError::TooLong {
                tokens: 513,
                limit: 512,
                ..
            }
        ),
        "{error}"
    );
    assert!(embedder.input("input", &[], &graph).is_err());
    let error = embedder.encode("input[1]", "exact exact exact exact exact exact");
    let error = error.expect_err("seven tokens");
    assert!(
        matches!(error, TextError::TooLong { ref name, tokens: 7, limit: 6 } if name == "input[1]"),
        "{error}"
    );
    let error = embedder.encode("input", " \n").expect_err("blank");
    assert!(matches!(error, TextError::Blank { .. }), "{error}");
}

#[test]
fn output_that_is_not_one_vector_is_none() {
    let embedder = Embedder::new(tokenizer(0), &mini_lm()).expect("it makes embeddings");
    let of = |elements: u32, dtype: DataType| {
        let bytes = (0..elements)
            .flat_map(|element| (element as f32).to_le_bytes())
            .collect();
        Tensor::new(dtype, vec![1, elements], bytes).expect("four bytes each")
    };
    let vector = embedder.vector(&[of(384, DataType::Float32)]).expect("it is one");
    assert_eq!((vector.len(), vector[383]), (384, 383.0));
    assert_eq!(embedder.vector(&[of(383, DataType::Float32)]), None);
    assert_eq!(embedder.vector(&[of(384, DataType::Int32)]), None);
    assert_eq!(embedder.vector(&[]), None);
    assert_eq!(
        embedder.vector(&[of(384, DataType::Float32), of(384, DataType::Float32)]),
        None
    );
}

#[test]
fn model_of_another_kind_is_no_embedder() {
    assert!(Embedder::new(tokenizer(0), &graph("gpt/gpt.pt2")).is_none());
    assert!(Embedder::new(tokenizer(0), &graph("digits/digits.pt2")).is_none());
    // Tokens that come as numbers would lose the type that this tokenizer gives them.
    assert!(Embedder::new(tokenizer(1), &mini_lm()).is_none());
    let digits = Package::load(&models("digits/package")).expect("the committed package is whole");
    assert!(Embedder::of(&digits).is_none());
}

#[test]
#[ignore = "needs what `make models` fetches"]
fn package_of_a_sentence_model_is_an_embedder() {
    let package = Package::load(&models("all-minilm-l6-v2/package")).expect("`make models` makes it");
    let embedder = Embedder::of(&package).expect("it makes embeddings");
    assert_eq!(embedder.dimensions(), 384);
    assert_eq!(embedder.encode("input", "Hello").expect("short"), [101, 7592, 102]);
}
