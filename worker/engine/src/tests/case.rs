//! Graphs in the making, with what they take.

use super::Random;
use assay_exact::{
    graph::{Dimension, Graph, Input, Node, Operator, Output, Position, Symbol, Value, Weight},
    quantise::Precision,
};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::{Details, Package};

/// A graph in the making, with what it takes.
#[derive(Default)]
pub(super) struct Case {
    pub symbols: Vec<Symbol>,
    pub inputs: Vec<Input>,
    pub job: Vec<Tensor>,
    pub weights: Vec<Weight>,
    pub stored: Vec<Tensor>,
    pub nodes: Vec<Node>,
    pub outputs: Vec<Output>,
}

/// A shape as fixed dimensions.
pub(super) fn fixed(shape: &[u32]) -> Vec<Dimension> {
    shape.iter().map(|n| Dimension::Fixed(*n)).collect()
}

impl Case {
    /// A tensor that the graph takes or carries.
    pub fn tensor(&mut self, random: &mut Random, tensor: Tensor) -> Value {
        let (dtype, shape) = (tensor.dtype(), tensor.shape().to_vec());
        if !self.job.is_empty() && random.below(3) == 0 {
            self.weights.push(Weight {
                name: format!("w{:02}", self.weights.len()),
                dtype,
                shape,
            });
            self.stored.push(tensor.canonical());
            return Value::Weight(self.stored.len() as u16 - 1);
        }
        self.inputs.push(Input {
            name: format!("x{}", self.inputs.len()),
            dtype,
            dimensions: fixed(&shape),
            range: None,
        });
        self.job.push(tensor);
        Value::Input(self.job.len() as u16 - 1)
    }

    /// Numbers, in rows of one kind each.
    pub fn numbers(&mut self, random: &mut Random, shape: &[u32]) -> Value {
        let tensor = random.tensor(shape);
        self.tensor(random, tensor)
    }

    /// Numbers, seen through a permutation, a slice or a repetition now and then, as engines see many operands.
    pub fn view(&mut self, random: &mut Random, shape: &[u32]) -> Value {
        self.view_of(random, shape, &Random::tensor)
    }

    /// The same of any tensor.
    pub fn view_of(
        &mut self,
        random: &mut Random,
        shape: &[u32],
        make: &dyn Fn(&mut Random, &[u32]) -> Tensor,
    ) -> Value {
        let take = |case: &mut Self, random: &mut Random, shape: &[u32]| {
            let tensor = make(random, shape);
            case.tensor(random, tensor)
        };
        match random.below(5) {
            0 if shape.len() > 1 => {
                let mut axes: Vec<u8> = (0..shape.len() as u8).collect();
                for i in (1..axes.len()).rev() {
                    axes.swap(i, random.below(i as u64 + 1) as usize);
                }
                let mut before = shape.to_vec();
                for (n, axis) in shape.iter().zip(&axes) {
                    before[usize::from(*axis)] = *n;
                }
                let input = take(self, random, &before);
                self.node(Operator::Permute { axes }, vec![input])
            }
            1 if !shape.is_empty() => {
                let axis = random.below(shape.len() as u64) as usize;
                let (step, start) = (1 + random.below(3) as u32, random.below(4) as u32);
                let mut before = shape.to_vec();
                before[axis] = start + (shape[axis] - 1) * step + 1 + random.below(2) as u32;
                let input = take(self, random, &before);
                let slice = Operator::Slice {
                    axis: axis as u8,
                    start: Position::FromStart(start),
                    step,
                    length: Dimension::Fixed(shape[axis]),
                };
                self.node(slice, vec![input])
            }
            2 if !shape.is_empty() => {
                let own = narrower(random, shape);
                let input = take(self, random, &own);
                let dimensions = fixed(shape);
                self.node(Operator::Expand { dimensions }, vec![input])
            }
            _ => take(self, random, shape),
        }
    }

    /// Truth values, seen like the numbers.
    pub fn bools(&mut self, random: &mut Random, shape: &[u32]) -> Value {
        self.view_of(random, shape, &|random, shape| {
            let bytes = (0..count(shape)).map(|_| random.below(2) as u8).collect();
            Tensor::new(DataType::Bool, shape.to_vec(), bytes).expect("a byte for each")
        })
    }

    /// Integers from 0 to below `end`.
    pub fn indices(&mut self, random: &mut Random, shape: &[u32], end: u32) -> Value {
        let integers = (0..count(shape)).map(|_| random.below(u64::from(end)) as i64);
        let bytes = integers.flat_map(i64::to_le_bytes).collect();
        let tensor = Tensor::new(DataType::Int64, shape.to_vec(), bytes).expect("eight bytes for each");
        self.tensor(random, tensor)
    }

    pub fn node(&mut self, operator: Operator, inputs: Vec<Value>) -> Value {
        self.nodes.push(Node {
            name: format!("node_{}", self.nodes.len()),
            operator,
            inputs,
            source: String::new(),
        });
        Value::Node(self.nodes.len() as u32 - 1)
    }

    pub fn output(&mut self, value: Value) {
        self.outputs.push(Output {
            name: format!("output_{}", self.outputs.len()),
            value,
        });
    }

    /// The package, and a job for it.
    pub fn finish(self) -> (Package, Vec<Tensor>) {
        let graph = Graph {
            symbols: self.symbols,
            inputs: self.inputs,
            weights: self.weights,
            nodes: self.nodes,
            outputs: self.outputs,
        };
        let details = Details {
            name: "random".into(),
            version: "1".into(),
            licence: "Apache-2.0".into(),
            description: String::new(),
        };
        let graph = graph.without_unused().check();
        let graph = graph.unwrap_or_else(|error| panic!("an unsound case: {error}"));
        let package = Package::new(details, Precision::Int16, graph, self.stored, vec![]);
        (package.expect("a sound package"), self.job)
    }
}

/// Elements of a tensor of this shape.
pub(super) fn count(shape: &[u32]) -> usize {
    shape.iter().map(|n| *n as usize).product()
}

/// A shape without some outer dimensions, and with 1 in place of some.
pub(super) fn narrower(random: &mut Random, shape: &[u32]) -> Vec<u32> {
    let rest = &shape[random.below(shape.len() as u64 + 1) as usize..];
    rest.iter().map(|n| if random.below(4) == 0 { 1 } else { *n }).collect()
}
