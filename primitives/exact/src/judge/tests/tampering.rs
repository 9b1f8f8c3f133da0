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
        let (claim, bytes) = (execution.claim(), proof.encode());
        assert_eq!(execution.judge(&claim, node, &proof, &question), Ok(Verdict::Right));
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << random.below(8);
            if let Ok(proof) = Proof::decode_all(&mut changed.as_slice()) {
                let verdict = execution.judge(&claim, node, &proof, &question);
                assert!(verdict.is_err(), "byte {position} of {}: {verdict:?}", bytes.len());
            }
            assert!(Proof::decode_all(&mut &bytes[..position]).is_err());
        }
    }
}

#[test]
fn any_changed_byte_of_the_openings_of_a_trace_is_refused() {
    let mut random = Random(9);
    for _ in 0..20 {
        let execution = graphs::execution(&mut random, 5);
        let (claim, openings) = (execution.claim(), execution.openings());
        let symbols = openings
            .prove_symbols::<Blake2b>(&execution.inputs)
            .expect("a small model");
        let outputs = openings.prove_outputs::<Blake2b>().expect("a small model");
        let bytes = (&symbols, &outputs).encode();
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << random.below(8);
            if let Ok((symbols, outputs)) = <(SymbolsProof, _)>::decode_all(&mut changed.as_slice()) {
                let opened = open_symbols::<Blake2b>(&claim, &symbols)
                    .and_then(|_| open_outputs::<Blake2b>(&claim, &symbols, &outputs));
                assert!(opened.is_err(), "byte {position} of {}", bytes.len());
            }
        }
    }
}

#[test]
fn proof_of_another_place_model_input_or_trace_is_refused() {
    let mut random = Random(10);
    for _ in 0..60 {
        let (execution, node, proof, question) = case(&mut random);
        let claim = execution.claim();
        for other in (0..execution.nodes.len() + 3).filter(|other| *other != node) {
            assert!(execution.judge(&claim, other, &proof, &question).is_err());
        }
        let another = Claim {
            model_root: [1; 32],
            ..claim.clone()
        };
        assert_eq!(
            execution.judge(&another, node, &proof, &question),
            Err(JudgeError::Model)
        );
        let another = Claim {
            input_digest: [1; 32],
            trace_digest: [1; 32],
            ..claim.clone()
        };
        let wiring = &execution.graph.graph().nodes[node].inputs;
        let operand = wiring.iter().position(|value| !matches!(value, Value::Weight(_)));
        let expected = match operand {
            Some(operand) => Err(JudgeError::Membership {
                operand: operand as u32,
            }),
            None => Ok(Verdict::Right),
        };
        assert_eq!(execution.judge(&another, node, &proof, &question), expected);
    }
}

#[test]
fn chunk_too_many_or_too_few_is_refused() {
    let mut random = Random(12);
    let mut tried = 0;
    for _ in 0..200 {
        let (execution, node, proof, question) = case(&mut random);
        let claim = execution.claim();
        let mut fewer = proof.clone();
        let mut operands = fewer.operands.into_inner();
        let Some(operand) = operands.iter().position(|operand| !operand.chunks.is_empty()) else {
            continue;
        };
        operands[operand].chunks = Bounded::default();
        operands[operand].proof = Bounded::default();
        fewer.operands = Bounded::new(operands).expect("as many as before");
        let verdict = execution.judge(&claim, node, &fewer, &question);
        assert!(
            matches!(verdict, Err(JudgeError::Element(ElementError::Closed { .. }))),
            "{verdict:?}"
        );
        let header = header_question(&execution.nodes[node]);
        let verdict = execution.judge(&claim, node, &proof, &header);
        assert_eq!(
            verdict,
            Err(JudgeError::Superfluous {
                operand: operand as u32
            })
        );
        tried += 1;
    }
    assert!(tried > 50);
}

#[test]
fn random_bytes_never_panic() {
    let mut random = Random(13);
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..random.below(200)).map(|_| random.next() as u8).collect();
        let (proof, question) = (
            Proof::decode_all(&mut bytes.as_slice()),
            Question::decode_all(&mut bytes.as_slice()),
        );
        let _ = (proof, question, SymbolsProof::decode_all(&mut bytes.as_slice()));
    }
}

#[test]
fn element_past_the_end_and_missing_symbols_are_refused() {
    let mut random = Random(14);
    for _ in 0..40 {
        let (execution, node, proof, question) = case(&mut random);
        let Question::Element {
            dtype, shape, claimed, ..
        } = question
        else {
            unreachable!("the case asks about an element");
        };
        let count = shape.iter().map(|d| u64::from(*d)).product::<u64>();
        for index in [count, u64::MAX] {
            let question = Question::Element {
                dtype,
                shape: shape.clone(),
                index,
                claimed: claimed.clone(),
            };
            assert_eq!(
                execution.judge(&execution.claim(), node, &proof, &question),
                Err(JudgeError::NoElement)
            );
        }
    }
}

#[test]
fn symbols_follow_from_the_inputs_and_from_nothing_else() {
    let mut random = Random(15);
    for _ in 0..20 {
        let execution = graphs::execution(&mut random, 3);
        let claim = execution.claim();
        let proof = execution
            .openings()
            .prove_symbols::<Blake2b>(&execution.inputs)
            .expect("few inputs");
        assert_eq!(
            open_symbols::<Blake2b>(&claim, &proof),
            Ok(execution.trace.symbols.clone())
        );
        let bytes = proof.encode();
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << random.below(8);
            if let Ok(proof) = SymbolsProof::decode_all(&mut changed.as_slice()) {
                assert!(open_symbols::<Blake2b>(&claim, &proof).is_err(), "byte {position}");
            }
        }
    }
}
