//! Models that nobody checked before they were registered: who claims an execution of one cannot open it, and nothing
//! panics.

use super::*;
use crate::{
    digest::{domain_hash, tensor_digest, tensor_tree_root},
    graph::{Dimension, GRAPH_NODE_DOMAIN, Graph, Input, Operator, Output},
    testing::Random,
    tree::{Membership, Tree, chunk_size},
};
use alloc::vec;
use codec::Encode;

/// A tensor with its chunks, if it is opened whole.
#[derive(Clone)]
struct Given {
    tensor: TensorOpening,
    chunks: OperandChunks,
}

/// A model of two operators of which this node is the second, whose operands are inputs with these headers, and a claim
/// of it whose trace has these tensors.
fn model(node: &Node, operands: &[Given]) -> (Claim, OperatorOpening, Proof) {
    let digest = domain_hash::<Blake2b>(&GRAPH_NODE_DOMAIN, &[&node.encode()]);
    let entries = [[4; 32], digest];
    let inputs: Vec<Digest> = operands.iter().map(|given| given.tensor.digest::<Blake2b>()).collect();
    let openings = operands.iter().zip(0..).map(|(given, index)| OperandOpening {
        tensor: given.tensor.clone(),
        membership: Membership::of::<Blake2b>(&inputs, index).expect("an input"),
    });
    let opening = OperatorOpening {
        node: Bounded::new(node.encode()).expect("a small node"),
        path: Tree::List.path::<Blake2b>(&entries, 1).expect("the second entry"),
        operands: Bounded::new(openings.collect()).expect("few operands"),
    };
    let proof = Proof {
        operands: Bounded::new(operands.iter().map(|given| given.chunks.clone()).collect()).expect("few operands"),
    };
    let claim = Claim {
        model: ModelHead {
            operators: 2,
            nodes_root: Tree::List.fold::<Blake2b>(&entries),
            weights_root: [5; 32],
        },
        kind: ModelKind::Plain,
        input_digest: list_digest::<Blake2b>(&inputs),
        output_digest: [0; 32],
        trace_digest: list_digest::<Blake2b>(&inputs),
    };
    (claim, opening, proof)
}

fn given(dtype: DataType, dimensions: &[u32]) -> Given {
    Given {
        tensor: TensorOpening {
            dtype,
            shape: shape(dimensions),
            root: [9; 32],
        },
        chunks: OperandChunks::default(),
    }
}

/// An output of this type and shape.
fn output(dtype: DataType, dimensions: &[u32]) -> TensorOpening {
    given(dtype, dimensions).tensor
}

fn node(operator: Operator, inputs: Vec<Value>) -> Node {
    Node {
        name: "node".into(),
        operator,
        inputs,
        source: "a.py:1".into(),
    }
}

#[test]
fn operator_that_takes_itself_or_a_later_one_is_refused() {
    for value in [Value::Node(1), Value::Node(u32::MAX)] {
        let node = node(Operator::Relu, vec![value]);
        let (claim, opening, _) = model(&node, &[given(DataType::Float32, &[1])]);
        let opened = open_operator::<Blake2b>(&claim, &[], 1, &opening, &output(DataType::Float32, &[1]));
        assert_eq!(opened, Err(JudgeError::Wiring { operand: 0 }));
    }
}

#[test]
fn trace_of_another_length_than_the_graph_is_refused() {
    for count in 1..5 {
        let operands = vec![given(DataType::Float32, &[1]); count];
        let (claim, mut opening, _) = model(&node(Operator::Relu, vec![Value::Node(0)]), &operands);
        opening.operands = Bounded::new(opening.operands[..1].to_vec()).expect("one");
        let opened = open_operator::<Blake2b>(&claim, &[], 1, &opening, &output(DataType::Float32, &[1]));
        let expected = match count {
            2 => Ok(()),
            _ => Err(JudgeError::Membership { operand: 0 }),
        };
        assert_eq!(opened.map(|_| ()), expected);
    }
}

#[test]
fn empty_and_uncountable_operands_are_refused() {
    for dimensions in [&[0][..], &[0, u32::MAX, u32::MAX], &[u32::MAX; 2], &[u32::MAX; 8]] {
        let node = node(Operator::Relu, vec![Value::Input(0)]);
        let (claim, opening, _) = model(&node, &[given(DataType::Int64, dimensions)]);
        let opened = open_operator::<Blake2b>(&claim, &[], 1, &opening, &output(DataType::Int64, dimensions));
        assert_eq!(opened, Err(JudgeError::Unsound { operand: 0 }));
    }
}

#[test]
fn no_model_makes_a_judge_panic() {
    let mut random = Random(77);
    let (mut headers, mut elements) = (0, 0);
    for _ in 0..120_000 {
        let operator = graphs::operator(&mut random);
        let count = random.below(4);
        let operands = (0..count).map(|_| {
            let rank = random.below(4);
            let dimensions = (0..rank).map(|_| random.one(&[0, 1, 1, 2, 3, 4, 4, 4, 255, 1 << 14, 1 << 31, u32::MAX]));
            let mut given = given(DataType::Float32, &dimensions.collect::<Vec<_>>());
            given.tensor.dtype = random.one(&graphs::TYPES);
            // A tensor of one chunk is opened whole, and one of more is not.
            if let Some(size) = chunk_size(given.tensor.dtype, &given.tensor.shape, 0)
                && chunk_size(given.tensor.dtype, &given.tensor.shape, 1).is_none()
            {
                let bytes: Vec<u8> = (0..size).map(|_| random.next() as u8).collect();
                given.tensor.root = tensor_tree_root::<Blake2b>(&bytes);
                let chunk = Chunk {
                    index: 0,
                    bytes: Bounded::new(bytes).expect("one chunk"),
                };
                given.chunks.chunks = Bounded::new(vec![chunk]).expect("one");
            }
            given
        });
        let operands: Vec<Given> = operands.collect();
        let inputs = (0..count as u16).map(Value::Input).collect();
        let (claim, opening, proof) = model(&node(operator.clone(), inputs), &operands);
        let symbols = [random.one(&[0, 1, 3, u32::MAX])];
        let open = |output: &TensorOpening| open_operator::<Blake2b>(&claim, &symbols, 1, &opening, output);
        let layouts: Vec<_> = operands
            .iter()
            .map(|given| (given.tensor.dtype, &*given.tensor.shape))
            .collect();
        // A dimension that is no number at this value of the symbol is none that a checked graph has.
        let layout = operator
            .resolve(&symbols)
            .map(|resolved| resolved.output_layout(&layouts));
        let Some((dtype, dimensions)) = layout.and_then(Result::ok).filter(|(_, shape)| shape.len() <= 8) else {
            assert!(open(&output(DataType::Bool, &[])).is_err());
            continue;
        };
        let output = output(dtype, &dimensions);
        let Ok(opened) = open(&output) else {
            continue;
        };
        headers += 1;
        for index in [0, 1, random.below(1000), random.next()] {
            let question = Question {
                index,
                claimed: Bounded::default(),
            };
            let verdict = judge::<Blake2b>(&symbols, &opened, &output, &proof, &question);
            assert_ne!(verdict, Ok(Verdict::Right));
            // What opens fits: no model of any kind is left to be the judge's fault.
            assert_ne!(verdict, Err(JudgeError::Element(ElementError::Unfit)));
            elements += u32::from(verdict.is_ok());
        }
    }
    assert!(
        headers > 4_000 && elements > 2_000,
        "{headers} operators fit, and {elements} elements were computed"
    );
}

#[test]
fn chunk_of_another_length_than_the_shape_says_is_refused() {
    let question = Question {
        index: 0,
        claimed: Bounded::new(vec![0; 4]).expect("few bytes"),
    };
    for length in [4, 15, 16, 17, 1024] {
        // The digest commits to these bytes, though no tensor of four numbers has them.
        let mut operand = given(DataType::Float32, &[4]);
        operand.tensor.root = tensor_tree_root::<Blake2b>(&vec![0; length]);
        let bytes = Bounded::new(vec![0; length]).expect("one chunk");
        operand.chunks.chunks = Bounded::new(vec![Chunk { index: 0, bytes }]).expect("one");
        let (claim, opening, proof) = model(&node(Operator::Relu, vec![Value::Input(0)]), &[operand]);
        let output = output(DataType::Float32, &[4]);
        let opened = open_operator::<Blake2b>(&claim, &[], 1, &opening, &output).expect("it fits");
        let expected = if length == 16 {
            Ok(Verdict::Right)
        } else {
            Err(JudgeError::Chunks { operand: 0 })
        };
        assert_eq!(judge::<Blake2b>(&[], &opened, &output, &proof, &question), expected);
    }
}

/// A graph of one rectifier, with a second entry in its list that is the hash of nothing, whose output the graph gives.
fn half_a_graph() -> (Graph, [Digest; 2]) {
    let graph = Graph {
        symbols: vec![],
        inputs: vec![Input {
            name: "x".into(),
            dtype: DataType::Float32,
            dimensions: vec![Dimension::Fixed(1)],
            range: None,
        }],
        weights: vec![],
        nodes: vec![node(Operator::Relu, vec![Value::Input(0)])],
        outputs: vec![Output {
            name: "y".into(),
            value: Value::Node(1),
        }],
    };
    let relu = domain_hash::<Blake2b>(&GRAPH_NODE_DOMAIN, &[&graph.nodes[0].encode()]);
    (graph, [relu, [0xee; 32]])
}

#[test]
fn nobody_who_claims_a_model_with_an_entry_that_is_no_node_can_open_it() {
    let (graph, entries) = half_a_graph();
    let one = 1f32.to_le_bytes();
    let input = TensorOpening {
        dtype: DataType::Float32,
        shape: shape(&[1]),
        root: tensor_tree_root::<Blake2b>(&one),
    };
    let first = tensor_digest::<Blake2b>(DataType::Float32, &[1], &one);
    for lie in [0f32, 2.0, f32::INFINITY] {
        let output = TensorOpening {
            root: tensor_tree_root::<Blake2b>(&lie.to_le_bytes()),
            ..input.clone()
        };
        let trace = [first, output.digest::<Blake2b>()];
        let claim = Claim {
            model: ModelHead {
                operators: 2,
                nodes_root: Tree::List.fold::<Blake2b>(&entries),
                weights_root: [5; 32],
            },
            kind: ModelKind::Plain,
            input_digest: list_digest::<Blake2b>(&[first]),
            output_digest: list_digest::<Blake2b>(&trace[1..]),
            trace_digest: list_digest::<Blake2b>(&trace),
        };
        // Its trace opens, since nothing of the graph's nodes is looked at.
        let source = Membership::of::<Blake2b>(&trace, 1).expect("the second entry");
        let outputs = Bounded::new(vec![OutputEntry {
            digest: trace[1],
            source,
        }]);
        let outputs = outputs.expect("one");
        assert_eq!(
            open_outputs::<Blake2b>(&claim, &[graph.outputs[0].value], &outputs),
            Ok(())
        );
        // The challenger points at the operator, and whatever the worker opens there is not the entry.
        for operator in [Operator::Relu, Operator::Reshape { dimensions: vec![] }] {
            let opening = OperatorOpening {
                node: Bounded::new(node(operator, vec![Value::Node(0)]).encode()).expect("a small node"),
                path: Tree::List.path::<Blake2b>(&entries, 1).expect("the second entry"),
                operands: Bounded::new(vec![OperandOpening {
                    tensor: input.clone(),
                    membership: Membership::of::<Blake2b>(&trace, 0).expect("the first entry"),
                }])
                .expect("one"),
            };
            let opened = open_operator::<Blake2b>(&claim, &[], 1, &opening, &output);
            assert_eq!(opened, Err(JudgeError::Operator));
        }
    }
}
