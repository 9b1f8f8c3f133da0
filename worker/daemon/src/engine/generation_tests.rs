//! Sequences of jobs that come together and of jobs that join them.

use super::*;
use crate::engine::wire::WireOutput;
use assay_engine::{Engine, ReferenceEngine};
use assay_exact::{
    graph::{Binary, Dimension, Graph, Input, Node, Operator, Output, Symbol, Value, Weight},
    quantise::Precision,
};
use assay_ops::tensor::DataType;
use assay_package::{
    Details, Package,
    generation::{LanguageModel, check_graph},
};

const VOCABULARY: u32 = 20;
const WIDTH: u32 = 8;

fn sampling(max_tokens: u32) -> Sampling {
    Sampling {
        temperature: 0.5,
        top_p: 0.9,
        top_k: 7,
        seed: -3,
        max_tokens,
    }
}

/// Inputs of a check graph, but for the sequence.
fn job(prompt: &[i64], max_tokens: u32) -> Vec<Tensor> {
    let mut inputs = sampling(max_tokens).check_inputs(prompt, prompt);
    inputs.pop();
    inputs
}

fn weight(name: &str, seed: u32) -> (Weight, Tensor) {
    let shape = vec![VOCABULARY, WIDTH];
    // A multiplicative hash of the position (Knuth).
    let number = |place: u32| ((place + seed).wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0 - 0.5;
    let bytes = (0..VOCABULARY * WIDTH)
        .flat_map(|place| number(place).to_le_bytes())
        .collect();
    let tensor = Tensor::new(DataType::Float32, shape.clone(), bytes).expect("as many numbers");
    let weight = Weight {
        name: name.to_owned(),
        dtype: DataType::Float32,
        shape,
    };
    (weight, tensor.canonical())
}

/// An attention of tokens to those before them, from which the logits follow.
fn nodes() -> Vec<Node> {
    let precision = Precision::Int16;
    let (length, one) = (Dimension::Symbol(1), Dimension::Fixed(1));
    let (start, step) = (0, 1);
    let never = Operator::Fill {
        dtype: DataType::Float32,
        bits: f32::NEG_INFINITY.to_bits().into(),
        dimensions: vec![],
    };
    let dimensions = vec![length, one];
    let of = Value::Node;
    let nodes: [(Operator, Vec<Value>); 12] = [
        (
            Operator::IndexSelect { axis: 0 },
            vec![Value::Weight(1), Value::Input(0)],
        ),
        (Operator::Arange { start, step, length }, vec![]),
        (Operator::Reshape { dimensions }, vec![of(1)]),
        (Operator::Binary(Binary::GreaterOrEqual), vec![of(2), of(1)]),
        (Operator::MatMul { precision }, vec![of(0), of(0)]),
        (never, vec![]),
        (Operator::Where, vec![of(3), of(4), of(5)]),
        (Operator::Softmax, vec![of(6)]),
        (Operator::Permute { axes: vec![0, 2, 1] }, vec![of(0)]),
        (Operator::RowScale { precision }, vec![of(0)]),
        (Operator::WeightedSum { precision }, vec![of(7), of(8), of(9)]),
        (Operator::Linear { precision }, vec![of(10), Value::Weight(0)]),
    ];
    let nodes = nodes.into_iter().enumerate().map(|(index, (operator, inputs))| Node {
        name: format!("node_{index}"),
        operator,
        inputs,
        source: String::new(),
    });
    nodes.collect()
}

/// A language model with no more than it takes to be one.
fn package() -> Package {
    let symbol = |name: &str, max| Symbol {
        name: name.to_owned(),
        min: 1,
        max,
    };
    let (weights, tensors) = [weight("logits", 7), weight("tokens", 900)].into_iter().unzip();
    let graph = Graph {
        symbols: vec![symbol("batch", 4), symbol("length", 40)],
        inputs: vec![Input {
            name: "tokens".to_owned(),
            dtype: DataType::Int64,
            dimensions: vec![Dimension::Symbol(0), Dimension::Symbol(1)],
            range: None,
        }],
        weights,
        nodes: nodes(),
        outputs: vec![Output {
            name: "logits".to_owned(),
            value: Value::Node(11),
        }],
    };
    let model = LanguageModel {
        graph,
        tokens: 0,
        logits: 0,
    };
    let details = Details {
        name: "small".to_owned(),
        version: "1".to_owned(),
        licence: "Apache-2.0".to_owned(),
        description: String::new(),
    };
    let graph = check_graph(model, &[]).expect("a language model");
    let package = Package::new_generation(details, Precision::Int16, graph, tensors, vec![], vec![]);
    package.expect("a sound package")
}

#[test]
fn inputs_of_a_check_graph_are_a_request() {
    let mut inputs = sampling(12).check_inputs(&[4, 1], &[4, 1, 9]);
    assert_eq!(Asked::of(&inputs), None, "the sequence is not asked for");
    inputs.pop();
    let (prompt, sampling) = (vec![4, 1], sampling(12));
    assert_eq!(Asked::of(&inputs), Some(Asked { prompt, sampling }));
}

#[test]
fn jobs_that_come_meanwhile_are_made_beside_the_others() {
    let model = ReferenceEngine.load(&package()).expect("a sound package");
    let prompts: [(&[i64], u32); 4] = [(&[3, 1], 9), (&[5], 2), (&[19, 0, 7], 6), (&[2], 1)];
    let alone = prompts.map(|(prompt, max_tokens)| {
        let mut generator = Generator::new(&model).expect("a language model");
        let sequence = generator.generate(prompt, sampling(max_tokens), |_| {});
        sequence_output(&sequence.expect("it is made"))
    });
    let jobs = |positions: std::ops::Range<usize>| -> Jobs {
        let jobs = positions.map(|index| Job {
            position: index as u32,
            inputs: job(prompts[index].0, prompts[index].1),
            // The first and the third one are listened to.
            streams: index % 2 == 0,
        });
        jobs.collect()
    };
    let (mut child, mut parent) = UnixStream::pair().expect("the system has sockets");
    // Two come at once, one after some tokens, and the last one after that.
    let mut asked = 0;
    let mut more = || -> Result<Option<Jobs>, FrameError> {
        asked += 1;
        Ok(match asked {
            3 => Some(jobs(2..3)),
            6 => Some(jobs(3..4)),
            _ => None,
        })
    };
    let mut generators = Generators::default();
    let run = generators.run(&mut child, (0, &model), jobs(0..2), &mut more);
    run.expect("the parent listens");
    drop(child);
    let mut answers = BTreeMap::new();
    let mut streamed: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    while let Ok(response) = message::read::<Response>(&mut parent) {
        match response {
            Response::Alive => {}
            Response::Made {
                position,
                before,
                tokens,
            } => {
                let told = streamed.entry(position).or_default();
                assert_eq!(told.len(), before as usize);
                told.extend(tokens);
            }
            Response::Ran(position, result) => drop(answers.insert(position, result)),
            other => panic!("{other:?} was not asked for"),
        }
    }
    for (position, told) in [0, 2].map(|position| (position, streamed.remove(&position).expect("was told"))) {
        let (prompt, _) = prompts[position as usize];
        assert_eq!(sequence_output(&[prompt, &told].concat()), alone[position as usize]);
    }
    assert!(streamed.is_empty(), "{streamed:?}");
    let expected = (0..).zip(alone).map(|(position, output)| (position, Ok(output.into())));
    let expected: BTreeMap<u32, Result<WireOutput, WireFault>> = expected.collect();
    assert_eq!(answers, expected);
}

#[test]
fn prompt_that_the_model_does_not_take_is_refused_alone() {
    let model = ReferenceEngine.load(&package()).expect("a sound package");
    let (mut child, mut parent) = UnixStream::pair().expect("the system has sockets");
    let jobs = [(7, job(&[i64::from(VOCABULARY)], 3)), (8, job(&[4], 3))];
    let jobs = jobs.map(|(position, inputs)| Job {
        position,
        inputs,
        streams: false,
    });
    let run = Generators::default().run(&mut child, (0, &model), jobs.into(), &mut || Ok(None));
    run.expect("the parent listens");
    drop(child);
    let mut answers = BTreeMap::new();
    while let Ok(response) = message::read::<Response>(&mut parent) {
        if let Response::Ran(position, result) = response {
            answers.insert(position, result.is_ok());
        }
    }
    assert_eq!(answers, BTreeMap::from([(7, false), (8, true)]));
}
