//! Prompts become inputs, and what is out of range is refused before anything is sent.

use super::*;
use assay_exact::{
    DEFINITION_NUMBER,
    bounded::Bounded,
    graph::Value,
    judge::ModelHead,
    model::{GENERATION_INPUTS, GENERATION_OUTPUTS},
};
use assay_types::{
    Dimension, Precision, Schema, TensorSchema,
    payload::{check_request, given_layouts},
    schema::{ModelKind, Polynomial, SymbolRange},
};

/// A check graph whose sequences have at most this length.
fn parts(max_length: u32) -> ModelParts {
    let tensor = |name: &str, data_type, symbol: Option<u8>| {
        let mut dimensions = vec![Dimension::Fixed(1)];
        dimensions.extend(symbol.map(Dimension::Symbol));
        TensorSchema {
            name: Bounded::new(name.as_bytes().to_vec()).expect("short"),
            data_type,
            dimensions: Bounded::new(dimensions).expect("two"),
            range: None,
        }
    };
    let inputs = GENERATION_INPUTS
        .iter()
        .enumerate()
        .map(|(position, name)| match position {
            0 => tensor(name, DataType::Int64, Some(0)),
            1 | 2 => tensor(name, DataType::Float32, None),
            6 => tensor(name, DataType::Int64, Some(1)),
            _ => tensor(name, DataType::Int64, None),
        });
    let [sequence, valid] = GENERATION_OUTPUTS;
    let outputs = vec![
        tensor(sequence, DataType::Int64, Some(1)),
        tensor(valid, DataType::Bool, None),
    ];
    let symbol = |name: &str, max| SymbolRange {
        name: Bounded::new(name.as_bytes().to_vec()).expect("short"),
        min: 1,
        max,
    };
    let symbols = vec![symbol("prompt", max_length - 1), symbol("sequence", max_length)];
    ModelParts {
        definition: DEFINITION_NUMBER,
        kind: ModelKind::Generation,
        head: ModelHead {
            operators: 2,
            nodes_root: [1; 32],
            weights_root: [2; 32],
        },
        outputs: Bounded::new(vec![Value::Node(0), Value::Node(1)]).expect("two"),
        schema: Schema {
            symbols: Bounded::new(symbols).expect("two"),
            inputs: Bounded::new(inputs.collect()).expect("seven"),
            outputs: Bounded::new(outputs).expect("two"),
        },
        precision: Precision::Int16,
        work: Polynomial::default(),
        trace_bytes: Polynomial::default(),
        manifest_hash: [3; 32],
    }
}

fn request(prompt: &[i64], sampling: Sampling) -> GenerationRequest {
    GenerationRequest {
        name: "prompt#0".into(),
        prompt: prompt.to_vec(),
        sampling,
    }
}

#[test]
fn a_request_is_what_the_chain_takes() {
    let parts = parts(20);
    for (max_tokens, longest) in [(None, 20), (Some(5), 8), (Some(17), 20), (Some(19), 20)] {
        let sampling = Sampling {
            max_tokens,
            ..Sampling::default()
        };
        let input = request(&[4, 5, 6], sampling).input(&parts).expect("within the ranges");
        assert_eq!(declared_length(&parts, &input.tensors), Some(longest));
        let (symbols, bytes) = ([3, longest], crate::schema::payload(&input.tensors));
        let layouts = given_layouts(&parts, &symbols).expect("within their ranges");
        assert!(crate::schema::digest(&layouts, &bytes).is_ok());
        assert_eq!(check_request(&parts, &symbols, Some(&bytes)), Ok(()));
    }
}

#[test]
fn what_is_out_of_range_is_named() {
    let refused = |sampling: Sampling| match request(&[1], sampling).input(&parts(20)) {
        Err(GenerationError::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let none = Sampling::default();
    for temperature in [-0.1, f32::NAN, f32::INFINITY] {
        let temperature = Some(temperature);
        assert_eq!(refused(Sampling { temperature, ..none }), "--temperature");
    }
    for top_p in [0.0, 1.5, f32::NAN] {
        let top_p = Some(top_p);
        assert_eq!(refused(Sampling { top_p, ..none }), "--top-p");
    }
    for top_k in [0, MAX_CANDIDATES + 1] {
        let top_k = Some(top_k);
        assert_eq!(refused(Sampling { top_k, ..none }), "--top-k");
    }
    for max_tokens in [0, 20] {
        let max_tokens = Some(max_tokens);
        assert_eq!(refused(Sampling { max_tokens, ..none }), "--max-tokens");
    }
}

#[test]
fn a_prompt_leaves_room_and_its_sequence_fits_into_a_claim() {
    for tokens in [0, 20] {
        let refused = request(&vec![1; tokens], Sampling::default()).input(&parts(20));
        assert!(
            matches!(refused, Err(GenerationError::Length { max: 19, .. })),
            "{refused:?}"
        );
    }
    let long = Sampling {
        max_tokens: Some(3_000),
        ..Sampling::default()
    };
    let refused = request(&[1], long).input(&parts(4_096));
    assert!(
        matches!(refused, Err(GenerationError::TooLong { longest: 3_001, .. })),
        "{refused:?}"
    );
}
