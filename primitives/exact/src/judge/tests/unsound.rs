//! Models that nobody checked before they were registered: a judge refuses what no sound graph has, and never panics.

use super::*;
use crate::{
    digest::{domain_hash, tensor_tree_root},
    graph::Operator,
    testing::Random,
    tree::{Membership, Tree, chunk_size},
};
use alloc::vec;
use codec::Encode;

/// A model of nothing but this node at position 1, whose operands are inputs with these headers, and a claim of it.
fn model(node: &Node, operands: &[OperandOpening]) -> (Claim, Proof) {
    let digest = domain_hash::<Blake2b>(&GRAPH_NODE_DOMAIN, &[&node.encode()]);
    let entries = [[3; 32], [4; 32], digest];
    let model = ModelOpening {
        graph_count: 3,
        graph_list_root: Tree::List.fold::<Blake2b>(&entries),
        weights_root: [5; 32],
        manifest_hash: [6; 32],
    };
    let graph_root = list_digest::<Blake2b>(&entries);
    let inputs = operands.iter();
    let inputs = inputs.map(|operand| tensor_digest_of_root::<Blake2b>(operand.dtype, &operand.shape, &operand.root));
    let inputs: Vec<Digest> = inputs.collect();
    let operands = operands.iter().zip(0..).map(|(operand, index)| OperandOpening {
        membership: Membership::of::<Blake2b>(&inputs, index).expect("an input"),
        ..operand.clone()
    });
    let proof = Proof {
        operator: OperatorOpening {
            node: Bounded::new(node.encode()).expect("a small node"),
            path: Tree::List.path::<Blake2b>(&entries, 2).expect("the third entry"),
        },
        operands: Bounded::new(operands.collect()).expect("few operands"),
        model: model.clone(),
    };
    let claim = Claim {
        model_root: model_root::<Blake2b>(&graph_root, &model.weights_root, &model.manifest_hash),
        input_digest: list_digest::<Blake2b>(&inputs),
        output_digest: [0; 32],
        trace_digest: list_digest::<Blake2b>(&inputs),
    };
    (claim, proof)
}

fn node(operator: Operator, inputs: Vec<Value>) -> Node {
    Node {
        name: "node".into(),
        operator,
        inputs,
        source: "a.py:1".into(),
    }
}

fn operand(dtype: DataType, dimensions: &[u32]) -> OperandOpening {
    OperandOpening {
        dtype,
        shape: shape(dimensions),
        root: [9; 32],
        membership: Membership {
            count: 0,
            path: Bounded::default(),
        },
        chunks: Bounded::default(),
        proof: Bounded::default(),
    }
}

#[test]
fn operator_that_takes_itself_or_a_later_one_is_refused() {
    let question = Question::Header {
        dtype: DataType::Float32,
        shape: shape(&[1]),
    };
    for value in [Value::Node(1), Value::Node(u32::MAX)] {
        let (claim, proof) = model(&node(Operator::Relu, vec![value]), &[operand(DataType::Float32, &[1])]);
        let verdict = judge::<Blake2b>(&claim, &[], 1, &proof, &question);
        assert_eq!(verdict, Err(JudgeError::Wiring { operand: 0 }));
    }
}

#[test]
fn trace_of_another_length_than_the_graph_is_refused() {
    let question = Question::Header {
        dtype: DataType::Float32,
        shape: shape(&[1]),
    };
    for count in 1..5 {
        let operands = vec![operand(DataType::Float32, &[1]); count];
        let (claim, mut proof) = model(&node(Operator::Relu, vec![Value::Node(0)]), &operands);
        proof.operands = Bounded::new(proof.operands[..1].to_vec()).expect("one");
        let expected = if count == 2 {
            Ok(Verdict::Right)
        } else {
            Err(JudgeError::Membership { operand: 0 })
        };
        assert_eq!(judge::<Blake2b>(&claim, &[], 1, &proof, &question), expected);
    }
}

#[test]
fn empty_and_uncountable_operands_are_refused() {
    let question = Question::Header {
        dtype: DataType::Float32,
        shape: shape(&[0]),
    };
    for dimensions in [&[0][..], &[0, u32::MAX, u32::MAX], &[u32::MAX; 2], &[u32::MAX; 8]] {
        let (claim, proof) = model(
            &node(Operator::Relu, vec![Value::Input(0)]),
            &[operand(DataType::Int64, dimensions)],
        );
        let verdict = judge::<Blake2b>(&claim, &[], 1, &proof, &question);
        assert_eq!(verdict, Err(JudgeError::Unsound { operand: 0 }));
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
            let mut opened = operand(DataType::Float32, &dimensions.collect::<Vec<_>>());
            opened.dtype = random.one(&graphs::TYPES);
            // A tensor of one chunk is opened whole, and one of more is not.
            if let Some(size) = chunk_size(opened.dtype, &opened.shape, 0)
                && chunk_size(opened.dtype, &opened.shape, 1).is_none()
            {
                let bytes: Vec<u8> = (0..size).map(|_| random.next() as u8).collect();
                opened.root = tensor_tree_root::<Blake2b>(&bytes);
                let chunk = Chunk {
                    index: 0,
                    bytes: Bounded::new(bytes).expect("one chunk"),
                };
                opened.chunks = Bounded::new(vec![chunk]).expect("one");
            }
            opened
        });
        let operands: Vec<OperandOpening> = operands.collect();
        let inputs = (0..count as u16).map(Value::Input).collect();
        let (claim, proof) = model(&node(operator.clone(), inputs), &operands);
        let symbols = [random.one(&[0, 1, 3, u32::MAX])];
        let judged = |question: &Question| judge::<Blake2b>(&claim, &symbols, 1, &proof, question);
        let layouts: Vec<_> = operands
            .iter()
            .map(|operand| (operand.dtype, &*operand.shape))
            .collect();
        // A dimension that is no number at this value of the symbol is none that a checked graph has.
        let layout = operator
            .resolve(&symbols)
            .map(|resolved| resolved.output_layout(&layouts));
        let Some((dtype, shape)) = layout
            .and_then(Result::ok)
            .and_then(|(dtype, shape)| Some((dtype, Shape::new(shape)?)))
        else {
            let question = Question::Header {
                dtype: DataType::Bool,
                shape: shape(&[]),
            };
            assert!(judged(&question).is_err());
            continue;
        };
        headers += 1;
        for index in [0, 1, random.below(1000), random.next()] {
            let question = Question::Element {
                dtype,
                shape: shape.clone(),
                index,
                claimed: Bounded::default(),
            };
            let verdict = judged(&question);
            assert_ne!(verdict, Ok(Verdict::Right));
            elements += u32::from(verdict.is_ok());
        }
    }
    assert!(
        headers > 5_000 && elements > 2_000,
        "{headers} operators fit, and {elements} elements were computed"
    );
}

#[test]
fn chunk_of_another_length_than_the_shape_says_is_refused() {
    let question = Question::Element {
        dtype: DataType::Float32,
        shape: shape(&[4]),
        index: 0,
        claimed: Bounded::new(vec![0; 4]).expect("few bytes"),
    };
    for length in [4, 15, 16, 17, 1024] {
        // The digest commits to these bytes, though no tensor of four numbers has them.
        let mut opened = operand(DataType::Float32, &[4]);
        opened.root = tensor_tree_root::<Blake2b>(&vec![0; length]);
        let bytes = Bounded::new(vec![0; length]).expect("one chunk");
        opened.chunks = Bounded::new(vec![Chunk { index: 0, bytes }]).expect("one");
        let (claim, proof) = model(&node(Operator::Relu, vec![Value::Input(0)]), &[opened]);
        let expected = if length == 16 {
            Ok(Verdict::Right)
        } else {
            Err(JudgeError::Chunks { operand: 0 })
        };
        assert_eq!(judge::<Blake2b>(&claim, &[], 1, &proof, &question), expected);
    }
}
