//! The encoding of graphs, and bytes that are none.

use super::{
    Cases,
    build::{N, affine, arange, fill, fixed, float, graph, reshape, slice, top_k, unfold},
};
use crate::{
    Blake2b,
    drawn::{TYPES, random},
    json::Json,
    operators::UNARY,
    render::{self, bytes},
};
use assay_exact::{
    digest::DataType,
    graph::{Binary, Graph, Operator, Position, Reduction, Unary, Value, Weight},
    model::ValueRange,
    quantise::{GroupedBits, Precision, WeightFormat},
};
use codec::{DecodeAll, Encode};

pub fn add(cases: &mut Cases) {
    let mut graphs = vec![empty(), every_operator(), long_names(), ranged()];
    for nodes in [1, 2, 4, 7, 12] {
        graphs.push(random(&mut cases.random, nodes).graph.graph().clone());
    }
    for graph in &graphs {
        let fields = vec![
            ("graph", render::graph(graph)),
            ("encoded", bytes(&graph.encode())),
            ("nodes_root", bytes(&graph.nodes_root::<Blake2b>())),
        ];
        cases.add("encode", "encode", fields);
    }
    for graph in &graphs[3..6] {
        decode(cases, &graph.encode());
    }
    bad(cases);
}

fn decode(cases: &mut Cases, encoded: &[u8]) {
    let decoded = Graph::decode_all(&mut &*encoded).ok();
    let fields = vec![
        ("encoded", bytes(encoded)),
        ("graph", decoded.as_ref().map_or(Json::Null, render::graph)),
    ];
    cases.add("decode", "decode", fields);
}

fn empty() -> Graph {
    Graph {
        symbols: vec![],
        inputs: vec![],
        weights: vec![],
        nodes: vec![],
        outputs: vec![],
    }
}

/// One node of each operator, with all sorts of parameters. It need not pass a check.
fn every_operator() -> Graph {
    let values = [Value::Input(0), Value::Weight(u16::MAX), Value::Node(u32::MAX)];
    let operators = [with_parameters(), functions()].concat().into_iter().enumerate();
    let nodes = operators.map(|(index, operator)| (operator, values[..index % 4].to_vec()));
    graph(
        &[float(&[N, affine(2, 1)])],
        &[(DataType::Int8, &[1, 2, 3]), (DataType::Uint8, &[])],
        nodes.collect(),
    )
}

fn with_parameters() -> Vec<Operator> {
    let precision = Precision::Int16;
    vec![
        Operator::Linear {
            precision: Precision::Int8,
        },
        Operator::Relu,
        reshape(&[N, affine(4, -1), affine(i32::MAX, i32::MIN)]),
        Operator::MatMul { precision },
        Operator::RowScale { precision },
        Operator::WeightedSum { precision },
        Operator::Where,
        fill(DataType::Bool, u64::MAX - 1, &fixed(&[u32::MAX, 1])),
        arange(i64::MIN, -2, N),
        Operator::Permute { axes: vec![2, 0, 255] },
        Operator::Expand { dimensions: vec![] },
        slice(1, Position::FromStart(3), u32::MAX, N),
        slice(255, Position::FromEnd(7), 1, affine(1, 2)),
        Operator::Concat { axis: 3 },
        Operator::Pad {
            axis: 4,
            before: 1,
            after: 2,
            bits: 0x0123_4567_89ab_cdef,
        },
        Operator::Gather { axis: 5 },
        Operator::IndexSelect { axis: 6 },
        unfold(7, 1, 2, 3),
        Operator::CumSum,
        top_k(9, true),
        top_k(u32::MAX, false),
        Operator::Softmax,
        Operator::LogSoftmax,
        Operator::LayerNorm { epsilon: 0x3727_c5ac },
        Operator::RmsNorm { epsilon: 0xffff_ffff },
        Operator::MatMul {
            precision: Precision::Int16Int8,
        },
        Operator::QuantisedLinear {
            precision,
            format: WeightFormat::Int8,
        },
        Operator::QuantisedLinear {
            precision: Precision::Int16Int8,
            format: WeightFormat::Grouped {
                bits: GroupedBits::Four,
                group: 0x23,
            },
        },
        Operator::QuantisedLinear {
            precision,
            format: WeightFormat::Grouped {
                bits: GroupedBits::Eight,
                group: 0xff,
            },
        },
        Operator::Random,
    ]
}

/// Casts and the operators that are named by a function.
fn functions() -> Vec<Operator> {
    let casts = TYPES.map(|dtype| Operator::Cast { dtype });
    let unary = UNARY.into_iter().chain([Unary::Not]);
    let binary = [
        Binary::Add,
        Binary::Sub,
        Binary::Mul,
        Binary::Div,
        Binary::Rem,
        Binary::Min,
        Binary::Max,
        Binary::Equal,
        Binary::NotEqual,
        Binary::Less,
        Binary::LessOrEqual,
        Binary::Greater,
        Binary::GreaterOrEqual,
        Binary::And,
        Binary::Or,
        Binary::Xor,
        Binary::Shl,
        Binary::Shr,
    ];
    let reductions = [
        Reduction::Sum,
        Reduction::Mean,
        Reduction::Max,
        Reduction::Min,
        Reduction::ArgMax,
        Reduction::ArgMin,
        Reduction::Any,
        Reduction::All,
    ];
    let functions = unary.map(Operator::Unary);
    let functions = functions.chain(binary.map(Operator::Binary));
    casts
        .into_iter()
        .chain(functions)
        .chain(reductions.map(Operator::Reduce))
        .collect()
}

/// Names whose lengths take one, two and four bytes, and one that is not ASCII.
fn long_names() -> Graph {
    let mut long = graph(&[float(&[N])], &[], vec![(Operator::Relu, vec![Value::Input(0)])]);
    long.symbols[0].name = "caf\u{e9} \"\\\n\u{1f600}".into();
    long.inputs[0].name = "a".repeat(63);
    long.outputs[0].name = "b".repeat(64);
    long.nodes[0].name = "c".repeat(300);
    long.nodes[0].source = "d".repeat(16_384);
    let weight = Weight {
        name: String::new(),
        dtype: DataType::Int64,
        shape: vec![],
    };
    long.weights = vec![weight; 70];
    long
}

/// Inputs with ranges of values, which need not fit their types.
fn ranged() -> Graph {
    let mut ranged = graph(
        &[(DataType::Int64, vec![N]), (DataType::Bool, vec![]), float(&[])],
        &[],
        vec![(Operator::Relu, vec![Value::Input(0)])],
    );
    for (input, (min, max)) in ranged.inputs.iter_mut().zip([(-1, 30_521), (i64::MAX, i64::MIN)]) {
        input.range = Some(ValueRange { min, max });
    }
    ranged
}

/// Bytes that are not one graph.
fn bad(cases: &mut Cases) {
    let good = graph(&[float(&[N])], &[], vec![(top_k(1, true), vec![Value::Input(0)])]);
    let encoded = good.encode();
    decode(cases, &encoded);
    decode(cases, &[]);
    decode(cases, &[&encoded[..], &[0]].concat());
    for length in [1, 5, encoded.len() / 2, encoded.len() - 1] {
        decode(cases, &encoded[..length]);
    }
    // One byte is another one: a type, a dimension, an operator, a truth, a value that there is not; a name that is no
    // UTF-8.
    let place = |part: &[u8]| {
        let found = encoded.windows(part.len()).position(|window| window == part);
        found.expect("it is a part of the encoding")
    };
    let input = place(b"\x1cinput_0") + 8;
    let node = place(b"\x18node_0") + 7;
    for (place, byte) in [
        (input, 6),
        (input + 2, 3),
        (input + 4, 2),
        (input + 4, 1),
        (node, 29),
        (node + 5, 2),
        (node + 7, 3),
        (input - 1, 0xff),
        (0, 8),
        (0, 0),
    ] {
        let mut changed = encoded.clone();
        changed[place] = byte;
        decode(cases, &changed);
    }
    // Lengths that are written longer than they need to be, and one of more than there is.
    for start in [
        &[0x05, 0x00][..],
        &[0x06, 0, 0, 0],
        &[0x03, 1, 0, 0, 0],
        &[0xfe, 0xff, 0xff, 0xff],
    ] {
        decode(cases, &[start, &encoded[1..]].concat());
    }
}
