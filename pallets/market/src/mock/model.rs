//! The model of the stories.

use super::{INPUT_BYTES, MAX_BATCH, MAX_SEQUENCE, OUTPUT_BYTES};
use assay_exact::{
    DEFINITION_NUMBER,
    graph::Value,
    judge::ModelHead,
    model::{GENERATION_INPUTS, GENERATION_OUTPUTS, ModelKind, Polynomial, Term},
};
use assay_types::{
    DataType, Dimension, H256, HostBlake2, ModelParts, Precision, Schema, TensorSchema,
    schema::{SymbolRange, ValueRange},
};
use codec::{Decode, Encode};

/// The root of the model.
pub fn root() -> H256 {
    H256(parts().root::<HostBlake2>())
}

pub fn parts() -> ModelParts {
    let schema = schema();
    // A polynomial has no constructor beside its graph's; its encoding is its list of terms.
    let row = Term {
        coefficient: 1_000_000_000,
        powers: [1, 0, 0, 0, 0, 0, 0, 0],
    };
    ModelParts {
        definition: DEFINITION_NUMBER,
        kind: ModelKind::Plain,
        head: ModelHead {
            operators: 1,
            nodes_root: [1; 32],
            weights_root: [0; 32],
        },
        outputs: vec![Value::Node(0); 1].try_into().expect("few outputs"),
        schema,
        precision: Precision::Int16,
        work: Polynomial::decode(&mut &vec![row].encode()[..]).expect("one term"),
        trace_bytes: Polynomial::default(),
        manifest_hash: [0; 32],
    }
}

pub fn schema() -> Schema {
    let rows = |name: &[u8], columns| TensorSchema {
        name: name.to_vec().try_into().expect("short"),
        data_type: DataType::Uint8,
        dimensions: vec![Dimension::Symbol(0), Dimension::Fixed(columns)]
            .try_into()
            .expect("short"),
        range: None,
    };
    let batch = SymbolRange {
        name: b"batch".to_vec().try_into().expect("short"),
        min: 1,
        max: MAX_BATCH,
    };
    Schema {
        symbols: vec![batch].try_into().expect("short"),
        inputs: vec![rows(b"rows", INPUT_BYTES as u32)].try_into().expect("short"),
        outputs: vec![rows(b"scores", OUTPUT_BYTES as u32)].try_into().expect("short"),
    }
}

/// A check graph: sequences of 2 to `MAX_SEQUENCE` tokens, of which there are ten. A token of the sequence is a billion
/// units of work.
pub fn generation() -> ModelParts {
    let symbol = |name: &[u8], min, max| SymbolRange {
        name: name.to_vec().try_into().expect("short"),
        min,
        max,
    };
    let tensor = |name: &str, data_type, dimensions: Vec<Dimension>, range| TensorSchema {
        name: name.as_bytes().to_vec().try_into().expect("short"),
        data_type,
        dimensions: dimensions.try_into().expect("short"),
        range,
    };
    let row = |symbol| vec![Dimension::Fixed(1), Dimension::Symbol(symbol)];
    let one = || vec![Dimension::Fixed(1)];
    let integers = |min, max| Some(ValueRange { min, max });
    let kinds = [
        (DataType::Int64, row(0), integers(0, 9)),
        (DataType::Float32, one(), None),
        (DataType::Float32, one(), None),
        (DataType::Int64, one(), integers(1, 64)),
        (DataType::Int64, one(), None),
        (DataType::Int64, one(), integers(1, i64::from(MAX_SEQUENCE) - 1)),
        (DataType::Int64, row(1), integers(0, 9)),
    ];
    let inputs = GENERATION_INPUTS.iter().zip(kinds);
    let inputs = inputs.map(|(name, (dtype, dimensions, range))| tensor(name, dtype, dimensions, range));
    let [sequence, valid] = GENERATION_OUTPUTS;
    let outputs = vec![
        tensor(sequence, DataType::Int64, row(1), None),
        tensor(valid, DataType::Bool, one(), None),
    ];
    let token = Term {
        coefficient: 1_000_000_000,
        powers: [0, 1, 0, 0, 0, 0, 0, 0],
    };
    let symbols = vec![
        symbol(b"prompt", 1, MAX_SEQUENCE - 1),
        symbol(b"sequence", 2, MAX_SEQUENCE),
    ];
    ModelParts {
        kind: ModelKind::Generation,
        outputs: vec![Value::Node(0); 2].try_into().expect("few outputs"),
        schema: Schema {
            symbols: symbols.try_into().expect("short"),
            inputs: inputs.collect::<Vec<_>>().try_into().expect("short"),
            outputs: outputs.try_into().expect("short"),
        },
        work: Polynomial::decode(&mut &vec![token].encode()[..]).expect("one term"),
        ..parts()
    }
}
