//! Openings with one thing changed, of which each has its reason.

use super::{Cases, Outputs, Trial, bounded, heads, outputs_of, question, shape};
use crate::{
    Blake2b,
    drawn::{Executed, tensor},
    graphs::build::{N, affine, float, graph},
    random::Random,
};
use assay_exact::{
    digest::{DataType, Digest, list_digest},
    graph::{Binary, Dimension, Operator, Output, Position, Reduction, Value},
    judge::{Chunk, OperandChunks, OperandOpening, OutputEntry, TensorOpening},
    model::Schema,
    quantise::Precision,
    tree::{Tree, chunk_bytes, chunk_leaves},
};

const FLOAT: DataType = DataType::Float32;
/// Nodes of the execution whose openings are changed.
const LINEAR: u32 = 0;
const FILL: u32 = 3;
const ADD: u32 = 4;
const SLICE: u32 = 5;
const SUM: u32 = 6;

pub fn add(cases: &mut Cases) {
    let execution = sample(&mut cases.random);
    operators(cases, &execution);
    memberships(cases, &execution);
    headers(cases, &execution);
    chunks(cases, &execution);
    elements(cases, &execution);
    symbols(cases, &execution);
    outputs(cases, &execution);
}

/// A small model of operators that take inputs, weights and each other, and name a symbol; two take a tensor of three
/// chunks.
fn sample(random: &mut Random) -> Executed {
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
        ("slice", Value::Node(SLICE)),
        ("sum", Value::Node(SUM)),
    ];
    graph.outputs.extend(more.map(|(name, value)| Output {
        name: name.into(),
        value,
    }));
    graph.outputs[0].value = Value::Node(ADD);
    let weights = [&[3, 4][..], &[3], &[600]].map(|shape| tensor(random, FLOAT, shape).canonical());
    let inputs = vec![tensor(random, FLOAT, &[2, 4]), tensor(random, FLOAT, &[])];
    Executed::new(graph, weights.into(), inputs)
}

/// Adds whether the operator opens as it is changed.
fn reopened(cases: &mut Cases, trial: &Trial, change: impl FnOnce(&mut Trial)) {
    let mut trial = trial.clone();
    change(&mut trial);
    cases.open("open_operator changed", &trial);
}

/// Adds whether it opens with one operand changed.
fn reopened_operand(cases: &mut Cases, trial: &Trial, operand: usize, change: impl FnOnce(&mut OperandOpening)) {
    reopened(cases, trial, |trial| {
        let mut operands = trial.opening.operands.to_vec();
        change(&mut operands[operand]);
        trial.opening.operands = bounded(operands);
    });
}

/// Adds what a judge says of the trial as it is changed.
fn changed(cases: &mut Cases, trial: &Trial, change: impl FnOnce(&mut Trial)) {
    let mut trial = trial.clone();
    change(&mut trial);
    cases.judge("judge changed", &trial);
}

/// Adds what a judge says of the trial with the chunks of one operand changed.
fn changed_chunks(cases: &mut Cases, trial: &Trial, change: impl FnOnce(&mut OperandChunks)) {
    changed(cases, trial, |trial| {
        let mut operands = trial.proof.operands.to_vec();
        change(&mut operands[0]);
        trial.proof.operands = bounded(operands);
    });
}

/// A change of a list.
type Change<T> = fn(&mut Vec<T>);

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

fn operators(cases: &mut Cases, execution: &Executed) {
    let trial = Trial::new(execution, LINEAR, 4);
    cases.open("open_operator unchanged", &trial);
    for operators in [0, 1, 6, 8, u32::MAX] {
        reopened(cases, &trial, |trial| trial.claim.model.operators = operators);
    }
    reopened(cases, &trial, |trial| trial.claim.model.nodes_root[31] ^= 128);
    reopened(cases, &trial, |trial| trial.claim.model.weights_root[31] ^= 128);
    // Digests that the operator does not depend on decide nothing.
    reopened(cases, &trial, |trial| {
        (trial.claim.output_digest, trial.claim.trace_digest) = ([0; 32], [0; 32])
    });
    for path in changed_digests(&trial.opening.path) {
        reopened(cases, &trial, |trial| trial.opening.path = bounded(path));
    }
    for place in [0, 8, 9, 12] {
        reopened(cases, &trial, |trial| {
            let mut node = trial.opening.node.to_vec();
            node[place] ^= 1;
            trial.opening.node = bounded(node);
        });
    }
    for operator in [1, 6, 7, u32::MAX] {
        reopened(cases, &trial, |trial| trial.operator = operator);
    }
    let changes: [Change<OperandOpening>; 4] = [
        |operands| operands.truncate(2),
        |operands| operands.push(operands[0].clone()),
        |operands| operands.swap(1, 2),
        |operands| operands.clear(),
    ];
    for change in changes {
        reopened(cases, &trial, |trial| {
            let mut operands = trial.opening.operands.to_vec();
            change(&mut operands);
            trial.opening.operands = bounded(operands);
        });
    }
}

fn memberships(cases: &mut Cases, execution: &Executed) {
    for (trial, operands) in [
        (Trial::new(execution, LINEAR, 4), 3),
        (Trial::new(execution, ADD, 7), 2),
    ] {
        for operand in 0..operands {
            reopened_operand(cases, &trial, operand, |opening| opening.tensor.root[5] ^= 4);
            reopened_operand(cases, &trial, operand, |opening| opening.tensor.dtype = DataType::Int32);
            reopened_operand(cases, &trial, operand, |opening| {
                opening.tensor.shape = shape(&[&opening.tensor.shape[..], &[1]].concat());
            });
            reopened_operand(cases, &trial, operand, |opening| opening.membership.count += 1);
            let path = trial.opening.operands[operand].membership.path.to_vec();
            for path in changed_digests(&path) {
                reopened_operand(cases, &trial, operand, |opening| {
                    opening.membership.path = bounded(path)
                });
            }
        }
        reopened(cases, &trial, |trial| trial.claim.input_digest[0] ^= 1);
        reopened(cases, &trial, |trial| trial.claim.trace_digest[0] ^= 1);
    }
}

/// Outputs of other types and shapes than the operator gives, and other values of the symbol.
fn headers(cases: &mut Cases, execution: &Executed) {
    let trial = Trial::new(execution, ADD, 7);
    for dtype in [DataType::Int32, DataType::Bool] {
        reopened(cases, &trial, |trial| trial.output.dtype = dtype);
    }
    for dimensions in [
        &[4, 4][..],
        &[3, 4],
        &[12],
        &[],
        &[4, 3, 1],
        &[1, 4, 3],
        &[0, 3],
        &[4, u32::MAX],
        &[(1 << 31) + 4, 3],
    ] {
        reopened(cases, &trial, |trial| trial.output.shape = shape(dimensions));
    }
    // The root is the worker's own: an element of it can be proved wrong.
    reopened(cases, &trial, |trial| trial.output.root = [0; 32]);
    // An operator that names a symbol depends on its value.
    let fill = Trial::new(execution, FILL, 5);
    for symbols in [vec![], vec![1], vec![3], vec![1 << 31], vec![0], vec![2, 9]] {
        reopened(cases, &fill, |trial| trial.symbols = symbols);
    }
    for (symbol, rows) in [(1, 2), (3, 6), ((1 << 31) - 1, u32::MAX - 1)] {
        reopened(cases, &fill, |trial| {
            (trial.symbols, trial.output.shape) = (vec![symbol], shape(&[rows, 3]));
        });
    }
}

fn chunks(cases: &mut Cases, execution: &Executed) {
    let one = Trial::new(execution, SLICE, 1);
    let three = Trial::new(execution, SUM, 0);
    for trial in [&one, &three] {
        cases.judge("judge unchanged", trial);
        let proof = trial.proof.operands[0].proof.to_vec();
        for proof in changed_digests(&proof) {
            changed_chunks(cases, trial, |opening| opening.proof = bounded(proof));
        }
    }
    let edit = |opening: &mut OperandChunks, change: Change<Chunk>| {
        let mut chunks = opening.chunks.to_vec();
        change(&mut chunks);
        opening.chunks = bounded(chunks);
    };
    let of_one: [Change<Chunk>; 6] = [
        |chunks| chunks[0].index = 0,
        |chunks| chunks[0].index = 3,
        |chunks| chunks[0].index = u64::MAX,
        |chunks| chunks[0].bytes = bounded(chunks[0].bytes[..1020].to_vec()),
        |chunks| {
            let mut bytes = chunks[0].bytes.to_vec();
            bytes[1023] ^= 1;
            chunks[0].bytes = bounded(bytes);
        },
        |chunks| chunks.clear(),
    ];
    for change in of_one {
        changed_chunks(cases, &one, |opening| edit(opening, change));
    }
    let of_three: [Change<Chunk>; 5] = [
        |chunks| chunks.swap(0, 1),
        |chunks| chunks[1] = chunks[0].clone(),
        |chunks| chunks.truncate(2),
        |chunks| chunks[2].bytes = bounded([&chunks[2].bytes[..], &[0]].concat()),
        |chunks| chunks.clear(),
    ];
    for change in of_three {
        changed_chunks(cases, &three, |opening| edit(opening, change));
    }
    // Without chunks and without their proof, and with a part of them, well proved: the element cannot be read.
    changed_chunks(cases, &one, |opening| reopen(execution, opening, &[]));
    for indices in [&[0][..], &[0, 2], &[1, 2]] {
        changed_chunks(cases, &three, |opening| reopen(execution, opening, indices));
        changed_chunks(cases, &one, |opening| reopen(execution, opening, indices));
    }
    // More chunks than are read, also where what is claimed is wrong, and where the element is not there.
    for claimed in [one.question.claimed.to_vec(), vec![]] {
        changed(cases, &one, |trial| {
            let mut operands = trial.proof.operands.to_vec();
            reopen(execution, &mut operands[0], &[1, 2]);
            trial.proof.operands = bounded(operands);
            trial.question.claimed = bounded(claimed);
        });
    }
    changed(cases, &one, |trial| {
        let mut operands = trial.proof.operands.to_vec();
        reopen(execution, &mut operands[0], &[1, 2]);
        trial.proof.operands = bounded(operands);
        trial.question.index = 2;
    });
}

/// Opens these chunks of the large weight instead, and well.
fn reopen(execution: &Executed, opening: &mut OperandChunks, indices: &[u64]) {
    let bytes = execution.weights[2].bytes();
    let proof = Tree::Chunks.prove::<Blake2b>(&chunk_leaves::<Blake2b>(bytes), indices);
    let chunks = indices.iter().map(|index| Chunk {
        index: *index,
        bytes: bounded(chunk_bytes(bytes, *index).expect("there is the chunk").to_vec()),
    });
    opening.chunks = bounded(chunks.collect());
    opening.proof = bounded(proof.unwrap_or_default());
}

fn elements(cases: &mut Cases, execution: &Executed) {
    let trial = Trial::new(execution, ADD, 7);
    for at in [12, 1 << 40, u64::MAX] {
        changed(cases, &trial, |trial| trial.question.index = at);
    }
    // Another element of the same chunks.
    let output = &execution.nodes[ADD as usize];
    changed(cases, &trial, |trial| trial.question = question(output, 2));
    // The chunks of fewer operands and of more, and those of one in the place of the other's.
    let changes: [Change<OperandChunks>; 4] = [
        |operands| operands.truncate(1),
        |operands| operands.push(OperandChunks::default()),
        |operands| operands.clear(),
        |operands| operands.swap(0, 1),
    ];
    for change in changes {
        changed(cases, &trial, |trial| {
            let mut operands = trial.proof.operands.to_vec();
            change(&mut operands);
            trial.proof.operands = bounded(operands);
        });
    }
    // An operator without operands.
    let fill = Trial::new(execution, FILL, 5);
    cases.judge("judge unchanged", &fill);
    changed(cases, &fill, |trial| {
        trial.proof.operands = bounded(vec![OperandChunks::default()])
    });
}

fn symbols(cases: &mut Cases, execution: &Executed) {
    let schema = Schema::of(&execution.graph).expect("the graph is small");
    let (digest, inputs) = (execution.claim().input_digest, heads(execution));
    let edits: [Change<TensorOpening>; 7] = [
        |_| {},
        |inputs| inputs.truncate(1),
        |inputs| inputs.swap(0, 1),
        |inputs| inputs[0].dtype = DataType::Int32,
        |inputs| inputs[0].shape = shape(&[3, 4]),
        |inputs| inputs[0].root[0] ^= 1,
        |inputs| inputs.push(inputs[1].clone()),
    ];
    // They are not the job's; and the same for a job of which they are.
    for edit in edits {
        let mut inputs = inputs.clone();
        edit(&mut inputs);
        cases.symbols(&schema, &digest, &inputs);
        let digests: Vec<Digest> = inputs.iter().map(TensorOpening::digest::<Blake2b>).collect();
        cases.symbols(&schema, &list_digest::<Blake2b>(&digests), &inputs);
    }
    cases.symbols(&schema, &[0; 32], &inputs);
}

fn outputs(cases: &mut Cases, execution: &Executed) {
    let (claim, outputs) = (execution.claim(), outputs_of(execution));
    let entries = execution.openings().prove_outputs::<Blake2b>().expect("few outputs");
    let mut changed = |change: &dyn Fn(&mut Vec<OutputEntry>)| {
        let mut changed = entries.to_vec();
        change(&mut changed);
        let changed: Outputs = bounded(changed);
        cases.outputs(&claim, &outputs, &changed);
    };
    changed(&|_| {});
    changed(&|entries| entries[0].digest[0] ^= 1);
    changed(&|entries| entries.truncate(3));
    changed(&|entries| entries.push(entries[0].clone()));
    changed(&|entries| entries.swap(0, 1));
    for entry in 0..3 {
        changed(&|entries| entries[entry].source.count += 1);
        for path in changed_digests(&entries[entry].source.path) {
            changed(&|entries| entries[entry].source.path = bounded(path.clone()));
        }
    }
    let mut other = claim.clone();
    other.output_digest[0] ^= 1;
    cases.outputs(&other, &outputs, &entries);
    (other.output_digest, other.trace_digest) = (claim.output_digest, [0; 32]);
    cases.outputs(&other, &outputs, &entries);
    (other.trace_digest, other.model.weights_root) = (claim.trace_digest, [0; 32]);
    cases.outputs(&other, &outputs, &entries);
    for operators in [6, 8] {
        let mut other = claim.clone();
        other.model.operators = operators;
        cases.outputs(&other, &outputs, &entries);
    }
    let mut swapped = outputs.clone();
    swapped.swap(0, 1);
    cases.outputs(&claim, &swapped, &entries);
    cases.outputs(&claim, &outputs[..4], &entries);
}
