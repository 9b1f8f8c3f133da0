//! Small models of the kinds that people register.

use super::{
    Model,
    draft::{Draft, plain, rows},
};
use crate::{drawn::tensor, random::Random};
use assay_exact::{
    digest::DataType,
    element::Element,
    graph::{Binary, Dimension, Operator, Position, Reduction, Unary, Value},
    quantise::Precision,
    tensor::Tensor,
};

const FLOAT: DataType = DataType::Float32;
const N: Dimension = Dimension::Symbol(0);
const INT8: Precision = Precision::Int8;
const INT16: Precision = Precision::Int16;

pub fn all(random: &mut Random) -> Vec<Model> {
    vec![perceptron(random), attention(random), cell(random), convolution(random)]
}

fn perceptron(random: &mut Random) -> Model {
    let mut draft = Draft::new(random, "batch", 8);
    let input = draft.input("features", FLOAT, &rows(&[8]));
    let (first, bias) = (
        draft.weight("first.weight", &[16, 8]),
        draft.weight("first.bias", &[16]),
    );
    let hidden = draft.node(Operator::Linear { precision: INT8 }, &[input, first, bias]);
    let (weight, bias) = (draft.weight("norm.weight", &[16]), draft.weight("norm.bias", &[16]));
    let hidden = draft.node(Operator::LayerNorm { epsilon: 0x3727_c5ac }, &[hidden, weight, bias]);
    let hidden = draft.node(Operator::Unary(Unary::Gelu), &[hidden]);
    let last = draft.weight("last.weight", &[4, 16]);
    let logits = draft.node(Operator::Linear { precision: INT16 }, &[hidden, last]);
    let probabilities = draft.node(Operator::Softmax, &[logits]);
    let class = draft.node(Operator::Reduce(Reduction::ArgMax), &[logits]);
    draft.output("probabilities", probabilities);
    draft.output("class", class);
    draft.finish("perceptron", INT16, |random| {
        vec![
            vec![plain(random, &[1, 8])],
            vec![plain(random, &[3, 8])],
            // Now and then an odd number.
            vec![tensor(random, FLOAT, &[8, 8])],
        ]
    })
}

/// A causal transformer block with two heads over embeddings of 32 tokens.
fn attention(random: &mut Random) -> Model {
    let mut draft = Draft::new(random, "length", 16);
    let tokens = draft.input("tokens", DataType::Int64, &[N]);
    draft.range(-32, 31);
    let table = draft.weight("embedding", &[32, 8]);
    let embedded = draft.node(Operator::IndexSelect { axis: 0 }, &[table, tokens]);
    let positions = positions(&mut draft);
    let embedded = draft.node(Operator::Binary(Binary::Add), &[embedded, positions]);
    let weight = draft.weight("norm", &[8]);
    let normed = draft.node(Operator::RmsNorm { epsilon: 0x3586_37bd }, &[embedded, weight]);
    let heads = |name: &str, draft: &mut Draft<'_>| {
        let weight = draft.weight(name, &[8, 8]);
        let all = draft.node(Operator::Linear { precision: INT16 }, &[normed, weight]);
        let apart = draft.reshape(all, rows(&[2, 4]));
        draft.permute(apart, &[1, 0, 2])
    };
    let (query, key, value) = (
        heads("query", &mut draft),
        heads("key", &mut draft),
        heads("value", &mut draft),
    );
    let scores = draft.node(Operator::MatMul { precision: INT16 }, &[query, key]);
    let half = draft.constant(0x3f00_0000);
    let scores = draft.node(Operator::Binary(Binary::Mul), &[scores, half]);
    let later = later(&mut draft);
    let least = draft.constant(0xff80_0000);
    let masked = draft.node(Operator::Where, &[later, least, scores]);
    let shares = draft.node(Operator::Softmax, &[masked]);
    let scales = draft.node(Operator::RowScale { precision: INT8 }, &[value]);
    let across = draft.permute(value, &[0, 2, 1]);
    let mixed = draft.node(Operator::WeightedSum { precision: INT8 }, &[shares, across, scales]);
    let mixed = draft.permute(mixed, &[1, 0, 2]);
    let mixed = draft.reshape(mixed, rows(&[8]));
    let out = draft.weight("out", &[8, 8]);
    let mixed = draft.node(Operator::Linear { precision: INT8 }, &[mixed, out]);
    let residual = draft.node(Operator::Binary(Binary::Add), &[embedded, mixed]);
    let gate = draft.node(Operator::Unary(Unary::Silu), &[residual]);
    let gated = draft.node(Operator::Binary(Binary::Mul), &[gate, residual]);
    let logits = draft.node(Operator::Linear { precision: INT16 }, &[gated, table]);
    let next = draft.node(
        Operator::TopK {
            count: 3,
            largest: true,
        },
        &[logits],
    );
    draft.output("logits", logits);
    draft.output("next", next);
    draft.finish("attention", INT16, |_| {
        // One token alone is masked from nothing; indices from the end and outside of the table are taken.
        [&[5][..], &[1, 2, 3, 4], &[31, 0, -1, 99, -40, 7, 7]]
            .map(|tokens| vec![integers(tokens)])
            .into()
    })
}

fn integers(values: &[i64]) -> Tensor {
    let elements = values.iter().map(|value| Element::Integer(*value));
    Tensor::from_elements(DataType::Int64, vec![values.len() as u32], elements).expect("a vector")
}

/// Sines and cosines of the positions: `[N, 8]`.
fn positions(draft: &mut Draft<'_>) -> Value {
    let places = draft.node(
        Operator::Arange {
            start: 0,
            step: 1,
            length: N,
        },
        &[],
    );
    let places = draft.node(Operator::Cast { dtype: FLOAT }, &[places]);
    let places = draft.reshape(places, rows(&[1]));
    let frequencies = draft.weight("frequencies", &[4]);
    let angles = draft.node(Operator::Binary(Binary::Mul), &[places, frequencies]);
    let sines = draft.node(Operator::Unary(Unary::Sin), &[angles]);
    let cosines = draft.node(Operator::Unary(Unary::Cos), &[angles]);
    draft.node(Operator::Concat { axis: 1 }, &[sines, cosines])
}

/// Whether a key comes after a query: `[N, N]`.
fn later(draft: &mut Draft<'_>) -> Value {
    let keys = draft.node(
        Operator::Arange {
            start: 0,
            step: 1,
            length: N,
        },
        &[],
    );
    let queries = draft.reshape(keys, rows(&[1]));
    draft.node(Operator::Binary(Binary::Greater), &[keys, queries])
}

/// One step of an LSTM.
fn cell(random: &mut Random) -> Model {
    let mut draft = Draft::new(random, "batch", 4);
    let input = draft.input("input", FLOAT, &rows(&[3]));
    let hidden = draft.input("hidden", FLOAT, &rows(&[4]));
    let state = draft.input("state", FLOAT, &rows(&[4]));
    let (weight, bias) = (draft.weight("input.weight", &[16, 3]), draft.weight("bias", &[16]));
    let taken = draft.node(Operator::Linear { precision: INT16 }, &[input, weight, bias]);
    let weight = draft.weight("hidden.weight", &[16, 4]);
    let kept = draft.node(Operator::Linear { precision: INT16 }, &[hidden, weight]);
    let gates = draft.node(Operator::Binary(Binary::Add), &[taken, kept]);
    let gate = |number: u32, function: Unary, draft: &mut Draft<'_>| {
        let (start, length) = (Position::FromStart(4 * number), Dimension::Fixed(4));
        let slice = Operator::Slice {
            axis: 1,
            start,
            step: 1,
            length,
        };
        let part = draft.node(slice, &[gates]);
        draft.node(Operator::Unary(function), &[part])
    };
    let enters = gate(0, Unary::Sigmoid, &mut draft);
    let stays = gate(1, Unary::Sigmoid, &mut draft);
    let new = gate(2, Unary::Tanh, &mut draft);
    let leaves = gate(3, Unary::Sigmoid, &mut draft);
    let kept = draft.node(Operator::Binary(Binary::Mul), &[stays, state]);
    let added = draft.node(Operator::Binary(Binary::Mul), &[enters, new]);
    let state = draft.node(Operator::Binary(Binary::Add), &[kept, added]);
    let shown = draft.node(Operator::Unary(Unary::Tanh), &[state]);
    let hidden = draft.node(Operator::Binary(Binary::Mul), &[leaves, shown]);
    draft.output("hidden", hidden);
    draft.output("state", state);
    draft.finish("cell", INT16, |random| {
        let mut run = |rows: u32| [3, 4, 4].map(|width| plain(random, &[rows, width])).to_vec();
        vec![run(1), run(4)]
    })
}

/// A convolution of pictures of 6 × 6, a pooling, and three classes.
fn convolution(random: &mut Random) -> Model {
    let mut draft = Draft::new(random, "batch", 4);
    let windows = |axis, size, step| Operator::Unfold {
        axis,
        size,
        step,
        dilation: 1,
    };
    let pixels = draft.input("pixels", DataType::Uint8, &rows(&[1, 6, 6]));
    let pixels = draft.node(Operator::Cast { dtype: FLOAT }, &[pixels]);
    let most = draft.constant(0x437f_0000);
    let pixels = draft.node(Operator::Binary(Binary::Div), &[pixels, most]);
    let across = draft.node(windows(2, 3, 1), &[pixels]);
    let both = draft.node(windows(3, 3, 1), &[across]);
    let patches = draft.reshape(both, rows(&[4, 4, 9]));
    let (weight, bias) = (
        draft.weight("convolution.weight", &[5, 9]),
        draft.weight("convolution.bias", &[5]),
    );
    let channels = draft.node(Operator::Linear { precision: INT8 }, &[patches, weight, bias]);
    let channels = draft.node(Operator::Relu, &[channels]);
    let channels = draft.permute(channels, &[0, 3, 1, 2]);
    let across = draft.node(windows(2, 2, 2), &[channels]);
    let both = draft.node(windows(3, 2, 2), &[across]);
    let pools = draft.reshape(both, rows(&[5, 2, 2, 4]));
    let pooled = draft.node(Operator::Reduce(Reduction::Max), &[pools]);
    let flat = draft.reshape(pooled, rows(&[20]));
    let (weight, bias) = (
        draft.weight("classes.weight", &[3, 20]),
        draft.weight("classes.bias", &[3]),
    );
    let logits = draft.node(Operator::Linear { precision: INT8 }, &[flat, weight, bias]);
    let classes = draft.node(Operator::LogSoftmax, &[logits]);
    draft.output("classes", classes);
    draft.finish("convolution", INT8, |random| {
        let mut run = |rows| vec![tensor(random, DataType::Uint8, &[rows, 1, 6, 6])];
        vec![run(1), run(2)]
    })
}
