//! Declaration of a generation, and delivery of its claim.

use super::*;
use crate::HostBlake2;
use alloc::vec;
use assay_exact::{
    DEFINITION_NUMBER,
    bounded::Bounded,
    digest::{DataType, list_digest, tensor_digest},
    graph::Value,
    judge::ModelHead,
    model::{GENERATION_INPUTS, GENERATION_OUTPUTS, Polynomial, Schema, SymbolRange, ValueRange},
    quantise::Precision,
};

const MAXIMUM: u32 = 6;

fn tensor(name: &str, data_type: DataType, symbol: Option<u8>, range: Option<ValueRange>) -> TensorSchema {
    let mut dimensions = vec![Dimension::Fixed(1)];
    dimensions.extend(symbol.map(Dimension::Symbol));
    TensorSchema {
        name: Bounded::new(name.as_bytes().to_vec()).expect("short"),
        data_type,
        dimensions: Bounded::new(dimensions).expect("two"),
        range,
    }
}

fn parts(kind: ModelKind) -> ModelParts {
    let tokens = Some(ValueRange { min: 0, max: 9 });
    let inputs = GENERATION_INPUTS
        .iter()
        .enumerate()
        .map(|(position, name)| match position {
            0 => tensor(name, DataType::Int64, Some(0), tokens),
            1 | 2 => tensor(name, DataType::Float32, None, None),
            6 => tensor(name, DataType::Int64, Some(1), tokens),
            _ => tensor(name, DataType::Int64, None, None),
        });
    let [sequence, valid] = GENERATION_OUTPUTS;
    let outputs = vec![
        tensor(sequence, DataType::Int64, Some(1), None),
        tensor(valid, DataType::Bool, None, None),
    ];
    let symbol = |name: &str, max| SymbolRange {
        name: Bounded::new(name.as_bytes().to_vec()).expect("short"),
        min: 1,
        max,
    };
    ModelParts {
        definition: DEFINITION_NUMBER,
        kind,
        head: ModelHead {
            operators: 2,
            nodes_root: [1; 32],
            weights_root: [2; 32],
        },
        outputs: Bounded::new(vec![Value::Node(0), Value::Node(1)]).expect("two"),
        schema: Schema {
            symbols: Bounded::new(vec![symbol("prompt", MAXIMUM - 1), symbol("sequence", MAXIMUM)]).expect("two"),
            inputs: Bounded::new(inputs.collect()).expect("seven"),
            outputs: Bounded::new(outputs).expect("two"),
        },
        precision: Precision::Int16,
        work: Polynomial::default(),
        trace_bytes: Polynomial::default(),
        manifest_hash: [3; 32],
    }
}

fn bytes(tokens: &[i64]) -> Vec<u8> {
    tokens.iter().flat_map(|token| token.to_le_bytes()).collect()
}

fn given(prompt: &[i64], max_tokens: i64) -> Vec<u8> {
    let sampling = bytes(&[64, 0, max_tokens]);
    [bytes(prompt), vec![0; 8], sampling].concat()
}

#[test]
fn the_parts_are_those_of_a_check_graph() {
    assert_eq!(parts(ModelKind::Generation).validate(), Ok(()));
    let found = lengths(&parts(ModelKind::Generation));
    assert_eq!(found, Some(Lengths { prompt: 0, sequence: 1 }));
    assert_eq!(lengths(&parts(ModelKind::Plain)), None);
}

#[test]
fn a_sequence_ends_at_max_tokens_or_at_the_models_maximum() {
    let parts = parts(ModelKind::Generation);
    let longest = |prompt, max_tokens| longest_sequence(&parts, prompt, max_tokens);
    assert_eq!(
        [longest(2, 1), longest(2, 4), longest(2, 5)],
        [Some(3), Some(6), Some(6)]
    );
    assert_eq!(longest(2, i64::MAX), Some(MAXIMUM));
    assert_eq!([longest(2, 0), longest(2, i64::MIN), longest(MAXIMUM, 3)], [None; 3]);
}

#[test]
fn a_generation_carries_all_inputs_but_the_sequence() {
    let symbols = [2, 5];
    let layouts = given_layouts(&parts(ModelKind::Generation), &symbols).expect("within their ranges");
    assert_eq!(layouts.len(), 6);
    let carried: u64 = layouts.iter().map(|layout| layout.bytes).sum();
    assert_eq!(carried, given(&[1, 2], 3).len() as u64);
    let plain = given_layouts(&parts(ModelKind::Plain), &symbols).expect("within their ranges");
    assert_eq!(plain.len(), 7);
}

#[test]
fn the_declared_length_is_that_of_the_request() {
    let parts = parts(ModelKind::Generation);
    let check = |symbols: [u32; 2], bytes: &[u8]| check_request(&parts, &symbols, Some(bytes));
    let length = |expected| Err(RequestFault::Length { expected });
    assert_eq!(check([2, 5], &given(&[1, 2], 3)), Ok(()));
    assert_eq!(check([2, 6], &given(&[1, 2], 30)), Ok(()));
    assert_eq!(check([2, 6], &given(&[1, 2], 3)), length(Some(5)));
    assert_eq!(check([2, 5], &given(&[1, 2], 0)), length(None));
    assert_eq!(check([2, 2], &given(&[1, 2], 3)), length(None));
    let value = Err(RequestFault::Value { input: 0, element: 1 });
    assert_eq!(check([2, 5], &given(&[1, 10], 3)), value);
    assert_eq!(check_request(&parts, &[2, 6], None), Ok(()));
    assert_eq!(check_request(&parts, &[2, 2], None), length(None));
    assert_eq!(check_request(&self::parts(ModelKind::Plain), &[2, 2], None), Ok(()));
}

#[test]
fn a_claim_delivers_the_sequence_and_says_that_it_is_valid() {
    let (parts, symbols, sequence) = (parts(ModelKind::Generation), [2, 5], bytes(&[1, 2, 7]));
    assert_eq!(max_delivered_bytes(&parts, &symbols), Ok(40));
    let outputs = delivered(&parts, &symbols, &sequence).expect("a length that the job allows");
    let digests = [
        tensor_digest::<HostBlake2>(DataType::Int64, &[1, 3], &sequence),
        tensor_digest::<HostBlake2>(DataType::Bool, &[1], &[1]),
    ];
    assert_eq!(
        outputs.digest::<HostBlake2>(),
        Ok(H256(list_digest::<HostBlake2>(&digests)))
    );
    for length in [0, 8, 16, 23, 25, 48] {
        let wrong = delivered(&parts, &symbols, &vec![0; length]).map(|outputs| outputs.layouts);
        assert_eq!(wrong, Err(SchemaError::WrongSize { expected: 40 }), "{length} bytes");
    }
}

#[test]
fn a_plain_claim_delivers_all_outputs() {
    let (parts, symbols) = (parts(ModelKind::Plain), [2, 5]);
    assert_eq!(max_delivered_bytes(&parts, &symbols), Ok(41));
    let bytes = vec![1; 41];
    let outputs = delivered(&parts, &symbols, &bytes).expect("symbols within their ranges");
    assert_eq!((outputs.layouts.len(), &*outputs.bytes), (2, &bytes[..]));
    assert!(outputs.digest::<HostBlake2>().is_ok());
}
