//! Proofs that open, with claims that are right and claims that are wrong.

use super::{Cases, Trial, bounded, heads, outputs_of, shape};
use crate::{
    Blake2b,
    drawn::{Executed, TYPES, random, tensor},
    graphs::build::{N, affine, float, graph},
    random::Random,
};
use assay_exact::{
    digest::DataType,
    graph::{Binary, Dimension, Operator, Output, Position, Value},
    model::Schema,
    quantise::{GroupedBits, Precision, WeightFormat},
    tensor::Tensor,
};

pub fn add(cases: &mut Cases) {
    for operators in [4, 5, 6, 7, 8] {
        let execution = random(&mut cases.random, operators);
        execution_cases(cases, &execution);
    }
    let long = long_rows(&mut cases.random);
    for (operator, index) in [(0, 0), (0, 5), (1, 3), (2, 700), (3, 0), (3, 4), (4, 1), (5, 2)] {
        let trial = Trial::new(&long, operator, index);
        let wrong = wrong_element(&mut cases.random, &trial);
        cases.judge("judge long", &trial);
        cases.judge("judge long", &wrong);
    }
    ends(cases, &long);
    let given = given_rows(&mut cases.random);
    for (operator, index) in [(0, 3), (0, 26), (1, 20), (2, 11), (3, 4)] {
        let trial = Trial::new(&given, operator, index);
        let wrong = wrong_element(&mut cases.random, &trial);
        cases.judge("judge given", &trial);
        cases.judge("judge given", &wrong);
    }
}

fn execution_cases(cases: &mut Cases, execution: &Executed) {
    for (operator, tensor) in (0u32..).zip(&execution.nodes) {
        let count = tensor.bytes().len() / tensor.dtype().size_bytes();
        let index = cases.random.below(count as u64);
        let trial = Trial::new(execution, operator, index);
        let wrong = wrong_element(&mut cases.random, &trial);
        cases.judge("judge element", &trial);
        cases.judge("judge element", &wrong);
        let wrong = wrong_header(&mut cases.random, &trial);
        cases.open("open_operator", &trial);
        if operator % 2 == 0 {
            cases.open("open_operator header", &wrong);
        }
    }
    ends(cases, execution);
}

/// The values of the symbols, and the outputs.
fn ends(cases: &mut Cases, execution: &Executed) {
    let schema = Schema::of(&execution.graph).expect("the graph is small");
    let claim = execution.claim();
    cases.symbols(&schema, &claim.input_digest, &heads(execution));
    let entries = execution.openings().prove_outputs::<Blake2b>().expect("few outputs");
    cases.outputs(&claim, &outputs_of(execution), &entries);
}

/// Layers whose integers are given, in rows that begin within a chunk and cross into the next one, and random numbers
/// of three operands of different shapes.
fn given_rows(random: &mut Random) -> Executed {
    use DataType::{Float32, Int8, Int32, Int64, Uint8};
    let weights: [(DataType, &[u32]); 6] = [
        (Int8, &[9, 336]),
        (Uint8, &[9, 168]),
        (Int32, &[9, 7]),
        (Int32, &[9, 21]),
        (Float32, &[9]),
        (Float32, &[9]),
    ];
    let layer = |precision, format| Operator::QuantisedLinear { precision, format };
    let grouped = |bits, group| WeightFormat::Grouped { bits, group };
    let weight = |index: u16| Value::Weight(index);
    let nodes = vec![
        (
            layer(Precision::Int8, WeightFormat::Int8),
            vec![Value::Input(0), weight(0), weight(4)],
        ),
        (
            layer(Precision::Int16, grouped(GroupedBits::Four, 48)),
            vec![Value::Input(0), weight(1), weight(2), weight(4)],
        ),
        (
            layer(Precision::Int16, grouped(GroupedBits::Eight, 16)),
            vec![Value::Input(0), weight(0), weight(3), weight(4), weight(5)],
        ),
        (
            Operator::Random,
            vec![Value::Input(1), Value::Input(2), Value::Input(2)],
        ),
    ];
    let mut graph = graph(
        &[
            float(&[N, Dimension::Fixed(336)]),
            (Int64, vec![N, Dimension::Fixed(1)]),
            (Int64, vec![Dimension::Fixed(2)]),
        ],
        &weights,
        nodes,
    );
    graph.outputs.extend([0, 1, 2].map(|node| Output {
        name: format!("output_{}", node + 1),
        value: Value::Node(node),
    }));
    let weights = weights.map(|(dtype, shape)| match dtype {
        Int32 => words(random, shape),
        dtype => tensor(random, dtype, shape).canonical(),
    });
    let inputs = vec![
        tensor(random, Float32, &[3, 336]),
        tensor(random, Int64, &[3, 1]),
        tensor(random, Int64, &[2]),
    ];
    Executed::new(graph, weights.into(), inputs)
}

/// Any multipliers and offsets of groups.
fn words(random: &mut Random, shape: &[u32]) -> Tensor {
    let bytes = (0..shape.iter().product::<u32>()).flat_map(|_| (random.next() as u32).to_le_bytes());
    Tensor::new(DataType::Int32, shape.to_vec(), bytes.collect()).expect("as many as the shape says")
}

/// The question with other bytes claimed: one bit, no bytes, or more bytes than there are.
fn wrong_element(random: &mut Random, trial: &Trial) -> Trial {
    let mut trial = trial.clone();
    let mut bytes = trial.question.claimed.to_vec();
    match random.below(6) {
        0 => bytes.clear(),
        1 if bytes.len() < 8 => bytes.push(0),
        _ => {
            let place = random.below(bytes.len() as u64) as usize;
            bytes[place] ^= 1 << random.below(8);
        }
    }
    trial.question.claimed = bounded(bytes);
    trial
}

/// The operator opened with an output of another type or another shape.
fn wrong_header(random: &mut Random, trial: &Trial) -> Trial {
    let mut trial = trial.clone();
    let mut dimensions = trial.output.shape.to_vec();
    match random.below(3) {
        0 => trial.output.dtype = TYPES[(usize::from(trial.output.dtype.tag()) + 1) % TYPES.len()],
        1 if !dimensions.is_empty() => dimensions[0] += 1,
        _ => dimensions.push(1),
    }
    trial.output.shape = shape(&dimensions);
    trial
}

/// Rows of more than a chunk, which begin within one, and single elements of tensors of several chunks.
fn long_rows(random: &mut Random) -> Executed {
    const FLOAT: DataType = DataType::Float32;
    let precision = Precision::Int8;
    let row = Dimension::Fixed(300);
    let slice = Operator::Slice {
        axis: 1,
        start: Position::FromEnd(2),
        step: 1,
        length: Dimension::Fixed(2),
    };
    let nodes = vec![
        (
            Operator::Linear { precision },
            vec![Value::Input(0), Value::Weight(0), Value::Weight(1)],
        ),
        (
            Operator::MatMul {
                precision: Precision::Int16,
            },
            vec![Value::Input(0), Value::Weight(0)],
        ),
        (Operator::Binary(Binary::Add), vec![Value::Input(0), Value::Weight(2)]),
        (slice, vec![Value::Node(2)]),
        (
            Operator::IndexSelect { axis: 0 },
            vec![Value::Weight(0), Value::Input(1)],
        ),
        (
            Operator::Pad {
                axis: 0,
                before: 1,
                after: 0,
                bits: 0x3f80_0000,
            },
            vec![Value::Node(0)],
        ),
    ];
    let mut graph = graph(
        &[float(&[N, row]), (DataType::Int64, vec![Dimension::Fixed(1)])],
        &[(FLOAT, &[4, 300]), (FLOAT, &[4]), (FLOAT, &[300])],
        nodes,
    );
    let more = [1, 3, 4].map(|node| Output {
        name: format!("output_{node}"),
        value: Value::Node(node),
    });
    graph.outputs.extend(more);
    let checked = graph.clone().check().expect("the graph is sound");
    let (_, dimensions) = checked.value(Value::Node(5)).expect("it is a node");
    assert_eq!(dimensions, [affine(1, 1), Dimension::Fixed(4)]);
    let weights = [&[4, 300][..], &[4], &[300]].map(|shape| tensor(random, FLOAT, shape).canonical());
    let inputs = vec![tensor(random, FLOAT, &[3, 300]), tensor(random, DataType::Int64, &[1])];
    Executed::new(graph, weights.into(), inputs)
}
