//! Lies about random graphs are found, truths are confirmed, and openings that were tampered with decide nothing.

mod bounds;
mod graphs;
mod lies;
mod tampering;
mod unsound;

use super::*;
use crate::{
    bounded::Bounded,
    digest::list_digest,
    evaluate::{evaluate, evaluate_with},
    graph::{CheckedGraph, Value},
    tensor::Tensor,
    testing::Blake2b,
    trace::Trace,
};
use alloc::vec::Vec;

/// A model and an execution of it, of which everything is kept.
struct Execution {
    graph: CheckedGraph,
    weights: Vec<Tensor>,
    weight_digests: Vec<Digest>,
    inputs: Vec<Tensor>,
    nodes: Vec<Tensor>,
    trace: Trace,
}

const MANIFEST: Digest = [7; 32];

impl Execution {
    fn new(graph: CheckedGraph, weights: Vec<Tensor>, inputs: Vec<Tensor>) -> Self {
        let mut nodes = Vec::new();
        let outputs = evaluate_with(&graph, &weights, &inputs, |index, output| {
            assert_eq!(index, nodes.len());
            nodes.push(output.clone());
        });
        assert_eq!(outputs, evaluate(&graph, &weights, &inputs));
        let trace = Trace::of::<Blake2b>(&graph, &weights, &inputs).expect("it was just evaluated");
        assert_eq!(
            trace.nodes,
            nodes.iter().map(Tensor::digest::<Blake2b>).collect::<Vec<_>>()
        );
        Self {
            weight_digests: weights.iter().map(Tensor::digest::<Blake2b>).collect(),
            graph,
            weights,
            inputs,
            nodes,
            trace,
        }
    }

    fn claim(&self) -> Claim {
        let weights_root = list_digest::<Blake2b>(&self.weight_digests);
        Claim {
            model_root: model_root::<Blake2b>(&self.graph.graph().root::<Blake2b>(), &weights_root, &MANIFEST),
            input_digest: self.trace.input_digest::<Blake2b>(),
            output_digest: self.trace.output_digest::<Blake2b>(),
            trace_digest: self.trace.digest::<Blake2b>(),
        }
    }

    fn openings(&self) -> Openings<'_> {
        Openings::new::<Blake2b>(self.graph.graph(), &self.weight_digests, MANIFEST, &self.trace)
    }

    fn operands(&self, node: usize) -> Vec<&Tensor> {
        let value = |value: &Value| match *value {
            Value::Input(index) => &self.inputs[usize::from(index)],
            Value::Weight(index) => &self.weights[usize::from(index)],
            Value::Node(index) => &self.nodes[index as usize],
        };
        self.graph.graph().nodes[node].inputs.iter().map(value).collect()
    }

    fn judge(&self, claim: &Claim, node: usize, proof: &Proof, question: &Question) -> Result<Verdict, JudgeError> {
        judge::<Blake2b>(claim, &self.trace.symbols, node as u32, proof, question)
    }
}

fn shape(dimensions: &[u32]) -> Shape {
    Shape::new(dimensions.to_vec()).expect("few dimensions")
}

/// The question whether the element at `index` of this tensor is what it holds there.
fn element_question(tensor: &Tensor, index: u64) -> Question {
    let bytes = tensor.element(index).expect("an element").to_bytes(tensor.dtype());
    Question::Element {
        dtype: tensor.dtype(),
        shape: shape(tensor.shape()),
        index,
        claimed: Bounded::new(bytes).expect("at most 8 bytes"),
    }
}

fn header_question(tensor: &Tensor) -> Question {
    Question::Header {
        dtype: tensor.dtype(),
        shape: shape(tensor.shape()),
    }
}
