//! A small language model: two layers, grouped heads, rotary positions, a gated inner layer.

use crate::tests::Random;
use assay_exact::{
    graph::{Binary, Dimension, Graph, Input, Node, Operator, Output, Position, Symbol, Unary, Value, Weight},
    quantise::Precision,
};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::{
    Details, Package, PackageError,
    generation::{LanguageModel, check_graph},
};

const WIDTH: u32 = 16;
const HEADS: u32 = 4;
const SHARED_HEADS: u32 = 2;
const HEAD: u32 = 4;
const INNER: u32 = 24;
const LAYERS: usize = 2;
const PRECISION: Precision = Precision::Int16;

const BATCH: Dimension = Dimension::Symbol(0);
const LENGTH: Dimension = Dimension::Symbol(1);

/// Which tokens a token does not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masked {
    /// Those after it.
    Causally,
    /// Those before it.
    Backwards,
    /// It sees all.
    Not,
}

/// A model with its weights.
pub struct Model {
    graph: Graph,
    weights: Vec<Tensor>,
}

/// The package of its check graph.
pub fn package(model: &Model, stops: &[i64]) -> Package {
    package_that_says(model, stops, stops).expect("a sound package")
}

/// The same, where the manifest says that there are other stop tokens.
pub fn package_that_says(model: &Model, stops: &[i64], said: &[i64]) -> Result<Package, PackageError> {
    let language = LanguageModel {
        graph: model.graph.clone(),
        tokens: 0,
        logits: 0,
    };
    let graph = check_graph(language, stops).expect("a language model");
    let details = Details {
        name: "small".into(),
        version: "1".into(),
        licence: "Apache-2.0".into(),
        description: String::new(),
    };
    let weights = model.weights.clone();
    Package::new_generation(details, PRECISION, graph, weights, vec![], said.to_vec())
}

/// Tokens `[batch, length]` to logits `[batch, length, vocabulary]`.
pub fn language_model(vocabulary: u32, max_length: u32, masked: Masked) -> Model {
    let mut making = Making {
        random: Random(99),
        weights: Vec::new(),
        stored: Vec::new(),
        nodes: Vec::new(),
    };
    let logits = making.model(vocabulary, max_length, masked);
    let symbol = |name: &str, max| Symbol {
        name: name.into(),
        min: 1,
        max,
    };
    Model {
        graph: Graph {
            symbols: vec![symbol("batch", 8), symbol("length", max_length)],
            inputs: vec![Input {
                name: "tokens".into(),
                dtype: DataType::Int64,
                dimensions: vec![BATCH, LENGTH],
                range: None,
            }],
            weights: making.weights,
            nodes: making.nodes,
            outputs: vec![Output {
                name: "logits".into(),
                value: logits,
            }],
        },
        weights: making.stored,
    }
}

struct Making {
    random: Random,
    weights: Vec<Weight>,
    stored: Vec<Tensor>,
    nodes: Vec<Node>,
}

fn fixed(number: u32) -> Dimension {
    Dimension::Fixed(number)
}

impl Making {
    fn node(&mut self, name: &str, operator: Operator, inputs: &[Value]) -> Value {
        self.nodes.push(Node {
            name: format!("{name}_{}", self.nodes.len()),
            operator,
            inputs: inputs.to_vec(),
            source: String::new(),
        });
        Value::Node(self.nodes.len() as u32 - 1)
    }

    fn weight(&mut self, name: &str, shape: &[u32], scale: f32) -> Value {
        let count: u32 = shape.iter().product();
        let numbers = (0..count).map(|_| (self.random.below(2001) as f32 - 1000.0) / 1000.0 * scale);
        let bytes = numbers.flat_map(f32::to_le_bytes).collect();
        let tensor = Tensor::new(DataType::Float32, shape.to_vec(), bytes).expect("as many numbers");
        self.weights.push(Weight {
            name: format!("{name}_{}", self.weights.len()),
            dtype: DataType::Float32,
            shape: shape.to_vec(),
        });
        self.stored.push(tensor.canonical());
        Value::Weight(self.stored.len() as u16 - 1)
    }

    fn linear(&mut self, name: &str, x: Value, from: u32, to: u32) -> Value {
        let weight = self.weight(name, &[to, from], 0.5);
        self.node(name, Operator::Linear { precision: PRECISION }, &[x, weight])
    }

    fn norm(&mut self, x: Value) -> Value {
        let weight = self.weight("norm", &[WIDTH], 1.0);
        let epsilon = 1e-5f32.to_bits();
        self.node("norm", Operator::RmsNorm { epsilon }, &[x, weight])
    }

    fn binary(&mut self, function: Binary, a: Value, b: Value) -> Value {
        self.node("binary", Operator::Binary(function), &[a, b])
    }

    fn reshape(&mut self, x: Value, dimensions: &[Dimension]) -> Value {
        let dimensions = dimensions.to_vec();
        self.node("reshape", Operator::Reshape { dimensions }, &[x])
    }

    fn number(&mut self, number: f32) -> Value {
        let fill = Operator::Fill {
            dtype: DataType::Float32,
            bits: u64::from(number.to_bits()),
            dimensions: vec![],
        };
        self.node("number", fill, &[])
    }

    fn model(&mut self, vocabulary: u32, max_length: u32, masked: Masked) -> Value {
        let table = self.weight("tokens", &[vocabulary, WIDTH], 1.0);
        let mut x = self.node(
            "embedding",
            Operator::IndexSelect { axis: 0 },
            &[table, Value::Input(0)],
        );
        let rotation = [0, 1].map(|_| {
            let table = self.weight("rotation", &[1, 1, max_length, HEAD], 1.0);
            let slice = Operator::Slice {
                axis: 2,
                start: Position::FromStart(0),
                step: 1,
                length: LENGTH,
            };
            self.node("rotation", slice, &[table])
        });
        let mask = self.mask(masked);
        for layer in 0..LAYERS {
            let normed = self.norm(x);
            let attended = self.attention(layer, normed, rotation, mask);
            x = self.binary(Binary::Add, x, attended);
            let normed = self.norm(x);
            let gate = self.linear("gate", normed, WIDTH, INNER);
            let gate = self.node("silu", Operator::Unary(Unary::Silu), &[gate]);
            let up = self.linear("up", normed, WIDTH, INNER);
            let inner = self.binary(Binary::Mul, gate, up);
            let down = self.linear("down", inner, INNER, WIDTH);
            x = self.binary(Binary::Add, x, down);
        }
        let last = self.norm(x);
        self.linear("logits", last, WIDTH, vocabulary)
    }

    /// Which columns each row sees, `[length, length]`.
    fn mask(&mut self, masked: Masked) -> Option<Value> {
        let function = match masked {
            Masked::Causally => Binary::GreaterOrEqual,
            Masked::Backwards => Binary::LessOrEqual,
            Masked::Not => return None,
        };
        let positions = Operator::Arange {
            start: 0,
            step: 1,
            length: LENGTH,
        };
        let positions = self.node("positions", positions, &[]);
        let rows = self.reshape(positions, &[LENGTH, fixed(1)]);
        Some(self.binary(function, rows, positions))
    }

    /// `[batch, length, count·HEAD]` as `[batch, count, length, HEAD]`.
    fn heads(&mut self, x: Value, count: u32) -> Value {
        let split = self.reshape(x, &[BATCH, LENGTH, fixed(count), fixed(HEAD)]);
        self.node("heads", Operator::Permute { axes: vec![0, 2, 1, 3] }, &[split])
    }

    fn rotated(&mut self, x: Value, [cosine, sine]: [Value; 2]) -> Value {
        let half = |making: &mut Self, start| {
            let slice = Operator::Slice {
                axis: 3,
                start: Position::FromStart(start),
                step: 1,
                length: fixed(HEAD / 2),
            };
            making.node("half", slice, &[x])
        };
        let (left, right) = (half(self, 0), half(self, HEAD / 2));
        let negative = self.node("negative", Operator::Unary(Unary::Neg), &[right]);
        let turned = self.node("turned", Operator::Concat { axis: 3 }, &[negative, left]);
        let (a, b) = (
            self.binary(Binary::Mul, x, cosine),
            self.binary(Binary::Mul, turned, sine),
        );
        self.binary(Binary::Add, a, b)
    }

    /// Each shared head as many times as there are heads that share it.
    fn repeated(&mut self, x: Value) -> Value {
        let split = self.reshape(x, &[BATCH, fixed(SHARED_HEADS), fixed(1), LENGTH, fixed(HEAD)]);
        let times = fixed(HEADS / SHARED_HEADS);
        let dimensions = vec![BATCH, fixed(SHARED_HEADS), times, LENGTH, fixed(HEAD)];
        let wide = self.node("repeated", Operator::Expand { dimensions }, &[split]);
        self.reshape(wide, &[BATCH, fixed(HEADS), LENGTH, fixed(HEAD)])
    }

    fn attention(&mut self, layer: usize, x: Value, rotation: [Value; 2], mask: Option<Value>) -> Value {
        let shared = SHARED_HEADS * HEAD;
        let query = self.linear("query", x, WIDTH, WIDTH);
        let (key, value) = (
            self.linear("key", x, WIDTH, shared),
            self.linear("value", x, WIDTH, shared),
        );
        let query = self.heads(query, HEADS);
        let (key, value) = (self.heads(key, SHARED_HEADS), self.heads(value, SHARED_HEADS));
        let (query, key) = (self.rotated(query, rotation), self.rotated(key, rotation));
        let (key, value) = (self.repeated(key), self.repeated(value));
        let precision = PRECISION;
        let scores = self.node("scores", Operator::MatMul { precision }, &[query, key]);
        let scale = self.number(0.5);
        let mut scores = self.binary(Binary::Mul, scores, scale);
        if let Some(mask) = mask {
            let never = self.number(f32::NEG_INFINITY);
            scores = self.node("masked", Operator::Where, &[mask, scores, never]);
        }
        let weights = self.node(&format!("weights_{layer}"), Operator::Softmax, &[scores]);
        let columns = self.node("columns", Operator::Permute { axes: vec![0, 1, 3, 2] }, &[value]);
        let scales = self.node("scales", Operator::RowScale { precision }, &[value]);
        let sums = self.node("sums", Operator::WeightedSum { precision }, &[weights, columns, scales]);
        let rows = self.node("rows", Operator::Permute { axes: vec![0, 2, 1, 3] }, &[sums]);
        let joined = self.reshape(rows, &[BATCH, LENGTH, fixed(WIDTH)]);
        self.linear("mixed", joined, WIDTH, WIDTH)
    }
}
