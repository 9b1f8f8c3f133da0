//! Nodes put after those of a graph.

use super::PREFIX;
use assay_exact::{
    digest::DataType,
    graph::{Binary, Dimension, Graph, Node, Operator, Reduction, Unary, Value},
};

/// A graph that grows.
pub(super) struct Writer {
    graph: Graph,
}

impl Writer {
    pub fn new(graph: Graph) -> Self {
        Self { graph }
    }

    pub fn finish(self) -> Graph {
        self.graph
    }

    /// A node of this name, which no other one has.
    pub fn node(&mut self, name: &str, operator: Operator, inputs: &[Value]) -> Value {
        let index = self.graph.nodes.len() as u32;
        self.graph.nodes.push(Node {
            name: format!("{PREFIX}{name}"),
            operator,
            inputs: inputs.to_vec(),
            source: String::new(),
        });
        Value::Node(index)
    }

    pub fn binary(&mut self, name: &str, function: Binary, left: Value, right: Value) -> Value {
        self.node(name, Operator::Binary(function), &[left, right])
    }

    pub fn unary(&mut self, name: &str, function: Unary, of: Value) -> Value {
        self.node(name, Operator::Unary(function), &[of])
    }

    pub fn select(&mut self, name: &str, condition: Value, yes: Value, no: Value) -> Value {
        self.node(name, Operator::Where, &[condition, yes, no])
    }

    pub fn reduce(&mut self, name: &str, reduction: Reduction, of: Value) -> Value {
        self.node(name, Operator::Reduce(reduction), &[of])
    }

    pub fn gather(&mut self, name: &str, data: Value, indices: Value, axis: u8) -> Value {
        self.node(name, Operator::Gather { axis }, &[data, indices])
    }

    pub fn reshape(&mut self, name: &str, of: Value, dimensions: &[Dimension]) -> Value {
        let dimensions = dimensions.to_vec();
        self.node(name, Operator::Reshape { dimensions }, &[of])
    }

    pub fn arange(&mut self, name: &str, start: i64, step: i64, length: Dimension) -> Value {
        self.node(name, Operator::Arange { start, step, length }, &[])
    }

    /// One integer, without dimensions.
    pub fn integer(&mut self, name: &str, integer: i64) -> Value {
        self.fill(name, DataType::Int64, integer.cast_unsigned())
    }

    /// One number, without dimensions.
    pub fn number(&mut self, name: &str, number: f32) -> Value {
        self.fill(name, DataType::Float32, u64::from(number.to_bits()))
    }

    fn fill(&mut self, name: &str, dtype: DataType, bits: u64) -> Value {
        let dimensions = Vec::new();
        self.node(
            name,
            Operator::Fill {
                dtype,
                bits,
                dimensions,
            },
            &[],
        )
    }
}
