//! The encoding of proofs and questions, and bytes that are refused.

use super::{Cases, Trial, claim, openings, render};
use crate::{Blake2b, json::Json, render::bytes};
use assay_adversary::graphs::random;
use assay_exact::{
    graph::MAX_NODE_BYTES,
    judge::{MAX_CHUNKS, MAX_PROOF, Proof, Question, SymbolsProof},
    tree::MAX_PATH,
};
use assay_player::Execution;
use codec::{Compact, DecodeAll, Encode};

pub fn add(cases: &mut Cases) {
    let execution = random(&mut cases.random, 4);
    let symbols = openings(&execution)
        .prove_symbols::<Blake2b>(execution.inputs())
        .expect("few inputs");
    let (element, header) = (Trial::element(&execution, 3, 0), Trial::header(&execution, 3));
    assert_eq!(element.claim, claim(&execution));
    encode(
        cases,
        "SymbolsProof",
        render::symbols_proof(&symbols),
        &symbols.encode(),
    );
    for trial in [&element, &header] {
        encode(cases, "Proof", render::proof(&trial.proof), &trial.proof.encode());
        encode(
            cases,
            "Question",
            render::question(&trial.question),
            &trial.question.encode(),
        );
    }
    for (kind, encoded) in [
        ("Proof", element.proof.encode()),
        ("Question", element.question.encode()),
        ("Question", header.question.encode()),
        ("SymbolsProof", symbols.encode()),
    ] {
        decode(cases, kind, &encoded);
        decode(cases, kind, &encoded[..encoded.len() - 1]);
        decode(cases, kind, &[&encoded[..], &[0]].concat());
        decode(cases, kind, &[]);
    }
    questions(cases);
    bounds(cases);
}

fn encode(cases: &mut Cases, kind: &'static str, value: Json, encoded: &[u8]) {
    let fields = vec![("type", kind.into()), ("value", value), ("encoded", bytes(encoded))];
    cases.add("encode", "encode", fields);
}

fn decode(cases: &mut Cases, kind: &'static str, encoded: &[u8]) {
    let mut rest = encoded;
    let value = match kind {
        "Proof" => Proof::decode_all(&mut rest).ok().map(|proof| render::proof(&proof)),
        "Question" => Question::decode_all(&mut rest)
            .ok()
            .map(|question| render::question(&question)),
        _ => SymbolsProof::decode_all(&mut rest)
            .ok()
            .map(|proof| render::symbols_proof(&proof)),
    };
    let fields = vec![
        ("type", kind.into()),
        ("encoded", bytes(encoded)),
        ("value", value.unwrap_or(Json::Null)),
    ];
    cases.add("decode", "decode", fields);
}

/// Questions of a kind and of types that there are not, and with too many dimensions or too many bytes.
fn questions(cases: &mut Cases) {
    let header = |kind: u8, dtype: u8, rank: u32| {
        let dimensions = vec![1u32; rank as usize];
        [vec![kind, dtype], dimensions.encode()].concat()
    };
    for (kind, dtype, rank) in [(0, 5, 8), (0, 6, 1), (2, 0, 1), (0, 0, 9), (0, 0, 0)] {
        decode(cases, "Question", &header(kind, dtype, rank));
    }
    for claimed in [0, 8, 9] {
        let encoded = [header(1, 0, 1), u64::MAX.encode(), vec![1u8; claimed].encode()].concat();
        decode(cases, "Question", &encoded);
    }
}

/// Proofs of which a list has as many elements as it may have, or one more.
fn bounds(cases: &mut Cases) {
    let model = (1u32, [[0u8; 32]; 3]).encode();
    let list = |elements: u32, element: &[u8]| [Compact(elements).encode(), element.repeat(elements as usize)].concat();
    let digest = [7u8; 32];
    let (chunk, operand) = ((1u64, Vec::<u8>::new()).encode(), operand_start());
    let no_operands = || Compact(0u32).encode();
    for more in [0, 1] {
        let node = list(MAX_NODE_BYTES + more, &[1]);
        decode(
            cases,
            "Proof",
            &[model.clone(), node, list(0, &[]), no_operands()].concat(),
        );
        let path = list(MAX_PATH + more, &digest);
        decode(
            cases,
            "Proof",
            &[model.clone(), list(0, &[]), path.clone(), no_operands()].concat(),
        );
        let one = |membership: Vec<u8>, chunks: Vec<u8>, proof: Vec<u8>| {
            let operands = [Compact(1u32).encode(), operand.clone(), membership, chunks, proof].concat();
            [model.clone(), list(0, &[]), list(0, &[]), operands].concat()
        };
        let count = 3u32.encode();
        let member = || [count.clone(), list(0, &[])].concat();
        decode(
            cases,
            "Proof",
            &one([count.clone(), path].concat(), list(0, &[]), list(0, &[])),
        );
        decode(
            cases,
            "Proof",
            &one(member(), list(MAX_CHUNKS + more, &chunk), list(0, &[])),
        );
        decode(
            cases,
            "Proof",
            &one(member(), list(0, &[]), list(MAX_PROOF + more, &digest)),
        );
        let chunk = [1u64.encode(), list(1024 + more, &[2])].concat();
        decode(cases, "Proof", &one(member(), list(1, &chunk), list(0, &[])));
        let inputs = list(16 + more, &operand);
        decode(
            cases,
            "SymbolsProof",
            &[model.clone(), list(0, &[]), list(0, &[]), inputs].concat(),
        );
    }
}

/// Type, shape and root of an operand or an input.
fn operand_start() -> Vec<u8> {
    [vec![0], vec![1u32].encode(), vec![9; 32]].concat()
}
