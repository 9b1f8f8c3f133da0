//! A model's graph: operators in topological order over its inputs and weights.
//!
//! ```text
//! node i       H( GRAPH_NODE_DOMAIN ‖ SCALE(node) )
//! nodes_root   root of the tree over node 0, node 1, …
//! ```
//!
//! so that one operator can be opened without the others. What else a graph has is small, and stands in the model's
//! parts ([`crate::model::ModelParts`]) as it is; of the weights it is their list digest, in the graph's order.
//!
//! A [`Graph`] is what was decoded or imported and may be nonsense; a [`CheckedGraph`] is one that can be evaluated.

mod batch;
mod check;
mod concrete;
mod dimension;
mod expression;
mod formula;
mod operator;
mod shape;
mod work;

pub use check::{CheckedGraph, GraphError, MAX_TRACE_BYTES, MAX_WORK};
pub use expression::{Bounds, Expression, MAX_EXPRESSION_TERMS};
pub use formula::{Formula, MAX_DIMENSION_TERMS, Monomial, Powers};
pub use operator::{Binary, MAX_ROW_BYTES, Operator, Position, Reduction, Unary};
pub use shape::{BindError, ShapeError};

use crate::{
    digest::{DOMAIN_BYTES, DataType, Digest, Hash256, domain_hash},
    model::ValueRange,
    tree::Tree,
};
use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Domain of one node of a graph.
pub const GRAPH_NODE_DOMAIN: [u8; DOMAIN_BYTES] = *b"assay/operator/1";

/// Dimensions that a tensor may have.
pub const MAX_RANK: usize = 8;
/// Tensors that a graph takes, and tensors that it gives.
pub const MAX_TENSORS: usize = 16;
/// Dynamic dimensions of a graph.
pub const MAX_SYMBOLS: usize = 8;
/// Weights of a graph.
pub const MAX_WEIGHTS: usize = 65_535;
/// Operators of a graph.
pub const MAX_NODES: usize = 65_535;
/// Tensors that an operator takes. All but a concatenation take at most three.
pub const MAX_OPERANDS: u32 = 64;
/// Bytes of an encoded node, which a dispute opens whole.
pub const MAX_NODE_BYTES: u32 = 2048;
/// Bytes of a name in a graph, UTF-8.
pub const MAX_NAME_BYTES: usize = 255;
/// Bytes of the name of a symbol, an input or an output, UTF-8: what the chain's schema has room for.
pub const MAX_SCHEMA_NAME_BYTES: usize = 64;

/// A graph as it was imported or decoded.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Graph {
    /// The dynamic dimensions; the same symbol has the same value wherever it stands.
    pub symbols: Vec<Symbol>,
    /// The tensors that it takes, in order.
    pub inputs: Vec<Input>,
    /// The tensors that it carries.
    pub weights: Vec<Weight>,
    /// Its operators; each takes only what stands before it.
    pub nodes: Vec<Node>,
    /// The tensors that it gives, in order.
    pub outputs: Vec<Output>,
}

/// A dynamic dimension and the values it may take, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Symbol {
    /// For people: `s0`, `batch`.
    pub name: String,
    /// Least value, at least 1.
    pub min: u32,
    /// Greatest value.
    pub max: u32,
}

/// One dimension of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Dimension {
    /// Always this many elements.
    #[codec(index = 0)]
    Fixed(u32),
    /// As many as this entry of the symbols ([`Graph::symbols`], or a schema's) is bound to.
    #[codec(index = 1)]
    Symbol(u8),
    /// A polynomial of the symbols, such as `past + length` or `2·batch·length - 1`: at least 1 for all values that the
    /// symbols may have, and below 2^32. It is written in its canonical form, as [`Formula`] says. Inputs have none,
    /// since they give the symbols their values.
    #[codec(index = 2)]
    Computed(Formula),
}

/// A tensor that a graph takes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Input {
    /// The name that the model's author gave it.
    pub name: String,
    /// Type of its elements.
    pub dtype: DataType,
    /// Its dimensions, outermost first.
    pub dimensions: Vec<Dimension>,
    /// The values that have a meaning to the model, for an integer input whose values are known to be bounded.
    pub range: Option<ValueRange>,
}

/// A tensor that a graph carries.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Weight {
    /// Its name in the module's state.
    pub name: String,
    /// Type of its elements.
    pub dtype: DataType,
    /// Elements in each dimension, outermost first.
    pub shape: Vec<u32>,
}

/// One operator at its place in a graph.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Node {
    /// Its name in the exported program.
    pub name: String,
    /// The node's operator.
    pub operator: Operator,
    /// The operands, in the operator's order.
    pub inputs: Vec<Value>,
    /// Where the author wrote it, as `file.py:line`; empty where the export does not say.
    pub source: String,
}

/// A tensor that a graph gives.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Output {
    /// `output_0`, `output_1`, … unless the author named it.
    pub name: String,
    /// The tensor.
    pub value: Value,
}

/// Where a tensor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Value {
    /// The input at this position.
    #[codec(index = 0)]
    Input(u16),
    /// The weight at this position.
    #[codec(index = 1)]
    Weight(u16),
    /// The output of the node at this position.
    #[codec(index = 2)]
    Node(u32),
}

impl Graph {
    /// The digests of the nodes, in order.
    pub fn node_digests<H: Hash256>(&self) -> Vec<Digest> {
        let nodes = self.nodes.iter();
        nodes
            .map(|node| domain_hash::<H>(&GRAPH_NODE_DOMAIN, &[&node.encode()]))
            .collect()
    }

    /// The root of the tree over the nodes, as drawn in the [module's documentation](self).
    pub fn nodes_root<H: Hash256>(&self) -> Digest {
        Tree::List.fold::<H>(&self.node_digests::<H>())
    }

    /// For every node the last node that takes its output: itself if there is none, and one past the last node if the
    /// graph gives it. So long is the output needed.
    pub fn last_uses(&self) -> Vec<usize> {
        let mut last: Vec<usize> = (0..self.nodes.len()).collect();
        let uses = self.nodes.iter().enumerate();
        let uses = uses.flat_map(|(index, node)| node.inputs.iter().map(move |value| (*value, index)));
        let given = self.outputs.iter().map(|output| (output.value, self.nodes.len()));
        for (value, index) in uses.chain(given) {
            if let Some(last) = value.node().and_then(|position| last.get_mut(position)) {
                *last = index;
            }
        }
        last
    }

    /// The graph without the nodes that no output depends on, which a checked graph does not have.
    pub fn without_unused(mut self) -> Self {
        let used = self.used();
        // The new position of every node that stays.
        let positions: Vec<u32> = used
            .iter()
            .scan(0u32, |next, is_used| {
                let position = *next;
                *next = position.saturating_add(u32::from(*is_used));
                Some(position)
            })
            .collect();
        let moved = |value: &mut Value| {
            if let Value::Node(index) = value
                && let Some(position) = usize::try_from(*index).ok().and_then(|index| positions.get(index))
            {
                *index = *position;
            }
        };
        let mut kept = used.into_iter();
        self.nodes.retain(|_| kept.next().unwrap_or(true));
        self.nodes.iter_mut().flat_map(|node| &mut node.inputs).for_each(moved);
        self.outputs.iter_mut().map(|output| &mut output.value).for_each(moved);
        self
    }

    /// For every node whether an output depends on it.
    fn used(&self) -> Vec<bool> {
        let mut used: Vec<bool> = self.nodes.iter().map(|_| false).collect();
        let mark = |used: &mut Vec<bool>, value: &Value| {
            if let Some(place) = value.node().and_then(|index| used.get_mut(index)) {
                *place = true;
            }
        };
        self.outputs.iter().for_each(|output| mark(&mut used, &output.value));
        for (index, node) in self.nodes.iter().enumerate().rev() {
            if used.get(index) == Some(&true) {
                node.inputs.iter().for_each(|value| mark(&mut used, value));
            }
        }
        used
    }

    /// For every node, the nodes whose outputs nothing after it needs: the same as [`last_uses`](Self::last_uses), seen
    /// from where an execution may drop them.
    pub fn finished_after(&self) -> Vec<Vec<usize>> {
        let mut finished: Vec<Vec<usize>> = self.nodes.iter().map(|_| Vec::new()).collect();
        for (node, last) in self.last_uses().into_iter().enumerate() {
            if let Some(list) = finished.get_mut(last) {
                list.push(node);
            }
        }
        finished
    }
}

impl Value {
    /// The position of the node that it comes from; `None` if it comes from none.
    pub fn node(self) -> Option<usize> {
        match self {
            Self::Node(index) => usize::try_from(index).ok(),
            Self::Input(_) | Self::Weight(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
