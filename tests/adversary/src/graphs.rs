//! Models to dispute about: small random ones, long ones, and ones with large tensors.

// The generator of `assay-exact`'s own tests; it cannot be a dependency without a feature that would be switched on for
// everybody.
#[path = "../../../primitives/exact/src/judge/tests/graphs/draw.rs"]
mod draw;

pub use draw::{TYPES, operator, tensor};

use crate::{InMemory, Random};
use assay_exact::{
    self as exact,
    digest::DataType,
    graph::{Binary, Dimension, Graph, Input, Node, Operator, Output, Reduction, Symbol, Unary, Value, Weight},
    model::{GENERATION_INPUTS, GENERATION_OUTPUTS, ModelKind},
    tensor::Tensor,
};

/// A small model of `operators` random operators, executed on random inputs. Now and then a weight is among its
/// outputs.
pub fn random(random: &mut Random, operators: usize) -> InMemory {
    let (graph, weights, inputs) = draw::model(random, operators);
    let weights = weights.into_iter().map(Tensor::canonical).collect();
    let mut graph = graph.graph().clone();
    if random.once_in(5) {
        graph.outputs.push(Output {
            name: "weight".into(),
            value: Value::Weight(0),
        });
    }
    executed(graph, weights, inputs)
}

/// A model of `operators` operators on four elements: a trace that is revealed in several steps once they are more than
/// 1,024.
pub fn long(random: &mut Random, operators: u32) -> InMemory {
    let nodes = (0..operators).map(|index| {
        let before = match index {
            0 => Value::Input(0),
            index => Value::Node(index - 1),
        };
        let any = Value::Node(random.below(u64::from(index).max(1)) as u32);
        let (operator, inputs) = match index {
            0 => (Operator::Unary(Unary::Tanh), vec![before]),
            index if index % 3 == 0 => (Operator::Binary(Binary::Add), vec![before, any]),
            index if index % 3 == 1 => (Operator::Unary(Unary::Tanh), vec![before]),
            _ => (Operator::Binary(Binary::Sub), vec![before, Value::Weight(0)]),
        };
        node(index, operator, inputs)
    });
    let nodes = nodes.collect();
    plain(random, 4, nodes)
}

/// A model of four operators on `elements` elements of four bytes: tensors that are revealed in several steps once they
/// are more than 1 MiB.
pub fn wide(random: &mut Random, elements: u32) -> InMemory {
    let nodes = vec![
        node(0, Operator::Unary(Unary::Neg), vec![Value::Input(0)]),
        node(1, Operator::Binary(Binary::Mul), vec![Value::Node(0), Value::Weight(0)]),
        node(2, Operator::Relu, vec![Value::Node(1)]),
        node(3, Operator::Binary(Binary::Add), vec![Value::Node(2), Value::Node(0)]),
    ];
    plain(random, elements, nodes)
}

/// Operators on vectors of `elements` elements: one input, one weight, and the last operator's output.
fn plain(random: &mut Random, elements: u32, nodes: Vec<Node>) -> InMemory {
    let last = nodes.len() as u32 - 1;
    let graph = Graph {
        symbols: vec![],
        inputs: vec![Input {
            name: "input".into(),
            dtype: DataType::Float32,
            dimensions: vec![Dimension::Fixed(elements)],
            range: None,
        }],
        weights: vec![Weight {
            name: "weight".into(),
            dtype: DataType::Float32,
            shape: vec![elements],
        }],
        nodes,
        outputs: vec![Output {
            name: "output_0".into(),
            value: Value::Node(last),
        }],
    };
    let weight = tensor(random, DataType::Float32, &[elements]).canonical();
    let input = tensor(random, DataType::Float32, &[elements]);
    executed(graph, vec![weight], vec![input])
}

/// A check graph of three operators, which hands the sequence through and takes it for valid if every token is the
/// seed; executed on this prompt and this sequence. The operators are the sequence, which tokens are right, and whether
/// all are.
pub fn generation(seed: i64, prompt: &[i64], sequence: &[i64]) -> InMemory {
    let symbol = |name: &str| Symbol {
        name: name.into(),
        min: 1,
        max: 64,
    };
    let inputs = GENERATION_INPUTS.iter().enumerate().map(|(position, name)| Input {
        name: (*name).into(),
        dtype: match position {
            1 | 2 => DataType::Float32,
            _ => DataType::Int64,
        },
        dimensions: match position {
            0 => vec![Dimension::Fixed(1), Dimension::Symbol(0)],
            6 => vec![Dimension::Fixed(1), Dimension::Symbol(1)],
            _ => vec![Dimension::Fixed(1)],
        },
        range: None,
    });
    let dimensions = vec![Dimension::Fixed(1), Dimension::Symbol(1)];
    let nodes = vec![
        node(0, Operator::Reshape { dimensions }, vec![Value::Input(6)]),
        node(
            1,
            Operator::Binary(Binary::Equal),
            vec![Value::Input(6), Value::Input(4)],
        ),
        node(2, Operator::Reduce(Reduction::All), vec![Value::Node(1)]),
    ];
    let outputs = GENERATION_OUTPUTS.iter().zip([0, 2]).map(|(name, node)| Output {
        name: (*name).into(),
        value: Value::Node(node),
    });
    let graph = Graph {
        symbols: vec![symbol("prompt"), symbol("sequence")],
        inputs: inputs.collect(),
        weights: vec![],
        nodes,
        outputs: outputs.collect(),
    };
    let integers = |shape: Vec<u32>, integers: &[i64]| {
        let bytes = integers.iter().flat_map(|integer| integer.to_le_bytes()).collect();
        Tensor::new(DataType::Int64, shape, bytes).expect("as many integers")
    };
    let row = |tokens: &[i64]| integers(vec![1, tokens.len() as u32], tokens);
    let number = || Tensor::new(DataType::Float32, vec![1], vec![0; 4]).expect("one number");
    let one = |integer| integers(vec![1], &[integer]);
    let given = vec![
        row(prompt),
        number(),
        number(),
        one(64),
        one(seed),
        one(8),
        row(sequence),
    ];
    executed(graph, vec![], given).of_kind(ModelKind::Generation)
}

fn node(index: u32, operator: Operator, inputs: Vec<Value>) -> Node {
    Node {
        name: format!("node_{index}"),
        operator,
        inputs,
        source: String::new(),
    }
}

fn executed(graph: Graph, weights: Vec<Tensor>, inputs: Vec<Tensor>) -> InMemory {
    let graph = graph.check().expect("a graph that was drawn is sound");
    InMemory::new(graph, weights, inputs).expect("a sound graph has a result")
}
