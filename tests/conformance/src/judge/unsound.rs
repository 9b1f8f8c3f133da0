//! Models that nobody checked before they were registered: what no sound graph has, and what a judge says of it.

use super::{Cases, Trial, bounded, shape};
use crate::{
    Blake2b,
    graphs::build::{N, affine, fixed, float, graph, schema},
};
use assay_exact::{
    digest::{DataType, Digest, Hash256, list_digest, tensor_tree_root},
    graph::{GRAPH_NODE_DOMAIN, Node, Operator, Unary, Value},
    judge::{
        Chunk, Claim, ModelHead, OperandChunks, OperandOpening, OperatorOpening, OutputEntry, Proof, Question,
        TensorOpening,
    },
    model::ModelKind,
    quantise::Precision,
    tree::{Membership, Tree},
};
use codec::Encode;

const FLOAT: DataType = DataType::Float32;

pub fn add(cases: &mut Cases) {
    wiring(cases);
    unsound(cases);
    huge(cases);
    misfits(cases);
    wrong_lengths(cases);
    read_as_canonical(cases);
    garbage(cases);
    inputs(cases);
    outputs(cases);
}

/// A tensor with its chunks, if it is opened whole.
#[derive(Clone)]
struct Given {
    tensor: TensorOpening,
    chunks: OperandChunks,
}

/// A model of two operators of which this node is the second, whose operands are inputs with these headers, and a trace
/// of the same.
fn trial(node: &[u8], operands: &[Given], output: TensorOpening) -> Trial {
    let digest = Blake2b::hash(&[GRAPH_NODE_DOMAIN.as_slice(), node].concat());
    let entries = [[4; 32], digest];
    let inputs: Vec<Digest> = operands.iter().map(|given| given.tensor.digest::<Blake2b>()).collect();
    let opened = operands.iter().zip(0..).map(|(given, index)| OperandOpening {
        tensor: given.tensor.clone(),
        membership: Membership::of::<Blake2b>(&inputs, index).expect("an input"),
    });
    Trial {
        claim: Claim {
            model: ModelHead {
                operators: 2,
                nodes_root: Tree::List.fold::<Blake2b>(&entries),
                weights_root: [5; 32],
            },
            kind: ModelKind::Plain,
            input_digest: list_digest::<Blake2b>(&inputs),
            output_digest: [0; 32],
            trace_digest: list_digest::<Blake2b>(&inputs),
        },
        symbols: vec![2],
        operator: 1,
        opening: OperatorOpening {
            node: bounded(node.to_vec()),
            path: Tree::List.path::<Blake2b>(&entries, 1).expect("the second entry"),
            operands: bounded(opened.collect()),
        },
        output,
        proof: Proof {
            operands: bounded(operands.iter().map(|given| given.chunks.clone()).collect()),
        },
        question: Question {
            index: 0,
            claimed: bounded(vec![0; 4]),
        },
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

/// A tensor of which no chunk is opened.
fn operand(dtype: DataType, dimensions: &[u32]) -> Given {
    Given {
        tensor: tensor(dtype, dimensions),
        chunks: OperandChunks::default(),
    }
}

/// A tensor of these bytes, in one chunk, that is opened.
fn whole(dtype: DataType, dimensions: &[u32], bytes: &[u8]) -> Given {
    let mut given = operand(dtype, dimensions);
    given.tensor.root = tensor_tree_root::<Blake2b>(bytes);
    given.chunks.chunks = bounded(vec![Chunk {
        index: 0,
        bytes: bounded(bytes.to_vec()),
    }]);
    given
}

/// Type and shape, and the root of nothing.
fn tensor(dtype: DataType, dimensions: &[u32]) -> TensorOpening {
    TensorOpening {
        dtype,
        shape: shape(dimensions),
        root: [9; 32],
    }
}

fn wiring(cases: &mut Cases) {
    let one = || operand(FLOAT, &[1]);
    for value in [Value::Node(1), Value::Node(2), Value::Node(u32::MAX)] {
        let node = node(Operator::Relu, vec![value]).encode();
        cases.open("open_operator wiring", &trial(&node, &[one()], tensor(FLOAT, &[1])));
    }
    // A trace has as many entries as the model has operators: two.
    for count in 1..4 {
        let node = node(Operator::Relu, vec![Value::Node(0)]).encode();
        let mut trial = trial(&node, &vec![one(); count], tensor(FLOAT, &[1]));
        trial.opening.operands = bounded(trial.opening.operands[..1].to_vec());
        cases.open("open_operator trace", &trial);
    }
    // Weights are not those of the model, and there is one input.
    for value in [Value::Weight(0), Value::Input(1)] {
        let node = node(Operator::Relu, vec![value]).encode();
        cases.open("open_operator place", &trial(&node, &[one()], tensor(FLOAT, &[1])));
    }
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
        for dtype in [FLOAT, DataType::Int64, DataType::Int8] {
            let node = node(Operator::Unary(Unary::Neg), vec![Value::Input(0)]).encode();
            let trial = trial(&node, &[operand(dtype, dimensions)], tensor(dtype, dimensions));
            cases.open("open_operator unsound", &trial);
        }
    }
}

/// Outputs of one element, repeated: of more bytes than a tensor may have, and of as many.
fn huge(cases: &mut Cases) {
    for dimensions in [
        &[u32::MAX; 3][..],
        &[1 << 31, 1 << 31, 2],
        &[153_092_023, 92_737, 649_657],
    ] {
        let expand = Operator::Expand {
            dimensions: fixed(dimensions),
        };
        let node = node(expand, vec![Value::Input(0)]).encode();
        let given = whole(DataType::Int8, &[1], &[7]);
        let mut trial = trial(&node, &[given], tensor(DataType::Int8, dimensions));
        cases.open("open_operator huge", &trial);
        if trial.open().is_err() {
            continue;
        }
        let last = i64::MAX as u64 - 1;
        for (index, claimed) in [(last, vec![7]), (last, vec![8]), (last + 1, vec![7])] {
            trial.question.index = index;
            trial.question.claimed = bounded(claimed);
            cases.judge("judge huge", &trial);
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
        cases.open("open_operator misfit", &trial(&node, &operands, tensor(FLOAT, &[1])));
    }
    // At other values of the symbol a reshape fits, has a dimension that is none, or has none.
    for symbol in [vec![4], vec![1], vec![u32::MAX], vec![]] {
        let operator = Operator::Reshape {
            dimensions: vec![N, affine(2, 1)],
        };
        let node = node(operator, vec![Value::Input(0)]).encode();
        let mut trial = trial(&node, &[operand(FLOAT, &[36])], tensor(FLOAT, &[4, 9]));
        trial.symbols = symbol;
        cases.open("open_operator misfit", &trial);
    }
}

/// Chunks that are not as long as the shape says, though the digest commits to them.
fn wrong_lengths(cases: &mut Cases) {
    for length in [0, 4, 15, 16, 17, 1024] {
        let given = whole(FLOAT, &[4], &vec![0; length]);
        let node = node(Operator::Relu, vec![Value::Input(0)]).encode();
        cases.judge("judge length", &trial(&node, &[given], tensor(FLOAT, &[4])));
    }
}

/// Inputs that are not canonical, of which outputs are: only canonical bytes are right.
fn read_as_canonical(cases: &mut Cases) {
    for (dtype, given, canonical) in [
        (FLOAT, &0x8000_0000u32.to_le_bytes()[..], &0u32.to_le_bytes()[..]),
        (FLOAT, &0xff80_0001u32.to_le_bytes(), &0x7fc0_0000u32.to_le_bytes()),
        (DataType::Bool, &[2], &[1]),
    ] {
        let dimensions = fixed(&[1, 1]);
        let node = node(Operator::Reshape { dimensions }, vec![Value::Input(0)]).encode();
        for claimed in [given, canonical] {
            let mut trial = trial(&node, &[whole(dtype, &[1], given)], tensor(dtype, &[1, 1]));
            trial.question.claimed = bounded(claimed.to_vec());
            cases.judge("judge canonical", &trial);
        }
    }
}

/// Entries of the graph that are hashes of no node.
fn garbage(cases: &mut Cases) {
    let good = node(Operator::Relu, vec![Value::Input(0)]).encode();
    let longer = [&good[..], &[0]].concat();
    for bytes in [&[][..], &[0xff; 40], &good[..good.len() - 1], &longer, &good] {
        let trial = trial(bytes, &[operand(FLOAT, &[1])], tensor(FLOAT, &[1]));
        cases.open("open_operator garbage", &trial);
    }
}

/// Inputs that are the job's, and that the schema does not take.
fn inputs(cases: &mut Cases) {
    let square = schema(&graph(&[float(&[N, N])], &[], vec![]));
    let computed = schema(&graph(&[float(&[affine(2, 0)])], &[], vec![]));
    let mut open = |schema, inputs: &[(DataType, &[u32])]| {
        let inputs = inputs.iter().map(|(dtype, dimensions)| tensor(*dtype, dimensions));
        let inputs: Vec<TensorOpening> = inputs.collect();
        let digests: Vec<Digest> = inputs.iter().map(TensorOpening::digest::<Blake2b>).collect();
        cases.symbols(schema, &list_digest::<Blake2b>(&digests), &inputs);
    };
    for inputs in [
        &[(FLOAT, &[3, 3][..])][..],
        &[],
        &[(DataType::Int8, &[3, 3])],
        &[(FLOAT, &[3])],
        &[(FLOAT, &[3, 4])],
        &[(FLOAT, &[6, 6])],
        &[(FLOAT, &[0, 0])],
    ] {
        open(&square, inputs);
    }
    open(&computed, &[(FLOAT, &[4])]);
}

/// Outputs that no checked graph has, and a trace of another length.
fn outputs(cases: &mut Cases) {
    let (first, second) = ([8; 32], [7; 32]);
    let claim = |trace: &[Digest]| Claim {
        model: ModelHead {
            operators: 1,
            nodes_root: [3; 32],
            weights_root: list_digest::<Blake2b>(&[second]),
        },
        kind: ModelKind::Plain,
        input_digest: list_digest::<Blake2b>(&[second]),
        output_digest: list_digest::<Blake2b>(&[first]),
        trace_digest: list_digest::<Blake2b>(trace),
    };
    let entries = |trace: &[Digest]| {
        let source = Membership::of::<Blake2b>(trace, 0).expect("the first entry");
        bounded(vec![OutputEntry { digest: first, source }])
    };
    for value in [
        Value::Node(0),
        Value::Node(1),
        Value::Node(u32::MAX),
        Value::Input(0),
        Value::Weight(0),
        Value::Weight(1),
    ] {
        cases.outputs(&claim(&[first]), &[value], &entries(&[first]));
    }
    cases.outputs(&claim(&[first, second]), &[Value::Node(0)], &entries(&[first, second]));
    cases.outputs(&claim(&[first]), &[], &bounded(vec![]));
    // A weight that is given, and an input: it is only taken where its digest is the output's.
    let mut same = claim(&[second]);
    (same.model.weights_root, same.input_digest) = (same.output_digest, same.output_digest);
    for value in [Value::Weight(0), Value::Input(0), Value::Node(0)] {
        cases.outputs(&same, &[value], &entries(&[first]));
    }
}
