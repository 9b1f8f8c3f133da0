//! The advice of a check graph opens from the claim's first output, and from nowhere else.

use super::*;
use crate::{
    digest::{DataType, list_digest},
    evaluate::evaluate,
    graph::{Binary, CheckedGraph, Dimension, Graph, Input, Node, Operator, Output, Symbol, Value},
    model::{GENERATION_INPUTS, GENERATION_OUTPUTS, ModelKind, ModelParts, PartsError},
    quantise::Precision,
    tensor::Tensor,
    testing::Blake2b,
    trace::Trace,
};
use alloc::{borrow::ToOwned, format, string::String, vec, vec::Vec};

const KIND: ModelKind = ModelKind::Generation;

/// Hands the sequence through, and says whether `top_k` is `max_tokens`.
fn graph() -> CheckedGraph {
    let symbol = |name: &str| Symbol {
        name: name.to_owned(),
        min: 1,
        max: 9,
    };
    let inputs = GENERATION_INPUTS.iter().enumerate().map(|(position, name)| Input {
        name: (*name).to_owned(),
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
    let whole = Operator::Reshape {
        dimensions: vec![Dimension::Fixed(1), Dimension::Symbol(1)],
    };
    let nodes = [
        (whole, vec![Value::Input(6)]),
        (Operator::Binary(Binary::Equal), vec![Value::Input(3), Value::Input(5)]),
    ];
    let outputs = GENERATION_OUTPUTS.iter().zip(0..);
    let graph = Graph {
        symbols: vec![symbol("prompt"), symbol("sequence")],
        inputs: inputs.collect(),
        weights: vec![],
        nodes: nodes
            .into_iter()
            .enumerate()
            .map(|(index, (operator, inputs))| Node {
                name: format!("node_{index}"),
                operator,
                inputs,
                source: String::new(),
            })
            .collect(),
        outputs: outputs
            .map(|(name, node)| Output {
                name: (*name).to_owned(),
                value: Value::Node(node),
            })
            .collect(),
    };
    graph.check().expect("a sound graph")
}

fn integers(shape: &[u32], integers: &[i64]) -> Tensor {
    let bytes = integers.iter().flat_map(|integer| integer.to_le_bytes()).collect();
    Tensor::new(DataType::Int64, shape.to_vec(), bytes).expect("as many integers")
}

fn inputs() -> Vec<Tensor> {
    let number = || Tensor::new(DataType::Float32, vec![1], vec![0; 4]).expect("one number");
    vec![
        integers(&[1, 2], &[4, 5]),
        number(),
        number(),
        integers(&[1], &[1]),
        integers(&[1], &[7]),
        integers(&[1], &[1]),
        integers(&[1, 3], &[4, 5, 6]),
    ]
}

fn parts(graph: &CheckedGraph) -> ModelParts {
    let parts = ModelParts::new::<Blake2b>(graph, list_digest::<Blake2b>(&[]), Precision::Int16, [4; 32]);
    parts.expect("a small graph").with_kind(KIND)
}

#[test]
fn advice_opens_from_the_first_output_and_the_rest_from_the_inputs() {
    let (graph, inputs) = (graph(), inputs());
    let parts = parts(&graph);
    let trace = Trace::of::<Blake2b>(&graph, &[], &inputs).expect("it is evaluated");
    let claim = Claim {
        model: parts.head.clone(),
        kind: KIND,
        input_digest: trace.given_digest::<Blake2b>(KIND),
        output_digest: trace.output_digest::<Blake2b>(),
        trace_digest: trace.digest::<Blake2b>(),
    };
    assert_eq!(claim.input_digest, list_digest::<Blake2b>(&trace.inputs[..6]));

    let opened: Vec<TensorOpening> = inputs
        .iter()
        .map(|tensor| TensorOpening::of::<Blake2b>(tensor).expect("small"))
        .collect();
    let open = |advice| open_symbols::<Blake2b>(&parts.schema, KIND, &claim.input_digest, advice, &opened);
    let symbols = open(Some(&trace.outputs[0])).expect("all of them are the claim's");
    assert_eq!(symbols, [2, 3]);
    assert_eq!(open(Some(&trace.outputs[1])), Err(JudgeError::Advice));
    assert_eq!(open(None), Err(JudgeError::Advice));

    let openings = Openings::new::<Blake2b>(graph.graph(), &[], &trace).of_kind(KIND);
    let outputs = evaluate(&graph, &[], &inputs).expect("it is evaluated");
    for (node, taken) in [(0, vec![&inputs[6]]), (1, vec![&inputs[3], &inputs[5]])] {
        let opening = openings.open_operator::<Blake2b>(node, &taken).expect("it is there");
        let output = TensorOpening::of::<Blake2b>(&outputs[node as usize]).expect("small");
        let result = open_operator::<Blake2b>(&claim, &symbols, node, &opening, &output);
        assert!(result.is_ok(), "{result:?}");
        let plain = Claim {
            kind: ModelKind::Plain,
            ..claim.clone()
        };
        let refused = open_operator::<Blake2b>(&plain, &symbols, node, &opening, &output).err();
        let expected = (node == 0).then_some(JudgeError::Membership { operand: 0 });
        assert_eq!(refused, expected);
    }
}

#[test]
fn check_graph_takes_and_gives_what_every_one_does() {
    let graph = graph();
    let own = parts(&graph);
    assert_eq!(own.validate(), Ok(()));
    let refused = |change: fn(&mut ModelParts)| {
        let mut changed = own.clone();
        change(&mut changed);
        assert_eq!(changed.validate(), Err(PartsError::Kind));
        assert_eq!(changed.with_kind(ModelKind::Plain).validate(), Ok(()));
    };
    refused(|parts| {
        let mut inputs = parts.schema.inputs.to_vec();
        inputs[1].data_type = DataType::Int64;
        parts.schema.inputs = Bounded::new(inputs).expect("as many");
    });
    refused(|parts| {
        let mut inputs = parts.schema.inputs.to_vec();
        inputs.swap(3, 4);
        parts.schema.inputs = Bounded::new(inputs).expect("as many");
    });
    refused(|parts| {
        let mut outputs = parts.schema.outputs.to_vec();
        outputs[0].dimensions = parts.schema.inputs[0].dimensions.clone();
        parts.schema.outputs = Bounded::new(outputs).expect("as many");
    });
    refused(|parts| {
        let mut outputs = parts.schema.outputs.to_vec();
        outputs[1].data_type = DataType::Uint8;
        parts.schema.outputs = Bounded::new(outputs).expect("as many");
    });
}
