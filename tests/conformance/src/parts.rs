//! The parts of a model, as JSON.

use crate::{
    json::{Json, list, object, wide},
    render::{bytes, dimensions, dtype, precision, range, value},
};
use assay_exact::{
    judge::ModelHead,
    model::{ModelKind, ModelParts, Polynomial, Schema, TensorSchema},
};

/// Facts that openings stand on.
pub fn head(head: &ModelHead) -> Json {
    object([
        ("operators", head.operators.into()),
        ("nodes_root", bytes(&head.nodes_root)),
        ("weights_root", bytes(&head.weights_root)),
    ])
}

/// The tensors that a model takes and gives.
pub fn schema(schema: &Schema) -> Json {
    let symbols = list(schema.symbols.iter(), |symbol| {
        object([
            ("name", bytes(&symbol.name)),
            ("min", symbol.min.into()),
            ("max", symbol.max.into()),
        ])
    });
    object([
        ("symbols", symbols),
        ("inputs", list(schema.inputs.iter(), tensor)),
        ("outputs", list(schema.outputs.iter(), tensor)),
    ])
}

fn tensor(tensor: &TensorSchema) -> Json {
    object([
        ("name", bytes(&tensor.name)),
        ("type", dtype(tensor.data_type)),
        ("dimensions", dimensions(&tensor.dimensions)),
        ("range", range(tensor.range)),
    ])
}

/// The terms of a polynomial.
pub fn polynomial(polynomial: &Polynomial) -> Json {
    list(polynomial.terms(), |term| {
        let powers = list(term.powers, |power| u32::from(power).into());
        Json::List(vec![wide(term.coefficient), powers])
    })
}

fn kind(kind: ModelKind) -> Json {
    match kind {
        ModelKind::Plain => "plain".into(),
        ModelKind::Generation => "generation".into(),
    }
}

/// Everything that a model root commits to.
pub fn parts(parts: &ModelParts) -> Json {
    object([
        ("definition", parts.definition.into()),
        ("kind", kind(parts.kind)),
        ("head", head(&parts.head)),
        ("outputs", list(parts.outputs.iter(), |output| value(*output))),
        ("schema", schema(&parts.schema)),
        ("precision", precision(parts.precision)),
        ("work", polynomial(&parts.work)),
        ("trace_bytes", polynomial(&parts.trace_bytes)),
        ("manifest_hash", bytes(&parts.manifest_hash)),
    ])
}
