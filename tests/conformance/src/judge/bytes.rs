//! The encoding of openings, proofs, questions and parts of models, and bytes that are refused.

use super::{Cases, Trial, bounded, render};
use crate::{Blake2b, drawn::random, json::Json, parts, render::bytes};
use assay_exact::{
    graph::{MAX_NODE_BYTES, MAX_OPERANDS, MAX_RANK, MAX_SYMBOLS, MAX_TENSORS},
    judge::{MAX_CHUNKS, MAX_PROOF, OperatorOpening, OutputEntry, Proof, Question, TensorOpening},
    model::{MAX_TERMS, ModelParts, ValueRange},
    quantise::Precision,
    tree::MAX_PATH,
};
use codec::{Compact, DecodeAll, Encode};

pub fn add(cases: &mut Cases) {
    let execution = random(&mut cases.random, 4);
    let last = execution.nodes.len() as u32 - 1;
    let trial = Trial::new(&execution, last, 0);
    let entries = execution.openings().prove_outputs::<Blake2b>().expect("few outputs");
    let mut parts = ModelParts::new::<Blake2b>(&execution.graph, [1; 32], Precision::Int8, [2; 32]);
    let parts = parts.as_mut().expect("the graph is small");
    let mut inputs = parts.schema.inputs.to_vec();
    inputs[0].range = Some(ValueRange { min: -1, max: 255 });
    parts.schema.inputs = bounded(inputs);
    for (kind, encoded) in [
        ("OperatorOpening", trial.opening.encode()),
        ("TensorOpening", trial.output.encode()),
        ("Proof", trial.proof.encode()),
        ("Question", trial.question.encode()),
        ("OutputEntry", entries[0].encode()),
        ("ModelParts", parts.encode()),
    ] {
        let value = value(kind, &encoded).expect("it was just encoded");
        let fields = vec![("type", kind.into()), ("value", value), ("encoded", bytes(&encoded))];
        cases.add("encode", "encode", fields);
        decode(cases, kind, &encoded);
        decode(cases, kind, &encoded[..encoded.len() - 1]);
        decode(cases, kind, &[&encoded[..], &[0]].concat());
        decode(cases, kind, &[]);
    }
    tensors(cases);
    for more in [0, 1] {
        proofs(cases, more);
        openings(cases, more);
        models(cases, more);
    }
    variants(cases, parts);
}

/// The value that the bytes encode; `None` if they are refused.
fn value(kind: &str, encoded: &[u8]) -> Option<Json> {
    fn decoded<T: DecodeAll>(mut encoded: &[u8], of: impl FnOnce(&T) -> Json) -> Option<Json> {
        T::decode_all(&mut encoded).ok().map(|value| of(&value))
    }
    match kind {
        "OperatorOpening" => decoded::<OperatorOpening>(encoded, render::opening),
        "TensorOpening" => decoded::<TensorOpening>(encoded, render::tensor),
        "Proof" => decoded::<Proof>(encoded, render::proof),
        "Question" => decoded::<Question>(encoded, render::question),
        "OutputEntry" => decoded::<OutputEntry>(encoded, render::output),
        "ModelParts" => decoded::<ModelParts>(encoded, parts::parts),
        _ => unreachable!("{kind} is no kind of opening"),
    }
}

fn decode(cases: &mut Cases, kind: &'static str, encoded: &[u8]) {
    let fields = vec![
        ("type", kind.into()),
        ("encoded", bytes(encoded)),
        ("value", value(kind, encoded).unwrap_or(Json::Null)),
    ];
    cases.add("decode", "decode", fields);
}

/// As many elements, all of them these bytes, as SCALE of a list.
fn list(elements: u32, element: &[u8]) -> Vec<u8> {
    [Compact(elements).encode(), element.repeat(elements as usize)].concat()
}

/// Tensors of types that there are not, and with too many dimensions; and questions with too many bytes.
fn tensors(cases: &mut Cases) {
    for (dtype, rank) in [(5, 8), (6, 1), (0, 9), (0, 0)] {
        let encoded = [vec![dtype], vec![1u32; rank].encode(), vec![9; 32]].concat();
        decode(cases, "TensorOpening", &encoded);
    }
    for claimed in [0, 8, 9] {
        let encoded = [u64::MAX.encode(), vec![1u8; claimed].encode()].concat();
        decode(cases, "Question", &encoded);
    }
}

/// Proofs of which a list has as many elements as it may have, or one more.
fn proofs(cases: &mut Cases, more: u32) {
    let chunk = (1u64, Vec::<u8>::new()).encode();
    let one = |chunks: Vec<u8>, proof: Vec<u8>| [list(1, &[]), chunks, proof].concat();
    let none = || list(0, &[]);
    decode(cases, "Proof", &list(MAX_OPERANDS + more, &[0, 0]));
    decode(cases, "Proof", &one(list(MAX_CHUNKS + more, &chunk), none()));
    decode(cases, "Proof", &one(none(), list(MAX_PROOF + more, &[7; 32])));
    let chunk = [1u64.encode(), list(1024 + more, &[2])].concat();
    decode(cases, "Proof", &one(list(1, &chunk), none()));
}

/// The same of operators and outputs.
fn openings(cases: &mut Cases, more: u32) {
    let path = list(MAX_PATH + more, &[7; 32]);
    let none = || list(0, &[]);
    let tensor = [vec![0], vec![1u32].encode(), vec![9; 32]].concat();
    let operand = |path: &[u8]| [&tensor[..], &3u32.encode(), path].concat();
    for (node, path, operands) in [
        (list(MAX_NODE_BYTES + more, &[1]), none(), none()),
        (none(), path.clone(), none()),
        (none(), none(), list(MAX_OPERANDS + more, &operand(&none()))),
        (none(), none(), list(1, &operand(&path))),
    ] {
        decode(cases, "OperatorOpening", &[node, path, operands].concat());
    }
    decode(cases, "OutputEntry", &[vec![8; 32], 3u32.encode(), path].concat());
}

/// The same of parts of models.
fn models(cases: &mut Cases, more: u32) {
    let none = || list(0, &[]);
    let terms = || list(MAX_TERMS as u32 + more, &[1; 16]);
    let symbol = |name: u32| [list(name, b"n"), vec![1; 8]].concat();
    let tensor = |name: u32, rank: u32| [list(name, b"n"), vec![3], list(rank, &[1, 0]), vec![0]].concat();
    let start = [vec![1, 0, 0, 0], vec![2, 0, 0, 0], vec![3; 64]].concat();
    let tensors = MAX_TENSORS as u32 + more;
    for [outputs, symbols, takes, gives, work, trace] in [
        [list(tensors, &[0, 1, 0]), none(), none(), none(), none(), none()],
        [
            none(),
            list(MAX_SYMBOLS as u32 + more, &symbol(0)),
            none(),
            none(),
            none(),
            none(),
        ],
        [none(), list(1, &symbol(64 + more)), none(), none(), none(), none()],
        [none(), none(), list(tensors, &tensor(1, 0)), none(), none(), none()],
        [none(), none(), none(), list(tensors, &tensor(1, 0)), none(), none()],
        [none(), none(), list(1, &tensor(64 + more, 0)), none(), none(), none()],
        [
            none(),
            none(),
            list(1, &tensor(0, MAX_RANK as u32 + more)),
            none(),
            none(),
            none(),
        ],
        [none(), none(), none(), none(), terms(), none()],
        [none(), none(), none(), none(), none(), terms()],
    ] {
        let parts = [
            start.clone(),
            outputs,
            symbols,
            takes,
            gives,
            vec![1],
            work,
            trace,
            vec![4; 32],
        ];
        decode(cases, "ModelParts", &parts.concat());
    }
}

/// Parts with one byte that names a variant changed, and one that says whether there is a range.
fn variants(cases: &mut Cases, parts: &ModelParts) {
    let encoded = parts.encode();
    let end = 4 + 4 + 64 + parts.outputs.encode().len() + parts.schema.symbols.encode().len();
    let input = &parts.schema.inputs[0];
    let dtype = end + 1 + input.name.encode().len();
    let range = dtype + 1 + input.dimensions.encode().len();
    let precision = end + parts.schema.inputs.encode().len() + parts.schema.outputs.encode().len();
    for (place, byte) in [
        (4 + 4 + 64 + 1, 3),
        (dtype, 5),
        (dtype, 6),
        (dtype + 2, 3),
        (range, 0),
        (range, 2),
        (precision, 1),
        (precision, 2),
    ] {
        let mut changed = encoded.clone();
        changed[place] = byte;
        decode(cases, "ModelParts", &changed);
    }
}
