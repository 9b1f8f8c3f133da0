//! Random small graphs, and an execution of which everything is kept.

// The generator of `assay-exact`'s own tests; it cannot be a dependency without a feature that would be switched on for
// everybody.
#[path = "../../../primitives/exact/src/judge/tests/graphs/draw.rs"]
mod draw;

pub use draw::{TYPES, operator, tensor};

use crate::{Blake2b, random::Random};
use assay_exact::{
    self as exact,
    digest::{Digest, list_digest},
    evaluate::evaluate_with,
    graph::{CheckedGraph, Graph, MAX_TENSORS, Output, Value},
    judge::{Claim, ModelHead, Openings},
    model::ModelKind,
    tensor::Tensor,
    trace::{Trace, TraceBuilder},
};

/// A model and an execution of it, with every tensor.
pub struct Executed {
    pub graph: CheckedGraph,
    pub weights: Vec<Tensor>,
    pub weight_digests: Vec<Digest>,
    pub inputs: Vec<Tensor>,
    pub nodes: Vec<Tensor>,
    pub trace: Trace,
}

impl Executed {
    /// Evaluates a sound graph as it is defined.
    pub fn new(graph: Graph, weights: Vec<Tensor>, inputs: Vec<Tensor>) -> Self {
        let graph = graph.check().expect("the graph is sound");
        let mut builder = TraceBuilder::<Blake2b>::new(&graph, &inputs).expect("the inputs are the graph's");
        let mut nodes = Vec::new();
        let outputs = evaluate_with(&graph, &weights, &inputs, |index, output| {
            builder.record(index, output);
            nodes.push(output.clone());
        });
        let outputs = outputs.expect("a sound graph has a result");
        Self {
            trace: builder.finish(&outputs).expect("every node was recorded"),
            weight_digests: weights.iter().map(Tensor::digest::<Blake2b>).collect(),
            graph,
            weights,
            inputs,
            nodes,
        }
    }

    /// Commitment of a worker that claims this execution.
    pub fn claim(&self) -> Claim {
        let graph = self.graph.graph();
        Claim {
            model: ModelHead {
                operators: graph.nodes.len() as u32,
                nodes_root: graph.nodes_root::<Blake2b>(),
                weights_root: list_digest::<Blake2b>(&self.weight_digests),
            },
            kind: ModelKind::Plain,
            input_digest: self.trace.input_digest::<Blake2b>(),
            output_digest: self.trace.output_digest::<Blake2b>(),
            trace_digest: self.trace.digest::<Blake2b>(),
        }
    }

    pub fn openings(&self) -> Openings<'_> {
        Openings::new::<Blake2b>(self.graph.graph(), &self.weight_digests, &self.trace)
    }

    /// Operands of an operator, in its order.
    pub fn operands(&self, operator: u32) -> Vec<&Tensor> {
        let value = |value: &Value| match *value {
            Value::Input(index) => &self.inputs[usize::from(index)],
            Value::Weight(index) => &self.weights[usize::from(index)],
            Value::Node(index) => &self.nodes[index as usize],
        };
        let node = &self.graph.graph().nodes[operator as usize];
        node.inputs.iter().map(value).collect()
    }
}

/// A small model of up to `operators` random operators, executed on random inputs. Now and then a weight is among its
/// outputs.
pub fn random(random: &mut Random, operators: usize) -> Executed {
    let (graph, weights, inputs) = draw::model(random, operators);
    let weights = weights.into_iter().map(Tensor::canonical).collect();
    let mut graph = graph.graph().clone();
    if random.once_in(5) && graph.outputs.len() < MAX_TENSORS {
        graph.outputs.push(Output {
            name: "weight".into(),
            value: Value::Weight(0),
        });
    }
    Executed::new(graph, weights, inputs)
}
