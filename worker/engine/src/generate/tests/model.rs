//! A small language model: two layers, grouped heads, rotary positions, a gated inner layer.

use crate::tests::Random;
use assay_exact::{
    graph::{Binary, Dimension, Graph, Input, Node, Operator, Output, Position, Symbol, Unary, Value, Weight},
    quantise::{Precision, WeightFormat},
};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::{
    Details, Package, PackageError,
    generation::{LanguageModel, check_graph},
};

const WIDTH: u32 = 16;
const HEADS: u32 = 4;
const SHARED_HEADS: u32 = 2;
const GROUP: u32 = HEADS / SHARED_HEADS;
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

/// Way in which heads of queries meet the keys that they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shared {
    /// Every key is repeated for each of its heads.
    Repeated,
    /// The heads of a key are the rows of one matrix, and linear layers are quantised, as the import of a GGUF file has
    /// it.
    Grouped,
}

/// A model with its weights.
pub struct Model {
    graph: Graph,
    weights: Vec<Tensor>,
}

impl Model {
    /// The same, where the vector of a token is infinite.
    pub fn with_infinite_token(mut self, token: usize) -> Self {
        let table = self.weights.first_mut().expect("the vectors come first");
        let mut bytes = table.bytes().to_vec();
        let vector = bytes
            .chunks_mut(4 * WIDTH as usize)
            .nth(token)
            .expect("it is in the vocabulary");
        vector
            .chunks_mut(4)
            .for_each(|number| number.copy_from_slice(&f32::INFINITY.to_le_bytes()));
        *table = Tensor::new(DataType::Float32, table.shape().to_vec(), bytes).expect("as many numbers");
        self
    }
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
    made(vocabulary, max_length, masked, Shared::Repeated)
}

/// The same with the heads of a key as the rows of one matrix, and quantised linear layers.
pub fn grouped_model(vocabulary: u32, max_length: u32, masked: Masked) -> Model {
    made(vocabulary, max_length, masked, Shared::Grouped)
}

fn made(vocabulary: u32, max_length: u32, masked: Masked, shared: Shared) -> Model {
    let mut making = Making {
        shared,
        random: Random(99),
        weights: Vec::new(),
        tensors: Vec::new(),
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
        weights: making.tensors,
    }
}

struct Making {
    shared: Shared,
    random: Random,
    weights: Vec<Weight>,
    tensors: Vec<Tensor>,
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
        self.stored(name, DataType::Float32, shape, bytes)
    }

    fn stored(&mut self, name: &str, dtype: DataType, shape: &[u32], bytes: Vec<u8>) -> Value {
        let tensor = Tensor::new(dtype, shape.to_vec(), bytes).expect("as many elements");
        self.weights.push(Weight {
            name: format!("{name}_{}", self.weights.len()),
            dtype,
            shape: shape.to_vec(),
        });
        self.tensors.push(tensor.canonical());
        Value::Weight(self.tensors.len() as u16 - 1)
    }

    fn linear(&mut self, name: &str, x: Value, from: u32, to: u32) -> Value {
        if self.shared == Shared::Grouped {
            return self.quantised_linear(name, x, from, to);
        }
        let weight = self.weight(name, &[to, from], 0.5);
        self.node(name, Operator::Linear { precision: PRECISION }, &[x, weight])
    }

    fn quantised_linear(&mut self, name: &str, x: Value, from: u32, to: u32) -> Value {
        let integers = (0..from * to).map(|_| self.random.below(255) as u8).collect();
        let integers = self.stored(name, DataType::Int8, &[to, from], integers);
        let scales = (0..to)
            .flat_map(|_| (self.random.below(99) as f32 / 1e4).to_le_bytes())
            .collect();
        let scales = self.stored(name, DataType::Float32, &[to], scales);
        let operator = Operator::QuantisedLinear {
            precision: PRECISION,
            format: WeightFormat::Int8,
        };
        self.node(name, operator, &[x, integers, scales])
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
        let count = |making: &mut Self, length| {
            let (start, step) = (0, 1);
            making.node("positions", Operator::Arange { start, step, length }, &[])
        };
        let positions = count(self, LENGTH);
        if self.shared == Shared::Grouped {
            let length = LENGTH.times(fixed(GROUP)).expect("a dimension");
            let group = Operator::Fill {
                dtype: DataType::Int64,
                bits: GROUP.into(),
                dimensions: vec![],
            };
            let (index, group) = (count(self, length), self.node("group", group, &[]));
            let rows = self.binary(Binary::Div, index, group);
            let rows = self.reshape(rows, &[length, fixed(1)]);
            return Some(self.binary(function, rows, positions));
        }
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
        let times = fixed(GROUP);
        let dimensions = vec![BATCH, fixed(SHARED_HEADS), times, LENGTH, fixed(HEAD)];
        let wide = self.node("repeated", Operator::Expand { dimensions }, &[split]);
        self.reshape(wide, &[BATCH, fixed(HEADS), LENGTH, fixed(HEAD)])
    }

    /// `[batch, length, count·HEAD]`, rotated where the heads stand after the tokens.
    fn turned(&mut self, x: Value, count: u32, rotation: [Value; 2]) -> Value {
        let split = self.reshape(x, &[BATCH, LENGTH, fixed(count), fixed(HEAD)]);
        let rotation = rotation.map(|table| self.reshape(table, &[LENGTH, fixed(1), fixed(HEAD)]));
        self.rotated(split, rotation)
    }

    /// Keys as `[batch, shared heads, length, HEAD]`.
    fn in_order(&mut self, x: Value, rotation: [Value; 2]) -> Value {
        let turned = self.turned(x, SHARED_HEADS, rotation);
        self.node("keys", Operator::Permute { axes: vec![0, 2, 1, 3] }, &[turned])
    }

    /// Queries as `[batch, shared heads, length × group, HEAD]`.
    fn grouped(&mut self, x: Value, rotation: [Value; 2]) -> Value {
        let turned = self.turned(x, HEADS, rotation);
        let [shared, group, head] = [SHARED_HEADS, GROUP, HEAD].map(fixed);
        let split = self.reshape(turned, &[BATCH, LENGTH, shared, group, head]);
        let axes = vec![0, 2, 1, 3, 4];
        let split = self.node("groups", Operator::Permute { axes }, &[split]);
        let rows = LENGTH.times(group).expect("a dimension");
        self.reshape(split, &[BATCH, shared, rows, head])
    }

    fn attention(&mut self, layer: usize, x: Value, rotation: [Value; 2], mask: Option<Value>) -> Value {
        let shared = SHARED_HEADS * HEAD;
        let query = self.linear("query", x, WIDTH, WIDTH);
        let (key, value) = (
            self.linear("key", x, WIDTH, shared),
            self.linear("value", x, WIDTH, shared),
        );
        let value = self.heads(value, SHARED_HEADS);
        let (query, key, value) = match self.shared {
            Shared::Repeated => {
                let (query, key) = (self.heads(query, HEADS), self.heads(key, SHARED_HEADS));
                let (query, key) = (self.rotated(query, rotation), self.rotated(key, rotation));
                (query, self.repeated(key), self.repeated(value))
            }
            Shared::Grouped => (self.grouped(query, rotation), self.in_order(key, rotation), value),
        };
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
        let rows = match self.shared {
            Shared::Repeated => self.node("rows", Operator::Permute { axes: vec![0, 2, 1, 3] }, &[sums]),
            Shared::Grouped => {
                let dimensions = [BATCH, fixed(SHARED_HEADS), LENGTH, fixed(GROUP), fixed(HEAD)];
                let split = self.reshape(sums, &dimensions);
                let axes = vec![0, 2, 1, 3, 4];
                self.node("rows", Operator::Permute { axes }, &[split])
            }
        };
        let joined = self.reshape(rows, &[BATCH, LENGTH, fixed(WIDTH)]);
        self.linear("mixed", joined, WIDTH, WIDTH)
    }
}
