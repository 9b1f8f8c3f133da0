//! Whole small models: graph, weights and manifest with their roots, and executions with every digest.

mod draft;
mod drawn;
mod networks;

use crate::{
    Blake2b,
    family::Family,
    json::{Json, object},
    render::{self, bytes, digests, tensors},
};
use assay_adversary::Random;
use assay_exact::{
    digest::{Digest, list_digest, manifest_hash, model_root},
    evaluate::evaluate,
    graph::CheckedGraph,
    tensor::Tensor,
    trace::Trace,
};

/// A model, and inputs to execute it on.
struct Model {
    name: &'static str,
    graph: CheckedGraph,
    weights: Vec<Tensor>,
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
    let graph = model.graph.graph();
    let manifest = format!("# The model {} of the conformance suite.\n", model.name);
    let weights: Vec<Digest> = model.weights.iter().map(Tensor::digest::<Blake2b>).collect();
    let (graph_root, weights_root) = (graph.root::<Blake2b>(), list_digest::<Blake2b>(&weights));
    let manifest_hash = manifest_hash::<Blake2b>(manifest.as_bytes());
    let runs = model.runs.iter().map(|inputs| run(&model, inputs));
    let fields = vec![
        ("graph", render::graph(graph)),
        ("weights", tensors(&model.weights)),
        ("manifest", bytes(manifest.as_bytes())),
        ("runs", Json::List(runs.collect())),
        ("graph_root", bytes(&graph_root)),
        ("weights_root", bytes(&weights_root)),
        (
            "model_root",
            bytes(&model_root::<Blake2b>(&graph_root, &weights_root, &manifest_hash)),
        ),
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
