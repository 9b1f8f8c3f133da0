//! The trace of an execution: the digest of every operator's output, in order. It is computed only when a claim is
//! challenged.

use crate::{
    digest::{Digest, Hash256, list_digest},
    evaluate::{EvaluateError, evaluate_with},
    graph::CheckedGraph,
    model::ModelKind,
    tensor::Tensor,
    tree::{Membership, Tree},
};
use alloc::vec::Vec;
use core::marker::PhantomData;

/// Commitment of an execution, from its inputs to its outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Digests of the inputs, as they were given; the last may be advice (see [`ModelKind::advice`]).
    pub inputs: Vec<Digest>,
    /// Digests of the nodes' outputs, in the graph's order.
    pub nodes: Vec<Digest>,
    /// Digests of the job's outputs.
    pub outputs: Vec<Digest>,
    /// The values of the graph's symbols.
    pub symbols: Vec<u32>,
}

/// Gathers a trace from an engine that shows each node's output once and may then drop it.
pub struct TraceBuilder<H> {
    inputs: Vec<Digest>,
    symbols: Vec<u32>,
    nodes: Vec<Option<Digest>>,
    hasher: PhantomData<H>,
}

impl Trace {
    /// The trace of evaluating a graph as it is defined.
    pub fn of<H: Hash256>(graph: &CheckedGraph, weights: &[Tensor], inputs: &[Tensor]) -> Result<Self, EvaluateError> {
        let mut builder = TraceBuilder::<H>::new(graph, inputs)?;
        let outputs = evaluate_with(graph, weights, inputs, |index, output| builder.record(index, output))?;
        builder.finish(&outputs).map_err(|missing| EvaluateError::Inconsistent {
            name: graph
                .graph()
                .nodes
                .get(missing)
                .map(|node| node.name.clone())
                .unwrap_or_default(),
        })
    }

    /// The list digest of the inputs of a plain model.
    pub fn input_digest<H: Hash256>(&self) -> Digest {
        self.given_digest::<H>(ModelKind::Plain)
    }

    /// The list digest of the inputs that the client gave to a model of this kind.
    pub fn given_digest<H: Hash256>(&self, kind: ModelKind) -> Digest {
        list_digest::<H>(kind.given(&self.inputs))
    }

    /// The list digest of the outputs.
    pub fn output_digest<H: Hash256>(&self) -> Digest {
        list_digest::<H>(&self.outputs)
    }

    /// The list digest of the nodes' outputs.
    pub fn digest<H: Hash256>(&self) -> Digest {
        list_digest::<H>(&self.nodes)
    }

    /// The digests of one level of the tree over the nodes' outputs.
    pub fn level<H: Hash256>(&self, level: u32) -> Vec<Digest> {
        Tree::List.level::<H>(self.nodes.clone(), level)
    }

    /// Membership proof for this node's digest; `None` if there is no such node.
    pub fn membership<H: Hash256>(&self, node: u32) -> Option<Membership> {
        Membership::of::<H>(&self.nodes, node)
    }

    /// The first node whose digest is another in the other trace.
    pub fn first_difference(&self, other: &[Digest]) -> Option<u32> {
        let differs = self.nodes.iter().zip(other).position(|(a, b)| a != b)?;
        u32::try_from(differs).ok()
    }
}

impl<H: Hash256> TraceBuilder<H> {
    /// A trace of this graph for these inputs, without any node yet.
    pub fn new(graph: &CheckedGraph, inputs: &[Tensor]) -> Result<Self, EvaluateError> {
        let layouts: Vec<_> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
        Ok(Self {
            symbols: graph.bind(&layouts).map_err(EvaluateError::Inputs)?,
            inputs: inputs.iter().map(Tensor::digest::<H>).collect(),
            nodes: graph.graph().nodes.iter().map(|_| None).collect(),
            hasher: PhantomData,
        })
    }

    /// Takes the digest of a node's output. Nodes may come in any order; one that the graph does not have is ignored.
    pub fn record(&mut self, index: usize, output: &Tensor) {
        self.record_digest(index, output.digest::<H>());
    }

    /// The same where the digest is known, computed where the output was.
    pub fn record_digest(&mut self, index: usize, digest: Digest) {
        if let Some(place) = self.nodes.get_mut(index) {
            *place = Some(digest);
        }
    }

    /// The trace, or the position of the first node that was not recorded.
    pub fn finish(self, outputs: &[Tensor]) -> Result<Trace, usize> {
        let nodes = self.nodes.into_iter().enumerate();
        let nodes = nodes
            .map(|(index, digest)| digest.ok_or(index))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Trace {
            inputs: self.inputs,
            nodes,
            outputs: outputs.iter().map(Tensor::digest::<H>).collect(),
            symbols: self.symbols,
        })
    }
}
