//! Size of one execution, in work and in bytes of its trace: polynomials, and graphs at the ends of what may be.

use super::{
    Cases,
    build::{N, affine, arange, fill, fixed, float, formula, graph, reshape, single, slice},
    check::add_graph,
};
use crate::{
    json::{Json, wide},
    operators::UNARY,
    parts, render,
};
use assay_exact::{
    digest::DataType,
    graph::{Binary, Dimension, Graph, MAX_SYMBOLS, Operator, Output, Position, Reduction, Unary, Value},
    model::{Polynomial, Term},
    quantise::{GroupedBits, Precision, WeightFormat},
};
use codec::{Decode, Encode};

const INT8: DataType = DataType::Int8;
const FLOAT: DataType = DataType::Float32;

pub fn add(cases: &mut Cases) {
    polynomials(cases);
    for graph in counted() {
        graph.clone().check().expect("the graph is sound");
        add_graph(cases, "check counted", &graph);
    }
    for graph in [vast_traces(), vast_work(), terms()].concat() {
        add_graph(cases, "check vast", &graph);
    }
}

fn polynomials(cases: &mut Cases) {
    let term = |coefficient, powers: &[u8]| {
        let mut all = [0; MAX_SYMBOLS];
        all[..powers.len()].copy_from_slice(powers);
        Term {
            coefficient,
            powers: all,
        }
    };
    let sum = vec![term(7, &[]), term(5, &[0, 1]), term(3, &[1]), term(2, &[2, 1])];
    let last = vec![term(1, &[0, 0, 0, 0, 0, 0, 0, 1]), term(4, &[1, 1, 1, 1, 1, 1, 1, 1])];
    for (terms, symbols) in [
        (vec![], vec![1, 2]),
        (sum.clone(), vec![1, 1]),
        (sum.clone(), vec![10, 100]),
        (sum.clone(), vec![u32::MAX, 1]),
        (sum, vec![u32::MAX, u32::MAX]),
        (last.clone(), vec![2; 8]),
        (last, vec![1 << 7; 8]),
        (vec![term(u64::MAX, &[])], vec![]),
        (vec![term(u64::MAX, &[]), term(1, &[1])], vec![1]),
        (vec![term(u64::MAX, &[1])], vec![1]),
        (vec![term(u64::MAX, &[1])], vec![2]),
        (vec![term(1, &[2])], vec![u32::MAX]),
        (vec![term(1, &[3])], vec![1 << 21]),
        (vec![term(1, &[3])], vec![(1 << 21) + (1 << 20)]),
        (vec![term(9, &[255, 255])], vec![1, 1]),
    ] {
        let polynomial = Polynomial::decode(&mut &*terms.encode()).expect("few terms");
        let value = polynomial.at(&symbols);
        let fields = vec![
            ("polynomial", parts::polynomial(&polynomial)),
            ("symbols", render::shape(&symbols)),
            ("value", value.map_or(Json::Null, wide)),
        ];
        cases.add("polynomial", "polynomial", fields);
    }
}

/// Each operator that is counted in a way of its own, with dimensions of one and of two symbols.
fn counted() -> Vec<Graph> {
    let (other, four) = (Dimension::Symbol(1), Dimension::Fixed(4));
    let (int8, int16) = (Precision::Int8, Precision::Int16);
    let tokens = (DataType::Int64, vec![N, other]);
    let mut graphs = vec![
        single(Operator::Softmax, &[float(&[N, other])]),
        single(Operator::LogSoftmax, &[float(&[four, N])]),
        single(Operator::Gather { axis: 0 }, &[float(&[N, other]), tokens.clone()]),
        single(Operator::IndexSelect { axis: 0 }, &[float(&[N, four]), tokens]),
        single(slice(0, Position::FromEnd(1), 1, affine(2, -1)), &[float(&[N])]),
        single(
            Operator::Expand {
                dimensions: vec![affine(1, 1), four, N],
            },
            &[float(&[N])],
        ),
        single(
            Operator::Concat { axis: 0 },
            &[float(&[N]), float(&[N]), float(&[four])],
        ),
        single(
            Operator::Where,
            &[(DataType::Bool, vec![N]), float(&[]), float(&[other, N])],
        ),
        single(Operator::RowScale { precision: int16 }, &[float(&[N, four])]),
        single(reshape(&[affine(4, 0), other]), &[float(&[N, four, other])]),
    ];
    for precision in [int8, int16, Precision::Int16Int8] {
        let bias = [
            float(&[N, four]),
            float(&[Dimension::Fixed(3), four]),
            float(&[Dimension::Fixed(3)]),
        ];
        graphs.push(single(Operator::Linear { precision }, &bias));
        graphs.push(single(
            Operator::MatMul { precision },
            &[float(&[N, four]), float(&[other, four])],
        ));
        let rows = [float(&[four, N]), float(&[other, N]), float(&[N])];
        graphs.push(single(Operator::WeightedSum { precision }, &rows));
    }
    for precision in [int8, int16] {
        let vector = float(&[Dimension::Fixed(3)]);
        let given = |dtype, width| (dtype, fixed(&[3, width]));
        let bytes = [float(&[N, four]), given(INT8, 4), vector.clone()];
        let format = WeightFormat::Int8;
        graphs.push(single(Operator::QuantisedLinear { precision, format }, &bytes));
        for (bits, integers) in [
            (GroupedBits::Four, given(DataType::Uint8, 24)),
            (GroupedBits::Eight, given(INT8, 48)),
        ] {
            let rows = float(&[N, other, Dimension::Fixed(48)]);
            let of_group = [
                rows,
                integers,
                given(DataType::Int32, 3),
                vector.clone(),
                vector.clone(),
            ];
            let format = WeightFormat::Grouped { bits, group: 16 };
            graphs.push(single(Operator::QuantisedLinear { precision, format }, &of_group));
        }
    }
    let places = [
        (DataType::Int64, vec![]),
        (DataType::Int64, vec![N]),
        (DataType::Int64, vec![other, N]),
    ];
    graphs.push(single(Operator::Random, &places));
    graphs.push(computed());
    for function in UNARY {
        graphs.push(single(Operator::Unary(function), &[float(&[N])]));
    }
    graphs.push(single(Operator::Unary(Unary::Not), &[(DataType::Bool, vec![N])]));
    graphs.push(several());
    graphs
}

/// A weighted sum over a length that is computed, and counted without what its offset takes away.
fn computed() -> Graph {
    let (four, length) = (Dimension::Fixed(4), affine(3, -2));
    let made = |dimensions: &[Dimension]| (fill(FLOAT, 0, dimensions), vec![]);
    let precision = Precision::Int8;
    let nodes = vec![
        made(&[four, length]),
        made(&[N, length]),
        made(&[length]),
        (Operator::WeightedSum { precision }, (0..3).map(Value::Node).collect()),
    ];
    graph(&[float(&[N])], &[], nodes)
}

/// Several operators, of which one takes an operand twice.
fn several() -> Graph {
    let nodes = vec![
        (Operator::Binary(Binary::Mul), vec![Value::Input(0), Value::Input(0)]),
        (Operator::Binary(Binary::Add), vec![Value::Node(0), Value::Weight(0)]),
        (arange(0, 1, affine(1, 7)), vec![]),
        (
            Operator::TopK {
                count: 2,
                largest: true,
            },
            vec![Value::Node(1)],
        ),
        (Operator::Cast { dtype: INT8 }, vec![Value::Node(3)]),
    ];
    let mut graph = graph(&[float(&[N, Dimension::Fixed(6)])], &[(FLOAT, &[])], nodes);
    graph.outputs.push(Output {
        name: "positions".into(),
        value: Value::Node(2),
    });
    graph
}

/// Fills of bytes, each of them an output, beside an input of every symbol.
fn fills(max: u32, tensors: &[Vec<Dimension>]) -> Graph {
    let symbols = (0..MAX_SYMBOLS as u8).map(|symbol| float(&[Dimension::Symbol(symbol)]));
    let nodes = tensors.iter().map(|dimensions| (fill(INT8, 0, dimensions), vec![]));
    let mut graph = graph(&symbols.collect::<Vec<_>>(), &[], nodes.collect());
    graph.symbols.iter_mut().for_each(|symbol| symbol.max = max);
    graph.outputs = (0..tensors.len() as u32)
        .map(|node| Output {
            name: format!("output_{node}"),
            value: Value::Node(node),
        })
        .collect();
    graph
}

/// Traces of 2^42 bytes, and of more.
fn vast_traces() -> Vec<Graph> {
    let one = fixed(&[1]);
    // It is 1, and counted as 2^31 − 1.
    let less = affine(i32::MAX, 1 - i32::MAX);
    let mut shorter = fills(1 << 21, &[vec![affine(1, -1), N]]);
    let mut computed = fills(1 << 21, &[vec![affine(1, -1), affine(1, 1)]]);
    (shorter.symbols[0].min, computed.symbols[0].min) = (2, 2);
    vec![
        fills(1, &[fixed(&[1 << 31, 1 << 11])]),
        fills(1, &[fixed(&[1 << 31, 1 << 11]), one.clone()]),
        fills(1, &[fixed(&[1 << 31, (1 << 11) - 1]), one.clone()]),
        fills(1, &[fixed(&[1 << 31, 1 << 31])]),
        fills(1, &vec![fixed(&[1 << 31, 1 << 31]); 4]),
        fills(1 << 21, &[vec![N, N]]),
        fills(1 << 21, &[vec![N, Dimension::Symbol(7)], one]),
        fills(u32::MAX, &[vec![N]]),
        shorter,
        computed,
        fills(1, &[vec![less]]),
        fills(1, &[vec![less; 2]]),
        fills(1, &[vec![less; 3]]),
    ]
}

/// Products over rows of 16384 numbers, of which the trace has at most 2^42 bytes.
fn vast_work() -> Vec<Graph> {
    let matrix = |columns: u32, precision| {
        let row = Dimension::Fixed(16_384);
        let (left, right) = ([Dimension::Fixed(1 << 20), row], [Dimension::Fixed(columns), row]);
        single(Operator::MatMul { precision }, &[float(&left), float(&right)])
    };
    vec![
        matrix(1 << 20, Precision::Int8),
        matrix(1 << 20, Precision::Int16),
        matrix((1 << 20) - (1 << 10), Precision::Int16),
    ]
}

/// Sizes that depend on the symbols in 64 ways, and in more: the product of six sums has 64 terms.
fn terms() -> Vec<Graph> {
    let sums = |count: u8, factor: i32| {
        let sum = |symbol: u8| formula(&[(1, &[]), (factor, &[symbol])]);
        (0..count).map(sum).collect::<Vec<_>>()
    };
    // The trace has no term for the row that is summed, and the work has.
    let mut summed = fills(5, &[sums(6, 1)]);
    let mut sum = summed.nodes[0].clone();
    (sum.name, sum.operator) = ("sum".into(), Operator::Reduce(Reduction::Sum));
    sum.inputs = vec![Value::Input(6)];
    summed.nodes.push(sum);
    summed.outputs.push(Output {
        name: "sum".into(),
        value: Value::Node(1),
    });
    vec![
        fills(5, &[sums(6, 1)]),
        fills(5, &[sums(7, 1)]),
        fills(5, &[sums(6, 1), sums(5, 3), vec![Dimension::Symbol(5)]]),
        fills(5, &[sums(6, 1), vec![Dimension::Symbol(6)]]),
        summed,
        // Too many terms and too much, and a number in front of a term that is too large to be written, before the
        // terms and after them.
        fills(1 << 8, &[sums(7, 1)]),
        fills(1, &[vec![affine(i32::MAX, 1 - i32::MAX); 3], sums(7, 1)]),
        fills(1, &[sums(7, 1), vec![affine(i32::MAX, 1 - i32::MAX); 3]]),
        // What is taken away has no term.
        fills(
            5,
            &[vec![
                formula(&[(6, &[]), (-1, &[3])]),
                formula(&[(1, &[]), (2, &[1, 2])]),
            ]],
        ),
    ]
}
