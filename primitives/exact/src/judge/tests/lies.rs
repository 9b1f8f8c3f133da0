//! Random lies at random operators of random graphs.

use super::*;
use crate::{
    digest::DataType,
    testing::{Random, long},
};
use alloc::{collections::BTreeSet, vec};

const GRAPHS: usize = 400;

fn graph_count() -> usize {
    if long() { GRAPHS * 50 } else { GRAPHS }
}

/// The tensor with one bit of one element changed, such that the element is another one; `None` if it has no elements.
fn lie(random: &mut Random, truth: &Tensor) -> Option<(Tensor, u64)> {
    let size = truth.dtype().size_bytes();
    let count = truth.bytes().len() / size;
    if count == 0 {
        return None;
    }
    let index = random.below(count as u64);
    let mut bytes = truth.bytes().to_vec();
    let position = index as usize * size + random.below(size as u64) as usize;
    bytes[position] ^= 1 << random.below(8);
    let lie = Tensor::new(truth.dtype(), truth.shape().to_vec(), bytes).expect("as long as before");
    Some((lie, index))
}

#[test]
fn lie_about_an_element_is_found_and_the_truth_confirmed() {
    let mut random = Random(2026);
    let mut seen = BTreeSet::new();
    for _ in 0..graph_count() {
        let execution = graphs::execution(&mut random, 12);
        for _ in 0..4 {
            let node = random.below(execution.nodes.len() as u64) as usize;
            let truth = &execution.nodes[node];
            let Some((lie, index)) = lie(&mut random, truth) else {
                continue;
            };
            seen.insert(execution.graph.graph().nodes[node].operator.name());
            // The worker's trace is right before the lie, which is what the challenger points at, and anything after it.
            let mut lying = execution.trace.clone();
            lying.nodes[node] = lie.digest::<Blake2b>();
            for digest in &mut lying.nodes[node + 1..] {
                *digest = [random.next() as u8; 32];
            }
            let claim = Claim {
                trace_digest: lying.digest::<Blake2b>(),
                ..execution.claim()
            };
            let openings =
                Openings::new::<Blake2b>(execution.graph.graph(), &execution.weight_digests, MANIFEST, &lying);
            let proof = openings.prove_element::<Blake2b>(node as u32, &execution.operands(node), index);
            let proof = proof.expect("the operands are whole");
            let at = index as usize * truth.dtype().size_bytes();
            let bytes = |tensor: &Tensor| tensor.bytes()[at..at + tensor.dtype().size_bytes()].to_vec();
            let ask = |tensor: &Tensor| Question::Element {
                dtype: tensor.dtype(),
                shape: shape(tensor.shape()),
                index,
                claimed: Bounded::new(bytes(tensor)).expect("at most 8 bytes"),
            };
            let computed = Computed::Element { bytes: bytes(truth) };
            assert_eq!(
                execution.judge(&claim, node, &proof, &ask(&lie)),
                Ok(Verdict::Wrong { computed })
            );
            assert_eq!(execution.judge(&claim, node, &proof, &ask(truth)), Ok(Verdict::Right));
            assert_eq!(ask(truth), element_question(truth, index));
        }
    }
    assert!(seen.len() >= 50, "only {seen:?} came up");
}

#[test]
fn every_wrong_header_is_found() {
    let mut random = Random(4);
    for _ in 0..graph_count() / 4 {
        let execution = graphs::execution(&mut random, 8);
        let (claim, openings) = (execution.claim(), execution.openings());
        for (node, truth) in execution.nodes.iter().enumerate() {
            let proof = openings.prove_header::<Blake2b>(node as u32, &execution.operands(node));
            let proof = proof.expect("the operands fit");
            let judged = |question: &Question| execution.judge(&claim, node, &proof, question);
            assert_eq!(judged(&header_question(truth)), Ok(Verdict::Right));
            let computed = Computed::Header {
                dtype: truth.dtype(),
                shape: truth.shape().to_vec(),
            };
            let wrong = Ok(Verdict::Wrong { computed });
            let mut shapes = vec![[truth.shape(), &[1]].concat(), [&[1], truth.shape()].concat()];
            for position in 0..truth.shape().len() {
                for by in [1, u32::MAX, 1 << 31] {
                    let mut changed = truth.shape().to_vec();
                    changed[position] = changed[position].wrapping_add(by);
                    shapes.push(changed);
                }
                let mut changed = truth.shape().to_vec();
                changed.remove(position);
                shapes.push(changed);
            }
            for changed in shapes {
                let (dtype, shape) = (truth.dtype(), shape(&changed));
                assert_eq!(
                    judged(&Question::Header {
                        dtype,
                        shape: shape.clone()
                    }),
                    wrong
                );
                let claimed = Bounded::default();
                assert_eq!(
                    judged(&Question::Element {
                        dtype,
                        shape,
                        index: 0,
                        claimed
                    }),
                    wrong
                );
            }
            for dtype in [DataType::Float32, DataType::Int64, DataType::Bool] {
                let question = Question::Header {
                    dtype,
                    shape: shape(truth.shape()),
                };
                let expected = if dtype == truth.dtype() {
                    &Ok(Verdict::Right)
                } else {
                    &wrong
                };
                assert_eq!(judged(&question), *expected);
            }
        }
    }
}

#[test]
fn wrong_output_and_wrong_number_of_outputs_are_found() {
    let mut random = Random(5);
    for _ in 0..graph_count() / 4 {
        let execution = graphs::execution(&mut random, 6);
        let openings = execution.openings();
        let truth = &execution.trace.outputs;
        let judged = |output: usize, claimed: &[Digest]| {
            let proof = openings
                .prove_output::<Blake2b>(output as u16, claimed)
                .expect("an output");
            let claim = Claim {
                output_digest: list_digest::<Blake2b>(claimed),
                ..execution.claim()
            };
            judge_output::<Blake2b>(&claim, output as u16, &proof)
        };
        for (output, digest) in truth.iter().enumerate() {
            assert_eq!(judged(output, truth), Ok(Verdict::Right));
            let mut claimed = truth.clone();
            claimed[output][3] ^= 4;
            let computed = Computed::Output { digest: *digest };
            assert_eq!(judged(output, &claimed), Ok(Verdict::Wrong { computed }));
        }
        let count = truth.len() as u32;
        let wrong = Ok(Verdict::Wrong {
            computed: Computed::OutputCount { count },
        });
        for claimed in [vec![], truth[1..].to_vec(), [truth.as_slice(), &[[0; 32]]].concat()] {
            assert_eq!(judged(0, &claimed), wrong);
        }
        assert!(openings.prove_output::<Blake2b>(truth.len() as u16, truth).is_err());
    }
}

#[test]
fn trace_can_be_gathered_in_any_order_and_must_be_whole() {
    let mut random = Random(6);
    let execution = graphs::execution(&mut random, 9);
    let builder = || crate::trace::TraceBuilder::<Blake2b>::new(&execution.graph, &execution.inputs).expect("they fit");
    let outputs = evaluate(&execution.graph, &execution.weights, &execution.inputs).expect("a sound graph");
    let (mut all, mut some) = (builder(), builder());
    for (index, node) in execution.nodes.iter().enumerate().rev() {
        all.record(index, node);
        if index != 4 {
            some.record(index, node);
        }
    }
    all.record(99, &execution.nodes[0]);
    assert_eq!(all.finish(&outputs), Ok(execution.trace.clone()));
    assert_eq!(some.finish(&outputs), Err(4));
    let mut other = execution.trace.nodes.clone();
    assert_eq!(execution.trace.first_difference(&other), None);
    other[5][0] ^= 1;
    other[7][0] ^= 1;
    assert_eq!(execution.trace.first_difference(&other), Some(5));
}

#[test]
fn output_is_not_judged_by_a_trace_of_another_length() {
    let mut random = Random(16);
    let execution = graphs::execution(&mut random, 5);
    let mut longer = execution.trace.clone();
    longer.nodes.push([0; 32]);
    for (trace, expected) in [
        (&execution.trace, Ok(Verdict::Right)),
        (&longer, Err(JudgeError::Source)),
    ] {
        let openings = Openings::new::<Blake2b>(execution.graph.graph(), &execution.weight_digests, MANIFEST, trace);
        let proof = openings.prove_output::<Blake2b>(0, &trace.outputs).expect("an output");
        let claim = Claim {
            trace_digest: trace.digest::<Blake2b>(),
            ..execution.claim()
        };
        assert_eq!(judge_output::<Blake2b>(&claim, 0, &proof), expected);
    }
}
