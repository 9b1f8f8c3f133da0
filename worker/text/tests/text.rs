//! Texts become jobs of models that have a tokenizer, or errors that name the text and what is wrong.

use assay_exact::{graph::CheckedGraph, quantise::Precision};
use assay_import::import_graph;
use assay_ops::tensor::Tensor;
use assay_package::Package;
use assay_text::{
    inputs::{
        JobInput,
        text::{Text, TextError, from_texts, named, read_texts, tokenizer},
    },
    tokenizer::Tokenizer,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn models(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(path)
}

fn graph(name: &str) -> CheckedGraph {
    import_graph(&models(name), Precision::Int16).expect("it is a program that can be imported")
}

/// A tokenizer of the kind that BERT has, with a vocabulary of six.
fn small() -> Tokenizer {
    let description = r###"{
        "truncation": {"max_length": 6},
        "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}
        },
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100,
                  "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "exact": 3, "arithmetic": 4, "##s": 5}}
    }"###;
    Tokenizer::from_json(description.as_bytes()).expect("it is BERT's")
}

fn jobs(texts: &[&str]) -> Result<Vec<JobInput>, TextError> {
    let texts = named("text", texts.iter().copied());
    from_texts(&texts, &small(), &graph("all-minilm-l6-v2/all-minilm-l6-v2.pt2"))
}

fn numbers(tensor: &Tensor) -> Vec<i64> {
    let numbers = tensor.bytes().as_chunks().0.iter();
    numbers.map(|bytes| i64::from_le_bytes(*bytes)).collect()
}

#[test]
fn each_text_is_a_job_of_its_own_length() {
    let jobs = jobs(&["Exact arithmetic", "Exacts"]).expect("both fit");
    assert_eq!([jobs[0].name.as_str(), jobs[1].name.as_str()], ["text#0", "text#1"]);
    let [tokens, mask] = jobs[0].tensors.as_slice() else {
        panic!("the model takes tokens and mask");
    };
    assert_eq!((tokens.shape(), numbers(tokens)), ([1, 3].as_slice(), vec![2, 3, 4]));
    assert_eq!((mask.shape(), numbers(mask)), ([1, 3].as_slice(), vec![1, 1, 1]));
    assert_eq!(numbers(&jobs[1].tensors[0]), [2, 3, 5]);
}

#[test]
fn text_that_the_model_cannot_read_whole_is_refused() {
    let error = jobs(&["exact", "exact exact exact exact exact exact"]).expect_err("seven tokens");
    assert!(
        matches!(error, TextError::TooLong { ref name, tokens: 7, limit: 6 } if name == "text#1"),
        "{error}"
    );
    let error = jobs(&[" \t"]).expect_err("blank");
    assert!(
        matches!(error, TextError::Blank { ref name } if name == "text#0"),
        "{error}"
    );
    let error = jobs(&["exact ".repeat(20_000).as_str()]).expect_err("120,000 bytes");
    assert!(matches!(error, TextError::TooLarge { .. }), "{error}");
}

#[test]
fn model_that_takes_more_than_text_is_refused() {
    let texts = named("text", ["exact"].into_iter());
    let error = from_texts(&texts, &small(), &graph("gpt/gpt.pt2")).expect_err("a GPT takes a cache");
    assert!(
        matches!(error, TextError::OtherInput { ref input } if input == "position"),
        "{error}"
    );
}

#[test]
fn package_without_a_tokenizer_is_refused() {
    let package = Package::load(&models("digits/package")).expect("the committed package is whole");
    let error = tokenizer(&package).expect_err("digits are no text");
    assert!(
        matches!(error, TextError::NoTokenizer { ref model } if model == "digits"),
        "{error}"
    );
}

#[test]
fn lines_of_a_file_are_texts_and_blank_ones_are_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("two.txt");
    fs::write(&path, "One.\r\n\n   \nTwo, no end of line").expect("a temporary file");
    let text = |name: &str, text: &str| Text {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let expected = [text("two.txt#0", "One."), text("two.txt#1", "Two, no end of line")];
    assert_eq!(read_texts(&path).expect("the file can be read"), expected);
    fs::write(&path, [0xff]).expect("a temporary file");
    let error = read_texts(&path).expect_err("no UTF-8");
    assert!(error.to_string().ends_with("it is not UTF-8"), "{error}");
}

#[test]
#[ignore = "needs what `make models` fetches"]
fn golden_sentences_have_the_tokens_of_the_golden_file() {
    let package = Package::load(&models("all-minilm-l6-v2/package")).expect("`make models` makes it");
    let golden = models("all-minilm-l6-v2/golden.safetensors");
    let golden = assay_text::inputs::read(&golden, package.graph()).expect("the golden file has the inputs");
    let texts = read_texts(&models("all-minilm-l6-v2/sentences.txt")).expect("it is there");
    let jobs = from_texts(&texts, &tokenizer(&package).expect("it is BERT's"), package.graph()).expect("all fit");
    assert_eq!(jobs.len(), golden.len());
    for (job, golden) in jobs.iter().zip(golden) {
        // The golden file is one batch, so shorter sentences are padded there, and their mask says so.
        let [tokens, mask] = [0, 1].map(|input| numbers(&golden.tensors[input]));
        let seen = tokens.into_iter().zip(mask).filter(|(_, mask)| *mask == 1);
        assert_eq!(
            numbers(&job.tensors[0]),
            seen.map(|(token, _)| token).collect::<Vec<_>>(),
            "{}",
            job.name
        );
    }
}
