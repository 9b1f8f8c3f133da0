//! Openings with one thing changed, of which a judge names each.

use super::{Cases, Outputs, Trial, bounded, claim, element_question, node, openings, shape};
use crate::{
    Blake2b,
    graphs::build::{N, affine, float, graph},
};
use assay_adversary::{InMemory, Random, graphs::tensor};
use assay_exact::{
    digest::{DataType, Digest},
    graph::{Binary, Dimension, Operator, Output, Position, Reduction, Value},
    judge::{Chunk, OperandOpening, Question, SymbolsProof},
    quantise::Precision,
    tree::{Tree, chunk_bytes, chunk_leaves},
};
use assay_player::Execution;

const FLOAT: DataType = DataType::Float32;
/// Nodes of the execution whose openings are changed.
const LINEAR: u32 = 0;
const FILL: u32 = 3;
const ADD: u32 = 4;
const SLICE: u32 = 5;
const SUM: u32 = 6;

pub fn add(cases: &mut Cases) {
    let execution = sample(&mut cases.random);
    model(cases, &execution);
    places(cases, &execution);
    memberships(cases, &execution);
    chunks(cases, &execution);
    elements(cases, &execution);
    symbols(cases, &execution);
    outputs(cases, &execution);
}

/// A small model of operators that take inputs, weights and each other, and name a symbol; two take a tensor of three
/// chunks.
fn sample(random: &mut Random) -> InMemory {
    let precision = Precision::Int8;
    let three = Dimension::Fixed(3);
    let rows = vec![affine(2, 0), three];
    let slice = Operator::Slice {
        axis: 0,
        start: Position::FromStart(300),
        step: 1,
        length: Dimension::Fixed(2),
    };
    let mut graph = graph(
        &[float(&[N, Dimension::Fixed(4)]), float(&[])],
        &[(FLOAT, &[3, 4]), (FLOAT, &[3]), (FLOAT, &[600])],
        vec![
            (
                Operator::Linear { precision },
                vec![Value::Input(0), Value::Weight(0), Value::Weight(1)],
            ),
            (Operator::Softmax, vec![Value::Node(0)]),
            (Operator::Concat { axis: 0 }, vec![Value::Node(1), Value::Node(0)]),
            (
                Operator::Fill {
                    dtype: FLOAT,
                    bits: 0x3f80_0000,
                    dimensions: rows,
                },
                vec![],
            ),
            (Operator::Binary(Binary::Add), vec![Value::Node(2), Value::Node(3)]),
            (slice, vec![Value::Weight(2)]),
            (Operator::Reduce(Reduction::Sum), vec![Value::Weight(2)]),
        ],
    );
    let more = [
        ("probabilities", Value::Node(1)),
        ("bias", Value::Weight(1)),
        ("sum", Value::Node(SUM)),
    ];
    graph.outputs.extend(more.map(|(name, value)| Output {
        name: name.into(),
        value,
    }));
    graph.outputs[0].value = Value::Node(ADD);
    let checked = graph.check().expect("the graph is sound");
    let weights = [&[3, 4][..], &[3], &[600]].map(|shape| tensor(random, FLOAT, shape).canonical());
    let inputs = vec![tensor(random, FLOAT, &[2, 4]), tensor(random, FLOAT, &[])];
    InMemory::new(checked, weights.into(), inputs).expect("a sound graph has a result")
}

/// Adds the trial as it is changed.
fn changed(cases: &mut Cases, trial: &Trial, change: impl FnOnce(&mut Trial)) {
    let mut trial = trial.clone();
    change(&mut trial);
    cases.judge("judge changed", &trial);
}

/// Adds the trial with one operand changed.
fn changed_operand(cases: &mut Cases, trial: &Trial, operand: usize, change: impl FnOnce(&mut OperandOpening)) {
    changed(cases, trial, |trial| {
        let mut operands = trial.proof.operands.to_vec();
        change(&mut operands[operand]);
        trial.proof.operands = bounded(operands);
    });
}

/// Digests with one more, one less, and one bit changed.
fn changed_digests(digests: &[Digest]) -> Vec<Vec<Digest>> {
    let mut all = vec![[digests, &[[1; 32]]].concat()];
    if let Some((_, shorter)) = digests.split_last() {
        let mut other = digests.to_vec();
        other[0][0] ^= 1;
        all.extend([shorter.to_vec(), other]);
    }
    all
}

fn model(cases: &mut Cases, execution: &InMemory) {
    let trial = Trial::element(execution, LINEAR, 4);
    changed(cases, &trial, |trial| trial.claim.model_root[0] ^= 1);
    changed(cases, &trial, |trial| trial.proof.model.graph_count += 1);
    changed(cases, &trial, |trial| trial.proof.model.graph_count = 0);
    changed(cases, &trial, |trial| trial.proof.model.graph_list_root[31] ^= 128);
    changed(cases, &trial, |trial| trial.proof.model.weights_root[31] ^= 128);
    changed(cases, &trial, |trial| trial.proof.model.manifest_hash = [0; 32]);
    // Digests that the question does not depend on decide nothing.
    changed(cases, &trial, |trial| {
        (trial.claim.output_digest, trial.claim.trace_digest) = ([0; 32], [0; 32])
    });
    for path in changed_digests(&trial.proof.operator.path) {
        changed(cases, &trial, |trial| trial.proof.operator.path = bounded(path));
    }
    for place in [0, 8, 9, 12] {
        changed(cases, &trial, |trial| {
            let mut node = trial.proof.operator.node.to_vec();
            node[place] ^= 1;
            trial.proof.operator.node = bounded(node);
        });
    }
}

fn places(cases: &mut Cases, execution: &InMemory) {
    let trial = Trial::element(execution, LINEAR, 4);
    let operators = execution.trace().nodes.len() as u32;
    for operator in [1, operators - 1, operators, u32::MAX] {
        changed(cases, &trial, |trial| trial.operator = operator);
    }
    changed(cases, &trial, |trial| {
        trial.proof.operands = bounded(trial.proof.operands[..2].to_vec())
    });
    changed(cases, &trial, |trial| {
        let operands = [&trial.proof.operands[..], &trial.proof.operands[..1]].concat();
        trial.proof.operands = bounded(operands);
    });
    changed(cases, &trial, |trial| {
        let mut operands = trial.proof.operands.to_vec();
        operands.swap(1, 2);
        trial.proof.operands = bounded(operands);
    });
}

fn memberships(cases: &mut Cases, execution: &InMemory) {
    for (trial, operands) in [
        (Trial::element(execution, LINEAR, 4), 3),
        (Trial::element(execution, ADD, 7), 2),
    ] {
        for operand in 0..operands {
            changed_operand(cases, &trial, operand, |opening| opening.root[5] ^= 4);
            changed_operand(cases, &trial, operand, |opening| opening.dtype = DataType::Int32);
            changed_operand(cases, &trial, operand, |opening| {
                opening.shape = shape(&[&opening.shape[..], &[1]].concat());
            });
            changed_operand(cases, &trial, operand, |opening| opening.membership.count += 1);
            let path = trial.proof.operands[operand].membership.path.to_vec();
            for path in changed_digests(&path) {
                changed_operand(cases, &trial, operand, |opening| {
                    opening.membership.path = bounded(path)
                });
            }
        }
        changed(cases, &trial, |trial| trial.claim.input_digest[0] ^= 1);
        changed(cases, &trial, |trial| trial.claim.trace_digest[0] ^= 1);
    }
}

fn chunks(cases: &mut Cases, execution: &InMemory) {
    let one = Trial::element(execution, SLICE, 1);
    let three = Trial::element(execution, SUM, 0);
    for trial in [&one, &three] {
        cases.judge("judge unchanged", trial);
        let proof = trial.proof.operands[0].proof.to_vec();
        for proof in changed_digests(&proof) {
            changed_operand(cases, trial, 0, |opening| opening.proof = bounded(proof));
        }
    }
    let edit = |opening: &mut OperandOpening, change: &dyn Fn(&mut Vec<Chunk>)| {
        let mut chunks = opening.chunks.to_vec();
        change(&mut chunks);
        opening.chunks = bounded(chunks);
    };
    let of_one: [&dyn Fn(&mut Vec<Chunk>); 6] = [
        &|chunks| chunks[0].index = 0,
        &|chunks| chunks[0].index = 3,
        &|chunks| chunks[0].index = u64::MAX,
        &|chunks| chunks[0].bytes = bounded(chunks[0].bytes[..1020].to_vec()),
        &|chunks| {
            let mut bytes = chunks[0].bytes.to_vec();
            bytes[1023] ^= 1;
            chunks[0].bytes = bounded(bytes);
        },
        &|chunks| chunks.clear(),
    ];
    for change in of_one {
        changed_operand(cases, &one, 0, |opening| edit(opening, change));
    }
    let of_three: [&dyn Fn(&mut Vec<Chunk>); 5] = [
        &|chunks| chunks.swap(0, 1),
        &|chunks| chunks[1] = chunks[0].clone(),
        &|chunks| chunks.truncate(2),
        &|chunks| chunks[2].bytes = bounded([&chunks[2].bytes[..], &[0]].concat()),
        &|chunks| chunks.clear(),
    ];
    for change in of_three {
        changed_operand(cases, &three, 0, |opening| edit(opening, change));
    }
    // Without chunks and without their proof, and with a part of them, well proved: the element cannot be read.
    changed_operand(cases, &one, 0, |opening| reopen(execution, opening, &[]));
    for indices in [&[0][..], &[0, 2], &[1, 2]] {
        changed_operand(cases, &three, 0, |opening| reopen(execution, opening, indices));
        changed_operand(cases, &one, 0, |opening| reopen(execution, opening, indices));
    }
    // A header needs no chunks, neither where it is right nor where it is wrong.
    let header = Trial::header(execution, SLICE);
    changed_operand(cases, &header, 0, |opening| reopen(execution, opening, &[2]));
    changed(cases, &one, |trial| trial.question = header.question.clone());
    changed(cases, &one, |trial| {
        trial.question = Question::Header {
            dtype: DataType::Bool,
            shape: shape(&[]),
        };
    });
}

/// Opens these chunks of the large weight instead, and well.
fn reopen(execution: &InMemory, opening: &mut OperandOpening, indices: &[u64]) {
    let bytes = execution.weights()[2].bytes();
    let proof = Tree::Chunks.prove::<Blake2b>(&chunk_leaves::<Blake2b>(bytes), indices);
    let chunks = indices.iter().map(|index| Chunk {
        index: *index,
        bytes: bounded(chunk_bytes(bytes, *index).expect("there is the chunk").to_vec()),
    });
    opening.chunks = bounded(chunks.collect());
    opening.proof = bounded(proof.unwrap_or_default());
}

fn elements(cases: &mut Cases, execution: &InMemory) {
    let trial = Trial::element(execution, ADD, 7);
    let tensor = node(execution, ADD);
    for at in [12, u64::MAX] {
        changed(cases, &trial, |trial| {
            if let Question::Element { index, .. } = &mut trial.question {
                *index = at;
            }
        });
    }
    // Another element of the same chunks; and one whose header is wrong, which counts whatever its bytes are.
    changed(cases, &trial, |trial| trial.question = element_question(&tensor, 2));
    let mut header = Trial::header(execution, ADD);
    header.question = Question::Element {
        dtype: FLOAT,
        shape: shape(&[4, 4]),
        index: 1 << 40,
        claimed: bounded(vec![]),
    };
    cases.judge("judge changed", &header);
    // An operator that names a symbol depends on its value.
    let fill = Trial::element(execution, FILL, 5);
    for symbols in [vec![], vec![1], vec![3], vec![1 << 31], vec![0], vec![2, 9]] {
        changed(cases, &fill, |trial| trial.symbols = symbols);
    }
}

fn symbols(cases: &mut Cases, execution: &InMemory) {
    let claim = claim(execution);
    let proof = openings(execution)
        .prove_symbols::<Blake2b>(execution.inputs())
        .expect("few inputs");
    let mut changed = |change: &dyn Fn(&mut SymbolsProof)| {
        let mut proof = proof.clone();
        change(&mut proof);
        cases.symbols(&claim, &proof);
    };
    changed(&|proof| proof.model.manifest_hash[0] ^= 1);
    changed(&|proof| proof.model.graph_count = 0);
    for path in changed_digests(&proof.header.path) {
        changed(&|proof| proof.header.path = bounded(path.clone()));
    }
    changed(&|proof| {
        let mut header = proof.header.header.to_vec();
        header[2] ^= 1;
        proof.header.header = bounded(header);
    });
    changed(&|proof| proof.inputs = bounded(proof.inputs[..1].to_vec()));
    let edits: [&dyn Fn(&mut SymbolsProof); 3] = [
        &|proof| change_input(proof, |input| input.dtype = DataType::Int32),
        &|proof| change_input(proof, |input| input.shape = shape(&[3, 4])),
        &|proof| change_input(proof, |input| input.root[0] ^= 1),
    ];
    for edit in edits {
        changed(edit);
    }
    let mut other = claim.clone();
    other.input_digest[0] ^= 1;
    cases.symbols(&other, &proof);
    (other.input_digest, other.model_root) = (claim.input_digest, [0; 32]);
    cases.symbols(&other, &proof);
}

fn change_input(proof: &mut SymbolsProof, change: impl FnOnce(&mut assay_exact::judge::TensorOpening)) {
    let mut inputs = proof.inputs.to_vec();
    change(&mut inputs[0]);
    proof.inputs = bounded(inputs);
}

fn outputs(cases: &mut Cases, execution: &InMemory) {
    let claim = claim(execution);
    let openings = openings(execution);
    let proof = openings
        .prove_symbols::<Blake2b>(execution.inputs())
        .expect("few inputs");
    let outputs = openings.prove_outputs::<Blake2b>().expect("few outputs");
    let mut changed = |change: &dyn Fn(&mut Vec<assay_exact::judge::OutputEntry>)| {
        let mut entries = outputs.to_vec();
        change(&mut entries);
        let entries: Outputs = bounded(entries);
        cases.outputs(&claim, &proof, &entries);
    };
    changed(&|_| {});
    changed(&|entries| entries[0].digest[0] ^= 1);
    changed(&|entries| entries.truncate(3));
    changed(&|entries| entries.push(entries[0].clone()));
    changed(&|entries| entries.swap(0, 1));
    for entry in 0..3 {
        changed(&|entries| entries[entry].source.count += 1);
        for path in changed_digests(&outputs[entry].source.path) {
            changed(&|entries| entries[entry].source.path = bounded(path.clone()));
        }
    }
    let mut other = claim.clone();
    other.output_digest[0] ^= 1;
    cases.outputs(&other, &proof, &outputs);
    (other.output_digest, other.trace_digest) = (claim.output_digest, [0; 32]);
    cases.outputs(&other, &proof, &outputs);
    (other.trace_digest, other.model_root) = (claim.trace_digest, [0; 32]);
    cases.outputs(&other, &proof, &outputs);
    let mut header = proof.clone();
    header.header.path = bounded(vec![]);
    cases.outputs(&claim, &header, &outputs);
}
