//! Models that nobody checked before they were registered: what no sound graph has, and what a judge says of it.

use super::{Cases, Trial, bounded, shape};
use crate::{
    Blake2b,
    graphs::build::{N, affine, fixed, float, graph},
};
use assay_exact::{
    digest::{DataType, Digest, Hash256, list_digest, model_root, tensor_digest_of_root, tensor_tree_root},
    graph::{GRAPH_DOMAIN, GRAPH_NODE_DOMAIN, Graph, Node, Operator, Unary, Value},
    judge::{
        Chunk, Claim, HeaderOpening, ModelOpening, OperandOpening, OperatorOpening, OutputEntry, Proof, Question,
        SymbolsProof, TensorOpening,
    },
    quantise::Precision,
    tree::{Membership, Tree},
};
use codec::Encode;

const FLOAT: DataType = DataType::Float32;

pub fn add(cases: &mut Cases) {
    wiring(cases);
    unsound(cases);
    misfits(cases);
    wrong_lengths(cases);
    read_as_canonical(cases);
    garbage(cases);
    headers(cases);
}

/// What a graph's list has for these bytes.
fn entry(domain: &[u8; 16], bytes: &[u8]) -> Digest {
    Blake2b::hash(&[domain.as_slice(), bytes].concat())
}

/// A model of nothing but this node at position 1, whose operands are inputs with these headers, and a trace of the
/// same.
fn trial(node: &[u8], operands: &[OperandOpening], question: Question) -> Trial {
    let entries = [[3; 32], [4; 32], entry(&GRAPH_NODE_DOMAIN, node)];
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
    Trial {
        claim: Claim {
            model_root: model_root::<Blake2b>(&graph_root, &model.weights_root, &model.manifest_hash),
            input_digest: list_digest::<Blake2b>(&inputs),
            output_digest: [0; 32],
            trace_digest: list_digest::<Blake2b>(&inputs),
        },
        symbols: vec![2],
        operator: 1,
        proof: Proof {
            operator: OperatorOpening {
                node: bounded(node.to_vec()),
                path: Tree::List.path::<Blake2b>(&entries, 2).expect("the third entry"),
            },
            operands: bounded(operands.collect()),
            model,
        },
        question,
    }
}

fn node(operator: Operator, inputs: Vec<Value>) -> Node {
    Node {
        name: "node".into(),
        operator,
        inputs,
        source: "a.py:1".into(),
    }
}

/// An operand of which no chunk is opened.
fn operand(dtype: DataType, dimensions: &[u32]) -> OperandOpening {
    OperandOpening {
        dtype,
        shape: shape(dimensions),
        root: [9; 32],
        membership: Membership {
            count: 0,
            path: bounded(vec![]),
        },
        chunks: bounded(vec![]),
        proof: bounded(vec![]),
    }
}

fn header(dtype: DataType, dimensions: &[u32]) -> Question {
    Question::Header {
        dtype,
        shape: shape(dimensions),
    }
}

fn wiring(cases: &mut Cases) {
    for value in [Value::Node(1), Value::Node(2), Value::Node(u32::MAX)] {
        let node = node(Operator::Relu, vec![value]).encode();
        cases.judge(
            "judge wiring",
            &trial(&node, &[operand(FLOAT, &[1])], header(FLOAT, &[1])),
        );
    }
    // A trace has as many entries as the model has operators: two.
    for count in 1..4 {
        let node = node(Operator::Relu, vec![Value::Node(0)]).encode();
        let mut trial = trial(&node, &vec![operand(FLOAT, &[1]); count], header(FLOAT, &[1]));
        trial.proof.operands = bounded(trial.proof.operands[..1].to_vec());
        cases.judge("judge trace", &trial);
    }
    // Weights are not those of the model.
    let node = node(Operator::Relu, vec![Value::Weight(0)]).encode();
    cases.judge(
        "judge weight",
        &trial(&node, &[operand(FLOAT, &[1])], header(FLOAT, &[1])),
    );
}

fn unsound(cases: &mut Cases) {
    for dimensions in [
        &[0][..],
        &[0, u32::MAX, u32::MAX],
        &[u32::MAX; 2],
        &[u32::MAX; 8],
        &[1 << 30, 1 << 30],
        &[153_092_023, 92_737, 649_657],
    ] {
        for dtype in [FLOAT, DataType::Int64, DataType::Bool] {
            let node = node(Operator::Unary(Unary::Neg), vec![Value::Input(0)]).encode();
            cases.judge(
                "judge unsound",
                &trial(&node, &[operand(dtype, dimensions)], header(FLOAT, &[1])),
            );
        }
    }
    // The output is larger than a tensor may be, so it has no element; yet it has a header.
    for dimensions in [&[u32::MAX; 3][..], &[1 << 31, 1 << 30]] {
        let expand = Operator::Expand {
            dimensions: fixed(dimensions),
        };
        let node = node(expand, vec![Value::Input(0)]).encode();
        let question = Question::Element {
            dtype: FLOAT,
            shape: shape(dimensions),
            index: 0,
            claimed: bounded(vec![0; 4]),
        };
        for question in [question, header(FLOAT, dimensions)] {
            cases.judge("judge unsound", &trial(&node, &[operand(FLOAT, &[1])], question));
        }
    }
}

/// Operands whose headers do not fit their operator.
fn misfits(cases: &mut Cases) {
    let precision = Precision::Int8;
    let int = DataType::Int64;
    let unfold = Operator::Unfold {
        axis: 0,
        size: 4,
        step: 1,
        dilation: 1,
    };
    let misfits = [
        (Operator::Relu, vec![operand(int, &[1])]),
        (Operator::Relu, vec![operand(FLOAT, &[1]); 2]),
        (
            Operator::Linear { precision },
            vec![operand(FLOAT, &[2, 3]), operand(FLOAT, &[2, 4])],
        ),
        (
            Operator::Linear { precision },
            vec![operand(FLOAT, &[2, 20_000]), operand(FLOAT, &[2, 20_000])],
        ),
        (Operator::Softmax, vec![operand(FLOAT, &[16_385])]),
        (
            Operator::TopK {
                count: 4,
                largest: true,
            },
            vec![operand(FLOAT, &[3])],
        ),
        (
            Operator::Reshape {
                dimensions: vec![N, affine(2, 1)],
            },
            vec![operand(FLOAT, &[9])],
        ),
        (Operator::Permute { axes: vec![0, 0] }, vec![operand(FLOAT, &[1, 1])]),
        (
            Operator::Concat { axis: 0 },
            vec![operand(FLOAT, &[1]), operand(int, &[1])],
        ),
        (
            Operator::Gather { axis: 0 },
            vec![operand(FLOAT, &[1]), operand(FLOAT, &[1])],
        ),
        (unfold, vec![operand(FLOAT, &[3])]),
    ];
    for (operator, operands) in misfits {
        let inputs = (0..operands.len() as u16).map(Value::Input).collect();
        let node = node(operator, inputs).encode();
        cases.judge("judge misfit", &trial(&node, &operands, header(FLOAT, &[1])));
    }
    // At other values of the symbol a reshape fits, has a dimension that is none, or has none.
    for symbol in [vec![4], vec![1], vec![u32::MAX], vec![]] {
        let operator = Operator::Reshape {
            dimensions: vec![N, affine(2, 1)],
        };
        let node = node(operator, vec![Value::Input(0)]).encode();
        let mut trial = trial(&node, &[operand(FLOAT, &[36])], header(FLOAT, &[4, 9]));
        trial.symbols = symbol;
        cases.judge("judge misfit", &trial);
    }
}

/// Chunks that are not as long as the shape says, though the digest commits to them.
fn wrong_lengths(cases: &mut Cases) {
    for length in [0, 4, 15, 16, 17, 1024] {
        let bytes = vec![0; length];
        let mut opened = operand(FLOAT, &[4]);
        opened.root = tensor_tree_root::<Blake2b>(&bytes);
        opened.chunks = bounded(vec![Chunk {
            index: 0,
            bytes: bounded(bytes),
        }]);
        let question = Question::Element {
            dtype: FLOAT,
            shape: shape(&[4]),
            index: 0,
            claimed: bounded(vec![0; 4]),
        };
        let node = node(Operator::Relu, vec![Value::Input(0)]).encode();
        cases.judge("judge length", &trial(&node, &[opened], question));
    }
}

/// Inputs that are not canonical, of which outputs are: only canonical bytes are right.
fn read_as_canonical(cases: &mut Cases) {
    for (dtype, given, canonical) in [
        (FLOAT, &0x8000_0000u32.to_le_bytes()[..], &0u32.to_le_bytes()[..]),
        (FLOAT, &0xff80_0001u32.to_le_bytes(), &0x7fc0_0000u32.to_le_bytes()),
        (DataType::Bool, &[2], &[1]),
    ] {
        let mut opened = operand(dtype, &[1]);
        opened.root = tensor_tree_root::<Blake2b>(given);
        opened.chunks = bounded(vec![Chunk {
            index: 0,
            bytes: bounded(given.to_vec()),
        }]);
        let dimensions = fixed(&[1, 1]);
        let node = node(Operator::Reshape { dimensions }, vec![Value::Input(0)]).encode();
        for claimed in [given, canonical] {
            let question = Question::Element {
                dtype,
                shape: shape(&[1, 1]),
                index: 0,
                claimed: bounded(claimed.to_vec()),
            };
            let opened = std::slice::from_ref(&opened);
            cases.judge("judge canonical", &trial(&node, opened, question));
        }
    }
}

/// Entries of the graph's list that are hashes of no node.
fn garbage(cases: &mut Cases) {
    let good = node(Operator::Relu, vec![Value::Input(0)]).encode();
    let longer = [&good[..], &[0]].concat();
    for bytes in [&[][..], &[0xff; 40], &good[..good.len() - 1], &longer, &good] {
        cases.judge(
            "judge garbage",
            &trial(bytes, &[operand(FLOAT, &[1])], header(FLOAT, &[1])),
        );
    }
}

/// A header alone with a model that commits to it, opened for inputs of these types and shapes.
fn opened_header(header: &[u8], inputs: &[(DataType, &[u32])]) -> (Claim, SymbolsProof) {
    let entries = [entry(&GRAPH_DOMAIN, header), [4; 32]];
    let model = ModelOpening {
        graph_count: 2,
        graph_list_root: Tree::List.fold::<Blake2b>(&entries),
        weights_root: [5; 32],
        manifest_hash: [6; 32],
    };
    let graph_root = list_digest::<Blake2b>(&entries);
    let inputs = inputs.iter().map(|(dtype, dimensions)| TensorOpening {
        dtype: *dtype,
        shape: shape(dimensions),
        root: [9; 32],
    });
    let inputs: Vec<TensorOpening> = inputs.collect();
    let digests = inputs.iter();
    let digests = digests.map(|input| tensor_digest_of_root::<Blake2b>(input.dtype, &input.shape, &input.root));
    let claim = Claim {
        model_root: model_root::<Blake2b>(&graph_root, &model.weights_root, &model.manifest_hash),
        input_digest: list_digest::<Blake2b>(&digests.collect::<Vec<_>>()),
        output_digest: list_digest::<Blake2b>(&[[8; 32]]),
        trace_digest: list_digest::<Blake2b>(&[[8; 32]]),
    };
    let proof = SymbolsProof {
        model,
        header: HeaderOpening {
            header: bounded(header.to_vec()),
            path: Tree::List.path::<Blake2b>(&entries, 0).expect("the first entry"),
        },
        inputs: bounded(inputs),
    };
    (claim, proof)
}

/// Inputs that the graph does not take, headers that are none, and outputs that no checked graph has.
fn headers(cases: &mut Cases) {
    let relu = |inputs: &[_]| graph(inputs, &[], vec![(Operator::Relu, vec![Value::Input(0)])]);
    let square = relu(&[float(&[N, N])]);
    for inputs in [
        &[(FLOAT, &[3, 3][..])][..],
        &[],
        &[(DataType::Int8, &[3, 3])],
        &[(FLOAT, &[3])],
        &[(FLOAT, &[3, 4])],
        &[(FLOAT, &[6, 6])],
        &[(FLOAT, &[0, 0])],
    ] {
        let (claim, proof) = opened_header(&square.header(), inputs);
        cases.symbols(&claim, &proof);
    }
    let (claim, proof) = opened_header(&relu(&[float(&[affine(2, 0)])]).header(), &[(FLOAT, &[4])]);
    cases.symbols(&claim, &proof);
    let header = square.header();
    let longer = [&header[..], &[0]].concat();
    for bytes in [&[][..], &header[..header.len() - 1], &longer] {
        let (claim, proof) = opened_header(bytes, &[(FLOAT, &[3, 3])]);
        cases.symbols(&claim, &proof);
    }
    // The output is the node's, then the input handed through, then a weight that the model does not have.
    for value in [Value::Node(0), Value::Node(1), Value::Input(0), Value::Weight(0)] {
        let mut graph: Graph = square.clone();
        graph.outputs[0].value = value;
        let (claim, proof) = opened_header(&graph.header(), &[(FLOAT, &[3, 3])]);
        let source = Membership {
            count: 1,
            path: bounded(vec![]),
        };
        let outputs = bounded(vec![OutputEntry {
            digest: [8; 32],
            source,
        }]);
        cases.outputs(&claim, &proof, &outputs);
    }
    // The trace has another number of entries than the model has operators.
    let trace = [[8; 32], [7; 32]];
    let (mut claim, proof) = opened_header(&square.header(), &[(FLOAT, &[3, 3])]);
    claim.trace_digest = list_digest::<Blake2b>(&trace);
    let source = Membership::of::<Blake2b>(&trace, 0).expect("the first entry");
    let outputs = bounded(vec![OutputEntry {
        digest: [8; 32],
        source,
    }]);
    cases.outputs(&claim, &proof, &outputs);
}
