//! Lies about random graphs are found, truths are confirmed, and openings that were tampered with decide nothing.

mod advice;
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

    fn openings(&self) -> Openings<'_> {
        Openings::new::<Blake2b>(self.graph.graph(), &self.weight_digests, &self.trace)
    }

    /// The operator as the worker opens it.
    fn opening(&self, node: usize) -> OperatorOpening {
        let opening = self
            .openings()
            .open_operator::<Blake2b>(node as u32, &self.operands(node));
        opening.expect("a sound graph")
    }

    /// The operator as it is opened with an output of this header.
    fn open(&self, node: usize, output: &Tensor) -> Result<OpenedOperator, JudgeError> {
        let symbols = &self.trace.symbols;
        open_operator::<Blake2b>(&self.claim(), symbols, node as u32, &self.opening(node), &head(output))
    }

    fn schema(&self) -> Schema {
        Schema::of(&self.graph).expect("a small graph")
    }

    /// The outputs where the graph takes them from.
    fn outputs(&self) -> Vec<Value> {
        self.graph.graph().outputs.iter().map(|output| output.value).collect()
    }

    fn operands(&self, node: usize) -> Vec<&Tensor> {
        let value = |value: &Value| match *value {
            Value::Input(index) => &self.inputs[usize::from(index)],
            Value::Weight(index) => &self.weights[usize::from(index)],
            Value::Node(index) => &self.nodes[index as usize],
        };
        self.graph.graph().nodes[node].inputs.iter().map(value).collect()
    }

    fn judge(&self, node: usize, proof: &Proof, question: &Question) -> Result<Verdict, JudgeError> {
        let opened = self.open(node, &self.nodes[node]).expect("a sound graph");
        judge::<Blake2b>(&self.trace.symbols, &opened, &head(&self.nodes[node]), proof, question)
    }
}

fn shape(dimensions: &[u32]) -> Shape {
    Shape::new(dimensions.to_vec()).expect("few dimensions")
}

fn head(tensor: &Tensor) -> TensorOpening {
    TensorOpening::of::<Blake2b>(tensor).expect("few dimensions")
}

/// The question whether the element at `index` of this tensor is what it holds there.
fn element_question(tensor: &Tensor, index: u64) -> Question {
    let bytes = tensor.element(index).expect("an element").to_bytes(tensor.dtype());
    Question {
        index,
        claimed: Bounded::new(bytes).expect("at most 8 bytes"),
    }
}
