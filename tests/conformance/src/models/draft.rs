//! A graph that is written down node by node, with weights drawn for it.

use super::Model;
use crate::{graphs::build::fixed, random::Random};
use assay_exact::{
    binary32::Binary32,
    digest::DataType,
    graph::{Dimension, Graph, Input, Node, Operator, Output, Symbol, Value, Weight},
    model::ValueRange,
    quantise::Precision,
    tensor::Tensor,
};

/// A tensor of numbers below 1 in magnitude.
pub fn plain(random: &mut Random, shape: &[u32]) -> Tensor {
    let count: u32 = shape.iter().product();
    let unit = Binary32::from_i64(1 << 31);
    let numbers = (0..count).map(|_| Binary32::from_i64((random.next() as i32).into()) / unit);
    Tensor::from_numbers(shape.to_vec(), numbers).expect("as many as the shape says")
}

/// A graph in the making.
pub struct Draft<'a> {
    graph: Graph,
    weights: Vec<Tensor>,
    random: &'a mut Random,
}

impl<'a> Draft<'a> {
    /// A graph with one symbol of this name and range.
    pub fn new(random: &'a mut Random, symbol: &str, max: u32) -> Self {
        let symbol = Symbol {
            name: symbol.into(),
            min: 1,
            max,
        };
        Self {
            graph: Graph {
                symbols: vec![symbol],
                inputs: vec![],
                weights: vec![],
                nodes: vec![],
                outputs: vec![],
            },
            weights: vec![],
            random,
        }
    }

    pub fn input(&mut self, name: &str, dtype: DataType, dimensions: &[Dimension]) -> Value {
        self.graph.inputs.push(Input {
            name: name.into(),
            dtype,
            dimensions: dimensions.to_vec(),
            range: None,
        });
        Value::Input(self.graph.inputs.len() as u16 - 1)
    }

    /// Gives the last input a range of values.
    pub fn range(&mut self, min: i64, max: i64) {
        let input = self.graph.inputs.last_mut().expect("there is an input");
        input.range = Some(ValueRange { min, max });
    }

    pub fn weight(&mut self, name: &str, shape: &[u32]) -> Value {
        self.weights.push(plain(self.random, shape));
        self.graph.weights.push(Weight {
            name: name.into(),
            dtype: DataType::Float32,
            shape: shape.to_vec(),
        });
        Value::Weight(self.graph.weights.len() as u16 - 1)
    }

    pub fn node(&mut self, operator: Operator, inputs: &[Value]) -> Value {
        let position = self.graph.nodes.len() as u32;
        self.graph.nodes.push(Node {
            name: format!("{}_{position}", operator.name()),
            operator,
            inputs: inputs.to_vec(),
            source: format!("model.py:{}", 10 + position),
        });
        Value::Node(position)
    }

    /// One number.
    pub fn constant(&mut self, bits: u32) -> Value {
        let operator = Operator::Fill {
            dtype: DataType::Float32,
            bits: bits.into(),
            dimensions: vec![],
        };
        self.node(operator, &[])
    }

    pub fn reshape(&mut self, value: Value, dimensions: Vec<Dimension>) -> Value {
        self.node(Operator::Reshape { dimensions }, &[value])
    }

    pub fn permute(&mut self, value: Value, axes: &[u8]) -> Value {
        self.node(Operator::Permute { axes: axes.to_vec() }, &[value])
    }

    pub fn output(&mut self, name: &str, value: Value) {
        self.graph.outputs.push(Output {
            name: name.into(),
            value,
        });
    }

    /// The model, to be executed on what `runs` draws.
    pub fn finish(
        self,
        name: &'static str,
        precision: Precision,
        runs: impl FnOnce(&mut Random) -> Vec<Vec<Tensor>>,
    ) -> Model {
        let graph = self.graph.check().unwrap_or_else(|error| panic!("{name}: {error}"));
        Model {
            name,
            graph,
            weights: self.weights,
            precision,
            runs: runs(self.random),
        }
    }
}

/// The symbol, and after it fixed dimensions.
pub fn rows(shape: &[u32]) -> Vec<Dimension> {
    [&[Dimension::Symbol(0)], fixed(shape).as_slice()].concat()
}
