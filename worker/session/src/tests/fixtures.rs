//! Keys, terms and models.

use crate::{
    chain::ModelRecord,
    key::SessionPair,
    request::CheckedRequest,
    server::side::Contract,
    types::{AccountId, Balance, H256, ModelVersion, SessionRecord, Terms},
};
use assay_exact::{
    DEFINITION_NUMBER,
    bounded::Bounded,
    graph::{Dimension, MAX_SYMBOLS, Value},
    judge::ModelHead,
    model::{GENERATION_INPUTS, GENERATION_OUTPUTS, Polynomial, Schema, SymbolRange, Term, ValueRange},
    quantise::Precision,
};
use assay_ops::tensor::{Blake2b256, DataType, Tensor};
use assay_types::{
    ModelParts, TensorSchema,
    schema::ModelKind,
    session::{SessionAccount, SessionState},
};
use codec::{Decode, Encode};

pub const GENESIS: H256 = H256([3; 32]);
/// Takes a row of integers and gives each of them plus one.
pub const PLAIN: ModelVersion = ModelVersion { model: 1, version: 1 };
/// Generates tokens.
pub const GENERATION: ModelVersion = ModelVersion { model: 2, version: 1 };
/// A request of n elements on the plain model costs 10 + n, and a generation 10 + its longest sequence.
pub const TERMS: Terms = Terms {
    base: 10,
    rate: 10,
    min_budget: 10,
    max_budget: 1_000_000,
    lock_percent: 200,
    max_blocks: 1_000,
    window_blocks: 100,
};
/// Work of an element, so that it costs 1.
const WORK: u64 = 100_000_000;
const LONGEST: u32 = 200;
pub const LONGEST_ROW: u32 = 50_000;

pub fn client_pair() -> SessionPair {
    SessionPair::ed25519(&[100; 32])
}

pub fn worker_pair(number: u8) -> SessionPair {
    SessionPair::sr25519(&[number; 32])
}

pub fn account(number: u8) -> AccountId {
    AccountId::new([number; 32])
}

/// An open session of worker 1 on the plain model.
pub fn record(budget: Balance) -> SessionRecord {
    SessionRecord {
        client: account(100),
        worker: account(1),
        model: PLAIN,
        model_root: model(PLAIN).root,
        terms: TERMS,
        client_key: client_pair().public(),
        worker_key: worker_pair(1).public(),
        account: SessionAccount::new(budget),
        locked: TERMS.lock_for(budget),
        disputes: 0,
        state: SessionState::Open { until: 1_000 },
    }
}

/// The contract of [`record`] as session 1.
pub fn contract(budget: Balance) -> Contract {
    Contract::of(GENESIS, 1, &record(budget))
}

/// A request of this many elements on the plain model.
pub fn request(elements: u32) -> CheckedRequest {
    let inputs = [row(&vec![5; elements as usize])];
    CheckedRequest::plain(&model(PLAIN).parts, &inputs).expect("fits")
}

/// A row of integers.
pub fn row(integers: &[i64]) -> Tensor {
    let bytes = integers.iter().flat_map(|integer| integer.to_le_bytes()).collect();
    Tensor::new(DataType::Int64, vec![1, integers.len() as u32], bytes).expect("a row")
}

pub fn model(version: ModelVersion) -> ModelRecord {
    let parts = match version {
        PLAIN => plain(),
        _ => generation(),
    };
    ModelRecord {
        root: H256(parts.root::<Blake2b256>()),
        parts,
    }
}

fn plain() -> ModelParts {
    let known = Some(ValueRange { min: 0, max: 1_000 });
    let schema = Schema {
        symbols: bounded(vec![symbol("length", LONGEST_ROW)]),
        inputs: bounded(vec![tensor("x", DataType::Int64, Some(0), known)]),
        outputs: bounded(vec![tensor("y", DataType::Int64, Some(0), None)]),
    };
    parts(ModelKind::Plain, schema, 0)
}

fn generation() -> ModelParts {
    let tokens = Some(ValueRange { min: 0, max: 999 });
    let inputs = GENERATION_INPUTS.iter().enumerate().map(|(place, name)| match place {
        0 => tensor(name, DataType::Int64, Some(0), tokens),
        1 | 2 => tensor(name, DataType::Float32, None, None),
        6 => tensor(name, DataType::Int64, Some(1), tokens),
        _ => tensor(name, DataType::Int64, None, None),
    });
    let [sequence, valid] = GENERATION_OUTPUTS;
    let schema = Schema {
        symbols: bounded(vec![symbol("prompt", LONGEST - 1), symbol("sequence", LONGEST)]),
        inputs: bounded(inputs.collect()),
        outputs: bounded(vec![
            tensor(sequence, DataType::Int64, Some(1), None),
            tensor(valid, DataType::Bool, None, None),
        ]),
    };
    parts(ModelKind::Generation, schema, 1)
}

/// Parts whose work grows with one symbol.
fn parts(kind: ModelKind, schema: Schema, grows_with: usize) -> ModelParts {
    let mut powers = [0; MAX_SYMBOLS];
    powers[grows_with] = 1;
    let work = vec![Term {
        coefficient: WORK,
        powers,
    }];
    let outputs = (0..schema.outputs.len() as u32).map(Value::Node).collect();
    ModelParts {
        definition: DEFINITION_NUMBER,
        kind,
        head: ModelHead {
            operators: 2,
            nodes_root: [1; 32],
            weights_root: [2; 32],
        },
        outputs: bounded(outputs),
        schema,
        precision: Precision::Int16,
        work: Polynomial::decode(&mut work.encode().as_slice()).expect("one term"),
        trace_bytes: Polynomial::default(),
        manifest_hash: [3; 32],
    }
}

fn symbol(name: &str, max: u32) -> SymbolRange {
    SymbolRange {
        name: bounded(name.as_bytes().to_vec()),
        min: 1,
        max,
    }
}

/// `[1]`, or `[1, symbol]`.
fn tensor(name: &str, data_type: DataType, symbol: Option<u8>, range: Option<ValueRange>) -> TensorSchema {
    let mut dimensions = vec![Dimension::Fixed(1)];
    dimensions.extend(symbol.map(Dimension::Symbol));
    TensorSchema {
        name: bounded(name.as_bytes().to_vec()),
        data_type,
        dimensions: bounded(dimensions),
        range,
    }
}

fn bounded<T, const MAX: u32>(elements: Vec<T>) -> Bounded<T, MAX> {
    Bounded::new(elements).unwrap_or_else(|| panic!("more than {MAX} elements"))
}

#[test]
fn the_models_are_ones_that_the_chain_takes_and_prices_are_round() {
    for version in [PLAIN, GENERATION] {
        let record = model(version);
        assert_eq!(record.parts.schema.validate(), Ok(()));
    }
    assert_eq!(request(7).price(&TERMS), 17);
}
