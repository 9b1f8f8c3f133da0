//! Maximum of what has to be opened, for every operator at its largest.

use super::{super::prover::Recorder, *};
use crate::{
    graph::{Binary, Dimension, Graph, Input, Node, Operator, Output, Position, Reduction, Unary, Weight},
    quantise::{GroupedBits, Precision, WeightFormat},
    testing::Random,
};
use alloc::{format, vec, vec::Vec};
use codec::{Encode, MaxEncodedLen};

/// Elements of a row of 64 KiB.
const ROW: u32 = 16_384;
const F: DataType = DataType::Float32;
const I: DataType = DataType::Int64;

/// Type and shape of an operand.
type Layout = (DataType, Vec<u32>);

/// Operators with the largest operands that they take, such that rows begin within chunks.
fn cases() -> Vec<(Operator, Vec<Layout>)> {
    let precision = Precision::Int16;
    let fixed = |dimensions: &[u32]| dimensions.iter().copied().map(Dimension::Fixed).collect::<Vec<_>>();
    let dimensions = fixed(&[5, ROW - 1]);
    let wide = vec![5, ROW - 1];
    let row = vec![ROW - 1];
    let length = Dimension::Fixed(3);
    let start = Position::FromStart(1);
    let mut cases = vec![
        (
            Operator::Linear { precision },
            vec![(F, wide.clone()), (F, wide.clone()), (F, vec![5])],
        ),
        (
            Operator::Linear { precision },
            vec![(F, vec![3, ROW]), (F, vec![3, ROW])],
        ),
        (
            Operator::MatMul { precision },
            vec![(F, wide.clone()), (F, wide.clone())],
        ),
        (Operator::RowScale { precision }, vec![(F, wide.clone())]),
        (
            Operator::WeightedSum { precision },
            vec![
                (F, vec![2, 2, ROW - 1]),
                (F, vec![2, 3, ROW - 1]),
                (F, vec![2, ROW - 1]),
            ],
        ),
        (Operator::Relu, vec![(F, wide.clone())]),
        (
            Operator::Reshape {
                dimensions: fixed(&[ROW - 1, 5]),
            },
            vec![(F, wide.clone())],
        ),
        (Operator::Unary(Unary::Gelu), vec![(F, wide.clone())]),
        (Operator::Binary(Binary::Div), vec![(F, wide.clone()), (F, row.clone())]),
        (
            Operator::Where,
            vec![(DataType::Bool, vec![5, 1]), (F, wide.clone()), (F, row.clone())],
        ),
        (Operator::Cast { dtype: I }, vec![(F, wide.clone())]),
        (
            Operator::Fill {
                dtype: F,
                bits: 0,
                dimensions: dimensions.clone(),
            },
            vec![],
        ),
        (
            Operator::Arange {
                start: 0,
                step: 1,
                length: Dimension::Fixed(ROW),
            },
            vec![],
        ),
        (Operator::Permute { axes: vec![1, 0] }, vec![(F, wide.clone())]),
        (Operator::Expand { dimensions }, vec![(F, row.clone())]),
        (
            Operator::Slice {
                axis: 0,
                start,
                step: 1,
                length,
            },
            vec![(F, wide.clone())],
        ),
        (Operator::Concat { axis: 0 }, vec![(F, wide.clone()); 64]),
        (
            Operator::Pad {
                axis: 1,
                before: 2,
                after: 2,
                bits: 0,
            },
            vec![(F, wide.clone())],
        ),
        (
            Operator::Gather { axis: 0 },
            vec![(F, wide.clone()), (I, vec![2, ROW - 1])],
        ),
        (
            Operator::IndexSelect { axis: 0 },
            vec![(F, wide.clone()), (I, vec![700])],
        ),
        (
            Operator::Unfold {
                axis: 1,
                size: 3,
                step: 2,
                dilation: 2,
            },
            vec![(F, wide.clone())],
        ),
        (Operator::CumSum, vec![(F, wide.clone())]),
        (Operator::CumSum, vec![(I, vec![5, ROW / 2 - 1])]),
        (
            Operator::TopK {
                count: 3,
                largest: true,
            },
            vec![(F, wide.clone())],
        ),
        (
            Operator::TopK {
                count: 3,
                largest: false,
            },
            vec![(DataType::Bool, vec![3, 65_535])],
        ),
        (Operator::Softmax, vec![(F, wide.clone())]),
        (Operator::LogSoftmax, vec![(F, wide.clone())]),
        (
            Operator::LayerNorm { epsilon: 0 },
            vec![(F, wide.clone()), (F, row.clone()), (F, row.clone())],
        ),
        (Operator::RmsNorm { epsilon: 0 }, vec![(F, wide.clone()), (F, row)]),
        (Operator::Random, vec![(I, vec![5, ROW]), (I, vec![5, 1]), (I, vec![])]),
    ];
    cases.extend(quantised_layers());
    for reduction in [
        Reduction::Sum,
        Reduction::Mean,
        Reduction::Max,
        Reduction::Min,
        Reduction::ArgMax,
    ] {
        cases.push((Operator::Reduce(reduction), vec![(F, wide.clone())]));
    }
    cases.push((Operator::Reduce(Reduction::ArgMin), vec![(I, vec![5, ROW / 2 - 1])]));
    for reduction in [Reduction::Any, Reduction::All] {
        cases.push((Operator::Reduce(reduction), vec![(DataType::Bool, vec![3, 65_535])]));
    }
    cases
}

/// Layers whose integers are given, in each format.
fn quantised_layers() -> Vec<(Operator, Vec<Layout>)> {
    let precision = Precision::Int16;
    let layer = |format| Operator::QuantisedLinear { precision, format };
    let scales = (F, vec![5]);
    // Whole groups, as many as a row may have, but for one so that rows begin within chunks.
    let length = ROW - 16;
    let grouped = |bits, integers: (DataType, Vec<u32>)| {
        let words = (DataType::Int32, vec![5, length / 16]);
        let operands = vec![(F, vec![5, length]), integers, words, scales.clone(), scales.clone()];
        (layer(WeightFormat::Grouped { bits, group: 16 }), operands)
    };
    vec![
        (
            layer(WeightFormat::Int8),
            vec![
                (F, vec![5, ROW - 1]),
                (DataType::Int8, vec![5, ROW - 1]),
                scales.clone(),
                scales.clone(),
            ],
        ),
        grouped(GroupedBits::Four, (DataType::Uint8, vec![5, length / 2])),
        grouped(GroupedBits::Eight, (DataType::Int8, vec![5, length])),
    ]
}

#[test]
fn element_depends_on_at_most_65_chunks_of_an_operand() {
    let mut random = Random(21);
    let mut most = 0;
    for (operator, operands) in cases() {
        let layouts: Vec<_> = operands
            .iter()
            .map(|(dtype, shape)| (*dtype, shape.as_slice()))
            .collect();
        let (dtype, shape) = operator
            .output_layout(&layouts)
            .unwrap_or_else(|e| panic!("{operator:?} {e}"));
        let tensors = layouts
            .iter()
            .map(|(dtype, shape)| graphs::tensor(&mut random, *dtype, shape));
        let tensors: Vec<Tensor> = tensors.collect();
        let tensors: Vec<&Tensor> = tensors.iter().collect();
        let count = shape.iter().map(|d| u64::from(*d)).product::<u64>();
        for index in [0, count / 2, count - 1] {
            let mut recorder = Recorder::new(&tensors);
            operator
                .element(&mut recorder, dtype, &shape, index)
                .expect("the operands fit");
            for (operand, chunks) in recorder.chunks.iter().enumerate() {
                assert!(chunks.len() <= MAX_CHUNKS as usize, "{operator:?}, operand {operand}");
                let run = chunks
                    .last()
                    .zip(chunks.first())
                    .map_or(0, |(last, first)| last - first + 1);
                assert_eq!(
                    run,
                    chunks.len() as u64,
                    "{operator:?} reads neighbours of operand {operand}"
                );
                most = most.max(chunks.len());
            }
        }
    }
    assert_eq!(most, MAX_CHUNKS as usize);
}

/// `input [3, row] → linear with [n, row] and a bias [n] → softmax`, so that there are two operators.
fn linear(row: u32, features: u32) -> Execution {
    let weight = |name: usize, shape: &[u32]| Weight {
        name: format!("weight_{name}"),
        dtype: F,
        shape: shape.to_vec(),
    };
    let node = |name: &str, operator, inputs: &[Value]| Node {
        name: name.repeat(255),
        operator,
        inputs: inputs.to_vec(),
        source: "y".repeat(255),
    };
    let graph = Graph {
        symbols: vec![],
        inputs: vec![Input {
            name: "input".into(),
            dtype: F,
            dimensions: vec![Dimension::Fixed(3), Dimension::Fixed(row)],
            range: None,
        }],
        weights: vec![weight(0, &[features, row]), weight(1, &[features])],
        nodes: vec![
            node(
                "x",
                Operator::Linear {
                    precision: Precision::Int16,
                },
                &[Value::Input(0), Value::Weight(0), Value::Weight(1)],
            ),
            node("z", Operator::Softmax, &[Value::Node(0)]),
        ],
        outputs: vec![Output {
            name: "output_0".into(),
            value: Value::Node(1),
        }],
    };
    let mut random = Random(31);
    let graph = graph.check().expect("it is sound");
    let weights = graph
        .graph()
        .weights
        .iter()
        .map(|weight| graphs::tensor(&mut random, weight.dtype, &weight.shape));
    let weights = weights.collect();
    Execution::new(graph, weights, vec![graphs::tensor(&mut random, F, &[3, row])])
}

#[test]
fn sizes_of_proofs() {
    // Row, features, bytes that the opening of the operator and the proof of an element may have at most.
    let cases = [
        (384, 1536, 1_300, 5_600),
        (768, 3072, 1_300, 9_300),
        (ROW - 1, 33, 1_300, 135_100),
    ];
    for (row, features, most_opened, most_proved) in cases {
        let execution = linear(row, features);
        let index = u64::from(features) * 2 - 1;
        let proof = execution
            .openings()
            .prove_element::<Blake2b>(0, &execution.operands(0), index);
        let proof = proof.expect("it is sound");
        let question = element_question(&execution.nodes[0], index);
        assert_eq!(execution.judge(0, &proof, &question), Ok(Verdict::Right));
        let (opened, proved) = (execution.opening(0).encode().len(), proof.encode().len());
        std::println!("linear with rows of {row} and {features} features: {opened} and {proved} bytes");
        assert!(
            opened <= most_opened && proved <= most_proved,
            "{opened} and {proved} bytes"
        );
    }
}

#[test]
fn greatest_sizes_are_bounded() {
    std::println!(
        "operand {}, chunks {}, question {}",
        OperandOpening::max_encoded_len(),
        OperandChunks::max_encoded_len(),
        Question::max_encoded_len()
    );
    assert!(OperandChunks::max_encoded_len() <= 72_000);
    assert!(OperatorOpening::max_encoded_len() <= 120_000);
    assert!(OpenedOperator::max_encoded_len() <= 6_600);
    assert!(Question::max_encoded_len() <= 21);
}
