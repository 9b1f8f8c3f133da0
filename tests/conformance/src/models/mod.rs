//! Whole small models: graph, weights and manifest with their roots, and executions with every digest.

mod draft;
mod drawn;
mod networks;

use crate::{
    Blake2b,
    family::Family,
    json::{Json, object},
    parts,
    random::Random,
    render::{self, bytes, digests, tensors},
};
use assay_exact::{
    digest::{Digest, list_digest, manifest_hash},
    evaluate::evaluate,
    graph::CheckedGraph,
    model::ModelParts,
    quantise::Precision,
    tensor::Tensor,
    trace::Trace,
};

/// A model, and inputs to execute it on.
struct Model {
    name: &'static str,
    graph: CheckedGraph,
    weights: Vec<Tensor>,
    precision: Precision,
    runs: Vec<Vec<Tensor>>,
}

pub fn family() -> Family {
    let mut family = Family::new("models");
    let mut random = Random(0x6d6f_6465);
    for model in networks::all(&mut random) {
        add(&mut family, model);
    }
    for model in drawn::all(&mut random) {
        add(&mut family, model);
    }
    family
}

fn add(family: &mut Family, model: Model) {
    let manifest = format!("# The model {} of the conformance suite.\n", model.name);
    let weights: Vec<Digest> = model.weights.iter().map(Tensor::digest::<Blake2b>).collect();
    let (weights_root, manifest_hash) = (
        list_digest::<Blake2b>(&weights),
        manifest_hash::<Blake2b>(manifest.as_bytes()),
    );
    let parts = ModelParts::new::<Blake2b>(&model.graph, weights_root, model.precision, manifest_hash);
    let parts = parts.expect("the graph is checked");
    assert_eq!(parts.validate(), Ok(()));
    let runs = model.runs.iter().map(|inputs| run(&model, inputs));
    let fields = vec![
        ("graph", render::graph(model.graph.graph())),
        ("weights", tensors(&model.weights)),
        ("precision", render::precision(model.precision)),
        ("manifest", bytes(manifest.as_bytes())),
        ("runs", Json::List(runs.collect())),
        ("parts", parts::parts(&parts)),
        ("model_root", bytes(&parts.root::<Blake2b>())),
    ];
    family.case("model", model.name, fields);
}

fn run(model: &Model, inputs: &[Tensor]) -> Json {
    let outputs = evaluate(&model.graph, &model.weights, inputs).expect("the inputs are the model's");
    let trace = Trace::of::<Blake2b>(&model.graph, &model.weights, inputs).expect("it was just evaluated");
    object([
        ("inputs", tensors(inputs)),
        ("symbols", render::shape(&trace.symbols)),
        ("input_digest", bytes(&trace.input_digest::<Blake2b>())),
        ("nodes", digests(&trace.nodes)),
        ("trace_digest", bytes(&trace.digest::<Blake2b>())),
        ("outputs", tensors(&outputs)),
        ("output_digest", bytes(&trace.output_digest::<Blake2b>())),
    ])
}
