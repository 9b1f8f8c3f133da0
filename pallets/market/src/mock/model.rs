//! The model of the stories.

use super::{INPUT_BYTES, MAX_BATCH, OUTPUT_BYTES};
use assay_exact::{
    DEFINITION_NUMBER,
    graph::Value,
    judge::ModelHead,
    model::{ModelKind, Polynomial, Term},
};
use assay_types::{
    DataType, Dimension, H256, HostBlake2, ModelParts, Precision, Schema, TensorSchema, schema::SymbolRange,
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
