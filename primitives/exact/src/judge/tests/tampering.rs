//! Openings that are not what was committed to are refused, whatever was changed in them.

use super::*;
use crate::testing::Random;
use codec::{DecodeAll, Encode};

/// The proof of one element of a random node, with what is asked.
fn case(random: &mut Random) -> (Execution, usize, Proof, Question) {
    let execution = graphs::execution(random, 7);
    let node = random.below(execution.nodes.len() as u64) as usize;
    let truth = &execution.nodes[node];
    let index = random.below((truth.bytes().len() / truth.dtype().size_bytes()).max(1) as u64);
    let openings = execution.openings();
    let proof = openings.prove_element::<Blake2b>(node as u32, &execution.operands(node), index);
    let (proof, question) = (proof.expect("a sound graph"), element_question(truth, index));
    (execution, node, proof, question)
}

#[test]
fn any_changed_byte_of_a_proof_is_refused() {
    let mut random = Random(8);
    for _ in 0..60 {
        let (execution, node, proof, question) = case(&mut random);
        let bytes = proof.encode();
        assert_eq!(execution.judge(node, &proof, &question), Ok(Verdict::Right));
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << random.below(8);
            if let Ok(proof) = Proof::decode_all(&mut changed.as_slice()) {
                let verdict = execution.judge(node, &proof, &question);
                assert!(verdict.is_err(), "byte {position} of {}: {verdict:?}", bytes.len());
            }
            assert!(Proof::decode_all(&mut &bytes[..position]).is_err());
        }
    }
}

#[test]
fn any_changed_byte_of_an_opened_operator_is_refused() {
    let mut random = Random(18);
    for _ in 0..60 {
        let (execution, node, ..) = case(&mut random);
        let (claim, symbols) = (execution.claim(), &execution.trace.symbols);
        let output = head(&execution.nodes[node]);
        let bytes = execution.opening(node).encode();
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << random.below(8);
            if let Ok(opening) = OperatorOpening::decode_all(&mut changed.as_slice()) {
                let opened = open_operator::<Blake2b>(&claim, symbols, node as u32, &opening, &output);
                assert!(opened.is_err(), "byte {position} of {}", bytes.len());
            }
        }
    }
}

#[test]
fn any_changed_byte_of_the_openings_of_a_trace_is_refused() {
    let mut random = Random(9);
    for _ in 0..20 {
        let execution = graphs::execution(&mut random, 5);
        let (claim, schema) = (execution.claim(), execution.schema());
        let inputs: Vec<TensorOpening> = execution.inputs.iter().map(head).collect();
        let outputs = execution.openings().prove_outputs::<Blake2b>().expect("a small model");
        let symbols = open_symbols::<Blake2b>(&schema, ModelKind::Plain, &claim.input_digest, None, &inputs);
        assert_eq!(symbols, Ok(execution.trace.symbols.clone()));
        let bytes = (&inputs, &outputs).encode();
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << random.below(8);
            if let Ok((inputs, outputs)) = <(Vec<TensorOpening>, _)>::decode_all(&mut changed.as_slice()) {
                let opened = open_symbols::<Blake2b>(&schema, ModelKind::Plain, &claim.input_digest, None, &inputs)
                    .and_then(|_| open_outputs::<Blake2b>(&claim, &execution.outputs(), &outputs));
                assert!(opened.is_err(), "byte {position} of {}", bytes.len());
            }
        }
    }
}

#[test]
fn operator_of_another_place_model_input_or_trace_is_refused() {
    let mut random = Random(10);
    for _ in 0..60 {
        let (execution, node, ..) = case(&mut random);
        let (claim, opening, output) = (execution.claim(), execution.opening(node), head(&execution.nodes[node]));
        let open = |claim: &Claim, operator: usize| {
            open_operator::<Blake2b>(claim, &execution.trace.symbols, operator as u32, &opening, &output).map(|_| ())
        };
        for other in (0..execution.nodes.len()).filter(|other| *other != node) {
            assert_eq!(open(&claim, other), Err(JudgeError::Operator));
        }
        assert_eq!(open(&claim, execution.nodes.len()), Err(JudgeError::NoOperator));
        let another = Claim {
            model: ModelHead {
                nodes_root: [1; 32],
                ..claim.model.clone()
            },
            ..claim.clone()
        };
        assert_eq!(open(&another, node), Err(JudgeError::Operator));
        let another = Claim {
            model: ModelHead {
                weights_root: [1; 32],
                ..claim.model.clone()
            },
            input_digest: [1; 32],
            trace_digest: [1; 32],
            ..claim.clone()
        };
        let wiring = &execution.graph.graph().nodes[node].inputs;
        let expected = match wiring.is_empty() {
            false => Err(JudgeError::Membership { operand: 0 }),
            true => Ok(()),
        };
        assert_eq!(open(&another, node), expected);
    }
}

#[test]
fn chunk_too_many_or_too_few_is_refused() {
    let mut random = Random(12);
    let (mut fewer, mut more) = (0, 0);
    for _ in 0..400 {
        let (execution, node, proof, question) = case(&mut random);
        let changed = |operand: usize, chunks: OperandChunks| {
            let mut operands = proof.operands.to_vec();
            operands[operand] = chunks;
            let operands = Bounded::new(operands).expect("as many as before");
            execution.judge(node, &Proof { operands }, &question)
        };
        for (operand, tensor) in execution.operands(node).into_iter().enumerate() {
            if !proof.operands[operand].chunks.is_empty() {
                let verdict = changed(operand, OperandChunks::default());
                assert!(
                    matches!(verdict, Err(JudgeError::Element(ElementError::Closed { .. }))),
                    "{verdict:?}"
                );
                fewer += 1;
            }
            let leaves = crate::tree::chunk_leaves::<Blake2b>(tensor.bytes());
            let all: Vec<u64> = (0..leaves.len() as u64).collect();
            if all.len() == proof.operands[operand].chunks.len() {
                continue;
            }
            let opened = all.iter().map(|index| {
                let bytes = crate::tree::chunk_bytes(tensor.bytes(), *index).expect("there is the chunk");
                Chunk {
                    index: *index,
                    bytes: Bounded::new(bytes.to_vec()).expect("one chunk"),
                }
            });
            let verdict = changed(
                operand,
                OperandChunks {
                    chunks: Bounded::new(opened.collect()).expect("small tensors"),
                    proof: Bounded::new(Tree::Chunks.prove::<Blake2b>(&leaves, &all).expect("all of it"))
                        .expect("none"),
                },
            );
            let operand = operand as u32;
            assert_eq!(verdict, Err(JudgeError::Superfluous { operand }));
            more += 1;
        }
    }
    assert!(fewer > 50 && more > 10, "{fewer} fewer, {more} more");
}

#[test]
fn random_bytes_never_panic() {
    let mut random = Random(13);
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..random.below(200)).map(|_| random.next() as u8).collect();
        let _ = Proof::decode_all(&mut bytes.as_slice());
        let _ = Question::decode_all(&mut bytes.as_slice());
        let _ = OperatorOpening::decode_all(&mut bytes.as_slice());
    }
}

#[test]
fn element_past_the_end_is_refused() {
    let mut random = Random(14);
    for _ in 0..40 {
        let (execution, node, proof, question) = case(&mut random);
        let count = execution.nodes[node]
            .shape()
            .iter()
            .map(|d| u64::from(*d))
            .product::<u64>();
        for index in [count, u64::MAX] {
            let question = Question {
                index,
                ..question.clone()
            };
            assert_eq!(execution.judge(node, &proof, &question), Err(JudgeError::NoElement));
        }
    }
}
